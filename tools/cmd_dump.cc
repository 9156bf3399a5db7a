#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "api/check.h"
#include "api/core.h"
#include "api/rows.h"
#include "indexes/catalogue.h"
#include "tools/arguments.h"
#include "tools/command.h"
#include "tools/follow.h"
#include "tools/json_line.h"
#include "tools/record_json.h"
#include "tools/space_reader.h"

namespace callisto::tools {

namespace {

void describe(po::options_description& visible, po::options_description& hidden,
              po::positional_options_description& positions) {
  visible.add_options()                                                                        //
      ("keys", "keys only")                                                                    //
      ("raw", "keys and values in hexadecimal")                                                //
      ("from", po::value<std::string>()->value_name("HEX"), "from this key on")                //
      ("to", po::value<std::string>()->value_name("HEX"), "up to this key, not included")      //
      ("prefix", po::value<std::string>()->value_name("HEX"), "only keys that start so")       //
      ("limit", po::value<std::string>()->value_name("N"), "at most N rows")                  //
      ("follow", "then what is new or changed as it comes, until Ctrl-C; rows\n"
                 "that are removed are not told");
  hidden.add_options()("table", po::value<std::string>(), "");
  positions.add("table", 1);
}

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

/// Where the rows of a table or the entries of an index lie.
struct Range {
  std::string name;
  kv::Family family = kv::Family::system;
  std::string lower;
  std::string upper;
  const indexes::TableDefinition* table = nullptr;  // null: an index, or system rows
  std::optional<schema::MessagePart> part;
};

Range range_of(std::string name, kv::Family family, const std::string& prefix) {
  return {std::move(name), family, prefix, schema::prefix_end(prefix), nullptr, std::nullopt};
}

/// Every table, or the table or index of that name.
std::vector<Range> ranges_of(const indexes::Catalogue& catalogue, schema::SpaceNumber space,
                             const std::optional<std::string>& name) {
  std::vector<Range> ranges;
  for (const indexes::TableDefinition& table : catalogue.tables) {
    Range rows = range_of(table.name, table.family, indexes::table_prefix(space, table.id));
    rows.table = &table;
    if (!name || *name == table.name) ranges.push_back(rows);
    for (const indexes::IndexDefinition& index : table.indexes) {
      if (!name || *name != index.name) continue;
      Range entries = index.part ? range_of(index.name, table.family, rows.lower)
                                 : range_of(index.name, index.family, indexes::index_prefix(space, index.id));
      entries.part = index.part;
      ranges.push_back(entries);
    }
  }
  if (name == "system") {
    ranges.push_back(range_of("system", kv::Family::system, schema::space_prefix(schema::kStoreSpace)));
    ranges.push_back(range_of("system", kv::Family::system, schema::space_prefix(space)));
  }
  return ranges;
}

bool is_tail(const Range& range) {
  return range.table != nullptr && (range.table->id == schema::TableId::user_tails ||
                                    range.table->id == schema::TableId::conversation_tails);
}

/// The options that narrow a range; an error when one is no hexadecimal text.
Result<void> narrow(const Context& context, Range& range) {
  const auto bytes = [&](const char* option) -> Result<std::optional<std::string>> {
    auto text = context.find<std::string>(option);
    if (!text) return std::optional<std::string>();
    auto parsed = schema::from_hex(*text);
    if (!parsed) return Error(Code::invalid_argument, std::string("--") + option, "hexadecimal digits");
    return parsed;
  };
  for (const char* option : {"from", "prefix"}) {
    auto lower = bytes(option);
    if (!lower) return std::move(lower).error();
    if (*lower) range.lower = std::max(range.lower, **lower);
  }
  auto to = bytes("to");
  if (!to) return std::move(to).error();
  if (*to) range.upper = std::min(range.upper, **to);
  auto prefix = bytes("prefix");
  if (*prefix) range.upper = std::min(range.upper, schema::prefix_end(**prefix));
  return {};
}

class Dumper {
 public:
  Dumper(const Context& context, const SpaceReader& reader, std::uint64_t limit)
      : context_(context), reader_(&reader), left_(limit) {}

