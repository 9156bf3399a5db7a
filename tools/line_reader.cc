#include "tools/line_reader.h"

namespace callisto::tools {

bool LineReader::next(std::string& line) {
  line.clear();
  is_too_long_ = false;
  try {
    return read(line);
  } catch (const std::ios_base::failure&) {  // A disk that failed, a directory.
    input_.setstate(std::ios_base::badbit);
    return false;
  }
}

bool LineReader::read(std::string& line) {
  bool has_any = false;
  std::streambuf* buffer = input_.rdbuf();
  for (int c = buffer->sbumpc(); c != std::char_traits<char>::eof(); c = buffer->sbumpc()) {
    has_any = true;
    if (c == '\n') break;
    if (line.size() < max_bytes_) {
      line += static_cast<char>(c);
    } else {
      is_too_long_ = true;
    }
  }
  if (!has_any) return false;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  ++number_;
  return true;
}

}  // namespace callisto::tools
