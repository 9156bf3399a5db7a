#pragma once

// The rows that need several threads: reads on one and on two, durable appends by eight at once,
// reads beside a thread that appends.

#include "bench/driver.h"

namespace callisto::bench {

/// `id` by one thread and by two: rows "ID@1" and "ID@2", with operations per second.
void run_scaling(Driver& driver, std::string_view id, Pattern pattern);

/// What this machine makes of two threads that share nothing: how often the work of one.
double scaling_of_machine();

/// Durable appends by eight threads, each to conversations of its own: row "10w8". Its time is that
/// of the whole, per operation.
void run_durable_writers(Driver& driver);

/// One thread appends without pause, another one reads the last 20 messages: row "24". All engines
/// append the same messages, and are read from for as long as they take.
void run_beside_appender(Driver& driver, Pattern pattern);

}  // namespace callisto::bench
