#pragma once

#include <string>
#include <string_view>

#include "callisto/error.h"

namespace rocksdb {
class Status;
}

namespace callisto::kv {

/// The one place that turns a rocksdb::Status that is not ok into an Error. `what` names the work
/// and, where there is one, the family ("read of messages"). The message holds RocksDB's text,
/// which names files and never values (allow_data_in_errors is off), in printable ASCII,
/// cut at 300 bytes.
///
/// no_space, io_error, corruption, busy, unsupported, invalid_argument, closed; anything else that
/// RocksDB says is an io_error.
Error to_error(const rocksdb::Status& status, std::string_view what);

/// For messages: in hexadecimal, cut at 64 bytes.
std::string key_in_words(std::string_view key);

/// Of an opening. What RocksDB calls a wrong argument is a damaged store where that was `complete`:
/// the arguments are ours.
Error open_error(const rocksdb::Status& status, bool complete);

/// A failed system call, by its errno: no_space; invalid_argument (field `directory`) where another
/// directory or other permissions would help; io_error for the rest.
Error errno_error(int error_number, std::string_view what);

}  // namespace callisto::kv
