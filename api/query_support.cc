#include "api/query_support.h"

#include <algorithm>
#include <utility>

#include "api/conversation_rows.h"
#include "indexes/cardinality_sketch.h"
#include "indexes/catalogue.h"

namespace callisto {

std::string_view to_string(QueryUse use) noexcept {
  return indexes::query::to_string(static_cast<indexes::query::Use>(use));
}

namespace detail {

namespace query = indexes::query;

std::string_view index_name(schema::IndexId id) {
  if (id == kRecords) return "messages";  // the one table whose records drive
  for (const indexes::TableDefinition& table : indexes::standard_catalogue().tables) {
    for (const indexes::IndexDefinition& index : table.indexes) {
      if (index.id == id) return index.name;
    }
  }
  return "index entries";
}

NormalForm::NormalForm(SpaceNumber space, std::string_view kind) { number(space).text(kind); }

NormalForm& NormalForm::text(std::string_view text) {
  number(static_cast<std::int64_t>(text.size()));
  form_.append(text);
  return *this;
}

NormalForm& NormalForm::text(const std::optional<std::string>& text) {
  number(text ? 1 : 0);
  return text ? this->text(std::string_view(*text)) : *this;
}

NormalForm& NormalForm::texts(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  number(static_cast<std::int64_t>(texts.size()));
  for (const std::string& text : texts) this->text(std::string_view(text));
  return *this;
}

NormalForm& NormalForm::number(std::int64_t number) {
  form_ = std::move(schema::KeyWriter(std::move(form_)).time(number)).take();
  return *this;
}

NormalForm& NormalForm::range(const TimeRange& range) {
  for (const std::optional<Time>& end : {range.from, range.to}) {
    number(end ? 1 : 0);
    if (end) number(end->micros());
  }
  return *this;
}

Result<std::optional<schema::PageToken>> parse_cursor(std::string_view cursor,
                                                      std::uint64_t fingerprint, std::uint8_t order,
                                                      std::size_t values) {
  if (cursor.empty()) return std::optional<schema::PageToken>();
  auto token = schema::decode_page_token(cursor);
  if (!token) return Error(Code::invalid_argument, "cursor", "one that a page gave, whole");
  if (token->query != fingerprint || token->order != order || token->values.size() != values) {
    return Error(Code::invalid_argument, "cursor", "one that a page of the same query gave");
  }
  return token;
}

query::Meter meter_for(ReadContext& /*context*/, std::uint64_t max_scanned) {
  // The one place where a call's deadline and cancellation reach the loops over entries.
  return query::Meter(max_scanned == 0 ? kMaxScannedEntries : max_scanned, nullptr);
}

namespace {

/// Lists of an index that is not ready become those of the version that can be read instead of it.
void read_versions(const ReadContext& context, query::Request& request) {
  const auto read = [&](query::List& list) {
    if (list.index == kRecords || list.family != kv::Family::indexes) return;
    const auto version = readable_version(context, list.index);
    if (!version || *version == list.index) return;
    list.index = *version;
    for (query::List::Part& part : list.parts) {
      part.prefix = indexes::in_version(std::move(part.prefix), *version);
      part.range = indexes::in_version(std::move(part.range), *version);
    }
  };
  for (auto* conditions : {&request.all, &request.none}) {
    for (query::Condition& condition : *conditions) read(condition.list);
  }
  for (query::Driver& driver : request.drivers) read(driver.list);
}

}  // namespace

Result<query::Plan> plan_for(ReadContext& context, query::Request request) {
  StoreCore& core = context.core();
  const indexes::SpaceCardinality source(core.cardinality(), core.engine(),
                                         core.maintainer().catalogue(), context.space());
  return plan_for(context, std::move(request), source);
}

Result<query::Plan> plan_for(ReadContext& context, query::Request request,
                             const indexes::CardinalitySource& source) {
  const SpaceState& state = context.state();
  read_versions(context, request);
  const auto is_ready = [&](schema::IndexId index) {
    return index == kRecords || indexes::is_complete(state.index_state(index));
  };
  auto plan = query::make_plan(std::move(request), source, is_ready);
  if (!plan) return index_not_ready();
  return std::move(*plan);
}

QueryPlan explanation_of(const query::Plan& plan, const query::Meter& meter, std::uint64_t rows) {
  QueryPlan explanation;
  for (const query::Step& step : plan.steps) {
    explanation.steps.push_back({step.condition, static_cast<QueryUse>(step.use),
                                 step.index ? std::string(index_name(*step.index)) : std::string(),
                                 step.estimate});
  }
  explanation.is_ordered = plan.is_ordered;
  explanation.keys_read = meter.keys_read();
  explanation.records_fetched = meter.records_fetched();
  explanation.rows_returned = rows;
  return explanation;
}

}  // namespace detail

}  // namespace callisto
