#!/usr/bin/env bash
# Usage: usage_test.sh MOTLEY MODEL. The command line and the environment; nothing here reaches a device.
set -euo pipefail
# shellcheck source=tests/tools/checks.sh
. "$(dirname "$0")/checks.sh"

check 0 '' "$motley" --version
written '^motley [0-9]+\.[0-9]+\.[0-9]+$'
for command in run inspect tokenize detokenize logits perplexity devices tune; do
  check 0 '' "$motley" "$command" --help
  written "Usage: motley $command"
done

status=0
"$motley" 2>"$work/err" || status=$?
equal "status without arguments" "$status" 2
grep -q 'Usage: motley' "$work/err" || complain "no usage without arguments"

check 2 'not expected: fly' "$motley" fly
check 2 '--fly' "$motley" run --fly
check 2 "--ctx-size: 'abc'" "$motley" run -c abc
check 2 "--ctx-size: '-1'" "$motley" run -c -1
check 2 "--ctx-size: '99999999999'" "$motley" run -c 99999999999
check 2 "--ubatch-size: '0' is no number from 1 to 4096" "$motley" run -ub 0
check 2 "--ubatch-size: '4097'" "$motley" run -ub=4097
check 2 "--batch-size: '0'" "$motley" run -b 0
check 2 '--cache-type-k: q4' "$motley" run -ctk q4
check 2 '--cache-type-v: q4' "$motley" logits -ctv q4
check 2 "--temp: 'nan'" "$motley" run --temp nan
check 2 "--temp: '-1'" "$motley" run --temp -1
check 2 "--top-p: '1.5' is no number from 0 to 1" "$motley" run --top-p 1.5
check 2 "--top-k: '-3'" "$motley" run --top-k -3
check 2 "--repeat-penalty: '0'" "$motley" run --repeat-penalty 0
check 2 "--logit-bias: '5' is not" "$motley" run --logit-bias 5
check 2 "--logit-bias: '5=nan' is not" "$motley" run --logit-bias 5=nan
check 2 "--logit-bias: '-5=1' is not" "$motley" run --logit-bias -5=1
check 2 'excludes' "$motley" run -p a -f b
check 2 'not expected: b' "$motley" run a b
check 2 'no model' "$motley" inspect
check 2 'no model' "$motley" logits -p a
check 2 'no prompt' "$motley" logits "$demo"
check 2 'no text' "$motley" perplexity "$demo"
check 2 'no text' "$motley" tokenize "$demo"

# A variable stands for its option, an error names it, and the command line prevails.
MOTLEY_CTX_SIZE=abc check 2 'MOTLEY_CTX_SIZE' "$motley" run -p a
MOTLEY_TEMP=nan check 2 'MOTLEY_TEMP' "$motley" run -p a
MOTLEY_VERBOSE=perhaps check 2 'MOTLEY_VERBOSE' "$motley" run -p a
MOTLEY_PROMPT=ab check 0 '' "$motley" tokenize "$demo" --no-special
from_variable=$(cat "$work/out")
check 0 '' "$motley" tokenize "$demo" --no-special -p ab
equal "tokens of MOTLEY_PROMPT and of -p" "$from_variable" "$(cat "$work/out")"
MOTLEY_PROMPT=other check 0 '' "$motley" tokenize "$demo" --no-special -p ab
equal "tokens where both are given" "$from_variable" "$(cat "$work/out")"
MOTLEY_NO_SPECIAL=1 check 0 '' "$motley" tokenize "$demo" -p ab
equal "tokens with MOTLEY_NO_SPECIAL" "$from_variable" "$(cat "$work/out")"
MOTLEY_NO_SPECIAL=false MOTLEY_PROMPT='' check 2 'no text' "$motley" tokenize "$demo"

finish
