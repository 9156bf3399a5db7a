#pragma once

// Records as they lie on disk, looked at in place: what the bare engines answer from.

#include <string_view>

#include "bench/engine.h"
#include "schema/records.h"
#include "schema/tails.h"
#include "schema/text.h"

namespace callisto::bench::bare {

namespace fb = schema::fb;

inline constexpr std::uint16_t kNoSender = 0xFFFF;

template <class Table>
const Table& root(std::string_view bytes) {
  return *flatbuffers::GetRoot<Table>(bytes.data());
}

inline std::string_view view(const fb::Uuid& uuid) {
  return {reinterpret_cast<const char*>(uuid.bytes()->Data()), 16};
}

Digest fold_memory(Digest sum, std::string_view bytes);
Digest fold_conversation(Digest sum, std::string_view header, const schema::ConversationTail& tail);
/// `header` tells whose the slot of the sender is.
Digest fold_message(Digest sum, std::string_view bytes, const fb::Conversation& header);
/// Who takes part, in whatever order.
Digest digest_of_participants(const fb::Conversation& header);

/// What a query for living memories leaves out.
class Living {
 public:
  explicit Living(const std::vector<std::string>& tags = {});
  /// By the entry: hashes of tags may meet.
  bool admits(std::string_view entry) const;
  /// By the record that an admitted entry leads to.
  bool has_tags(std::string_view record) const;

 private:
  const std::int64_t now_;
  std::vector<std::string> folded_;
  std::vector<std::uint16_t> hashes_;
};

}  // namespace callisto::bench::bare
