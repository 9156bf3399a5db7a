#include "indexes/query/run.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "indexes/query/best.h"

namespace callisto::indexes::query {

namespace {

/// Records that are fetched in one MultiGet.
constexpr std::size_t kChunk = 256;

/// The list from behind `after` on, in the direction of reading.
List resumed(List list, bool reverse, const std::string& after) {
  if (after.empty()) return list;
  for (List::Part& part : list.parts) {
    std::string at = part.prefix + after;
    if (reverse) {
      part.range.upper = std::min(part.range.upper, std::move(at));
    } else {
      at.push_back('\0');
      part.range.lower = std::max(part.range.lower, std::move(at));
    }
  }
  return list;
}

/// Candidates that their records decide, in chunks.
class Undecided {
 public:
  explicit Undecided(Judge& judge) : judge_(judge) {}

  bool is_full() const noexcept { return pending_.size() >= kChunk; }
  void add(Found found) { pending_.push_back(std::move(found)); }
  template <class Each>
  Result<void> decide(Each&& each) {
    if (pending_.empty()) return {};
    std::vector<char> matches(pending_.size(), 0);
    if (auto done = judge_.check(pending_, matches); !done) return done;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      if (matches[i] != 0) each(std::move(pending_[i]));
    }
    pending_.clear();
    return {};
  }

 private:
  Judge& judge_;
  std::vector<Found> pending_;
};

}  // namespace

void Run::open_probes(bool reverse) {
  const auto open = [&](const std::vector<Probed>& lists, std::vector<ListProbe>& probes) {
    probes.clear();
    for (const Probed& one : lists) {
      auto order = ListProbe::Order::other;
      if (one.is_in_order) order = reverse ? ListProbe::Order::reverse : ListProbe::Order::forward;
      probes.emplace_back(reader_, one.list, one.entries, meter_, order);
    }
  };
  open(plan_.probed, probes_);
  open(plan_.none, exclusions_);
}

Result<bool> Run::passes_lists() {
  for (ListProbe& list : probes_) {
    auto is_in = list.has(judge_.position());
    if (!is_in || !*is_in) return is_in;
  }
  for (std::size_t i = 0; i < exclusions_.size(); ++i) {
    if (!judge_.may_be_in(plan_.none_places[i])) continue;
    auto is_in = exclusions_[i].has(judge_.position());
    if (!is_in) return is_in;
    if (*is_in) return false;
  }
  return true;
}

Result<void> Run::for_each(bool reverse, const std::string& after,
                           const std::function<Result<bool>(const ListCursor& entry)>& each) {
  open_probes(reverse);
  const List driver = resumed(plan_.driver, reverse, after);
  const auto admits = [this](const ListCursor& entry) -> Result<bool> {
    if (auto done = judge_.look(entry); !done) return std::move(done).error();
    return judge_.admits();
  };
  Intersection lists(reader_, driver, plan_.all, plan_.skips, admits, reverse, meter_);
  while (true) {
    auto is_there = lists.next();
    if (!is_there) return std::move(is_there).error();
    if (!*is_there) return {};
    if (auto done = judge_.look(lists.driver()); !done) return done;
    if (!judge_.admits()) continue;
    auto passes = passes_lists();
    if (!passes) return std::move(passes).error();
    if (!*passes) continue;
    auto go_on = each(lists.driver());
    if (!go_on) return std::move(go_on).error();
    if (!*go_on) return {};
  }
}

Found Run::found(const ListCursor& entry) const {
  Found found;
  kv::ListEntry* const remembered = entry.remembered();
  if (judge_.peek(remembered, found.rows)) return found;
  found.key = judge_.record_key();
  found.hints = kv::HintRef(remembered);
  return found;
}

Result<PageEnd> Run::find(const PageLimits& limits) {
  return plan_.is_ordered ? find_ordered(limits) : find_best(limits);
}

Result<PageEnd> Run::find_ordered(const PageLimits& limits) {
  PageEnd end;
  std::vector<Found> pending;  // without their places: only the last one's is asked for
  pending.reserve(std::min(limits.limit, kChunk));
  std::string place;
  std::size_t taken = 0;
  const auto take = [&]() -> Result<void> {
    if (pending.empty()) return {};
    auto count = judge_.take(pending);
    if (!count) return std::move(count).error();
    taken += *count;
    end.last = place;
    pending.clear();
    return {};
  };
  const auto visit = [&](const ListCursor& entry) -> Result<bool> {
    if (taken == limits.limit) {  // the page is full: is this one more?
      end.has_more = true;
      if (!plan_.needs_records && !plan_.is_told_by_hashes) return false;
      std::vector<char> matches(1, 0);
      Found more = found(entry);
      if (auto done = judge_.check({&more, 1}, matches); !done) return std::move(done).error();
      end.has_more = matches[0] != 0;
      return !end.has_more;
    }
    place.clear();
    judge_.append_place(place);
    pending.push_back(found(entry));
    if (pending.size() < std::min(limits.limit - taken, kChunk)) return true;
    if (auto done = take(); !done) return std::move(done).error();
    return limits.wants_more || taken < limits.limit;
  };
  auto done = for_each(limits.reverse, limits.after, visit);
  if (!done && taken == limits.limit && done.error().code() == Code::scan_limit_exceeded) {
    end.has_more = true;  // the page is whole; what follows is for the next call to find
    return end;
  }
  if (!done) return std::move(done).error();
  if (auto last = take(); !last) return std::move(last).error();
  return end;
}

Result<PageEnd> Run::find_best(const PageLimits& limits) {
  Best<Found> best(limits.limit + (limits.wants_more ? 1 : 0), limits.reverse);
  Undecided undecided(judge_);
  const auto is_after = [&](const std::string& place) {
    return limits.after.empty() || best.is_before(limits.after, place);
  };
  std::string place;
  const auto add = [&](Found found) { best.add(std::move(found)); };
  auto done = for_each(limits.reverse, {}, [&](const ListCursor& entry) -> Result<bool> {
    place.clear();
    judge_.append_place(place);
    if (!is_after(place) || !best.would_enter(place)) return true;
    Found one = found(entry);
    one.place = place;
    if (!plan_.needs_records) {
      best.add(std::move(one));
      return true;
    }
    undecided.add(std::move(one));
    if (!undecided.is_full()) return true;
    if (auto decided = undecided.decide(add); !decided) return std::move(decided).error();
    return true;
  });
  if (!done) return std::move(done).error();
  if (auto decided = undecided.decide(add); !decided) return std::move(decided).error();

  std::vector<Found> rows = std::move(best).take();
  PageEnd end;
  end.has_more = rows.size() > limits.limit;
  if (end.has_more) rows.pop_back();
  if (rows.empty()) return end;
  auto taken = judge_.take(rows);
  if (!taken) return std::move(taken).error();
  end.last = std::move(rows.back().place);
  return end;
}

Result<std::uint64_t> Run::count() {
  std::uint64_t count = 0;
  Undecided undecided(judge_);
  const auto add = [&](Found) { ++count; };
  auto done = for_each(false, {}, [&](const ListCursor& entry) -> Result<bool> {
    if (!plan_.needs_records) {
      ++count;
      return true;
    }
    undecided.add(found(entry));
    if (!undecided.is_full()) return true;
    if (auto decided = undecided.decide(add); !decided) return std::move(decided).error();
    return true;
  });
  if (!done) return std::move(done).error();
  if (auto decided = undecided.decide(add); !decided) return std::move(decided).error();
  return count;
}

}  // namespace callisto::indexes::query
