#include <cmath>
#include <optional>

#include "tests/api/memory_fixture.h"

namespace callisto::testing {
namespace {

using Tags = std::vector<std::string_view>;

NewMemory full_memory(UserId user, ConversationId conversation, MemoryId successor) {
  return {.category = "preferences",
          .key = "theme",
          .type = "fact",
          .value = R"({"mode":"dark","level":3,"text":"prefers dark"})",
          .text = "likes it dark",
          .tags = {"ui", "Important"},
          .entity_type = "user_preference",
          .entity_id = "theme-1",
          .user = user,
          .conversation = conversation,
          .source_agent = "listener",
          .priority = 8,
          .importance = 0.25F,
          .expires_at = kMaxTime,
          .is_active = false,
          .valid_from = Time(1),
          .valid_to = Time(2),
          .superseded_by = successor,
          .module = "ui_module",
          .task = "task_123",
          .sources = {{"message", "m-1"}, {"document", "d-1"}},
          .created_at = Time(5'000'000),
          .metadata = R"({"a":[1,2]})",
          .external_id = "ext-1",
          .external_source = "jarvis"};
}

// Creating ----------------------------------------------------------------------------------------

TEST_F(MemoryTest, CreateKeepsWhatTheMemorySays) {
  const Memory memory =
      get(create(full_memory(make_user("Reece"), make_conversation(make_user("B")), create({}))));
  EXPECT_EQ(memory.version(), 1U);
  EXPECT_EQ(memory.created_at(), Time(5'000'000));
  EXPECT_EQ(memory.recorded_at(), now());
  EXPECT_EQ(memory.updated_at(), Time(5'000'000));
  EXPECT_EQ(memory.category(), "preferences");
  EXPECT_EQ(memory.key(), "theme");
  EXPECT_EQ(memory.type(), "fact");
  EXPECT_EQ(memory.value().to_string(), R"({"level":3,"mode":"dark","text":"prefers dark"})");
  EXPECT_EQ(memory.value()["level"].as_int64(), 3);
  EXPECT_EQ(memory.text(), "likes it dark");
  EXPECT_EQ(memory.tags(), (Tags{"ui", "Important"}));
  EXPECT_EQ(memory.entity_type(), "user_preference");
  EXPECT_EQ(memory.entity_id(), "theme-1");
  EXPECT_EQ(memory.priority(), 8);
  EXPECT_EQ(memory.importance(), 0.25F);
  EXPECT_EQ(memory.expires_at(), kMaxTime);
  EXPECT_FALSE(memory.is_active());
  EXPECT_EQ(memory.valid_from(), Time(1));
  EXPECT_EQ(memory.valid_to(), Time(2));
}

TEST_F(MemoryTest, CreateKeepsWhereTheMemoryComesFrom) {
  const UserId user = make_user("Reece");
  const ConversationId conversation = make_conversation(user);
  const MemoryId successor = create({.key = "other"});
  const Memory memory = get(create(full_memory(user, conversation, successor)));
  EXPECT_EQ(memory.user(), user);
  EXPECT_EQ(memory.conversation(), conversation);
  EXPECT_EQ(memory.superseded_by(), successor);
  EXPECT_EQ(memory.source_agent(), "listener");
  EXPECT_EQ(memory.module(), "ui_module");
  EXPECT_EQ(memory.task(), "task_123");
  EXPECT_EQ(memory.updated_by(), "");
  ASSERT_EQ(memory.source_count(), 2U);
  EXPECT_EQ(memory.source_kind(1), "document");
  EXPECT_EQ(memory.source_id(0), "m-1");
  EXPECT_EQ(memory.metadata().to_string(), R"({"a":[1,2]})");
  EXPECT_EQ(memory.external_id(), "ext-1");
  EXPECT_EQ(memory.external_source(), "jarvis");
}

TEST_F(MemoryTest, AnEmptyMemoryHasDefaults) {
  const Memory memory = get(create({}));
  EXPECT_EQ(memory.created_at(), now());
  EXPECT_EQ(memory.priority(), 5);
  EXPECT_EQ(memory.importance(), 0.5F);
  EXPECT_TRUE(memory.is_active());
  EXPECT_EQ(memory.value().kind(), JsonKind::absent);
  EXPECT_EQ(memory.text(), "");
  EXPECT_EQ(memory.tag_count(), 0U);
  EXPECT_EQ(memory.tag(0), "");
  EXPECT_EQ(memory.source_id(0), "");
  EXPECT_TRUE(memory.user().is_nil());
  EXPECT_FALSE(memory.conversation());
  EXPECT_FALSE(memory.expires_at());
  EXPECT_FALSE(memory.superseded_by());
}

TEST_F(MemoryTest, ImportanceFollowsPriorityUnlessGiven) {
  EXPECT_EQ(get(create({.priority = 9})).importance(), 0.9F);
  EXPECT_EQ(get(create({.priority = 9, .importance = 0.0F})).importance(), 0.0F);
}

TEST_F(MemoryTest, TextComesFromTheValueWhereNoneIsGiven) {
  const MemoryId id = create({.value = R"({"text":"from the value"})"});
  EXPECT_EQ(get(id).text(), "from the value");
  memories().update(id, {.value = R"({"text":"newer"})"}).value();
  EXPECT_EQ(get(id).text(), "newer");
  memories().update(id, {.text = "given"}).value();
  memories().update(id, {.value = R"({"text":"ignored"})"}).value();
  EXPECT_EQ(get(id).text(), "given");
  memories().update(id, {.text = clear}).value();
  EXPECT_EQ(get(id).text(), "ignored");
  memories().update(id, {.value = clear}).value();
  EXPECT_EQ(get(id).text(), "");
  EXPECT_EQ(get(create({.value = R"({"text":7})"})).text(), "");
}

TEST_F(MemoryTest, ContentHashCountsValueAndTextOnly) {
  const std::string hash = get(create({.value = R"({"a":1,"b":2})", .text = "t"})).content_hash();
  EXPECT_EQ(hash.size(), 32U);
  EXPECT_EQ(get(create({.key = "k", .value = R"({ "b":2, "a":1 })", .text = "t"})).content_hash(),
            hash);
  EXPECT_NE(get(create({.value = R"({"a":1,"b":3})", .text = "t"})).content_hash(), hash);
  EXPECT_NE(get(create({.value = R"({"a":1,"b":2})", .text = "u"})).content_hash(), hash);
}

TEST_F(MemoryTest, TagsThatFoldAlikeCountOnce) {
  // U+00E9 and e with U+0301 are one letter; case does not count either.
  const MemoryId id = create({.tags = {"Caf\u00e9", "cafe\u0301", "CAF\u00c9", "tea"}});
  EXPECT_EQ(get(id).tags(), (Tags{"Caf\u00e9", "tea"}));
}

TEST_F(MemoryTest, CreateTakesProvenanceFromTheCaller) {
  const CallOptions options{.caller = {.agent = "a", .module = "caller_module", .task = "t-1"}};
  const Memory memory = get(memories().create({}, options).value());
  EXPECT_EQ(memory.module(), "caller_module");
  EXPECT_EQ(memory.task(), "t-1");
  EXPECT_EQ(memory.updated_by(), "");
}

TEST_F(MemoryTest, ImportersKeepVersionAndTimes) {
  const auto successor = MemoryId::from_external("test", "comes later");
  const Memory memory = get(create({.superseded_by = successor,
                                    .created_at = Time(10),
                                    .origin = Origin{Time(20), 7},
                                    .updated_by = "elsewhere"}));
  EXPECT_EQ(memory.version(), 7U);
  EXPECT_EQ(memory.created_at(), Time(10));
  EXPECT_EQ(memory.updated_at(), Time(20));
  EXPECT_EQ(memory.updated_by(), "elsewhere");
  EXPECT_EQ(memory.superseded_by(), successor);
}

TEST_F(MemoryTest, CreateWithAKnownIdIsIdempotent) {
  const MemoryId id = MemoryId::from_external("test", "1");
  const NewMemory memory{.id = id, .category = "c", .value = R"({"n":1})"};
  EXPECT_EQ(create(memory), id);
  environment_.advance_seconds(60);
  const std::uint64_t before = commits();
  EXPECT_EQ(create(memory), id);
  EXPECT_EQ(commits(), before);
  EXPECT_EQ(get(id).recorded_at(), kTestStart);
  NewMemory other = memory;
  other.value = R"({"n":2})";
  const auto refused = memories().create(other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::already_exists);
  EXPECT_EQ(refused.error().field(), "id");
  EXPECT_EQ(get(id).value()["n"].as_int64(), 1);
}

TEST_F(MemoryTest, UnknownReferencesAreRefused) {
  const UserId user = UserId::from_external("test", "nobody");
  const auto conversation = ConversationId::from_external("test", "none");
  const auto successor = MemoryId::from_external("test", "none");
  const MemoryId id = create({});
  const std::uint64_t before = commits();
  EXPECT_EQ(failure_of(memories().create({.user = user})), "not_found user: an existing user");
  EXPECT_EQ(failure_of(memories().create({.conversation = conversation})),
            "not_found conversation: an existing conversation");
  EXPECT_EQ(failure_of(memories().create({.superseded_by = successor})),
            "not_found superseded_by: an existing memory");
  EXPECT_EQ(failure_of(memories().put({.category = "c", .key = "k", .user = user})),
            "not_found user: an existing user");
  EXPECT_EQ(failure_of(memories().update(id, {.user = user})), "not_found user: an existing user");
  EXPECT_EQ(failure_of(memories().update(id, {.superseded_by = id})),
            "invalid_argument superseded_by: another memory");
  EXPECT_EQ(failure_of(memories().update(MemoryId(), {.key = "k"})),
            "not_found id: an existing memory");
  EXPECT_EQ(failure_of(memories().tag(successor, {"t"})), "not_found id: an existing memory");
  EXPECT_EQ(commits(), before);
}

// Changing ----------------------------------------------------------------------------------------

TEST_F(MemoryTest, UpdateChangesWhatIsSetAndKeepsProvenance) {
  const UserId user = make_user("Reece");
  const ConversationId conversation = make_conversation(user);
  const MemoryId id = create(full_memory(user, conversation, create({})));
  environment_.advance_seconds(10);
  const CallOptions options{.caller = {.module = "executor", .task = "other"}};
  const auto version = memories().update(
      id, {.value = R"({"mode":"light"})", .tags = std::vector<std::string>{"ui", "updated"}},
      options);
  EXPECT_EQ(version.value(), 2U);
  const Memory memory = get(id);
  EXPECT_EQ(memory.version(), 2U);
  EXPECT_EQ(memory.value().to_string(), R"({"mode":"light"})");
  EXPECT_EQ(memory.tags(), (Tags{"ui", "updated"}));
  EXPECT_EQ(memory.created_at(), Time(5'000'000));
  EXPECT_EQ(memory.updated_at(), now());
  EXPECT_EQ(memory.recorded_at(), kTestStart);
  EXPECT_EQ(memory.module(), "ui_module");
  EXPECT_EQ(memory.task(), "task_123");
  EXPECT_EQ(memory.updated_by(), "executor");
  EXPECT_EQ(memory.text(), "likes it dark");
  EXPECT_EQ(memory.entity_id(), "theme-1");
}

TEST_F(MemoryTest, UpdateClearsWhatIsCleared) {
  const UserId user = make_user("Reece");
  const MemoryId id = create(full_memory(user, make_conversation(user), create({})));
  const MemoryPatch patch{.category = clear,
                          .key = clear,
                          .type = clear,
                          .entity_type = clear,
                          .entity_id = clear,
                          .user = clear,
                          .conversation = clear,
                          .source_agent = clear,
                          .expires_at = clear,
                          .valid_from = clear,
                          .valid_to = clear,
                          .superseded_by = clear,
                          .sources = std::vector<Source>{},
                          .metadata = clear};
  EXPECT_EQ(memories().update(id, patch).value(), 2U);
  const Memory memory = get(id);
  EXPECT_EQ(memory.category(), "");
  EXPECT_EQ(memory.entity_type(), "");
  EXPECT_TRUE(memory.user().is_nil());
  EXPECT_FALSE(memory.conversation());
  EXPECT_FALSE(memory.expires_at());
  EXPECT_FALSE(memory.valid_from());
  EXPECT_FALSE(memory.valid_to());
  EXPECT_FALSE(memory.superseded_by());
  EXPECT_EQ(memory.source_count(), 0U);
  EXPECT_EQ(memory.metadata().kind(), JsonKind::absent);
  EXPECT_EQ(memory.tag_count(), 2U);
}

TEST_F(MemoryTest, AnUpdateThatChangesNothingWritesNothing) {
  const MemoryId id = create({.category = "c", .value = "[1]"});
  environment_.advance_seconds(10);
  const std::uint64_t before = commits();
  EXPECT_EQ(memories().update(id, {.category = "c", .key = clear, .value = "[ 1 ]"}).value(), 1U);
  EXPECT_EQ(memories().tag(id, {}, {"absent"}).value(), 1U);
  EXPECT_EQ(commits(), before);
  EXPECT_EQ(memories().update(id, {.category = "d"}).value(), 2U);
  EXPECT_EQ(commits(), before + 1);
}

TEST_F(MemoryTest, UpdatedAtNeverGoesBack) {
  const MemoryId id = create({});
  environment_.advance_seconds(-3600);
  memories().update(id, {.key = "k"}).value();
  EXPECT_EQ(get(id).updated_at(), kTestStart);
}

TEST_F(MemoryTest, ChangesTakeIfVersion) {
  const MemoryId id = create({.category = "c", .key = "k"});
  const CallOptions stale{.if_version = 2};
  EXPECT_EQ(failure_of(memories().update(id, {.type = "t"}, stale)),
            "version_mismatch if_version: the stored version is 1");
  EXPECT_EQ(memories().tag(id, {"t"}, {}, stale).error().code(), Code::version_mismatch);
  EXPECT_EQ(memories().put({.category = "c", .key = "k"}, stale).error().code(),
            Code::version_mismatch);
  EXPECT_EQ(memories().remove(id, stale).error().code(), Code::version_mismatch);
  EXPECT_EQ(memories().put({.category = "c", .key = "new"}, stale).error().code(),
            Code::version_mismatch);
  EXPECT_EQ(memories().update(id, {.type = "t"}, {.if_version = 1}).value(), 2U);
  EXPECT_TRUE(memories().remove(id, stale).value());
}

TEST_F(MemoryTest, TagAddsAndRemoves) {
  const MemoryId id = create({.tags = {"One", "two"}});
  EXPECT_EQ(memories().tag(id, {"ONE", "three"}, {"TWO"}).value(), 2U);
  EXPECT_EQ(get(id).tags(), (Tags{"One", "three"}));
  EXPECT_EQ(found({.tags_all = {"two"}}), std::vector<MemoryId>{});
  EXPECT_EQ(found({.tags_all = {"three"}}), std::vector<MemoryId>{id});
  // What is in both lists is there afterwards.
  EXPECT_EQ(memories().tag(id, {"one"}, {"one"}).value(), 2U);
  EXPECT_EQ(get(id).tags(), (Tags{"One", "three"}));
}

TEST_F(MemoryTest, TagsAreLimited) {
  std::vector<std::string> tags;
  for (int i = 0; i < 256; ++i) tags.push_back("tag" + std::to_string(i));
  const MemoryId id = create({.tags = tags});
  EXPECT_EQ(failure_of(memories().tag(id, {"one more"})), "limit_exceeded tags: at most 256");
  EXPECT_EQ(memories().tag(id, {"one more"}, {"tag0"}).value(), 2U);
  tags.push_back("one more");
  EXPECT_EQ(failure_of(memories().create({.tags = tags})), "invalid_argument tags: at most 256");
  tags.back() = "TAG1";
  EXPECT_EQ(get(create({.tags = tags})).tag_count(), 256U);
}

TEST_F(MemoryTest, RemoveTakesTheMemoryOutOfEveryIndex) {
  const MemoryId id = create({.category = "c", .key = "k", .tags = {"t"}});
  EXPECT_TRUE(memories().remove(id).value());
  EXPECT_FALSE(memories().remove(id).value());
  EXPECT_FALSE(memories().get(id).value());
  EXPECT_EQ(found({}), std::vector<MemoryId>{});
  EXPECT_EQ(found({.tags_all = {"t"}}), std::vector<MemoryId>{});
  EXPECT_FALSE(memories().by_key("k").value());
  EXPECT_TRUE(store_.verify().value().ok);
}

TEST_F(MemoryTest, AViewOutlivesItsStore) {
  std::optional<Memory> kept;
  {
    Store store = Store::open_in_memory(options()).value();
    const MemoryId id = store.memories().create({.text = "still here"}).value();
    kept = store.memories().get(id).value();
    store.memories().update(id, {.text = "changed"}).value();
  }
  EXPECT_EQ(kept->text(), "still here");
}

// Bad input ---------------------------------------------------------------------------------------

TEST_F(MemoryTest, BadInputNamesFieldAndLimitAndWritesNothing) {
  const std::uint64_t before = commits();
  const auto refused = [&](const NewMemory& memory) {
    return failure_of(memories().create(memory));
  };
  EXPECT_EQ(refused({.category = std::string(51, 'x')}),
            "invalid_argument category: at most 50 code points");
  EXPECT_EQ(refused({.key = std::string(256, 'x')}),
            "invalid_argument key: at most 255 code points");
  EXPECT_EQ(refused({.type = std::string(33, 'x')}),
            "invalid_argument type: at most 32 code points");
  EXPECT_EQ(refused({.text = "\xff"}), "invalid_argument text: valid UTF-8");
  EXPECT_EQ(refused({.tags = {"fine", ""}}), "invalid_argument tags[1]: at least 1 code point");
  EXPECT_EQ(refused({.tags = {std::string(65, 'x')}}),
            "invalid_argument tags[0]: at most 64 code points");
  EXPECT_EQ(refused({.entity_id = "e"}),
            "invalid_argument entity_id: only together with entity_type");
  EXPECT_EQ(refused({.source_agent = std::string(65, 'x')}),
            "invalid_argument source_agent: at most 64 code points");
  EXPECT_EQ(refused({.priority = 0}), "invalid_argument priority: 1 to 10");
  EXPECT_EQ(refused({.priority = 11}), "invalid_argument priority: 1 to 10");
  EXPECT_EQ(refused({.importance = 1.01F}), "invalid_argument importance: 0 to 1");
  EXPECT_EQ(refused({.importance = std::nanf("")}), "invalid_argument importance: 0 to 1");
  EXPECT_EQ(refused({.valid_from = Time(2), .valid_to = Time(1)}),
            "invalid_argument valid_to: not before valid_from");
  EXPECT_EQ(refused({.sources = {{"message", ""}}}),
            "invalid_argument sources[0].id: at least 1 code point");
  EXPECT_EQ(refused({.external_id = std::string(65, 'x')}),
            "invalid_argument external_id: at most 64 code points");
  EXPECT_EQ(commits(), before);
}

TEST_F(MemoryTest, BadJsonAndTimesAreRefused) {
  const auto field = [&](const NewMemory& memory) {
    const auto refused = memories().create(memory);
    EXPECT_EQ(refused.error().code(), Code::invalid_argument);
    return refused.error().field();
  };
  EXPECT_EQ(field({.value = "{"}), "value");
  EXPECT_EQ(field({.value = R"({"a":1,"a":2})"}), "value");
  EXPECT_EQ(field({.metadata = "[]"}), "metadata");
  EXPECT_EQ(field({.expires_at = Time(kMaxTime.micros() + 1)}), "expires_at");
  EXPECT_EQ(field({.valid_from = Time(kMinTime.micros() - 1)}), "valid_from");
  EXPECT_EQ(field({.created_at = Time(kMinTime.micros() - 1)}), "created_at");
  const MemoryId id = create({});
  EXPECT_EQ(memories().update(id, {.value = "{"}).error().field(), "value");
  EXPECT_EQ(memories().update(id, {.importance = -0.1F}).error().field(), "importance");
  EXPECT_EQ(memories().update(id, {.entity_id = "e"}).error().field(), "entity_id");
  EXPECT_EQ(memories().put({.category = "c"}).error().field(), "key");
  EXPECT_EQ(memories().put({.key = "k"}).error().field(), "category");
  EXPECT_EQ(get(id).version(), 1U);
}

TEST_F(MemoryTest, ARecordAboveItsLimitIsTooLarge) {
  const auto refused = memories().create({.text = std::string(5U << 20, 'x')});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::too_large);
}

// Owners, transactions, snapshots -----------------------------------------------------------------

TEST_F(MemoryTest, ATransactionSeesItsOwnWritesAndAFailedCallLeavesNothing) {
  const auto outcome = store_.transact([&](Transaction& transaction) -> Result<MemoryId> {
    const Memories in = transaction.memories();
    auto put = in.put({.category = "c", .key = "k", .value = "1"});
    if (!put) return put.error();
    const auto refused = in.create({.user = UserId::from_external("test", "nobody")});
    EXPECT_EQ(refused.error().code(), Code::not_found);
    auto again = in.put({.category = "c", .key = "k", .value = "2"});
    if (!again) return again.error();
    EXPECT_EQ(again->id, put->id);
    EXPECT_FALSE(again->created);
    EXPECT_EQ(in.find({}).value().size(), 1U);
    return put->id;
  });
  EXPECT_EQ(get(outcome.value()).value().as_int64(), 2);
  EXPECT_EQ(get(outcome.value()).version(), 2U);
}

TEST_F(MemoryTest, ASnapshotKeepsItsStateAndItsTime) {
  const MemoryId id = create({.text = "old", .expires_at = seconds_ahead(10)});
  const Snapshot snapshot = store_.snapshot().value();
  memories().update(id, {.text = "new"}).value();
  environment_.advance_seconds(60);
  EXPECT_EQ(snapshot.memories().find({}).value().at(0).text(), "old");
  EXPECT_EQ(found({}), std::vector<MemoryId>{});
  EXPECT_EQ(get(id).text(), "new");
  EXPECT_EQ(snapshot.memories().create({}).error().code(), Code::read_only);
}

TEST_F(MemoryTest, AMemoryGoesWithItsConversationAtOnce) {
  const ConversationId conversation = make_long_conversation();
  const MemoryId owned = create({.key = "k", .conversation = conversation});
  const MemoryId sourced = create({.sources = {{"conversation", conversation.to_string()}}});
  remove_without_steps(conversation);
  const auto check = [&] {
    EXPECT_FALSE(memories().get(owned).value());
    EXPECT_FALSE(memories().by_key("k").value());
    EXPECT_EQ(found({}), std::vector<MemoryId>{sourced});
    EXPECT_EQ(memories().update(owned, {.text = "t"}).error().code(), Code::not_found);
    EXPECT_FALSE(memories().remove(owned).value());
    EXPECT_EQ(memories().create({.conversation = conversation}).error().code(), Code::not_found);
  };
  check();
  store_.finish_pending_work().value();
  check();
}

TEST_F(MemoryTest, AnIdThatGoesWithItsConversationCanBeUsedAnew) {
  const ConversationId conversation = make_long_conversation();
  const MemoryId id = create({.text = "old", .conversation = conversation});
  remove_without_steps(conversation);
  EXPECT_EQ(create({.id = id, .text = "new"}), id);
  store_.finish_pending_work().value();
  EXPECT_EQ(get(id).text(), "new");
}

TEST_F(MemoryTest, AMemoryLosesADeletedUserAtOnce) {
  const UserId user = make_user("Reece");
  const MemoryId id = create({.category = "c", .key = "k", .user = user});
  store_.users().remove(user).value();
  const auto check = [&] {
    EXPECT_TRUE(get(id).user().is_nil());
    EXPECT_EQ(found({.user = user}), std::vector<MemoryId>{});
    EXPECT_EQ(found({.without_user = true}), std::vector<MemoryId>{id});
    EXPECT_EQ(memories().by_name("c", "k").value().value().id(), id);
    EXPECT_FALSE(memories().by_name("c", "k", user).value());
    EXPECT_EQ(memories().put({.category = "c", .key = "k"}).value().id, id);
  };
  check();
  store_.finish_pending_work().value();
  check();
}

TEST_F(MemoryTest, AMergedUsersMemoriesFollowAtOnce) {
  const UserId primary = make_user("Reece");
  const UserId secondary = make_user("Reece_Terminal");
  const MemoryId own = create({.category = "c", .key = "own", .user = primary});
  environment_.advance_seconds(1);
  NewMemory joined{.id = MemoryId::from_external("test", "joined"),
                   .category = "c",
                   .key = "k",
                   .user = secondary};
  create(joined);
  store_.users().merge(primary, secondary).value();
  joined.user = primary;
  const auto check = [&] {
    EXPECT_EQ(get(joined.id).user(), primary);
    EXPECT_EQ(found({.user = primary}), (std::vector<MemoryId>{joined.id, own}));
    EXPECT_EQ(found({.user = secondary}), std::vector<MemoryId>{});
    EXPECT_EQ(memories().by_name("c", "k", primary).value().value().id(), joined.id);
    EXPECT_EQ(memories().put({.category = "c", .key = "k", .user = primary}).value().id, joined.id);
    EXPECT_EQ(memories().create({.user = secondary}).error().code(), Code::not_found);
    EXPECT_EQ(create(joined), joined.id);
  };
  check();
  store_.finish_pending_work().value();
  check();
}

TEST_F(MemoryTest, WhileAMergeIsUnfinishedTheUserIsWhoReadersSee) {
  const UserId primary = make_user("Ada");
  const UserId secondary = make_user("Bob");
  const MemoryId id = create({.category = "facts", .key = "k", .user = secondary});
  store_.users().merge(primary, secondary).value();
  ASSERT_EQ(store_.health().pending_work, 1U);
  EXPECT_EQ(failure_of(memories().update(id, {.user = secondary})).substr(0, 14), "not_found user");
  // The same user as before: no change.
  EXPECT_EQ(memories().update(id, {.user = primary}).value(), 1U);
  EXPECT_FALSE(memories().put({.category = "facts", .key = "k", .user = primary}).value().created);
  EXPECT_EQ(get(id).version(), 1U);
  EXPECT_EQ(memories().update(id, {.key = "other"}).value(), 2U);
  EXPECT_EQ(get(id).user(), primary);
  store_.finish_pending_work().value();
  EXPECT_EQ(get(id).user(), primary);
  EXPECT_TRUE(store_.verify().value().ok);
}

}  // namespace
}  // namespace callisto::testing
