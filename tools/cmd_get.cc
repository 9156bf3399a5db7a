#include "tools/command.h"
#include "tools/printer.h"

namespace callisto::tools {

namespace {

void describe(po::options_description&, po::options_description& hidden,
              po::positional_options_description& positions) {
  hidden.add_options()                        //
      ("kind", po::value<std::string>(), "")  //
      ("id", po::value<std::string>(), "");
  positions.add("kind", 1).add("id", 1);
}

template <class View>
int show(const Context& context, const Space& space, const Result<std::optional<View>>& view) {
  if (!view) return report(view.error());
  if (!*view) return report(Error(Code::not_found, "id", "a record that is there"));
  Printer(context, space).print(**view);
  return kOk;
}

template <class IdType, class Get>
int show_by_id(const Context& context, const Space& space, const std::string& text, Get&& get) {
  auto id = IdType::parse(text);
  if (!id) return report(Error(Code::invalid_argument, "id", "a UUID"));
  return show(context, space, get(*id));
}

int show_identity(const Context& context, const Space& space, const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) {
    return report(Error(Code::invalid_argument, "id", "PLATFORM:PLATFORM_ID"));
  }
  return show(context, space, space.users().identity(text.substr(0, colon), text.substr(colon + 1)));
}

/// The user is a UUID, which has no colon; the value may have some.
int show_datum(const Context& context, const Space& space, const std::string& text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string::npos ? first : text.find(':', first + 1);
  const auto user = UserId::parse(std::string_view(text).substr(0, first));
  if (second == std::string::npos || !user) {
    return report(Error(Code::invalid_argument, "id", "USER:CATEGORY:VALUE, the user a UUID"));
  }
  const std::string category = text.substr(first + 1, second - first - 1);
  return show(context, space, space.user_data().get(*user, category, text.substr(second + 1)));
}

int run(const Context& context) {
  if (!context.has("kind") || !context.has("id")) {
    return report_usage("get takes KIND and ID (see: callisto get --help)");
  }
  auto store = open_store(context, OpenMode::read_only);
  if (!store) return report(store.error());
  auto space = open_space(context, *store);
  if (!space) return report(space.error());
  const auto& kind = context.get<std::string>("kind");
  const auto& id = context.get<std::string>("id");
  if (kind == "user") {
    return show_by_id<UserId>(context, *space, id, [&](UserId u) { return space->users().get(u); });
  }
  if (kind == "platform_identifier") return show_identity(context, *space, id);
  if (kind == "user_datum") return show_datum(context, *space, id);
  if (kind == "conversation") {
    return show_by_id<ConversationId>(context, *space, id,
                                      [&](ConversationId c) { return space->conversations().get(c); });
  }
  if (kind == "message") {
    return show_by_id<MessageId>(context, *space, id,
                                 [&](MessageId m) { return space->messages().get(m); });
  }
  if (kind == "memory") {
    return show_by_id<MemoryId>(context, *space, id, [&](MemoryId m) { return space->memories().get(m); });
  }
  return report_usage("unknown kind '" + kind +
                      "': user, platform_identifier, user_datum, conversation, message, memory");
}

}  // namespace

const Command kGetCommand{"get", "KIND ID",
                          "Prints one record: user, conversation, message or memory by\n"
                          "UUID, platform_identifier by PLATFORM:PLATFORM_ID, user_datum\n"
                          "by USER:CATEGORY:VALUE.",
                          describe, run};

}  // namespace callisto::tools
