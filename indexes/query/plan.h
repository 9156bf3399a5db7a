#pragma once

// Which list drives a query, and what else is asked where. Knows nothing of record kinds: what a
// query asks comes as lists.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "indexes/cardinality.h"
#include "indexes/query/list.h"
#include "schema/ids.h"

namespace callisto::indexes::query {

/// What must hold and has a list, with the positions that the record kind's lists share.
struct Condition {
  const char* name = "";  ///< The field of the query: "tags_all".
  List list;
  /// An entry's value tells already that a row is out, though not for sure that it is in.
  bool is_on_entry = false;
};

/// A list that can drive without being a condition's: by creation, by update, by priority. It holds
/// every row that the query can match.
struct Driver {
  const char* name = "";  ///< The field of the query that bounds it, or "".
  List list;
  std::uint8_t order = 0;  ///< The order that its positions give; of the kind's numbering.
  /// Whether its positions are those of the conditions' lists: then it is intersected by seeking.
  bool is_common = false;
  /// It has every row of the kind: then its estimate is that of all.
  bool is_whole = false;
};

/// A query as the planner sees it.
struct Request {
  /// The narrower by rule first: that decides between equal estimates.
  std::vector<Condition> all;
  std::vector<Condition> none;
  std::vector<Driver> drivers;
  std::uint8_t order = 0;         ///< Asked for.
  std::uint8_t common_order = 0;  ///< What the conditions' positions give.
  std::uint64_t limit = 100;      ///< Rows wanted; 0 for a count, which wants all.
  /// Conditions that have no list: decided by the driver's entry, or only by the record. Names.
  std::vector<const char*> on_entry;
  std::vector<const char*> on_record;
  /// Where the driver has the conditions' positions, deciding a row costs a lookup beside its entry
  /// (a conversation's tail), or about as much (a message that is read whole).
  bool looks_rows_up = false;
  /// Chooses by what a way costs at most: no walk in order is hoped to end before its list does.
  bool is_sure = false;
  /// All rows of the kind, for selectivities.
  std::string everything;        ///< Prefix of the index by creation.
  bool wants_estimates = false;  ///< For explain: also where nothing hangs on them.
};

/// How a condition is decided.
enum class Use : std::uint8_t {
  drives = 0,
  intersects = 1,  ///< By seeking in its list.
  probes = 2,      ///< By a lookup in its list: see ListProbe.
  excludes = 3,    ///< By a lookup in a list that must not have the row: see ListProbe.
  on_entry = 4,    ///< On the value of the driver's entry.
  on_record = 5,
};

struct Step {
  const char* condition = "";
  Use use = Use::drives;
  std::optional<schema::IndexId> index;
  std::optional<std::uint64_t> estimate;  ///< Entries in its list.
};

/// A list that is asked for one position after the other: it must have the row too, or must not.
struct Probed {
  List list;
  std::optional<std::uint64_t> entries;  ///< As estimated.
  bool is_in_order = false;              ///< The driver's positions come in the list's order.
};

struct Plan {
  List driver;
  bool is_ordered = false;  ///< The driver gives the order that was asked for.
  /// Keys for which another way finds all: this one was chosen in the hope that its walk ends long
  /// before its list does. Where it does not, it is given up, and the rest found by the plan of the
  /// same request with `is_sure`.
  std::optional<std::uint64_t> sure_keys;
  std::vector<List> all;    ///< Intersected with the driver.
  std::vector<List> skips;  ///< Intersected where the entry does not tell: see Intersection.
  std::vector<Probed> probed;
  std::vector<Probed> none;  ///< Must not have the row.
  /// What is in `none`, by its place in the request.
  std::vector<std::size_t> none_places;
  /// Rows are decided by their records: not by entries and lists alone.
  bool needs_records = false;
  /// Entries tell of some conditions, by hashes that can meet: a row that nobody fetches, to say
  /// that there is one more, is decided by its record all the same.
  bool is_told_by_hashes = false;
  std::vector<Step> steps;  ///< The driver first.
};

/// nullopt when no index that is ready can drive.
std::optional<Plan> make_plan(Request request, const CardinalitySource& source,
                              const std::function<bool(schema::IndexId)>& is_ready);

/// "drives", "intersects", ...
const char* to_string(Use use) noexcept;

}  // namespace callisto::indexes::query
