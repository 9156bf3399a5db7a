#pragma once

// The workloads under the ids of MEASURED.md: which operations each one is made of.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine.h"

namespace callisto::bench {

/// What is read or changed: anything alike, or recent things (the rank by recency is zipfian with
/// exponent 0.99, as an assistant reads); of tags and the like, which have no age, any alike, or
/// the frequent ones (zipfian by the rank of frequency).
enum class Pattern : std::uint8_t { uniform, recent };
std::string_view to_string(Pattern pattern) noexcept;

/// Picks items of a kind by a pattern, and never the same new item twice.
class Chooser {
 public:
  explicit Chooser(const Data& data);

  const Data& data() const noexcept { return data_; }
  Random& random() noexcept { return random_; }
  void begin(std::uint64_t seed, Pattern pattern);

  /// Of items 0 .. n - 1, of which the last is the newest.
  std::size_t among(std::size_t n);
  /// Of ranks 0 .. n - 1, of which 0 is the most frequent: any, or zipfian by the rank.
  std::size_t rank_among(std::size_t n);
  std::size_t short_conversation() { return among(data_.counts().short_conversations()); }
  std::size_t long_conversation();

  // What is used up: each is given once, at most as often as there are.
  std::size_t next_memory() { return data_.counts().memories + new_memories_++; }
  std::size_t next_conversation() { return data_.counts().conversations + new_conversations_++; }
  std::size_t next_message(std::size_t conversation);
  std::size_t next_due_conversation();
  std::size_t next_datum() { return data_changes_++; }
  std::size_t due_conversations() const noexcept { return due_.size(); }
  std::size_t merge_pairs() const noexcept { return data_.counts().merge_pairs - used_pairs_; }
  std::size_t next_merge_pair() { return used_pairs_++; }

 private:
  const Data& data_;
  Random random_{0};
  Pattern pattern_ = Pattern::uniform;
  std::map<std::size_t, Zipf> zipfs_;
  std::vector<std::size_t> due_;  ///< Conversations that are not processed, newest last.
  std::size_t all_due_ = 0;
  std::map<std::size_t, std::size_t> appended_;
  std::size_t data_changes_ = 0;
  std::size_t new_memories_ = 0;
  std::size_t new_conversations_ = 0;
  std::size_t used_pairs_ = 0;
};

struct Workload {
  std::string_view id;
  std::string_view title;
  std::vector<Pattern> patterns;
  /// Operations of one repetition.
  std::size_t operations;
  Operation (*make)(Chooser& chooser);
  /// How many operations the data still has; null: any number.
  std::size_t (*available)(const Chooser& chooser) = nullptr;
  bool is_durable = false;
  /// Whether it is run again where every engine has all of Callisto's indexes.
  bool has_all_indexes_row = false;
};

/// In the order in which they run: reads, then writes.
const std::vector<Workload>& workloads();
/// One of them.
const Workload& workload_of(std::string_view id);

/// Questions whose answers show what a write did.
std::vector<Operation> questions_about(const Operation& write, const Data& data);

}  // namespace callisto::bench
