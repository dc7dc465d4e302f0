/* SPDX-License-Identifier: MIT */
/*
 * Preemption bounding: depth first through all schedules with at most so many
 * preemptions, for 0, 1, 2 and so on. Nothing of a run is kept but the choices
 * it made; the next one repeats them up to the last that can be made otherwise.
 *
 * Which are made otherwise the races of the run say: where two accesses could
 * have come the other way round, the second one's task is tried before the first.
 *
 * A pass in which words were learned is made again, since its first runs did not
 * know that there was something to choose.
 *
 * Sources: M. Musuvathi, S. Qadeer, Iterative context bounding, 2007; K. Coons,
 * M. Musuvathi, K. McKinley, Bounded partial-order reduction, 2013.
 */
#include "machine/model/search.h"

#include <stdlib.h>
#include <string.h>

#define RESTART_RUNS 64 /* a pass that learned so early begins again at once */

struct decision {
	uint64_t pick;
	uint64_t tasks; /* who could go on */
	uint64_t tried; /* and the one that is tried now */
	uint64_t untried; /* tried next, when all below are through */
	unsigned int spent; /* preemptions before it */
	uint8_t chosen, first;
	bool preemption;
	/* What each task had done before it. */
	uint32_t clock[MMSIM_SEARCH_TASKS_MAX];
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

static int repeat(struct mmsim_search *search, const struct search_point *point)
{
	struct bounded *b = search->own;
	const struct decision *d = &b->decisions[b->at];

	/* Words may have been learned since: a new place to choose, passed by. */
	if (d->pick != point->pick || !(point->tasks >> d->chosen & 1))
		return point->first;
	search->decided = (uint32_t)b->at++;
	b->spent = d->spent + (d->preemption && d->chosen != d->first);
	return d->chosen;
}

static int bounded_choose(struct mmsim_search *search, const struct search_point *point)
{
	struct bounded *b = search->own;
	struct decision *d;

	if (b->at < b->nr)
		return repeat(search, point);
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
	d = &b->decisions[b->nr];
	d->pick = point->pick;
	d->tasks = point->tasks;
	d->tried = 1ull << point->first;
	d->untried = search->config.every_task ? d->tasks & ~d->tried : 0;
	d->spent = b->spent;
	d->chosen = d->first = (uint8_t)point->first;
	d->preemption = point->preemption;
	memcpy(d->clock, search->words.clock, sizeof(d->clock));
	search->decided = (uint32_t)b->nr++;
	b->at = b->nr;
	return point->first;
}

/* Who is to be tried at @d, so that what @second did comes before what came first. */
static uint64_t who_instead(const struct mmsim_search *search, const struct decision *d, int second)
{
	uint64_t helpers = 0;

	if (d->tasks >> second & 1)
		return 1ull << second;
	/* It could not go on: one of those who made that it could. */
	for (uint64_t left = d->tasks; left; left &= left - 1) {
		int task = __builtin_ctzll(left);

		if (search_words_knows(&search->words, second, task) > d->clock[task])
			helpers |= 1ull << task;
	}
	return helpers ? helpers & -helpers : d->tasks;
}

static void reconsider(struct mmsim_search *search, uint32_t decision, int second)
{
	struct bounded *b = search->own;
	struct decision *d;

	if (decision >= b->nr)
		return;
	d = &b->decisions[decision];
	if (d->preemption && d->spent >= search->info.bound)
		return;
	d->untried |= who_instead(search, d, second) & ~d->tried;
}

/*
 * The other order is reached by a switch right before the first access, and maybe
 * with a preemption less by giving its task no turn at all.
 */
static void bounded_race(struct mmsim_search *search, const struct search_event *first, int second)
{
	reconsider(search, first->decision, second);
	if (first->turn != first->decision)
		reconsider(search, first->turn, second);
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
			d->tried |= 1ull << d->chosen;
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
	.race = bounded_race,
	.next = bounded_next,
	.destroy = bounded_destroy,
};
