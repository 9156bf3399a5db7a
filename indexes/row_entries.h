#pragma once

// Inside of indexes/: a row ready for the extractors of its table.

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

}  // namespace callisto::indexes
