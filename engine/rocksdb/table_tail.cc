#include "engine/rocksdb/table_tail.h"

#include <cstddef>
#include <optional>
#include <string_view>

#include "engine/rocksdb/table_format.h"

namespace callisto::kv {
namespace {

using rocksdb::IOStatus;

constexpr std::string_view kProperties = "rocksdb.properties";

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
    const auto parsed = parse_footer(footer);
    if (!parsed) return std::nullopt;
    return parsed->other_blocks;
  }

  /// False where the checksum is another one, or nothing can be there.
  bool read_block(const BlockPlace& place, std::string& block) {
    if (place.bytes > kMostBlockBytes || place.offset > file_bytes_ ||
        place.bytes + kTrailerBytes > file_bytes_ - place.offset ||
        !read(place.offset, place.bytes + kTrailerBytes, block)) {
      return false;
    }
    const bool is_intact = is_intact_block(block);
    block.resize(place.bytes);
    return is_intact;
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
