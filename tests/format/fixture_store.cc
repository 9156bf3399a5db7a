#include "tests/format/fixture_store.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/test_environment.h"

namespace callisto::testing {
namespace {

constexpr const char* kSource = "fixture";
const UserId kReece = UserId::from_external(kSource, "reece");
const UserId kSam = UserId::from_external(kSource, "sam");
const UserId kGone = UserId::from_external(kSource, "gone");
const ConversationId kDinner = ConversationId::from_external(kSource, "dinner");
const MessageId kQuestion = MessageId::from_external(kSource, "question");
const MessageId kAnswer = MessageId::from_external(kSource, "answer");
const MemoryId kPies = MemoryId::from_external(kSource, "pies");
const MemoryId kOld = MemoryId::from_external(kSource, "old");
const PersonaId kPersona = PersonaId::from_external(kSource, "persona");
constexpr Time kCreated{1'700'000'000'123'456};
constexpr Time kValidFrom{-62'135'596'800'000'000};
constexpr const char* kJson =
    R"({"big":18446744073709551615,"deep":{"list":[1,2.5,null,true,"\u00e9"]},"low":-9223372036854775808})";

void make_users(const Store& store) {
  store.users()
      .create({.id = kReece,
               .name = "R\xc3\xa9\x65\x63\x65",
               .platform = "discord",
               .platform_id = "195791341739966464",
               .username = "reece#1",
               .profile = kJson,
               .preferences = R"({"theme":"dark"})",
               .created_at = kCreated,
               .metadata = R"({"made":"for the fixture"})",
               .external_id = "u-1",
               .external_source = "old system"})
      .value();
  store.users().create({.id = kSam, .is_active = false, .created_at = kCreated}).value();
  store.users().create({.id = kGone, .platform = "web", .platform_id = "gone"}).value();
  for (const char* food : {"pies", "ice cream"}) {
    store.user_data()
        .append(kReece, {.category = "favourite_foods", .value = food, .created_at = kCreated})
        .value();
  }
  store.user_data().replace(kSam, "town", "Leeds").value();
}

void make_talk(const Store& store) {
  const std::array<NewMessage, 2> messages = {{
      {.id = kQuestion,
       .sender = kReece,
       .content = "Pie, please.",
       .timestamp = kCreated,
       .importance = 0.75F,
       .metadata = kJson},
      {.id = kAnswer,
       .role = "assistant",
       .content = "Which one?",
       .agent = "cook",
       .parts = R"([{"type":"text"}])",
       .tool_call_id = "call-1",
       .state = MessageState::interrupted,
       .timestamp = kCreated,
       .parent = kQuestion,
       .model = "m-1",
       .token_usage = 42},
  }};
  store.conversations()
      .store({.id = kDinner,
              .title = "Dinner",
              .type = "chat",
              .owner = kSam,
              .participants = {kReece, kGone},
              .persona = kPersona,
              .model = "m-1",
              .recap = "recap",
              .summary = "summary",
              .is_saved = true,
              .created_at = kCreated},
             messages)
      .value();
  store.conversations().mark_processed(kDinner, kQuestion).value();
}

void make_memories(const Store& store) {
  store.memories()
      .create({.id = kPies,
               .category = "facts",
               .key = "food",
               .type = "preference",
               .value = R"({"text":"likes pies","score":1})",
               .tags = {"Food", "pie"},
               .entity_type = "dish",
               .entity_id = "pie",
               .user = kReece,
               .conversation = kDinner,
               .source_agent = "cook",
               .priority = 9,
               .expires_at = Time(kTestStart.micros() + 86'400'000'000),
               .valid_from = kValidFrom,
               .module = "kitchen",
               .task = "t-1",
               .sources = {{"message", kQuestion.to_string()}},
               .created_at = kCreated})
      .value();
  store.memories()
      .create({.id = kOld, .category = "facts", .key = "food", .text = "old", .is_active = false,
               .superseded_by = kPies, .created_at = kCreated})
      .value();
}

void expect_users(const Store& store) {
  const User reece = store.users().by_platform("discord", "195791341739966464").value().value();
  EXPECT_EQ(reece.id(), kReece);
  EXPECT_EQ(reece.created_at(), kCreated);
  EXPECT_EQ(reece.recorded_at(), kTestStart);
  EXPECT_EQ(reece.profile().to_string(), "{\"big\":18446744073709551615,\"deep\":{\"list\":[1,2.5,null,"
                                         "true,\"\xc3\xa9\"]},\"low\":-9223372036854775808}");
  EXPECT_EQ(reece.preferences().at("/theme").as_string(), "dark");
  EXPECT_EQ(reece.metadata()["made"].as_string(), "for the fixture");
  EXPECT_EQ(reece.external_id(), "u-1");
  EXPECT_EQ(reece.external_source(), "old system");
  EXPECT_EQ(store.users().by_preferred_name("R\xc3\x89\x45\x43\x45").value().size(), 1U);
  EXPECT_EQ(store.users().identities_by_username("reece#1").value().size(), 1U);
  EXPECT_EQ(store.users().list({.is_active = false}).value().size(), 1U);
  // The merged user's identity leads to who it was merged into.
  EXPECT_FALSE(store.users().get(kGone).value());
  EXPECT_EQ(store.users().by_platform("web", "gone").value()->id(), kReece);
  EXPECT_EQ(store.user_data().values(kReece, "favourite_foods").value().size(), 2U);
  const UserDatum town = store.user_data().values(kSam, "town").value().at(0);
  EXPECT_EQ(town.value(), "Leeds");
  EXPECT_EQ(town.kind(), CategoryKind::single);
}

void expect_talk(const Store& store) {
  const WholeConversation dinner = store.conversations().whole(kDinner).value().value();
  const Conversation& talk = dinner.conversation;
  EXPECT_EQ(talk.title(), "Dinner");
  EXPECT_EQ(talk.type(), "chat");
  EXPECT_EQ(talk.owner(), kSam);
  EXPECT_EQ(talk.participants().size(), 1U) << "two of them were merged";
  EXPECT_EQ(talk.persona(), kPersona);
  EXPECT_EQ(talk.recap(), "recap");
  EXPECT_EQ(talk.summary(), "summary");
  EXPECT_TRUE(talk.is_saved());
  EXPECT_FALSE(talk.is_processed());
  EXPECT_EQ(talk.processed_up_to(), 1U);
  EXPECT_EQ(talk.message_count(), 2U);
  EXPECT_EQ(talk.token_count(), 42U);
  EXPECT_EQ(talk.last_message_at(), kCreated);
  ASSERT_EQ(dinner.messages.size(), 2U);
  EXPECT_EQ(dinner.messages[0].id(), kQuestion);
  EXPECT_EQ(dinner.messages[0].sender(), kReece);
  EXPECT_EQ(dinner.messages[0].content(), "Pie, please.");
  EXPECT_EQ(dinner.messages[0].importance(), 0.75F);
  EXPECT_EQ(dinner.messages[0].metadata()["big"].as_uint64(), 18446744073709551615U);
  const Message& answer = dinner.messages[1];
  EXPECT_EQ(answer.sequence(), 2U);
  EXPECT_EQ(answer.parent(), kQuestion);
  EXPECT_EQ(answer.agent(), "cook");
  EXPECT_EQ(answer.parts().to_string(), R"([{"type":"text"}])");
  EXPECT_EQ(answer.tool_call_id(), "call-1");
  EXPECT_EQ(answer.state(), MessageState::interrupted);
  EXPECT_EQ(answer.token_usage(), 42U);
  EXPECT_EQ(store.messages().by_sender(kReece).value().size(), 1U);
  EXPECT_EQ(store.messages().by_importance(kDinner, 0.7F).value().size(), 1U);
  EXPECT_EQ(store.conversations().find({.owner = kSam, .is_saved = true}).value().size(), 1U);
  EXPECT_EQ(store.conversations().of_user(kReece, 10, false).value().size(), 1U);
}

void expect_memories(const Store& store) {
  const Memory pies = store.memories().by_name("facts", "food", kReece).value().value();
  EXPECT_EQ(pies.id(), kPies);
  EXPECT_EQ(pies.text(), "likes pies");
  EXPECT_EQ(pies.value().to_string(), R"({"score":1,"text":"likes pies"})");
  ASSERT_EQ(pies.tag_count(), 2U);
  EXPECT_EQ(pies.tag(0), "Food");
  EXPECT_EQ(pies.priority(), 9);
  EXPECT_EQ(pies.importance(), 0.9F);
  EXPECT_EQ(pies.valid_from(), kValidFrom);
  EXPECT_EQ(pies.module(), "kitchen");
  EXPECT_EQ(pies.task(), "t-1");
  EXPECT_EQ(pies.source_id(0), kQuestion.to_string());
  EXPECT_EQ(pies.content_hash(), "4820106ada7782bd944aa2da1759a680");
  EXPECT_EQ(store.memories().find({.tags_all = {"food", "PIE"}}).value().size(), 1U);
  EXPECT_EQ(store.memories().find({.entity_type = "dish", .entity_id = "pie"}).value().size(), 1U);
  EXPECT_EQ(store.memories().find({.conversation = kDinner}).value().size(), 1U);
  EXPECT_EQ(store.memories().find({.source = Source{"message", kQuestion.to_string()}}).value().size(), 1U);
  const Memory old = store.memories().get(kOld).value().value();
  EXPECT_FALSE(old.is_active());
  EXPECT_EQ(old.superseded_by(), kPies);
  const MemoryQuery all{.category = "facts", .include_inactive = true, .include_superseded = true};
  EXPECT_EQ(store.memories().find(all).value().size(), 2U);
}

}  // namespace

void make_fixture_store(const std::string& directory) {
  TestEnvironment environment;
  Options options;
  options.environment = &environment;
  options.background_work = false;
  Store store = Store::open(directory, options).value();
  make_users(store);
  make_talk(store);
  make_memories(store);
  store.users().merge(kReece, kGone).value();
  const Space acme = store.create_space("acme").value();
  acme.memories().create({.key = "only", .text = "here"}).value();
  store.compact().value();
  store.close().value();
}

void expect_fixture_store(const Store& store) {
  expect_users(store);
  expect_talk(store);
  expect_memories(store);
  EXPECT_EQ(store.spaces().value(), (std::vector<std::string>{"default", "acme"}));
  EXPECT_EQ(store.space("acme").value().memories().by_key("only").value()->text(), "here");
}

}  // namespace callisto::testing
