#include "engine/rocksdb/info_log.h"

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include "callisto/environment.h"

namespace callisto::kv {

InfoLog::InfoLog(Environment& environment)
    : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), environment_(environment) {}

// RocksDB calls this one for its header lines only: options, no events.
void InfoLog::Logv(const char*, va_list) {}

void InfoLog::Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level > rocksdb::InfoLogLevel::FATAL_LEVEL)
    return;
  std::array<char, 500> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (length <= 0) return;
  std::string_view text(line.data());
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const bool warning = level == rocksdb::InfoLogLevel::WARN_LEVEL;
  environment_.log(warning ? LogLevel::warning : LogLevel::error, "rocksdb: " + std::string(text));
}

}  // namespace callisto::kv
