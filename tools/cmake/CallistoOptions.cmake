# What a builder can choose, and the compiler settings that follow from it.

option(CALLISTO_BUILD_TESTS "Build the tests (needs GoogleTest)" ${PROJECT_IS_TOP_LEVEL})
option(CALLISTO_BUILD_BENCH "Build the benchmarks (needs Google Benchmark)" ${PROJECT_IS_TOP_LEVEL})
option(CALLISTO_WERROR "Treat warnings as errors" OFF)
set(CALLISTO_SANITIZE "" CACHE STRING
  "Instrument the build: 'address' (ASan and UBSan), 'thread' (TSan) or empty")
set_property(CACHE CALLISTO_SANITIZE PROPERTY STRINGS "" address thread)
set(CALLISTO_ROCKSDB_ROOT "" CACHE PATH
  "Link the RocksDB installed under this directory instead of the system's")

get_property(callisto_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT callisto_multi_config AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER AND NOT DEFINED ENV{CMAKE_CXX_COMPILER_LAUNCHER})
  find_program(CALLISTO_CCACHE ccache)
  mark_as_advanced(CALLISTO_CCACHE)
  if(CALLISTO_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CALLISTO_CCACHE}")
  endif()
endif()

# Settings of every target of this project: C++20, hidden symbols, warnings, sanitizers.
add_library(callisto_compile_options INTERFACE)
target_compile_features(callisto_compile_options INTERFACE cxx_std_20)
target_compile_options(callisto_compile_options INTERFACE -Wall -Wextra -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # At -O3 it warns about "literal" + std::string (https://gcc.gnu.org/PR105651).
  target_compile_options(callisto_compile_options INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's std::stable_sort uses what the standard calls deprecated.
  target_compile_options(callisto_compile_options INTERFACE -Wno-deprecated-declarations)
endif()
if(CALLISTO_WERROR)
  target_compile_options(callisto_compile_options INTERFACE -Werror)
endif()

if(CALLISTO_SANITIZE STREQUAL "address")
  set(callisto_sanitizer_flags -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(CALLISTO_SANITIZE STREQUAL "thread")
  set(callisto_sanitizer_flags -fsanitize=thread)
elseif(NOT CALLISTO_SANITIZE STREQUAL "")
  message(FATAL_ERROR "CALLISTO_SANITIZE is 'address', 'thread' or empty, not '${CALLISTO_SANITIZE}'")
endif()
if(callisto_sanitizer_flags)
  target_compile_options(callisto_compile_options INTERFACE
    ${callisto_sanitizer_flags} -fno-omit-frame-pointer -g1)
  target_link_options(callisto_compile_options INTERFACE ${callisto_sanitizer_flags})
endif()

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
