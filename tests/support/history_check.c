/* SPDX-License-Identifier: MIT */
/*
 * The search for an order that explains a history; see history.h.
 *
 * A place of the search is a sequence of writers and readers already decided
 * on, and for each page a front: all the configurations it may be in just after
 * the last writer's point on it. A configuration is which operations had their
 * point on this page, and the page they leave. To decide on a writer is to let
 * the accesses before it happen in every possible order, then it, page by page;
 * where no configuration is left the sequence is wrong. A reader, and what a
 * writer leaves for later, is only opened: its points may come from now on and
 * must have come before the next writer's point on the same page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "history.h"

#define PLACES_MAX 1000000
#define LATER 32 /* the second bit of an operation: the rest of it, see settle */

struct config {
	uint64_t done; /* a bit an operation, and a second one for its rest */
	struct address_page page;
};

struct configs {
	struct config *at;
	size_t nr, room;
};

/* Configurations of one page: a piece of the arena. */
struct front {
	size_t first, nr;
	uint64_t open; /* readers and rests that were decided on */
	uint64_t given; /* operations without effect here: nobody waits for them */
};

struct place {
	uint32_t decided;
	uint32_t before_writers; /* had ended when one of the writers decided on began */
	uint32_t needs[HISTORY_OPS_MAX]; /* of what is open: what must come before it */
	uint32_t later_writers[HISTORY_OPS_MAX]; /* of what leaves a rest: decided on after it */
	struct front front[ADDRESS_PAGES_MAX];
};

struct search {
	const struct history *h;
	const struct address_model *model;
	uint32_t before[HISTORY_OPS_MAX]; /* operations that had ended when it began */
	uint32_t on_page[ADDRESS_PAGES_MAX];
	uint32_t accesses, ranges, rests;
	int by_end[HISTORY_OPS_MAX]; /* the ranges, first ended first: a good guess */
	unsigned int nr_ranges;
	struct configs arena, work;
	uint64_t *failed; /* hashes of places that lead nowhere */
	size_t nr_failed, failed_room;
	struct history_result *result;
	int deepest;
};

static const struct address_kind *kind_of(const struct search *s, int op)
{
	return &s->model->kind[s->h->ops[op].kind];
}

static void push(struct configs *c, const struct config *one)
{
	if (c->nr == c->room) {
		c->room = c->room ? 2 * c->room : 256;
		c->at = realloc(c->at, c->room * sizeof(*c->at));
		if (!c->at)
			abort();
	}
	c->at[c->nr++] = *one;
}

static bool config_equal(const struct config *a, const struct config *b)
{
	return a->done == b->done && address_page_equal(&a->page, &b->page);
}

static void push_new(struct configs *c, const struct config *one)
{
	for (size_t i = 0; i < c->nr; i++)
		if (config_equal(&c->at[i], one))
			return;
	push(c, one);
}

/* ---- one page ---- */

/* Did all of @before that concern this page have their points on it? */
static bool all_done(const struct search *s, const struct place *at, unsigned int page,
		     uint64_t done, uint32_t before)
{
	uint64_t ops = before & s->on_page[page];

	ops |= (ops & s->rests) << LATER;
	return !(ops & ~(done | at->front[page].given));
}

/* Is a rest still to come although a later writer had ended before @op began? */
static bool rest_is_late(const struct search *s, const struct place *at, unsigned int page,
			 uint64_t done, int op)
{
	uint64_t rests = (at->front[page].open & ~done) >> LATER;

	for (; rests; rests &= rests - 1)
		if (at->later_writers[__builtin_ctzll(rests)] & s->before[op])
			return true;
	return false;
}

/*
 * What comes after a writer in the order comes after the writer's call, so after
 * all that had ended by then. And an access comes after what had ended before
 * it, on whatever page: that must have been decided on.
 */
static bool may_happen(const struct search *s, const struct place *at, unsigned int page,
		       uint64_t done, int bit)
{
	int op = bit % LATER;

	if (!(s->accesses & 1u << op))
		return all_done(s, at, page, done, at->needs[op]);
	return !(s->before[op] & s->ranges & ~at->decided) &&
	       !rest_is_late(s, at, page, done, op) && all_done(s, at, page, done, s->before[op]);
}

/* The point of an access, a reader or a rest: does it fit, and what is the page then? */
static bool happen(const struct search *s, int bit, struct address_page *page)
{
	int op = bit % LATER;
	const struct address_kind *kind = kind_of(s, op);

	if (bit >= LATER)
		kind->settle(page);
	else if (kind->class == ADDRESS_ACCESS)
		return kind->access(page, &s->h->ops[op]);
	else
		kind->page(page, &s->h->ops[op]);
	return true;
}

/* What may come next in @c by itself: accesses, and what is open. */
static uint64_t waiting(const struct search *s, const struct place *at, unsigned int page,
			const struct config *c)
{
	return ((s->accesses & s->on_page[page]) | at->front[page].open) & ~c->done;
}

