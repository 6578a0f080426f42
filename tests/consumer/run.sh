#!/usr/bin/env bash
# Usage: run.sh BUILD LIBDIR. Installs the build folder BUILD (its libraries into PREFIX/LIBDIR) under a temporary prefix,
# then builds and runs what a user of the package would: a CMake project in C++ that finds it with find_package, a C
# program that finds it with pkg-config, and the installed command. The headers are also compiled each by itself.
set -euo pipefail
build=$1 libdir=$2
consumer=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
model=$prefix/share/motley/stories.gguf

step() { echo "== $*"; "$@"; }

# The driver that is there on every machine with Mesa; where it is not, whatever the machine has.
for driver in /usr/share/vulkan/icd.d/lvp_icd*.json; do
  [ ! -e "$driver" ] || export VK_ICD_FILENAMES=$driver
done

step cmake --install "$build" --prefix "$prefix" >"$work/install.log" || { cat "$work/install.log"; exit 1; }
for file in bin/motley "$libdir/libmotley.so" share/man/man1/motley.1 share/motley/stories.gguf \
    share/bash-completion/completions/motley share/zsh/site-functions/_motley share/fish/vendor_completions.d/motley.fish; do
  [ -e "$prefix/$file" ] || { echo "not installed: $file"; exit 1; }
done

for header in "$prefix"/include/motley/*.h*; do
  case $header in *.hpp) standard=c++20 language=c++ ;; *) standard=c11 language=c ;; esac
  step "${CXX:-g++}" -x $language -std=$standard -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$prefix/include" \
    -include "$header" /dev/null
done

step cmake -S "$consumer" -B "$work/cpp" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix"
step cmake --build "$work/cpp"
step "$work/cpp/consumer" "$model"

export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
read -ra flags < <(pkg-config --cflags --libs motley)
step "${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror "$consumer/consumer.c" -o "$work/consumer_c" "${flags[@]}"
LD_LIBRARY_PATH=$prefix/$libdir step "$work/consumer_c" "$model"

# Moved as a whole, the installation still works: nothing in it holds the place where it was.
mv "$prefix" "$work/moved"
step "$work/moved/bin/motley" run -p "Once upon a time" -n 8
