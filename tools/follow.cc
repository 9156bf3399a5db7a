#include "tools/follow.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "api/rows.h"

namespace callisto::tools {

namespace {

std::atomic<bool> stop_came{false};
// A byte in it ends a poll() that begins after the signal as well as one that runs.
std::array<int, 2> wake_pipe{-1, -1};

extern "C" void on_stop(int) {
  const int kept = errno;
  stop_came.store(true, std::memory_order_relaxed);
  const char byte = 0;
  [[maybe_unused]] const ssize_t written = ::write(wake_pipe[1], &byte, 1);
  errno = kept;
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigemptyset(&action.sa_mask);
  // No SA_RESTART: a write to a reader who does not read must end too.
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
}

/// Version and time of a record; equal in two states exactly when nothing has changed for readers.
template <class Table>
std::pair<std::uint64_t, std::int64_t> mark_of(const Bytes& row) {
  const auto* stamp = schema::root<Table>(row)->stamp();
  return {stamp->version(), stamp->recorded_at()};
}

template <class Table>
bool is_same_record(const StateRow& old, const StateRow& row) {
  auto before = detail::take_row<Table>(old.key, old.value);
  auto now = detail::take_row<Table>(row.key, row.value);
  return before && now && mark_of<Table>(*before) == mark_of<Table>(*now);
}

}  // namespace

StopSignals::StopSignals() {
  if (::pipe2(wake_pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
  handle(on_stop);
}

StopSignals::~StopSignals() {
  handle(SIG_DFL);
  for (int& end : wake_pipe) {
    ::close(end);
    end = -1;
  }
}

bool StopSignals::came() noexcept { return stop_came.load(std::memory_order_relaxed); }

bool StopSignals::wait(int milliseconds) const {
  if (came()) return true;
  std::array<pollfd, 2> ends{};
  ends[0] = {.fd = wake_pipe[0], .events = POLLIN, .revents = 0};
  ends[1] = {.fd = ::fileno(stdout), .events = 0, .revents = 0};
  ::poll(ends.data(), ends.size(), milliseconds);
  return came() || (ends[1].revents & POLLERR) != 0;
}

bool is_same_row(const indexes::TableDefinition* table, const StateRow& old, const StateRow& row) {
  namespace fb = schema::fb;
  if (old.value == row.value) return true;
  if (table == nullptr) return false;
  switch (table->id) {
    case schema::TableId::users:
      return is_same_record<fb::User>(old, row);
    case schema::TableId::platform_identifiers:
      return is_same_record<fb::PlatformIdentifier>(old, row);
    case schema::TableId::user_data:
      return is_same_record<fb::UserDatum>(old, row);
    case schema::TableId::conversations:
      return is_same_record<fb::Conversation>(old, row);
    case schema::TableId::messages:
      return is_same_record<fb::Message>(old, row);
    case schema::TableId::memories:
      return is_same_record<fb::Memory>(old, row);
    case schema::TableId::user_tails:
    case schema::TableId::conversation_tails:
      break;
  }
  return false;
}

bool is_hidden(const indexes::SpaceState& state, const indexes::TableDefinition* table,
               const StateRow& row) {
  if (state.is_idle() || table == nullptr) return false;
  if (table->id == schema::TableId::messages) {
    const auto place = schema::parse_message_key(row.key);
    return place && state.is_hidden(place->conversation);
  }
  if (table->id != schema::TableId::memories) return false;
  auto bytes = detail::take_row<schema::fb::Memory>(row.key, row.value);
  if (!bytes) return false;
  const auto* owner = schema::root<schema::fb::Memory>(*bytes)->conversation();
  return owner != nullptr && state.is_hidden(schema::from_fb<ConversationId>(owner));
}

Result<void> for_each_new(
    kv::Cursor& before, kv::Cursor& now,
    const std::function<bool(const StateRow& old, const StateRow& row)>& is_same,
    const std::function<Result<bool>(const StateRow& row)>& each) {
  bool is_enough = false;
  for (; now.valid() && !is_enough; now.next()) {
    while (before.valid() && before.key() < now.key()) before.next();
    // An end that is an error is not an end: all that follows would seem new.
    if (auto status = before.status(); !status) return status;
    const StateRow row{now.key(), now.value()};
    if (before.valid() && before.key() == row.key && is_same({row.key, before.value()}, row))
      continue;
    auto more = each(row);
    if (!more) return std::move(more).error();
    is_enough = !*more;
  }
  return now.status();
}

}  // namespace callisto::tools
