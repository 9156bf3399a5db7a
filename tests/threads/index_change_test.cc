// Indexes that are built, replaced and removed in the background while every row of theirs is
// written.

#include <optional>

#include "api/core.h"
#include "tests/api/large_work_fixture.h"
#include "tests/support/changed_catalogue.h"
#include "tests/support/engine_factories.h"
#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

using detail::Scope;
using detail::StoreCore;
using schema::kDefaultSpace;

class IndexChangeThreads : public ::testing::TestWithParam<EngineFactory> {
 protected:
  static constexpr int kWriters = 3;
  static constexpr int kMemories = 400;

  IndexChangeThreads() { below_.engine = GetParam().make(Environment::system()); }

  void open(const indexes::Catalogue& catalogue) {
    core_.reset();
    core_ = StoreCore::over(std::make_unique<FailingEngine>(below_), {}, catalogue).value();
    scope_ = {core_.get(), &core_->slot(kDefaultSpace), nullptr, nullptr};
  }

  static MemoryId memory_id(int i) { return MemoryId::from_external("index", std::to_string(i)); }
  static std::string text(const char* name, int i) { return name + std::to_string(i % 4); }
  static void expect_decided(const Error& error) {
    EXPECT_TRUE(error.code() == Code::not_found || error.code() == Code::already_exists)
        << error.to_string();
  }

  /// Makes, changes and removes what the others make, change and remove.
  void write_one(int i, const ConversationId& talk, const UserId& user) const {
    const Memories memories(scope_);
    const MemoryId id = memory_id(i * 7 % kMemories);
    const auto created = until_decided([&] {
      return memories.create(
          {.id = id, .category = text("c", i), .source_agent = text("a", i), .task = text("t", i)});
    });
    if (!created) {
      expect_decided(created.error());
      const auto updated = until_decided(
          [&] { return memories.update(id, {.category = text("c", i), .priority = 1 + i % 10}); });
      if (!updated) expect_decided(updated.error());
      if (i % 3 == 0) {
        ASSERT_TRUE(until_decided([&] { return memories.remove(id); }));
      }
    }
    const auto appended = until_decided([&] {
      return Messages(scope_).append(
          {.conversation = talk, .sender = i % 2 == 0 ? user : UserId(), .content = "pie"});
    });
    ASSERT_TRUE(appended) << appended.error().to_string();
  }

  EngineBelow below_;
  std::shared_ptr<StoreCore> core_;
  Scope scope_;
};

TEST_P(IndexChangeThreads, WritersAndBuildsEndInAgreement) {
  ChangedCatalogue old = old_catalogue();
  ChangedCatalogue changed = new_catalogue();
  open(old.get());
  const UserId user = Users(scope_).create({}).value();
  const ConversationId talk = Conversations(scope_).create({.participants = {user}}).value();
  for (int i = 0; i < kMemories; ++i) write_one(i, talk, user);
  for (ChangedCatalogue* catalogue : {&changed, &old, &changed}) {
    open(catalogue->get());
    run_threads(kWriters, [&](int thread) {
      // Until the work is done, and a little longer.
      for (int i = 0, last = 2000; i < last; ++i) {
        write_one(i * kWriters + thread, talk, user);
        if (HasFatalFailure()) return;
        if (last == 2000 && i > 40 && core_->index_work().value().empty()) last = i + 20;
      }
    });
    ASSERT_FALSE(HasFailure());
    core_->finish_pending_work().value();
    EXPECT_TRUE(core_->index_work().value().empty());
    EXPECT_EQ(wrong_entries(*below_.engine, catalogue->get(), kDefaultSpace), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, IndexChangeThreads,
                         ::testing::Values(engine_factories().at(0), engine_factories().at(2)),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace callisto::testing
