#include "callisto/bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace callisto {
namespace {

TEST(Bytes, DefaultHoldsNothing) {
  const Bytes none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.view(), "");
}

TEST(Bytes, CopyIsItsOwn) {
  std::string source("with a \0 inside", 15);
  const Bytes bytes = Bytes::copy_of(source);
  source.assign(15, 'x');
  EXPECT_TRUE(bytes);
  EXPECT_EQ(bytes.view(), std::string_view("with a \0 inside", 15));
}

TEST(Bytes, EmptyBytesAreHeld) {
  const Bytes bytes = Bytes::copy_of("");
  EXPECT_TRUE(bytes);
  EXPECT_EQ(bytes.size(), 0u);
}

TEST(Bytes, LieOnEight) {
  for (std::size_t size : {0u, 1u, 7u, 8u, 9u, 1000u, 100'000u}) {
    const Bytes bytes = Bytes::copy_of(std::string(size, 'x'));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 8, 0u) << size;
    EXPECT_EQ(bytes.size(), size);
  }
}

TEST(Bytes, AboveTheirLimitAreNotHeld) {
  // Never read: only the length counts.
  const char one = 'x';
  EXPECT_FALSE(Bytes::copy_of({&one, std::size_t{1} << 32}));
}

TEST(Bytes, HandingOnCopiesNothing) {
  Bytes first = Bytes::copy_of("shared");
  const std::uint8_t* const where = first.data();
  Bytes second = first;
  EXPECT_EQ(second.data(), where);
  Bytes third = std::move(first);
  EXPECT_EQ(third.data(), where);
  second = Bytes();
  EXPECT_EQ(third.view(), "shared");
  second = third;
  third = Bytes::copy_of("other");
  EXPECT_EQ(second.view(), "shared");
  Bytes& itself = second;
  second = itself;
  EXPECT_EQ(second.view(), "shared");
}

TEST(Bytes, AreSharedByThreads) {
  const Bytes bytes = Bytes::copy_of("shared by threads");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([bytes] {
      for (int j = 0; j < 10'000; ++j) {
        Bytes mine = bytes;
        Bytes next = std::move(mine);
        ASSERT_EQ(next.size(), 17u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(bytes.view(), "shared by threads");
}

}  // namespace
}  // namespace callisto
