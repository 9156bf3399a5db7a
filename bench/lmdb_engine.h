#pragma once

#include <memory>
#include <string>

#include "bench/engine.h"
#include "bench/lmdb_database.h"
#include "bench/lmdb_reading.h"
#include "bench/scribe.h"

namespace callisto::bench {

/// LMDB with Callisto's records and entries under the same keys, without its counters. Reads and
/// writes are those of bare RocksDB.
class LmdbEngine final : public Engine {
 public:
  LmdbEngine(const std::string& file, IndexChoice indexes, const Scribe& scribe)
      : LmdbEngine(std::make_shared<LmdbDatabase>(file), indexes, scribe) {}

  std::string_view name() const override { return "lmdb"; }
  Digest run(const Operation& operation) override;
  std::unique_ptr<Engine> another() override {
    return std::unique_ptr<Engine>(new LmdbEngine(database_, indexes_, scribe_));
  }
  void set_durable(bool durable) override { database_->set_durable(durable); }
  static std::string version();

 private:
  LmdbEngine(std::shared_ptr<LmdbDatabase> database, IndexChoice indexes, const Scribe& scribe)
      : database_(std::move(database)), reader_(*database_), indexes_(indexes), scribe_(scribe) {}
  Digest write(const Operation& operation);
  void apply(const LmdbTransaction& transaction, const WrittenKey& written);

  std::shared_ptr<LmdbDatabase> database_;
  LmdbReader reader_;
  const IndexChoice indexes_;
  const Scribe& scribe_;
};

}  // namespace callisto::bench
