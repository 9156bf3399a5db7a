// A hunt for stale reads: writers change records, each record by one of them, and say before and
// after each change how far they are. Readers check that what they are answered is not older than
// what was said, or than what any reader has seen, before they asked; and where nothing was begun
// meanwhile, that it is exactly what was said. CALLISTO_HUNT_SECONDS makes it as long.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <random>
#include <set>

#include "tests/support/test_environment.h"
#include "tests/threads/threads_fixture.h"

namespace callisto::testing {
namespace {

constexpr int kWriters = 3;
constexpr int kReaders = 3;
constexpr int kRecords = 6;
constexpr std::uint64_t kRounds = 150;

/// How far the changes of one record are.
struct Progress {
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> seen{0};

  std::uint64_t floor() const { return std::max(done.load(), seen.load()); }
  void note_seen(std::uint64_t n) {
    std::uint64_t known = seen.load();
    while (known < n && !seen.compare_exchange_weak(known, n)) {
    }
  }
};
using All = std::array<Progress, kRecords>;
using Floors = std::array<std::uint64_t, kRecords>;

Floors floors_of(const All& all) {
  Floors floors{};
  std::transform(all.begin(), all.end(), floors.begin(), [](auto& one) { return one.floor(); });
  return floors;
}
Floors done_of(const All& all) {
  Floors done{};
  std::transform(all.begin(), all.end(), done.begin(), [](auto& one) { return one.done.load(); });
  return done;
}

std::string name_of(int record) { return "record " + std::to_string(record); }
int record_of(std::string_view name) { return name.back() - '0'; }

class StaleReads : public ::testing::TestWithParam<std::optional<std::uint64_t>> {
 protected:
  StaleReads()
      : store_(Store::open_in_memory(
                   {.memory_budget_bytes = 64ULL << 20, .record_cache_bytes = GetParam()})
                   .value()) {
    for (int i = 0; i < kRecords; ++i) {
      const auto at = static_cast<std::size_t>(i);
      memories_[at] = store_.memories().create(memory_at(i, 0)).value();
      talks_[at] = store_.conversations()
                       .create({.title = name_of(i),
                                .owner = user_,
                                .participants = {user_},
                                .reopens = false})
                       .value();
      store_.user_data().replace(user_, name_of(i), "0").value();
    }
  }

  void TearDown() override {
    EXPECT_TRUE(store_.verify({.checksums = false}).value().ok);
    if (HasFailure()) ADD_FAILURE() << "CALLISTO_SEED=" << test_seed();
    RecordProperty("reads", static_cast<int>(reads_));
    RecordProperty("writes", static_cast<int>(writes_));
  }

  // Writers
  // -----------------------------------------------------------------------------------------

  NewMemory memory_at(int record, std::uint64_t n) const {
    return {.category = "hunt",
            .key = name_of(record),
            .text = std::to_string(n),
            .tags = {"all", n % 2 == 0 ? "even" : "odd"},
            .user = user_,
            .priority = priority_of(n)};
  }
  static std::uint8_t priority_of(std::uint64_t n) { return static_cast<std::uint8_t>(n % 10 + 1); }

  template <class F>
  void change(Progress& progress, F&& function) {
    const std::uint64_t n = progress.begun.load() + 1;
    progress.begun = n;
    const auto done = until_decided([&] { return function(n); });
    if (!done) fail("write: " + done.error().to_string());
    progress.done = n;
    ++writes_;
  }

  void write_one(int record) {
    const auto at = static_cast<std::size_t>(record);
    change(texts_[at], [&](std::uint64_t n) {
      const NewMemory now = memory_at(record, n);
      return store_.memories().update(
          memories_[at], {.text = now.text, .tags = now.tags, .priority = now.priority});
    });
    change(appends_[at], [&](std::uint64_t n) {
      return store_.messages().append(
          {.conversation = talks_[at], .sender = user_, .content = std::to_string(n)});
    });
    change(marks_[at], [&](std::uint64_t n) {
      return n % 2 == 1 ? store_.conversations().mark_processed(talks_[at])
                        : store_.conversations().mark_unprocessed(talks_[at]);
    });
    change(data_[at], [&](std::uint64_t n) {
      return store_.user_data().replace(user_, name_of(record), std::to_string(n));
    });
    // There in odd states, away in even ones.
    change(comers_[at], [&](std::uint64_t n) -> Result<void> {
      if (n % 2 == 1) {
        auto id = store_.memories().create(
            {.category = "comers", .key = name_of(record), .tags = {"comer"}});
        if (!id) return id.error();
        comer_ids_[at] = *id;
        return {};
      }
      auto removed = store_.memories().remove(comer_ids_[at]);
      if (!removed) return removed.error();
      return {};
    });
  }

