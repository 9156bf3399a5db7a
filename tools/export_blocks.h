#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

namespace callisto::tools {

/// Lines of a file, read in large blocks. Not bounded: who uses it gives up at a line that is
/// longer than an export has.
class BlockLines {
 public:
  BlockLines(const std::string& path, std::uint64_t offset);

  /// False at the end, and at a line above the longest that is read (is_too_long()). Valid until
  /// the next call.
  bool next(std::string_view& line);
  /// Of the line that next() gave.
  std::uint64_t offset() const noexcept { return line_offset_; }
  bool is_too_long() const noexcept { return is_too_long_; }
  /// The disk failed under the reading.
  bool has_failed() const { return file_.bad(); }

 private:
  bool fill();

  std::ifstream file_;
  std::string block_;
  std::size_t used_ = 0;
  std::uint64_t line_offset_ = 0;
  std::uint64_t next_offset_ = 0;
  bool is_too_long_ = false;
};

/// What a line of our export begins with, without parsing it. Whoever reads the line wholly finds
/// out whether it is true.
struct LineHead {
  std::string_view table;
  std::string_view space;  ///< As JSON has it; "" for none.
  std::string_view id;
  std::string_view conversation;  ///< Of messages.
};
/// False where a line does not begin as ours do.
bool read_head(std::string_view line, LineHead& head);

}  // namespace callisto::tools
