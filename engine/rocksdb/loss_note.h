#pragma once

#include <string>
#include <vector>

#include "callisto/environment.h"
#include "callisto/result.h"

namespace callisto::kv {

// DIR/LOSS: what an opening that accepts a loss is about to give up, a sentence on each line. It is
// there from before the first change until the store is open, so that a loss is told also where
// that opening was cut short: the next one finds the files as if nothing had been lost.

/// Adds the sentences to those that are noted.
Result<void> write_loss_note(const std::string& directory, const std::vector<std::string>& losses,
                             const FileHook& hook);
/// Empty where there is none, or it cannot be read.
std::vector<std::string> read_loss_note(const std::string& directory);
Result<void> remove_loss_note(const std::string& directory, const FileHook& hook);

}  // namespace callisto::kv
