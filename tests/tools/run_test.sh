#!/usr/bin/env bash
# Usage: run_test.sh MOTLEY MODEL. run, logits, perplexity and devices, on the driver that computes on the CPU.
set -euo pipefail
# shellcheck source=tests/tools/checks.sh
. "$(dirname "$0")/checks.sh"

VK_ICD_FILENAMES=$work/no_such_driver.json check 6 'motley: ' "$motley" devices
VK_ICD_FILENAMES=$work/no_such_driver.json check 6 'motley: ' "$motley" run -p a -n 1
need_cpu_driver

check 0 '' "$motley" devices
written 'cpu'
written '^ +1st: a software driver'
written 'not measured yet'
written 'self-test: not run yet'
check 0 '' "$motley" run --list-devices
written 'cpu'
check 0 '' "$motley" devices --json
written '"type": "cpu"'
written '"measured": null'
written '"variants": 0'
check 0 'measuring ' "$motley" devices --measure
written 'reads its memory at [0-9.]+ GB/s'
written 'q4_0 +weights: +[0-9.]+ GB/s and [0-9.]+ us a product decoding, +[0-9.]+ GFLOP/s on prompts'
written 'self-test: [0-9]+ kernel variants compute rightly'
check 0 '' "$motley" devices --kernels
written 'matmul +q4_0 +one token +matmul\.q4_0[^ ]* +[0-9.]+e-[0-9]+ '
check 0 '' "$motley" devices --kernels --json
written '"variant": "matmul\.q4_0'
written '"switched_off": \[\]'
# Tuning: every variant with its figure, the one that is taken marked, and known from then on.
cp -r "$XDG_CACHE_HOME" "$work/measured"
status=0
"$motley" tune --format q9 2>"$work/err" || status=$?
equal "status of tuning for an unknown format" "$status" 2
grep -q "'q9' is no weight format; there are F32, " "$work/err" || complain "unknown format: $(cat "$work/err")"
check 6 'no such device' "$motley" tune --device 'no such device'
check 0 'motley: tuning .*' "$motley" tune --format q4_0
grep -qE '^motley:   matmul q4_0, several tokens: [2-9] variants$' "$work/err" || complain "no progress: $(cat "$work/err")"
written '^  matmul q4_0, one token$'
written '^    \* matmul\.q4_0[^ ]* +[0-9.]+ GB/s'
written '^    . matmul\.q4_0\.n8 +[0-9.]+ GFLOP/s'
written '^  matmul q4_0, one token, not rounded$'
written '^  matmul q4_0, a few tokens$'
written '^    . matmul\.q4_0\.n4 +[0-9.]+ GB/s'
check 0 '' "$motley" devices --kernels
written 'matmul +q4_0 +one token +matmul\.q4_0[^ ]* +[0-9.]+e-[0-9]+ +[0-9.]+ GB/s '
check 0 '' "$motley" devices --kernels --json
written '"unit": "GFLOP/s",'
written '"rate": [0-9.]+'
MOTLEY_DEVICE=0 check 0 '' "$motley" tune --json --format f32
written '"by_order": "matmul\.f32'
# What was measured may be of variants that are no longer taken, and forgotten.
rm -r "$XDG_CACHE_HOME"
mv "$work/measured" "$XDG_CACHE_HOME"
# What was measured is known from then on, until it is damaged.
check 0 '' "$motley" devices --json
written '"bandwidth_gbs": [0-9.]+'
written '"matmat_gflops": [0-9.]+'
for file in "$XDG_CACHE_HOME"/motley/measured-*.json; do echo damaged >"$file"; done
check 0 '' "$motley" devices
written 'not measured yet'
check 6 'no such device' "$motley" run -p a -n 1 --device 'no such device'
MOTLEY_DEVICE='no such device' check 6 'no such device' "$motley" logits "$demo" -p a

