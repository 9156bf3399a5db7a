// Runs queries on memories: what the core of queries asks of a memory.

#include <algorithm>
#include <string>
#include <utility>

#include "api/check.h"
#include "api/entity_types.h"
#include "api/memory_filter.h"
#include "api/memory_request.h"
#include "api/memory_rows.h"
#include "api/rows.h"
#include "indexes/query/run.h"

namespace callisto::detail {

namespace {

namespace core = indexes::query;
using schema::IndexId;

constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kPositionBytes = kTimeBytes + std::tuple_size_v<UuidBytes>;

/// Reads entries of every index of memories.
class MemoryJudge final : public core::Judge {
 public:
  MemoryJudge(ReadContext& context, const MemoryQuery& asked, const core::Plan& plan,
              core::Meter& meter)
      : context_(context),
        asked_(asked),
        plan_(plan),
        meter_(meter),
        filter_(asked, context.state(), context.now()) {
    for (const std::string& tag : excluded_tags(asked)) excluded_.push_back(schema::tag_hash(tag));
    is_exact_ = is_exact(plan, context.state());
  }

  Result<void> look(const core::ListCursor& entry) override {
    const std::string_view value = entry.value();
    is_out_ = !filter_.may_admit(value);
    if (is_out_) return {};
    if (!read(entry.position(), value)) return damaged(index_name(plan_.driver.index), entry.key());
    return {};
  }

  bool admits() const override { return !is_out_ && filter_.admits(cover_, place_.created_at); }
  std::uint64_t signature() const override { return filter_.signature(); }
  std::string_view position() const override { return position_; }

  void append_place(std::string& place) const override {
    if (plan_.is_ordered) {
      place.append(driver_position_);
    } else {
      MemoryPlace whole = place_;
      whole.id = place_id();
      place.append(place_bytes(whole, asked_.order));
    }
  }

  std::string record_key() const override {
    return schema::memory_key(context_.space(), place_id());
  }

  bool peek(const kv::ListEntry* entry, std::array<Bytes, kv::HintRef::kPlaces>& rows) override {
    return context_.reader().peek(entry, 0, rows[0]);
  }

  bool may_be_in(std::size_t i) const override {
    return i >= excluded_.size() || cover_.has_tag(excluded_[i]);
  }

  Result<void> check(std::span<core::Found> found, std::vector<char>& matches) override {
    return fetch(found, [&](std::size_t i, Bytes&& row) {
      matches[i] = 1;
      found[i].rows[0] = std::move(row);
    });
  }

  Result<std::size_t> take(std::span<core::Found> found) override {
    const std::size_t before = rows_.size();
    if (before == 0) rows_.reserve(found.size());
    CALLISTO_TRY(fetch(found, [&](std::size_t, Bytes&& row) { rows_.push_back(std::move(row)); }));
    return rows_.size() - before;
  }

  std::vector<Bytes> take_rows() && { return std::move(rows_); }

 private:
  /// Entries by creation and by priority end in the common position. Those by update and by expiry
  /// have their own time and id, and the time of creation in front of the cover.
  bool read(std::string_view position, std::string_view value) {
    driver_position_ = position;
    const IndexId index = plan_.driver.index;
    const bool is_dated = index == IndexId::memory_by_updated || index == IndexId::memory_by_expiry;
    const std::size_t head = index == IndexId::memory_by_priority ? 1 : 0;
    if (position.size() != head + kPositionBytes) return false;
    schema::KeyReader reader(position.substr(head));
    const bool is_rising = index == IndexId::memory_by_expiry;
    const std::int64_t time = is_rising ? reader.time() : reader.time_down();
    place_.created_at = time;
    place_time_ = time;
    if (is_dated) {
      const auto created_at = schema::take_created(value, time);
      if (!created_at) return false;
      place_.created_at = *created_at;
      place_.id = place_id();
      common_position_ = place_bytes(place_, MemoryOrder::created);
      position_ = common_position_;
    } else {
      position_ = position.substr(head);
    }
    if (!schema::read_memory_cover(value, cover_)) return false;
    place_.updated_at = cover_.updated_at.value_or(place_.created_at);
    place_.expires_at = cover_.expires_at.value_or(0);
    place_.priority = cover_.priority;
    return true;
  }

  /// Whether what entries and lists admit matches: no key of theirs is a hash of what was asked
  /// for.
  static bool is_exact(const core::Plan& plan, const SpaceState& state) {
    if (plan.needs_records || plan.is_told_by_hashes || !state.is_idle()) return false;
    const auto has_texts = [](const core::List& list) {
      switch (list.index) {
        case IndexId::memory_by_key:
        case IndexId::memory_by_name:
        case IndexId::memory_by_entity:
        case IndexId::memory_by_source:
        case IndexId::memory_by_task:
          return false;
        default:
          return true;
      }
    };
    return plan.probed.empty() && has_texts(plan.driver) &&
           std::all_of(plan.all.begin(), plan.all.end(), has_texts) &&
           std::all_of(plan.skips.begin(), plan.skips.end(), has_texts);
  }

