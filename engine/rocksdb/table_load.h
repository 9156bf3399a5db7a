#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/load.h"

namespace callisto::kv {

class Database;

/// The table files of one bulk load: written beside the database, then linked into it all at once.
/// What was not linked in goes with the object.
class TableLoad {
 public:
  explicit TableLoad(Database& database);
  ~TableLoad();
  TableLoad(const TableLoad&) = delete;
  TableLoad& operator=(const TableLoad&) = delete;

  /// Reads every source to its end.
  Result<void> build(const LoadRequest& request,
                     const std::function<Result<void>(std::size_t)>& admit);
  /// Rows of Family::system, each key once in any order, as a file of their own.
  Result<void> add_rows(const Batch& rows);
  /// Whether no part's range holds a row.
  Result<void> check_empty(const LoadRequest& request) const;
  /// One change of the manifest for all families. The log must be synced before, so that nothing
  /// that came before the load is lost where the load is not. The last sequence number rises.
  Result<void> ingest();

 private:
  class Output;
  struct File {
    std::string path;
    std::string checksum;
    std::string checksum_name;
  };

  void add(Family family, File file);
  Result<void> build_part(const LoadPart& part,
                          const std::function<Result<void>(std::size_t)>& admit);

  Database& database_;
  std::mutex mutex_;  ///< While parts are built.
  std::array<std::vector<File>, kFamilyCount> files_;
};

}  // namespace callisto::kv
