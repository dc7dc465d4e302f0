#!/bin/sh
# SPDX-License-Identifier: MIT
# Random lists: mmsim ops against the system calls of the running kernel.
# usage: MMSIM=build/sim/mmsim MMSIM_KERNEL_TESTS=build/tests/kernel tests/kernel/random.sh
#
# MMSIM_TEST_LISTS   how many lists (else 40, 500 or 2500, as MMSIM_TEST_SIZE says)
# MMSIM_TEST_LEVELS  the levels they are drawn from
# MMSIM_TEST_SEED    the first seed; each seed is used once a level
# MMSIM_TEST_KEEP    a directory for the lists that differ
#
# mmsim answers as Linux 6.18. On another kernel differences are printed, but are no failure. Exit
# status 77 where the kernel does not show its state, or counts memory in another way.
set -u
here=$(cd "$(dirname "$0")" && pwd)
native=$MMSIM_KERNEL_TESTS/kernel_native
generate=$MMSIM_KERNEL_TESTS/kernel_generate
levels=${MMSIM_TEST_LEVELS:-vma anon guard mremap more fork}
first_seed=${MMSIM_TEST_SEED:-1}
case ${MMSIM_TEST_SIZE:-smoke} in
full) wanted=500 ;;
long) wanted=2500 ;;
*) wanted=40 ;;
esac
wanted=${MMSIM_TEST_LISTS:-$wanted}
explained_max=5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip()
{
	echo "skipped: $1"
	exit 77
}

# Whether physical pages are told apart here; also whether hiding them hides the same on both sides.
look_at_kernel()
{
	[ "$(cat /proc/sys/vm/overcommit_memory)" = 0 ] || skip "vm.overcommit_memory is not 0"
	"$generate" anon 1 >"$work/list" || exit 1
	"$native" "$work/list" >"$work/native"
	status=$?
	[ "$status" -ne 77 ] || skip "no state from /proc"
	"$native" --mask "$work/list" >"$work/masked" && [ "$status" -eq 0 ] || exit 1
	"$native" --filter <"$work/native" | cmp - "$work/masked" || exit 1
	masked=
	cmp -s "$work/native" "$work/masked" && masked=1
	export masked native
}

# Two answers to $work/list; whether they are the same.
compare()
{
	if ! "$native" "$work/list" >"$work/native"; then
		echo "level=$1 seed=$2: the list could not be done natively"
		broken=$((broken + 1))
		return 0
	fi
	"$MMSIM" ops "$work/list" --kernel 6.18 >"$work/mmsim" 2>&1 || return 1
	if [ "$masked" ]; then
		"$native" --filter <"$work/mmsim" | cmp -s - "$work/native"
	else
		cmp -s "$work/mmsim" "$work/native"
	fi
}

explain()
{
	[ -z "${MMSIM_TEST_KEEP:-}" ] || cp "$work/list" "$MMSIM_TEST_KEEP/$1-$2.ops"
	[ "$different" -le "$explained_max" ] || return
	echo "level=$1 seed=$2:"
	python3 "$here/difference.py" "$work/list"
}

look_at_kernel
lists=0
different=0
broken=0
seed=$first_seed
while [ "$lists" -lt "$wanted" ]; do
	for level in $levels; do
		[ "$lists" -lt "$wanted" ] || break
		lists=$((lists + 1))
		"$generate" "$level" "$seed" >"$work/list" || exit 1
		compare "$level" "$seed" && continue
		different=$((different + 1))
		explain "$level" "$seed"
	done
	seed=$((seed + 1))
done
release=$(uname -r)
echo "$lists lists from seed $first_seed on, $different different," \
	"Linux $release${masked:+, masked}"
[ "$lists" -gt 0 ] && [ "$broken" -eq 0 ] || exit 1
case $release in
6.18 | 6.18.* | 6.18-*) [ "$different" -eq 0 ] ;;
*) true ;;
esac
