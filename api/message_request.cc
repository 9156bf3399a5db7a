#include "api/message_request.h"

#include <limits>
#include <utility>

#include "schema/text.h"

namespace callisto::detail {

namespace {

std::optional<std::string> nfc_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return schema::nfc(*text);
}

/// Rises with the importance, which is not negative; -0 is 0.
std::uint32_t bits_of(float importance) {
  return importance == 0 ? 0 : std::bit_cast<std::uint32_t>(importance);
}

}  // namespace

// MessageFilter ---------------------------------------------------------------------------------

MessageFilter::MessageFilter(const MessageQuery& query)
    : query_(query), role_(nfc_of(query.role)), agent_(nfc_of(query.agent)) {}

bool MessageFilter::admits_time(std::int64_t timestamp) const {
  const TimeRange& range = query_.time;
  return (!range.from || range.from->micros() <= timestamp) &&
         (!range.to || timestamp < range.to->micros());
}

bool MessageFilter::admits_importance(float importance) const {
  return (!query_.min_importance || importance >= *query_.min_importance) &&
         (!query_.max_importance || importance <= *query_.max_importance);
}

bool MessageFilter::admits(const schema::MessageCover& cover) const {
  return admits_importance(cover.importance) && (!role_ || cover.role == *role_) &&
         (!agent_ || cover.agent == *agent_) &&
         (!query_.state || static_cast<std::uint8_t>(*query_.state) == cover.state);
}

bool MessageFilter::matches(const schema::fb::Message& message) const {
  return admits_time(message.timestamp()) && admits_importance(message.importance()) &&
         (!role_ || schema::nfc(schema::text(message.role())) == *role_) &&
         (!agent_ || schema::nfc(schema::text(message.agent())) == *agent_) &&
         (!query_.state ||
          static_cast<std::uint8_t>(*query_.state) == static_cast<std::uint8_t>(message.state()));
}

// Places ----------------------------------------------------------------------------------------

std::string place_in_conversation(const MessagePlaceParts& place, MessageOrder order) {
  schema::KeyWriter bytes{std::string()};
  if (order == MessageOrder::importance) bytes.importance_down(place.importance);
  bytes.time_down(place.at.order.timestamp).u64_down(place.at.order.sequence);
  return std::move(bytes).take();
}

std::optional<MessagePlaceParts> parse_in_conversation(std::string_view bytes, MessageOrder order,
                                                       const ConversationId& conversation) {
  schema::KeyReader reader(bytes);
  MessagePlaceParts place;
  place.at.conversation = conversation;
  if (order == MessageOrder::importance) place.importance = reader.importance_down();
  place.at.order.timestamp = reader.time_down();
  place.at.order.sequence = reader.u64_down();
  if (!reader.at_end()) return std::nullopt;
  return place;
}

std::string place_among_all(const MessagePlaceParts& place, MessageOrder order) {
  schema::KeyWriter bytes{std::string()};
  if (order == MessageOrder::importance) bytes.u32(bits_of(place.importance));
  bytes.time(place.at.order.timestamp).id(place.at.conversation).u64(place.at.order.sequence);
  return std::move(bytes).take();
}

std::optional<MessagePlaceParts> parse_among_all(std::string_view bytes, MessageOrder order) {
  schema::KeyReader reader(bytes);
  MessagePlaceParts place;
  if (order == MessageOrder::importance) place.importance = std::bit_cast<float>(reader.u32());
  place.at.order.timestamp = reader.time();
  place.at.conversation = reader.id<ConversationId>();
  place.at.order.sequence = reader.u64();
  if (!reader.at_end()) return std::nullopt;
  return place;
}

std::string page_cursor(std::uint64_t fingerprint, MessageOrder order,
                        const MessagePlaceParts& place) {
  schema::PageToken token;
  token.query = fingerprint;
  token.order = static_cast<std::uint8_t>(order);
  if (order == MessageOrder::importance) token.values.push_back(bits_of(place.importance));
  token.values.push_back(place.at.order.timestamp);
  token.values.push_back(static_cast<std::int64_t>(place.at.order.sequence));
  token.id = place.at.conversation.bytes();
  return schema::encode(token);
}

Result<std::optional<MessagePlaceParts>> place_after(std::string_view cursor,
                                                     std::uint64_t fingerprint,
                                                     MessageOrder order) {
  const bool has_importance = order == MessageOrder::importance;
  auto token =
      parse_cursor(cursor, fingerprint, static_cast<std::uint8_t>(order), has_importance ? 3 : 2);
  if (!token) return std::move(token).error();
  if (!*token) return std::optional<MessagePlaceParts>();
  const std::vector<std::int64_t>& values = (*token)->values;
  MessagePlaceParts place;
  if (has_importance) {
    place.importance = std::bit_cast<float>(static_cast<std::uint32_t>(values.front()));
  }
  place.at.conversation = ConversationId((*token)->id);
  place.at.order = {values[values.size() - 2], static_cast<std::uint64_t>(values.back())};
  return std::optional<MessagePlaceParts>(place);
}

std::uint64_t fingerprint_of(const MessageQuery& query, SpaceNumber space) {
  NormalForm form(space, "messages");
  const auto id = [&](const auto& asked) {
    form.number(asked ? 1 : 0).text(asked ? asked->view() : std::string_view());
  };
  const auto importance = [&](const std::optional<float>& asked) {
    form.number(asked ? std::int64_t{bits_of(*asked)} + 1 : 0);
  };
  id(query.conversation);
  id(query.sender);
  form.text(nfc_of(query.role)).text(nfc_of(query.agent));
  form.number(query.state ? static_cast<std::int64_t>(*query.state) + 1 : 0);
  form.range(query.time);
  importance(query.min_importance);
  importance(query.max_importance);
  form.number(static_cast<std::int64_t>(query.order)).number(query.oldest_first ? 1 : 0);
  return form.fingerprint();
}

}  // namespace callisto::detail
