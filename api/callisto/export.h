#pragma once

/// Marks what a shared build of the library exports; everything else stays hidden.
#define CALLISTO_API __attribute__((visibility("default")))
