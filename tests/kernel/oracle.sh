#!/bin/sh
# SPDX-License-Identifier: MIT
# mmsim ops against what Linux 6.18.44 answered to the same lists, byte for byte.
# usage: MMSIM=build/sim/mmsim tests/kernel/oracle.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lists=0
different=0
for list in "$here"/oracle/*.ops; do
	lists=$((lists + 1))
	"$MMSIM" ops "$list" --kernel 6.18 >"$work/got" 2>&1
	if ! cmp -s "$work/got" "${list%.ops}.exp"; then
		different=$((different + 1))
		echo "$list differs:"
		diff "${list%.ops}.exp" "$work/got" | head -n 10
	fi
done
echo "$lists lists, $different different"
[ "$lists" -ge 60 ] && [ "$different" -eq 0 ]
