#pragma once

#include <memory>
#include <string>

#include "bench/engine.h"
#include "bench/load.h"

namespace callisto::bench {

class SqliteDatabase;

/// SQLite as an expert would tune it for this data: MEASURED.md's settings, integer row numbers
/// beside the identifiers, cached statements, the indexes that were chosen and no others.
class SqliteEngine final : public Engine {
 public:
  SqliteEngine(const std::string& file, std::uint64_t memory_bytes);
  ~SqliteEngine() override;

  /// Makes a database with the data, settled: with the indexes of the rows, analysed, its log
  /// folded in.
  static LoadTimes load(const std::string& file, const Data& data, std::uint64_t memory_bytes);
  /// Makes one that has the indexes of the rows one that has all; the times are those of that
  /// alone.
  static LoadTimes add_other_indexes(const std::string& file, const Data& data,
                                     std::uint64_t memory_bytes);

  std::string_view name() const override { return "sqlite"; }
  Digest run(const Operation& operation) override;
  std::unique_ptr<Engine> another() override;
  void set_durable(bool durable) override;
  static std::string version();

 private:
  struct Writer;
  /// A further reader of the same database.
  SqliteEngine(const SqliteEngine& first);

  const std::string file_;
  const std::uint64_t memory_bytes_;
  std::shared_ptr<Writer> writer_;
  std::unique_ptr<SqliteDatabase> reader_;  ///< Null: reads go by the writer's connection.
};

}  // namespace callisto::bench
