# How the folders become targets.

# A folder of the project as an OBJECT library of every .cc below it. FILTER: a regular expression of
# paths to leave out.
#   callisto_layer(callisto_engine [FILTER regex])
function(callisto_layer target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FILTER" "")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  if(arg_FILTER)
    list(FILTER sources EXCLUDE REGEX "${arg_FILTER}")
  endif()
  if(NOT sources)
    # CMake refuses a library without sources.
    set(sources "${CMAKE_CURRENT_BINARY_DIR}/${target}_empty.cc")
    file(CONFIGURE OUTPUT "${sources}" CONTENT "")
  endif()
  add_library(${target} OBJECT ${sources})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/api")
  target_include_directories(${target} SYSTEM PRIVATE "${PROJECT_BINARY_DIR}/generated")
  target_compile_definitions(${target} PRIVATE CALLISTO_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${target} PRIVATE callisto_compile_options callisto_dependencies)
  add_dependencies(${target} callisto_generated)
endfunction()

# What a program inside the project needs to be linked with the static library and to see internals.
function(callisto_link_internals target)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/api")
  target_include_directories(${target} SYSTEM PRIVATE "${PROJECT_BINARY_DIR}/generated")
  target_link_libraries(${target} PRIVATE callisto_compile_options callisto_static callisto_dependencies)
  add_dependencies(${target} callisto_generated)
endfunction()
