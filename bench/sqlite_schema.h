#pragma once

namespace callisto::bench::sqlite {

extern const char* const kTables;
/// Those that the workloads ask by, and those that foreign keys need for a removal.
extern const char* const kIndexesOfRows;
/// What Callisto has beside them; to be made after them.
extern const char* const kOtherIndexes;

}  // namespace callisto::bench::sqlite
