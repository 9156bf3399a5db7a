// Bulk loads: what they bring in is what single calls bring in, and nothing else.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "api/core.h"
#include "callisto/callisto.h"
#include "schema/keys.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_environment.h"

namespace callisto {
namespace {

struct IdentityItem {
  UserId user;
  NewIdentity identity;
};
struct DatumItem {
  UserId user;
  CategoryKind kind = CategoryKind::list;
  NewDatum datum;
};
struct ConversationItem {
  NewConversation header;
  std::vector<NewMessage> messages;
};
using Item = std::variant<NewUser, IdentityItem, DatumItem, ConversationItem, NewMemory>;
using Items = std::vector<Item>;

Result<void> drop_value(const auto& result) {
  if (!result) return result.error();
  return {};
}

Result<void> load(BulkLoad& load, const Item& item) {
  if (const auto* user = std::get_if<NewUser>(&item)) return drop_value(load.add_user(*user));
  if (const auto* memory = std::get_if<NewMemory>(&item)) {
    return drop_value(load.add_memory(*memory));
  }
  if (const auto* one = std::get_if<IdentityItem>(&item)) {
    return drop_value(load.add_identity(one->user, one->identity));
  }
  if (const auto* one = std::get_if<DatumItem>(&item)) {
    return load.add_datum(one->user, one->kind, one->datum);
  }
  const auto& one = std::get<ConversationItem>(item);
  return drop_value(load.add_conversation(one.header, one.messages));
}

Result<void> call(const Repositories& space, const Item& item) {
  if (const auto* user = std::get_if<NewUser>(&item)) {
    return drop_value(space.users().create(*user));
  }
  if (const auto* memory = std::get_if<NewMemory>(&item)) {
    return drop_value(space.memories().create(*memory));
  }
  if (const auto* one = std::get_if<IdentityItem>(&item)) {
    return drop_value(space.users().add_identity(one->user, one->identity));
  }
  if (const auto* one = std::get_if<DatumItem>(&item)) {
    return drop_value(one->kind == CategoryKind::list
                          ? space.user_data().append(one->user, one->datum)
                          : space.user_data().replace(one->user, one->datum));
  }
  const auto& one = std::get<ConversationItem>(item);
  return drop_value(space.conversations().store(one.header, one.messages));
}

/// Random records, in an order in which single calls take them.
class Records {
 public:
  explicit Records(std::uint64_t seed) : random_(seed) {}

  Items make(std::size_t users, std::size_t conversations, std::size_t memories) {
    Items items;
    for (std::size_t i = 0; i < users; ++i) add_user(items);
    for (std::size_t i = 0; i < conversations; ++i) add_conversation(items);
    for (std::size_t i = 0; i < memories; ++i) add_memory(items);
    return items;
  }

 private:
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  std::string number(std::size_t below) { return std::to_string(random_() % below); }
  template <class IdType>
  IdType id() {
    UuidBytes bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    return IdType(bytes);
  }
  Time time() {
    return Time(testing::kTestStart.micros() - static_cast<std::int64_t>(random_() % 100) * 1000);
  }
  template <class IdType>
  const IdType& any(const std::vector<IdType>& ids) {
    return ids[random_() % ids.size()];
  }
  template <class New>
  void add_envelope(New& record) {
    record.id = id<decltype(record.id)>();
    if (chance(70)) record.created_at = time();
    if (chance(20)) record.metadata = R"({"n":)" + number(9) + "}";
    if (chance(20)) {
      record.external_source = "elsewhere";
      record.external_id = number(1000);
    }
    if (record.created_at && chance(20)) record.origin = Origin{time(), 1 + random_() % 5};
  }

