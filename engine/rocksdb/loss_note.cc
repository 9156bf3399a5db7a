#include "engine/rocksdb/loss_note.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "engine/rocksdb/disk_file.h"

namespace callisto::kv {
namespace {

constexpr const char* kName = "LOSS";

std::string path_of(const std::string& directory) { return directory + "/" + kName; }

}  // namespace

std::vector<std::string> read_loss_note(const std::string& directory) {
  std::vector<std::string> losses;
  std::ifstream file(path_of(directory));
  for (std::string line; std::getline(file, line);) losses.push_back(line);
  return losses;
}

Result<void> write_loss_note(const std::string& directory, const std::vector<std::string>& losses,
                             const FileHook& hook) {
  std::vector<std::string> noted = read_loss_note(directory);
  for (const std::string& loss : losses) {
    if (std::find(noted.begin(), noted.end(), loss) == noted.end()) noted.push_back(loss);
  }
  std::string text;
  for (const std::string& loss : noted) text += loss + '\n';
  return replace_file(directory, kName, text, hook);
}

Result<void> remove_loss_note(const std::string& directory, const FileHook& hook) {
  const std::string path = path_of(directory);
  if (::access(path.c_str(), F_OK) != 0) return {};
  auto removed = change(hook, FileOperation::remove, path, "cannot remove " + path,
                        [&] { return ::unlink(path.c_str()); });
  if (!removed) return std::move(removed).error();
  ignore_error(sync_directory(directory, hook), "the loss is told once more");
  return {};
}

}  // namespace callisto::kv
