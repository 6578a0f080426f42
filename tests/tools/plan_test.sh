#!/usr/bin/env bash
# Usage: plan_test.sh MOTLEY MODEL. Plans for machines written down in files, which need no device, and models made up.
set -euo pipefail
# shellcheck source=tests/tools/checks.sh
. "$(dirname "$0")/checks.sh"
machines=$(cd "$(dirname "$0")/../../tools/machines" && pwd)
export VK_ICD_FILENAMES=$work/no_such_driver.json

# plan MACHINE ARGUMENT... makes a plan in JSON that must be feasible.
plan() {
  local machine=$machines/$1.json
  shift
  check 0 '' "$motley" plan --devices-from "$machine" --json "$@"
  written '^  "feasible": true,$'
}
# stages prints a line "DEVICE:FIRST:LAST" for each stage of the last plan, the fields of an entry one a line.
stages() { fields stages unused 'device|first_layer|last_layer' | paste -d: - - -; }
# fields FROM TO NAMES prints the values of these fields of the entries in list FROM, which list TO follows.
fields() { sed -n "/^  \"$1\"/,/^  \"$2\"/p" "$work/out" | sed -nE "s/^      \"($3)\": \"?([^\",]*)\"?,?\$/\2/p"; }
# figure NAME prints a figure of the plan as a whole.
figure() { sed -nE "s/^  \"$1\": ([0-9.e+-]+),\$/\1/p" "$work/out"; }
# true_of EXPRESSION: awk's.
true_of() { awk "BEGIN { exit !($1) }" || complain "$1 is not so: $(stages | tr '\n' ' ')"; }
layers_on() { stages | awk -F: -v device="$1" '$1 == device { n += $3 - $2 + 1 } END { print n + 0 }'; }

# The faster card although the other has 12 MB more; 22 GB of weights.
plan rtx-4090-and-3090 shape:qwen2.5-32b@q5_k
equal "the 4090 alone" "$(stages)" 'RTX 4090:0:63'
equal "unused" "$(fields unused decode_tokens_per_second device)" 'RTX 3090'
equal "alternatives" "$(fields alternatives warnings plan | tr '\n' ',')" \
  'best single device,even split,memory-proportional,all devices,'
# The newer card although the other has 8 GB more; 12 GB.
plan tesla-t4-and-m40 shape:qwen2.5-14b@q6_k
equal "the T4 alone" "$(stages)" 'Tesla T4:0:47'
# The discrete card although the integrated GPU says that it has 31 GB.
plan discrete-12g-and-igpu-31g shape:qwen3-8b@q8_0
equal "the discrete card alone" "$(stages)" 'RTX 3060:0:35'
plan arc-b580-and-780m shape:llama-3-8b
equal "the B580 alone" "$(stages)" 'Arc B580:0:31'
# Two equal cards share evenly; the output layer counts as some layers.
plan two-equal-cards shape:qwen2.5-32b --spread
equal "stages" "$(stages | wc -l)" 2
mapfile -t ms < <(fields stages unused decode_ms)
true_of "${ms[0]} / ${ms[1]} > 0.94 && ${ms[0]} / ${ms[1]} < 1.06"
first=$(layers_on 'RTX 3090')
true_of "$first >= 32 && $first <= 34 && $first + $(layers_on 'RTX 3090 #2') == 64"
# 27 GB on 24 and 8: the faster card is full, nothing lies in host memory.
plan 24g-and-8g shape:qwen2.5-32b@q6_k
equal "host_bytes" "$(figure host_bytes)" 0
true_of "$(layers_on 'RTX 4090') > 3 * $(layers_on 'RX 7600') && $(layers_on 'RX 7600') > 0"
equal "warnings" "$(grep -c '^  "warnings": \[\],$' "$work/out")" 1
# Each as many layers as let none take longer than needed.
plan three-unlike-cards shape:qwen2.5-32b --objective throughput
mapfile -t ms < <(fields stages unused decode_ms)
equal "stages" "${#ms[@]}" 3
slowest=$(printf '%s\n' "${ms[@]}" | sort -g | tail -n 1)
fastest=$(printf '%s\n' "${ms[@]}" | sort -g | head -n 1)
true_of "$slowest - $fastest < 1.5 * $slowest / 12"
true_of "$(layers_on 'RX 7900 XTX') > $(layers_on 'Arc B580') && $(layers_on 'Arc B580') > $(layers_on 'RTX 3060')"
plan sixteen-devices shape:llama-3-70b@q8_0
true_of "$(stages | wc -l) >= 4"
plan sixteen-devices shape:llama-3-70b@q8_0 --spread
equal "stages of all" "$(stages | wc -l)" 16
equal "the last layer" "$(stages | tail -n 1 | cut -d: -f 3)" 79

