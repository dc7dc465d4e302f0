#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The modelled machine's JSON is the same byte for byte whatever it was compiled with and wherever
# it ran, but for the environment block: twice, without address randomisation, under valgrind, and
# in every build that runs this test, since all compare with the same sums. The plain build compiles
# it twice more, by gcc with -O0 and by clang with -O3.
# usage: MMSIM=build/sim/mmsim [BUILDS=1] tests/model/determinism.sh	BUILDS=1: those two
#	UPDATE=1 writes the sums. MMSIM_TEST_SIZE=full runs a second of each, not milliseconds.
set -euo pipefail
tree=$(cd "$(dirname "$0")/../.." && pwd)
MMSIM=$(realpath "$MMSIM")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

if [ "${MMSIM_TEST_SIZE:-smoke}" = smoke ]; then
	long=4ms
	short=1ms
else
	long=1s
	short=100ms
fi
names=(phone-6.1 phone-6.18 readers-writer faults-own-vmas zygote)
phone="gc-madvise --machine phone-4+3+1 --ui_cpu=4-7 --gc_cpu=0-3 --hog=4 --native_maps=20"
arguments=(
	"$phone --kernel=6.1 --heap=64m --seconds $long"
	"$phone --kernel=6.18 --heap=64m --seconds $long"
	"readers-writer --machine flat-8 --readers=4 --readers_cpu=any --seconds $short"
	"faults-own-vmas --machine server-2x12x2 --threads=48 --seconds $short"
	"zygote-fork --machine phone-4+3+1 --set anon_rmap=exclusive --apps=4 --own=300
		--warm=1ms --seconds 2$long"
)

# run NAME PROGRAM...: the sum of what each scenario answers, as lines "SUM  NAME".
run()
{
	local i
	for i in "${!names[@]}"; do
		# shellcheck disable=SC2086
		"$@" run ${arguments[i]} --quiet --json out.json >out.txt 2>err.txt ||
			{ cat err.txt; return 1; }
		/usr/bin/python3 - "${names[i]}" <<'PY'
import hashlib
import json
import sys

fractions = []
result = json.load(open("out.json"), parse_float=fractions.append)
assert len(fractions) == 1, "integers only, but for configuration.think"
for key in ("environment", "mmsim"):  # where it ran; the version and commit
    del result[key]
print(hashlib.sha256(json.dumps(result).encode()).hexdigest(), "", sys.argv[1])
PY
	done
}

sums=$tree/tests/model/determinism.$long.sha256
if [ "${UPDATE:-}" ]; then
	run "$MMSIM" >"$sums"
fi
same()
{
	local what=$1
	shift
	run "$@" >got || { echo "$what: failed"; exit 1; }
	diff "$sums" got || { echo "$what: another answer"; exit 1; }
	echo "$what: the same"
}

same first "$MMSIM"
same again "$MMSIM"
if setarch -R true 2>/dev/null; then
	same "without address randomisation" setarch -R "$MMSIM"
fi
if [ "${BUILDS:-}" ]; then
	same valgrind valgrind -q --error-exitcode=9 "$MMSIM"
	for build in gcc-O0 clang-14-O3; do
		{ cmake -S "$tree" -B "$build" -DCMAKE_C_COMPILER="${build%-O*}" \
			-DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="-${build##*-}" \
			-DMMSIM_WERROR=OFF -DMMSIM_BUILD_TESTS=OFF &&
			cmake --build "$build" --target mmsim_cli -j; } >log 2>&1 ||
			{ tail -n 20 log; exit 1; }
		same "$build" "$build/sim/mmsim"
	done
fi
