#pragma once

// What goes into the record of a memory: checked input, patches, tags, and what is derived from
// them. Knows nothing of storage.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/memory.h"
#include "callisto/options.h"
#include "schema/records.h"

namespace callisto::detail {

/// Checked input as a record's fields, without stamp, metadata and external id (fill_envelope()).
Result<schema::fb::MemoryT> memory_fields(const NewMemory& memory, const Caller& caller);

/// What put() leaves of `before`: `given` takes the place of everything but identity, stamp, user,
/// module and task; an external id stays where none is given. `given` has its envelope.
schema::fb::MemoryT replaced_fields(const schema::fb::MemoryT& before,
                                    const schema::fb::MemoryT& given);

/// A patch whose parts were checked and parsed, apart from the record that it will change. The
/// patch must outlive it.
struct MemoryChange {
  const MemoryPatch* patch = nullptr;
  std::vector<std::uint8_t> value;
  std::vector<std::uint8_t> metadata;
  std::vector<std::string> tags;
};
Result<MemoryChange> memory_change(const MemoryPatch& patch);
/// Applies it and checks the rules between fields. Stamp and provenance stay.
Result<void> apply_change(schema::fb::MemoryT& fields, const MemoryChange& change);

/// Tags as they are stored: each checked, of those that fold to the same text the first.
Result<std::vector<std::string>> checked_tags(const std::vector<std::string>& tags,
                                              const char* field);
/// `add` and `remove` are checked. True when the tags changed; limit_exceeded above kMaxTags.
Result<bool> change_tags(schema::fb::MemoryT& fields, const std::vector<std::string>& add,
                         const std::vector<std::string>& remove);

/// Whether two records are equal byte for byte.
Result<bool> is_same_record(const schema::fb::MemoryT& a, const schema::fb::MemoryT& b);

}  // namespace callisto::detail
