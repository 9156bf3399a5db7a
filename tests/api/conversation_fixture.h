#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/api/memory_fixture.h"

namespace callisto::testing {

/// The store of MemoryTest, with two users and shorthands for conversations and messages.
class ConversationTest : public MemoryTest {
 protected:
  Conversations conversations() const { return store_.conversations(); }
  Messages messages() const { return store_.messages(); }

  ConversationId talk(const NewConversation& conversation) {
    return conversations().create(conversation).value();
  }
  Conversation read(ConversationId id) { return conversations().get(id).value().value(); }
  MessageId say(const NewMessage& message) { return messages().append(message).value(); }
  Message message(MessageId id) { return messages().get(id).value().value(); }

  template <class View>
  static auto ids(const std::vector<View>& views) {
    std::vector<decltype(views.front().id())> found;
    for (const View& view : views) found.push_back(view.id());
    return found;
  }
  static std::vector<std::string> texts(const std::vector<Message>& found) {
    std::vector<std::string> texts;
    for (const Message& each : found) texts.emplace_back(each.content());
    return texts;
  }
  bool verifies() {
    auto report = store_.verify();
    return report && report->ok;
  }

  const UserId reece_ = make_user("Reece");
  const UserId ada_ = make_user("Ada");
};

inline std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace callisto::testing
