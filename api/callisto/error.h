#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "callisto/export.h"

namespace callisto {

/// What a caller can decide on after a failure. One code, one decision; api/ERRORS.md names each.
/// Absence of a record that was asked for is not an error: such calls answer std::optional.
enum class Code : std::uint8_t {
  invalid_argument = 1,     ///< The input breaks a rule: correct it. `field` and `limit` say which.
  not_found = 2,            ///< The call names a record or space that does not exist.
  already_exists = 3,       ///< The id or the unique name is taken by something else.
  version_mismatch = 4,     ///< `if_version` does not hold: read again, decide again.
  conflict = 5,             ///< Other writers were faster at every attempt: try later.
  too_large = 6,            ///< A record, a batch or a transaction is above its limit: split it.
  limit_exceeded = 7,       ///< A count limit (rows per user, participants, tags) is reached.
  deadline_exceeded = 8,    ///< The deadline passed first; nothing was written.
  corruption = 9,           ///< Stored bytes are damaged; the message names table and key.
  io_error = 10,            ///< The disk failed under the call.
  no_space = 11,            ///< The disk is full, or memory (the message says so).
  unavailable = 12,         ///< Writes are stopped after an earlier disk failure: close and reopen.
  unknown_outcome = 13,     ///< The commit may or may not be there: read before trying again.
  read_only = 14,           ///< A write through a read-only store or a snapshot.
  busy = 15,                ///< Another process or object holds the store.
  closed = 16,              ///< The store or the transaction is closed.
  snapshot_lost = 17,       ///< The snapshot's state is gone (refresh, reopening): take a new one.
  index_not_ready = 18,     ///< The query needs an index that is being built.
  format_too_new = 19,      ///< A newer Callisto wrote the store: upgrade the program.
  format_unsupported = 20,  ///< The store's format (an older draft) cannot be opened.
  data_loss = 21,           ///< Acknowledged commits are missing: see Options::accept_data_loss.
  unsupported = 22,         ///< This store cannot do that (say, refresh() of a writer).
  scan_limit_exceeded = 23,  ///< A query read as many index entries as it may: narrow it.
  cancelled = 24,            ///< The caller asked the call to stop; nothing was written.
};

/// The stable snake_case name of a code ("invalid_argument").
CALLISTO_API std::string_view to_string(Code code) noexcept;

/// A failure: the decision, the input it is about, and a sentence for people.
/// Never holds user data: texts, values and names stay out of it.
class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  /// For input that breaks a rule: which field, and the limit in words ("at most 50 code points").
  Error(Code code, std::string field, std::string limit)
      : code_(code), field_(std::move(field)), limit_(std::move(limit)) {}

  Code code() const noexcept { return code_; }
  /// The input field in dotted snake_case ("messages[3].content"), or empty.
  const std::string& field() const noexcept { return field_; }
  /// The rule that was broken, in words, or empty.
  const std::string& limit() const noexcept { return limit_; }
  /// Further detail for people, or empty.
  const std::string& message() const noexcept { return message_; }

  /// Prefixes the field, so that an error about an element names its place: in("messages[3].").
  Error in(std::string_view prefix) const&;
  /// "invalid_argument: category: at most 50 code points".
  CALLISTO_API std::string to_string() const;

 private:
  Code code_;
  std::string field_;
  std::string limit_;
  std::string message_;
};

inline Error Error::in(std::string_view prefix) const& {
  Error copy = *this;
  copy.field_.insert(0, prefix);
  return copy;
}

}  // namespace callisto
