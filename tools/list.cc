#include "tools/list.h"

#include "tools/arguments.h"
#include "tools/printer.h"

namespace callisto::tools {

namespace {

constexpr std::uint32_t kDefaultLimit = 100;
constexpr std::uint32_t kMaxLimit = 10000;
constexpr std::uint64_t kMaxScanned = 1'000'000'000'000;

/// Puts an option's value where it belongs, or passes its error on as an exit status.
#define CALLISTO_OPTION(target, expression)              \
  do {                                                   \
    auto option_value = (expression);                    \
    if (!option_value) return report(option_value.error()); \
    target = *option_value;                              \
  } while (false)

/// The limit that check_options() has let through.
std::uint32_t limit_of(const Context& context) {
  const auto limit = number_option(context, "limit", 1, kMaxLimit);
  return limit && *limit ? static_cast<std::uint32_t>(**limit) : kDefaultLimit;
}

/// Options that have no meaning for what is listed would be passed over in silence.
int check_options(const Context& context, std::string_view what, std::string_view allowed) {
  if (auto done = refuse_others(context, what, allowed); !done) return report(done.error());
  const auto limit = number_option(context, "limit", 1, kMaxLimit);
  return limit ? kOk : report(limit.error());
}

/// What a query reads at most; 0 where it is not said.
Result<std::uint64_t> scanned_option(const Context& context) {
  auto scanned = number_option(context, "max-scanned", 1, kMaxScanned);
  if (!scanned) return std::move(scanned).error();
  return scanned->value_or(0);
}

/// All that there is within the limit, or a page where one is asked for.
template <class Repository, class Query>
int print_found(const Context& context, const Space& space, const Repository& records,
                const Query& query) {
  Printer printer(context, space);
  if (!context.has("page") && !context.has("cursor")) return printer.print_all(records.find(query));
  return printer.print_page(
      records.find_page(query, context.find<std::string>("cursor").value_or("")));
}

int list_users(const Context& context, const Space& space) {
  Printer printer(context, space);
  if (context.has("platform") || context.has("platform-id")) {
    if (int status = check_options(context, "users by platform", "platform platform-id"); status != kOk) {
      return status;
    }
    if (!context.has("platform") || !context.has("platform-id")) {
      return report_usage("--platform and --platform-id go together");
    }
    auto user = space.users().by_platform(context.find<std::string>("platform").value_or(""),
                                          context.find<std::string>("platform-id").value_or(""));
    if (!user) return report(user.error());
    if (!*user) return report(Error(Code::not_found, "--platform-id", "a known platform identity"));
    printer.print(**user);
    return kOk;
  }
  if (auto name = context.find<std::string>("name")) {
    if (int status = check_options(context, "users by name", "name limit"); status != kOk) return status;
    return printer.print_all(space.users().by_preferred_name(*name, limit_of(context)));
  }
  if (int status = check_options(context, "users", "limit oldest-first active seen-from seen-to from to");
      status != kOk) {
    return status;
  }
  UserQuery query{.limit = limit_of(context), .oldest_first = context.has("oldest-first")};
  CALLISTO_OPTION(query.is_active, bool_option(context, "active"));
  CALLISTO_OPTION(query.last_seen, range_options(context, "seen-from", "seen-to"));
  CALLISTO_OPTION(query.created, range_options(context, "from", "to"));
  return printer.print_all(space.users().list(query));
}

int list_identities(const Context& context, const Space& space) {
  if (int status = check_options(context, "identities",
                                 "limit name user");
      status != kOk) {
    return status;
  }
  if (context.has("name") && context.has("user")) {
    return report_usage("--name and --user of identities exclude each other");
  }
  Printer printer(context, space);
  if (auto name = context.find<std::string>("name")) {
    return printer.print_all(space.users().identities_by_username(*name, limit_of(context)));
  }
  std::optional<UserId> user;
  CALLISTO_OPTION(user, user_option(context, space, "user"));
  if (!user) return report_usage("list identities needs --user USER or --name TEXT");
  return printer.print_all(space.users().identities(*user, limit_of(context)));
}

int list_user_data(const Context& context, const Space& space) {
  if (int status = check_options(context, "user_data",
                                 "limit user category");
      status != kOk) {
    return status;
  }
  std::optional<UserId> user;
  CALLISTO_OPTION(user, user_option(context, space, "user"));
  if (!user) return report_usage("list user_data needs --user USER");
  Printer printer(context, space);
  if (auto category = context.find<std::string>("category")) {
    return printer.print_all(space.user_data().values(*user, *category, limit_of(context)));
  }
  auto all = space.user_data().all(*user);
  if (all && all->size() > limit_of(context)) all->resize(limit_of(context));
  return printer.print_all(all);
}

constexpr std::string_view kConversationOptions =
    "limit oldest-first from to user owner participant processed unprocessed saved archived ended type "
    "persona active-from active-to order max-scanned";

/// What the options ask for; the exit status.
int fill_conversation_query(const Context& context, const Space& space, ConversationQuery& query) {
  if (context.has("participant") && context.has("user")) {
    return report_usage("--user of conversations is --participant: one of them");
  }
  query.oldest_first = context.has("oldest-first");
  query.limit = limit_of(context);
  CALLISTO_OPTION(query.participant, user_option(context, space, "participant"));
  if (!query.participant) CALLISTO_OPTION(query.participant, user_option(context, space, "user"));
  CALLISTO_OPTION(query.owner, user_option(context, space, "owner"));
  CALLISTO_OPTION(query.is_saved, bool_option(context, "saved"));
  CALLISTO_OPTION(query.is_archived, bool_option(context, "archived"));
  CALLISTO_OPTION(query.is_ended, bool_option(context, "ended"));
  CALLISTO_OPTION(query.persona, id_option<PersonaId>(context, "persona"));
  CALLISTO_OPTION(query.created, range_options(context, "from", "to"));
  CALLISTO_OPTION(query.activity, range_options(context, "active-from", "active-to"));
  CALLISTO_OPTION(query.max_scanned, scanned_option(context));
  query.type = context.find<std::string>("type");
  if (context.has("processed") && context.has("unprocessed")) {
    return report_usage("--processed and --unprocessed exclude each other");
  }
  if (context.has("processed")) query.is_processed = true;
  if (context.has("unprocessed")) query.is_processed = false;
  const std::string order = context.find<std::string>("order").value_or("created");
  if (order != "created" && order != "activity") {
    return report_usage("--order of conversations: created, activity");
  }
  query.order = order == "activity" ? ConversationOrder::activity : ConversationOrder::created;
  return kOk;
}

int list_conversations(const Context& context, const Space& space) {
  const std::string allowed = std::string(kConversationOptions) + " page cursor";
  if (int status = check_options(context, "conversations", allowed); status != kOk) return status;
  ConversationQuery query;
  if (int status = fill_conversation_query(context, space, query); status != kOk) return status;
  return print_found(context, space, space.conversations(), query);
}

int explain_conversations(const Context& context, const Space& space) {
  if (int status = check_options(context, "conversations", kConversationOptions); status != kOk) {
    return status;
  }
  ConversationQuery query;
  if (int status = fill_conversation_query(context, space, query); status != kOk) return status;
  return Printer(context, space).print_plan(space.conversations().explain(query), query.limit);
}

int check_conversation(const Space& space, ConversationId conversation) {
  auto found = space.conversations().get(conversation);
  if (!found) return report(found.error());
  return *found ? kOk : report(Error(Code::not_found, "--conversation", "an existing conversation"));
}

/// The neighbours of a message.
int list_neighbours(const Context& context, const Space& space) {
  if (int status = check_options(context, "messages before or after one",
                                 "limit conversation oldest-first before after");
      status != kOk) {
    return status;
  }
  std::optional<ConversationId> conversation;
  CALLISTO_OPTION(conversation, id_option<ConversationId>(context, "conversation"));
  if (!conversation) return report_usage("--before and --after need --conversation ID");
  MessagePage page{.limit = limit_of(context), .oldest_first = context.has("oldest-first")};
  CALLISTO_OPTION(page.before, id_option<MessageId>(context, "before"));
  CALLISTO_OPTION(page.after, id_option<MessageId>(context, "after"));
  if (int status = check_conversation(space, *conversation); status != kOk) return status;
  return Printer(context, space).print_all(space.messages().page(*conversation, page));
}

constexpr std::string_view kMessageOptions =
    "limit oldest-first from to conversation sender role agent state by-importance min-importance "
    "max-importance order max-scanned";

std::optional<MessageState> message_state(const std::string& name) {
  if (name == "final") return MessageState::final;
  if (name == "partial") return MessageState::partial;
  if (name == "interrupted") return MessageState::interrupted;
  return std::nullopt;
}

/// What the options ask for; the exit status.
int fill_message_query(const Context& context, const Space& space, MessageQuery& query) {
  query.oldest_first = context.has("oldest-first");
  query.limit = limit_of(context);
  const std::string order =
      context.find<std::string>("order").value_or(context.has("by-importance") ? "importance" : "time");
  if (order != "time" && order != "importance") {
    return report_usage("--order of messages: time, importance");
  }
  query.order = order == "importance" ? MessageOrder::importance : MessageOrder::time;
  if (const auto state = context.find<std::string>("state")) {
    query.state = message_state(*state);
    if (!query.state) return report_usage("--state of messages: final, partial, interrupted");
  }
  query.role = context.find<std::string>("role");
  query.agent = context.find<std::string>("agent");
  query.min_importance = context.find<float>("min-importance");
  query.max_importance = context.find<float>("max-importance");
  CALLISTO_OPTION(query.conversation, id_option<ConversationId>(context, "conversation"));
  CALLISTO_OPTION(query.sender, user_option(context, space, "sender"));
  CALLISTO_OPTION(query.time, range_options(context, "from", "to"));
  CALLISTO_OPTION(query.max_scanned, scanned_option(context));
  return query.conversation ? check_conversation(space, *query.conversation) : kOk;
}

int list_messages(const Context& context, const Space& space) {
  if (context.has("before") || context.has("after")) return list_neighbours(context, space);
  const std::string allowed = std::string(kMessageOptions) + " page cursor";
  if (int status = check_options(context, "messages", allowed); status != kOk) return status;
  MessageQuery query;
  if (int status = fill_message_query(context, space, query); status != kOk) return status;
  return print_found(context, space, space.messages(), query);
}

int explain_messages(const Context& context, const Space& space) {
  if (int status = check_options(context, "messages", kMessageOptions); status != kOk) return status;
  MessageQuery query;
  if (int status = fill_message_query(context, space, query); status != kOk) return status;
  return Printer(context, space).print_plan(space.messages().explain(query), query.limit);
}

std::optional<MemoryOrder> memory_order(const std::string& name) {
  if (name == "created") return MemoryOrder::created;
  if (name == "updated") return MemoryOrder::updated;
  if (name == "priority") return MemoryOrder::priority;
  if (name == "expiry") return MemoryOrder::expiry;
  return std::nullopt;
}

/// The options that need no look at the store.
int fill_memory_texts(const Context& context, MemoryQuery& query) {
  query.category = context.find<std::string>("category");
  query.key = context.find<std::string>("key");
  query.entity_type = context.find<std::string>("entity-type");
  query.entity_id = context.find<std::string>("entity-id");
  query.type = context.find<std::string>("type");
  query.source_agent = context.find<std::string>("agent");
  query.task = context.find<std::string>("task");
  query.tags_all = context.find<std::vector<std::string>>("tag").value_or(std::vector<std::string>{});
  query.tags_any = context.find<std::vector<std::string>>("any-tag").value_or(std::vector<std::string>{});
  query.tags_none = context.find<std::vector<std::string>>("no-tag").value_or(std::vector<std::string>{});
  if (context.has("source-kind") != context.has("source-id")) {
    return report_usage("--source-kind and --source-id go together");
  }
  if (context.has("source-kind")) {
    query.source = Source{context.get<std::string>("source-kind"), context.get<std::string>("source-id")};
  }
  const auto priority = number_option(context, "min-priority", 1, 10);
  if (!priority) return report(priority.error());
  if (*priority) query.min_priority = static_cast<std::uint8_t>(**priority);
  const auto highest = number_option(context, "max-priority", 1, 10);
  if (!highest) return report(highest.error());
  if (*highest) query.max_priority = static_cast<std::uint8_t>(**highest);
  CALLISTO_OPTION(query.max_scanned, scanned_option(context));
  query.min_importance = context.find<float>("min-importance");
  query.max_importance = context.find<float>("max-importance");
  query.include_expired = context.has("include-expired");
  query.include_inactive = context.has("include-inactive");
  query.include_superseded = context.has("include-superseded");
  query.only_expired = context.has("only-expired");
  query.only_inactive = context.has("only-inactive");
  query.only_superseded = context.has("only-superseded");
  query.without_user = context.has("without-user");
  return kOk;
}

constexpr std::string_view kMemoryOptions =
    "limit oldest-first from to user conversation category type key tag any-tag no-tag entity-type "
    "entity-id agent task source-kind source-id min-priority max-priority min-importance max-importance "
    "updated-from updated-to expires-from expires-to order include-expired include-inactive "
    "include-superseded only-expired only-inactive only-superseded without-user max-scanned";

/// What the options ask for; the exit status.
int fill_memory_query(const Context& context, const Space& space, MemoryQuery& query) {
  query.oldest_first = context.has("oldest-first");
  query.limit = limit_of(context);
  if (int status = fill_memory_texts(context, query); status != kOk) return status;
  const auto order = memory_order(context.find<std::string>("order").value_or("created"));
  if (!order) return report_usage("--order of memories: created, updated, priority, expiry");
  query.order = *order;
  CALLISTO_OPTION(query.user, user_option(context, space, "user"));
  CALLISTO_OPTION(query.conversation, id_option<ConversationId>(context, "conversation"));
  CALLISTO_OPTION(query.created, range_options(context, "from", "to"));
  CALLISTO_OPTION(query.updated, range_options(context, "updated-from", "updated-to"));
  CALLISTO_OPTION(query.expires, range_options(context, "expires-from", "expires-to"));
  return kOk;
}

int list_memories(const Context& context, const Space& space) {
  const std::string allowed = std::string(kMemoryOptions) + " page cursor";
  if (int status = check_options(context, "memories", allowed); status != kOk) return status;
  MemoryQuery query;
  if (int status = fill_memory_query(context, space, query); status != kOk) return status;
  return print_found(context, space, space.memories(), query);
}

int explain_memories(const Context& context, const Space& space) {
  if (int status = check_options(context, "memories", kMemoryOptions); status != kOk) return status;
  MemoryQuery query;
  if (int status = fill_memory_query(context, space, query); status != kOk) return status;
  return Printer(context, space).print_plan(space.memories().explain(query), query.limit);
}

#undef CALLISTO_OPTION

}  // namespace

Lister find_lister(std::string_view what) {
  if (what == "users") return list_users;
  if (what == "identities" || what == "platform_identifiers") return list_identities;
  if (what == "user_data") return list_user_data;
  if (what == "conversations") return list_conversations;
  if (what == "messages") return list_messages;
  if (what == "memories") return list_memories;
  return nullptr;
}

Lister find_explainer(std::string_view what) {
  if (what == "conversations") return explain_conversations;
  if (what == "messages") return explain_messages;
  if (what == "memories") return explain_memories;
  return nullptr;
}

}  // namespace callisto::tools
