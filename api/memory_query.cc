#include <span>
#include <utility>

#include "api/check.h"
#include "api/memory_filter.h"
#include "api/memory_request.h"
#include "api/memory_rows.h"
#include "api/rows.h"
#include "callisto/memory.h"

namespace callisto {

namespace detail {

namespace {

Result<void> check_optional(const std::optional<std::string>& text, const char* field,
                            std::size_t max) {
  if (!text) return {};
  return schema::check_text(*text, field, max);
}

Result<void> check_tags(const std::vector<std::string>& tags, const char* field) {
  if (tags.size() > kMaxTags) {
    return Error(Code::invalid_argument, field, "at most " + std::to_string(kMaxTags));
  }
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (auto done = schema::check_text(tags[i], "", kMaxTag, 1); !done) {
      return done.error().in(std::string(field) + "[" + std::to_string(i) + "]");
    }
  }
  return {};
}

Result<void> check_query_texts(const MemoryQuery& query) {
  CALLISTO_TRY(check_optional(query.category, "category", kMaxCategory));
  CALLISTO_TRY(check_optional(query.key, "key", kMaxKey));
  CALLISTO_TRY(check_optional(query.entity_type, "entity_type", kMaxEntityType));
  CALLISTO_TRY(check_optional(query.entity_id, "entity_id", kMaxEntityId));
  CALLISTO_TRY(check_optional(query.type, "type", kMaxType));
  CALLISTO_TRY(check_optional(query.source_agent, "source_agent", kMaxAgent));
  CALLISTO_TRY(check_optional(query.task, "task", kMaxTask));
  CALLISTO_TRY(check_tags(query.tags_all, "tags_all"));
  CALLISTO_TRY(check_tags(query.tags_any, "tags_any"));
  CALLISTO_TRY(check_tags(query.tags_none, "tags_none"));
  if (!query.source) return {};
  CALLISTO_TRY(schema::check_text(query.source->kind, "source.kind", kMaxSourceKind, 1));
  return schema::check_text(query.source->id, "source.id", kMaxSourceId, 1);
}

Result<void> check_query_numbers(const MemoryQuery& query) {
  if (query.min_priority) CALLISTO_TRY(check_priority(*query.min_priority, "min_priority"));
  if (query.max_priority) CALLISTO_TRY(check_priority(*query.max_priority, "max_priority"));
  if (query.min_importance) CALLISTO_TRY(check_importance(*query.min_importance, "min_importance"));
  if (query.max_importance) CALLISTO_TRY(check_importance(*query.max_importance, "max_importance"));
  if (query.min_priority && query.max_priority && *query.min_priority > *query.max_priority) {
    return Error(Code::invalid_argument, "min_priority", "not above max_priority");
  }
  if (query.min_importance && query.max_importance &&
      *query.min_importance > *query.max_importance) {
    return Error(Code::invalid_argument, "min_importance", "not above max_importance");
  }
  CALLISTO_TRY(check_range(query.created, "created"));
  CALLISTO_TRY(check_range(query.updated, "updated"));
  CALLISTO_TRY(check_range(query.expires, "expires"));
  if (query.order > MemoryOrder::expiry) {
    return Error(Code::invalid_argument, "order", "created, updated, priority or expiry");
  }
  return {};
}

/// The first row that a query with a limit of one finds.
Result<std::optional<Memory>> find_one(const Scope& scope, const MemoryQuery& query) {
  using Found = std::optional<Memory>;
  return read<Found>(scope, [&](ReadContext& context) -> Result<Found> {
    auto rows = find_rows(context, query, 1);
    if (!rows) return std::move(rows).error();
    if (rows->empty()) return Found();
    return Found(ViewAccess::memory(rows->front(), context.state()));
  });
}

std::vector<Memory> views_of(std::vector<Bytes>&& rows, const SpaceState& state) {
  std::vector<Memory> views;
  views.reserve(rows.size());
  for (Bytes& row : rows) views.push_back(ViewAccess::memory(std::move(row), state));
  return views;
}

}  // namespace

Result<void> check_conditions(const MemoryQuery& query) {
  CALLISTO_TRY(check_query_texts(query));
  CALLISTO_TRY(check_query_numbers(query));
  if (query.user && query.user->is_nil()) {
    return Error(Code::invalid_argument, "user", "not nil; without_user asks for memories of none");
  }
  if (query.user && query.without_user) {
    return Error(Code::invalid_argument, "without_user", "not together with user");
  }
  return {};
}

Result<std::uint32_t> check_query(const MemoryQuery& query) {
  CALLISTO_TRY(check_conditions(query));
  return check_limit(query.limit);
}

}  // namespace detail

