# Sourced by run.sh and test.sh: building with one line a phase on stderr and the full chatter in build/log.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
log=$root/build/log
toolchain=$root/build/toolchain

say() { printf '%s\n' "$*" >&2; }

# phase TITLE COMMAND... runs a command with its output in the log; on failure shows the log's end.
phase() {
  local title=$1
  shift
  [ -z "$title" ] || say "$title"
  printf '\n== %s\n' "$*" >>"$log"
  "$@" </dev/null >>"$log" 2>&1 9>&- && return
  tail -n 40 "$log" >&2
  say "That failed: $*"
  say "The full log is $log"
  return 1
}

# Two builds in one folder at a time would trip over each other. The lock goes with unlock_build or with the shell.
lock_build() {
  mkdir -p "$root/build"
  exec 9>"$root/build/.lock"
  flock -n 9 || { say "Waiting for another build in $root/build"; flock 9; }
  : >"$log"
}

unlock_build() { exec 9>&-; }

# is_configured FOLDER DEFINITION... tells whether CMake has nothing to learn there: it has run since the presets
# changed and since the newer shader compiler came, with these -DNAME=VALUE.
is_configured() {
  local folder=$1 definition
  shift
  [ -e "$folder/.configured" ] || return 1
  [ ! "$root/CMakePresets.json" -nt "$folder/.configured" ] || return 1
  [ ! "$toolchain" -nt "$folder/.configured" ] || return 1
  for definition in "$@"; do
    definition=${definition#-D}
    grep -q "^${definition%%=*}:[A-Z]*=${definition#*=}\$" "$folder/CMakeCache.txt" || return 1
  done
}

# configure PRESET FOLDER DEFINITION...
configure() {
  local preset=$1 folder=$2
  shift 2
  is_configured "$folder" "$@" && return
  # What CMake remembers of the shader compiler and of Vulkan's headers gives way to a toolchain that came later.
  [ ! "$toolchain" -nt "$folder/.configured" ] || set -- "$@" -U 'MOTLEY_GLSLC*' -U MOTLEY_VULKAN_INCLUDE
  phase "Configuring ${folder#"$root/"}" cmake -S "$root" --preset "$preset" "$@" && : >"$folder/.configured"
}
