#pragma once

#include <random>
#include <string>

namespace callisto::testing {

/// One JSON value as two texts: as a careless writer puts it (any order of members, white space,
/// needless escapes, numbers in other forms), and canonical (schema/FORMAT.md).
struct JsonSample {
  std::string given;
  std::string canonical;
};

/// `depth` bounds how many arrays and objects stand inside each other.
JsonSample random_json(std::mt19937_64& random, int depth);
/// The same, an object.
JsonSample random_json_object(std::mt19937_64& random, int depth);

}  // namespace callisto::testing
