#pragma once

// Reads every record of a space in key order, in one snapshot: what export and dump stand on. The
// typed API answers questions; this walks.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "callisto/store.h"
#include "engine/kv.h"
#include "indexes/space_state.h"
#include "schema/ids.h"

namespace callisto::tools {

/// Called with one record; false ends the walk.
template <class View>
using Each = std::function<bool(const View&)>;

/// Keys [from, to) of a table that cannot be read, or the one key of a record that is damaged
/// (`to` is empty).
struct UnreadRange {
  std::string table;
  std::string from;
  std::string to;
  Error error;
};

class SpaceReader {
 public:
  /// `engine` is shared by the readers of several spaces, so that an export is one state.
  static Result<SpaceReader> open(const Store& store, std::shared_ptr<kv::Snapshot> snapshot,
                                  schema::SpaceNumber space);
  /// Walks go on behind damage, and tell it here; else they end at the first.
  void on_damage(std::function<void(const UnreadRange&)> tell) { tell_damage_ = std::move(tell); }

  // Records that are there for a caller: without what unfinished work will remove.
  Result<void> users(const Each<User>& each) const;
  Result<void> identities(const Each<PlatformIdentifier>& each) const;
  Result<void> user_data(const Each<UserDatum>& each) const;
  Result<void> conversations(const Each<Conversation>& each) const;
  /// By conversation, each oldest first.
  Result<void> messages(const Each<Message>& each) const;
  Result<void> memories(const Each<Memory>& each) const;

  kv::Reader& reader() const noexcept { return *snapshot_; }
  const indexes::SpaceState& state() const noexcept { return *state_; }

 private:
  SpaceReader(std::shared_ptr<kv::Snapshot> snapshot, std::shared_ptr<const indexes::SpaceState> state)
      : snapshot_(std::move(snapshot)), state_(std::move(state)) {}
  using EachRow = std::function<Result<bool>(std::string_view key, std::string_view value)>;
  struct Rows {
    std::string table;
    kv::Family family;
    std::string prefix;
    bool reverse = false;
  };
  /// Every row, until `each` answers false; what is damaged is told and passed over.
  Result<void> for_rows(const Rows& rows, const EachRow& each) const;
  Result<bool> damaged_row(const Rows& rows, std::string_view key, Error error) const;
  template <class Table, class View>
  Result<void> walk(schema::TableId table, kv::Family family, const Each<View>& each,
                    const std::function<Result<std::optional<View>>(const Bytes&)>& make) const;
  Result<bool> conversation_messages(const ConversationId& conversation, const Each<Message>& each) const;

  std::shared_ptr<kv::Snapshot> snapshot_;
  std::shared_ptr<const indexes::SpaceState> state_;
  std::function<void(const UnreadRange&)> tell_damage_;
};

}  // namespace callisto::tools