/*
 * Let all accesses happen that can and leave the page as it is. Such an access
 * never does anything else, so nothing becomes impossible by it and no other
 * order needs to be tried. Not so a reader: what finds nothing to do now may be
 * what has to empty the page later.
 */
static void absorb(const struct search *s, const struct place *at, unsigned int page,
		   struct config *c)
{
	bool again = true;

	while (again) {
		uint64_t left = waiting(s, at, page, c) & s->accesses;

		for (again = false; left; left &= left - 1) {
			int bit = __builtin_ctzll(left);
			struct address_page then = c->page;

			if (!may_happen(s, at, page, c->done, bit) || !happen(s, bit, &then) ||
			    !address_page_equal(&then, &c->page))
				continue;
			c->done |= 1ull << bit;
			again = true;
		}
	}
}

/* All configurations that can follow from the front before the next decision: s->work. */
static void follow(struct search *s, const struct place *at, unsigned int page)
{
	const struct front *f = &at->front[page];

	s->work.nr = 0;
	for (size_t i = 0; i < f->nr; i++) {
		struct config c = s->arena.at[f->first + i];

		absorb(s, at, page, &c);
		push_new(&s->work, &c);
	}
	for (size_t i = 0; i < s->work.nr; i++) {
		const struct config from = s->work.at[i];

		for (uint64_t left = waiting(s, at, page, &from); left; left &= left - 1) {
			int bit = __builtin_ctzll(left);
			struct config c = from;

			if (!may_happen(s, at, page, c.done, bit) || !happen(s, bit, &c.page))
				continue;
			c.done |= 1ull << bit;
			absorb(s, at, page, &c);
			push_new(&s->work, &c);
		}
	}
}

/* The writer's point on a page it changes. False: it cannot be now. */
static bool writer_comes(struct search *s, struct place *at, unsigned int page, int op)
{
	struct front *f = &at->front[page];
	size_t first = s->arena.nr;

	follow(s, at, page);
	for (size_t i = 0; i < s->work.nr; i++) {
		struct config c = s->work.at[i];

		if ((f->open & ~c.done) || !all_done(s, at, page, c.done, at->needs[op]))
			continue;
		kind_of(s, op)->page(&c.page, &s->h->ops[op]);
		c.done |= 1ull << op;
		push(&s->arena, &c);
	}
	f->first = first;
	f->nr = s->arena.nr - first;
	return f->nr;
}

/* Can the page end as it was found at the end, with everything done? */
static bool ends_well(struct search *s, const struct place *at, unsigned int page)
{
	uint64_t all = (s->accesses & s->on_page[page]) | at->front[page].open;

	follow(s, at, page);
	for (size_t i = 0; i < s->work.nr; i++)
		if (!(all & ~s->work.at[i].done) &&
		    address_page_equal(&s->work.at[i].page, &s->h->last[page]))
			return true;
	return false;
}

/* ---- places that were tried ---- */

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93ull;
	return h ^ h >> 29;
}

/* Of the configurations as sets: places that were come to by different orders are alike. */
static uint64_t hash_place(const struct search *s, const struct place *at)
{
	uint64_t h = mix(1, at->decided);

	for (unsigned int page = 0; page < s->h->nr_pages; page++) {
		const struct front *f = &at->front[page];
		uint64_t sum = 0;

		for (size_t i = 0; i < f->nr; i++) {
			const struct config *c = &s->arena.at[f->first + i];
			uint64_t word = (uint64_t)c->page.mapped | (uint64_t)c->page.stale << 1 |
					(uint64_t)c->page.prot << 2;

			sum += mix(mix(mix(2, c->done), c->page.value), word);
		}
		h = mix(mix(mix(h, sum), f->open), f->given);
	}
	for (uint32_t left = at->decided; left; left &= left - 1)
		h = mix(mix(h, at->needs[__builtin_ctz(left)]),
			at->later_writers[__builtin_ctz(left)]);
	return h ? h : 1;
}

static uint64_t *failed_slot(uint64_t *table, size_t room, uint64_t hash)
{
	size_t i = hash % room;

	while (table[i] && table[i] != hash)
		i = (i + 1) % room;
	return &table[i];
}

static void remember_failed(struct search *s, uint64_t hash)
{
	if (2 * s->nr_failed >= s->failed_room) {
		size_t room = s->failed_room ? 2 * s->failed_room : 512;
		uint64_t *table = calloc(room, sizeof(*table));

		if (!table)
			abort();
		for (size_t i = 0; i < s->failed_room; i++)
			if (s->failed[i])
				*failed_slot(table, room, s->failed[i]) = s->failed[i];
		free(s->failed);
		s->failed = table;
		s->failed_room = room;
	}
	*failed_slot(s->failed, s->failed_room, hash) = hash;
	s->nr_failed++;
}

static bool known_to_fail(const struct search *s, uint64_t hash)
{
	return s->failed_room && *failed_slot(s->failed, s->failed_room, hash) == hash;
}

/* ---- the order of writers and readers ---- */

