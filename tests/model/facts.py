#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""That the modelled machine is a model: what it answers follows from what its profile says.

usage: MMSIM=build/sim/mmsim tests/model/facts.py
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FULL = os.environ.get("MMSIM_TEST_SIZE", "smoke") != "smoke"
LINES = ["thread", "cluster", "socket", "remote", "memory"]
WORK = tempfile.mkdtemp()


def run(scenario, machine, *options, costs=None):
    """The result of one run, with these costs changed."""
    path = os.path.join(WORK, "out.json")
    command = [os.environ["MMSIM"], "run", scenario, "--machine", machine, "--quiet", "--json",
               path, *options]
    for name, value in (costs or {}).items():
        command += ["--set", f"cost.{name}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def own(name):
    return os.path.join(HERE, "scenarios", name + ".ini")


def site(result, lock, name):
    for row in result["locks"]:
        if row["lock"] == lock and row["site"] == name:
            return row
    return sys.exit(f"no {lock} at {name}")


def expect(what, holds):
    print(f"{'ok' if holds else 'FAILED'}: {what}")
    if not holds:
        FAILED.append(what)


FAILED = []


def munmap_holds_as_long_as_its_pages_take():
    for machine in ("flat-8", "phone-4+3+1", "server-2x64"):
        for pages in (4096, 16384):
            for munmap, hold in (("whole", "hold_write"), ("downgrade", "hold_read")):
                result = run(own("munmap"), machine, f"--pages={pages}", f"--size={4 * pages}k",
                             "--set", f"munmap={munmap}")
                held = site(result, "mmap_lock", "munmap")[hold]["max_ns"]
                want = pages * result["model"]["costs"]["pte_zap"]
                expect(f"{machine}: munmap={munmap} of {pages} pages holds mmap_lock {held} ns, "
                       f"{pages} x pte_zap are {want}", abs(held - want) <= 0.05 * want)


def without_line_transfers_fault_strategies_are_equal():
    options = ["--threads=48", "--heap.size=2g", "--memory=2g", "--seconds",
               "20ms" if FULL else "2ms"]
    done = {}
    for costs in ({}, {f"line_{name}": 0 for name in LINES}):
        for fault in ("mmap_lock", "vma_rwsem", "vma_refcnt"):
            result = run("faults-one-vma", "server-2x12x2", *options, "--set", f"fault={fault}",
                         costs=costs)
            done.setdefault(bool(costs), []).append(result["run"]["operations_done"])
    least, most = min(done[True]), max(done[True])
    expect(f"48 CPUs, line transfer 0: {done[True]} first touches, within 2 %",
           most - least <= 0.02 * most)
    # As the words of one line are fought over: else the equality would say nothing.
    expect(f"with line transfers they get less than half done: {done[False]}",
           max(done[False]) < least / 2)


def without_wake_up_costs_there_is_no_convoy():
    wakes = {"wake_up": 0, "idle_exit": 0, "switch": 0}
    done = [[run(own("convoy"), "flat-8", f"--threads={n}", "--set", "rwsem=no_spin",
                 costs=costs)["run"]["operations_done"] for n in (1, 8)] for costs in ({}, wakes)]
    expect(f"8 sleeping writers do less than one alone: {done[0]}", done[0][1] < 0.9 * done[0][0])
    expect(f"not so if a wake-up costs nothing: {done[1]}", done[1][1] > 0.95 * done[1][0])


def one_task_pays_for_its_atomics():
    """Strategies differ, for one task, by exactly what they do more or less of."""
    def times(fault, costs):
        result = run(own("alone"), "flat-8", "--set", f"fault={fault}", costs=costs)
        model = result["model"]
        return model["ran_ns"], model["counts"], model["costs"]  # the counts have the exit, too

    free = {"step": 0, **{f"line_{name}": 0 for name in LINES}}
    for fault in ("vma_rwsem", "vma_refcnt"):
        for costs in (free, {**free, "atomic": 11}, {**free, "step": 3}, {}):
            a, n, cost = times("mmap_lock", costs)
            b, m, _ = times(fault, costs)
            more = {key: m[key] - n[key] for key in n}
            want = (more["atomics"] * cost["atomic"] + more["steps"] * cost["step"] +
                    more["lines_memory"] * cost["line_memory"] + more["work_ns"])
            expect(f"one task, {fault} against mmap_lock, {costs or 'all costs'}: {b - a} ns, "
                   f"{more['atomics']} atomics, {more['steps']} steps: {want}",
                   b - a == want and more["atomics"] != 0)


def exits_are_not_work():
    """Memory that was touched is given back after the run: a rate does not pay for it."""
    result = run("faults-one-vma", "flat-8", "--threads=8", "--heap.size=512m", "--memory=1g",
                 "--seconds=4ms")
    elapsed, ran = result["run"]["elapsed_ns"], result["model"]["ran_ns"]
    zap = result["run"]["operations_done"] * result["model"]["costs"]["pte_zap"] // 2
    expect(f"4 ms of first touches end after {elapsed} ns, the exit of what they touched at {ran}",
           4_000_000 <= elapsed < 5_000_000 and ran > elapsed + zap)
    busy = max(cpu["busy_ns"] for cpu in result["model"]["cpus"])
    expect(f"no CPU is busy for longer than the machine ran: {busy} of {ran}", busy <= ran)


def fifo_tasks_do_not_keep_others_from_the_start():
    result = run(own("fifo"), "phone-4+3+1", "--kernel=6.1")
    loops = result["tasks"]["rt"]["loops"]
    expect(f"FIFO tasks begin, {loops} loops, when those of the same CPUs have come", loops > 0)


def phone_stalls():
    options = ["--ui_cpu=4-7", "--gc_cpu=0-3", "--beside_heap=0", "--seconds",
               "8s" if FULL else "1s"]
    old = run("gc-madvise", "phone-4+3+1", "--kernel=6.1", *options)
    new = run("gc-madvise", "phone-4+3+1", "--kernel=6.18", *options)
    stall = old["tasks"]["ui"]["waits"]["max_ns"]
    hold = site(old, "mmap_lock", "madvise")["hold_read"]["max_ns"]
    expect(f"6.1: the longest stall, {stall} ns, is at least the longest DONTNEED's hold, {hold}",
           stall >= hold > 0)
    stall = new["tasks"]["ui"]["waits"]["max_ns"]
    expect(f"6.18: the longest stall, {stall} ns, is less than a slice, "
           f"{new['model']['costs']['slice']}", stall < new["model"]["costs"]["slice"])
    expect("6.18: what is inside one VMA is given back under its lock",
           new["counters"]["madvise_vma_lock"] > 0.9 * new["counters"]["madvise_zaps"])


if __name__ == "__main__":
    munmap_holds_as_long_as_its_pages_take()
    without_line_transfers_fault_strategies_are_equal()
    without_wake_up_costs_there_is_no_convoy()
    one_task_pays_for_its_atomics()
    exits_are_not_work()
    fifo_tasks_do_not_keep_others_from_the_start()
    phone_stalls()
    sys.exit(f"{len(FAILED)} of them failed" if FAILED else 0)
