/* SPDX-License-Identifier: MIT */
/*
 * A cache line between two CPUs: one word goes from 0 to 1 by the one and back by
 * the other. Half a round is one line that moves, since a compare-and-exchange
 * fetches it to write at once.
 */
#define _GNU_SOURCE 1
#include "calibrate.h"
#include "machine/atomic.h"
#include "machine/host/bare.h"
#include "sample.h"

#include <stdio.h>

#define TURNS 500 /* a round */

struct ping_pong {
	int word __attribute__((aligned(128)));
	/* On lines of its own. */
	unsigned int turns __attribute__((aligned(128)));
	struct sample sample;
};

static void turn(struct ping_pong *p, int from, int to)
{
	int old = from;

	while (!quiet_try_cmpxchg(p->word, &old, to))
		old = from;
}

static void ping(void *arg)
{
	struct ping_pong *p = arg;

	for (unsigned int i = 0; i < p->turns; i += TURNS) {
		uint64_t start = bare_now();

		for (int j = 0; j < TURNS; j++)
			turn(p, 0, 1);
		sample_add(&p->sample, (double)(bare_now() - start) / (2 * TURNS));
	}
}

static void pong(void *arg)
{
	struct ping_pong *p = arg;

	for (unsigned int i = 0; i < p->turns; i++)
		turn(p, 1, 0);
}

/* Ours is bound already; without the other there is no sample. */
static void play(struct calibration *c, struct ping_pong *p, int first, int second)
{
	struct bare_thread other;

	p->turns = c->rounds * TURNS;
	if (host_bind_to_cpu(first) || bare_thread_start(&other, second, pong, p))
		return;
	ping(p);
	bare_thread_join(&other);
	host_bind_to_cpu(c->cpu);
}

/* ---- distances ---- */

/* The nearest first, as the costs' numbers are. */
static enum profile_cost distance(const struct host_place *a, const struct host_place *b)
{
	if (a->core == b->core)
		return COST_line_thread;
	if (a->socket != b->socket)
		return COST_line_remote;
	return a->cache == b->cache ? COST_line_cluster : COST_line_socket;
}

/* Does any pair have it? The first one that includes the CPU we measure on, else any. */
static bool find_pair(const struct calibration *c, enum profile_cost wanted, int *first,
		      int *second)
{
	struct host_place a, b;
	int nr = (int)c->nr_cpus;

	for (int i = 0; i < nr; i++) {
		*first = (c->cpu + i) % nr;
		for (*second = 0; *second < nr; ++*second)
			if (*first != *second && !host_place_of_cpu(*first, &a) &&
			    !host_place_of_cpu(*second, &b) && distance(&a, &b) == wanted)
				return true;
	}
	return false;
}

static const struct {
	enum profile_cost cost;
	const char *between;
	/* Whose number is taken where it is not here; the costs before are known by then. */
	enum profile_cost instead[3];
} distances[] = {
	{COST_line_cluster,
	 "cores of a cluster",
	 {COST_line_thread, COST_line_socket, COST_line_remote}},
	{COST_line_thread, "threads of a core", {COST_line_cluster, COST_line_cluster}},
	{COST_line_socket, "clusters of a socket", {COST_line_cluster, COST_line_remote}},
	{COST_line_remote, "sockets", {COST_line_socket, COST_line_cluster, COST_line_thread}},
};

void calibrate_lines(struct calibration *c)
{
	uint64_t measured = 0;
	int first, second;

	for (size_t i = 0; i < ARRAY_SIZE(distances); i++) {
		struct ping_pong p = {.word = 0};

		if (!find_pair(c, distances[i].cost, &first, &second))
			continue;
		play(c, &p, first, second);
		calibration_measured(c, distances[i].cost, sample_quartile(&p.sample),
				     "a word to and fro between %s, half a round, CPUs %d and %d%s",
				     distances[i].between, first, second,
				     c->is_virtual ? "; the hypervisor may move them" : "");
		measured |= p.sample.nr ? UINT64_C(1) << distances[i].cost : 0;
	}
	for (size_t i = 0; measured && i < ARRAY_SIZE(distances); i++) {
		enum profile_cost cost = distances[i].cost;

		for (int j = 0; j < 3 && !(measured >> cost & 1); j++) {
			enum profile_cost instead = distances[i].instead[j];

			if (!(measured >> instead & 1))
				continue;
			c->profile.cost[cost] = c->profile.cost[instead];
			snprintf(c->profile.source[cost], PROFILE_TEXT_MAX, "not here: as %s",
				 profile_costs[instead].name);
			break;
		}
	}
	for (size_t i = 0; !measured && i < ARRAY_SIZE(distances); i++)
		calibration_assumed(c, distances[i].cost, "one CPU only");
}