  void add_user(Items& items) {
    NewUser user;
    add_envelope(user);
    if (chance(50)) user.preferences = R"({"voice":"v)" + number(9) + R"("})";
    user.is_active = chance(80);
    if (chance(50)) user.last_seen = time();
    users_.push_back(user.id);
    items.emplace_back(user);
    for (std::size_t i = random_() % 3; i > 0; --i) {
      IdentityItem item{user.id, {}};
      add_envelope(item.identity);
      item.identity.platform = "p" + number(3);
      item.identity.platform_id = std::to_string(next_++);
      item.identity.username = chance(50) ? "Name " + number(20) : "";
      items.emplace_back(std::move(item));
    }
    for (std::size_t i = random_() % 8; i > 0; --i) {
      DatumItem item{user.id, CategoryKind::list, {}};
      add_envelope(item.datum);
      item.datum.category = "list " + number(3);
      item.datum.value = std::to_string(next_++);
      items.emplace_back(std::move(item));
    }
    if (!chance(30)) return;
    DatumItem name{user.id, CategoryKind::single, {}};
    add_envelope(name.datum);
    name.datum.category = "preferred_name";
    name.datum.value = "N\xC3\xA9l " + number(20);
    items.emplace_back(std::move(name));
  }

  void add_conversation(Items& items) {
    ConversationItem item;
    add_envelope(item.header);
    item.header.title = "About " + number(100);
    item.header.type = chance(50) ? "chat" : "";
    for (std::size_t i = random_() % 4; i > 0; --i) item.header.participants.push_back(any(users_));
    if (chance(50)) item.header.owner = any(users_);
    item.header.is_saved = chance(30);
    item.header.is_archived = chance(10);
    item.header.is_processed = chance(50);
    item.header.reopens = chance(80);
    if (chance(20)) item.header.ended_at = time();
    for (std::size_t i = random_() % 12; i > 0; --i) add_message(item);
    conversations_.push_back(item.header.id);
    items.emplace_back(std::move(item));
  }

  void add_message(ConversationItem& item) {
    NewMessage message;
    add_envelope(message);
    message.content = "Words " + number(1000);
    const auto& participants = item.header.participants;
    if (!participants.empty() && chance(60)) message.sender = any(participants);
    if (chance(70)) message.timestamp = time();
    if (chance(30)) message.importance = static_cast<float>(random_() % 11) / 10.0F;
    if (chance(30)) message.token_usage = static_cast<std::uint32_t>(random_() % 100);
    if (chance(20)) message.agent = "agent " + number(3);
    if (!item.messages.empty() && chance(30)) message.parent = item.messages.back().id;
    item.messages.push_back(std::move(message));
  }

  void add_memory(Items& items) {
    NewMemory memory;
    add_envelope(memory);
    memory.category = chance(80) ? "c" + number(5) : "";
    memory.key = chance(80) ? "k" + number(20) : "";
    memory.type = chance(50) ? "fact" : "";
    memory.value = R"({"text":"Value )" + number(100) + R"(","n":[1,2.5]})";
    for (std::size_t i = random_() % 4; i > 0; --i) memory.tags.push_back("Tag " + number(6));
    if (chance(50)) memory.entity_type = "kind" + number(2);
    if (!memory.entity_type.empty() && chance(80)) memory.entity_id = "e" + number(9);
    if (chance(50)) memory.user = any(users_);
    if (chance(30)) memory.conversation = any(conversations_);
    if (!memories_.empty() && chance(20)) memory.superseded_by = any(memories_);
    memory.priority = static_cast<std::uint8_t>(1 + random_() % 10);
    if (chance(30)) memory.importance = 0.25F;
    if (chance(30)) memory.expires_at = time();
    memory.is_active = chance(90);
    memory.task = chance(30) ? "task " + number(3) : "";
    if (chance(30)) memory.sources.push_back({"message", number(10)});
    memories_.push_back(memory.id);
    items.emplace_back(std::move(memory));
  }

  std::mt19937_64 random_;
  std::size_t next_ = 0;
  std::vector<UserId> users_;
  std::vector<ConversationId> conversations_;
  std::vector<MemoryId> memories_;
};

class BulkLoadTest : public ::testing::Test {
 protected:
  Store make() { return Store::open_in_memory(options(environment_)).value(); }
  static Options options(Environment& environment) {
    Options options;
    options.environment = &environment;
    options.background_work = false;
    options.memory_budget_bytes = 32u << 20;
    return options;
  }

