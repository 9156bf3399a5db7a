#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/export.h"

namespace callisto {

/// Part of a list, and where it goes on.
template <class T>
struct Page {
  std::vector<T> items;
  /// Opaque; give it to the next call with the same query. "": nothing more. It outlives the store
  /// object, restarts, rebuilds of indexes and writes: the next page begins strictly after the last
  /// row's place in the order. A row that was there all the time and kept its place is in exactly
  /// one page. It holds no text of the record, but its id and the values that it is ordered by.
  std::string cursor;
};

/// How a condition of a query is decided.
enum class QueryUse : std::uint8_t {
  drives = 0,      ///< Its list is walked.
  intersects = 1,  ///< Its list is walked beside, each skipping to where the other stands.
  probes = 2,      ///< A lookup in its list, or in a copy of it, per row that is left.
  excludes = 3,    ///< A lookup in a list that must not have the row, or that is read beside.
  on_entry = 4,    ///< On what the driver's entry carries.
  on_record = 5,   ///< On the record, which is fetched for it.
};
CALLISTO_API std::string_view to_string(QueryUse use) noexcept;

/// One step of a plan.
struct QueryStep {
  std::string condition;  ///< Field of the query ("tags_all"); "" where an order's index drives.
  QueryUse use = QueryUse::drives;
  /// Whose list; "messages" where a conversation's messages themselves are walked, which lie in
  /// their order; "" where none is used.
  std::string index;
  std::optional<std::uint64_t> estimate;  ///< Entries in that list, as the planner guesses.
};

/// What a query did, and what the planner had guessed.
struct QueryPlan {
  /// In the order in which they decide; the first drives.
  std::vector<QueryStep> steps;
  /// True: the index gives the order, and reading ends with the limit. False: all that match are
  /// read, and the best `limit` are kept in a heap.
  bool is_ordered = false;
  /// The index that was walked first, in the order asked for, and given up when filling the page
  /// took longer than collecting what matches; the steps are those of the other way, which found
  /// what was missing. "": none.
  std::string given_up;
  std::uint64_t keys_read = 0;  ///< Index entries, those skipped to and looked up included.
  std::uint64_t records_fetched = 0;
  std::uint64_t rows_returned = 0;
};

}  // namespace callisto
