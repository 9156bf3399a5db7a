#include "tools/bulk_import.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "tools/export_blocks.h"
#include "tools/quick_fields.h"
#include "tools/record_read.h"

namespace callisto::tools {

namespace {

constexpr std::string_view kExportHead = R"({"callisto":"export","format":1})";
/// Lines that go to a thread together; those of one conversation are not parted.
constexpr std::size_t kJobBytes = 128u << 10;
constexpr std::size_t kMostJobs = 8;
/// A conversation that is longer is imported line by line: it has to fit into memory.
constexpr std::size_t kConversationBytes = 16u << 20;

/// Lines of records, each with its "\n"; messages behind the conversation that they belong to.
using Job = std::string;

/// Which lines go into one space.
struct SpaceName {
  std::string name;
  std::string unnamed;  ///< Where lines go that name none.

  bool is_of(std::string_view named) const { return (named.empty() ? unnamed : named) == name; }
};

/// Adds the lines of a job to a load.
class JobReader {
 public:
  JobReader(BulkLoad& load, const SpaceName& space) : load_(load), space_(space) {}

  Result<void> read(const Job& job) {
    std::string_view rest = job;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      if (auto done = read(rest.substr(0, end)); !done) return done;
      rest.remove_prefix(end + 1);
    }
    return flush();
  }

 private:
  static Error not_ours() { return Error(Code::invalid_argument, "line", "as an export has it"); }
  template <class T>
  static Result<void> drop_value(const Result<T>& result) {
    if (!result) return result.error();
    return {};
  }

  Result<void> read(std::string_view text) {
    if (!read_line_quickly(text, fields_, line_)) {
      // A line without an id would take one from its number: ours have theirs.
      auto line = read_line(text, 0);
      if (!line) return std::move(line).error();
      line_ = std::move(*line);
    }
    // It may name its space where the head of a line does not show it.
    if (!space_.is_of(line_.space)) return not_ours();
    return std::visit([&](auto& record) { return add(record); }, line_.record);
  }
  Result<void> add(const ExportHead&) { return not_ours(); }
  Result<void> add(const NewSpace&) { return not_ours(); }
  Result<void> add(const NewUser& user) {
    // What a line says beside the record becomes other records, with ids that are derived.
    if (!user.name.empty() || !user.platform.empty() || !user.platform_id.empty())
      return not_ours();
    return drop_value(load_.add_user(user));
  }
  Result<void> add(const IdentityLine& line) {
    return drop_value(load_.add_identity(line.user, line.identity));
  }
  Result<void> add(const DatumLine& line) {
    return load_.add_datum(line.user, line.kind, line.datum);
  }
  Result<void> add(const NewMemory& memory) { return drop_value(load_.add_memory(memory)); }
  Result<void> add(NewConversation& conversation) {
    if (auto flushed = flush(); !flushed) return flushed;
    // Without one, a mark does not move with the messages behind it.
    if (!conversation.processed_up_to) conversation.processed_up_to = 0;
    conversation_ = std::move(conversation);
    return {};
  }
  Result<void> add(NewMessage& message) {
    const bool is_of_it = conversation_ && message.conversation == conversation_->id;
    // Where one has no number, that it gets depends on all before it.
    if (!is_of_it || !message.sequence) return not_ours();
    messages_.push_back(std::move(message));
    return {};
  }

  Result<void> flush() {
    if (!conversation_) return {};
    const NewConversation conversation = *std::move(conversation_);
    conversation_.reset();
    auto added = drop_value(load_.add_conversation(conversation, messages_));
    messages_.clear();
    return added;
  }

  BulkLoad& load_;
  const SpaceName& space_;
  QuickFields fields_;
  Line line_;
  std::optional<NewConversation> conversation_;
  std::vector<NewMessage> messages_;
};

/// Threads that add jobs to the load of a space. They end with the object.
class Workers {
 public:
  Workers(BulkLoad& load, const SpaceName& space, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      threads_.emplace_back([this, &load, &space] { work(load, space); });
    }
  }
  ~Workers() { ignore_error(finish(), "whoever wanted to know has asked"); }

  /// False when a job has failed: no more are needed.
  bool add(Job job) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failure_ || jobs_.size() < kMostJobs; });
    if (failure_) return false;
    jobs_.push_back(std::move(job));
    changed_.notify_all();
    return true;
  }
  /// Once all are added: the first failure.
  Result<void> finish() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
      changed_.notify_all();
    }
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
    if (failure_) return *failure_;
    return {};
  }

 private:
  void work(BulkLoad& load, const SpaceName& space) {
    JobReader reader(load, space);
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return failure_ || is_ending_ || !jobs_.empty(); });
      if (failure_ || jobs_.empty()) return;
      const Job job = std::move(jobs_.front());
      jobs_.pop_front();
      changed_.notify_all();
      lock.unlock();
      auto done = reader.read(job);
      lock.lock();
      if (done) continue;
      if (!failure_) failure_ = std::move(done).error();
      changed_.notify_all();
      return;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool is_ending_ = false;
  std::optional<Error> failure_;
  std::vector<std::thread> threads_;
};

