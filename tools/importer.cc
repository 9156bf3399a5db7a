#include "tools/importer.h"

#include <utility>

namespace callisto::tools {

namespace {

constexpr std::size_t kBatchRecords = 200;
constexpr std::size_t kBatchBytes = 512u << 10;

void count(ImportCounts& counts, const Record& record) {
  if (std::holds_alternative<NewUser>(record)) ++counts.users;
  if (std::holds_alternative<NewConversation>(record)) ++counts.conversations;
  if (std::holds_alternative<NewMessage>(record)) ++counts.messages;
  if (std::holds_alternative<NewMemory>(record)) ++counts.memories;
}

}  // namespace

Importer::Importer(const Store& store, ImportOptions options, ErrorSink on_error)
    : store_(store), options_(std::move(options)), on_error_(std::move(on_error)) {}

void Importer::refuse(const std::string& place, const Error& error) {
  ++counts_.errors;
  on_error_(place, error);
}

Result<const Space*> Importer::space(const std::string& name) {
  auto it = spaces_.find(name);
  if (it != spaces_.end()) return &it->second;
  auto opened = store_.space(name);
  if (!opened && opened.error().code() == Code::not_found) opened = store_.create_space(name);
  if (!opened) return std::move(opened).error();
  return &spaces_.emplace(name, std::move(*opened)).first->second;
}

Result<void> Importer::add(Line line, std::string place, std::size_t bytes) {
  if (const auto* made = std::get_if<NewSpace>(&line.record)) {
    if (auto opened = space(made->name); !opened) {
      if (!is_about_record(opened.error())) return opened.error();
      refuse(place, opened.error());
    }
    return {};
  }
  if (std::holds_alternative<ExportHead>(line.record)) return {};
  const std::string& name = line.space.empty() ? options_.space : line.space;
  const bool is_full = pending_.size() >= kBatchRecords || pending_bytes_ + bytes > kBatchBytes;
  if (!pending_.empty() && (is_full || name != pending_space_)) {
    if (auto done = flush(); !done) return done;
  }
  pending_space_ = name;
  pending_bytes_ += bytes;
  pending_.push_back({std::move(line.record), std::move(place)});
  return {};
}

Result<void> Importer::flush() {
  if (pending_.empty()) return {};
  const std::vector<Pending> batch = std::exchange(pending_, {});
  pending_bytes_ = 0;
  auto target = space(pending_space_);
  if (!target) {
    if (!is_about_record(target.error())) return target.error();
    for (const Pending& each : batch) refuse(each.place, target.error());
    return {};
  }
  // The function may run several times: what it says of its records is that of its last run.
  std::vector<std::optional<Error>> errors;
  auto done = (*target)->transact([&](Transaction& transaction) -> Result<void> {
    errors.assign(batch.size(), std::nullopt);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto applied = apply_record(transaction, batch[i].record, options_.replace);
      if (applied) continue;
      if (!is_about_record(applied.error())) return applied.error();
      errors[i] = applied.error();
    }
    return {};
  });
  if (!done) return done;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (errors[i]) {
      refuse(batch[i].place, *errors[i]);
    } else {
      count(counts_, batch[i].record);
    }
  }
  return {};
}

Result<void> Importer::add_conversation(const NewConversation& conversation,
                                        const std::vector<NewMessage>& messages, const std::string& place) {
  if (auto done = flush(); !done) return done;
  auto target = space(options_.space);
  if (!target) return target.error();
  if (options_.replace) {
    auto removed = (*target)->conversations().remove(conversation.id);
    if (!removed) return removed.error();
  }
  auto stored = (*target)->conversations().store(conversation, messages);
  if (!stored && !(stored.error().code() == Code::already_exists && stored.error().field() == "id")) {
    if (!is_about_record(stored.error())) return stored.error();
    refuse(place, stored.error());
    return {};
  }
  ++counts_.conversations;
  counts_.messages += messages.size();
  return {};
}

}  // namespace callisto::tools
