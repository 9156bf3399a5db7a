// Bulk loads: beginning, committing, giving up.

#include "api/bulk_load.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "api/check.h"
#include "api/load_sources.h"
#include "api/user_rows.h"
#include "indexes/aligned_bytes.h"
#include "schema/keys.h"

namespace callisto {

namespace detail {

namespace {

/// Parts of the memory budget: all buffers while records come, all merges while they go.
constexpr std::uint64_t kBudgetPart = 8;
constexpr std::size_t kBuffers = 4;

Error not_empty() {
  return Error(Code::invalid_argument, "space", "an empty one, without unfinished work");
}

/// What would have to be looked at row by row, which a load does not.
Result<void> check_state(const SpaceState& state) {
  if (!state.exists()) return Error(Code::not_found, "space", "the space was dropped");
  if (!state.is_idle()) return not_empty();
  const auto& held = state.indexes().held();
  const bool is_building = std::any_of(held.begin(), held.end(), [](const auto& index) {
    return indexes::is_unfinished(index.state);
  });
  if (is_building || !state.has_index_set()) {
    return Error(Code::index_not_ready, "an index of the space is being built or removed");
  }
  return {};
}

/// Notes about one user, in order: the definition first.
class UserGroup {
 public:
  /// nullopt: the note begins another user's.
  Result<bool> take(const kv::SortedSource::Row& row) {
    const std::string_view id = row.key.substr(0, sizeof(UuidBytes));
    if (!id_.empty() && id != id_) return false;
    const auto note = static_cast<LoadNote>(row.key.back());
    const auto position = LoadPosition::decode(row.value.substr(sizeof(std::int64_t)));
    const auto at = [&](std::string_view field) { return position.text() + std::string(field); };
    if (note == LoadNote::definition) {
      if (!id_.empty()) return Error(Code::already_exists, at("id"), "each once");
      std::memcpy(&tail_.last_seen, row.value.data(), sizeof tail_.last_seen);
    } else if (id_.empty()) {
      return Error(Code::not_found,
                   at(row.value.substr(sizeof(std::int64_t) + LoadPosition::kBytes)),
                   "an existing user");
    }
    id_ = id;
    if (note == LoadNote::identity) ++tail_.identities;
    if (note == LoadNote::datum && ++tail_.data_rows > kMaxDataRows) {
      return Error(Code::limit_exceeded, at("value"), "at most 2,000 data rows per user");
    }
    return true;
  }
  bool is_empty() const noexcept { return id_.empty(); }
  UserId id() const { return schema::KeyReader(id_).id<UserId>(); }
  const schema::UserTail& tail() const noexcept { return tail_; }

