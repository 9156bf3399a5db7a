#include "bench/callisto_engine.h"

#include "bench/failure.h"

namespace callisto::bench {

namespace {

UserFace face_of(const User& user, const UserId& id) {
  return {.id = id.view(), .last_seen = user.last_seen().micros(), .is_active = user.is_active()};
}

Digest fold_memory(Digest sum, const Memory& memory) {
  const MemoryId id = memory.id();
  return fold(sum, MemoryFace{.id = id.view(),
                              .category = memory.category(),
                              .key = memory.key(),
                              .entity_id = memory.entity_id(),
                              .created_at = memory.created_at().micros(),
                              .priority = memory.priority()});
}

Digest fold_message(Digest sum, const Message& message) {
  const MessageId id = message.id();
  const UserId sender = message.sender();
  return fold(sum, MessageFace{.id = id.view(),
                               .sender = sender ? sender.view() : std::string_view(),
                               .role = message.role(),
                               .content = message.content(),
                               .timestamp = message.timestamp().micros()});
}

Digest fold_conversation(Digest sum, const Conversation& conversation) {
  const ConversationId id = conversation.id();
  const std::optional<Time> last = conversation.last_message_at();
  return fold(sum, ConversationFace{.id = id.view(),
                                    .title = conversation.title(),
                                    .message_count = conversation.message_count(),
                                    .last_message_at = last ? last->micros() : 0,
                                    .is_processed = conversation.is_processed()});
}

/// One overload for each operation.
class Runner {
 public:
  Runner(const Store& store, Durability durability)
      : store_(store), options_{.durability = durability} {}

  Digest operator()(const FindUser& find) const {
    const auto user = require(store_.users().by_platform(find.platform, find.platform_id), "1");
    return user ? fold(1, face_of(*user, user->id())) : 1;
  }
  Digest operator()(const GetMemory& get) const {
    return fold_optional(require(store_.memories().get(get.id), "get memory"));
  }
  Digest operator()(const GetMemoryByName& get) const {
    return fold_optional(
        require(store_.memories().by_name(get.category, get.key, get.user), "memory by name"));
  }
  Digest operator()(const LatestMessages& latest) const {
    const auto messages =
        require(store_.messages().latest(latest.conversation, latest.limit), "latest messages");
    Digest sum = 1;
    for (const Message& message : messages) sum = fold_message(sum, message);
    return sum;
  }
  Digest operator()(const GetWhole& get) const {
    const auto whole = require(store_.conversations().whole(get.conversation), "whole");
    if (!whole) return 1;
    Digest sum = fold_conversation(1, whole->conversation);
    // Who takes part has an order here, but not in every engine.
    Digest users = 0;
    for (const Participant& participant : whole->conversation.participants()) {
      users += fold_id(1, participant.user.view());
    }
    sum = fold(sum, users);
    for (const Message& message : whole->messages) sum = fold_message(sum, message);
    return sum;
  }
  Digest operator()(const ConversationsOfUser& of) const {
    const auto processed = of.only_unprocessed ? std::optional<bool>(false) : std::nullopt;
    return fold_list(
        require(store_.conversations().of_user(of.user, of.limit, processed), "of_user"));
  }
  Digest operator()(const UnprocessedConversations& ask) const {
    return fold_list(require(store_.conversations().unprocessed(ask.limit), "unprocessed"));
  }
  Digest operator()(const FindMemories& find) const {
    Digest sum = 1;
    for (const Memory& memory : require(store_.memories().find(find.query), "find memories")) {
      sum = fold_memory(sum, memory);
    }
    return sum;
  }
  Digest operator()(const ValuesOfUser& ask) const {
    Digest sum = 1;
    for (const UserDatum& datum :
         require(store_.user_data().values(ask.user, ask.category), "values")) {
      sum += digest_of(DatumFace{datum.value(), datum.created_at().micros()});
    }
    return sum;
  }

  Digest operator()(const MarkProcessed& mark) const {
    require(store_.conversations().mark_processed(mark.conversation, {}, options_),
            "mark processed");
    return 1;
  }
  Digest operator()(const AppendMessage& append) const {
    require(store_.messages().append(append.message, options_), "append");
    return 1;
  }
  Digest operator()(const StoreConversation& write) const {
    require(store_.conversations().store(write.item.header, write.item.messages, options_),
            "store");
    return 1;
  }
  Digest operator()(const CreateMemory& create) const {
    require(store_.memories().create(create.memory, options_), "create memory");
    return 1;
  }
  Digest operator()(const UpdateMemory& update) const {
    require(store_.memories().update(update.id, update.patch, options_), "update memory");
    return 1;
  }
  Digest operator()(const MergeUsers& merge) const {
    require(store_.users().merge(merge.primary, merge.secondary, options_), "merge");
    require(store_.finish_pending_work(), "finish the merge");
    return 1;
  }
  Digest operator()(const AppendDatum& append) const {
    require(store_.user_data().append(append.user, append.datum, options_), "append a datum");
    return 1;
  }
  Digest operator()(const ReplaceDatum& replace) const {
    require(store_.user_data().replace(replace.user, replace.datum, options_), "replace a datum");
    return 1;
  }

 private:
  static Digest fold_optional(const std::optional<Memory>& memory) {
    return memory ? fold_memory(1, *memory) : 1;
  }
  static Digest fold_list(const std::vector<Conversation>& conversations) {
    Digest sum = 1;
    for (const Conversation& conversation : conversations)
      sum = fold_conversation(sum, conversation);
    return sum;
  }

  const Store& store_;
  const CallOptions options_;
};

}  // namespace

CallistoEngine::CallistoEngine(const std::string& directory, std::uint64_t memory_bytes)
    : store_(std::make_shared<const Store>(
          require(Store::open(directory, bench_options(memory_bytes)), "open"))) {}

Digest CallistoEngine::run(const Operation& operation) {
  return std::visit(Runner(*store_, durability_), operation);
}

std::uint64_t CallistoEngine::version() const {
  return require(store_->snapshot(), "version").version();
}

}  // namespace callisto::bench
