#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "callisto/export.h"
#include "callisto/time.h"

namespace callisto {

/// How grave a log line is.
enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// A file operation that changes something, as FileHook sees it.
enum class FileOperation : std::uint8_t { create, append, sync, rename, remove, truncate, sync_directory };

/// Decides before each changing file operation of the store whether it fails, and how: 0 lets it
/// through, an errno (EIO, ENOSPC) makes it fail without being done. Called from any thread.
using FileHook = std::function<int(FileOperation operation, std::string_view path)>;

/// What the library takes from the world. Derive from it to make tests deterministic, to inject
/// faults, or to hand in the clock and the log of a host program. Must outlive the store that uses
/// it. Every member is called from any thread, sometimes while locks of the store are held: a
/// member must not call the store.
class CALLISTO_API Environment {
 public:
  virtual ~Environment();

  /// The wall clock.
  virtual Time now();
  /// Monotonic microseconds, for deadlines and waits.
  virtual std::int64_t monotonic_micros();
  /// Monotonic nanoseconds, for the latencies of Store::stats() only: nothing that a store does
  /// depends on them. Not asked for where Options::statistics is off.
  virtual std::int64_t monotonic_nanos();
  /// 64 random bits, for ids and the jitter of retries. Ids must not repeat: the default draws from
  /// the operating system's generator.
  virtual std::uint64_t random_bits();
  /// Blocks the calling thread, between attempts of a transaction.
  virtual void sleep_micros(std::int64_t micros);
  /// One line of log, without user data. The default drops it: the library prints nothing.
  virtual void log(LogLevel level, std::string_view line);
  /// Asked once, when a store is opened; an empty function means no hook.
  virtual FileHook file_hook();

  /// The process-wide default: system clock, system randomness, no log.
  static Environment& system();
};

}  // namespace callisto
