// Isolation, seen from the outside: random transactions that append to lists, and a checker that
// finds what no serial order explains (RELIABILITY.md 3.9, 6). The lists are the texts of memories,
// and the messages of conversations: who reads those together with the conversation is promised
// that none is added, for an append moves what get() has read. CALLISTO_SEED repeats the choices,
// CALLISTO_HISTORIES sets how many histories each engine gets.

#include "tests/threads/list_append.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <mutex>
#include <random>
#include <sstream>

#include "api/core.h"
#include "tests/support/engine_factories.h"
#include "tests/support/test_environment.h"
#include "tests/support/unchecked_engine.h"
#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

using list_append::find_anomalies;
using list_append::List;
using list_append::Operation;
using list_append::Value;
using History = std::vector<list_append::Transaction>;

Operation append(unsigned key, Value value) { return {Operation::Kind::append, key, value, {}}; }
Operation read(unsigned key, List seen) { return {Operation::Kind::read, key, 0, std::move(seen)}; }

// The checker ------------------------------------------------------------------------------------

void expect_found(const History& history, const std::map<unsigned, List>& last,
                  const std::string& part) {
  const auto anomalies = find_anomalies(history, last);
  ASSERT_FALSE(anomalies.empty()) << part;
  EXPECT_NE(anomalies[0].find(part), std::string::npos) << anomalies[0];
}

TEST(ListAppendChecker, TakesSerialHistories) {
  const History history{{0, true, {append(0, 1), append(0, 2), read(0, {1, 2})}},
                        {1, true, {read(0, {1, 2}), append(1, 3), read(1, {3})}},
                        {2, true, {read(0, {}), read(1, {})}},
                        {0, false, {append(0, 9)}}};
  EXPECT_TRUE(find_anomalies(history, {{0, {1, 2}}, {1, {3}}}).empty());
}

TEST(ListAppendChecker, FindsWhatIsLostTornOrUnwritten) {
  expect_found({{0, true, {append(0, 1)}}}, {{0, {}}}, "lost update");
  expect_found({{0, true, {append(0, 1)}}}, {{0, {1, 1}}}, "twice");
  expect_found({{0, true, {}}}, {{0, {7}}}, "never written");
  expect_found({{0, false, {append(0, 1)}}}, {{0, {1}}}, "aborted");
  expect_found({{0, true, {append(0, 1), append(0, 2)}}, {1, true, {read(0, {1})}}}, {{0, {1, 2}}},
               "half of a commit");
  expect_found({{0, true, {append(0, 1)}}, {1, true, {append(0, 2)}}, {2, true, {read(0, {2})}}},
               {{0, {1, 2}}}, "no prefix");
  expect_found({{0, true, {append(0, 1), read(0, {})}}}, {{0, {1}}}, "does not see");
  expect_found({{0, true, {append(0, 1)}}, {1, true, {read(0, {}), read(0, {1})}}}, {{0, {1}}},
               "two states");
}

TEST(ListAppendChecker, FindsCycles) {
  // Write skew: each misses what the other writes.
  expect_found({{0, true, {read(0, {}), append(1, 1)}}, {1, true, {read(1, {}), append(0, 2)}}},
               {{0, {2}}, {1, {1}}}, "cycle: T0 -rw-> T1 -rw-> T0");
  // Each sees the other.
  expect_found({{0, true, {append(0, 1), read(1, {2})}}, {1, true, {append(1, 2), read(0, {1})}}},
               {{0, {1}}, {1, {2}}}, "-wr->");
  // Of a commit that wrote two keys, one is seen.
  expect_found({{0, true, {append(0, 1), append(1, 2)}}, {1, true, {read(0, {1}), read(1, {})}}},
               {{0, {1}}, {1, {2}}}, "cycle");
  // A client does not see what it has written itself.
  expect_found({{0, true, {append(0, 1)}}, {0, true, {read(0, {})}}}, {{0, {1}}}, "client");
}

// The store --------------------------------------------------------------------------------------

constexpr unsigned kMemoryKeys = 3;
constexpr unsigned kKeys = 6;

MemoryId memory_of(unsigned key) { return MemoryId::from_external("list", std::to_string(key)); }
ConversationId conversation_of(unsigned key) {
  return ConversationId::from_external("list", std::to_string(key));
}

