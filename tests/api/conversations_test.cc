#include "tests/api/conversation_fixture.h"

namespace callisto::testing {
namespace {

using Texts = std::vector<std::string>;

std::vector<UserId> users_of(const Conversation& conversation) {
  std::vector<UserId> users;
  for (const Participant& participant : conversation.participants())
    users.push_back(participant.user);
  return users;
}

TEST_F(ConversationTest, KeepsEveryField) {
  const auto persona = PersonaId::from_external("test", "butler");
  const auto id = ConversationId::from_external("test", "talk");
  const Time created = seconds_ago(3600);
  ASSERT_EQ(talk({.id = id,
                  .title = "Dinner",
                  .type = "planning",
                  .owner = reece_,
                  .participants = {reece_, ada_},
                  .persona = persona,
                  .model = "m-1",
                  .recap = "so far",
                  .summary = "pies",
                  .is_saved = true,
                  .is_archived = true,
                  .ended_at = now(),
                  .reopens = false,
                  .created_at = created,
                  .metadata = R"({"room":1})",
                  .external_id = "42",
                  .external_source = "jupiter"}),
            id);
  const Conversation read_back = read(id);
  EXPECT_EQ(read_back.id(), id);
  EXPECT_EQ(read_back.title(), "Dinner");
  EXPECT_EQ(read_back.type(), "planning");
  EXPECT_EQ(read_back.owner(), reece_);
  EXPECT_EQ(users_of(read_back), (std::vector{reece_, ada_}));
  EXPECT_EQ(read_back.participants()[1].slot, 1);
  EXPECT_EQ(read_back.persona(), persona);
  EXPECT_EQ(read_back.model(), "m-1");
  EXPECT_EQ(read_back.recap(), "so far");
  EXPECT_EQ(read_back.summary(), "pies");
  EXPECT_TRUE(read_back.is_saved());
  EXPECT_TRUE(read_back.is_archived());
  EXPECT_EQ(read_back.ended_at(), now());
  EXPECT_FALSE(read_back.reopens());
  EXPECT_EQ(read_back.created_at(), created);
  EXPECT_EQ(read_back.updated_at(), created);
  EXPECT_EQ(read_back.recorded_at(), now());
  EXPECT_EQ(read_back.version(), 1U);
  EXPECT_EQ(read_back.metadata()["room"].as_int64(), 1);
  EXPECT_EQ(read_back.external_id(), "42");
  EXPECT_EQ(read_back.external_source(), "jupiter");
}

TEST_F(ConversationTest, HasDefaults) {
  const Conversation made = read(talk({}));
  EXPECT_EQ(made.type(), "conversation");
  EXPECT_TRUE(made.owner().is_nil());
  EXPECT_TRUE(made.participants().empty());
  EXPECT_FALSE(made.persona());
  EXPECT_FALSE(made.ended_at());
  EXPECT_TRUE(made.reopens());
  EXPECT_FALSE(made.is_processed());
  EXPECT_FALSE(made.last_message_at());
  EXPECT_EQ(made.message_count(), 0U);
  EXPECT_EQ(made.last_sequence(), 0U);
  EXPECT_EQ(made.created_at(), now());
  EXPECT_EQ(made.activity_at(), now());
}

TEST_F(ConversationTest, AnUnfilledViewReadsAsEmpty) {
  const WholeConversation nothing;
  EXPECT_TRUE(nothing.conversation.id().is_nil());
  EXPECT_EQ(nothing.conversation.title(), "");
  EXPECT_FALSE(nothing.conversation.is_processed());
  EXPECT_EQ(Message().content(), "");
  EXPECT_TRUE(Message().conversation().is_nil());
}

TEST_F(ConversationTest, AbsenceIsAnAnswer) {
  const auto unknown = ConversationId::from_external("test", "unknown");
  EXPECT_FALSE(conversations().get(unknown).value());
  EXPECT_FALSE(conversations().whole(unknown).value());
  EXPECT_FALSE(conversations().remove(unknown).value());
  EXPECT_TRUE(messages().latest(unknown).value().empty());
}

TEST_F(ConversationTest, AKnownIdWithEqualContentSucceeds) {
  const NewConversation dinner{.id = ConversationId::from_external("test", "talk"),
                               .title = "Dinner",
                               .owner = ada_,
                               .participants = {reece_, ada_}};
  talk(dinner);
  environment_.advance_seconds(5);
  const auto before = commits();
  EXPECT_EQ(conversations().create(dinner).value(), dinner.id);
  EXPECT_EQ(commits(), before);
  NewConversation other = dinner;
  other.title = "Lunch";
  EXPECT_EQ(failure_of(conversations().create(other)),
            "already_exists id: not the id of another conversation");
  other = dinner;
  other.reopens = false;
  EXPECT_EQ(conversations().create(other).error().code(), Code::already_exists);
  other = dinner;
  other.participants = {ada_, reece_};
  EXPECT_EQ(conversations().create(other).error().code(), Code::already_exists);
  EXPECT_EQ(read(dinner.id).title(), "Dinner");
}

TEST_F(ConversationTest, AfterAMergeItStillIsWhatItWasCreatedAs) {
  NewConversation dinner{
      .id = ConversationId::from_external("test", "talk"), .owner = ada_, .participants = {ada_}};
  talk(dinner);
  ASSERT_TRUE(store_.users().merge(reece_, ada_));
  NewConversation merged = dinner;
  merged.owner = reece_;
  merged.participants = {reece_};
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(failure_of(conversations().create(dinner)),
              "already_exists id: not the id of another conversation");
    EXPECT_TRUE(conversations().create(merged));
    ASSERT_TRUE(store_.finish_pending_work());
  }
}

TEST_F(ConversationTest, WithoutItsOwnerItStillIsWhatItWasCreatedAs) {
  NewConversation dinner{.id = ConversationId::from_external("test", "talk"), .owner = ada_};
  talk(dinner);
  ASSERT_TRUE(store_.users().remove(ada_).value());
  for (int round = 0; round < 2; ++round) {
    dinner.owner = ada_;
    EXPECT_EQ(conversations().create(dinner).error().code(), Code::already_exists);
    dinner.owner = UserId();
    EXPECT_TRUE(conversations().create(dinner));
    ASSERT_TRUE(store_.finish_pending_work());
  }
}

TEST_F(ConversationTest, ParticipantsCountOnceAndMustExist) {
  EXPECT_EQ(users_of(read(talk({.participants = {ada_, reece_, ada_}}))),
            (std::vector{ada_, reece_}));
  const auto unknown = UserId::from_external("test", "unknown");
  const auto before = commits();
  EXPECT_EQ(failure_of(conversations().create({.participants = {ada_, unknown}})),
            "not_found participants[1]: an existing user");
  EXPECT_EQ(failure_of(conversations().create({.participants = {ada_, ada_, UserId()}})),
            "not_found participants[2]: an existing user");
  EXPECT_EQ(failure_of(conversations().create({.owner = unknown})),
            "not_found owner: an existing user");
  EXPECT_EQ(commits(), before);
}

TEST_F(ConversationTest, RefusesBadInput) {
  const auto before = commits();
  const auto refused = [&](const NewConversation& bad) {
    return failure_of(conversations().create(bad));
  };
  EXPECT_EQ(refused({.title = repeated("\xC3\xA9", 256)}),
            "invalid_argument title: at most 255 code points");
  EXPECT_TRUE(conversations().create({.title = repeated("\xC3\xA9", 255)}));
  EXPECT_EQ(conversations().create({.title = "\xFF"}).error().field(), "title");
  EXPECT_EQ(refused({.type = repeated("t", 33)}), "invalid_argument type: at most 32 code points");
  EXPECT_EQ(refused({.model = repeated("m", 101)}),
            "invalid_argument model: at most 100 code points");
  EXPECT_EQ(conversations().create({.recap = "\xC3"}).error().field(), "recap");
  EXPECT_EQ(conversations().create({.summary = "\xC3"}).error().field(), "summary");
  EXPECT_EQ(conversations().create({.ended_at = Time(INT64_MAX)}).error().field(), "ended_at");
  EXPECT_EQ(conversations().create({.created_at = Time(INT64_MIN)}).error().field(), "created_at");
  EXPECT_EQ(conversations().create({.metadata = "[1]"}).error().field(), "metadata");
  EXPECT_EQ(conversations().create({.metadata = "{"}).error().field(), "metadata");
  EXPECT_EQ(conversations().create({.external_id = repeated("x", 65)}).error().field(),
            "external_id");
  EXPECT_EQ(conversations().create({.summary = repeated("x", 5u << 20)}).error().code(),
            Code::too_large);
  EXPECT_EQ(conversations().create({}, {.caller = {.agent = repeated("a", 65)}}).error().field(),
            "caller.agent");
  std::vector<UserId> crowd;
  for (int i = 0; i < 1025; ++i) crowd.push_back(UserId::from_external("crowd", std::to_string(i)));
  EXPECT_EQ(refused({.participants = crowd}), "limit_exceeded participants: at most 1,024");
  EXPECT_EQ(commits(), before + 1);
}

TEST_F(ConversationTest, UpdatesWhatAPatchSets) {
  const auto id =
      talk({.title = "Dinner", .type = "planning", .owner = reece_, .metadata = R"({"a":1})"});
  environment_.advance_seconds(10);
  const Time later = now();
  EXPECT_EQ(conversations()
                .update(id, {.title = "Lunch", .owner = ada_, .is_saved = true, .ended_at = later})
                .value(),
            2U);
  Conversation changed = read(id);
  EXPECT_EQ(changed.version(), 2U);
  EXPECT_EQ(changed.title(), "Lunch");
  EXPECT_EQ(changed.type(), "planning");
  EXPECT_EQ(changed.owner(), ada_);
  EXPECT_TRUE(changed.is_saved());
  EXPECT_EQ(changed.ended_at(), later);
  EXPECT_EQ(changed.updated_at(), later);
  EXPECT_EQ(changed.activity_at(), later);
  EXPECT_EQ(changed.metadata().to_string(), R"({"a":1})");
  const auto persona = PersonaId::from_external("test", "butler");
  ASSERT_TRUE(conversations().update(id, {.title = clear,
                                          .type = "",
                                          .owner = clear,
                                          .persona = persona,
                                          .is_archived = true,
                                          .ended_at = clear,
                                          .reopens = false,
                                          .metadata = clear}));
  changed = read(id);
  EXPECT_EQ(changed.title(), "");
  EXPECT_EQ(changed.type(), "conversation");
  EXPECT_TRUE(changed.owner().is_nil());
  EXPECT_EQ(changed.persona(), persona);
  EXPECT_TRUE(changed.is_saved());
  EXPECT_TRUE(changed.is_archived());
  EXPECT_FALSE(changed.ended_at());
  EXPECT_FALSE(changed.reopens());
  EXPECT_FALSE(changed.metadata());
  EXPECT_TRUE(verifies());
}

TEST_F(ConversationTest, APatchThatChangesNothingWritesNothing) {
  const auto id =
      talk({.title = "Dinner", .owner = reece_, .is_saved = true, .metadata = R"({"a":1,"b":2})"});
  environment_.advance_seconds(10);
  const auto is_left = [&](const ConversationPatch& patch, const CallOptions& options = {}) {
    const std::uint64_t before = commits();
    return conversations().update(id, patch, options).value() == 1U && commits() == before;
  };
  EXPECT_TRUE(is_left({}));
  EXPECT_TRUE(is_left({}, {.if_version = 1}));
  EXPECT_TRUE(is_left({.title = "Dinner",
                       .type = "",
                       .owner = reece_,
                       .persona = clear,
                       .is_saved = true,
                       .ended_at = clear,
                       .reopens = true,
                       .metadata = R"({"b":2, "a":1})"}));
  EXPECT_EQ(conversations().update(id, {}, {.if_version = 2}).error().code(),
            Code::version_mismatch);
  // The record names the owner by the id from before a merge.
  ASSERT_TRUE(store_.users().merge(ada_, reece_));
  EXPECT_TRUE(is_left({.owner = ada_}));
  store_.finish_pending_work().value();
  EXPECT_TRUE(is_left({.owner = ada_}));
  EXPECT_EQ(read(id).updated_at(), seconds_ago(10));
  EXPECT_EQ(conversations().update(id, {.reopens = false}).value(), 2U);
}

TEST_F(ConversationTest, UpdateSaysWhyNot) {
  const auto id = talk({.title = "Dinner"});
  const auto unknown = ConversationId::from_external("test", "unknown");
  EXPECT_EQ(failure_of(conversations().update(unknown, {.title = "x"})),
            "not_found conversation: an existing conversation");
  EXPECT_EQ(conversations().update(id, {.title = "x"}, {.if_version = 7}).error().code(),
            Code::version_mismatch);
  EXPECT_EQ(
      failure_of(conversations().update(id, {.owner = UserId::from_external("test", "unknown")})),
      "not_found owner: an existing user");
  EXPECT_EQ(conversations().update(id, {.title = repeated("x", 256)}).error().field(), "title");
  EXPECT_EQ(conversations().update(id, {.type = repeated("x", 33)}).error().field(), "type");
  EXPECT_EQ(conversations().update(id, {.ended_at = Time(INT64_MAX)}).error().field(), "ended_at");
  EXPECT_EQ(conversations().update(id, {.metadata = "3"}).error().field(), "metadata");
  EXPECT_EQ(read(id).version(), 1U);
  EXPECT_EQ(conversations().update(id, {.title = "Lunch"}, {.if_version = 1}).value(), 2U);
}

TEST_F(ConversationTest, AddsParticipants) {
  const auto id = talk({.participants = {reece_}});
  EXPECT_TRUE(conversations().add_participant(id, ada_).value());
  EXPECT_FALSE(conversations().add_participant(id, ada_).value());
  EXPECT_EQ(users_of(read(id)), (std::vector{reece_, ada_}));
  EXPECT_EQ(read(id).version(), 2U);
  EXPECT_EQ(ids(conversations().of_user(ada_).value()), std::vector{id});
  EXPECT_EQ(failure_of(conversations().add_participant(id, UserId())),
            "not_found user: an existing user");
  EXPECT_EQ(conversations().add_participant(ConversationId(), ada_).error().field(),
            "conversation");
}

TEST_F(ConversationTest, HasAtMost1024Participants) {
  std::vector<UserId> crowd;
  ASSERT_TRUE(store_.transact([&](Transaction& tx) -> Result<bool> {
    crowd.clear();
    for (int i = 0; i < 1024; ++i) crowd.push_back(tx.users().create({}).value());
    return true;
  }));
  const auto id = talk({.participants = crowd});
  EXPECT_EQ(failure_of(conversations().add_participant(id, ada_)),
            "limit_exceeded participants: at most 1,024");
  EXPECT_FALSE(conversations().add_participant(id, crowd.back()).value());
  ASSERT_TRUE(store_.users().remove(crowd.front()).value());
  EXPECT_TRUE(conversations().add_participant(id, ada_).value());
  EXPECT_EQ(read(id).participants().size(), 1024U);
  EXPECT_EQ(read(id).participants().back().slot, 1024);
}

TEST_F(ConversationTest, AUserWhoIsGoneLeavesItsConversations) {
  const auto id = talk({.owner = ada_, .participants = {ada_, reece_}});
  const auto said = say({.conversation = id, .sender = ada_, .content = "Bye."});
  ASSERT_TRUE(store_.users().remove(ada_).value());
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(read(id).owner().is_nil());
    EXPECT_EQ(users_of(read(id)), std::vector{reece_});
    EXPECT_EQ(read(id).participants()[0].slot, 1);
    EXPECT_TRUE(message(said).sender().is_nil());
    EXPECT_EQ(message(said).content(), "Bye.");
    EXPECT_TRUE(conversations().of_user(ada_).value().empty());
    EXPECT_TRUE(conversations().find({.owner = ada_}).value().empty());
    ASSERT_TRUE(store_.finish_pending_work());
  }
  EXPECT_TRUE(verifies());
}

