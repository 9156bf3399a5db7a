#include "api/memory_request.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "indexes/index_keys.h"
#include "schema/text.h"

namespace callisto::detail {

namespace {

namespace query = indexes::query;
using indexes::KeyRange;
using query::List;
using query::Request;
using schema::IndexId;

/// More conversations than this that are being removed at once are told by the record.
constexpr std::size_t kMaxHiddenLists = 8;

/// Texts that are "" have no entries.
bool is_given(const std::optional<std::string>& text) { return text && !text->empty(); }

std::optional<std::int64_t> micros(const std::optional<Time>& time) {
  if (!time) return std::nullopt;
  return time->micros();
}

bool has_end(const TimeRange& range) { return range.from || range.to; }

/// Turns a query into lists.
class Lists {
 public:
  Lists(const MemoryQuery& query, const SpaceState& state, Time now,
        const std::optional<std::vector<std::string>>& entity_types)
      : query_(query),
        state_(state),
        now_(now),
        space_(state.space()),
        entity_types_(entity_types) {}

  Request request() && {
    request_.order = static_cast<std::uint8_t>(query_.order);
    request_.common_order = static_cast<std::uint8_t>(MemoryOrder::created);
    request_.everything = indexes::memory_by_created_prefix(space_);
    add_names();
    add_tags();
    add_owners();
    add_texts();
    add_hidden();
    add_drivers();
    add_entry_conditions();
    return std::move(request_);
  }

 private:
  /// A list ordered by creation, within the range that was asked for.
  void add_to(List& list, std::string prefix) const {
    auto range =
        indexes::newest_first_range(prefix, micros(query_.created.from), micros(query_.created.to));
    list.add(std::move(prefix), std::move(range));
  }
  List list(IndexId index, std::string prefix) const {
    List list;
    list.index = index;
    add_to(list, std::move(prefix));
    return list;
  }
  void must(const char* name, List list, bool is_on_entry = false) {
    request_.all.push_back({name, std::move(list), is_on_entry});
  }

  /// Ids under which the memories of the asked user are found; without one, those of users who are
  /// gone count too.
  std::vector<UserId> owners() const {
    if (query_.user) return state_.ids_of(*query_.user);
    std::vector<UserId> owners{UserId()};
    for (const auto& [gone, primary] : state_.aliases()) {
      if (primary.is_nil()) owners.push_back(gone);
    }
    return owners;
  }

  /// What few memories share: (user, category, key), key, entity, source.
  void add_names() {
    has_owner_ = query_.user || query_.without_user;
    is_named_ = is_given(query_.category) && is_given(query_.key) && has_owner_;
    if (is_named_) {
      List names;
      names.index = IndexId::memory_by_name;
      for (const UserId& owner : owners()) {
        add_to(names, indexes::memory_by_name_prefix(space_, owner, *query_.category, *query_.key));
      }
      must("key", std::move(names));
    } else if (is_given(query_.key)) {
      must("key", list(IndexId::memory_by_key, indexes::memory_by_key_prefix(space_, *query_.key)));
    }
    add_entity();
    if (query_.source) {
      must("source",
           list(IndexId::memory_by_source,
                indexes::memory_by_source_prefix(space_, query_.source->kind, query_.source->id)));
    }
  }

  void add_entity() {
    if (!is_given(query_.entity_id)) return;
    List entities;
    entities.index = IndexId::memory_by_entity;
    const auto add = [&](const std::string& type) {
      add_to(entities, indexes::memory_by_entity_prefix(space_, type, *query_.entity_id));
    };
    if (query_.entity_type) {  // without a type there is no id: an empty list
      if (is_given(query_.entity_type)) add(*query_.entity_type);
    } else if (entity_types_) {
      for (const std::string& type : *entity_types_) add(type);
    } else {
      request_.on_record.push_back("entity_id");
      return;
    }
    must("entity_id", std::move(entities));
  }

