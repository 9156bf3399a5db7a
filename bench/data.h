#pragma once

// The data that every engine loads: users, conversations and memories of MEASURED.md, each made
// from the seed and its number alone, so that nothing has to be held in memory.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/random.h"
#include "callisto/conversation.h"
#include "callisto/memory.h"
#include "callisto/message.h"
#include "callisto/user.h"

namespace callisto::bench {

/// How much there is. Full size (scale 1): 10,400 users of whom 400 are merge pairs, 102,100
/// conversations of which 100 have 2000 messages, 1,000,000 memories.
struct Counts {
  std::size_t users = 0;
  std::size_t merge_pairs = 0;  ///< User 2i and 2i + 1 are one person, for i below this.
  std::size_t conversations = 0;
  std::size_t long_conversations = 0;  ///< The newest ones.
  std::size_t memories = 0;
  std::size_t entities = 0;

  static Counts at_scale(double scale);
  std::size_t short_conversations() const noexcept { return conversations - long_conversations; }
  std::size_t messages() const noexcept;
};

inline constexpr std::size_t kListCategories = 5;
inline constexpr std::size_t kSingleCategories = 2;
inline constexpr std::size_t kShortMessages = 20;
inline constexpr std::size_t kLongMessages = 2000;

struct UserItem {
  NewUser user;  ///< With its first identity.
  std::vector<NewIdentity> more_identities;
  std::vector<NewDatum> data;
  std::vector<NewDatum> single_data;  ///< Of categories with one value: what is replaced.
};

struct ConversationItem {
  NewConversation header;
  std::vector<NewMessage> messages;
};

/// Item n of a kind is the same whenever it is asked for. Numbers at or above the counts are items
/// that the data does not hold yet: what the write workloads add. Times rise with the number.
class Data {
 public:
  Data(std::uint64_t seed, double scale);

  const Counts& counts() const noexcept { return counts_; }
  std::uint64_t seed() const noexcept { return seed_; }

  UserId user_id(std::size_t n) const;
  ConversationId conversation_id(std::size_t n) const;
  MemoryId memory_id(std::size_t n) const;

  UserItem user(std::size_t n) const;
  /// The i-th value that is said about a user after all that was loaded; newer with every `i`.
  NewDatum later_datum(std::size_t user, std::string category, std::size_t i) const;
  static std::string list_category(std::size_t i);
  static std::string single_category(std::size_t i);
  std::size_t identity_count(std::size_t user) const;
  std::string platform(std::size_t user, std::size_t identity) const;
  std::string platform_id(std::size_t user, std::size_t identity) const;

  bool is_long(std::size_t conversation) const noexcept;
  bool is_processed(std::size_t conversation) const;
  std::size_t message_count(std::size_t conversation) const noexcept;
  std::vector<UserId> participants(std::size_t conversation) const;
  ConversationItem conversation(std::size_t n) const;
  /// Message `i` of a conversation; beyond those that it was stored with: what is appended.
  NewMessage message(std::size_t conversation, std::size_t i) const;

  NewMemory memory(std::size_t n) const;
  UserId memory_user(std::size_t n) const;
  std::vector<std::string> memory_tags(std::size_t n, std::uint64_t variant = 0) const;
  std::string memory_value(std::size_t n, std::uint64_t variant = 0) const;
  Time memory_created_at(std::size_t n) const;
  static std::string tag(std::size_t rank);
  static std::string entity_type(std::size_t entity);
  static std::string entity_id(std::size_t entity);

 private:
  Random random(std::uint64_t kind, std::uint64_t n, std::uint64_t variant = 0) const {
    return Random(mix(mix(seed_, kind, variant), n));
  }
  UuidBytes id(std::uint64_t kind, std::uint64_t n, std::uint64_t i, Time created) const;
  Time conversation_created_at(std::size_t n) const;
  void add_words(std::string& text, std::size_t bytes, Random& random) const;

  std::uint64_t seed_;
  Counts counts_;
  Zipf words_;
  Zipf tags_;
};

}  // namespace callisto::bench
