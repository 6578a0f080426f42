# The target motley_shaderc: libshaderc with whatever it needs to be linked.

include(CheckCXXSourceCompiles)

find_path(SHADERC_INCLUDE shaderc/shaderc.hpp REQUIRED)
find_library(SHADERC_LIBRARY shaderc REQUIRED)
add_library(motley_shaderc INTERFACE)
target_include_directories(motley_shaderc SYSTEM INTERFACE ${SHADERC_INCLUDE})

set(CMAKE_REQUIRED_INCLUDES ${SHADERC_INCLUDE})
set(CMAKE_REQUIRED_LIBRARIES ${SHADERC_LIBRARY})
check_cxx_source_compiles("#include <shaderc/shaderc.hpp>
int main() { return shaderc::Compiler().IsValid() ? 0 : 1; }" MOTLEY_SHADERC_IS_COMPLETE)
if(MOTLEY_SHADERC_IS_COMPLETE)
  target_link_libraries(motley_shaderc INTERFACE ${SHADERC_LIBRARY})
else()
  # Debian 12's shared library lacks glslang and SPIRV-Tools; its static ones are linked with theirs.
  foreach(name IN ITEMS shaderc_combined glslang MachineIndependent SPIRV OSDependent OGLCompiler GenericCodeGen HLSL
                        SPIRV-Tools-opt SPIRV-Tools)
    find_library(MOTLEY_LIB_${name} NAMES lib${name}.a REQUIRED)
    target_link_libraries(motley_shaderc INTERFACE ${MOTLEY_LIB_${name}})
  endforeach()
  target_link_libraries(motley_shaderc INTERFACE Threads::Threads)
endif()
unset(CMAKE_REQUIRED_INCLUDES)
unset(CMAKE_REQUIRED_LIBRARIES)
