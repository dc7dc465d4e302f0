#!/bin/sh
# SPDX-License-Identifier: MIT
# kernel_native against what Linux 6.18.44 answered to the lists in oracle/: whether random.sh may
# believe it. Lists that it refuses (status 2: files, a second process) are left out.
# usage: MMSIM_KERNEL_TESTS=build/tests/kernel tests/kernel/native.sh
#
# On another kernel differences are printed, but are no failure. Exit status 77 where the kernel
# does not show its state.
set -u
here=$(cd "$(dirname "$0")" && pwd)
native=$MMSIM_KERNEL_TESTS/kernel_native
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lists=0
different=0
for list in "$here"/oracle/*.ops; do
	"$native" "$list" >"$work/got" 2>"$work/error"
	status=$?
	case $status in
	0) ;;
	2) continue ;;
	77)
		cat "$work/error"
		exit 77
		;;
	*)
		cat "$work/error"
		exit 1
		;;
	esac
	lists=$((lists + 1))
	"$native" --filter <"${list%.ops}.exp" >"$work/masked"
	cmp -s "$work/got" "${list%.ops}.exp" && continue
	cmp -s "$work/got" "$work/masked" && continue # physical pages are hidden here
	different=$((different + 1))
	echo "$list differs:"
	diff "${list%.ops}.exp" "$work/got" | head -n 10
done
echo "$lists lists, $different different, Linux $(uname -r)"
[ "$lists" -ge 60 ] || exit 1
case $(uname -r) in
6.18 | 6.18.* | 6.18-*) [ "$different" -eq 0 ] ;;
*) true ;;
esac
