#pragma once

// What every read of a space must honour beside the records: unfinished work, aliases of users,
// index states. Part of every snapshot; empty nearly always.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "callisto/id.h"
#include "callisto/result.h"
#include "callisto/stats.h"
#include "engine/kv.h"
#include "indexes/index_set.h"
#include "schema/ids.h"

namespace callisto::indexes {

/// Kinds of unfinished work. Numbers are stored.
enum class WorkOp : std::uint8_t {
  purge_conversation = 1,  ///< The header is gone; messages and owned memories are being removed.
  stage_conversation = 2,  ///< Messages are being stored; the header comes last.
  rewrite_user = 3,        ///< A user was merged away or deleted; what names it is being rewritten.
  drop_space = 4,          ///< In space 0; target: the space's number, 4 bytes big-endian.
};

struct WorkItem {
  WorkOp op = WorkOp::purge_conversation;
  std::string target;
  std::int64_t started_at = 0;
  std::string resume;  ///< Opaque to all but the step that wrote it.

  // How far it has come, for who asks. No step decides by them.
  std::uint64_t steps = 0;
  std::uint64_t records_done = 0;
  std::uint64_t records_total = 0;  ///< An estimate; 0: not known.
};

/// The removal of what a stage that was given up, or that a crash ended, has stored.
WorkItem purge_of_stage(const WorkItem& stage);

/// The state of one space in one snapshot. Immutable.
class SpaceState {
 public:
  /// Reads the rows of `space`. A space that is not there gives exists() == false.
  static Result<std::shared_ptr<const SpaceState>> load(kv::Reader& reader,
                                                        schema::SpaceNumber space);

  schema::SpaceNumber space() const noexcept { return space_; }
  bool exists() const noexcept { return exists_; }
  const std::string& name() const noexcept { return name_; }
  /// No work and no alias: nothing has to be filtered.
  bool is_idle() const noexcept { return work_.empty() && aliases_.empty(); }

  /// Whether a conversation is being purged or staged: its messages and owned memories are not
  /// there.
  bool is_hidden(const ConversationId& conversation) const noexcept;
  /// The user that an id stands for: itself, the primary that it was merged into, or nil when gone.
  UserId resolve(const UserId& user) const noexcept;
  /// Every id whose index prefixes hold what belongs to `user`: itself, first, and what was merged
  /// into it. Empty for nil and for an id that is gone or merged away.
  std::vector<UserId> ids_of(const UserId& user) const;
  const std::vector<WorkItem>& work() const noexcept { return work_; }
  const WorkItem* find_work(WorkOp op, std::string_view target) const noexcept;
  const std::unordered_map<UserId, UserId>& aliases() const noexcept { return aliases_; }
  IndexState index_state(schema::IndexId index) const noexcept { return indexes_.state(index); }
  const IndexSet& indexes() const noexcept { return indexes_; }
  /// False when the row is lost: nothing is known of what lies in the ranges of indexes.
  bool has_index_set() const noexcept { return has_index_set_; }

 private:
  /// One row of work, aliases, name or index set; false when it is malformed.
  bool take_row(std::string_view key, std::string_view value);

  schema::SpaceNumber space_ = 0;
  bool exists_ = false;
  std::string name_;
  std::vector<WorkItem> work_;
  std::set<std::string, std::less<>> hidden_;
  std::unordered_map<UserId, UserId> aliases_;
  IndexSet indexes_;
  bool has_index_set_ = false;
};

// Writers of these rows. Each touches the space's work guard, so that what was remembered of the
// state ends with the commit.
Result<void> put_work(kv::Transaction& transaction, schema::SpaceNumber space,
                      const WorkItem& item);
Result<void> erase_work(kv::Transaction& transaction, schema::SpaceNumber space, WorkOp op,
                        std::string_view target);
/// `primary` nil: the user is gone. Keeps aliases flat: what led to `secondary` leads to `primary`.
Result<void> put_alias(kv::Transaction& transaction, const SpaceState& state,
                       const UserId& secondary, const UserId& primary);
Result<void> erase_alias(kv::Transaction& transaction, schema::SpaceNumber space,
                         const UserId& secondary);
/// Also conflicts with every writer of the space that goes by the set from before, and forgets how
/// far work on an index had come whose state changes.
Result<void> put_index_set(kv::Transaction& transaction, const SpaceState& state,
                           const IndexSet& indexes);

}  // namespace callisto::indexes