  void write(int writer) {
    std::uint64_t round = 0;
    while (!failed_ && (round < kRounds || std::chrono::steady_clock::now() < end_)) {
      for (int record = writer; record < kRecords; record += kWriters) write_one(record);
      ++round;
    }
    --writing_;
  }

  // Readers
  // -----------------------------------------------------------------------------------------

  void fail(const std::string& what) {
    if (!failed_.exchange(true)) ADD_FAILURE() << what;
  }
  void expect(bool holds, const std::string& what) {
    if (!holds) fail(what);
  }
  void expect_fresh(Progress& progress, std::uint64_t n, std::uint64_t floor,
                    const std::string& by) {
    expect(n >= floor, by + ": " + std::to_string(n) + " after " + std::to_string(floor));
    progress.note_seen(n);
  }
  static std::uint64_t number(std::string_view text) { return std::stoull(std::string(text)); }

  void check_memory(const Memory& memory, const Floors& floors, const std::string& by) {
    const auto at = static_cast<std::size_t>(record_of(memory.key()));
    const std::uint64_t n = number(memory.text());
    expect_fresh(texts_[at], n, floors[at], by);
    expect(memory.priority() == priority_of(n), by + ": a record of two states");
  }

  void read_memories(const Repositories& from, const Floors& floors, std::uint64_t dice) {
    const auto at = static_cast<std::size_t>(dice % kRecords);
    switch (dice / kRecords % 4) {
      case 0:
        return check_memory(from.memories().get(memories_[at]).value().value(), floors, "get");
      case 1: {
        const auto found =
            from.memories().by_name("hunt", name_of(static_cast<int>(at)), user_).value();
        return check_memory(found.value(), floors, "by_name");
      }
      case 2: {
        const bool odd = dice % 2 == 1;
        const auto found = from.memories().find({.tags_all = {odd ? "odd" : "even"}}).value();
        for (const Memory& memory : found) {
          check_memory(memory, floors, "by tag");
          expect((number(memory.text()) % 2 == 1) == odd, "by tag: of another tag");
        }
        return;
      }
      default: {
        const auto order = static_cast<MemoryOrder>(dice / 100 % 3);
        const auto found = from.memories().find({.tags_all = {"all"}, .order = order}).value();
        expect(found.size() == kRecords, "by tag: a list misses what was always there");
        for (const Memory& memory : found) check_memory(memory, floors, "all by tag");
        const auto is_lower = [](const Memory& a, const Memory& b) {
          return a.priority() < b.priority();
        };
        expect(order != MemoryOrder::priority ||
                   std::is_sorted(found.rbegin(), found.rend(), is_lower),
               "not in the order of priority");
      }
    }
  }

  void check_messages(const std::vector<Message>& messages, std::uint64_t floor, std::size_t at,
                      const std::string& by) {
    if (messages.empty()) return expect(floor == 0, by + ": nothing");
    const auto low = std::minmax({messages.front().sequence(), messages.back().sequence()});
    expect_fresh(appends_[at], low.second, floor, by);
    expect(low.second - low.first + 1 == messages.size(), by + ": a gap");
    for (const Message& message : messages) {
      expect(number(message.content()) == message.sequence(), by + ": another message");
    }
  }

  void read_messages(const Repositories& from, std::uint64_t dice) {
    const auto at = static_cast<std::size_t>(dice % kRecords);
    const std::uint64_t floor = appends_[at].floor();
    switch (dice / kRecords % 4) {
      case 0: {
        const auto talk = from.conversations().get(talks_[at]).value().value();
        return expect_fresh(appends_[at], talk.message_count(), floor, "conversation");
      }
      case 1: {
        const auto whole = from.conversations().whole(talks_[at]).value().value();
        expect(whole.conversation.message_count() == whole.messages.size(), "whole: of two states");
        return check_messages(whole.messages, floor, at, "whole");
      }
      case 2:
        return check_messages(
            from.messages().page(talks_[at], {.limit = 30, .oldest_first = false}).value(), floor,
            at, "page");
      default:
        check_messages(from.messages().latest(talks_[at], 20).value(), floor, at, "latest");
    }
  }

  /// `names` are of the records in this list; those of an odd state belong there, if `odd`.
  void check_list(All& all, const Floors& done, const std::set<int>& names, bool odd,
                  const std::string& by) {
    for (std::size_t i = 0; i < kRecords; ++i) {
      if (all[i].begun.load() != done[i]) continue;  // it may have changed meanwhile
      const bool belongs = (done[i] % 2 == 1) == odd;
      expect(names.contains(static_cast<int>(i)) == belongs,
             by + (belongs ? ": a list misses " : ": a list shows ") + std::to_string(i));
    }
  }

