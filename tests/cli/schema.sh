#!/bin/sh
# SPDX-License-Identifier: MIT
# The JSON of run and compare is what sim/schema/result.json says, and holds what the text holds.
# usage: MMSIM=build/sim/mmsim tests/cli/schema.sh
set -eu
tree=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
recording=$tree/tests/cli/two-threads.rec
"$MMSIM" run "$recording" --machine step --json "$work/run.json" >"$work/run.txt"
"$MMSIM" compare "$recording" --machine step --a 6.1 --b 6.18 --seeds 2 --quiet \
	--json "$work/compare.json" >"$work/compare.txt"
scenario=$tree/tests/cli/two-tasks.ini
"$MMSIM" run "$scenario" --machine step --json "$work/scenario.json" >"$work/scenario.txt"
"$MMSIM" run "$scenario" --machine step --kernel=6.1,6.18 --json "$work/matrix.json" \
	>"$work/matrix.txt"
"$MMSIM" run "$scenario" --machine step --steps=3k --kernel=6.1,6.18 --seeds 3 --quiet \
	--json "$work/seeds.json" >"$work/seeds.txt"
"$MMSIM" compare "$scenario" --machine step --a 6.1 --b 6.18 --seeds 2 --quiet \
	--fail-if "pgfault > +1000000" --write-baseline "$work/baseline.json" \
	--json "$work/compare-scenario.json" >"$work/compare-scenario.txt"
# On the host there is more: how fit the machine was, verdicts, and here what b never does.
"$MMSIM" compare "$scenario" --quiet --anyway --rounds 2 --seconds 20ms --a 6.1 \
	--b '6.18,gc.script=compute 10us' --metrics 'madvise.vma_lock gc.madvise.p99 ui.w.count' \
	--json "$work/host.json" >"$work/host.txt" || [ $? = 3 ] # 3: nothing could be decided
grep -q '^b: gc.script=compute 10us; kernel 6.18: ' "$work/host.txt"
[ "$(grep -c ' not measured$' "$work/host.txt")" = 2 ]
grep -q '^while the rounds ran other programs used ' "$work/host.txt"
/usr/bin/python3 - "$tree/sim/schema/result.json" "$work/run.json" "$work/compare.json" \
	"$work/scenario.json" "$work/matrix.json" "$work/compare-scenario.json" \
	"$work/host.json" "$work/baseline.json" "$work/seeds.json" <<'PY'
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1]))
for path in sys.argv[2:]:
    jsonschema.validate(json.load(open(path)), schema)
run = json.load(open(sys.argv[2]))
assert run["run"]["operations_done"] == run["run"]["operations_total"] > 0
seeds = json.load(open(sys.argv[-1]))
assert [one["configuration"]["seed"] for one in seeds] == [1, 2, 3] * 2
assert [one["configuration"]["kernel"] for one in seeds] == ["6.1"] * 3 + ["6.18"] * 3
broken = json.loads(json.dumps(run))
del broken["counters"]
try:
    jsonschema.validate(broken, schema)
except jsonschema.ValidationError:
    sys.exit(0)
sys.exit("the schema takes a result without counters")
PY
