#include "bench/scribe.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <utility>

#include "bench/callisto_engine.h"
#include "bench/rocksdb_database.h"

namespace callisto::bench {

namespace {

/// Reads one batch of the log.
class BatchReader final : public rocksdb::WriteBatch::Handler {
 public:
  explicit BatchReader(const RocksDatabase& database) {
    for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
      const auto family = static_cast<kv::Family>(i);
      families_.emplace_back(database.handle(family)->GetID(), family);
    }
  }

  rocksdb::Status PutCF(std::uint32_t family, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override {
    keys_.push_back({family_of(family), false, key.ToString(), value.ToString()});
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(std::uint32_t family, const rocksdb::Slice& key) override {
    keys_.push_back({family_of(family), true, key.ToString(), {}});
    return rocksdb::Status::OK();
  }
  std::vector<WrittenKey> take() { return std::exchange(keys_, {}); }

 private:
  kv::Family family_of(std::uint32_t id) const {
    for (const auto& [number, family] : families_) {
      if (number == id) return family;
    }
    fail("a family that is not ours in the log");
  }

  std::vector<std::pair<std::uint32_t, kv::Family>> families_;
  std::vector<WrittenKey> keys_;
};

bool is_record(kv::Family family) {
  return family != kv::Family::indexes && family != kv::Family::system;
}

/// Tells which records an operation found there: from the state before all operations, and from
/// what the earlier ones made.
class Before {
 public:
  explicit Before(const RocksDatabase& database) : database_(database) {}

  void note_changed(WrittenOperation& operation) {
    std::set<std::pair<kv::Family, std::string>> own;
    for (const auto& commit : operation.commits) {
      for (const WrittenKey& written : commit) {
        if (!is_record(written.family)) continue;
        if (!own.emplace(written.family, written.key).second) continue;
        if (was_there(written))
          operation.changed.push_back({written.family, false, written.key, {}});
      }
    }
    made_.merge(own);
  }

 private:
  bool was_there(const WrittenKey& written) const {
    if (made_.contains({written.family, written.key})) return true;
    std::string value;
    const rocksdb::Status status =
        database_.db().Get({}, database_.handle(written.family), written.key, &value);
    if (!status.IsNotFound()) require(status, "a row as it was");
    return status.ok();
  }

  const RocksDatabase& database_;
  std::set<std::pair<kv::Family, std::string>> made_;
};

/// A compaction of the writer's can take files away while they are opened; then once more.
std::unique_ptr<RocksDatabase> open_beside_writer(const std::string& path,
                                                  std::uint64_t memory_bytes) {
  for (int attempt = 0;; ++attempt) {
    try {
      return std::make_unique<RocksDatabase>(path, memory_bytes, RocksDatabase::Mode::read);
    } catch (const std::runtime_error&) {
      if (attempt == 100) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

}  // namespace

void Scribe::prepare(std::span<const Operation> operations) {
  // So few that the log still holds all of them when they are done.
  constexpr std::size_t kTogether = 2000;
  written_.clear();
  prepared_ = operations.data();
  if (operations.empty() || !is_write(operations.front())) return;
  for (std::size_t at = 0; at < operations.size(); at += kTogether) {
    record(operations.subspan(at, std::min(kTogether, operations.size() - at)));
  }
}

void Scribe::record(std::span<const Operation> operations) {
  const std::string path = directory_ + "/db";
  const RocksDatabase before(path, memory_bytes_, RocksDatabase::Mode::read);
  // Opened anew each time, so that the log holds these operations and nothing is flushed meanwhile.
  CallistoEngine engine(directory_, memory_bytes_);
  std::uint64_t written_up_to = engine.version();
  const std::uint64_t first = written_up_to + 1;
  std::vector<std::uint64_t> ends;
  for (const Operation& operation : operations) {
    engine.run(operation);
    ends.push_back(engine.version());
  }

  const auto after = open_beside_writer(path, memory_bytes_);
  BatchReader reader(*after);
  std::unique_ptr<rocksdb::TransactionLogIterator> log;
  require(after->db().GetUpdatesSince(first, &log), "read the log");
  std::vector<WrittenOperation> written(operations.size());
  std::size_t at = 0;
  while (at < ends.size() && log->Valid() && written_up_to < ends.back()) {
    const rocksdb::BatchResult batch = log->GetBatch();
    const auto count = static_cast<std::uint64_t>(batch.writeBatchPtr->Count());
    if (batch.sequence + count <= first) {  // the batch that `first` follows
      log->Next();
      continue;
    }
    if (batch.sequence != written_up_to + 1) fail("the scribe's log has a gap");
    written_up_to += count;
    while (ends[at] < batch.sequence) ++at;
    require(batch.writeBatchPtr->Iterate(&reader), "read a batch");
    written[at].commits.push_back(reader.take());
    log->Next();
  }
  if (written_up_to != ends.back()) fail("the scribe's log ends too early");
  Before state(before);
  for (WrittenOperation& operation : written) {
    state.note_changed(operation);
    written_.push_back(std::move(operation));
  }
}

}  // namespace callisto::bench
