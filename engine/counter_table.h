#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "callisto/result.h"
#include "engine/kv.h"

namespace callisto::kv {

class CommitSink;
class WriteSet;

/// A row that the commit writes to Family::system: a group's sums, by encode_counters().
struct CounterRow {
  std::string key;
  std::string value;
};

/// The sums of every counter group that was added to, as they are after the last commit; read from
/// the engine on first use. Sums are modulo 2^64. For the committer's leader: not thread-safe.
class CounterTable {
 public:
  /// Gets to know every group that `set` adds to. `corruption` when a stored row does not parse.
  Result<void> load(const WriteSet& set, CommitSink& sink);
  /// Follows one write set, in the order of the commits: adds its deltas, and takes over a group's
  /// row where the set puts or erases it directly (the deltas of the same set then come on top).
  /// The groups that it adds to are loaded.
  void apply(const WriteSet& set);
  /// The rows of the groups that changed since the last call.
  void take_rows(std::vector<CounterRow>& rows);
  /// Forgets everything: the stored rows are read again.
  void clear();

 private:
  struct Group {
    std::vector<std::pair<std::uint16_t, std::int64_t>> sums;  ///< Rising counters.
    bool changed = false;
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Groups = std::unordered_map<std::string, Group, Hash, std::equal_to<>>;

  Groups groups_;
  std::vector<Groups::value_type*> changed_;  ///< May hold groups that are not changed any more.
  bool damaged_ = false;  ///< A row that does not parse was written: all are read again.
};

}  // namespace callisto::kv
