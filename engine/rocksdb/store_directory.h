#pragma once

#include <string>

#include "callisto/environment.h"
#include "callisto/result.h"

namespace callisto::kv {

/// The files of a store beside RocksDB's:
///   DIR/LOCK      held by the writer with flock; says who it is
///   DIR/CALLISTO  the marker, made when the store is complete: a directory with it is a store
///   DIR/db/       RocksDB
/// The marker decides whether there is a store; RocksDB is never asked to guess.

/// Holds DIR/LOCK until it goes. An open file description holds the lock, so a second writer in the
/// same process is refused too.
class WriterLock {
 public:
  WriterLock() = default;
  explicit WriterLock(int descriptor) noexcept : descriptor_(descriptor) {}
  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&& other) noexcept;
  ~WriterLock();

 private:
  int descriptor_ = -1;
};

/// A directory that a writer holds.
struct WriterDirectory {
  std::string path;  ///< Absolute.
  WriterLock lock;
  /// False when the marker is yet to be written: a new store, or one whose making was cut short.
  bool complete = false;
  bool has_damaged_marker = false;  ///< Which was accepted.

  std::string database_path() const { return path + "/db"; }
};

/// Makes DIR where it is absent and `create` says so, and locks it. The hook is asked before every
/// change. not_found: no store there and not `create`; invalid_argument (field `directory`): a
/// file, a directory of something else (nothing in it is touched), one that may not be written;
/// busy: the message names the holder; format_too_new; corruption: the marker cannot be read as
/// one, unless `accept_damage`; io_error, no_space.
Result<WriterDirectory> open_writer_directory(const std::string& directory, bool create,
                                              const FileHook& hook, bool accept_damage = false);

/// Writes the marker so that it is there, whole, after a crash at any point or not at all.
Result<void> complete_store(const WriterDirectory& directory, const FileHook& hook);

/// Looks only: the absolute path of a complete store. Errors as above.
Result<std::string> find_store_directory(const std::string& directory, bool accept_damage);

}  // namespace callisto::kv
