// The format row and the directory of spaces.

#include <algorithm>
#include <boost/endian/conversion.hpp>
#include <cstring>

#include "api/check.h"
#include "api/core.h"
#include "api/rows.h"
#include "api/work_steps.h"
#include "indexes/index_change.h"
#include "schema/format.h"

namespace callisto::detail {

namespace {

constexpr std::string_view kDefaultName = "default";

std::string encode_number(SpaceNumber number) {
  const SpaceNumber little = boost::endian::native_to_little(number);
  return std::string(reinterpret_cast<const char*>(&little), sizeof little);
}

std::optional<SpaceNumber> decode_number(std::string_view bytes) {
  SpaceNumber number = 0;
  if (bytes.size() != sizeof number) return std::nullopt;
  std::memcpy(&number, bytes.data(), sizeof number);
  return boost::endian::little_to_native(number);
}

Result<SpaceNumber> take_number(std::string_view key, std::string_view value) {
  auto number = decode_number(value);
  if (!number) return damaged("spaces", key);
  return *number;
}

Result<std::optional<SpaceNumber>> number_of(kv::Transaction& transaction, const std::string& key) {
  kv::Value value;
  auto found = transaction.get_for_update(kv::Family::system, key, value);
  if (!found) return std::move(found).error();
  if (!*found) return std::optional<SpaceNumber>();
  auto number = take_number(key, value.view());
  if (!number) return std::move(number).error();
  return std::optional(*number);
}

/// A space starts with every index of the catalogue, ready.
Result<void> put_space(kv::Transaction& transaction, const indexes::Catalogue& catalogue,
                       std::string_view name, SpaceNumber number) {
  CALLISTO_TRY(transaction.put(kv::Family::system, schema::index_set_key(number),
                               indexes::full_set(catalogue).encode()));
  CALLISTO_TRY(transaction.put(kv::Family::system, schema::space_key(name), encode_number(number)));
  CALLISTO_TRY(transaction.put(kv::Family::system, schema::space_name_key(number), name));
  return transaction.put(kv::Family::system, schema::next_space_key(), encode_number(number + 1));
}

Result<std::string> checked_name(std::string_view name) {
  CALLISTO_TRY(schema::check_text(name, "name", kMaxExternalId, 1));
  return schema::nfc(name);
}

}  // namespace

Result<void> StoreCore::prepare_format() {
  kv::Value value;
  auto found = engine_->get(kv::Family::system, schema::format_key(), value);
  if (!found) return std::move(found).error();
  if (*found) return schema::check_format(value.view(), options_.mode != OpenMode::read_only);
  if (options_.mode == OpenMode::read_only) {
    return Error(Code::not_found, "directory", "a store that was opened for writing once");
  }
  auto done = engine_->run({}, [&](kv::Transaction& transaction) -> Result<void> {
    CALLISTO_TRY(transaction.put(kv::Family::system, schema::format_key(), schema::encode_format()));
    return put_space(transaction, maintainer_.catalogue(), kDefaultName, schema::kDefaultSpace);
  });
  if (!done) return std::move(done).error();
  return {};
}

Result<std::optional<SpaceNumber>> StoreCore::find_space(std::string_view name) {
  auto checked = checked_name(name);
  if (!checked) return std::move(checked).error();
  const std::string key = schema::space_key(*checked);
  kv::Value value;
  auto found = engine_->get(kv::Family::system, key, value);
  if (!found) return std::move(found).error();
  if (!*found) return std::optional<SpaceNumber>();
  auto number = take_number(key, value.view());
  if (!number) return std::move(number).error();
  return std::optional(*number);
}

Result<SpaceNumber> StoreCore::create_space(std::string_view name,
                                           const CallLimits& call_limits) {
  auto checked = checked_name(name);
  if (!checked) return std::move(checked).error();
  SpaceNumber created = 0;
  kv::RunOptions run;
  run.durability = options_.durability;
  const kv::Limits limits = begin(call_limits);
  run.limits = &limits;
  auto done = engine_->run(run, [&](kv::Transaction& transaction) -> Result<void> {
    auto taken = number_of(transaction, schema::space_key(*checked));
    if (!taken) return std::move(taken).error();
    if (*taken) return Error(Code::already_exists, "name", "a name that no space has");
    auto next = number_of(transaction, schema::next_space_key());
    if (!next) return std::move(next).error();
    if (!*next) return damaged("spaces", schema::next_space_key());
    created = **next;
    return put_space(transaction, maintainer_.catalogue(), *checked, created);
  });
  if (!done) return std::move(done).error();
  return created;
}

Result<bool> StoreCore::drop_space(std::string_view name,
                                           const CallLimits& call_limits) {
  auto checked = checked_name(name);
  if (!checked) return std::move(checked).error();
  if (*checked == kDefaultName) {
    return Error(Code::invalid_argument, "name", "not the default space");
  }
  bool dropped = false;
  kv::RunOptions run;
  run.durability = options_.durability;
  const kv::Limits limits = begin(call_limits);
  run.limits = &limits;
  auto done = engine_->run(run, [&](kv::Transaction& transaction) -> Result<void> {
    auto number = number_of(transaction, schema::space_key(*checked));
    if (!number) return std::move(number).error();
    dropped = number->has_value();
    if (!dropped) return {};
    CALLISTO_TRY(transaction.erase(kv::Family::system, schema::space_key(*checked)));
    CALLISTO_TRY(transaction.erase(kv::Family::system, schema::space_name_key(**number)));
    transaction.touch(kv::Family::system, schema::work_guard_key(**number));
    indexes::WorkItem item;
    item.op = indexes::WorkOp::drop_space;
    item.target = schema::space_prefix(**number);
    item.started_at = environment_->now().micros();
    item.resume = drop_space_start(*checked);
    auto records = counted_records(transaction, **number, std::nullopt);
    if (!records) return std::move(records).error();
    item.records_total = *records;
    return indexes::put_work(transaction, schema::kStoreSpace, item);
  });
  if (!done) return std::move(done).error();
  if (dropped) notify_work();
  return dropped;
}

Result<std::vector<std::pair<std::string, SpaceNumber>>> StoreCore::spaces(kv::Reader& reader) {
  std::vector<std::pair<std::string, SpaceNumber>> spaces;
  const std::string prefix = schema::system_prefix(schema::kStoreSpace, schema::SystemId::space_by_name);
  CALLISTO_TRY(for_each_prefix(reader, kv::Family::system, prefix, false,
                               [&](std::string_view key, std::string_view value) -> Result<bool> {
                                 auto number = take_number(key, value);
                                 if (!number) return std::move(number).error();
                                 schema::KeyReader parts(key.substr(schema::kKeyHeadBytes));
                                 std::string name = parts.text();
                                 if (!parts.at_end()) return damaged("spaces", key);
                                 spaces.emplace_back(std::move(name), *number);
                                 return true;
                               }));
  std::sort(spaces.begin(), spaces.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  return spaces;
}

}  // namespace callisto::detail
