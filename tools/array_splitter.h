#pragma once

#include <istream>
#include <string>

#include "callisto/result.h"

namespace callisto::tools {

/// Cuts a stream with one JSON array into the texts of its elements, without holding more than one.
/// What an element says is not looked at.
class ArraySplitter {
 public:
  /// Elements above `max_element_bytes` are an error.
  ArraySplitter(std::istream& input, std::size_t max_element_bytes)
      : input_(input), max_element_bytes_(max_element_bytes) {}

  /// The next element in `element`; false after the last. invalid_argument when the stream is no array.
  Result<bool> next(std::string& element);

 private:
  int skip_space();
  Result<void> read_element(std::string& element);

  std::istream& input_;
  std::size_t max_element_bytes_;
  bool is_started_ = false;
};

}  // namespace callisto::tools
