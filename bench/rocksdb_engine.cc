#include "bench/rocksdb_engine.h"

#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>

#include "bench/rocksdb_reads.h"
#include "engine/rocksdb/options.h"
#include "indexes/index_keys.h"
#include "schema/keys.h"

namespace callisto::bench {

namespace {

using schema::kDefaultSpace;

/// Rows that must be there for the change to be right, though it does not change them.
class References {
 public:
  explicit References(const RocksDatabase& database) : database_(database) {}

  void operator()(const AppendMessage& append) const {
    if (!append.message.sender) return;  // the header says who takes part
    require_row(kv::Family::conversations,
                schema::conversation_key(kDefaultSpace, append.message.conversation));
  }
  void operator()(const StoreConversation& store) const {
    for (const UserId& user : store.item.header.participants) require_user(user);
  }
  void operator()(const CreateMemory& create) const {
    if (create.memory.user) require_user(create.memory.user);
  }
  /// What belongs to the second user has to be found before it is moved.
  void operator()(const MergeUsers& merge) const {
    const UserId& user = merge.secondary;
    walk(kv::Family::indexes, indexes::identity_by_user_prefix(kDefaultSpace, user));
    walk(kv::Family::indexes, indexes::conversation_by_participant_prefix(kDefaultSpace, user));
    walk(kv::Family::indexes, indexes::conversation_by_owner_prefix(kDefaultSpace, user));
    walk(kv::Family::indexes, indexes::memory_by_user_prefix(kDefaultSpace, user));
    walk(kv::Family::user_data, schema::datum_prefix(kDefaultSpace, user));
  }
  template <class Other>
  void operator()(const Other&) const {}

 private:
  void require_user(const UserId& user) const {
    require_row(kv::Family::users, schema::user_key(kDefaultSpace, user));
  }
  void require_row(kv::Family family, const std::string& key) const {
    rocksdb::PinnableSlice value;
    require(database_.db().Get({}, database_.handle(family), key, &value), "a row referred to");
  }

  void walk(kv::Family family, const std::string& prefix) const {
    const indexes::KeyRange range = indexes::range_of(prefix);
    const rocksdb::Slice lower(range.lower);
    const rocksdb::Slice upper(range.upper);
    const auto options = kv::scan_options(family, lower, upper, false, true);
    const std::unique_ptr<rocksdb::Iterator> iterator(
        database_.db().NewIterator(options, database_.handle(family)));
    for (iterator->Seek(lower); iterator->Valid(); iterator->Next()) {
    }
    require(iterator->status(), "walk");
  }

  const RocksDatabase& database_;
};

}  // namespace

void RocksEngine::prepare(std::span<const Operation> operations) {
  written_.clear();
  prepared_ = operations.data();
  if (!operations.empty() && is_write(operations.front())) written_ = scribe_.record(operations);
}

Digest RocksEngine::run(const Operation& operation) {
  return is_write(operation) ? write(operation) : read_bare(database_, operation);
}

Digest RocksEngine::write(const Operation& operation) {
  const WrittenOperation& written = written_[static_cast<std::size_t>(&operation - prepared_)];
  std::visit(References(database_), operation);
  for (const WrittenKey& row : written.changed) {
    rocksdb::PinnableSlice value;
    require(database_.db().Get({}, database_.handle(row.family), row.key, &value), "a changed row");
  }
  for (const auto& commit : written.commits) {
    rocksdb::WriteBatch batch(0, 0, kv::kProtectionBytesPerKey, 0);
    for (const WrittenKey& key : commit) {
      rocksdb::ColumnFamilyHandle* const handle = database_.handle(key.family);
      require(key.erase ? batch.Delete(handle, key.key) : batch.Put(handle, key.key, key.value),
              "batch");
    }
    require(database_.db().Write(kv::write_options(Durability::buffered), &batch), "write");
  }
  return 1;
}

std::string RocksEngine::version() {
  return std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "." +
         std::to_string(ROCKSDB_PATCH);
}

}  // namespace callisto::bench
