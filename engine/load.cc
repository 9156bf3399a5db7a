#include "engine/load.h"

namespace callisto::kv {

std::unique_ptr<Cursor> Store::scan_at(Family /*family*/, const Bounds& /*bounds*/,
                                       Version /*version*/) {
  return nullptr;
}

Result<std::unique_ptr<Staging>> Store::stage() {
  return Error(Code::unsupported, "this store takes no bulk load");
}

Result<Version> Store::bulk_load(const LoadRequest&) {
  return Error(Code::unsupported, "this store takes no bulk load");
}

}  // namespace callisto::kv
