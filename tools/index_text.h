#pragma once

// How commands show states of indexes and the work on them.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/store.h"

namespace callisto::tools {

std::string_view to_string(IndexState state) noexcept;

/// One line for each: space, index, state, rows.
void print_index_work(const std::vector<IndexWork>& work, bool is_json);

/// Runs `work` to its end; meanwhile, on a terminal, standard error shows how far builds have come.
Result<void> with_index_progress(const Store& store, const std::function<Result<void>()>& work);

}  // namespace callisto::tools
