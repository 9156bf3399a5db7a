#include "api/load_lanes.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace callisto::detail {

namespace {

using schema::MessagePart;
using schema::TableId;

/// Tables whose records are told apart by their keys: what is there twice is found in them, and
/// told of by its position.
bool has_position(TableId table) {
  switch (table) {
    case TableId::users:
    case TableId::platform_identifiers:
    case TableId::user_data:
    case TableId::conversations:
    case TableId::memories:
      return true;
    default:
      return false;
  }
}

std::uint16_t number_of_key(std::string_view key) {
  schema::KeyReader reader(key);
  reader.u32();
  return reader.u16();
}

template <class Number>
void append_number(std::string& bytes, Number number) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  bytes.append(raw, sizeof raw);
}

/// Adds to a number's count in a short, unsorted list.
void add_to(std::vector<std::pair<std::uint16_t, std::int64_t>>& sums, std::uint16_t number,
            std::int64_t count) {
  for (auto& [known, sum] : sums) {
    if (known != number) continue;
    sum += count;
    return;
  }
  sums.emplace_back(number, count);
}

}  // namespace

// LoadPosition ------------------------------------------------------------------------------------

LoadPosition LoadPosition::decode(std::string_view bytes) {
  LoadPosition position(0);
  std::memcpy(&position.number_, bytes.data(), kBytes);
  return position;
}

LoadPosition LoadPosition::message(std::size_t i) const {
  constexpr std::uint64_t kMost = (std::uint64_t{1} << kMessageBits) - 1;
  LoadPosition position = *this;
  position.number_ |= std::min<std::uint64_t>(i + 1, kMost);
  return position;
}

std::string LoadPosition::encode() const {
  std::string bytes;
  append_number(bytes, number_);
  return bytes;
}

std::string LoadPosition::text() const {
  std::string text = "records[" + std::to_string(number_ >> kMessageBits) + "].";
  const std::uint64_t message = number_ & ((std::uint64_t{1} << kMessageBits) - 1);
  if (message > 0) text += "messages[" + std::to_string(message - 1) + "].";
  return text;
}

// LoadLanes ---------------------------------------------------------------------------------------

LoadLanes::LoadLanes(const indexes::Catalogue& catalogue) {
  for (const indexes::TableDefinition& table : catalogue.tables) {
    // Tails of conversations lie beside their headers.
    if (table.id != TableId::conversation_tails) {
      add({.family = table.family,
           .number = static_cast<std::uint16_t>(table.id),
           .has_position = has_position(table.id)});
    }
    for (const indexes::IndexDefinition& index : table.indexes) {
      if (index.part) continue;
      add({.family = index.family,
           .number = static_cast<std::uint16_t>(index.id),
           .has_position = index.id == schema::IndexId::message_by_id,
           .index = &index});
    }
  }
  for (int i = 0; i < 3; ++i) add({});
}

void LoadLanes::add(const LoadLane& lane) {
  const bool is_stored = lane.number != 0;
  if (is_stored) {
    by_number_.resize(std::max<std::size_t>(by_number_.size(), lane.number + std::size_t{1}));
    by_number_[lane.number] = static_cast<std::uint8_t>(lanes_.size() + 1);
  }
  lanes_.push_back(lane);
  sorts_.push_back({.head_bytes = is_stored ? schema::kKeyHeadBytes : 0});
}

std::optional<std::size_t> LoadLanes::find(std::string_view key) const noexcept {
  const std::uint16_t number = number_of_key(key);
  if (number >= by_number_.size() || by_number_[number] == 0) return std::nullopt;
  return by_number_[number] - std::size_t{1};
}

std::size_t LoadLanes::find(TableId table) const noexcept {
  return by_number_[static_cast<std::size_t>(table)] - std::size_t{1};
}

// LoadTransaction ---------------------------------------------------------------------------------

LoadTransaction::LoadTransaction(const LoadLanes& lanes, LoadBuffers& buffers,
                                 LoadPosition position)
    : lanes_(lanes), buffers_(buffers), position_(position.encode()) {
  auto buffer = buffers_.take();
  if (buffer) {
    buffer_ = std::move(*buffer);
  } else {
    status_ = std::move(buffer).error();
  }
}

LoadTransaction::~LoadTransaction() {
  if (buffer_ != nullptr) buffers_.give_back(std::move(buffer_));
}

Result<void> LoadTransaction::write(std::size_t lane, std::string_view key, std::string_view value,
                                    std::string_view tail) {
  if (!status_) return status_;
  if (buffer_->is_full()) {
    buffers_.give_back(std::move(buffer_));
    auto buffer = buffers_.take();
    if (!buffer) return status_ = std::move(buffer).error();
    buffer_ = std::move(*buffer);
  }
  buffer_->add(lane, key, value, tail);
  has_written_ = true;
  return {};
}

Result<void> LoadTransaction::put(kv::Family, std::string_view key, std::string_view value) {
  if (key.size() > kv::kMaxKeyBytes || value.size() > kv::kMaxValueBytes) {
    return Error(Code::too_large, "record", "keys of 1,024 bytes, values of 5 MiB");
  }
  const auto lane = lanes_.find(key);
  if (!lane) return Error(Code::unsupported, "a bulk load has no such rows");
  const bool has_tail = lanes_.all()[*lane].has_position;
  return write(*lane, key, value, has_tail ? std::string_view(position_) : std::string_view());
}

void LoadTransaction::note_user(std::string_view id, LoadNote note, std::int64_t last_seen,
                                std::string_view field) {
  std::string key(id);
  key += static_cast<char>(note);
  std::string value;
  append_number(value, last_seen);
  value += position_;
  ignore_error(write(lanes_.user_notes(), key, value, field), "status() tells it");
}

void LoadTransaction::note_reference(std::size_t lane, std::string_view id) {
  ignore_error(write(lane, id, position_, {}), "status() tells it");
}

// LoadRowCounts -----------------------------------------------------------------------------------

void LoadRowCounts::Lane::add(std::uint16_t number) { add_to(counts, number, 1); }

std::uint16_t LoadRowCounts::number_of(const LoadLane& lane, std::string_view key) const {
  if (lane.index != nullptr) return lane.number;
  for (const indexes::TableDefinition& table : catalogue_.tables) {
    const bool is_here = table.family == lane.family &&
                         (static_cast<std::uint16_t>(table.id) == lane.number ||
                          (table.id == TableId::conversation_tails &&
                           lane.number == static_cast<std::uint16_t>(TableId::conversations)));
    if (!is_here) continue;
    if (table.is_row(key)) return static_cast<std::uint16_t>(table.id);
    const std::size_t place = schema::kKeyHeadBytes + sizeof(UuidBytes);
    for (const indexes::IndexDefinition& index : table.indexes) {
      const bool is_entry =
          index.part && key.size() > place &&
          static_cast<std::uint8_t>(key[place]) == static_cast<std::uint8_t>(*index.part);
      if (is_entry) return static_cast<std::uint16_t>(index.id);
    }
  }
  return lane.number;
}

void LoadRowCounts::take(const Lane& lane) {
  for (const auto& [number, count] : lane.counts) add_to(sums_, number, count);
}

std::int64_t LoadRowCounts::count(std::uint16_t number) const {
  for (const auto& [known, sum] : sums_) {
    if (known == number) return sum;
  }
  return 0;
}

std::vector<std::pair<std::uint16_t, std::int64_t>> LoadRowCounts::all() const {
  auto sums = sums_;
  std::sort(sums.begin(), sums.end());
  return sums;
}

}  // namespace callisto::detail
