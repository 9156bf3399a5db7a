#pragma once

#include <cstdint>
#include <istream>
#include <string>

namespace callisto::tools {

/// Lines of a stream, with a bound: a longer line is read to its end but not kept.
class LineReader {
 public:
  LineReader(std::istream& input, std::size_t max_bytes) : input_(input), max_bytes_(max_bytes) {}

  /// False at the end, and when the stream cannot be read on: it is bad() then. The line is without
  /// its "\n" or "\r\n".
  bool next(std::string& line);
  /// Counts from 1.
  std::uint64_t number() const noexcept { return number_; }
  /// Of the line that next() gave.
  bool is_too_long() const noexcept { return is_too_long_; }

 private:
  bool read(std::string& line);

  std::istream& input_;
  std::size_t max_bytes_;
  std::uint64_t number_ = 0;
  bool is_too_long_ = false;
};

}  // namespace callisto::tools
