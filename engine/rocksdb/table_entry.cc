#include "engine/rocksdb/table_entry.h"

#include <boost/endian/conversion.hpp>

namespace callisto::kv {
namespace {

constexpr std::size_t kTagBytes = 8;
// Kinds of entries, the last byte of a tag.
constexpr std::uint8_t kDeletion = 0;
constexpr std::uint8_t kValue = 1;
constexpr std::uint8_t kSingleDeletion = 7;

}  // namespace

std::optional<TableEntry> make_entry(std::string_view key, std::uint64_t tag,
                                     std::string_view value) noexcept {
  const auto kind = static_cast<std::uint8_t>(tag & 0xff);
  if (kind != kValue && kind != kDeletion && kind != kSingleDeletion) return std::nullopt;
  return TableEntry{
      .key = key, .value = value, .sequence = tag >> 8, .is_deletion = kind != kValue};
}

std::optional<TableEntry> take_entry(const BlockEntries& entries) noexcept {
  std::string_view key = entries.key();
  if (key.size() < kTagBytes) return std::nullopt;
  const std::uint64_t tag = boost::endian::load_little_u64(
      reinterpret_cast<const unsigned char*>(key.data() + key.size() - kTagBytes));
  key.remove_suffix(kTagBytes);
  return make_entry(key, tag, entries.value());
}

}  // namespace callisto::kv
