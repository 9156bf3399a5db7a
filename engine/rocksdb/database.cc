#include "engine/rocksdb/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/metadata.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <utility>

#include "engine/rocksdb/activity.h"
#include "engine/rocksdb/block_counters.h"
#include "engine/rocksdb/counting_file_system.h"
#include "engine/rocksdb/direct_reads.h"
#include "engine/rocksdb/file_system.h"
#include "engine/rocksdb/follower_file_system.h"
#include "engine/rocksdb/info_log.h"
#include "engine/rocksdb/loss_note.h"
#include "engine/rocksdb/manifest_copy.h"
#include "engine/rocksdb/memtable.h"
#include "engine/rocksdb/salvage.h"
#include "engine/rocksdb/status.h"
#include "engine/rocksdb/store_env.h"
#include "engine/rocksdb/watermark.h"
#include "engine/rocksdb/watermark_check.h"
#include "engine/rocksdb/watermark_page.h"

namespace callisto::kv {
namespace {

/// Shuts the gate when work in the background fails, before RocksDB goes on, and keeps RocksDB from
/// trying again by itself.
class FailureListener final : public rocksdb::EventListener {
 public:
  explicit FailureListener(WriteGate& gate) : gate_(gate) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    gate_.shut(to_error(*status, "work in the background"));
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  WriteGate& gate_;
};

}  // namespace

Database::Database(Environment& environment, const MemoryPlan& plan, std::string path,
                   std::shared_ptr<rocksdb::Cache> cache,
                   std::shared_ptr<rocksdb::WriteBufferManager> write_buffers)
    : environment_(environment),
      plan_(plan),
      cache_(std::move(cache)),
      write_buffers_(std::move(write_buffers)),
      path_(std::move(path)),
      gate_(environment),
      staging_(path_.substr(0, path_.rfind('/')) + "/staging"),
      info_log_(std::make_shared<InfoLog>(environment)),
      listener_(std::make_shared<FailureListener>(gate_)) {}

Database::~Database() {
  if (db_ == nullptr) return;
  if (direct_ != nullptr) direct_->end();
  for (rocksdb::ColumnFamilyHandle* handle : handles_) delete handle;
  const rocksdb::Status status = db_->Close();
  if (!status.ok()) environment_.log(LogLevel::warning, to_error(status, "close").message());
  if (watermark_ != nullptr && gate_.is_open()) {
    ignore_error(watermark_->sync(), "it has told the log; the files have it all");
  }
}

void Database::note_commits(bool is_synced) {
  if (watermark_ != nullptr) watermark_->note_sequence(db_->GetLatestSequenceNumber(), is_synced);
}

std::shared_ptr<rocksdb::FileSystem> Database::writer_files(
    std::shared_ptr<rocksdb::FileSystem> target, const FileHook& hook, bool statistics) {
  activity_ = std::make_shared<DiskActivity>();
  direct_ = std::make_shared<DirectReads>(plan_);
  if (statistics) {
    block_counters_ = std::make_shared<BlockCounters>();
    target = std::make_shared<CountingFileSystem>(std::move(target), *activity_);
  }
  return std::make_shared<GuardedFileSystem>(std::move(target), hook, gate_, watermark_.get());
}

// RocksDB moves its last sequence number on before it shows the files: a snapshot from between the
// two would change under its reader.
const rocksdb::Snapshot* Database::take_snapshot() const {
  while (true) {
    const std::uint64_t loads = loads_.load();
    if (loads % 2 == 1) {
      const std::lock_guard wait(load_mutex_);
      continue;
    }
    const rocksdb::Snapshot* const snapshot = db_->GetSnapshot();
    if (loads_.load() == loads) return snapshot;
    db_->ReleaseSnapshot(snapshot);
  }
}

rocksdb::Status Database::ingest(const std::vector<rocksdb::IngestExternalFileArg>& files) {
  const std::lock_guard lock(load_mutex_);
  loads_.fetch_add(1);
  for (std::size_t i = 0; i < kFamilyCount; ++i) direct_->begin_change(static_cast<Family>(i));
  // What is linked in is a version of its own, so a write of nothing takes a sequence number for
  // it. RocksDB would take one only where there is a snapshot, and write every file again
  // afterwards.
  rocksdb::WriteOptions durable;
  durable.sync = true;
  rocksdb::Status status = db_->Delete(durable, std::string(1, '\0'));
  if (status.ok()) status = db_->IngestExternalFiles(files);
  for (std::size_t i = 0; i < kFamilyCount; ++i) direct_->end_change(static_cast<Family>(i), 0);
  loads_.fetch_add(1);
  return status;
}

OptionParts Database::parts() const {
  return {.env = env_.get(),
          .info_log = info_log_,
          .cache = cache_,
          .write_buffers = write_buffers_,
          .memtables = make_memtable_factory(direct_),
          .listener = listener_,
          .activity = activity_,
          .direct = direct_,
          .statistics = block_counters_};
}

Result<void> Database::open_db(const rocksdb::DBOptions& options,
                               const std::vector<rocksdb::ColumnFamilyDescriptor>& families) {
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  // The second path is for compactions by a secondary instance, which are not used: nothing is ever
  // made there.
  const rocksdb::Status status =
      is_follower() ? rocksdb::DB::OpenAsSecondary(options, path_, path_ + "/secondary", families,
                                                   &handles, &db)
                    : rocksdb::DB::Open(options, path_, families, &handles, &db);
  if (!status.ok()) return open_error(status, !options.create_if_missing);
  db_.reset(db);
  keep(handles);
  return {};
}

// In two steps, since RocksDB writes its options anew for every family that it makes while opening.
Result<void> Database::create_db(const rocksdb::DBOptions& options,
                                 const std::vector<rocksdb::ColumnFamilyDescriptor>& families) {
  std::vector<std::string> names;
  if (!rocksdb::DB::ListColumnFamilies(options, path_, &names).ok()) {
    names = {rocksdb::kDefaultColumnFamilyName};
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> present;
  std::vector<rocksdb::ColumnFamilyDescriptor> missing;
  for (const auto& family : families) {
    const bool is_present = std::find(names.begin(), names.end(), family.name) != names.end();
    (is_present ? present : missing).push_back(family);
  }
  if (auto opened = open_db(options, present); !opened) return opened;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Status status = db_->CreateColumnFamilies(missing, &handles);
  keep(handles);
  if (!status.ok()) return to_error(status, "cannot make the store");
  return {};
}

void Database::keep(const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    for (std::size_t i = 0; i < kFamilyCount; ++i) {
      if (handle->GetName() == family_name(static_cast<Family>(i))) handles_[i] = handle;
    }
  }
}

std::vector<rocksdb::ColumnFamilyDescriptor> Database::families() const {
  return family_descriptors(plan_, parts());
}

Result<void> Database::watch(bool accept_data_loss, const FileHook& hook) {
  const std::string& path = directory_.path;
  // Without its marker it is a store whose making was cut short, or one that lost the marker: only
  // that has commits.
  bool has_commits = directory_.complete;
  if (!has_commits) {
    auto page = read_watermark(path);
    if (!page) return std::move(page).error();
    has_commits = *page && (*page)->written_sequence > 0;
  }
  std::vector<std::string> given_up;
  if (has_commits && accept_data_loss) {
    auto salvaged = salvage(path, plan_, environment_, hook);
    if (!salvaged) return std::move(salvaged).error();
    given_up = std::move(*salvaged);
    if (directory_.has_damaged_marker) given_up.push_back("the marker CALLISTO is damaged");
  } else if (has_commits) {
    // An opening that accepted a loss was cut short.
    if (const auto noted = read_loss_note(path); !noted.empty()) return loss_error(noted);
  }
  auto watermark = has_commits
                       ? Watermark::open(path, accept_data_loss, given_up, hook, environment_)
                       : Watermark::make(path, hook, environment_);
  if (!watermark) return std::move(watermark).error();
  watermark_ = std::move(*watermark);
  return {};
}

Result<void> Database::open_watched(const rocksdb::DBOptions& options,
                                    const std::vector<rocksdb::ColumnFamilyDescriptor>& families) {
  if (auto opened = open_db(options, families); !opened) return opened;
  return watermark_->check_sequence(db_->GetLatestSequenceNumber());
}

Result<void> Database::finish_opening(const FileHook& hook) {
  if (auto checked = check_level_0(); !checked) return checked;
  direct_->begin(*db_, handles_, env_->GetFileSystem());
  static_cast<StoreEnv&>(*env_).start_merges();
  if (!directory_.complete || directory_.has_damaged_marker) {
    if (auto completed = complete_store(directory_, hook); !completed) return completed;
    directory_.complete = true;
  }
  ManifestCopy::remove_stale(directory_.path, hook);
  return remove_loss_note(directory_.path, hook);
}

Result<std::shared_ptr<Database>> Database::open_writer(
    WriterDirectory directory, bool accept_data_loss, const MemoryPlan& plan,
    const ThreadPlan& threads, Environment& environment, const FileHook& hook, bool statistics) {
  auto cache = make_cache(plan.block_cache_bytes);
  auto write_buffers = make_write_buffers(plan);
  std::shared_ptr<Database> database(new Database(environment, plan, directory.database_path(),
                                                  std::move(cache), std::move(write_buffers)));
  database->directory_ = std::move(directory);
  const bool create = !database->directory_.complete;
  if (auto watched = database->watch(accept_data_loss, hook); !watched) {
    return std::move(watched).error();
  }
  database->env_ =
      std::make_unique<StoreEnv>(rocksdb::NewCompositeEnv(database->writer_files(
                                     rocksdb::FileSystem::Default(), hook, statistics)),
                                 threads);
  const auto families = database->families();
  const auto options = writer_options(plan, threads, database->parts(), create);
  auto opened =
      create ? database->create_db(options, families) : database->open_watched(options, families);
  if (opened) opened = database->staging_.clear(*database->db_->GetFileSystem());
  if (opened) opened = database->finish_opening(hook);
  if (opened) return database;
  if (create) return std::move(opened).error();
  return explain_refusal(std::move(opened).error(), database->directory_.path, plan, environment);
}

Result<std::shared_ptr<Database>> Database::open_in_memory(const MemoryPlan& plan,
                                                           const ThreadPlan& threads,
                                                           Environment& environment,
                                                           const FileHook& hook, bool statistics) {
  auto cache = make_cache(plan.block_cache_bytes);
  auto write_buffers = make_write_buffers(plan);
  std::shared_ptr<Database> database(
      new Database(environment, plan, "/store", std::move(cache), std::move(write_buffers)));
  database->memory_env_.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  database->env_ =
      std::make_unique<StoreEnv>(rocksdb::NewCompositeEnv(database->writer_files(
                                     database->memory_env_->GetFileSystem(), hook, statistics)),
                                 threads);
  const auto options = writer_options(plan, threads, database->parts(), true);
  auto opened = database->create_db(options, database->families());
  if (!opened) return std::move(opened).error();
  database->direct_->begin(*database->db_, database->handles_, database->env_->GetFileSystem());
  static_cast<StoreEnv&>(*database->env_).start_merges();
  return database;
}

// An iterator of RocksDB 7.8 that meets a table file of level 0 which it cannot open ends the
// process, if the file before it holds range deletions: it deletes those twice. Opening the
// database opens some of the files only.
Result<void> Database::check_level_0() const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (file.level != 0) continue;
    rocksdb::SstFileReader reader(db_->GetOptions());
    const rocksdb::Status status = reader.Open(path_ + "/" + file.relative_filename);
    if (!status.ok()) return open_error(status, true);
  }
  return {};
}

Result<std::shared_ptr<Database>> Database::open_follower(
    const std::string& path, const FilePatch& patch, const MemoryPlan& plan,
    Environment& environment, std::shared_ptr<rocksdb::Cache> cache,
    std::shared_ptr<rocksdb::WriteBufferManager> write_buffers) {
  std::shared_ptr<Database> database(
      new Database(environment, plan, path, std::move(cache), std::move(write_buffers)));
  database->follower_files_ =
      std::make_shared<FollowerFileSystem>(rocksdb::FileSystem::Default(), patch);
  // Without work in the background: no thread is ever started.
  database->env_ =
      std::make_unique<StoreEnv>(rocksdb::NewCompositeEnv(database->follower_files_), ThreadPlan{});
  auto opened = database->open_db(follower_options(database->parts()), database->families());
  if (!opened) return std::move(opened).error();
  return database;
}

}  // namespace callisto::kv
