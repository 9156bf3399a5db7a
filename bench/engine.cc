#include "bench/engine.h"

namespace callisto::bench {

Digest fold(Digest sum, const UserFace& face) noexcept {
  sum = fold_id(sum, face.id);
  return fold(fold(sum, static_cast<std::uint64_t>(face.last_seen)), face.is_active ? 1U : 2U);
}

Digest fold(Digest sum, const MemoryFace& face) noexcept {
  sum = fold(fold_id(sum, face.id), face.category);
  sum = fold(fold(sum, face.key), face.entity_id);
  return fold(fold(sum, static_cast<std::uint64_t>(face.created_at)), face.priority);
}

Digest fold(Digest sum, const MessageFace& face) noexcept {
  sum = fold_id(fold_id(sum, face.id), face.sender);
  sum = fold(fold(sum, face.role), face.content);
  return fold(sum, static_cast<std::uint64_t>(face.timestamp));
}

Digest fold(Digest sum, const ConversationFace& face) noexcept {
  sum = fold(fold_id(sum, face.id), face.title);
  sum = fold(fold(sum, face.message_count), static_cast<std::uint64_t>(face.last_message_at));
  return fold(sum, face.is_processed ? 1U : 2U);
}

Digest digest_of(const DatumFace& face) noexcept {
  return fold(fold(1, face.value), static_cast<std::uint64_t>(face.created_at));
}

}  // namespace callisto::bench
