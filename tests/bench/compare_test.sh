#!/usr/bin/env bash
# bench/compare.sh with programs whose readings are known. Usage: compare_test.sh COMPARE
set -euo pipefail

command -v jq >/dev/null || { echo "skipped: there is no jq"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
complain() { echo "$*" >&2; exit 1; }

# Its rates rise from run to run: 10, 20, 30 of a prompt, a tenth of that decoding.
cat >"$work/motley" <<'PROGRAM'
#!/usr/bin/env bash
count=$(($(cat "$0.count" 2>/dev/null || echo 0) + 1))
echo $count >"$0.count"
common='"motley_version": "1", "device": "D", "driver": "V"'
echo "{$common, \"n_prompt\": 8, \"n_gen\": 0, \"avg_ts\": ${count}0, \"limit_share\": 0.${count}}"
echo "{$common, \"n_prompt\": 0, \"n_gen\": 4, \"avg_ts\": ${count}, \"limit_share\": 0.${count}5}"
PROGRAM
# Twice as fast at its best setting.
cat >"$work/llama-bench" <<'PROGRAM'
#!/usr/bin/env bash
rate=$((GGML_VK_DISABLE_F16 + 1))
common="\"build_number\": 7, \"cpu_info\": \"C\", \"gpu_info\": \"G\", \"backends\": \"${BACKEND:-Vulkan}\""
echo "{$common, \"n_prompt\": 8, \"n_gen\": 0, \"avg_ts\": $rate}"
echo "{$common, \"n_prompt\": 0, \"n_gen\": 4, \"avg_ts\": 0.$rate}"
PROGRAM
chmod +x "$work/motley" "$work/llama-bench"

MOTLEY=$work/motley "$1" -p 8 -n 4 -r 3 -t Title -o "$work/record" "$work/llama-bench" /models/m.gguf >"$work/out" 2>/dev/null ||
  complain "compare.sh failed"
grep -qx '| m.gguf | prompt of 8 | 20 | 1 | 20 | 2 | 10 |' "$work/out" || complain "the prompt's line is wrong: $(cat "$work/out")"
grep -qx '| m.gguf | decode | 2 | 0.1 | 20 | 0.2 | 10 |' "$work/out" || complain "decoding's line is wrong: $(cat "$work/out")"
jq -e '.title == "Title" and .rows[0].motley == [10, 20, 30] and .rows[0].limit_share == 0.2 and .rows[1].limit_share == 0.25' \
  "$work/record" >/dev/null || complain "the record is wrong: $(cat "$work/record")"

if BACKEND=CPU MOTLEY=$work/motley "$1" -r 1 "$work/llama-bench" m.gguf >/dev/null 2>"$work/err"; then
  complain "a comparison with the CPU backend went through"
fi
grep -q 'did not use Vulkan but CPU' "$work/err" || complain "the CPU backend is not named: $(cat "$work/err")"
