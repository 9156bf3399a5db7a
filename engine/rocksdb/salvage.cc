#include "engine/rocksdb/salvage.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <utility>

#include "engine/rocksdb/disk_file.h"
#include "engine/rocksdb/log_format.h"
#include "engine/rocksdb/loss_note.h"
#include "engine/rocksdb/salvage_plan.h"

namespace callisto::kv {
namespace {

constexpr const char* kAdvice =
    "what is left can be had with accept_data_loss (callisto verify --repair --accept-data-loss)";

/// A second name in DIR/lost/ for a file of DIR/db, so that it stays when RocksDB removes it. One
/// of an earlier loss that is there under the same name stays too.
Result<void> keep(const std::string& directory, const std::string& name, const FileHook& hook) {
  const std::string from = directory + "/db/" + name;
  struct stat of_file{};
  if (::stat(from.c_str(), &of_file) != 0) return {};
  constexpr int kMostOfOneName = 1000;
  for (int i = 0; i < kMostOfOneName; ++i) {
    const std::string to = directory + "/lost/" + name + (i == 0 ? "" : "." + std::to_string(i));
    struct stat there{};
    if (::stat(to.c_str(), &there) == 0) {
      if (there.st_ino == of_file.st_ino) return {};
      continue;
    }
    auto linked = change(hook, FileOperation::create, to, "cannot keep " + from,
                         [&] { return ::link(from.c_str(), to.c_str()); });
    return linked ? Result<void>() : std::move(linked).error();
  }
  return Error(Code::io_error, directory + "/lost is full: move it away");
}

Result<void> keep_all(const std::string& directory, const std::vector<std::string>& names,
                      const FileHook& hook) {
  const std::string lost = directory + "/lost";
  auto made = change(hook, FileOperation::create, lost, "cannot make " + lost, [&] {
    const int answer = ::mkdir(lost.c_str(), 0777);
    return answer != 0 && errno == EEXIST ? 0 : answer;
  });
  if (!made) return std::move(made).error();
  for (const std::string& name : names) {
    if (auto kept = keep(directory, name, hook); !kept) return kept;
  }
  if (auto synced = sync_directory(lost, hook); !synced) return synced;
  return sync_directory(directory, hook);
}

Result<void> put_manifest(const std::string& directory, const FilePatch& patch,
                          const FileHook& hook) {
  const std::string database = directory + "/db";
  std::ifstream file(patch.manifest, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.size() != patch.manifest_bytes) {
    return Error(Code::io_error, patch.manifest + " cannot be read");
  }
  bytes += patch.manifest_tail;
  if (auto put = replace_file(database, patch.current, bytes, hook); !put) return put;
  const std::string name = patch.current + '\n';
  return replace_file(database, "CURRENT", name, hook);
}

/// RocksDB itself can pass over damaged records (kSkipAnyCorruptedRecords); 7.8 then refuses whole
/// ones behind one of several pieces, whose checksum it has not forgotten.
Result<void> mend_logs(const std::string& directory, const std::vector<std::string>& names,
                       const FileHook& hook) {
  const std::string database = directory + "/db";
  for (const std::string& name : names) {
    std::ifstream file(database + "/" + name, std::ios::binary);
    LogRecords records = records_of(file);
    const auto write = [&](int descriptor) -> Result<void> {
      std::uint64_t size = 0;
      for (std::string record; records.next(record);) {
        const std::string bytes = encode_log_record(size, record);
        size += bytes.size();
        auto written = write_all(descriptor, bytes, "cannot write " + database + "/" + name);
        if (!written) return written;
      }
      return {};
    };
    if (auto done = replace_file(database, name, write, hook); !done) return done;
  }
  return {};
}

/// Puts the bytes that belong to it in the place of each table file that has more.
Result<void> cut_tables(const std::string& directory, const FilePatch& patch,
                        const FileHook& hook) {
  constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
  const std::string database = directory + "/db";
  for (const auto& [name, bytes] : patch.table_bytes) {
    const std::string path = database + "/" + name;
    std::ifstream file(path, std::ios::binary);
    const auto write = [&, left = bytes](int descriptor) mutable -> Result<void> {
      std::string piece;
      for (; left > 0; left -= piece.size()) {
        piece.resize(std::min<std::uint64_t>(left, kPieceBytes));
        if (!file.read(piece.data(), static_cast<std::streamsize>(piece.size()))) {
          return Error(Code::io_error, path + " cannot be read");
        }
        auto written = write_all(descriptor, piece, "cannot write " + path);
        if (!written) return written;
      }
      return {};
    };
    if (auto done = replace_file(database, name, write, hook); !done) return done;
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> salvage(const std::string& directory, const MemoryPlan& plan,
                                         Environment& environment, const FileHook& hook) {
  auto salvage = plan_salvage(directory, plan, environment);
  if (!salvage) return std::move(salvage).error();
  if (!salvage->losses.empty()) {
    auto done = write_loss_note(directory, salvage->losses, hook)
                    .and_then([&] { return keep_all(directory, salvage->given_up, hook); })
                    .and_then([&] { return mend_logs(directory, salvage->damaged_logs, hook); })
                    .and_then([&] { return cut_tables(directory, salvage->patch, hook); })
                    .and_then([&] { return put_manifest(directory, salvage->patch, hook); });
    if (!done) return std::move(done).error();
  }
  return read_loss_note(directory);
}

Error explain_refusal(Error refusal, const std::string& directory, const MemoryPlan& plan,
                      Environment& environment) {
  const bool may_be_damage = refusal.code() == Code::corruption || refusal.code() == Code::io_error;
  if (!may_be_damage) return refusal;
  const auto salvage = plan_salvage(directory, plan, environment);
  if (!salvage || salvage->losses.empty()) return refusal;
  std::string text = "the store is damaged: ";
  for (const std::string& loss : salvage->losses) text += loss + "; ";
  return Error(Code::corruption, text + kAdvice);
}

}  // namespace callisto::kv
