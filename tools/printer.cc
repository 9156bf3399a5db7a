#include "tools/printer.h"

#include "tools/json_line.h"
#include "tools/record_json.h"

namespace callisto::tools {

namespace {

/// "2026-03-02 18:10:40" of a time.
std::string short_time(Time time) {
  std::string text = time.to_string();
  const std::size_t point = text.rfind('.');
  text.resize(point == std::string::npos ? text.size() : point);
  if (const std::size_t t = text.find('T'); t != std::string::npos) text[t] = ' ';
  return text;
}

/// Where the index stands behind how it is used.
constexpr std::size_t kUseColumn = 12;

std::string joined(const std::vector<std::string_view>& texts) {
  std::string line;
  for (std::string_view text : texts) {
    if (!line.empty()) line += ", ";
    line += text;
  }
  return line;
}

}  // namespace

const std::string& Printer::name_of(UserId user) {
  auto [it, is_new] = names_.try_emplace(user);
  if (!is_new) return it->second;
  it->second = user.to_string();
  if (auto names = space_.user_data().values(user, "preferred_name", 1); names && !names->empty()) {
    it->second = one_line(names->front().value());
  } else if (auto identities = space_.users().identities(user, 1); identities && !identities->empty()) {
    it->second = one_line(identities->front().username());
  }
  return it->second;
}

bool Printer::print(const User& user) {
  if (is_json_) return print_line(to_json(user));
  std::vector<std::string> platforms;
  if (auto identities = space_.users().identities(user.id())) {
    for (const PlatformIdentifier& identity : *identities) {
      platforms.push_back(one_line(identity.platform()) + ":" + one_line(identity.platform_id()));
    }
  }
  std::string line = user.id().to_string() + "  " + name_of(user.id()) + "  last seen " +
                     short_time(user.last_seen()) + (user.is_active() ? "" : "  (inactive)");
  return print_line(line + "  [" + joined({platforms.begin(), platforms.end()}) + "]");
}

bool Printer::print(const PlatformIdentifier& identity) {
  if (is_json_) return print_line(to_json(identity));
  return print_line(one_line(identity.platform()) + ":" + one_line(identity.platform_id()) + "  " +
                    one_line(identity.username()) + "  -> " + name_of(identity.user()) + " " +
                    identity.user().to_string());
}

bool Printer::print(const UserDatum& datum) {
  if (is_json_) return print_line(to_json(datum));
  return print_line(short_time(datum.created_at()) + "  " + name_of(datum.user()) + "  " +
                    one_line(datum.category()) + ": " + one_line(datum.value()));
}

bool Printer::print(const Conversation& conversation) {
  if (is_json_) return print_line(to_json(conversation));
  std::vector<std::string> names;
  for (const Participant& participant : conversation.participants()) {
    names.push_back(name_of(participant.user));
  }
  std::string line = conversation.id().to_string() + "  " + short_time(conversation.created_at()) + "  " +
                     (conversation.title().empty() ? "(no title)" : one_line(conversation.title()));
  line += "  with " + (names.empty() ? "nobody" : joined({names.begin(), names.end()}));
  line += "  " + std::to_string(conversation.message_count()) + " messages";
  line += conversation.is_processed() ? "  processed" : "  unprocessed";
  return print_line(line);
}

bool Printer::print(const Message& message) {
  if (is_json_) return print_line(to_json(message));
  const std::string who = message.sender().is_nil() ? one_line(message.role()) : name_of(message.sender());
  return print_line(short_time(message.timestamp()) + "  " + who + ": " + one_line(message.content()));
}

bool Printer::print(const Memory& memory) {
  if (is_json_) return print_line(to_json(memory));
  std::string line = short_time(memory.created_at()) + "  " + one_line(memory.category()) + "/" +
                     one_line(memory.key());
  if (memory.tag_count() > 0) line += "  [" + one_line(joined(memory.tags())) + "]";
  line += "  ";
  line += memory.text().empty() ? one_line(memory.value().to_string()) : one_line(memory.text());
  if (!memory.user().is_nil()) line += "  (" + name_of(memory.user()) + ")";
  return print_line(line);
}

void Printer::print_cursor(const std::string& cursor) {
  print_line(is_json_ ? JsonLine().text("cursor", cursor).str() : "more: --cursor " + cursor);
}

int Printer::print_plan(const Result<QueryPlan>& plan, std::uint32_t limit) {
  if (!plan) return report(plan.error());
  if (is_json_) {
    print_line(to_json(*plan));
    return kOk;
  }
  for (const QueryStep& step : plan->steps) {
    std::string line(to_string(step.use));
    line.resize(kUseColumn, ' ');
    line += step.index.empty() ? step.condition : step.index;
    if (!step.index.empty() && !step.condition.empty()) line += "  " + step.condition;
    if (step.estimate) line += "  ~" + std::to_string(*step.estimate) + " entries";
    if (!print_line(line)) return kOk;
  }
  if (!plan->given_up.empty()) {
    print_line("after a walk over " + plan->given_up + " that was given up");
  }
  print_line(plan->is_ordered
                 ? "in the order of the index, until there are " + std::to_string(limit)
                 : "all that match, of which the first " + std::to_string(limit) + " are kept");
  print_line(std::to_string(plan->keys_read) + " keys read, " +
             std::to_string(plan->records_fetched) + " records fetched, " +
             std::to_string(plan->rows_returned) + " rows returned");
  return kOk;
}

}  // namespace callisto::tools
