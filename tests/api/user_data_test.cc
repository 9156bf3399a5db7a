#include <set>

#include "api/datum_rows.h"
#include "schema/keys.h"
#include "tests/api/user_fixture.h"
#include "tests/support/temp_directory.h"

namespace callisto::testing {
namespace {

using Texts = std::vector<std::string>;

class UserDataTest : public UserTest {
 protected:
  UserId user_ = make_user();
};

TEST_F(UserDataTest, AppendsToAList) {
  EXPECT_TRUE(data().append(user_, "favourite_foods", "pies").value());
  environment_.advance_seconds(1);
  EXPECT_TRUE(data()
                  .append(user_, {.category = "favourite_foods",
                                  .value = "ice cream",
                                  .metadata = R"({"source":"chat"})",
                                  .external_id = "d-1",
                                  .external_source = "old"})
                  .value());
  EXPECT_EQ(values(user_, "favourite_foods"), (Texts{"ice cream", "pies"}));
  const UserDatum datum = data().get(user_, "favourite_foods", "ice cream").value().value();
  EXPECT_EQ(datum.user(), user_);
  EXPECT_EQ(datum.category(), "favourite_foods");
  EXPECT_EQ(datum.kind(), CategoryKind::list);
  EXPECT_EQ(datum.version(), 1U);
  EXPECT_EQ(datum.created_at(), now());
  EXPECT_EQ(datum.recorded_at(), now());
  EXPECT_EQ(datum.metadata().to_string(), R"({"source":"chat"})");
  EXPECT_EQ(datum.external_id(), "d-1");
  EXPECT_EQ(datum.external_source(), "old");
  EXPECT_FALSE(datum.id().is_nil());
  EXPECT_FALSE(data().get(user_, "favourite_foods", "Pies").value());
  EXPECT_EQ(get(user_).version(), 1U);
}

TEST_F(UserDataTest, AnEqualValueKeepsItsPlaceAndTakesANewerTime) {
  data().append(user_, "foods", "pies").value();
  const UserDatumId id = data().get(user_, "foods", "pies").value()->id();
  data().append(user_, "foods", "ice").value();
  const std::uint64_t before = commits();
  EXPECT_FALSE(data().append(user_, "foods", "pies").value());
  EXPECT_FALSE(
      data()
          .append(user_, {.category = "foods", .value = "pies", .created_at = seconds_ago(9)})
          .value());
  EXPECT_EQ(commits(), before);
  environment_.advance_seconds(5);
  EXPECT_TRUE(data().append(user_, "foods", "pies").value());
  const UserDatum datum = data().get(user_, "foods", "pies").value().value();
  EXPECT_EQ(datum.id(), id);
  EXPECT_EQ(datum.version(), 2U);
  EXPECT_EQ(datum.created_at(), now());
  EXPECT_EQ(datum.recorded_at(), kTestStart);
  EXPECT_EQ(values(user_, "foods"), (Texts{"pies", "ice"}));
  EXPECT_EQ(records("user_data"), 2U);
}

TEST_F(UserDataTest, ReplacesASingleValue) {
  EXPECT_TRUE(data().replace(user_, "city", "Leeds").value());
  environment_.advance_seconds(5);
  EXPECT_TRUE(data().replace(user_, "city", "York").value());
  EXPECT_EQ(values(user_, "city"), Texts{"York"});
  const UserDatum datum = data().get(user_, "city", "York").value().value();
  EXPECT_EQ(datum.kind(), CategoryKind::single);
  EXPECT_EQ(datum.created_at(), now());
  EXPECT_EQ(datum.version(), 2U);
  EXPECT_FALSE(data().get(user_, "city", "Leeds").value());
  EXPECT_EQ(failure_of(data().replace(user_, "city", "Hull", {.if_version = 1})),
            "version_mismatch if_version: the stored version is 2");
  EXPECT_TRUE(data().replace(user_, "city", "Hull", {.if_version = 2}).value());
  EXPECT_FALSE(data().replace(user_, "city", "Hull").value());
  EXPECT_EQ(records("user_data"), 1U);
}

TEST_F(UserDataTest, ALateArrivalChangesNothing) {
  data().replace(user_, "city", "Leeds").value();
  const std::uint64_t before = commits();
  EXPECT_FALSE(
      data()
          .replace(user_, {.category = "city", .value = "York", .created_at = seconds_ago(1)})
          .value());
  EXPECT_FALSE(
      data()
          .replace(user_, {.category = "city", .value = "Leeds", .created_at = seconds_ago(1)})
          .value());
  EXPECT_EQ(commits(), before);
  EXPECT_EQ(values(user_, "city"), Texts{"Leeds"});
  // At the same time, the one that arrives later is taken.
  EXPECT_TRUE(
      data().replace(user_, {.category = "city", .value = "York", .created_at = now()}).value());
  EXPECT_TRUE(
      data()
          .replace(user_, {.category = "city", .value = "York", .created_at = seconds_ahead(5)})
          .value());
  EXPECT_EQ(data().get(user_, "city", "York").value()->created_at(), seconds_ahead(5));
  // Without a time of its own a value is newer than what is there, though the clock is behind.
  EXPECT_TRUE(data().replace(user_, "city", "Hull").value());
  EXPECT_EQ(data().get(user_, "city", "Hull").value()->created_at(), seconds_ahead(5));
}

TEST_F(UserDataTest, TheFirstWriteFixesTheKind) {
  data().replace(user_, "city", "Leeds").value();
  data().append(user_, "foods", "pies").value();
  EXPECT_EQ(failure_of(data().append(user_, "city", "York")),
            "invalid_argument category: is a single category");
  EXPECT_EQ(failure_of(data().replace(user_, "foods", "ice")),
            "invalid_argument category: is a list category");
  EXPECT_EQ(failure_of(data().append(user_, "preferred_name", "Bob")),
            "invalid_argument category: is a single category");
  // Another user's category of that name, and an emptied one, are free.
  const UserId other = make_user();
  EXPECT_TRUE(data().append(other, "city", "York").value());
  EXPECT_EQ(data().remove_category(user_, "city").value(), 1U);
  EXPECT_TRUE(data().append(user_, "city", "York").value());
  EXPECT_TRUE(data().remove(user_, "foods", "pies").value());
  EXPECT_TRUE(data().replace(user_, "foods", "ice").value());
}

TEST_F(UserDataTest, CategoriesCompareInNormalisationFormCAndValuesByteByByte) {
  const std::string composed = "caf\xC3\xA9";
  const std::string decomposed = "cafe\xCC\x81";
  data().append(user_, composed, composed).value();
  environment_.advance_seconds(1);
  EXPECT_TRUE(data().append(user_, decomposed, decomposed).value());
  EXPECT_EQ(values(user_, composed), (Texts{decomposed, composed}));
  EXPECT_EQ(data().get(user_, composed, decomposed).value()->category(), decomposed);
  EXPECT_EQ(data().values(user_, decomposed, 1).value().size(), 1U);
  EXPECT_EQ(failure_of(data().replace(user_, decomposed, "x")),
            "invalid_argument category: is a list category");
  EXPECT_EQ(data().remove_category(user_, decomposed).value(), 2U);
}

TEST_F(UserDataTest, AllComesByCategoryNewestFirstWithUsernamesInTheirPlace) {
  data().append(user_, "a", "1").value();
  data().replace(user_, "platform", "x").value();
  data().replace(user_, "platform_usernames", "y").value();
  environment_.advance_seconds(1);
  data().append(user_, "a", "2").value();
  data().replace(user_, "preferred_name", "Reece").value();
  users()
      .add_identity(user_, {.platform = "discord", .platform_id = "1", .username = "reece"})
      .value();
  environment_.advance_seconds(1);
  users().add_identity(user_, {.platform = "gui", .platform_id = "1", .username = "Reece"}).value();
  users()
      .add_identity(user_, {.platform = "mail", .platform_id = "1", .username = "reece"})
      .value();
  Texts all;
  for (const UserDatum& datum : data().all(user_).value()) {
    all.push_back(std::string(datum.category()) + "=" + std::string(datum.value()));
    EXPECT_EQ(datum.user(), user_);
  }
  EXPECT_EQ(all,
            (Texts{"a=2", "a=1", "platform=x", "platform_username=Reece", "platform_username=reece",
                   "platform_usernames=y", "preferred_name=Reece"}));
  const UserDatum username = data().get(user_, "platform_username", "reece").value().value();
  EXPECT_EQ(username.kind(), CategoryKind::list);
  EXPECT_EQ(username.created_at(), now());  // the newer of the two identities
  EXPECT_FALSE(data().get(user_, "platform_username", "REECE").value());
  EXPECT_EQ(data().values(user_, "platform_username", 1).value().size(), 1U);
  const std::string refused =
      "invalid_argument category: not platform_username, which shows the platform identities";
  EXPECT_EQ(failure_of(data().append(user_, "platform_username", "x")), refused);
  EXPECT_EQ(failure_of(data().replace(user_, "platform_username", "x")), refused);
  EXPECT_EQ(failure_of(data().remove(user_, "platform_username", "reece")), refused);
  EXPECT_EQ(failure_of(data().remove_category(user_, "platform_username")), refused);
}

TEST_F(UserDataTest, RemovesValuesAndCategories) {
  for (int i = 0; i < 200; ++i) data().append(user_, "list", std::to_string(i)).value();
  data().append(user_, "other", "1").value();
  EXPECT_FALSE(data().remove(user_, "list", "200").value());
  EXPECT_EQ(failure_of(data().remove(user_, "list", "7", {.if_version = 2})),
            "version_mismatch if_version: the stored version is 1");
  EXPECT_TRUE(data().remove(user_, "list", "7").value());
  EXPECT_FALSE(data().remove(user_, "list", "7").value());
  EXPECT_EQ(values(user_, "list").size(), 199U);
  EXPECT_EQ(data().remove_category(user_, "list").value(), 199U);
  EXPECT_EQ(data().remove_category(user_, "list").value(), 0U);
  EXPECT_TRUE(values(user_, "list").empty());
  EXPECT_EQ(values(user_, "other"), Texts{"1"});
  EXPECT_EQ(failure_of(data().remove(UserId{}, "list", "1")), "not_found user: no such user");
  EXPECT_EQ(failure_of(data().remove_category(UserId{}, "list")), "not_found user: no such user");
}

// Few rows are read where they lie, of many the newest by the index.
TEST_F(UserDataTest, TheNewestComeFirstOfFewValuesAndOfMany) {
  constexpr std::size_t kMost = 300;
  constexpr std::uint32_t kNewest = 10;
  data().append(user_, "before", "one").value();
  for (std::size_t count = 1; count <= kMost; ++count) {
    // Three of a time.
    if (count % 3 == 0) environment_.advance_seconds(1);
    data().append(user_, "numbers", std::to_string(count)).value();
    if (count < 250) continue;
    std::vector<std::string> newest;
    for (const UserDatum& datum : data().values(user_, "numbers", kNewest).value()) {
      newest.emplace_back(datum.value());
    }
    const std::vector<std::string> all = values(user_, "numbers");
    ASSERT_EQ(all.size(), count);
    ASSERT_EQ(newest, std::vector<std::string>(all.begin(), all.begin() + kNewest));
    ASSERT_GE(std::stoul(newest.back()) + kNewest + 2, count);
    std::vector<std::string> listed;
    for (const UserDatum& datum : data().all(user_).value()) listed.emplace_back(datum.value());
    ASSERT_EQ(listed.front(), "one");
    ASSERT_EQ(std::vector<std::string>(listed.begin() + 1, listed.end()), all);
  }
}

// A row may be of a mebibyte: who asks for one does not read a hundred of them.
TEST(LargeUserData, IsReadAsFarAsItIsAskedFor) {
  constexpr int kValues = 200;
  constexpr std::size_t kValueBytes = std::size_t{64} << 10;
  const TempDirectory directory(TempDirectory::On::memory);
  TestEnvironment environment;
  const auto open = [&] {
    return Store::open(
               directory.path(),
               {.record_cache_bytes = 0, .background_work = false, .environment = &environment})
        .value();
  };
  UserId user;
  {
    const Store store = open();
    user = store.users().create({}).value();
    for (int i = 0; i < kValues; ++i) {
      environment.advance_seconds(1);
      const std::string value = std::to_string(i) + std::string(kValueBytes, 'x');
      store.user_data().append(user, "notes", value).value();
    }
    store.compact().value();
  }
  // Each row has a block of its own.
  const Store store = open();
  const auto blocks = [&] { return store.stats().value().block_cache.misses; };
  std::uint64_t before = blocks();
  store.user_data().append(user, "notes", "one more").value();
  EXPECT_LT(blocks() - before, 8U);
  environment.advance_seconds(1);
  before = blocks();
  const auto newest = store.user_data().values(user, "notes", 2).value();
  EXPECT_LT(blocks() - before, kValues / 2);
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[0].value(), "one more");
  EXPECT_EQ(newest[1].value().substr(0, 4), "199x");
}

TEST_F(UserDataTest, AUserHoldsTwoThousandRows) {
  for (int batch = 0; batch < 2; ++batch) {
    store_
        .transact([&](Transaction& tx) -> Result<bool> {
          for (int i = 0; i < 1000; ++i) {
            auto done = tx.user_data().append(user_, "list", std::to_string(batch * 1000 + i));
            if (!done) return done;
          }
          return true;
        })
        .value();
  }
  EXPECT_EQ(values(user_, "list").size(), 2000U);
  EXPECT_EQ(data().all(user_).value().size(), 2000U);
  const std::string full = "limit_exceeded value: at most 2,000 data rows per user";
  EXPECT_EQ(failure_of(data().append(user_, "list", "one more")), full);
  EXPECT_EQ(failure_of(data().replace(user_, "city", "York")), full);
  EXPECT_FALSE(data().append(user_, "list", "5").value());
  EXPECT_TRUE(data().remove(user_, "list", "5").value());
  EXPECT_TRUE(data().append(user_, "list", "one more").value());
  EXPECT_EQ(failure_of(data().append(user_, "list", "two more")), full);
}

TEST_F(UserDataTest, BadInputNamesTheFieldAndWritesNothing) {
  const std::uint64_t before = commits();
  EXPECT_EQ(failure_of(data().append(UserId{}, "c", "v")), "not_found user: no such user");
  EXPECT_EQ(failure_of(data().append(user_, "", "v")).substr(0, 26), "invalid_argument category:");
  EXPECT_EQ(failure_of(data().append(user_, repeated("c", 51), "v")),
            "invalid_argument category: at most 50 code points");
  EXPECT_EQ(failure_of(data().append(user_, "\xFF", "v")).substr(0, 26),
            "invalid_argument category:");
  EXPECT_EQ(failure_of(data().append(user_, "c", "")), "invalid_argument value: 1 byte to 1 MiB");
  EXPECT_EQ(failure_of(data().append(user_, "c", repeated("v", (1U << 20) + 1))),
            "invalid_argument value: 1 byte to 1 MiB");
  EXPECT_EQ(failure_of(data().append(user_, "c", "\xC3\x28")).substr(0, 23),
            "invalid_argument value:");
  EXPECT_EQ(failure_of(data().replace(user_, "preferred_name", repeated("n", 101))),
            "invalid_argument value: at most 100 code points");
  EXPECT_EQ(failure_of(data().append(user_, {.category = "c", .value = "v", .metadata = "[]"}))
                .substr(0, 26),
            "invalid_argument metadata:");
  EXPECT_EQ(failure_of(data().append(
                           user_, {.category = "c", .value = "v", .created_at = Time(INT64_MAX)}))
                .substr(0, 28),
            "invalid_argument created_at:");
  EXPECT_EQ(failure_of(data().values(user_, "")).substr(0, 26), "invalid_argument category:");
  EXPECT_EQ(failure_of(data().values(user_, "c", 10'001)), "invalid_argument limit: at most 10000");
  EXPECT_EQ(failure_of(data().get(user_, "\xFF", "v")).substr(0, 26), "invalid_argument category:");
  EXPECT_EQ(commits(), before);
  EXPECT_TRUE(data().append(user_, repeated("\xC3\xA9", 50), repeated("v", 1U << 20)).value());
  EXPECT_EQ(values(user_, repeated("\xC3\xA9", 50))[0].size(), 1U << 20);
}

TEST_F(UserDataTest, ImportedRowsKeepTheirVersionAndTimes) {
  const Origin origin{seconds_ago(10), 5};
  const UserDatumId id = UserDatumId::from_external("x", "1");
  EXPECT_TRUE(data()
                  .replace(user_, {.id = id,
                                   .category = "city",
                                   .value = "York",
                                   .created_at = seconds_ago(20),
                                   .origin = origin})
                  .value());
  const UserDatum datum = data().get(user_, "city", "York").value().value();
  EXPECT_EQ(datum.id(), id);
  EXPECT_EQ(datum.version(), 5U);
  EXPECT_EQ(datum.created_at(), seconds_ago(20));
  EXPECT_EQ(datum.updated_at(), seconds_ago(10));
  const std::uint64_t before = commits();
  EXPECT_FALSE(data()
                   .replace(user_, {.id = id,
                                    .category = "city",
                                    .value = "York",
                                    .created_at = seconds_ago(20),
                                    .origin = origin})
                   .value());
  EXPECT_EQ(commits(), before);
  EXPECT_TRUE(data()
                  .replace(user_, {.category = "city",
                                   .value = "York",
                                   .created_at = seconds_ago(15),
                                   .origin = Origin{seconds_ago(3), 9}})
                  .value());
  EXPECT_EQ(data().get(user_, "city", "York").value()->version(), 9U);
  EXPECT_EQ(data().get(user_, "city", "York").value()->updated_at(), seconds_ago(3));
}

// Two calls at once ----------------------------------------------------------------

TEST_F(UserDataTest, OfTwoFirstWritesOfOneCategoryOneFixesTheKind) {
  int attempts = 0;
  const auto done = store_.transact([&](Transaction& tx) {
    auto replaced = tx.user_data().replace(user_, "city", "Leeds");
    if (++attempts == 1) data().append(user_, "city", "York").value();
    return replaced;
  });
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(failure_of(done), "invalid_argument category: is a list category");
  EXPECT_EQ(values(user_, "city"), Texts{"York"});
}

TEST_F(UserDataTest, TwoReplacementsAtOnceLeaveOneValue) {
  data().replace(user_, "city", "Leeds").value();
  int attempts = 0;
  store_
      .transact([&](Transaction& tx) {
        auto replaced = tx.user_data().replace(user_, "city", "York");
        if (++attempts == 1) data().replace(user_, "city", "Hull").value();
        return replaced;
      })
      .value();
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(values(user_, "city"), Texts{"York"});
}

TEST_F(UserDataTest, ACategoryRemovedAndMadeAnewMeanwhileIsSeen) {
  data().append(user_, "city", "Leeds").value();
  int attempts = 0;
  const auto done = store_.transact([&](Transaction& tx) {
    auto appended = tx.user_data().append(user_, "city", "York");
    if (++attempts == 1) {
      data().remove_category(user_, "city").value();
      data().replace(user_, "city", "Hull").value();
    }
    return appended;
  });
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(failure_of(done), "invalid_argument category: is a single category");
}

TEST_F(UserDataTest, TheLimitHoldsAgainstTwoCallsAtOnce) {
  store_
      .transact([&](Transaction& tx) -> Result<bool> {
        for (int i = 0; i < 1999; ++i) {
          auto done = tx.user_data().append(user_, "list", std::to_string(i));
          if (!done) return done;
        }
        return true;
      })
      .value();
  int attempts = 0;
  const auto done = store_.transact([&](Transaction& tx) {
    auto appended = tx.user_data().append(user_, "other", "a");
    if (++attempts == 1) data().append(user_, "list", "b").value();
    return appended;
  });
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(done.error().code(), Code::limit_exceeded);
}

// Values whose hashes meet ----------------------------------------------------------------

/// Writes through the rows' own functions, with one hash for all values.
class DatumProbeTest : public UserTest {
 protected:
  void TearDown() override {
    // Not the base's: the scrubber need not know rows under a hash that is not their value's.
  }

  detail::DatumPlace place() { return {user_, "c", schema::Hash128{0x11, 0x22}}; }
  Result<void> write(const std::function<Result<void>(detail::WriteContext&)>& function) {
    return detail::write_in(scope(), options_, {}, function);
  }
  Result<void> add(const std::string& value) {
    return write([&](detail::WriteContext& context) -> Result<void> {
      auto found = detail::find_datum_for_update(context, place(), value);
      if (!found) return found.error();
      if (found->row) return Error(Code::already_exists, "value", "is there");
      return detail::put_datum(context, found->key, user_, {.category = "c", .value = value},
                               {CategoryKind::list, now().micros(), 1});
    });
  }
  Result<void> erase(const std::string& value) {
    return write([&](detail::WriteContext& context) -> Result<void> {
      auto found = detail::find_datum_for_update(context, place(), value);
      if (!found) return found.error();
      if (!found->row) return Error(Code::not_found, "value", "is not there");
      return detail::erase_datum(context, found->key, *found->row);
    });
  }
  bool has(const std::string& value) {
    auto found = detail::read<bool>(scope(), [&](detail::ReadContext& context) -> Result<bool> {
      auto datum = detail::find_datum(context.reader(), context.space(), place(), value);
      if (!datum) return datum.error();
      return datum->row.has_value();
    });
    return found.value();
  }
  /// Values by probe.
  Texts probes() {
    Texts texts;
    auto done = detail::read<bool>(scope(), [&](detail::ReadContext& context) -> Result<bool> {
      auto walked = detail::for_each_prefix(
          context.reader(), kv::Family::user_data, schema::datum_prefix(context.space(), user_),
          false, [&](std::string_view key, std::string_view bytes) -> Result<bool> {
            EXPECT_EQ(schema::parse_datum_key(key)->probe, texts.size());
            auto row = detail::take_row<schema::fb::UserDatum>(key, bytes);
            texts.emplace_back(schema::text(schema::root<schema::fb::UserDatum>(*row)->value()));
            return true;
          });
      if (!walked) return walked.error();
      return true;
    });
    done.value();
    return texts;
  }

  const CallOptions options_;
  UserId user_ = make_user();
};

TEST_F(DatumProbeTest, EachTakesTheNextProbeAndIsFound) {
  for (const char* value : {"a", "b", "c"}) add(value).value();
  EXPECT_EQ(probes(), (Texts{"a", "b", "c"}));
  EXPECT_EQ(failure_of(add("b")), "already_exists value: is there");
  EXPECT_TRUE(has("a") && has("b") && has("c"));
  EXPECT_FALSE(has("d"));
  // The lists find them through the index.
  EXPECT_EQ(values(user_, "c").size(), 3U);
  EXPECT_EQ(data().all(user_).value().size(), 3U);
}

TEST_F(DatumProbeTest, ErasingKeepsProbesDense) {
  for (const char* value : {"a", "b", "c", "d"}) add(value).value();
  erase("b").value();
  EXPECT_EQ(probes(), (Texts{"a", "d", "c"}));
  erase("c").value();
  EXPECT_EQ(probes(), (Texts{"a", "d"}));
  erase("a").value();
  EXPECT_EQ(probes(), Texts{"d"});
  EXPECT_EQ(values(user_, "c"), Texts{"d"});
  add("e").value();
  EXPECT_EQ(probes(), (Texts{"d", "e"}));
  erase("d").value();
  erase("e").value();
  EXPECT_TRUE(probes().empty());
  EXPECT_TRUE(values(user_, "c").empty());
}

TEST_F(DatumProbeTest, ThereAre256) {
  for (int i = 0; i < 256; ++i) add(std::to_string(i)).value();
  EXPECT_EQ(failure_of(add("256")), "limit_exceeded value: at most 256 values with one hash");
  EXPECT_FALSE(has("256"));
  erase("0").value();
  EXPECT_EQ(probes().front(), "255");
  add("256").value();
  EXPECT_EQ(probes().size(), 256U);
}

TEST_F(DatumProbeTest, AMergeMovesThem) {
  const UserId other = make_user();
  for (const char* value : {"a", "b", "c"}) add(value).value();
  const UserId secondary = std::exchange(user_, other);
  for (const char* value : {"c", "x"}) add(value).value();
  users().merge(other, secondary).value();
  EXPECT_EQ(probes(), (Texts{"c", "x", "a", "b"}));
  user_ = secondary;
  EXPECT_TRUE(probes().empty());
}

}  // namespace
}  // namespace callisto::testing
