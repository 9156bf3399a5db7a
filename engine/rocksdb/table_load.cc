#include "engine/rocksdb/table_load.h"

#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "engine/rocksdb/database.h"
#include "engine/rocksdb/reader.h"
#include "engine/rocksdb/status.h"

namespace callisto::kv {
namespace {

constexpr const char* kWork = "bulk load";

/// SstFileWriter asks for the size of its file after this many rows.
constexpr std::uint64_t kRowsBetweenLooks = 64;
constexpr std::size_t kBytesBetweenLooks = std::size_t{256} << 10;

}  // namespace

/// The table files of one part, one after the other.
class TableLoad::Output {
 public:
  Output(TableLoad& load, Family family)
      : load_(load),
        database_(load.database_),
        family_(family),
        options_(database_.db().GetOptions(database_.handle(family))) {}

  Result<void> put(std::string_view key, std::string_view value) {
    if (!writer_) {
      if (auto opened = open(); !opened) return opened;
    }
    const rocksdb::Status status = writer_->Put(rocksdb::Slice(key), rocksdb::Slice(value));
    if (!status.ok()) return failed(status);
    const bool is_look_due = ++rows_ % kRowsBetweenLooks == 0;
    if (is_look_due && writer_->FileSize() >= database_.plan().table_file_bytes) return finish();
    return {};
  }

  Result<void> finish() {
    if (!writer_) return {};
    rocksdb::ExternalSstFileInfo info;
    const rocksdb::Status status = writer_->Finish(&info);
    if (!status.ok()) return failed(status);
    writer_.reset();
    load_.add(family_, {std::move(path_), info.file_checksum, info.file_checksum_func_name});
    return {};
  }

  ~Output() {
    if (!writer_) return;
    writer_.reset();
    database_.db().GetEnv()->DeleteFile(path_).PermitUncheckedError();
  }

 private:
  Result<void> open() {
    path_ = database_.staging().next_path(".sst");
    // The pages stay in the system's cache: the rows are the newest that there are.
    writer_ = std::make_unique<rocksdb::SstFileWriter>(
        rocksdb::EnvOptions(options_), options_, database_.handle(family_), false,
        rocksdb::Env::IO_TOTAL, !has_filter_below(family_));
    const rocksdb::Status status = writer_->Open(path_);
    if (!status.ok()) return failed(status);
    return {};
  }

  /// A row out of order is the source's fault, anything else the disk's.
  Error failed(const rocksdb::Status& status) {
    Error error = to_error(status, kWork);
    const bool is_own = error.code() != Code::invalid_argument && error.code() != Code::no_space;
    if (is_own) database_.gate().shut(error);
    return error;
  }

  TableLoad& load_;
  Database& database_;
  const Family family_;
  const rocksdb::Options options_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
  std::string path_;
  std::uint64_t rows_ = 0;
};

TableLoad::TableLoad(Database& database) : database_(database) {}

// Of what was linked in the staged name is gone already.
TableLoad::~TableLoad() {
  for (const auto& files : files_) {
    for (const File& file : files) {
      database_.db().GetEnv()->DeleteFile(file.path).PermitUncheckedError();
    }
  }
}

void TableLoad::add(Family family, File file) {
  const std::lock_guard lock(mutex_);
  files_[static_cast<std::size_t>(family)].push_back(std::move(file));
}

Result<void> TableLoad::build_part(const LoadPart& part,
                                   const std::function<Result<void>(std::size_t)>& admit) {
  Output output(*this, part.family);
  SortedSource::Row row;
  std::size_t bytes = 0;  // Not asked for yet.
  while (true) {
    auto found = part.source->next(row);
    if (!found) return std::move(found).error();
    if (!*found) return output.finish();
    if (row.key < part.lower || row.key >= part.upper) {
      return Error(Code::invalid_argument, "source", "rows within their part");
    }
    bytes += row.key.size() + row.value.size();
    if (bytes >= kBytesBetweenLooks) {
      if (auto admitted = admit(std::exchange(bytes, 0)); !admitted) return admitted;
    }
    if (auto put = output.put(row.key, row.value); !put) return put;
  }
}

Result<void> TableLoad::build(const LoadRequest& request,
                              const std::function<Result<void>(std::size_t)>& admit) {
  std::vector<const LoadPart*> parts;
  for (const LoadPart& part : request.parts) parts.push_back(&part);
  std::stable_sort(parts.begin(), parts.end(), [](const LoadPart* a, const LoadPart* b) {
    return a->about_bytes > b->about_bytes;
  });
  std::atomic<std::size_t> next{0};
  std::mutex failure_mutex;
  std::optional<Error> failure;
  const auto work = [&] {
    while (true) {
      const std::size_t i = next.fetch_add(1);
      if (i >= parts.size()) return;
      auto built = build_part(*parts[i], admit);
      if (built) continue;
      next.store(parts.size());
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::move(built).error();
      return;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < request.more_threads && i + 1 < parts.size(); ++i) {
      threads.emplace_back(work);
    }
    work();
  }
  if (failure) return *std::move(failure);
  return {};
}

Result<void> TableLoad::add_rows(const Batch& rows) {
  std::map<std::string_view, std::string_view> sorted;
  for (const Batch::Operation& operation : rows.operations()) {
    if (operation.family != Family::system || !operation.value) {
      return Error(Code::invalid_argument, "rows", "put, in the family system");
    }
    sorted[operation.key] = *operation.value;
  }
  Output output(*this, Family::system);
  for (const auto& [key, value] : sorted) {
    if (auto put = output.put(key, value); !put) return put;
  }
  return output.finish();
}

Result<void> TableLoad::check_empty(const LoadRequest& request) const {
  for (const LoadPart& part : request.parts) {
    rocksdb::Slice lower(part.lower);
    rocksdb::Slice upper(part.upper);
    const std::unique_ptr<rocksdb::Iterator> rows(database_.db().NewIterator(
        scan_options(part.family, lower, upper, false, false), database_.handle(part.family)));
    rows->SeekToFirst();
    if (!rows->status().ok()) return to_error(rows->status(), kWork);
    if (rows->Valid()) return Error(Code::invalid_argument, "range", "one that holds no row");
  }
  return {};
}

Result<void> TableLoad::ingest() {
  std::vector<rocksdb::IngestExternalFileArg> arguments;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    if (files_[i].empty()) continue;
    rocksdb::IngestExternalFileArg& argument = arguments.emplace_back();
    argument.column_family = database_.handle(static_cast<Family>(i));
    argument.options.move_files = true;
    argument.options.write_global_seqno = false;
    // They were made when the files were written.
    argument.options.verify_file_checksum = false;
    for (const File& file : files_[i]) {
      argument.external_files.push_back(file.path);
      argument.files_checksums.push_back(file.checksum);
      argument.files_checksum_func_names.push_back(file.checksum_name);
    }
  }
  if (arguments.empty()) return {};
  const std::lock_guard lock(database_.write_mutex());
  if (!database_.gate().is_open()) return database_.gate().refusal();
  const rocksdb::Status status = database_.ingest(arguments);
  if (!status.ok()) {
    database_.gate().shut(to_error(status, kWork));
    return Error(Code::unknown_outcome, database_.gate().health().failure->message());
  }
  database_.note_commits(true);
  return {};
}

}  // namespace callisto::kv