/* @what was tried on @page and did not fit; the longest try is reported. */
static void stuck(struct search *s, const struct place *at, unsigned int page, const char *what)
{
	int depth = __builtin_popcount(at->decided);

	if (depth <= s->deepest)
		return;
	s->deepest = depth;
	snprintf(s->result->why, sizeof(s->result->why),
		 "no order of the operations explains page %u (the longest ends before %s, %d of "
		 "%u range operations in it)",
		 page, what, depth, s->nr_ranges);
}

/* What is mapped after the decisions; no access changes it. */
static void mapped_pages(const struct search *s, const struct place *at, struct address_page *pages)
{
	for (unsigned int page = 0; page < s->h->nr_pages; page++)
		pages[page] = s->arena.at[at->front[page].first].page;
}

/* Decide that @op is the next; false: its answer or what was seen of it does not fit. */
static bool decide(struct search *s, struct place *at, int op)
{
	const struct address_kind *kind = kind_of(s, op);
	struct address_page pages[ADDRESS_PAGES_MAX];
	uint64_t bit = 1ull << op;
	uint32_t touched;

	mapped_pages(s, at, pages);
	if (!kind->range(pages, &s->h->ops[op], &touched)) {
		stuck(s, at, s->h->ops[op].first, kind->name);
		return false;
	}
	at->needs[op] = s->before[op] | at->before_writers;
	for (unsigned int page = 0; page < s->h->nr_pages; page++) {
		if (!(touched & 1u << page)) {
			at->front[page].given |= bit | bit << LATER;
			continue;
		}
		if (kind->class == ADDRESS_READER) {
			at->front[page].open |= bit;
		} else if (!writer_comes(s, at, page, op)) {
			stuck(s, at, page, kind->name);
			return false;
		} else if (kind->settle) {
			at->front[page].open |= bit << LATER;
		}
	}
	if (kind->class == ADDRESS_WRITER) {
		at->before_writers = at->needs[op];
		for (uint32_t left = at->decided & s->rests; left; left &= left - 1)
			at->later_writers[__builtin_ctz(left)] |= (uint32_t)bit;
	}
	at->decided |= (uint32_t)bit;
	return true;
}

static bool all_end_well(struct search *s, const struct place *at)
{
	for (unsigned int page = 0; page < s->h->nr_pages; page++)
		if (!ends_well(s, at, page)) {
			stuck(s, at, page, "the end");
			return false;
		}
	return true;
}

static bool search_from(struct search *s, const struct place *at)
{
	uint64_t hash;

	if (at->decided == s->ranges)
		return all_end_well(s, at);
	if (s->result->tried++ >= PLACES_MAX)
		return false;
	hash = hash_place(s, at);
	if (known_to_fail(s, hash))
		return false;
	for (unsigned int i = 0; i < s->nr_ranges; i++) {
		int op = s->by_end[i];
		size_t arena = s->arena.nr;
		struct place next = *at;

		if ((at->decided & 1u << op) || (s->before[op] & s->ranges & ~at->decided))
			continue;
		if (decide(s, &next, op) && search_from(s, &next))
			return true;
		s->arena.nr = arena;
	}
	remember_failed(s, hash);
	return false;
}

/* ---- setting out ---- */

static void sort_in_by_end(struct search *s, int op)
{
	unsigned int i = s->nr_ranges++;

	for (; i && s->h->ops[s->by_end[i - 1]].end > s->h->ops[op].end; i--)
		s->by_end[i] = s->by_end[i - 1];
	s->by_end[i] = op;
}

static void look_at_op(struct search *s, int op)
{
	const struct history *h = s->h;
	const struct address_kind *kind = kind_of(s, op);

	for (unsigned int i = 0; i < h->nr_ops; i++)
		if (h->ops[i].end < h->ops[op].begin)
			s->before[op] |= 1u << i;
	for (unsigned int i = 0; i < h->ops[op].pages; i++)
		s->on_page[h->ops[op].first + i] |= 1u << op;
	if (kind->class == ADDRESS_ACCESS) {
		s->accesses |= 1u << op;
		return;
	}
	s->ranges |= 1u << op;
	if (kind->settle)
		s->rests |= 1u << op;
	sort_in_by_end(s, op);
}

void history_check(const struct history *h, const struct address_model *model,
		   struct history_result *result)
{
	struct search s = {.h = h, .model = model, .result = result, .deepest = -1};
	struct place start = {0};

	memset(result, 0, sizeof(*result));
	for (unsigned int i = 0; i < h->nr_ops; i++)
		look_at_op(&s, (int)i);
	for (unsigned int page = 0; page < h->nr_pages; page++) {
		start.front[page] = (struct front){.first = s.arena.nr, .nr = 1};
		push(&s.arena, &(struct config){.page = h->first[page]});
	}
	if (search_from(&s, &start))
		*result->why = '\0';
	else
		result->verdict = result->tried > PLACES_MAX ? HISTORY_UNDECIDED : HISTORY_REFUTED;
	free(s.arena.at);
	free(s.work.at);
	free(s.failed);
}
