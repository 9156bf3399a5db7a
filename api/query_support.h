#pragma once

// What queries of every record kind share above the core (indexes/query/): cursors as text, normal
// forms, limits, explanations.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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

}  // namespace callisto::detail
