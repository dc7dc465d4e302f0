/* SPDX-License-Identifier: MIT */
/*
 * The fair class of one CPU.
 *
 * Fidelity: EEVDF as in 6.6 to 6.11: nice weights, virtual run time, a task is
 * eligible if it is not ahead of the weighted mean, the eligible task with the
 * earliest virtual deadline runs, until its slice is over (looked at in ticks and
 * when somebody wakes) or somebody better wakes. RUN_TO_PARITY: for the slice in
 * which it got the CPU, and no longer, only being not eligible lets it be
 * preempted. Lag is kept over a sleep, within two slices or a tick; a new task's
 * first slice is half of one. The same scheduler for every --kernel, so that
 * releases differ by their mm alone. Not modelled: slices of a task's own,
 * delayed dequeue (6.12), cgroups, uclamp, periodic balancing. A task's use of
 * CPU is halved every 32 ms, as PELT does, but in a straight line in between.
 */
#include "machine/timed/timed.h"

#define NICE_0_WEIGHT 1024
#define VIRTUAL_SHIFT 10 /* virtual time is finer than a nanosecond, or short runs would be free */
#define UTIL_HALF_NS (32 * NSEC_PER_MSEC)

/* A level of nice is about 10 % of a CPU: a factor of 1.25 in weight. */
static const int weights[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,	 1991,	1586,  1277,
	1024,  820,   655,   526,   423,   335,	  272,	 215,	172,   137,
	110,   87,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};

static struct entity *entity_of(struct list_head *node)
{
	return container_of(node, struct entity, node);
}

static struct entity *curr_of(const struct cpu *cpu)
{
	return cpu->curr && !cpu->curr->fifo ? &cpu->curr->context->se : NULL;
}

static int64_t virtual_time(uint64_t ns, int64_t weight)
{
	if (unlikely(ns >> 42)) /* an hour and more */
		return (int64_t)(((__int128)ns << VIRTUAL_SHIFT) * NICE_0_WEIGHT / weight);
	return (int64_t)(ns << VIRTUAL_SHIFT) * NICE_0_WEIGHT / weight;
}

static int64_t slice_of(const struct timed *timed, const struct entity *se)
{
	return virtual_time(timed->profile.cost[COST_slice], se->weight);
}

void fair_init(struct entity *se, int nice, uint64_t now)
{
	nice = MAX(-20, MIN(nice, 19));
	*se = (struct entity){
		.weight = weights[nice + 20],
		.since = now,
		/* Nothing is known of it: half a large CPU. */
		.util = (uint64_t)CAPACITY_SCALE / 2 << UTIL_SHIFT,
		.util_at = now,
		.is_new = true,
	};
}

/* ---- the mean ---- */

/* Sums over the fair tasks of a CPU, run times from @cpu->vtime on. */
struct sums {
	int64_t weight;
	__int128 ahead;
};

static void sums_add(struct sums *sums, const struct cpu *cpu, const struct entity *se)
{
	sums->weight += se->weight;
	sums->ahead += (__int128)(se->vruntime - cpu->vtime) * se->weight;
}

static struct sums sums_of(struct cpu *cpu)
{
	struct sums sums = {0, 0};
	struct entity *curr = curr_of(cpu), *se;

	if (curr)
		sums_add(&sums, cpu, curr);
	list_for_each_entry (se, &cpu->fair, node)
		sums_add(&sums, cpu, se);
	return sums;
}

/* Without tasks time stands still. */
static void update_mean(struct cpu *cpu)
{
	struct sums sums = sums_of(cpu);

	if (sums.weight)
		cpu->vtime += (int64_t)(sums.ahead / sums.weight);
}

static bool is_eligible(const struct cpu *cpu, const struct sums *sums, const struct entity *se)
{
	return (__int128)(se->vruntime - cpu->vtime) * sums->weight <= sums->ahead;
}

/* ---- accounting ---- */

void fair_util(struct entity *se, uint64_t now, unsigned int capacity_ran)
{
	uint64_t passed = now - se->util_at, halves = passed / UTIL_HALF_NS;
	uint64_t part = passed % UTIL_HALF_NS, target = (uint64_t)capacity_ran << UTIL_SHIFT;
	uint64_t below = target > se->util ? target - se->util : 0;
	uint64_t above = target > se->util ? 0 : se->util - target;

	/* What separates it from where it is heading to is halved in each period. */
	below = halves < 64 ? below >> halves : 0;
	above = halves < 64 ? above >> halves : 0;
	below -= below * part / (2 * UTIL_HALF_NS);
	above -= above * part / (2 * UTIL_HALF_NS);
	se->util = target - below + above;
	se->util_at = now;
}

