// One record of an import into the store.

#include "tools/importer.h"

namespace callisto::tools {

namespace {

bool is_taken_id(const Error& error) {
  return error.code() == Code::already_exists && error.field() == "id";
}

Result<void> drop_value(const auto& result) {
  if (!result) return result.error();
  return {};
}

/// "" and an absent value clear.
Change<std::string> as_change(const std::string& value) {
  if (value.empty()) return clear;
  return value;
}
template <class T>
Change<T> as_change(const std::optional<T>& value) {
  if (!value) return clear;
  return *value;
}

Result<void> replace_user(const Repositories& target, const NewUser& user) {
  UserPatch patch{.profile = as_change(user.profile),
                  .preferences = as_change(user.preferences),
                  .metadata = as_change(user.metadata),
                  .is_active = user.is_active,
                  .origin = user.origin};
  if (auto updated = target.users().update(user.id, patch); !updated) return updated.error();
  return user.last_seen ? target.users().seen(user.id, user.last_seen) : Result<void>();
}

/// As create() would have set it, where the line comes before the conversation's messages.
Result<void> replace_mark(const Repositories& target, const NewConversation& line, const Conversation& known) {
  const std::uint64_t up_to = line.processed_up_to.value_or(0);
  if (line.is_processed && up_to >= known.last_sequence()) {
    return target.conversations().mark_processed(line.id);
  }
  // A mark inside the conversation stays: it moves with the messages that are processed.
  return up_to > 0 ? Result<void>() : target.conversations().mark_unprocessed(line.id);
}

Result<void> replace_conversation(const Repositories& target, const NewConversation& conversation,
                                  const Conversation& known) {
  ConversationPatch patch;
  patch.title = as_change(conversation.title);
  patch.type = conversation.type;
  patch.owner = as_change(conversation.owner.is_nil() ? std::nullopt : std::optional(conversation.owner));
  patch.persona = as_change(conversation.persona);
  patch.model = as_change(conversation.model);
  patch.recap = as_change(conversation.recap);
  patch.summary = as_change(conversation.summary);
  patch.is_saved = conversation.is_saved;
  patch.is_archived = conversation.is_archived;
  patch.ended_at = as_change(conversation.ended_at);
  patch.reopens = conversation.reopens;
  patch.metadata = as_change(conversation.metadata);
  patch.origin = conversation.origin;
  for (UserId user : conversation.participants) {
    if (auto added = target.conversations().add_participant(conversation.id, user); !added) {
      return added.error();
    }
  }
  auto updated = target.conversations().update(conversation.id, patch);
  if (!updated) return updated.error();
  return replace_mark(target, conversation, known);
}

/// Takes the old one away and stores the line.
template <class Repository, class New, class Store>
Result<void> replace_whole(const Repository& repository, const New& record, Store&& store) {
  if (auto removed = repository.remove(record.id); !removed) return removed.error();
  return drop_value(store());
}

struct Apply {
  const Repositories& target;
  bool replace;

  Result<void> operator()(const ExportHead&) const { return {}; }
  Result<void> operator()(const NewSpace&) const { return {}; }  // made by the importer

  /// What a line says of a user beside the record becomes records with ids that are derived, so that
  /// the same line gives the same store.
  Result<void> operator()(const NewUser& line) const {
    NewUser user = line;
    user.name.clear();
    user.platform.clear();
    user.platform_id.clear();
    user.username.clear();
    auto created = target.users().create(user);
    const bool is_known = !created && is_taken_id(created.error());
    if (!created && !is_known) return created.error();
    if (is_known && !replace) return {};
    if (is_known) {
      if (auto replaced = replace_user(target, user); !replaced) return replaced;
    } else if (replace && user.last_seen) {  // It may have been there, equal but for this.
      if (auto seen = target.users().seen(user.id, user.last_seen); !seen) return seen;
    }
    return add_parts(line);
  }

