#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "engine/load.h"

namespace rocksdb {
class FileSystem;
class IOStatus;
}  // namespace rocksdb

namespace callisto::kv {

class Database;

/// The folder of bulk loads that are under way: DIR/staging, there only while one is. Thread-safe.
class StagingFolder {
 public:
  explicit StagingFolder(std::string path) : path_(std::move(path)) {}

  /// One more load; the folder is made for the first.
  rocksdb::IOStatus enter(rocksdb::FileSystem& files);
  /// The folder goes with the last.
  void leave(rocksdb::FileSystem& files) noexcept;
  /// At opening: what a crash left.
  Result<void> clear(rocksdb::FileSystem& files);
  /// A path that no other file had since the store was opened.
  std::string next_path(const char* suffix);
  const std::string& path() const noexcept { return path_; }

 private:
  const std::string path_;
  std::mutex mutex_;
  unsigned loads_ = 0;  ///< Guarded by mutex_.
  std::atomic<std::uint64_t> next_{1};
};

/// Files through the store's own file system: gate and hook are asked, and a failure other than
/// no_space shuts the gate.
class RocksStaging final : public Staging {
 public:
  /// Before so many bytes are written; no_space.
  using Admit = std::function<Result<void>(std::size_t)>;

  static Result<std::unique_ptr<RocksStaging>> open(std::shared_ptr<Database> database,
                                                    Admit admit);
  ~RocksStaging() override;
  Result<std::unique_ptr<StagedFile>> make_file() override;

 private:
  RocksStaging(std::shared_ptr<Database> database, Admit admit);

  const std::shared_ptr<Database> database_;
  const Admit admit_;
};

}  // namespace callisto::kv
