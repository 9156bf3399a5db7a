#pragma once

// What queries of every record kind share above the core (indexes/query/): cursors as text, normal
// forms, limits, explanations.

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/core.h"
#include "callisto/query.h"
#include "callisto/time.h"
#include "indexes/query/plan.h"
#include "indexes/query/run.h"
#include "schema/page_token.h"

namespace callisto::detail {

/// What a list names where the records themselves drive: no index, and always ready.
inline constexpr schema::IndexId kRecords{};

/// Entries that a query reads at most where the caller says 0.
inline constexpr std::uint64_t kMaxScannedEntries = 1'000'000;

/// What a query asks, spelled in one way; what is equal asks the same. Add every field, in one
/// order, set or not.
class NormalForm {
 public:
  NormalForm(SpaceNumber space, std::string_view kind);
  /// As it compares: the caller applies NFC or folding.
  NormalForm& text(std::string_view text);
  NormalForm& text(const std::optional<std::string>& text);
  /// A set: sorted, each once.
  NormalForm& texts(std::vector<std::string> texts);
  NormalForm& number(std::int64_t number);
  NormalForm& range(const TimeRange& range);
  std::uint64_t fingerprint() const noexcept { return schema::query_fingerprint(form_); }

 private:
  std::string form_;
};

/// The token in a cursor; nullopt for "". invalid_argument (cursor) when it is not one of a query
/// with this fingerprint and order, or has not `values` values.
Result<std::optional<schema::PageToken>> parse_cursor(std::string_view cursor,
                                                      std::uint64_t fingerprint, std::uint8_t order,
                                                      std::size_t values);

/// Counts against the query's max_scanned and the call's own limits.
indexes::query::Meter meter_for(ReadContext& context, std::uint64_t max_scanned);
/// make_plan() with what the context says about indexes and sizes. index_not_ready.
Result<indexes::query::Plan> plan_for(ReadContext& context, indexes::query::Request request);
/// The same, with estimates of the caller's.
Result<indexes::query::Plan> plan_for(ReadContext& context, indexes::query::Request request,
                                      const indexes::CardinalitySource& source);
/// As the catalogue has it: for plans and reports of damage.
std::string_view index_name(schema::IndexId index);
QueryPlan explanation_of(const indexes::query::Plan& plan, const indexes::query::Meter& meter,
                         std::uint64_t rows);

/// How many rows match, with the callbacks of run_plans().
template <class MakePlan, class MakeJudge>
Result<std::uint64_t> count_by_plan(ReadContext& context, indexes::query::Meter& meter,
                                    MakePlan&& make_plan, MakeJudge&& make_judge) {
  auto plan = make_plan(false);
  if (!plan) return std::move(plan).error();
  auto judge = make_judge(*plan);
  return indexes::query::Run(context.reader(), *plan, judge, meter).count();
}

/// Runs a query to its `rows` in their order, and the place at which the page ends where there are
/// more (`end`). Where its plan gives a walk up, the plan that is sure goes on behind what was
/// found until then. `make_plan(is_sure)` gives the Result<Plan>, `make_judge(plan)` the judge,
/// whose take_rows() are rows; `explained` is told of the plan that came to the end.
template <class Answer, class MakePlan, class MakeJudge>
Result<Answer> run_plans(ReadContext& context, indexes::query::Meter& meter,
                         indexes::query::PageLimits limits, MakePlan&& make_plan,
                         MakeJudge&& make_judge, QueryPlan* explained) {
  Answer answer;
  std::string given_up;
  for (bool is_sure = false;; is_sure = true) {
    auto plan = make_plan(is_sure);
    if (!plan) return std::move(plan).error();
    auto judge = make_judge(*plan);
    auto end = indexes::query::Run(context.reader(), *plan, judge, meter).find(limits);
    if (!end) return std::move(end).error();
    auto rows = std::move(judge).take_rows();
    limits.limit -= rows.size();
    if (answer.rows.empty()) {
      answer.rows = std::move(rows);
    } else {
      std::move(rows.begin(), rows.end(), std::back_inserter(answer.rows));
    }
    if (!end->last.empty()) limits.after = std::move(end->last);
    if (end->gave_up) {
      given_up = index_name(plan->driver.index);
      continue;
    }
    if (end->has_more) answer.end = std::move(limits.after);
    if (explained != nullptr) *explained = explanation_of(*plan, meter, answer.rows.size());
    if (explained != nullptr) explained->given_up = std::move(given_up);
    return answer;
  }
}

}  // namespace callisto::detail
