#include "tests/engine/damaged_store.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "tests/support/live_copy.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;

constexpr Family kFamilies[] = {Family::memories, Family::users};

std::string number(int i) {
  std::string digits = std::to_string(i);
  return std::string(4 - digits.size(), '0') + digits;
}
std::string to_hex(const std::string& key) {
  std::string text;
  for (const char c : key) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned char>(c));
    text += digits;
  }
  return text;
}
std::string own_key(int layer, int i) {
  return std::string(1, static_cast<char>('a' + layer)) + number(i);
}
std::string value_of(const std::string& key, int layer) {
  return key + "." + std::to_string(layer) + "." + std::string(60, key[0]);
}
/// The last layer that writes row i of those that are overwritten.
int newest_layer(int i) { return i % DamagedStore::kLayers; }
/// The layer that removes row i of those that are removed.
int removing_layer(int i) { return 1 + i % (DamagedStore::kLayers - 1); }

/// Where the writes of a layer lie.
std::string place_of(Family family, int layer, bool was_killed) {
  if (layer >= 2 && was_killed) return "log " + std::to_string(layer);
  return std::string(to_string(family)) + " " + std::to_string(std::min(layer, 2));
}

/// What a scan shows, going on behind what cannot be read.
struct Scanned {
  std::map<std::string, std::string> rows{};
  std::vector<DamagedRange> damaged{};
  int errors = 0;

  bool hides(const std::string& key) const {
    return std::any_of(damaged.begin(), damaged.end(), [&](const DamagedRange& range) {
      return range.from <= key && key < range.to;
    });
  }
};

Scanned scan_all(Store& store, Family family, bool reverse) {
  Scanned scanned;
  const auto cursor = store.scan(family, {.lower = "a", .upper = "z", .reverse = reverse});
  for (std::string last;;) {
    for (; cursor->valid(); cursor->next()) {
      last = cursor->key();
      EXPECT_FALSE(scanned.hides(last)) << "told as damaged: " << last;
      scanned.rows[last] = cursor->value();
    }
    if (cursor->status()) return scanned;
    ++scanned.errors;
    const auto damaged = cursor->skip_damage(last);
    EXPECT_TRUE(damaged) << "cannot go on behind " << last;
    if (!damaged) return scanned;
    EXPECT_LT(damaged->from, damaged->to);
    scanned.damaged.push_back(*damaged);
  }
}

/// RocksDB writes a full memtable's table and removes what a merge has replaced a moment later:
/// waits until only tables of the store are there, and nothing changes any more.
void await_rest(Store& store, const fs::path& directory) {
  constexpr int kLooks = 5;
  std::pair<std::ptrdiff_t, std::uint64_t> last{};
  int same = 0;
  for (int i = 0; i < 2000 && same < kLooks; ++i) {
    const EngineStats stats = store.stats();
    std::ptrdiff_t of_the_store = 0;
    for (const auto& level : stats.disk.levels) {
      of_the_store += static_cast<std::ptrdiff_t>(level.files);
    }
    const auto lie_there =
        std::count_if(fs::directory_iterator(directory), fs::directory_iterator(),
                      [](const auto& entry) { return entry.path().extension() == ".sst"; });
    const std::pair seen(of_the_store, stats.memtable_bytes);
    same = lie_there == of_the_store && seen == last ? same + 1 : 0;
    last = seen;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_EQ(same, kLooks) << "the files do not come to rest: " << last.first << " of the store";
}

}  // namespace

void DamagedStore::write_layer(Store& store, int layer) {
  for (const Family family : kFamilies) {
    for (int i = 0; i < kRows; ++i) {
      Batch batch;
      batch.put(family, own_key(layer, i), value_of(own_key(layer, i), layer));
      const std::string over = "x" + number(i);
      if (layer <= newest_layer(i)) batch.put(family, over, value_of(over, layer));
      const std::string removed = "y" + number(i);
      if (layer == 0) batch.put(family, removed, value_of(removed, 0));
      if (layer == removing_layer(i)) batch.erase(family, removed);
      ASSERT_TRUE(store.apply(batch, Durability::buffered));
    }
  }
}