# What does not fit the devices lies in host memory, loudly; what fits nowhere is refused with what would fit.
plan 24g-and-8g shape:llama-3-70b
true_of "$(figure host_bytes) > 0"
written 'lie in host memory'
written 'would fit'
check 7 'does not fit: the model with its KV cache .* too little' \
  "$motley" plan shape:llama-3-70b@f16 --devices-from "$machines/24g-and-8g.json" --json
written '^  "feasible": false,$'
written 'bits a weight would fit'
check 7 'does not fit' "$motley" plan shape:llama-3-70b@f16 --devices-from "$machines/24g-and-8g.json"
written '^It does not fit\.$'
written '^WARNING: '

# The user's word.
plan two-equal-cards shape:qwen2.5-32b --device 'RTX 3090 #2'
equal "--device" "$(stages)" 'RTX 3090 #2:0:63'
plan two-equal-cards shape:qwen2.5-32b --exclude-device 0
equal "--exclude-device" "$(stages)" 'RTX 3090 #2:0:63'
plan rtx-4090-and-3090 shape:llama-3-8b --priority '*3090'
equal "--priority" "$(stages)" 'RTX 3090:0:31'
plan rtx-4090-and-3090 shape:llama-3-8b --split 3,1
equal "--split" "$(stages | tr '\n' ' ')" 'RTX 4090:0:23 RTX 3090:24:31 '
plan rtx-4090-and-3090 shape:llama-3-8b --split 3,1 --device 3090,4090
equal "--split --device" "$(stages | tr '\n' ' ')" 'RTX 3090:0:23 RTX 4090:24:31 '
plan two-equal-cards shape:llama-3-8b --layers '1:0-9,RTX 3090:10,RTX 3090 #2:11-31'
equal "--layers" "$(stages | tr '\n' ' ')" 'RTX 3090 #2:0:9 RTX 3090:10:10 RTX 3090 #2:11:31 '
plan rtx-4090-and-3090 shape:llama-3-8b --max-memory 4090=2GiB,3090=10GiB
true_of "$(layers_on 'RTX 4090') < 12 && $(layers_on 'RTX 3090') > 20"
plan rtx-4090-and-3090 shape:llama-3-8b --reserve 22GiB
true_of "$(stages | wc -l) == 2 || $(figure host_bytes) > 0"
plan rtx-4090-and-3090 shape:llama-3-8b -ngl 20 --device 0
equal "-ngl" "$(fields stages unused host_layers)" 12
plan rtx-4090-and-3090 shape:llama-3-8b --objective efficiency
equal "objective" "$(sed -n 2p "$work/out")" '  "objective": "efficiency",'
plan rtx-4090-and-3090 shape:llama-3-8b -c 8192 -ctk f32
equal "context" "$(figure layers) $(sed -nE 's/^  "context_tokens": ([0-9]+)$/\1/p' "$work/out")" '32 8192'
MOTLEY_DEVICE=3090 MOTLEY_CTX_SIZE=1024 plan rtx-4090-and-3090 shape:llama-3-8b
equal "MOTLEY_DEVICE" "$(stages)" 'RTX 3090:0:31'
MOTLEY_LAYERS=0:0-15,1:16-31 plan rtx-4090-and-3090 shape:llama-3-8b
equal "MOTLEY_LAYERS" "$(stages | wc -l)" 2
MOTLEY_MAX_MEMORY=0=1GiB MOTLEY_OBJECTIVE=capacity MOTLEY_RESERVE=1MB MOTLEY_SPLIT=1,1 \
  check 2 "layers given to 'RTX 4090'" "$motley" plan --devices-from "$machines/rtx-4090-and-3090.json" shape:llama-3-8b

# What cannot be met, and by how much.
refused() {
  local pattern=$1
  shift
  check 2 "$pattern" "$motley" plan shape:llama-3-8b --devices-from "$machines/rtx-4090-and-3090.json" "$@"
}
check 6 "no device is called '4080'; there are:" \
  "$motley" plan shape:llama-3-8b --devices-from "$machines/rtx-4090-and-3090.json" --device 4080
equal "devices of a file" "$(tail -n 2 "$work/err" | tr '\n' ';')" '  0: RTX 4090;  1: RTX 3090;'
check 6 "no device is called 'gtx'" \
  "$motley" plan shape:llama-3-8b --devices-from "$machines/rtx-4090-and-3090.json" --layers gtx:0-31
