// How the data gets into Callisto: the fastest way that the public API has.

#include <algorithm>

#include "bench/callisto_engine.h"
#include "bench/failure.h"

namespace callisto::bench {

namespace {

/// Memories that one transaction of the load writes.
constexpr std::size_t kMemoriesTogether = 200;

Result<void> add_user(const Transaction& tx, const UserItem& item) {
  if (auto made = tx.users().create(item.user); !made) return made.error();
  for (const NewIdentity& identity : item.more_identities) {
    if (auto made = tx.users().add_identity(item.user.id, identity); !made) return made.error();
  }
  for (const NewDatum& datum : item.data) {
    if (auto made = tx.user_data().append(item.user.id, datum); !made) return made.error();
  }
  for (const NewDatum& datum : item.single_data) {
    if (auto made = tx.user_data().replace(item.user.id, datum); !made) return made.error();
  }
  return {};
}

void load_users(const Store& store, std::size_t count, LoadWatch& watch) {
  for (std::size_t n = 0; n < count; ++n) {
    const UserItem item = watch.user(n);
    require(store.transact([&](Transaction& tx) { return add_user(tx, item); }), "load a user");
  }
}

void load_conversations(const Store& store, std::size_t count, LoadWatch& watch) {
  for (std::size_t n = 0; n < count; ++n) {
    const ConversationItem item = watch.conversation(n);
    require(store.conversations().store(item.header, item.messages), "load a conversation");
  }
}

void load_memories(const Store& store, std::size_t count, LoadWatch& watch) {
  for (std::size_t n = 0; n < count; n += kMemoriesTogether) {
    std::vector<NewMemory> memories;
    for (std::size_t i = n; i < std::min(n + kMemoriesTogether, count); ++i) {
      memories.push_back(watch.memory(i));
    }
    require(store.transact([&](Transaction& tx) -> Result<void> {
      for (const NewMemory& memory : memories) {
        if (auto made = tx.memories().create(memory); !made) return made.error();
      }
      return {};
    }),
            "load memories");
  }
}

}  // namespace

Options bench_options(std::uint64_t memory_bytes) {
  Options options;
  options.memory_budget_bytes = memory_bytes;
  options.background_work = false;
  return options;
}

LoadTimes CallistoEngine::load(const std::string& directory, const Data& data,
                               std::uint64_t memory_bytes) {
  const Counts& counts = data.counts();
  LoadWatch watch(data);
  Store store = require(Store::open(directory, bench_options(memory_bytes)), "open");
  load_users(store, counts.users, watch);
  load_conversations(store, counts.conversations, watch);
  load_memories(store, counts.memories, watch);
  watch.loaded();
  require(store.compact(), "compact");
  require(store.close(), "close");
  return watch.settled();
}

}  // namespace callisto::bench
