#pragma once

// Bulk load: rows that were sorted beside the store come in by one atomic act, without passing
// through commits. Semantics: engine/README.md.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "callisto/result.h"
#include "engine/kv.h"

namespace callisto::kv {

/// A file that a load keeps for itself until it is through. Gone with the object, at the latest.
class StagedFile {
 public:
  virtual ~StagedFile() = default;
  virtual Result<void> append(std::string_view bytes) = 0;
  /// After the last append, before the first read.
  virtual Result<void> finish() = 0;
  /// Fills `out` from `offset` on; fewer bytes than that are corruption. Any thread.
  virtual Result<void> read(std::uint64_t offset, std::span<char> out) = 0;
};

/// Makes such files, beside the store's own. What a crash leaves of them goes when the store is
/// opened for writing. Thread-safe; its files, and what hands it out, outlive neither it nor the
/// store.
class Staging {
 public:
  virtual ~Staging() = default;
  /// no_space and io_error, also later; after io_error the store is not writable any more.
  virtual Result<std::unique_ptr<StagedFile>> make_file() = 0;
};

/// Rows in the order of their keys, each key once. One thread at a time.
class SortedSource {
 public:
  struct Row {
    std::string_view key;
    std::string_view value;
  };
  virtual ~SortedSource() = default;
  /// False at the end. The row is valid until the next call. An error ends the whole load.
  virtual Result<bool> next(Row& row) = 0;
};

/// What a load brings into [lower, upper) of a family. Those of one load do not overlap.
struct LoadPart {
  Family family = Family::system;
  std::string lower{};
  std::string upper{};
  SortedSource* source = nullptr;
  std::uint64_t about_bytes = 0;  ///< Large parts are begun first.
};

struct LoadRequest {
  std::span<const LoadPart> parts{};
  /// The caller's thread and so many more, which end with the call, read sources; one source is
  /// read by one thread.
  unsigned more_threads = 0;
  /// Once every source is at its end, while no commit runs, with the state before the load: the
  /// last word whether it happens, and rows of Family::system that go with it, over what is there.
  std::function<Result<void>(Reader& before, Batch& rows)> finish{};
  /// While no commit runs and no committed_version is known: whatever is remembered of this store
  /// outside of it ends here.
  std::function<void()> forget{};
  /// Also looked at while the load waits for commits under way; null: none.
  const Limits* limits = nullptr;
};

}  // namespace callisto::kv
