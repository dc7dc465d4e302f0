#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# sim/record: what it says is missing, and how it runs a command, reports on it and imports. With a
# perf, an id and a tracefs of our own, so that it depends on no machine.
# usage: MMSIM=build/sim/mmsim tests/cli/record.sh
set -u
record=$(cd "$(dirname "$0")/../.." && pwd)/sim/record
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
cases=0
tracefs=$work/tracefs
export TRACEFS=$tracefs FAKE="$work/fake" MMSIM

# $1: file in the folder of programs; its text comes on standard input
program()
{
	{ printf '#!/bin/sh\n'; cat; } >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}

make_programs()
{
	local tool

	mkdir -p "$work/bin" "$FAKE"
	for tool in bash sh dirname basename mktemp rm mv head awk chown; do
		ln -s "$(command -v $tool)" "$work/bin/$tool"
	done
	program id <<<'cat "$FAKE/uid"'
	program cat <<-EOF
		case \${1-} in
		/proc/sys/*) set -- "\$FAKE/paranoid" ;;
		esac
		exec $(command -v cat) "\$@"
	EOF
	program setpriv <<-'EOF'
		echo "$1 $2 $3" >>"$FAKE/setpriv"
		shift 3
		exec "$@"
	EOF
	# record: the words in front of the command are kept; script: what the fixture says.
	program perf <<-'EOF'
		case $1 in
		--version) echo "perf version 0"; exit "$(cat "$FAKE/perf-version")" ;;
		script) cat "$FAKE/events"; exit ;;
		esac
		echo "$*" >"$FAKE/perf-record"
		while [ "$1" != -- ]; do
			[ "$1" != -o ] || data=$2
			shift
		done
		shift
		"$@"
		status=$?
		[ ! -s "$FAKE/events" ] || echo data >"$data"
		exit $status
	EOF
}

make_fixture()
{
	local event

	echo 0 >"$FAKE/uid"
	echo 2 >"$FAKE/paranoid"
	echo 0 >"$FAKE/perf-version"
	rm -rf "$tracefs" "$FAKE/setpriv"
	for event in exceptions/page_fault_user mmap_lock/mmap_lock_{start_locking,released} \
		mmap_lock/mmap_lock_acquire_returned lock/contention_{begin,end} \
		sched/sched_process_{fork,exit,exec} \
		syscalls/sys_{enter,exit}_{mmap,munmap,mprotect,madvise,mremap,brk}; do
		mkdir -p "$tracefs/events/$event"
	done
	cat >"$FAKE/events" <<-'EOF'
		a 7/7 [000] 1.000000: sched:sched_process_exec: filename=a pid=7 old_pid=7
		a 7/7 [000] 1.000000: PERF_RECORD_LOST lost 40
		a 7/7 [000] 1.000001: syscalls:sys_enter_brk: brk: 0x00000000
		a 7/7 [000] 1.000002: syscalls:sys_exit_brk: 0x10000000
		a 7/7 [001] 1.000002: PERF_RECORD_LOST lost 2
	EOF
}

# $1: the exit status to come; others: arguments. Standard streams are kept in files.
run()
{
	local wanted=$1 got

	shift
	cases=$((cases + 1))
	what="record $*"
	(cd "$work" && PATH=$work/bin "$record" "$@") >"$work/out" 2>"$work/err"
	got=$?
	[ $got = "$wanted" ] || wrong "exit status $got, not $wanted"
}

wrong()
{
	echo "$what: $1"
	sed 's/^/	/' "$work/err"
	failed=$((failed + 1))
}

says()
{
	grep -qF -- "$1" "$work/err" || wrong "does not say: $1"
}

# The whole of what it says.
says_only()
{
	[ "$(cat "$work/err")" = "$1" ] || wrong "says other than: $1"
}

make_programs
make_fixture

# ---- what is missing ----

run 2
says_only "record: expected [-o RECORDING] [--keep] [--] COMMAND [ARGUMENT]..."
run 2 --nothing true
run 2 -o

mv "$work/bin/perf" "$work/perf"
run 2 sh -c :
says_only "record: no perf. As root: apt-get install linux-perf"
mv "$work/perf" "$work/bin/perf"

echo 1 >"$FAKE/perf-version"
run 2 sh -c :
says "record: perf is there, but does not run: perf version 0"
make_fixture

MMSIM=$work/mmsim run 2 sh -c :
says "record: no $work/mmsim. Build it: "
says "/sim/quickstart --build-only"

echo 1000 >"$FAKE/uid"
run 2 sh -c :
says "record: not root, and kernel.perf_event_paranoid is 2. Run: sudo $record ..."
echo -1 >"$FAKE/paranoid"
run 0 sh -c :
rm -r "$tracefs"
run 2 sh -c :
says "As root: mount -t tracefs -o mode=755 nodev /sys/kernel/tracing"
make_fixture

rm -r "$tracefs"
run 2 sh -c :
says_only "record: tracefs is not mounted. Run: mount -t tracefs nodev /sys/kernel/tracing"
make_fixture

rm -r "$tracefs/events/syscalls/sys_exit_madvise"
run 2 sh -c :
says_only "record: this kernel has no tracepoint syscalls:sys_exit_madvise: one with\
 CONFIG_FTRACE_SYSCALLS=y is needed"
make_fixture

run 2 no-such-program
says_only "record: no such command: no-such-program"
run 2 -o no/such/folder/x.rec true-or-not
says "record: no folder for no/such/folder/x.rec"

# ---- recording ----

run 0 -- sh -c 'cat; echo "$1" >&2; exit 3' sh "two words" <<<input
says "two words"
says "record: sh: exit status 3"
says "record: perf lost 42 events: the recording has gaps"
says "record: made ./sh.rec.xz"
[ "$(cat "$work/out")" = input ] || wrong "standard streams are not the command's"
[ "$(tail -n 1 "$work/err")" = "record: made ./sh.rec.xz" ] || wrong "ends with other words"
"$MMSIM" run "$work/sh.rec.xz" --machine step >/dev/null || wrong "the recording cannot be run"
for event in exceptions:page_fault_user lock:contention_end syscalls:sys_exit_mremap; do
	grep -q -- "-e $event " "$FAKE/perf-record" || wrong "does not record $event"
done
[ ! -e "$work/sh.events.txt" ] || wrong "keeps what it should not"

run 0 -o x.rec --keep sh -c 'kill -9 $$'
says "record: sh: ended by signal 9"
says "record: kept x.perf.data"
[ -s "$work/x.events.txt" ] && [ -s "$work/x.rec" ] || wrong "does not keep"

rm -r "$tracefs/events/mmap_lock/mmap_lock_released" "$tracefs/events/exceptions"
run 0 sh -c :
says "no exceptions:page_fault_user: the recording will lack touches of memory"
says "no mmap_lock:mmap_lock_released: the recording will lack what its locks did"
! grep -q "exceptions" "$FAKE/perf-record" || wrong "records what there is not"
make_fixture

export SUDO_UID SUDO_GID
SUDO_UID=$(/usr/bin/id -u) SUDO_GID=$(/usr/bin/id -g)
if [ "$SUDO_UID" = 0 ]; then
	SUDO_UID=65534 SUDO_GID=65534
fi
run 0 -o y.rec sh -c 'echo mine'
[ "$(tail -n 1 "$FAKE/setpriv")" = "--reuid=$SUDO_UID --regid=$SUDO_GID --init-groups" ] ||
	wrong "does not run the command as the user"
[ "$(cat "$work/out")" = mine ] || wrong "does not run the command"
program setpriv <<<'exit 1'
run 0 -o y.rec sh -c :
says "record: cannot run the command as user $SUDO_UID: it runs as root"

: >"$FAKE/events"
run 2 sh -c 'exit 5'
says "record: perf could not record (status 5)"

echo "$cases cases, $failed failures"
[ "$cases" -ge 15 ] && [ "$failed" -eq 0 ]
