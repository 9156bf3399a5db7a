#include "engine/cache/list_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/cache/recent_changes.h"

namespace callisto::kv {
namespace {

constexpr std::size_t kLarge = 64 << 20;

class Lists : public ::testing::Test {
 protected:
  using Name = ListCache::Name;
  static Name name(std::string_view prefix = "list/") { return Name::of(Family::indexes, prefix); }
  /// "[b,f) d c": where it begins and ends, and its entries, or "none".
  static std::string show(const Ref<ListSegment>& part) {
    if (!part) return "none";
    std::string text = "[" + part->from + "," + (part->is_to_end ? "end" : part->to) + ")";
    for (const auto& entry : part->entries) {
      text += ' ' + std::string(entry->position());
      if (!entry->value().empty()) text += '=' + std::string(entry->value());
    }
    return text;
  }
  /// Entries of one letter each, rising. `to` "end": to the end of the list.
  void fill(std::string_view from, std::string_view to, std::string_view entries, Version at,
            const Name& of = name()) {
    Ref<ListSegment> part(new ListSegment);
    part->from = from;
    part->is_to_end = to == "end";
    if (!part->is_to_end) part->to = to;
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      part->entries.push_back(ListEntry::make(std::string_view(&*entry, 1), ""));
    }
    lists_.fill(of, std::move(part), at);
  }
  void put(std::string_view position, std::string_view value, Version version) {
    recent_.add(std::vector<std::uint64_t>{name().hash}, version);
    FollowedValue left(value);
    lists_.apply(name(), position, left, false, nullptr, version);
  }
  void erase(std::string_view position, Version version) {
    recent_.add(std::vector<std::uint64_t>{name().hash}, version);
    FollowedValue nothing;
    lists_.apply(name(), position, nothing, false, nullptr, version);
  }
  static bool knows(const Name& list, std::string_view position, ListCache& lists) {
    return static_cast<bool>(lists.find(list, position, 1'000'000));
  }
  bool knows(const Name& list, std::string_view position) { return knows(list, position, lists_); }
  std::string find(std::string_view position, Version at = 1000) {
    return show(lists_.find(name(), position, at));
  }
  std::string before(std::string_view position, Version at = 1000) {
    return show(lists_.find_before(name(), position, false, at));
  }
  std::string before_end() { return show(lists_.find_before(name(), {}, true, 1000)); }

