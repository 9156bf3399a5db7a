#pragma once

#include <optional>
#include <string>
#include <vector>

#include "callisto/error.h"
#include "callisto/result.h"
#include "engine/rocksdb/watermark_page.h"

namespace callisto::kv {

/// What is wrong with the first `mark.bytes` bytes of a file ("is missing"), or nothing.
std::optional<std::string> find_difference(const std::string& path, const FileMark& mark);

/// The manifest that CURRENT names in this directory of RocksDB's. nullopt where it does not:
/// RocksDB refuses that.
std::optional<FileName> current_manifest(const std::string& database);

/// Whether the page knows a newer manifest than this one, and not this one.
bool is_outdated(const WatermarkPage& page, const FileName& manifest);

/// What the files of RocksDB's in `directory`/db lack of what the page says; a sentence each,
/// naming the file. Reads every log and the manifest in use once. Nothing is changed.
std::vector<std::string> find_losses(const std::string& directory, const WatermarkPage& page);

/// As data_loss, which names the first few.
Error loss_error(const std::vector<std::string>& losses);

/// For a store that is opened for reading, perhaps beside a writer that goes on: looks again until
/// page and files stand still. Nothing, or data_loss.
Result<void> check_beside_writer(const std::string& directory);

}  // namespace callisto::kv
