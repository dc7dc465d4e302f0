/* SPDX-License-Identifier: MIT */
/*
 * Preemption bounding: depth first through all schedules with at most so many
 * preemptions, for 0, 1, 2 and so on. Nothing of a run is kept but the choices
 * it made; the next one repeats them up to the last that can be made otherwise.
 *
 * A pass in which words were learned is made again, since its first runs did not
 * know that there was something to choose.
 */
#include "machine/model/search.h"

#include <stdlib.h>

#define RESTART_RUNS 64 /* a pass that learned so early begins again at once */

struct decision {
	uint64_t pick;
	uint64_t untried; /* tasks */
	unsigned int spent; /* preemptions before it */
	uint8_t chosen, first;
	bool preemption;
};

struct bounded {
	struct decision *decisions;
	size_t nr, max;
	size_t at; /* the next to be repeated */
	unsigned int spent; /* preemptions of this run */
	uint64_t runs; /* of this pass */
};

static int bounded_init(struct mmsim_search *search)
{
	search->own = calloc(1, sizeof(struct bounded));
	search->info.passes = 1;
	return search->own ? 0 : -ENOMEM;
}

static void bounded_destroy(struct mmsim_search *search)
{
	struct bounded *b = search->own;

	if (b)
		free(b->decisions);
	free(b);
}

static void bounded_begin(struct mmsim_search *search)
{
	struct bounded *b = search->own;

	b->at = 0;
	b->spent = 0;
	search->info.runs_in_pass = ++b->runs;
}

static int repeat(struct bounded *b, const struct search_point *point)
{
	const struct decision *d = &b->decisions[b->at];

	/* Words may have been learned since: a new place to choose, passed by. */
	if (d->pick != point->pick || !(point->tasks >> d->chosen & 1))
		return point->first;
	b->at++;
	b->spent = d->spent + (d->preemption && d->chosen != d->first);
	return d->chosen;
}

static int bounded_choose(struct mmsim_search *search, const struct search_point *point)
{
	struct bounded *b = search->own;

	if (b->at < b->nr)
		return repeat(b, point);
	if (point->preemption && b->spent >= search->info.bound)
		return point->first;
	if (b->nr == b->max) {
		size_t max = MAX(256, 2 * b->max);
		struct decision *more = realloc(b->decisions, max * sizeof(*more));

		if (!more)
			machine_bug("no memory for the search");
		b->decisions = more;
		b->max = max;
	}
	b->decisions[b->nr++] = (struct decision){
		.pick = point->pick,
		.untried = point->tasks & ~(1ull << point->first),
		.spent = b->spent,
		.chosen = (uint8_t)point->first,
		.first = (uint8_t)point->first,
		.preemption = point->preemption,
	};
	b->at = b->nr;
	return point->first;
}

static bool new_pass(struct mmsim_search *search)
{
	struct bounded *b = search->own;

	b->nr = 0;
	b->runs = 0;
	search->words.grew = false;
	search->info.passes++;
	return true;
}

static bool bounded_next(struct mmsim_search *search)
{
	struct bounded *b = search->own;

	if (b->at < b->nr) {
		search->info.diverged++;
		b->nr = b->at;
	}
	if (search->words.grew && b->runs < RESTART_RUNS)
		return new_pass(search);
	while (b->nr) {
		struct decision *d = &b->decisions[b->nr - 1];

		if (d->untried) {
			d->chosen = (uint8_t)__builtin_ctzll(d->untried);
			d->untried &= d->untried - 1;
			return true;
		}
		b->nr--;
	}
	if (search->words.grew)
		return new_pass(search);
	if (search->info.bound == search->config.preemptions)
		return false;
	search->info.bound++;
	return new_pass(search);
}

const struct search_strategy search_bounded = {
	.name = "bounded",
	.init = bounded_init,
	.begin = bounded_begin,
	.choose = bounded_choose,
	.next = bounded_next,
	.destroy = bounded_destroy,
};
