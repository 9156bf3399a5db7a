#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "callisto/store.h"
#include "tools/record_read.h"

namespace callisto::tools {

/// What an import prints at its end. Records that were there already, and left as they are, count.
struct ImportCounts {
  std::uint64_t users = 0;
  std::uint64_t conversations = 0;
  std::uint64_t messages = 0;
  std::uint64_t memories = 0;
  std::uint64_t errors = 0;
  bool is_bulk = false;  ///< By bulk load, at once.
};

struct ImportOptions {
  /// Makes an existing record equal to the line, instead of leaving it as it is.
  bool replace = false;
  /// For lines that name none.
  std::string space = "default";
};

/// Says which part of the input an error is about: "line 12".
using ErrorSink = std::function<void(const std::string& place, const Error& error)>;

/// Puts records into a store, some hundred in one transaction. A record that is refused leaves the
/// others alone. Memory is bounded.
class Importer {
 public:
  Importer(const Store& store, ImportOptions options, ErrorSink on_error);

  /// An error that is not about the record (a failed disk) ends the import.
  Result<void> add(Line line, std::string place, std::size_t bytes);
  /// A whole conversation, visible in one step.
  Result<void> add_conversation(const NewConversation& conversation, const std::vector<NewMessage>& messages,
                                const std::string& place);
  /// Counts and reports something that could not even be read.
  void refuse(const std::string& place, const Error& error);
  /// Writes what is still held back.
  Result<void> flush();
  const ImportCounts& counts() const noexcept { return counts_; }

 private:
  struct Pending {
    Record record;
    std::string place;
  };
  Result<const Space*> space(const std::string& name);

  const Store& store_;
  ImportOptions options_;
  ErrorSink on_error_;
  ImportCounts counts_;
  std::map<std::string, Space> spaces_;
  std::vector<Pending> pending_;
  std::string pending_space_;
  std::size_t pending_bytes_ = 0;
};

/// One record into a space or a transaction. Exposed for the check before a strict import.
Result<void> apply_record(const Repositories& target, const Record& record, bool replace);

/// Whether an error is about the record itself, so that the import goes on.
bool is_about_record(const Error& error) noexcept;

}  // namespace callisto::tools
