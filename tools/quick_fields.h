#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/fields.h"

namespace callisto::tools {

/// Members of a JSON object on one line, taken as Fields takes them, but found in one pass over the
/// text: for objects without white space, nulls, numbers with a sign or an exponent, and texts with
/// \u escapes. Whatever is not so plain, or not of its type, is not judged: is_done() is false.
/// The text must outlive its use, and so must names.
class QuickFields : public TypedFields<QuickFields> {
 public:
  /// Begins with another object. False where it is not a plain one.
  bool begin(std::string_view object);
  /// Whether each member was taken, as the type that it has.
  bool is_done() const noexcept { return is_plain_ && taken_ == members_.size(); }

  /// "" when absent; no text with escapes.
  std::string_view view(std::string_view name);
  std::string text(std::string_view name);
  std::optional<bool> flag(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t max);
  std::optional<float> real(std::string_view name);
  std::vector<std::string> texts(std::string_view name);
  /// The text of an object or an array as it stands, which is not known to be JSON.
  std::string json(std::string_view name);
  std::vector<JsonView> objects(std::string_view name);

  void fail(std::string_view, const char*) noexcept { is_plain_ = false; }

 private:
  enum class Kind : std::uint8_t { text, escaped, number, flag, json };
  struct Member {
    std::string_view name;
    std::string_view value;  ///< Of a text without its quotes.
    Kind kind = Kind::text;
  };

  /// Few names of a record have the same: what is absent is mostly known without a look.
  static constexpr std::uint64_t mark_of(std::string_view name) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(name[i]); };
    return std::uint64_t{1} << ((name.size() * 7 + at(0) + 3U * at(name.size() - 1)) % 64);
  }
  const Member* take(std::string_view name) {
    return (marks_ & mark_of(name)) != 0 ? find(name) : nullptr;
  }
  const Member* take(std::string_view name, Kind kind);
  const Member* find(std::string_view name);
  bool read_member();
  bool read_value(Member& member);
  bool is_known(std::string_view name) const;

  std::string_view rest_;
  std::vector<Member> members_;
  std::uint64_t marks_ = 0;  ///< Of all members.
  std::size_t taken_ = 0;
  std::size_t next_ = 0;  ///< Behind the last that was taken: they mostly come in order.
  bool is_plain_ = true;
};

}  // namespace callisto::tools
