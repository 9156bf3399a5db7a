#include "api/conversation_request.h"

#include <algorithm>
#include <utility>

#include "indexes/index_keys.h"
#include "schema/text.h"

namespace callisto::detail {

namespace fb = schema::fb;

namespace {

using indexes::query::List;
using indexes::query::Request;
using schema::IndexId;

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

/// Turns a query into lists.
class Lists {
 public:
  Lists(const ConversationQuery& query, const SpaceState& state)
      : query_(query), state_(state), space_(state.space()) {}

  Request request() && {
    request_.order = static_cast<std::uint8_t>(query_.order);
    request_.common_order = static_cast<std::uint8_t>(ConversationOrder::created);
    request_.everything = indexes::conversation_by_created_prefix(space_);
    add_people();
    add_processed();
    add_flags();
    add_drivers();
    return std::move(request_);
  }

 private:
  /// In the range of creation that was asked for.
  List list(IndexId index) const {
    List list;
    list.index = index;
    return list;
  }
  void add_to(List& list, std::string prefix) const {
    auto range =
        indexes::newest_first_range(prefix, micros(query_.created.from), micros(query_.created.to));
    list.add(std::move(prefix), std::move(range));
  }
  void must(const char* name, IndexId index, std::string prefix) {
    List one = list(index);
    add_to(one, std::move(prefix));
    request_.all.push_back({name, std::move(one)});
  }

  /// A user's list joins those of the users that were merged into it; it is empty for nobody.
  void must_be_of(const char* name, IndexId index, const UserId& user,
                  std::string (*prefix)(SpaceNumber, const UserId&)) {
    List joined = list(index);
    for (const UserId& id : state_.ids_of(user)) add_to(joined, prefix(space_, id));
    request_.all.push_back({name, std::move(joined)});
  }

  void add_people() {
    if (query_.participant) {
      must_be_of("participant", IndexId::conversation_by_participant, *query_.participant,
                 indexes::conversation_by_participant_prefix);
    }
    if (query_.owner) {
      must_be_of("owner", IndexId::conversation_by_owner, *query_.owner,
                 indexes::conversation_by_owner_prefix);
    }
    if (query_.persona) {
      must("persona", IndexId::conversation_by_persona,
           indexes::conversation_by_persona_prefix(space_, *query_.persona));
    }
  }

  /// Only what is not processed is listed.
  void add_processed() {
    if (!query_.is_processed) return;
    List unprocessed = list(IndexId::conversation_unprocessed);
    add_to(unprocessed, indexes::conversation_unprocessed_prefix(space_));
    auto& conditions = *query_.is_processed ? request_.none : request_.all;
    conditions.push_back({"is_processed", std::move(unprocessed)});
  }

  void add_flags() {
    if (query_.type) {
      must("type", IndexId::conversation_by_type,
           indexes::conversation_by_type_prefix(space_, *query_.type));
    }
    if (query_.is_saved) {
      must("is_saved", IndexId::conversation_by_saved,
           indexes::conversation_by_saved_prefix(space_, *query_.is_saved));
    }
    if (query_.is_archived) {
      must("is_archived", IndexId::conversation_by_archived,
           indexes::conversation_by_archived_prefix(space_, *query_.is_archived));
    }
    if (query_.is_ended) {
      must("is_ended", IndexId::conversation_by_ended,
           indexes::conversation_by_ended_prefix(space_, *query_.is_ended));
    }
  }

  /// Whether a condition drives whatever else there is: then nothing else is offered.
  bool is_driven() const {
    const auto is_ready = [&](const indexes::query::Condition& condition) {
      return state_.index_state(condition.list.index) == IndexState::ready;
    };
    return query_.order == ConversationOrder::created && !has_end(query_.activity) &&
           std::any_of(request_.all.begin(), request_.all.end(), is_ready);
  }

  void add_drivers() {
    if (is_driven()) return;
    request_.looks_rows_up =
        query_.order == ConversationOrder::activity || has_end(query_.activity);
    List created = list(IndexId::conversation_by_created);
    add_to(created, request_.everything);
    request_.drivers.push_back({has_end(query_.created) ? "created" : "", std::move(created),
                                static_cast<std::uint8_t>(ConversationOrder::created), true,
                                !has_end(query_.created)});
    const bool is_by_activity = query_.order == ConversationOrder::activity;
    if (!is_by_activity && !has_end(query_.activity)) return;
    List activity = list(IndexId::conversation_by_activity);
    std::string prefix = indexes::conversation_by_activity_prefix(space_);
    auto range = indexes::newest_first_range(prefix, micros(query_.activity.from),
                                             micros(query_.activity.to));
    activity.add(std::move(prefix), std::move(range));
    request_.drivers.push_back({has_end(query_.activity) ? "activity" : "", std::move(activity),
                                static_cast<std::uint8_t>(ConversationOrder::activity), false,
                                !has_end(query_.activity)});
  }

