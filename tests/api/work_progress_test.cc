// What callers are told of large work, and snapshots over its steps.

#include "tests/api/large_work_fixture.h"

#include <string>
#include <vector>

namespace callisto::testing {
namespace {

class WorkProgressTest : public LargeWorkTest {
 protected:
  struct Told {
    PendingWork work;
    bool is_done = false;
  };
  WorkProgress collect() {
    return [this](const PendingWork& work, bool is_done) { told_.push_back({work, is_done}); };
  }
  std::vector<PendingWork> pending() { return core_->pending_work().value(); }

  /// Steps count up one by one, records never down, and only the last is the end.
  void expect_progress(WorkKind kind, const std::string& target) {
    ASSERT_GE(told_.size(), 2U);
    for (std::size_t i = 0; i < told_.size(); ++i) {
      const PendingWork& work = told_[i].work;
      EXPECT_EQ(to_string(work.kind), to_string(kind));
      EXPECT_EQ(work.target, target);
      EXPECT_EQ(told_[i].is_done, i + 1 == told_.size());
      EXPECT_LE(work.records_done, work.records_total.value_or(work.records_done));
      if (i == 0) continue;
      EXPECT_EQ(work.steps, told_[i - 1].work.steps + 1);
      EXPECT_GE(work.records_done, told_[i - 1].work.records_done);
      EXPECT_EQ(work.started_at, told_[0].work.started_at);
    }
  }

