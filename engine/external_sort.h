#pragma once

// Sorting more rows than memory holds: buffers become sorted runs in staged files, and a merge
// reads them back in order.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/result.h"
#include "engine/load.h"

namespace callisto::kv {

/// Rows that are sorted among themselves only. All keys of a lane have `head_bytes` bytes at their
/// beginning in common, which are not compared.
struct SortLane {
  std::size_t head_bytes = 0;
};

/// The first bytes of a key, as numbers.
struct SortOrder {
  std::uint64_t first = 0;
  std::uint64_t second = 0;

  bool operator==(const SortOrder&) const noexcept = default;
  bool operator<(const SortOrder& other) const noexcept {
    // Without a branch, which random keys mispredict.
    return (first < other.first) |
           (static_cast<int>(first == other.first) & static_cast<int>(second < other.second));
  }
};

/// Rows of all lanes as they come, by one thread at a time.
class SortBuffer {
 public:
  SortBuffer(const std::vector<SortLane>& lanes, std::size_t limit_bytes);

  /// `tail` follows the value: what a reader of the lane takes off again.
  void add(std::size_t lane, std::string_view key, std::string_view value, std::string_view tail);
  /// Beyond its limit: to be written, but it takes any row all the same.
  bool is_full() const noexcept { return bytes_ >= limit_bytes_; }
  bool is_empty() const noexcept { return rows_ == 0; }

 private:
  friend class ExternalSort;
  struct Item {
    SortOrder order{};
    const char* row = nullptr;
  };

  using Items = std::vector<Item>::iterator;

  char* take(std::size_t bytes);
  void sort(std::size_t lane);
  static void sort(Items begin, Items end, std::size_t offset);
  static void sort_equal(Items begin, Items end, std::size_t offset);
  void clear();

  const std::vector<SortLane>& lanes_;
  const std::size_t limit_bytes_;
  std::vector<std::vector<Item>> items_;  ///< By lane.
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_ = 0;  ///< Blocks before it are in use; those behind are kept for later.
  std::size_t block_used_ = 0;
  std::vector<std::unique_ptr<char[]>> large_;  ///< Rows that fit no block.
  std::size_t bytes_ = 0;
  std::size_t rows_ = 0;
};

/// The runs of one sort.
class ExternalSort {
 public:
  /// Both must outlive it.
  ExternalSort(Staging& staging, const std::vector<SortLane>& lanes);
  ~ExternalSort();

  /// Writes the buffer as a run, and empties it. Any thread.
  Result<void> add_run(SortBuffer& buffer);

  std::uint64_t rows(std::size_t lane) const;
  std::uint64_t bytes(std::size_t lane) const;
  std::size_t runs() const noexcept { return runs_.size(); }

  /// A lane in order; equal keys one behind the other, in any order. After the last run; as many at
  /// a time as wanted, each holding at most about `memory_bytes`.
  class Merge;
  std::unique_ptr<Merge> merge(std::size_t lane, std::size_t memory_bytes) const;

 private:
  struct Segment;
  struct Run;
  class Chain;

  Staging& staging_;
  const std::vector<SortLane>& lanes_;
  std::mutex mutex_;  ///< Guards runs_ while runs are added.
  std::vector<std::unique_ptr<Run>> runs_;
};

/// One thread at a time.
class ExternalSort::Merge {
 public:
  ~Merge();
  /// False at the end. The row is valid until the next call.
  Result<bool> next(SortedSource::Row& row);

 private:
  friend class ExternalSort;
  struct Head;
  Merge();
  static bool is_before(const Head& a, const Head& b);
  Result<bool> advance(Head& head);
  void sink(std::size_t place);

  std::size_t head_bytes_ = 0;
  std::vector<Head> heap_;  ///< The first is the least.
  bool is_begun_ = false;
};

}  // namespace callisto::kv