  void read_lists(std::uint64_t dice) {
    const Floors marks = done_of(marks_);
    const Floors comers = done_of(comers_);
    std::set<int> names;
    switch (dice % 4) {
      case 0:
        for (const auto& talk : store_.conversations().unprocessed().value()) {
          names.insert(record_of(talk.title()));
          expect(!talk.is_processed(), "unprocessed: it is not");
        }
        return check_list(marks_, marks, names, false, "unprocessed");
      case 1: {
        const bool processed = dice / 4 % 2 == 1;
        for (const auto& talk : store_.conversations().of_user(user_, 10, processed).value()) {
          names.insert(record_of(talk.title()));
        }
        return check_list(marks_, marks, names, processed, "of_user");
      }
      case 2:
        for (const auto& memory : store_.memories().find({.tags_all = {"comer"}}).value()) {
          names.insert(record_of(memory.key()));
        }
        return check_list(comers_, comers, names, true, "comers by tag");
      default:
        for (int i = 0; i < kRecords; ++i) {
          if (store_.memories().by_name("comers", name_of(i)).value()) names.insert(i);
        }
        check_list(comers_, comers, names, true, "comers by name");
    }
  }

  void read_data(const Repositories& from, std::uint64_t dice) {
    const auto at = static_cast<std::size_t>(dice % kRecords);
    const std::uint64_t floor = data_[at].floor();
    const auto values = from.user_data().values(user_, name_of(static_cast<int>(at))).value();
    expect(values.size() == 1, "user data: not the one value");
    if (!values.empty()) expect_fresh(data_[at], number(values[0].value()), floor, "user data");
  }

  std::string digest(const Repositories& from) const {
    std::string all;
    const auto add = [&](std::string_view text) { (all += text) += '|'; };
    for (const auto& memory : from.memories().find({.category = "hunt"}).value()) {
      add(memory.text());
    }
    for (const auto& memory : from.memories().find({.tags_all = {"odd"}}).value()) {
      add(memory.key());
    }
    for (const auto& memory : from.memories().find({.tags_all = {"comer"}}).value()) {
      add(memory.id().to_string());
    }
    for (const auto& talk : from.conversations().unprocessed().value()) add(talk.title());
    for (std::size_t i = 0; i < kRecords; ++i) {
      add(from.memories().get(memories_[i]).value().value().text());
      add(std::to_string(from.conversations().get(talks_[i]).value().value().message_count()));
      for (const auto& message : from.messages().latest(talks_[i]).value()) add(message.content());
      for (const auto& one : from.user_data().values(user_, name_of(static_cast<int>(i))).value()) {
        add(one.value());
      }
    }
    return all;
  }

  void read(int reader) {
    std::mt19937_64 random(test_seed() + static_cast<std::uint64_t>(reader));
    while (writing_ > 0 && !failed_) {
      const Snapshot snapshot = store_.snapshot().value();
      const std::string before = digest(snapshot);
      for (int i = 0; i < 40 && !failed_; ++i) {
        const std::uint64_t dice = random();
        switch (dice % 5) {
          case 0:
          case 1:
            read_memories(store_.default_space(), floors_of(texts_), dice / 5);
            break;
          case 2:
            read_messages(store_.default_space(), dice / 5);
            break;
          case 3:
            read_data(store_.default_space(), dice / 5);
            break;
          default:
            read_lists(dice / 5);
        }
        ++reads_;
      }
      expect(digest(snapshot) == before, "a snapshot changed");
      const Floors floors = floors_of(texts_);
      read_memories(store_.snapshot().value(), floors, random());
    }
  }

  static std::chrono::seconds hunt() {
    const char* given = std::getenv("CALLISTO_HUNT_SECONDS");
    return std::chrono::seconds(given != nullptr ? std::atoi(given) : 0);
  }

  Store store_;
  const UserId user_ = store_.users().create({.name = "Reece"}).value();
  std::array<MemoryId, kRecords> memories_{};
  std::array<ConversationId, kRecords> talks_{};
  std::array<MemoryId, kRecords> comer_ids_{};  ///< Each its writer's.
  All texts_{}, appends_{}, marks_{}, data_{}, comers_{};
  std::atomic<int> writing_{kWriters};
  std::atomic<bool> failed_{false};
  std::atomic<std::uint64_t> reads_{0};
  std::atomic<std::uint64_t> writes_{0};
  const std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + hunt();
};

TEST_P(StaleReads, NobodyIsAnsweredFromBeforeWhatWasSeen) {
  run_threads(kWriters + kReaders,
              [&](int thread) { thread < kWriters ? write(thread) : read(thread); });
  EXPECT_GT(reads_, 0U);
}

INSTANTIATE_TEST_SUITE_P(Caches, StaleReads,
                         ::testing::Values(std::nullopt, std::uint64_t{24} << 10, 0));

}  // namespace
}  // namespace callisto::testing