 private:
  std::string id_;
  schema::UserTail tail_;
};

}  // namespace

LoadCore::LoadCore(std::shared_ptr<StoreCore> core, SpaceSlot& slot,
                   std::shared_ptr<const SpaceState> state, std::unique_ptr<kv::Staging> staging)
    : core_(std::move(core)),
      slot_(slot),
      state_(std::move(state)),
      lanes_(core_->maintainer().catalogue()),
      staging_(std::move(staging)),
      sort_(std::make_unique<kv::ExternalSort>(*staging_, lanes_.sorts())),
      buffers_(std::make_unique<LoadBuffers>(
          *sort_, lanes_.sorts(), kBuffers,
          core_->options().memory_budget_bytes / kBudgetPart / kBuffers,
          core_->options().thread_name + "-load")) {
  const std::lock_guard lock(core_->close_mutex_);
  core_->loads_.insert(this);
}

LoadCore::~LoadCore() {
  {
    const std::lock_guard lock(core_->close_mutex_);
    core_->loads_.erase(this);
  }
  give_up();
}

Result<std::shared_ptr<LoadCore>> LoadCore::begin(std::shared_ptr<StoreCore> core,
                                                  SpaceSlot& slot) {
  if (core->options().mode == OpenMode::read_only) {
    return Error(Code::read_only, "the store is open read-only");
  }
  const auto view = core->engine().snapshot();
  auto state = SpaceState::load(*view, slot.space());
  if (!state) return std::move(state).error();
  CALLISTO_TRY(check_state(**state));
  const std::string lower = schema::space_prefix(slot.space());
  const std::string upper = schema::prefix_end(lower);
  for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
    const auto family = static_cast<kv::Family>(i);
    if (family == kv::Family::system) continue;
    const auto rows = view->scan(family, {.lower = lower, .upper = upper});
    CALLISTO_TRY(rows->status());
    if (rows->valid()) return not_empty();
  }
  auto staging = core->engine().stage();
  if (!staging) return std::move(staging).error();
  return std::shared_ptr<LoadCore>(
      new LoadCore(std::move(core), slot, std::move(*state), std::move(*staging)));
}

void LoadCore::give_up() noexcept {
  is_over_.store(true);
  buffers_.reset();
  sort_.reset();
  staging_.reset();
}

std::size_t LoadCore::merge_bytes() const noexcept {
  // Two lanes are read at a time, one of them perhaps with what refers to it.
  return core_->options().memory_budget_bytes / kBudgetPart / 4;
}

Result<LoadCounts> LoadCore::commit(const CallLimits& limits) {
  const CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  CALLISTO_TRY(check_running());
  is_over_.store(true);
  auto done = run(core_->begin(limits));
  give_up();
  return done;
}

Result<LoadCounts> LoadCore::run(const kv::Limits& limits) {
  CALLISTO_TRY(buffers_->finish());
  CALLISTO_TRY(join_users(limits));
  CALLISTO_TRY(buffers_->finish());
  buffers_.reset();
  indexes::CardinalitySketch sketch;
  auto counts = link(limits, sketch);
  if (!counts) return std::move(counts).error();
  core_->cardinality().apply(sketch);
  core_->count_changes({});
  return counts;
}

/// Counts what each user has, and looks for those that records name.
Result<void> LoadCore::join_users(const kv::Limits& limits) {
  LoadTransaction transaction(lanes_, *buffers_, LoadPosition(0));
  const CallOptions options;
  MadeIds ids(core_->environment());
  WriteContext context(*core_, transaction, state_, core_->environment().now(), options, ids);
  kv::SampledLimits sampled(limits);
  const auto notes = sort_->merge(lanes_.user_notes(), merge_bytes());
  UserGroup group;
  const auto end_group = [&]() -> Result<void> {
    if (group.is_empty()) return {};
    return write_tail(context, group.id(), std::nullopt, group.tail());
  };
  kv::SortedSource::Row row;
  while (true) {
    CALLISTO_TRY(sampled.check());
    auto found = notes->next(row);
    if (!found) return std::move(found).error();
    if (!*found) return end_group();
    auto taken = group.take(row);
    if (taken && !*taken) {
      CALLISTO_TRY(end_group());
      group = UserGroup();
      taken = group.take(row);
    }
    if (!taken) return std::move(taken).error();
  }
}

Result<LoadCounts> LoadCore::link(const kv::Limits& limits, indexes::CardinalitySketch& sketch) {
  LoadRowCounts counts(core_->maintainer().catalogue());
  std::vector<std::unique_ptr<LoadSource>> sources;
  std::vector<kv::LoadPart> parts;
  for (std::size_t i = 0; i < lanes_.all().size(); ++i) {
    const LoadLane& lane = lanes_.all()[i];
    if (lane.number == 0) continue;
    auto source =
        std::make_unique<LoadSource>(lane, sort_->merge(i, merge_bytes()), counts, sketch, limits);
    const auto join = [&](std::size_t references, const char* field) {
      source->join(
          std::make_unique<LoadReferences>(sort_->merge(references, merge_bytes()), field));
    };
    if (i == lanes_.find(TableId::conversations)) {
      join(lanes_.conversation_references(), "conversation");
    }
    if (i == lanes_.find(TableId::memories)) join(lanes_.memory_references(), "superseded_by");
    const std::string head = lane.index != nullptr
                                 ? indexes::index_prefix(slot_.space(), lane.index->id)
                                 : indexes::table_prefix(slot_.space(), TableId{lane.number});
    parts.push_back({.family = lane.family,
                     .lower = head,
                     .upper = schema::prefix_end(head),
                     .source = source.get(),
                     .about_bytes = sort_->bytes(i)});
    sources.push_back(std::move(source));
  }
  const auto finish_load = [&](kv::Reader& before, kv::Batch& rows) -> Result<void> {
    for (const auto& source : sources) counts.take(source->counts());
    return finish(before, counts, rows);
  };
  const kv::LoadRequest request{
      .parts = parts, .more_threads = 1, .finish = finish_load, .limits = &limits};
  auto loaded = core_->engine().bulk_load(request);
  if (!loaded) {
    if (loaded.error().field() == "range") return not_empty();
    return std::move(loaded).error();
  }
  const auto count = [&](TableId table) {
    return static_cast<std::uint64_t>(counts.count(static_cast<std::uint16_t>(table)));
  };
  return LoadCounts{.users = count(TableId::users),
                    .identities = count(TableId::platform_identifiers),
                    .data = count(TableId::user_data),
                    .conversations = count(TableId::conversations),
                    .messages = count(TableId::messages),
                    .memories = count(TableId::memories)};
}

Result<void> LoadCore::finish(kv::Reader& before, const LoadRowCounts& counts,
                              kv::Batch& rows) const {
  auto state = SpaceState::load(before, slot_.space());
  if (!state) return std::move(state).error();
  CALLISTO_TRY(check_state(**state));
  if (!((*state)->indexes() == state_->indexes())) {
    return Error(Code::index_not_ready, "the indexes of the space have changed");
  }
  // Tails are counted under a number of their own.
  rows.put(kv::Family::system, schema::counters_key(slot_.space()),
           kv::encode_counters(counts.all()));
  return {};
}

}  // namespace detail

// Space, BulkLoad ---------------------------------------------------------------------------------

Result<BulkLoad> Space::bulk_load() const {
  const detail::CallGuard guard(*core_);
  if (!guard.is_open()) return detail::closed_error();
  auto load = detail::LoadCore::begin(core_, *scope_->slot);
  if (!load) return std::move(load).error();
  return BulkLoad(std::move(*load));
}

BulkLoad::BulkLoad(std::shared_ptr<detail::LoadCore> core) : core_(std::move(core)) {}
BulkLoad::BulkLoad(BulkLoad&&) noexcept = default;
BulkLoad& BulkLoad::operator=(BulkLoad&&) noexcept = default;
BulkLoad::~BulkLoad() = default;

Result<UserId> BulkLoad::add_user(const NewUser& user) { return core_->add_user(user); }

Result<PlatformIdentifierId> BulkLoad::add_identity(UserId user, const NewIdentity& identity) {
  return core_->add_identity(user, identity);
}

Result<void> BulkLoad::add_datum(UserId user, CategoryKind kind, const NewDatum& datum) {
  return core_->add_datum(user, kind, datum);
}

Result<ConversationId> BulkLoad::add_conversation(const NewConversation& conversation,
                                                  std::span<const NewMessage> messages) {
  return core_->add_conversation(conversation, messages);
}

Result<MemoryId> BulkLoad::add_memory(const NewMemory& memory) { return core_->add_memory(memory); }

Result<LoadCounts> BulkLoad::commit(const CallLimits& limits) { return core_->commit(limits); }

}  // namespace callisto
