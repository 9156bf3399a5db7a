#pragma once

// A random history that a child runs and its parent knows: operation `i` of a lane follows from the
// seed alone, so that an acknowledged number says what must be there.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "callisto/store.h"

namespace callisto::testing {

/// What the operations of one lane have made. Lanes share no record, so that they run beside each
/// other and each has one state.
struct LaneState {
  std::map<int, std::vector<std::string>> conversations;  ///< Contents by slot, oldest first.
  std::map<int, std::string> memories;                    ///< Values by slot.
  std::map<int, std::string> single_data;                 ///< Values by slot.
  std::vector<std::string> list_data;                     ///< Sorted.
  friend bool operator==(const LaneState&, const LaneState&) = default;
};

/// One operation; each is one call, so that it is there or not.
class Operation {
 public:
  Operation(std::uint64_t seed, int lane, std::uint64_t number);
  /// Runs it. An answer that its state explains (there was nothing to remove) is a success.
  Result<void> run(const Store& store) const;
  void apply(LaneState& state) const;

 private:
  enum class Kind {
    create,
    append,
    remove_conversation,
    store_large,
    put_memory,
    remove_memory,
    replace_datum,
    append_datum,
    remove_datum,
    append_and_put,
  };
  ConversationId conversation() const;
  std::vector<std::string> large_contents() const;
  Result<void> store_large(const Store& store) const;
  Result<void> append(const Repositories& at) const;
  Result<void> put(const Repositories& at) const;
  Result<void> run_data(const Store& store) const;

  int lane_;
  Kind kind_;
  int slot_;
  std::string content_;  ///< Tells the operation apart from all others of the lane.
};

/// Makes the user of a lane, if it is not there.
Result<void> make_lane(const Store& store, int lane);
/// What the store has of a lane; a failure ends the test.
LaneState read_lane(const Store& store, int lane);
/// For a failed comparison.
std::string describe(const LaneState& state);

}  // namespace callisto::testing
