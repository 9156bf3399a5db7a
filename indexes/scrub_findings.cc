#include "indexes/scrub_findings.h"

#include <string>

#include "schema/keys.h"

namespace callisto::indexes {

void Findings::dangling(std::string_view table, std::string_view key, std::string_view detail) {
  ++report_.dangling;
  keep("dangling", table, key, detail);
}

void Findings::missing(std::string_view table, std::string_view key, std::string_view detail) {
  ++report_.missing;
  keep("missing", table, key, detail);
}

void Findings::wrong(std::string_view table, std::string_view key, std::string_view detail) {
  ++report_.wrong;
  keep("wrong", table, key, detail);
}

void Findings::undecodable(std::string_view table, std::string_view key, std::string_view detail) {
  ++report_.undecodable;
  keep("undecodable", table, key, detail);
}

void Findings::unreadable(std::string_view table, std::string_view from, std::string_view detail) {
  ++report_.unreadable;
  keep("unreadable", table, from, detail);
}

void Findings::orphan(std::string_view table, std::string_view key, std::string_view detail) {
  ++report_.orphans;
  keep("orphan", table, key, detail);
}

void Findings::keep(const char* kind, std::string_view table, std::string_view key,
                    std::string_view detail) {
  report_.ok = false;
  if (report_.defects.size() >= kMaxDefects) return;
  report_.defects.push_back({kind, std::string(table), schema::to_hex(key), std::string(detail)});
}

}  // namespace callisto::indexes
