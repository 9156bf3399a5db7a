#pragma once

// A small world for tests of the cache: few keys of every kind that a CacheShape knows, so that
// everything collides.

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cache/state_cache.h"
#include "engine/kv.h"

namespace callisto::kv {

/// Indexes of the shape: entries with two bytes of position, rows, and what is not remembered.
inline constexpr char kListIndex = 1;
inline constexpr char kRowIndex = 2;
inline constexpr char kOtherIndex = 3;
inline constexpr std::size_t kOrderBytes = 2;
/// Head, conversation, part.
inline constexpr std::size_t kRecordListBytes = 8;
inline constexpr char kRecordPart = 1;

/// Of the values of the list index: a bit for each character that is there.
inline std::uint64_t letters_of(std::string_view value) {
  constexpr unsigned kBits = 64;
  std::uint64_t letters = 0;
  for (const char letter : value) {
    letters |= std::uint64_t{1} << (static_cast<unsigned char>(letter) % kBits);
  }
  return letters;
}

inline CacheShape small_shape() {
  CacheShape shape;
  shape.add_list(kListIndex, kOrderBytes, letters_of);
  shape.add_rows(kRowIndex);
  shape.add_records(Family::users);
  shape.add_record_list(Family::messages, kRecordListBytes, kRecordPart);
  return shape;
}

/// Four bytes of a space and two of a number.
inline std::string key_head(char number) { return std::string("\0\0\0\1\0", 5) + number; }
inline std::string list_prefix(char name) { return key_head(kListIndex) + name; }
inline std::string talk_prefix(char talk, char part = kRecordPart) {
  return key_head(4) + talk + part;
}
/// The row that an entry at this position of any list leads to.
inline std::string target_of(std::string_view position) {
  return key_head(5) + std::string(position.substr(0, 1));
}

/// Values that begin so are refused by intact(), as damaged rows are.
inline constexpr char kDamage = '!';
inline bool intact(const Bytes& bytes) {
  return bytes.view().empty() || bytes.view().front() != kDamage;
}

struct KeyOf {
  Family family = Family::users;
  std::string key{};
};

/// Draws keys, bounds and values.
class CacheDice {
 public:
  explicit CacheDice(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  char pick(std::string_view from) { return from[below(from.size())]; }

  /// Positions of lists: two bytes; of messages: one to three.
  std::string position(Family family) {
    std::string position{pick(kAlphabet), pick(kAlphabet)};
    if (family == Family::messages && one_in(4)) position.pop_back();
    if (family == Family::messages && one_in(4)) position.push_back(pick(kAlphabet));
    return position;
  }
  /// A list's prefix.
  KeyOf list() {
    if (one_in(3)) return {Family::messages, talk_prefix(pick("ab"))};
    return {Family::indexes, list_prefix(pick("ab"))};
  }
  KeyOf key() {
    switch (below(6)) {
      case 0:
        return {Family::users, target_of(position(Family::users))};
      case 1:
        return {Family::indexes, key_head(kRowIndex) + pick(kAlphabet)};
      case 2:
        return one_in(2) ? KeyOf{Family::indexes, key_head(kOtherIndex) + pick(kAlphabet)}
                         : KeyOf{Family::messages, talk_prefix(pick("ab"), 0)};
      default: {
        KeyOf of = list();
        of.key += position(of.family);
        return of;
      }
    }
  }
  std::string value() {
    const std::string text(below(20) == 0 ? 600 : below(5), pick("xyz"));
    return one_in(20) ? kDamage + text : std::to_string(below(1000)) + text;
  }

 private:
  static constexpr std::string_view kAlphabet{"\0\1km\xfe\xff", 6};
  std::mt19937_64 random_;
};

}  // namespace callisto::kv
