#include <cstdio>
#include <fstream>
#include <iostream>

#include "tools/bulk_import.h"
#include "tools/command.h"
#include "tools/importer.h"
#include "tools/json_line.h"
#include "tools/jsonl.h"
#include "tools/locomo.h"

namespace callisto::tools {

namespace {

void describe(po::options_description& visible, po::options_description& hidden,
              po::positional_options_description& positions) {
  visible.add_options()                                                                            //
      ("format", po::value<std::string>()->value_name("jsonl|locomo"), "what FILE is; default: jsonl")  //
      ("strict", "all lines or none: nothing goes in when one is bad")                              //
      ("replace", "make existing records equal to the file's, instead of leaving them as they are");
  hidden.add_options()("file", po::value<std::string>(), "");
  positions.add("file", 1);
}

void print_error(const std::string& place, const Error& error) {
  std::fprintf(stderr, "callisto: %s\n", one_line(place + ": " + error.to_string()).c_str());
}

void print_counts(const Context& context, const ImportCounts& counts) {
  if (context.is_json) {
    JsonLine line;
    line.number("users", counts.users)
        .number("conversations", counts.conversations)
        .number("messages", counts.messages)
        .number("memories", counts.memories)
        .number("errors", counts.errors);
    if (counts.is_bulk) line.flag("bulk", true);
    print_line(line.str());
    return;
  }
  if (counts.is_bulk) print_line("imported in bulk");
  const auto print = [](const char* name, std::uint64_t count) {
    print_line(std::string(name) + ": " + std::to_string(count));
  };
  print("users", counts.users);
  print("conversations", counts.conversations);
  print("messages", counts.messages);
  print("memories", counts.memories);
  print("errors", counts.errors);
}

/// The file as a stream that can be read twice; "-" is standard input, which can not.
class Input {
 public:
  static Result<Input> open(const std::string& path) {
    Input input;
    if (path != "-") {
      input.file_ = std::make_unique<std::ifstream>(path, std::ios::binary);
      if (!*input.file_ || input.file_->peek() == EOF) {
        if (!input.file_->eof()) return Error(Code::io_error, "cannot read " + path);
        input.file_->clear();
      }
    } else {
      std::ios_base::sync_with_stdio(false);  // Else a failed read looks like the end.
    }
    return input;
  }
  std::istream& stream() { return file_ ? static_cast<std::istream&>(*file_) : std::cin; }
  bool can_rewind() const { return file_ != nullptr; }
  void rewind() {
    file_->clear();
    file_->seekg(0);
  }
  /// A disk that failed under the reading is not the end of the file.
  bool has_failed() { return stream().bad(); }

 private:
  std::unique_ptr<std::ifstream> file_;
};

/// The first pass of --strict: counts what would be refused.
Result<std::uint64_t> check(const std::string& format, Input& input, const Store& store,
                            const ImportOptions& options) {
  std::uint64_t errors = 0;
  const ErrorSink on_error = [&](const std::string& place, const Error& error) {
    ++errors;
    print_error(place, error);
  };
  Result<void> done;
  if (format == "locomo") {
    Importer unused(store, options, on_error);
    done = import_locomo(input.stream(), unused, true);
  } else {
    done = check_jsonl(input.stream(), store, options, on_error);
  }
  if (!done) return std::move(done).error();
  input.rewind();
  return errors;
}

/// All of it by bulk load, where that can be done; else what was loaded stays.
Result<std::optional<ImportCounts>> try_bulk(const std::string& path, const std::string& format,
                                             const Input& input, const Store& store,
                                             const ImportOptions& options) {
  if (format != "jsonl" || !input.can_rewind()) return std::optional<ImportCounts>();
  auto counts = import_in_bulk(path, store, options);
  if (counts && *counts) (*counts)->is_bulk = true;
  return counts;
}

Result<ImportCounts> import(const Context& context, const std::string& path,
                            const std::string& format, Input& input) {
  auto store = open_store(context, OpenMode::create);
  if (!store) return std::move(store).error();
  const ImportOptions options{.replace = context.has("replace"), .space = context.space};
  if (context.has("strict")) {
    auto errors = check(format, input, *store, options);
    if (!errors) return std::move(errors).error();
    if (*errors > 0) return ImportCounts{.errors = *errors};
  }
  auto loaded = try_bulk(path, format, input, *store, options);
  if (!loaded) return std::move(loaded).error();
  if (*loaded) {
    if (auto closed = store->close(); !closed) return std::move(closed).error();
    return **loaded;
  }
  Importer importer(*store, options, print_error);
  Result<void> done = format == "locomo" ? import_locomo(input.stream(), importer, false)
                                         : import_jsonl(input.stream(), importer);
  if (done && input.has_failed()) done = Error(Code::io_error, "cannot read the file to its end");
  if (!done) return std::move(done).error();
  if (auto closed = store->close(); !closed) return std::move(closed).error();
  return importer.counts();
}

int run(const Context& context) {
  const auto path = context.find<std::string>("file");
  if (!path) return report_usage("import takes a FILE, or - for standard input (see: callisto import --help)");
  const std::string format = context.find<std::string>("format").value_or("jsonl");
  if (format != "jsonl" && format != "locomo") return report_usage("--format: jsonl or locomo");
  auto input = Input::open(*path);
  if (!input) return report(input.error());
  if (context.has("strict") && !input->can_rewind()) {
    return report_usage("--strict reads the file twice: not from standard input");
  }
  auto counts = import(context, *path, format, *input);
  if (!counts) return report(counts.error());
  print_counts(context, *counts);
  return counts->errors == 0 ? kOk : kFailed;
}

}  // namespace

const Command kImportCommand{"import", "FILE [--format jsonl|locomo] [--strict] [--replace]",
                             "Puts records into the store, which is made if it is not there.", describe,
                             run};

}  // namespace callisto::tools
