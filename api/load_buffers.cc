#include "api/load_buffers.h"

#include <pthread.h>

#include <system_error>
#include <utility>

namespace callisto::detail {

LoadBuffers::LoadBuffers(kv::ExternalSort& sort, const std::vector<kv::SortLane>& lanes,
                         std::size_t count, std::size_t bytes, std::string thread_name)
    : sort_(sort),
      lanes_(lanes),
      bytes_(bytes),
      thread_name_(std::move(thread_name)),
      unmade_(count) {}

LoadBuffers::~LoadBuffers() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    full_.clear();
  }
  filled_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<kv::SortBuffer>> LoadBuffers::take() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (failure_) return *failure_;
    if (!open_.empty()) {
      Buffer buffer = std::move(open_.back());
      open_.pop_back();
      return buffer;
    }
    if (unmade_ > 0) {
      --unmade_;
      lock.unlock();
      return std::make_unique<kv::SortBuffer>(lanes_, bytes_);
    }
    if (full_.empty()) {
      freed_.wait(lock);
      continue;
    }
    write_one(lock);
  }
}

void LoadBuffers::give_back(Buffer buffer) {
  const std::lock_guard lock(mutex_);
  if (buffer->is_full()) {
    full_.push_back(std::move(buffer));
    if (!thread_.joinable()) start_thread();
    filled_.notify_one();
  } else {
    open_.push_back(std::move(buffer));
  }
  freed_.notify_all();
}

void LoadBuffers::start_thread() {
  try {
    thread_ = std::thread([this] { work(); });
    pthread_setname_np(thread_.native_handle(), thread_name_.c_str());
  } catch (const std::system_error&) {
    // The system has no thread left: those who take buffers do its work.
  }
}

void LoadBuffers::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    filled_.wait(lock, [&] { return is_ending_ || !full_.empty(); });
    if (is_ending_) return;
    write_one(lock);
  }
}

void LoadBuffers::write_one(std::unique_lock<std::mutex>& lock) {
  Buffer buffer = std::move(full_.back());
  full_.pop_back();
  ++writing_;
  lock.unlock();
  auto written = sort_.add_run(*buffer);
  lock.lock();
  --writing_;
  if (!written && !failure_) failure_ = std::move(written).error();
  open_.insert(open_.begin(), std::move(buffer));
  freed_.notify_all();
}

Result<void> LoadBuffers::finish() {
  std::unique_lock lock(mutex_);
  for (auto it = open_.begin(); it != open_.end();) {
    if ((*it)->is_empty()) {
      ++it;
      continue;
    }
    full_.push_back(std::move(*it));
    it = open_.erase(it);
  }
  filled_.notify_one();
  while (!failure_ && (writing_ > 0 || !full_.empty())) {
    if (full_.empty()) {
      freed_.wait(lock);
      continue;
    }
    write_one(lock);
  }
  if (failure_) return *failure_;
  return {};
}

}  // namespace callisto::detail
