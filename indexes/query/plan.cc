#include "indexes/query/plan.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "indexes/query/probe.h"

namespace callisto::indexes::query {

namespace {

// What things cost, in entries walked over. Rough: they decide between ways that differ much.
constexpr double kSeekCost = 1.5;
/// Of a row, beside the entry that leads to it: from 0.1 us in the cache to 9 us from the disk.
constexpr double kLookupCost = 4.0;
/// A list so many times longer than the driver's skips too little to be worth its seeks, where the
/// entry tells nearly as much.
constexpr std::uint64_t kWorthSeeking = 8;

/// What no query asks for.
constexpr std::uint8_t kNoOrder = 0xFF;
/// Places in Request::all and Request::drivers.
constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
constexpr double kNoCost = std::numeric_limits<double>::max();

/// Where conditions are taken as independent, or where they exclude each other.
enum class Costs : std::uint8_t { as_it_looks, at_most };

class Planner {
 public:
  Planner(Request request, const CardinalitySource& source,
          const std::function<bool(schema::IndexId)>& is_ready)
      : request_(std::move(request)), source_(source), is_ready_(is_ready) {}

  std::optional<Plan> run() {
    drop_unready();
    choose();
    if (condition_ == kNowhere && driver_ == kNowhere) return std::nullopt;
    take_driver();
    for (const char* name : request_.on_entry) {
      plan_.steps.push_back({name, Use::on_entry, std::nullopt, std::nullopt});
    }
    take_conditions();
    take_exclusions();
    for (const char* name : request_.on_record) {
      plan_.steps.push_back({name, Use::on_record, std::nullopt, std::nullopt});
    }
    plan_.needs_records = !request_.on_record.empty();
    return std::move(plan_);
  }

 private:
  /// What has no index to ask is asked of the record.
  void drop_unready() {
    for (auto* conditions : {&request_.all, &request_.none}) {
      for (const Condition& condition : *conditions) {
        if (!is_ready_(condition.list.index)) request_.on_record.push_back(condition.name);
      }
    }
    std::erase_if(request_.all,
                  [&](const Condition& condition) { return !is_ready_(condition.list.index); });
    std::erase_if(request_.drivers,
                  [&](const Driver& driver) { return !is_ready_(driver.list.index); });
  }

  std::uint64_t estimate(const List& list) const {
    std::uint64_t sum = 0;
    for (const List::Part& part : list.parts) {
      const KeyRange whole = range_of(part.prefix);
      const bool is_whole = whole.lower == part.range.lower && whole.upper == part.range.upper;
      sum += is_whole ? source_.entries(part.prefix) : source_.entries(part.prefix, part.range);
    }
    return sum;
  }

  /// Without a choice no estimate is made: that is what a finder with one condition costs.
  void choose() {
    // Where a condition drives, walking everything in the same order is no choice.
    std::vector<std::size_t> drivers;
    for (std::size_t i = 0; i < request_.drivers.size(); ++i) {
      if (!request_.drivers[i].is_common || request_.all.empty()) drivers.push_back(i);
    }
    const bool is_choice =
        request_.all.size() > 1 || drivers.size() + (request_.all.empty() ? 0 : 1) > 1;
    if (is_choice || request_.wants_estimates) {
      make_estimates();
      if (is_choice) return choose_by_cost(drivers);
    }
    if (!request_.all.empty()) {
      condition_ = 0;
    } else if (!drivers.empty()) {
      driver_ = drivers.front();
    }
  }

  void make_estimates() {
    total_ = static_cast<double>(std::max<std::uint64_t>(source_.entries(request_.everything), 1));
    matches_ = total_;
    for (const Condition& condition : request_.all) {
      all_estimates_.push_back(estimate(condition.list));
      matches_ *= share(all_estimates_.back());
    }
    for (const Driver& driver : request_.drivers) {
      driver_estimates_.push_back(driver.is_whole ? static_cast<std::uint64_t>(total_)
                                                  : estimate(driver.list));
      matches_ *= share(driver_estimates_.back());
    }
  }

  double share(std::uint64_t entries) const {
    return std::clamp(static_cast<double>(entries) / total_, 1.0 / total_, 1.0);
  }

  /// Entries of a driver that are walked over until there is enough: as it looks, or at most.
  double walked(std::uint64_t entries, bool is_ordered, Costs costs) const {
    const auto all = static_cast<double>(entries);
    if (!is_ordered || request_.limit == 0 || costs == Costs::at_most) return all;
    return std::min(all, all * static_cast<double>(request_.limit) / std::max(matches_, 1.0));
  }

