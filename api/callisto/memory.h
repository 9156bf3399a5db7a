#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/options.h"
#include "callisto/query.h"
#include "callisto/record.h"

namespace callisto {

namespace detail {
struct Scope;
struct ViewAccess;
}  // namespace detail

/// Where a memory comes from: a record of some kind ("message", "conversation", "document").
struct Source {
  std::string kind{};  ///< 1 to 32 code points.
  std::string id{};    ///< 1 to 255 code points: a UUID's text, or what the source calls itself.
};

/// One long-term memory: a view.
class CALLISTO_API Memory {
 public:
  MemoryId id() const noexcept;
  std::uint64_t version() const noexcept;
  Time created_at() const noexcept;
  Time recorded_at() const noexcept;
  Time updated_at() const noexcept;
  std::string_view category() const noexcept;
  std::string_view key() const noexcept;
  std::string_view type() const noexcept;
  JsonView value() const noexcept;
  /// Searchable text; taken from the string `value.text` when none was given (seed 004).
  std::string_view text() const noexcept;
  std::size_t tag_count() const noexcept;
  /// As it was given; i < tag_count().
  std::string_view tag(std::size_t i) const noexcept;
  std::vector<std::string_view> tags() const;
  std::string_view entity_type() const noexcept;
  std::string_view entity_id() const noexcept;
  UserId user() const noexcept { return user_; }
  std::optional<ConversationId> conversation() const noexcept;
  std::string_view source_agent() const noexcept;
  std::uint8_t priority() const noexcept;
  float importance() const noexcept;
  std::optional<Time> expires_at() const noexcept;
  bool is_active() const noexcept;
  std::optional<Time> valid_from() const noexcept;
  std::optional<Time> valid_to() const noexcept;
  std::optional<MemoryId> superseded_by() const noexcept;
  /// XXH3-128 of canonical value and text, 32 hexadecimal digits.
  std::string content_hash() const;
  /// Provenance (seed 002): who created it, for which task; who changed it last, and when.
  std::string_view module() const noexcept;
  std::string_view task() const noexcept;
  std::string_view updated_by() const noexcept;
  std::size_t source_count() const noexcept;
  std::string_view source_kind(std::size_t i) const noexcept;
  std::string_view source_id(std::size_t i) const noexcept;
  JsonView metadata() const noexcept;
  std::string_view external_id() const noexcept;
  std::string_view external_source() const noexcept;

