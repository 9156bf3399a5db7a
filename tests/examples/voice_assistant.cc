// A voice assistant: it hears a line, remembers what matters, and answers before the pause is felt.
//   voice_assistant DIRECTORY < lines     each line: PLATFORM_ID TEXT
#include <callisto/callisto.h>

#include <iostream>
#include <string>

using namespace callisto;

namespace {

/// Each call to the memory may take so long; what comes later is of no use in a talk.
const CallLimits kPatience{.deadline_ms = 2'000};

struct Speaker {
  UserId user;
  ConversationId talk;
};

/// Who speaks: found by the microphone's id, or met now. One transaction: all of it or nothing.
Result<Speaker> meet(const Space& memory, const std::string& id) {
  return memory.transact([&](Transaction& tx) -> Result<Speaker> {
    auto known = tx.users().by_platform("microphone", id);
    if (!known) return known.error();
    if (*known) {
      auto talks = tx.conversations().of_user((*known)->id(), 1);
      if (!talks) return talks.error();
      if (!talks->empty()) return Speaker{(*known)->id(), talks->front().id()};
    }
    auto user = *known ? Result<UserId>((*known)->id())
                       : tx.users().create({.platform = "microphone", .platform_id = id});
    if (!user) return user.error();
    auto talk = tx.conversations().create({.participants = {*user}});
    if (!talk) return talk.error();
    return Speaker{*user, *talk};
  });
}

/// What a language model would be given: the last messages, and what is known about the speaker.
Result<std::string> think(const Space& memory, const Speaker& speaker) {
  auto heard = memory.messages().latest(speaker.talk, 20);
  if (!heard) return heard.error();
  auto liked = memory.memories().find(
      {.tags_any = {"likes"}, .user = speaker.user, .order = MemoryOrder::priority, .limit = 5});
  if (!liked) return liked.error();
  std::string answer = "I remember " + std::to_string(heard->size()) + " lines";
  for (const Memory& fact : *liked) answer += "; you like " + std::string(fact.text());
  return answer;
}

Result<std::string> converse(const Space& memory, const std::string& id, const std::string& text) {
  auto speaker = meet(memory, id);
  if (!speaker) return speaker.error();
  const std::string likes = "I like ";
  if (text.rfind(likes, 0) == 0) {
    const std::string what = text.substr(likes.size());
    auto noted = memory.memories().put({.category = "likes",
                                        .key = what,
                                        .text = what,
                                        .tags = {"likes"},
                                        .entity_type = "thing",
                                        .entity_id = what,
                                        .user = speaker->user,
                                        .priority = 7});
    if (!noted) return noted.error();
  }
  auto answer = think(memory, *speaker);
  if (!answer) return answer.error();
  // Question and answer stand or fall together.
  auto kept = memory.transact([&](Transaction& tx) -> Result<MessageId> {
    auto question = tx.messages().append(
        {.conversation = speaker->talk, .sender = speaker->user, .content = text});
    if (!question) return question.error();
    return tx.messages().append(
        {.conversation = speaker->talk, .content = *answer, .parent = *question});
  });
  if (!kept) return kept.error();
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto store = Store::open(argv[1], {.thread_name = "voice"});
  if (!store) {
    std::cerr << store.error().to_string() << '\n';
    return 1;
  }
  const Space memory = store->with(kPatience);
  std::string id;
  std::string text;
  while (std::cin >> id && std::getline(std::cin >> std::ws, text)) {
    auto answer = converse(memory, id, text);
    // Late or failed: the talk goes on without the memory.
    std::cout << (answer ? *answer : "Sorry, I lost the thread: " + answer.error().to_string())
              << '\n';
  }
  return store->close() ? 0 : 1;
}
