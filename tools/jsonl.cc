#include "tools/jsonl.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "tools/line_reader.h"
#include "tools/record_read.h"

namespace callisto::tools {

namespace {

/// Calls `each(line, place, bytes)` for every line that can be read, `bad(place, error)` for others.
Result<void> for_each_line(std::istream& input,
                           const std::function<Result<void>(Line, const std::string&, std::size_t)>& each,
                           const ErrorSink& bad) {
  LineReader reader(input, kMaxLineBytes);
  std::string text;
  while (reader.next(text)) {
    if (text.find_first_not_of(" \t") == std::string::npos) continue;
    const std::string place = "line " + std::to_string(reader.number());
    if (reader.is_too_long()) {
      bad(place, Error(Code::invalid_argument, "line", "at most " + std::to_string(kMaxLineBytes) + " bytes"));
      continue;
    }
    auto line = read_line(text, reader.number());
    if (!line) {
      bad(place, line.error());
    } else if (auto done = each(std::move(*line), place, text.size()); !done) {
      return done;
    }
  }
  return {};
}

/// A directory that goes away with the object.
class ScratchDirectory {
 public:
  static Result<ScratchDirectory> make() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "callisto-check-XXXXXX").string();
    if (error || ::mkdtemp(path.data()) == nullptr) {
      return Error(Code::io_error, "cannot make a temporary directory");
    }
    return ScratchDirectory(path);
  }
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const noexcept { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Imports into a scratch store, into which it copies what lines refer to in the real one.
class Rehearsal {
 public:
  Rehearsal(const Store& real, const Store& scratch, const ImportOptions& options)
      : real_(real), scratch_(scratch), options_(options) {}

  Result<void> apply(const Line& line) {
    if (std::holds_alternative<ExportHead>(line.record)) return {};
    if (const auto* made = std::get_if<NewSpace>(&line.record)) {
      auto space = open(scratch_, made->name, true);
      return space ? Result<void>() : space.error();
    }
    const std::string& name = line.space.empty() ? options_.space : line.space;
    auto scratch = open(scratch_, name, true);
    if (!scratch) return std::move(scratch).error();
    auto real = open(real_, name, false);
    if (real) {
      if (auto done = std::visit(Borrow{*real, *scratch}, line.record); !done) return done;
    } else if (real.error().code() != Code::not_found) {
      return std::move(real).error();
    }
    return apply_record(*scratch, line.record, options_.replace);
  }

 private:
  static Result<Space> open(const Store& store, const std::string& name, bool create) {
    auto space = store.space(name);
    if (space || !create || space.error().code() != Code::not_found) return space;
    return store.create_space(name);
  }

  /// Copies what a record refers to, as far as it is needed to be found.
  struct Borrow {
    const Repositories& real;
    const Repositories& scratch;

    Result<void> operator()(const auto&) const { return {}; }
    Result<void> operator()(const IdentityLine& line) const {
      auto taken = real.users().identity(line.identity.platform, line.identity.platform_id);
      if (!taken) return is_about_record(taken.error()) ? Result<void>() : taken.error();
      if (*taken && (*taken)->user() != line.user) {
        return Error(Code::already_exists, "platform_id", "an identity of no other user");
      }
      return user(line.user);
    }
    Result<void> operator()(const DatumLine& line) const {
      auto known = real.user_data().values(line.user, line.datum.category, 1);
      if (!known) return is_about_record(known.error()) ? Result<void>() : known.error();
      if (!known->empty() && known->front().kind() != line.kind) {
        return Error(Code::invalid_argument, "category", "of the kind that the store has it as");
      }
      return user(line.user);
    }
    Result<void> operator()(const NewConversation& line) const {
      for (UserId each : line.participants) {
        if (auto done = user(each); !done) return done;
      }
      return user(line.owner);
    }
    Result<void> operator()(const NewMessage& line) const {
      if (auto done = user(line.sender); !done) return done;
      return conversation(line.conversation);
    }
    Result<void> operator()(const NewMemory& line) const {
      if (auto done = user(line.user); !done) return done;
      return line.conversation ? conversation(*line.conversation) : Result<void>();
    }

    Result<void> user(UserId id) const {
      auto known = scratch.users().get(id);
      if (!known) return known.error();
      auto found = real.users().get(id);
      if (!found) return found.error();
      if (*known || !*found) return {};
      auto made = scratch.users().create({.id = id});
      return made ? Result<void>() : made.error();
    }
    Result<void> conversation(ConversationId id) const {
      auto known = scratch.conversations().get(id);
      if (!known) return known.error();
      auto found = real.conversations().get(id);
      if (!found) return found.error();
      if (*known || !*found) return {};
      NewConversation copy{.id = id};
      for (const Participant& participant : (*found)->participants()) {
        if (auto done = user(participant.user); !done) return done;
        copy.participants.push_back(participant.user);
      }
      auto made = scratch.conversations().create(copy);
      return made ? Result<void>() : made.error();
    }
  };

  const Store& real_;
  const Store& scratch_;
  const ImportOptions& options_;
};

}  // namespace

Result<void> import_jsonl(std::istream& input, Importer& importer) {
  auto done = for_each_line(
      input,
      [&](Line line, const std::string& place, std::size_t bytes) {
        return importer.add(std::move(line), place, bytes);
      },
      [&](const std::string& place, const Error& error) { importer.refuse(place, error); });
  if (!done) return done;
  return importer.flush();
}

Result<void> check_jsonl(std::istream& input, const Store& store, const ImportOptions& options,
                         const ErrorSink& on_error) {
  auto directory = ScratchDirectory::make();
  if (!directory) return std::move(directory).error();
  Options scratch_options;
  scratch_options.memory_budget_bytes = 64ULL << 20;
  auto scratch = Store::open(directory->path() + "/store", scratch_options);
  if (!scratch) return std::move(scratch).error();
  Rehearsal rehearsal(store, *scratch, options);
  auto done = for_each_line(
      input,
      [&](Line line, const std::string& place, std::size_t) -> Result<void> {
        auto applied = rehearsal.apply(line);
        if (applied) return {};
        if (!is_about_record(applied.error())) return applied;
        on_error(place, applied.error());
        return {};
      },
      on_error);
  if (!done) return done;
  return scratch->close();
}

}  // namespace callisto::tools