  /// Of the condition with the shortest list, with which the others are intersected.
  double cost_of_condition(Costs costs) const {
    const bool is_ordered = request_.order == request_.common_order;
    return walked(all_estimates_[condition_], is_ordered, costs) * cost_per_entry();
  }
  double cost_per_entry() const {
    double met = request_.looks_rows_up ? kLookupCost : 0;
    for (std::size_t i = 0; i < all_estimates_.size(); ++i) {
      if (i != condition_) met *= share(all_estimates_[i]);
    }
    return 1 + kSeekCost * static_cast<double>(request_.all.size() - 1) + met;
  }

  /// The conditions' lists are asked for each entry, or the shortest is walked over too; but for
  /// what the entry tells.
  double cost_of_driver(std::size_t i, Costs costs) const {
    const bool is_ordered = request_.drivers[i].order == request_.order;
    const double entries = walked(driver_estimates_[i], is_ordered, costs);
    if (request_.drivers[i].is_common && request_.looks_rows_up) return entries * (1 + kLookupCost);
    const bool is_told = is_ordered && request_.limit != 0;
    double all = 0;
    double shortest = kNoCost;
    for (std::size_t c = 0; c < all_estimates_.size(); ++c) {
      if (is_told && request_.all[c].is_on_entry) continue;
      const double asked = std::min(entries * kProbeCost, static_cast<double>(all_estimates_[c]));
      all += asked;
      shortest = std::min(shortest, asked);
    }
    if (shortest == kNoCost) return entries;
    return entries + (costs == Costs::at_most ? all : shortest);
  }

  /// What can drive, and what that costs.
  struct Way {
    std::size_t condition = kNowhere;
    std::size_t driver = kNowhere;
    bool is_ordered = false;
    double as_it_looks = 0;
    double at_most = 0;
  };
  std::vector<Way> ways(const std::vector<std::size_t>& drivers) {
    std::vector<Way> ways;
    if (!all_estimates_.empty()) {
      condition_ = static_cast<std::size_t>(
          std::min_element(all_estimates_.begin(), all_estimates_.end()) - all_estimates_.begin());
      ways.push_back({condition_, kNowhere, request_.order == request_.common_order,
                      cost_of_condition(Costs::as_it_looks), cost_of_condition(Costs::at_most)});
    }
    for (const std::size_t i : drivers) {
      ways.push_back({kNowhere, i, request_.drivers[i].order == request_.order,
                      cost_of_driver(i, Costs::as_it_looks), cost_of_driver(i, Costs::at_most)});
    }
    return ways;
  }

  /// What a way is judged by where conditions may exclude each other. Lists that skip through each
  /// other cost so much at most, and nearly nothing where they lie apart in time.
  double cost_where_unsure(const Way& way) const {
    constexpr double kSkips = 2.0;
    const bool skips = way.condition != kNowhere && !way.is_ordered && request_.all.size() > 1;
    return skips ? way.at_most / kSkips : way.at_most;
  }

  void choose_by_cost(const std::vector<std::size_t>& drivers) {
    Way chosen;
    Way sure;  // the best that collects
    double best = kNoCost;
    double best_sure = kNoCost;
    for (const Way& way : ways(drivers)) {
      const double unsure = cost_where_unsure(way);
      if (!way.is_ordered && unsure < best_sure) {
        best_sure = unsure;
        sure = way;
      }
      const double cost = request_.is_sure ? unsure : way.as_it_looks;
      // Of two that cost the same, what is asked for decides; then the order, which needs no heap.
      const bool is_preferred = cost == best && way.is_ordered && chosen.condition == kNowhere;
      if (cost >= best && !is_preferred) continue;
      best = cost;
      chosen = way;
    }
    condition_ = chosen.condition;
    driver_ = chosen.driver;
    const bool is_hoped = request_.limit != 0 && chosen.is_ordered;
    if (is_hoped && best_sure < cost_where_unsure(chosen)) set_sure_keys(sure.at_most);
  }

  /// The walk is measured in keys, beside which rows may be looked up.
  void set_sure_keys(double cost) {
    double per_key = 1;
    if (condition_ != kNowhere) {
      per_key = cost_per_entry() / static_cast<double>(request_.all.size());
    } else if (request_.drivers[driver_].is_common && request_.looks_rows_up) {
      per_key += kLookupCost;
    }
    plan_.sure_keys = static_cast<std::uint64_t>(cost / per_key) + 1;
  }

  static std::optional<std::uint64_t> at(const std::vector<std::uint64_t>& estimates,
                                         std::size_t i) {
    if (i >= estimates.size()) return std::nullopt;
    return estimates[i];
  }