TEST_F(ConversationTest, AMergedUserTakesPartOnce) {
  const auto both = talk({.participants = {ada_, reece_}});
  environment_.advance_seconds(1);
  const auto hers = talk({.owner = ada_, .participants = {ada_}});
  environment_.advance_seconds(1);
  const auto his = talk({.participants = {reece_}});
  ASSERT_TRUE(store_.users().merge(reece_, ada_));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(users_of(read(both)), std::vector{reece_});
    EXPECT_EQ(read(hers).owner(), reece_);
    EXPECT_EQ(ids(conversations().of_user(reece_).value()), (std::vector{his, hers, both}));
    EXPECT_EQ(ids(conversations().of_user(reece_, 2).value()), (std::vector{his, hers}));
    EXPECT_EQ(ids(conversations().find({.owner = reece_}).value()), std::vector{hers});
    EXPECT_TRUE(conversations().of_user(ada_).value().empty());
    ASSERT_TRUE(store_.finish_pending_work());
  }
  EXPECT_TRUE(verifies());
}

// Processed ---------------------------------------------------------------------------------------

TEST_F(ConversationTest, MarksWhatIsProcessed) {
  const auto id = talk({.participants = {ada_}});
  const auto first = say({.conversation = id, .content = "1"});
  say({.conversation = id, .content = "2"});
  ASSERT_TRUE(conversations().mark_processed(id, first));
  EXPECT_FALSE(read(id).is_processed());
  EXPECT_EQ(read(id).processed_up_to(), 1U);
  ASSERT_TRUE(conversations().mark_processed(id));
  EXPECT_TRUE(read(id).is_processed());
  EXPECT_EQ(read(id).processed_up_to(), 2U);
  ASSERT_TRUE(conversations().mark_processed(id, first));
  EXPECT_EQ(read(id).processed_up_to(), 2U) << "a mark never moves back";
  EXPECT_EQ(read(id).version(), 1U);
  EXPECT_TRUE(conversations().unprocessed().value().empty());
  say({.conversation = id, .content = "3"});
  EXPECT_FALSE(read(id).is_processed());
  EXPECT_EQ(ids(conversations().unprocessed().value()), std::vector{id});
  ASSERT_TRUE(conversations().mark_processed(id));
  ASSERT_TRUE(conversations().mark_unprocessed(id));
  EXPECT_FALSE(read(id).is_processed());
  EXPECT_EQ(read(id).processed_up_to(), 0U);
  EXPECT_TRUE(verifies());
}

