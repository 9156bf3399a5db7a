// A view that was never filled reads as an empty record, whatever is asked of it.

#include <gtest/gtest.h>

#include "callisto/store.h"

namespace callisto {
namespace {

template <class View>
void expect_empty(const View& view) {
  EXPECT_TRUE(view.id().is_nil());
  EXPECT_EQ(view.version(), 0U);
  EXPECT_EQ(view.created_at(), Time());
  EXPECT_EQ(view.updated_at(), Time());
  EXPECT_EQ(view.recorded_at(), Time());
  EXPECT_FALSE(view.metadata());
  EXPECT_EQ(view.external_id(), "");
}

TEST(Views, NeverFilledAreEmpty) {
  expect_empty(User());
  expect_empty(PlatformIdentifier());
  expect_empty(UserDatum());
  expect_empty(Conversation());
  expect_empty(Message());
  expect_empty(Memory());
  EXPECT_EQ(PlatformIdentifier().platform_id(), "");
  EXPECT_EQ(UserDatum().value(), "");
  EXPECT_EQ(Conversation().message_count(), 0U);
  EXPECT_TRUE(Message().conversation().is_nil());
  EXPECT_EQ(Memory().tag_count(), 0U);
}

TEST(Views, OutliveTheirStore) {
  std::optional<User> user;
  {
    auto store = Store::open_in_memory().value();
    const UserId id = store.users().create({.name = "Reece", .profile = R"({"a":1})"}).value();
    user = store.users().get(id).value();
  }
  EXPECT_EQ(user->profile()["a"].as_int64(), 1);
}

}  // namespace
}  // namespace callisto
