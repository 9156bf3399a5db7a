#include "bench/index_choice.h"

#include <algorithm>
#include <array>

#include "schema/ids.h"
#include "schema/keys.h"

namespace callisto::bench {

namespace {

using schema::IndexId;

/// Those that a question of the workloads begins at, and those that a merge finds the rows by; an
/// id of a message is unique, as in SQLite. sqlite_schema.cc has the same.
constexpr std::array kAskedBy{
    IndexId::identity_by_user,      IndexId::conversation_by_participant,
    IndexId::conversation_by_owner, IndexId::conversation_unprocessed,
    IndexId::message_by_id,         IndexId::memory_by_name,
    IndexId::memory_by_entity,      IndexId::memory_by_tag,
    IndexId::memory_by_user,        IndexId::memory_by_created,
};

/// In front of the part of a message's key: space, table, conversation.
constexpr std::size_t kMessagePartAt = 4 + 2 + 16;

}  // namespace

bool is_kept(IndexChoice indexes, kv::Family family, std::string_view key) {
  if (family == kv::Family::system) return false;
  if (indexes == IndexChoice::all) return true;
  if (family == kv::Family::messages) {
    return static_cast<schema::MessagePart>(key[kMessagePartAt]) == schema::MessagePart::record;
  }
  if (family != kv::Family::indexes) return true;
  schema::KeyReader reader(key);
  reader.u32();
  const auto index = static_cast<IndexId>(reader.u16());
  return std::find(kAskedBy.begin(), kAskedBy.end(), index) != kAskedBy.end();
}

}  // namespace callisto::bench
