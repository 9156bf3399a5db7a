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

#include "engine/rocksdb/file_system.h"
#include "engine/rocksdb/follower_file_system.h"
#include "engine/rocksdb/info_log.h"
#include "engine/rocksdb/status.h"
#include "engine/rocksdb/store_env.h"
#include "engine/rocksdb/watermark.h"

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

std::string family_name(Family family) {
  return family == Family::system ? rocksdb::kDefaultColumnFamilyName
                                  : std::string(to_string(family));
}

/// What RocksDB calls a wrong argument is a damaged store: the arguments are ours, and the marker
/// says that the store was complete.
Error open_error(const rocksdb::Status& status, bool complete) {
  Error error = to_error(status, "cannot open the store");
  if (complete && error.code() == Code::invalid_argument) {
    return Error(Code::corruption, error.message());
  }
  return error;
}

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
  // While there is a snapshot, RocksDB gives the files a sequence number of their own.
  const rocksdb::ManagedSnapshot before(db_.get());
  loads_.fetch_add(1);
  rocksdb::Status status = db_->IngestExternalFiles(files);
  loads_.fetch_add(1);
  return status;
}

OptionParts Database::parts() const {
  return {.env = env_.get(),
          .info_log = info_log_,
          .cache = cache_,
          .write_buffers = write_buffers_,
          .listener = listener_};
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
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  const auto settings = family_options(plan_, parts());
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    families.emplace_back(family_name(static_cast<Family>(i)), settings[i]);
  }
  return families;
}

// A commit may be in the tables of one family and in a log for the others. Where that log is damaged
// RocksDB refuses to open, as the families would not be of one state; who accepts the loss gets what
// can be read of the log, and restores the indexes from the records.
Result<void> Database::open_watched(
    rocksdb::DBOptions options, const std::vector<rocksdb::ColumnFamilyDescriptor>& families) {
  auto opened = open_db(options, families);
  if (!opened && opened.error().code() == Code::corruption && watermark_->lost()) {
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
    opened = open_db(options, families);
  }
  if (!opened) return opened;
  return watermark_->check_sequence(db_->GetLatestSequenceNumber());
}

Result<std::shared_ptr<Database>> Database::open_writer(WriterDirectory directory,
                                                        bool accept_data_loss,
                                                        const MemoryPlan& plan,
                                                        const ThreadPlan& threads,
                                                        Environment& environment,
                                                        const FileHook& hook) {
  auto cache = make_cache(plan);
  auto write_buffers = make_write_buffers(plan, cache);
  std::shared_ptr<Database> database(new Database(environment, plan, directory.database_path(),
                                                  std::move(cache), std::move(write_buffers)));
  database->directory_ = std::move(directory);
  const std::string& path = database->directory_.path;
  const bool create = !database->directory_.complete;
  auto watermark = create ? Watermark::make(path, hook, environment)
                          : Watermark::open(path, accept_data_loss, hook, environment);
  if (!watermark) return std::move(watermark).error();
  database->watermark_ = std::move(*watermark);
  database->env_ = std::make_unique<StoreEnv>(
      rocksdb::NewCompositeEnv(std::make_shared<GuardedFileSystem>(
          rocksdb::FileSystem::Default(), hook, database->gate_, database->watermark_.get())),
      threads);
  const auto families = database->families();
  auto options = writer_options(plan, threads, database->parts(), create);
  auto opened = create ? database->create_db(options, families)
                       : database->open_watched(std::move(options), families);
  if (!opened) return std::move(opened).error();
  if (auto checked = database->check_level_0(); !checked) return std::move(checked).error();
  auto cleared = database->staging_.clear(*database->db_->GetFileSystem());
  if (!cleared) return std::move(cleared).error();
  if (create) {
    auto completed = complete_store(database->directory_, hook);
    if (!completed) return std::move(completed).error();
    database->directory_.complete = true;
  }
  return database;
}

Result<std::shared_ptr<Database>> Database::open_in_memory(const MemoryPlan& plan,
                                                           const ThreadPlan& threads,
                                                           Environment& environment,
                                                           const FileHook& hook) {
  auto cache = make_cache(plan);
  auto write_buffers = make_write_buffers(plan, cache);
  std::shared_ptr<Database> database(
      new Database(environment, plan, "/store", std::move(cache), std::move(write_buffers)));
  database->memory_env_.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  database->env_ = std::make_unique<StoreEnv>(
      rocksdb::NewCompositeEnv(std::make_shared<GuardedFileSystem>(
          database->memory_env_->GetFileSystem(), hook, database->gate_, nullptr)),
      threads);
  const auto options = writer_options(plan, threads, database->parts(), true);
  auto opened = database->create_db(options, database->families());
  if (!opened) return std::move(opened).error();
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

// The log files are not shown, so that none is replayed.
Result<void> Database::check_tables(const std::string& path, const MemoryPlan& plan,
                                    Environment& environment) {
  auto cache = make_cache(plan);
  auto write_buffers = make_write_buffers(plan, cache);
  Database database(environment, plan, path, std::move(cache), std::move(write_buffers));
  database.follower_files_ = std::make_shared<FollowerFileSystem>(rocksdb::FileSystem::Default());
  database.env_ = rocksdb::NewCompositeEnv(database.follower_files_);
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(
      follower_options(database.parts()), path, database.families(), &handles, &db);
  if (!status.ok()) return open_error(status, true);
  database.db_.reset(db);
  database.keep(handles);
  return {};
}

Result<std::shared_ptr<Database>> Database::open_follower(
    const std::string& path, const MemoryPlan& plan, Environment& environment,
    std::shared_ptr<rocksdb::Cache> cache,
    std::shared_ptr<rocksdb::WriteBufferManager> write_buffers) {
  std::shared_ptr<Database> database(
      new Database(environment, plan, path, std::move(cache), std::move(write_buffers)));
  database->follower_files_ = std::make_shared<FollowerFileSystem>(rocksdb::FileSystem::Default());
  // Without work in the background: no thread is ever started.
  database->env_ = std::make_unique<StoreEnv>(rocksdb::NewCompositeEnv(database->follower_files_),
                                              ThreadPlan{});
  auto opened = database->open_db(follower_options(database->parts()), database->families());
  if (!opened) return std::move(opened).error();
  return database;
}

}  // namespace callisto::kv
