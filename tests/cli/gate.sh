#!/bin/sh
# SPDX-License-Identifier: MIT
# The gate does not cry wolf, and does not sleep: against a baseline the same again passes, and a
# planted slowdown (each hold of an rwsem a fifth longer) fails, with what moved, by how much and a
# command that shows it.
# usage: MMSIM=build/sim/mmsim MMSIM_MUTANTS=build/tests/mmsim-mutants tests/cli/gate.sh
set -eu
# ThreadSanitizer has nothing to watch on a model, and takes minutes.
[ "${MMSIM_SANITIZE:-}" != thread ] || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail()
{
	echo "$1"
	exit 1
}
# usage: gate PROGRAM SPEC WORD...: exit status in $status, the text in $work/text
gate()
{
	program=$1 spec=$2
	shift 2
	status=0
	"$program" compare gc-madvise --machine phone-4+3+1 --b "$spec" --seconds=50ms --seeds 3 \
		--metrics "ui.wait.longest mmap_lock.hold ui.frames.missed ops.rate" --quiet \
		"$@" >"$work/text" 2>&1 || status=$?
}

gate "$MMSIM" 6.1 --a 6.1 --write-baseline "$work/baseline.json"
[ $status = 0 ] || fail "the baseline: $status"
grep -q '^mmap_lock.hold, us .* =$' "$work/text" || fail "a and b differ without a difference"

for jobs in 1 2; do
	gate "$MMSIM" 6.1 --baseline "$work/baseline.json" --jobs $jobs
	[ $status = 0 ] || fail "nothing changed, and the gate says $status"
	grep -q '^passed: 4 conditions' "$work/text" || fail "no word of it"
done

gate "$MMSIM_MUTANTS" 6.1,mutant=HOLD_A_FIFTH_LONGER --baseline "$work/baseline.json" \
	--markdown "$work/summary.md"
[ $status = 1 ] || fail "holds a fifth longer, and the gate says $status"
moved='^FAILED: mmap_lock.hold > +0: [0-9.]* -> [0-9.]* (+[0-9.]*, +[12][0-9.]* %) us, pooled'
grep -q "$moved" "$work/text" || fail "it does not say by how much"
grep -q '^- \*\*failed\*\* `mmap_lock.hold > +0`' "$work/summary.md" || fail "not in the summary"
command=$(sed -n '/^FAILED: mmap_lock.hold/{n;s/^    see: mmsim //p;}' "$work/text")
eval "\"$MMSIM_MUTANTS\" $command --quiet" >"$work/shown" || fail "$command: $?"
grep -q '^frames of' "$work/shown" || fail "$command shows nothing"

# What is asked decides: this slowdown misses no frame.
gate "$MMSIM_MUTANTS" 6.1,mutant=HOLD_A_FIFTH_LONGER --baseline "$work/baseline.json" \
	--fail-if 'ui.frames.missed > +0'
[ $status = 0 ] || fail "no frame is missed, and the gate says $status"
gate "$MMSIM_MUTANTS" 6.1,mutant=HOLD_A_FIFTH_LONGER --baseline "$work/baseline.json" \
	--fail-if 'mmap_lock.hold > +15%'
[ $status = 1 ] || fail "holds 15 % longer at least, and the gate says $status"
gate "$MMSIM_MUTANTS" 6.1,mutant=HOLD_A_FIFTH_LONGER --baseline "$work/baseline.json" \
	--fail-if 'mmap_lock.hold > +25%'
[ $status = 0 ] || fail "holds not 25 % longer, and the gate says $status"