Result<std::optional<Memory>> Memories::get(MemoryId id) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_get);
  using Found = std::optional<Memory>;
  return detail::read<Found>(*scope_, [&](detail::ReadContext& context) -> Result<Found> {
    const std::string key = schema::memory_key(context.space(), id);
    auto row = detail::fetch<schema::fb::Memory>(context.reader(), key);
    if (!row) return std::move(row).error();
    if (!*row || detail::is_hidden(context.state(), *schema::root<schema::fb::Memory>(**row))) {
      return Found();
    }
    return Found(detail::ViewAccess::memory(**row, context.state()));
  });
}

Result<std::optional<Memory>> Memories::by_name(std::string_view category, std::string_view key,
                                                UserId user) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_by_name);
  CALLISTO_TRY(schema::check_text(category, "category", detail::kMaxCategory, 1));
  CALLISTO_TRY(schema::check_text(key, "key", detail::kMaxKey, 1));
  MemoryQuery query;
  query.category = category;
  query.key = key;
  if (user) query.user = user;
  query.without_user = user.is_nil();
  using Found = std::optional<Memory>;
  return detail::read<Found>(*scope_, [&](detail::ReadContext& context) -> Result<Found> {
    auto row = detail::newest_of_name(context, query);
    if (!row) return std::move(row).error();
    if (!*row) return Found();
    return Found(detail::ViewAccess::memory(std::move(**row), context.state()));
  });
}

Result<std::optional<Memory>> Memories::by_key(std::string_view key) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_by_key);
  CALLISTO_TRY(schema::check_text(key, "key", detail::kMaxKey, 1));
  MemoryQuery query;
  query.key = key;
  return detail::find_one(*scope_, query);
}

Result<std::vector<Memory>> Memories::find(const MemoryQuery& query) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_find);
  const auto limit = detail::check_query(query);
  if (!limit) return limit.error();
  using Found = std::vector<Memory>;
  return detail::read<Found>(*scope_, [&](detail::ReadContext& context) -> Result<Found> {
    auto rows = detail::find_rows(context, query, *limit);
    if (!rows) return std::move(rows).error();
    return detail::views_of(std::move(*rows), context.state());
  });
}

Result<Page<Memory>> Memories::find_page(const MemoryQuery& query, std::string_view cursor) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_find_page);
  const auto limit = detail::check_query(query);
  if (!limit) return limit.error();
  using Found = Page<Memory>;
  return detail::read<Found>(*scope_, [&](detail::ReadContext& context) -> Result<Found> {
    const std::uint64_t fingerprint = detail::fingerprint_of(query, context.space());
    auto after = detail::place_after(cursor, fingerprint, query.order);
    if (!after) return std::move(after).error();
    auto rows = detail::run_query(context, query, {*limit, std::move(*after), true});
    if (!rows) return std::move(rows).error();
    Found page;
    page.items = detail::views_of(std::move(rows->rows), context.state());
    if (!rows->end.empty()) page.cursor = detail::page_cursor(fingerprint, query.order, rows->end);
    return page;
  });
}

Result<std::uint64_t> Memories::count(const MemoryQuery& query) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_count);
  CALLISTO_TRY(detail::check_conditions(query));
  return detail::read<std::uint64_t>(
      *scope_, [&](detail::ReadContext& context) { return detail::count_rows(context, query); });
}

Result<QueryPlan> Memories::explain(const MemoryQuery& query) const {
  const detail::TimedCall timed(*scope_, detail::CallId::memories_explain);
  const auto limit = detail::check_query(query);
  if (!limit) return limit.error();
  return detail::read<QueryPlan>(*scope_, [&](detail::ReadContext& context) -> Result<QueryPlan> {
    QueryPlan plan;
    auto rows = detail::run_query(context, query, {*limit, {}, false}, &plan);
    if (!rows) return std::move(rows).error();
    return plan;
  });
}

}  // namespace callisto
