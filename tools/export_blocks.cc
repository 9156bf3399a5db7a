#include "tools/export_blocks.h"

#include <cstring>

#include "tools/record_read.h"

namespace callisto::tools {

namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

/// Takes `,"NAME":"TEXT"` off the front of `rest`, the comma only where there is one; a text
/// without escapes.
bool take_text(std::string_view& rest, std::string_view name, std::string_view& text) {
  std::string_view at = rest;
  const auto take = [&](std::string_view token) {
    if (!at.starts_with(token)) return false;
    at.remove_prefix(token.size());
    return true;
  };
  take(",");
  if (!take("\"") || !take(name) || !take("\":\"")) return false;
  const std::size_t end = at.find('"');
  if (end == std::string_view::npos) return false;
  text = at.substr(0, end);
  if (text.find('\\') != std::string_view::npos) return false;
  rest = at.substr(end + 1);
  return true;
}

}  // namespace

BlockLines::BlockLines(const std::string& path, std::uint64_t offset)
    : file_(path, std::ios::binary), next_offset_(offset) {
  file_.seekg(static_cast<std::streamoff>(offset));
}

bool BlockLines::fill() {
  block_.erase(0, used_);
  used_ = 0;
  const std::size_t kept = block_.size();
  block_.resize(kept + kBlockBytes);
  file_.read(block_.data() + kept, static_cast<std::streamsize>(kBlockBytes));
  const auto read = static_cast<std::size_t>(file_.gcount());
  block_.resize(kept + read);
  return read > 0;
}

bool BlockLines::next(std::string_view& line) {
  std::size_t looked_at = 0;
  while (true) {
    const char* const from = block_.data() + used_;
    const std::size_t left = block_.size() - used_;
    const void* const end = std::memchr(from + looked_at, '\n', left - looked_at);
    if (end != nullptr || (left > 0 && file_.eof())) {
      const std::size_t size =
          end != nullptr ? static_cast<std::size_t>(static_cast<const char*>(end) - from) : left;
      const std::size_t taken = size + (end != nullptr ? 1 : 0);
      line = {from, size};
      used_ += taken;
      line_offset_ = next_offset_;
      next_offset_ += taken;
      return true;
    }
    looked_at = left;
    is_too_long_ = left > kMaxLineBytes;
    if (is_too_long_ || (!fill() && block_.empty())) return false;
  }
}

bool read_head(std::string_view line, LineHead& head) {
  head = LineHead();
  if (!line.starts_with('{')) return false;
  line.remove_prefix(1);
  if (!take_text(line, "table", head.table)) return false;
  if (head.table == "spaces") return take_text(line, "name", head.space);
  take_text(line, "space", head.space);
  if (!take_text(line, "id", head.id)) return false;
  // None at all, or nil: such a record gets one.
  if (head.id.find_first_not_of("0-") == std::string_view::npos) return false;
  return head.table != "messages" || take_text(line, "conversation", head.conversation);
}

}  // namespace callisto::tools
