// Conversations::store(): a conversation with all its messages as one visible step.

#include <algorithm>
#include <utility>

#include "api/conversation_plan.h"
#include "api/conversation_rows.h"
#include "api/message_rows.h"
#include "api/unfinished.h"
#include "api/work_steps.h"
#include "callisto/conversation.h"

namespace callisto {

namespace detail {

namespace fb = schema::fb;
using indexes::WorkOp;

namespace {

constexpr std::size_t kStepMessages = 1000;

/// One call of store().
class WholeStore {
 public:
  WholeStore(const Scope& scope, ConversationPlan& plan, const CallOptions& options,
             const WorkProgress& progress)
      : limits_(scope.begin(options)),
        scope_(scope.within(limits_)),
        plan_(plan),
        options_(options),
        progress_(progress) {}
  WholeStore(const WholeStore&) = delete;
  WholeStore& operator=(const WholeStore&) = delete;

  /// In one transaction, the user's if there is one.
  Result<ConversationId> at_once();
  /// Messages first, hidden by the ledger; the header last.
  Result<ConversationId> in_steps();

 private:
  /// How a call begins: the conversation is there already, or everything is decided but unwritten.
  Result<bool> begin(WriteContext& context, std::optional<ConversationId>& purge);
  Result<bool> has_equal_messages(ReadContext& context, const schema::ConversationTail& tail) const;
  Result<bool> is_equal_message(ReadContext& context, const Bytes& row) const;
  Error refuse_id(WriteContext& context, std::size_t i, const MessageAt& taken,
                  std::optional<ConversationId>& purge) const;
  Result<void> check_unindexed(WriteContext& context, std::size_t from, std::size_t to,
                               std::optional<ConversationId>& purge) const;
  Result<void> require_free_ids(WriteContext& context, std::size_t from, std::size_t to,
                                std::optional<ConversationId>& purge) const;
  Result<void> insert(WriteContext& context, std::size_t from, std::size_t to,
                      std::optional<ConversationId>& purge) const;
  Result<void> insert(WriteContext& context, std::size_t i) const;

  struct StageEnd;
  Result<bool> open_stage();
  Result<void> fill_stage();
  std::size_t step_end(std::size_t from) const;
  Result<std::size_t> fill_step(std::size_t from);
  Result<void> show_stage();
  void give_up_stage();
  Result<indexes::WorkItem> require_stage(const WriteContext& context) const;
  void tell(bool is_done) const {
    if (progress_) progress_(reached_, is_done);
  }

  ConversationId id() const { return schema::from_fb<ConversationId>(&plan_.header().stamp->id()); }

