#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs at the same time print and write what they do one after another, also when one of them fails;
# one whose process dies is said; an interrupt stops them all. No process is left behind.
# usage: MMSIM=build/sim/mmsim MMSIM_MUTANTS=build/tests/mmsim-mutants tests/cli/jobs.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail()
{
	echo "$*"
	cat "$work/out" "$work/err"
	exit 1
}

# same CODE PROGRAM OPTION...: all the same with any number of jobs. --quiet as progress takes time.
same()
{
	local code=$1 jobs status
	shift
	for jobs in --jobs=1 "--jobs 2" --jobs=7 ""; do
		status=0
		# shellcheck disable=SC2086 # none, one or two words
		"$@" --quiet --json "$work/json" $jobs >"$work/out" 2>"$work/err" || status=$?
		[ "$status" = "$code" ] || fail "$* $jobs: exit $status"
		if [ "$jobs" = --jobs=1 ]; then
			mv "$work/out" "$work/out.1"
			mv "$work/err" "$work/err.1"
			mv "$work/json" "$work/json.1"
			continue
		fi
		cmp "$work/out" "$work/out.1"
		cmp "$work/err" "$work/err.1"
		cmp "$work/json" "$work/json.1"
	done
}

scenario=tests/cli/two-tasks.ini
same 0 "$MMSIM" run $scenario --machine step --steps=500 --kernel=6.1,6.4,6.18 --piece=1,4
same 0 "$MMSIM" run $scenario --machine step --steps=500 --kernel=6.1,6.18 --seeds 5 --seed 3
grep -q '  seeds 3 to 7  ' "$work/out.1"
same 0 "$MMSIM" run tests/cli/two-threads.rec --machine step --seeds 4
# What cannot be set up, behind points that can.
same 2 "$MMSIM" run $scenario --machine step --steps=500 --heap.size=64k,64m --seeds 2
grep -q 'memory = SIZE is too small' "$work/err"
# A fault that not every seed meets: the first seed that does is said, and can be run again.
b02=(run b02-vm-refcnt --machine step --steps=320 --mutant RWSEM_RELEASE_NO_WAKE)
same 4 "$MMSIM_MUTANTS" "${b02[@]}" --seeds 8
seed=$(sed -n 's/^mmsim: nothing can run (seed \([0-9]*\), .*/\1/p' "$work/err")
[ "$seed" -ge 2 ] || fail "seed $seed"
grep -q "  seed $seed  machine step" "$work/out"
status=0
"$MMSIM_MUTANTS" "${b02[@]}" --seed "$seed" >"$work/out" 2>"$work/err" || status=$?
[ "$status" = 4 ] || fail "seed $seed does not fail again"

# Two at least: they are children.
find_children()
{
	until [ "$(wc -w <"/proc/$pid/task/$pid/children")" -ge 2 ]; do
		kill -0 $pid || fail "it has ended"
	done
	read -r -a children <"/proc/$pid/task/$pid/children" || true # no end of the line there
}

# begin OPTION...: in the background, until two of its runs are under way
begin()
{
	"$MMSIM" run $scenario --machine step --jobs 2 --quiet "$@" >"$work/out" 2>"$work/err" &
	pid=$!
	find_children
}

# finish CODE: it ends with that, and so have its processes
finish()
{
	local child status=0
	wait $pid || status=$?
	[ "$status" = "$1" ] || fail "exit $status, not $1"
	for child in "${children[@]}"; do
		[ ! -e "/proc/$child" ] || fail "$child is still there"
	done
}

begin --steps=1t --seeds 5
kill -SEGV "${children[0]}"
finish 4
# A sanitizer makes an exit of it.
grep -Eq '^mmsim: run 1, seed 1: its process (was ended by signal 11, |ended with )' "$work/err" ||
	fail "not said who died"

# Only the program is told; the runs that were under way are printed.
begin --steps=1t,300 --seeds 3
kill -INT $pid
finish 130
grep -Eq '^[12] runs, 0 done; cut short as they are$' "$work/out" || fail "no table"

# Those before are whole; as from a terminal, all are told.
begin --steps=300,1t,2t --json "$work/json"
until grep -q '^done; ' "$work/out"; do
	kill -0 $pid || fail "it has ended"
done
find_children
kill -INT $pid "${children[@]}"
finish 130
[ "$(grep -c '^done; ' "$work/out")" = 1 ] || fail "the first point is not printed"
[ "$(grep -c '^interrupted; ' "$work/out")" = 2 ] || fail "those cut short are not printed"
[ "$(grep -c '"outcome": "interrupted"' "$work/json")" = 2 ] || fail "they are not written"

# When the program is killed its runs are.
begin --steps=1t --seeds 2
kill -KILL $pid
wait $pid 2>/dev/null || true
for child in "${children[@]}"; do
	for _ in $(seq 100); do
		[ -e "/proc/$child" ] || continue 2
		grep -q '^State:	Z' "/proc/$child/status" 2>/dev/null && continue 2
		sleep 0.1
	done
	fail "$child is still there"
done
echo "the same with any number of jobs"
