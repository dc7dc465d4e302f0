#!/bin/sh
# SPDX-License-Identifier: MIT
# The command line's text, exact: cases/X.cmd holds the words behind `mmsim`, cases/X.txt what is
# printed on both streams and the exit status. The lines that name commit and computer are left out.
# After the word "mutants" it is the program with seeded faults.
# usage: MMSIM=build/sim/mmsim MMSIM_MUTANTS=build/tests/mmsim-mutants tests/cli/golden.sh
#	with UPDATE=1 the texts are written anew
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=0
cases=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for command in tests/cli/cases/*.cmd; do
	cases=$((cases + 1))
	expected=${command%.cmd}.txt
	eval "set -- $(cat "$command")"
	program=$MMSIM
	if [ "$1" = mutants ]; then
		program=$MMSIM_MUTANTS
		shift
	fi
	"$program" "$@" >"$work/raw" 2>&1
	status=$?
	{
		grep -v -e '^mmsim [0-9]' -e '^on ' "$work/raw"
		echo "exit $status"
	} >"$work/got"
	if [ "${UPDATE:-}" ]; then
		cp "$work/got" "$expected"
	elif ! diff -u "$expected" "$work/got"; then
		failed=$((failed + 1))
	fi
done
echo "$cases cases, $failed different"
[ "$cases" -ge 10 ] && [ "$failed" -eq 0 ]