  /// The id of the entry that was read last.
  MemoryId place_id() const {
    const std::size_t at = driver_position_.size() - std::tuple_size_v<UuidBytes>;
    return schema::KeyReader(driver_position_.substr(at)).id_at<MemoryId>(place_time_);
  }

  /// Calls each(i, row) for the records that match. Every entry has its record.
  template <class Each>
  Result<void> fetch(std::span<core::Found> found, Each&& each) {
    meter_.records_fetched(found.size());
    std::vector<std::string> keys;
    std::vector<kv::HintRef> hints;
    for (const core::Found& one : found) {
      if (one.rows[0]) continue;
      keys.push_back(one.key);
      hints.push_back(one.hints);
    }
    auto fetched = fetch_rows<schema::fb::Memory>(context_.reader(), keys, hints);
    if (!fetched) return std::move(fetched).error();
    std::size_t next = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      Bytes row = std::move(found[i].rows[0]);
      if (!row) row = std::move((*fetched)[next++]);
      if (!row) return damaged("memories", found[i].key);
      if (is_exact_ || filter_.matches(*schema::root<schema::fb::Memory>(row))) {
        each(i, std::move(row));
      }
    }
    return {};
  }

  ReadContext& context_;
  const MemoryQuery& asked_;
  const core::Plan& plan_;
  core::Meter& meter_;
  const MemoryFilter filter_;
  bool is_exact_ = false;                // entries and lists leave nothing for the record to decide
  std::vector<std::uint16_t> excluded_;  // hashes
  std::vector<Bytes> rows_;

  // The entry that is looked at.
  bool is_out_ = false;          // nothing of what follows was read
  std::int64_t place_time_ = 0;  // what the id lies behind
  std::string_view driver_position_;
  std::string_view position_;
  std::string common_position_;
  schema::MemoryCover cover_;
  MemoryPlace place_;
};

/// Whether the query names a user whose memories can be found: not one that was merged away.
bool has_present_user(const MemoryQuery& query, const SpaceState& state) {
  return !query.user || state.resolve(*query.user) == *query.user;
}

/// The plan of a query. The types of an entity that is asked for by its id alone are looked up
/// where that takes no longer than fetching the records that the rest of the query leaves.
Result<core::Plan> memory_plan(ReadContext& context, const MemoryQuery& query, std::uint64_t limit,
                               bool wants_estimates, bool is_sure, core::Meter& meter) {
  constexpr std::uint64_t kFewTypes = 16;
  // A type costs two seeks, 2.7 us; a record 0.4 us (in the cache) to 3.5 us.
  constexpr std::uint64_t kRecordsPerType = 4;
  auto request = memory_request(query, context.state(), context.now(), limit);
  if (lacks_entity_type(query)) {
    auto other = request;
    other.wants_estimates = true;
    other.is_sure = is_sure;
    auto plan = plan_for(context, std::move(other));
    if (!plan) return plan;
    const std::uint64_t records = plan->steps.front().estimate.value_or(0);
    const std::uint64_t max_types = std::max(kFewTypes, records / kRecordsPerType);
    auto types = types_of_entity(context, *query.entity_id, max_types, meter);
    if (!types) return std::move(types).error();
    request = memory_request(query, context.state(), context.now(), limit, *types);
  }
  request.wants_estimates = wants_estimates;
  request.is_sure = is_sure;
  return plan_for(context, std::move(request));
}

}  // namespace

Result<MemoryRows> run_query(ReadContext& context, const MemoryQuery& query,
                             const MemoryPageLimits& limits, QueryPlan* explained) {
  if (!has_present_user(query, context.state())) return MemoryRows();
  core::Meter meter = meter_for(context, query.max_scanned);
  const auto make_plan = [&](bool is_sure) {
    return memory_plan(context, query, limits.limit, explained != nullptr, is_sure, meter);
  };
  const auto make_judge = [&](const core::Plan& plan) {
    return MemoryJudge(context, query, plan, meter);
  };
  return run_plans<MemoryRows>(
      context, meter,
      {limits.limit, limits.after, limits.wants_more, is_reverse(query.order, query.oldest_first)},
      make_plan, make_judge, explained);
}

Result<std::vector<Bytes>> find_rows(ReadContext& context, const MemoryQuery& query,
                                     std::uint32_t limit) {
  auto answer = run_query(context, query, {limit, {}, false});
  if (!answer) return std::move(answer).error();
  return std::move(answer->rows);
}

Result<std::uint64_t> count_rows(ReadContext& context, const MemoryQuery& query) {
  if (!has_present_user(query, context.state())) return std::uint64_t{0};
  core::Meter meter = meter_for(context, query.max_scanned);
  auto plan = memory_plan(context, query, 0, false, false, meter);
  if (!plan) return std::move(plan).error();
  MemoryJudge judge(context, query, *plan, meter);
  return core::Run(context.reader(), *plan, judge, meter).count();
}

}  // namespace callisto::detail
