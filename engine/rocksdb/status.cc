#include "engine/rocksdb/status.h"

#include <rocksdb/status.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

namespace callisto::kv {
namespace {

Code code_of(const rocksdb::Status& status) {
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) return Code::no_space;
  switch (status.code()) {
    case rocksdb::Status::kCorruption:
      return Code::corruption;
    case rocksdb::Status::kNotSupported:
      return Code::unsupported;
    case rocksdb::Status::kInvalidArgument:
      return Code::invalid_argument;
    case rocksdb::Status::kShutdownInProgress:
      return Code::closed;
    case rocksdb::Status::kBusy:
    case rocksdb::Status::kTimedOut:
    case rocksdb::Status::kTryAgain:
      return Code::busy;
    default:
      return Code::io_error;
  }
}

std::string printable(std::string text) {
  constexpr std::size_t kLongest = 300;
  if (text.size() > kLongest) text.replace(kLongest, std::string::npos, "...");
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

Error to_error(const rocksdb::Status& status, std::string_view what) {
  return Error(code_of(status), std::string(what) + ": " + printable(status.ToString()));
}

std::string key_in_words(std::string_view key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::size_t kMostBytes = 64;
  std::string text;
  for (const char c : key.substr(0, kMostBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return key.size() > kMostBytes ? text + "..." : text;
}

Error open_error(const rocksdb::Status& status, bool complete) {
  Error error = to_error(status, "cannot open the store");
  if (complete && error.code() == Code::invalid_argument) {
    return Error(Code::corruption, error.message());
  }
  return error;
}

Error errno_error(int error_number, std::string_view what) {
  std::string text = std::string(what) + ": " + std::generic_category().message(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return Error(Code::no_space, std::move(text));
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return Error(Code::invalid_argument, "directory", std::move(text));
    default:
      return Error(Code::io_error, std::move(text));
  }
}

}  // namespace callisto::kv
