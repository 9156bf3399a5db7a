#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "indexes/maintainer.h"
#include "indexes/scrub.h"
#include "indexes/scrub_entries.h"
#include "indexes/scrub_pass.h"
#include "indexes/scrub_tails.h"
#include "schema/keys.h"

namespace callisto::indexes {

namespace {

using kv::Family;
using schema::IndexId;
using schema::TableId;

/// Entries that one transaction mends.
constexpr std::size_t kStepEntries = 256;

/// The tail of a user or conversation, as it is and as it must be.
struct TailChange {
  std::string key;
  std::optional<std::string> before;
  std::optional<std::string> after;
};

std::optional<TailChange> change_of(const UserFacts& facts, const SpaceState& state) {
  TailChange change{schema::user_tail_key(state.space(), facts.id), {}, {}};
  if (facts.stored == Presence::damaged || facts.record == Presence::damaged) return std::nullopt;
  if (facts.stored == Presence::intact) change.before = schema::encode(facts.tail);
  if (facts.record == Presence::intact) {
    schema::UserTail right = right_tail(facts);
    if (!is_complete(state.index_state(IndexId::identity_by_user))) {
      right.identities = facts.tail.identities;
    }
    change.after = schema::encode(right);
  } else if (state.aliases().find(facts.id) != state.aliases().end()) {
    return std::nullopt;
  }
  if (change.before == change.after) return std::nullopt;
  return change;
}

std::optional<TailChange> change_of(const ConversationFacts& facts, const SpaceState& state) {
  TailChange change{schema::conversation_tail_key(state.space(), facts.id), {}, {}};
  if (facts.stored == Presence::damaged || facts.header == Presence::damaged) return std::nullopt;
  if (facts.stored == Presence::intact) change.before = schema::encode(facts.tail);
  if (facts.header == Presence::intact) {
    if (facts.has_damaged_messages) return std::nullopt;
    change.after = schema::encode(right_tail(facts));
  } else if (state.is_hidden(facts.id)) {
    return std::nullopt;
  }
  if (change.before == change.after) return std::nullopt;
  return change;
}

class Repair {
 public:
  Repair(kv::Store& store, const Catalogue& catalogue, schema::SpaceNumber space,
         VerifyReport& report)
      : store_(store), maintainer_(catalogue), space_(space), report_(report) {}

  Result<void> run() {
    // Counters that do not parse refuse every count; tails come after the entries that they count,
    // counters last.
    if (auto done = clear_damaged_counters(); !done) return done;
    if (auto done = mend_entries(); !done) return done;
    if (auto done = mend_tails(); !done) return done;
    return mend_counters();
  }

 private:
  struct Damage {
    IndexPlace place;
    std::string key;
    std::optional<std::string> expected;
  };

  /// Collects what differs and mends it in steps, while the comparison goes on in its snapshot.
  class Mender final : public DifferenceSink {
   public:
    explicit Mender(Repair& repair) : repair_(repair) {}

    Result<void> on_missing(const IndexPlace& place, std::string_view key,
                            std::string_view expected) override {
      return take({place, std::string(key), std::string(expected)});
    }
    Result<void> on_wrong(const IndexPlace& place, std::string_view key,
                          std::string_view expected) override {
      return take({place, std::string(key), std::string(expected)});
    }
    Result<void> on_stale(const IndexPlace& place, std::string_view key,
                          std::string_view /*value*/) override {
      return take({place, std::string(key), std::nullopt});
    }
    Result<void> on_twice(const IndexPlace&, std::string_view) override { return {}; }

    Result<void> flush() {
      auto done = repair_.step([&](kv::Transaction& transaction, const SpaceState&) {
        return repair_.mend(transaction, damages_);
      });
      damages_.clear();
      return done;
    }

   private:
    Result<void> take(Damage damage) {
      damages_.push_back(std::move(damage));
      return damages_.size() < kStepEntries ? Result<void>{} : flush();
    }

    Repair& repair_;
    std::vector<Damage> damages_;
  };

  using Step = std::function<Result<std::uint64_t>(kv::Transaction&, const SpaceState&)>;

  /// One transaction; `function` says how much it wrote. A space that was dropped meanwhile is
  /// left. A step about the tail of a conversation names it, to queue with those who append there.
  Result<void> step(const Step& function, std::string_view conversation_tail = {}) {
    std::uint64_t repaired = 0;
    kv::RunOptions options = kv::step_options();
    options.queue_family = Family::conversations;
    options.queue_key = conversation_tail;
    auto committed = store_.run(options, [&](kv::Transaction& transaction) -> Result<void> {
      repaired = 0;
      transaction.guard(Family::system, schema::space_name_key(space_));
      transaction.guard(Family::system, schema::work_guard_key(space_));
      auto state = SpaceState::load(transaction, space_);
      if (!state) return std::move(state).error();
      if (!(*state)->exists()) return {};
      auto done = function(transaction, **state);
      if (!done) return std::move(done).error();
      repaired = *done;
      return {};
    });
    if (!committed) return std::move(committed).error();
    report_.repaired += repaired;
    return {};
  }

  Result<std::uint64_t> mend(kv::Transaction& transaction, const std::vector<Damage>& damages) {
    std::uint64_t written = 0;
    for (const Damage& damage : damages) {
      auto done = maintainer_.mend(transaction, space_, *damage.place.table, *damage.place.index,
                                   damage.key, damage.expected);
      if (!done) return std::move(done).error();
      if (*done) ++written;
    }
    return written;
  }