TEST_F(ConversationTest, AMarkStaysWhereAConversationDoesNotReopen) {
  const auto id = talk({.reopens = false, .is_processed = true});
  say({.conversation = id, .content = "1"});
  EXPECT_TRUE(read(id).is_processed());
  ASSERT_TRUE(conversations().update(id, {.reopens = true}));
  EXPECT_FALSE(read(id).is_processed());
  EXPECT_EQ(ids(conversations().unprocessed().value()), std::vector{id});
}

TEST_F(ConversationTest, MarkingSaysWhyNot) {
  const auto id = talk({});
  const auto other = say({.conversation = talk({}), .content = "elsewhere"});
  EXPECT_EQ(failure_of(conversations().mark_processed(ConversationId())),
            "not_found conversation: an existing conversation");
  EXPECT_EQ(failure_of(conversations().mark_processed(id, other)),
            "not_found up_to: a message of the conversation");
  EXPECT_EQ(conversations().mark_processed(id, MessageId()).error().field(), "up_to");
  EXPECT_EQ(conversations().mark_processed(id, {}, {.if_version = 2}).error().code(),
            Code::version_mismatch);
  EXPECT_FALSE(read(id).is_processed());
  const auto before = commits();
  ASSERT_TRUE(conversations().mark_unprocessed(id));
  EXPECT_EQ(commits(), before) << "nothing changes, nothing is written";
}