  /// From now on rows of another state are printed. It must outlive the dumper.
  void look_at(const SpaceReader& reader) { reader_ = &reader; }

  /// False when it is enough, or nobody reads any more.
  Result<bool> dump(const Range& range) {
    if (range.lower >= range.upper) return true;
    const auto cursor =
        reader_->reader().scan(range.family, {.lower = range.lower, .upper = range.upper});
    std::string last;
    for (;;) {
      for (; cursor->valid(); cursor->next()) {
        last.assign(cursor->key());
        if (!row(range, cursor->key(), cursor->value())) return false;
      }
      const auto status = cursor->status();
      if (status) return left_ > 0;
      const auto damaged = cursor->skip_damage(last);
      if (!damaged) return status.error();
      report_damage(range, *damaged, status.error());
    }
  }
  /// What the state has and an older one had not. False as of dump().
  Result<bool> dump_new(const Range& range, kv::Cursor& old_rows, const indexes::SpaceState& old) {
    auto rows = reader_->reader().scan(range.family, bounds_of(range));
    auto done = for_each_new(
        old_rows, *rows,
        [&](const StateRow& before, const StateRow& now) {
          return !is_hidden(old, range.table, before) && is_same_row(range.table, before, now);
        },
        [&](const StateRow& now) -> Result<bool> {
          return is_hidden(reader_->state(), range.table, now) || row(range, now.key, now.value);
        });
    if (!done) return std::move(done).error();
    return left_ > 0;
  }
  static kv::Bounds bounds_of(const Range& range) {
    return {.lower = range.lower, .upper = range.upper, .fill_cache = false};
  }
  bool has_damage() const noexcept { return has_damage_; }
  /// For dump() of a table that is followed: what is hidden comes when it is shown.
  void leave_out_hidden() { leaves_out_hidden_ = true; }

 private:
  /// A damaged table file hides keys; what is behind them is still worth reading.
  void report_damage(const Range& range, const kv::DamagedRange& damaged, const Error& error) {
    has_damage_ = true;
    std::fprintf(stderr, "callisto: %s cannot be read from key %s to %s: %s\n", range.name.c_str(),
                 schema::describe_key(damaged.from).c_str(), schema::describe_key(damaged.to).c_str(),
                 error.to_string().c_str());
  }

  bool row(const Range& range, std::string_view key, std::string_view value) {
    if (range.table != nullptr && !range.table->is_row(key)) return true;
    if (range.part && !is_part(key, *range.part)) return true;
    if (StopSignals::came()) return false;
    if (leaves_out_hidden_ && is_hidden(reader_->state(), range.table, {key, value})) return true;
    if (left_ == 0) return false;
    --left_;
    return print_line(text_of(range, key, value));
  }

  static bool is_part(std::string_view key, schema::MessagePart part) {
    auto parsed = schema::parse_message_key(key);
    return parsed && parsed->part == part;
  }

  std::string text_of(const Range& range, std::string_view key, std::string_view value) {
    if (context_.has("raw")) {
      JsonLine line;
      line.text("key", schema::to_hex(key));
      if (!context_.has("keys")) line.text("value", schema::to_hex(value));
      return context_.is_json ? line.str()
                              : schema::to_hex(key) + (context_.has("keys") ? "" : " " + schema::to_hex(value));
    }
    if (range.table == nullptr || context_.has("keys")) return entry(range, key, value);
    auto json = record(*range.table, key, value);
    if (json) return *json;
    has_damage_ = true;
    std::fprintf(stderr, "callisto: %s\n", json.error().to_string().c_str());
    return JsonLine().text("damaged", range.name).text("key", schema::to_hex(key)).str();
  }

  std::string entry(const Range& range, std::string_view key, std::string_view value) const {
    const std::string words = schema::describe_key(key);
    if (!context_.is_json) return words;
    JsonLine line;
    line.text("in", range.name).text("entry", words).text("key", schema::to_hex(key));
    if (!context_.has("keys")) line.text("value", schema::to_hex(value));
    return line.str();
  }

