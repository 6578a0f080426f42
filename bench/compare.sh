#!/usr/bin/env bash
# Motley beside llama.cpp's Vulkan backend: the same models, device and driver, in turn, so that a load on the machine hits both.
#
# Usage: compare.sh [-p TOKENS] [-n TOKENS] [-r ROUNDS] [-t TITLE] [-o RECORD.json] LLAMA_BENCH MODEL...
#
# In each round a model is run once by `motley bench`, by llama-bench as it comes, and by llama-bench without cooperative matrices
# and 16-bit arithmetic, which is its best setting on CPU drivers. Prints the readings and the ratios of their medians; with -o
# they are kept as a record that bench/report.py makes bench/RESULTS.md of.
#
# LLAMA_BENCH and the environment variable MOTLEY (default: motley) may be commands with arguments, e.g. to enter a container:
# both must find the models under the names given. llama.cpp silently measures its CPU backend under the name of Vulkan where
# it sees no device; that is an error here. Needs jq.
set -euo pipefail

usage() { sed -n '4s/^# //p' "$0" >&2; exit 2; }
prompt=64 decode=16 rounds=3 record='' title="against llama.cpp's Vulkan backend"
while getopts 'p:n:r:o:t:h' option; do
  case $option in
    p) prompt=$OPTARG ;;
    n) decode=$OPTARG ;;
    r) rounds=$OPTARG ;;
    o) record=$OPTARG ;;
    t) title=$OPTARG ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || usage
read -ra llama <<<"$1"
read -ra motley <<<"${MOTLEY:-motley}"
shift
command -v jq >/dev/null || { echo "compare.sh: needs jq" >&2; exit 2; }
readings=$(mktemp)
trap 'rm -f "$readings"' EXIT

# run PROGRAM MODEL ROUND COMMAND... adds the readings of one command, one JSON object a test.
run() {
  local program=$1 model=$2 round=$3 errors output
  shift 3
  errors=$(mktemp)
  if ! output=$("$@" 2>"$errors"); then
    echo "compare.sh: failed: $*" >&2
    tail -5 "$errors" >&2
    exit 1
  fi
  rm -f "$errors"
  jq -c --arg program "$program" --arg model "${model##*/}" --argjson round "$round" \
    '{program: $program, model: $model, round: $round} + .' <<<"$output" >>"$readings"
}

for round in $(seq "$rounds"); do
  for model in "$@"; do
    echo "round $round of $rounds: ${model##*/}" >&2
    run motley "$model" "$round" "${motley[@]}" bench "$model" -p "$prompt" -n "$decode" -r 1 -o jsonl
    common=(-m "$model" -p "$prompt" -n "$decode" -r 1 -ngl 99 -o jsonl)
    run plain "$model" "$round" "${llama[@]}" "${common[@]}"
    export GGML_VK_DISABLE_COOPMAT=1 GGML_VK_DISABLE_F16=1
    run best "$model" "$round" "${llama[@]}" "${common[@]}"
    unset GGML_VK_DISABLE_COOPMAT GGML_VK_DISABLE_F16
  done
done

# One record: who measured what with which commands, and the readings of each model and test, round by round.
made=$(jq -s --arg date "$(date +%F)" --arg title "$title" --arg cores "$(nproc)" \
  --arg motley "motley bench MODEL -p $prompt -n $decode -r 1 -o jsonl" \
  --arg llama "llama-bench -m MODEL -p $prompt -n $decode -r 1 -ngl 99 -o jsonl" '
  (map(select(.program != "motley" and (.backends != "Vulkan" or .gpu_info == ""))) | first) as $strayed
  | if $strayed then error("llama-bench did not use Vulkan but \($strayed.backends) on \($strayed.cpu_info)") else . end
  | (map(select(.program == "motley")) | first) as $first
  | (map(select(.program == "plain")) | first) as $peer
  | {kind: "compare", date: $date, title: $title, device: $first.device, driver: $first.driver, cores: ($cores | tonumber),
     versions: {motley: $first.motley_version, "llama.cpp": "build \($peer.build_number)"},
     commands: {motley: $motley, "llama.cpp": $llama},
     rows: (group_by([.model, .n_gen]) | map({
       model: .[0].model,
       test: (if .[0].n_gen > 0 then "decode" else "prompt of \(.[0].n_prompt)" end),
       motley: map(select(.program == "motley").avg_ts),
       plain: map(select(.program == "plain").avg_ts),
       best: map(select(.program == "best").avg_ts),
       limit_share: (map(select(.program == "motley") | .limit_share // 0) | sort | .[length / 2 | floor])}))}' "$readings")

jq -r '
  def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2] + .[length / 2 - 1]) / 2 end;
  def two: . * 100 | round / 100;
  "\(.device), \(.driver)", "",
  "| model | test | Motley t/s | llama.cpp as it comes | ratio | at its best | ratio |",
  "| --- | --- | --- | --- | --- | --- | --- |",
  (.rows[] | "| \(.model) | \(.test) | \(.motley | median | two) | \(.plain | median | two) | \((.motley | median) / (.plain | median) | two) | \(.best | median | two) | \((.motley | median) / (.best | median) | two) |")' <<<"$made"
[ -z "$record" ] || printf '%s\n' "$made" >"$record"
