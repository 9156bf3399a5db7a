#include "tools/command.h"

#include <poll.h>

#include <cstdio>

namespace callisto::tools {

namespace {

int status_of(Code code) noexcept {
  switch (code) {
    case Code::invalid_argument:
    case Code::unsupported:
      return kUsage;
    case Code::not_found:
    case Code::already_exists:
    case Code::version_mismatch:
    case Code::conflict:
    case Code::too_large:
    case Code::limit_exceeded:
    case Code::scan_limit_exceeded:
    case Code::deadline_exceeded:
    case Code::cancelled:
      return kFailed;
    case Code::corruption:
    case Code::io_error:
    case Code::no_space:
    case Code::unavailable:
    case Code::unknown_outcome:
    case Code::read_only:
    case Code::busy:
    case Code::closed:
    case Code::snapshot_lost:
    case Code::index_not_ready:
    case Code::format_too_new:
    case Code::format_unsupported:
    case Code::data_loss:
      return kBroken;
  }
  return kBroken;
}

}  // namespace

int report(const Error& error) {
  std::fprintf(stderr, "callisto: %s\n", one_line(error.to_string()).c_str());
  return status_of(error.code());
}

int report_usage(std::string_view message) {
  std::fprintf(stderr, "callisto: %s\n", one_line(message).c_str());
  return kUsage;
}

std::string one_line(std::string_view text) {
  std::string line(text);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto c = static_cast<unsigned char>(line[i]);
    const auto next = i + 1 < line.size() ? static_cast<unsigned char>(line[i + 1]) : 0;
    if (c < 0x20 || c == 0x7f) line[i] = ' ';
    // U+0080 to U+009F in UTF-8.
    if (c == 0xc2 && next >= 0x80 && next < 0xa0) line.replace(i, 2, " ");
  }
  return line;
}

Result<Store> open_store(const Context& context, OpenMode mode, bool background_work) {
  if (context.directory.empty()) {
    return Error(Code::invalid_argument, "store", "given as --store DIR or in CALLISTO_STORE");
  }
  Options options;
  options.mode = mode;
  options.accept_data_loss = context.has("accept-data-loss");
  options.background_work = background_work;
  auto store = Store::open(context.directory, options);
  if (store) {
    if (const auto lost = store->health().data_lost) {
      std::fprintf(stderr, "callisto: opened all the same: %s\n", one_line(lost->to_string()).c_str());
    }
    return store;
  }
  // A path that holds no store cannot be opened: not the same as a record that is not there, or as a
  // word on the command line that is wrong.
  if (store.error().code() == Code::not_found) {
    return Error(Code::io_error, "there is no store in " + context.directory +
                                     " (make one with: callisto --store DIR init)");
  }
  if (store.error().code() == Code::invalid_argument && store.error().field() == "directory") {
    return Error(Code::io_error, "cannot open the store: " + store.error().limit());
  }
  return store;
}

Result<Space> open_space(const Context& context, const Store& store) {
  auto space = store.space(context.space);
  if (!space && space.error().code() == Code::not_found) {
    return Error(Code::not_found, "space", "an existing space (see: callisto space list)");
  }
  return space;
}

bool print_line(std::string_view line) {
  const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size() &&
                       std::fputc('\n', stdout) != EOF;
  return written && std::ferror(stdout) == 0;
}

int finish_output(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  pollfd output{.fd = ::fileno(stdout), .events = POLLOUT, .revents = 0};
  const bool is_reader_gone = ::poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
  return is_reader_gone ? status : report(Error(Code::io_error, "cannot write the output"));
}

}  // namespace callisto::tools