 private:
  friend struct detail::ViewAccess;
  Bytes bytes_;
  UserId user_;
};

/// A memory to create or to put.
struct NewMemory {
  MemoryId id{};
  std::string category{};  ///< At most 50 code points.
  std::string key{};       ///< At most 255 code points.
  std::string type{};      ///< At most 32 code points.
  std::string value{};     ///< JSON text or "" for none. At most 1 MiB, depth 64.
  std::string text{};      ///< "" takes the string at value.text.
  std::vector<std::string> tags{};  ///< At most 256, each 1 to 64 code points; doubles count once.
  std::string entity_type{};        ///< At most 64 code points.
  std::string entity_id{};          ///< At most 255 code points; needs entity_type.
  UserId user{};                    ///< Nil for none.
  std::optional<ConversationId> conversation{};  ///< Owns the memory: it goes with it.
  std::string source_agent{};                    ///< At most 64 code points.
  std::uint8_t priority = 5;                   ///< 1..10.
  std::optional<float> importance{};             ///< 0..1. Empty: priority / 10.
  std::optional<Time> expires_at{};
  bool is_active = true;
  std::optional<Time> valid_from{};
  std::optional<Time> valid_to{};
  std::optional<MemoryId> superseded_by{};
  std::string module{};  ///< At most 64 code points; "" takes the caller's.
  std::string task{};    ///< At most 255 code points; "" takes the caller's.
  std::vector<Source> sources{};  ///< At most 1,024.
  std::optional<Time> created_at{};
  std::string metadata{};
  std::string external_id{};
  std::string external_source{};
  std::optional<Origin> origin{};
  std::string updated_by{};  ///< Set by importers only.
};

/// A change. created_at, module and task stay; updated_by becomes the caller's module.
struct MemoryPatch {
  Change<std::string> category{};
  Change<std::string> key{};
  Change<std::string> type{};
  Change<std::string> value{};
  Change<std::string> text{};  ///< Cleared, or value changed with text kept as derived: derived anew.
  std::optional<std::vector<std::string>> tags{};
  Change<std::string> entity_type{};
  Change<std::string> entity_id{};
  Change<UserId> user{};
  Change<ConversationId> conversation{};
  Change<std::string> source_agent{};
  std::optional<std::uint8_t> priority{};
  std::optional<float> importance{};
  Change<Time> expires_at{};
  std::optional<bool> is_active{};
  Change<Time> valid_from{};
  Change<Time> valid_to{};
  Change<MemoryId> superseded_by{};
  std::optional<std::vector<Source>> sources{};
  Change<std::string> metadata{};
  std::string updated_by{};  ///< At most 64 code points; "" takes the caller's module.
};

/// What orders a list of memories.
enum class MemoryOrder : std::uint8_t {
  created = 0,
  updated = 1,
  priority = 2,  ///< Highest first, then newest created.
  expiry = 3,    ///< Only memories that expire; soonest last unless oldest_first.
};

/// Which memories to list. Everything that is set must hold. Tags and text compare as NFC; tags also
/// case-folded.
struct MemoryQuery {
  std::optional<std::string> category{};
  std::optional<std::string> key{};
  std::optional<std::string> entity_type{};
  std::optional<std::string> entity_id{};
  std::vector<std::string> tags_all{};
  std::vector<std::string> tags_any{};
  std::vector<std::string> tags_none{};
  std::optional<std::string> type{};
  std::optional<std::string> source_agent{};
  std::optional<std::string> task{};
  std::optional<Source> source{};
  std::optional<UserId> user{};
  /// Only memories without a user. Not together with `user`.
  bool without_user = false;
  std::optional<ConversationId> conversation{};
  std::optional<std::uint8_t> min_priority{};  ///< Not above max_priority.
  std::optional<std::uint8_t> max_priority{};  ///< Both ends count.
  std::optional<float> min_importance{};       ///< Not above max_importance.
  std::optional<float> max_importance{};  ///< Both ends count.
  TimeRange created{};
  TimeRange updated{};
  TimeRange expires{};
  /// What is expired, inactive or superseded at the snapshot's time is left out unless asked for.
  bool include_expired = false;
  bool include_inactive = false;
  bool include_superseded = false;
  /// Nothing but those, whatever include_... says of them.
  bool only_expired = false;
  bool only_inactive = false;
  bool only_superseded = false;
  MemoryOrder order = MemoryOrder::created;
  bool oldest_first = false;
  /// Rows of one answer, 1 to 10,000; 0 is 100. Not for count().
  std::uint32_t limit = 100;
  /// Index entries that a call reads at most; beyond is scan_limit_exceeded (max_scanned). 0:
  /// 1,000,000.
  std::uint64_t max_scanned = 1'000'000;
};

/// What put() did.
struct PutResult {
  MemoryId id{};
  bool created = false;  ///< False: an existing memory was changed, or was equal already.
};

/// Memories (seeds 002, 004). See Users for transactions, threads and lifetime.
class CALLISTO_API Memories {
 public:
  /// not_found (user, conversation, superseded_by) for an unknown reference; already_exists (id).
  Result<MemoryId> create(const NewMemory& memory, const CallOptions& options = {}) const;
  /// Upserts by (user or none, category, key), category and key not empty: changes the newest active
  /// memory under that name that has not expired, or creates one. Two puts at once make one memory.
  /// What is given takes the place of everything in an existing one, but provenance (created_at,
  /// module, task) stays, and so do its id and, where none is given, its external id; equal content
  /// writes nothing. `if_version` is compared with 0 where none exists.
  Result<PutResult> put(const NewMemory& memory, const CallOptions& options = {}) const;
  /// Whatever its state: an id names a record, expired or not.
  Result<std::optional<Memory>> get(MemoryId id) const;
  /// The newest live memory under a name: with a user, that user's; without, one that has no user.
  Result<std::optional<Memory>> by_name(std::string_view category, std::string_view key,
                                        UserId user = {}) const;
  /// The newest live memory with this key, of any category and user (seed 002, get_memory_by_key).
  Result<std::optional<Memory>> by_key(std::string_view key) const;
  /// The first rows. Conditions are decided on index entries: they are intersected by skipping, and
  /// records are fetched for what is returned. invalid_argument naming the field; index_not_ready
  /// when no index that is complete can answer; scan_limit_exceeded (max_scanned): narrow it.
  Result<std::vector<Memory>> find(const MemoryQuery& query) const;
  /// As find(), from where `cursor` says; "" begins. Any limit may follow. invalid_argument (cursor)
  /// for one that is damaged or of another query or space. A row whose place in the order changes
  /// between two pages (say, updated, when ordered by it) may be missed or come again.
  Result<Page<Memory>> find_page(const MemoryQuery& query, std::string_view cursor = {}) const;
  /// How many there are, exactly, whatever the limit (ordered by expiry: of those that expire). Errors
  /// as find().
  Result<std::uint64_t> count(const MemoryQuery& query) const;
  /// Runs find() and tells how: costs what it costs, and the estimates.
  Result<QueryPlan> explain(const MemoryQuery& query) const;
  /// The new version; the stored one, with nothing written, when nothing changes. not_found (id, or a
  /// reference that is new); version_mismatch. A nil id in the patch clears.
  Result<std::uint64_t> update(MemoryId id, const MemoryPatch& patch, const CallOptions& options = {}) const;
  /// Adds and removes tags in one change; the new version. Nothing is written when nothing changes.
  /// A tag in both lists is there afterwards. limit_exceeded (tags) above 256.
  Result<std::uint64_t> tag(MemoryId id, const std::vector<std::string>& add,
                            const std::vector<std::string>& remove = {},
                            const CallOptions& options = {}) const;
  /// False when there was none.
  Result<bool> remove(MemoryId id, const CallOptions& options = {}) const;

  explicit Memories(const detail::Scope& scope) noexcept : scope_(&scope) {}

 private:
  const detail::Scope* scope_;
};

}  // namespace callisto
