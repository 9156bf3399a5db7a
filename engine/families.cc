#include <string_view>

#include "engine/kv.h"

namespace callisto::kv {

std::string_view to_string(Family family) noexcept {
  switch (family) {
    case Family::users:
      return "users";
    case Family::platform_identifiers:
      return "platform_identifiers";
    case Family::user_data:
      return "user_data";
    case Family::conversations:
      return "conversations";
    case Family::messages:
      return "messages";
    case Family::memories:
      return "memories";
    case Family::indexes:
      return "indexes";
    case Family::system:
      return "system";
  }
  return "unknown";
}

}  // namespace callisto::kv
