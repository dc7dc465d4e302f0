/* SPDX-License-Identifier: MIT */
/* One CPU by itself: an access, an atomic operation, a pause, a system call. */
#define _GNU_SOURCE 1
#include "calibrate.h"
#include "machine/atomic.h"
#include "machine/host/bare.h"
#include "sample.h"

#include <math.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOADS 10000
#define CALLS 1000

/* Each load's address comes from the load before. */
static double time_loads(void)
{
	static void *cell;
	void **at = &cell;
	uint64_t start;

	cell = &cell;
	start = bare_now();
	for (int i = 0; i < LOADS; i++)
		at = *(void **volatile *)at;
	cell = at;
	return (double)(bare_now() - start) / LOADS;
}

static double time_atomics(void)
{
	static long word;
	long sum = 0;
	uint64_t start = bare_now();

	for (int i = 0; i < LOADS; i++)
		sum += quiet_add(word, 1);
	quiet_add(word, sum & 1);
	return (double)(bare_now() - start) / LOADS;
}

static double time_pauses(void)
{
	uint64_t start = bare_now();

	for (int i = 0; i < CALLS; i++)
		bare_pause();
	return (double)(bare_now() - start) / CALLS;
}

static double time_calls(void)
{
	uint64_t start = bare_now();

	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return (double)(bare_now() - start) / CALLS;
}

void calibrate_cpu(struct calibration *c)
{
	struct sample loads = {.nr = 0}, atomics = {.nr = 0}, pauses = {.nr = 0}, calls = {.nr = 0};
	double atomic;

	for (unsigned int i = 0; i < c->rounds; i++) {
		sample_add(&loads, time_loads());
		sample_add(&atomics, time_atomics());
		sample_add(&pauses, time_pauses());
		sample_add(&calls, time_calls());
	}
	c->load_ns = sample_quartile(&loads);
	c->syscall_ns = sample_quartile(&calls);
	atomic = sample_quartile(&atomics);
	/* Something is computed between any two accesses. */
	calibration_measured(c, COST_step, ceil(c->load_ns),
			     "a load from L1 behind another, %.2f ns, rounded up", c->load_ns);
	calibration_measured(c, COST_atomic, fmax(1, atomic - ceil(c->load_ns)),
			     "an uncontended atomic addition, %.2f ns, less the step", atomic);
	calibration_measured(c, COST_relax, sample_quartile(&pauses), "a pause instruction");
	calibration_measured(c, COST_syscall, c->syscall_ns, "getppid()");
}
