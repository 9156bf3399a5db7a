#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "callisto/store.h"
#include "tools/command.h"

namespace callisto::tools {

/// Prints records of one space, as JSON lines or as text for people, where users have their names.
class Printer {
 public:
  Printer(const Context& context, const Repositories& space)
      : space_(space), is_json_(context.is_json) {}

  /// False when nobody reads any more.
  bool print(const User& user);
  bool print(const PlatformIdentifier& identity);
  bool print(const UserDatum& datum);
  bool print(const Conversation& conversation);
  bool print(const Message& message);
  bool print(const Memory& memory);

  /// All of a list; the exit status.
  template <class View>
  int print_all(const Result<std::vector<View>>& views) {
    if (!views) return report(views.error());
    for (const View& view : *views) {
      if (!print(view)) break;
    }
    return kOk;
  }
  /// The same, and a last line with the cursor when there is more.
  template <class View>
  int print_page(const Result<Page<View>>& page) {
    if (!page) return report(page.error());
    for (const View& view : page->items) {
      if (!print(view)) return kOk;
    }
    if (!page->cursor.empty()) print_cursor(page->cursor);
    return kOk;
  }
  /// How a query was answered; the exit status. `limit`: its own.
  int print_plan(const Result<QueryPlan>& plan, std::uint32_t limit);

 private:
  void print_cursor(const std::string& cursor);
  /// The preferred name, a username, or the id's text.
  const std::string& name_of(UserId user);

  const Repositories& space_;
  bool is_json_;
  std::map<UserId, std::string> names_;
};

}  // namespace callisto::tools
