# Every library Motley uses, all of them Debian packages (tools/setup.sh installs them).

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
if(MOTLEY_TESTS)
  find_package(GTest REQUIRED)
endif()
if(MOTLEY_SHADER_COMPILER)
  include(cmake/shaderc.cmake)
endif()

# Vulkan's headers and volk: those of the private toolchain where tools/setup.sh put newer ones, else the system's.
if(EXISTS ${MOTLEY_TOOLCHAIN_DIR}/include/volk.c)
  set(MOTLEY_VULKAN_INCLUDE ${MOTLEY_TOOLCHAIN_DIR}/include CACHE PATH "Vulkan headers and volk")
else()
  find_path(MOTLEY_VULKAN_INCLUDE volk.c REQUIRED)
endif()
set(VOLK_SOURCE ${MOTLEY_VULKAN_INCLUDE}/volk.c)
