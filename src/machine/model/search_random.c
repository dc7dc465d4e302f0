/* SPDX-License-Identifier: MIT */
/*
 * The searches that draw. Each run has a random stream of its own, by (seed,
 * number of the run).
 *
 * Sources: S. Burckhardt et al., A randomized scheduler with probabilistic
 * guarantees of finding bugs, 2010 (PCT); X. Yuan et al., Partial order aware
 * concurrency sampling, 2018 (POS).
 */
#include "machine/model/search.h"

#include <stdlib.h>

#define PCT_DEPTH 3
#define PCT_DEPTH_MAX 64

static bool always(struct mmsim_search *search)
{
	(void)search;
	return true;
}

/* ---- uniform ---- */

static int nothing_init(struct mmsim_search *search)
{
	(void)search;
	return 0;
}

static void nothing(struct mmsim_search *search)
{
	(void)search;
}

static int random_choose(struct mmsim_search *search, const struct search_point *point)
{
	uint64_t tasks = point->tasks;
	uint64_t n = rng_below(&search->rng, (uint64_t)__builtin_popcountll(tasks));

	while (n--)
		tasks &= tasks - 1;
	return __builtin_ctzll(tasks);
}

const struct search_strategy search_random = {
	.name = "random",
	.init = nothing_init,
	.begin = nothing,
	.choose = random_choose,
	.next = always,
	.destroy = nothing,
};

/* ---- priorities ---- */

struct priorities {
	int64_t of[MMSIM_SEARCH_TASKS_MAX];
	uint64_t drawn; /* tasks that have one */
	int64_t lowest; /* ever given away */
	/* PCT: at which points of the run who runs is lowered. */
	uint64_t change[PCT_DEPTH_MAX];
	unsigned int nr_changes;
	uint64_t places; /* where a task could go on, so far; the most in a run */
	uint64_t places_max;
	/* POS: before which word each task stands. */
	const volatile void *before[MMSIM_SEARCH_TASKS_MAX];
};

static int priorities_init(struct mmsim_search *search)
{
	search->own = calloc(1, sizeof(struct priorities));
	return search->own ? 0 : -ENOMEM;
}

static void priorities_destroy(struct mmsim_search *search)
{
	free(search->own);
}

/* Above all that PCT's changes and yields give. */
static int64_t draw(struct mmsim_search *search)
{
	return PCT_DEPTH_MAX + (int64_t)(rng_next(&search->rng) >> 2);
}

static int highest(struct mmsim_search *search, uint64_t tasks)
{
	struct priorities *p = search->own;
	int best = -1;

	for (; tasks; tasks &= tasks - 1) {
		int i = __builtin_ctzll(tasks);

		if (!(p->drawn >> i & 1)) {
			p->of[i] = draw(search);
			p->drawn |= 1ull << i;
		}
		if (best < 0 || p->of[i] > p->of[best])
			best = i;
	}
	return best;
}

/* ---- PCT ---- */

static void pct_begin(struct mmsim_search *search)
{
	struct priorities *p = search->own;
	unsigned int depth = search->config.pct_depth ? search->config.pct_depth : PCT_DEPTH;

	p->places_max = MAX(p->places_max, p->places);
	p->places = 0;
	p->drawn = 0;
	p->lowest = 0;
	p->nr_changes = p->places_max ? MIN(depth, PCT_DEPTH_MAX) - 1 : 0;
	for (unsigned int i = 0; i < p->nr_changes; i++)
		p->change[i] = 1 + rng_below(&search->rng, p->places_max);
}

static int pct_choose(struct mmsim_search *search, const struct search_point *point)
{
	struct priorities *p = search->own;

	p->places += point->preemption;
	/* Each change goes lower than those that come before it in the list. */
	for (unsigned int i = 0; point->preemption && i < p->nr_changes; i++)
		if (p->change[i] == p->places)
			p->of[point->me] = (int64_t)(p->nr_changes - i);
	/* Who waits for others goes behind all. */
	if (point->yields && !point->preemption)
		p->of[point->me] = --p->lowest;
	return highest(search, point->tasks);
}

const struct search_strategy search_pct = {
	.name = "pct",
	.init = priorities_init,
	.begin = pct_begin,
	.choose = pct_choose,
	.next = always,
	.destroy = priorities_destroy,
};

/* ---- POS ---- */

static void pos_begin(struct mmsim_search *search)
{
	struct priorities *p = search->own;

	p->drawn = 0;
	for (int i = 0; i < MMSIM_SEARCH_TASKS_MAX; i++)
		p->before[i] = NULL;
}

/* @chosen makes its access; those that it races with draw again. */
static void pos_made(struct mmsim_search *search, int chosen)
{
	struct priorities *p = search->own;
	const volatile void *word = p->before[chosen];

	p->before[chosen] = NULL;
	p->drawn &= ~(1ull << chosen);
	for (int i = 0; word && i < MMSIM_SEARCH_TASKS_MAX; i++)
		if (p->before[i] == word)
			p->drawn &= ~(1ull << i);
}

static int pos_choose(struct mmsim_search *search, const struct search_point *point)
{
	struct priorities *p = search->own;
	int chosen;

	p->before[point->me] = point->touches;
	p->drawn &= ~(1ull << point->me);
	chosen = highest(search, point->tasks);
	pos_made(search, chosen);
	return chosen;
}

const struct search_strategy search_pos = {
	.name = "pos",
	.init = priorities_init,
	.begin = pos_begin,
	.choose = pos_choose,
	.next = always,
	.destroy = priorities_destroy,
};
