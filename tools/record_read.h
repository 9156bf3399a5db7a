#pragma once

// The one place that reads a line of our JSON Lines into what the API takes. README.md has the format.

#include <string>
#include <string_view>
#include <variant>

#include "callisto/store.h"

namespace callisto::tools {

/// The longest line that is read.
inline constexpr std::size_t kMaxLineBytes = 8u << 20;

/// {"callisto":"export","format":1}: leads an export.
struct ExportHead {};
/// {"table":"spaces","name":...}
struct NewSpace {
  std::string name;
};
struct IdentityLine {
  UserId user;
  NewIdentity identity;
};
struct DatumLine {
  UserId user;
  CategoryKind kind = CategoryKind::list;
  NewDatum datum;
};

using Record = std::variant<ExportHead, NewSpace, NewUser, IdentityLine, DatumLine, NewConversation,
                            NewMessage, NewMemory>;

struct Line {
  std::string space;  ///< "" when the line does not say.
  Record record;
};

/// `number` counts lines from 1. invalid_argument names the field; nothing of the store is looked at.
Result<Line> read_line(std::string_view text, std::uint64_t number);

class QuickFields;
/// The same without a look at everything, several times as fast, for lines that are plain as those
/// of an export: in one pass, JSON values taken as they stand, unread. False where the line is not
/// so plain, or has no id: then read_line() tells. What it would refuse in a line that is taken
/// here (a value that is no JSON), the store refuses. `fields` is memory to work in.
bool read_line_quickly(std::string_view text, QuickFields& fields, Line& line);

}  // namespace callisto::tools
