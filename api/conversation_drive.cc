#include "api/conversation_drive.h"

#include <utility>

#include "indexes/index_keys.h"
#include "schema/text.h"

namespace callisto::detail {

namespace fb = schema::fb;
using schema::IndexId;

namespace {

std::optional<std::int64_t> micros(const std::optional<Time>& time) {
  if (!time) return std::nullopt;
  return time->micros();
}

bool has_end(const TimeRange& range) { return range.from || range.to; }

bool contains(const TimeRange& range, std::int64_t time) {
  return (!range.from || range.from->micros() <= time) && (!range.to || time < range.to->micros());
}

/// Nil names nobody: it finds nothing, rather than what has none.
template <class IdType>
bool is_named(const IdType& stored, const IdType& asked) {
  return asked && stored == asked;
}

void add_newest_first(ConversationDrive& drive, const std::string& prefix, const TimeRange& times) {
  auto range = indexes::newest_first_range(prefix, micros(times.from), micros(times.to));
  drive.ranges.push_back({std::move(range.lower), std::move(range.upper)});
  drive.skip.push_back(prefix.size());
}

ConversationDrive by_created(IndexId index, const std::string& prefix,
                             const ConversationQuery& query) {
  ConversationDrive drive;
  drive.index = index;
  add_newest_first(drive, prefix, query.created);
  return drive;
}

/// A user's list joins those of the users that were merged into it.
ConversationDrive by_user(IndexId index, std::string (*prefix)(SpaceNumber, const UserId&),
                          const UserId& user, const ConversationQuery& query,
                          const SpaceState& state) {
  ConversationDrive drive;
  drive.index = index;
  for (const UserId& id : state.ids_of(user))
    add_newest_first(drive, prefix(state.space(), id), query.created);
  return drive;
}

ConversationDrive by_unprocessed(const ConversationQuery& query, SpaceNumber space) {
  ConversationDrive drive;
  drive.index = IndexId::conversation_unprocessed;
  const std::string prefix = indexes::conversation_unprocessed_prefix(space);
  auto range =
      indexes::oldest_first_range(prefix, micros(query.created.from), micros(query.created.to));
  drive.ranges.push_back({std::move(range.lower), std::move(range.upper)});
  drive.skip.push_back(prefix.size());
  drive.is_ascending = true;
  return drive;
}

ConversationDrive by_activity(const ConversationQuery& query, SpaceNumber space) {
  ConversationDrive drive;
  drive.index = IndexId::conversation_by_activity;
  drive.order = ConversationOrder::activity;
  add_newest_first(drive, indexes::conversation_by_activity_prefix(space), query.activity);
  return drive;
}

/// Of the flags that are asked for, one that is set before one that is not: fewer have it.
std::optional<ConversationDrive> by_flag(const ConversationQuery& query, SpaceNumber space) {
  for (const bool wanted : {true, false}) {
    if (query.is_saved == wanted) {
      return by_created(IndexId::conversation_by_saved,
                        indexes::conversation_by_saved_prefix(space, wanted), query);
    }
    if (query.is_archived == wanted) {
      return by_created(IndexId::conversation_by_archived,
                        indexes::conversation_by_archived_prefix(space, wanted), query);
    }
    if (query.is_ended == wanted) {
      return by_created(IndexId::conversation_by_ended,
                        indexes::conversation_by_ended_prefix(space, wanted), query);
    }
  }
  return std::nullopt;
}

}  // namespace

ConversationDrive choose_drive(const ConversationQuery& query, const SpaceState& state) {
  const SpaceNumber space = state.space();
  if (query.participant) {
    return by_user(IndexId::conversation_by_participant,
                   indexes::conversation_by_participant_prefix, *query.participant, query, state);
  }
  if (query.owner) {
    return by_user(IndexId::conversation_by_owner, indexes::conversation_by_owner_prefix,
                   *query.owner, query, state);
  }
  if (query.persona) {
    return by_created(IndexId::conversation_by_persona,
                      indexes::conversation_by_persona_prefix(space, *query.persona), query);
  }
  if (query.is_processed == false) return by_unprocessed(query, space);
  if (query.type) {
    return by_created(IndexId::conversation_by_type,
                      indexes::conversation_by_type_prefix(space, *query.type), query);
  }
  if (auto drive = by_flag(query, space)) return std::move(*drive);
  if (query.order == ConversationOrder::activity || has_end(query.activity))
    return by_activity(query, space);
  return by_created(IndexId::conversation_by_created,
                    indexes::conversation_by_created_prefix(space), query);
}

ConversationFilter::ConversationFilter(const ConversationQuery& query, const SpaceState& state)
    : query_(query), state_(state) {
  if (query.type) type_ = schema::nfc(*query.type);
}

bool ConversationFilter::admits(const schema::ConversationTail& tail) const {
  if (query_.is_processed && *query_.is_processed != tail.is_processed()) return false;
  return contains(query_.created, tail.created_at) && contains(query_.activity, tail.activity_at());
}

bool ConversationFilter::matches(const fb::Conversation& header) const {
  if (query_.owner &&
      !is_named(state_.resolve(schema::from_fb<UserId>(header.owner())), *query_.owner))
    return false;
  if (query_.persona && !is_named(schema::from_fb<PersonaId>(header.persona()), *query_.persona))
    return false;
  if (query_.is_saved && *query_.is_saved != header.is_saved()) return false;
  if (query_.is_archived && *query_.is_archived != header.is_archived()) return false;
  if (query_.is_ended && *query_.is_ended != header.ended_at().has_value()) return false;
  return !type_ || schema::nfc(schema::text(header.type())) == *type_;
}

}  // namespace callisto::detail
