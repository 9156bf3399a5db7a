#pragma once

// The lanes of a bulk load in order, as the engine takes them: what is there twice, and what names
// a row that is not there, is found on the way.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/load_lanes.h"
#include "engine/limits.h"
#include "indexes/cardinality_sketch.h"

namespace callisto::detail {

/// Rows of a lane that others refer to by the id behind S X: a reference lane, walked beside it.
class LoadReferences {
 public:
  /// `field` is what an error about a reference names.
  LoadReferences(std::unique_ptr<kv::ExternalSort::Merge> references, const char* field);
  /// Before the row with this id is taken: not_found for the first reference to one before it.
  Result<void> pass(std::string_view id);
  /// Behind the last row.
  Result<void> end();

 private:
  Result<void> pass_until(std::optional<std::string_view> id);

  std::unique_ptr<kv::ExternalSort::Merge> references_;
  const char* const field_;
  kv::SortedSource::Row reference_{};
  bool is_held_ = false;  ///< Read, and not met yet.
};

/// One lane.
class LoadSource final : public kv::SortedSource {
 public:
  /// The entries that it reads are counted in `sketch`. All must outlive it.
  LoadSource(const LoadLane& lane, std::unique_ptr<kv::ExternalSort::Merge> rows,
             const LoadRowCounts& numbers, indexes::CardinalitySketch& sketch,
             const kv::Limits& limits);
  void join(std::unique_ptr<LoadReferences> references) { references_ = std::move(references); }

  Result<bool> next(Row& row) override;
  const LoadRowCounts::Lane& counts() const noexcept { return counts_; }

 private:
  Result<bool> read(Row& row);
  Result<void> check_datum(const Row& row);
  Error twice(const char* field) const;
  void count(std::string_view key);
  void count_prefix();

  const LoadLane& lane_;
  const std::unique_ptr<kv::ExternalSort::Merge> rows_;
  const LoadRowCounts& numbers_;
  indexes::CardinalitySketch& sketch_;
  kv::SampledLimits limits_;
  std::unique_ptr<LoadReferences> references_;
  LoadRowCounts::Lane counts_;
  std::string last_key_;
  LoadPosition last_position_{0};
  LoadPosition position_{0};
  std::uint8_t last_kind_ = 0;  ///< Of user data.
  std::string prefix_entry_;    ///< The first entry behind the prefix that is being counted.
  std::int32_t prefix_rows_ = 0;
};

}  // namespace callisto::detail
