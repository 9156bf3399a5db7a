#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "callisto/store.h"
#include "tests/support/failure.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {

/// A store in memory under a clock that stands still, without a background thread.
class MemoryTest : public ::testing::Test {
 protected:
  MemoryTest() : store_(Store::open_in_memory(options()).value()) {}

  Options options() {
    Options options;
    options.environment = &environment_;
    options.background_work = false;
    return options;
  }

  Time now() { return environment_.now(); }
  Time seconds_ago(std::int64_t seconds) { return Time(now().micros() - seconds * 1'000'000); }
  Time seconds_ahead(std::int64_t seconds) { return seconds_ago(-seconds); }

  Memories memories() const { return store_.memories(); }
  MemoryId create(const NewMemory& memory) { return memories().create(memory).value(); }
  Memory get(MemoryId id) { return memories().get(id).value().value(); }
  UserId make_user(const std::string& name) {
    return store_.users().create({.name = name}).value();
  }
  ConversationId make_conversation(UserId participant) {
    return store_.conversations().create({.participants = {participant}}).value();
  }
  /// With more messages than one commit removes, so that removing it leaves work.
  ConversationId make_long_conversation() {
    return store_
        .transact([](Transaction& transaction) -> Result<ConversationId> {
          auto id = transaction.conversations().create({});
          for (int i = 0; id && i < 300; ++i) {
            auto message = transaction.messages().append({.conversation = *id, .content = "m"});
            if (!message) return message.error();
          }
          return id;
        })
        .value();
  }
  /// Removes it, and leaves its messages and memories to be removed.
  void remove_without_steps(ConversationId conversation) {
    const std::uint64_t before = store_.health().pending_work;
    ASSERT_TRUE(store_.conversations().remove(conversation).value());
    ASSERT_EQ(store_.health().pending_work, before + 1);
  }
  std::uint64_t commits() const { return store_.stats().value().commits; }

  /// Ids of what a query finds, in its order.
  std::vector<MemoryId> found(const MemoryQuery& query) {
    std::vector<MemoryId> ids;
    for (const Memory& memory : memories().find(query).value()) ids.push_back(memory.id());
    return ids;
  }

  TestEnvironment environment_;
  Store store_;
};

}  // namespace callisto::testing
