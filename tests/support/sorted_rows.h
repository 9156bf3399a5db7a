#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/load.h"

namespace callisto::testing {

/// Rows in memory as the source of a bulk load.
class SortedRows final : public kv::SortedSource {
 public:
  using Rows = std::vector<std::pair<std::string, std::string>>;
  explicit SortedRows(Rows rows) : rows_(std::move(rows)) {}

  /// Fails, or does something else, before row number `at` is given.
  void on_row(std::size_t at, std::function<Result<void>()> action) {
    at_ = at;
    action_ = std::move(action);
  }
  Result<bool> next(Row& row) override {
    if (next_ == at_ && action_) {
      if (auto done = action_(); !done) return std::move(done).error();
    }
    if (next_ == rows_.size()) return false;
    row = {rows_[next_].first, rows_[next_].second};
    ++next_;
    return true;
  }

 private:
  Rows rows_;
  std::size_t next_ = 0;
  std::size_t at_ = 0;
  std::function<Result<void>()> action_;
};

}  // namespace callisto::testing
