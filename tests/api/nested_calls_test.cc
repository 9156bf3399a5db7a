// A call inside a call on the same thread, as from a host's clock that asks the store something.

#include <functional>
#include <memory>
#include <utility>

#include "tests/api/user_fixture.h"

namespace callisto::testing {
namespace {

/// Calls something, once, when it is asked for the time.
class CallingClock final : public TestEnvironment {
 public:
  Time now() override {
    if (then) std::exchange(then, nullptr)();
    return TestEnvironment::now();
  }
  std::function<void()> then;
};

class NestedCallsTest : public UserTest {
 protected:
  /// A commit that gives the space another state.
  void change_state() { users().merge(make_user("primary"), make_user("secondary")).value(); }
};

TEST_F(NestedCallsTest, EachCallKeepsTheStateThatItReadsThrough) {
  kv::Store& engine = core().engine();
  detail::BorrowedState outer;
  const auto before = engine.snapshot();
  const auto state = slot().state_for_call(engine, *before, outer.held()).value();
  const std::weak_ptr<const indexes::SpaceState> watched = slot().state(engine, *before).value();
  ASSERT_EQ(state.get(), watched.lock().get()) << "of a slot that remembers";
  change_state();
  EXPECT_TRUE(users().list());
  EXPECT_FALSE(watched.expired()) << "the outer call still reads through it";
}

TEST_F(NestedCallsTest, AReadWhoseClockChangesTheStoreAnswersAsBefore) {
  CallingClock clock;
  Options with_clock = options();
  with_clock.environment = &clock;
  const auto store = Store::open_in_memory(with_clock).value();
  const UserId primary = store.users().create({.name = "primary"}).value();
  const UserId secondary = store.users().create({.name = "secondary"}).value();
  store.memories().create({.text = "tea", .user = primary}).value();
  bool was_called = false;
  clock.then = [&] {
    was_called = true;
    EXPECT_TRUE(store.users().merge(primary, secondary));
    EXPECT_TRUE(store.users().get(secondary));
  };
  const auto found = store.memories().find({.user = primary, .limit = 5});
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_TRUE(was_called);
  EXPECT_EQ(found->size(), 1U);
  EXPECT_EQ(store.memories().find({.user = primary, .limit = 5}).value().size(), 1U);
}

}  // namespace
}  // namespace callisto::testing
