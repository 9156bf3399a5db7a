#include "callisto/submit.h"

namespace callisto {

Executor::~Executor() = default;

}  // namespace callisto
