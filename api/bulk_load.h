#pragma once

// A bulk load: what BulkLoad leads to. Records become rows of lanes, one for each table or index;
// commit() joins what refers to what, and hands the sorted lanes to the engine.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/core.h"
#include "api/load_buffers.h"
#include "api/load_lanes.h"
#include "callisto/load.h"
#include "engine/external_sort.h"
#include "engine/load.h"
#include "indexes/cardinality_sketch.h"

namespace callisto::detail {

/// One load. Thread-safe but for commit() and give_up().
class LoadCore {
 public:
  static Result<std::shared_ptr<LoadCore>> begin(std::shared_ptr<StoreCore> core, SpaceSlot& slot);
  ~LoadCore();
  LoadCore(const LoadCore&) = delete;
  LoadCore& operator=(const LoadCore&) = delete;

  Result<UserId> add_user(const NewUser& user);
  Result<PlatformIdentifierId> add_identity(const UserId& user, const NewIdentity& identity);
  Result<void> add_datum(const UserId& user, CategoryKind kind, const NewDatum& datum);
  Result<ConversationId> add_conversation(const NewConversation& conversation,
                                          std::span<const NewMessage> messages);
  Result<MemoryId> add_memory(const NewMemory& memory);
  Result<LoadCounts> commit(const CallLimits& limits);
  /// Lets go of everything that the engine gave. The store calls it once no call runs any more.
  void give_up() noexcept;

 private:
  LoadCore(std::shared_ptr<StoreCore> core, SpaceSlot& slot,
           std::shared_ptr<const SpaceState> state, std::unique_ptr<kv::Staging> staging);

  /// Runs `function(WriteContext&, LoadTransaction&)` for the next record: what it writes goes to
  /// the lanes. The first error that is not the record's ends the load.
  template <class T, class F>
  Result<T> add(F&& function);
  Result<void> check_running() const;
  Result<LoadCounts> run(const kv::Limits& limits);
  Result<void> join_users(const kv::Limits& limits);
  Result<LoadCounts> link(const kv::Limits& limits, indexes::CardinalitySketch& sketch);
  /// The rows that go with the load, if the space still is what it was.
  Result<void> finish(kv::Reader& before, const LoadRowCounts& counts, kv::Batch& rows) const;
  std::size_t merge_bytes() const noexcept;

  const std::shared_ptr<StoreCore> core_;
  SpaceSlot& slot_;
  const std::shared_ptr<const SpaceState> state_;
  const LoadLanes lanes_;
  std::unique_ptr<kv::Staging> staging_;
  std::unique_ptr<kv::ExternalSort> sort_;
  std::unique_ptr<LoadBuffers> buffers_;

  std::atomic<std::uint64_t> next_record_{0};
  std::atomic<bool> is_over_{false};
  mutable std::mutex failure_mutex_;
  std::optional<Error> failure_;  ///< Guarded by failure_mutex_.
};

}  // namespace callisto::detail
