#include "indexes/space_state.h"

#include <algorithm>
#include <boost/endian/arithmetic.hpp>
#include <cstring>
#include <utility>

#include "schema/keys.h"

namespace callisto::indexes {

namespace {

using kv::Family;
using schema::KeyReader;
using schema::SpaceNumber;
using schema::SystemId;

constexpr std::size_t kIdBytes = 16;

// The value of a work row: state, then these numbers little-endian, then resume.
constexpr std::uint8_t kWorkOpen = 0;
struct WorkNumbers {
  boost::endian::little_int64_t started_at;
  boost::endian::little_uint64_t steps;
  boost::endian::little_uint64_t records_done;
  boost::endian::little_uint64_t records_total;
};
static_assert(sizeof(WorkNumbers) == 32);

Error damaged(std::string_view key) {
  return {Code::corruption, "damaged system row at key " + schema::to_hex(key)};
}

std::string encode_work(const WorkItem& item) {
  const WorkNumbers numbers{boost::endian::little_int64_t(item.started_at),
                            boost::endian::little_uint64_t(item.steps),
                            boost::endian::little_uint64_t(item.records_done),
                            boost::endian::little_uint64_t(item.records_total)};
  std::string value(1, static_cast<char>(kWorkOpen));
  value.append(reinterpret_cast<const char*>(&numbers), sizeof numbers);
  return value + item.resume;
}

std::size_t target_bytes(WorkOp op) noexcept {
  return op == WorkOp::drop_space ? sizeof(SpaceNumber) : kIdBytes;
}

/// `parts`: the key behind S X.
std::optional<WorkItem> decode_work(KeyReader parts, std::string_view value) {
  WorkItem item;
  item.op = static_cast<WorkOp>(parts.u8());
  if (item.op < WorkOp::purge_conversation || item.op > WorkOp::drop_space) return std::nullopt;
  item.target = parts.raw(target_bytes(item.op));
  WorkNumbers numbers;
  if (!parts.at_end() || value.size() < 1 + sizeof numbers) return std::nullopt;
  if (static_cast<std::uint8_t>(value.front()) != kWorkOpen) return std::nullopt;
  std::memcpy(&numbers, value.data() + 1, sizeof numbers);
  item.started_at = numbers.started_at;
  item.steps = numbers.steps;
  item.records_done = numbers.records_done;
  item.records_total = numbers.records_total;
  item.resume = value.substr(1 + sizeof numbers);
  return item;
}

std::optional<std::pair<UserId, UserId>> decode_alias(KeyReader parts, std::string_view value) {
  const auto secondary = parts.id<UserId>();
  KeyReader primary(value);
  const auto leads_to = primary.id<UserId>();
  if (!parts.at_end() || !primary.at_end()) return std::nullopt;
  return std::pair(secondary, leads_to);
}

void touch_guard(kv::Transaction& transaction, SpaceNumber space) {
  transaction.touch(Family::system, schema::work_guard_key(space));
}

}  // namespace

Result<std::shared_ptr<const SpaceState>> SpaceState::load(kv::Reader& reader, SpaceNumber space) {
  auto state = std::make_shared<SpaceState>();
  state->space_ = space;
  // Work, aliases, name and index set are neighbours: one scan reads them all.
  const std::string lower = schema::system_prefix(space, SystemId::work);
  const std::string upper = schema::prefix_end(schema::system_prefix(space, SystemId::index_set));
  auto cursor = reader.scan(Family::system, {.lower = lower, .upper = upper});
  for (; cursor->valid(); cursor->next()) {
    if (!state->take_row(cursor->key(), cursor->value())) return damaged(cursor->key());
  }
  if (auto status = cursor->status(); !status) return std::move(status).error();
  return std::shared_ptr<const SpaceState>(std::move(state));
}

bool SpaceState::take_row(std::string_view key, std::string_view value) {
  KeyReader parts(key);
  parts.u32();
  switch (static_cast<SystemId>(parts.u16())) {
    case SystemId::work: {
      auto item = decode_work(parts, value);
      if (!item) return false;
      if (item->op == WorkOp::purge_conversation || item->op == WorkOp::stage_conversation) {
        hidden_.insert(item->target);
      }
      work_.push_back(std::move(*item));
      return true;
    }
    case SystemId::alias: {
      const auto row = decode_alias(parts, value);
      return row && aliases_.insert(*row).second;
    }
    case SystemId::space_name:
      exists_ = true;
      name_ = value;
      return parts.at_end();
    case SystemId::index_set: {
      auto set = IndexSet::decode(value);
      if (!set || !parts.at_end()) return false;
      indexes_ = std::move(*set);
      has_index_set_ = true;
      return true;
    }
    default:
      return false;
  }
}

bool SpaceState::is_hidden(const ConversationId& conversation) const noexcept {
  return !hidden_.empty() && hidden_.find(conversation.view()) != hidden_.end();
}

UserId SpaceState::resolve(const UserId& user) const noexcept {
  if (aliases_.empty()) return user;
  const auto found = aliases_.find(user);
  return found == aliases_.end() ? user : found->second;
}

std::vector<UserId> SpaceState::ids_of(const UserId& user) const {
  // What led to a user that is gone, or merged away itself, leads there no more.
  if (user.is_nil() || aliases_.find(user) != aliases_.end()) return {};
  std::vector<UserId> ids{user};
  for (const auto& [secondary, primary] : aliases_) {
    if (primary == user) ids.push_back(secondary);
  }
  std::sort(ids.begin() + 1, ids.end());
  return ids;
}

const WorkItem* SpaceState::find_work(WorkOp op, std::string_view target) const noexcept {
  const auto found = std::find_if(work_.begin(), work_.end(), [&](const WorkItem& item) {
    return item.op == op && item.target == target;
  });
  return found == work_.end() ? nullptr : &*found;
}

WorkItem purge_of_stage(const WorkItem& stage) {
  WorkItem purge;
  purge.op = WorkOp::purge_conversation;
  purge.target = stage.target;
  purge.started_at = stage.started_at;
  purge.records_total = stage.records_done;
  return purge;
}

Result<void> put_work(kv::Transaction& transaction, SpaceNumber space, const WorkItem& item) {
  touch_guard(transaction, space);
  const std::string key = schema::work_key(space, static_cast<std::uint8_t>(item.op), item.target);
  return transaction.put(Family::system, key, encode_work(item));
}

Result<void> erase_work(kv::Transaction& transaction, SpaceNumber space, WorkOp op,
                        std::string_view target) {
  touch_guard(transaction, space);
  return transaction.erase(Family::system,
                           schema::work_key(space, static_cast<std::uint8_t>(op), target));
}

Result<void> put_alias(kv::Transaction& transaction, const SpaceState& state,
                       const UserId& secondary, const UserId& primary) {
  const UserId leads_to = state.resolve(primary);
  if (secondary.is_nil() || leads_to == secondary) {
    return Error(Code::invalid_argument, "secondary", "another user than the primary");
  }
  touch_guard(transaction, state.space());
  const auto put = [&](const UserId& from) {
    return transaction.put(Family::system, schema::alias_key(state.space(), from), leads_to.view());
  };
  for (const auto& [from, to] : state.aliases()) {
    if (to != secondary) continue;
    if (auto done = put(from); !done) return done;
  }
  return put(secondary);
}

Result<void> erase_alias(kv::Transaction& transaction, SpaceNumber space, const UserId& secondary) {
  touch_guard(transaction, space);
  return transaction.erase(Family::system, schema::alias_key(space, secondary));
}

Result<void> put_index_set(kv::Transaction& transaction, const SpaceState& state,
                           const IndexSet& indexes) {
  touch_guard(transaction, state.space());
  transaction.touch(Family::system, schema::space_name_key(state.space()));
  for (const HeldIndex& index : state.indexes().held()) {
    if (indexes.state(index.id) == index.state) continue;
    auto forgotten =
        transaction.erase(Family::system, schema::index_progress_key(state.space(), index.id));
    if (!forgotten) return forgotten;
  }
  return transaction.put(Family::system, schema::index_set_key(state.space()), indexes.encode());
}

}  // namespace callisto::indexes
