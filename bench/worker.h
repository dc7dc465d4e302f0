/* SPDX-License-Identifier: MIT */
/*
 * Threads that do what they are told and sleep in between, so that they
 * disturb nobody; and lanes, two of them that work at the same time.
 */
#ifndef MMSIM_BENCH_WORKER_H
#define MMSIM_BENCH_WORKER_H

#include "harness.h"
#include "mmsim/task.h"

#include <pthread.h>

struct worker {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	void (*fn)(void *arg); /* NULL: nothing to do */
	void *arg;
	bool stop;
};

void worker_start(struct worker *worker);
void worker_stop(struct worker *worker);
void worker_post(struct worker *worker, void (*fn)(void *arg), void *arg);
void worker_wait(struct worker *worker);
/* In a worker, before it measures: give who posted the time to fall asleep. */
void worker_settle(void);
/* Post and wait. */
void worker_call(struct worker *worker, void (*fn)(void *arg), void *arg);

#define NR_LANES 2

/* A lane's part: @step does operations @first to @first + @n - 1. */
struct lane_job {
	void (*step)(void *context, size_t first, size_t n);
	void *context;
};

struct lane {
	struct worker worker;
	struct lanes *lanes;
	int cpu;
	struct lane_job job;
	double rate;
} __cacheline_aligned;

struct lanes {
	struct mmsim *sim;
	struct mm_struct *mm; /* NULL: none */
	int nr_running;
	size_t total, stride;
	int arrived __cacheline_aligned;
	int stop __cacheline_aligned;
	struct lane lane[NR_LANES];
};

/*
 * Two threads that are tasks of @sim, each bound to the CPU of its task; with
 * @sim NULL they are no tasks and bound to CPUs 0 and 1.
 */
void lanes_start(struct lanes *lanes, struct mmsim *sim, struct mm_struct *mm);
void lanes_stop(struct lanes *lanes);

/**
 * lanes_run - let the first @nr lanes work at the same time
 * @total: operations a lane; when one has done them all lanes stop
 * @stride: operations between looks whether to stop
 *
 * Return: operations a nanosecond, all lanes together.
 */
double lanes_run(struct lanes *lanes, const struct lane_job *jobs, int nr, size_t total,
		 size_t stride);
/* Have a lane's thread call @fn, for what is not measured. */
void lanes_call(struct lanes *lanes, int lane, void (*fn)(void *arg), void *arg);

#endif
