#pragma once

// What `dump --follow` stands on: waiting until somebody ends it, and what is new between two
// states.

#include <functional>
#include <string_view>

#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "indexes/space_state.h"

namespace callisto::tools {

/// While it lives, SIGINT and SIGTERM end the waiting instead of the process. One at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// A signal came.
  static bool came() noexcept;
  /// Waits that long; true, at once, when a signal came or nobody reads standard output any more.
  bool wait(int milliseconds) const;
};

/// A row of one state.
struct StateRow {
  std::string_view key;
  std::string_view value;
};

/// Whether a row is the same for readers: what a rewriting in the background has changed is no
/// news, as the record's version says. `table` null: rows that are no records, alike when equal.
bool is_same_row(const indexes::TableDefinition* table, const StateRow& old, const StateRow& row);
/// Whether unfinished work says that a record is not there: removed already, or not yet stored.
bool is_hidden(const indexes::SpaceState& state, const indexes::TableDefinition* table,
               const StateRow& row);

/// Calls `each` with the rows of `now` that `before` has not, or has and `is_same` does not take
/// for the same; in key order, until it returns false. Both cursors go over one range, forward.
/// Reads the whole range in both states, and holds one row of each.
Result<void> for_each_new(
    kv::Cursor& before, kv::Cursor& now,
    const std::function<bool(const StateRow& old, const StateRow& row)>& is_same,
    const std::function<Result<bool>(const StateRow& row)>& each);

}  // namespace callisto::tools
