#pragma once

// The indexes that a space holds, as its row index_set keeps them, and how far work on one has come
// (FORMAT.md section 9).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/stats.h"
#include "engine/kv.h"
#include "schema/ids.h"

namespace callisto::indexes {

/// An index that a space holds. Family and part say where its entries lie, for software that does
/// not know it.
struct HeldIndex {
  schema::IndexId id;
  IndexState state = IndexState::ready;
  kv::Family family = kv::Family::indexes;
  std::uint8_t part = 0;  ///< Of keys among the messages (schema::MessagePart); else 0.
  friend bool operator==(const HeldIndex&, const HeldIndex&) = default;
};

/// Rising by id, each once.
class IndexSet {
 public:
  /// nullopt when the bytes do not parse.
  static std::optional<IndexSet> decode(std::string_view row);
  std::string encode() const;

  const std::vector<HeldIndex>& held() const noexcept { return held_; }
  const HeldIndex* find(schema::IndexId id) const noexcept;
  /// `absent` for one that is not held.
  IndexState state(schema::IndexId id) const noexcept;
  /// Adds it, or replaces what the set says of it.
  void put(const HeldIndex& index);
  void set_state(schema::IndexId id, IndexState state);
  void erase(schema::IndexId id);
  friend bool operator==(const IndexSet&, const IndexSet&) = default;

 private:
  std::vector<HeldIndex> held_;
};

/// Whether an index in that state holds all entries, so that finders may use it.
constexpr bool is_complete(IndexState state) noexcept {
  return state == IndexState::ready || state == IndexState::stale;
}
/// Whether the maintainer keeps its entries.
constexpr bool is_maintained(IndexState state) noexcept {
  return is_complete(state) || state == IndexState::building;
}
/// Whether steps of work on it are left.
constexpr bool is_unfinished(IndexState state) noexcept {
  return state == IndexState::building || state == IndexState::dropping ||
         state == IndexState::stale;
}

/// How far a build or a removal has come.
struct IndexProgress {
  std::uint64_t rows_done = 0;
  std::uint64_t rows_expected = 0;  ///< There were so many at the start.
  std::string resume{};             ///< The key to go on from; empty at the start.
};
std::string encode(const IndexProgress& progress);
std::optional<IndexProgress> decode_progress(std::string_view row);

}  // namespace callisto::indexes
