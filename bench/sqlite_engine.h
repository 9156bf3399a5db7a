#pragma once

#include <memory>
#include <string>

#include "bench/engine.h"

namespace callisto::bench {

class SqliteDatabase;

/// SQLite as an expert would tune it for this data: MEASURED.md's settings, integer row numbers
/// beside the identifiers, cached statements, the indexes that the workloads need and no others.
class SqliteEngine final : public Engine {
 public:
  SqliteEngine(const std::string& file, std::uint64_t memory_bytes);
  ~SqliteEngine() override;

  /// Makes a database with the data, settled: indexed, analysed, its log folded in.
  static void load(const std::string& file, const Data& data, std::uint64_t memory_bytes);

  std::string_view name() const override { return "sqlite"; }
  Digest run(const Operation& operation) override;
  static std::string version();

 private:
  std::unique_ptr<SqliteDatabase> database_;
};

}  // namespace callisto::bench
