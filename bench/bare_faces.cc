#include "bench/bare_faces.h"

#include <algorithm>

namespace callisto::bench::bare {

Digest fold_memory(Digest sum, std::string_view bytes) {
  const auto& memory = root<fb::Memory>(bytes);
  return fold(sum, MemoryFace{.id = view(memory.stamp()->id()),
                              .category = schema::text(memory.category()),
                              .key = schema::text(memory.key()),
                              .entity_id = schema::text(memory.entity_id()),
                              .created_at = memory.stamp()->created_at(),
                              .priority = memory.priority()});
}

Digest fold_conversation(Digest sum, std::string_view header,
                         const schema::ConversationTail& tail) {
  const auto& conversation = root<fb::Conversation>(header);
  return fold(sum, ConversationFace{.id = view(conversation.stamp()->id()),
                                    .title = schema::text(conversation.title()),
                                    .message_count = tail.message_count,
                                    .last_message_at = tail.last_message_at,
                                    .is_processed = tail.is_processed()});
}

Digest fold_message(Digest sum, std::string_view bytes, const fb::Conversation& header) {
  const auto& message = root<fb::Message>(bytes);
  std::string_view sender;
  if (message.sender_slot() != kNoSender) {
    sender = view(header.participants()->Get(message.sender_slot())->user());
  }
  return fold(sum, MessageFace{.id = view(message.stamp()->id()),
                               .sender = sender,
                               .role = schema::text(message.role()),
                               .content = schema::text(message.content()),
                               .timestamp = message.timestamp()});
}

Digest digest_of_participants(const fb::Conversation& header) {
  Digest users = 0;
  const auto& participants = *header.participants();
  for (auto participant = participants.begin(); participant != participants.end(); ++participant) {
    const std::string_view user = view(participant->user());
    // Who took part twice, under two names that were merged, counts once.
    const bool is_known = std::any_of(participants.begin(), participant, [&](const auto* earlier) {
      return view(earlier->user()) == user;
    });
    if (!is_known) users += fold_id(1, user);
  }
  return users;
}

Living::Living(const std::vector<std::string>& tags) : now_(Environment::system().now().micros()) {
  for (const std::string& tag : tags) {
    folded_.push_back(schema::fold(tag));
    hashes_.push_back(schema::tag_hash(folded_.back()));
  }
}

bool Living::admits(std::string_view entry) const {
  const auto cover = schema::decode_memory_cover(entry);
  if (!cover->is_active || cover->is_superseded) return false;
  if (cover->expires_at && *cover->expires_at <= now_) return false;
  return std::all_of(hashes_.begin(), hashes_.end(),
                     [&](std::uint16_t hash) { return cover->has_tag(hash); });
}

bool Living::has_tags(std::string_view record) const {
  if (folded_.empty()) return true;
  const auto& tags = *root<fb::Memory>(record).tags();
  return std::all_of(folded_.begin(), folded_.end(), [&](const std::string& wanted) {
    return std::any_of(tags.begin(), tags.end(), [&](const auto* tag) {
      return schema::text(tag) == wanted || schema::fold(schema::text(tag)) == wanted;
    });
  });
}

}  // namespace callisto::bench::bare
