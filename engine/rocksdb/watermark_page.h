#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/result.h"

namespace callisto::kv {

// The bytes of DIR/WATERMARK: engine/README.md. They say how much of each log and manifest file was
// written, how much of it was synced, and what a hash of so many first bytes is.

/// Which file of RocksDB's.
struct FileName {
  enum class Kind : std::uint32_t { log = 1, manifest = 2 };
  Kind kind = Kind::log;
  std::uint64_t number = 0;
  bool operator==(const FileName&) const = default;
  /// "000012.log", "MANIFEST-000005".
  std::string text() const;
};
/// Of the last part of a path; nullopt for any other file.
std::optional<FileName> watched_file_name(std::string_view path);

/// How far a file goes, and the XXH3-64 of its bytes so far.
struct FileMark {
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;
};

struct WatchedFile {
  FileName name;
  FileMark written;
  FileMark synced;
};

/// Of a start of the machine: what was written but not synced is there as long as it is the same.
/// Zeros where the machine does not say.
using BootId = std::array<std::uint8_t, 16>;
BootId this_boot();

struct WatermarkPage {
  std::uint64_t update = 0;  ///< Counts up.
  BootId boot{};
  /// RocksDB's last sequence number, as far as it was known at the update.
  std::uint64_t written_sequence = 0;
  std::uint64_t synced_sequence = 0;
  std::vector<WatchedFile> files{};  ///< Oldest first.

  /// True when the written marks must hold too, not only the synced ones.
  bool is_of_this_boot() const { return boot == this_boot() && boot != BootId{}; }
};

/// The file has two pages, written in turn, so that one of them is whole after every crash.
inline constexpr std::size_t kWatermarkPageBytes = 4096;
inline constexpr std::size_t kWatermarkFileBytes = 2 * kWatermarkPageBytes;
/// More do not fit: the oldest logs are left out.
inline constexpr std::size_t kMaxWatchedFiles = 80;

/// Puts a page's bytes, no more than kWatermarkPageBytes, in place of what `bytes` holds.
void encode_page(const WatermarkPage& page, std::string& bytes);
/// nullopt where the bytes are no whole page.
std::optional<WatermarkPage> decode_page(std::string_view bytes);

/// The newer of the two pages of a file. nullopt where there is none that is whole, or no file.
/// format_too_new, io_error.
Result<std::optional<WatermarkPage>> read_watermark(const std::string& directory);
std::string watermark_path(const std::string& directory);

}  // namespace callisto::kv
