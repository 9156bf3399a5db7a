#pragma once

// Finds out what Callisto writes: a store of its own, on the same data, does every write before it
// is measured, and what it wrote is read back from RocksDB's log.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bench/engine.h"
#include "engine/kv.h"

namespace callisto::bench {

struct WrittenKey {
  kv::Family family = kv::Family::system;
  bool erase = false;
  std::string key;
  std::string value;
};

/// What one operation wrote, and what it had to read for that.
struct WrittenOperation {
  /// One element for each commit.
  std::vector<std::vector<WrittenKey>> commits;
  /// Records that were there before and that it changed or removed.
  std::vector<WrittenKey> changed;
};

class Scribe {
 public:
  Scribe(std::string directory, std::uint64_t memory_bytes)
      : directory_(std::move(directory)), memory_bytes_(memory_bytes) {}

  /// Does the operations, where they are writes, in their order after all earlier ones.
  void prepare(std::span<const Operation> operations);
  /// Of one of the operations, at its place, that were prepared last. Thread-safe.
  const WrittenOperation& written_by(const Operation& operation) const {
    return written_.at(static_cast<std::size_t>(&operation - prepared_));
  }

 private:
  void record(std::span<const Operation> operations);

  const std::string directory_;
  const std::uint64_t memory_bytes_;
  const Operation* prepared_ = nullptr;
  std::vector<WrittenOperation> written_;
};

}  // namespace callisto::bench
