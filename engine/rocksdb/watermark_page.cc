#include "engine/rocksdb/watermark_page.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <boost/endian/conversion.hpp>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "engine/rocksdb/disk_file.h"

namespace callisto::kv {
namespace {

constexpr std::string_view kMagic = "CALLISWM";
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kHeadBytes = 64;
constexpr std::size_t kFileBytes = 48;
constexpr std::size_t kHashBytes = 8;
static_assert(kHeadBytes + kMaxWatchedFiles * kFileBytes + kHashBytes <= kWatermarkPageBytes);

template <class Number>
void put_number(std::string& bytes, Number number) {
  boost::endian::native_to_little_inplace(number);
  bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

/// Takes numbers off the front of bytes that are long enough.
class NumberReader {
 public:
  explicit NumberReader(std::string_view bytes) : bytes_(bytes) {}
  template <class Number>
  Number take() {
    Number number = 0;
    std::memcpy(&number, bytes_.data(), sizeof(number));
    boost::endian::little_to_native_inplace(number);
    bytes_.remove_prefix(sizeof(Number));
    return number;
  }

 private:
  std::string_view bytes_;
};

std::optional<std::uint64_t> decimal(std::string_view digits) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::string read_text(const char* path) {
  const File file(::open(path, O_RDONLY | O_CLOEXEC));
  std::array<char, 64> bytes{};
  const ssize_t length = file.get() < 0 ? 0 : ::read(file.get(), bytes.data(), bytes.size());
  return std::string(bytes.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
}

BootId ask_for_boot() {
  BootId boot{};
  std::size_t digits = 0;
  for (const char c : read_text("/proc/sys/kernel/random/boot_id")) {
    std::uint8_t digit = 0;
    if (std::from_chars(&c, &c + 1, digit, 16).ec != std::errc()) continue;
    if (digits == 2 * boot.size()) break;
    boot[digits / 2] = static_cast<std::uint8_t>(boot[digits / 2] << 4 | digit);
    ++digits;
  }
  return digits == 2 * boot.size() ? boot : BootId{};
}

}  // namespace

std::string FileName::text() const {
  std::array<char, 40> bytes{};
  const char* const form = kind == Kind::log ? "%06llu.log" : "MANIFEST-%06llu";
  std::snprintf(bytes.data(), bytes.size(), form, static_cast<unsigned long long>(number));
  return bytes.data();
}

std::optional<FileName> watched_file_name(std::string_view path) {
  constexpr std::string_view kLogEnd = ".log";
  constexpr std::string_view kManifestStart = "MANIFEST-";
  std::string_view name = path.substr(path.rfind('/') + 1);
  FileName found;
  if (name.starts_with(kManifestStart)) {
    found.kind = FileName::Kind::manifest;
    name.remove_prefix(kManifestStart.size());
  } else if (name.ends_with(kLogEnd)) {
    name.remove_suffix(kLogEnd.size());
  } else {
    return std::nullopt;
  }
  const auto number = decimal(name);
  if (!number) return std::nullopt;
  found.number = *number;
  return found;
}

BootId this_boot() {
  static const BootId boot = ask_for_boot();
  return boot;
}

void encode_page(const WatermarkPage& page, std::string& bytes) {
  bytes.assign(kMagic);
  put_number(bytes, kFormat);
  put_number(bytes, static_cast<std::uint32_t>(page.files.size()));
  put_number(bytes, page.update);
  bytes.append(reinterpret_cast<const char*>(page.boot.data()), page.boot.size());
  put_number(bytes, page.written_sequence);
  put_number(bytes, page.synced_sequence);
  put_number(bytes, std::uint64_t{0});
  for (const WatchedFile& file : page.files) {
    put_number(bytes, static_cast<std::uint32_t>(file.name.kind));
    put_number(bytes, std::uint32_t{0});
    put_number(bytes, file.name.number);
    for (const FileMark& mark : {file.written, file.synced}) {
      put_number(bytes, mark.bytes);
      put_number(bytes, mark.hash);
    }
  }
  put_number(bytes, static_cast<std::uint64_t>(XXH3_64bits(bytes.data(), bytes.size())));
}

std::optional<WatermarkPage> decode_page(std::string_view bytes) {
  if (bytes.size() < kHeadBytes + kHashBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  NumberReader head(bytes.substr(kMagic.size()));
  if (head.take<std::uint32_t>() != kFormat) return std::nullopt;
  const std::size_t count = head.take<std::uint32_t>();
  if (count > kMaxWatchedFiles) return std::nullopt;
  const std::size_t size = kHeadBytes + count * kFileBytes;
  if (bytes.size() < size + kHashBytes) return std::nullopt;
  if (NumberReader(bytes.substr(size)).take<std::uint64_t>() != XXH3_64bits(bytes.data(), size)) {
    return std::nullopt;
  }
  WatermarkPage page;
  page.update = head.take<std::uint64_t>();
  for (std::uint8_t& byte : page.boot) byte = head.take<std::uint8_t>();
  page.written_sequence = head.take<std::uint64_t>();
  page.synced_sequence = head.take<std::uint64_t>();
  NumberReader rows(bytes.substr(kHeadBytes));
  for (std::size_t i = 0; i < count; ++i) {
    WatchedFile file;
    file.name.kind = static_cast<FileName::Kind>(rows.take<std::uint32_t>());
    rows.take<std::uint32_t>();
    file.name.number = rows.take<std::uint64_t>();
    for (FileMark* const mark : {&file.written, &file.synced}) {
      mark->bytes = rows.take<std::uint64_t>();
      mark->hash = rows.take<std::uint64_t>();
    }
    page.files.push_back(file);
  }
  return page;
}

std::string watermark_path(const std::string& directory) { return directory + "/WATERMARK"; }

Result<std::optional<WatermarkPage>> read_watermark(const std::string& directory) {
  const std::string path = watermark_path(directory);
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::optional<WatermarkPage>();
    return errno_error(errno, "cannot read " + path);
  }
  std::string bytes(kWatermarkFileBytes, '\0');
  const ssize_t length = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  if (length < 0) return errno_error(errno, "cannot read " + path);
  bytes.resize(static_cast<std::size_t>(length));
  std::optional<WatermarkPage> newest;
  for (std::size_t at = 0; at < bytes.size(); at += kWatermarkPageBytes) {
    const std::string_view place = std::string_view(bytes).substr(at, kWatermarkPageBytes);
    auto page = decode_page(place);
    if (page && (!newest || page->update > newest->update)) newest = std::move(page);
  }
  return newest;
}

}  // namespace callisto::kv
