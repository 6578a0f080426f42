#!/usr/bin/env bash
# Usage: documented_options.sh MOTLEY. Fails when an option of the command is missing from the manual page or from a
# shell's completions, or the manual page tells of one that does not exist.
set -euo pipefail
motley=$1
tools=$(cd "$(dirname "$0")/../../tools" && pwd)
commands=(run inspect tokenize detokenize logits perplexity bench devices tune plan synth)
wrong=0

complain() { echo "$*" >&2; wrong=1; }

# Prints the long options, without their dashes, that a command's help begins a line with.
options_of() {
  "$motley" "$1" --help | grep -E '^ *-' | sed -E 's/^ *((-[^ ]*,)*--[^ ]*).*/\1/' | grep -oE -- '--[a-z][a-z0-9-]*' |
    sed 's/^--//' | grep -vx help
}

all=$'\n'
for command in "${commands[@]}"; do
  grep -qE "^\.It Cm $command\$" "$tools/man/motley.1" || complain "the manual page lacks the command $command"
  for option in $(options_of "$command" || true); do
    all+=$option$'\n'
    grep -qE -- "\.?Fl -$option( |\$)|, -$option( |\$)" "$tools/man/motley.1" ||
      complain "the manual page lacks --$option of motley $command"
    grep -qE -- "--$option\b" "$tools/completions/motley.bash" || complain "bash's completion lacks --$option of $command"
    grep -qE -- "--$option\b" "$tools/completions/_motley" || complain "zsh's completion lacks --$option of $command"
    grep -qE -- "-l $option\b" "$tools/completions/motley.fish" || complain "fish's completion lacks --$option of $command"
  done
done
[ "${#all}" -gt 1 ] || complain "no options found in the help of $motley"

while read -r option; do
  [[ $all == *$'\n'"$option"$'\n'* ]] || complain "the manual page tells of --$option, which no command has"
done < <(sed -n '/^\.It.*Fl/p' "$tools/man/motley.1" | grep -oE -- ' -[a-z][a-z0-9-]+' | sed 's/^ -//')
exit $wrong
