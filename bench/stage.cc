#include "bench/stage.h"

#include "bench/bare_load.h"
#include "bench/report.h"
#include "bench/sqlite_engine.h"

namespace callisto::bench {

namespace fs = std::filesystem;

namespace {

constexpr const char* kMeasuresFile = "measures.json";

std::string name_of(const char* engine, IndexChoice indexes) {
  return std::string(engine) + (indexes == IndexChoice::all ? "-all" : "");
}

double bytes_of(const fs::path& path) {
  if (!fs::is_directory(path)) return static_cast<double>(fs::file_size(path));
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

/// Table files are never changed, so that a link is a copy.
void copy_store(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const fs::path target = to / fs::relative(entry.path(), from);
    if (entry.is_directory()) {
      fs::create_directories(target);
    } else if (entry.path().extension() == ".sst") {
      fs::create_hard_link(entry.path(), target);
    } else {
      fs::copy_file(entry.path(), target);
    }
  }
}

/// Rows as SQL counts them: what a load is measured by.
double logical_rows(const Data& data) {
  const Counts& counts = data.counts();
  double rows = 0;
  for (std::size_t n = 0; n < counts.users; ++n) {
    const UserItem user = data.user(n);
    rows += static_cast<double>(2 + user.more_identities.size() + user.data.size() +
                                user.single_data.size());
  }
  constexpr double kParticipants = 2;
  constexpr double kTags = 3;
  return rows + static_cast<double>(counts.conversations) * (1 + kParticipants) +
         static_cast<double>(counts.messages()) +
         static_cast<double>(counts.memories) * (1 + kTags);
}

void add_rates(Values& values, double rows) {
  for (const auto& [name, value] : Values(values)) {
    if (name == "seconds") values.emplace_back("rows_per_second", rows / value);
  }
}

Values values_of(const LoadTimes& times) {
  return {{"seconds", times.load}, {"settle_seconds", times.settle}};
}

}  // namespace

Stage::Stage(const Settings& settings, const Data& data)
    : settings_(settings),
      loaded_(fs::path(settings.directory) /
              ("loaded-" + std::to_string(settings.scale) + "-" + std::to_string(settings.seed))),
      run_(fs::path(settings.directory) / "run") {
  fs::remove_all(run_);
  if (fs::exists(loaded_ / kMeasuresFile)) {
    measures_ = read_measures((loaded_ / kMeasuresFile).string());
    // A run that does not keep them uses the files up: one that is ended early must leave no trust.
    if (!settings_.keep_data) fs::remove(loaded_ / kMeasuresFile);
    return;
  }
  fs::remove_all(loaded_);
  fs::create_directories(loaded_);
  load(data);
  if (settings_.keep_data) write_measures((loaded_ / kMeasuresFile).string(), measures_);
}

Stage::~Stage() {
  std::error_code ignored;
  fs::remove_all(run_, ignored);
  if (!settings_.keep_data) fs::remove_all(loaded_, ignored);
}

void Stage::load(const Data& data) {
  load_callisto();
  import_callisto();
  load_sqlite(data);
  load_bare();
  const double rows = logical_rows(data);
  for (Measure& measure : measures_) add_rates(measure.values, rows);
}

void Stage::note(const char* engine, IndexChoice indexes, Values values, const std::string& file) {
  values.emplace_back("bytes", bytes_of(loaded_ / file));
  measures_.push_back(
      {"load", engine, indexes == IndexChoice::all ? "all" : "rows", std::move(values)});
}

void Stage::load_callisto() {
  timed("load callisto", [&] {
    Values values = load_in_child(settings_, (loaded_ / "callisto").string());
    values.emplace_back("budget_bytes", static_cast<double>(settings_.memory_bytes));
    note("callisto", IndexChoice::all, values, "callisto");
  });
}

/// The store is only there to be measured.
void Stage::import_callisto() {
  timed("export from callisto, and import", [&] {
    const fs::path imported = loaded_ / "imported";
    measures_.push_back(
        {"import", "callisto", "all",
         import_in_child(settings_, (loaded_ / "callisto").string(), imported.string())});
    fs::remove_all(imported);
  });
}

void Stage::load_sqlite(const Data& data) {
  const std::string rows = (loaded_ / "sqlite").string();
  const std::string all = (loaded_ / "sqlite-all").string();
  LoadTimes times;
  timed("load sqlite", [&] {
    times = SqliteEngine::load(rows, data, settings_.memory_bytes);
    note("sqlite", IndexChoice::rows, values_of(times), "sqlite");
  });
  timed("load sqlite, all indexes", [&] {
    fs::copy_file(rows, all);
    const LoadTimes more = SqliteEngine::add_other_indexes(all, data, settings_.memory_bytes);
    times.load += more.load;
    times.settle += more.settle;
    note("sqlite", IndexChoice::all, values_of(times), "sqlite-all");
  });
}

void Stage::load_bare() {
  const RocksDatabase source((loaded_ / "callisto" / "db").string(), settings_.memory_bytes,
                             RocksDatabase::Mode::read);
  for (const IndexChoice indexes : {IndexChoice::rows, IndexChoice::all}) {
    const std::string name = name_of("lmdb", indexes);
    timed("load " + name, [&] {
      const LoadTimes times = load_lmdb(source, (loaded_ / name).string(), indexes);
      note("lmdb", indexes, values_of(times), name);
    });
  }
  timed("load rocksdb", [&] {
    const fs::path path = loaded_ / "rocksdb";
    const LoadTimes times = load_rocksdb(source, path.string(), settings_.memory_bytes);
    note("rocksdb", IndexChoice::all, values_of(times), "rocksdb");
    fs::remove_all(path);  // the runs are on Callisto's own files
  });
}

void Stage::set(IndexChoice indexes) {
  fs::remove_all(run_);
  fs::create_directories(run_);
  for (const char* copy : {"callisto", "rocksdb", "scribe", "memory"}) {
    copy_store(loaded_ / "callisto", run_ / copy);
  }
  for (const char* engine : {"sqlite", "lmdb"}) {
    const fs::path file = loaded_ / name_of(engine, indexes);
    if (settings_.keep_data) {
      fs::copy_file(file, run_ / engine);
    } else {
      fs::rename(file, run_ / engine);
    }
  }
}

}  // namespace callisto::bench
