#pragma once

// The buffers of a bulk load: filled by those who add records, sorted and written by a thread.

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "callisto/result.h"
#include "engine/external_sort.h"

namespace callisto::detail {

/// Thread-safe.
class LoadBuffers {
 public:
  /// `count` buffers of about `bytes` each. Sort and lanes must outlive it.
  LoadBuffers(kv::ExternalSort& sort, const std::vector<kv::SortLane>& lanes, std::size_t count,
              std::size_t bytes, std::string thread_name);
  ~LoadBuffers();

  /// One that is not full. Waits for one, and sorts a full one meanwhile. The first failure to
  /// write one ends all.
  Result<std::unique_ptr<kv::SortBuffer>> take();
  void give_back(std::unique_ptr<kv::SortBuffer> buffer);
  /// Has everything written that was given back. Nobody holds a buffer.
  Result<void> finish();

 private:
  using Buffer = std::unique_ptr<kv::SortBuffer>;

  void start_thread();
  void work();
  /// Sorts and writes a full buffer, of which there is one, without the lock.
  void write_one(std::unique_lock<std::mutex>& lock);

  kv::ExternalSort& sort_;
  const std::vector<kv::SortLane>& lanes_;
  const std::size_t bytes_;
  const std::string thread_name_;

  std::mutex mutex_;
  /// Two, so that the thread sleeps while buffers are taken and given back for each record.
  std::condition_variable filled_;  ///< For the thread: a full one, or the end.
  std::condition_variable freed_;   ///< For all others: anything else that they wait for.
  std::size_t unmade_;        ///< Buffers that were never asked for.
  std::vector<Buffer> open_;  ///< The fullest last.
  std::vector<Buffer> full_;
  std::size_t writing_ = 0;
  std::optional<Error> failure_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace callisto::detail
