#pragma once

#include <rocksdb/env.h>

#include <cstdarg>

namespace callisto {
class Environment;
}

namespace callisto::kv {

/// Where RocksDB's own log lines go: warnings and errors to Environment::log, the rest nowhere.
/// There is never a LOG file: RocksDB's own logger ends the process when the disk is full
/// (RELIABILITY.md section 0). Lines below a warning are dropped because they may show keys.
class InfoLog final : public rocksdb::Logger {
 public:
  /// `environment` must outlive it.
  explicit InfoLog(Environment& environment);

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;

 private:
  Environment& environment_;
};

}  // namespace callisto::kv