// Whole conversations -----------------------------------------------------------------------------

TEST_F(ConversationTest, StoresAWholeConversation) {
  const auto question = MessageId::from_external("test", "question");
  const std::vector<NewMessage> said{
      {.id = question,
       .sender = ada_,
       .content = "Pie?",
       .timestamp = seconds_ago(60),
       .token_usage = 3},
      {.content = "Yes.", .timestamp = seconds_ago(30), .parent = question, .token_usage = 4},
      {.sender = reece_, .content = "Good."}};
  const auto id =
      conversations()
          .store({.title = "Dinner", .participants = {reece_, ada_}, .is_processed = true}, said)
          .value();
  const WholeConversation whole = conversations().whole(id).value().value();
  EXPECT_EQ(whole.conversation.title(), "Dinner");
  EXPECT_TRUE(whole.conversation.is_processed());
  EXPECT_EQ(whole.conversation.processed_up_to(), 3U);
  EXPECT_EQ(whole.conversation.message_count(), 3U);
  EXPECT_EQ(whole.conversation.token_count(), 7U);
  EXPECT_EQ(whole.conversation.last_message_at(), now());
  EXPECT_EQ(texts(whole.messages), (Texts{"Pie?", "Yes.", "Good."}));
  EXPECT_EQ(whole.messages[0].sender(), ada_);
  EXPECT_EQ(whole.messages[0].role(), "user");
  EXPECT_EQ(whole.messages[1].role(), "assistant");
  EXPECT_EQ(whole.messages[1].parent(), question);
  EXPECT_EQ(whole.messages[2].sequence(), 3U);
  EXPECT_EQ(whole.messages[2].conversation(), id);
  EXPECT_TRUE(verifies());
}

