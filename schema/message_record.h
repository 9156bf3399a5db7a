#pragma once

// A new message on its way into a record, without copies of its texts.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/result.h"
#include "schema/records.h"

namespace callisto::schema {

/// What fb::MessageT holds, with texts that are the caller's.
struct MessageRecord {
  fb::Stamp stamp{};
  std::vector<std::uint8_t> metadata{};
  std::string_view external_id{};
  std::string_view external_source{};
  fb::Uuid conversation{};
  std::uint64_t sequence = 0;
  std::int64_t timestamp = 0;
  std::optional<fb::Uuid> parent{};
  std::uint16_t sender_slot = 0xFFFF;
  std::string_view name{};
  std::string_view agent{};
  std::string_view role{};
  std::string_view content{};
  std::vector<std::uint8_t> parts{};
  std::string_view tool_call_id{};
  fb::MessageState state = fb::MessageState::final;
  std::string_view model{};
  flatbuffers::Optional<std::uint32_t> token_usage = flatbuffers::nullopt;
  float importance = 0.5F;
};

/// The bytes that encode<fb::Message>() gives for the same fields.
Result<std::string> encode(const MessageRecord& message);

}  // namespace callisto::schema
