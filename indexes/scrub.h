#pragma once

// Verify and repair, from the same definitions as the maintainer: the oracle is the full scan.

#include "callisto/result.h"
#include "callisto/stats.h"
#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "schema/ids.h"

namespace callisto::indexes {

/// Scrubs one space in the one state that `reader` sees (a snapshot): every record is decoded; the
/// entries that records give are compared with the entries that are there, first by an order-free
/// fingerprint per index (count and sum of XXH3-128 of key and value: one pass over records, one
/// over entries), then, where that differs, entry by entry; owners exist; tails and counters agree
/// with what they count; sequences of a conversation are unique. Rows of unfinished work count as
/// pending. Adds to `report`. Memory is bounded whatever the size. An I/O error ends it. Where a damaged file hides
/// keys, each such range is reported and every other record still decoded, but nothing is compared.
Result<void> scrub(kv::Reader& reader, const Catalogue& catalogue, schema::SpaceNumber space,
                   VerifyReport& report);

/// Writes what scrub() finds missing, removes what is dangling or wrong, sets tails and counters
/// right, in transactions of bounded size beside live writers; undecodable records are left for
/// people. Adds to report.repaired.
Result<void> repair(kv::Store& store, const Catalogue& catalogue, schema::SpaceNumber space,
                    VerifyReport& report);

}  // namespace callisto::indexes
