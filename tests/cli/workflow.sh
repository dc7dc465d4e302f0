#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The README's chapter "Decide in CI", as a project that pastes it would do: its commands make the
# gate, and what its workflow runs passes; with madvise under mmap_lock again it fails with 1.
# usage: MMSIM=build/sim/mmsim tests/cli/workflow.sh
set -euo pipefail
[ -z "${MMSIM_SANITIZE:-}" ] || exit 77 # minutes; tests/cli/gate.sh does the same in small
tree=$(cd "$(dirname "$0")/../.." && pwd)
program=$(realpath "$MMSIM")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p mmsim/build/sim
ln -s "$tree/sim" mmsim/sim
ln -s "$program" mmsim/build/sim/mmsim
chapter=$(sed -n '/^### Decide in CI/,/^### A search/p' "$tree/README.md")

# What stands between "mkdir ci" and the next line that is not indented.
sed -n '/^    mkdir ci/,/^[^ ]/p' <<<"$chapter" | sed '/^[^ ]/d' >prepare
bash -e prepare >prepared
grep -q '^passed: 3 conditions' prepared

# The workflow is YAML, and its last step the gate.
sed -n '/^    name: mm locks/,/^[^ ]/p' <<<"$chapter" | sed '/^[^ ]/d; s/^    //' >workflow.yml
/usr/bin/python3 - workflow.yml >gate <<'PY'
import sys

import yaml

print(yaml.safe_load(open(sys.argv[1]))["jobs"]["gate"]["steps"][-1]["run"])
PY
GITHUB_STEP_SUMMARY=summary.md bash -e gate >out
grep -q '^### mmsim: ci/gc.ini on phone-4+3+1, 5 seeds: no regression' summary.md

sed -i 's/--b 6.18/--b 6.18,madvise=mmap_lock/' gate
status=0
GITHUB_STEP_SUMMARY=summary.md bash -e gate >out || status=$?
[ $status = 1 ]
grep -q '^FAILED: ui.frames.missed_for_locks > +0: ' out
grep -q 'seeds: regression$' summary.md
