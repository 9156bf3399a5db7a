// The log of a chat server: many channels, read page by page, searched by sender and time.
//   chat_log DIRECTORY
#include <callisto/callisto.h>

#include <iostream>
#include <string>
#include <vector>

using namespace callisto;

namespace {

constexpr std::int64_t kMinute = 60'000'000;
constexpr Time kNoon{1'795'262'400'000'000};  // 2026-11-21T12:00:00Z

Time minutes_past_noon(std::int64_t minutes) { return Time(kNoon.micros() + minutes * kMinute); }

/// Five lines in a channel, one a minute, of two people in turn.
Result<ConversationId> fill(const Store& store, const std::string& channel,
                            const std::vector<UserId>& people, std::int64_t start) {
  auto talk =
      store.conversations().create({.title = channel, .type = "channel", .participants = people});
  if (!talk) return talk;
  for (std::size_t i = 0; i < 5; ++i) {
    auto line = store.messages().append(
        {.conversation = *talk,
         .sender = people[i % 2],
         .content = channel + " line " + std::to_string(i + 1),
         .timestamp = minutes_past_noon(start + static_cast<std::int64_t>(i))});
    if (!line) return line.error();
  }
  return talk;
}

void print(const std::string& title, const std::vector<Message>& messages) {
  std::cout << title << '\n';
  for (const Message& message : messages) std::cout << "  " << message.content() << '\n';
}

/// A channel from its newest line to its oldest, two at a time. The snapshot keeps the pages of one
/// state while others write on.
Result<void> show_pages(const Store& store, ConversationId channel) {
  auto state = store.snapshot();
  if (!state) return state.error();
  MessagePage page{.limit = 2};
  for (int number = 1;; ++number) {
    auto messages = state->messages().page(channel, page);
    if (!messages) return messages.error();
    if (messages->empty()) return {};
    print("page " + std::to_string(number), *messages);
    page.before = messages->back().id();
  }
}

Result<void> run(const std::string& directory) {
  auto store = Store::open(directory);
  if (!store) return store.error();
  std::vector<UserId> people;
  for (const char* name : {"ada", "bob"}) {
    auto user = store->users().create({.name = name, .platform = "irc", .platform_id = name});
    if (!user) return user.error();
    people.push_back(*user);
  }
  auto pies = fill(*store, "#pies", people, 0);
  if (!pies) return pies.error();
  if (auto tea = fill(*store, "#tea", people, 60); !tea) return tea.error();

  if (auto shown = show_pages(*store, *pies); !shown) return shown;
  auto said = store->messages().by_sender(people[0], {.limit = 4});
  if (!said) return said.error();
  print("ada, newest first", *said);
  auto around_one = store->messages().in_range(
      {.from = minutes_past_noon(4), .to = minutes_past_noon(62)}, {.oldest_first = true});
  if (!around_one) return around_one.error();
  print("12:04 to 13:02", *around_one);
  return store->close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const Result<void> done = run(argv[1]);
  if (!done) std::cerr << done.error().to_string() << '\n';
  return done ? 0 : 1;
}
