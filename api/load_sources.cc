#include "api/load_sources.h"

#include <algorithm>
#include <utility>

#include "indexes/aligned_bytes.h"
#include "schema/records.h"

namespace callisto::detail {

namespace {

using schema::TableId;

constexpr std::size_t kIdBytes = sizeof(UuidBytes);
/// What follows a category in the key of a datum: hash(value) probe.
constexpr std::size_t kValueBytes = sizeof(schema::Hash128) + 1;

bool is(const LoadLane& lane, TableId table) {
  return lane.number == static_cast<std::uint16_t>(table);
}

/// What a caller gave that a table tells records apart by.
const char* identity_field(const LoadLane& lane) {
  if (is(lane, TableId::platform_identifiers)) return "platform_id";
  return is(lane, TableId::user_data) ? "value" : "id";
}

}  // namespace

// LoadReferences ----------------------------------------------------------------------------------

LoadReferences::LoadReferences(std::unique_ptr<kv::ExternalSort::Merge> references,
                               const char* field)
    : references_(std::move(references)), field_(field) {}

Result<void> LoadReferences::pass(std::string_view id) { return pass_until(id); }

Result<void> LoadReferences::end() { return pass_until(std::nullopt); }

Result<void> LoadReferences::pass_until(std::optional<std::string_view> id) {
  while (true) {
    if (!is_held_) {
      auto found = references_->next(reference_);
      if (!found) return std::move(found).error();
      if (!*found) return {};
      is_held_ = true;
    }
    if (id && reference_.key > *id) return {};
    if (!id || reference_.key < *id) {
      return Error(Code::not_found, LoadPosition::decode(reference_.value).text() + field_,
                   "an existing one");
    }
    is_held_ = false;
  }
}

// LoadSource --------------------------------------------------------------------------------------

LoadSource::LoadSource(const LoadLane& lane, std::unique_ptr<kv::ExternalSort::Merge> rows,
                       const LoadRowCounts& numbers, indexes::CardinalitySketch& sketch,
                       const kv::Limits& limits)
    : lane_(lane), rows_(std::move(rows)), numbers_(numbers), sketch_(sketch), limits_(limits) {}

Result<bool> LoadSource::read(Row& row) {
  if (auto within = limits_.check(); !within) return std::move(within).error();
  auto found = rows_->next(row);
  if (!found || !*found || !lane_.has_position) return found;
  const std::size_t size = row.value.size() - LoadPosition::kBytes;
  position_ = LoadPosition::decode(row.value.substr(size));
  row.value = row.value.substr(0, size);
  return true;
}

/// The later of the two is the one that should not be there.
Error LoadSource::twice(const char* field) const {
  return Error(Code::already_exists, std::max(position_, last_position_).text() + field,
               "each once");
}

/// Kinds and numbers of the values of a category, whose rows follow each other.
Result<void> LoadSource::check_datum(const Row& row) {
  indexes::AlignedBytes aligned;
  const auto kind = static_cast<std::uint8_t>(
      flatbuffers::GetRoot<schema::fb::UserDatum>(aligned.assign(row.value).data())->kind());
  const auto category = row.key.substr(0, row.key.size() - kValueBytes);
  const bool is_same_category = last_key_.size() == row.key.size() &&
                                std::string_view(last_key_).substr(0, category.size()) == category;
  if (is_same_category && kind != last_kind_) {
    return Error(Code::invalid_argument, std::max(position_, last_position_).text() + "category",
                 "of one kind, list or single");
  }
  if (is_same_category && kind == static_cast<std::uint8_t>(schema::fb::CategoryKind::single)) {
    return twice("category");
  }
  last_kind_ = kind;
  return {};
}

void LoadSource::count(std::string_view key) {
  counts_.add(numbers_.number_of(lane_, key));
  if (lane_.index == nullptr || lane_.index->order_bytes == indexes::kNotCounted) return;
  const auto prefix =
      key.substr(0, key.size() - std::min<std::size_t>(lane_.index->order_bytes, key.size()));
  if (prefix_entry_.size() != key.size() || !prefix_entry_.starts_with(prefix)) {
    count_prefix();
    prefix_entry_ = key;
  }
  ++prefix_rows_;
}

void LoadSource::count_prefix() {
  if (prefix_rows_ == 0) return;
  indexes::CardinalityChanges changes;
  changes.add(*lane_.index, prefix_entry_, std::exchange(prefix_rows_, 0));
  sketch_.apply(changes);
}

Result<bool> LoadSource::next(Row& row) {
  while (true) {
    auto found = read(row);
    if (!found) return found;
    if (!*found) {
      count_prefix();
      if (references_ != nullptr) {
        if (auto ended = references_->end(); !ended) return std::move(ended).error();
      }
      return false;
    }
    if (row.key != last_key_) break;
    // Entries are there twice where records are: the lane of those says it.
    if (lane_.has_position) return twice(identity_field(lane_));
  }
  if (is(lane_, TableId::user_data)) {
    if (auto checked = check_datum(row); !checked) return std::move(checked).error();
  }
  if (references_ != nullptr) {
    auto passed = references_->pass(row.key.substr(schema::kKeyHeadBytes, kIdBytes));
    if (!passed) return std::move(passed).error();
  }
  count(row.key);
  last_key_ = row.key;
  last_position_ = position_;
  return true;
}

}  // namespace callisto::detail
