/* SPDX-License-Identifier: MIT */
/*
 * A modelled machine for a test that knows its costs: a profile of which the test
 * says the clusters and the costs that are not 0. Ticks come 1000 a second, a
 * slice is 2 ms.
 */
#ifndef TESTS_SUPPORT_TIMED_RIG_H
#define TESTS_SUPPORT_TIMED_RIG_H

#include "trace/trace.h"

#define USEC NSEC_PER_USEC
#define MSEC NSEC_PER_MSEC
#define RIG_LINES 256

/* Some CPUs, numbers all. */
#define RIG_CLUSTER(name, cpus, capacity, socket)                                                  \
	"[cluster " #name "]\ncpus = " #cpus " (a test)\ncapacity = " #capacity                    \
	" (a test)\nsocket = " #socket " (a test)\n"
/* Two threads a core. */
#define RIG_THREADS(name, cpus, socket)                                                            \
	"[cluster " #name "]\ncpus = " #cpus " (a test)\nthreads = 2 (a test)\nsocket = " #socket  \
	" (a test)\n"

struct rig_config {
	const char *profile; /* of this name; NULL: its own, of which the rest tells */
	const char *clusters; /* NULL: RIG_CLUSTER(all, 8, 1024, 0) */
	const char *changes; /* costs that are not 0, "hz=N preemption=none"; may be NULL */
	const char *latency; /* of the device, with five times; may be NULL */
	unsigned int channels; /* of the device; 0: 2 */
	unsigned int lines_before; /* cache lines of another object's before rig_lines */
	uint64_t seed, max_ns, max_steps;
	bool traced; /* locks leave wait-for edges in rig_trace */
};

/* As many words as a cache line has. */
struct rig_line {
	long word[8];
} __cacheline_aligned;

extern struct machine *rig;
extern struct trace *rig_trace;
extern struct rig_line *rig_lines; /* RIG_LINES, zeroes that no CPU has */

/* The rig, of which there is one at a time; asserts that it is made. */
void rig_make(const struct rig_config *config);
void rig_end(void);
/* machine_run(), which has to answer @expected. */
void rig_run(int expected);
/* A task with a FIFO priority, or nice, on @cpus; asserts that it is made. */
struct task *rig_fifo(const char *cpus, int priority, int (*fn)(void *arg), void *arg);
struct task *rig_fair(const char *cpus, int nice, int (*fn)(void *arg), void *arg);
/* A fair one with a deadline: its waits are attributed. */
struct task *rig_deadline(const char *cpus, int (*fn)(void *arg), void *arg);
/* From a task: sleep until then. */
void rig_sleep_until(uint64_t ns);

/* The nth rwsem, from 0 on; it takes eight of rig_lines. */
struct rw_semaphore *rig_rwsem(int n);

/* A task that computes, as do_job() with a job. */
struct job {
	uint64_t at_ns, ns; /* sleeps until at_ns, then computes so long */
	uint64_t began_ns, ended_ns, delay_ns;
	int began_on, ended_on;
};

int do_job(void *job);
void assert_near(uint64_t value, uint64_t expected, uint64_t error);

#endif
