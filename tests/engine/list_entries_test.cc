// The search in a part of a list against a walk over it.

#include "engine/cache/list_entries.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "engine/cache/list_cache.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

/// Of few letters and all lengths, so that many begin alike: shorter than the bytes that lie beside
/// the entries, as long, and longer.
std::string any_position(std::mt19937_64& random) {
  std::string position(random() % 2 == 0 ? random() % 12 : 8 + random() % 3, 'a');
  for (char& letter : position) letter = "\0ab\xff"[random() % 4];
  return position;
}

class Entries {
 public:
  void insert(const std::string& position) {
    const auto place = std::find_if(all_.begin(), all_.end(),
                                    [&](const std::string& other) { return other <= position; });
    ASSERT_EQ(entries_.place_of(position), static_cast<std::size_t>(place - all_.begin()));
    if (place != all_.end() && *place == position) return;
    entries_.insert(static_cast<std::size_t>(place - all_.begin()), ListEntry::make(position, ""));
    all_.insert(place, position);
  }
  void erase(std::size_t place) {
    entries_.erase(place);
    all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(place));
  }
  void expect_found(const std::string& position, std::size_t near) const {
    const auto expected = std::count_if(
        all_.begin(), all_.end(), [&](const std::string& other) { return other >= position; });
    EXPECT_EQ(entries_.count_from(position, near), static_cast<std::size_t>(expected))
        << "of " << all_.size() << ", near " << near;
  }
  void expect_same(const ListEntries& entries, std::size_t first) const {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      EXPECT_EQ(entries[i]->position(), all_[first + i]);
    }
  }
  const ListEntries& entries() const { return entries_; }
  std::size_t size() const { return all_.size(); }

 private:
  ListEntries entries_;
  std::vector<std::string> all_;
};

TEST(ListEntries, AreFoundFromEveryPlace) {
  const std::uint64_t seed = testing::test_seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    Entries entries;
    const std::size_t count = random() % 70;
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_NO_FATAL_FAILURE(entries.insert(any_position(random)));
    }
    for (std::size_t i = entries.size() / 4; i > 0; --i) entries.erase(random() % entries.size());
    entries.expect_same(entries.entries(), 0);
    for (std::size_t near = 0; near <= entries.size(); ++near) {
      entries.expect_found(any_position(random), near);
    }
  }
}

TEST(ListEntries, PartsAndJoinedOnesAreFoundToo) {
  std::mt19937_64 random(testing::test_seed());
  Entries entries;
  for (int i = 0; i < 300; ++i) ASSERT_NO_FATAL_FAILURE(entries.insert(any_position(random)));
  const std::size_t middle = entries.size() / 3;
  ListEntries joined = entries.entries().part(0, middle);
  const ListEntries rest = entries.entries().part(middle, entries.size());
  entries.expect_same(rest, middle);
  joined.append(rest);
  ASSERT_EQ(joined.size(), entries.size());
  entries.expect_same(joined, 0);
  for (int i = 0; i < 300; ++i) {
    const std::string position = any_position(random);
    EXPECT_EQ(joined.count_from(position), entries.entries().count_from(position));
  }
}

TEST(ListEntries, PlacesWithASignatureAreFoundBothWays) {
  std::mt19937_64 random(testing::test_seed());
  constexpr std::uint64_t kBits = 5;
  for (int round = 0; round < 100; ++round) {
    ListEntries entries;
    std::vector<std::uint64_t> signatures;
    const std::size_t count = 1 + random() % 30;
    for (std::size_t i = 0; i < count; ++i) {
      signatures.push_back(random() % 8);
      entries.push_back(ListEntry::make(std::to_string(90 - i), ""), signatures.back());
    }
    const std::size_t changed = random() % count;
    signatures[changed] ^= 4;
    entries.replace(changed, entries[changed], signatures[changed]);
    for (std::size_t place = 0; place < count; ++place) {
      const std::size_t most = random() % 12;
      std::size_t up = place;
      while (up < count && up - place < most && (signatures[up] & kBits) != kBits) ++up;
      EXPECT_EQ(entries.place_with(kBits, place, true, most), up);
      std::size_t down = place;
      while (down < count && place - down < most && (signatures[down] & kBits) != kBits) --down;
      EXPECT_EQ(entries.place_with(kBits, place, false, most), down);
    }
  }
}

}  // namespace
}  // namespace callisto::kv
