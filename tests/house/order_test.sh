#!/usr/bin/env bash
# Usage: order_test.sh ROOT. Keeps the dependency order of the rooms: names every #include in the tree ROOT that reaches
# for something which does not lie below the file's own room, and fails when there is one.
set -euo pipefail
cd "$1"

# Rooms of one line do not see each other. The shaders are a room as well: their table and their parameter blocks.
order='base
gguf quant vk placement
tokenizer model shaders
kernels
engine
api'

folders=()
for folder in src shaders include tools bench tests; do [ ! -d $folder ] || folders+=("$folder"); done
grep -rEn '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' "${folders[@]}" \
  --include='*.[ch]pp' --include='*.[ch]' --include='*.glsl' --include='*.comp' |
awk -v order="$order" '
  BEGIN {
    lines = split(order, line, "\n")
    for (i = 1; i <= lines; ++i) {
      count = split(line[i], names, " ")
      for (j = 1; j <= count; ++j) rank[names[j]] = i
    }
  }

  # The room a header belongs to; empty for one of a library or of the same folder.
  function room_of(header, folder) {
    if (header ~ /^params\// || header ~ /\.glsl$/ || header == "shader_table.hpp") return "shaders"
    folder = header
    return sub(/\/.*/, "", folder) && folder in rank ? folder : ""
  }

  # What is wrong with a file of `room` including `header`; empty when nothing is.
  function objection(file, room, header, theirs) {
    if (header ~ /(^|\/)\.\.\//) return "paths start at the top of src, shaders or tests"
    if (header ~ /^(volk|vulkan)/ && room != "vk") return "only src/vk knows Vulkan"
    if (room == "tests" && file !~ /^tests\/consumer\// || room == "bench") return ""
    theirs = room_of(header)
    if (!(room in rank)) return theirs == "" ? "" : "what stands outside uses <motley/...> alone"
    if (header ~ /^motley\// && header != "motley/error.hpp" && room != "api") return "only src/api knows the public face"
    if (theirs != "" && theirs != room && rank[theirs] >= rank[room]) return theirs " does not lie below " room
    return ""
  }

  {
    split($0, place, ":")
    file = place[1]
    count = split(file, folder, "/")
    room = folder[1] == "src" ? folder[2] : folder[1]
    header = $0
    sub(/^[^"<]*["<]/, "", header)
    sub(/[">].*/, "", header)
    why = folder[1] == "src" && !(room in rank) ? "the room " room " has no place in the order" : objection(file, room, header)
    if (why != "") { print file ":" place[2] ": includes " header ": " why; ++faults }
    if (folder[1] == "src") ++seen
  }

  END {
    if (!seen) { print "no #include found under src: is this the tree?"; exit 1 }
    print seen " includes under src read, " faults + 0 " against the order"
    exit faults > 0
  }'
