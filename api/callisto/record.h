#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "callisto/bytes.h"
#include "callisto/export.h"
#include "callisto/id.h"
#include "callisto/json.h"
#include "callisto/result.h"
#include "callisto/time.h"

namespace callisto {

/// Tag value that clears an optional field in a patch: `{.title = callisto::clear}`.
struct Clear {};
inline constexpr Clear clear{};

/// A field of a patch that may be left alone (the default), cleared, or set.
template <class T>
class Change {
 public:
  Change() = default;
  Change(Clear) : state_(State::cleared) {}
  template <class U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, Change> &&
             !std::is_same_v<std::remove_cvref_t<U>, Clear>)
  Change(U&& value) : state_(State::given), value_(static_cast<T>(std::forward<U>(value))) {}

  bool is_kept() const noexcept { return state_ == State::kept; }
  bool is_clear() const noexcept { return state_ == State::cleared; }
  bool is_set() const noexcept { return state_ == State::given; }
  /// Requires is_set().
  const T& value() const noexcept { return value_; }

 private:
  enum class State : std::uint8_t { kept, cleared, given };
  State state_ = State::kept;
  T value_{};
};

/// What an importer keeps of the source beside created_at. A record that has one may name a parent or
/// a successor that is not there: it may come later, or be gone in the source too. Left empty, a new record has version 1
/// and updated_at == created_at.
struct Origin {
  Time updated_at{};
  std::uint64_t version = 1;
};

/// Fields that every New... struct starts with (as plain members, so that designated initialisers
/// read well):
///   id               nil: the store makes a version-7 id. Known id and equal content: success and
///                    nothing is written; other content: `already_exists`.
///   created_at       empty: now. kMinTime .. kMaxTime.
///   metadata         JSON object text, "" for none. At most 1 MiB, depth 64.
///   external_id      at most 64 code points; the foreign identifier, kept as it was.
///   external_source  at most 64 code points; where external_id comes from.
///   origin           set by importers only.

/// How a list is cut. `limit` 0 means 100; at most 10,000 records come back from one call.
struct ListOptions {
  std::uint32_t limit = 100;
  bool oldest_first = false;
};

/// A half-open range of times [from, to); an empty end is open.
struct TimeRange {
  std::optional<Time> from{};
  std::optional<Time> to{};
};

}  // namespace callisto
