#include "tools/index_text.h"

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "tools/command.h"
#include "tools/json_line.h"

namespace callisto::tools {

namespace {

void show_progress(const Store& store) {
  const auto work = store.index_work();
  if (!work) return;
  for (const IndexWork& one : *work) {
    if (one.rows_expected == 0) continue;
    std::fprintf(stderr, "\r%s: %llu of about %llu rows, %zu indexes left\033[K", one.index.c_str(),
                 static_cast<unsigned long long>(one.rows_done),
                 static_cast<unsigned long long>(one.rows_expected), work->size());
    return;
  }
}

}  // namespace

std::string_view to_string(IndexState state) noexcept {
  switch (state) {
    case IndexState::ready:
      return "ready";
    case IndexState::building:
      return "building";
    case IndexState::disabled:
      return "disabled";
    case IndexState::dropping:
      return "dropping";
    case IndexState::absent:
      return "absent";
    case IndexState::stale:
      return "stale";
  }
  return "unknown";
}

void print_index_work(const std::vector<IndexWork>& work, bool is_json) {
  for (const IndexWork& one : work) {
    const std::string state(to_string(one.state));
    if (is_json) {
      print_line(JsonLine()
                     .text("space", one.space)
                     .text("index", one.index)
                     .text("state", state)
                     .number("rows_done", one.rows_done)
                     .number("rows_expected", one.rows_expected)
                     .str());
    } else {
      print_line(one_line(one.space) + "  " + one.index + "  " + state);
    }
  }
}

Result<void> with_index_progress(const Store& store, const std::function<Result<void>()>& work) {
  if (::isatty(STDERR_FILENO) == 0) return work();
  std::mutex mutex;
  std::condition_variable_any wake;
  std::jthread reporter([&](const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, stop, std::chrono::milliseconds(200),
                          [&] { return stop.stop_requested(); })) {
      if (stop.stop_requested()) break;
      show_progress(store);
    }
  });
  auto done = work();
  reporter.request_stop();
  reporter.join();
  std::fputs("\r\033[K", stderr);
  return done;
}

}  // namespace callisto::tools
