#include "engine/rocksdb/table_format.h"

#include <lz4.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/endian/conversion.hpp>
#include <cstring>

namespace callisto::kv {
namespace {

constexpr std::uint64_t kMagic = 0x88e241b785f4cff7;
constexpr char kXxh3 = 4;
constexpr char kNotCompressed = 0;
constexpr char kLz4 = 4;

std::uint32_t load_u32(const char* bytes) noexcept {
  return boost::endian::load_little_u32(reinterpret_cast<const unsigned char*>(bytes));
}

}  // namespace

std::optional<std::uint64_t> take_varint(std::string_view& bytes) noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<BlockPlace> take_place(std::string_view& bytes) noexcept {
  const auto offset = take_varint(bytes);
  const auto size = offset ? take_varint(bytes) : std::nullopt;
  if (!size) return std::nullopt;
  return BlockPlace{*offset, *size};
}

std::optional<TableFooter> parse_footer(std::string_view footer) noexcept {
  if (footer.size() != kFooterBytes || footer.front() != kXxh3) return std::nullopt;
  const char* const magic = footer.data() + kFooterBytes - sizeof(kMagic);
  if (boost::endian::load_little_u64(reinterpret_cast<const unsigned char*>(magic)) != kMagic) {
    return std::nullopt;
  }
  TableFooter parsed;
  parsed.version = load_u32(magic - sizeof(parsed.version));
  footer.remove_prefix(1);
  const auto other_blocks = take_place(footer);
  const auto index = other_blocks ? take_place(footer) : std::nullopt;
  if (!index) return std::nullopt;
  parsed.other_blocks = *other_blocks;
  parsed.index = *index;
  return parsed;
}

bool is_intact_block(std::string_view with_trailer) noexcept {
  if (with_trailer.size() < kTrailerBytes) return false;
  // As RocksDB computes it: the last byte is not in the hash but changes it.
  constexpr std::uint32_t kLastBytePrime = 0x6b9083d9;
  const std::size_t bytes = with_trailer.size() - kTrailerBytes;
  const auto compression = static_cast<unsigned char>(with_trailer[bytes]);
  const auto hash = static_cast<std::uint32_t>(XXH3_64bits(with_trailer.data(), bytes)) ^
                    compression * kLastBytePrime;
  return load_u32(with_trailer.data() + bytes + 1) == hash;
}

char* BlockRoom::take(std::size_t bytes) {
  if (bytes > size_) {
    bytes_ = std::make_unique_for_overwrite<char[]>(bytes);
    size_ = bytes;
  }
  return bytes_.get();
}

void BlockRoom::trim() noexcept {
  if (size_ <= kKept) return;
  bytes_.reset();
  size_ = 0;
}

std::optional<std::string_view> unpack_block(std::string_view with_trailer, BlockRoom& room) {
  if (with_trailer.size() < kTrailerBytes) return std::nullopt;
  std::string_view packed = with_trailer.substr(0, with_trailer.size() - kTrailerBytes);
  const char compression = with_trailer[packed.size()];
  if (compression == kNotCompressed) return packed;
  if (compression != kLz4) return std::nullopt;
  const auto size = take_varint(packed);
  if (!size || *size > kMostBlockBytes) return std::nullopt;
  char* const block = room.take(*size);
  const int done = LZ4_decompress_safe(packed.data(), block, static_cast<int>(packed.size()),
                                       static_cast<int>(*size));
  if (done < 0 || static_cast<std::uint64_t>(done) != *size) return std::nullopt;
  return std::string_view(block, *size);
}

BlockEntries::BlockEntries(std::string_view block, Kind kind) noexcept
    : begin_(block.data()), at_(block.data()), end_(block.data()), kind_(kind) {
  constexpr std::size_t kNumber = sizeof(std::uint32_t);
  if (block.size() < kNumber) {
    is_damaged_ = true;
    return;
  }
  // The highest bit says that a table of hashes follows, which no block of ours has.
  restarts_ = load_u32(block.data() + block.size() - kNumber);
  const std::uint64_t tail = (std::uint64_t{restarts_} + 1) * kNumber;
  if (restarts_ == 0 || tail > block.size()) {
    is_damaged_ = true;
    restarts_ = 0;
    return;
  }
  end_ = block.data() + block.size() - tail;
}

bool BlockEntries::fail() noexcept {
  is_damaged_ = true;
  at_ = end_;
  return false;
}

std::uint32_t BlockEntries::restart(std::uint32_t i) const noexcept {
  return load_u32(end_ + std::size_t{i} * sizeof(std::uint32_t));
}

bool BlockEntries::take_length(std::uint32_t& length) noexcept {
  length = 0;
  for (unsigned shift = 0; shift < 35 && at_ != end_; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at_++);
    length |= static_cast<std::uint32_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool BlockEntries::next() noexcept {
  if (at_ == end_) return false;
  std::uint32_t shared = 0;
  std::uint32_t own = 0;
  std::uint32_t value = 0;
  if (!take_length(shared) || !take_length(own)) return fail();
  if (kind_ == Kind::rows && !take_length(value)) return fail();
  const auto left = static_cast<std::size_t>(end_ - at_);
  if (shared > key_bytes_ || own > left || value > left - own ||
      std::size_t{shared} + own > kMostKeyBytes) {
    return fail();
  }
  is_whole_ = shared == 0;
  if (is_whole_) {
    key_ = at_;
  } else {
    if (key_ != built_) std::memcpy(built_, key_, shared);
    std::memcpy(built_ + shared, at_, own);
    key_ = built_;
  }
  key_bytes_ = std::size_t{shared} + own;
  at_ += own;
  value_ = std::string_view(at_, value);
  at_ += value;
  return true;
}

void BlockEntries::seek(std::string_view key) noexcept {
  constexpr std::size_t kTagBytes = 8;
  const auto entries = static_cast<std::size_t>(end_ - begin_);
  std::uint32_t low = 0;
  std::uint32_t high = restarts_;
  // The last whole key below `key`, or the first of all.
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    const std::uint32_t offset = restart(middle);
    if (offset >= entries) {
      fail();
      return;
    }
    at_ = begin_ + offset;
    key_bytes_ = 0;
    if (!next() || key_bytes_ < kTagBytes) {
      fail();
      return;
    }
    if (this->key().substr(0, key_bytes_ - kTagBytes) < key) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const std::uint32_t offset = restarts_ == 0 ? 0 : restart(low);
  if (offset > entries) {
    fail();
    return;
  }
  at_ = begin_ + offset;
  key_bytes_ = 0;
}

}  // namespace callisto::kv
