#include "tests/threads/list_append.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace callisto::testing::list_append {

namespace {

/// Why one transaction comes before another.
enum class Edge : std::uint8_t { write_write, write_read, read_write, client };

const char* name_of(Edge edge) {
  switch (edge) {
    case Edge::write_write:
      return "ww";
    case Edge::write_read:
      return "wr";
    case Edge::read_write:
      return "rw";
    case Edge::client:
      return "client";
  }
  return "";
}

class Checker {
 public:
  Checker(const std::vector<Transaction>& history, const std::map<unsigned, List>& last)
      : history_(history), last_(last), next_(history.size()) {}

  std::vector<std::string> run() {
    collect_writers();
    for (const auto& [key, list] : last_) check_last(key, list);
    for (std::size_t i = 0; i < history_.size(); ++i) check_reads(i);
    // Edges are worked out from the order of the lists: without it they say nothing.
    if (anomalies_.empty()) {
      add_edges();
      find_cycle();
    }
    return anomalies_;
  }

 private:
  struct Writer {
    std::size_t transaction = 0;
    bool is_last_of_its_key = false;
  };

  void note(const std::string& what) { anomalies_.push_back(what); }
  static std::string at(std::size_t transaction) { return "T" + std::to_string(transaction); }

  void collect_writers() {
    for (std::size_t i = 0; i < history_.size(); ++i) {
      std::map<unsigned, Value> latest;
      for (const Operation& operation : history_[i].operations) {
        if (operation.kind != Operation::Kind::append) continue;
        writers_[operation.value] = {i, false};
        latest[operation.key] = operation.value;
        keys_[operation.value] = operation.key;
      }
      for (const auto& [key, value] : latest) writers_[value].is_last_of_its_key = true;
    }
  }

  /// Every committed value is there once, at its key, and nothing else is.
  void check_last(unsigned key, const List& list) {
    std::set<Value> there;
    for (const Value value : list) {
      const auto writer = writers_.find(value);
      if (!there.insert(value).second) note("value " + std::to_string(value) + " is there twice");
      if (writer == writers_.end() || keys_[value] != key) {
        note("value " + std::to_string(value) + " was never written there");
      } else if (!history_[writer->second.transaction].is_committed) {
        note("value " + std::to_string(value) + " of an aborted transaction is there");
      }
    }
    for (const auto& [value, writer] : writers_) {
      if (keys_[value] != key || !history_[writer.transaction].is_committed) continue;
      if (there.count(value) == 0) note("lost update: value " + std::to_string(value));
    }
  }

  void check_reads(std::size_t i) {
    if (!history_[i].is_committed) return;
    std::map<unsigned, List> own;
    std::map<unsigned, List> seen;
    for (const Operation& operation : history_[i].operations) {
      List& mine = own[operation.key];
      if (operation.kind == Operation::Kind::append) {
        mine.push_back(operation.value);
        continue;
      }
      const List& list = operation.seen;
      if (list.size() < mine.size() || !std::equal(mine.rbegin(), mine.rend(), list.rbegin())) {
        note(at(i) + " does not see what it has appended");
        continue;
      }
      const List outer(list.begin(), list.end() - static_cast<std::ptrdiff_t>(mine.size()));
      const auto first = seen.emplace(operation.key, outer);
      if (!first.second && first.first->second != outer) note(at(i) + " reads a key in two states");
      check_outer(i, operation.key, outer);
    }
  }

  /// What is read of others is a prefix of the list, and of no transaction only a part.
  void check_outer(std::size_t i, unsigned key, const List& outer) {
    const List& list = last_.at(key);
    const std::string what = at(i) + " reads of key " + std::to_string(key) + " ";
    if (outer.size() > list.size() || !std::equal(outer.begin(), outer.end(), list.begin())) {
      note(what + "what is no prefix of the list");
      return;
    }
    if (outer.empty()) return;
    const Writer& writer = writers_.at(outer.back());
    if (!writer.is_last_of_its_key && writer.transaction != i) note(what + "half of a commit");
  }

  void add(std::size_t from, std::size_t to, Edge edge) {
    if (from != to) next_[from].emplace(to, edge);
  }

  void add_edges() {
    for (const auto& [key, list] : last_) {
      for (std::size_t i = 1; i < list.size(); ++i) {
        add(writers_.at(list[i - 1]).transaction, writers_.at(list[i]).transaction,
            Edge::write_write);
      }
    }
    std::map<unsigned, std::size_t> before;
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if (!history_[i].is_committed) continue;
      const auto [place, is_first] = before.emplace(history_[i].client, i);
      if (!is_first) add(std::exchange(place->second, i), i, Edge::client);
      for (const Operation& operation : history_[i].operations) {
        if (operation.kind == Operation::Kind::read) add_read(i, operation);
      }
    }
  }

  void add_read(std::size_t i, const Operation& read) {
    const List& list = last_.at(read.key);
    std::size_t length = read.seen.size();
    while (length > 0 && writers_.at(read.seen[length - 1]).transaction == i) --length;
    if (length > 0) add(writers_.at(list[length - 1]).transaction, i, Edge::write_read);
    if (length < list.size()) add(i, writers_.at(list[length]).transaction, Edge::read_write);
  }

  /// Depth first, without recursion: a step back to what is on the way is a cycle.
  void find_cycle() {
    enum class Colour : std::uint8_t { white, grey, black };
    std::vector<Colour> colours(history_.size(), Colour::white);
    using Place = std::pair<std::size_t, std::map<std::size_t, Edge>::const_iterator>;
    for (std::size_t start = 0; start < history_.size(); ++start) {
      if (colours[start] != Colour::white) continue;
      std::vector<Place> way{{start, next_[start].begin()}};
      colours[start] = Colour::grey;
      while (!way.empty()) {
        auto& [from, edge] = way.back();
        if (edge == next_[from].end()) {
          colours[from] = Colour::black;
          way.pop_back();
          continue;
        }
        const std::size_t to = edge->first;
        ++edge;
        if (colours[to] == Colour::grey) {
          std::vector<std::size_t> nodes;
          for (const Place& place : way) nodes.push_back(place.first);
          note(describe(nodes, to));
          return;
        }
        if (colours[to] != Colour::white) continue;
        colours[to] = Colour::grey;
        way.emplace_back(to, next_[to].begin());
      }
    }
  }

  std::string describe(const std::vector<std::size_t>& way, std::size_t to) const {
    auto node = std::find(way.begin(), way.end(), to);
    std::string text = "cycle: " + at(*node);
    for (; node != way.end(); ++node) {
      const std::size_t after = node + 1 == way.end() ? to : *(node + 1);
      text += std::string(" -") + name_of(next_[*node].at(after)) + "-> " + at(after);
    }
    return text;
  }

  const std::vector<Transaction>& history_;
  const std::map<unsigned, List>& last_;
  std::map<Value, Writer> writers_;
  std::map<Value, unsigned> keys_;
  std::vector<std::map<std::size_t, Edge>> next_;
  std::vector<std::string> anomalies_;
};

}  // namespace

std::vector<std::string> find_anomalies(const std::vector<Transaction>& history,
                                        const std::map<unsigned, List>& last) {
  return Checker(history, last).run();
}

}  // namespace callisto::testing::list_append
