#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/core.h"
#include "api/work_steps.h"
#include "callisto/store.h"
#include "tests/support/failure.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {

/// A store in memory under a clock that stands still, without a background thread. Whatever a test
/// did, the indexes agree with the records at its end, and again when all work is done.
class UserTest : public ::testing::Test {
 protected:
  UserTest() : store_(Store::open_in_memory(options()).value()) {}

  void TearDown() override {
    expect_sound();
    store_.finish_pending_work().value();
    expect_sound();
    EXPECT_EQ(store_.health().pending_work, 0U);
  }

  Options options() {
    Options options;
    options.environment = &environment_;
    options.background_work = false;
    return options;
  }

  void expect_sound() {
    const VerifyReport report = store_.verify({.checksums = false}).value();
    EXPECT_TRUE(report.ok);
    for (const Defect& defect : report.defects) {
      ADD_FAILURE() << defect.kind << " " << defect.table << " " << defect.detail << " "
                    << schema::describe_key(schema::from_hex(defect.key).value_or(""));
    }
  }

  Time now() { return environment_.now(); }
  Time seconds_ago(std::int64_t seconds) { return Time(now().micros() - seconds * 1'000'000); }
  Time seconds_ahead(std::int64_t seconds) { return seconds_ago(-seconds); }

  Users users() const { return store_.users(); }
  UserData data() const { return store_.user_data(); }
  UserId make_user(const std::string& name = {}) { return users().create({.name = name}).value(); }
  UserId make_user_on(const std::string& platform, const std::string& platform_id,
                      const std::string& username = {}) {
    return users()
        .create({.platform = platform, .platform_id = platform_id, .username = username})
        .value();
  }
  User get(UserId id) { return users().get(id).value().value(); }
  bool exists(UserId id) { return users().get(id).value().has_value(); }
  std::uint64_t commits() const { return store_.stats().value().commits; }
  std::uint64_t records(const std::string& table) const {
    return store_.stats().value().tables.at(table).records;
  }

  static std::vector<UserId> ids(const std::vector<User>& users) {
    std::vector<UserId> ids;
    for (const User& user : users) ids.push_back(user.id());
    return ids;
  }
  std::vector<std::string> values(UserId user, std::string_view category) {
    std::vector<std::string> texts;
    for (const UserDatum& datum : data().values(user, category).value()) {
      texts.emplace_back(datum.value());
    }
    return texts;
  }

  detail::StoreCore& core() { return store_.core(); }
  detail::SpaceSlot& slot() { return core().slot(schema::kDefaultSpace); }
  detail::Scope scope() { return {&core(), &slot(), nullptr, nullptr}; }
  std::vector<indexes::WorkItem> work() {
    auto snapshot = core().engine().snapshot();
    return slot().state(core().engine(), *snapshot).value()->work();
  }
  /// Runs one step of the first item; false when there is none.
  bool run_step() {
    auto items = work();
    if (items.empty()) return false;
    const kv::Limits none(core().environment());
    detail::rewrite_user_step(core(), slot(), items.front(), none).value();
    return true;
  }

  TestEnvironment environment_;
  Store store_;
};

/// `text` so many times.
inline std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result.append(text);
  return result;
}

}  // namespace callisto::testing