void DamagedStore::make_originals() {
  {
    auto store = open();
    ASSERT_NO_FATAL_FAILURE(write_layer(*store, 0));
    ASSERT_TRUE(store->compact());
    ASSERT_NO_FATAL_FAILURE(write_layer(*store, 1));
  }
  auto store = open();
  ASSERT_NO_FATAL_FAILURE(write_layer(*store, 2));
  // A family's full memtable makes RocksDB begin a log file; the one before stays for the others.
  for (int i = 0; i < 40; ++i) {
    put(*store, "filler" + number(i), std::string(50'000, 'f'), Family::user_data);
  }
  ASSERT_NO_FATAL_FAILURE(write_layer(*store, 3));
  ASSERT_NO_FATAL_FAILURE(await_rest(*store, path("db")));
  ASSERT_NO_FATAL_FAILURE(testing::copy_live(directory_, temporary_.path("killed")));
  ASSERT_TRUE(store->close());
  fs::copy(directory_, temporary_.path("closed"), fs::copy_options::recursive);
  restore(true);
  const auto names = files();
  ASSERT_EQ(std::count_if(names.begin(), names.end(),
                          [](const std::string& name) { return name.ends_with(".log"); }),
            2)
      << "layers 2 and 3";
}

void DamagedStore::restore(bool killed) {
  fs::remove_all(directory_);
  fs::copy(temporary_.path(killed ? "killed" : "closed"), directory_, fs::copy_options::recursive);
}

std::string DamagedStore::file_path(const std::string& name) const {
  const bool is_ours = name == "CALLISTO" || name == "WATERMARK" || name.ends_with(".copy");
  return path(is_ours ? name : "db/" + name);
}

std::vector<std::string> DamagedStore::files() const {
  std::vector<std::string> names{"CALLISTO", "WATERMARK"};
  for (const std::string& where : {directory_, path("db")}) {
    for (const auto& entry : fs::directory_iterator(where)) {
      const std::string name = entry.path().filename();
      if (where == directory_ && !name.ends_with(".copy")) continue;
      if (entry.is_regular_file() && entry.file_size() > 0) names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

DamageDone DamagedStore::damage(std::mt19937_64& random) {
  DamageDone done;
  done.was_killed = random() % 2 == 0;
  restore(done.was_killed);
  const auto names = files();
  done.file = names[random() % names.size()];
  const std::string file = file_path(done.file);
  std::string bytes = read_file(file);
  // Often near the end, where the index, the properties and the footer of a table file are.
  constexpr std::size_t kTailBytes = 1200;
  const bool is_tail = random() % 2 == 0 && bytes.size() > kTailBytes;
  const std::size_t from = is_tail ? bytes.size() - kTailBytes : 0;
  const std::size_t at = from + random() % (bytes.size() - from);
  std::uint64_t kind = random() % (done.file.ends_with(".sst") ? 5 : 4);
  // Without its marker a directory is a store whose making was cut short.
  if (done.file == "CALLISTO" && kind == 3) kind = 0;
  if (kind == 0) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
  if (kind == 1) bytes.resize(at);
  if (kind == 2) {
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                std::min<std::size_t>(512, bytes.size() - at), '\0');
  }
  if (kind == 4) bytes.append(1 + random() % 5000, static_cast<char>(random()));
  write_file(file, bytes);
  if (kind == 3) fs::remove(file);
  done.is_harmless = kind == 4;
  static const char* const kinds[] = {"bit flip", "cut", "zeros", "missing", "surplus"};
  done.what = std::string(kinds[kind]) + " at " + std::to_string(at) + " of " +
              std::to_string(bytes.size()) + ", " + done.file +
              (done.was_killed ? ", killed" : ", closed");
  return done;
}

Result<std::unique_ptr<Store>> DamagedStore::try_open(bool read_only, bool accepts) {
  OpenOptions how = options();
  how.read_only = read_only;
  how.accept_data_loss = accepts;
  return open_rocksdb(how);
}

std::map<std::string, std::string> DamagedStore::snapshot_of_files() const {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
    if (!entry.is_regular_file() || entry.path().filename() == "LOCK") continue;
    files[entry.path().string()] = read_file(entry.path());
  }
  return files;
}

DamagedStore::Reading DamagedStore::read_all(Store& store, bool was_killed) {
  Reading reading;
  for (const Family family : kFamilies) read_family(store, family, was_killed, reading);
  return reading;
}

void DamagedStore::read_family(Store& store, Family family, bool was_killed, Reading& reading) {
  const Scanned scanned = scan_all(store, family, false);
  const Scanned backwards = scan_all(store, family, true);
  reading.errors += scanned.errors + backwards.errors;
  const auto expect = [&](const std::string& key, int layer, bool is_there) {
    Value value;
    const auto found = store.get(family, key, value);
    const std::string wanted = is_there ? value_of(key, layer) : "";
    const auto check = [&](const std::string& shown) {
      if (shown == wanted) return;
      bool was_written = shown.empty();
      for (int older = 0; older < layer; ++older) was_written |= shown == value_of(key, older);
      EXPECT_TRUE(was_written) << "a wrong value of " << key << ": " << shown;
      reading.harmed.insert(place_of(family, layer, was_killed));
    };
    if (found) check(*found ? std::string(value.view()) : "");
    if (!found) {
      ++reading.errors;
      const std::string named = std::string(to_string(family)) + " at " + to_hex(key);
      EXPECT_NE(found.error().message().find(named), std::string::npos)
          << found.error().to_string();
    }
    for (const Scanned* const scan : {&scanned, &backwards}) {
      const auto row = scan->rows.find(key);
      if (row != scan->rows.end()) check(row->second);
      if (row == scan->rows.end() && !scan->hides(key)) check("");
    }
  };
  for (int i = 0; i < kRows; ++i) {
    for (int layer = 0; layer < kLayers; ++layer) expect(own_key(layer, i), layer, true);
    expect("x" + number(i), newest_layer(i), true);
    expect("y" + number(i), removing_layer(i), false);
  }
}

}  // namespace callisto::kv
