#pragma once

// A checker of histories in which every write appends a value of its own to a list (Elle's
// list-append, arxiv 2003.10554). A read of a list shows who wrote before whom, so the order of the
// transactions can be worked out from what they were told, and a cycle in it is an anomaly.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace callisto::testing::list_append {

using Value = std::uint64_t;
using List = std::vector<Value>;

struct Operation {
  enum class Kind : std::uint8_t { append, read } kind = Kind::read;
  unsigned key = 0;
  Value value = 0;  ///< Of an append.
  List seen{};      ///< Of a read.
};

struct Transaction {
  /// Who ran it; the transactions of one client follow each other in time.
  unsigned client = 0;
  bool is_committed = true;
  std::vector<Operation> operations{};
};

/// One sentence for each anomaly; empty when the history is serializable, in an order that keeps
/// that of each client. `last` is what every list held when all was over.
std::vector<std::string> find_anomalies(const std::vector<Transaction>& history,
                                        const std::map<unsigned, List>& last);

}  // namespace callisto::testing::list_append
