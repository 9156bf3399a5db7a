#include "tests/property/compare.h"

#include <algorithm>

namespace callisto::testing {
namespace {

using Lines = std::vector<std::string>;
using model::describe;

template <class T>
Lines lines_of(const Result<std::optional<T>>& result) {
  if (!result) return {result.error().to_string()};
  return *result ? Lines{describe(**result)} : Lines{};
}
template <class T>
Lines lines_of(const Result<std::vector<T>>& result) {
  if (!result) return {result.error().to_string()};
  Lines lines;
  for (const T& one : *result) lines.push_back(describe(one));
  return lines;
}
Lines ids_of(const Result<std::vector<User>>& result) {
  if (!result) return {result.error().to_string()};
  Lines lines;
  for (const User& one : *result) lines.push_back(one.id().to_string());
  std::sort(lines.begin(), lines.end());
  return lines;
}
Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

class Comparison {
 public:
  Comparison(const model::Model& model, const Repositories& store, Generator& generator)
      : model_(model), store_(store), generator_(generator) {}

  Lines run() {
    for (unsigned i = 0; i < kUsers; ++i) user(pooled<UserId>(i));
    users();
    for (unsigned i = 0; i < kConversations; ++i) conversation(pooled<ConversationId>(i));
    conversations();
    for (unsigned i = 0; i < kMessages; ++i) message(pooled<MessageId>(i));
    memories();
    return found_;
  }

 private:
  void same(const std::string& what, const Lines& expected, const Lines& got) {
    if (expected == got) return;
    std::string line = what + ":\n  model:";
    for (const std::string& one : expected) line += "\n    " + one;
    line += "\n  store:";
    for (const std::string& one : got) line += "\n    " + one;
    found_.push_back(line);
  }
  template <class T>
  Lines lines_of_model(const std::vector<const T*>& rows) const {
    Lines lines;
    for (const T* row : rows) lines.push_back(line(*row));
    return lines;
  }
  std::string line(const model::User& row) const { return describe(model_, row); }
  std::string line(const model::Conversation& row) const { return describe(model_, row); }
  std::string line(const model::Message& row) const { return describe(model_, row); }
  std::string line(const model::Memory& row) const { return describe(row); }
  std::string line(const model::Identity& row) const { return describe(row); }
  template <class Id, class Row>
  Lines row_of(const std::map<Id, Row>& rows, const Id& id) const {
    const auto it = rows.find(id);
    return it == rows.end() ? Lines{} : Lines{line(it->second)};
  }

  void user(UserId id) {
    const std::string name = id.to_string().substr(0, 8);
    same("user " + name, row_of(model_.users, id), lines_of(store_.users().get(id)));
    same("identities " + name, lines_of_model(model_.identities_of(id)), lines_of(store_.users().identities(id)));
    same("data " + name, model_.all_data(id), lines_of(store_.user_data().all(id)));
    for (const std::string category : {"foods", "preferred_name", "platform_username"}) {
      same(category + " " + name, model_.values(id, category), lines_of(store_.user_data().values(id, category)));
    }
    same("messages by " + name, lines_of_model(model_.by_sender(id, {})), lines_of(store_.messages().by_sender(id)));
    const ConversationId talk = generator_.conversation();
    same("messages in one by " + name, lines_of_model(model_.by_sender(id, talk)),
         lines_of(store_.messages().by_sender(id, talk)));
    same("conversations of " + name, lines_of_model(model_.find(ConversationQuery{.participant = id, .limit = 5})),
         lines_of(store_.conversations().of_user(id, 5)));
    links(id, name);
  }

  void links(UserId id, const std::string& name) {
    Lines lines;
    const auto suggestions = store_.users().link_suggestions(id);
    if (!suggestions) lines = {suggestions.error().to_string()};
    else for (const LinkSuggestion& one : *suggestions) {
      std::string text = model::lower(one.name);
      for (const std::string& identity : sorted(lines_of(Result(one.identities)))) text += " | " + identity;
      lines.push_back(text);
    }
    same("links of " + name, model_.link_suggestions(id), sorted(lines));
  }

  void users() {
    for (const std::string name : {"Reece", "ada", "bob"}) {
      same("named " + name, model_.by_preferred_name(name), ids_of(store_.users().by_preferred_name(name)));
      same("username " + name, model_.by_username(name),
           sorted(lines_of(store_.users().identities_by_username(name))));
    }
    for (const std::string on : {"discord", "gui", "irc"}) {
      for (const std::string id : {"0", "1", "2", "3"}) {
        const auto it = model_.identities.find({on, id});
        same("identity " + on + id, it == model_.identities.end() ? Lines{} : Lines{describe(it->second)},
             lines_of(store_.users().identity(on, id)));
        same("behind " + on + id,
             it == model_.identities.end() ? Lines{} : row_of(model_.users, it->second.user),
             lines_of(store_.users().by_platform(on, id)));
      }
    }
    UserQuery query{.oldest_first = generator_.chance(50)};
    if (generator_.chance(40)) query.last_seen.from = generator_.past();
    if (generator_.chance(40)) query.created.to = generator_.past();
    if (generator_.chance(40)) query.is_active = generator_.chance(50);
    same("list of users", lines_of_model(model_.list_users(query)), lines_of(store_.users().list(query)));
  }

