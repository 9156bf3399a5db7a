#include "engine/rocksdb/table_index.h"

#include <algorithm>
#include <boost/endian/conversion.hpp>
#include <cstring>
#include <limits>
#include <optional>

namespace callisto::kv {
namespace {

constexpr std::string_view kProperties = "rocksdb.properties";
constexpr std::size_t kStride = 64;
constexpr std::size_t kTagBytes = 8;

/// The first eight bytes as a number that compares as they do.
std::uint64_t head_of(std::string_view bytes) noexcept {
  std::uint64_t head = 0;
  std::memcpy(&head, bytes.data(), std::min(bytes.size(), sizeof(head)));
  return boost::endian::big_to_native(head);
}

/// What a table says of itself, as far as it matters here.
struct Properties {
  bool has_partitions = false;
  bool has_plain_keys = false;
  bool has_short_places = false;
  bool is_ours = true;
};

std::uint64_t number_of(std::string_view varint) noexcept {
  return take_varint(varint).value_or(std::numeric_limits<std::uint64_t>::max());
}

void take_property(std::string_view name, std::string_view value, Properties& properties) {
  if (name == "rocksdb.block.based.table.index.type") {
    constexpr char kBinarySearch = 0;
    constexpr char kTwoLevels = 2;
    const char type = value.empty() ? '\x7f' : value.front();
    properties.has_partitions = type == kTwoLevels;
    if (type != kBinarySearch && type != kTwoLevels) properties.is_ours = false;
  } else if (name == "rocksdb.index.key.is.user.key") {
    properties.has_plain_keys = number_of(value) == 1;
  } else if (name == "rocksdb.index.value.is.delta.encoded") {
    properties.has_short_places = number_of(value) == 1;
  } else if (name == "rocksdb.num.range-deletions" || name == "rocksdb.merge.operands") {
    if (number_of(value) != 0) properties.is_ours = false;
  } else if (name == "rocksdb.comparator") {
    if (value != "leveldb.BytewiseComparator") properties.is_ours = false;
  }
}

}  // namespace

/// Reads the index of one file.
class TableIndex::Reader {
 public:
  Reader(const rocksdb::FSRandomAccessFile& file, std::uint64_t file_bytes)
      : file_(file), file_bytes_(file_bytes) {}

  std::unique_ptr<TableIndex> read() {
    // Offsets of blocks are kept in 32 bits.
    if (file_bytes_ > std::numeric_limits<std::uint32_t>::max() || file_bytes_ < kFooterBytes) {
      return nullptr;
    }
    const auto footer_bytes = read_bytes(file_bytes_ - kFooterBytes, kFooterBytes);
    const auto footer = footer_bytes ? parse_footer(*footer_bytes) : std::nullopt;
    constexpr std::uint32_t kOldest = 3;  // with checksums of blocks that are known here
    constexpr std::uint32_t kNewest = 5;
    if (!footer || footer->version < kOldest || footer->version > kNewest) return nullptr;
    if (!read_properties(footer->other_blocks) || !read_index(footer->index)) return nullptr;
    return finish();
  }

 private:
  std::optional<std::string_view> read_bytes(std::uint64_t offset, std::size_t bytes) {
    char* const into = packed_.take(bytes);
    rocksdb::Slice read;
    const auto status = file_.Read(offset, bytes, rocksdb::IOOptions(), &read, into, nullptr);
    if (!status.ok() || read.size() != bytes) return std::nullopt;
    return std::string_view(read.data(), bytes);
  }

  std::optional<std::string_view> read_block(const BlockPlace& place, BlockRoom& room) {
    if (place.bytes > kMostBlockBytes || place.offset > file_bytes_ ||
        place.bytes + kTrailerBytes > file_bytes_ - place.offset) {
      return std::nullopt;
    }
    const auto block = read_bytes(place.offset, place.bytes + kTrailerBytes);
    if (!block || !is_intact_block(*block)) return std::nullopt;
    const auto unpacked = unpack_block(*block, room);
    if (!unpacked) return std::nullopt;
    if (unpacked->data() != block->data()) return unpacked;
    char* const copy = room.take(unpacked->size());
    std::memcpy(copy, unpacked->data(), unpacked->size());
    return std::string_view(copy, unpacked->size());
  }

