#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every shipped scenario runs to its end as each kernel that it may be asked about, on the step
# machine and for a moment on the host, and each metric that it names is one.
# usage: MMSIM=build/sim/mmsim tests/cli/scenarios.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nr=0

# run NAME OPTION...: exit 0, all points done, none of the metrics unknown
run()
{
	"$MMSIM" run "$@" --quiet >"$work/out" || { cat "$work/out"; exit 1; }
	[ "$(grep -c '^done; ' "$work/out")" = "$points" ]
	if grep -q 'at any point' "$work/out"; then
		grep 'at any point' "$work/out"
		exit 1
	fi
}

for file in sim/scenarios/*.ini; do
	name=$(basename "$file" .ini)
	case $name in
	gc-madvise) small=(--heap=4m) ;;
	zygote-fork) small=(--apps=3 --own=200 --copied=20 --memory=64m) ;;
	zygote-wide) small=(--children=20 --memory=64m) ;;
	zygote-deep) small=(--depth=10) ;;
	*) small=() ;;
	esac
	points=2
	run "$name" "${small[@]}" --machine step --steps=5k --kernel=6.1,6.18
	points=1
	run "$name" "${small[@]}" --seconds=100ms
	nr=$((nr + 1))
done
echo "$nr scenarios"
[ "$nr" -ge 17 ]
