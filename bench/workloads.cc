#include "bench/workloads.h"

#include <algorithm>

#include "bench/failure.h"

namespace callisto::bench {

namespace {

/// Tags that a question names, by rank: so common that there are more than are asked for, and those
/// of which two meet in one memory.
constexpr std::size_t kAskedTags = 1000;
constexpr std::size_t kFirstPairedTag = 8;
constexpr std::size_t kPairedTags = 24;

/// Spreads what is numbered over ids: any user is as likely as another, whatever the pattern.
Operation find_user(Chooser& chooser) {
  const std::size_t user = chooser.among(chooser.data().counts().users);
  const std::size_t identity = chooser.random().below(chooser.data().identity_count(user));
  return FindUser{chooser.data().platform(user, identity),
                  chooser.data().platform_id(user, identity)};
}

Operation get_memory(Chooser& chooser) {
  return GetMemory{chooser.data().memory_id(chooser.among(chooser.data().counts().memories))};
}

Operation get_memory_by_name(Chooser& chooser) {
  const NewMemory memory = chooser.data().memory(chooser.among(chooser.data().counts().memories));
  return GetMemoryByName{memory.category, memory.key, memory.user};
}

Operation latest_short(Chooser& chooser) {
  return LatestMessages{chooser.data().conversation_id(chooser.short_conversation())};
}

Operation latest_long(Chooser& chooser) {
  return LatestMessages{chooser.data().conversation_id(chooser.long_conversation())};
}

Operation whole(Chooser& chooser) {
  return GetWhole{chooser.data().conversation_id(chooser.short_conversation())};
}

Operation of_user(Chooser& chooser) {
  return ConversationsOfUser{
      .user = chooser.data().user_id(chooser.among(chooser.data().counts().users))};
}

Operation unprocessed_of_user(Chooser& chooser) {
  return ConversationsOfUser{
      .user = chooser.data().user_id(chooser.among(chooser.data().counts().users)),
      .only_unprocessed = true};
}

Operation unprocessed(Chooser&) { return UnprocessedConversations{}; }

MemoryQuery newest(std::uint32_t limit) {
  MemoryQuery query;
  query.limit = limit;
  return query;
}

Operation by_tag(Chooser& chooser) {
  MemoryQuery query = newest(20);
  query.tags_all = {Data::tag(chooser.rank_among(kAskedTags))};
  return FindMemories{std::move(query)};
}

/// Two ranks, the lower and so commoner first.
std::pair<std::size_t, std::size_t> two_tags(Chooser& chooser, std::size_t first,
                                             std::size_t count) {
  const std::size_t a = chooser.rank_among(count);
  std::size_t b = chooser.rank_among(count - 1);
  if (b >= a) ++b;
  return {first + std::min(a, b), first + std::max(a, b)};
}

Operation by_both_tags(Chooser& chooser) {
  const auto [common, rare] = two_tags(chooser, kFirstPairedTag, kPairedTags);
  MemoryQuery query = newest(20);
  query.tags_all = {Data::tag(common), Data::tag(rare)};
  return FindMemories{std::move(query)};
}

Operation by_either_tag(Chooser& chooser) {
  const auto [common, rare] = two_tags(chooser, 0, kAskedTags);
  MemoryQuery query = newest(20);
  query.tags_any = {Data::tag(common), Data::tag(rare)};
  return FindMemories{std::move(query)};
}

Operation by_entity(Chooser& chooser) {
  const std::size_t entity = chooser.among(chooser.data().counts().entities);
  MemoryQuery query = newest(20);
  query.entity_type = Data::entity_type(entity);
  query.entity_id = Data::entity_id(entity);
  return FindMemories{std::move(query)};
}

Operation created_between(Chooser& chooser) {
  const std::size_t memories = chooser.data().counts().memories;
  const std::size_t last = chooser.among(memories);
  MemoryQuery query = newest(50);
  query.created.from = chooser.data().memory_created_at(last < 200 ? 0 : last - 200);
  query.created.to = chooser.data().memory_created_at(last + 1);
  return FindMemories{std::move(query)};
}

Operation mark_processed(Chooser& chooser) {
  return MarkProcessed{chooser.data().conversation_id(chooser.next_due_conversation())};
}

Operation append(Chooser& chooser) {
  const std::size_t conversation = chooser.short_conversation();
  return AppendMessage{chooser.data().message(conversation, chooser.next_message(conversation))};
}

/// What is new has no age: the pattern chooses whose it is.
Operation store_conversation(Chooser& chooser) {
  ConversationItem item = chooser.data().conversation(chooser.next_conversation());
  const std::size_t users = chooser.data().counts().users;
  const std::size_t first = chooser.among(users);
  const std::size_t second = chooser.among(users);
  item.header.participants = {chooser.data().user_id(first)};
  if (second != first) item.header.participants.push_back(chooser.data().user_id(second));
  item.header.owner = item.header.participants.front();
  for (NewMessage& message : item.messages) {
    if (message.sender) message.sender = item.header.owner;
  }
  return StoreConversation{std::move(item)};
}

/// The same: whose it is, and what it is about.
Operation create_memory(Chooser& chooser) {
  NewMemory memory = chooser.data().memory(chooser.next_memory());
  const Counts& counts = chooser.data().counts();
  if (memory.user) memory.user = chooser.data().user_id(chooser.among(counts.users));
  const std::size_t entity = chooser.among(counts.entities);
  memory.entity_type = Data::entity_type(entity);
  memory.entity_id = Data::entity_id(entity);
  return CreateMemory{std::move(memory)};
}

Operation update_memory(Chooser& chooser) {
  const std::size_t n = chooser.among(chooser.data().counts().memories);
  const std::uint64_t variant = chooser.random()();
  UpdateMemory update;
  update.id = chooser.data().memory_id(n);
  update.patch.tags = chooser.data().memory_tags(n, variant);
  update.patch.value = chooser.data().memory_value(n, variant);
  return update;
}

Operation append_datum(Chooser& chooser) {
  const std::size_t user = chooser.among(chooser.data().counts().users);
  const std::string category = Data::list_category(chooser.random().below(kListCategories));
  return AppendDatum{chooser.data().user_id(user),
                     chooser.data().later_datum(user, category, chooser.next_datum())};
}

Operation replace_datum(Chooser& chooser) {
  const std::size_t user = chooser.among(chooser.data().counts().users);
  const std::string category = Data::single_category(chooser.random().below(kSingleCategories));
  return ReplaceDatum{chooser.data().user_id(user),
                      chooser.data().later_datum(user, category, chooser.next_datum())};
}

Operation merge(Chooser& chooser) {
  const std::size_t pair = chooser.next_merge_pair();
  return MergeUsers{chooser.data().user_id(2 * pair), chooser.data().user_id(2 * pair + 1)};
}

std::size_t due_count(const Chooser& chooser) { return chooser.due_conversations(); }
std::size_t pair_count(const Chooser& chooser) { return chooser.merge_pairs(); }

}  // namespace

std::string_view to_string(Pattern pattern) noexcept {
  return pattern == Pattern::uniform ? "uniform" : "recent";
}

Chooser::Chooser(const Data& data) : data_(data) {
  for (std::size_t n = 0; n < data.counts().short_conversations(); ++n) {
    if (!data.is_processed(n)) due_.push_back(n);
  }
  all_due_ = due_.size();
}

void Chooser::begin(std::uint64_t seed, Pattern pattern) {
  random_ = Random(seed);
  pattern_ = pattern;
}

std::size_t Chooser::among(std::size_t n) { return n - 1 - rank_among(n); }

std::size_t Chooser::rank_among(std::size_t n) {
  if (pattern_ == Pattern::uniform) return random_.below(n);
  auto zipf = zipfs_.find(n);
  if (zipf == zipfs_.end()) zipf = zipfs_.emplace(n, Zipf(n, 0.99)).first;
  return zipf->second(random_);
}

std::size_t Chooser::next_due_conversation() {
  // One table of ranks, though fewer are left every time.
  const std::size_t rank = rank_among(all_due_);
  const auto at = due_.end() - 1 - static_cast<std::ptrdiff_t>(rank % due_.size());
  const std::size_t conversation = *at;
  due_.erase(at);
  return conversation;
}

std::size_t Chooser::long_conversation() {
  return data_.counts().short_conversations() + among(data_.counts().long_conversations);
}

std::size_t Chooser::next_message(std::size_t conversation) {
  return data_.message_count(conversation) + appended_[conversation]++;
}

const std::vector<Workload>& workloads() {
  static const std::vector<Pattern> kBoth{Pattern::uniform, Pattern::recent};
  static const std::vector<Pattern> kUniform{Pattern::uniform};
  static const std::vector<Workload> kAll{
      {"1", "user by platform id", kBoth, 4000, find_user},
      {"2", "memory by id", kBoth, 4000, get_memory},
      {"3", "memory by (category, key)", kBoth, 4000, get_memory_by_name},
      {"4a", "last 20 messages of 20", kBoth, 2000, latest_short},
      {"4b", "last 20 messages of 2000", kBoth, 2000, latest_long},
      {"5", "whole conversation, 20 messages", kBoth, 2000, whole},
      {"6a", "user's 10 newest conversations", kBoth, 2000, of_user},
      {"6b", "the same, only unprocessed", kBoth, 2000, unprocessed_of_user},
      {"7", "unprocessed conversations, first 100", kBoth, 200, unprocessed},
      {"14", "memories by tag, newest 20", kBoth, 1000, by_tag},
      {"15", "by tag A and tag B, newest 20", kBoth, 100, by_both_tags},
      {"16", "by tag A or tag B, newest 20", kBoth, 1000, by_either_tag},
      {"17", "by entity, newest 20", kBoth, 1000, by_entity},
      {"18", "created in a range, newest 50", kBoth, 1000, created_between},
      {"8", "mark a conversation processed", kBoth, 2000, mark_processed, due_count},
      {.id = "9",
       .title = "append a message",
       .patterns = kBoth,
       .operations = 2000,
       .make = append,
       .has_all_indexes_row = true},
      {.id = "10",
       .title = "append a message, durable",
       .patterns = kBoth,
       .operations = 200,
       .make = append,
       .is_durable = true},
      {.id = "11",
       .title = "store a conversation of 20",
       .patterns = kBoth,
       .operations = 300,
       .make = store_conversation,
       .has_all_indexes_row = true},
      {.id = "12",
       .title = "create a memory",
       .patterns = kBoth,
       .operations = 2000,
       .make = create_memory,
       .has_all_indexes_row = true},
      {.id = "13",
       .title = "update a memory: tags, value",
       .patterns = kBoth,
       .operations = 2000,
       .make = update_memory,
       .has_all_indexes_row = true},
      {"19a", "update_user_data, append", kBoth, 2000, append_datum},
      {"19b", "update_user_data, replace", kBoth, 2000, replace_datum},
      {"20", "merge two users, wholly", kUniform, 40, merge, pair_count},
  };
  return kAll;
}

const Workload& workload_of(std::string_view id) {
  for (const Workload& one : workloads()) {
    if (one.id == id) return one;
  }
  fail("no workload " + std::string(id));
}

}  // namespace callisto::bench
