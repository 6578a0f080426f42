# What `cmake --install` puts where: the command, the library with its headers and its CMake and pkg-config packages,
# the demo model, the manual page and the shell completions.

if(NOT TARGET motley OR NOT TARGET motley_command)
  return()
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/motley)
set(data_dir ${CMAKE_INSTALL_DATADIR}/motley)

# Before 1.0 every minor version may change the binary interface, so it is part of the library's name.
set_target_properties(motley PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
file(RELATIVE_PATH bin_to_lib ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
set_target_properties(motley_command PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")

install(TARGETS motley_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS motley EXPORT motleyTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/motley DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# find_package(motley): the target motley::motley
install(EXPORT motleyTargets NAMESPACE motley:: DESTINATION ${package_dir})
configure_package_config_file(cmake/motleyConfig.cmake.in ${CMAKE_BINARY_DIR}/motleyConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/motleyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/motleyConfig.cmake ${CMAKE_BINARY_DIR}/motleyConfigVersion.cmake
  DESTINATION ${package_dir})

# pkg-config: paths relative to motley.pc itself, so that an installation may be moved
file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(cmake/motley.pc.in ${CMAKE_BINARY_DIR}/motley.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/motley.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES tools/demo/stories.gguf DESTINATION ${data_dir})
install(DIRECTORY tools/machines DESTINATION ${data_dir})
install(FILES tools/man/motley.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES tools/completions/motley.bash RENAME motley
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES tools/completions/_motley DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES tools/completions/motley.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(MOTLEY_TESTS AND NOT MOTLEY_SANITIZE)
  # Installs into a folder of its own, and builds and runs programs against what lies there.
  add_test(NAME installed_package
    COMMAND ${PROJECT_SOURCE_DIR}/tests/consumer/run.sh ${CMAKE_BINARY_DIR} ${CMAKE_INSTALL_LIBDIR})
  set_tests_properties(installed_package PROPERTIES TIMEOUT 300)
  # The manual page and the completions name every option that the command has.
  add_test(NAME documented_options
    COMMAND ${PROJECT_SOURCE_DIR}/tests/tools/documented_options.sh $<TARGET_FILE:motley_command>)
endif()
