#!/bin/sh
# SPDX-License-Identifier: MIT
# --what-if: of a munmap of 4 MB, all of which is done under mmap_lock, halving the holds there
# halves its time; of all sites that one and the PTE lock inside it come first; its JSON is what
# the schema says.
# usage: MMSIM=build/sim/mmsim tests/cli/what_if.sh
set -eu
# ThreadSanitizer has nothing to watch on a model, and takes minutes.
[ "${MMSIM_SANITIZE:-}" != thread ] || exit 77
tree=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run()
{
	"$MMSIM" run munmap-big --machine flat-8 --kernel=6.1 --size=4m --seconds=5ms --seeds 2 \
		--quiet --metrics "unmapper.munmap.p50 writer.wait.longest" "$@"
}

run --what-if munmap=0.5 --json "$work/half.json" >"$work/half.txt"
run --what-if all --json "$work/all.json" >"$work/all.txt"
if [ -z "${MMSIM_SANITIZE:-}" ]; then
	run --what-if all --json "$work/again.json" --jobs 1 >"$work/again.txt"
	cmp "$work/all.txt" "$work/again.txt"
fi
/usr/bin/python3 - "$tree/sim/schema/result.json" "$work/half.json" "$work/all.json" <<'PY'
import json
import sys

import jsonschema

schema, half, every = (json.load(open(path)) for path in sys.argv[1:])
jsonschema.validate(half, schema)
jsonschema.validate(every, schema)
assert [row["what_if"] for row in half["rows"]] == ["munmap=0.5"]
metric = half["rows"][0]["metrics"][0]
assert metric["metric"] == "unmapper.munmap.p50"
assert abs(metric["b"] / metric["a"] - 0.5) < 0.01, metric
low, high = half["chance"]
assert low <= metric["a"] <= high and (high - low) / metric["a"] < 0.01, half["chance"]
assert [row["what_if"] for row in every["rows"]][:2] == [
    "mmap_lock.munmap=0.5", "pte_lock.zap=0.5"], every["rows"][:2]
PY
grep -q '^  mmap_lock.munmap=0.5 ' "$work/all.txt"
