#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/environment.h"
#include "callisto/result.h"
#include "engine/rocksdb/disk_file.h"
#include "engine/rocksdb/watermark_page.h"

namespace callisto::kv {

/// Keeps DIR/WATERMARK, by which the next opening sees whether a log or a manifest has lost
/// something; engine/README.md says what is proven when. The file system tells it of every change
/// to those files, after it was made; only of a removal before. A page is written, not synced, with
/// each of them: one small pwrite.
///
/// Where it cannot be written commits go on, failure() says why, and what was written since is not
/// guarded; a file is then not removed, as the next opening would miss it. Thread-safe.
class Watermark {
 public:
  /// For a store that is being made: nothing is expected of its files.
  static Result<std::unique_ptr<Watermark>> make(const std::string& directory, const FileHook& hook,
                                                 Environment& environment);
  /// Checks the files first. data_loss, with nothing changed, unless the loss is accepted: then
  /// lost() says what it was, `salvaged` (what was given up to open at all) included, and nothing
  /// is expected any more.
  static Result<std::unique_ptr<Watermark>> open(const std::string& directory, bool accept_loss,
                                                 const std::vector<std::string>& salvaged,
                                                 const FileHook& hook, Environment& environment);

  /// A file that RocksDB writes to.
  struct Writing;
  /// Before the file is made: what was known of one of this name is forgotten. Null where it is
  /// neither log nor manifest. Fails where that cannot be written down.
  Result<std::shared_ptr<Writing>> begin(const std::string& path);
  void appended(Writing& file, std::string_view bytes);
  /// What is there before a sync, for synced() after it.
  FileMark written(const Writing& file) const;
  void synced(Writing& file, const FileMark& mark);
  /// The files that a sync of their directory, now begun, makes sure of; for directory_synced().
  std::vector<std::shared_ptr<Writing>> made() const;
  void directory_synced(const std::vector<std::shared_ptr<Writing>>& files);
  /// Before the file goes; it must stay when this fails.
  Result<void> removing(const std::string& path);

  /// RocksDB's last sequence number, once what it counts was acknowledged. Goes to disk with the
  /// next page.
  void note_sequence(std::uint64_t sequence, bool is_synced);
  /// What RocksDB recovered: below what was noted is data_loss, and accepted as in open().
  Result<void> check_sequence(std::uint64_t sequence);

  /// Writes a page and syncs it, so that it is exact after a crash of the machine as well; also the
  /// copy of the manifest.
  Result<void> sync();

  std::optional<Error> lost() const;
  std::optional<Error> failure() const;

 private:
  Watermark(std::string directory, const FileHook& hook, Environment& environment);
  Result<void> create_file();
  Result<void> open_file();
  void accept(Error loss);
  WatchedFile* find(const FileName& name);
  Result<void> forget(const FileName& name);
  /// Both need the mutex, and keep failure() as it is to be told.
  Result<void> write_page();
  Result<void> write_bytes();
  Result<void> sync_file();
  void told_of_copy(const Result<void>& result);

  const std::string directory_;
  const std::string path_;
  const std::string what_;
  const FileHook hook_;
  Environment& environment_;
  bool accept_loss_ = false;
  File file_;

  mutable std::mutex mutex_;  ///< Guards what follows.
  WatermarkPage page_;
  std::string bytes_;  ///< Of a page; reused.
  /// Files whose entry in the directory is not synced yet: they may be gone after a crash.
  std::vector<std::shared_ptr<Writing>> made_;
  std::shared_ptr<Writing> manifest_;  ///< The newest.
  std::optional<Error> lost_;
  std::optional<Error> failure_;
};

}  // namespace callisto::kv
