#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "engine/committer.h"

namespace callisto::kv {

/// A CommitSink that keeps every version of everything, can be held up and can be made to fail.
class FakeSink final : public CommitSink {
 public:
  struct Write {
    std::size_t sets = 0;
    std::size_t bytes = 0;
    std::size_t rows = 0;
    Durability durability = Durability::buffered;
  };

  Result<Version> write(std::span<const WriteSet* const> sets, std::span<const CounterRow> rows,
                        Durability durability) override {
    std::unique_lock lock(mutex_);
    Write write{sets.size(), 0, rows.size(), durability};
    for (const WriteSet* set : sets) write.bytes += set->size_bytes();
    writes_.push_back(write);
    entered_.notify_all();
    open_.wait(lock, [&] { return !held_; });
    if (interruption_) std::exchange(interruption_, nullptr)();
    if (failure_) return *std::exchange(failure_, std::nullopt);

    const Version version = version_ + 1;
    for (const WriteSet* set : sets) {
      for (std::size_t i = 0; i < set->key_count(); ++i) {
        const WriteSet::Operation& operation = set->at(i);
        std::optional<std::string> value;
        if (operation.kind == WriteSet::Kind::put) value = std::string(operation.value);
        rows_[{operation.family, std::string(operation.key)}][version] = value;
      }
    }
    for (const CounterRow& row : rows) rows_[{Family::system, row.key}][version] = row.value;
    version_ = version;
    return version;
  }

  Result<bool> read(std::string_view key, Value& value) override {
    const std::lock_guard lock(mutex_);
    if (read_interruption_) std::exchange(read_interruption_, nullptr)();
    if (read_failure_) return *std::exchange(read_failure_, std::nullopt);
    const auto found = at(Family::system, key, version_);
    if (found) value.assign(*found);
    return found.has_value();
  }

  Version version() const {
    const std::lock_guard lock(mutex_);
    return version_;
  }
  std::optional<std::string> get(Family family, std::string_view key, Version version) const {
    const std::lock_guard lock(mutex_);
    return at(family, key, version);
  }
  /// The sums of a group as they are stored now.
  std::map<std::uint16_t, std::int64_t> counters(std::string_view group) const {
    const auto row = get(Family::system, group, version());
    const auto sums = decode_counters(row.value_or(""));
    return {sums->begin(), sums->end()};
  }
  std::vector<Write> writes() const {
    const std::lock_guard lock(mutex_);
    return writes_;
  }

  /// The next write fails, or the next read.
  void fail(Error error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
  }
  void fail_read(Error error) {
    const std::lock_guard lock(mutex_);
    read_failure_ = std::move(error);
  }
  /// Called in the next write, before anything is written, or in the next read: to throw.
  void interrupt(std::function<void()> by) {
    const std::lock_guard lock(mutex_);
    interruption_ = std::move(by);
  }
  void interrupt_read(std::function<void()> by) {
    const std::lock_guard lock(mutex_);
    read_interruption_ = std::move(by);
  }
  /// Writes wait inside the sink until release().
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    open_.notify_all();
  }
  void wait_for_writes(std::size_t count) {
    std::unique_lock lock(mutex_);
    entered_.wait(lock, [&] { return writes_.size() >= count; });
  }

 private:
  std::optional<std::string> at(Family family, std::string_view key, Version version) const {
    const auto row = rows_.find({family, std::string(key)});
    if (row == rows_.end()) return std::nullopt;
    const auto later = row->second.upper_bound(version);
    return later == row->second.begin() ? std::nullopt : std::prev(later)->second;
  }

  mutable std::mutex mutex_;
  std::condition_variable open_;
  std::condition_variable entered_;
  bool held_ = false;
  std::optional<Error> failure_;
  std::optional<Error> read_failure_;
  std::function<void()> interruption_;
  std::function<void()> read_interruption_;
  std::vector<Write> writes_;
  std::map<std::pair<Family, std::string>, std::map<Version, std::optional<std::string>>> rows_;
  Version version_ = 10;
};

}  // namespace callisto::kv
