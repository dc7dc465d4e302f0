/* SPDX-License-Identifier: MIT */
/*
 * One CPU interrupts others: MADV_DONTNEED of one page while threads of the
 * process run elsewhere, less the same while none does. And RCU, which waits for
 * all.
 */
#define _GNU_SOURCE 1
#include "calibrate.h"
#include "machine/atomic.h"
#include "machine/host/bare.h"
#include "region.h"
#include "sample.h"

#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS 20 /* a round */
#define OTHERS_MAX 7

/* Looks at the clock all the time: what interrupts it is a gap. */
struct victim {
	struct bare_thread thread;
	int round, seen, stop;
	uint64_t gap_ns; /* the longest of the round */
	uint64_t turns;
} __attribute__((aligned(128)));

static void watch_for_gaps(void *arg)
{
	struct victim *v = arg;
	uint64_t last = bare_now(), now, gap = 0;

	while (!quiet_load_acquire(v->stop)) {
		int round = quiet_load_acquire(v->round);

		if (round != quiet_load(v->seen)) {
			gap = 0;
			quiet_store(v->gap_ns, gap);
			quiet_store_release(v->seen, round);
		}
		now = bare_now();
		if (now - last > gap) {
			gap = now - last;
			quiet_store(v->gap_ns, gap);
		}
		quiet_inc_owned(v->turns, 1);
		last = now;
	}
}

static unsigned int start_victims(const struct calibration *c, struct victim *victims,
				  unsigned int most)
{
	unsigned int nr = 0;

	for (int cpu = 0; cpu < (int)c->nr_cpus && nr < most; cpu++)
		if (cpu != c->cpu &&
		    !bare_thread_start(&victims[nr].thread, cpu, watch_for_gaps, &victims[nr]))
			nr++;
	return nr;
}

static void stop_victims(struct victim *victims, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		quiet_store_release(victims[i].stop, 1);
		bare_thread_join(&victims[i].thread);
	}
}

/* All at once, so that none is waited for long. */
static void begin_round(struct victim *victims, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		quiet_store_release(victims[i].round, victims[i].round + 1);
	for (unsigned int i = 0; i < nr; i++)
		while (quiet_load_acquire(victims[i].seen) != victims[i].round)
			bare_pause();
}

/* Did all have a CPU meanwhile? */
static bool all_moved(const struct victim *victims, const uint64_t *turns, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (quiet_load(victims[i].turns) == turns[i])
			return false;
	return true;
}

/* With @page NULL only the time passes that the call takes. */
static void time_call(struct victim *victims, unsigned int nr, char *page, struct sample *call,
		      struct sample *gap)
{
	uint64_t turns[OTHERS_MAX], start, ns;

	if (page)
		*(volatile char *)page = 1;
	begin_round(victims, nr);
	for (unsigned int i = 0; i < nr; i++)
		turns[i] = quiet_load(victims[i].turns);
	start = bare_now();
	if (page)
		madvise(page, REGION_PAGE, MADV_DONTNEED);
	else
		while (bare_now() - start < 2000)
			;
	ns = bare_now() - start;
	if (!all_moved(victims, turns, nr))
		return;
	sample_add(call, (double)ns);
	for (unsigned int i = 0; i < nr; i++)
		sample_add(gap, (double)quiet_load(victims[i].gap_ns));
}

struct shootdown {
	double call_ns, gap_ns, gap_alone_ns;
	unsigned int others;
};

static struct shootdown measure(const struct calibration *c, char *page, unsigned int others)
{
	struct sample call = {.nr = 0}, gap = {.nr = 0}, none = {.nr = 0}, alone = {.nr = 0};
	struct victim *victims = aligned_alloc(128, sizeof(*victims) * OTHERS_MAX);
	struct shootdown s = {.others = 0};

	if (!victims)
		return s;
	for (int i = 0; i < OTHERS_MAX; i++)
		victims[i] = (struct victim){.round = 0};
	s.others = start_victims(c, victims, others);
	for (unsigned int i = 0; i < c->rounds * CALLS; i++) {
		time_call(victims, s.others, page, &call, &gap);
		time_call(victims, s.others, NULL, &none, &alone);
	}
	stop_victims(victims, s.others);
	free(victims);
	s.call_ns = sample_quartile(&call);
	s.gap_ns = sample_quartile(&gap);
	s.gap_alone_ns = sample_quartile(&alone);
	return s;
}

static void measure_more(struct calibration *c, char *page, const struct shootdown *one)
{
	struct shootdown all;

	if (c->nr_cpus < 3) {
		calibration_assumed(c, COST_ipi_more, "two CPUs only");
		return;
	}
	all = measure(c, page, OTHERS_MAX);
	if (all.others < 2)
		return;
	calibration_measured(c, COST_ipi_more, (all.call_ns - one->call_ns) / (all.others - 1),
			     "the same with threads on %u CPUs, less that with one, a CPU",
			     all.others);
}

void calibrate_interrupts(struct calibration *c)
{
	const char *in_it = c->is_virtual ? "; the hypervisor's part is in it" : "";
	char *page = region_map(REGION_PAGE);
	struct shootdown none, one;

	if (!page || c->nr_cpus < 2) {
		for (int cost = COST_ipi; cost <= COST_ipi_handler; cost++)
			calibration_assumed(c, (enum profile_cost)cost, "one CPU only");
		region_unmap(page, REGION_PAGE);
		return;
	}
	none = measure(c, page, 0);
	one = measure(c, page, 1);
	if (one.others) {
		calibration_measured(c, COST_ipi, one.call_ns - none.call_ns,
				     "MADV_DONTNEED of a page, one thread runs elsewhere, "
				     "less the same without it%s",
				     in_it);
		calibration_measured(c, COST_ipi_handler, one.gap_ns - one.gap_alone_ns,
				     "the gap that this leaves in a loop on the other CPU%s",
				     in_it);
		measure_more(c, page, &one);
	}
	region_unmap(page, REGION_PAGE);
}

void calibrate_rcu(struct calibration *c)
{
	struct sample sample = {.nr = 0};

	for (unsigned int i = 0; i < c->rounds; i++) {
		uint64_t start = bare_now();

		if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
			return;
		sample_add(&sample, (double)(bare_now() - start));
	}
	calibration_measured(c, COST_rcu_grace, sample_quartile(&sample), "membarrier(GLOBAL)");
}
