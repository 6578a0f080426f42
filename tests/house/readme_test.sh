#!/usr/bin/env bash
# Usage: readme_test.sh ROOT. README.md's program is the one that is compiled and run, and the files that README.md and the pages
# in docs name are there.
set -euo pipefail
cd "$1"
wrong=0

# shellcheck disable=SC2016  # the backquotes are meant
# The first line of the source only says where it belongs.
if ! diff <(sed -n '/^```cpp$/,/^```$/{/^```/d;p}' README.md) <(tail -n +2 tests/consumer/consumer.cpp); then
  echo "README.md shows another program than tests/consumer/consumer.cpp"
  wrong=1
fi

# name_files PAGE: link targets, which start where the page is, and paths in backquotes, which start at the top or, as #include
# has them, under src.
# shellcheck disable=SC2016  # the backquotes are meant
name_files() {
  grep -oE '\]\([^):]+\)|`[a-z]+/[A-Za-z0-9_./]+`' "$1" | tr -d '](`)' | grep -v -e STEM -e ROOM -e ^build/
}

for page in README.md docs/*.md; do
  found=0
  while read -r name; do
    found=$((found + 1))
    [ -e "$name" ] || [ -e "src/$name" ] || [ -e "$(dirname "$page")/$name" ] ||
      { echo "$page names $name, which is not there"; wrong=1; }
  done < <(name_files "$page")
  [ $found -gt 5 ] || { echo "$page: only $found files found named in it"; wrong=1; }
done
exit $wrong
