#include <algorithm>
#include <utility>

#include "api/rows.h"

namespace callisto::detail {

namespace {

constexpr std::uint16_t kNoSender = 0xFFFF;

UserId resolved(const SpaceState& state, const schema::fb::Uuid* user) {
  return state.resolve(schema::from_fb<UserId>(user));
}

/// Who takes part, in the order of the slots: without those who are gone, and each user once.
void add_participants(const schema::fb::Conversation& header, const SpaceState& state,
                      ParticipantList& present) {
  const auto* stored = header.participants();
  if (stored == nullptr) return;
  present.reserve(stored->size());
  for (flatbuffers::uoffset_t slot = 0; slot < stored->size(); ++slot) {
    const UserId user = resolved(state, &stored->Get(slot)->user());
    const auto is_same = [&](const Participant& other) { return other.user == user; };
    const auto so_far = present.all();
    if (user.is_nil() || std::any_of(so_far.begin(), so_far.end(), is_same)) continue;
    present.add({static_cast<std::uint16_t>(slot), user});
  }
}

}  // namespace

User ViewAccess::user(const Bytes& bytes, const schema::UserTail& tail) {
  User view;
  view.bytes_ = bytes;
  view.last_seen_ = Time(tail.last_seen);
  return view;
}

PlatformIdentifier ViewAccess::identity(const Bytes& bytes, const SpaceState& state) {
  PlatformIdentifier view;
  view.bytes_ = bytes;
  view.user_ = resolved(state, schema::root<schema::fb::PlatformIdentifier>(bytes)->user());
  return view;
}

UserDatum ViewAccess::datum(const Bytes& bytes, const SpaceState& state) {
  UserDatum view;
  view.bytes_ = bytes;
  view.user_ = resolved(state, schema::root<schema::fb::UserDatum>(bytes)->user());
  return view;
}

Conversation ViewAccess::conversation(Bytes header, Bytes tail, const SpaceState& state) {
  const auto* fields = schema::root<schema::fb::Conversation>(header);
  Conversation view;
  view.owner_ = resolved(state, fields->owner());
  add_participants(*fields, state, view.participants_);
  view.bytes_ = std::move(header);
  view.tail_ = std::move(tail);
  return view;
}

Message ViewAccess::message(Bytes bytes, const schema::fb::Conversation* header,
                            const SpaceState& state) {
  Message view;
  view.bytes_ = std::move(bytes);
  const std::uint16_t slot = schema::root<schema::fb::Message>(view.bytes_)->sender_slot();
  if (header == nullptr || slot == kNoSender) return view;
  const auto* participants = header->participants();
  if (participants != nullptr && slot < participants->size()) {
    view.sender_ = resolved(state, &participants->Get(slot)->user());
  }
  return view;
}

Memory ViewAccess::memory(Bytes bytes, const SpaceState& state) {
  Memory view;
  view.user_ = resolved(state, schema::root<schema::fb::Memory>(bytes)->user());
  view.bytes_ = std::move(bytes);
  return view;
}

Bytes tail_bytes(const schema::ConversationTail& tail) {
  return Bytes::copy_of(schema::encode(tail));
}

}  // namespace callisto::detail
