#pragma once

// What a bare engine has to look at before it writes, though the change does not touch it.

#include "bench/bare_reader.h"

namespace callisto::bench::bare {

/// One overload for each write that refers to something; Reading: bare_reader.h.
template <class Reading>
class References {
 public:
  explicit References(Reading& reading) : reading_(reading) {}

  void operator()(const AppendMessage& append) const {
    if (!append.message.sender) return;  // the header says who takes part
    require_row(Family::conversations,
                schema::conversation_key(kDefaultSpace, append.message.conversation));
  }
  void operator()(const StoreConversation& store) const {
    for (const UserId& user : store.item.header.participants) require_user(user);
  }
  void operator()(const CreateMemory& create) const {
    if (create.memory.user) require_user(create.memory.user);
  }
  void operator()(const AppendDatum& append) const { find_category(append.user, append.datum); }
  void operator()(const ReplaceDatum& replace) const { find_category(replace.user, replace.datum); }
  /// What belongs to the second user has to be found before it is moved.
  void operator()(const MergeUsers& merge) const {
    const UserId& user = merge.secondary;
    walk(Family::indexes, indexes::identity_by_user_prefix(kDefaultSpace, user));
    walk(Family::indexes, indexes::conversation_by_participant_prefix(kDefaultSpace, user));
    walk(Family::indexes, indexes::conversation_by_owner_prefix(kDefaultSpace, user));
    walk(Family::indexes, indexes::memory_by_user_prefix(kDefaultSpace, user));
    walk(Family::user_data, schema::datum_prefix(kDefaultSpace, user));
  }
  template <class Other>
  void operator()(const Other&) const {}

 private:
  void require_user(const UserId& user) const {
    require_row(Family::users, schema::user_key(kDefaultSpace, user));
  }
  void require_row(Family family, const std::string& key) const {
    typename Reading::Value value;
    if (!reading_.get(family, key, value)) fail("a row referred to is not there");
  }
  /// Any value of a category tells its kind.
  void find_category(const UserId& user, const NewDatum& datum) const {
    require_user(user);
    const auto range = indexes::range_of(schema::datum_prefix(kDefaultSpace, user, datum.category));
    if (!reading_.scan(Family::user_data, range)->valid()) fail("a category is not there");
  }
  void walk(Family family, const std::string& prefix) const {
    const indexes::KeyRange range = indexes::range_of(prefix);
    for (const auto scan = reading_.scan(family, range); scan->valid(); scan->next()) {
    }
  }

  Reading& reading_;
};

}  // namespace callisto::bench::bare
