#pragma once

// Catalogues in which definitions differ, as an older or a newer version of the library would have
// them, and the oracle for what a space must then hold.

#include <string>
#include <vector>

#include "engine/kv.h"
#include "indexes/catalogue.h"

namespace callisto::testing {

/// The standard catalogue with changes.
class ChangedCatalogue {
 public:
  ChangedCatalogue();
  ChangedCatalogue& add(schema::TableId table, const indexes::IndexDefinition& index);
  ChangedCatalogue& remove(schema::IndexId index);
  ChangedCatalogue& replace(schema::IndexId index, schema::IndexId old,
                            bool reads_replaced = false);
  const indexes::Catalogue& get();

 private:
  std::vector<indexes::TableDefinition> tables_;
  std::vector<std::vector<indexes::IndexDefinition>> indexes_;  // per table
  indexes::Catalogue catalogue_;
};

inline constexpr auto kOldAgents = static_cast<schema::IndexId>(0x01F1);
inline constexpr auto kOldCategories = static_cast<schema::IndexId>(0x01F2);

/// Of the same form as user_by_last_seen, memory_by_task and message_by_id.
inline constexpr auto kOldSeen = static_cast<schema::IndexId>(0x01F3);
inline constexpr auto kOldTasks = static_cast<schema::IndexId>(0x01F4);
inline constexpr auto kOldIds = static_cast<schema::IndexId>(0x01F5);

/// Before the change: kOldAgents and kOldCategories, no memory_by_category, memory_by_task and
/// message_by_sender.
ChangedCatalogue old_catalogue();
/// After it: memory_by_category replaces kOldCategories, which is still carried; memory_by_task and
/// message_by_sender are new; kOldAgents and message_by_importance are gone.
ChangedCatalogue new_catalogue();

/// Three indexes under their old numbers; and the catalogue that replaces and may read them.
ChangedCatalogue old_numbers();
ChangedCatalogue new_numbers();

/// What is wrong with entries and counts of a space, by a full scan: every key of the families
/// `indexes` and `messages` is a row or what rows give in an index that is ready. Empty: nothing.
std::string wrong_entries(kv::Reader& reader, const indexes::Catalogue& catalogue,
                          schema::SpaceNumber space);

}  // namespace callisto::testing
