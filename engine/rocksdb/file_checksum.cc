#include "engine/rocksdb/file_checksum.h"

#include <cstdint>
#include <string>

#include "engine/rocksdb/crc32c.h"

namespace callisto::kv {

namespace {

/// As RocksDB calls its own: the name stands in the manifest beside each checksum.
constexpr const char* kGeneratorName = "FileChecksumCrc32c";

class Generator final : public rocksdb::FileChecksumGenerator {
 public:
  void Update(const char* data, size_t n) override { crc_ = extend_crc32c(crc_, {data, n}); }
  void Finalize() override {
    for (int shift = 24; shift >= 0; shift -= 8) checksum_ += static_cast<char>(crc_ >> shift);
  }
  std::string GetChecksum() const override { return checksum_; }
  const char* Name() const override { return kGeneratorName; }

 private:
  std::uint32_t crc_ = 0;
  std::string checksum_;
};

class Factory final : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext& context) override {
    const auto& wanted = context.requested_checksum_func_name;
    if (!wanted.empty() && wanted != kGeneratorName)
      return theirs_->CreateFileChecksumGenerator(context);
    return std::make_unique<Generator>();
  }
  const char* Name() const override { return theirs_->Name(); }

 private:
  const std::shared_ptr<rocksdb::FileChecksumGenFactory> theirs_ =
      rocksdb::GetFileChecksumGenCrc32cFactory();
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> make_checksum_factory() {
  if (!has_crc32c_instruction()) return rocksdb::GetFileChecksumGenCrc32cFactory();
  return std::make_shared<Factory>();
}

}  // namespace callisto::kv
