#include "api/rows.h"

#include <algorithm>
#include <utility>

namespace callisto::detail {

Error damaged(std::string_view table, std::string_view key) {
  std::string message = "damaged record in ";
  message.append(table).append(" at ").append(schema::to_hex(key));
  return Error(Code::corruption, std::move(message));
}

namespace {

/// Where a table of FlatBuffers lies. A family has the name of its table.
template <class Table>
constexpr kv::Family kFamily = kv::Family::system;
template <>
constexpr kv::Family kFamily<schema::fb::User> = kv::Family::users;
template <>
constexpr kv::Family kFamily<schema::fb::PlatformIdentifier> = kv::Family::platform_identifiers;
template <>
constexpr kv::Family kFamily<schema::fb::UserDatum> = kv::Family::user_data;
template <>
constexpr kv::Family kFamily<schema::fb::Conversation> = kv::Family::conversations;
template <>
constexpr kv::Family kFamily<schema::fb::Message> = kv::Family::messages;
template <>
constexpr kv::Family kFamily<schema::fb::Memory> = kv::Family::memories;

template <class Table>
bool is_intact(const Bytes& bytes) {
  return schema::is_intact<Table>(bytes.data(), bytes.size());
}

std::optional<Bytes> present(Bytes&& row) {
  if (!row) return std::nullopt;
  return std::move(row);
}

template <class Tail, class Decode>
Result<std::optional<Tail>> checked_tail(const Result<bool>& found, std::string_view table,
                                         std::string_view key, const kv::Value& value,
                                         Decode decode) {
  if (!found) return found.error();
  if (!*found) return std::optional<Tail>();
  std::optional<Tail> tail = decode(value.view());
  if (!tail) return damaged(table, key);
  return tail;
}

Result<std::optional<schema::UserTail>> checked_user_tail(const Result<bool>& found,
                                                          std::string_view key,
                                                          const kv::Value& value) {
  return checked_tail<schema::UserTail>(found, "user_tails", key, value, schema::decode_user_tail);
}

Result<std::optional<schema::ConversationTail>> checked_conversation_tail(const Result<bool>& found,
                                                                          std::string_view key,
                                                                          const kv::Value& value) {
  return checked_tail<schema::ConversationTail>(found, "conversation_tails", key, value,
                                                schema::decode_conversation_tail);
}

}  // namespace

template <class Table>
Result<Bytes> take_row(std::string_view key, std::string_view value) {
  std::optional<Bytes> bytes = schema::take<Table>(value);
  if (!bytes) return damaged(kv::to_string(kFamily<Table>), key);
  return std::move(*bytes);
}

template <class Table>
Result<std::optional<Bytes>> fetch(kv::Reader& reader, std::string_view key) {
  auto row = reader.get_row(kFamily<Table>, key, is_intact<Table>);
  if (!row) return std::move(row).error();
  return present(std::move(*row));
}

template <class Table>
Result<std::optional<Bytes>> fetch_for_update(kv::Transaction& transaction, std::string_view key) {
  transaction.guard(kFamily<Table>, key);
  return fetch<Table>(transaction, key);
}

template <class Table>
Result<std::vector<Bytes>> fetch_rows(kv::Reader& reader, std::span<const std::string> keys,
                                      std::span<const kv::HintRef> hints) {
  std::vector<Bytes> rows(keys.size());
  if (keys.empty()) return rows;
  auto done = reader.get_rows(kFamily<Table>, keys, is_intact<Table>, rows, hints, 0);
  if (!done) return std::move(done).error();
  return rows;
}

template <class Table>
Result<std::vector<std::optional<Bytes>>> fetch_many(kv::Reader& reader,
                                                     std::span<const std::string> keys) {
  auto found = fetch_rows<Table>(reader, keys, {});
  if (!found) return std::move(found).error();
  std::vector<std::optional<Bytes>> rows;
  rows.reserve(found->size());
  for (Bytes& row : *found) rows.push_back(present(std::move(row)));
  return rows;
}

template <class Table>
Result<Bytes> row_at(const kv::Cursor& cursor) {
  auto row = cursor.row(is_intact<Table>);
  if (!row) return row;
  if (!*row) return damaged(kv::to_string(kFamily<Table>), cursor.key());
  return row;
}

#define CALLISTO_INSTANTIATE(Table)                                                  \
  template Result<Bytes> take_row<Table>(std::string_view, std::string_view);        \
  template Result<std::optional<Bytes>> fetch<Table>(kv::Reader&, std::string_view); \
  template Result<std::optional<Bytes>> fetch_for_update<Table>(kv::Transaction&,    \
                                                                std::string_view);   \
  template Result<std::vector<std::optional<Bytes>>> fetch_many<Table>(              \
      kv::Reader&, std::span<const std::string>);                                    \
  template Result<std::vector<Bytes>> fetch_rows<Table>(                             \
      kv::Reader&, std::span<const std::string>, std::span<const kv::HintRef>);      \
  template Result<Bytes> row_at<Table>(const kv::Cursor&)
CALLISTO_INSTANTIATE(schema::fb::User);
CALLISTO_INSTANTIATE(schema::fb::PlatformIdentifier);
CALLISTO_INSTANTIATE(schema::fb::UserDatum);
CALLISTO_INSTANTIATE(schema::fb::Conversation);
CALLISTO_INSTANTIATE(schema::fb::Message);
CALLISTO_INSTANTIATE(schema::fb::Memory);
#undef CALLISTO_INSTANTIATE

Result<std::optional<schema::UserTail>> fetch_user_tail(kv::Reader& reader, SpaceNumber space,
                                                        const UserId& user) {
  const std::string key = schema::user_tail_key(space, user);
  kv::Value value;
  const Result<bool> found = reader.get(kv::Family::users, key, value);
  return checked_user_tail(found, key, value);
}

Result<std::optional<schema::UserTail>> fetch_user_tail_for_update(kv::Transaction& transaction,
                                                                   SpaceNumber space,
                                                                   const UserId& user) {
  const std::string key = schema::user_tail_key(space, user);
  kv::Value value;
  const Result<bool> found = transaction.get_for_update(kv::Family::users, key, value);
  return checked_user_tail(found, key, value);
}

Result<std::optional<schema::ConversationTail>> fetch_conversation_tail(
    kv::Reader& reader, SpaceNumber space, const ConversationId& conversation) {
  const std::string key = schema::conversation_tail_key(space, conversation);
  kv::Value value;
  const Result<bool> found = reader.get(kv::Family::conversations, key, value);
  return checked_conversation_tail(found, key, value);
}

Result<std::optional<schema::ConversationTail>> fetch_conversation_tail_for_update(
    kv::Transaction& transaction, SpaceNumber space, const ConversationId& conversation) {
  const std::string key = schema::conversation_tail_key(space, conversation);
  kv::Value value;
  const Result<bool> found = transaction.get_for_update(kv::Family::conversations, key, value);
  return checked_conversation_tail(found, key, value);
}

Result<void> for_each(
    kv::Reader& reader, kv::Family family, std::string_view lower, std::string_view upper,
    bool reverse,
    const std::function<Result<bool>(std::string_view key, std::string_view value)>& each) {
  if (lower >= upper) return {};
  const auto cursor = reader.scan(family, {lower, upper, reverse});
  for (; cursor->valid(); cursor->next()) {
    Result<bool> go_on = each(cursor->key(), cursor->value());
    if (!go_on) return std::move(go_on).error();
    if (!*go_on) return {};
  }
  return cursor->status();
}

Result<void> for_each_prefix(
    kv::Reader& reader, kv::Family family, std::string_view prefix, bool reverse,
    const std::function<Result<bool>(std::string_view, std::string_view)>& each) {
  return for_each(reader, family, prefix, schema::prefix_end(prefix), reverse, each);
}

namespace {

/// Cursors over several ranges, kept as a heap with the next position on top.
class RangeMerge {
  /// Whether range `a` comes after range `b`; at equal places the lower range comes first.
  struct Later {
    const RangeMerge& merge;
    bool operator()(std::size_t a, std::size_t b) const {
      const int order = merge.place(a).compare(merge.place(b));
      if (order != 0) return (order > 0) != merge.reverse_;
      return a > b;
    }
  };

