#pragma once

// Inside of the catalogue: what makes a key a row's, and bytes a record.

#include <string_view>

#include "indexes/catalogue.h"
#include "schema/records.h"

namespace callisto::indexes::rows {

// Whether a key that starts with S X of the table has the form of its rows' keys.
bool is_user(std::string_view key);
bool is_user_tail(std::string_view key);
bool is_identity(std::string_view key);
bool is_datum(std::string_view key);
bool is_conversation(std::string_view key);
bool is_conversation_tail(std::string_view key);
bool is_message(std::string_view key);
bool is_memory(std::string_view key);

// Whether bytes, aligned to 8, are a record.
template <class Table>
bool is_intact(std::string_view bytes) {
  return schema::is_intact<Table>(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                  bytes.size());
}
bool is_intact_user_tail(std::string_view bytes);
bool is_intact_conversation_tail(std::string_view bytes);

// Whether a record names the key that it lies at: bytes of another row would decode, and mislead.
bool is_user_at_home(const Row& row);
bool is_identity_at_home(const Row& row);
bool is_datum_at_home(const Row& row);
bool is_conversation_at_home(const Row& row);
bool is_message_at_home(const Row& row);
bool is_memory_at_home(const Row& row);

}  // namespace callisto::indexes::rows
