#pragma once

// Inside of scrub and repair: the first walk, and what the counters must say.

#include <cstdint>
#include <map>
#include <optional>

#include "callisto/result.h"
#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "indexes/scrub_entries.h"
#include "indexes/scrub_findings.h"
#include "indexes/space_state.h"

namespace callisto::indexes {

/// Counts by TableId and IndexId.
using Counts = std::map<std::uint16_t, std::int64_t>;

/// Walks over all rows and entries once: into `check`, and what is seen on the way into `findings`.
/// `owners`: whether owners are looked up too.
Result<void> first_walk(kv::Reader& reader, const Catalogue& catalogue, const SpaceState& state,
                        bool owners, EntryCheck& check, Findings& findings);

/// What the counters of a space must say, once differences went to `sink`: the rows, and the
/// entries that records give, those of undecodable records included.
Counts right_counts(const EntryCheck& check, const FindingsSink& sink);

/// The stored counters; nullopt when they cannot be read.
Result<std::optional<Counts>> stored_counts(kv::Reader& reader, schema::SpaceNumber space);

}  // namespace callisto::indexes
