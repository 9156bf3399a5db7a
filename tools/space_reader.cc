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

Result<bool> SpaceReader::damaged_row(const Rows& rows, std::string_view key, Error error) const {
  const bool is_damage = error.code() == Code::corruption || error.code() == Code::io_error;
  if (!is_damage || !tell_damage_) return error;
  tell_damage_({rows.table, std::string(key), "", std::move(error)});
  return true;
}

Result<void> SpaceReader::for_rows(const Rows& rows, const EachRow& each) const {
  const std::string upper = schema::prefix_end(rows.prefix);
  const auto cursor = snapshot_->scan(
      rows.family, {.lower = rows.prefix, .upper = upper, .reverse = rows.reverse, .fill_cache = false});
  for (std::string last;;) {
    for (; cursor->valid(); cursor->next()) {
      last.assign(cursor->key());
      auto more = each(cursor->key(), cursor->value());
      if (!more) more = damaged_row(rows, last, std::move(more).error());
      if (!more) return std::move(more).error();
      if (!*more) return {};
    }
    auto status = cursor->status();
    if (status || !tell_damage_) return status;
    auto damaged = cursor->skip_damage(last);
    if (!damaged) return status;
    tell_damage_({rows.table, std::move(damaged->from), std::move(damaged->to), std::move(status).error()});
  }
}

template <class Table, class View>
Result<void> SpaceReader::walk(TableId table, kv::Family family, const Each<View>& each,
                               const std::function<Result<std::optional<View>>(const Bytes&)>& make) const {
  const Rows rows{std::string(kv::to_string(family)), family, indexes::table_prefix(state_->space(), table)};
  return for_rows(rows, [&](std::string_view key, std::string_view value) -> Result<bool> {
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

// A message is shown with its conversation; where that cannot be read it is shown without, as its
// bytes are whole. Without a conversation it is not a message any more.
Result<bool> SpaceReader::conversation_messages(const ConversationId& conversation,
                                                const Each<Message>& each) const {
  const Rows rows{"messages", kv::Family::messages,
                  schema::message_range(state_->space(), conversation, schema::MessagePart::record), true};
  const std::string header_key = schema::conversation_key(state_->space(), conversation);
  auto header = detail::fetch<schema::fb::Conversation>(*snapshot_, header_key);
  if (!header) {
    auto told = damaged_row({"conversations", kv::Family::conversations, {}}, header_key, header.error());
    if (!told) return told;
  } else if (!*header) {
    return true;
  }
  const auto* fields = header ? schema::root<schema::fb::Conversation>(**header) : nullptr;
  bool go_on = true;
  auto done = for_rows(rows, [&](std::string_view key, std::string_view value) -> Result<bool> {
    auto bytes = detail::take_row<schema::fb::Message>(key, value);
    if (!bytes) return std::move(bytes).error();
    go_on = each(ViewAccess::message(*bytes, fields, *state_));
    return go_on;
  });
  if (!done) return std::move(done).error();
  return go_on;
}

// From the first message of a conversation to the first of the next: also of one whose header is
// damaged.
Result<void> SpaceReader::messages(const Each<Message>& each) const {
  const std::string prefix = indexes::table_prefix(state_->space(), TableId::messages);
  const std::string upper = schema::prefix_end(prefix);
  const auto cursor =
      snapshot_->scan(kv::Family::messages, {.lower = prefix, .upper = upper, .fill_cache = false});
  for (std::string last;;) {
    while (cursor->valid()) {
      const auto place = schema::parse_message_key(cursor->key());
      if (!place) {
        last.assign(cursor->key());
        const Rows rows{"messages", kv::Family::messages, {}};
        auto told = damaged_row(rows, last, detail::damaged("messages", last));
        if (!told) return std::move(told).error();
        cursor->next();
        continue;
      }
      auto more = conversation_messages(place->conversation, each);
      if (!more) return std::move(more).error();
      if (!*more) return {};
      last = schema::prefix_end(schema::message_range(state_->space(), place->conversation));
      cursor->seek(last);
    }
    auto status = cursor->status();
    if (status || !tell_damage_) return status;
    auto damaged = cursor->skip_damage(last);
    if (!damaged) return status;
    tell_damage_({"messages", std::move(damaged->from), std::move(damaged->to), std::move(status).error()});
  }
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