  void add_tags() {
    List all;
    for (const std::string& tag : query_.tags_all) {
      const std::size_t before = all.parts.size();
      add_to(all, indexes::memory_by_tag_prefix(space_, tag));
      if (all.parts.size() == before) continue;  // another spelling
      must("tags_all", list(IndexId::memory_by_tag, all.parts.back().prefix), true);
    }
    if (!query_.tags_any.empty()) {
      List any;
      any.index = IndexId::memory_by_tag;
      for (const std::string& tag : query_.tags_any) {
        add_to(any, indexes::memory_by_tag_prefix(space_, tag));
      }
      must("tags_any", std::move(any), true);
    }
    for (const std::string& tag : excluded_tags(query_)) {
      List none;
      none.index = IndexId::memory_by_tag;
      none.add(indexes::memory_by_tag_prefix(space_, tag));
      request_.none.push_back({"tags_none", std::move(none), true});
    }
  }

  void add_owners() {
    if (is_given(query_.task)) {
      must("task",
           list(IndexId::memory_by_task, indexes::memory_by_task_prefix(space_, *query_.task)));
    }
    if (query_.conversation) {
      must("conversation",
           list(IndexId::memory_by_conversation,
                indexes::memory_by_conversation_prefix(space_, *query_.conversation)));
    }
    if (is_named_) return;
    if (query_.user) {
      List users;
      users.index = IndexId::memory_by_user;
      for (const UserId& owner : owners()) {
        add_to(users, indexes::memory_by_user_prefix(space_, owner));
      }
      must("user", std::move(users));
    }
    if (query_.without_user && owners().size() > 1) request_.on_record.push_back("without_user");
  }

  /// What many memories share.
  void add_texts() {
    if (is_given(query_.entity_type) && !is_given(query_.entity_id)) {
      must("entity_type", list(IndexId::memory_by_entity_type,
                               indexes::memory_by_entity_type_prefix(space_, *query_.entity_type)));
    }
    if (is_given(query_.category) && !is_named_) {
      must("category", list(IndexId::memory_by_category,
                            indexes::memory_by_category_prefix(space_, *query_.category)));
    }
    if (is_given(query_.type)) {
      must("type",
           list(IndexId::memory_by_type, indexes::memory_by_type_prefix(space_, *query_.type)));
    }
    if (is_given(query_.source_agent)) {
      must("source_agent", list(IndexId::memory_by_agent,
                                indexes::memory_by_agent_prefix(space_, *query_.source_agent)));
    }
  }

  /// Memories of conversations that are being removed, or not stored yet.
  void add_hidden() {
    std::vector<ConversationId> hidden;
    for (const indexes::WorkItem& item : state_.work()) {
      if (item.op != indexes::WorkOp::purge_conversation &&
          item.op != indexes::WorkOp::stage_conversation) {
        continue;
      }
      UuidBytes bytes{};
      if (item.target.size() != bytes.size()) continue;
      std::copy(item.target.begin(), item.target.end(), bytes.begin());
      hidden.emplace_back(bytes);
    }
    if (hidden.size() > kMaxHiddenLists) {
      request_.on_record.push_back("unfinished work");
      return;
    }
    for (const ConversationId& conversation : hidden) {
      List none;
      none.index = IndexId::memory_by_conversation;
      none.add(indexes::memory_by_conversation_prefix(space_, conversation));
      request_.none.push_back({"unfinished work", std::move(none), false});
    }
  }

  /// `name`: the condition that bounds it, or "".
  void add_driver(const char* name, MemoryOrder order, IndexId index, std::string prefix,
                  KeyRange range) {
    List list;
    list.index = index;
    list.add(std::move(prefix), std::move(range));
    // Not every memory expires.
    const bool is_whole = *name == '\0' && order != MemoryOrder::expiry;
    request_.drivers.push_back({name, std::move(list), static_cast<std::uint8_t>(order),
                                order == MemoryOrder::created, is_whole});
  }

  /// Whether a condition drives whatever else there is: then nothing else is offered.
  bool is_driven() const {
    const auto is_ready = [&](const indexes::query::Condition& condition) {
      return state_.index_state(condition.list.index) == IndexState::ready;
    };
    return query_.order == MemoryOrder::created && !has_end(query_.updated) &&
           !has_end(query_.expires) && !query_.only_expired && !query_.min_priority &&
           !query_.max_priority && std::any_of(request_.all.begin(), request_.all.end(), is_ready);
  }

