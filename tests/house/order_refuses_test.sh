#!/usr/bin/env bash
# order_test.sh must find what it is there to find: each case is a tree of one source with one #include.
set -uo pipefail
order_test=$(cd "$(dirname "$0")" && pwd)/order_test.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
wrong=0

# verdict FILE HEADER: "kept" or "broken", for the file with this #include.
verdict() {
  rm -rf "${tree:?}"/*
  mkdir -p "$tree/src/base" "$tree/$(dirname "$1")"
  echo '#include <string>' >"$tree/src/base/error.hpp"
  echo "  # include $2  // why" >"$tree/$1"
  if "$order_test" "$tree" >"$tree/output"; then echo kept; else echo broken; fi
}

expect() {
  local found
  found=$(verdict "$2" "$3")
  [ "$found" = "$1" ] || { echo "$2 with #include $3: the order is $found, expected $1"; wrong=1; }
}

expect broken src/base/file.cpp '"gguf/file.hpp"'
expect broken src/gguf/file.hpp '"quant/format.hpp"'
expect broken src/tokenizer/bpe.cpp '"model/config.hpp"'
expect broken src/vk/device.cpp '"kernels/profile.hpp"'
expect broken src/placement/rank.cpp '"vk/device_facts.hpp"'
expect broken src/vk/device.cpp '"shader_table.hpp"'
expect broken src/kernels/matmul.cpp '<engine/session.hpp>'
expect broken src/kernels/matmul.cpp '<volk.h>'
expect broken src/engine/session.cpp '<vulkan/vulkan.h>'
expect broken src/engine/session.cpp '<motley/motley.hpp>'
expect broken src/engine/session.cpp '"../api/impl.hpp"'
expect broken src/attic/old.cpp '<string>'
expect broken shaders/shader_table.cpp '"kernels/matmul.hpp"'
expect broken include/motley/motley.hpp '"base/error.hpp"'
expect broken tools/main.cpp '"engine/session.hpp"'
expect broken tools/main.cpp '"params/step.h"'
expect broken tests/consumer/consumer.c '"base/file.hpp"'
expect broken tests/kernels/matmul_test.cpp '<volk.h>'

expect kept src/gguf/file.cpp '"gguf/file.hpp"'
expect kept src/gguf/file.cpp '"base/file.hpp"'
expect kept src/vk/device.cpp '<volk.h>'
expect kept src/kernels/matmul.cpp '"params/matmul.h"'
expect kept src/engine/session.cpp '<motley/error.hpp>'
expect kept src/api/session.cpp '<motley/motley.hpp>'
expect kept shaders/shader_table.hpp '"vk/shader.hpp"'
expect kept tools/main.cpp '"options.hpp"'
expect kept tests/consumer/consumer.cpp '<motley/motley.hpp>'
expect kept tests/kernels/matmul_test.cpp '"engine/session.hpp"'

# A tree in which nothing is found is no tree in good order.
rm -rf "${tree:?}"/*
mkdir "$tree/src"
if "$order_test" "$tree" >/dev/null; then echo "an empty tree passes"; wrong=1; fi
exit $wrong
