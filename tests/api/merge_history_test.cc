#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "tests/api/user_fixture.h"

namespace callisto::testing {
namespace {

class MergeHistoryTest : public UserTest {};

TEST_F(MergeHistoryTest, ManyThreadsLeaveSoundRows) {
  Options with_background = options();
  with_background.background_work = true;
  Store store = Store::open_in_memory(with_background).value();
  constexpr int kUsers = 8;
  const auto id_of = [](std::uint64_t number) {
    return UserId::from_external("threads", std::to_string(number % kUsers));
  };
  const auto work = [&](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < 120; ++i) {
      const UserId user = id_of(random());
      const std::string text = std::to_string(random() % 5);
      // Any of these may fail: the user may be gone, or busy. What counts is what is left.
      switch (random() % 8) {
        case 0:
          ignore_error(store.users().merge(user, id_of(random())), "may fail");
          break;
        case 1:
          ignore_error(store.users().remove(user), "may fail");
          break;
        case 2:
        case 3:
          ignore_error(store.users().create({.id = user, .name = text}), "may fail");
          break;
        case 4:
          ignore_error(store.users().add_identity(
                           user, {.platform = "p", .platform_id = text, .username = text}),
                       "may fail");
          break;
        case 5:
          ignore_error(store.user_data().append(user, "list", text), "may fail");
          break;
        case 6:
          ignore_error(store.user_data().replace(user, "city", text), "may fail");
          break;
        default:
          ignore_error(store.conversations().create({.owner = user, .participants = {user}}),
                       "may fail");
      }
    }
  };
  const std::uint64_t seed = test_seed();
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 4; ++i) threads.emplace_back([&, i] { work(seed + i); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(store.verify({.checksums = false}).value().ok);
  store.finish_pending_work().value();
  const VerifyReport report = store.verify({.checksums = false}).value();
  EXPECT_TRUE(report.ok);
  EXPECT_EQ(report.pending, 0U);
  EXPECT_GT(report.checked, 0U);
}

/// What a user's data must be, by the rules of the header.
struct ModelCategory {
  CategoryKind kind = CategoryKind::single;
  std::map<std::string, std::int64_t> values;  // value -> created_at
};
using ModelUser = std::map<std::string, ModelCategory>;

class DataModel {
 public:
  bool append(std::size_t user, const std::string& category, const std::string& value,
              std::int64_t at) {
    auto [place, is_new] = users_[user].try_emplace(category);
    if (is_new) place->second.kind = CategoryKind::list;
    if (place->second.kind != CategoryKind::list) return false;
    put(place->second, value, at);
    return true;
  }
  bool replace(std::size_t user, const std::string& category, const std::string& value,
               std::int64_t at) {
    auto [place, is_new] = users_[user].try_emplace(category);
    ModelCategory& there = place->second;
    if (there.kind != CategoryKind::single) return false;
    if (!is_new && at < there.values.begin()->second) return true;
    there.values = {{value, at}};
    return true;
  }
  void remove(std::size_t user, const std::string& category, const std::string& value) {
    const auto place = users_[user].find(category);
    if (place == users_[user].end()) return;
    place->second.values.erase(value);
    if (place->second.values.empty()) users_[user].erase(place);
  }
  void merge(std::size_t primary, std::size_t secondary) {
    for (const auto& [name, theirs] : users_[secondary]) {
      auto [place, is_new] = users_[primary].try_emplace(name, theirs);
      if (is_new) continue;
      ModelCategory& mine = place->second;
      if (mine.kind == CategoryKind::single && theirs.kind == CategoryKind::single) {
        if (theirs.values.begin()->second > mine.values.begin()->second)
          mine.values = theirs.values;
        continue;
      }
      mine.kind = CategoryKind::list;
      for (const auto& [value, at] : theirs.values) put(mine, value, at);
    }
    users_[secondary].clear();
  }
  const ModelUser& user(std::size_t user) { return users_[user]; }

 private:
  static void put(ModelCategory& category, const std::string& value, std::int64_t at) {
    auto [place, is_new] = category.values.try_emplace(value, at);
    if (!is_new) place->second = std::max(place->second, at);
  }
  std::map<std::size_t, ModelUser> users_;
};

TEST_F(MergeHistoryTest, RandomHistoriesAgreeWithTheModel) {
  std::mt19937_64 random(test_seed());
  const auto pick = [&](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  for (int round = 0; round < 20; ++round) {
    std::vector<UserId> who;
    for (int i = 0; i < 6; ++i) who.push_back(make_user());
    std::vector<std::size_t> live{0, 1, 2, 3, 4, 5};
    DataModel model;
    for (int i = 0; i < 120; ++i) {
      const std::size_t user = live[pick(live.size())];
      const std::string category = "category" + std::to_string(pick(4));
      const std::string value = "value" + std::to_string(pick(5));
      const Time at = seconds_ago(static_cast<std::int64_t>(pick(50)));
      const NewDatum datum{.category = category, .value = value, .created_at = at};
      switch (pick(8)) {
        case 0:
          data().remove(who[user], category, value).value();
          model.remove(user, category, value);
          break;
        case 1:
          if (live.size() > 1 && pick(4) == 0) {
            const std::size_t other = pick(live.size());
            if (live[other] == user) break;
            users().merge(who[user], who[live[other]]).value();
            model.merge(user, live[other]);
            live.erase(live.begin() + static_cast<std::ptrdiff_t>(other));
          }
          break;
        case 2:
        case 3:
        case 4:
          EXPECT_EQ(data().append(who[user], datum).has_value(),
                    model.append(user, category, value, at.micros()));
          break;
        default:
          EXPECT_EQ(data().replace(who[user], datum).has_value(),
                    model.replace(user, category, value, at.micros()));
      }
    }
    for (std::size_t user = 0; user < who.size(); ++user) {
      ModelUser stored;
      for (const UserDatum& one : data().all(who[user]).value()) {
        ModelCategory& category = stored[std::string(one.category())];
        category.kind = one.kind();
        category.values[std::string(one.value())] = one.created_at().micros();
      }
      ASSERT_EQ(stored.size(), model.user(user).size());
      for (const auto& [name, category] : model.user(user)) {
        EXPECT_EQ(stored[name].kind, category.kind) << name;
        EXPECT_EQ(stored[name].values, category.values) << name;
      }
    }
    if (::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace callisto::testing
