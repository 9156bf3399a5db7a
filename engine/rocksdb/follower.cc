#include "engine/rocksdb/follower.h"

#include <rocksdb/db.h>

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "callisto/environment.h"
#include "engine/ended_cursor.h"
#include "engine/forwarded.h"
#include "engine/rocksdb/database.h"
#include "engine/rocksdb/follower_view.h"
#include "engine/rocksdb/loss_note.h"
#include "engine/rocksdb/manifest_choice.h"
#include "engine/rocksdb/reader.h"
#include "engine/rocksdb/salvage.h"
#include "engine/rocksdb/store_directory.h"
#include "engine/rocksdb/table_check.h"
#include "engine/rocksdb/upkeep.h"
#include "engine/rocksdb/watermark_check.h"

namespace callisto::kv {
namespace {

Error refuse_write() { return Error(Code::read_only, "the store is open for reading only"); }

/// The database, and how often its view has moved. Shared with the snapshots.
struct FollowerState {
  std::shared_mutex mutex;
  std::shared_ptr<Database> database;  ///< Null once closed. Guarded by mutex, as are the others.
  std::uint64_t epoch = 0;
  Version version = 0;
  /// Why there is nothing to read; the next refresh may change that.
  std::optional<Error> lost{};
};

/// What readers do under the shared lock: `read(database)`, or the reason why not.
template <class Answer, class Read>
Answer with_database(FollowerState& state, std::optional<std::uint64_t> epoch, Read&& read) {
  const std::shared_lock lock(state.mutex);
  if (state.database == nullptr) return Answer(Database::closed_error());
  if (epoch && *epoch != state.epoch) {
    return Answer(Error(Code::snapshot_lost, "the store was refreshed: take a new snapshot"));
  }
  if (state.lost) return Answer(*state.lost);
  return read(state.database);
}

/// Reads of the latest view, or of one epoch.
class FollowerReader final : public Snapshot {
 public:
  explicit FollowerReader(std::shared_ptr<FollowerState> state) : state_(std::move(state)) {}
  FollowerReader(std::shared_ptr<FollowerState> state, std::uint64_t epoch, Version version)
      : state_(std::move(state)), epoch_(epoch), version_(version) {}

  Result<bool> get(Family family, std::string_view key, Value& value) override {
    return with_database<Result<bool>>(*state_, epoch_, [&](const auto& database) {
      return read_one(*database, nullptr, family, key, value);
    });
  }
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override {
    return with_database<Result<void>>(*state_, epoch_, [&](const auto& database) {
      return read_many(*database, nullptr, family, keys, each);
    });
  }
  /// The cursor keeps the state that it was made on, also over a refresh.
  std::unique_ptr<Cursor> scan(Family family, const Bounds& bounds) override {
    using Opened = Result<std::unique_ptr<Cursor>>;
    auto cursor = with_database<Opened>(*state_, epoch_, [&](const auto& database) {
      return Opened(open_scan(database, nullptr, family, bounds));
    });
    return cursor ? std::move(*cursor) : ended_cursor(std::move(cursor).error());
  }
  Version version() const override {
    if (epoch_) return version_;
    const std::shared_lock lock(state_->mutex);
    return state_->version;
  }

 private:
  std::shared_ptr<FollowerState> state_;
  std::optional<std::uint64_t> epoch_{};  ///< None: the latest.
  Version version_ = 0;                   ///< Of the epoch.
};

class Follower final : public ForwardedReads<Store> {
 public:
  Follower(std::unique_ptr<FollowerView> view, std::shared_ptr<Database> database,
           std::optional<Error> lost)
      : ForwardedReads(reader_),
        view_(std::move(view)),
        lost_(std::move(lost)),
        state_(std::make_shared<FollowerState>()),
        reader_(state_) {
    state_->version = database->db().GetLatestSequenceNumber();
    state_->database = std::move(database);
  }

  std::unique_ptr<Snapshot> snapshot() override {
    const std::shared_lock lock(state_->mutex);
    return std::make_unique<FollowerReader>(state_, state_->epoch, state_->version);
  }

  Result<Version> apply(const Batch&, Durability) override { return refuse_write(); }
  Result<Version> run(const RunOptions&,
                      const std::function<Result<void>(Transaction&)>&) override {
    return refuse_write();
  }
  Result<void> erase_range(Family, std::string_view, std::string_view) override {
    return refuse_write();
  }
  Result<void> sync() override { return refuse_write(); }
  Result<void> compact(const Limits*) override { return refuse_write(); }

