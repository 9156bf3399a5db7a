#pragma once

#include <string>
#include <vector>

namespace callisto::schema {

/// A row as the code makes it: what schema/FORMAT.md shows under the same name.
struct SampleRow {
  std::string name;  ///< Of the table, index or system row.
  std::string key;
  std::string value;
};

/// The rows that store the sample records of FORMAT.md ("The examples"): the records themselves,
/// every index entry, every system row.
std::vector<SampleRow> sample_rows();

}  // namespace callisto::schema
