#include "tests/property/operations.h"

#include <algorithm>
#include <utility>

namespace callisto::testing {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(std::uint64_t value) { return std::to_string(value); }
std::string text_of(std::uint32_t value) { return std::to_string(value); }
std::string text_of(const PutResult& put) { return (put.created ? "created " : "changed ") + put.id.to_string(); }
template <class Tag>
std::string text_of(Id<Tag> id) {
  return id.to_string();
}
Outcome outcome(const Result<void>& result) {
  if (!result) return {.text = result.error().to_string(), .code = result.error().code()};
  return {.text = "done"};
}
template <class T>
Outcome outcome(const Result<T>& result) {
  if (!result) return {.text = result.error().to_string(), .code = result.error().code()};
  return {.text = text_of(*result)};
}
Outcome outcome(const Result<PlatformIdentifierId>& result) {
  if (!result) return {.text = result.error().to_string(), .code = result.error().code()};
  return {.text = "done"};  // The store makes the id.
}
template <class Tag>
std::string shown(Id<Tag> id) {
  return id.to_string().substr(0, 8);
}

}  // namespace

Time Generator::unique(std::int64_t seconds) { return Time(seconds * kSecond + given_++ % kSecond); }
Time Generator::tick() {
  seconds_ += chance(5) ? 3600 : 1 + below(90);
  return now_ = unique(seconds_);
}
Time Generator::past() { return unique(seconds_ - 1 - below(86'400)); }
Time Generator::ahead() { return unique(seconds_ + 1 + below(3600)); }
std::optional<Time> Generator::created() {
  if (is_in_transaction_ || chance(40)) return past();
  return std::nullopt;
}
model::Json Generator::counted() { return {{"n", std::to_string(given_++)}}; }
bool Generator::may_stamp() { return !is_in_transaction_ || !std::exchange(has_stamped_, true); }
CallOptions Generator::if_version() {
  CallOptions options;
  if (chance(15)) options.if_version = 1 + below(3);
  return options;
}
std::string Generator::name() {
  static const std::string kNames[] = {"Reece", "reece", "Ada", "ADA", "Bob", ""};
  return one_of(kNames);
}
std::string Generator::platform() {
  static const std::string kPlatforms[] = {"discord", "gui", "irc"};
  return one_of(kPlatforms);
}

Operation Generator::create_user() {
  NewUser given{.id = user(), .name = name(), .is_active = chance(80), .created_at = created()};
  if (chance(60)) {
    given.platform = platform();
    given.platform_id = std::to_string(below(4));
    if (chance(50)) given.username = name();
  }
  const model::Json metadata = counted();
  const model::Json profile = chance(50) ? model::Json{{"a", std::to_string(below(9))}} : model::Json{};
  given.metadata = model::text_of(metadata);
  given.profile = model::text_of(profile);
  return {"create_user " + shown(given.id) + " " + given.name + " " + given.platform + given.platform_id,
          [=](const Repositories& at) {
            Outcome first = outcome(at.users().create(given));
            // The same again is no change.
            if (!first.code && given.created_at) return outcome(at.users().create(given));
            return first;
          },
          [=](model::Model& m) { return m.create_user(given, profile, metadata); }};
}

Operation Generator::update_user() {
  const UserId id = user();
  const CallOptions options = if_version();
  UserPatch patch;
  std::optional<model::Json> profile;
  if (chance(70)) {
    static const char* const kMembers[] = {"a", "b", "c"};
    profile = model::Json{{one_of(kMembers), std::to_string(below(3))}};
    if (chance(20)) profile->clear();
    if (profile->empty()) patch.profile = clear;
    else patch.profile = model::text_of(*profile);
  }
  if (chance(40)) patch.is_active = chance(50);
  return {"update_user " + shown(id), [=](const Repositories& at) { return outcome(at.users().update(id, patch, options)); },
          [=](model::Model& m) { return m.update_user(id, profile, patch.is_active, options.if_version); }};
}

Operation Generator::seen() {
  const Time at_time = chance(50) ? past() : unique(seconds_);
  if (chance(50)) {
    const UserId id = user();
    return {"seen " + shown(id), [=](const Repositories& at) { return outcome(at.users().seen(id, at_time)); },
            [=](model::Model& m) { return m.seen(id, at_time); }};
  }
  const std::string on = platform();
  const std::string id = std::to_string(below(4));
  return {"seen " + on + id, [=](const Repositories& at) { return outcome(at.users().seen(on, id, at_time)); },
          [=](model::Model& m) { return m.seen(on, id, at_time); }};
}

Operation Generator::add_identity() {
  const UserId id = user();
  const NewIdentity given{.platform = platform(), .platform_id = std::to_string(below(4)), .username = name(),
                          .created_at = created()};
  return {"add_identity " + shown(id) + " " + given.platform + given.platform_id + " " + given.username,
          [=](const Repositories& at) { return outcome(at.users().add_identity(id, given)); },
          [=](model::Model& m) { return m.add_identity(id, given); }};
}

Operation Generator::remove_identity() {
  const std::string on = platform();
  const std::string id = std::to_string(below(4));
  return {"remove_identity " + on + id,
          [=](const Repositories& at) { return outcome(at.users().remove_identity(on, id)); },
          [=](model::Model& m) { return m.remove_identity(on, id); }};
}

Operation Generator::merge() {
  const UserId one = user();
  const UserId two = user();
  const CallOptions options = if_version();
  return {"merge " + shown(one) + " <- " + shown(two),
          [=](const Repositories& at) { return outcome(at.users().merge(one, two, options)); },
          [=](model::Model& m) { return m.merge(one, two, options.if_version); }};
}

Operation Generator::remove_user() {
  const UserId id = user();
  return {"remove_user " + shown(id), [=](const Repositories& at) { return outcome(at.users().remove(id)); },
          [=](model::Model& m) { return m.remove_user(id); }};
}

namespace {
const std::string kCategories[] = {"city", "foods", "pets", "preferred_name", "platform_username"};
const std::string kValues[] = {"Leeds", "pies", "York", "Reece", "ada", ""};
}  // namespace

Operation Generator::write_datum() {
  const UserId id = user();
  NewDatum given{.category = one_of(kCategories), .value = one_of(kValues)};
  if (is_in_transaction_ || chance(50)) given.created_at = chance(80) ? past() : ahead();
  const bool is_append = chance(50);
  return {(is_append ? "append_datum " : "replace ") + shown(id) + " " + given.category + " " + given.value,
          [=](const Repositories& at) {
            return outcome(is_append ? at.user_data().append(id, given) : at.user_data().replace(id, given));
          },
          [=](model::Model& m) { return is_append ? m.append(id, given) : m.replace(id, given); }};
}

Operation Generator::remove_datum() {
  const UserId id = user();
  const std::string category = kCategories[below(4)];
  const std::string value = kValues[below(5)];
  if (chance(40)) {
    return {"remove_category " + shown(id) + " " + category,
            [=](const Repositories& at) { return outcome(at.user_data().remove_category(id, category)); },
            [=](model::Model& m) { return m.remove_category(id, category); }};
  }
  return {"remove_value " + shown(id) + " " + category + " " + value,
          [=](const Repositories& at) { return outcome(at.user_data().remove(id, category, value)); },
          [=](model::Model& m) { return m.remove_value(id, category, value); }};
}

NewConversation Generator::new_conversation() {
  NewConversation given{.id = conversation(), .title = "t" + std::to_string(given_++), .created_at = created()};
  if (chance(50)) given.owner = user();
  for (unsigned i = below(4); i > 0; --i) given.participants.push_back(user());
  if (chance(30)) given.type = "call";
  given.is_saved = chance(30);
  given.is_archived = chance(20);
  given.is_processed = chance(20);
  given.reopens = chance(80);
  if (chance(20)) given.ended_at = past();
  return given;
}

Operation Generator::create_conversation() {
  NewConversation given = new_conversation();
  const model::Json metadata = counted();
  given.metadata = model::text_of(metadata);
  return {"create_conversation " + shown(given.id),
          [=](const Repositories& at) {
            Outcome first = outcome(at.conversations().create(given));
            if (!first.code && given.created_at) return outcome(at.conversations().create(given));
            return first;
          },
          [=](model::Model& m) { return m.create_conversation(given, metadata); }};
}

Operation Generator::store_conversation() {
  NewConversation given = new_conversation();
  const model::Json metadata = counted();
  given.metadata = model::text_of(metadata);
  std::vector<NewMessage> messages;
  std::vector<MessageId> ids;
  for (unsigned i = below(5); i > 0; --i) {
    NewMessage message = new_message();
    message.parent.reset();
    if (std::find(ids.begin(), ids.end(), message.id) != ids.end()) continue;
    if (!ids.empty() && chance(30)) message.parent = ids.back();
    if (chance(80)) message.sender = given.participants.empty() ? UserId{} : given.participants.front();
    ids.push_back(message.id);
    messages.push_back(message);
  }
  return {"store_conversation " + shown(given.id) + " of " + std::to_string(messages.size()),
          [=](const Repositories& at) { return outcome(at.conversations().store(given, messages)); },
          [=](model::Model& m) { return m.store_conversation(given, metadata, messages); }};
}

Operation Generator::update_conversation() {
  const ConversationId id = conversation();
  const CallOptions options = if_version();
  ConversationPatch patch;
  if (chance(50)) patch.title = "t" + std::to_string(below(3));
  if (chance(30)) patch.owner = user();
  else if (chance(20)) patch.owner = clear;
  if (chance(30)) patch.is_saved = chance(50);
  if (chance(30)) patch.is_archived = chance(50);
  if (chance(20)) patch.ended_at = past();
  else if (chance(20)) patch.ended_at = clear;
  if (chance(20)) patch.reopens = chance(50);
  return {"update_conversation " + shown(id),
          [=](const Repositories& at) { return outcome(at.conversations().update(id, patch, options)); },
          [=](model::Model& m) { return m.update_conversation(id, patch, options.if_version); }};
}

Operation Generator::add_participant() {
  const ConversationId id = conversation();
  const UserId who = user();
  return {"add_participant " + shown(id) + " " + shown(who),
          [=](const Repositories& at) { return outcome(at.conversations().add_participant(id, who)); },
          [=](model::Model& m) { return m.add_participant(id, who); }};
}

Operation Generator::mark() {
  const ConversationId id = conversation();
  if (chance(30)) {
    return {"mark_unprocessed " + shown(id),
            [=](const Repositories& at) { return outcome(at.conversations().mark_unprocessed(id)); },
            [=](model::Model& m) { return m.mark_unprocessed(id); }};
  }
  std::optional<MessageId> up_to;
  if (chance(50)) up_to = message();
  return {"mark_processed " + shown(id),
          [=](const Repositories& at) { return outcome(at.conversations().mark_processed(id, up_to)); },
          [=](model::Model& m) { return m.mark_processed(id, up_to); }};
}

Operation Generator::remove_conversation() {
  const ConversationId id = conversation();
  return {"remove_conversation " + shown(id),
          [=](const Repositories& at) { return outcome(at.conversations().remove(id)); },
          [=](model::Model& m) { return m.remove_conversation(id); }};
}

NewMessage Generator::new_message() {
  NewMessage given{.id = message(), .conversation = conversation(), .content = "c" + std::to_string(given_++)};
  if (chance(60)) given.sender = user();
  if (chance(10)) given.role = Role::system;
  if (is_in_transaction_ || chance(40)) given.timestamp = chance(90) ? past() : ahead();
  if (chance(20)) given.parent = message();
  if (chance(50)) given.token_usage = below(100);
  if (chance(50)) given.importance = static_cast<float>(below(5)) / 4.0F;
  return given;
}

Operation Generator::append() {
  const NewMessage given = new_message();
  return {"append " + shown(given.id) + " to " + shown(given.conversation) + " from " + shown(given.sender),
          [=](const Repositories& at) {
            Outcome first = outcome(at.messages().append(given));
            if (!first.code) return outcome(at.messages().append(given));
            return first;
          },
          [=](model::Model& m) { return m.append(given); }};
}

Operation Generator::update_message() {
  const MessageId id = message();
  const CallOptions options = if_version();
  MessagePatch patch;
  if (chance(50)) patch.content = "c" + std::to_string(below(3));
  if (chance(30)) patch.state = MessageState::partial;
  if (chance(50)) patch.importance = static_cast<float>(below(5)) / 4.0F;
  if (chance(30)) patch.token_usage = below(100);
  else if (chance(30)) patch.token_usage = clear;
  return {"update_message " + shown(id),
          [=](const Repositories& at) { return outcome(at.messages().update(id, patch, options)); },
          [=](model::Model& m) { return m.update_message(id, patch, options.if_version); }};
}

Operation Generator::remove_message() {
  const MessageId id = message();
  return {"remove_message " + shown(id), [=](const Repositories& at) { return outcome(at.messages().remove(id)); },
          [=](model::Model& m) { return m.remove_message(id); }};
}

namespace {
const std::string kKinds[] = {"facts", "plans", "notes"};
const std::string kKeys[] = {"a", "b", "c"};
const std::string kTags[] = {"pie", "Pie", "tea", "tax", "TEA"};
}  // namespace

NewMemory Generator::new_memory() {
  NewMemory given{.id = memory(), .category = one_of(kKinds), .key = one_of(kKeys), .created_at = created()};
  given.text = "x" + std::to_string(given_++);
  for (unsigned i = below(4); i > 0; --i) given.tags.push_back(one_of(kTags));
  if (chance(40)) given.entity_type = "person";
  if (!given.entity_type.empty() && chance(60)) given.entity_id = std::to_string(below(3));
  if (chance(30)) given.type = "fact";
  if (chance(50)) given.user = user();
  if (chance(30)) given.conversation = conversation();
  given.priority = static_cast<std::uint8_t>(1 + below(10));
  if (chance(50)) given.importance = static_cast<float>(below(5)) / 4.0F;
  if (chance(30)) given.expires_at = chance(80) ? ahead() : past();
  given.is_active = chance(90);
  return given;
}

Operation Generator::create_memory() {
  NewMemory given = new_memory();
  const model::Json value = counted();
  given.value = model::text_of(value);
  const CallOptions options{.caller = {.module = chance(50) ? "m1" : "", .task = chance(50) ? "t1" : ""}};
  return {"create_memory " + shown(given.id),
          [=](const Repositories& at) {
            Outcome first = outcome(at.memories().create(given, options));
            if (!first.code && given.created_at) return outcome(at.memories().create(given, options));
            return first;
          },
          [=](model::Model& m) { return m.create_memory(given, value, options.caller); }};
}

Operation Generator::put_memory() {
  NewMemory given = new_memory();
  given.id = MemoryId::from_external("put", std::to_string(given_++));
  const model::Json value = {{"n", std::to_string(below(2))}};
  given.value = model::text_of(value);
  given.is_active = true;
  if (chance(50)) given.text = "same";
  const CallOptions options{.caller = {.module = chance(50) ? "m1" : "m2"}};
  return {"put_memory " + shown(given.id) + " " + given.category + "/" + given.key + " of " + shown(given.user),
          [=](const Repositories& at) { return outcome(at.memories().put(given, options)); },
          [=](model::Model& m) { return m.put_memory(given, value, options.caller); }};
}

Operation Generator::update_memory() {
  const MemoryId id = memory();
  CallOptions options = if_version();
  options.caller.module = chance(50) ? "m3" : "";
  MemoryPatch patch;
  if (chance(30)) patch.category = one_of(kKinds);
  if (chance(30)) patch.key = one_of(kKeys);
  if (chance(20)) patch.tags = std::vector<std::string>{one_of(kTags), one_of(kTags)};
  if (chance(20)) patch.user = user();
  else if (chance(20)) patch.user = clear;
  if (chance(20)) patch.conversation = conversation();
  else if (chance(20)) patch.conversation = clear;
  if (chance(20)) patch.priority = static_cast<std::uint8_t>(1 + below(10));
  if (chance(20)) patch.importance = static_cast<float>(below(5)) / 4.0F;
  if (chance(20)) patch.expires_at = ahead();
  else if (chance(20)) patch.expires_at = clear;
  if (chance(20)) patch.is_active = chance(60);
  return {"update_memory " + shown(id),
          [=](const Repositories& at) { return outcome(at.memories().update(id, patch, options)); },
          [=](model::Model& m) { return m.update_memory(id, patch, options.caller, options.if_version); }};
}

Operation Generator::tag_memory() {
  const MemoryId id = memory();
  std::vector<std::string> add;
  std::vector<std::string> remove;
  for (unsigned i = below(3); i > 0; --i) add.push_back(one_of(kTags));
  for (unsigned i = below(3); i > 0; --i) remove.push_back(one_of(kTags));
  return {"tag " + shown(id), [=](const Repositories& at) { return outcome(at.memories().tag(id, add, remove)); },
          [=](model::Model& m) { return m.tag(id, add, remove); }};
}

Operation Generator::remove_memory() {
  const MemoryId id = memory();
  return {"remove_memory " + shown(id), [=](const Repositories& at) { return outcome(at.memories().remove(id)); },
          [=](model::Model& m) { return m.remove_memory(id); }};
}

Operation Generator::next() {
  struct Row {
    unsigned weight;
    bool stamps;  // Sets a time of change to now.
    Operation (Generator::*make)();
  };
  static constexpr Row kRows[] = {
      {10, false, &Generator::create_user},        {5, true, &Generator::update_user},
      {4, false, &Generator::seen},                {8, false, &Generator::add_identity},
      {2, false, &Generator::remove_identity},     {2, true, &Generator::merge},
      {2, false, &Generator::remove_user},         {12, false, &Generator::write_datum},
      {4, false, &Generator::remove_datum},        {10, false, &Generator::create_conversation},
      {5, false, &Generator::store_conversation},  {6, true, &Generator::update_conversation},
      {6, true, &Generator::add_participant},      {5, false, &Generator::mark},
      {3, false, &Generator::remove_conversation}, {30, false, &Generator::append},
      {6, false, &Generator::update_message},      {5, false, &Generator::remove_message},
      {10, false, &Generator::create_memory},      {14, true, &Generator::put_memory},
      {8, true, &Generator::update_memory},        {5, true, &Generator::tag_memory},
      {3, false, &Generator::remove_memory}};
  unsigned total = 0;
  for (const Row& row : kRows) total += row.weight;
  for (;;) {
    unsigned pick = below(total);
    for (const Row& row : kRows) {
      if (pick < row.weight) {
        if (row.stamps && !may_stamp()) break;
        return (this->*row.make)();
      }
      pick -= row.weight;
    }
  }
}

MemoryQuery Generator::memory_query() {
  MemoryQuery query;
  if (chance(25)) query.category = one_of(kKinds);
  if (chance(25)) query.key = one_of(kKeys);
  if (chance(15)) query.entity_type = "person";
  if (chance(query.entity_type ? 50 : 8)) query.entity_id = std::to_string(below(3));
  if (chance(15)) query.type = "fact";
  if (chance(15)) query.task = "t1";
  if (chance(20)) query.tags_all = {one_of(kTags)};
  if (chance(20)) query.tags_any = {one_of(kTags), one_of(kTags)};
  if (chance(10)) query.tags_none = {one_of(kTags)};
  if (chance(20)) query.user = user();
  else query.without_user = chance(10);
  if (chance(15)) query.conversation = conversation();
  if (chance(15)) query.min_priority = static_cast<std::uint8_t>(1 + below(10));
  if (chance(15)) query.min_importance = static_cast<float>(below(5)) / 4.0F;
  if (chance(10)) query.created.from = past();
  if (chance(10)) query.updated.to = past();
  if (chance(10)) query.expires.to = ahead();
  query.include_expired = chance(40);
  query.include_inactive = chance(40);
  query.order = static_cast<MemoryOrder>(below(4));
  query.oldest_first = chance(50);
  query.limit = chance(30) ? 1 + below(5) : 1000;
  return query;
}

ConversationQuery Generator::conversation_query() {
  ConversationQuery query;
  if (chance(30)) query.participant = user();
  if (chance(20)) query.owner = user();
  if (chance(30)) query.is_processed = chance(50);
  if (chance(20)) query.is_saved = chance(50);
  if (chance(20)) query.is_archived = chance(50);
  if (chance(20)) query.is_ended = chance(50);
  if (chance(15)) query.type = "call";
  if (chance(15)) query.created.from = past();
  if (chance(15)) query.activity.to = past();
  query.order = chance(50) ? ConversationOrder::created : ConversationOrder::activity;
  query.oldest_first = chance(50);
  query.limit = chance(30) ? 1 + below(4) : 1000;
  return query;
}

}  // namespace callisto::testing
