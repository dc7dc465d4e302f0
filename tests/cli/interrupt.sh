#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Ctrl-C prints what was measured until then, as text and as JSON, and ends with 130.
# usage: MMSIM=build/sim/mmsim tests/cli/interrupt.sh
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# SIGINT, twice as timeout may send it, once the tasks run: main, rcu and the scenario's are threads
# of the program.
interrupt()
{
	local pid status=0

	"$MMSIM" "$@" >"$work/out" 2>"$work/err" &
	pid=$!
	until [ "$(ls "/proc/$pid/task" 2>/dev/null | wc -l)" -ge "$threads" ]; do
		kill -0 "$pid"
	done
	kill -INT "$pid"
	# The first one may have ended it.
	kill -INT "$pid" 2>/dev/null || true
	wait "$pid" || status=$?
	[ "$status" = 130 ] || {
		echo "mmsim $*: exit $status"
		cat "$work/out" "$work/err"
		exit 1
	}
}

threads=4
interrupt run munmap-big --size=1m --seconds=1h --json "$work/run.json"
grep -q '^interrupted; ' "$work/out"
grep -q '^unmapper  *mmap ' "$work/out"
grep -q '"outcome": "interrupted"' "$work/run.json"

# Between rounds as within one: the rounds that were finished are judged.
threads=3
interrupt compare munmap-big --size=1m --seconds=1h --a 6.1 --b 6.18 --anyway
grep -q 'interrupted in the first round' "$work/err"
echo "interrupted, and said what was measured"