  Result<void> add_parts(const NewUser& line) const {
    const std::string id = line.id.to_string();
    if (!line.name.empty()) {
      DatumLine datum{line.id, CategoryKind::single, {}};
      datum.datum.id = UserDatumId::from_external("callisto/import", id + "/preferred_name");
      datum.datum.category = "preferred_name";
      datum.datum.value = line.name;
      datum.datum.created_at = line.created_at;
      datum.datum.origin = line.origin;
      if (auto added = (*this)(datum); !added) return added;
    }
    if (line.platform.empty() && line.platform_id.empty()) return {};
    IdentityLine identity{line.id, {}};
    identity.identity.id =
        PlatformIdentifierId::from_external("callisto/import", id + "/" + line.platform);
    identity.identity.platform = line.platform;
    identity.identity.platform_id = line.platform_id;
    identity.identity.username = line.username.empty() ? line.name : line.username;
    identity.identity.created_at = line.created_at;
    identity.identity.last_seen = line.last_seen;
    identity.identity.origin = line.origin;
    return (*this)(identity);
  }

  Result<void> operator()(const IdentityLine& line) const {
    auto known = target.users().identity(line.identity.platform, line.identity.platform_id);
    if (!known) return known.error();
    const bool is_same_user = *known && (*known)->user() == line.user;
    if (is_same_user && !replace) return {};
    if (is_same_user) {
      auto removed = target.users().remove_identity(line.identity.platform, line.identity.platform_id);
      if (!removed) return removed.error();
    }
    return drop_value(target.users().add_identity(line.user, line.identity));
  }

  Result<void> operator()(const DatumLine& line) const {
    if (line.kind == CategoryKind::list) {
      auto known = target.user_data().get(line.user, line.datum.category, line.datum.value);
      if (!known) return known.error();
      if (*known && !replace) return {};
      if (*known) {
        auto removed = target.user_data().remove(line.user, line.datum.category, line.datum.value);
        if (!removed) return removed.error();
      }
      return drop_value(target.user_data().append(line.user, line.datum));
    }
    auto known = target.user_data().values(line.user, line.datum.category, 1);
    if (!known) return known.error();
    if (!known->empty() && known->front().kind() == CategoryKind::single) {
      if (!replace) return {};
      auto removed = target.user_data().remove_category(line.user, line.datum.category);
      if (!removed) return removed.error();
    }
    return drop_value(target.user_data().replace(line.user, line.datum));
  }

  Result<void> operator()(const NewConversation& conversation) const {
    if (replace) {
      auto known = target.conversations().get(conversation.id);
      if (!known) return known.error();
      if (*known) return replace_conversation(target, conversation, **known);
    }
    auto created = target.conversations().create(conversation);
    return created || !is_taken_id(created.error()) ? drop_value(created) : Result<void>();
  }

  Result<void> operator()(const NewMessage& message) const {
    auto stored = target.messages().append(message);
    if (stored || !is_taken_id(stored.error())) return drop_value(stored);
    if (!replace) return {};
    auto known = target.messages().get(message.id);
    if (!known) return known.error();
    NewMessage again = message;
    // It keeps its place where the line gives none.
    if (*known && (*known)->conversation() == message.conversation) {
      if (!again.sequence) again.sequence = (*known)->sequence();
      if (!again.timestamp) again.timestamp = (*known)->timestamp();
    }
    return replace_whole(target.messages(), again, [&] { return target.messages().append(again); });
  }

  Result<void> operator()(const NewMemory& memory) const {
    auto created = target.memories().create(memory);
    if (created || !is_taken_id(created.error())) return drop_value(created);
    if (!replace) return {};
    return replace_whole(target.memories(), memory, [&] { return target.memories().create(memory); });
  }
};

}  // namespace

Result<void> apply_record(const Repositories& target, const Record& record, bool replace) {
  return std::visit(Apply{target, replace}, record);
}

bool is_about_record(const Error& error) noexcept {
  switch (error.code()) {
    case Code::invalid_argument:
    case Code::not_found:
    case Code::already_exists:
    case Code::version_mismatch:
    case Code::too_large:
    case Code::limit_exceeded:
      return true;
    default:
      return false;
  }
}

}  // namespace callisto::tools