TEST_F(ConversationTest, StoringAgainIsNoChange) {
  const NewConversation dinner{.id = ConversationId::from_external("test", "talk"),
                               .participants = {ada_}};
  std::vector<NewMessage> said{{.sender = ada_, .content = "Pie?"}, {.content = "Yes."}};
  ASSERT_TRUE(conversations().store(dinner, said));
  environment_.advance_seconds(60);
  const auto before = commits();
  EXPECT_EQ(conversations().store(dinner, said).value(), dinner.id);
  EXPECT_EQ(commits(), before);
  said[1].content = "No.";
  EXPECT_EQ(failure_of(conversations().store(dinner, said)),
            "already_exists id: not the id of another conversation");
  said.pop_back();
  EXPECT_EQ(conversations().store(dinner, said).error().code(), Code::already_exists);
}

TEST_F(ConversationTest, StoreNamesTheMessageThatIsWrong) {
  const auto id = MessageId::from_external("test", "m");
  const auto before = commits();
  const auto refused = [&](std::vector<NewMessage> said) {
    return failure_of(conversations().store({.participants = {ada_}}, said));
  };
  EXPECT_EQ(refused({{}, {.sender = reece_}}),
            "invalid_argument messages[1].sender: takes no part in the conversation");
  EXPECT_EQ(refused({{.role = repeated("r", 33)}}),
            "invalid_argument messages[0].role: at most 32 code points");
  EXPECT_EQ(refused({{.id = id}, {.id = id}}), "already_exists messages[1].id: each once");
  EXPECT_EQ(refused({{.parent = id}}),
            "not_found messages[0].parent: a message of the conversation");
  EXPECT_EQ(refused({{.sequence = 4}, {.sequence = 3}, {.sequence = 4}}),
            "already_exists messages[2].sequence: each once");
  EXPECT_EQ(commits(), before);
  const auto taken = say({.conversation = talk({}), .content = "mine"});
  EXPECT_EQ(refused({{}, {.id = taken}}),
            "already_exists messages[1].id: not the id of another message");
  EXPECT_TRUE(conversations().of_user(ada_).value().empty());
}

