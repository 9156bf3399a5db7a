// Somebody else's program: the main job in a few lines, against the installed headers only.
//   consumer STORE_DIRECTORY     (a directory that is not there yet)
#include <callisto/callisto.h>

#include <iostream>
#include <string>

namespace {

using callisto::ConversationId;
using callisto::Message;
using callisto::Result;
using callisto::Store;
using callisto::Transaction;
using callisto::UserId;

// One talk of two messages, as one transaction.
Result<ConversationId> have_dinner(const Store& store, UserId user) {
  return store.transact([&](Transaction& tx) -> Result<ConversationId> {
    auto talk = tx.conversations().create({.title = "Dinner", .participants = {user}});
    if (!talk) return talk.error();
    if (auto asked = tx.messages().append({.conversation = *talk,
                                           .sender = user,
                                           .role = callisto::Role::user,
                                           .content = "Pie, please."});
        !asked) {
      return asked.error();
    }
    if (auto told = tx.messages().append({.conversation = *talk, .content = "Coming up."}); !told) {
      return told.error();
    }
    return *talk;
  });
}

Result<ConversationId> write(const std::string& directory) {
  auto store = Store::open(directory);
  if (!store) return store.error();
  auto user = store->users().create(
      {.name = "Reece", .platform = "discord", .platform_id = "195791341739966464"});
  if (!user) return user.error();
  if (auto food = store->user_data().append(*user, "favourite_foods", "pies"); !food) {
    return food.error();
  }
  auto talk = have_dinner(*store, *user);
  if (!talk) return talk.error();
  auto memory = store->memories().put({.category = "food",
                                       .key = "dinner",
                                       .value = R"({"text": "Reece likes pies."})",
                                       .tags = {"food", "pies"},
                                       .user = *user});
  if (!memory) return memory.error();
  if (auto closed = store->close(); !closed) return closed.error();
  return *talk;
}

// What a later start of the program finds; false when it is not what was written.
Result<bool> read(const std::string& directory, ConversationId talk) {
  auto store = Store::open(directory, {.mode = callisto::OpenMode::existing});
  if (!store) return store.error();
  auto user = store->users().by_platform("discord", "195791341739966464");
  if (!user) return user.error();
  if (!*user) return false;
  auto foods = store->user_data().values((*user)->id(), "favourite_foods");
  if (!foods) return foods.error();
  auto memories = store->memories().find({.tags_all = {"pies"}});
  if (!memories) return memories.error();
  auto messages = store->messages().latest(talk, 20);
  if (!messages) return messages.error();
  for (const Message& message : *messages) {
    std::cout << message.role() << ": " << message.content() << '\n';
  }
  auto stats = store->stats();
  if (!stats) return stats.error();
  const std::string metrics = callisto::prometheus_text(*stats, {{"store", "dinner"}});
  if (metrics.find("callisto_calls_total{store=\"dinner\",call=\"messages.latest\"} 1\n") ==
      std::string::npos) {
    return false;
  }
  return foods->size() == 1 && foods->front().value() == "pies" && memories->size() == 1 &&
         memories->front().text() == "Reece likes pies." && messages->size() == 2 &&
         messages->front().content() == "Coming up." && messages->back().sender() == (*user)->id();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: consumer STORE_DIRECTORY\n";
    return 2;
  }
  const std::string directory = argv[1];
  auto talk = write(directory);
  if (!talk) {
    std::cerr << "consumer: " << talk.error().to_string() << '\n';
    return 1;
  }
  auto same = read(directory, *talk);
  if (!same) {
    std::cerr << "consumer: " << same.error().to_string() << '\n';
    return 1;
  }
  if (!*same) {
    std::cerr << "consumer: what was read is not what was written\n";
    return 1;
  }
  // Errors are values, in static and shared builds alike.
  auto refused = Store::open(directory).value().users().create({.name = std::string(101, 'x')});
  if (refused || refused.error().code() != callisto::Code::invalid_argument) {
    std::cerr << "consumer: an over-long name was taken\n";
    return 1;
  }
  return 0;
}