  using Rows = std::map<std::string, std::string>;
  /// Every row of every family, by a key in words, but for how often estimates were saved.
  static Rows rows_of(const Store& store) {
    detail::StoreCore& core = store.core();
    core.cardinality().save(core.engine()).value();
    Rows rows;
    for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
      const auto family = static_cast<kv::Family>(i);
      const std::string upper(kv::kMaxKeyBytes, '\xff');
      const auto cursor =
          core.engine().scan(family, {.lower = std::string_view("\0", 1), .upper = upper});
      for (; cursor->valid(); cursor->next()) {
        if (cursor->key() == schema::cardinality_key(schema::kCardinalityRevision)) continue;
        rows[std::string(kv::to_string(family)) + " " + schema::describe_key(cursor->key())] =
            schema::to_hex(cursor->value());
      }
      EXPECT_TRUE(cursor->status());
    }
    return rows;
  }
  static void expect_sound(const Store& store) {
    const VerifyReport report = store.verify().value();
    EXPECT_TRUE(report.ok);
    for (const Defect& defect : report.defects) {
      ADD_FAILURE() << defect.kind << " " << defect.table << " " << defect.detail;
    }
  }
  static void expect_equal(const Rows& loaded, const Rows& called) {
    EXPECT_EQ(loaded.size(), called.size());
    for (const auto& [key, value] : called) {
      const auto found = loaded.find(key);
      ASSERT_NE(found, loaded.end()) << key;
      EXPECT_EQ(found->second, value) << key;
    }
    for (const auto& [key, value] : loaded) EXPECT_TRUE(called.contains(key)) << key;
  }
  /// The error of committing these records into a new store, which stays empty.
  Error refusal(const Items& items) {
    const Store store = make();
    const Rows before = rows_of(store);
    auto load = store.bulk_load().value();
    for (const Item& item : items) callisto::load(load, item).value();
    auto committed = load.commit();
    EXPECT_FALSE(committed);
    EXPECT_EQ(rows_of(store), before);
    expect_sound(store);
    return committed ? Error(Code::unsupported, "committed") : committed.error();
  }

  testing::TestEnvironment environment_;
};

TEST_F(BulkLoadTest, GivesTheRowsOfSingleCallsWhateverTheOrder) {
  const std::uint64_t seed = testing::test_seed();
  Items items = Records(seed).make(60, 80, 300);
  const Store called = make();
  for (const Item& item : items) call(called.default_space(), item).value();
  std::shuffle(items.begin(), items.end(), std::mt19937_64(seed));
  const Store loaded = make();
  auto load = loaded.bulk_load().value();
  for (const Item& item : items) callisto::load(load, item).value();
  EXPECT_EQ(loaded.stats().value().commits, make().stats().value().commits);
  const LoadCounts counts = load.commit().value();
  EXPECT_EQ(counts.users, 60U);
  EXPECT_EQ(counts.conversations, 80U);
  EXPECT_EQ(counts.memories, 300U);
  expect_equal(rows_of(loaded), rows_of(called));
  expect_sound(loaded);
}

TEST_F(BulkLoadTest, MakesTheSameIdsAndPartsAsSingleCalls) {
  testing::TestEnvironment other;
  const Store called = Store::open_in_memory(options(other)).value();
  const Store loaded = make();
  auto load = loaded.bulk_load().value();
  const NewUser user{.name = "Reece", .platform = "discord", .platform_id = "1957"};
  const UserId id = load.add_user(user).value();
  EXPECT_EQ(called.users().create(user).value(), id);
  const NewConversation talk{.title = "Dinner", .owner = id, .participants = {id}};
  const NewMessage messages[] = {{.sender = id, .content = "Pie?"}, {.content = "Pie."}};
  const ConversationId conversation = load.add_conversation(talk, messages).value();
  EXPECT_EQ(called.conversations().store(talk, messages).value(), conversation);
  const NewMemory memory{.category = "food", .key = "pie", .value = "1", .user = id};
  EXPECT_EQ(load.add_memory(memory).value(), called.memories().create(memory).value());
  load.commit().value();
  expect_equal(rows_of(loaded), rows_of(called));
  EXPECT_EQ(loaded.users().by_platform("discord", "1957").value()->id(), id);
  EXPECT_EQ(loaded.messages().latest(conversation, 9).value().size(), 2U);
}

TEST_F(BulkLoadTest, AnEmptyLoadChangesNoRecord) {
  const Store store = make();
  EXPECT_EQ(store.bulk_load()->commit().value().users, 0U);
  expect_sound(store);
  store.users().create({.name = "first"}).value();
}

TEST_F(BulkLoadTest, ManyRunsAndThreadsGiveTheSame) {
  const Items items = Records(testing::test_seed()).make(400, 600, 9000);
  const Store called = make();
  for (const Item& item : items) call(called.default_space(), item).value();
  const Store loaded = make();
  auto load = loaded.bulk_load().value();
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < items.size(); i += 3) callisto::load(load, items[i]).value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  load.commit().value();
  expect_equal(rows_of(loaded), rows_of(called));
}

