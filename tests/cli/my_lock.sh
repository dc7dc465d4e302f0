#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The README's chapter "Try your own lock", its commands one after another in a copy of the tree:
# the wrong idea is caught by the shared test body and by explore, the right one passes both, and
# compare says that it gives what the chapter says.
# usage: MMSIM=build/sim/mmsim tests/cli/my_lock.sh	once is enough: in the release build
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
[ "$(realpath "$MMSIM")" = "$PWD/build/sim/mmsim" ] || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r CMakeLists.txt CMakePresets.json README.md LICENSE bench include sim src tests "$work" ||
	exit 1
cd "$work" || exit 1
sed -n '/^### Try your own lock/,/^### A recording/p' README.md |
	grep -E '^    (cp|sed|cmake|build/)' >commands
number=0
while read -r command; do
	number=$((number + 1))
	bash -c "$command" >"out.$number" 2>&1 </dev/null
	echo "$? $command" >>ends
done <commands
cat ends

fail()
{
	echo "$1"
	tail -n 20 out.*
	exit 1
}
# expect NUMBER STATUS WORDS: the command of that number ended so, and its output has these words.
expect()
{
	[ "$(sed -n "$1s/ .*//p" ends)" = "$2" ] || fail "command $1: expected status $2"
	grep -q -- "$3" "out.$1" || fail "command $1: expected '$3'"
}
[ "$(wc -l <ends)" = 14 ] || fail "expected 14 commands in the chapter"
expect 6 1 "fault=my_lock, schedule .*: objects or pages are left"
expect 7 4 "objects or pages were left when all tasks had ended"
expect 12 0 "PASSED  . 4 test"
expect 13 0 "nothing found"
expect 14 0 "^ui.wait.total, ms .* -[0-9.]* %$"