// Removing ----------------------------------------------------------------------------------------

TEST_F(ConversationTest, RemovingTakesMessagesAndOwnedMemoriesAlong) {
  const auto id = talk({.owner = ada_, .participants = {ada_}});
  const auto said = say({.conversation = id, .sender = ada_, .content = "Pie?"});
  const auto owned = create({.category = "c", .key = "owned", .conversation = id});
  const auto citing =
      create({.category = "c", .key = "citing", .sources = {{"conversation", id.to_string()}}});
  EXPECT_EQ(conversations().remove(id, {.if_version = 3}).error().code(), Code::version_mismatch);
  EXPECT_TRUE(conversations().remove(id).value());
  EXPECT_FALSE(conversations().remove(id).value());
  EXPECT_FALSE(conversations().get(id).value());
  EXPECT_FALSE(messages().get(said).value());
  EXPECT_FALSE(memories().get(owned).value());
  EXPECT_TRUE(memories().get(citing).value());
  EXPECT_TRUE(conversations().of_user(ada_).value().empty());
  EXPECT_TRUE(conversations().unprocessed().value().empty());
  EXPECT_TRUE(messages().in_range({}).value().empty());
  const Stats stats = store_.stats().value();
  EXPECT_EQ(stats.tables.at("messages").records, 0U);
  EXPECT_EQ(stats.tables.at("conversations").records, 0U);
  EXPECT_EQ(store_.health().pending_work, 0U);
  EXPECT_TRUE(verifies());
  talk({.id = id, .title = "anew"});
  EXPECT_EQ(read(id).message_count(), 0U);
}