  const ConversationId id_ = ConversationId::from_external("test", "large");
  std::vector<Told> told_;
};

TEST_F(WorkProgressTest, StoringTellsEveryStep) {
  const std::vector<NewMessage> said(3500, NewMessage{.content = "hello"});
  bool was_listed = false;
  const auto told = collect();
  const WorkProgress progress = [&](const PendingWork& work, bool is_done) {
    told(work, is_done);
    const auto now = pending();
    ASSERT_EQ(now.size(), is_done ? 0U : 1U);
    if (is_done) return;
    was_listed = true;
    EXPECT_EQ(now[0].kind, WorkKind::store_conversation);
    EXPECT_EQ(now[0].records_done, work.records_done);
    EXPECT_EQ(now[0].steps, work.steps);
    EXPECT_FALSE(conversations().get(id_).value()) << "not visible before the end";
  };
  ASSERT_TRUE(conversations().store({.id = id_}, said, {}, progress));
  EXPECT_TRUE(was_listed);
  expect_progress(WorkKind::store_conversation, id_.to_string());
  EXPECT_EQ(told_.back().work.records_done, 3500U);
  EXPECT_EQ(told_.back().work.records_total, 3500U);
  EXPECT_EQ(told_.back().work.space, "default");
  // All is there already: nothing to tell.
  told_.clear();
  ASSERT_TRUE(conversations().store({.id = id_}, said, {}, collect()));
  EXPECT_TRUE(told_.empty());
}

TEST_F(WorkProgressTest, ASmallConversationIsToldOnce) {
  ASSERT_TRUE(conversations().store({.id = id_}, std::vector<NewMessage>(3), {}, collect()));
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_TRUE(told_[0].is_done);
  EXPECT_EQ(told_[0].work.records_done, 3U);
}

TEST_F(WorkProgressTest, RemovingAConversationTellsEveryStep) {
  ASSERT_TRUE(conversations().store({.id = id_}, std::vector<NewMessage>(3500)));
  ASSERT_TRUE(memories().create({.conversation = id_}));
  ASSERT_TRUE(conversations().remove(id_).value());
  ASSERT_EQ(pending().size(), 1U);
  EXPECT_EQ(pending()[0].kind, WorkKind::remove_conversation);
  EXPECT_EQ(pending()[0].records_done, 0U);
  EXPECT_EQ(pending()[0].records_total, 3500U);
  ASSERT_TRUE(core_->finish_pending_work(collect()));
  expect_progress(WorkKind::remove_conversation, id_.to_string());
  EXPECT_EQ(told_.back().work.records_done, 3501U) << "with the memory";
  EXPECT_TRUE(pending().empty());
}

TEST_F(WorkProgressTest, AStageThatACrashEndedBecomesARemoval) {
  crash_after(3);
  EXPECT_FALSE(conversations().store({.id = id_}, std::vector<NewMessage>(3500)));
  open();
  ASSERT_EQ(pending().size(), 1U);
  EXPECT_EQ(pending()[0].kind, WorkKind::remove_conversation);
  EXPECT_EQ(pending()[0].steps, 0U);
  EXPECT_EQ(pending()[0].records_total, 2000U) << "what was stored";
  ASSERT_TRUE(core_->finish_pending_work(collect()));
  EXPECT_EQ(told_.back().work.records_done, 2000U);
}

TEST_F(WorkProgressTest, UsersAreToldAsMergedOrRemoved) {
  for (const bool is_merge : {true, false}) {
    told_.clear();
    const UserId kept = users().create({}).value();
    const UserId gone = users().create({}).value();
    const std::string recap(4000, 'r');
    for (int i = 0; i < 500; ++i) {
      ASSERT_TRUE(conversations().create({.participants = {gone}, .recap = recap}));
    }
    ASSERT_TRUE(is_merge ? users().merge(kept, gone).has_value()
                         : users().remove(gone).has_value());
    const WorkKind kind = is_merge ? WorkKind::merge_user : WorkKind::remove_user;
    ASSERT_EQ(pending().size(), 1U);
    EXPECT_EQ(pending()[0].kind, kind);
    EXPECT_EQ(pending()[0].records_total, std::nullopt);
    ASSERT_TRUE(core_->finish_pending_work(collect()));
    expect_progress(kind, gone.to_string());
    EXPECT_EQ(told_.back().work.records_done, 500U);
  }
}

TEST_F(WorkProgressTest, DroppingASpaceTellsItsFamilies) {
  const auto number = core_->create_space("acme").value();
  const detail::Scope acme{core_.get(), &core_->slot(number), nullptr, nullptr};
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(Memories(acme).create({}));
  const auto user = Users(acme).create({.name = "Wile"}).value();
  ASSERT_TRUE(Conversations(acme).store({.participants = {user}}, std::vector<NewMessage>(20)));
  ASSERT_TRUE(core_->drop_space("acme").value());
  const auto anew = core_->create_space("acme").value();
  EXPECT_NE(anew, number);
  const detail::Scope second{core_.get(), &core_->slot(anew), nullptr, nullptr};
  ASSERT_TRUE(Memories(second).create({.key = "new"}));
  ASSERT_TRUE(core_->finish_pending_work(collect()));
  expect_progress(WorkKind::drop_space, "acme");
  EXPECT_EQ(told_.size(), kv::kFamilyCount);
  EXPECT_EQ(told_.back().work.records_done, told_.back().work.records_total);
  EXPECT_GE(told_.back().work.records_done, 54U) << "memories, messages, user, datum, conversation";
  EXPECT_EQ(Memories(second).find({}).value().size(), 1U);
  EXPECT_EQ(Memories(acme).find({}).error().code(), Code::not_found);
  for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
    const std::string lower = schema::space_prefix(number);
    const std::string upper = schema::prefix_end(lower);
    const auto left = below_.engine->scan(static_cast<kv::Family>(i), {lower, upper});
    EXPECT_FALSE(left->valid()) << "family " << i;
  }
}

/// Nothing that a snapshot shows changes with a step, whatever the work is.
TEST_F(WorkProgressTest, SnapshotsStayAsTheyAreOverEveryStep) {
  const UserId kept = users().create({}).value();
  const UserId gone = users().create({.platform = "p", .platform_id = "1"}).value();
  const std::vector<NewMessage> said(1500, NewMessage{.sender = gone});
  ASSERT_TRUE(conversations().store({.id = id_, .owner = gone, .participants = {gone}}, said));
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(memories().create({.user = gone, .conversation = id_}));
  const auto look = [&](const detail::Scope& at) {
    std::string seen;
    for (const UserId user : {kept, gone}) {
      seen += std::to_string(Users(at).get(user).value().has_value()) + " " +
              std::to_string(Users(at).identities(user).value().size()) + " " +
              std::to_string(Conversations(at).of_user(user).value().size()) + " " +
              std::to_string(Messages(at).by_sender(user, {.limit = 10'000}).value().size()) + " " +
              std::to_string(Memories(at).find({.user = user}).value().size()) + "\n";
    }
    const auto whole = Conversations(at).whole(id_).value();
    return seen + std::to_string(whole ? whole->messages.size() : 0);
  };
  std::vector<std::pair<std::unique_ptr<detail::SnapshotCore>, std::string>> held;
  const auto hold = [&] {
    auto view = core_->engine().snapshot();
    auto state = scope_.slot->state(core_->engine(), *view).value();
    held.emplace_back(std::make_unique<detail::SnapshotCore>(core_, *scope_.slot, std::move(view),
                                                             std::move(state), environment_.now()),
                      look(scope_));
  };
  int commits = 0;
  below_.after_commit = [&] {
    ++commits;
    hold();
    for (const auto& [snapshot, seen] : held) ASSERT_EQ(look(snapshot->scope), seen);
  };
  hold();
  ASSERT_TRUE(users().merge(kept, gone));
  ASSERT_TRUE(core_->finish_pending_work());
  ASSERT_TRUE(conversations().remove(id_).value());
  ASSERT_TRUE(core_->finish_pending_work());
  ASSERT_TRUE(users().remove(kept).value());
  ASSERT_TRUE(core_->finish_pending_work());
  below_.after_commit = nullptr;
  EXPECT_GE(commits, 7);
  EXPECT_NE(held.front().second, held.back().second);
  held.clear();
}

}  // namespace
}  // namespace callisto::testing