void fair_update(struct timed *timed, struct cpu *cpu)
{
	struct entity *curr = curr_of(cpu);
	uint64_t ran;

	if (!curr)
		return;
	ran = timed->now - curr->since;
	curr->since = timed->now;
	curr->vruntime += virtual_time(ran, curr->weight);
	update_mean(cpu);
}

/* What a run of so much virtual time takes; parts of a nanosecond are none. */
static uint64_t real_time(int64_t virtual, int64_t weight)
{
	return (uint64_t)((__int128)virtual * weight / NICE_0_WEIGHT >> VIRTUAL_SHIFT);
}

static uint64_t slice_left(const struct entity *se)
{
	return se->vruntime < se->deadline ? real_time(se->deadline - se->vruntime, se->weight) : 0;
}

bool fair_slice_over(struct timed *timed, struct cpu *cpu)
{
	struct entity *curr = curr_of(cpu);

	if (!curr || slice_left(curr))
		return false;
	curr->deadline = curr->vruntime + slice_of(timed, curr);
	curr->keeps_cpu = false;
	return true;
}

uint64_t fair_slice_end(const struct timed *timed, const struct cpu *cpu)
{
	return timed->now + slice_left(curr_of(cpu));
}

/* Nobody waited for the CPU, so no tick saw slices end: find the one that its task is in. */
static void skip_slices(struct timed *timed, struct entity *curr)
{
	const uint64_t tick = timed->tick_ns, slice = timed->profile.cost[COST_slice];
	const uint64_t length = DIV_ROUND_UP(slice, tick) * tick;
	uint64_t over, began;

	over = real_time(curr->vruntime - curr->deadline, curr->weight);
	began = DIV_ROUND_UP(timed->now - MIN(over, timed->now), tick) * tick;
	if (began > timed->now)
		return; /* no tick since */
	began += (timed->now - began) / length * length;
	curr->deadline = curr->vruntime + slice_of(timed, curr) -
			 virtual_time(timed->now - began, curr->weight);
	curr->keeps_cpu = false;
}

bool fair_look(struct timed *timed, struct cpu *cpu)
{
	struct entity *curr = curr_of(cpu);

	if (!cpu->nr_fair && curr && curr->vruntime >= curr->deadline)
		skip_slices(timed, curr);
	return fair_slice_over(timed, cpu) && cpu->nr_fair;
}

void fair_keep_lag(struct timed *timed, struct cpu *cpu, struct entity *se)
{
	int64_t most = MAX(2 * slice_of(timed, se), virtual_time(timed->tick_ns, se->weight));

	update_mean(cpu);
	se->lag = MAX(-most, MIN(cpu->vtime - se->vruntime, most));
}

/* ---- the queue ---- */

/* As far from the mean as it was when it left; its own weight moves the mean, too. */
static void place(struct timed *timed, struct cpu *cpu, struct entity *se)
{
	struct sums sums = sums_of(cpu);
	int64_t lag = 0;

	if (sums.weight)
		lag = (int64_t)((__int128)se->lag * (sums.weight + se->weight) / sums.weight);
	se->vruntime = cpu->vtime - lag;
	/* The others are, on average, in the middle of theirs. */
	se->deadline = se->vruntime + slice_of(timed, se) / (se->is_new ? 2 : 1);
	se->is_new = false;
	se->keeps_cpu = true;
}

void fair_enqueue(struct timed *timed, struct cpu *cpu, struct entity *se, bool wakes)
{
	if (wakes) {
		update_mean(cpu);
		place(timed, cpu, se);
	}
	list_add_tail(&se->node, &cpu->fair);
	cpu->nr_fair++;
}

void fair_dequeue(struct cpu *cpu, struct entity *se)
{
	list_del(&se->node);
	cpu->nr_fair--;
}

/* The eligible one with the earliest deadline; there always is one. */
struct entity *fair_pick(struct cpu *cpu)
{
	struct sums sums = sums_of(cpu);
	struct entity *best = NULL, *se;

	list_for_each_entry (se, &cpu->fair, node)
		if (is_eligible(cpu, &sums, se) && (!best || se->deadline < best->deadline))
			best = se;
	if (!best && !list_empty(&cpu->fair))
		best = entity_of(cpu->fair.next);
	return best;
}

bool fair_preempts(struct timed *timed, struct cpu *cpu, const struct entity *woken)
{
	const struct entity *curr = curr_of(cpu);
	struct sums sums;

	fair_update(timed, cpu);
	sums = sums_of(cpu);
	if (fair_pick(cpu) != woken || !is_eligible(cpu, &sums, woken))
		return false;
	if (!is_eligible(cpu, &sums, curr))
		return true;
	return !curr->keeps_cpu && woken->deadline <= curr->deadline;
}