  template <class Table, class Make>
  Result<std::string> view(std::string_view key, std::string_view value, Make&& make) const {
    auto bytes = detail::take_row<Table>(key, value);
    if (!bytes) return std::move(bytes).error();
    return to_json(make(*bytes));
  }

  /// A record as it lies on disk, whether or not unfinished work hides it.
  Result<std::string> record(const indexes::TableDefinition& table, std::string_view key,
                             std::string_view value) const {
    using detail::ViewAccess;
    namespace fb = schema::fb;
    const indexes::SpaceState& state = reader_->state();
    switch (table.id) {
      case schema::TableId::users:
        return view<fb::User>(key, value, [&](const Bytes& b) {
          const auto id = schema::from_fb<UserId>(&schema::root<fb::User>(b)->stamp()->id());
          auto tail = detail::fetch_user_tail(reader_->reader(), state.space(), id);
          return ViewAccess::user(b, tail && *tail ? **tail : schema::UserTail{});
        });
      case schema::TableId::platform_identifiers:
        return view<fb::PlatformIdentifier>(key, value,
                                            [&](const Bytes& b) { return ViewAccess::identity(b, state); });
      case schema::TableId::user_data:
        return view<fb::UserDatum>(key, value, [&](const Bytes& b) { return ViewAccess::datum(b, state); });
      case schema::TableId::conversations:
        return view<fb::Conversation>(key, value, [&](const Bytes& b) {
          const auto id = schema::from_fb<ConversationId>(&schema::root<fb::Conversation>(b)->stamp()->id());
          auto tail = detail::fetch_conversation_tail(reader_->reader(), state.space(), id);
          return ViewAccess::conversation(
              b, detail::tail_bytes(tail && *tail ? **tail : schema::ConversationTail{}), state);
        });
      case schema::TableId::messages:
        return view<fb::Message>(key, value, [&](const Bytes& b) { return message(b); });
      case schema::TableId::memories:
        return view<fb::Memory>(key, value, [&](const Bytes& b) { return ViewAccess::memory(b, state); });
      case schema::TableId::user_tails:
      case schema::TableId::conversation_tails:
        break;
    }
    return JsonLine().text("in", table.name).text("entry", schema::describe_key(key)).text("value", schema::to_hex(value)).str();
  }

  Message message(const Bytes& bytes) const {
    const auto* fields = schema::root<schema::fb::Message>(bytes);
    const auto conversation = schema::from_fb<ConversationId>(fields->conversation());
    auto header = detail::fetch<schema::fb::Conversation>(
        reader_->reader(), schema::conversation_key(reader_->state().space(), conversation));
    const bool is_there = header && *header;
    return detail::ViewAccess::message(
        bytes, is_there ? schema::root<schema::fb::Conversation>(**header) : nullptr, reader_->state());
  }

  const Context& context_;
  const SpaceReader* reader_;
  std::uint64_t left_;
  bool leaves_out_hidden_ = false;
  bool has_damage_ = false;
};

/// dump --follow: looks at the store again and again, and prints what the view has more than the
/// one before. The two states are read side by side: that finds a record whatever its times are,
/// takes no memory that grows, and costs a scan of what is followed for each look at a store that
/// has changed.
class Follower {
 public:
  Follower(const Store& store, schema::SpaceNumber space, const std::vector<Range>& ranges,
           SpaceReader reader, Dumper& dumper)
      : store_(store),
        space_(space),
        ranges_(ranges),
        reader_(std::move(reader)),
        dumper_(dumper) {}

  /// Until a signal comes, nobody reads, or it is enough.
  Result<void> run(const StopSignals& signals) {
    std::fflush(stdout);
    std::chrono::milliseconds pause = kPause;
    while (!signals.wait(static_cast<int>(pause.count()))) {
      const auto start = std::chrono::steady_clock::now();
      auto more = look();
      if (!more) return std::move(more).error();
      if (!*more || std::fflush(stdout) != 0) return {};
      const auto took = std::chrono::steady_clock::now() - start;
      // A large table is looked at less often: a fifth of one core at most.
      pause = std::max(kPause, std::chrono::duration_cast<std::chrono::milliseconds>(4 * took));
    }
    return {};
  }