 public:
  RangeMerge(std::span<const std::size_t> skip, bool reverse) : skip_(skip), reverse_(reverse) {}

  Result<void> open(kv::Reader& reader, kv::Family family, std::span<const KeyRange> ranges) {
    cursors_.resize(ranges.size());
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      if (ranges[i].lower >= ranges[i].upper) continue;
      cursors_[i] = reader.scan(family, {ranges[i].lower, ranges[i].upper, reverse_});
      if (auto done = enter(i); !done) return done;
    }
    return {};
  }

  bool at_end() const noexcept { return heap_.empty(); }

  RangeEntry top() const {
    const std::size_t i = heap_.front();
    return {cursors_[i]->key(), cursors_[i]->value(), i};
  }

  Result<void> next() {
    std::pop_heap(heap_.begin(), heap_.end(), Later{*this});
    const std::size_t i = heap_.back();
    heap_.pop_back();
    cursors_[i]->next();
    return enter(i);
  }

 private:
  std::string_view place(std::size_t i) const {
    const std::string_view key = cursors_[i]->key();
    return key.substr(std::min(skip_[i], key.size()));
  }

  /// Takes a cursor into the heap, or finds why it has ended.
  Result<void> enter(std::size_t i) {
    if (!cursors_[i]->valid()) return cursors_[i]->status();
    heap_.push_back(i);
    std::push_heap(heap_.begin(), heap_.end(), Later{*this});
    return {};
  }

  std::span<const std::size_t> skip_;
  const bool reverse_;
  std::vector<std::unique_ptr<kv::Cursor>> cursors_;
  std::vector<std::size_t> heap_;
};

}  // namespace

Result<void> for_each_merged(kv::Reader& reader, kv::Family family,
                             std::span<const KeyRange> ranges, std::span<const std::size_t> skip,
                             bool reverse,
                             const std::function<Result<bool>(const RangeEntry&)>& each) {
  RangeMerge merge(skip, reverse);
  if (auto done = merge.open(reader, family, ranges); !done) return done;
  while (!merge.at_end()) {
    Result<bool> go_on = each(merge.top());
    if (!go_on) return std::move(go_on).error();
    if (!*go_on) return {};
    if (auto done = merge.next(); !done) return done;
  }
  return {};
}

}  // namespace callisto::detail