TEST_F(BulkLoadTest, NothingIsSeenBeforeTheCommitAndSnapshotsStay) {
  const Store store = make();
  auto load = store.bulk_load().value();
  const UserId user = load.add_user({.name = "Reece"}).value();
  const Snapshot before = store.snapshot().value();
  EXPECT_FALSE(store.users().get(user).value());
  load.commit().value();
  EXPECT_FALSE(before.users().get(user).value());
  EXPECT_TRUE(store.users().get(user).value());
}

TEST_F(BulkLoadTest, OtherSpacesAreNotTouched) {
  const Store store = make();
  const UserId user = store.users().create({.name = "Reece"}).value();
  const Space space = store.create_space("acme").value();
  auto load = space.bulk_load().value();
  load.add_user({.id = user, .name = "Other"}).value();
  load.commit().value();
  EXPECT_EQ(space.user_data().values(user, "preferred_name", 9).value().front().value(), "Other");
  EXPECT_EQ(store.user_data().values(user, "preferred_name", 9).value().front().value(), "Reece");
  expect_sound(store);
}

TEST_F(BulkLoadTest, ASpaceThatIsNotEmptyIsRefused) {
  const Store store = make();
  auto load = store.bulk_load().value();
  load.add_user({.name = "late"}).value();
  const UserId user = store.users().create({.name = "Reece"}).value();
  const auto late = load.commit();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().field(), "space");
  EXPECT_EQ(store.bulk_load().error().field(), "space");
  EXPECT_EQ(store.users().list().value().size(), 1U);
  store.users().remove(user).value();
  store.finish_pending_work().value();
  store.bulk_load()->commit().value();
  expect_sound(store);
}

TEST_F(BulkLoadTest, ADroppedSpaceIsNotFound) {
  const Store store = make();
  const Space space = store.create_space("acme").value();
  auto load = space.bulk_load().value();
  store.drop_space("acme").value();
  store.finish_pending_work().value();
  EXPECT_EQ(load.commit().error().code(), Code::not_found);
  EXPECT_EQ(space.bulk_load().error().code(), Code::not_found);
}

