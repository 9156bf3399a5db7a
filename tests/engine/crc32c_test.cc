// The checksum of table files by the processor's instruction. That RocksDB's own gives the same is
// what every test that verifies a store's files says.

#include "engine/rocksdb/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace callisto::kv {
namespace {

TEST(Crc32c, IsTheKnownOneOfAnyBytes) {
  if (!has_crc32c_instruction()) GTEST_SKIP() << "the processor has no such instruction";
  EXPECT_EQ(extend_crc32c(0, ""), 0u);
  EXPECT_EQ(extend_crc32c(0, "a"), 0xc1d04330u);
  EXPECT_EQ(extend_crc32c(0, "123456789"), 0xe3069283u);
  EXPECT_EQ(extend_crc32c(0, std::string(32, '\0')), 0x8a9136aau) << "RFC 3720, B.4";
  EXPECT_EQ(extend_crc32c(0, std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(Crc32c, GoesOnFromAnyPlace) {
  if (!has_crc32c_instruction()) GTEST_SKIP() << "the processor has no such instruction";
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += static_cast<char>(i * 37);
  const std::uint32_t whole = extend_crc32c(0, bytes);
  for (std::size_t i = 0; i <= bytes.size(); ++i) {
    EXPECT_EQ(extend_crc32c(extend_crc32c(0, bytes.substr(0, i)), bytes.substr(i)), whole);
  }
}

}  // namespace
}  // namespace callisto::kv
