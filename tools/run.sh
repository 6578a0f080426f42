#!/usr/bin/env bash
# Builds Motley where something changed, installing what is missing, and runs it. On stdout there is only its text.
#
#   tools/run.sh [arguments of motley run]        tools/run.sh -p "Once upon a time" -n 100
set -euo pipefail
# shellcheck source=tools/build.sh
. "$(dirname "${BASH_SOURCE[0]}")/build.sh"

"$root/tools/setup.sh" --toolchain "$toolchain" >&2

lock_build
definitions=()
# The tests need more packages; where test.sh has configured them in, they stay.
[ -e "$root/build/CMakeCache.txt" ] || definitions=(-DMOTLEY_TESTS=OFF)
configure release "$root/build" "${definitions[@]}"
if ! ninja -C "$root/build" -n motley_command 2>/dev/null | grep -q 'no work to do'; then
  title='Building what changed'
  [ -x "$root/build/motley" ] || title='Building (the first time takes a few minutes)'
  phase "$title" ninja -C "$root/build" motley_command
fi
unlock_build

exec "$root/build/motley" run "$@"
