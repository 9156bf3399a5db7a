#pragma once

// What a catalogue wants of a space against what the space holds; which version of an index can be
// read (README.md, "To change an index definition").

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/result.h"
#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "indexes/index_set.h"
#include "indexes/space_state.h"

namespace callisto::indexes {

/// A definition and its table; both null when the catalogue has none of that number.
struct FoundIndex {
  const TableDefinition* table = nullptr;
  const IndexDefinition* index = nullptr;
  explicit operator bool() const noexcept { return index != nullptr; }
};
FoundIndex find_index(const Catalogue& catalogue, schema::IndexId id);
/// By name; of definitions with the same name the one that replaces the others.
FoundIndex find_index(const Catalogue& catalogue, std::string_view name);
/// The definition's name, or the number of an index that the catalogue does not know: 0x01f1.
std::string index_name(const Catalogue& catalogue, schema::IndexId id);
/// The definition that names `id` as what it replaces; null when there is none.
const IndexDefinition* replacement_of(const Catalogue& catalogue, schema::IndexId id);
/// In the catalogue, and not replaced by another definition there.
bool is_wanted(const Catalogue& catalogue, schema::IndexId id);

/// Which version of an index a finder may read in this state: the one of that number, or the one
/// that it replaces, while it is not ready itself. nullopt: none is ready (index_not_ready). The
/// one place that decides it.
std::optional<schema::IndexId> ready_version(const Catalogue& catalogue, const SpaceState& state,
                                             schema::IndexId id);

/// The same for a finder that reads all versions in one way: an older one only where the definition
/// says that it can be read so (reads_replaced). Prefixes are then those of in_version().
std::optional<schema::IndexId> readable_version(const Catalogue& catalogue, const SpaceState& state,
                                                schema::IndexId id);

/// What a new space holds: all that the catalogue wants, ready.
IndexSet full_set(const Catalogue& catalogue);
/// What a space must hold so that the catalogue's writers may write it: what is new is building,
/// what is not in the catalogue any more is dropping. Equal to what it holds when nothing changed.
IndexSet target_set(const Catalogue& catalogue, const SpaceState& state);

/// Starts what target_set() asks for, in one commit that every writer of the space conflicts with,
/// so that none goes on with the state from before. True when something was to change.
Result<bool> begin_changes(kv::Store& store, const Catalogue& catalogue, schema::SpaceNumber space);
/// Starts the rebuild of indexes that the catalogue wants. One that can be read is stale first: it
/// is used as it is until its turn comes; then it is emptied and built.
Result<void> begin_rebuild(kv::Store& store, const Catalogue& catalogue, schema::SpaceNumber space,
                           const std::vector<schema::IndexId>& indexes);

}  // namespace callisto::indexes