  void take_driver() {
    const bool by_condition = condition_ != kNowhere;
    std::uint8_t order = request_.common_order;
    Step step;
    if (by_condition) {
      Condition& condition = request_.all[condition_];
      step = {condition.name, Use::drives, condition.list.index, at(all_estimates_, condition_)};
      plan_.driver = std::move(condition.list);
      is_common_ = !plan_.driver.is_time_rising;
      if (!is_common_) order = kNoOrder;
    } else {
      Driver& driver = request_.drivers[driver_];
      step = {driver.name, Use::drives, driver.list.index, at(driver_estimates_, driver_)};
      plan_.driver = std::move(driver.list);
      is_common_ = driver.is_common;
      order = driver.order;
    }
    plan_.is_ordered = order == request_.order;
    driver_entries_ = step.estimate;
    plan_.steps.push_back(step);
  }

  /// Whether what the entry tells is enough: the record, fetched to be returned, decides the rest.
  bool is_told_on_entry(const Condition& condition) const {
    return condition.is_on_entry && plan_.is_ordered && request_.limit != 0;
  }
  bool is_enough_on_entry(const Condition& condition, std::size_t i) const {
    if (!is_told_on_entry(condition)) return false;
    if (!is_common_) return true;
    const auto entries = at(all_estimates_, i);
    return entries && driver_entries_ && *entries / kWorthSeeking > *driver_entries_;
  }

  void take_conditions() {
    struct Taken {
      std::uint64_t entries;
      Step step;
      List list;
      bool is_told_on_entry;
    };
    std::vector<Taken> taken;
    std::vector<Step> on_entry;
    for (std::size_t i = 0; i < request_.all.size(); ++i) {
      Condition& condition = request_.all[i];
      if (i == condition_) continue;
      const auto entries = at(all_estimates_, i);
      const bool can_seek = is_common_ && !condition.list.is_time_rising;
      plan_.is_told_by_hashes |= is_told_on_entry(condition);
      Step step{condition.name, can_seek ? Use::intersects : Use::probes, condition.list.index,
                entries};
      if (is_enough_on_entry(condition, i)) {
        step.use = Use::on_entry;
        on_entry.push_back(step);
      } else {
        const bool is_told = is_told_on_entry(condition);
        taken.push_back({entries.value_or(0), step, std::move(condition.list), is_told});
      }
    }
    // The narrowest first: it rules out most.
    std::stable_sort(taken.begin(), taken.end(),
                     [](const Taken& a, const Taken& b) { return a.entries < b.entries; });
    plan_.steps.insert(plan_.steps.end(), on_entry.begin(), on_entry.end());
    for (Taken& one : taken) {
      plan_.steps.push_back(one.step);
      if (one.step.use == Use::probes) {
        plan_.probed.push_back({std::move(one.list), one.step.estimate, false});
      } else {
        (one.is_told_on_entry ? plan_.skips : plan_.all).push_back(std::move(one.list));
      }
    }
  }

  void take_exclusions() {
    std::uint64_t sure_lookups = 0;
    for (std::size_t i = 0; i < request_.none.size(); ++i) {
      Condition& condition = request_.none[i];
      if (!is_ready_(condition.list.index)) continue;
      const std::uint64_t entries = estimate(condition.list);
      const bool is_in_order = is_common_ && !condition.list.is_time_rising;
      plan_.steps.push_back({condition.name, Use::excludes, condition.list.index, entries});
      plan_.none_places.push_back(i);
      plan_.none.push_back({std::move(condition.list), entries, is_in_order});
      // One for each row that is collected, or the list is read.
      if (plan_.sure_keys) sure_lookups += std::min(entries, *plan_.sure_keys);
    }
    if (plan_.sure_keys) *plan_.sure_keys += sure_lookups;
  }

  Request request_;
  const CardinalitySource& source_;
  const std::function<bool(schema::IndexId)>& is_ready_;
  Plan plan_;
  std::vector<std::uint64_t> all_estimates_;
  std::vector<std::uint64_t> driver_estimates_;
  double total_ = 0;
  double matches_ = 0;                // rows that hold all, taken as independent
  std::size_t condition_ = kNowhere;  // which drives
  bool is_common_ = false;            // the driver has the positions of the conditions
  std::size_t driver_ = kNowhere;
  std::optional<std::uint64_t> driver_entries_;
};

}  // namespace

std::optional<Plan> make_plan(Request request, const CardinalitySource& source,
                              const std::function<bool(schema::IndexId)>& is_ready) {
  return Planner(std::move(request), source, is_ready).run();
}

const char* to_string(Use use) noexcept {
  switch (use) {
    case Use::drives:
      return "drives";
    case Use::intersects:
      return "intersects";
    case Use::probes:
      return "probes";
    case Use::excludes:
      return "excludes";
    case Use::on_entry:
      return "on_entry";
    case Use::on_record:
      return "on_record";
  }
  return "unknown";
}

}  // namespace callisto::indexes::query
