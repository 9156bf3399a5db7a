#pragma once

/// Everything that a program needs: `#include <callisto/callisto.h>`.
#include "callisto/store.h"
#include "callisto/submit.h"