  const kv::Limits limits_;
  const Scope scope_;
  ConversationPlan& plan_;
  const CallOptions& options_;
  const WorkProgress& progress_;
  /// What the last step has committed.
  PendingWork reached_;
};

Result<bool> WholeStore::begin(WriteContext& context, std::optional<ConversationId>& purge) {
  auto there = prepare_conversation(context, plan_.conversation(), plan_.header(), purge);
  if (!there) return std::move(there).error();
  plan_.add_times(context.core(), context.now());
  if (!*there) return false;
  auto is_equal = has_equal_messages(context, (*there)->tail);
  if (!is_equal || *is_equal) return is_equal;
  return Error(Code::already_exists, "id", "not the id of another conversation");
}

Result<bool> WholeStore::has_equal_messages(ReadContext& context,
                                            const schema::ConversationTail& tail) const {
  if (tail.message_count != plan_.message_count()) return false;
  bool is_equal = true;
  CALLISTO_TRY(
      for_each_prefix(context.reader(), kv::Family::messages,
                      schema::message_range(context.space(), id(), schema::MessagePart::record),
                      false, [&](std::string_view key, std::string_view value) -> Result<bool> {
                        auto row = take_row<fb::Message>(key, value);
                        if (!row) return std::move(row).error();
                        auto answer = is_equal_message(context, *row);
                        is_equal = answer && *answer;
                        return answer;
                      }));
  return is_equal;
}

/// Messages are told apart by their numbers, which are the same however often a call is repeated.
Result<bool> WholeStore::is_equal_message(ReadContext& context, const Bytes& row) const {
  const auto& stored = *schema::root<fb::Message>(row);
  const auto i = plan_.find(stored.sequence());
  if (!i) return false;
  MadeIds ids(context.core().environment());
  auto fresh = plan_.fields(*i, ids, context.now());
  if (!fresh) return std::move(fresh).error();
  const NewMessage& message = plan_.message(*i);
  if (!message.timestamp) fresh->timestamp = stored.timestamp();
  return has_equal_content<fb::Message>(row, std::move(*fresh), envelope_of(message));
}

/// The id of a message is taken, if only by one that is being removed.
Error WholeStore::refuse_id(WriteContext& context, std::size_t i, const MessageAt& taken,
                            std::optional<ConversationId>& purge) const {
  if (context.state().is_hidden(taken.conversation)) {
    auto unfinished = check_unfinished(context, taken.conversation, purge);
    if (!unfinished) return std::move(unfinished).error();
  }
  return in_message(Error(Code::already_exists, "id", "not the id of another message"), i);
}

/// While the index of ids is built anew: looks for the given ids of messages from `from` on among
/// the messages that have no entry, in one pass.
Result<void> WholeStore::check_unindexed(WriteContext& context, std::size_t from, std::size_t to,
                                         std::optional<ConversationId>& purge) const {
  std::vector<MessageId> ids;
  for (std::size_t i = from; i < to; ++i) {
    if (plan_.message(i).id) ids.push_back(plan_.message(i).id);
  }
  auto taken = find_unindexed(context, ids);
  if (!taken) return std::move(taken).error();
  if (!*taken) return {};
  std::size_t i = from;
  while (!(plan_.message(i).id == (*taken)->id)) ++i;
  return refuse_id(context, i, (*taken)->at, purge);
}

/// The ids of messages [from, to) must be no others'.
Result<void> WholeStore::require_free_ids(WriteContext& context, std::size_t from, std::size_t to,
                                          std::optional<ConversationId>& purge) const {
  CALLISTO_TRY(check_unindexed(context, from, to, purge));
  auto taken = find_indexed(context, plan_.messages().subspan(from, to - from));
  if (!taken) return std::move(taken).error();
  for (std::size_t i = from; i < to; ++i) {
    if (const auto& at = (*taken)[i - from]) return refuse_id(context, i, *at, purge);
  }
  return {};
}

/// Writes messages [from, to).
Result<void> WholeStore::insert(WriteContext& context, std::size_t from, std::size_t to,
                                std::optional<ConversationId>& purge) const {
  CALLISTO_TRY(require_free_ids(context, from, to, purge));
  for (std::size_t i = from; i < to; ++i) CALLISTO_TRY(insert(context, i));
  return {};
}

Result<void> WholeStore::insert(WriteContext& context, std::size_t i) const {
  auto record = plan_.record(i, context.made_ids(), context.now());
  if (!record) return in_message(record.error(), i);
  auto bytes = schema::encode(*record);
  if (!bytes) return in_message(bytes.error(), i);
  return insert_message(context, {id(), {record->timestamp, record->sequence}}, *bytes);
}

Result<ConversationId> WholeStore::at_once() {
  bool is_there_already = false;
  auto stored = write_past_purges<ConversationId>(
      scope_, options_,
      [&](WriteContext& context, std::optional<ConversationId>& purge) -> Result<ConversationId> {
        auto is_there = begin(context, purge);
        if (!is_there) return std::move(is_there).error();
        is_there_already = *is_there;
        if (is_there_already) return id();
        for (std::size_t next = 0; next < plan_.message_count();) {
          const std::size_t end = step_end(next);
          CALLISTO_TRY(insert(context, next, end, purge));
          next = end;
        }
        CALLISTO_TRY(insert_conversation(context, plan_.header(), plan_.tail()));
        indexes::WorkItem whole{
            WorkOp::stage_conversation, std::string(id().view()), context.now().micros(), {}};
        whole.steps = 1;
        whole.records_done = whole.records_total = plan_.message_count();
        reached_ = to_pending(context.state(), whole);
        return id();
      });
  if (stored && !is_there_already && scope_.transaction == nullptr) tell(true);
  return stored;
}

// In steps
// -----------------------------------------------------------------------------------------

/// Gives the stage up unless it was shown.
struct WholeStore::StageEnd {
  explicit StageEnd(WholeStore& store) noexcept : store_(store) {}
  ~StageEnd() {
    if (!is_shown) store_.give_up_stage();
  }
  StageEnd(const StageEnd&) = delete;
  StageEnd& operator=(const StageEnd&) = delete;

  bool is_shown = false;

