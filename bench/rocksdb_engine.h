#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/engine.h"
#include "bench/rocksdb_database.h"
#include "bench/scribe.h"

namespace callisto::bench {

/// Bare RocksDB with exactly Callisto's entries: its reads are as few as the entries allow, and
/// take what they find in place; its writes put what Callisto puts, after reading what it changes.
class RocksEngine final : public Engine {
 public:
  /// `directory`: a copy of Callisto's store.
  RocksEngine(const std::string& directory, std::uint64_t memory_bytes, Scribe& scribe)
      : database_(directory + "/db", memory_bytes, false), scribe_(scribe) {}

  std::string_view name() const override { return "rocksdb"; }
  void prepare(std::span<const Operation> operations) override;
  Digest run(const Operation& operation) override;
  static std::string version();

 private:
  Digest write(const Operation& operation);

  RocksDatabase database_;
  Scribe& scribe_;
  const Operation* prepared_ = nullptr;
  std::vector<WrittenOperation> written_;
};

}  // namespace callisto::bench
