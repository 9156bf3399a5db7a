#pragma once

// Random calls, each in two forms: for the store and for the model.

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "callisto/store.h"
#include "tests/support/model/model.h"

namespace callisto::testing {

/// What a call of the store answered.
struct Outcome {
  std::string text{};
  std::optional<Code> code{};
};

struct Operation {
  std::string text{};
  std::function<Outcome(const Repositories&)> on_store{};
  std::function<model::Answer(model::Model&)> on_model{};
};

// Small pools, so that ids collide, are unknown, and come back.
inline constexpr unsigned kUsers = 6;
inline constexpr unsigned kConversations = 8;
inline constexpr unsigned kMessages = 48;
inline constexpr unsigned kMemories = 24;
template <class Id>
Id pooled(unsigned number) {
  return Id::from_external("pool", std::to_string(number));
}

/// Draws everything that a history needs. No two times that it gives are equal.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T, std::size_t N>
  const T& one_of(const T (&values)[N]) {
    return values[below(N)];
  }

  /// Moves the clock on by a second to an hour.
  Time tick();
  Time now() const { return now_; }
  /// A time that nothing else has, up to a day before now.
  Time past();
  /// Up to an hour ahead.
  Time ahead();

  /// From now on records of one transaction: they share its time, so each brings its own, and only
  /// one may be changed at that time.
  void begin_transaction() { is_in_transaction_ = true, has_stamped_ = false; }
  void end_transaction() { is_in_transaction_ = false; }

  Operation next();

  MemoryQuery memory_query();
  ConversationQuery conversation_query();
  UserId user() { return pooled<UserId>(below(kUsers)); }
  ConversationId conversation() { return pooled<ConversationId>(below(kConversations)); }
  MessageId message() { return pooled<MessageId>(below(kMessages)); }
  MemoryId memory() { return pooled<MemoryId>(below(kMemories)); }
  std::string name();
  std::string platform();

 private:
  Time unique(std::int64_t seconds);
  /// Empty for "now", where that is unique.
  std::optional<Time> created();
  model::Json counted();
  bool may_stamp();
  CallOptions if_version();

  Operation create_user();
  Operation update_user();
  Operation seen();
  Operation add_identity();
  Operation remove_identity();
  Operation merge();
  Operation remove_user();
  Operation write_datum();
  Operation remove_datum();
  NewConversation new_conversation();
  NewMessage new_message();
  Operation create_conversation();
  Operation store_conversation();
  Operation update_conversation();
  Operation add_participant();
  Operation mark();
  Operation remove_conversation();
  Operation append();
  Operation update_message();
  Operation remove_message();
  NewMemory new_memory();
  Operation create_memory();
  Operation put_memory();
  Operation update_memory();
  Operation tag_memory();
  Operation remove_memory();

  std::mt19937_64 random_;
  std::int64_t seconds_ = 1'795'262'400;
  std::int64_t given_ = 0;
  Time now_{};
  bool is_in_transaction_ = false;
  bool has_stamped_ = false;
};

}  // namespace callisto::testing