  const ConversationQuery& query_;
  const SpaceState& state_;
  const SpaceNumber space_;
  Request request_;
};

}  // namespace

Request conversation_request(const ConversationQuery& query, const SpaceState& state,
                             std::uint64_t limit) {
  Request request = Lists(query, state).request();
  request.limit = limit;
  return request;
}

std::string conversation_place(std::int64_t time, const ConversationId& id) {
  return std::move(schema::KeyWriter(std::string()).time_down(time).id_at(time, id)).take();
}

std::string page_cursor(std::uint64_t fingerprint, ConversationOrder order,
                        std::string_view place) {
  schema::KeyReader reader(place);
  schema::PageToken token;
  token.query = fingerprint;
  token.order = static_cast<std::uint8_t>(order);
  const std::int64_t time = reader.time_down();
  token.values.push_back(time);
  token.id = reader.id_at<ConversationId>(time).bytes();
  return schema::encode(token);
}

Result<std::string> place_after(std::string_view cursor, std::uint64_t fingerprint,
                                ConversationOrder order) {
  auto token = parse_cursor(cursor, fingerprint, static_cast<std::uint8_t>(order), 1);
  if (!token) return std::move(token).error();
  if (!*token) return std::string();
  return conversation_place((*token)->values.front(), ConversationId((*token)->id));
}

std::uint64_t fingerprint_of(const ConversationQuery& query, SpaceNumber space) {
  NormalForm form(space, "conversations");
  const auto id = [&](const auto& asked) {
    form.number(asked ? 1 : 0).text(asked ? asked->view() : std::string_view());
  };
  const auto flag = [&](const std::optional<bool>& asked) {
    form.number(asked ? (*asked ? 2 : 1) : 0);
  };
  id(query.participant);
  id(query.owner);
  id(query.persona);
  flag(query.is_processed);
  flag(query.is_saved);
  flag(query.is_archived);
  flag(query.is_ended);
  form.text(query.type ? std::optional(schema::nfc(*query.type)) : std::nullopt);
  form.range(query.created).range(query.activity);
  form.number(static_cast<std::int64_t>(query.order)).number(query.oldest_first ? 1 : 0);
  return form.fingerprint();
}

// ConversationFilter ----------------------------------------------------------------------------

ConversationFilter::ConversationFilter(const ConversationQuery& query, const SpaceState& state)
    : query_(query), state_(state) {
  if (query.type) type_ = schema::nfc(*query.type);
}

bool ConversationFilter::admits_created(std::int64_t created_at) const {
  return contains(query_.created, created_at);
}

bool ConversationFilter::admits_activity(std::int64_t activity_at) const {
  return contains(query_.activity, activity_at);
}

bool ConversationFilter::matches(const fb::Conversation& header,
                                 const schema::ConversationTail& tail) const {
  if (query_.is_processed && *query_.is_processed != tail.is_processed()) return false;
  if (!admits_created(tail.created_at) || !admits_activity(tail.activity_at())) return false;
  if (query_.is_saved && *query_.is_saved != header.is_saved()) return false;
  if (query_.is_archived && *query_.is_archived != header.is_archived()) return false;
  if (query_.is_ended && *query_.is_ended != header.ended_at().has_value()) return false;
  if (type_ && schema::nfc(schema::text(header.type())) != *type_) return false;
  return matches_people(header);
}

bool ConversationFilter::matches_people(const fb::Conversation& header) const {
  const auto stands_for = [&](const UserId& stored, const UserId& asked) {
    return is_named(state_.resolve(stored), asked);
  };
  if (query_.owner && !stands_for(schema::from_fb<UserId>(header.owner()), *query_.owner)) {
    return false;
  }
  if (query_.persona && !is_named(schema::from_fb<PersonaId>(header.persona()), *query_.persona)) {
    return false;
  }
  if (!query_.participant) return true;
  const auto* participants = header.participants();
  return participants != nullptr &&
         std::any_of(participants->begin(), participants->end(), [&](const auto* participant) {
           return stands_for(schema::from_fb<UserId>(&participant->user()), *query_.participant);
         });
}

}  // namespace callisto::detail
