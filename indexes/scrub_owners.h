#pragma once

// Inside of scrub: whether what a record names as its owner is there.

#include <string>
#include <vector>

#include "callisto/id.h"
#include "callisto/result.h"
#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "indexes/scrub_findings.h"
#include "indexes/space_state.h"

namespace callisto::indexes {

/// The users and the conversation that a record cannot be without.
struct Owners {
  std::vector<UserId> users;
  ConversationId conversation;
};
/// Of an intact row. Nil ids name nobody and are left out.
Owners owners_of(const TableDefinition& table, const Row& row);

/// Takes rows and looks their owners up, many at a time. What unfinished work hides, or names by an
/// alias, is pending.
class OwnerCheck {
 public:
  OwnerCheck(kv::Reader& reader, const SpaceState& state, Findings& findings)
      : reader_(reader), state_(state), findings_(findings) {}

  Result<void> add_row(const TableDefinition& table, const Row& row);
  /// Once behind the last row.
  Result<void> flush();

 private:
  struct Held {
    const TableDefinition* table = nullptr;
    std::string key;
    Owners owners;
  };

  /// True when the row is settled: no further owner matters.
  bool judge_conversation(const Held& held, const std::vector<ConversationId>& there);
  void judge_users(const Held& held, const std::vector<UserId>& there);

  kv::Reader& reader_;
  const SpaceState& state_;
  Findings& findings_;
  std::vector<Held> held_;
  std::size_t held_owners_ = 0;
};

}  // namespace callisto::indexes