# The same words with every way to give a prompt; what is not text goes to standard error.
check 0 '^motley: decode +12 tokens, [0-9.]+ t/s, [0-9.]+ % of the memory limit' \
  "$motley" run "$demo" -p 'Once upon a time' -n 12 --temp 0 --ignore-eos
story=$(cat "$work/out")
written '^Once upon a time.+'
for line in '^motley: stories.gguf on ' '^motley: load +[0-9.]+ s$' '^motley: prompt +[0-9]+ tokens, [0-9.]+ t/s$'; do
  grep -qE "$line" "$work/err" || complain "standard error has no '$line': $(cat "$work/err")"
done
check 0 '' "$motley" run -n 12 --temp 0 --ignore-eos
equal "the demo model's own story" "$(cat "$work/out")" "$story"
check 0 '' "$motley" run -m "$demo" -n 12 --temp 0 --ignore-eos <<<'Once upon a time'
equal "story from standard input" "$(cat "$work/out")" "$story"
echo 'Once upon a time' >"$work/prompt.txt"
check 0 '' "$motley" run -f "$work/prompt.txt" -n 12 --temp 0 --ignore-eos
equal "story from a file" "$(cat "$work/out")" "$story"
MOTLEY_PREDICT=12 MOTLEY_TEMP=0 MOTLEY_IGNORE_EOS=1 check 0 '' "$motley" run -p 'Once upon a time' -ub 2 -b 3
equal "story by variables, in small batches" "$(cat "$work/out")" "$story"
check 0 '' "$motley" run -p 'Once upon a time' -n 12 --temp 0 --ignore-eos --no-display-prompt
equal "story without its prompt" "Once upon a time$(cat "$work/out")" "$story"
check 0 '' "$motley" run -p 'Once upon a time' -n 12 -s 7 --temp 1.5
first=$(cat "$work/out")
check 0 'seed 7' "$motley" run -p 'Once upon a time' -n 12 -s 7 --temp 1.5
equal "story with the same seed" "$(cat "$work/out")" "$first"

check 0 'memory predicted: ' "$motley" run --verbose -p Once -n 2
grep -q 'memory allocated' "$work/err" || complain "--verbose does not tell the memory allocated"
check 0 'context of 16 tokens is full' "$motley" run -p 'Once upon a time' -c 16 --ignore-eos
check 0 '' "$motley" run -p 'Once upon a time' -c 16 --ignore-eos --context-shift -n 40
check 0 '' "$motley" run -p '' -n 2

# A prompt that will not do.
check 2 'UTF-8' "$motley" run -p $'a\xff'
check 3 "'$work/missing.txt'" "$motley" run -f "$work/missing.txt"
check 3 'directory' "$motley" run -f "$work"
check 3 "'$work/missing.gguf'" "$motley" run "$work/missing.gguf" -p a
status=0
"$motley" run -p "$(printf 'cat %.0s' {1..40})" -c 16 >"$work/out" 2>"$work/err" || status=$?
equal "status of a prompt longer than the context" "$status" 2
equal "last byte of the prompt shown then" "$(tail -c 1 "$work/out" | od -An -tx1 | tr -d ' ')" 0a

# A reader that leaves early ends it without a word; a full disk is told.
status=0
"$motley" run --ignore-eos -p Once -c 512 --context-shift 2>"$work/err" | head -c 10 >"$work/out" || status=$?
equal "status when the reader leaves" "$status" 3
equal "bytes that it read" "$(stat -c %s "$work/out")" 10
equal "lines on standard error then" "$(grep -vc '^motley: stories.gguf on' "$work/err")" 0
status=0
"$motley" run -n 4 -p Once 2>"$work/err" >/dev/full || status=$?
equal "status on a full disk" "$status" 3
grep -q 'No space left' "$work/err" || complain "a full disk is not told: $(cat "$work/err")"