refused "'RTX 4090' is both excluded and named" --device 0 --exclude-device 0
refused 'contradict each other' --split 1,1 --layers 0:0-31
refused 'layers 16-31 are left out' --layers 0:0-15
refused 'layers 10-31 .*overlap' --layers 0:0-15,1:10-31
refused "layers: '0-15' is no list of DEVICE:FIRST-LAST" --layers 0-15
refused "layers: '1:3-x' is no list" --layers 0:0-2,1:3-x
refused "layers: '0:0-31,' is no list" --layers 0:0-31,
refused "shares .3. are not as many as the devices .2.: 'RTX 4090', 'RTX 3090'" --split 1,1,1
refused "--split: '-1' is no number" --split 3,-1
echo '{"devices": [{"name": "A", "memory_bytes": 9000000000}]}' >"$work/alone.json"
check 2 'leave 4.0 GiB usable; .*: at least 1\.[0-9] GiB too little' \
  "$motley" plan shape:llama-3-8b --devices-from "$work/alone.json" --max-memory A=4GiB
refused "--reserve: '5 parsecs' is no size" --reserve '5 parsecs'
refused "--max-memory: 'RTX' is not DEVICE=SIZE" --max-memory RTX
refused "--max-memory: 'nan' is no size" --max-memory 0=nan
refused "--objective: fastest" --objective fastest
refused "--gpu-layers: '-1'" -ngl -1
refused '--json excludes --svg|--svg excludes --json' --json --svg "$work/plan.svg"
check 2 'nearest first: llama-3-8b' "$motley" plan shape:lama-3-8b --devices-from "$machines/two-equal-cards.json"
check 2 'no model' "$motley" plan
check 3 'no_such_file' "$motley" plan shape:llama-3-8b --devices-from "$work/no_such_file"
check 3 'no_such_file' "$motley" plan "$work/no_such_file" --devices-from "$machines/two-equal-cards.json"
check 6 '' "$motley" plan shape:llama-3-8b
echo '{"devices": [{"name": "A", "memory_bytes": 5, "bandwidth_gbs": -3}]}' >"$work/bad.json"
check 2 "bad.json': devices\[0\].bandwidth_gbs of 'A': -3, want a figure above 0" \
  "$motley" plan shape:llama-3-8b --devices-from "$work/bad.json"

# On a terminal's width, and as a picture, whatever the devices are called.
check 0 '' "$motley" plan shape:llama-3-8b --devices-from "$machines/rtx-4090-and-3090.json"
written '^RTX 4090: layers 0-31, embedding, output$'
written '^  memory \[#+=+\+*\.+\] '
written '^  time   \[#{40}\] 100 % of a token'
written '^  RTX 3090: leaving it out'
written '^this one +[0-9.]+ +[0-9.]+$'
written '^  dispatch cost of .RTX 4090. not given'
check 0 '' "$motley" plan "$demo" --devices-from "$machines/sixteen-devices.json"
cat >"$work/odd.json" <<'END'
{"devices": [{"name": "<b>&\"'\u0007\uffff ]]> ü", "memory_bytes": 9000000000},
             {"name": "-->", "memory_bytes": 1}]}
END
for machine in "$work/odd.json" "$machines"/*.json; do
  check 0 '' "$motley" plan shape:llama-3-8b --devices-from "$machine" --svg "$work/plan.svg"
  equal "standard output beside a picture" "$(wc -c <"$work/out")" 0
  grep -q '^<svg xmlns=' "$work/plan.svg" || complain "no picture for $machine"
  ! grep -qE '<b>|<script|href' "$work/plan.svg" || complain "the picture for $machine holds foreign markup"
  if command -v xmllint >/dev/null; then
    xmllint --noout "$work/plan.svg" || complain "the picture for $machine is no XML"
  elif command -v python3 >/dev/null; then
    python3 -c 'import sys, xml.etree.ElementTree as e; e.parse(sys.argv[1])' "$work/plan.svg" ||
      complain "the picture for $machine is no XML"
  fi
done
check 3 'cannot write' "$motley" plan shape:llama-3-8b --devices-from "$work/odd.json" --svg "$work/none/plan.svg"

# A model of a named shape, written.
check 0 '' "$motley" synth shape:qwen2.5-0.5b@q4_0 "$work/made.gguf"
check 0 '' "$motley" inspect "$work/made.gguf"
written 'general.architecture +string +"qwen2"'
written_bytes=$(stat -c %s "$work/made.gguf")
check 0 '' "$motley" inspect shape:qwen2.5-0.5b@q4_0
written "shape:qwen2.5-0.5b@q4_0: GGUF version 3, .*\($written_bytes bytes\)"
rm "$work/made.gguf"
check 2 'no shape' "$motley" synth
check 2 'no file' "$motley" synth shape:qwen2.5-0.5b
check 2 'nearest first' "$motley" synth shape:nothing "$work/made.gguf"
check 3 'absent.gguf' "$motley" synth shape:qwen2.5-0.5b "$work/made.gguf" --vocab "$work/absent.gguf"
check 3 'made.gguf' "$motley" synth shape:qwen2.5-0.5b "$work/none/made.gguf"

finish
