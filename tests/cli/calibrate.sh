#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mmsim calibrate writes a profile of this computer that loads and runs, each cost with a source of
# its own. With one round of each measurement: what is measured is looked at by nobody here.
# usage: MMSIM=build/sim/mmsim tests/cli/calibrate.sh
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
profile=$work/here.ini
failed=0

fail()
{
	echo "$1"
	failed=$((failed + 1))
}

# ---- a profile ----

"$MMSIM" calibrate -o "$profile" --rounds 1 --anyway >"$work/out" 2>"$work/err" ||
	fail "calibrate ended with $?: $(cat "$work/err")"
grep -q '^31 costs: [0-9]* measured, ' "$work/out" || fail "it does not say what was measured"
[ "$(grep -c '^mmsim: [1-8] of 8: ' "$work/err")" = 8 ] || fail "it does not say how far it is"
[ "$(sed -n '/^\[costs\]/,/^$/p' "$profile" | grep -c ' = [0-9].* (..*)$')" = 31 ] ||
	fail "not every cost is there with a source"
grep -q "^# mmsim calibrate -o $profile --rounds 1 --anyway" "$profile" ||
	fail "the command is not in the file's head"
# What any Linux lets one thread measure.
for cost in step atomic relax line_memory page_zero page_copy syscall pte_zap pte_set; do
	grep -q "^$cost = [1-9][0-9]*ns (\(measured\|assumed\)" "$profile" ||
		fail "$cost is not measured: $(grep "^$cost =" "$profile")"
done
grep -q '^step = [1-9][0-9]*ns (measured: ' "$profile" || fail "step is not measured"
grep -q '^page_zero = [1-9][0-9]*ns (measured: ' "$profile" || fail "page_zero is not measured"

"$MMSIM" help "$profile" >"$work/help" || fail "help does not load it"
[ "$(grep -c '^ *\(measured\|derived\|assumed\)' "$work/help")" -ge 20 ] ||
	fail "help does not show the sources"
"$MMSIM" run faults-one-vma --machine "$profile" --seconds 5ms --quiet >"$work/run" ||
	fail "it does not run"
grep -q '^modelled: ' "$work/run" || fail "the run is not a model's"

# ---- again, over it, quietly ----

"$MMSIM" calibrate --output="$profile" --rounds=1 --anyway --quiet >"$work/out" 2>"$work/err" ||
	fail "a second time ended with $?"
[ ! -s "$work/out" ] && [ ! -s "$work/err" ] || fail "--quiet is not quiet"

# ---- where nothing can be written, nothing is measured ----

"$MMSIM" calibrate -o "$work/no/such/x.ini" --anyway >"$work/out" 2>"$work/err"
[ $? = 2 ] || fail "a folder that is not there is no error"
grep -q "x.ini: No such file" "$work/err" || fail "it does not say which folder"
[ "$(wc -l <"$work/err")" = 1 ] || fail "it says more than a line"

echo "$failed failures"
[ "$failed" -eq 0 ]
