#include "indexes/fields.h"

#include <tuple>

#include "indexes/catalogue.h"
#include "schema/records.h"

namespace callisto::indexes {

namespace {

namespace fb = schema::fb;
using schema::text;

/// An id that is not there is a nil one.
bool is_same(const fb::Uuid* a, const fb::Uuid* b) {
  return schema::from_fb<UserId>(a) == schema::from_fb<UserId>(b);
}

bool is_nil(const fb::Uuid* id) { return schema::from_fb<UserId>(id).is_nil(); }

template <class Element, class Same>
bool is_same(const flatbuffers::Vector<Element>* a, const flatbuffers::Vector<Element>* b,
             Same&& same) {
  const flatbuffers::uoffset_t size = a == nullptr ? 0 : a->size();
  if (size != (b == nullptr ? 0 : b->size())) return false;
  for (flatbuffers::uoffset_t i = 0; i < size; ++i) {
    if (!same(*a->Get(i), *b->Get(i))) return false;
  }
  return true;
}

/// Collects the fields that differ.
class Differences {
 public:
  void add(FieldSet fields, bool differs) {
    if (differs) found_ |= fields;
  }
  void add_stamp(const fb::Stamp& a, const fb::Stamp& b) {
    add(field::identity, !is_same(&a.id(), &b.id()) || a.created_at() != b.created_at());
    add(field::updated, a.updated_at() != b.updated_at());
  }
  /// A text or an id of a memory: the cover knows whether it is there.
  void add_text(FieldSet field, const flatbuffers::String* a, const flatbuffers::String* b) {
    add(field, text(a) != text(b));
    add(field::cover, text(a).empty() != text(b).empty());
  }
  void add_id(FieldSet field, const fb::Uuid* a, const fb::Uuid* b) {
    add(field, !is_same(a, b));
    add(field::cover, is_nil(a) != is_nil(b));
  }
  FieldSet found() const noexcept { return found_; }

 private:
  FieldSet found_ = 0;
};

template <class Table>
const Table& record_in(const Row& row) {
  return *flatbuffers::GetRoot<Table>(row.bytes.data());
}

bool is_same_source(const fb::Source& a, const fb::Source& b) {
  return text(a.kind()) == text(b.kind()) && text(a.id()) == text(b.id());
}

}  // namespace

FieldSet changed_in_memory(const Row& before, const Row& after) {
  const auto& a = record_in<fb::Memory>(before);
  const auto& b = record_in<fb::Memory>(after);
  const auto is_same_tag = [](const auto& one, const auto& other) {
    return text(&one) == text(&other);
  };
  Differences differences;
  differences.add_stamp(*a.stamp(), *b.stamp());
  differences.add_text(field::category, a.category(), b.category());
  differences.add_text(field::key, a.key(), b.key());
  differences.add_text(field::memory_type, a.type(), b.type());
  differences.add_text(field::entity_type, a.entity_type(), b.entity_type());
  differences.add_text(field::entity_id, a.entity_id(), b.entity_id());
  differences.add_text(field::agent, a.source_agent(), b.source_agent());
  differences.add_text(field::task, a.task(), b.task());
  differences.add_id(field::user, a.user(), b.user());
  differences.add(field::conversation, !is_same(a.conversation(), b.conversation()));
  differences.add(field::sources, !is_same(a.sources(), b.sources(), is_same_source));
  differences.add(field::tags | field::cover, !is_same(a.tags(), b.tags(), is_same_tag));
  differences.add(field::priority | field::cover, a.priority() != b.priority());
  differences.add(field::expiry | field::cover, a.expires_at() != b.expires_at());
  const auto covered = [](const fb::Memory& memory) {
    return std::tuple(memory.is_active(), is_nil(memory.superseded_by()), memory.importance());
  };
  differences.add(field::cover, covered(a) != covered(b));
  constexpr FieldSet kTimes = field::identity | field::updated;
  differences.add(field::cover, (differences.found() & kTimes) != 0);
  return differences.found();
}

FieldSet changed_in_conversation(const Row& before, const Row& after) {
  const auto& a = record_in<fb::Conversation>(before);
  const auto& b = record_in<fb::Conversation>(after);
  const auto is_same_user = [](const fb::Participant& one, const fb::Participant& other) {
    return is_same(&one.user(), &other.user());
  };
  Differences differences;
  differences.add_stamp(*a.stamp(), *b.stamp());
  differences.add(field::participants, !is_same(a.participants(), b.participants(), is_same_user));
  differences.add(field::owner, !is_same(a.owner(), b.owner()));
  differences.add(field::conversation_type, text(a.type()) != text(b.type()));
  differences.add(field::persona, !is_same(a.persona(), b.persona()));
  differences.add(field::saved, a.is_saved() != b.is_saved());
  differences.add(field::archived, a.is_archived() != b.is_archived());
  differences.add(field::ended, a.ended_at().has_value() != b.ended_at().has_value());
  return differences.found();
}

}  // namespace callisto::indexes