TEST_F(BulkLoadTest, RefusesARecordAsTheSingleCallDoesAndGoesOn) {
  const Store store = make();
  auto load = store.bulk_load().value();
  EXPECT_EQ(load.add_user({.platform_id = "1"}).error().field(), "platform");
  EXPECT_EQ(load.add_memory({.priority = 11}).error().field(), "priority");
  EXPECT_EQ(load.add_memory({.value = "{"}).error().field(), "value");
  const UserId nobody = UserId::from_external("test", "nobody");
  EXPECT_EQ(
      load.add_datum(nobody, CategoryKind::list, {.category = "", .value = "1"}).error().field(),
      "category");
  EXPECT_EQ(load.add_datum(nobody, CategoryKind::list, {.category = "preferred_name", .value = "1"})
                .error()
                .field(),
            "category");
  const NewMessage messages[] = {{.content = "a"}, {.content = "\xff"}};
  EXPECT_EQ(load.add_conversation({}, messages).error().field(), "messages[1].content");
  EXPECT_EQ(load.commit().value().memories, 0U);
  EXPECT_EQ(load.commit().error().code(), Code::closed);
}

const UserId kReece = UserId::from_external("test", "Reece");

TEST_F(BulkLoadTest, WhatIsThereTwiceIsNamedByItsNumber) {
  const auto expect = [&](const Items& items, const std::string& field) {
    const Error error = refusal(items);
    EXPECT_EQ(error.code(), Code::already_exists) << error.to_string();
    EXPECT_EQ(error.field(), field);
  };
  const NewUser user{.id = kReece};
  expect({user, user}, "records[1].id");
  const NewMemory memory{.id = MemoryId::from_external("test", "m")};
  expect({memory, user, memory}, "records[2].id");
  const IdentityItem identity{kReece, {.platform = "discord", .platform_id = "1"}};
  expect({user, identity, identity}, "records[2].platform_id");
  const DatumItem datum{kReece, CategoryKind::list, {.category = "foods", .value = "pies"}};
  expect({user, datum, datum}, "records[2].value");
  DatumItem single{kReece, CategoryKind::single, {.category = "name", .value = "a"}};
  DatumItem again = single;
  again.datum.value = "b";
  expect({user, single, again}, "records[2].category");
  ConversationItem talk{{.id = ConversationId::from_external("test", "c")}, {}};
  expect({talk, talk}, "records[1].id");
  talk.messages = {{.content = "a"}, {.id = MessageId::from_external("test", "m"), .content = "b"}};
  ConversationItem other = talk;
  other.header.id = ConversationId::from_external("test", "d");
  expect({talk, other}, "records[1].messages[1].id");
}

TEST_F(BulkLoadTest, WhatIsNamedAndNotThereIsAnError) {
  const auto expect = [&](const Items& items, const std::string& field) {
    const Error error = refusal(items);
    EXPECT_EQ(error.code(), Code::not_found) << error.to_string();
    EXPECT_EQ(error.field(), field);
  };
  const NewUser user{.id = UserId::from_external("test", "another")};
  expect({user, IdentityItem{kReece, {.platform = "discord", .platform_id = "1"}}},
         "records[1].user");
  expect({DatumItem{kReece, CategoryKind::list, {.category = "a", .value = "b"}}, user},
         "records[0].user");
  expect({ConversationItem{{.owner = kReece}, {}}}, "records[0].owner");
  expect({user, ConversationItem{{.participants = {user.id, kReece}}, {}}},
         "records[1].participants[1]");
  expect({NewMemory{.user = kReece}}, "records[0].user");
  expect({NewMemory{.conversation = ConversationId::from_external("test", "c")}},
         "records[0].conversation");
  expect({NewMemory{}, NewMemory{.superseded_by = MemoryId::from_external("test", "m")}},
         "records[1].superseded_by");
}

TEST_F(BulkLoadTest, ImportedRecordsOutliveWhatTheyName) {
  const Store store = make();
  auto load = store.bulk_load().value();
  const Time then = testing::kTestStart;
  load.add_memory({.superseded_by = MemoryId::from_external("test", "gone"),
                   .created_at = then,
                   .origin = Origin{then, 1}})
      .value();
  const NewMessage messages[] = {{.content = "answer",
                                  .parent = MessageId::from_external("test", "gone"),
                                  .created_at = then,
                                  .origin = Origin{then, 1}}};
  load.add_conversation({}, messages).value();
  load.commit().value();
  expect_sound(store);
}