  void add_drivers() {
    if (is_driven()) return;
    std::string created = indexes::memory_by_created_prefix(space_);
    KeyRange all = indexes::newest_first_range(created, micros(query_.created.from),
                                               micros(query_.created.to));
    add_driver(has_end(query_.created) ? "created" : "", MemoryOrder::created,
               IndexId::memory_by_created, std::move(created), std::move(all));
    // What is not complete yet is stood in for by another index that has every memory.
    const bool needs_stand_in =
        !indexes::is_complete(state_.index_state(IndexId::memory_by_created));
    const bool has_priority = query_.min_priority || query_.max_priority;
    if (has_priority || query_.order == MemoryOrder::priority || needs_stand_in) add_by_priority();
    if (has_end(query_.updated) || query_.order == MemoryOrder::updated || needs_stand_in) {
      std::string prefix = indexes::memory_by_updated_prefix(space_);
      KeyRange range = indexes::newest_first_range(prefix, micros(query_.updated.from),
                                                   micros(query_.updated.to));
      add_driver(has_end(query_.updated) ? "updated" : "", MemoryOrder::updated,
                 IndexId::memory_by_updated, std::move(prefix), std::move(range));
    }
    if (has_end(query_.expires) || query_.only_expired || query_.order == MemoryOrder::expiry) {
      add_by_expiry();
    }
  }

  void add_by_priority() {
    std::string prefix = indexes::memory_by_priority_prefix(space_);
    KeyRange range = indexes::range_of(prefix);
    if (query_.max_priority) {
      range.lower = indexes::memory_by_priority_prefix(space_, *query_.max_priority);
    }
    if (query_.min_priority) {
      range.upper =
          schema::prefix_end(indexes::memory_by_priority_prefix(space_, *query_.min_priority));
    }
    const bool is_bounded = query_.max_priority || query_.min_priority;
    add_driver(is_bounded ? "priority" : "", MemoryOrder::priority, IndexId::memory_by_priority,
               std::move(prefix), std::move(range));
  }

  void add_by_expiry() {
    std::string prefix = indexes::memory_by_expiry_prefix(space_);
    std::optional<std::int64_t> from = micros(query_.expires.from);
    std::optional<std::int64_t> to = micros(query_.expires.to);
    if (now_.micros() < std::numeric_limits<std::int64_t>::max()) {
      const std::int64_t first_live = now_.micros() + 1;
      if (query_.only_expired) {
        to = std::min(to.value_or(first_live), first_live);
      } else if (!query_.include_expired) {
        from = std::max(from.value_or(first_live), first_live);
      }
    }
    KeyRange range = indexes::oldest_first_range(prefix, from, to);
    add_driver(has_end(query_.expires) ? "expires" : "", MemoryOrder::expiry,
               IndexId::memory_by_expiry, std::move(prefix), std::move(range));
  }

  /// For explain: what the entries' covers tell beside the lists.
  void add_entry_conditions() {
    const auto on_entry = [&](bool is_asked, const char* name) {
      if (is_asked) request_.on_entry.push_back(name);
    };
    on_entry(has_end(query_.updated), "updated");
    on_entry(has_end(query_.expires) || query_.order == MemoryOrder::expiry, "expires");
    on_entry(query_.min_priority || query_.max_priority, "priority");
    on_entry(query_.min_importance || query_.max_importance, "importance");
    on_entry(query_.only_expired || !query_.include_expired, "expired");
    on_entry(query_.only_inactive || !query_.include_inactive, "inactive");
    on_entry(query_.only_superseded || !query_.include_superseded, "superseded");
    on_entry(query_.without_user && !is_named_, "without_user");
  }

  const MemoryQuery& query_;
  const SpaceState& state_;
  const Time now_;
  const SpaceNumber space_;
  const std::optional<std::vector<std::string>>& entity_types_;
  Request request_;
  bool has_owner_ = false;
  bool is_named_ = false;
};

std::vector<std::string> folded(const std::vector<std::string>& tags) {
  std::vector<std::string> texts;
  texts.reserve(tags.size());
  for (const std::string& tag : tags) texts.push_back(schema::fold(tag));
  return texts;
}

std::optional<std::string> nfc_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return schema::nfc(*text);
}

/// How many values an order's cursor holds: priority has the time of creation beside it.
std::size_t values_of(MemoryOrder order) { return order == MemoryOrder::priority ? 2 : 1; }

}  // namespace

std::vector<std::string> excluded_tags(const MemoryQuery& query) {
  std::vector<std::string> tags;
  for (std::string& tag : folded(query.tags_none)) {
    if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(std::move(tag));
  }
  return tags;
}

