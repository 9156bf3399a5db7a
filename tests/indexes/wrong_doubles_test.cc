// Maintainers that are wrong on purpose: what they leave behind is found and mended.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/forwarded.h"
#include "indexes/catalogue.h"
#include "schema/keys.h"
#include "tests/indexes/world.h"

namespace callisto::indexes::testing {
namespace {

using kv::Family;
using schema::IndexId;
using schema::TableId;

bool is_entry(Family family, std::string_view key) {
  if (family == Family::messages) {
    return !standard_catalogue().table(TableId::messages).is_row(key);
  }
  return family == Family::indexes;
}

class ForgetsToErase final : public kv::ForwardedTransaction {
 public:
  using ForwardedTransaction::ForwardedTransaction;
  Result<void> erase(Family family, std::string_view key) override {
    return is_entry(family, key) ? Result<void>{} : base_.erase(family, key);
  }
};

class ForgetsToPut final : public kv::ForwardedTransaction {
 public:
  using ForwardedTransaction::ForwardedTransaction;
  Result<void> put(Family family, std::string_view key, std::string_view value) override {
    return is_entry(family, key) ? Result<void>{} : base_.put(family, key, value);
  }
};

class WritesAWrongValue final : public kv::ForwardedTransaction {
 public:
  using ForwardedTransaction::ForwardedTransaction;
  Result<void> put(Family family, std::string_view key, std::string_view value) override {
    if (!is_entry(family, key)) return base_.put(family, key, value);
    return base_.put(family, key, std::string(value) + "x");
  }
};

class WritesAWrongKey final : public kv::ForwardedTransaction {
 public:
  using ForwardedTransaction::ForwardedTransaction;
  Result<void> put(Family family, std::string_view key, std::string_view value) override {
    if (!is_entry(family, key)) return base_.put(family, key, value);
    std::string wrong(key);
    wrong.back() = static_cast<char>(wrong.back() ^ 1);
    return base_.put(family, wrong, value);
  }
};

class SkipsAnIndex final : public kv::ForwardedTransaction {
 public:
  using ForwardedTransaction::ForwardedTransaction;
  Result<void> put(Family family, std::string_view key, std::string_view value) override {
    const std::string prefix = index_prefix(kSpace, IndexId::memory_by_tag);
    if (key.substr(0, prefix.size()) == prefix) return {};
    return base_.put(family, key, value);
  }
};

class ForgetsACounter final : public kv::ForwardedTransaction {
 public:
  using ForwardedTransaction::ForwardedTransaction;
  Result<void> add(const kv::CounterDelta&) override { return {}; }
};

class CountsTwice final : public kv::ForwardedTransaction {
 public:
  using ForwardedTransaction::ForwardedTransaction;
  Result<void> add(const kv::CounterDelta& delta) override {
    if (auto done = base_.add(delta); !done) return done;
    return base_.add(delta);
  }
};

/// Changes that every wrong maintainer gets wrong: rows come, change and go.
void change_rows(World& world) {
  fb::MemoryT fields = memory(memory_id(201), kNoon + kMinute);
  fields.category = "drinks";
  fields.tags = {"tea"};
  world.write(memory_row(fields));
  world.erase(memory_row(memory(memory_id(202))));
  fields = memory(memory_id(205));
  fields.tags = {"new"};
  world.write(memory_row(fields));
  fb::MessageT reply = message(conversation_id(101), 2, 1002);
  reply.importance = 1;
  reply.token_usage = 4;
  world.write(message_row(reply));
}

template <class Wrong>
void expect_caught_and_healed() {
  World world;
  world.fill();
  world.spoil_maintainer([](kv::Transaction& inner) { return std::make_unique<Wrong>(inner); });
  change_rows(world);
  EXPECT_FALSE(world.scrub().ok);
  EXPECT_GT(world.repair(), 0u);
  EXPECT_EQ(summary(world.scrub()), "ok");
  EXPECT_EQ(world.stored_entries(), world.right_entries());
  EXPECT_EQ(world.stored_counts(), world.right_counts());
}

TEST(WrongDoubles, TheRightOneIsNotCaught) {
  World world;
  world.fill();
  world.spoil_maintainer(
      [](kv::Transaction& inner) { return std::make_unique<kv::ForwardedTransaction>(inner); });
  change_rows(world);
  EXPECT_EQ(summary(world.scrub()), "ok");
}

TEST(WrongDoubles, ForgetsToErase) { expect_caught_and_healed<ForgetsToErase>(); }
TEST(WrongDoubles, ForgetsToPut) { expect_caught_and_healed<ForgetsToPut>(); }
TEST(WrongDoubles, WritesAWrongValue) { expect_caught_and_healed<WritesAWrongValue>(); }
TEST(WrongDoubles, WritesAWrongKey) { expect_caught_and_healed<WritesAWrongKey>(); }
TEST(WrongDoubles, SkipsAnIndex) { expect_caught_and_healed<SkipsAnIndex>(); }
TEST(WrongDoubles, ForgetsACounter) { expect_caught_and_healed<ForgetsACounter>(); }
TEST(WrongDoubles, CountsTwice) { expect_caught_and_healed<CountsTwice>(); }

}  // namespace
}  // namespace callisto::indexes::testing