 private:
  WholeStore& store_;
};

Result<ConversationId> WholeStore::in_steps() {
  auto is_there = open_stage();
  if (!is_there) return std::move(is_there).error();
  if (*is_there) return id();
  // Whatever ends this, an exception of the caller's function too.
  StageEnd end(*this);
  CALLISTO_TRY(fill_stage());
  CALLISTO_TRY(show_stage());
  end.is_shown = true;
  tell(true);
  return id();
}

/// True when the conversation is there already, and nothing is staged.
Result<bool> WholeStore::open_stage() {
  return write_past_purges<bool>(
      scope_, options_,
      [&](WriteContext& context, std::optional<ConversationId>& purge) -> Result<bool> {
        auto is_there = begin(context, purge);
        if (!is_there || *is_there) return is_there;
        // The header is written last; that it is too large is found before the first message is.
        CALLISTO_TRY(schema::encode<fb::Conversation>(plan_.header()));
        indexes::WorkItem stage{
            WorkOp::stage_conversation, std::string(id().view()), context.now().micros(), {}};
        stage.records_total = plan_.message_count();
        CALLISTO_TRY(indexes::put_work(context.transaction(), context.space(), stage));
        return false;
      });
}

Result<void> WholeStore::fill_stage() {
  for (std::size_t next = 0; next < plan_.message_count();) {
    auto reached = fill_step(next);
    if (!reached) return std::move(reached).error();
    next = *reached;
    tell(false);
  }
  return {};
}

/// The end of the messages, at least one, that go into one step with message `from`.
std::size_t WholeStore::step_end(std::size_t from) const {
  const std::size_t last = std::min(plan_.message_count(), from + kStepMessages);
  std::size_t bytes = plan_.bytes(from);
  std::size_t end = from + 1;
  while (end < last && (bytes += plan_.bytes(end)) <= kv::kStepBytes) ++end;
  return end;
}

/// Writes messages from `from` on; how far it came.
Result<std::size_t> WholeStore::fill_step(std::size_t from) {
  CallOptions options;
  options.durability = Durability::buffered;  // the last commit makes all of them durable
  return write_past_purges<std::size_t>(
      scope_, options,
      [&](WriteContext& context, std::optional<ConversationId>& purge) -> Result<std::size_t> {
        auto stage = require_stage(context);
        if (!stage) return std::move(stage).error();
        const std::size_t next = step_end(from);
        CALLISTO_TRY(insert(context, from, next, purge));
        ++stage->steps;
        stage->records_done = next;
        CALLISTO_TRY(indexes::put_work(context.transaction(), context.space(), *stage));
        reached_ = to_pending(context.state(), *stage);
        return next;
      });
}

/// The commit that makes everything visible. Users may have gone meanwhile.
Result<void> WholeStore::show_stage() {
  return write_in(scope_, options_, {}, [&](WriteContext& context) -> Result<void> {
    auto stage = require_stage(context);
    if (!stage) return std::move(stage).error();
    CALLISTO_TRY(require_users(context, plan_.conversation()));
    CALLISTO_TRY(insert_conversation(context, plan_.header(), plan_.tail()));
    ++stage->steps;
    reached_ = to_pending(context.state(), *stage);
    return indexes::erase_work(context.transaction(), context.space(), WorkOp::stage_conversation,
                               id().view());
  });
}

Result<indexes::WorkItem> WholeStore::require_stage(const WriteContext& context) const {
  const auto* stage = context.state().find_work(WorkOp::stage_conversation, id().view());
  if (stage != nullptr) return *stage;
  return Error(Code::conflict, "the stage of the conversation is gone");
}

/// Turns the stage into a purge and runs it, or leaves it to the store's own thread when the
/// caller's time is over. Where that fails too, the next opening of the store does it. A last
/// commit whose outcome is unknown may be there after all: then no stage is left, and nothing is
/// purged.
void WholeStore::give_up_stage() {
  CallOptions options;
  options.durability = Durability::buffered;
  const kv::Limits none(scope_.core->environment());
  const Scope scope = scope_.within(none);
  Result<void> done = write_in(scope, options, {}, [&](WriteContext& context) -> Result<void> {
    const indexes::WorkItem* stage =
        context.state().find_work(WorkOp::stage_conversation, id().view());
    if (stage == nullptr) return {};
    const indexes::WorkItem purge = indexes::purge_of_stage(*stage);
    CALLISTO_TRY(indexes::put_work(context.transaction(), context.space(), purge));
    return indexes::erase_work(context.transaction(), context.space(), WorkOp::stage_conversation,
                               id().view());
  });
  const bool is_left = !limits_.check() && scope_.core->options().background_work;
  if (done && !is_left) {
    done = scope_.core->finish_work(scope_.slot->space(), WorkOp::purge_conversation, id().view(),
                                    none);
  }
  if (!done || is_left) scope_.core->notify_work();
  ignore_error(done, "the caller hears of what failed first; the purge stays in the ledger");
}

}  // namespace

}  // namespace detail

Result<ConversationId> Conversations::store(const NewConversation& conversation,
                                            std::span<const NewMessage> messages,
                                            const CallOptions& options,
                                            const WorkProgress& progress) const {
  const detail::TimedCall timed(*scope_, detail::CallId::conversations_store);
  CALLISTO_TRY(detail::check_caller(options.caller));
  detail::ConversationPlan plan(conversation, messages);
  CALLISTO_TRY(plan.check());
  const detail::CallGuard guard(*scope_->core);
  if (!guard.is_open()) return detail::closed_error();
  detail::WholeStore whole(*scope_, plan, options, progress);
  const bool is_whole =
      scope_->transaction != nullptr || scope_->snapshot != nullptr || plan.fits_one_transaction();
  return is_whole ? whole.at_once() : whole.in_steps();
}

}  // namespace callisto
