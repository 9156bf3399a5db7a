#pragma once

// The files of a run: the data as every engine loaded it, and the copies that a run changes.

#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "bench/child.h"
#include "bench/engine.h"
#include "bench/load.h"
#include "bench/results.h"
#include "bench/settings.h"

namespace callisto::bench {

/// Says what goes on, and how long it took.
template <class F>
void timed(const std::string& what, F&& function) {
  std::cout << what << " ..." << std::flush;
  const Stopwatch watch;
  function();
  std::cout << ' ' << watch.seconds() << " s" << std::endl;
}

/// Callisto's files are what bare RocksDB and the scribe get too, so that the entries are the same
/// to the byte; LMDB's and SQLite's are there with each choice of indexes.
class Stage {
 public:
  /// Loads, unless a run before kept the same data.
  Stage(const Settings& settings, const Data& data);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage();

  /// Load times and sizes.
  const std::vector<Measure>& measures() const noexcept { return measures_; }

  /// Fresh files to run on; earlier ones go.
  void set(IndexChoice indexes);
  std::string path(const char* name) const { return (run_ / name).string(); }

 private:
  void load(const Data& data);
  void load_callisto();
  void import_callisto();
  void load_sqlite(const Data& data);
  void load_bare();
  void note(const char* engine, IndexChoice indexes, Values values, const std::string& file);

  const Settings& settings_;
  const std::filesystem::path loaded_;
  const std::filesystem::path run_;
  std::vector<Measure> measures_;
};

}  // namespace callisto::bench
