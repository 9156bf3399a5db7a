#include "engine/rocksdb/table_tail.h"

#include <xxhash.h>

#include <boost/endian/conversion.hpp>
#include <cstddef>
#include <optional>
#include <string_view>

namespace callisto::kv {
namespace {

using rocksdb::IOStatus;

// The form of block-based tables, versions 1 to 5 of it. At the end of the file stands the footer:
// the kind of checksums, where the index of other blocks and that of the rows are, zeros, the
// version, the magic number. Behind each block stand a byte (how it is compressed) and a checksum
// of both.
constexpr std::size_t kFooterBytes = 53;
constexpr std::uint64_t kMagic = 0x88e241b785f4cff7;
constexpr std::size_t kTrailerBytes = 5;
constexpr char kXxh3 = 4;
constexpr std::string_view kProperties = "rocksdb.properties";
/// No table of ours comes near it.
constexpr std::uint64_t kMostBlockBytes = 16u << 20;

struct BlockPlace {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

/// Takes a number of seven bits per byte from the front.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<BlockPlace> take_place(std::string_view& bytes) {
  const auto offset = take_varint(bytes);
  const auto size = offset ? take_varint(bytes) : std::nullopt;
  if (!size) return std::nullopt;
  return BlockPlace{*offset, *size};
}

class TableTail {
 public:
  TableTail(const rocksdb::FSRandomAccessFile& file, std::uint64_t file_bytes)
      : file_(file), file_bytes_(file_bytes) {}

  IOStatus check(const std::string& path) {
    const auto index = index_place();
    std::string block;
    if (!index || !read_block(*index, block)) return status_;
    const auto properties = properties_place(block);
    if (!properties || properties->bytes > kMostBlockBytes) return status_;
    if (read_block(*properties, block)) return status_;
    return status_.ok() ? IOStatus::Corruption(path, "damaged block of properties") : status_;
  }

 private:
  /// False, with the status, where the file cannot be read; false also where it ends before.
  bool read(std::uint64_t offset, std::size_t bytes, std::string& into) {
    into.resize(bytes);
    rocksdb::Slice read;
    status_ = file_.Read(offset, bytes, rocksdb::IOOptions(), &read, into.data(), nullptr);
    if (!status_.ok() || read.size() != bytes) return false;
    if (read.data() != into.data()) into.assign(read.data(), read.size());
    return true;
  }

  std::optional<BlockPlace> index_place() {
    std::string footer;
    if (file_bytes_ < kFooterBytes) return std::nullopt;
    if (!read(file_bytes_ - kFooterBytes, kFooterBytes, footer)) return std::nullopt;
    const char* const magic = footer.data() + kFooterBytes - sizeof(kMagic);
    const auto number =
        boost::endian::load_little_u64(reinterpret_cast<const unsigned char*>(magic));
    if (number != kMagic || footer.front() != kXxh3) return std::nullopt;
    std::string_view rest(footer);
    rest.remove_prefix(1);
    return take_place(rest);
  }

  /// False where the checksum is another one, or nothing can be there.
  bool read_block(const BlockPlace& place, std::string& block) {
    if (place.bytes > kMostBlockBytes || place.offset > file_bytes_ ||
        place.bytes + kTrailerBytes > file_bytes_ - place.offset ||
        !read(place.offset, place.bytes + kTrailerBytes, block)) {
      return false;
    }
    // As RocksDB computes it: the last byte is not in the hash but changes it.
    constexpr std::uint32_t kLastBytePrime = 0x6b9083d9;
    const auto compression = static_cast<unsigned char>(block[place.bytes]);
    const auto hash = static_cast<std::uint32_t>(XXH3_64bits(block.data(), place.bytes)) ^
                      compression * kLastBytePrime;
    const auto stored = boost::endian::load_little_u32(
        reinterpret_cast<const unsigned char*>(block.data() + place.bytes + 1));
    block.resize(place.bytes);
    return stored == hash;
  }

  /// Entries: shared bytes of the name before, own ones, those of the value; name; value. None is
  /// shared in this block. Behind them: where entries begin, which no name looks like.
  static std::optional<BlockPlace> properties_place(std::string_view block) {
    while (!block.empty()) {
      const auto shared = take_varint(block);
      const auto own = shared ? take_varint(block) : std::nullopt;
      const auto value = own ? take_varint(block) : std::nullopt;
      if (!value || *shared != 0 || *own > block.size() || *value > block.size() - *own) break;
      const std::string_view name = block.substr(0, *own);
      std::string_view place = block.substr(*own, *value);
      if (name == kProperties) return take_place(place);
      block.remove_prefix(*own + *value);
    }
    return std::nullopt;
  }

  const rocksdb::FSRandomAccessFile& file_;
  const std::uint64_t file_bytes_;
  IOStatus status_;
};

}  // namespace

IOStatus check_table_tail(const rocksdb::FSRandomAccessFile& file, std::uint64_t file_bytes,
                          const std::string& path) {
  return TableTail(file, file_bytes).check(path);
}

IOStatus open_checked(rocksdb::FileSystem& files, rocksdb::FileSystem& sizes,
                      const std::string& path, const rocksdb::FileOptions& options,
                      std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                      rocksdb::IODebugContext* debug) {
  IOStatus status = files.NewRandomAccessFile(path, options, result, debug);
  if (!status.ok() || !path.ends_with(".sst")) return status;
  std::uint64_t bytes = 0;
  status = sizes.GetFileSize(path, rocksdb::IOOptions(), &bytes, debug);
  // A writer may have removed it meanwhile; it can be read for as long as it is open.
  if (status.IsNotFound() || status.IsPathNotFound()) return IOStatus::OK();
  return status.ok() ? check_table_tail(**result, bytes, path) : status;
}

}  // namespace callisto::kv
