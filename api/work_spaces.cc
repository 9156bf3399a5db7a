// Removing what a dropped space leaves behind: one family's range after the other.
//
// A range is one tombstone, whatever is in it: the log and the memory that a step takes do not grow
// with the space, where a deletion per key would write about as much as it frees. Readers never
// meet the tombstones, for no scan crosses the bounds of a space; compaction drops the files below
// them.

#include <cstring>

#include <boost/endian/conversion.hpp>

#include "api/check.h"
#include "api/rows.h"
#include "api/work_steps.h"
#include "indexes/catalogue.h"

namespace callisto::detail {

namespace {

// The counters of the space lie here: removed last, so that a step still finds them.
static_assert(static_cast<std::size_t>(kv::Family::system) == kv::kFamilyCount - 1);

std::optional<SpaceNumber> number_of(const indexes::WorkItem& item) {
  SpaceNumber number = 0;
  if (item.target.size() != sizeof number || item.resume.empty()) return std::nullopt;
  std::memcpy(&number, item.target.data(), sizeof number);
  return boost::endian::big_to_native(number);
}

}  // namespace

std::string drop_space_start(std::string_view name) { return std::string(1, '\0').append(name); }

std::string_view dropped_name(const indexes::WorkItem& item) {
  return item.resume.empty() ? std::string_view() : std::string_view(item.resume).substr(1);
}

Result<std::uint64_t> counted_records(kv::Reader& reader, SpaceNumber space,
                                      std::optional<kv::Family> family) {
  const std::string key = schema::counters_key(space);
  kv::Value value;
  auto found = reader.get(kv::Family::system, key, value);
  if (!found) return std::move(found).error();
  if (!*found) return std::uint64_t{0};
  const auto counts = kv::decode_counters(value.view());
  if (!counts) return damaged("counters", key);
  std::uint64_t records = 0;
  for (const indexes::TableDefinition& table : indexes::standard_catalogue().tables) {
    if (family && table.family != *family) continue;
    for (const auto& [counter, count] : *counts) {
      const bool is_table = counter == static_cast<std::uint16_t>(table.id);
      if (is_table && count > 0) records += static_cast<std::uint64_t>(count);
    }
  }
  return records;
}

Result<bool> drop_space_step(StoreCore& core, indexes::WorkItem& item, const kv::Limits& limits) {
  const auto space = number_of(item);
  if (!space) return Error(Code::corruption, "damaged row of unfinished work");
  const auto family = static_cast<std::uint8_t>(item.resume.front());
  if (family >= kv::kFamilyCount) return Error(Code::corruption, "damaged row of unfinished work");
  auto records = counted_records(core.engine(), *space, static_cast<kv::Family>(family));
  if (!records) return std::move(records).error();
  CALLISTO_TRY(core.engine().erase_range(static_cast<kv::Family>(family), item.target,
                                         schema::prefix_end(item.target)));
  item.records_done += *records;
  ++item.steps;
  item.resume.front() = static_cast<char>(family + 1);
  const bool is_done = family + 1U == kv::kFamilyCount;
  auto done = core.engine().run(kv::step_options(&limits), [&](kv::Transaction& transaction) {
    return is_done ? indexes::erase_work(transaction, schema::kStoreSpace, item.op, item.target)
                   : indexes::put_work(transaction, schema::kStoreSpace, item);
  });
  if (!done) return std::move(done).error();
  return is_done;
}

}  // namespace callisto::detail
