# What every target of Motley shares, and how a room is declared.

add_library(motley_options INTERFACE)
target_include_directories(motley_options INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
target_compile_options(motley_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wno-missing-field-initializers  # Vulkan structures are begun as {sType}
  $<$<BOOL:${MOTLEY_WARNINGS_AS_ERRORS}>:-Werror>)
if(MOTLEY_SANITIZE)
  # Exported to every target of the tree, so that the tests and the command link the same run time.
  add_compile_options(-fsanitize=${MOTLEY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${MOTLEY_SANITIZE})
endif()

# motley_room(NAME SOURCES file... DEPENDS room... LINK library...)
#
# One room is one static library target motley_NAME. DEPENDS names the rooms whose headers it may include.
function(motley_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  if(NOT ARG_SOURCES)
    add_library(motley_${name} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(motley_${name} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
  endif()
  target_link_libraries(motley_${name} ${scope} motley_options ${ARG_LINK})
  foreach(room IN LISTS ARG_DEPENDS)
    target_link_libraries(motley_${name} ${scope} motley_${room})
  endforeach()
endfunction()

# motley_test(NAME SOURCES file... ROOMS room... LINK library...)
#
# One GoogleTest program, registered as one ctest per program. Programs run from the build folder.
function(motley_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;ROOMS;LINK;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  foreach(room IN LISTS ARG_ROOMS)
    target_link_libraries(${name} PRIVATE motley_${room})
  endforeach()
  target_link_libraries(${name} PRIVATE motley_options ${ARG_LINK} GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()
