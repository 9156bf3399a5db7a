#pragma once

// Inside of indexes/: a row ready for the extractors of its table.

#include <optional>
#include <string>
#include <string_view>

#include "indexes/catalogue.h"

namespace callisto::indexes {

/// A row with its cover, which is made once for all indexes. `key` and `bytes` must outlive it.
class CoveredRow {
 public:
  CoveredRow(const TableDefinition& table, schema::SpaceNumber space, std::string_view key,
             std::string_view bytes)
      : row_{space, key, bytes} {
    if (table.cover == nullptr) return;
    cover_ = table.cover(row_);
    row_.cover = cover_;
  }
  CoveredRow(const CoveredRow&) = delete;
  CoveredRow& operator=(const CoveredRow&) = delete;

  const Row& row() const noexcept { return row_; }

 private:
  Row row_;
  std::string cover_;
};

/// A row before and after one write, either of which may be absent, with one cover where both have
/// the same.
class RowChange {
 public:
  RowChange(const TableDefinition& table, schema::SpaceNumber space, std::string_view key,
            std::optional<std::string_view> before, std::optional<std::string_view> after) {
    if (before) before_ = Row{space, key, *before};
    if (after) after_ = Row{space, key, *after};
    if (before && after && table.changed != nullptr) changed_ = table.changed(*before_, *after_);
    if (table.cover == nullptr) return;
    if (after_) after_->cover = after_cover_ = table.cover(*after_);
    if (!before_) return;
    const bool is_shared = after_ && (changed_ & field::cover) == 0;
    if (!is_shared) before_cover_ = table.cover(*before_);
    before_->cover = is_shared ? after_cover_ : before_cover_;
  }
  RowChange(const RowChange&) = delete;
  RowChange& operator=(const RowChange&) = delete;

  const std::optional<Row>& before() const noexcept { return before_; }
  const std::optional<Row>& after() const noexcept { return after_; }
  /// Whether the entries of an index can differ.
  bool concerns(const IndexDefinition& index) const noexcept {
    return (index.reads & changed_) != 0;
  }

 private:
  std::optional<Row> before_;
  std::optional<Row> after_;
  FieldSet changed_ = kEveryField;
  std::string before_cover_;
  std::string after_cover_;
};

}  // namespace callisto::indexes
