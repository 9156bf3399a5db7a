#include "indexes/index_set.h"

#include <algorithm>
#include <boost/endian/conversion.hpp>

namespace callisto::indexes {

namespace {

constexpr std::size_t kHeldBytes = 5;
constexpr std::size_t kProgressBytes = 16;

const unsigned char* bytes_of(std::string_view row) noexcept {
  return reinterpret_cast<const unsigned char*>(row.data());
}

std::optional<HeldIndex> decode_held(std::string_view bytes) {
  const unsigned char* const at = bytes_of(bytes);
  HeldIndex index{static_cast<schema::IndexId>(boost::endian::load_little_u16(at)),
                  static_cast<IndexState>(at[2]), static_cast<kv::Family>(at[3]), at[4]};
  const bool is_state = index.state <= IndexState::dropping || index.state == IndexState::stale;
  if (!is_state || at[3] >= kv::kFamilyCount) return std::nullopt;
  return index;
}

template <class Held>
auto place_of(Held& held, schema::IndexId id) {
  return std::lower_bound(
      held.begin(), held.end(), id,
      [](const HeldIndex& one, schema::IndexId other) { return one.id < other; });
}

}  // namespace

std::optional<IndexSet> IndexSet::decode(std::string_view row) {
  IndexSet set;
  for (; row.size() >= kHeldBytes; row.remove_prefix(kHeldBytes)) {
    const auto index = decode_held(row.substr(0, kHeldBytes));
    if (!index) return std::nullopt;
    if (!set.held_.empty() && set.held_.back().id >= index->id) return std::nullopt;
    set.held_.push_back(*index);
  }
  if (!row.empty()) return std::nullopt;
  return set;
}

std::string IndexSet::encode() const {
  std::string row(held_.size() * kHeldBytes, '\0');
  auto* at = reinterpret_cast<unsigned char*>(row.data());
  for (const HeldIndex& index : held_) {
    boost::endian::store_little_u16(at, static_cast<std::uint16_t>(index.id));
    at[2] = static_cast<unsigned char>(index.state);
    at[3] = static_cast<unsigned char>(index.family);
    at[4] = index.part;
    at += kHeldBytes;
  }
  return row;
}

const HeldIndex* IndexSet::find(schema::IndexId id) const noexcept {
  const auto place = place_of(held_, id);
  return place == held_.end() || place->id != id ? nullptr : &*place;
}

IndexState IndexSet::state(schema::IndexId id) const noexcept {
  const HeldIndex* const index = find(id);
  return index == nullptr ? IndexState::absent : index->state;
}

void IndexSet::put(const HeldIndex& index) {
  const auto place = place_of(held_, index.id);
  if (place != held_.end() && place->id == index.id) {
    *place = index;
  } else {
    held_.insert(place, index);
  }
}

void IndexSet::set_state(schema::IndexId id, IndexState state) {
  const auto place = place_of(held_, id);
  if (place != held_.end() && place->id == id) place->state = state;
}

void IndexSet::erase(schema::IndexId id) {
  const auto place = place_of(held_, id);
  if (place != held_.end() && place->id == id) held_.erase(place);
}

std::string encode(const IndexProgress& progress) {
  std::string row(kProgressBytes, '\0');
  auto* at = reinterpret_cast<unsigned char*>(row.data());
  boost::endian::store_little_u64(at, progress.rows_done);
  boost::endian::store_little_u64(at + 8, progress.rows_expected);
  return row + progress.resume;
}

std::optional<IndexProgress> decode_progress(std::string_view row) {
  if (row.size() < kProgressBytes) return std::nullopt;
  const unsigned char* const at = bytes_of(row);
  return IndexProgress{boost::endian::load_little_u64(at), boost::endian::load_little_u64(at + 8),
                       std::string(row.substr(kProgressBytes))};
}

}  // namespace callisto::indexes
