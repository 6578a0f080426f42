# Sourced by the tests of the command: runs it and holds its exit status and its words against what is wanted.
# shellcheck shell=bash
motley=$1 demo=$2
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
exec </dev/null
failures=0
# What the caller's environment says about Motley must not matter, and its caches are not ours.
for variable in $(compgen -e MOTLEY_ || true); do unset "$variable"; done
export XDG_CACHE_HOME=$work/cache

complain() { echo "FAILED: $*"; failures=$((failures + 1)); }

# check STATUS PATTERN COMMAND... runs the command; what it wrote is in $work/out and $work/err afterwards. Standard error must
# match the extended regular expression PATTERN, if there is one; where STATUS is not 0, it must be one message.
check() {
  local wanted=$1 pattern=$2 status=0
  shift 2
  "$@" >"$work/out" 2>"$work/err" || status=$?
  [ "$status" = "$wanted" ] || complain "$* exited with $status instead of $wanted: $(cat "$work/err")"
  [ -z "$pattern" ] || grep -qE -- "$pattern" "$work/err" || complain "$* did not say '$pattern' but: $(cat "$work/err")"
  if [ "$wanted" != 0 ]; then
    [ "$(grep -c '^motley: ' "$work/err")" = 1 ] || complain "$* did not say one thing: $(cat "$work/err")"
  fi
}

# written PATTERN tells whether the last check's standard output matches.
written() { grep -qE -- "$1" "$work/out" || complain "standard output has no '$1' but: $(head -c 400 "$work/out")"; }

# equal WHAT A B
equal() { [ "$2" = "$3" ] || complain "$1: '$2' is not '$3'"; }

# Chooses the driver that computes on the CPU, or ends the test as skipped.
need_cpu_driver() {
  local driver
  for driver in /usr/share/vulkan/icd.d/lvp_icd*.json; do
    if [ -e "$driver" ]; then export VK_ICD_FILENAMES=$driver; return; fi
  done
  echo "needs Mesa's driver for the CPU (package mesa-vulkan-drivers), absent"
  exit 77
}

finish() { [ "$failures" = 0 ] || { echo "$failures checks failed"; exit 1; }; }
