#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs a build into an empty prefix and uses it as a stranger would: by pkg-config and by
# find_package, shared and static, headers as C11 and as C++17.
#
#	tests/install/run.sh BUILD_DIRECTORY [C_COMPILER]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
cc=${2:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Moved after the installation: nothing may remember where it was put first.
cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix"
prefix=$work/prefix
pc=$(find "$prefix" -name mmsim.pc)
libdir=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH=${pc%/*}

say()
{
	printf '== %s\n' "$*"
}

die()
{
	printf 'FAILED: %s\n' "$*"
	exit 1
}

flags()
{
	pkg-config "$@" mmsim cmocka
}

say "headers, each alone, as C11 and C++17"
# $1: header; the rest: the compiler as one language.
compiles_alone()
{
	printf '#include <mmsim/%s>\n' "$1" |
		"${@:2}" -pedantic -Wall -Wextra -Werror -fsyntax-only "-I$prefix/include" - ||
		die "$*"
}

for header in "$prefix"/include/mmsim/*.h; do
	compiles_alone "${header##*/}" "$cc" -std=c11 -x c
	compiles_alone "${header##*/}" g++ -std=c++17 -x c++
done

strict=(-std=c11 -pedantic -Wall -Wextra -Werror)
read -ra cflags < <(flags --cflags)
read -ra shared < <(flags --libs)
read -ra static < <(flags --libs --static)

say "pkg-config, shared"
"$cc" "${strict[@]}" "${cflags[@]}" "$here/consumer.c" -o "$work/shared" "${shared[@]}"
LD_LIBRARY_PATH=$libdir "$work/shared"

say "pkg-config, static"
# By the archive's name: the linker prefers the shared library that lies beside it.
"$cc" "${strict[@]}" "${cflags[@]}" "$here/consumer.c" -o "$work/static" \
	"${static[@]/#-lmmsim/-l:libmmsim.a}"
"$work/static"
if ldd "$work/static" | grep -E 'libmmsim|libboost|libstdc'; then
	die "the static consumer needs these libraries"
fi

say "find_package, shared and static"
cmake -G Ninja -S "$here" -B "$work/cmake" "-DCMAKE_PREFIX_PATH=$prefix" "-DCMAKE_C_COMPILER=$cc" \
	-DCMAKE_C_FLAGS="-Wall -Wextra -Werror" >"$work/log" || die "$(cat "$work/log")"
cmake --build "$work/cmake" >"$work/log" || die "$(cat "$work/log")"
"$work/cmake/consumer_shared"
"$work/cmake/consumer_static"
"$work/cmake/ui_test"

if [ -e "$prefix/bin/mmsim" ]; then
	say "the installed program"
	"$prefix/bin/mmsim" list kernels >/dev/null || die "mmsim list kernels"
	[ -e "$prefix/share/mmsim/recordings/jemalloc-churn.rec.xz" ] || die "no recordings"
	"$prefix/bin/mmsim" explore b03-stackrot --schedules 5 --quiet >/dev/null ||
		die "mmsim explore b03-stackrot"
fi
say "fine"
