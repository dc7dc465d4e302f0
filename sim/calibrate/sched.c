/* SPDX-License-Identifier: MIT */
/* The scheduler: from one task to another, waking one, leaving idle. */
#define _GNU_SOURCE 1
#include "calibrate.h"
#include "machine/atomic.h"
#include "machine/host/bare.h"
#include "sample.h"

#define YIELDS 100 /* a round */
#define WAKES 100 /* of nobody, a round */
#define NAP_NS 1000000
#define NAP_SHORT_NS 20000
#define NOT_IDLE_NS 500000 /* no CPU sleeps so deep: it had something else to do */
#define WAKES_SAME_CPU 10 /* a round */

/* ---- switch ---- */

struct yielder {
	int stop;
	long yields;
};

static void yield_until_told(void *arg)
{
	struct yielder *y = arg;

	while (!quiet_load_acquire(y->stop)) {
		bare_yield();
		quiet_inc_owned(y->yields, 1);
	}
}

/*
 * Two that only yield share a CPU. Each time the one is taken off it the other came,
 * and was taken off itself: two switches, and what the yields' system calls take.
 */
static void time_yields(struct calibration *c, struct yielder *y, struct sample *sample)
{
	long switches = bare_switches(), others = quiet_load(y->yields);
	uint64_t start = bare_now();
	double ns, calls;

	for (int i = 0; i < YIELDS; i++)
		bare_yield();
	ns = (double)(bare_now() - start);
	switches = bare_switches() - switches;
	calls = (double)(YIELDS + quiet_load(y->yields) - others);
	/* Where a yield does not mean that the other runs, it says nothing. */
	if (switches > YIELDS / 2)
		sample_add(sample, (ns - calls * c->syscall_ns) / (2.0 * (double)switches));
}

static void measure_switch(struct calibration *c)
{
	struct sample sample = {.nr = 0};
	struct bare_thread thread;
	struct yielder y = {0};

	if (bare_thread_start(&thread, c->cpu, yield_until_told, &y))
		return;
	for (unsigned int i = 0; i < c->rounds; i++)
		time_yields(c, &y, &sample);
	quiet_store_release(y.stop, 1);
	bare_thread_join(&thread);
	calibration_measured(
		c, COST_switch, sample_quartile(&sample),
		"sched_yield() of two threads of one CPU, half a round less a system call");
}

/* ---- wake_up, idle_exit ---- */

struct sleeper {
	int word, seen; /* how often it was woken; how often it has seen that */
	int stop;
	uint64_t woken_ns;
};

static void sleep_until_told(void *arg)
{
	struct sleeper *s = arg;

	/* Else it might take the waker's CPU while the waker is still at it. */
	bare_be_polite();
	for (int turn = 1; !quiet_load_acquire(s->stop); turn++) {
		while (quiet_load_acquire(s->word) < turn)
			bare_wait(&s->word, turn - 1);
		s->woken_ns = bare_now();
		quiet_store_release(s->seen, turn);
	}
}

static int wake(struct sleeper *s, int turn)
{
	quiet_store_release(s->word, turn);
	return bare_wake(&s->word);
}

/* Let a sleeper of the same CPU see that it was woken, and sleep again: nothing grows cold. */
static void yield_to_sleeper(const struct sleeper *s, int turn)
{
	while (quiet_load_acquire(s->seen) < turn)
		bare_yield();
	bare_yield();
}

/* The other CPU is to be idle for a while. */
static void leave_to_sleep(const struct sleeper *s, int turn)
{
	while (quiet_load_acquire(s->seen) < turn)
		bare_nap(NAP_SHORT_NS);
	bare_nap(NAP_NS);
}

/* What the waker takes, and from its beginning until the sleeper runs. */
static void time_wakes(struct calibration *c, int cpu, struct sample *waker, struct sample *woken)
{
	int turns = (int)c->rounds * (cpu == c->cpu ? WAKES_SAME_CPU : 1);
	struct sleeper s = {.word = 0};
	struct bare_thread thread;
	uint64_t start, end;
	int turn, nr;

	if (bare_thread_start(&thread, cpu, sleep_until_told, &s))
		return;
	for (turn = 1; turn <= turns; turn++) {
		if (cpu == c->cpu)
			yield_to_sleeper(&s, turn - 1);
		else
			leave_to_sleep(&s, turn - 1);
		start = bare_now();
		nr = wake(&s, turn);
		end = bare_now();
		yield_to_sleeper(&s, turn);
		/* 0: it was not asleep yet. */
		if (nr != 1 || s.woken_ns - start > NOT_IDLE_NS)
			continue;
		sample_add(waker, (double)(end - start));
		sample_add(woken, (double)(s.woken_ns - start));
	}
	quiet_store_release(s.stop, 1);
	wake(&s, turn);
	bare_thread_join(&thread);
}

/* A wake of nobody, with the clock's own time. */
static double time_wake_of_nobody(const struct calibration *c)
{
	struct sample sample = {.nr = 0};
	int word = 0;

	for (unsigned int i = 0; i < c->rounds * WAKES; i++) {
		uint64_t start = bare_now();

		bare_wake(&word);
		sample_add(&sample, (double)(bare_now() - start));
	}
	return sample_quartile(&sample);
}

static void measure_idle_exit(struct calibration *c)
{
	struct sample waker = {.nr = 0}, woken = {.nr = 0};
	int other = calibration_other_cpu(c);

	if (other < 0) {
		calibration_assumed(c, COST_idle_exit, "one CPU only");
		return;
	}
	time_wakes(c, other, &waker, &woken);
	calibration_measured(c, COST_idle_exit, sample_quartile(&woken) - c->wake_ns,
			     "a futex wake until the sleeper runs on idle CPU %d, less wake_up%s",
			     other, c->is_virtual ? "; the hypervisor's part is in it" : "");
}

void calibrate_sched(struct calibration *c)
{
	struct sample waker = {.nr = 0}, woken = {.nr = 0};

	measure_switch(c);
	time_wakes(c, c->cpu, &waker, &woken);
	c->wake_ns = sample_quartile(&waker) - time_wake_of_nobody(c);
	calibration_measured(c, COST_wake_up, c->wake_ns,
			     "a futex wake of a sleeper of the same CPU, less one of nobody");
	measure_idle_exit(c);
}
