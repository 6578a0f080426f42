#!/usr/bin/env bash
# Builds Motley with its tests and runs them, installing what is missing.
#
#   tools/test.sh [--werror]
#
# In this order: the layout of the sources (clang-format), the optimised build, the build with the address and
# undefined-behaviour sanitizers, the tests labelled asan in the latter, all tests in the former. A test whose driver is
# not there is skipped and says so. With --werror, or CI=true in the environment, a compiler warning is an error.
# The last line tells how many test cases passed, failed and were skipped; exit status 0 only when none failed.
set -euo pipefail
# shellcheck source=tools/build.sh
. "$(dirname "${BASH_SOURCE[0]}")/build.sh"
passed=0 failed=0 skipped=0

case "${1:-}${CI:-}" in
  ''|false) werror=OFF ;;
  --werror*|true|1) werror=ON ;;
  *) say "usage: tools/test.sh [--werror]"; exit 2 ;;
esac

# Counts as one case. Without the right clang-format lint.sh exits 77: skipped.
check_layout() {
  local status=0
  say "Checking the layout of the sources"
  "$root/tools/lint.sh" --format >&2 </dev/null 9>&- || status=$?
  case $status in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
  esac
}

# build PRESET FOLDER TITLE [COMMAND that prints the targets, where not everything is wanted]
build() {
  local preset=$1 folder=$2 title=$3 targets=
  configure "$preset" "$folder" -DMOTLEY_TESTS=ON -DMOTLEY_WARNINGS_AS_ERRORS=$werror || return 1
  [ $# -lt 4 ] || targets=$("$4" "$folder") || return 1
  # shellcheck disable=SC2086  # one word a target
  phase "$title" ninja -C "$folder" $targets
}

# A test is named as the program it runs.
asan_programs() { ctest --test-dir "$1" -N -L asan | sed -n 's/^ *Test *#[0-9]*: //p'; }

# count_cases OUTPUT LOG prints "passed failed skipped" of one run of ctest, from what it printed (the fate of each
# program) and from its log (the GoogleTest cases in it). A program without such cases is one case, and one that
# failed without a failed case (a crash, a time-out) is one failure more.
count_cases() {
  awk '
    FNR == NR {
      if ($2 == "Test") fate[$4] = / Passed +[0-9.]+ sec/ ? "passed" : /[*]Skipped / ? "skipped" : "failed"
      next
    }
    / Testing: /                        { name = $3; good = bad = left = 0 }
    /^\[       OK \] .*\([0-9]+ ms\)$/  { good++ }
    /^\[  FAILED  \] .*\([0-9]+ ms\)$/  { bad++ }
    /^\[  SKIPPED \] .*\([0-9]+ ms\)$/  { left++ }
    /^".*" end time: / {
      if (fate[name] == "failed" && !bad) bad = 1
      if (!(good + bad + left)) { good = fate[name] == "passed"; left = fate[name] == "skipped" }
      passed += good; failed += bad; skipped += left
    }
    END { print passed + 0, failed + 0, skipped + 0 }' "$1" "$2"
}

# run_tests FOLDER TITLE [ctest argument...]
run_tests() {
  local folder=$1 title=$2 results=$1/Testing/Temporary/LastTest.log counts status=0
  shift 2
  say "$title"
  rm -f "$results"
  ctest --test-dir "$folder" -j"$(nproc)" --output-on-failure --no-tests=error "$@" </dev/null 9>&- |
    tee "$folder/ctest.out" || status=$?
  touch "$results"
  read -ra counts < <(count_cases "$folder/ctest.out" "$results")
  # What ctest itself holds against the run, such as no tests at all, must not get lost.
  [ "$status" = 0 ] || [ "${counts[1]}" != 0 ] || counts[1]=1
  passed=$((passed + counts[0])) failed=$((failed + counts[1])) skipped=$((skipped + counts[2]))
  # Why cases were skipped: GoogleTest gives the reason in the line below.
  grep -h -A1 ': Skipped$' "$results" | grep -v -e ': Skipped$' -e '^--$' | sort | uniq -c |
    sed 's/^ *\([0-9]*\) /Skipped \1: /' || true
}

main() {
  local have_asan='' have_release=''
  "$root/tools/setup.sh" --tests --toolchain "$toolchain" >&2
  lock_build
  check_layout
  if build release "$root/build" "Building (the first time takes several minutes)"; then have_release=yes; fi
  if build asan "$root/build/asan" "Building with sanitizers" asan_programs; then have_asan=yes; fi
  if [ "$have_asan" ]; then run_tests "$root/build/asan" "Testing with sanitizers" -L asan; fi
  if [ "$have_release" ]; then run_tests "$root/build" "Testing"; fi
  [ "$have_asan" ] || failed=$((failed + 1))
  [ "$have_release" ] || failed=$((failed + 1))
  echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
  [ $failed = 0 ]
}

main