 private:
  static constexpr std::chrono::milliseconds kPause{200};

  Result<bool> look() {
    std::vector<std::unique_ptr<kv::Cursor>> old_rows;
    for (const Range& range : ranges_) {
      old_rows.push_back(reader_.reader().scan(range.family, Dumper::bounds_of(range)));
    }
    const kv::Version version = reader_.reader().version();
    // The writer may be too fast for this look; the rows of the old state stay as they are.
    while (true) {
      auto moved = store_.refresh();
      if (moved) break;
      if (moved.error().code() != Code::busy) return std::move(moved).error();
      if (StopSignals::came()) return false;
      std::this_thread::sleep_for(kPause);
    }
    auto opened = SpaceReader::open(store_, store_.core().engine().snapshot(), space_);
    if (!opened) return std::move(opened).error();
    if (!opened->state().exists()) {
      return Error(Code::not_found, "space", "a space that still exists");
    }
    const SpaceReader before = std::exchange(reader_, std::move(*opened));
    dumper_.look_at(reader_);
    if (reader_.reader().version() == version) return true;
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      auto more = dumper_.dump_new(ranges_[i], *old_rows[i], before.state());
      if (!more || !*more) return more;
    }
    return true;
  }

  const Store& store_;
  const schema::SpaceNumber space_;
  const std::vector<Range>& ranges_;
  SpaceReader reader_;
  Dumper& dumper_;
};

/// What is there, in key order; the exit status, and whether more may be printed.
Result<std::pair<int, bool>> dump_all(const std::vector<Range>& ranges, Dumper& dumper) {
  int status = kOk;
  for (const Range& range : ranges) {
    auto more = dumper.dump(range);
    if (!more) {  // A damaged table file: the other tables are still worth reading.
      status = std::max(status, report(more.error()));
    } else if (!*more) {
      return std::pair(status, false);
    }
  }
  return std::pair(status, true);
}

Result<int> dump(const Context& context, const Store& store) {
  auto number = store.core().find_space(context.space);
  if (!number) return std::move(number).error();
  if (!*number) return Error(Code::not_found, "space", "an existing space");
  const auto limit = number_option(context, "limit", 1, kNoLimit);
  if (!limit) return limit.error();
  const auto name = context.find<std::string>("table");
  auto ranges = ranges_of(store.core().maintainer().catalogue(), **number, name);
  if (ranges.empty()) return report_usage("no table or index is called '" + name.value_or("") + "'");
  for (Range& range : ranges) CALLISTO_TRY(narrow(context, range));
  std::erase_if(ranges, [](const Range& range) { return range.lower >= range.upper; });
  auto reader = SpaceReader::open(store, store.core().engine().snapshot(), **number);
  if (!reader) return std::move(reader).error();
  Dumper dumper(context, *reader, limit->value_or(kNoLimit));
  if (!context.has("follow")) {
    auto all = dump_all(ranges, dumper);
    if (!all) return std::move(all).error();
    return dumper.has_damage() ? kBroken : all->first;
  }
  // Tails belong to records, and move with every message: they are followed by name only.
  if (!name) std::erase_if(ranges, [](const Range& range) { return is_tail(range); });
  const StopSignals signals;
  dumper.leave_out_hidden();
  auto all = dump_all(ranges, dumper);
  if (!all) return std::move(all).error();
  if (all->second) {
    CALLISTO_TRY(Follower(store, **number, ranges, std::move(*reader), dumper).run(signals));
  }
  if (StopSignals::came()) std::clearerr(stdout);  // A write that the signal has ended.
  return dumper.has_damage() ? kBroken : all->first;
}

int run(const Context& context) {
  auto store = open_store(context, OpenMode::read_only);
  if (!store) return report(store.error());
  auto status = dump(context, *store);
  return status ? *status : report(status.error());
}

}  // namespace

const Command kDumpCommand{"dump", "[TABLE|INDEX|system] [options]",
                           "Prints records or index entries as they lie on disk, in key order;\n"
                           "with --follow also what is new, as it comes.",
                           describe, run};

}  // namespace callisto::tools
