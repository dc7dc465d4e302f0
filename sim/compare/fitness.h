/* SPDX-License-Identifier: MIT */
/*
 * Is the host quiet enough to measure on? Two samples of what the kernel counts, some time apart,
 * tell what others took meanwhile. Our own CPU time is taken off, so the time between may be spent
 * asleep before a measurement, or be the measurement itself.
 *
 * Only CPUs that we may run on are counted; where /proc/stat does not list them by the numbers we
 * are allowed (some containers), all are.
 */
#ifndef MMSIM_SIM_COMPARE_FITNESS_H
#define MMSIM_SIM_COMPARE_FITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "../scenario/op.h"

/*
 * How long to sleep between two samples before a measurement. The kernel counts in ticks, mostly
 * of 10 ms: in half a second, 2 % of a CPU is one tick.
 */
#define FITNESS_SLEEP_MS 500

/*
 * Of the CPU time that was wanted, so much may have gone to other guests of the hypervisor. Not a
 * matter of noise only: who is off its CPU while it holds a lock makes all others wait.
 */
#define FITNESS_STEAL_MAX 0.02

/*
 * So much of one CPU may other programs have used. What any host does by itself is below; one
 * compiler, or one browser tab at work, is above, and pushes a measured task off its CPU.
 */
#define FITNESS_BUSY_MAX 0.10

/* Remarks only: that tasks waited for a CPU, somewhere, in so much of the time; the load. */
#define FITNESS_PRESSURE_REMARK 0.05
#define FITNESS_LOAD_REMARK 0.5 /* for each CPU; lags by a minute, hence also our own */

/* What the kernel has counted so far; times in ticks since boot. */
struct fitness_sample {
	unsigned int ticks_per_s;
	unsigned int cpus; /* that we may run on */
	uint64_t busy, steal; /* of these CPUs */
	uint64_t own; /* of this process and the children it has waited for */
	double load1; /* over the last minute */
	bool has_pressure; /* the kernel may be built without */
	uint64_t pressure_us; /* while some task waited for a CPU */
	char governor[32]; /* of CPU 0; empty when it cannot be seen */
};

struct fitness {
	bool fit;
	double steal; /* part of the CPU time that was wanted, of one CPU's at least */
	double busy; /* CPUs that others used */
	double pressure; /* part of the time; 0 when not known */
	double load1;
	unsigned int cpus;
	char why[256]; /* it is not fit; empty when it is */
	char remarks[256]; /* what may disturb but does not forbid; may be empty */
};

/**
 * fitness_read - read a sample
 * @root: put before /proc and /sys: "" but in tests
 * @sample: overwritten
 * @err: what was wrong, may be NULL
 *
 * /proc/stat, /proc/self/stat and /proc/self/status must be there; /proc/loadavg,
 * /proc/pressure/cpu and cpufreq/scaling_governor need not.
 *
 * Return: 0, -EINVAL for a file that does not read as it should, or another negative errno.
 */
int fitness_read(const char *root, struct fitness_sample *sample, struct sim_error *err);

/**
 * fitness_judge - judge a host by two samples
 * @before: the earlier sample
 * @after: the later one
 * @elapsed_ns: time between them; without any, the host is not fit, for nothing is known
 * @running: tasks of the measurement that always run, for a remark when they exceed the CPUs
 * @out: overwritten
 *
 * One tick more than allowed is forgiven: it may have begun before. Counters that go backwards,
 * as some hypervisors' do, count as standing still.
 */
void fitness_judge(const struct fitness_sample *before, const struct fitness_sample *after,
		   uint64_t elapsed_ns, unsigned int running, struct fitness *out);

#endif