  bool sole_writer() const override { return false; }
  std::optional<Version> committed_version(Family, std::string_view) const override {
    return std::nullopt;
  }
  EngineHealth health() const override {
    const std::shared_lock lock(state_->mutex);
    return {.writable = false, .failure = state_->lost, .lost = lost_};
  }
  EngineStats stats() const override {
    const std::shared_lock lock(state_->mutex);
    return state_->database == nullptr ? EngineStats{} : database_stats(*state_->database);
  }
  std::uint64_t approximate_bytes(Family family, std::string_view lower,
                                  std::string_view upper) override {
    const std::shared_lock lock(state_->mutex);
    if (state_->database == nullptr) return 0;
    return approximate_range_bytes(*state_->database, family, lower, upper);
  }
  Result<void> verify_checksums(const Limits* limits) override {
    return with_database<Result<void>>(
        *state_, {}, [&](const auto& database) { return verify_files(*database, limits); });
  }

  Result<void> refresh() override;
  Result<void> close() override;

 private:
  std::unique_ptr<FollowerView> view_;
  const std::optional<Error> lost_;  ///< What was accepted at opening.
  std::shared_ptr<FollowerState> state_;
  FollowerReader reader_;
};

Result<void> Follower::refresh() {
  const std::unique_lock lock(state_->mutex);
  if (state_->database == nullptr) return Database::closed_error();
  bool keeps_state = !state_->lost;
  auto moved = view_->move(state_->database, keeps_state);
  if (!moved) {
    if (!keeps_state) state_->lost = moved.error();
    return moved;
  }
  state_->lost.reset();
  ++state_->epoch;
  state_->version = state_->database->db().GetLatestSequenceNumber();
  return {};
}

Result<void> Follower::close() {
  const std::unique_lock lock(state_->mutex);
  if (state_->database == nullptr) return {};
  const std::shared_ptr<Database> database = std::move(state_->database);
  database->begin_close();
  if (database.use_count() > 1) {
    return Error(Code::busy, "cursors are in use: the store closes with the last");
  }
  return {};
}

/// Whether all table files open. A secondary instance does not say so: it goes back to an older
/// state that it can read. A writer has opened those of level 0 only, so that it proves nothing.
/// One that goes on may have removed what was to be opened; it changes the manifest before.
Result<void> check_tables_beside_writer(const std::string& directory, const MemoryPlan& plan,
                                        Environment& environment) {
  constexpr int kAttempts = 20;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto before = look_at_manifest(directory);
    auto checked = check_tables(directory + "/db", {}, plan, environment);
    if (checked || look_at_manifest(directory) == before) return checked;
  }
  return Error(Code::busy, "the writer changes its files faster than they can be looked at");
}

/// Nothing; what keeps the store from being opened without a loss.
Result<void> check_whole(const std::string& directory, const MemoryPlan& plan,
                         Environment& environment) {
  if (auto found = find_store_directory(directory, false); !found) return found.error();
  // A writer's opening that accepted a loss was cut short, or is not done yet.
  if (const auto noted = read_loss_note(directory); !noted.empty()) return loss_error(noted);
  if (auto checked = check_beside_writer(directory); !checked) return checked;
  auto checked = check_tables_beside_writer(directory, plan, environment);
  if (checked) return checked;
  return explain_refusal(std::move(checked).error(), directory, plan, environment);
}

bool may_be_accepted(const Error& error) {
  return error.code() == Code::data_loss || error.code() == Code::corruption ||
         error.code() == Code::io_error;
}

/// What a reader has accepted: what the watermark misses, and what the salvage gave up.
Error all_lost(const std::string& directory, const Error& refusal,
               const std::vector<std::string>& given_up) {
  std::vector<std::string> losses = read_loss_note(directory);
  if (auto checked = check_beside_writer(directory); !checked) {
    losses.push_back(checked.error().message());
  }
  losses.insert(losses.end(), given_up.begin(), given_up.end());
  if (losses.empty()) losses.push_back(refusal.message());
  return loss_error(losses);
}

}  // namespace

Result<std::unique_ptr<Store>> open_follower(const std::string& directory, bool accept_data_loss,
                                             const MemoryPlan& plan, Environment& environment) {
  std::optional<Error> lost;
  if (auto checked = check_whole(directory, plan, environment); !checked) {
    if (!accept_data_loss || !may_be_accepted(checked.error())) return std::move(checked).error();
    lost = checked.error();
  }
  auto view = std::make_unique<FollowerView>(directory, lost.has_value(), plan, environment);
  auto database = view->open();
  if (!database) return std::move(database).error();
  if (lost) {
    lost = all_lost(directory, *lost, view->losses());
    environment.log(LogLevel::warning, "accepted at opening: " + lost->to_string());
  }
  return std::unique_ptr<Store>(
      std::make_unique<Follower>(std::move(view), std::move(*database), std::move(lost)));
}

}  // namespace callisto::kv