/// The lines of one space, put together to jobs: every conversation with its messages. An export
/// has both in the order of conversations, so that one walk beside the other finds them.
class SpaceLines {
 public:
  SpaceLines(const std::string& path, const SpaceName& space, Workers& workers)
      : path_(path), space_(space), workers_(workers) {}

  /// False where the line is not in its place, or more are not needed.
  bool add(const LineHead& head, std::string_view line, std::uint64_t offset) {
    if (head.table == "conversations") {
      if (!headers_) headers_ = std::make_unique<BlockLines>(path_, offset);
      return true;
    }
    if (head.table != "messages") return end_messages() && add_line(line);
    if (head.conversation != conversation_) {
      if (!begin_conversation(head.conversation)) return false;
    }
    conversation_bytes_ += line.size();
    return conversation_bytes_ <= kConversationBytes && append(line);
  }
  bool finish() { return end_messages() && send(); }

 private:
  bool append(std::string_view line) {
    job_ += line;
    job_ += '\n';
    return true;
  }
  bool add_line(std::string_view line) {
    if (job_.size() >= kJobBytes && !send()) return false;
    return append(line);
  }
  bool send() { return job_.empty() || workers_.add(std::exchange(job_, {})); }

  /// The next header; those before the one that is wanted have no messages.
  bool begin_conversation(std::string_view id) {
    conversation_ = id;
    conversation_bytes_ = 0;
    LineHead head;
    std::string_view line;
    while (next_header(head, line)) {
      const bool is_wanted = head.id == id;
      if (!add_line(line) || is_wanted) return is_wanted;
    }
    return false;
  }
  bool end_messages() {
    LineHead head;
    std::string_view line;
    while (next_header(head, line)) {
      if (!add_line(line)) return false;
    }
    headers_.reset();
    return true;
  }
  bool next_header(LineHead& head, std::string_view& line) {
    return headers_ && headers_->next(line) && read_head(line, head) &&
           head.table == "conversations" && space_.is_of(head.space);
  }

  const std::string& path_;
  const SpaceName& space_;
  Workers& workers_;
  std::unique_ptr<BlockLines> headers_;
  std::string conversation_;
  std::size_t conversation_bytes_ = 0;
  Job job_;
};

void add_counts(ImportCounts& sum, const LoadCounts& counts) {
  sum.users += counts.users;
  sum.conversations += counts.conversations;
  sum.messages += counts.messages;
  sum.memories += counts.memories;
}

class BulkImport {
 public:
  BulkImport(const std::string& path, const Store& store, const ImportOptions& options)
      : path_(path), store_(store), options_(options), lines_(path, 0) {}

  Result<std::optional<ImportCounts>> run() {
    std::string_view line;
    if (!lines_.next(line) || line != kExportHead) return std::optional<ImportCounts>();
    is_there_ = lines_.next(line_) && read_line_head();
    while (is_there_) {
      auto loaded = load_space();
      if (!loaded) return std::move(loaded).error();
      if (!*loaded) return std::optional<ImportCounts>();
    }
    if (!is_at_end_) return std::optional<ImportCounts>();
    return std::optional<ImportCounts>(counts_);
  }

 private:
  /// The lines up to those of another space.
  Result<bool> load_space() {
    const SpaceName target{head_.space.empty() ? options_.space : std::string(head_.space),
                           options_.space};
    auto space = store_.space(target.name);
    if (!space && space.error().code() == Code::not_found) space = store_.create_space(target.name);
    if (!space) return give_up(space.error());
    auto load = space->bulk_load();
    if (!load) return give_up(load.error());
    Workers workers(*load, target, 2);
    SpaceLines lines(path_, target, workers);
    bool is_taken = true;
    while (is_taken && is_there_ && target.is_of(head_.space)) {
      is_taken = head_.table == "spaces" || lines.add(head_, line_, lines_.offset());
      if (is_taken) advance();
    }
    is_taken = is_taken && (is_there_ || is_at_end_) && lines.finish();
    auto finished = workers.finish();
    if (!finished) return give_up(finished.error());
    if (!is_taken) return false;
    auto committed = load->commit();
    if (!committed) return give_up(committed.error());
    add_counts(counts_, *committed);
    return true;
  }
  /// Whether the line begins as ours do, and is one where it makes a space, which it does at once.
  bool read_line_head() {
    if (!read_head(line_, head_)) return false;
    return head_.table != "spaces" || read_line(line_, 0).has_value();
  }
  void advance() {
    const bool is_read = lines_.next(line_);
    is_at_end_ = !is_read && !lines_.is_too_long() && !lines_.has_failed();
    is_there_ = is_read && read_line_head();
  }
  /// Errors about records or spaces are told better line by line.
  static Result<bool> give_up(const Error& error) {
    if (is_about_record(error) || error.code() == Code::index_not_ready) return false;
    return error;
  }

  const std::string& path_;
  const Store& store_;
  const ImportOptions& options_;
  BlockLines lines_;
  std::string_view line_;
  LineHead head_;
  bool is_there_ = false;
  bool is_at_end_ = false;
  ImportCounts counts_;
};

}  // namespace

Result<std::optional<ImportCounts>> import_in_bulk(const std::string& path, const Store& store,
                                                   const ImportOptions& options) {
  return BulkImport(path, store, options).run();
}

}  // namespace callisto::tools
