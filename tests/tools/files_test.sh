#!/usr/bin/env bash
# Usage: files_test.sh MOTLEY MODEL. inspect, tokenize and detokenize, files that are no models, and output that fails.
set -euo pipefail
# shellcheck source=tests/tools/checks.sh
. "$(dirname "$0")/checks.sh"

# Little-endian integers and strings as GGUF has them.
# shellcheck disable=SC2059  # the format is made of numbers
u32() { printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"; }
u64() { u32 "$1"; u32 0; }
string() { u64 "${#1}"; printf '%s' "$1"; }

# A vocabulary without tensors: <unk>, <s>, </s>, a, b, ab; begins texts with <s>.
write_vocabulary() {
  local token
  printf GGUF; u32 3; u64 0; u64 6
  string general.architecture; u32 8; string llama
  string tokenizer.ggml.model; u32 8; string llama
  string tokenizer.ggml.tokens; u32 9; u32 8; u64 6
  for token in '<unk>' '<s>' '</s>' a b ab; do string "$token"; done
  string tokenizer.ggml.scores; u32 9; u32 6; u64 6
  for token in 0 0 0 0 0 0; do u32 "$token"; done
  string tokenizer.ggml.token_type; u32 9; u32 5; u64 6
  for token in 2 3 3 1 1 1; do u32 "$token"; done
  string tokenizer.ggml.add_space_prefix; u32 7; printf '\x00'
}
vocabulary=$work/vocabulary.gguf
write_vocabulary >"$vocabulary"

check 0 '' "$motley" inspect "$vocabulary"
written 'GGUF version 3'
written 'tokenizer.ggml.model +string'
check 0 '' "$motley" tokenize "$vocabulary" -p abba
written '^\[1, 5, 4, 3\]$'
check 0 '' "$motley" tokenize "$vocabulary" -p abba --no-special
written '^\[5, 4, 3\]$'
check 0 '' "$motley" detokenize "$vocabulary" 5 4 3
equal "detokenized arguments" "$(cat "$work/out")" abba
check 0 '' "$motley" detokenize "$vocabulary" --ids '[5, 4, 3]'
equal "detokenized --ids" "$(cat "$work/out")" abba
check 0 '' "$motley" detokenize "$vocabulary" <<<'[5, 4, 3]'
equal "detokenized standard input" "$(cat "$work/out")" abba
check 2 'JSON array' "$motley" detokenize "$vocabulary" <<<'abba'
check 2 'JSON array.*object' "$motley" detokenize "$vocabulary" --ids '{"a": 1}'
check 2 'JSON array.*1\.5' "$motley" detokenize "$vocabulary" 3 1.5
check 2 '99' "$motley" detokenize "$vocabulary" 99
check 2 '4294967299' "$motley" detokenize "$vocabulary" 4294967299

check 0 '' "$motley" inspect "$demo"
written 'general.architecture +string +'
written 'token_embd.weight'
written '^in all '
check 0 '' "$motley" inspect "$demo" --json
written '"general.architecture": \{"type": "string", "value": "llama"\}'
text='Once upon a time, there was a cat.'
check 0 '' "$motley" tokenize "$demo" --stdin --no-special <<<"$text"
written '^\[[0-9]+(, [0-9]+)+\]$'
"$motley" detokenize "$demo" <"$work/out" >"$work/again" || complain "detokenize failed"
equal "text after tokenize and detokenize" "$(sed 's/^ //' "$work/again")" "$text"
check 2 'UTF-8' "$motley" tokenize "$demo" -p $'a\xff'

check 3 "'$work/missing.gguf'" "$motley" inspect "$work/missing.gguf"
check 3 'directory' "$motley" inspect "$work"
check 3 "'$work/missing.gguf'" "$motley" tokenize "$work/missing.gguf" -p x
check 3 "'$work/missing.gguf'" "$motley" detokenize "$work/missing.gguf" 1
: >"$work/empty.gguf"
check 4 'empty.gguf' "$motley" inspect "$work/empty.gguf"
printf 'This is a text and no model, though its name says so.' >"$work/text.gguf"
check 4 'text.gguf' "$motley" inspect "$work/text.gguf"
head -c 20000 "$demo" >"$work/cut.gguf"
check 4 'cut.gguf' "$motley" inspect "$work/cut.gguf"
head -c "$(($(stat -c %s "$demo") - 100))" "$demo" >"$work/short.gguf"
check 4 'short.gguf' "$motley" inspect "$work/short.gguf"
cp "$vocabulary" "$work/secret.gguf"
chmod 0 "$work/secret.gguf"
[ -r "$work/secret.gguf" ] || check 3 'ermission' "$motley" inspect "$work/secret.gguf"

# Output that goes nowhere: a reader that has left is no news, everything else is.
for arguments in "inspect $demo" "inspect $demo --json" --help 'run --help'; do
  read -ra words <<<"$arguments"
  check 3 'standard output: No space' bash -c '"$@" >/dev/full' - "$motley" "${words[@]}"
  check 3 'standard output: Bad file' bash -c '"$@" >&-' - "$motley" "${words[@]}"
  # The reader is gone for sure after the pause; "quiet" is then the only line.
  check 3 '^motley: quiet$' bash -c 'exec 3> >(:); sleep 0.1; "$@" >&3 || { s=$?; echo "motley: quiet" >&2; exit $s; }' - \
    "$motley" "${words[@]}"
done

finish
