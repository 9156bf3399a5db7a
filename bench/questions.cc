#include "bench/workloads.h"

namespace callisto::bench {

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
  std::vector<Operation> operator()(const AppendDatum& append) const {
    return {ValuesOfUser{append.user, append.datum.category}};
  }
  std::vector<Operation> operator()(const ReplaceDatum& replace) const {
    return {ValuesOfUser{replace.user, replace.datum.category}};
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
    MemoryQuery query;
    query.limit = 20;
    query.tags_all = {tag};
    return FindMemories{std::move(query)};
  }
};

}  // namespace

std::vector<Operation> questions_about(const Operation& write, const Data& data) {
  return std::visit(Questions{data}, write);
}

}  // namespace callisto::bench
