#include "tools/space_reader.h"

#include "api/rows.h"
#include "indexes/catalogue.h"

namespace callisto::tools {

namespace {

using detail::ViewAccess;
using schema::TableId;

bool is_header(std::string_view key) {
  constexpr std::size_t kPartAt = schema::kKeyHeadBytes + 16;
  return key.size() == kPartAt + 1 &&
         static_cast<std::uint8_t>(key[kPartAt]) == static_cast<std::uint8_t>(schema::ConversationPart::header);
}

}  // namespace

Result<SpaceReader> SpaceReader::open(const Store& store, std::shared_ptr<kv::Snapshot> snapshot,
                                      schema::SpaceNumber space) {
  auto state = store.core().slot(space).state(store.core().engine(), *snapshot);
  if (!state) return std::move(state).error();
  return SpaceReader(std::move(snapshot), std::move(*state));
}

template <class Table, class View>
Result<void> SpaceReader::walk(TableId table, kv::Family family, const Each<View>& each,
                               const std::function<Result<std::optional<View>>(const Bytes&)>& make) const {
  const std::string prefix = indexes::table_prefix(state_->space(), table);
  return detail::for_each_prefix(
      *snapshot_, family, prefix, false,
      [&](std::string_view key, std::string_view value) -> Result<bool> {
        if (table == TableId::conversations && !is_header(key)) return true;
        auto bytes = detail::take_row<Table>(key, value);
        if (!bytes) return std::move(bytes).error();
        auto view = make(*bytes);
        if (!view) return std::move(view).error();
        return !view->has_value() || each(**view);
      });
}

Result<void> SpaceReader::users(const Each<User>& each) const {
  return walk<schema::fb::User, User>(
      TableId::users, kv::Family::users, each, [&](const Bytes& bytes) -> Result<std::optional<User>> {
        const auto id = schema::from_fb<UserId>(&schema::root<schema::fb::User>(bytes)->stamp()->id());
        auto tail = detail::fetch_user_tail(*snapshot_, state_->space(), id);
        if (!tail) return std::move(tail).error();
        if (!*tail) return detail::damaged("user_tails", schema::user_tail_key(state_->space(), id));
        return std::optional(ViewAccess::user(bytes, **tail));
      });
}

Result<void> SpaceReader::identities(const Each<PlatformIdentifier>& each) const {
  return walk<schema::fb::PlatformIdentifier, PlatformIdentifier>(
      TableId::platform_identifiers, kv::Family::platform_identifiers, each,
      [&](const Bytes& bytes) -> Result<std::optional<PlatformIdentifier>> {
        PlatformIdentifier view = ViewAccess::identity(bytes, *state_);
        if (view.user().is_nil()) return std::optional<PlatformIdentifier>();
        return std::optional(std::move(view));
      });
}

Result<void> SpaceReader::user_data(const Each<UserDatum>& each) const {
  return walk<schema::fb::UserDatum, UserDatum>(TableId::user_data, kv::Family::user_data, each,
                                                [&](const Bytes& bytes) -> Result<std::optional<UserDatum>> {
                                                  UserDatum view = ViewAccess::datum(bytes, *state_);
                                                  if (view.user().is_nil()) return std::optional<UserDatum>();
                                                  return std::optional(std::move(view));
                                                });
}

Result<void> SpaceReader::conversations(const Each<Conversation>& each) const {
  return walk<schema::fb::Conversation, Conversation>(
      TableId::conversations, kv::Family::conversations, each,
      [&](const Bytes& header) -> Result<std::optional<Conversation>> {
        const auto id = schema::from_fb<ConversationId>(
            &schema::root<schema::fb::Conversation>(header)->stamp()->id());
        auto tail = detail::fetch_conversation_tail(*snapshot_, state_->space(), id);
        if (!tail) return std::move(tail).error();
        if (!*tail) {
          return detail::damaged("conversation_tails", schema::conversation_tail_key(state_->space(), id));
        }
        return std::optional(ViewAccess::conversation(header, detail::tail_bytes(**tail), *state_));
      });
}

Result<bool> SpaceReader::conversation_messages(const ConversationId& conversation, const Bytes& header,
                                                const Each<Message>& each) const {
  bool go_on = true;
  const std::string prefix =
      schema::message_range(state_->space(), conversation, schema::MessagePart::record);
  auto done = detail::for_each_prefix(
      *snapshot_, kv::Family::messages, prefix, true,
      [&](std::string_view key, std::string_view value) -> Result<bool> {
        auto bytes = detail::take_row<schema::fb::Message>(key, value);
        if (!bytes) return std::move(bytes).error();
        go_on = each(ViewAccess::message(*bytes, schema::root<schema::fb::Conversation>(header), *state_));
        return go_on;
      });
  if (!done) return std::move(done).error();
  return go_on;
}

Result<void> SpaceReader::messages(const Each<Message>& each) const {
  const std::string prefix = indexes::table_prefix(state_->space(), TableId::conversations);
  return detail::for_each_prefix(
      *snapshot_, kv::Family::conversations, prefix, false,
      [&](std::string_view key, std::string_view value) -> Result<bool> {
        if (!is_header(key)) return true;
        auto header = detail::take_row<schema::fb::Conversation>(key, value);
        if (!header) return std::move(header).error();
        const auto id = schema::from_fb<ConversationId>(
            &schema::root<schema::fb::Conversation>(*header)->stamp()->id());
        return conversation_messages(id, *header, each);
      });
}

Result<void> SpaceReader::memories(const Each<Memory>& each) const {
  return walk<schema::fb::Memory, Memory>(
      TableId::memories, kv::Family::memories, each,
      [&](const Bytes& bytes) -> Result<std::optional<Memory>> {
        Memory view = ViewAccess::memory(bytes, *state_);
        if (view.conversation() && state_->is_hidden(*view.conversation())) return std::optional<Memory>();
        return std::optional(std::move(view));
      });
}

}  // namespace callisto::tools
