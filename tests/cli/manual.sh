#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual of the scenario language is what the program prints from its tables.
# usage: MMSIM=build/sim/mmsim tests/cli/manual.sh; with UPDATE=1 the manual is written anew
set -eu
cd "$(dirname "$0")/../.."
if [ "${UPDATE:-}" ]; then
	"$MMSIM" help scenarios >sim/scenarios/README.md
fi
"$MMSIM" help scenarios | diff -u sim/scenarios/README.md -
