#pragma once

#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>

#include "tests/engine/rocksdb_fixture.h"

namespace callisto::kv {

/// What was done to a store.
struct DamageDone {
  std::string what{};  ///< In words.
  std::string file{};  ///< The name of the file.
  bool was_killed = false;
  bool is_harmless = false;  ///< Nothing need be lost.
};

/// A store whose rows lie in known places: four layers of writes, each in files of its own. Layer 0
/// is in the lowest level, 1 in table files above, 2 and 3 in two log files, or in table files
/// where the store was closed. In each layer there are rows of its own, rows that are overwritten
/// layer by layer, and removals of rows of the layer 0; in two families.
class DamagedStore : public RocksTest {
 public:
  void TestBody() override {}
  using RocksTest::get;
  using RocksTest::try_put;

  /// Makes the two originals, closed and killed.
  void make_originals();
  /// Puts a fresh copy of one of them in place.
  void restore(bool killed);
  /// RocksDB's files, and CALLISTO and WATERMARK; by name, sorted.
  std::vector<std::string> files() const;
  std::string file_path(const std::string& name) const;
  /// Damages one file of a fresh copy.
  DamageDone damage(std::mt19937_64& random);

  /// What reading every row by get, and by scans that skip damage, has shown.
  struct Reading {
    int errors = 0;
    /// Where rows are missing, older than they were, or back, without an error.
    std::set<std::string> harmed{};
  };
  /// Fails where a value was never written.
  Reading read_all(Store& store, bool was_killed);

  Result<std::unique_ptr<Store>> try_open(bool read_only, bool accepts);
  /// Every file but LOCK, with its bytes.
  std::map<std::string, std::string> snapshot_of_files() const;

  static constexpr int kLayers = 4;
  static constexpr int kRows = 60;

 private:
  void write_layer(Store& store, int layer);
  void read_family(Store& store, Family family, bool was_killed, Reading& reading);
};

}  // namespace callisto::kv