  bool read_properties(const BlockPlace& others) {
    const auto names = read_block(others, top_);
    if (!names) return false;
    BlockEntries blocks(*names);
    while (blocks.next()) {
      if (blocks.key() != kProperties) continue;
      std::string_view at = blocks.value();
      const auto place = take_place(at);
      const auto properties = place ? read_block(*place, room_) : std::nullopt;
      if (!properties) return false;
      BlockEntries entries(*properties);
      while (entries.next()) take_property(entries.key(), entries.value(), properties_);
      return !entries.is_damaged() && properties_.is_ours;
    }
    return false;
  }

  bool read_index(const BlockPlace& place) {
    if (!properties_.has_partitions) return read_part(place);
    const auto top = read_block(place, top_);
    if (!top) return false;
    return each_place(*top,
                      [&](std::string_view, const BlockPlace& part) { return read_part(part); });
  }

  bool read_part(const BlockPlace& place) {
    const auto part = read_block(place, room_);
    if (!part) return false;
    return each_place(
        *part, [&](std::string_view key, const BlockPlace& block) { return add(key, block); });
  }

  /// Of an entry with a key that is not whole, only what the size of its block differs by from the
  /// one before is stored, which it follows.
  template <class Each>
  bool each_place(std::string_view block, const Each& each) {
    const auto kind =
        properties_.has_short_places ? BlockEntries::Kind::index : BlockEntries::Kind::rows;
    BlockEntries entries(block, kind);
    BlockPlace place;
    while (entries.next()) {
      std::string_view at = kind == BlockEntries::Kind::index ? entries.rest() : entries.value();
      const std::size_t before = at.size();
      if (kind == BlockEntries::Kind::rows || entries.is_whole()) {
        const auto whole = take_place(at);
        if (!whole) return false;
        place = *whole;
      } else {
        const auto difference = take_varint(at);
        if (!difference) return false;
        place.offset += place.bytes + kTrailerBytes;
        place.bytes += (*difference >> 1) ^ (~(*difference & 1) + 1);
      }
      if (kind == BlockEntries::Kind::index) entries.skip(before - at.size());
      if (!each(entries.key(), place)) return false;
    }
    return !entries.is_damaged();
  }

  bool add(std::string_view key, const BlockPlace& block) {
    if (!properties_.has_plain_keys) {
      if (key.size() < kTagBytes) return false;
      key.remove_suffix(kTagBytes);
    }
    // Each follows the one before: their sizes need not be kept.
    const std::uint64_t expected = offsets_.empty() ? block.offset : end_ + kTrailerBytes;
    if (block.offset != expected || block.bytes > kMostBlockBytes ||
        block.offset + block.bytes + kTrailerBytes > file_bytes_) {
      return false;
    }
    end_ = block.offset + block.bytes;
    offsets_.push_back(static_cast<std::uint32_t>(block.offset));
    separators_.append(key);
    ends_.push_back(separators_.size());
    return true;
  }

  std::string_view separator(std::size_t i) const noexcept {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(separators_).substr(begin, ends_[i] - begin);
  }

