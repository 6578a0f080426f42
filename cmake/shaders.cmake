# Compiles GLSL kernels to SPIR-V and embeds them.
#
# motley_kernel(NAME [FORMATS stem...] [FLAVOURS flavour=DEFINE...])
# motley_flavours(NAME [TARGET environment] FORMATS stem... FLAVOURS flavour=DEFINE...)
#
# Compiles shaders/kernels/NAME.comp once for every format (with shaders/formats/STEM on the include path) and flavour (with
# -DDEFINE). The results are named NAME[.format][.flavour]; motley_kernel always makes a plain build without a flavour as well,
# motley_flavours the flavours alone: for formats that have some which others lack, and for what needs a later TARGET than
# vulkan1.2.

set(MOTLEY_TOOLCHAIN_DIR "${CMAKE_SOURCE_DIR}/build/toolchain" CACHE PATH "Where tools/setup.sh unpacks a newer glslc")
if(EXISTS ${MOTLEY_TOOLCHAIN_DIR}/bin/glslc)
  set(MOTLEY_GLSLC_DEFAULT ${MOTLEY_TOOLCHAIN_DIR}/bin/glslc)
else()
  find_program(MOTLEY_GLSLC_DEFAULT glslc REQUIRED)
endif()
set(MOTLEY_GLSLC ${MOTLEY_GLSLC_DEFAULT} CACHE FILEPATH "The GLSL compiler")
set(MOTLEY_SHADER_FLAGS -fshader-stage=compute --target-env=vulkan1.2 -O -mfmt=num -Werror)

# In debug builds MOTLEY_SHADER_DIR=FOLDER has kernels compiled at run time, from sources that may just have been edited.
if(CMAKE_BUILD_TYPE STREQUAL Debug OR MOTLEY_SANITIZE)
  set(MOTLEY_SHADER_COMPILER_DEFAULT ON)
else()
  set(MOTLEY_SHADER_COMPILER_DEFAULT OFF)
endif()
option(MOTLEY_SHADER_COMPILER "Link libshaderc for MOTLEY_SHADER_DIR (debug builds alone)" ${MOTLEY_SHADER_COMPILER_DEFAULT})

# motley_shader_extension(NAME RESULT [TARGET]): sets RESULT to whether the compiler knows the GLSL extension, and says what is
# left out where it does not.
function(motley_shader_extension name result)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.comp)
  file(CONFIGURE OUTPUT ${source} CONTENT "#version 460\n#extension ${name} : require\nvoid main() {}\n")
  list(TRANSFORM ARGN PREPEND "--target-env=" OUTPUT_VARIABLE target)
  execute_process(COMMAND ${MOTLEY_GLSLC} ${MOTLEY_SHADER_FLAGS} ${target} -o ${source}.inc ${source}
    RESULT_VARIABLE failure OUTPUT_QUIET ERROR_QUIET)
  if(failure EQUAL 0)
    set(${result} TRUE PARENT_SCOPE)
  else()
    message(STATUS "Kernels that need ${name} are left out: ${MOTLEY_GLSLC} does not know it (tools/setup.sh gets one that does)")
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

# Adds one compiled variant, of a format or "-", to the lists MOTLEY_SHADER_NAMES and MOTLEY_SHADER_FILES of the calling directory,
# and how it is compiled, as a row of C++, to MOTLEY_SHADER_SOURCES.
function(motley_shader_variant kernel format flavour defines)
  set(name ${kernel})
  set(flags ${defines})
  if(NOT format STREQUAL "-")
    string(APPEND name .${format})
    list(APPEND flags -I${PROJECT_SOURCE_DIR}/shaders/formats/${format})
  endif()
  string(APPEND name "${flavour}")
  set(source ${PROJECT_SOURCE_DIR}/shaders/kernels/${kernel}.comp)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}.inc)
  add_custom_command(OUTPUT ${output}
    COMMAND ${MOTLEY_GLSLC} ${MOTLEY_SHADER_FLAGS} ${flags} -I${PROJECT_SOURCE_DIR}/shaders
            -MD -MF ${output}.d -MT ${output} -o ${output} ${source}
    DEPENDS ${source} DEPFILE ${output}.d COMMENT "Shader ${name}" VERBATIM)
  set_property(DIRECTORY APPEND PROPERTY MOTLEY_SHADER_NAMES ${name})
  set_property(DIRECTORY APPEND PROPERTY MOTLEY_SHADER_FILES ${output})
  string(REPLACE "-I${PROJECT_SOURCE_DIR}/shaders/" "-I" flags "${MOTLEY_SHADER_FLAGS};${flags};-I.")
  list(JOIN flags " " flags)
  set_property(DIRECTORY APPEND_STRING PROPERTY MOTLEY_SHADER_SOURCES
    "    {\"${name}\", \"${kernel}\", \"${flags}\"},\n")
endfunction()

function(motley_kernel kernel)
  cmake_parse_arguments(ARG "" "" "FORMATS;FLAVOURS" ${ARGN})
  set(formats ${ARG_FORMATS})
  if(NOT formats)
    set(formats "-")
  endif()
  foreach(format IN LISTS formats)
    motley_shader_variant(${kernel} ${format} "" "")
  endforeach()
  motley_flavours(${kernel} FORMATS ${formats} FLAVOURS ${ARG_FLAVOURS})
endfunction()

function(motley_flavours kernel)
  cmake_parse_arguments(ARG "" "TARGET" "FORMATS;FLAVOURS" ${ARGN})
  list(TRANSFORM ARG_TARGET PREPEND "--target-env=" OUTPUT_VARIABLE target)
  foreach(format IN LISTS ARG_FORMATS)
    foreach(flavour IN LISTS ARG_FLAVOURS)
      string(REGEX MATCH "^([^=]+)=(.+)$" matched ${flavour})
      string(REPLACE "," ";-D" defines "-D${CMAKE_MATCH_2}")
      motley_shader_variant(${kernel} ${format} ".${CMAKE_MATCH_1}" "${defines};${target}")
    endforeach()
  endforeach()
endfunction()

# Writes the table of all variants of this directory as C++ source `file`.
function(motley_shader_table file)
  get_property(names DIRECTORY PROPERTY MOTLEY_SHADER_NAMES)
  set(arrays "")
  set(rows "")
  foreach(name IN LISTS names)
    string(REPLACE "." "_" symbol ${name})
    string(APPEND arrays "const uint32_t k_${symbol}[] = {\n#include \"${name}.inc\"\n};\n")
    string(APPEND rows "    {\"${name}\", k_${symbol}},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${file} CONTENT
"// Generated: every compiled kernel variant.
#include \"shader_table.hpp\"

namespace motley::shaders {
namespace {

@arrays@
const vk::ShaderCode kTable[] = {
@rows@};

}  // namespace

std::span<const vk::ShaderCode> table() { return kTable; }

}  // namespace motley::shaders
" @ONLY)
endfunction()

# Writes how each variant is compiled as C++ source `file`.
function(motley_shader_sources file)
  get_property(rows DIRECTORY PROPERTY MOTLEY_SHADER_SOURCES)
  file(CONFIGURE OUTPUT ${file} CONTENT
"// Generated: how every kernel variant is compiled.
#include \"shader_directory.hpp\"

namespace motley::shaders {
namespace {

const VariantSource kSources[] = {
@rows@};

}  // namespace

std::span<const VariantSource> sources() { return kSources; }

}  // namespace motley::shaders
" @ONLY)
endfunction()