TEST_F(ConversationTest, AFailingCallInATransactionLeavesNothing) {
  const auto unknown = UserId::from_external("test", "unknown");
  ConversationId made;
  ASSERT_TRUE(store_.transact([&](Transaction& tx) -> Result<bool> {
    made = tx.conversations().create({.participants = {ada_}}).value();
    EXPECT_FALSE(tx.conversations().create({.owner = unknown}));
    EXPECT_FALSE(tx.conversations().store({.participants = {ada_}},
                                          std::vector<NewMessage>{{}, {.sender = reece_}}));
    EXPECT_TRUE(tx.messages().append({.conversation = made, .sender = ada_, .content = "in it"}));
    EXPECT_EQ(tx.messages().latest(made).value().size(), 1U);
    EXPECT_EQ(tx.conversations().of_user(ada_).value().size(), 1U);
    EXPECT_TRUE(messages().latest(made).value().empty()) << "not committed";
    return true;
  }));
  EXPECT_EQ(ids(conversations().of_user(ada_).value()), std::vector{made});
  EXPECT_EQ(read(made).message_count(), 1U);
  EXPECT_TRUE(verifies());
}

TEST_F(ConversationTest, ASnapshotReadsAndDoesNotWrite) {
  const auto id = talk({.title = "Dinner"});
  const Snapshot before = store_.snapshot().value();
  ASSERT_TRUE(conversations().update(id, {.title = "Lunch"}));
  say({.conversation = id});
  EXPECT_EQ(before.conversations().get(id).value()->title(), "Dinner");
  EXPECT_TRUE(before.messages().latest(id).value().empty());
  EXPECT_EQ(before.conversations().create({}).error().code(), Code::read_only);
  EXPECT_EQ(before.conversations().store({}, {}).error().code(), Code::read_only);
  EXPECT_EQ(before.conversations().remove(id).error().code(), Code::read_only);
  EXPECT_EQ(before.messages().append({.conversation = id}).error().code(), Code::read_only);
}

TEST_F(ConversationTest, SpacesDoNotMeet) {
  const Space acme = store_.create_space("acme").value();
  const auto id = talk({.title = "Dinner"});
  say({.conversation = id, .content = "here"});
  EXPECT_FALSE(acme.conversations().get(id).value());
  EXPECT_EQ(acme.messages().append({.conversation = id}).error().code(), Code::not_found);
  ASSERT_TRUE(acme.conversations().create({.id = id, .title = "Other"}));
  EXPECT_TRUE(acme.messages().latest(id).value().empty());
  EXPECT_EQ(read(id).title(), "Dinner");
  EXPECT_EQ(acme.conversations().create({.owner = ada_}).error().field(), "owner");
}

}  // namespace
}  // namespace callisto::testing
