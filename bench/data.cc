#include "bench/data.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace callisto::bench {

namespace {

constexpr std::uint64_t kUserKind = 1;
constexpr std::uint64_t kConversationKind = 2;
constexpr std::uint64_t kMessageKind = 3;
constexpr std::uint64_t kMemoryKind = 4;
constexpr std::uint64_t kTagKind = 5;
constexpr std::uint64_t kValueKind = 6;
constexpr std::uint64_t kLaterDatumKind = 7;

constexpr std::size_t kWords = 100'000;
constexpr std::size_t kTags = 5'000;
constexpr std::size_t kDataRows = 18;  // of list categories
constexpr std::size_t kMemoriesOfEntity = 20;
constexpr std::size_t kMinuteMicros = 60'000'000;

/// 2024-01-01; the data spans the time up to about a year later at full size.
constexpr std::int64_t kEpoch = 1'704'067'200'000'000;
constexpr Time kLongAgo{1'577'836'800'000'000};   // 2020: has expired
constexpr Time kLater{1'767'225'600'000'000};     // 2026: after everything that is loaded
constexpr Time kFarAhead{4'102'444'800'000'000};  // 2100: has not

Time after(std::size_t micros) { return Time(kEpoch + static_cast<std::int64_t>(micros)); }

std::size_t scaled(double scale, std::size_t full) {
  return std::max<std::size_t>(
      1, static_cast<std::size_t>(std::llround(scale * static_cast<double>(full))));
}

/// The word of a rank: short ones are common, as in a language.
void add_word(std::string& text, std::size_t rank) {
  do {
    text += static_cast<char>('a' + rank % 26);
    rank /= 26;
  } while (rank > 0);
}

std::string numbered(std::string_view name, std::size_t n) {
  return std::string(name) + std::to_string(n);
}

}  // namespace

Counts Counts::at_scale(double scale) {
  Counts counts;
  counts.users = scaled(scale, 10'400);
  counts.merge_pairs = std::min(scaled(scale, 400), counts.users / 2);
  counts.long_conversations = scaled(scale, 100);
  counts.conversations = scaled(scale, 102'000) + counts.long_conversations;
  counts.memories = scaled(scale, 1'000'000);
  counts.entities = std::max<std::size_t>(1, counts.memories / kMemoriesOfEntity);
  return counts;
}

std::size_t Counts::messages() const noexcept {
  return short_conversations() * kShortMessages + long_conversations * kLongMessages;
}

Data::Data(std::uint64_t seed, double scale)
    : seed_(seed), counts_(Counts::at_scale(scale)), words_(kWords, 1), tags_(kTags, 1) {}

/// A version 7 UUID, as the store would make one at that time.
UuidBytes Data::id(std::uint64_t kind, std::uint64_t n, std::uint64_t i, Time created) const {
  UuidBytes bytes{};
  const std::uint64_t high = mix(mix(seed_, kind), n, i);
  const std::uint64_t low = mix(high, kind, n);
  const auto millis = static_cast<std::uint64_t>(created.micros() / 1000);
  for (std::size_t b = 0; b < 6; ++b) {
    bytes[b] = static_cast<std::uint8_t>(millis >> (8 * (5 - b)));
  }
  bytes[6] = static_cast<std::uint8_t>(0x70 | (high & 0x0f));
  bytes[7] = static_cast<std::uint8_t>(high >> 8);
  for (std::size_t b = 0; b < 8; ++b) bytes[8 + b] = static_cast<std::uint8_t>(low >> (8 * b));
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
  return bytes;
}

UserId Data::user_id(std::size_t n) const { return UserId(id(kUserKind, n, 0, after(n * 1000))); }

ConversationId Data::conversation_id(std::size_t n) const {
  return ConversationId(id(kConversationKind, n, 0, conversation_created_at(n)));
}

MemoryId Data::memory_id(std::size_t n) const {
  return MemoryId(id(kMemoryKind, n, 0, memory_created_at(n)));
}

Time Data::conversation_created_at(std::size_t n) const {
  return after(n * 5 * kMinuteMicros + 17);
}

Time Data::memory_created_at(std::size_t n) const { return after(n * 31'000'000 + 29); }

void Data::add_words(std::string& text, std::size_t bytes, Random& random) const {
  while (true) {
    add_word(text, words_(random));
    if (text.size() >= bytes) return;
    text += ' ';
  }
}

// Users -------------------------------------------------------------------------------------------

std::size_t Data::identity_count(std::size_t user) const {
  return 1 + random(kUserKind, user, 1).below(3);
}

std::string Data::platform(std::size_t, std::size_t identity) const {
  static constexpr std::string_view kPlatforms[] = {"discord", "telegram", "phone"};
  return std::string(kPlatforms[identity % std::size(kPlatforms)]);
}

std::string Data::platform_id(std::size_t user, std::size_t identity) const {
  return std::to_string(mix(seed_, user, identity + 7) % 1'000'000'000'000) + std::to_string(user);
}

UserItem Data::user(std::size_t n) const {
  Random random = this->random(kUserKind, n);
  UserItem item;
  item.user.id = user_id(n);
  item.user.platform = platform(n, 0);
  item.user.platform_id = platform_id(n, 0);
  item.user.username = numbered("user_", n);
  item.user.preferences = R"({"language":"en","voice":")" + numbered("v", random.below(9)) + "\"}";
  item.user.created_at = after(n * 1000);
  for (std::size_t i = 1; i < identity_count(n); ++i) {
    NewIdentity identity;
    identity.platform = platform(n, i);
    identity.platform_id = platform_id(n, i);
    identity.username = numbered("user_", n);
    identity.created_at = after(n * 1000 + i);
    item.more_identities.push_back(std::move(identity));
  }
  for (std::size_t i = 0; i < kDataRows; ++i) {
    NewDatum datum;
    datum.category = list_category(i % kListCategories);
    datum.value = std::to_string(i) + ' ';
    add_words(datum.value, 24, random);
    datum.created_at = after(n * 1000 + i);
    item.data.push_back(std::move(datum));
  }
  for (std::size_t i = 0; i < kSingleCategories; ++i) {
    NewDatum datum;
    datum.category = single_category(i);
    add_words(datum.value, 24, random);
    datum.created_at = after(n * 1000 + i);
    item.single_data.push_back(std::move(datum));
  }
  return item;
}

NewDatum Data::later_datum(std::size_t user, std::string category, std::size_t i) const {
  Random random = this->random(kLaterDatumKind, user, i);
  NewDatum datum;
  datum.category = std::move(category);
  datum.value = std::to_string(i) + ' ';
  add_words(datum.value, 24, random);
  datum.created_at = Time(kLater.micros() + static_cast<std::int64_t>(i));
  return datum;
}

std::string Data::list_category(std::size_t i) { return numbered("topic_", i); }

std::string Data::single_category(std::size_t i) { return numbered("setting_", i); }

// Conversations -----------------------------------------------------------------------------------

bool Data::is_long(std::size_t conversation) const noexcept {
  return conversation >= counts_.short_conversations() && conversation < counts_.conversations;
}

bool Data::is_processed(std::size_t conversation) const {
  return conversation < counts_.conversations &&
         random(kConversationKind, conversation, 1).below(10) != 0;
}

std::size_t Data::message_count(std::size_t conversation) const noexcept {
  return is_long(conversation) ? kLongMessages : kShortMessages;
}

std::vector<UserId> Data::participants(std::size_t conversation) const {
  Random random = this->random(kConversationKind, conversation, 2);
  const std::size_t first = random.below(counts_.users);
  std::size_t second = random.below(counts_.users);
  if (second == first) second = (first + 1) % counts_.users;
  if (second == first) return {user_id(first)};
  return {user_id(first), user_id(second)};
}

NewMessage Data::message(std::size_t conversation, std::size_t i) const {
  Random random(mix(mix(seed_, kMessageKind), conversation, i));
  const bool from_user = i % 2 == 0;
  const std::int64_t start = conversation_created_at(conversation).micros();
  NewMessage message;
  message.timestamp = Time(start + static_cast<std::int64_t>((i + 1) * 4'000'000));
  message.id = MessageId(id(kMessageKind, conversation, i, *message.timestamp));
  message.conversation = conversation_id(conversation);
  if (from_user) message.sender = participants(conversation).front();
  message.role = from_user ? "user" : "assistant";
  // Log-normal with a median of 120 bytes, by Box and Muller.
  const double radius = std::sqrt(-2 * std::log(1 - random.fraction()));
  const double normal = radius * std::cos(2 * 3.14159265358979323846 * random.fraction());
  const double bytes = std::min(120 * std::exp(0.7 * normal), 20'000.0);
  add_words(message.content, static_cast<std::size_t>(bytes), random);
  if (!from_user) message.token_usage = static_cast<std::uint32_t>(message.content.size() / 4);
  return message;
}

ConversationItem Data::conversation(std::size_t n) const {
  Random random = this->random(kConversationKind, n);
  ConversationItem item;
  item.header.id = conversation_id(n);
  add_words(item.header.title, 30, random);
  item.header.participants = participants(n);
  item.header.owner = item.header.participants.front();
  item.header.model = "small-1";
  item.header.is_processed = is_processed(n);
  item.header.created_at = conversation_created_at(n);
  item.messages.reserve(message_count(n));
  for (std::size_t i = 0; i < message_count(n); ++i) item.messages.push_back(message(n, i));
  return item;
}

// Memories ----------------------------------------------------------------------------------------

std::string Data::tag(std::size_t rank) { return numbered("tag-", rank); }

std::string Data::entity_type(std::size_t entity) { return numbered("kind", entity % 5); }

std::string Data::entity_id(std::size_t entity) { return numbered("entity-", entity); }

UserId Data::memory_user(std::size_t n) const {
  Random random = this->random(kMemoryKind, n, 1);
  return random.below(2) == 0 ? UserId() : user_id(random.below(counts_.users));
}

std::vector<std::string> Data::memory_tags(std::size_t n, std::uint64_t variant) const {
  Random random = this->random(kTagKind, n, variant);
  std::vector<std::string> tags;
  while (tags.size() < 3) {
    std::string fresh = tag(tags_(random));
    if (std::find(tags.begin(), tags.end(), fresh) == tags.end()) tags.push_back(std::move(fresh));
  }
  return tags;
}

std::string Data::memory_value(std::size_t n, std::uint64_t variant) const {
  Random random = this->random(kValueKind, n, variant);
  std::string note;
  add_words(note, 130, random);
  return R"({"note":")" + note + R"(","score":)" + std::to_string(random.below(1000)) +
         R"(,"from":"chat","seen":[1,2,3]})";
}

NewMemory Data::memory(std::size_t n) const {
  Random random = this->random(kMemoryKind, n);
  const std::size_t entity = random.below(counts_.entities);
  NewMemory memory;
  memory.id = memory_id(n);
  memory.category = numbered("category-", random.below(50));
  memory.key = numbered("key-", n);
  memory.type = numbered("type", random.below(4));
  memory.value = memory_value(n);
  memory.tags = memory_tags(n);
  memory.entity_type = entity_type(entity);
  memory.entity_id = entity_id(entity);
  memory.user = memory_user(n);
  memory.source_agent = numbered("agent-", random.below(5));
  memory.priority = static_cast<std::uint8_t>(1 + random.below(10));
  memory.created_at = memory_created_at(n);
  const std::size_t expiry = random.below(20);
  if (expiry == 0) memory.expires_at = kLongAgo;
  if (expiry > 0 && expiry < 4) memory.expires_at = kFarAhead;
  return memory;
}

}  // namespace callisto::bench
