#include "tools/locomo.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "schema/json.h"
#include "tools/array_splitter.h"
#include "tools/json_line.h"

namespace callisto::tools {

namespace {

constexpr std::size_t kMaxSampleBytes = 256u << 20;
constexpr std::string_view kPlatform = "locomo";

Error bad(std::string field, std::string limit) {
  return Error(Code::invalid_argument, std::move(field), std::move(limit));
}

struct Session {
  unsigned number = 0;
  std::string name;  // "session_3"
  ConversationId id;
  Time time;
  JsonView turns;
};

/// One sample, checked, as the records that it becomes.
class Sample {
 public:
  static Result<Sample> read(const JsonView& object);

  Result<void> import(Importer& importer, const std::string& place) const;

 private:
  explicit Sample(JsonView object) : object_(std::move(object)) {}

  template <class IdType>
  IdType id_of(std::string_view kind, std::string_view path) const {
    return IdType::from_external(source(), std::string(kind) + "/" + std::string(path));
  }
  std::string source() const { return std::string(kPlatform) + "/" + name_; }
  UserId user_of(std::string_view speaker) const { return id_of<UserId>("user", speaker); }
  MessageId turn_of(std::string_view dia_id) const { return id_of<MessageId>("turn", dia_id); }

  Result<void> read_speakers();
  Result<void> read_sessions();
  Result<void> read_session(unsigned number, const JsonView& turns);
  Result<void> check_turn(const std::string& session, std::size_t i, const JsonView& turn) const;
  const Session* session(std::string_view name) const;

  Result<void> add_user(Importer& importer, const std::string& place, const std::string& speaker) const;
  Result<void> add_session(Importer& importer, const std::string& place, const Session& session) const;
  NewMessage message_of(const Session& session, const JsonView& turn) const;
  Result<void> add_summaries(Importer& importer, const std::string& place) const;
  Result<void> add_observations(Importer& importer, const std::string& place) const;
  Result<void> add_events(Importer& importer, const std::string& place) const;
  Result<void> add_memory(Importer& importer, const std::string& place, NewMemory memory,
                          const std::string& path) const;
  NewMemory memory_about(const std::string& kind, const std::string& session_name, std::string_view speaker,
                         std::string_view text) const;
  bool is_speaker(std::string_view name) const {
    return std::find(speakers_.begin(), speakers_.end(), name) != speakers_.end();
  }

  JsonView object_;
  std::string name_;
  std::vector<std::string> speakers_;
  std::vector<Session> sessions_;
};

std::optional<unsigned> number_after(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix) || text.size() == prefix.size() || text.size() > prefix.size() + 6) {
    return std::nullopt;
  }
  unsigned number = 0;
  for (char c : text.substr(prefix.size())) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number;
}

Result<Sample> Sample::read(const JsonView& object) {
  Sample sample(object);
  const auto name = object["sample_id"].as_string();
  if (!name || name->empty()) return bad("sample_id", "a string that is not empty");
  sample.name_ = *name;
  if (object["conversation"].kind() != JsonKind::object) return bad("conversation", "an object");
  if (auto done = sample.read_speakers(); !done) return std::move(done).error();
  if (auto done = sample.read_sessions(); !done) return std::move(done).error();
  return sample;
}

Result<void> Sample::read_speakers() {
  for (const char* member : {"speaker_a", "speaker_b"}) {
    const auto name = object_["conversation"][member].as_string();
    if (!name || name->empty()) return bad(std::string("conversation.") + member, "a name");
    speakers_.emplace_back(*name);
  }
  return {};
}

Result<void> Sample::read_sessions() {
  const JsonView conversation = object_["conversation"];
  for (std::string_view member : conversation.names()) {
    const auto number = number_after(member, "session_");
    // A date without turns is no session.
    if (!number) continue;
    if (auto done = read_session(*number, conversation[member]); !done) return done;
  }
  std::sort(sessions_.begin(), sessions_.end(),
            [](const Session& a, const Session& b) { return a.number < b.number; });
  return {};
}

Result<void> Sample::read_session(unsigned number, const JsonView& turns) {
  const std::string name = "session_" + std::to_string(number);
  const std::string field = "conversation." + name;
  if (turns.kind() != JsonKind::array) return bad(field, "an array of turns");
  const auto date = object_["conversation"][name + "_date_time"].as_string();
  const auto time = date ? parse_locomo_time(*date) : std::nullopt;
  if (!time) return bad(field + "_date_time", "a time such as 1:56 pm on 8 May, 2023");
  for (std::size_t i = 0; i < turns.size(); ++i) {
    if (auto done = check_turn(field, i, turns[i]); !done) return done;
  }
  sessions_.push_back({number, name, id_of<ConversationId>("conversation", name), *time, turns});
  return {};
}

Result<void> Sample::check_turn(const std::string& session, std::size_t i, const JsonView& turn) const {
  const std::string field = session + "[" + std::to_string(i) + "]";
  const auto speaker = turn["speaker"].as_string();
  if (!speaker || !is_speaker(*speaker)) return bad(field + ".speaker", "speaker_a or speaker_b");
  const auto dia_id = turn["dia_id"].as_string();
  if (!dia_id || dia_id->empty()) return bad(field + ".dia_id", "a string that is not empty");
  if (!turn["text"].as_string()) return bad(field + ".text", "a string");
  return {};
}

