# The libraries that Callisto stands on, as one target: callisto_dependencies.
# After a change here, look at CallistoConfig.cmake.in and callisto.pc.in, which hand the same list
# to whoever links the static library.

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json program_options locale)

# RocksDB by file rather than by its CMake package: that one asks for the development packages of
# every compressor even where the shared library is linked.
set(callisto_rocksdb_hint "")
if(CALLISTO_ROCKSDB_ROOT)
  set(callisto_rocksdb_hint HINTS "${CALLISTO_ROCKSDB_ROOT}" NO_DEFAULT_PATH)
endif()
if(NOT "${CALLISTO_ROCKSDB_ROOT}" STREQUAL "${CALLISTO_ROCKSDB_ROOT_USED}")
  unset(CALLISTO_ROCKSDB_INCLUDE_DIR CACHE)
  unset(CALLISTO_ROCKSDB_LIBRARY CACHE)
endif()
set(CALLISTO_ROCKSDB_ROOT_USED "${CALLISTO_ROCKSDB_ROOT}" CACHE INTERNAL "")
find_path(CALLISTO_ROCKSDB_INCLUDE_DIR rocksdb/version.h
  ${callisto_rocksdb_hint} PATH_SUFFIXES include REQUIRED)
find_library(CALLISTO_ROCKSDB_LIBRARY rocksdb
  ${callisto_rocksdb_hint} PATH_SUFFIXES lib lib64 lib/${CMAKE_LIBRARY_ARCHITECTURE} REQUIRED)

find_path(CALLISTO_FLATBUFFERS_INCLUDE_DIR flatbuffers/flatbuffers.h REQUIRED)
find_library(CALLISTO_FLATBUFFERS_LIBRARY flatbuffers REQUIRED)
find_program(CALLISTO_FLATC flatc REQUIRED)
find_path(CALLISTO_XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_path(CALLISTO_LZ4_INCLUDE_DIR lz4.h REQUIRED)
find_library(CALLISTO_LZ4_LIBRARY lz4 REQUIRED)
mark_as_advanced(CALLISTO_ROCKSDB_INCLUDE_DIR CALLISTO_ROCKSDB_LIBRARY
  CALLISTO_FLATBUFFERS_INCLUDE_DIR CALLISTO_FLATBUFFERS_LIBRARY CALLISTO_FLATC
  CALLISTO_XXHASH_INCLUDE_DIR CALLISTO_LZ4_INCLUDE_DIR CALLISTO_LZ4_LIBRARY)

# A RocksDB that is an archive does not name what it needs itself.
set(callisto_rocksdb_needs "")
if(CALLISTO_ROCKSDB_LIBRARY MATCHES "\\.a$")
  foreach(name snappy zstd lz4 bz2 z gflags)
    find_library(CALLISTO_LIBRARY_${name} ${name})
    mark_as_advanced(CALLISTO_LIBRARY_${name})
    if(CALLISTO_LIBRARY_${name})
      list(APPEND callisto_rocksdb_needs ${CALLISTO_LIBRARY_${name}})
    endif()
  endforeach()
  list(APPEND callisto_rocksdb_needs ${CMAKE_DL_LIBS})
endif()

add_library(callisto_dependencies INTERFACE)
target_include_directories(callisto_dependencies SYSTEM INTERFACE
  "${CALLISTO_ROCKSDB_INCLUDE_DIR}"
  "${CALLISTO_FLATBUFFERS_INCLUDE_DIR}"
  "${CALLISTO_XXHASH_INCLUDE_DIR}"
  "${CALLISTO_LZ4_INCLUDE_DIR}")
target_compile_definitions(callisto_dependencies INTERFACE XXH_INLINE_ALL)
target_link_libraries(callisto_dependencies INTERFACE
  "${CALLISTO_ROCKSDB_LIBRARY}" ${callisto_rocksdb_needs}
  "${CALLISTO_FLATBUFFERS_LIBRARY}"
  "${CALLISTO_LZ4_LIBRARY}"
  Boost::json Boost::locale Threads::Threads)
message(STATUS "RocksDB: ${CALLISTO_ROCKSDB_LIBRARY}")
