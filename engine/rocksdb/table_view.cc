#include "engine/rocksdb/table_view.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace callisto::kv {

using Answer = OpenTable::Answer;

TableView::TableView(Tables level_0, std::vector<Tables> levels, std::size_t filter_prefix_bytes,
                     std::uint64_t flushed_sequence)
    : level_0_(std::move(level_0)),
      levels_(std::move(levels)),
      filter_prefix_bytes_(filter_prefix_bytes),
      flushed_sequence_(flushed_sequence) {
  for (const Tables& level : levels_) {
    for (std::size_t i = 1; i < level.size(); ++i) {
      if (level[i - 1]->facts().largest_key >= level[i]->facts().smallest_key) is_sound_ = false;
    }
  }
}

std::size_t TableView::place_in(const Tables& level, std::string_view key) {
  const auto found = std::partition_point(level.begin(), level.end(), [&](const auto& table) {
    return table->facts().largest_key < key;
  });
  return static_cast<std::size_t>(found - level.begin());
}

OpenTable* TableView::table_of(const Tables& level, std::string_view key) const {
  const std::size_t place = place_in(level, key);
  return place < level.size() && covers(*level[place], key) ? level[place].get() : nullptr;
}

bool TableView::can_find(std::string_view key) const {
  for (const auto& table : level_0_) {
    if (covers(*table, key) && !table->load()) return false;
  }
  for (const Tables& level : levels_) {
    OpenTable* const table = table_of(level, key);
    if (table != nullptr && !table->load()) return false;
  }
  return true;
}

Answer TableView::find(std::string_view key, std::uint64_t max_sequence, BlockScratch& scratch,
                       std::string_view& value) const {
  std::optional<std::uint64_t> hash;
  const auto may_hold = [&](const OpenTable& table) {
    if (!hash) hash = KeyFilter::hash(key, filter_prefix_bytes_);
    return table.may_hold(*hash);
  };
  // Of level 0 the newest counts, in whatever order the files are.
  const OpenTable* newest = nullptr;
  TableEntry entry;
  std::uint64_t sequence = 0;
  for (const auto& table : level_0_) {
    if (!covers(*table, key)) continue;
    if (!table->load()) return Answer::unknown;
    if (!may_hold(*table)) continue;
    const Answer answer = table->find(key, max_sequence, scratch, entry);
    if (answer == Answer::unknown) return answer;
    if (answer == Answer::absent || (newest != nullptr && entry.sequence < sequence)) continue;
    newest = table.get();
    sequence = entry.sequence;
  }
  if (newest != nullptr) {
    // Another file may have been read into the scratch since.
    if (newest->find(key, max_sequence, scratch, entry) != Answer::found) return Answer::unknown;
    value = entry.value;
    return entry.is_deletion ? Answer::absent : Answer::found;
  }
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    OpenTable* const table = table_of(levels_[i], key);
    if (table == nullptr) continue;
    if (!table->load()) return Answer::unknown;
    const bool is_last = i + 1 == levels_.size();
    if (!is_last && !may_hold(*table)) continue;
    const Answer answer = table->find(key, max_sequence, scratch, entry);
    if (answer == Answer::absent) continue;
    if (answer == Answer::unknown) return answer;
    value = entry.value;
    return entry.is_deletion ? Answer::absent : Answer::found;
  }
  return Answer::absent;
}

}  // namespace callisto::kv