  std::unique_ptr<TableIndex> finish() {
    TableIndex& index = *index_;
    if (offsets_.empty()) return nullptr;
    index.end_ = static_cast<std::uint32_t>(end_);
    index.blocks_ = offsets_.size();
    index.spots_ = std::make_unique<Spot[]>(offsets_.size());
    for (std::size_t i = 0; i < offsets_.size(); ++i) index.spots_[i].offset = offsets_[i];
    // That of the last block separates it from nothing.
    const std::size_t count = offsets_.size() - 1;
    if (count == 0) return std::move(index_);
    const std::string_view first = separator(0);
    const std::string_view last = separator(count - 1);
    const auto differ = std::mismatch(first.begin(), first.end(), last.begin(), last.end());
    index.prefix_ = first.substr(0, static_cast<std::size_t>(differ.first - first.begin()));
    index.heads_.reserve(count);
    index.rest_at_.reserve(count + 1);
    index.rests_.reserve(separators_.size() - count * index.prefix_.size());
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0 && separator(i) < separator(i - 1)) return nullptr;
      const std::string_view rest = separator(i).substr(index.prefix_.size());
      index.heads_.push_back(head_of(rest));
      if (i % kStride == 0) index.tops_.push_back(index.heads_.back());
      index.rest_at_.push_back(static_cast<std::uint32_t>(index.rests_.size()));
      index.rests_.append(rest);
    }
    index.rest_at_.push_back(static_cast<std::uint32_t>(index.rests_.size()));
    return std::move(index_);
  }

  const rocksdb::FSRandomAccessFile& file_;
  const std::uint64_t file_bytes_;
  Properties properties_;
  BlockRoom packed_;
  BlockRoom top_;
  BlockRoom room_;
  std::unique_ptr<TableIndex> index_ = std::make_unique<TableIndex>();
  std::vector<std::uint32_t> offsets_;
  std::string separators_;
  std::vector<std::size_t> ends_;
  std::uint64_t end_ = 0;
};

std::unique_ptr<TableIndex> TableIndex::read(const rocksdb::FSRandomAccessFile& file,
                                             std::uint64_t file_bytes) {
  return Reader(file, file_bytes).read();
}

std::string_view TableIndex::rest_of(std::size_t block) const noexcept {
  return std::string_view(rests_).substr(rest_at_[block], rest_at_[block + 1] - rest_at_[block]);
}

std::size_t TableIndex::block_of(std::string_view key) const noexcept {
  const int order = key.substr(0, prefix_.size()).compare(prefix_);
  if (order < 0) return 0;
  if (order > 0) return heads_.size();
  key.remove_prefix(prefix_.size());
  const std::uint64_t head = head_of(key);
  const auto top =
      static_cast<std::size_t>(std::lower_bound(tops_.begin(), tops_.end(), head) - tops_.begin());
  const std::size_t from = top == 0 ? 0 : (top - 1) * kStride;
  const std::size_t to = std::min(from + kStride, heads_.size());
  auto low = static_cast<std::size_t>(
      std::lower_bound(heads_.begin() + static_cast<std::ptrdiff_t>(from),
                       heads_.begin() + static_cast<std::ptrdiff_t>(to), head) -
      heads_.begin());
  if (low == heads_.size() || heads_[low] != head) return low;
  // Many separators may have these eight bytes: those of one list, or of one conversation.
  std::size_t high = low + 1;
  for (std::size_t step = 1; high < heads_.size() && heads_[high] == head; step *= 2) {
    high = std::min(high + step, heads_.size());
  }
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const bool is_below =
        heads_[middle] < head || (heads_[middle] == head && rest_of(middle) < key);
    if (is_below) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

BlockPlace TableIndex::place(std::size_t block) const noexcept {
  const std::uint32_t begin = spots_[block].offset;
  const std::uint32_t end =
      block + 1 < blocks_ ? spots_[block + 1].offset - static_cast<std::uint32_t>(kTrailerBytes)
                          : end_;
  return {begin, end - begin};
}

bool TableIndex::goes_on_behind(std::size_t block, std::string_view key) const noexcept {
  return block < heads_.size() && key.starts_with(prefix_) &&
         key.substr(prefix_.size()) == rest_of(block);
}

std::size_t TableIndex::memory_bytes() const noexcept {
  return sizeof(*this) + prefix_.capacity() + heads_.capacity() * sizeof(heads_[0]) +
         tops_.capacity() * sizeof(tops_[0]) + rest_at_.capacity() * sizeof(rest_at_[0]) +
         rests_.capacity() + blocks_ * sizeof(Spot);
}

}  // namespace callisto::kv
