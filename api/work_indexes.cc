// Indexes whose definitions changed, and rebuilds: found out at opening, carried out in steps.

#include <algorithm>
#include <utility>

#include "api/check.h"
#include "api/core.h"
#include "api/work_steps.h"
#include "indexes/index_build.h"
#include "indexes/index_change.h"
#include "schema/format.h"

namespace callisto::detail {

namespace {

using indexes::HeldIndex;
using schema::IndexId;

/// What a space holds that its catalogue does not want as it is, and what it wants and does not
/// hold.
std::vector<HeldIndex> unfinished(const indexes::Catalogue& catalogue, const SpaceState& state) {
  std::vector<HeldIndex> work;
  const indexes::IndexSet target = indexes::target_set(catalogue, state);
  for (HeldIndex index : target.held()) {
    if (!indexes::is_unfinished(index.state)) continue;
    const bool is_started = state.index_state(index.id) == index.state;
    // A read-only store tells what a writer would do.
    if (!is_started && index.state == IndexState::building) index.state = IndexState::absent;
    work.push_back(index);
  }
  return work;
}

Result<IndexWork> describe(kv::Reader& reader, const indexes::Catalogue& catalogue,
                           const SpaceState& state, const HeldIndex& index) {
  IndexWork work{state.name(), indexes::index_name(catalogue, index.id), index.state};
  if (index.state != IndexState::building) return work;
  auto progress = indexes::index_progress(reader, state.space(), index.id);
  if (!progress) return std::move(progress).error();
  if (!*progress) return work;
  work.rows_done = (*progress)->rows_done;
  work.rows_expected = std::max((*progress)->rows_expected, work.rows_done);
  return work;
}

/// The indexes with steps before them: those first that writers look something up in; last those
/// that can be used as they are, so that one at a time is out of use.
std::vector<HeldIndex> in_order(const SpaceState& state) {
  std::vector<HeldIndex> work;
  for (const HeldIndex& index : state.indexes().held()) {
    if (indexes::is_unfinished(index.state)) work.push_back(index);
  }
  const auto rank = [](const HeldIndex& index) {
    const bool is_of_writers = index.id == IndexId::message_by_id ||
                               index.id == IndexId::identity_by_user ||
                               index.id == IndexId::memory_by_conversation;
    return std::pair(index.state == IndexState::stale, !is_of_writers);
  };
  std::stable_sort(work.begin(), work.end(),
                   [&](const HeldIndex& a, const HeldIndex& b) { return rank(a) < rank(b); });
  return work;
}

}  // namespace

Result<void> StoreCore::change_indexes() {
  auto snapshot = engine_->snapshot();
  auto numbers = numbers_of(*this, *snapshot);
  if (!numbers) return std::move(numbers).error();
  for (SpaceNumber space : *numbers) {
    if (space == schema::kStoreSpace) continue;
    auto begun = indexes::begin_changes(*engine_, maintainer_.catalogue(), space);
    if (!begun) return std::move(begun).error();
  }
  return {};
}

Result<bool> StoreCore::run_index_step(const SpaceState& state, const kv::Limits& limits) {
  std::optional<Error> failure;
  for (const HeldIndex& index : in_order(state)) {
    auto ran = indexes::index_step(*engine_, maintainer_.catalogue(), state.space(), index.id,
                                   &limits);
    if (ran && *ran) {
      count_entries_after_change(state.space());
      return true;
    }
    if (!ran && !failure) failure = ran.error();
  }
  if (failure) return *failure;
  return false;
}

// Builds put entries and removals take ranges without telling the estimates of each.
void StoreCore::count_entries_after_change(SpaceNumber space) {
  auto snapshot = engine_->snapshot();
  auto state = slot(space).state(*engine_, *snapshot);
  if (!state) return;
  const auto& held = (*state)->indexes().held();
  if (std::any_of(held.begin(), held.end(),
                  [](const HeldIndex& index) { return indexes::is_unfinished(index.state); })) {
    return;
  }
  ignore_error(cardinality_.rebuild(*engine_, maintainer_.catalogue()),
               "estimates only: the index is as it should be");
}

Result<std::vector<IndexWork>> StoreCore::index_work() {
  auto snapshot = engine_->snapshot();
  auto named = spaces(*snapshot);
  if (!named) return std::move(named).error();
  std::vector<IndexWork> all;
  for (const auto& [name, space] : *named) {
    auto state = slot(space).state(*engine_, *snapshot);
    if (!state) return std::move(state).error();
    for (const HeldIndex& index : unfinished(maintainer_.catalogue(), **state)) {
      auto work = describe(*snapshot, maintainer_.catalogue(), **state, index);
      if (!work) return std::move(work).error();
      all.push_back(std::move(*work));
    }
  }
  return all;
}

Result<void> StoreCore::reindex(const std::vector<std::string>& names,
                                const CallLimits& call_limits) {
  const kv::Limits limits = begin(call_limits);
  const indexes::Catalogue& catalogue = maintainer_.catalogue();
  std::vector<IndexId> ids;
  for (const std::string& name : names) {
    const indexes::FoundIndex found = indexes::find_index(catalogue, name);
    if (!found) return Error(Code::invalid_argument, "index", "the name of an index: " + name);
    ids.push_back(found.index->id);
  }
  if (names.empty()) {
    const indexes::IndexSet all = indexes::full_set(catalogue);
    for (const HeldIndex& index : all.held()) ids.push_back(index.id);
  }
  auto snapshot = engine_->snapshot();
  auto named = spaces(*snapshot);
  if (!named) return std::move(named).error();
  for (const auto& [name, space] : *named) {
    CALLISTO_TRY(limits.check());
    CALLISTO_TRY(indexes::begin_rebuild(*engine_, catalogue, space, ids));
  }
  notify_work();
  return {};
}

}  // namespace callisto::detail

namespace callisto {

using detail::CallGuard;
using detail::closed_error;

Result<std::vector<IndexWork>> Store::index_work(const CallLimits& limits) const {
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  CALLISTO_TRY(core_->begin(limits).check());
  return core_->index_work();
}

Result<void> Store::reindex(const std::vector<std::string>& names,
                            const CallLimits& limits) const {
  CallGuard guard(*core_);
  if (!guard.is_open()) return closed_error();
  if (core_->options().mode == OpenMode::read_only) {
    return Error(Code::read_only, "a read-only store cannot build indexes");
  }
  return core_->reindex(names, limits);
}

Result<UpgradeReport> Store::upgrade(bool dry_run, const CallLimits& limits) const {
  UpgradeReport report;
  report.format_version = schema::kFormatVersion;
  auto work = index_work(limits);
  if (!work) return std::move(work).error();
  report.work = std::move(*work);
  report.is_done = report.work.empty();
  if (dry_run || report.is_done) return report;
  if (core_->options().mode == OpenMode::read_only) {
    return Error(Code::read_only, "a read-only store cannot be upgraded");
  }
  CALLISTO_TRY(finish_pending_work({}, limits));
  report.is_done = true;
  return report;
}

}  // namespace callisto
