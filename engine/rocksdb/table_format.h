#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace callisto::kv {

// The form of RocksDB's block-based tables, versions 1 to 5 of it, as far as it is read here: the
// footer, blocks, and the entries in them. Nothing here reads a file, and nothing trusts what it is
// given.

/// Where a block is, without what stands behind it.
struct BlockPlace {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  bool operator==(const BlockPlace&) const = default;
};

/// At the end of the file: the kind of checksums, where the index of other blocks and that of the
/// rows are, zeros, the version, a number that says what this is.
inline constexpr std::size_t kFooterBytes = 53;
/// Behind each block: how it is compressed (1), a checksum of both (4).
inline constexpr std::size_t kTrailerBytes = 5;
/// No block of ours comes near it.
inline constexpr std::uint64_t kMostBlockBytes = 16u << 20;

/// Takes a number of seven bits per byte from the front.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) noexcept;
std::optional<BlockPlace> take_place(std::string_view& bytes) noexcept;

struct TableFooter {
  BlockPlace other_blocks;
  BlockPlace index;
  std::uint32_t version = 0;
};
/// nullopt of anything else than a table with checksums by XXH3.
std::optional<TableFooter> parse_footer(std::string_view footer) noexcept;

/// Whether a block with its trailer is as it was written.
bool is_intact_block(std::string_view with_trailer) noexcept;

/// Memory for a block, kept for the next one.
class BlockRoom {
 public:
  /// At least so many bytes, of any content. std::bad_alloc.
  char* take(std::size_t bytes);
  /// Gives back what one large block took.
  void trim() noexcept;

 private:
  static constexpr std::size_t kKept = 256u << 10;
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

/// What a block with its trailer holds: in `room` where it was compressed, else in place. nullopt
/// where it is damaged, or compressed otherwise than by LZ4. It is not compared with its checksum.
std::optional<std::string_view> unpack_block(std::string_view with_trailer, BlockRoom& room);

/// The entries of a block in their order. A key is stored as what differs from the one before;
/// every sixteenth or so is whole, and where these are stands at the end of the block.
class BlockEntries {
 public:
  /// Values of an index are not preceded by their size.
  enum class Kind : std::uint8_t { rows, index };
  explicit BlockEntries(std::string_view block, Kind kind = Kind::rows) noexcept;

  /// To the next entry, at first the first. False at the end, or where the block is damaged.
  bool next() noexcept;
  /// Before the last whole key that lies before `key` (which is compared with all but the last 8
  /// bytes of a key), so that next() comes to every entry at or behind it.
  void seek(std::string_view key) noexcept;
  bool is_damaged() const noexcept { return is_damaged_; }

  // Of the entry, until next(). Views of what is whole lie in the block.

  std::string_view key() const noexcept { return {key_, key_bytes_}; }
  std::string_view value() const noexcept { return value_; }
  /// Whether its key was stored whole.
  bool is_whole() const noexcept { return is_whole_; }
  /// Of Kind::index: what follows the key, of which the caller says where it ends.
  std::string_view rest() const noexcept { return {at_, static_cast<std::size_t>(end_ - at_)}; }
  void skip(std::size_t bytes) noexcept { at_ += bytes; }

 private:
  /// Longer ones are no keys of ours.
  static constexpr std::size_t kMostKeyBytes = 1024 + 8;

  bool fail() noexcept;
  bool take_length(std::uint32_t& length) noexcept;
  std::uint32_t restart(std::uint32_t i) const noexcept;

  const char* begin_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;  ///< Of the entries; where whole keys are follows.
  const Kind kind_;
  std::uint32_t restarts_ = 0;
  bool is_damaged_ = false;
  bool is_whole_ = false;
  const char* key_ = nullptr;
  std::size_t key_bytes_ = 0;
  std::string_view value_;
  char built_[kMostKeyBytes];  ///< A key that was not stored whole.
};

}  // namespace callisto::kv
