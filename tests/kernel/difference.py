#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print where mmsim and the running kernel first differ over a list, and the list made short.

usage: MMSIM=build/sim/mmsim native=build/tests/kernel/kernel_native difference.py LIST

With masked=1 in the environment, what needs the numbers of physical pages is hidden.
"""
import os
import subprocess
import sys
import tempfile

TIMEOUT_S = 60


def run(*words, text=None):
    try:
        return subprocess.run(words, input=text, capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, -1, "", f"no end after {TIMEOUT_S} s\n")


def answers(path):
    """What the kernel and mmsim say, and whether mmsim did the list at all."""
    native, masked = os.environ["native"], os.environ.get("masked")
    kernel = run(native, path)
    mmsim = run(os.environ["MMSIM"], "ops", path, "--kernel", "6.18")
    said = mmsim.stdout
    if masked:
        said = run(native, "--filter", text=said).stdout
    if mmsim.returncode:
        said += f"{mmsim.stderr}exit {mmsim.returncode}\n"
    return kernel.stdout, said, mmsim.returncode == 0


def blocks(text):
    """The answer to each operation, with the operation as its first line."""
    found = []
    for line in text.splitlines():
        if line.startswith("@") or not found:
            found.append([])
        found[-1].append(line)
    return [block for block in found if block[0].startswith("@")] or found


def first_difference(kernel, mmsim):
    kernel, mmsim = blocks(kernel), blocks(mmsim)
    for number, block in enumerate(kernel):
        other = mmsim[number] if number < len(mmsim) else ["(nothing)"]
        if block != other:
            return number, block, other
    return len(kernel), ["(nothing)"], mmsim[len(kernel):][:1] or ["(nothing)"]


def differ(operations):
    """None when both say the same, else (number of the operation, did mmsim do the list)."""
    with tempfile.NamedTemporaryFile("w", suffix=".ops") as file:
        file.write("\n".join(operations) + "\n")
        file.flush()
        kernel, mmsim, done = answers(file.name)
    if kernel == mmsim:
        return None
    return first_difference(kernel, mmsim)[0], done


def shorten(operations):
    """Leave out operations as long as a difference of the same sort stays."""
    number, done = differ(operations)
    operations = operations[:number + 1] if done else operations
    size = len(operations) // 2
    while size:
        at = len(operations) - size
        while at >= 0:
            shorter = operations[:at] + operations[at + size:]
            found = differ(shorter) if shorter else None
            if found and found[1] == done:
                operations = shorter[:found[0] + 1] if done else shorter
            at -= size
            at = min(at, len(operations) - size)
        size //= 2
    return operations


def show(path):
    kernel, mmsim, _ = answers(path)
    _, said, other = first_difference(kernel, mmsim)
    for name, lines in (("kernel", said), ("mmsim", other)):
        for line in lines:
            print(f"  {name + ':':8}{line}")


def main(path):
    with open(path, encoding="utf-8") as file:
        operations = [line.rstrip("\n") for line in file if not line.startswith("#")]
    print(" the first difference")
    show(path)
    if not differ(operations):
        print(" not seen a second time")
        return
    operations = shorten(operations)
    with tempfile.NamedTemporaryFile("w", suffix=".ops") as file:
        file.write("\n".join(operations) + "\n")
        file.flush()
        print(" the list made short")
        print("\n".join("  " + line for line in operations))
        show(file.name)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
