#!/usr/bin/env bash
# Usage: pages_test.sh MOTLEY MODEL. The plans that the pages show are those that the command makes. Where they are not, the
# difference is shown so that `patch -p0` in the top folder can apply it; the tables beside take their figures from them.
set -euo pipefail
# shellcheck source=tests/tools/checks.sh
. "$(dirname "$0")/checks.sh"
cd "$(dirname "$0")/../.."
export VK_ICD_FILENAMES=$work/no_such_driver.json
motley() { "$motley" "$@"; }

# as_now PAGE prints the page with the output of each plan that it shows as it is now.
as_now() {
  local line old=0
  while IFS= read -r line; do
    # shellcheck disable=SC2016  # the backquotes and the dollar are meant
    case $line in
      '$ motley plan '*--devices-from*)
        printf '%s\n' "$line"
        eval "${line#'$ '}"
        plans=$((plans + 1)) old=1
        ;;
      '$ '* | '```'*) old=0 ;;
    esac
    [ $old = 1 ] || printf '%s\n' "$line"
  done <"$1"
}

for page in README.md docs/mixed-gpus.md; do
  plans=0
  as_now "$page" >"$work/page"
  diff -u "$page" "$work/page" || complain "$page shows other plans"
  [ $plans -gt 0 ] || complain "no plan found in $page"
done
motley plan shape:qwen2.5-32b@q6_k --devices-from tools/machines/24g-and-8g.json --svg "$work/plan.svg"
cmp docs/plan.svg "$work/plan.svg" || complain "docs/plan.svg is another picture than motley plan --svg draws"
finish
