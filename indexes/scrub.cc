#include "indexes/scrub.h"

#include <string>

#include "indexes/scrub_findings.h"
#include "indexes/scrub_pass.h"
#include "indexes/scrub_tails.h"
#include "indexes/scrub_walk.h"
#include "indexes/space_state.h"
#include "schema/keys.h"

namespace callisto::indexes {

namespace {

using schema::IndexId;

class Scrub {
 public:
  Scrub(kv::Reader& reader, const Catalogue& catalogue, const SpaceState& state,
        VerifyReport& report)
      : reader_(reader),
        catalogue_(catalogue),
        state_(state),
        findings_(report),
        check_(catalogue, state),
        sink_(reader, findings_) {}

  Result<void> run() {
    if (auto done = first_walk(reader_, catalogue_, state_, true, check_, findings_); !done) {
      return done;
    }
    // What is hidden may be what would be missing, or whose it is: nothing can be compared.
    if (findings_.has_unreadable()) return {};
    if (auto done = check_.compare(reader_, sink_); !done) return done;
    if (auto done = count_dropping(); !done) return done;
    if (auto done = check_counters(); !done) return done;
    if (auto done = check_users(); !done) return done;
    return check_conversations();
  }

 private:
  /// What is left of the entries of indexes that are being removed.
  Result<void> count_dropping() {
    for (const HeldIndex& index : state_.indexes().held()) {
      if (index.state != IndexState::dropping || index.part != 0) continue;
      PrefixScan scan(reader_, index.family, index_prefix(state_.space(), index.id));
      for (; scan.valid(); scan.next()) findings_.pending();
      if (auto status = scan.status(); !status) return status;
    }
    return {};
  }

  Result<void> check_counters() {
    const std::string key = schema::counters_key(state_.space());
    auto stored = stored_counts(reader_, state_.space());
    if (!stored) return std::move(stored).error();
    if (!*stored) {
      findings_.undecodable("counters", key, "the counters do not parse");
      return {};
    }
    for (const auto& [counter, right] : right_counts(check_, sink_)) {
      const auto found = (*stored)->find(counter);
      if ((found == (*stored)->end() ? 0 : found->second) == right) continue;
      findings_.wrong("counters", key, "the count of " + name_of(counter));
    }
    return {};
  }

  Result<void> check_users() {
    const bool can_count = is_complete(state_.index_state(IndexId::identity_by_user)) &&
                           check_.is_equal(IndexId::identity_by_user);
    return for_each_user(reader_, catalogue_, state_.space(), {}, [&](const UserFacts& facts) {
      check_user(facts, can_count);
      return Result<void>{};
    });
  }

  void check_user(const UserFacts& facts, bool can_count_identities) {
    if (facts.record == Presence::absent) return;
    if (facts.stored == Presence::absent) {
      findings_.orphan("users", schema::user_key(state_.space(), facts.id), "without its tail");
    }
    if (facts.stored != Presence::intact) return;
    schema::UserTail right = right_tail(facts);
    // Counted from entries that are wrong themselves, it would say nothing.
    if (!can_count_identities) right.identities = facts.tail.identities;
    if (right == facts.tail) return;
    findings_.wrong("user_tails", schema::user_tail_key(state_.space(), facts.id),
                    "another count than the user has");
  }

  Result<void> check_conversations() {
    return for_each_conversation(reader_, catalogue_, state_.space(), {},
                                 [&](const ConversationFacts& facts) {
                                   check_conversation(facts);
                                   return Result<void>{};
                                 });
  }

  void check_conversation(const ConversationFacts& facts) {
    const std::string key = schema::conversation_key(state_.space(), facts.id);
    for (std::uint64_t i = 0; i < facts.repeated_sequences; ++i) {
      findings_.wrong("messages", schema::message_range(state_.space(), facts.id),
                      "a sequence that another message of the conversation has");
    }
    if (facts.header == Presence::absent) return;
    if (facts.stored == Presence::absent)
      findings_.orphan("conversations", key, "without its tail");
    if (facts.header != Presence::intact || facts.stored != Presence::intact) return;
    if (facts.has_damaged_messages || right_tail(facts) == facts.tail) return;
    findings_.wrong("conversation_tails", schema::conversation_tail_key(state_.space(), facts.id),
                    "not what header and messages say");
  }

  std::string name_of(std::uint16_t counter) const {
    for (const TableDefinition& table : catalogue_.tables) {
      if (static_cast<std::uint16_t>(table.id) == counter) return table.name;
      for (const IndexDefinition& index : table.indexes) {
        if (static_cast<std::uint16_t>(index.id) == counter) return index.name;
      }
    }
    return std::to_string(counter);
  }

  kv::Reader& reader_;
  const Catalogue& catalogue_;
  const SpaceState& state_;
  Findings findings_;
  EntryCheck check_;
  FindingsSink sink_;
};

}  // namespace

Result<void> scrub(kv::Reader& reader, const Catalogue& catalogue, schema::SpaceNumber space,
                   VerifyReport& report) {
  auto state = SpaceState::load(reader, space);
  if (!state && state.error().code() == Code::corruption) {
    // No read of the space is served then; what its records mean cannot be judged either.
    Findings(report).undecodable("work", schema::system_prefix(space, schema::SystemId::work),
                                 state.error().message());
    return {};
  }
  if (!state) return std::move(state).error();
  if (!(*state)->exists()) return {};
  return Scrub(reader, catalogue, **state, report).run();
}

}  // namespace callisto::indexes
