#!/bin/sh
# SPDX-License-Identifier: MIT
# The shipped scenarios of races that kernels had: with the fault seeded a bounded search finds each
# at its number of preemptions, and its schedule, shrunk, fails again; without the fault that
# schedule is fine, and so are ten times as many schedules (as many, where a sanitizer slows them).
# usage: MMSIM=build/sim/mmsim MMSIM_MUTANTS=build/tests/mmsim-mutants tests/cli/explore.sh
set -u
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wrong()
{
	echo "$*"
	cat "$work/out"
	failed=$((failed + 1))
}

# $1: scenario; $2: mutant; $3: preemptions; $4: what is said
check()
{
	"$MMSIM_MUTANTS" explore "$1" --mutant "$2" --search bounded --schedules 100000 --quiet \
		>"$work/out" 2>&1
	[ $? = 4 ] || { wrong "$1: $2 not found"; return; }
	grep -q "^found by bounded, schedule [0-9]*, $3 preemptions: .*$4" "$work/out" ||
		wrong "$1: expected $3 preemptions, $4"
	runs=$(sed -n 's/^found by bounded, schedule \([0-9]*\),.*/\1/p' "$work/out")
	schedule=$(sed -n "s/^again: .* --schedule '\(.*\)'/\1/p" "$work/out")
	echo "$1: found at schedule $runs, shrunk to: $schedule"
	"$MMSIM_MUTANTS" explore "$1" --mutant "$2" --schedule "$schedule" >"$work/out" 2>&1
	[ $? = 4 ] && grep -q "$4" "$work/out" || wrong "$1: the schedule does not fail again"
	"$MMSIM" explore "$1" --schedule "$schedule" >"$work/out" 2>&1 ||
		wrong "$1: the schedule fails without $2"
	[ "${MMSIM_SANITIZE:-}" ] || runs=$((runs * 10))
	"$MMSIM" explore "$1" --search bounded --schedules "$runs" --quiet >"$work/out" 2>&1 ||
		wrong "$1: fails without $2"
}

check b03-stackrot GROW_UNDER_READ 1 "use after free: T1 touches vma_tree_node"
check fault-beside-munmap VMA_DETACH_NOT_MARKED 1 "objects or pages were left"
check exclusive-walk RMAP_EXCLUSIVE_NAIVE 1 "use after free: M touches anon_vma_chain"
check b06-mremap-walk MREMAP_NO_RMAP_LOCK 3 "a migration entry of page .* nobody is moving"
# ThreadSanitizer takes a hundred times as long to make a fibre, and has nothing to watch here.
if [ "${MMSIM_SANITIZE:-}" != thread ]; then
	check b02-vm-refcnt VMREF_NO_MMGRAB 4 "use after free: T1 touches mm_struct"
	check b04-anon-check ANON_CHECK_BEFORE_LOCK 2 "use after free: T1 touches vm_area_struct"
fi

"$MMSIM_MUTANTS" explore b03-stackrot --mutant GROW_UNDER_REED >"$work/out" 2>&1
[ $? = 2 ] && grep -q "expected.* GROW_UNDER_READ" "$work/out" || wrong "a mutant that there is not"
# The other searches find the shallowest of them too.
for search in pct random pos; do
	"$MMSIM_MUTANTS" explore b03-stackrot --mutant GROW_UNDER_READ --search $search \
		--schedules 2000 --quiet >"$work/out" 2>&1
	[ $? = 4 ] || wrong "b03-stackrot: not found by $search"
done
# Interrupted, it says how far it came.
"$MMSIM" explore b04-anon-check --search random --budget 1h --quiet >"$work/out" 2>&1 &
pid=$!
until grep -q "kernel 6.4" "$work/out"; do sleep 0.1; done
kill -INT $pid
wait $pid
[ $? = 130 ] && grep -q "nothing found, interrupted" "$work/out" || wrong "not interrupted"
echo "$failed failed"
[ "$failed" -eq 0 ]