  void conversation(ConversationId id) {
    const std::string name = id.to_string().substr(0, 8);
    same("conversation " + name, row_of(model_.conversations, id), lines_of(store_.conversations().get(id)));
    const auto order = model_.in_order(id);
    const auto whole = store_.conversations().whole(id);
    same("whole " + name, lines_of_model(order),
         !whole ? Lines{whole.error().to_string()} : *whole ? lines_of(Result((*whole)->messages)) : Lines{});
    std::vector<const model::Message*> newest(order.rbegin(), order.rend());
    if (newest.size() > 4) newest.resize(4);
    same("latest " + name, lines_of_model(newest), lines_of(store_.messages().latest(id, 4)));
    std::vector<const model::Message*> weighty;
    std::copy_if(order.rbegin(), order.rend(), std::back_inserter(weighty),
                 [](const auto* one) { return one->importance >= 0.25F; });
    std::stable_sort(weighty.begin(), weighty.end(),
                     [](const auto* a, const auto* b) { return a->importance > b->importance; });
    same("important " + name, lines_of_model(weighty), lines_of(store_.messages().by_importance(id, 0.25F, 100)));
    if (!order.empty()) pages(id, name, order);
  }

  void pages(ConversationId id, const std::string& name, const std::vector<const model::Message*>& order) {
    const std::size_t place = generator_.below(static_cast<unsigned>(order.size()));
    const std::size_t count = 1 + generator_.below(4);
    MessagePage page{.limit = static_cast<std::uint32_t>(count), .oldest_first = generator_.chance(50)};
    std::vector<const model::Message*> expected;
    if (generator_.chance(50)) {
      page.before = order[place]->id;
      expected.assign(order.begin() + static_cast<std::ptrdiff_t>(place - std::min(place, count)),
                      order.begin() + static_cast<std::ptrdiff_t>(place));
    } else {
      page.after = order[place]->id;
      expected.assign(order.begin() + static_cast<std::ptrdiff_t>(place + 1),
                      order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), place + 1 + count)));
    }
    if (!page.oldest_first) std::reverse(expected.begin(), expected.end());
    same("page of " + name, lines_of_model(expected), lines_of(store_.messages().page(id, page)));
  }

  void conversations() {
    same("unprocessed", lines_of_model(model_.find(ConversationQuery{.is_processed = false, .oldest_first = true})),
         lines_of(store_.conversations().unprocessed()));
    for (int i = 0; i < 3; ++i) {
      const ConversationQuery query = generator_.conversation_query();
      same("conversations found", lines_of_model(model_.find(query)), lines_of(store_.conversations().find(query)));
    }
  }

  void message(MessageId id) {
    same("message " + id.to_string().substr(0, 8), row_of(model_.messages, id), lines_of(store_.messages().get(id)));
  }

  void memories() {
    for (const auto& [id, memory] : model_.memories) {
      same("memory " + id.to_string().substr(0, 8), {line(memory)}, lines_of(store_.memories().get(id)));
    }
    for (unsigned i = 0; i < kMemories; ++i) {
      const MemoryId id = pooled<MemoryId>(i);
      if (!model_.memories.contains(id)) same("no memory", {}, lines_of(store_.memories().get(id)));
    }
    same("all memories",
         lines_of_model(model_.find(MemoryQuery{.include_expired = true, .include_inactive = true, .limit = 1000})),
         lines_of(store_.memories().find({.include_expired = true, .include_inactive = true, .limit = 1000})));
    const UserId user = generator_.user();
    same("memory by name",
         lines_of_model(model_.find(MemoryQuery{.category = "facts", .key = "a", .user = user, .limit = 1})),
         lines_of(store_.memories().by_name("facts", "a", user)));
    same("memory by key", lines_of_model(model_.find(MemoryQuery{.key = "b", .limit = 1})),
         lines_of(store_.memories().by_key("b")));
    for (int i = 0; i < 6; ++i) {
      const MemoryQuery query = generator_.memory_query();
      same("memories found", lines_of_model(model_.find(query)), lines_of(store_.memories().find(query)));
    }
  }

  const model::Model& model_;
  const Repositories& store_;
  Generator& generator_;
  Lines found_;
};

}  // namespace

std::vector<std::string> differences(const model::Model& model, const Repositories& store, Generator& generator) {
  return Comparison(model, store, generator).run();
}

}  // namespace callisto::testing