TEST_F(BulkLoadTest, KindsOfACategoryAndRowsOfAUserAreLimited) {
  const DatumItem list{kReece, CategoryKind::list, {.category = "foods", .value = "pies"}};
  const DatumItem single{kReece, CategoryKind::single, {.category = "foods", .value = "ice"}};
  const Error kinds = refusal({NewUser{.id = kReece}, list, single});
  EXPECT_EQ(kinds.code(), Code::invalid_argument);
  EXPECT_EQ(kinds.field(), "records[2].category");
  Items many{NewUser{.id = kReece}};
  for (int i = 0; i <= 2000; ++i) {
    many.emplace_back(
        DatumItem{kReece, CategoryKind::list, {.category = "a", .value = std::to_string(i)}});
  }
  EXPECT_EQ(refusal(many).code(), Code::limit_exceeded);
  many.pop_back();
  const Store store = make();
  auto load = store.bulk_load().value();
  for (const Item& item : many) callisto::load(load, item).value();
  load.commit().value();
}

TEST_F(BulkLoadTest, LimitsEndACommitWithNothing) {
  const Store store = make();
  auto load = store.bulk_load().value();
  load.add_user({.name = "Reece"}).value();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(load.commit({.cancel = stop.get_token()}).error().code(), Code::cancelled);
  EXPECT_TRUE(store.users().list().value().empty());
  store.bulk_load()->commit().value();
}

TEST_F(BulkLoadTest, ALoadThatOutlivesTheStoreAnswersClosed) {
  Store store = make();
  auto load = store.bulk_load().value();
  load.add_user({.name = "Reece"}).value();
  auto other = store.bulk_load().value();
  store.close().value();
  EXPECT_EQ(load.add_user({.name = "Reece"}).error().code(), Code::closed);
  EXPECT_EQ(load.commit().error().code(), Code::closed);
  EXPECT_EQ(other.commit().error().code(), Code::closed);
}

TEST_F(BulkLoadTest, IsThereAfterReopeningWithItsEstimates) {
  const testing::TempDirectory temporary;
  const std::string directory = temporary.path("store");
  const Items items = Records(testing::test_seed()).make(20, 20, 200);
  Rows before;
  {
    Store store = Store::open(directory, options(environment_)).value();
    auto load = store.bulk_load().value();
    for (const Item& item : items) callisto::load(load, item).value();
    load.commit().value();
    before = rows_of(store);
    store.close().value();
  }
  const Store store = Store::open(directory, options(environment_)).value();
  EXPECT_EQ(rows_of(store), before);
  expect_sound(store);
  Options reading = options(environment_);
  reading.mode = OpenMode::read_only;
  const Store follower = Store::open(directory, reading).value();
  EXPECT_EQ(follower.bulk_load().error().code(), Code::read_only);
  EXPECT_EQ(follower.memories().find({.limit = 1000}).value().size(),
            store.memories().find({.limit = 1000}).value().size());
}

TEST_F(BulkLoadTest, WritersInOtherSpacesGoOnAndNoneIsLost) {
  const Store store = make();
  const Space busy = store.create_space("busy").value();
  const UserId user = busy.users().create({.name = "Reece"}).value();
  std::atomic<bool> is_over{false};
  int written = 0;
  std::thread writer([&] {
    while (!is_over.load()) {
      busy.user_data().append(user, "foods", std::to_string(written % 1900)).value();
      ++written;
    }
  });
  for (int i = 0; i < 5; ++i) {
    const Space space = store.create_space("space " + std::to_string(i)).value();
    auto load = space.bulk_load().value();
    for (int j = 0; j < 200; ++j) load.add_user({.name = "u" + std::to_string(j)}).value();
    EXPECT_EQ(load.commit().value().users, 200U);
  }
  is_over.store(true);
  writer.join();
  EXPECT_EQ(busy.user_data().values(user, "foods", 10'000).value().size(),
            static_cast<std::size_t>(std::min(written, 1900)));
  expect_sound(store);
}

}  // namespace
}  // namespace callisto
