#pragma once

#include <rocksdb/env.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace callisto::kv {

/// RocksDB's threads of one store: how many, and what their names begin with.
struct ThreadPlan {
  std::uint32_t count = 2;
  std::string name = "callisto";
  /// How much nicer than who opens the store: merging, and half as much writing memtables, which
  /// writers wait for sooner.
  std::uint32_t nice = 19;

  /// Write memtables; at least one, so that a long merge never stops writers.
  std::uint32_t flushes() const noexcept { return count < 8 ? 1 : count / 4; }
  std::uint32_t merges() const noexcept { return count > flushes() ? count - flushes() : 1; }
};

/// Jobs of one kind, first come first served, on threads that start when there is more to do than
/// threads that wait. Destroying it waits for the running ones and drops the rest.
class JobQueue {
 public:
  struct Job {
    std::function<void()> run;
    void* tag = nullptr;
    std::function<void()> drop;  ///< Instead of run, for a job that is taken back; may be empty.
  };

  /// `nice`: how much nicer its threads are than this one. `is_held`: jobs wait until release().
  JobQueue(std::string thread_name, std::size_t most_threads, std::uint32_t nice = 0,
           bool is_held = false);
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  void add(Job job);
  void release();
  /// Takes back what waits with this tag; how many.
  int take_back(const void* tag);
  std::size_t waiting() const;
  std::size_t most_threads() const noexcept { return most_threads_; }

 private:
  void work();

  const std::string thread_name_;
  const std::size_t most_threads_;
  const int nice_;  ///< Of its threads.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::size_t idle_ = 0;
  bool stops_ = false;
  bool is_held_;
  std::vector<std::thread> threads_;
};

/// RocksDB's world over a store's files: its clock and files are those of `base`, its threads are
/// the store's own and end with it. RocksDB's own Env shares its threads between all databases of
/// the process, never ends them, and names them itself.
class StoreEnv final : public rocksdb::EnvWrapper {
 public:
  /// Merges wait until start_merges().
  StoreEnv(std::unique_ptr<rocksdb::Env> base, const ThreadPlan& plan);
  ~StoreEnv() override;

  /// Once RocksDB has opened: while it opens it looks at the sizes of all files that are there, and
  /// fails where a merge has removed one since it was listed.
  void start_merges() { merges_.release(); }

  void Schedule(void (*function)(void*), void* argument, Priority priority, void* tag,
                void (*dropped)(void*)) override;
  int UnSchedule(void* tag, Priority priority) override;
  unsigned int GetThreadPoolQueueLen(Priority priority) const override;
  int GetBackgroundThreads(Priority priority) override;
  // The plan says how many, and an own thread pool is no thread of the whole system's to slow down.
  void SetBackgroundThreads(int, Priority) override {}
  void IncBackgroundThreadsIfNeeded(int, Priority) override {}
  int ReserveThreads(int, Priority) override { return 0; }
  int ReleaseThreads(int, Priority) override { return 0; }
  void LowerThreadPoolIOPriority(Priority) override {}
  void LowerThreadPoolCPUPriority(Priority) override {}
  rocksdb::Status LowerThreadPoolCPUPriority(Priority, rocksdb::CpuPriority) override {
    return rocksdb::Status::OK();
  }

 private:
  JobQueue& queue(Priority priority) noexcept { return priority == HIGH ? flushes_ : merges_; }
  const JobQueue& queue(Priority priority) const noexcept {
    return priority == HIGH ? flushes_ : merges_;
  }

  JobQueue flushes_;
  JobQueue merges_;
};

}  // namespace callisto::kv
