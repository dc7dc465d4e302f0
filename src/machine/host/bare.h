/* SPDX-License-Identifier: MIT */
/*
 * This computer's clock, CPUs and threads for a program that measures the
 * computer itself: they need no instance and no task, and do nothing behind the
 * caller's back.
 */
#ifndef MMSIM_MACHINE_HOST_BARE_H
#define MMSIM_MACHINE_HOST_BARE_H

#include "machine/host/topology.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct bare_thread {
	pthread_t thread;
	int cpu;
	int bound; /* futex: 1 when it is, -1 when it cannot be */
	void (*run)(void *arg);
	void *arg;
};

/**
 * bare_thread_start - run a function in a thread of its own
 * @cpu: of those that the process may use, as for host_bind_to_cpu()
 * @run: is run bound to @cpu
 *
 * Return: 0, and bare_thread_join() waits for its end; or a negative errno, when there
 * is no thread or it cannot be bound, and nothing is run.
 */
int bare_thread_start(struct bare_thread *thread, int cpu, void (*run)(void *arg), void *arg);
void bare_thread_join(struct bare_thread *thread);

/* From now on the calling thread, when woken, pushes nobody off a CPU. */
void bare_be_polite(void);
void bare_yield(void);
void bare_nap(uint64_t ns);
/* How often somebody else got the CPU while the calling thread could have run. */
long bare_switches(void);
/* Sleep until @word is not @value, or for no reason. */
void bare_wait(const int *word, int value);
/* Wake who sleeps on @word; answers how many. */
int bare_wake(const int *word);

/* Nanoseconds; bare_clock_start() first. */
void bare_clock_start(void);
uint64_t bare_now(void);
/* One turn of a loop that waits. */
void bare_pause(void);
/* Of the scheduler's tick; 0: not known. */
uint64_t bare_tick_ns(void);
/* As 2024-12-31. */
void bare_date(char *text, size_t size);

#endif
