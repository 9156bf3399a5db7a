#include "bench/settings.h"

#include <boost/program_options.hpp>
#include <cstdlib>
#include <iostream>

namespace callisto::bench {

namespace options = boost::program_options;

Settings parse_settings(int argc, char** argv) {
  Settings settings;
  bool quick = false;
  options::options_description known(
      "callisto-bench: Callisto, SQLite, LMDB and bare RocksDB on the same work");
  auto add = known.add_options();
  add("help", "show this");
  add("quick", options::bool_switch(&quick), "a tenth of the full size");
  add("scale", options::value(&settings.scale)->default_value(settings.scale),
      "size of the data; 1 is full, 0.01 is for trying");
  add("seed", options::value(&settings.seed)->default_value(settings.seed),
      "of data and questions");
  add("repetitions", options::value(&settings.repetitions)->default_value(settings.repetitions),
      "counted runs of each engine, after one that is not");
  add("filter", options::value(&settings.filter), "only what matches, as in '^(4a|9)/uniform'");
  add("engines", options::value(&settings.engines), "only those that match, to profile one");
  add("directory", options::value(&settings.directory)->default_value(settings.directory),
      "for results and data");
  add("keep-data", options::bool_switch(&settings.keep_data),
      "keep what was loaded, and load nothing where a run before kept the same");
  add("mixed-seconds",
      options::value(&settings.mixed_seconds)->default_value(settings.mixed_seconds),
      "of mixed work in Callisto while its memory is watched");
  add("draw", options::value(&settings.draw), "only draw index.html beside these results");
  options::options_description hidden;
  hidden.add_options()("child", options::value(&settings.child))(
      "child-store", options::value(&settings.child_store));
  options::options_description all;
  all.add(known).add(hidden);
  try {
    options::variables_map given;
    options::store(options::parse_command_line(argc, argv, all), given);
    options::notify(given);
    if (given.count("help") != 0) {
      std::cout << known;
      std::exit(0);
    }
    if (quick) settings.scale = 0.1;
    if (settings.scale <= 0 || settings.scale > 10 || settings.repetitions == 0) {
      throw options::error("scale is above 0 and at most 10, repetitions at least 1");
    }
  } catch (const options::error& error) {
    std::cerr << "callisto-bench: " << error.what() << '\n' << known;
    std::exit(2);
  }
  return settings;
}

}  // namespace callisto::bench
