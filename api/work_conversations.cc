// Removing what a deleted conversation leaves behind: its messages, then the memories that it owns.

#include <algorithm>
#include <utility>

#include "api/conversation_rows.h"
#include "api/work_steps.h"
#include "indexes/index_keys.h"

namespace callisto::detail {

namespace fb = schema::fb;

namespace {

constexpr PurgeBudget kStepBudget{1000, kv::kStepBytes};

/// How far a purge has come, as its work item keeps it: the phase, then the key to go on from.
enum class Phase : char { messages = 'm', memories = 'o' };

std::string resume_at(Phase phase, std::string_view key) {
  std::string resume(1, static_cast<char>(phase));
  return resume.append(key);
}

/// One transaction's part of a purge.
class Purge {
 public:
  /// `removed` counts rows.
  Purge(WriteContext& context, const PurgeBudget& budget, std::uint64_t& removed)
      : context_(context), budget_(budget), removed_(removed) {}

  bool is_spent() const { return budget_.rows == 0 || budget_.bytes == 0; }

  /// Keys of [lower, upper), as many as the budget has rows.
  Result<std::vector<std::string>> keys(kv::Family family, std::string_view lower,
                                        std::string_view upper) const {
    std::vector<std::string> found;
    CALLISTO_TRY(for_each(context_.reader(), family, lower, upper, false,
                          [&](std::string_view key, std::string_view) -> Result<bool> {
                            found.emplace_back(key);
                            return found.size() < budget_.rows;
                          }));
    return found;
  }

  /// Removes a row and its entries; one that is gone already is left alone.
  template <class Table>
  Result<void> remove(TableId table, const std::string& key) {
    auto record = fetch_for_update<Table>(context_.transaction(), key);
    if (!record) return std::move(record).error();
    if (!*record) return {};
    spend((*record)->size() + kPurgeRowBytes);
    return context_.write_row(table, key, (*record)->view(), std::nullopt);
  }

 private:
  void spend(std::size_t bytes) {
    budget_.bytes -= std::min(budget_.bytes, bytes);
    --budget_.rows;
    ++removed_;
  }

  WriteContext& context_;
  PurgeBudget budget_;
  std::uint64_t& removed_;
};

/// Goes through [from, end of prefix). `remove` takes the key of an entry. True at the end; else
/// `resume` is behind what was removed last.
template <class F>
Result<bool> purge_range(Purge& purge, Phase phase, kv::Family family, std::string_view prefix,
                         std::string_view from, std::string& resume, F&& remove) {
  const std::string upper = schema::prefix_end(prefix);
  std::string lower(from.empty() ? prefix : from);
  while (!purge.is_spent()) {
    auto keys = purge.keys(family, lower, upper);
    if (!keys) return std::move(keys).error();
    if (keys->empty()) return true;
    for (const std::string& key : *keys) {
      if (purge.is_spent()) break;
      CALLISTO_TRY(remove(key));
      lower.assign(key).push_back('\0');
    }
  }
  resume = resume_at(phase, lower);
  return false;
}

Result<bool> purge_messages(Purge& purge, const WriteContext& context,
                            const ConversationId& conversation, std::string_view from,
                            std::string& resume) {
  const std::string prefix =
      schema::message_range(context.space(), conversation, schema::MessagePart::record);
  return purge_range(
      purge, Phase::messages, kv::Family::messages, prefix, from, resume,
      [&](const std::string& key) { return purge.remove<fb::Message>(TableId::messages, key); });
}

Result<bool> purge_memories(Purge& purge, const WriteContext& context,
                            const ConversationId& conversation, std::string_view from,
                            std::string& resume) {
  std::string prefix = indexes::memory_by_conversation_prefix(context.space(), conversation);
  // Who gives the conversation a memory touches this: one that comes meanwhile is not left behind.
  context.transaction().guard(kv::Family::indexes, prefix);
  const auto version = readable_version(context, schema::IndexId::memory_by_conversation);
  if (!version) {
    resume = resume_at(Phase::memories, {});
    return false;
  }
  prefix = indexes::in_version(std::move(prefix), *version);
  return purge_range(purge, Phase::memories, kv::Family::indexes, prefix, from, resume,
                     [&](const std::string& entry) -> Result<void> {
                       const auto tail = indexes::parse_created_tail(entry);
                       if (!tail) return damaged("memory_by_conversation", entry);
                       return purge.remove<fb::Memory>(
                           TableId::memories,
                           schema::memory_key(context.space(), tail->as<MemoryId>()));
                     });
}

}  // namespace

Result<bool> purge_rows(WriteContext& context, const ConversationId& conversation,
                        indexes::WorkItem& item, PurgeBudget budget) {
  Purge purge(context, budget, item.records_done);
  const std::string from = item.resume.empty() ? resume_at(Phase::messages, {}) : item.resume;
  const std::string_view key = std::string_view(from).substr(1);
  const bool is_behind_messages = from.front() == static_cast<char>(Phase::memories);
  if (!is_behind_messages) {
    auto done = purge_messages(purge, context, conversation, key, item.resume);
    if (!done || !*done) return done;
  }
  return purge_memories(purge, context, conversation, is_behind_messages ? key : std::string_view(),
                        item.resume);
}

/// index_not_ready when the step could do nothing.
Result<void> check_memories_can_be_found(WriteContext& context, const indexes::WorkItem& item) {
  if (item.resume.empty() || item.resume.front() != static_cast<char>(Phase::memories)) return {};
  auto version = require_version(context, schema::IndexId::memory_by_conversation);
  return version ? Result<void>{} : std::move(version).error();
}

Result<bool> purge_conversation_step(StoreCore& core, SpaceSlot& slot, indexes::WorkItem& item,
                                     const kv::Limits& limits) {
  bool is_done = false;
  CALLISTO_TRY(write_step(core, slot, limits, [&](WriteContext& context) -> Result<void> {
    is_done = true;
    const indexes::WorkItem* stored = context.state().find_work(item.op, item.target);
    if (stored == nullptr) return {};
    indexes::WorkItem left = *stored;
    if (auto done = check_memories_can_be_found(context, left); !done) return done;
    const auto conversation = schema::KeyReader(left.target).id<ConversationId>();
    auto done = purge_rows(context, conversation, left, kStepBudget);
    if (!done) return std::move(done).error();
    is_done = *done;
    ++left.steps;
    item = left;
    if (!is_done) return indexes::put_work(context.transaction(), context.space(), left);
    return indexes::erase_work(context.transaction(), context.space(), left.op, left.target);
  }));
  return is_done;
}

}  // namespace callisto::detail
