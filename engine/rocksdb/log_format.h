#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace callisto::kv {

// The form that RocksDB's logs and manifests have in common: blocks of 32 KiB, in them pieces of
// records, each behind a head of 7 bytes (CRC-32C, length, which piece it is).

/// The bytes of one record that stands behind `size` bytes of a file.
std::string encode_log_record(std::uint64_t size, std::string_view record);

/// Reads the records of a file that are whole, and passes over what is damaged, to the next block.
class LogRecords {
 public:
  /// Puts up to so many bytes of the file into the buffer: how many, 0 at the end. Called in order.
  using Read = std::function<std::size_t(char*, std::size_t)>;
  explicit LogRecords(Read read) : read_(std::move(read)) {}

  /// The next record, in place of what `record` holds; false at the end.
  bool next(std::string& record);
  /// So far: something was passed over, other than a last record that is cut.
  bool has_damage() const noexcept { return has_damage_; }
  /// At the end: it is within a record.
  bool is_cut() const noexcept { return is_cut_; }

 private:
  enum class Piece : std::uint8_t {
    full = 1,
    first = 2,
    middle = 3,
    last = 4,
    none = 5,
    damaged = 6
  };
  /// The next piece, in `body`; none at the end of a block.
  Piece next_piece(std::string_view& body);
  bool next_block();

  Read read_;
  std::string block_;
  std::string_view left_;  ///< Of block_.
  bool has_damage_ = false;
  bool is_cut_ = false;
};

/// Of a file, opened for reading. It must outlive the reader.
LogRecords records_of(std::istream& file);

}  // namespace callisto::kv
