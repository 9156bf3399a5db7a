#include "indexes/index_change.h"

#include <array>
#include <cstdio>
#include <utility>

#include "schema/keys.h"

namespace callisto::indexes {

namespace {

using kv::Family;
using schema::IndexId;

/// Calls `each(table, index)` until it answers true.
template <class F>
FoundIndex find_if(const Catalogue& catalogue, F&& each) {
  for (const TableDefinition& table : catalogue.tables) {
    for (const IndexDefinition& index : table.indexes) {
      if (each(index)) return {&table, &index};
    }
  }
  return {};
}

HeldIndex held(const IndexDefinition& index, IndexState state) {
  const std::uint8_t part = index.part ? static_cast<std::uint8_t>(*index.part) : 0;
  return {index.id, state, index.family, part};
}

/// What becomes of an index that the space holds already.
IndexState target_state(const Catalogue& catalogue, const IndexSet& set, const HeldIndex& index) {
  if (!find_index(catalogue, index.id)) return IndexState::dropping;
  const IndexDefinition* const replacement = replacement_of(catalogue, index.id);
  if (replacement == nullptr) return index.state;
  // It answers until its replacement does; unless it is whole there is no use in it.
  const bool is_needed = is_complete(index.state) && !is_complete(set.state(replacement->id));
  return is_needed ? IndexState::ready : IndexState::dropping;
}

/// One transaction that changes what a space holds. `change` gives the set that it is to hold.
template <class F>
Result<bool> change_set(kv::Store& store, schema::SpaceNumber space, F&& change) {
  bool has_changed = false;
  auto done = store.run(kv::step_options(), [&](kv::Transaction& transaction) -> Result<void> {
    has_changed = false;
    transaction.guard(Family::system, schema::space_name_key(space));
    auto state = SpaceState::load(transaction, space);
    if (!state) return std::move(state).error();
    if (!(*state)->exists()) return {};
    const IndexSet next = change(**state);
    has_changed = !(*state)->has_index_set() || next != (*state)->indexes();
    return has_changed ? put_index_set(transaction, **state, next) : Result<void>{};
  });
  if (!done) return std::move(done).error();
  return has_changed;
}

}  // namespace

FoundIndex find_index(const Catalogue& catalogue, IndexId id) {
  return find_if(catalogue, [&](const IndexDefinition& index) { return index.id == id; });
}

FoundIndex find_index(const Catalogue& catalogue, std::string_view name) {
  return find_if(catalogue, [&](const IndexDefinition& index) {
    return index.name == name && replacement_of(catalogue, index.id) == nullptr;
  });
}

std::string index_name(const Catalogue& catalogue, IndexId id) {
  if (const FoundIndex found = find_index(catalogue, id)) return found.index->name;
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%04x", static_cast<unsigned>(id));
  return text.data();
}

const IndexDefinition* replacement_of(const Catalogue& catalogue, IndexId id) {
  return find_if(catalogue, [&](const IndexDefinition& index) { return index.replaces == id; })
      .index;
}

bool is_wanted(const Catalogue& catalogue, IndexId id) {
  return find_index(catalogue, id) && replacement_of(catalogue, id) == nullptr;
}

std::optional<IndexId> ready_version(const Catalogue& catalogue, const SpaceState& state,
                                     IndexId id) {
  for (std::optional<IndexId> version = id; version;) {
    if (is_complete(state.index_state(*version))) return version;
    const FoundIndex found = find_index(catalogue, *version);
    version = found ? found.index->replaces : std::nullopt;
  }
  return std::nullopt;
}

std::optional<IndexId> readable_version(const Catalogue& catalogue, const SpaceState& state,
                                        IndexId id) {
  for (std::optional<IndexId> version = id; version;) {
    if (is_complete(state.index_state(*version))) return version;
    const FoundIndex found = find_index(catalogue, *version);
    const bool goes_on = found && found.index->reads_replaced;
    version = goes_on ? found.index->replaces : std::nullopt;
  }
  return std::nullopt;
}

IndexSet full_set(const Catalogue& catalogue) {
  IndexSet set;
  for (const TableDefinition& table : catalogue.tables) {
    for (const IndexDefinition& index : table.indexes) {
      if (is_wanted(catalogue, index.id)) set.put(held(index, IndexState::ready));
    }
  }
  return set;
}

IndexSet target_set(const Catalogue& catalogue, const SpaceState& state) {
  IndexSet next = state.indexes();
  for (const HeldIndex& index : state.indexes().held()) {
    next.set_state(index.id, target_state(catalogue, state.indexes(), index));
  }
  // Without the row, ranges that should be empty may not be.
  const auto of_new = state.has_index_set() ? IndexState::building : IndexState::dropping;
  for (const TableDefinition& table : catalogue.tables) {
    for (const IndexDefinition& index : table.indexes) {
      const bool is_new = next.find(index.id) == nullptr;
      if (is_new && is_wanted(catalogue, index.id)) next.put(held(index, of_new));
    }
  }
  return next;
}

Result<bool> begin_changes(kv::Store& store, const Catalogue& catalogue,
                           schema::SpaceNumber space) {
  return change_set(store, space,
                    [&](const SpaceState& state) { return target_set(catalogue, state); });
}

Result<void> begin_rebuild(kv::Store& store, const Catalogue& catalogue, schema::SpaceNumber space,
                           const std::vector<IndexId>& indexes) {
  auto begun = change_set(store, space, [&](const SpaceState& state) {
    IndexSet next = state.indexes();
    for (IndexId id : indexes) {
      if (const FoundIndex found = find_index(catalogue, id)) {
        const bool can_wait = is_complete(next.state(id));
        next.put(held(*found.index, can_wait ? IndexState::stale : IndexState::dropping));
      }
    }
    return next;
  });
  if (!begun) return std::move(begun).error();
  return {};
}

}  // namespace callisto::indexes
