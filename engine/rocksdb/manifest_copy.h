#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "callisto/environment.h"
#include "callisto/result.h"
#include "engine/rocksdb/disk_file.h"
#include "engine/rocksdb/watermark_page.h"

namespace callisto::kv {

/// DIR/MANIFEST-000005.copy: what RocksDB writes to the manifest of that name, once more. A
/// manifest says which table files are the store; a damaged one is replaced by its copy when the
/// damage is accepted. Without it the files could be had only without their order, and with what
/// was removed.
///
/// Written with the manifest, synced with the watermark. Where it cannot be written it goes, and
/// the store goes on without. Not thread-safe.
class ManifestCopy {
 public:
  /// The hook must not throw.
  ManifestCopy(const std::string& directory, const FileName& name, const FileHook& hook);

  /// An error once, the first time that it cannot be written.
  Result<void> append(std::string_view bytes);
  Result<void> sync();

  static std::string path(const std::string& directory, const FileName& name);
  /// Of whatever manifest; nullopt for any other file.
  static std::optional<FileName> name_of(std::string_view path);
  /// Removes the copy of a manifest that is gone, if there is one.
  static void remove(const std::string& directory, const FileName& name, const FileHook& hook);
  /// Removes those whose manifest is gone: their removal was cut short.
  static void remove_stale(const std::string& directory, const FileHook& hook);

 private:
  Result<void> failed(Error error);

  const std::string directory_;
  const FileName name_;
  const std::string path_;
  const std::string what_;
  const FileHook hook_;
  File file_;
  bool has_failed_ = false;
  bool is_synced_ = true;
  bool is_in_directory_ = false;  ///< For sure.
};

}  // namespace callisto::kv
