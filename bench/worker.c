/* SPDX-License-Identifier: MIT */
/* Workers and lanes. */
#include "worker.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#define SPINS_BEFORE_YIELD 10000
#define SETTLE_NS 50000

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	pthread_mutex_lock(&worker->mutex);
	for (;;) {
		while (!worker->fn && !worker->stop)
			pthread_cond_wait(&worker->changed, &worker->mutex);
		if (!worker->fn)
			break;
		pthread_mutex_unlock(&worker->mutex);
		worker->fn(worker->arg);
		pthread_mutex_lock(&worker->mutex);
		worker->fn = NULL;
		pthread_cond_broadcast(&worker->changed);
	}
	pthread_mutex_unlock(&worker->mutex);
	return NULL;
}

void worker_start(struct worker *worker)
{
	memset(worker, 0, sizeof(*worker));
	pthread_mutex_init(&worker->mutex, NULL);
	pthread_cond_init(&worker->changed, NULL);
	if (pthread_create(&worker->thread, NULL, worker_main, worker))
		bench_die("no thread to be had");
}

void worker_settle(void)
{
	const struct timespec ts = {0, SETTLE_NS};

	nanosleep(&ts, NULL);
}

void worker_stop(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	worker->stop = true;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
	pthread_join(worker->thread, NULL);
}

void worker_post(struct worker *worker, void (*fn)(void *arg), void *arg)
{
	bench_delegated();
	pthread_mutex_lock(&worker->mutex);
	worker->arg = arg;
	worker->fn = fn;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
}

void worker_wait(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	while (worker->fn)
		pthread_cond_wait(&worker->changed, &worker->mutex);
	pthread_mutex_unlock(&worker->mutex);
}

void worker_call(struct worker *worker, void (*fn)(void *arg), void *arg)
{
	worker_post(worker, fn, arg);
	worker_wait(worker);
}

/* ---- lanes ---- */

static void lane_attach(void *arg)
{
	struct lane *lane = arg;
	struct lanes *lanes = lane->lanes;

	if (lanes->sim) {
		struct task *task = (struct task *)mmsim_task_attach(lanes->sim, "lane");

		if (!task || mmsim_use_mm(lanes->mm))
			bench_die("a thread cannot become a task");
		lane->cpu = task->cpu;
	}
	bench_bind(lane->cpu);
}

static void lane_detach(void *arg)
{
	struct lane *lane = arg;

	if (lane->lanes->sim)
		mmsim_task_detach();
}

void lanes_start(struct lanes *lanes, struct mmsim *sim, struct mm_struct *mm)
{
	memset(lanes, 0, sizeof(*lanes));
	lanes->sim = sim;
	lanes->mm = mm;
	for (int i = 0; i < NR_LANES; i++) {
		struct lane *lane = &lanes->lane[i];

		worker_start(&lane->worker);
		lane->lanes = lanes;
		lane->cpu = i;
		lanes_call(lanes, i, lane_attach, lane);
	}
	if (lanes->lane[0].cpu == lanes->lane[1].cpu)
		bench_die("this bench needs two CPUs");
}

void lanes_stop(struct lanes *lanes)
{
	for (int i = 0; i < NR_LANES; i++) {
		lanes_call(lanes, i, lane_detach, &lanes->lane[i]);
		worker_stop(&lanes->lane[i].worker);
	}
}

void lanes_call(struct lanes *lanes, int lane, void (*fn)(void *arg), void *arg)
{
	worker_call(&lanes->lane[lane].worker, fn, arg);
}

static void wait_for_others(struct lanes *lanes)
{
	int spins = 0;

	__atomic_fetch_add(&lanes->arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&lanes->arrived, __ATOMIC_SEQ_CST) < lanes->nr_running)
		if (++spins > SPINS_BEFORE_YIELD)
			sched_yield();
}

static void lane_work(void *arg)
{
	struct lane *lane = arg;
	struct lanes *lanes = lane->lanes;
	struct lane_job job = lane->job;
	size_t total = lanes->total, stride = lanes->stride, done = 0;
	uint64_t start;
	struct watch watch;

	worker_settle();
	watch_begin(&watch);
	wait_for_others(lanes);
	start = bench_now_ns();
	while (done < total && !__atomic_load_n(&lanes->stop, __ATOMIC_RELAXED)) {
		job.step(job.context, done, stride);
		done += stride;
	}
	/* What one does alone does not count. */
	__atomic_store_n(&lanes->stop, 1, __ATOMIC_RELAXED);
	lane->rate = (double)done / (double)(bench_now_ns() - start);
	watch_end(&watch);
}

double lanes_run(struct lanes *lanes, const struct lane_job *jobs, int nr, size_t total,
		 size_t stride)
{
	double rate = 0;

	lanes->nr_running = nr;
	lanes->total = total;
	lanes->stride = stride;
	lanes->arrived = 0;
	lanes->stop = 0;
	for (int i = 0; i < nr; i++) {
		lanes->lane[i].job = jobs[i];
		worker_post(&lanes->lane[i].worker, lane_work, &lanes->lane[i]);
	}
	for (int i = 0; i < nr; i++) {
		worker_wait(&lanes->lane[i].worker);
		rate += lanes->lane[i].rate;
	}
	return rate;
}
