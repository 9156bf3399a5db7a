#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "callisto/conversation.h"
#include "callisto/export.h"
#include "callisto/id.h"
#include "callisto/memory.h"
#include "callisto/message.h"
#include "callisto/options.h"
#include "callisto/result.h"
#include "callisto/user.h"

namespace callisto {

namespace detail {
class LoadCore;
}  // namespace detail

/// What a bulk load brought in.
struct LoadCounts {
  std::uint64_t users = 0;
  std::uint64_t identities = 0;
  std::uint64_t data = 0;
  std::uint64_t conversations = 0;
  std::uint64_t messages = 0;
  std::uint64_t memories = 0;
};

/// Fills an empty space, several times as fast as single calls do: records are checked as they
/// come, sorted beside the store with all their index entries, and linked in by commit(), all at
/// once. Nothing is visible before it, and nothing stays of a load that does not come to it: one
/// that is destroyed, that failed, or that a crash ended.
///
///     auto load = store.create_space("archive")->bulk_load().value();
///     UserId user = load.add_user({.name = "Reece"}).value();
///     load.add_conversation({.participants = {user}}, messages).value();
///     load.commit().value();
///
/// Records may come in any order. What a record names (its user, its conversation, the memory that
/// supersedes it) may come after it, and is looked for by commit(). As that is the only one that
/// sees all records, it also finds what is there twice. Its errors name the record by the number of
/// its add call, from 0: `records[12].id`, `records[12].messages[3].id`.
///
/// An add call that refuses its record (invalid_argument, limit_exceeded, too_large,
/// already_exists, not_found) leaves the load as it was; after any other error, and after too_large
/// of one of several messages, it cannot go on. Numbers are given to refused records too. Meanwhile
/// the space may be read and written; but a space that is not empty when it comes to it refuses the
/// load.
///
/// Takes an eighth of the store's memory budget, and room on its disk for what is loaded, twice.
/// Movable. Thread-safe: records may be added by several threads at once. While several are added a
/// thread of its own sorts them, and ends with it. When the store closes, it answers `closed`.
class CALLISTO_API BulkLoad {
 public:
  BulkLoad(BulkLoad&&) noexcept;
  BulkLoad& operator=(BulkLoad&&) noexcept;
  /// Gives up what was not committed.
  ~BulkLoad();

  /// As Users::create(): with name and platform, where given.
  Result<UserId> add_user(const NewUser& user);
  /// As Users::add_identity(), of an identity that no other record has.
  Result<PlatformIdentifierId> add_identity(UserId user, const NewIdentity& identity);
  /// As UserData::append() or, of a single category, replace(); no value twice in a category, and
  /// only one in a single category.
  Result<void> add_datum(UserId user, CategoryKind kind, const NewDatum& datum);
  /// As Conversations::store(), except that an imported message (one with an origin) may name a
  /// parent that is not there. All its messages come with it.
  Result<ConversationId> add_conversation(const NewConversation& conversation,
                                          std::span<const NewMessage> messages = {});
  /// As Memories::create().
  Result<MemoryId> add_memory(const NewMemory& memory);

  /// Looks for what the records name, and makes all of them visible and durable. Ends the load,
  /// whatever it answers. Limits are looked at until it begins to link the records in.
  /// already_exists, not_found, limit_exceeded, invalid_argument of a record (see above);
  /// invalid_argument (space) when the space is not empty any more; not_found (space) when it was
  /// dropped; no_space, io_error; unknown_outcome; closed.
  Result<LoadCounts> commit(const CallLimits& limits = {});

 private:
  friend class Space;
  explicit BulkLoad(std::shared_ptr<detail::LoadCore> core);
  std::shared_ptr<detail::LoadCore> core_;
};

}  // namespace callisto