const Session* Sample::session(std::string_view name) const {
  const auto it = std::find_if(sessions_.begin(), sessions_.end(),
                               [&](const Session& each) { return each.name == name; });
  return it == sessions_.end() ? nullptr : &*it;
}

Result<void> Sample::import(Importer& importer, const std::string& place) const {
  for (const std::string& speaker : speakers_) {
    if (auto done = add_user(importer, place, speaker); !done) return done;
  }
  for (const Session& session : sessions_) {
    if (auto done = add_session(importer, place, session); !done) return done;
  }
  if (auto done = add_summaries(importer, place); !done) return done;
  if (auto done = add_observations(importer, place); !done) return done;
  return add_events(importer, place);
}

Result<void> Sample::add_user(Importer& importer, const std::string& place,
                              const std::string& speaker) const {
  NewUser user;
  user.id = user_of(speaker);
  user.name = speaker;
  user.platform = kPlatform;
  user.platform_id = name_ + "/" + speaker;
  user.username = speaker;
  Time first = sessions_.empty() ? Time() : sessions_.front().time;
  Time last = first;
  for (const Session& session : sessions_) {
    first = std::min(first, session.time);
    last = std::max(last, session.time);
  }
  user.created_at = first;
  user.last_seen = last;
  user.origin = Origin{first, 1};
  return importer.add({"", std::move(user)}, place + ", speaker", speaker.size());
}

NewMessage Sample::message_of(const Session& session, const JsonView& turn) const {
  NewMessage message;
  const std::string dia_id(*turn["dia_id"].as_string());
  message.id = turn_of(dia_id);
  message.sender = user_of(*turn["speaker"].as_string());
  message.role = Role::user;
  message.content = *turn["text"].as_string();
  message.timestamp = session.time;
  message.created_at = session.time;
  message.origin = Origin{session.time, 1};
  message.external_id = dia_id;
  message.external_source = source();
  JsonLine metadata;
  for (const char* member : {"blip_caption", "img_url", "query", "re-download"}) {
    metadata.json_if(member, turn[member]);
  }
  if (metadata.str() != "{}") message.metadata = metadata.str();
  return message;
}

Result<void> Sample::add_session(Importer& importer, const std::string& place,
                                 const Session& session) const {
  NewConversation conversation;
  conversation.id = session.id;
  conversation.title = name_ + ", session " + std::to_string(session.number);
  for (const std::string& speaker : speakers_) conversation.participants.push_back(user_of(speaker));
  conversation.created_at = session.time;
  conversation.origin = Origin{session.time, 1};
  conversation.external_id = session.name;
  conversation.external_source = source();
  std::vector<NewMessage> messages;
  for (std::size_t i = 0; i < session.turns.size(); ++i) {
    messages.push_back(message_of(session, session.turns[i]));
  }
  return importer.add_conversation(conversation, messages, place + ", " + session.name);
}

NewMemory Sample::memory_about(const std::string& kind, const std::string& session_name,
                               std::string_view speaker, std::string_view text) const {
  NewMemory memory;
  memory.category = kind;
  memory.key = name_ + "/" + session_name;
  memory.type = kind;
  memory.text = text;
  memory.tags = {kind == "session_summary" ? "summary" : kind, session_name};
  if (const Session* from = session(session_name)) {
    memory.conversation = from->id;
    memory.created_at = from->time;
  }
  if (!speaker.empty()) {
    memory.tags.emplace_back(speaker);
    memory.entity_type = "person";
    memory.entity_id = speaker;
    memory.user = user_of(speaker);
  }
  return memory;
}

Result<void> Sample::add_memory(Importer& importer, const std::string& place, NewMemory memory,
                                const std::string& path) const {
  memory.id = id_of<MemoryId>("memory", path);
  if (memory.sources.empty() && memory.conversation) {
    memory.sources.push_back({"conversation", memory.conversation->to_string()});
  }
  if (!memory.created_at) memory.created_at = sessions_.empty() ? Time() : sessions_.front().time;
  memory.origin = Origin{*memory.created_at, 1};
  memory.external_id = path.size() <= 64 ? path : std::string();
  if (!memory.external_id.empty()) memory.external_source = source();
  const std::size_t bytes = memory.text.size();
  return importer.add({"", std::move(memory)}, place + ", " + path, bytes);
}

Result<void> Sample::add_summaries(Importer& importer, const std::string& place) const {
  for (const Session& each : sessions_) {
    const JsonView text = object_["session_summary"][each.name + "_summary"];
    if (!text) continue;
    if (!text.as_string()) {
      importer.refuse(place, bad("session_summary." + each.name + "_summary", "a string"));
      continue;
    }
    NewMemory memory = memory_about("session_summary", each.name, "", *text.as_string());
    if (auto done = add_memory(importer, place, std::move(memory), "summary/" + each.name); !done) return done;
  }
  return {};
}