check 0 '' "$motley" logits "$demo" -p 'Once upon a time'
written '^\{"model": ".*stories.gguf", "prompt_tokens": \[[0-9, ]+\], "n_logits": [0-9]+, "logits": \[-?[0-9.]+'
count=$(sed -E 's/.*"n_logits": ([0-9]+).*/\1/' "$work/out")
echo old >"$work/logits"
check 0 '' "$motley" logits "$demo" -p 'Once upon a time' -o "$work/logits" -ctk f32 -ctv f32
equal "size of the logits' file" "$(stat -c %s "$work/logits")" $((4 * count))
check 3 "'/dev/full'" "$motley" logits "$demo" -p Once -o /dev/full
check 3 "'$work/no/logits'" "$motley" logits "$demo" -p Once -o "$work/no/logits"
equal "temporaries left behind" "$(find "$work" -name '*.part')" ''

printf 'Once upon a time there was a cat. %.0s' {1..40} >"$work/text"
check 0 '' "$motley" perplexity "$demo" -f "$work/text" -c 32
written '^perplexity [0-9.]+ \+/- [0-9.]+ \([0-9]+ tokens scored, [0-9]+ chunks\)$'
check 0 '' "$motley" perplexity "$demo" -f "$work/text" -c 32 --json
written '^\{"perplexity": [0-9.]+, "standard_error": [0-9.e-]+, "scored_tokens": [0-9]+, "chunks": [0-9]+\}$'
echo short >"$work/short"
status=0
"$motley" perplexity "$demo" -f "$work/short" -c 32 >"$work/out" 2>"$work/err" || status=$?
equal "status of a text that is too short" "$status" 2

# Figures and where the time goes; a trace is JSON that begins with the devices and holds every run.
check 0 '' "$motley" bench "$demo" -p 16 -n 4 -r 1 --profile --trace "$work/trace.json"
written '^\| pp16 '
written 'decoding of 4 tokens$'
written '^  matmul\.[a-z0-9_.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ % +[0-9.]+ +[0-9.]+$'
written '^  between kernels '
grep -q '"ph": "X", "name": "matmul' "$work/trace.json" || complain "the trace has no kernels"
if command -v python3 >/dev/null; then
  python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/trace.json" || complain "the trace is no JSON"
fi
# Each row says how near to the limits it is and what each device did.
check 0 '' "$motley" bench "$demo" -p 16 -n 4 -pg 16,4 -r 2 -o json
if command -v python3 >/dev/null; then
  python3 - "$work/out" <<'PYTHON' || complain "the rows of the benchmark are wrong"
import json, sys
rows = json.load(open(sys.argv[1]))
assert [row["test"] for row in rows] == ["pp16", "tg4", "pp16+tg4"]
for row in rows:
    assert row["limit_share"] > 0 and row["gflops"] > 0 and row["bandwidth_gbs"] > 0
    assert len(row["stages"]) >= 1 and row["stages"][0]["first_layer"] == 0
    for stage in row["stages"]:
        assert 0 < stage["busy_share"] <= 1 and stage["idle_ms"] >= 0 and stage["memory_bytes"] > 0
    assert sum(stage["memory_bytes"] for stage in row["stages"]) == row["device_memory_bytes"]
    assert (row["watts"] is None) == (row["tokens_per_joule"] is None)
PYTHON
fi
# Several sequences count all their tokens.
check 0 '' "$motley" bench "$demo" -p 0 -n 4 -d 8 -npl 1,3 -r 1 --profile
written '^\| tg4 @ d8 '
written '^\| tg4 x 3 @ d8 '
written 'decoding of 16 tokens$'
check 2 'parallel' "$motley" bench "$demo" -p 0 -n 4 --parallel 0
check 0 '' "$motley" bench "$demo" -p 16 -n 4 -r 1 -o csv
equal "lines of CSV" "$(wc -l <"$work/out")" 3
check 2 'with -o md|give -o md' "$motley" bench "$demo" -p 16 -n 0 -o json --profile
check 3 'trace' "$motley" bench "$demo" -p 16 -n 0 -r 1 --trace "$work/none/trace.json"

finish
