#include "tests/crash/history.h"

#include <algorithm>
#include <array>
#include <random>
#include <sstream>
#include <utility>

namespace callisto::testing {
namespace {

constexpr int kSlots = 4;
constexpr const char* kSource = "crash";
constexpr std::size_t kLargeMessages = 2500;  // Above what one commit takes: staged.

std::string name(int lane, int slot) { return std::to_string(lane) + "/" + std::to_string(slot); }
UserId lane_user(int lane) { return UserId::from_external(kSource, std::to_string(lane)); }
ConversationId talk(int lane, int slot) { return ConversationId::from_external(kSource, name(lane, slot)); }

/// Absence is what an earlier removal explains.
template <class T>
Result<void> done_or_absent(const Result<T>& result) {
  if (result || result.error().code() == Code::not_found) return {};
  return result.error();
}

}  // namespace

Operation::Operation(std::uint64_t seed, int lane, std::uint64_t number) : lane_(lane) {
  std::seed_seq mixed{seed, seed >> 32, static_cast<std::uint64_t>(lane), number};
  std::mt19937 random(mixed);
  static constexpr std::array<std::pair<Kind, unsigned>, 10> kWeights = {{
      {Kind::create, 10},
      {Kind::append, 35},
      {Kind::remove_conversation, 3},
      {Kind::store_large, 1},
      {Kind::put_memory, 15},
      {Kind::remove_memory, 4},
      {Kind::replace_datum, 8},
      {Kind::append_datum, 8},
      {Kind::remove_datum, 4},
      {Kind::append_and_put, 12},
  }};
  unsigned pick = static_cast<unsigned>(random() % 100);
  kind_ = Kind::create;
  for (const auto& [kind, weight] : kWeights) {
    kind_ = kind;
    if (pick < weight) break;
    pick -= weight;
  }
  slot_ = static_cast<int>(random() % kSlots);
  content_ = std::to_string(number) + ":";
  const bool is_long = random() % 16 == 0;
  content_.append(random() % (is_long ? 30'000 : 200), 'x');
}

ConversationId Operation::conversation() const { return talk(lane_, slot_); }

std::vector<std::string> Operation::large_contents() const {
  std::vector<std::string> contents(kLargeMessages);
  for (std::size_t i = 0; i < contents.size(); ++i) {
    contents[i] = content_.substr(0, content_.find(':')) + "#" + std::to_string(i);
  }
  return contents;
}

Result<void> Operation::append(const Repositories& at) const {
  return done_or_absent(at.messages().append(
      {.conversation = conversation(), .sender = lane_user(lane_), .content = content_, .token_usage = 1}));
}

Result<void> Operation::put(const Repositories& at) const {
  auto put = at.memories().put({.category = "crash",
                                .key = std::to_string(slot_),
                                .text = content_,
                                .tags = {"lane" + std::to_string(lane_)},
                                .user = lane_user(lane_)});
  if (!put) return put.error();
  return {};
}

Result<void> Operation::store_large(const Store& store) const {
  std::vector<NewMessage> messages;
  for (const std::string& content : large_contents()) {
    NewMessage& message = messages.emplace_back();
    message.sender = lane_user(lane_);
    message.content = content;
  }
  auto stored = store.conversations().store(
      {.id = conversation(), .participants = {lane_user(lane_)}}, messages);
  if (stored || stored.error().code() == Code::already_exists) return {};
  return stored.error();
}

Result<void> Operation::run_data(const Store& store) const {
  const UserId user = lane_user(lane_);
  const std::string slot = std::to_string(slot_);
  if (kind_ == Kind::replace_datum) {
    return done_or_absent(store.user_data().replace(user, "single" + slot, content_));
  }
  if (kind_ == Kind::append_datum) {
    return done_or_absent(store.user_data().append(user, "list", content_));
  }
  return done_or_absent(store.user_data().remove_category(user, "list"));
}

Result<void> Operation::run(const Store& store) const {
  switch (kind_) {
    case Kind::create: {
      auto made = store.conversations().create(
          {.id = conversation(), .participants = {lane_user(lane_)}});
      // A conversation with messages is not what is given here.
      if (made || made.error().code() == Code::already_exists) return {};
      return made.error();
    }
    case Kind::append:
      return append(store.default_space());
    case Kind::remove_conversation:
      return done_or_absent(store.conversations().remove(conversation()));
    case Kind::store_large:
      return store_large(store);
    case Kind::put_memory:
      return put(store.default_space());
    case Kind::remove_memory: {
      auto memory = store.memories().by_name("crash", std::to_string(slot_), lane_user(lane_));
      if (!memory) return memory.error();
      if (!*memory) return {};
      return done_or_absent(store.memories().remove((*memory)->id()));
    }
    case Kind::append_and_put:
      return store.transact([&](Transaction& transaction) -> Result<void> {
        if (auto done = append(transaction); !done) return done;
        return put(transaction);
      });
    case Kind::replace_datum:
    case Kind::append_datum:
    case Kind::remove_datum:
      return run_data(store);
  }
  return {};
}

void Operation::apply(LaneState& state) const {
  const auto found = state.conversations.find(slot_);
  const bool is_there = found != state.conversations.end();
  switch (kind_) {
    case Kind::create:
      if (!is_there) state.conversations[slot_];
      return;
    case Kind::append:
      if (is_there) found->second.push_back(content_);
      return;
    case Kind::remove_conversation:
      state.conversations.erase(slot_);
      return;
    case Kind::store_large:
      if (!is_there) state.conversations[slot_] = large_contents();
      return;
    case Kind::put_memory:
      state.memories[slot_] = content_;
      return;
    case Kind::remove_memory:
      state.memories.erase(slot_);
      return;
    case Kind::append_and_put:
      if (is_there) found->second.push_back(content_);
      state.memories[slot_] = content_;
      return;
    case Kind::replace_datum:
      state.single_data[slot_] = content_;
      return;
    case Kind::append_datum:
      state.list_data.insert(std::upper_bound(state.list_data.begin(), state.list_data.end(), content_),
                             content_);
      return;
    case Kind::remove_datum:
      state.list_data.clear();
      return;
  }
}

Result<void> make_lane(const Store& store, int lane) {
  auto known = store.users().get(lane_user(lane));
  if (!known) return known.error();
  if (*known) return {};
  auto made = store.users().create(
      {.id = lane_user(lane), .platform = "crash", .platform_id = std::to_string(lane)});
  if (!made) return made.error();
  return {};
}

LaneState read_lane(const Store& store, int lane) {
  LaneState state;
  const Snapshot snapshot = store.snapshot().value();
  const UserId user = lane_user(lane);
  for (int slot = 0; slot < kSlots; ++slot) {
    if (auto whole = snapshot.conversations().whole(talk(lane, slot)).value()) {
      std::vector<std::string>& contents = state.conversations[slot];
      for (const Message& message : whole->messages) contents.emplace_back(message.content());
    }
    const std::string text = std::to_string(slot);
    if (auto memory = snapshot.memories().by_name("crash", text, user).value()) {
      state.memories[slot] = memory->text();
    }
    for (const UserDatum& datum : snapshot.user_data().values(user, "single" + text).value()) {
      state.single_data[slot] = datum.value();
    }
  }
  for (const UserDatum& datum : snapshot.user_data().values(user, "list").value()) {
    state.list_data.emplace_back(datum.value());
  }
  std::sort(state.list_data.begin(), state.list_data.end());
  return state;
}

std::string describe(const LaneState& state) {
  const auto number = [](const std::string& content) { return content.substr(0, content.find(':')); };
  std::ostringstream text;
  for (const auto& [slot, contents] : state.conversations) {
    text << "conversation " << slot << ": " << contents.size();
    if (!contents.empty()) text << ", last " << number(contents.back());
    text << '\n';
  }
  for (const auto& [slot, value] : state.memories) text << "memory " << slot << ": " << number(value) << '\n';
  for (const auto& [slot, value] : state.single_data) text << "datum " << slot << ": " << number(value) << '\n';
  for (const std::string& value : state.list_data) text << "list: " << number(value) << '\n';
  return text.str();
}

}  // namespace callisto::testing
