// How the data gets into Callisto: the fastest way that the public API has.

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "bench/callisto_engine.h"
#include "bench/failure.h"

namespace callisto::bench {

namespace {

/// Records are made so many at a time, which is not measured, and then added by two threads.
constexpr std::size_t kMadeAtOnce = 2000;

template <class Item, class Make, class Add>
void load_all(std::size_t count, const Make& make, const Add& add) {
  std::vector<Item> items;
  for (std::size_t n = 0; n < count;) {
    items.clear();
    while (n < count && items.size() < kMadeAtOnce) items.push_back(make(n++));
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i; (i = next.fetch_add(1)) < items.size();) add(items[i]);
    };
    std::thread other(work);
    work();
    other.join();
  }
}

void load_users(BulkLoad& load, std::size_t count, LoadWatch& watch) {
  load_all<UserItem>(
      count, [&](std::size_t n) { return watch.user(n); },
      [&](const UserItem& item) {
        require(load.add_user(item.user), "load a user");
        for (const NewIdentity& identity : item.more_identities) {
          require(load.add_identity(item.user.id, identity), "load an identity");
        }
        for (const NewDatum& datum : item.data) {
          require(load.add_datum(item.user.id, CategoryKind::list, datum), "load a datum");
        }
        for (const NewDatum& datum : item.single_data) {
          require(load.add_datum(item.user.id, CategoryKind::single, datum), "load a datum");
        }
      });
}

void load_conversations(BulkLoad& load, std::size_t count, LoadWatch& watch) {
  load_all<ConversationItem>(
      count, [&](std::size_t n) { return watch.conversation(n); },
      [&](const ConversationItem& item) {
        require(load.add_conversation(item.header, item.messages), "load a conversation");
      });
}

void load_memories(BulkLoad& load, std::size_t count, LoadWatch& watch) {
  load_all<NewMemory>(
      count, [&](std::size_t n) { return watch.memory(n); },
      [&](const NewMemory& memory) { require(load.add_memory(memory), "load memories"); });
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
  BulkLoad load = require(store.bulk_load(), "bulk load");
  load_users(load, counts.users, watch);
  load_conversations(load, counts.conversations, watch);
  load_memories(load, counts.memories, watch);
  require(load.commit(), "commit the load");
  watch.loaded();
  require(store.close(), "close");
  return watch.settled();
}

}  // namespace callisto::bench