  RecentChanges recent_;
  CacheRooms rooms_{kLarge};
  ListCache lists_{rooms_, recent_};
};

TEST_F(Lists, APartKnowsWhereItBeginsAndEnds) {
  EXPECT_EQ(find("a"), "none");
  fill("c", "h", "dg", 10);
  EXPECT_EQ(find("b"), "none");
  EXPECT_EQ(find("c"), "[c,h) g d");
  EXPECT_EQ(find("gz"), "[c,h) g d") << "and nothing is there";
  EXPECT_EQ(find("h"), "none");
  EXPECT_EQ(find("c", 9), "none");
  EXPECT_EQ(show(lists_.find(name("other/"), "c", 1000)), "none");
  EXPECT_EQ(show(lists_.find(Name::of(Family::messages, "list/"), "c", 1000)), "none");
}

TEST_F(Lists, BackwardsThePartThatReachesUpToThePosition) {
  fill("c", "h", "dg", 10);
  EXPECT_EQ(before("c"), "none");
  EXPECT_EQ(before("ca"), "[c,h) g d");
  EXPECT_EQ(before("h"), "[c,h) g d");
  EXPECT_EQ(before("ha"), "none") << "who knows what is at h";
  EXPECT_EQ(before("h", 9), "none");
  EXPECT_EQ(before_end(), "none");
  fill("m", "end", "n", 10);
  EXPECT_EQ(before_end(), "[m,end) n");
  EXPECT_EQ(before("zz"), "[m,end) n");
  EXPECT_EQ(before("m"), "none");
  EXPECT_EQ(find("zz"), "[m,end) n");
}

TEST_F(Lists, PartsThatMeetAreJoined) {
  fill("a", "c", "b", 10);
  fill("e", "g", "f", 20);
  EXPECT_EQ(find("b"), "[a,c) b");
  fill("c", "e", "d", 15);
  EXPECT_EQ(find("b"), "[a,g) f d b");
  EXPECT_EQ(find("b", 19), "none") << "as new as its newest part";
  fill("g", "end", "x", 30);
  EXPECT_EQ(find("y"), "[a,end) x f d b");
}

TEST_F(Lists, OfWhatIsReadOnlyWhatIsNewIsKept) {
  fill("b", "d", "c", 10);
  fill("f", "h", "g", 10);
  fill("a", "end", "acegx", 20);
  EXPECT_EQ(find("a"), "[a,end) x g e c a");
  fill("c", "e", "", 30);
  EXPECT_EQ(find("a"), "[a,end) x g e c a") << "known already";
}

TEST_F(Lists, AnEmptyListIsKnownToo) {
  fill("", "end", "", 10);
  EXPECT_EQ(find("q"), "[,end)");
  EXPECT_EQ(before_end(), "[,end)");
  put("m", "1", 20);
  EXPECT_EQ(find("q"), "[,end) m=1");
}

TEST_F(Lists, LongPartsAreNotJoined) {
  const auto many = [](char first, std::size_t count) {
    Ref<ListSegment> part(new ListSegment);
    for (std::size_t i = count; i > 0; --i) {
      part->entries.push_back(ListEntry::make(first + std::to_string(10'000 + i), ""));
    }
    part->from = std::string(1, first);
    part->to = std::string(1, static_cast<char>(first + 1));
    return part;
  };
  lists_.fill(name(), many('a', ListCache::kMaxJoinedEntries), 10);
  lists_.fill(name(), many('b', 1), 10);
  EXPECT_EQ(lists_.find(name(), "a", 10)->to, "b");
  EXPECT_EQ(lists_.find(name(), "b", 10)->from, "b");
  EXPECT_EQ(lists_.find_before(name(), "b", false, 10)->from, "a");
  EXPECT_EQ(lists_.find_before(name(), "b1", false, 10)->from, "b");
}

TEST_F(Lists, FollowCommitsAtEveryPlace) {
  fill("b", "k", "dgi", 10);
  put("b", "first", 20);
  put("j", "last", 21);
  put("g", "same", 22);
  put("e", "between", 23);
  EXPECT_EQ(find("b"), "[b,k) j=last i g=same e=between d b=first");
  EXPECT_EQ(find("b", 22), "none");
  erase("b", 24);
  erase("j", 25);
  erase("e", 26);
  erase("f", 27);
  EXPECT_EQ(find("b"), "[b,k) i g=same d");
  EXPECT_EQ(find("b", 26), "none");
  put("a", "outside", 28);
  put("k", "outside", 28);
  EXPECT_EQ(find("b", 27), "[b,k) i g=same d") << "nobody knew what was there";
}

TEST_F(Lists, WhatAReaderHoldsStaysAsItWas) {
  fill("b", "k", "dg", 10);
  const Ref<ListSegment> held = lists_.find(name(), "c", 10);
  put("e", "new", 20);
  erase("d", 21);
  EXPECT_EQ(show(held), "[b,k) g d");
  EXPECT_EQ(held->version, 10U);
  EXPECT_EQ(find("c"), "[b,k) g e=new");
  fill("k", "end", "z", 30);
  EXPECT_EQ(show(held), "[b,k) g d");
}

TEST_F(Lists, WhatWasReadBeforeACommitDoesNotEnterAfterIt) {
  put("d", "v", 20);
  fill("a", "end", "", 19);
  EXPECT_EQ(find("d"), "none");
  fill("a", "end", "d", 20);
  EXPECT_EQ(find("d"), "[a,end) d");
}

TEST_F(Lists, APartThatGrewTooLongForgetsItsEnd) {
  fill("", "end", "", 10);
  const std::size_t count = 2 * ListCache::kMaxSegmentEntries + 1;
  for (std::size_t i = 0; i < count; ++i) put(std::to_string(100'000 + i), "", 20 + i);
  const Ref<ListSegment> kept = lists_.find(name(), "", 1'000'000);
  ASSERT_TRUE(kept);
  EXPECT_FALSE(kept->is_to_end);
  EXPECT_EQ(kept->entries.size(), ListCache::kMaxSegmentEntries);
  EXPECT_EQ(kept->entries[kept->entries.size() - 1]->position(), "100000");
  EXPECT_GT(kept->to, kept->entries[0]->position());
  EXPECT_EQ(kept->to, std::to_string(100'000 + ListCache::kMaxSegmentEntries));
  EXPECT_FALSE(knows(name(), kept->to));
  EXPECT_TRUE(knows(name(), kept->entries[0]->position()));
}

TEST_F(Lists, ARangeIsErased) {
  const auto of = [](std::string_view prefix) { return Name::of(Family::indexes, prefix); };
  for (const char* prefix : {"a/", "b/", "b/c/", "d/"}) fill("", "end", "x", 10, of(prefix));
  lists_.erase_range(Family::messages, "a", "z");
  EXPECT_EQ(lists_.stats().entries, 4U);
  lists_.erase_range(Family::indexes, "b/c/d", "c");
  EXPECT_TRUE(knows(of("a/"), "x"));
  EXPECT_FALSE(knows(of("b/"), "x")) << "keys of it may be in the range";
  EXPECT_FALSE(knows(of("b/c/"), "x"));
  EXPECT_TRUE(knows(of("d/"), "x"));
  lists_.clear();
  EXPECT_EQ(lists_.stats().entries, 0U);
  EXPECT_EQ(lists_.stats().bytes, 0U);
}

TEST_F(Lists, PartsAreEvictedOneByOne) {
  // All of one list, so of one shard: some of the parts fit.
  CacheRooms rooms(64 << 10);
  ListCache small(rooms, recent_);
  std::vector<std::string> from;
  for (int i = 0; i < 200; ++i) {
    Ref<ListSegment> part(new ListSegment);
    part->from = std::to_string(1000 + i) + "a";
    part->to = std::to_string(1000 + i) + "c";  // none meets the next one
    part->entries.push_back(ListEntry::make(std::to_string(1000 + i) + "b", std::string(100, 'v')));
    from.push_back(part->from);
    small.fill(name(), std::move(part), 10);
    ASSERT_LE(small.stats().bytes, std::size_t{64} << 10);
  }
  const auto kept = std::count_if(from.begin(), from.end(), [&](const std::string& position) {
    const Ref<ListSegment> part = small.find(name(), position, 10);
    if (part) {
      EXPECT_EQ(part->from, position);
    }
    return static_cast<bool>(part);
  });
  EXPECT_GT(kept, 2);
  EXPECT_EQ(small.stats().evictions, 200U - static_cast<std::uint64_t>(kept));
  EXPECT_EQ(small.stats().entries, 1U);
  const std::string large(100'000, 'w');
  FollowedValue left(large);
  small.apply(name(), from.back(), left, false, nullptr, 20);
  EXPECT_FALSE(knows(name(), from.back(), small)) << "it is larger than the shard";
}

TEST_F(Lists, NothingStaysWithoutCapacity) {
  CacheRooms rooms(0);
  ListCache none(rooms, recent_);
  Ref<ListSegment> part(new ListSegment);
  part->is_to_end = true;
  none.fill(name(), std::move(part), 10);
  EXPECT_FALSE(knows(name(), "x", none));
  EXPECT_EQ(none.stats().entries, 0U);
  EXPECT_EQ(none.stats().bytes, 0U);
}

}  // namespace
}  // namespace callisto::kv
