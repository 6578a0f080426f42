#!/usr/bin/env bash
# Checks the sources against .clang-format and .clang-tidy, changing nothing and installing nothing.
#
#   tools/lint.sh [--format | --tidy] [FILE...]        both, over all sources that git knows, unless told otherwise
#
# Layouts differ between versions of clang-format: the repository keeps to version 14. clang-tidy reads how each file is
# compiled from build/compile_commands.json, so tools/test.sh or a configured build/ comes first.
# Exit status: 0 clean, 1 findings, 2 usage, 77 the tool or the git repository is not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }

clang_format_14() {
  local name
  for name in clang-format-14 clang-format; do
    if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then echo "$name"; return; fi
  done
  say "lint: no clang-format 14 here, so the layout is not checked"
  return 77
}

# sources PATTERN... prints the files, of those that git knows and that still exist, each ending with NUL.
sources() {
  git ls-files -z -- "$@" | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done
}

check_format() {
  local tool output
  tool=$(clang_format_14) || return
  output=$(sources "${@:-*.[ch]pp}" "${@:-*.[ch]}" | sort -zu | xargs -0 -r "$tool" --dry-run -Werror 2>&1) && return
  say "lint: these files are laid out otherwise than .clang-format says; '$tool -i FILE' mends them:"
  grep -o '^[^ :]*:[0-9]*' <<<"$output" | cut -d: -f1 | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)/  \2 (\1 lines)/' >&2
  return 1
}

check_tidy() {
  command -v clang-tidy >/dev/null || { say "lint: no clang-tidy here"; return 77; }
  [ -e build/compile_commands.json ] || { say "lint: configure first: cmake --preset release"; return 1; }
  sources "${@:-*.cpp}" | sort -zu | xargs -0 -r -n1 -P"$(nproc)" clang-tidy -p build --quiet --warnings-as-errors='*'
}

git rev-parse --is-inside-work-tree >/dev/null || { say "lint: git knows no sources here"; exit 77; }
case ${1:-} in
  --format) shift; check_format "$@" ;;
  --tidy) shift; check_tidy "$@" ;;
  -*) say "usage: tools/lint.sh [--format | --tidy] [FILE...]"; exit 2 ;;
  *) check_format "$@" && check_tidy "$@" ;;
esac