  Result<void> mend_entries() {
    const auto snapshot = store_.snapshot();
    auto state = SpaceState::load(*snapshot, space_);
    if (!state) return std::move(state).error();
    EntryCheck check(maintainer_.catalogue(), **state);
    VerifyReport seen;
    Findings findings(seen);
    if (auto done = first_walk(*snapshot, maintainer_.catalogue(), **state, false, check, findings);
        !done) {
      return done;
    }
    Mender mender(*this);
    if (auto done = check.compare(*snapshot, mender); !done) return done;
    return mender.flush();
  }

  Result<void> mend_tails() {
    const auto snapshot = store_.snapshot();
    auto state = SpaceState::load(*snapshot, space_);
    if (!state) return std::move(state).error();
    const Catalogue& catalogue = maintainer_.catalogue();
    auto users = for_each_user(*snapshot, catalogue, space_, {}, [&](const UserFacts& facts) {
      return change_of(facts, **state) ? mend_user_tail(facts.id) : Result<void>{};
    });
    if (!users) return users;
    return for_each_conversation(
        *snapshot, catalogue, space_, {}, [&](const ConversationFacts& facts) {
          return change_of(facts, **state) ? mend_conversation_tail(facts.id) : Result<void>{};
        });
  }

  /// Counts again inside a transaction that conflicts with every other writer of the tail: who adds
  /// or removes what a tail counts writes the tail.
  Result<void> mend_user_tail(const UserId& id) {
    return step(
        [&](kv::Transaction& transaction, const SpaceState& state) -> Result<std::uint64_t> {
          transaction.guard(Family::users, schema::user_key(space_, id));
          transaction.guard(Family::users, schema::user_tail_key(space_, id));
          std::optional<TailChange> change;
          auto counted = for_each_user(transaction, maintainer_.catalogue(), space_, id,
                                       [&](const UserFacts& facts) {
                                         change = change_of(facts, state);
                                         return Result<void>{};
                                       });
          if (!counted) return std::move(counted).error();
          return write_tail(transaction, state, TableId::user_tails, change);
        });
  }

  Result<void> mend_conversation_tail(const ConversationId& id) {
    const std::string tail_key = schema::conversation_tail_key(space_, id);
    return step(
        [&](kv::Transaction& transaction, const SpaceState& state) -> Result<std::uint64_t> {
          transaction.guard(Family::conversations, schema::conversation_key(space_, id));
          transaction.guard(Family::conversations, tail_key);
          std::optional<TailChange> change;
          auto counted = for_each_conversation(transaction, maintainer_.catalogue(), space_, id,
                                               [&](const ConversationFacts& facts) {
                                                 change = change_of(facts, state);
                                                 return Result<void>{};
                                               });
          if (!counted) return std::move(counted).error();
          return write_tail(transaction, state, TableId::conversation_tails, change);
        },
        tail_key);
  }

  Result<std::uint64_t> write_tail(kv::Transaction& transaction, const SpaceState& state,
                                   TableId table, const std::optional<TailChange>& change) {
    if (!change) return std::uint64_t{0};
    auto written =
        maintainer_.write(transaction, state, table, change->key, change->before, change->after);
    if (!written) return std::move(written).error();
    return std::uint64_t{1};
  }

  /// Adds what the counters are off by in one snapshot: writers go on counting meanwhile.
  Result<void> mend_counters() {
    const auto snapshot = store_.snapshot();
    auto state = SpaceState::load(*snapshot, space_);
    if (!state) return std::move(state).error();
    auto stored = stored_counts(*snapshot, space_);
    if (!stored) return std::move(stored).error();
    if (!*stored) return {};
    auto right = count_again(*snapshot, **state);
    if (!right) return std::move(right).error();
    return step([&](kv::Transaction& transaction, const SpaceState&) -> Result<std::uint64_t> {
      std::uint64_t written = 0;
      for (const auto& [counter, count] : *right) {
        const auto found = (*stored)->find(counter);
        const std::int64_t delta = count - (found == (*stored)->end() ? 0 : found->second);
        if (delta == 0) continue;
        auto added = transaction.add({schema::counters_key(space_), counter, delta});
        if (!added) return std::move(added).error();
        ++written;
      }
      return written;
    });
  }

  Result<Counts> count_again(kv::Reader& reader, const SpaceState& state) {
    EntryCheck check(maintainer_.catalogue(), state);
    VerifyReport seen;
    Findings findings(seen);
    FindingsSink sink(reader, findings);
    auto walked = first_walk(reader, maintainer_.catalogue(), state, false, check, findings);
    if (!walked) return std::move(walked).error();
    if (auto done = check.compare(reader, sink); !done) return std::move(done).error();
    return right_counts(check, sink);
  }

  /// Counters that do not parse start from nothing; mend_counters() adds what they miss.
  Result<void> clear_damaged_counters() {
    const std::string key = schema::counters_key(space_);
    return step([&](kv::Transaction& transaction, const SpaceState&) -> Result<std::uint64_t> {
      transaction.guard(Family::system, key);
      auto stored = stored_counts(transaction, space_);
      if (!stored) return std::move(stored).error();
      if (*stored) return std::uint64_t{0};
      auto written = transaction.put(Family::system, key, kv::encode_counters({}));
      if (!written) return std::move(written).error();
      return std::uint64_t{1};
    });
  }

  kv::Store& store_;
  const Maintainer maintainer_;
  const schema::SpaceNumber space_;
  VerifyReport& report_;
};

}  // namespace

Result<void> repair(kv::Store& store, const Catalogue& catalogue, schema::SpaceNumber space,
                    VerifyReport& report) {
  return Repair(store, catalogue, space, report).run();
}

}  // namespace callisto::indexes