Result<List> read_list(const Repositories& at, unsigned key) {
  List list;
  if (key < kMemoryKeys) {
    auto memory = at.memories().get(memory_of(key));
    if (!memory) return memory.error();
    std::istringstream text{std::string((*memory)->text())};
    for (Value value = 0; text >> value;) list.push_back(value);
    return list;
  }
  auto conversation = at.conversations().get(conversation_of(key));
  if (!conversation) return conversation.error();
  auto page = at.messages().page(conversation_of(key), {.limit = 10'000, .oldest_first = true});
  if (!page) return page.error();
  for (const Message& message : *page) list.push_back(std::stoull(std::string(message.content())));
  EXPECT_EQ(list.size(), (*conversation)->message_count());
  return list;
}

Result<void> append_value(const Repositories& at, unsigned key, Value value) {
  if (key < kMemoryKeys) {
    auto memory = at.memories().get(memory_of(key));
    if (!memory) return memory.error();
    const std::string text = std::string((*memory)->text()) + " " + std::to_string(value);
    auto updated = at.memories().update(memory_of(key), {.text = text});
    if (!updated) return updated.error();
    return {};
  }
  auto id = at.messages().append(
      {.conversation = conversation_of(key), .content = std::to_string(value)});
  if (!id) return id.error();
  return {};
}

/// The repositories of any scope, as callers of the API have them.
class At : public Repositories {
 public:
  explicit At(const detail::Scope& scope) { bind(&scope); }
};

/// A store over an engine, with empty lists.
class ListStore {
 public:
  explicit ListStore(std::unique_ptr<kv::Store> engine) {
    core_ = detail::StoreCore::over(std::move(engine), {.environment = nullptr}).value();
    scope_ = {core_.get(), &core_->slot(schema::kDefaultSpace), nullptr, nullptr};
    for (unsigned key = 0; key < kKeys; ++key) {
      if (key < kMemoryKeys) {
        Memories(scope_).create({.id = memory_of(key), .text = " "}).value();
      } else {
        Conversations(scope_).create({.id = conversation_of(key)}).value();
      }
    }
  }

  Result<void> transact(const std::function<Result<void>(Transaction&)>& function) const {
    return detail::transact_in(scope_, kPatient, function);
  }
  /// Outside of a transaction: each call sees what is committed then.
  At latest() const { return At(scope_); }
  std::unique_ptr<detail::SnapshotCore> snapshot() const {
    auto view = core_->engine().snapshot();
    auto state = scope_.slot->state(core_->engine(), *view).value();
    return std::make_unique<detail::SnapshotCore>(core_, *scope_.slot, std::move(view),
                                                  std::move(state), Time());
  }
  std::map<unsigned, List> last() const {
    std::map<unsigned, List> lists;
    const auto done = transact([&](Transaction& tx) -> Result<void> {
      for (unsigned key = 0; key < kKeys; ++key) lists[key] = read_list(tx, key).value();
      return {};
    });
    EXPECT_TRUE(done);
    return lists;
  }

 private:
  std::shared_ptr<detail::StoreCore> core_;
  detail::Scope scope_;
};

/// One client: random transactions, what they did and what they were told.
class Client {
 public:
  Client(const ListStore& store, unsigned number, std::uint64_t seed)
      : store_(store), number_(number), random_(seed) {}

  list_append::Transaction run_one() {
    switch (random_() % 6) {
      case 0:
        return look(store_.latest(), 1);
      case 1: {
        const auto snapshot = store_.snapshot();
        return look(At(snapshot->scope), 2 + random_() % 3);
      }
      default:
        return transact();
    }
  }

 private:
  /// Reads without a transaction.
  list_append::Transaction look(const Repositories& at, std::uint64_t count) {
    list_append::Transaction done{number_, true, {}};
    for (; count > 0; --count) {
      const auto key = static_cast<unsigned>(random_() % kKeys);
      done.operations.push_back(read(key, read_whole(at, key)));
      std::this_thread::yield();
    }
    return done;
  }
  /// By one call.
  static List read_whole(const Repositories& at, unsigned key) {
    if (key < kMemoryKeys) return read_list(at, key).value();
    List list;
    const auto whole = at.conversations().whole(conversation_of(key)).value();
    for (const Message& message : whole.value().messages) {
      list.push_back(std::stoull(std::string(message.content())));
    }
    return list;
  }

  list_append::Transaction transact() {
    plan();
    list_append::Transaction done{number_, true, {}};
    const bool gives_up = random_() % 10 == 0;
    const auto committed = store_.transact([&](Transaction& tx) -> Result<void> {
      done.operations.clear();  // It may be an attempt after a conflict.
      for (const Operation& planned : plan_) {
        done.operations.push_back(planned);
        if (auto ran = run(tx, done.operations.back()); !ran) return ran;
        std::this_thread::yield();
      }
      if (gives_up) return Error(Code::invalid_argument, "changed my mind");
      return {};
    });
    if (!gives_up) {
      EXPECT_TRUE(committed) << committed.error().to_string();
    }
    done.is_committed = committed.has_value();
    return done;
  }

  void plan() {
    plan_.clear();
    const bool only_reads = random_() % 4 == 0;
    for (std::uint64_t i = 0, count = 1 + random_() % 4; i < count; ++i) {
      const auto key = static_cast<unsigned>(random_() % kKeys);
      if (only_reads || random_() % 2 == 0) {
        plan_.push_back(read(key, {}));
      } else {
        plan_.push_back(append(key, number_ * 1'000'000ULL + ++written_));
      }
    }
  }
  static Result<void> run(Transaction& tx, Operation& operation) {
    if (operation.kind == Operation::Kind::append) {
      return append_value(tx, operation.key, operation.value);
    }
    auto seen = read_list(tx, operation.key);
    if (!seen) return seen.error();
    operation.seen = std::move(*seen);
    return {};
  }

  const ListStore& store_;
  const unsigned number_;
  std::mt19937_64 random_;
  std::vector<Operation> plan_;
  Value written_ = 0;
};

std::uint64_t histories() {
  const char* given = std::getenv("CALLISTO_HISTORIES");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 5;
}

class ListAppend : public ::testing::TestWithParam<EngineFactory> {};

/// What is wrong with a random history of several clients over an engine.
std::vector<std::string> run_clients(std::unique_ptr<kv::Store> engine, std::uint64_t seed) {
  constexpr int kClients = 4;
  constexpr int kTransactions = 60;
  const ListStore store(std::move(engine));
  History history;
  std::mutex mutex;
  run_threads(kClients, [&](int thread) {
    const auto number = static_cast<unsigned>(thread);
    Client client(store, number, seed + number);
    for (int i = 0; i < kTransactions; ++i) {
      auto done = client.run_one();
      const std::lock_guard lock(mutex);
      history.push_back(std::move(done));
    }
  });
  return find_anomalies(history, store.last());
}

TEST_P(ListAppend, HistoriesHaveASerialOrder) {
  for (std::uint64_t round = 0; round < histories() && !HasFailure(); ++round) {
    TestEnvironment environment;
    for (const auto& anomaly :
         run_clients(GetParam().make(environment), test_seed() + round * 1000)) {
      ADD_FAILURE() << "CALLISTO_SEED=" << test_seed() << ": " << anomaly;
    }
  }
}

/// So they meet often enough to find an error.
TEST_P(ListAppend, RandomHistoriesFindOutAnEngineThatDoesNotCheckReads) {
  bool is_found = false;
  int rounds = 0;
  for (; rounds < 1000 && !is_found; ++rounds) {
    TestEnvironment environment;
    auto engine = std::make_unique<UncheckedEngine>(GetParam().make(environment));
    const auto seed = test_seed() + static_cast<std::uint64_t>(rounds) * 1000;
    is_found = !run_clients(std::move(engine), seed).empty();
  }
  EXPECT_TRUE(is_found);
  std::printf("found in history %d\n", rounds);
}

/// Two transactions, one run to its end inside the other, that each read what the other writes.
std::vector<std::string> interleave(const ListStore& store, unsigned first, unsigned second) {
  list_append::Transaction outer{0, true, {}};
  list_append::Transaction inner{1, true, {}};
  int attempts = 0;
  const auto done = store.transact([&](Transaction& tx) -> Result<void> {
    outer.operations = {read(first, read_list(tx, first).value()), append(second, 1)};
    if (++attempts == 1) {
      std::jthread([&] {
        const auto ran = store.transact([&](Transaction& other) -> Result<void> {
          inner.operations = {read(second, read_list(other, second).value()), append(first, 2)};
          return append_value(other, first, 2);
        });
        EXPECT_TRUE(ran);
      }).join();
    }
    return append_value(tx, second, 1);
  });
  EXPECT_TRUE(done);
  return find_anomalies({outer, inner}, store.last());
}

TEST_P(ListAppend, AnEngineThatDoesNotCheckReadsIsFoundOut) {
  for (const auto& [first, second] : {std::pair(0U, 1U), std::pair(3U, 4U), std::pair(0U, 4U)}) {
    TestEnvironment environment;
    EXPECT_TRUE(interleave(ListStore(GetParam().make(environment)), first, second).empty());
    const auto anomalies = interleave(
        ListStore(std::make_unique<UncheckedEngine>(GetParam().make(environment))), first, second);
    ASSERT_EQ(anomalies.size(), 1U);
    EXPECT_EQ(anomalies[0], "cycle: T0 -rw-> T1 -rw-> T0");
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, ListAppend, ::testing::ValuesIn(engine_factories()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace callisto::testing
