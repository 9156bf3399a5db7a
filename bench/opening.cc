#include "bench/opening.h"

#include <functional>
#include <map>

#include "bench/callisto_engine.h"
#include "bench/failure.h"
#include "bench/lmdb_engine.h"
#include "bench/rocksdb_engine.h"
#include "bench/sqlite_engine.h"
#include "bench/statistics.h"
#include "bench/workloads.h"

namespace callisto::bench {

namespace {

constexpr std::size_t kTimes = 7;

using Open = std::function<std::unique_ptr<Engine>()>;

std::map<std::string, Open> ways_to_open(const Settings& settings, const Stage& stage,
                                         const Scribe& scribe) {
  const std::uint64_t memory = settings.memory_bytes;
  return {
      {"callisto",
       [&, memory] { return std::make_unique<CallistoEngine>(stage.path("callisto"), memory); }},
      {"rocksdb",
       [&, memory] {
         return std::make_unique<RocksEngine>(stage.path("rocksdb"), memory, scribe);
       }},
      {"sqlite",
       [&, memory] { return std::make_unique<SqliteEngine>(stage.path("sqlite"), memory); }},
      {"lmdb", [&] {
         return std::make_unique<LmdbEngine>(stage.path("lmdb"), IndexChoice::rows, scribe);
       }}};
}

}  // namespace

std::vector<Measure> measure_opening(const Settings& settings, const Data& data,
                                     const Stage& stage) {
  const Scribe scribe(stage.path("scribe"), settings.memory_bytes);
  Chooser chooser(data);
  std::map<std::string, std::vector<double>> taken;
  for (std::size_t i = 0; i < kTimes; ++i) {
    chooser.begin(mix(data.seed(), 3000 + i), Pattern::uniform);
    const Operation question = workload_of("4a").make(chooser);
    std::vector<Digest> answers;
    for (const auto& [name, open] : ways_to_open(settings, stage, scribe)) {
      const Stopwatch watch;
      const std::unique_ptr<Engine> engine = open();
      answers.push_back(engine->run(question));
      taken[name].push_back(watch.seconds() * 1e9);
      if (answers.back() != answers.front()) fail(name + " answers its first question differently");
    }
  }
  std::vector<Measure> measures;
  for (const auto& [name, all] : taken) {
    const bool has_all = name == "callisto" || name == "rocksdb";
    measures.push_back({"open",
                        name,
                        has_all ? "all" : "rows",
                        {{"median_ns", median(all)}, {"most_ns", quantile(all, 1)}}});
  }
  return measures;
}

}  // namespace callisto::bench
