#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace callisto::indexes::query {

/// The first `limit` of an order, out of candidates that come in any. `Item` has its place in the
/// order as bytes, `place`; with `reverse` the highest come first.
template <class Item>
class Best {
 public:
  Best(std::size_t limit, bool reverse) : limit_(limit), before_{reverse} {}

  /// Whether place `a` comes before `b`.
  bool is_before(const std::string& a, const std::string& b) const { return before_.places(a, b); }
  bool would_enter(const std::string& place) const {
    return heap_.size() < limit_ || is_before(place, heap_.front().place);
  }
  void add(Item item) {
    if (!would_enter(item.place)) return;
    heap_.push_back(std::move(item));
    std::push_heap(heap_.begin(), heap_.end(), before_);
    if (heap_.size() <= limit_) return;
    std::pop_heap(heap_.begin(), heap_.end(), before_);
    heap_.pop_back();
  }
  std::vector<Item> take() && {
    std::sort_heap(heap_.begin(), heap_.end(), before_);
    return std::move(heap_);
  }

 private:
  struct Before {
    bool reverse;
    bool places(const std::string& a, const std::string& b) const {
      return reverse ? b < a : a < b;
    }
    bool operator()(const Item& a, const Item& b) const { return places(a.place, b.place); }
  };
  const std::size_t limit_;
  const Before before_;
  std::vector<Item> heap_;  // the last one on top
};

}  // namespace callisto::indexes::query
