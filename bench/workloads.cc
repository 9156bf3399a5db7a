#include "bench/workloads.h"

#include <algorithm>

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
  query.tags_all = {Data::tag(chooser.random().below(kAskedTags))};
  return FindMemories{std::move(query)};
}

/// Two ranks, the lower and so commoner first.
std::pair<std::size_t, std::size_t> two_tags(Chooser& chooser, std::size_t first,
                                             std::size_t count) {
  const std::size_t a = chooser.random().below(count);
  std::size_t b = chooser.random().below(count - 1);
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

Operation store_conversation(Chooser& chooser) {
  return StoreConversation{chooser.data().conversation(chooser.next_conversation())};
}

Operation create_memory(Chooser& chooser) {
  return CreateMemory{chooser.data().memory(chooser.next_memory())};
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

Operation merge(Chooser& chooser) {
  const std::size_t pair = chooser.next_merge_pair();
  return MergeUsers{chooser.data().user_id(2 * pair), chooser.data().user_id(2 * pair + 1)};
}

std::size_t due_count(const Chooser& chooser) { return chooser.due_conversations(); }
std::size_t pair_count(const Chooser& chooser) { return chooser.data().counts().merge_pairs; }

}  // namespace

std::string_view to_string(Pattern pattern) noexcept {
  return pattern == Pattern::uniform ? "uniform" : "recent";
}

Chooser::Chooser(const Data& data) : data_(data) {
  for (std::size_t n = 0; n < data.counts().short_conversations(); ++n) {
    if (!data.is_processed(n)) due_.push_back(n);
  }
  Random random(mix(data.seed(), 99));
  std::shuffle(due_.begin(), due_.end(), random);
}

void Chooser::begin(std::uint64_t seed, Pattern pattern) {
  random_ = Random(seed);
  pattern_ = pattern;
}

std::size_t Chooser::among(std::size_t n) {
  if (pattern_ == Pattern::uniform) return random_.below(n);
  auto zipf = zipfs_.find(n);
  if (zipf == zipfs_.end()) zipf = zipfs_.emplace(n, Zipf(n, 0.99)).first;
  return n - 1 - zipf->second(random_);
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
      {"1", "user by platform id", kBoth, 500, find_user},
      {"2", "memory by id", kBoth, 500, get_memory},
      {"3", "memory by (category, key)", kBoth, 500, get_memory_by_name},
      {"4a", "last 20 messages of 20", kBoth, 300, latest_short},
      {"4b", "last 20 messages of 2000", kUniform, 300, latest_long},
      {"5", "whole conversation, 20 messages", kBoth, 300, whole},
      {"6a", "user's 10 newest conversations", kBoth, 300, of_user},
      {"6b", "the same, only unprocessed", kBoth, 300, unprocessed_of_user},
      {"7", "unprocessed conversations, first 100", kUniform, 100, unprocessed},
      {"14", "memories by tag, newest 20", kUniform, 200, by_tag},
      {"15", "by tag A and tag B, newest 20", kUniform, 100, by_both_tags},
      {"16", "by tag A or tag B, newest 20", kUniform, 200, by_either_tag},
      {"17", "by entity, newest 20", kBoth, 200, by_entity},
      {"18", "created in a range, newest 50", kBoth, 200, created_between},
      {"8", "mark a conversation processed", kUniform, 200, mark_processed, due_count},
      {"9", "append a message", kBoth, 300, append},
      {"11", "store a conversation of 20", kUniform, 60, store_conversation},
      {"12", "create a memory", kUniform, 300, create_memory},
      {"13", "update a memory: tags, value", kBoth, 200, update_memory},
      {"20", "merge two users, wholly", kUniform, 40, merge, pair_count},
  };
  return kAll;
}

namespace {

/// One overload for each write.
struct Questions {
  const Data& data;

  std::vector<Operation> operator()(const MarkProcessed& mark) const {
    return {GetWhole{mark.conversation}};
  }
  std::vector<Operation> operator()(const AppendMessage& append) const {
    return {LatestMessages{append.message.conversation}, GetWhole{append.message.conversation}};
  }
  std::vector<Operation> operator()(const StoreConversation& store) const {
    return {GetWhole{store.item.header.id},
            ConversationsOfUser{.user = store.item.header.participants.front()}};
  }
  std::vector<Operation> operator()(const CreateMemory& create) const {
    const NewMemory& memory = create.memory;
    return {GetMemory{memory.id}, GetMemoryByName{memory.category, memory.key, memory.user},
            tagged(memory.tags.back())};
  }
  std::vector<Operation> operator()(const UpdateMemory& update) const {
    return {GetMemory{update.id}, tagged(update.patch.tags->front())};
  }
  std::vector<Operation> operator()(const MergeUsers& merge) const {
    std::vector<Operation> questions{ConversationsOfUser{.user = merge.primary, .limit = 50}};
    for (std::size_t n = 0; n < 2 * data.counts().merge_pairs; ++n) {
      if (data.user_id(n) != merge.secondary) continue;
      questions.push_back(FindUser{data.platform(n, 0), data.platform_id(n, 0)});
    }
    return questions;
  }
  template <class Read>
  std::vector<Operation> operator()(const Read& read) const {
    return {read};
  }

 private:
  static Operation tagged(const std::string& tag) {
    MemoryQuery query = newest(20);
    query.tags_all = {tag};
    return FindMemories{std::move(query)};
  }
};

}  // namespace

std::vector<Operation> questions_about(const Operation& write, const Data& data) {
  return std::visit(Questions{data}, write);
}

}  // namespace callisto::bench
