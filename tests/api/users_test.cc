#include "tests/api/user_fixture.h"

namespace callisto::testing {
namespace {

class UsersTest : public UserTest {};

TEST_F(UsersTest, CreatesWithNameAndIdentity) {
  const UserId id = users()
                        .create({.name = "Reece",
                                 .platform = "discord",
                                 .platform_id = "195791341739966464",
                                 .profile = R"({"langs":["en"]})",
                                 .preferences = R"({"tone":"dry"})",
                                 .metadata = R"({"m":1})",
                                 .external_id = "u-1",
                                 .external_source = "old"})
                        .value();
  const User user = get(id);
  EXPECT_EQ(user.id(), id);
  EXPECT_EQ(user.version(), 1U);
  EXPECT_EQ(user.created_at(), kTestStart);
  EXPECT_EQ(user.recorded_at(), kTestStart);
  EXPECT_EQ(user.updated_at(), kTestStart);
  EXPECT_EQ(user.last_seen(), kTestStart);
  EXPECT_TRUE(user.is_active());
  EXPECT_EQ(user.profile().at("/langs/0").as_string(), "en");
  EXPECT_EQ(user.preferences()["tone"].as_string(), "dry");
  EXPECT_EQ(user.metadata().to_string(), R"({"m":1})");
  EXPECT_EQ(user.external_id(), "u-1");
  EXPECT_EQ(user.external_source(), "old");
  EXPECT_EQ(values(id, "preferred_name"), std::vector<std::string>{"Reece"});
  EXPECT_EQ(values(id, "platform_username"), std::vector<std::string>{"Reece"});
  EXPECT_EQ(users().by_platform("discord", "195791341739966464").value()->id(), id);
  const PlatformIdentifier identity =
      users().identity("discord", "195791341739966464").value().value();
  EXPECT_EQ(identity.user(), id);
  EXPECT_EQ(identity.username(), "Reece");
  EXPECT_EQ(identity.platform(), "discord");
  EXPECT_EQ(identity.platform_id(), "195791341739966464");
  EXPECT_EQ(identity.last_seen(), kTestStart);
}

TEST_F(UsersTest, CreatesWithNothing) {
  const UserId id = users().create({}).value();
  const User user = get(id);
  EXPECT_FALSE(user.profile());
  EXPECT_FALSE(user.metadata());
  EXPECT_EQ(user.external_id(), "");
  EXPECT_TRUE(users().identities(id).value().empty());
  EXPECT_TRUE(data().all(id).value().empty());
}

TEST_F(UsersTest, KeepsTimesAndOriginOfTheSource) {
  const UserId id = users()
                        .create({.name = "A",
                                 .platform = "p",
                                 .platform_id = "1",
                                 .created_at = seconds_ago(100),
                                 .last_seen = seconds_ago(50),
                                 .origin = Origin{seconds_ago(70), 7}})
                        .value();
  const User user = get(id);
  EXPECT_EQ(user.created_at(), seconds_ago(100));
  EXPECT_EQ(user.recorded_at(), now());
  EXPECT_EQ(user.updated_at(), seconds_ago(70));
  EXPECT_EQ(user.version(), 7U);
  EXPECT_EQ(user.last_seen(), seconds_ago(50));
  EXPECT_EQ(users().identity("p", "1").value()->created_at(), seconds_ago(100));
  EXPECT_EQ(users().identity("p", "1").value()->last_seen(), seconds_ago(50));
  EXPECT_EQ(data().values(id, "preferred_name").value()[0].created_at(), seconds_ago(100));
}

TEST_F(UsersTest, AbsentIsAnAnswer) {
  EXPECT_FALSE(users().get(UserId{}).value());
  EXPECT_FALSE(users().get(UserId::from_external("x", "y")).value());
  EXPECT_FALSE(users().by_platform("discord", "1").value());
  EXPECT_FALSE(users().identity("discord", "1").value());
  EXPECT_TRUE(users().identities(UserId{}).value().empty());
  EXPECT_TRUE(users().link_suggestions(UserId{}).value().empty());
  EXPECT_TRUE(users().by_preferred_name("nobody").value().empty());
  EXPECT_FALSE(users().remove(UserId{}).value());
  EXPECT_FALSE(users().remove_identity("discord", "1").value());
}

TEST_F(UsersTest, AKnownIdWithEqualContentSucceedsAndWritesNothing) {
  const NewUser user{.id = UserId::from_external("test", "1"),
                     .name = "Reece",
                     .platform = "discord",
                     .platform_id = "1",
                     .profile = R"({"a":1})"};
  const UserId id = users().create(user).value();
  environment_.advance_seconds(5);
  const std::uint64_t before = commits();
  EXPECT_EQ(users().create(user).value(), id);
  // What is not given does not count.
  EXPECT_EQ(users().create({.id = user.id, .profile = R"({ "a" : 1 })"}).value(), id);
  EXPECT_EQ(commits(), before);
  const std::string taken = "already_exists id: taken by a user with other content";
  EXPECT_EQ(failure_of(users().create({.id = user.id, .profile = R"({"a":2})"})), taken);
  EXPECT_EQ(failure_of(users().create({.id = user.id, .name = "X", .profile = R"({"a":1})"})),
            taken);
  EXPECT_EQ(failure_of(users().create(
                {.id = user.id, .platform = "p", .platform_id = "9", .profile = R"({"a":1})"})),
            taken);
  EXPECT_EQ(failure_of(users().create({.id = user.id,
                                       .platform = "discord",
                                       .platform_id = "1",
                                       .username = "Other",
                                       .profile = R"({"a":1})"})),
            taken);
}

TEST_F(UsersTest, AnIdentityLeadsToOneUser) {
  const UserId first = make_user_on("discord", "1", "a");
  EXPECT_EQ(failure_of(users().create({.name = "B", .platform = "discord", .platform_id = "1"})),
            "already_exists platform_id: leads to another user");
  EXPECT_EQ(records("users"), 1U);
  EXPECT_TRUE(users().by_preferred_name("B").value().empty());
  const UserId second = make_user("C");
  EXPECT_EQ(failure_of(users().add_identity(second, {.platform = "discord", .platform_id = "1"})),
            "already_exists platform_id: leads to another user");
  EXPECT_EQ(users().by_platform("discord", "1").value()->id(), first);
}

TEST_F(UsersTest, SeveralIdentitiesOfOneUser) {
  const UserId user = make_user_on("discord", "1", "Reece");
  environment_.advance_seconds(1);
  users()
      .add_identity(user, {.platform = "terminal", .platform_id = "tty", .username = "root"})
      .value();
  users().add_identity(user, {.platform = "gui", .platform_id = "main"}).value();
  std::vector<std::string> platforms;
  for (const auto& identity : users().identities(user).value()) {
    platforms.emplace_back(identity.platform());
  }
  EXPECT_EQ(platforms, (std::vector<std::string>{"discord", "gui", "terminal"}));
  EXPECT_EQ(users().identities(user, 2).value().size(), 2U);
  EXPECT_EQ(users().by_platform("terminal", "tty").value()->id(), user);
  // Newest first; the one without a username shows none.
  EXPECT_EQ(values(user, "platform_username"), (std::vector<std::string>{"root", "Reece"}));
  EXPECT_TRUE(users().remove_identity("discord", "1").value());
  EXPECT_FALSE(users().remove_identity("discord", "1").value());
  EXPECT_FALSE(users().by_platform("discord", "1").value());
  EXPECT_EQ(values(user, "platform_username"), std::vector<std::string>{"root"});
  EXPECT_TRUE(exists(user));
}

TEST_F(UsersTest, AddingAnIdentityAgainFollowsItsUsername) {
  const UserId user = make_user();
  const NewIdentity identity{.platform = "p", .platform_id = "1", .username = "old"};
  const PlatformIdentifierId id = users().add_identity(user, identity).value();
  environment_.advance_seconds(5);
  const std::uint64_t before = commits();
  EXPECT_EQ(users().add_identity(user, identity).value(), id);
  EXPECT_EQ(users().add_identity(user, {.platform = "p", .platform_id = "1"}).value(), id);
  EXPECT_EQ(commits(), before);
  EXPECT_EQ(
      users().add_identity(user, {.platform = "p", .platform_id = "1", .username = "new"}).value(),
      id);
  const PlatformIdentifier renamed = users().identity("p", "1").value().value();
  EXPECT_EQ(renamed.username(), "new");
  EXPECT_EQ(renamed.version(), 2U);
  EXPECT_EQ(renamed.created_at(), kTestStart);
  EXPECT_EQ(renamed.updated_at(), now());
  EXPECT_TRUE(users().identities_by_username("old").value().empty());
  EXPECT_EQ(users().identities_by_username("NEW").value().size(), 1U);
  EXPECT_EQ(users().identities(user).value().size(), 1U);
  EXPECT_EQ(failure_of(users().add_identity(
                user, {.platform = "p", .platform_id = "1", .username = "x"}, {.if_version = 1})),
            "version_mismatch if_version: the stored version is 2");
}

TEST_F(UsersTest, IdentitiesCompareInNormalisationFormC) {
  const std::string composed = "caf\xC3\xA9";
  const std::string decomposed = "cafe\xCC\x81";
  const UserId user = make_user_on("p", composed);
  EXPECT_EQ(users().by_platform("p", decomposed).value()->id(), user);
  EXPECT_EQ(users().identity("p", decomposed).value()->platform_id(), composed);
  EXPECT_EQ(failure_of(users().create({.platform = "p", .platform_id = decomposed})),
            "already_exists platform_id: leads to another user");
}

TEST_F(UsersTest, SeenMovesForwardAndAtMostOnceAMinute) {
  const UserId user = make_user_on("p", "1");
  const std::uint64_t before = commits();
  users().seen(user, seconds_ahead(59)).value();
  users().seen(user, seconds_ago(1000)).value();
  users().seen("p", "1").value();
  EXPECT_EQ(commits(), before);
  users().seen(user, seconds_ahead(60)).value();
  EXPECT_EQ(get(user).last_seen(), seconds_ahead(60));
  EXPECT_EQ(get(user).version(), 1U);
  EXPECT_EQ(get(user).updated_at(), kTestStart);
  EXPECT_EQ(users().identity("p", "1").value()->last_seen(), kTestStart);
  users().seen("p", "1", seconds_ahead(90)).value();
  EXPECT_EQ(get(user).last_seen(), seconds_ahead(60));
  EXPECT_EQ(users().identity("p", "1").value()->last_seen(), seconds_ahead(90));
  EXPECT_EQ(users().identity("p", "1").value()->version(), 1U);
  environment_.advance_seconds(1000);
  users().seen("p", "1").value();
  EXPECT_EQ(get(user).last_seen(), now());
  users().seen(user, kMaxTime).value();
  users().seen(user, kMaxTime).value();
  users().seen(user, kMinTime).value();
  EXPECT_EQ(get(user).last_seen(), kMaxTime);
  EXPECT_EQ(failure_of(users().seen(UserId{})), "not_found user: no such user");
  EXPECT_EQ(failure_of(users().seen("p", "2")), "not_found platform_id: no such identity");
}

TEST_F(UsersTest, UpdatesWhatThePatchNames) {
  const UserId user = users().create({.profile = R"({"a":1})", .metadata = R"({"m":1})"}).value();
  environment_.advance_seconds(5);
  EXPECT_EQ(users().update(user, {.preferences = R"({"p":2})", .is_active = false}).value(), 2U);
  User view = get(user);
  EXPECT_EQ(view.profile().to_string(), R"({"a":1})");
  EXPECT_EQ(view.preferences().to_string(), R"({"p":2})");
  EXPECT_EQ(view.metadata().to_string(), R"({"m":1})");
  EXPECT_FALSE(view.is_active());
  EXPECT_EQ(view.updated_at(), now());
  EXPECT_EQ(view.created_at(), kTestStart);
  EXPECT_EQ(users().update(user, {.profile = clear, .metadata = ""}, {.if_version = 2}).value(),
            3U);
  view = get(user);
  EXPECT_FALSE(view.profile());
  EXPECT_FALSE(view.metadata());
  const std::uint64_t before = commits();
  EXPECT_EQ(users().update(user, {.preferences = R"({"p":2})"}).value(), 3U);
  EXPECT_EQ(users().update(user, {}).value(), 3U);
  EXPECT_EQ(commits(), before);
  EXPECT_EQ(failure_of(users().update(user, {.is_active = true}, {.if_version = 2})),
            "version_mismatch if_version: the stored version is 3");
  EXPECT_EQ(failure_of(users().update(UserId{}, {})), "not_found id: no such user");
}

TEST_F(UsersTest, FindsByPreferredName) {
  const UserId first = make_user("Ren\xC3\xA9");
  const UserId second = make_user("RENE\xCC\x81");
  make_user("Rene");
  EXPECT_EQ(users().by_preferred_name("ren\xC3\xA9").value().size(), 2U);
  EXPECT_EQ(users().by_preferred_name("ren\xC3\xA9", 1).value().size(), 1U);
  data().replace(first, "preferred_name", "Bob").value();
  EXPECT_EQ(ids(users().by_preferred_name("ren\xC3\xA9").value()), std::vector<UserId>{second});
  EXPECT_EQ(ids(users().by_preferred_name("BOB").value()), std::vector<UserId>{first});
  users().remove(second).value();
  EXPECT_TRUE(users().by_preferred_name("ren\xC3\xA9").value().empty());
}

TEST_F(UsersTest, ListsByCreation) {
  std::vector<UserId> made;
  for (int i = 0; i < 600; ++i) {
    made.push_back(users().create({.is_active = i % 3 != 0}).value());
    environment_.advance_seconds(1);
  }
  const std::vector<UserId> newest(made.rbegin(), made.rend());
  EXPECT_EQ(ids(users().list({.limit = 1000}).value()), newest);
  EXPECT_EQ(ids(users().list({.limit = 600, .oldest_first = true}).value()), made);
  EXPECT_EQ(users().list().value().size(), 100U);
  EXPECT_EQ(users().list({.limit = 0}).value().size(), 100U);
  EXPECT_EQ(ids(users().list({.limit = 1}).value()), std::vector<UserId>{made.back()});
  EXPECT_EQ(ids(users().list({.is_active = false, .limit = 2, .oldest_first = true}).value()),
            (std::vector<UserId>{made[0], made[3]}));
  const auto in_range = users().list({.created = {Time(kTestStart.micros() + 10'000'000),
                                                  Time(kTestStart.micros() + 13'000'000)}});
  EXPECT_EQ(ids(in_range.value()), (std::vector<UserId>{made[12], made[11], made[10]}));
  const auto active_in_range =
      users().list({.is_active = true,
                    .created = {Time(kTestStart.micros() + 10'000'000), std::nullopt},
                    .limit = 2,
                    .oldest_first = true});
  EXPECT_EQ(ids(active_in_range.value()), (std::vector<UserId>{made[10], made[11]}));
}

TEST_F(UsersTest, ListsByLastSeen) {
  std::vector<UserId> made;
  for (int i = 0; i < 300; ++i) {
    made.push_back(users()
                       .create({.is_active = i % 50 == 0,
                                .created_at = seconds_ago(10'000 + i),
                                .last_seen = seconds_ago(1000 - i)})
                       .value());
  }
  const TimeRange all{seconds_ago(1000), std::nullopt};
  std::vector<UserId> newest(made.rbegin(), made.rend());
  EXPECT_EQ(ids(users().list({.last_seen = all, .limit = 300}).value()), newest);
  EXPECT_EQ(ids(users().list({.last_seen = {std::nullopt, seconds_ago(998)}}).value()),
            (std::vector<UserId>{made[1], made[0]}));
  EXPECT_EQ(ids(users().list({.is_active = true, .last_seen = all, .limit = 3}).value()),
            (std::vector<UserId>{made[250], made[200], made[150]}));
  EXPECT_EQ(ids(users()
                    .list({.last_seen = all,
                           .created = {seconds_ago(10'001), seconds_ago(9'999)},
                           .oldest_first = true})
                    .value()),
            (std::vector<UserId>{made[0], made[1]}));
  users().seen(made[0], now()).value();
  EXPECT_EQ(ids(users().list({.last_seen = all, .limit = 1}).value()),
            std::vector<UserId>{made[0]});
}

TEST_F(UsersTest, SuggestsLinksAcrossPlatforms) {
  const UserId user = make_user_on("discord", "1", "Reece");
  users()
      .add_identity(user, {.platform = "mail", .platform_id = "m", .username = "ReeceMail"})
      .value();
  EXPECT_TRUE(users().link_suggestions(user).value().empty());
  // The same name on the same platform is another account there, not a link.
  const UserId same_platform = make_user_on("discord", "2", "reece");
  EXPECT_TRUE(users().link_suggestions(user).value().empty());
  const UserId other = make_user_on("gui", "main", "REECE");
  make_user_on("gui", "second", "Somebody");
  const std::vector<LinkSuggestion> suggestions = users().link_suggestions(user).value();
  ASSERT_EQ(suggestions.size(), 1U);
  EXPECT_EQ(suggestions[0].name, "Reece");
  ASSERT_EQ(suggestions[0].identities.size(), 3U);
  EXPECT_EQ(suggestions[0].identities[0].user(), user);
  std::vector<UserId> others{suggestions[0].identities[1].user(),
                             suggestions[0].identities[2].user()};
  std::sort(others.begin(), others.end());
  std::vector<UserId> expected{same_platform, other};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(others, expected);
  // One user on two platforms needs no link.
  users().merge(user, other).value();
  users().remove(same_platform).value();
  EXPECT_TRUE(users().link_suggestions(user).value().empty());
}

// Bad input, spaces, transactions ----------------------------------------------------------------

TEST_F(UsersTest, BadInputNamesTheFieldAndWritesNothing) {
  const UserId user = make_user();
  const std::uint64_t before = commits();
  const std::string long_name = repeated("x", 101);
  const auto creation = [&](const NewUser& given) { return failure_of(users().create(given)); };
  EXPECT_EQ(creation({.name = long_name}), "invalid_argument name: at most 100 code points");
  EXPECT_EQ(creation({.name = "\xFF"}).substr(0, 23), "invalid_argument name: ");
  EXPECT_EQ(creation({.platform_id = "1"}), "invalid_argument platform: needed with platform_id");
  EXPECT_EQ(creation({.username = "u"}), "invalid_argument platform: needed with username");
  EXPECT_EQ(creation({.platform = "p"}).substr(0, 30), "invalid_argument platform_id: ");
  EXPECT_EQ(creation({.platform = repeated("p", 21), .platform_id = "1"}),
            "invalid_argument platform: at most 20 code points");
  EXPECT_EQ(creation({.platform = "p", .platform_id = long_name}),
            "invalid_argument platform_id: at most 100 code points");
  EXPECT_EQ(creation({.platform = "p", .platform_id = "1", .username = long_name}),
            "invalid_argument username: at most 100 code points");
  EXPECT_EQ(creation({.profile = "[1]"}).substr(0, 25), "invalid_argument profile:");
  EXPECT_EQ(creation({.preferences = "{"}).substr(0, 29), "invalid_argument preferences:");
  EXPECT_EQ(creation({.metadata = "1"}).substr(0, 26), "invalid_argument metadata:");
  EXPECT_EQ(creation({.created_at = Time(INT64_MAX)}).substr(0, 28),
            "invalid_argument created_at:");
  EXPECT_EQ(creation({.last_seen = Time(INT64_MIN)}).substr(0, 27), "invalid_argument last_seen:");
  EXPECT_EQ(creation({.external_id = repeated("x", 65)}),
            "invalid_argument external_id: at most 64 code points");
  EXPECT_EQ(failure_of(users().add_identity(user, {.platform_id = "1"})).substr(0, 26),
            "invalid_argument platform:");
  EXPECT_EQ(failure_of(users().seen(user, Time(INT64_MAX))).substr(0, 20), "invalid_argument at:");
  EXPECT_EQ(failure_of(users().update(user, {.profile = "x"})).substr(0, 25),
            "invalid_argument profile:");
  EXPECT_EQ(failure_of(users().by_platform("", "1")).substr(0, 26), "invalid_argument platform:");
  EXPECT_EQ(failure_of(users().by_preferred_name("")).substr(0, 22), "invalid_argument name:");
  EXPECT_EQ(failure_of(users().list({.limit = 10'001})), "invalid_argument limit: at most 10000");
  EXPECT_EQ(failure_of(users().list({.created = {now(), seconds_ago(1)}})),
            "invalid_argument created: from is not after to");
  EXPECT_EQ(failure_of(users().update(user, {}, {.caller = {.module = repeated("m", 65)}})),
            "invalid_argument caller.module: at most 64 code points");
  EXPECT_EQ(commits(), before);
  EXPECT_EQ(records("users"), 1U);
}

TEST_F(UsersTest, TextsAtTheirLimitsGoInAndOutAndUnusualOnesAreRefusedByName) {
  const std::string wide = repeated("\xF0\x9F\xA6\x8A", 100);  // 4 bytes each
  const UserId user =
      users()
          .create({.name = wide, .platform = repeated("\xF0\x9F\xA6\x8A", 20), .platform_id = wide})
          .value();
  EXPECT_EQ(users().by_platform(repeated("\xF0\x9F\xA6\x8A", 20), wide).value()->id(), user);
  EXPECT_EQ(ids(users().by_preferred_name(wide).value()), std::vector<UserId>{user});
  EXPECT_EQ(users().identities_by_username(wide).value().size(), 1U);
  // One code point that normalisation makes three of 4 bytes each.
  const std::string growing = repeated("\xF0\x9D\x85\xA0", 100);
  EXPECT_EQ(failure_of(users().create({.name = growing})),
            "invalid_argument name: at most 983 bytes in folded normalisation form C");
  EXPECT_EQ(failure_of(users().create({.platform = "p", .platform_id = growing})),
            "invalid_argument platform_id: with platform and folded username at most 996 bytes in "
            "normalisation form C");
  const UserId with_zero = make_user_on("p", std::string("a\0b", 3));
  EXPECT_EQ(users().by_platform("p", std::string("a\0b", 3)).value()->id(), with_zero);
  EXPECT_FALSE(users().by_platform("p", "a").value());
}

TEST_F(UsersTest, SpacesDoNotSeeEachOther) {
  const Space acme = store_.create_space("acme").value();
  const UserId id = UserId::from_external("test", "1");
  const NewUser user{.id = id, .name = "Reece", .platform = "p", .platform_id = "1"};
  users().create(user).value();
  EXPECT_FALSE(acme.users().get(id).value());
  EXPECT_FALSE(acme.users().by_platform("p", "1").value());
  EXPECT_TRUE(acme.users().by_preferred_name("Reece").value().empty());
  acme.users().create({.id = id, .name = "Other", .platform = "p", .platform_id = "1"}).value();
  users().remove(id).value();
  store_.finish_pending_work().value();
  EXPECT_EQ(acme.users().by_platform("p", "1").value()->id(), id);
}

TEST_F(UsersTest, AFailedCallInATransactionLeavesNothingOfItself) {
  make_user_on("p", "1");
  const auto done = store_.transact([&](Transaction& tx) -> Result<UserId> {
    auto first = tx.users().create({.name = "First"});
    EXPECT_EQ(
        failure_of(tx.users().create({.name = "Second", .platform = "p", .platform_id = "1"})),
        "already_exists platform_id: leads to another user");
    EXPECT_EQ(tx.users().by_preferred_name("First").value().size(), 1U);
    return first;
  });
  EXPECT_TRUE(exists(done.value()));
  EXPECT_TRUE(users().by_preferred_name("Second").value().empty());
  EXPECT_EQ(records("users"), 2U);
}

TEST_F(UsersTest, SnapshotsStayAndRefuseWrites) {
  const UserId user = make_user("Reece");
  const Snapshot snapshot = store_.snapshot().value();
  users().update(user, {.is_active = false}).value();
  users().remove(user).value();
  EXPECT_TRUE(snapshot.users().get(user).value()->is_active());
  EXPECT_EQ(snapshot.users().by_preferred_name("Reece").value().size(), 1U);
  EXPECT_EQ(snapshot.users().create({}).error().code(), Code::read_only);
  EXPECT_EQ(snapshot.users().remove(user).error().code(), Code::read_only);
}

TEST_F(UsersTest, DamagedRowsAreReportedByTableAndKeyAndTheRestIsRead) {
  const UserId damaged = make_user_on("p", "1", "x");
  const UserId sound = make_user("Ada");
  const std::string key = schema::user_key(schema::kDefaultSpace, damaged);
  const auto get_raw = [&] {
    kv::Value value;
    EXPECT_TRUE(core().engine().get(kv::Family::users, key, value).value());
    return std::string(value.view());
  };
  const auto put_raw = [&](const std::string& value) {
    kv::Batch batch;
    batch.put(kv::Family::users, key, value);
    core().engine().apply(batch, Durability::buffered).value();
  };
  const std::string good = get_raw();
  put_raw(good.substr(0, 20));
  const Error error = users().get(damaged).error();
  EXPECT_EQ(error.code(), Code::corruption);
  EXPECT_EQ(error.message(), "damaged record in users at " + schema::to_hex(key));
  EXPECT_EQ(users().by_platform("p", "1").error().code(), Code::corruption);
  EXPECT_EQ(users().list().error().code(), Code::corruption);
  EXPECT_EQ(users().update(damaged, {.is_active = false}).error().code(), Code::corruption);
  EXPECT_EQ(users().remove(damaged).error().code(), Code::corruption);
  EXPECT_TRUE(exists(sound));
  EXPECT_EQ(users().by_preferred_name("Ada").value().size(), 1U);
  put_raw(good);
  EXPECT_TRUE(exists(damaged));
}

TEST_F(UsersTest, ViewsOutliveTheStore) {
  std::optional<User> user;
  {
    Store other = Store::open_in_memory(options()).value();
    const UserId id = other.users().create({.profile = R"({"a":[1,2]})"}).value();
    user = other.users().get(id).value();
    other.close().value();
  }
  EXPECT_EQ(user->profile().to_string(), R"({"a":[1,2]})");
}

}  // namespace
}  // namespace callisto::testing
