#include "engine/rocksdb/watermark.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "engine/rocksdb/loss_note.h"
#include "engine/rocksdb/manifest_copy.h"
#include "engine/rocksdb/watermark_check.h"

namespace callisto::kv {
namespace {

struct HashEnd {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

/// RocksDB is not exception-safe: what a hook throws ends here.
FileHook without_exceptions(const FileHook& hook) {
  if (!hook) return {};
  return [hook](FileOperation operation, std::string_view path) {
    try {
      return hook(operation, path);
    } catch (...) {
      return EIO;
    }
  };
}

}  // namespace

struct Watermark::Writing {
  explicit Writing(FileName of) : name(of), state(XXH3_createState()) {
    XXH3_64bits_reset(state.get());
  }
  FileMark mark() const { return {.bytes = bytes, .hash = XXH3_64bits_digest(state.get())}; }

  const FileName name;
  std::unique_ptr<XXH3_state_t, HashEnd> state;
  std::uint64_t bytes = 0;
  FileMark synced{};                   ///< Counts once the directory is synced too.
  bool is_in_directory = false;        ///< For sure.
  std::optional<ManifestCopy> copy{};  ///< Of a manifest.
};

Watermark::Watermark(std::string directory, const FileHook& hook, Environment& environment)
    : directory_(std::move(directory)),
      path_(watermark_path(directory_)),
      what_("cannot write " + path_),
      hook_(without_exceptions(hook)),
      environment_(environment) {}

Result<std::unique_ptr<Watermark>> Watermark::make(const std::string& directory,
                                                   const FileHook& hook, Environment& environment) {
  std::unique_ptr<Watermark> made(new Watermark(directory, hook, environment));
  if (auto created = made->create_file(); !created) return std::move(created).error();
  return made;
}

Result<std::unique_ptr<Watermark>> Watermark::open(const std::string& directory, bool accept_loss,
                                                   const std::vector<std::string>& salvaged,
                                                   const FileHook& hook, Environment& environment) {
  std::unique_ptr<Watermark> opened(new Watermark(directory, hook, environment));
  opened->accept_loss_ = accept_loss;
  auto page = read_watermark(directory);
  if (!page) return std::move(page).error();
  std::vector<std::string> losses{"the WATERMARK is missing or damaged"};
  if (*page) losses = find_losses(directory, **page);
  const bool begins_anew = !losses.empty();
  if (begins_anew && !accept_loss) return loss_error(losses);
  losses.insert(losses.begin(), salvaged.begin(), salvaged.end());
  if (!losses.empty()) opened->accept(loss_error(losses));
  if (begins_anew) {
    if (auto noted = write_loss_note(directory, losses, opened->hook_); !noted)
      return noted.error();
    // Known, with nothing expected of it: else it would be taken for an outdated one by the time
    // that the next manifest is begun, and CURRENT does not name that yet.
    if (const auto current = current_manifest(directory + "/db")) {
      opened->page_.files.push_back({.name = *current, .written = {}, .synced = {}});
    }
    if (auto created = opened->create_file(); !created) return std::move(created).error();
    return opened;
  }
  if (!(*page)->is_of_this_boot()) {
    for (WatchedFile& file : (*page)->files) file.written = file.synced;
    (*page)->written_sequence = (*page)->synced_sequence;
  }
  opened->page_ = std::move(**page);
  if (auto done = opened->open_file(); !done) return std::move(done).error();
  return opened;
}

Result<void> Watermark::create_file() {
  page_.boot = this_boot();
  encode_page(page_, bytes_);
  bytes_.resize(kWatermarkFileBytes, '\0');
  if (auto made = replace_file(directory_, "WATERMARK", bytes_, hook_); !made) return made;
  return open_file();
}

Result<void> Watermark::open_file() {
  page_.boot = this_boot();
  file_ = File(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  if (file_.get() < 0) return errno_error(errno, "cannot open " + path_);
  return {};
}

void Watermark::accept(Error loss) {
  environment_.log(LogLevel::warning, "accepted at opening: " + loss.to_string());
  lost_ = std::move(loss);
}

WatchedFile* Watermark::find(const FileName& name) {
  const auto found = std::find_if(page_.files.begin(), page_.files.end(),
                                  [&](const WatchedFile& file) { return file.name == name; });
  return found == page_.files.end() ? nullptr : &*found;
}

Result<void> Watermark::forget(const FileName& name) {
  {
    const std::lock_guard lock(mutex_);
    const auto removed =
        std::erase_if(page_.files, [&](const WatchedFile& file) { return file.name == name; });
    if (removed == 0) return {};
    if (auto written = write_page(); !written) return written;
  }
  return sync_file();
}

Result<std::shared_ptr<Watermark::Writing>> Watermark::begin(const std::string& path) {
  const auto name = watched_file_name(path);
  if (!name) return std::shared_ptr<Writing>();
  if (auto forgotten = forget(*name); !forgotten) return std::move(forgotten).error();
  auto writing = std::make_shared<Writing>(*name);
  const std::lock_guard lock(mutex_);
  if (name->kind == FileName::Kind::manifest) {
    writing->copy.emplace(directory_, *name, hook_);
    manifest_ = writing;
  }
  if (page_.files.size() == kMaxWatchedFiles) page_.files.erase(page_.files.begin());
  page_.files.push_back({.name = *name, .written = {}, .synced = {}});
  made_.push_back(writing);
  return writing;
}

void Watermark::appended(Writing& file, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  XXH3_64bits_update(file.state.get(), bytes.data(), bytes.size());
  file.bytes += bytes.size();
  if (WatchedFile* const watched = find(file.name)) watched->written = file.mark();
  ignore_error(write_page(), "failure() tells it");
  if (file.copy) told_of_copy(file.copy->append(bytes));
}

void Watermark::told_of_copy(const Result<void>& result) {
  if (!result) environment_.log(LogLevel::warning, result.error().to_string());
}

FileMark Watermark::written(const Writing& file) const {
  const std::lock_guard lock(mutex_);
  return file.mark();
}

void Watermark::synced(Writing& file, const FileMark& mark) {
  const std::lock_guard lock(mutex_);
  file.synced = mark;
  WatchedFile* const watched = find(file.name);
  if (watched == nullptr || !file.is_in_directory) return;
  watched->synced = mark;
  ignore_error(write_page(), "failure() tells it");
}

std::vector<std::shared_ptr<Watermark::Writing>> Watermark::made() const {
  const std::lock_guard lock(mutex_);
  return made_;
}

void Watermark::directory_synced(const std::vector<std::shared_ptr<Writing>>& files) {
  if (files.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const auto& file : files) {
    std::erase(made_, file);
    file->is_in_directory = true;
    if (WatchedFile* const watched = find(file->name)) watched->synced = file->synced;
  }
  ignore_error(write_page(), "failure() tells it");
}

Result<void> Watermark::removing(const std::string& path) {
  const auto name = watched_file_name(path);
  if (!name) return {};
  auto forgotten = forget(*name);
  if (forgotten && name->kind == FileName::Kind::manifest) {
    ManifestCopy::remove(directory_, *name, hook_);
  }
  return forgotten;
}

void Watermark::note_sequence(std::uint64_t sequence, bool is_synced) {
  const std::lock_guard lock(mutex_);
  page_.written_sequence = std::max(page_.written_sequence, sequence);
  if (is_synced) page_.synced_sequence = std::max(page_.synced_sequence, sequence);
}

Result<void> Watermark::check_sequence(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  if (sequence < page_.written_sequence) {
    Error loss = loss_error({"it ends at " + std::to_string(sequence) + ", not at " +
                             std::to_string(page_.written_sequence)});
    if (!accept_loss_) return loss;
    accept(std::move(loss));
  }
  page_.written_sequence = sequence;
  page_.synced_sequence = std::min(page_.synced_sequence, sequence);
  return {};
}

Result<void> Watermark::sync() {
  {
    const std::lock_guard lock(mutex_);
    if (auto written = write_page(); !written) return written;
    if (manifest_ != nullptr) told_of_copy(manifest_->copy->sync());
  }
  return sync_file();
}

Result<void> Watermark::write_page() {
  auto written = write_bytes();
  if (written) {
    failure_.reset();
  } else {
    if (!failure_) environment_.log(LogLevel::warning, written.error().to_string());
    failure_ = written.error();
  }
  return written;
}

Result<void> Watermark::write_bytes() {
  ++page_.update;
  encode_page(page_, bytes_);
  const auto at = static_cast<off_t>(page_.update % 2 * kWatermarkPageBytes);
  auto written = change(hook_, FileOperation::append, path_, what_, [&] {
    return static_cast<int>(::pwrite(file_.get(), bytes_.data(), bytes_.size(), at));
  });
  if (!written) return std::move(written).error();
  if (static_cast<std::size_t>(*written) != bytes_.size()) return Error(Code::io_error, what_);
  return {};
}

// Without the mutex, for which commits would wait; pages only ever say more that is true.
Result<void> Watermark::sync_file() {
  auto synced =
      change(hook_, FileOperation::sync, path_, what_, [&] { return ::fdatasync(file_.get()); });
  if (synced) return {};
  environment_.log(LogLevel::warning, synced.error().to_string());
  const std::lock_guard lock(mutex_);
  failure_ = synced.error();
  return std::move(synced).error();
}

std::optional<Error> Watermark::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

std::optional<Error> Watermark::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace callisto::kv
