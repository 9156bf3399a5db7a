# What `cmake --install` lays down: headers, both libraries, the command, a CMake package and a
# pkg-config file. Only api/callisto/ is installed of the headers.
include(CMakePackageConfigHelpers)

set(callisto_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Callisto")

install(DIRECTORY api/callisto DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.h")
set_target_properties(callisto_static PROPERTIES EXPORT_NAME static)
set_target_properties(callisto_shared PROPERTIES EXPORT_NAME shared)
install(TARGETS callisto_static callisto_shared EXPORT CallistoTargets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(TARGET callisto_cli)
  install(TARGETS callisto_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

install(EXPORT CallistoTargets NAMESPACE callisto:: DESTINATION "${callisto_package_dir}")

# What the static library needs, as found for this build. The package looks for each again by name
# where the file is not there any more.
set(CALLISTO_STATIC_LIBRARIES
  "${CALLISTO_ROCKSDB_LIBRARY}" ${callisto_rocksdb_needs} "${CALLISTO_FLATBUFFERS_LIBRARY}"
  "${CALLISTO_LZ4_LIBRARY}")
foreach(component json locale)
  get_target_property(location Boost::${component} LOCATION)
  list(APPEND CALLISTO_STATIC_LIBRARIES "${location}")
endforeach()
if(CALLISTO_SANITIZE)
  string(REPLACE ";" " " CALLISTO_STATIC_LINK_FLAGS "${callisto_sanitizer_flags}")
endif()

configure_package_config_file(tools/cmake/CallistoConfig.cmake.in
  "${PROJECT_BINARY_DIR}/package/CallistoConfig.cmake"
  INSTALL_DESTINATION "${callisto_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/CallistoConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/package/CallistoConfig.cmake"
  "${PROJECT_BINARY_DIR}/package/CallistoConfigVersion.cmake"
  DESTINATION "${callisto_package_dir}")

# pkg-config: paths of the libraries outside the linker's own folders, then their names.
set(CALLISTO_PC_LIBS_PRIVATE "")
foreach(file IN LISTS CALLISTO_STATIC_LIBRARIES)
  if(NOT IS_ABSOLUTE "${file}")
    string(APPEND CALLISTO_PC_LIBS_PRIVATE " -l${file}")
    continue()
  endif()
  get_filename_component(directory "${file}" DIRECTORY)
  if(NOT directory IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
    string(APPEND CALLISTO_PC_LIBS_PRIVATE " -L${directory} -Wl,-rpath,${directory}")
  endif()
  get_filename_component(name "${file}" NAME)
  string(REGEX REPLACE "^lib(.*)\\.(a|so[.0-9]*)$" "\\1" name "${name}")
  string(APPEND CALLISTO_PC_LIBS_PRIVATE " -l${name}")
endforeach()
string(STRIP "${CALLISTO_PC_LIBS_PRIVATE} -pthread ${CALLISTO_STATIC_LINK_FLAGS}" CALLISTO_PC_LIBS_PRIVATE)
# The prefix follows from where the file lies, so an installed tree may be moved.
file(RELATIVE_PATH CALLISTO_PC_PREFIX
  "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" CALLISTO_PC_PREFIX "${CALLISTO_PC_PREFIX}")
configure_file(tools/cmake/callisto.pc.in "${PROJECT_BINARY_DIR}/package/callisto.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/callisto.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
