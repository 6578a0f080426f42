#!/usr/bin/env bash
# Usage: interrupt_test.sh MOTLEY MODEL. Ctrl-C, and the conversation on a terminal.
set -euo pipefail
# shellcheck source=tests/tools/checks.sh
. "$(dirname "$0")/checks.sh"
need_cpu_driver

# A text without end, interrupted once it has begun. set -m: the background jobs of a script without job control ignore
# interrupts, as they should.
set -m
: >"$work/out"  # the job makes it somewhat later than it is looked at
"$motley" run -p 'Once upon a time' --ignore-eos --context-shift -c 256 >"$work/out" 2>"$work/err" &
job=$!
for _ in {1..300}; do
  [ "$(stat -c %s "$work/out")" -le 30 ] || break
  sleep 0.1
done
kill -INT $job
status=0
wait $job || status=$?
set +m
equal "status when interrupted" "$status" 130
written '^Once upon a time.{10,}'
grep -qE '^motley: decode +[0-9]+ tokens' "$work/err" || complain "no figures when interrupted: $(cat "$work/err")"
equal "last byte of the text" "$(tail -c 1 "$work/out" | od -An -tx1 | tr -d ' ')" 0a

# On a terminal the demo model tells a story and then asks.
if command -v script >/dev/null; then
  { sleep 3; printf '/help\n'; sleep 0.2; printf 'The cat\n'; sleep 1; printf '/reset\n/nonsense\n'; sleep 0.2; printf '\004'; sleep 1; } |
    timeout 60 script -qec "'$motley' run -n 5 --temp 0" /dev/null >"$work/terminal" || complain "the conversation failed: $?"
  for words in 'Once upon a time' '> ' 'Ctrl-D' '/reset   forget everything' 'The cat' 'unknown command /nonsense' 'motley: decode'; do
    grep -qF -- "$words" "$work/terminal" || complain "the conversation has no '$words': $(cat "$work/terminal")"
  done
fi

finish
