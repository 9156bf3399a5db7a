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
  RocksEngine(const std::string& directory, std::uint64_t memory_bytes, const Scribe& scribe)
      : database_(std::make_shared<RocksDatabase>(directory + "/db", memory_bytes,
                                                  RocksDatabase::Mode::write)),
        scribe_(scribe) {}

  std::string_view name() const override { return "rocksdb"; }
  Digest run(const Operation& operation) override;
  std::unique_ptr<Engine> another() override { return std::make_unique<RocksEngine>(*this); }
  void set_durable(bool durable) override { durable_ = durable; }
  static std::string version();

 private:
  Digest write(const Operation& operation);

  std::shared_ptr<RocksDatabase> database_;
  const Scribe& scribe_;
  bool durable_ = false;
};

}  // namespace callisto::bench
