#pragma once

#include <chrono>

#include "bench/data.h"

namespace callisto::bench {

/// How long a load took, in seconds, without the making of the data.
struct LoadTimes {
  double load = 0;
  double settle =
      0;  ///< Compaction, statistics, folding in of a log: what a load leaves for later.
};

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Makes the items that an engine loads, and leaves the time for that out.
class LoadWatch {
 public:
  explicit LoadWatch(const Data& data) : data_(data) {}

  UserItem user(std::size_t n) { return make(&Data::user, n); }
  ConversationItem conversation(std::size_t n) { return make(&Data::conversation, n); }
  NewMemory memory(std::size_t n) { return make(&Data::memory, n); }

  /// All rows and indexes are there.
  void loaded() { times_.load = watch_.seconds() - made_; }
  /// Nothing is left to do.
  LoadTimes settled() {
    times_.settle = watch_.seconds() - made_ - times_.load;
    return times_;
  }

 private:
  template <class Item>
  Item make(Item (Data::*item_of)(std::size_t) const, std::size_t n) {
    const Stopwatch watch;
    Item item = (data_.*item_of)(n);
    made_ += watch.seconds();
    return item;
  }

  const Data& data_;
  const Stopwatch watch_;
  double made_ = 0;
  LoadTimes times_;
};

}  // namespace callisto::bench
