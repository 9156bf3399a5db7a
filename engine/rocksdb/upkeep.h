#pragma once

#include <cstdint>
#include <string_view>

#include "callisto/result.h"
#include "engine/kv.h"

namespace callisto::kv {

class Database;

// What a store does with its files. Changes go through the write gate: `unavailable` where it is
// shut, and a failure shuts it.

/// Makes what was written so far durable. In memory there is nothing to do.
Result<void> sync_log(Database& database);

/// As Store::erase_range: one tombstone for the whole range, and where files of much data are
/// touched a hint to compact them soon.
Result<void> erase_keys(Database& database, Family family, std::string_view lower,
                        std::string_view upper);

/// Writes the memtables to table files; `limits` (or null) are looked at before each family.
Result<void> flush_memtables(Database& database, const Limits* limits);

/// Flushes, and rewrites every table file; `limits` (or null) as Store::compact.
Result<void> compact_all(Database& database, const Limits* limits);

/// As Store::verify_checksums: each file against the checksum that its making left in the manifest,
/// then its blocks against theirs. A follower answers `busy` when the writer has removed a file.
Result<void> verify_files(Database& database, const Limits* limits);

/// As Store::approximate_bytes: table files and memtables.
std::uint64_t approximate_range_bytes(const Database& database, Family family,
                                      std::string_view lower, std::string_view upper);

/// Disk, files, block cache and memtables; commits and conflicts are the committer's.
EngineStats database_stats(const Database& database);

}  // namespace callisto::kv
