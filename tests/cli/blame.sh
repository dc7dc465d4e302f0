#!/bin/sh
# SPDX-License-Identifier: MIT
# Of a task with a deadline the table, the folded stacks and the whole say the same, to the
# nanosecond; of several seeds the stacks are added up.
# usage: MMSIM=build/sim/mmsim tests/cli/blame.sh
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$MMSIM" run gc-madvise --machine phone-4+3+1 --kernel=6.1 --gc_cpu=0-3 --hog=4 --ui_cpu=4-7 \
	--ui_maps=0 --beside_heap=0 --native_maps=2 --seconds=200ms --seeds 3 --quiet \
	--json "$work/result.json" --folded "$work/folded" >"$work/text"
/usr/bin/python3 - "$work/result.json" "$work/folded" <<'PY'
import json
import sys

SHARES = ["running_ns", "preempted_ns", "asleep_ns", "io_ns", "handover_ns"]
LAST = ["running", "preempted", "asleep", "in I/O", "let go, nobody has it yet"]
whole, by_share = 0, dict.fromkeys(LAST, 0)
for run in json.load(open(sys.argv[1])):
    task = run["tasks"]["ui"]
    blame = task["blame"]
    assert "blame" not in run["tasks"]["HeapTaskDaemon"]
    assert blame["total_ns"] == task["waits"]["total_ns"] + task["spins"]["total_ns"]
    assert blame["total_ns"] == sum(row["total_ns"] for row in blame["rows"])
    for row in blame["rows"]:
        assert row["total_ns"] == sum(row[share] for share in SHARES), row
        for share, last in zip(SHARES, LAST):
            by_share[last] += row[share]
    whole += blame["total_ns"]
assert whole > 0
folded = dict.fromkeys(LAST, 0)
for line in open(sys.argv[2]):
    stack, ns = line.rsplit(" ", 1)
    frames = stack.split(";")
    assert frames[0] == "ui" and len(frames) >= 3, line
    folded[frames[-1]] += int(ns)
assert folded == by_share, (folded, by_share)
PY
