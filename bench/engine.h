#pragma once

// What every engine of the bench does: load the data, then answer and change. An operation carries
// what the public API of Callisto takes; the other engines make of it what their users would.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "bench/data.h"

namespace callisto::bench {

struct FindUser {
  std::string platform;
  std::string platform_id;
};
struct GetMemory {
  MemoryId id;
};
struct GetMemoryByName {
  std::string category;
  std::string key;
  UserId user;
};
struct LatestMessages {
  ConversationId conversation;
  std::uint32_t limit = 20;
};
struct GetWhole {
  ConversationId conversation;
};
struct ConversationsOfUser {
  UserId user;
  bool only_unprocessed = false;
  std::uint32_t limit = 10;
};
struct UnprocessedConversations {
  std::uint32_t limit = 100;
};
/// One tag, all of several, any of several, an entity, or a range of creation: newest first.
struct FindMemories {
  MemoryQuery query;
};

/// All values of one category, whatever their order.
struct ValuesOfUser {
  UserId user;
  std::string category;
};

struct MarkProcessed {
  ConversationId conversation;
};
struct AppendMessage {
  NewMessage message;
};
struct StoreConversation {
  ConversationItem item;
};
struct CreateMemory {
  NewMemory memory;
};
struct UpdateMemory {
  MemoryId id;
  MemoryPatch patch;  ///< Tags and value.
};
struct MergeUsers {
  UserId primary;
  UserId secondary;
};

/// A value said about a user: one more of a list, or the new one of a single category.
struct AppendDatum {
  UserId user;
  NewDatum datum;
};
struct ReplaceDatum {
  UserId user;
  NewDatum datum;
};

using Operation = std::variant<FindUser, GetMemory, GetMemoryByName, LatestMessages, GetWhole,
                               ConversationsOfUser, UnprocessedConversations, FindMemories,
                               ValuesOfUser, MarkProcessed, AppendMessage, StoreConversation,
                               CreateMemory, UpdateMemory, MergeUsers, AppendDatum, ReplaceDatum>;

/// The alternatives from here on change something.
inline constexpr std::size_t kFirstWrite = 9;
static_assert(std::is_same_v<std::variant_alternative_t<kFirstWrite, Operation>, MarkProcessed>);
inline bool is_write(const Operation& operation) noexcept {
  return operation.index() >= kFirstWrite;
}

/// What an answer held, in its order: equal in all engines, or the run fails.
using Digest = std::uint64_t;

/// Which indexes an engine keeps beside Callisto, which keeps all of its own: those that a row of
/// the table asks by, or one for each of Callisto's.
enum class IndexChoice : std::uint8_t { rows, all };

/// An engine fails by throwing std::runtime_error: a bench that goes wrong ends. One thread at a
/// time, but for what another() makes.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string_view name() const = 0;
  /// Work for coming operations that is not measured.
  virtual void prepare(std::span<const Operation> operations) { (void)operations; }
  /// Does one and reads what a caller would look at of every row.
  virtual Digest run(const Operation& operation) = 0;
  /// The same data for one more thread, while this lives: what is a connection elsewhere.
  /// As durable as this is when it is made.
  virtual std::unique_ptr<Engine> another() = 0;
  /// Whether commits from now on are on disk when they return.
  virtual void set_durable(bool durable) = 0;
};

// Folding of rows into a digest
// ---------------------------------------------------------------------

inline std::uint64_t fold(std::uint64_t sum, std::uint64_t value) noexcept {
  return (sum ^ value) * 0x9e3779b97f4a7c15ULL + (sum >> 29);
}
/// The ends and the size of a text: enough to tell answers apart, and next to no work.
inline std::uint64_t fold(std::uint64_t sum, std::string_view text) noexcept {
  if (text.empty()) return fold(sum, 1);
  const auto first = static_cast<unsigned char>(text.front());
  const auto last = static_cast<unsigned char>(text.back());
  return fold(sum, text.size() << 16 | std::uint64_t{first} << 8 | last);
}
/// The last eight bytes of an id are the random ones.
inline std::uint64_t fold_id(std::uint64_t sum, std::string_view id) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t i = 8; i < id.size() && i < 16; ++i) {
    bits = bits << 8 | static_cast<unsigned char>(id[i]);
  }
  return fold(sum, bits);
}

/// Rows as an engine reads them, reduced to what the digest is made of.
struct UserFace {
  std::string_view id;
  std::int64_t last_seen = 0;
  bool is_active = true;
};
struct MemoryFace {
  std::string_view id;
  std::string_view category;
  std::string_view key;
  std::string_view entity_id;
  std::int64_t created_at = 0;
  std::uint64_t priority = 0;
};
struct MessageFace {
  std::string_view id;
  std::string_view sender;  ///< 16 bytes, or empty.
  std::string_view role;
  std::string_view content;
  std::int64_t timestamp = 0;
};
struct DatumFace {
  std::string_view value;
  std::int64_t created_at = 0;
};
struct ConversationFace {
  std::string_view id;
  std::string_view title;
  std::uint64_t message_count = 0;
  std::int64_t last_message_at = 0;
  bool is_processed = false;
};

Digest fold(Digest sum, const UserFace& face) noexcept;
Digest fold(Digest sum, const MemoryFace& face) noexcept;
Digest fold(Digest sum, const MessageFace& face) noexcept;
Digest fold(Digest sum, const ConversationFace& face) noexcept;
/// For rows without an order of their own: the digests of such rows are added.
Digest digest_of(const DatumFace& face) noexcept;

}  // namespace callisto::bench
