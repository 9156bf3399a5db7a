#pragma once

// The one place that prints records as JSON: the field names of the views in snake_case, ids as UUID
// text, times as RFC 3339 UTC with microseconds, JSON values inline; what is absent is left out.

#include <string>

#include "callisto/store.h"
#include "tools/json_line.h"

namespace callisto::tools {

/// What a line is for. `exported` has every field that an import restores, leads with "table" and,
/// outside the default space, "space"; `shown` adds what the store itself keeps (recorded_at, counts).
enum class LineForm : std::uint8_t { shown, exported };

struct LineContext {
  LineForm form = LineForm::shown;
  std::string space = "default";
};

std::string to_json(const User& user, const LineContext& context = {});
std::string to_json(const PlatformIdentifier& identity, const LineContext& context = {});
std::string to_json(const UserDatum& datum, const LineContext& context = {});
std::string to_json(const Conversation& conversation, const LineContext& context = {});
std::string to_json(const Message& message, const LineContext& context = {});
std::string to_json(const Memory& memory, const LineContext& context = {});
/// {"steps":[...],"is_ordered":...,"given_up":INDEX,"keys_read":...,"records_fetched":...,"rows_returned":...}
std::string to_json(const QueryPlan& plan);

std::string_view to_string(MessageState state) noexcept;
std::string_view to_string(CategoryKind kind) noexcept;

}  // namespace callisto::tools