bool lacks_entity_type(const MemoryQuery& query) noexcept {
  return is_given(query.entity_id) && !query.entity_type;
}

query::Request memory_request(const MemoryQuery& query, const SpaceState& state, Time now,
                              std::uint64_t limit,
                              const std::optional<std::vector<std::string>>& entity_types) {
  Request request = Lists(query, state, now, entity_types).request();
  request.limit = limit;
  return request;
}

bool is_reverse(MemoryOrder order, bool oldest_first) noexcept {
  // Expiry is the one index whose keys rise with its time.
  return order == MemoryOrder::expiry ? !oldest_first : oldest_first;
}

std::string place_bytes(const MemoryPlace& place, MemoryOrder order) {
  constexpr std::uint8_t kHighest = std::numeric_limits<std::uint8_t>::max();
  schema::KeyWriter bytes{std::string()};
  std::int64_t time = place.created_at;
  switch (order) {
    case MemoryOrder::updated:
      time = place.updated_at;
      bytes.time_down(time);
      break;
    case MemoryOrder::priority:
      bytes.u8(static_cast<std::uint8_t>(kHighest - place.priority)).time_down(time);
      break;
    case MemoryOrder::expiry:
      time = place.expires_at;
      bytes.time(time);
      break;
    case MemoryOrder::created:
      bytes.time_down(time);
      break;
  }
  return std::move(bytes.id_at(time, place.id)).take();
}

std::string page_cursor(std::uint64_t fingerprint, MemoryOrder order, std::string_view place) {
  constexpr int kHighest = std::numeric_limits<std::uint8_t>::max();
  schema::KeyReader reader(place);
  schema::PageToken token;
  token.query = fingerprint;
  token.order = static_cast<std::uint8_t>(order);
  if (order == MemoryOrder::priority) token.values.push_back(kHighest - reader.u8());
  const std::int64_t time = order == MemoryOrder::expiry ? reader.time() : reader.time_down();
  token.values.push_back(time);
  token.id = reader.id_at<MemoryId>(time).bytes();
  return schema::encode(token);
}

Result<std::string> place_after(std::string_view cursor, std::uint64_t fingerprint,
                                MemoryOrder order) {
  auto token =
      parse_cursor(cursor, fingerprint, static_cast<std::uint8_t>(order), values_of(order));
  if (!token) return std::move(token).error();
  if (!*token) return std::string();
  MemoryPlace place;
  place.priority = static_cast<std::uint8_t>((*token)->values.front());
  place.created_at = place.updated_at = place.expires_at = (*token)->values.back();
  place.id = MemoryId((*token)->id);
  return place_bytes(place, order);
}

std::uint64_t fingerprint_of(const MemoryQuery& query, SpaceNumber space) {
  const auto bits = [](const auto& number) {
    // Distinct for every value that passes the checks, and for none.
    return number ? static_cast<std::int64_t>(static_cast<double>(*number) * (1LL << 40)) + 1 : 0;
  };
  NormalForm form(space, "memories");
  form.text(nfc_of(query.category)).text(nfc_of(query.key));
  form.text(nfc_of(query.entity_type)).text(nfc_of(query.entity_id));
  form.texts(folded(query.tags_all)).texts(folded(query.tags_any)).texts(folded(query.tags_none));
  form.text(nfc_of(query.type)).text(nfc_of(query.source_agent)).text(nfc_of(query.task));
  form.number(query.source ? 1 : 0);
  if (query.source) {
    form.text(std::string_view(schema::nfc(query.source->kind)));
    form.text(std::string_view(schema::nfc(query.source->id)));
  }
  form.text(query.user ? query.user->view() : std::string_view());
  form.number(query.without_user ? 1 : 0);
  form.text(query.conversation ? query.conversation->view() : std::string_view());
  form.number(bits(query.min_priority)).number(bits(query.max_priority));
  form.number(bits(query.min_importance)).number(bits(query.max_importance));
  form.range(query.created).range(query.updated).range(query.expires);
  form.number(query.only_expired ? 2 : query.include_expired ? 1 : 0);
  form.number(query.only_inactive ? 2 : query.include_inactive ? 1 : 0);
  form.number(query.only_superseded ? 2 : query.include_superseded ? 1 : 0);
  form.number(static_cast<std::int64_t>(query.order)).number(query.oldest_first ? 1 : 0);
  return form.fingerprint();
}

}  // namespace callisto::detail
