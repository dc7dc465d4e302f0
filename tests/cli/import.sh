#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What tracers wrote of real programs is imported, and its memory calls are done with the recorded
# result, whatever the kernel: 95 of 100 at least. A recording of faults alone has no calls.
# usage: MMSIM=build/sim/mmsim tests/cli/import.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
files=(tests/recordings/*.txt.xz)
for file in "${files[@]}"; do
	source=${file%.txt.xz}
	source=${source##*.}
	"$MMSIM" import "--$source" "$file" -o "$work/it.rec" --quiet
	for kernel in 6.1 6.18; do
		"$MMSIM" run "$work/it.rec" --kernel "$kernel" --think none --quiet \
			--json "$work/it.json" >"$work/it.txt"
		python3 - "$work/it.json" "$source" "$file, kernel $kernel" <<'END'
import json, sys
result = json.load(open(sys.argv[1]))
run, source, what = result["run"], sys.argv[2], sys.argv[3]
calls, same = run["memory_calls_compared"], run["memory_calls_as_recorded"]
print("%s: %d operations, %d of %d memory calls as recorded"
      % (what, run["operations_done"], same, calls))
assert run["operations_done"] > 1000
if source == "page-faults":
    assert calls == 0 and result["counters"]["pgfault"] > 10000
else:
    assert calls > 1000 and same >= 0.95 * calls
END
	done
done
[ ${#files[@]} -ge 3 ]