/// The turns that an observation names: one, or an array.
std::vector<std::string_view> dia_ids_of(const JsonView& named) {
  std::vector<std::string_view> ids;
  if (auto one = named.as_string()) ids.push_back(*one);
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (auto one = named[i].as_string()) ids.push_back(*one);
  }
  return ids;
}

Result<void> Sample::add_observations(Importer& importer, const std::string& place) const {
  for (const Session& each : sessions_) {
    const JsonView by_speaker = object_["observation"][each.name + "_observation"];
    for (std::string_view speaker : by_speaker.names()) {
      const JsonView list = by_speaker[speaker];
      for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string path =
            "observation/" + each.name + "/" + std::string(speaker) + "/" + std::to_string(i);
        const auto text = list[i][std::size_t{0}].as_string();
        if (!text || !is_speaker(speaker)) {
          importer.refuse(place, bad(path, "[sentence, dia_id] of a speaker"));
          continue;
        }
        NewMemory memory = memory_about("observation", each.name, speaker, *text);
        for (std::string_view dia_id : dia_ids_of(list[i][std::size_t{1}])) {
          memory.sources.push_back({"message", turn_of(dia_id).to_string()});
        }
        memory.value = JsonLine().json_if("dia_id", list[i][std::size_t{1}]).str();
        if (auto done = add_memory(importer, place, std::move(memory), path); !done) return done;
      }
    }
  }
  return {};
}

Result<void> Sample::add_events(Importer& importer, const std::string& place) const {
  const JsonView events = object_["event_summary"];
  for (std::string_view member : events.names()) {
    const auto number = number_after(member, "events_session_");
    if (!number) continue;
    const std::string session_name = "session_" + std::to_string(*number);
    const auto date = events[member]["date"].as_string();
    const auto time = date ? parse_locomo_time(*date) : std::nullopt;
    for (const std::string& speaker : speakers_) {
      const JsonView list = events[member][speaker];
      for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string path = "event/" + session_name + "/" + speaker + "/" + std::to_string(i);
        if (!list[i].as_string()) {
          importer.refuse(place, bad(path, "a string"));
          continue;
        }
        NewMemory memory = memory_about("event", session_name, speaker, *list[i].as_string());
        if (time) memory.created_at = *time;
        if (date) memory.value = JsonLine().text("date", *date).str();
        if (auto done = add_memory(importer, place, std::move(memory), path); !done) return done;
      }
    }
  }
  return {};
}

Result<Sample> read_sample(const std::string& text) {
  auto flex = schema::json_line_to_flex(text, kMaxSampleBytes);
  if (!flex) return std::move(flex).error();
  const Bytes bytes = Bytes::copy_of({reinterpret_cast<const char*>(flex->data()), flex->size()});
  return Sample::read(JsonView(bytes, bytes.data(), bytes.size()));
}

}  // namespace

std::optional<Time> parse_locomo_time(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths{
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  int hour = 0;
  int minute = 0;
  int day = 0;
  int year = 0;
  char half[3] = "am";
  char month[16] = "";
  const std::string copy(text);
  int end = 0;
  const bool has_clock = std::sscanf(copy.c_str(), "%2d:%2d %2s on %2d %15[A-Za-z], %4d%n", &hour, &minute,
                                     half, &day, month, &year, &end) == 6;
  if (!has_clock && std::sscanf(copy.c_str(), "%2d %15[A-Za-z], %4d%n", &day, month, &year, &end) != 3) {
    return std::nullopt;
  }
  const std::string_view part(half);
  const auto found = std::find(kMonths.begin(), kMonths.end(), month);
  const bool is_clock_ok = !has_clock || (hour >= 1 && hour <= 12 && minute >= 0 && minute <= 59 &&
                                          (part == "am" || part == "pm"));
  if (static_cast<std::size_t>(end) != copy.size() || found == kMonths.end() || !is_clock_ok) {
    return std::nullopt;
  }
  hour = has_clock ? hour % 12 + (part == "pm" ? 12 : 0) : 0;
  if (!has_clock) minute = 0;  // The failed reading of a clock has taken the day for an hour.
  char iso[40];
  std::snprintf(iso, sizeof iso, "%04d-%02d-%02dT%02d:%02d:00Z", year,
                static_cast<int>(found - kMonths.begin()) + 1, day, hour, minute);
  return Time::parse(iso);
}

Result<void> import_locomo(std::istream& input, Importer& importer, bool dry_run) {
  ArraySplitter splitter(input, kMaxSampleBytes);
  std::string text;
  for (std::uint64_t number = 1;; ++number) {
    auto more = splitter.next(text);
    const std::string place = "sample " + std::to_string(number);
    if (!more) {
      importer.refuse(place, more.error());
      break;
    }
    if (!*more) break;
    auto sample = read_sample(text);
    if (!sample) {
      importer.refuse(place, sample.error());
    } else if (!dry_run) {
      if (auto done = sample->import(importer, place); !done) return done;
    }
  }
  return importer.flush();
}

}  // namespace callisto::tools
