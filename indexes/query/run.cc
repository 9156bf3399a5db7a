#include "indexes/query/run.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "indexes/query/best.h"

namespace callisto::indexes::query {

namespace {

/// Records that are fetched in one MultiGet.
constexpr std::size_t kChunk = 256;

/// The list from behind `after` on, in the direction of reading.
List resumed(List list, bool reverse, const std::string& after) {
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

/// A page whose rows come in its order.
class OrderedPage {
 public:
  OrderedPage(Judge& judge, const PageLimits& limits) : judge_(judge), limits_(limits) {
    pending_.reserve(std::min(limits.limit, kChunk));
  }

  std::size_t found() const noexcept { return taken_ + pending_.size(); }
  bool is_full() const noexcept { return taken_ == limits_.limit; }
  /// For the place of the row that is added next.
  std::string& new_place() {
    place_.clear();
    return place_;
  }
  /// Whether to go on.
  Result<bool> add(Found found) {
    pending_.push_back(std::move(found));
    if (pending_.size() < std::min(limits_.limit - taken_, kChunk)) return true;
    if (auto done = take(); !done) return std::move(done).error();
    return limits_.wants_more || !is_full();
  }
  /// There is one more; nothing further is asked.
  Result<bool> set_more() {
    end_.has_more = true;
    return false;
  }
  void give_up() { end_.gave_up = true; }
  Result<PageEnd> end() && {
    if (auto done = take(); !done) return std::move(done).error();
    return std::move(end_);
  }

 private:
  Result<void> take() {
    if (pending_.empty()) return {};
    auto count = judge_.take(pending_);
    if (!count) return std::move(count).error();
    taken_ += *count;
    end_.last = place_;
    pending_.clear();
    return {};
  }

  Judge& judge_;
  const PageLimits& limits_;
  std::vector<Found> pending_;  // without their places: only the last one's is asked for
  std::string place_;
  std::size_t taken_ = 0;
  PageEnd end_;
};

/// How far a walk has come.
struct Progress {
  std::size_t found;
  std::size_t missing;
};

/// Watches a walk in order while it lives, and gives it up where another way costs less than what
/// is left of it as far as it looks, and when it has read as much as that way does. So both
/// together read at most about twice what the better one would have. Nor does it give up a walk
/// that may still come to its end for a way that the limit does not allow any more.
class Patience {
 public:
  /// `sure_keys`: what the other way reads; without it there is none.
  Patience(Meter& meter, std::optional<std::uint64_t> sure_keys, std::function<Progress()> progress)
      : meter_(meter), begin_(meter.keys_read()), progress_(std::move(progress)) {
    if (!sure_keys) return;
    sure_ = *sure_keys;
    // As long as no more than this is walked, the other way can still be gone to its end.
    const std::uint64_t left = meter.keys_left();
    back_ = left > sure_ ? left - sure_ : 0;
    meter_.watch(begin_ + next_look(0), [this] { return look(); });
  }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;
  ~Patience() { meter_.end_watch(); }

 private:
  static constexpr std::uint64_t kFirstLook = 64;
  /// Of a walk that may not be given up later, so much more than it looks must be allowed.
  static constexpr std::uint64_t kCareful = 16;

  std::optional<std::uint64_t> look() const {
    const std::uint64_t walked = meter_.keys_read() - begin_;
    const Progress now = progress_();
    // One more than were found: that there was none so far may be chance.
    const std::uint64_t rest = walked * now.missing / (now.found + 1);
    const std::uint64_t left = meter_.keys_left();
    const bool is_last_chance = walked <= back_ && walked + walked / 2 > back_;
    if (is_last_chance && rest > left / kCareful) return std::nullopt;
    const bool is_dear = walked >= sure_ || rest > sure_;
    if (is_dear && (walked <= back_ || rest > left)) return std::nullopt;
    return begin_ + next_look(walked);
  }
  std::uint64_t next_look(std::uint64_t walked) const {
    std::uint64_t next = std::max(kFirstLook, walked + walked / 2);
    for (const std::uint64_t due : {sure_, back_}) {
      if (walked < due) next = std::min(next, due);
    }
    return next;
  }

  Meter& meter_;
  const std::uint64_t begin_;
  const std::function<Progress()> progress_;
  std::uint64_t sure_ = 0;
  std::uint64_t back_ = 0;
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
  std::optional<List> rest;
  if (!after.empty()) rest = resumed(plan_.driver, reverse, after);
  const List& driver = rest ? *rest : plan_.driver;
  const auto admits = [this](const ListCursor& entry) -> Result<bool> {
    if (auto done = judge_.look(entry); !done) return std::move(done).error();
    return judge_.admits();
  };
  Intersection lists(reader_, driver, plan_.all, plan_.skips, admits, reverse, meter_,
                     judge_.signature());
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
  OrderedPage page(judge_, limits);
  const bool is_told = !plan_.needs_records && !plan_.is_told_by_hashes;
  const auto visit = [&](const ListCursor& entry) -> Result<bool> {
    if (!page.is_full()) {
      judge_.append_place(page.new_place());
      return page.add(found(entry));
    }
    if (is_told) return page.set_more();  // this is one more
    Found more = found(entry);
    std::vector<char> matches(1, 0);
    if (auto done = judge_.check({&more, 1}, matches); !done) return std::move(done).error();
    return matches[0] != 0 ? page.set_more() : Result<bool>(true);
  };
  const auto missing = [&] { return limits.limit + (limits.wants_more ? 1 : 0) - page.found(); };
  const Patience patience(meter_, plan_.sure_keys,
                          [&] { return Progress{page.found(), missing()}; });
  auto done = for_each(limits.reverse, limits.after, visit);
  if (!done && meter_.has_given_up()) {
    page.give_up();
  } else if (!done && page.is_full() && done.error().code() == Code::scan_limit_exceeded) {
    (void)page.set_more();  // the page is whole; what follows is for the next call to find
  } else if (!done) {
    return std::move(done).error();
  }
  return std::move(page).end();
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
  if (!done && limits.limit == 0 && done.error().code() == Code::scan_limit_exceeded) {
    return PageEnd{true, {}, false};  // as where a page in order is whole
  }
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
