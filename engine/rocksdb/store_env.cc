#include "engine/rocksdb/store_env.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <system_error>
#include <utility>

namespace callisto::kv {

namespace {

/// Linux has a nice value for each thread.
int own_nice() noexcept { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); }

}  // namespace

JobQueue::JobQueue(std::string thread_name, std::size_t most_threads, std::uint32_t nice,
                   bool is_held)
    : thread_name_(std::move(thread_name)),
      most_threads_(most_threads),
      nice_(own_nice() + static_cast<int>(nice)),
      is_held_(is_held) {}

JobQueue::~JobQueue() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  for (Job& job : jobs_) {
    if (job.drop) job.drop();
  }
}

void JobQueue::add(Job job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  if (jobs_.size() > idle_ && threads_.size() < most_threads_) {
    try {
      threads_.emplace_back([this] { work(); });
      const std::string name = thread_name_ + std::to_string(threads_.size() - 1);
      pthread_setname_np(threads_.back().native_handle(), name.c_str());
    } catch (const std::system_error&) {
      // The system has no thread left: the job waits for one of ours, or for the next try.
    }
  }
  wake_.notify_one();
}

void JobQueue::release() {
  {
    const std::lock_guard lock(mutex_);
    is_held_ = false;
  }
  wake_.notify_all();
}

int JobQueue::take_back(const void* tag) {
  std::vector<Job> taken;
  {
    const std::lock_guard lock(mutex_);
    for (auto job = jobs_.begin(); job != jobs_.end();) {
      if (job->tag == tag) {
        taken.push_back(std::move(*job));
        job = jobs_.erase(job);
      } else {
        ++job;
      }
    }
  }
  for (Job& job : taken) {
    if (job.drop) job.drop();
  }
  return static_cast<int>(taken.size());
}

std::size_t JobQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void JobQueue::work() {
  // Where it is refused the thread stays as it is.
  if (nice_ > own_nice()) ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice_);
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [&] { return stops_ || (!is_held_ && !jobs_.empty()); });
    --idle_;
    if (stops_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.run();
    lock.lock();
  }
}

StoreEnv::StoreEnv(std::unique_ptr<rocksdb::Env> base, const ThreadPlan& plan)
    : rocksdb::EnvWrapper(std::move(base)),
      flushes_(plan.name + "-flush", plan.flushes(), plan.nice / 2),
      merges_(plan.name + "-merge", plan.merges(), plan.nice, /*is_held=*/true) {
  // Else RocksDB would go to the files through the old interface, which knows fewer errors.
  file_system_ = target()->GetFileSystem();
  system_clock_ = target()->GetSystemClock();
}

StoreEnv::~StoreEnv() = default;

void StoreEnv::Schedule(void (*function)(void*), void* argument, Priority priority, void* tag,
                        void (*dropped)(void*)) {
  JobQueue::Job job;
  job.run = [function, argument] { function(argument); };
  job.tag = tag;
  if (dropped != nullptr) job.drop = [dropped, argument] { dropped(argument); };
  queue(priority).add(std::move(job));
}

int StoreEnv::UnSchedule(void* tag, Priority priority) { return queue(priority).take_back(tag); }

unsigned int StoreEnv::GetThreadPoolQueueLen(Priority priority) const {
  return static_cast<unsigned int>(queue(priority).waiting());
}

/// None for the other priorities: RocksDB then takes the merges' threads.
int StoreEnv::GetBackgroundThreads(Priority priority) {
  return priority == HIGH || priority == LOW ? static_cast<int>(queue(priority).most_threads()) : 0;
}

}  // namespace callisto::kv
