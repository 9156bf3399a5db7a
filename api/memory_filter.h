#pragma once

// What a memory must be to be listed: judged on an index entry's cover first, then on the record.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/memory.h"
#include "indexes/space_state.h"
#include "schema/records.h"
#include "schema/tails.h"

namespace callisto::detail {

/// A query prepared for comparing. Query and state must outlive it.
class MemoryFilter {
 public:
  MemoryFilter(const MemoryQuery& query, const indexes::SpaceState& state, Time now);

  /// False when the value of an entry lacks a tag that must be there: the rest of it need not be
  /// read.
  bool may_admit(std::string_view value) const noexcept {
    for (const std::uint16_t hash : all_.hashes) {
      if (!schema::may_have_tag(value, hash)) return false;
    }
    return true;
  }
  /// The bits that every value has that may_admit() is true of.
  std::uint64_t signature() const noexcept {
    std::uint64_t signature = 0;
    for (const std::uint16_t hash : all_.hashes) signature |= schema::tag_signature(hash);
    return signature;
  }
  /// False when the cover says already that the memory does not match. It decides states, times,
  /// numbers and what a memory is without; hashes of tags may meet, and the rest lists decide.
  bool admits(const schema::MemoryCover& cover, std::int64_t created_at) const;
  /// Exact, with everything that the query asks for.
  bool matches(const schema::fb::Memory& memory) const;

 private:
  /// A text that is compared as NFC.
  class Spelling {
   public:
    explicit Spelling(const std::optional<std::string>& text);
    bool is_asked() const noexcept { return text_.has_value(); }
    /// True also when the query does not ask.
    bool admits(std::string_view stored) const;

   private:
    std::optional<std::string> text_;
  };
  /// Tags folded, with the hashes that covers hold.
  struct Tags {
    explicit Tags(const std::vector<std::string>& tags);
    std::vector<std::string> folded;
    std::vector<std::uint16_t> hashes;
  };

  bool matches_state(const schema::fb::Memory& memory) const;
  bool matches_texts(const schema::fb::Memory& memory) const;
  bool matches_owner(const schema::fb::Memory& memory) const;
  bool matches_numbers(const schema::fb::Memory& memory) const;
  bool matches_tags(const schema::fb::Memory& memory) const;
  bool matches_source(const schema::fb::Memory& memory) const;
  bool admits_state(bool is_active, bool is_superseded) const;
  bool admits_expiry(std::optional<std::int64_t> expires_at) const;
  bool admits_numbers(std::uint8_t priority, float importance) const;
  bool admits_times(std::int64_t created_at, std::int64_t updated_at) const;
  bool admits_tags(const schema::MemoryCover& cover) const;

  const MemoryQuery& query_;
  const indexes::SpaceState& state_;
  const std::int64_t now_;
  /// MemoryField: what a memory must have, and must not have.
  std::uint8_t needed_ = 0;
  std::uint8_t unwanted_ = 0;
  const Spelling category_, key_, entity_type_, entity_id_, type_, source_agent_, task_;
  const Spelling source_kind_, source_id_;
  const Tags all_, any_, none_;
  const bool has_texts_;
};

/// Whether a memory goes with a conversation that is being deleted, or not stored yet.
bool is_hidden(const indexes::SpaceState& state, const schema::fb::Memory& memory);

}  // namespace callisto::detail
