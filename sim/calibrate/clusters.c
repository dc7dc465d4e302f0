/* SPDX-License-Identifier: MIT */
/*
 * Clusters of a profile: the CPUs of a socket that share their last cache and are
 * as fast as each other. Threads of a core stay together.
 */
#include "calibrate.h"

#include <stdio.h>
#include <string.h>

struct groups {
	struct profile *profile;
	const struct calibration_cpu *first[PROFILE_MAX_CLUSTERS]; /* a CPU of each */
};

static bool same_cluster(const struct calibration_cpu *a, const struct calibration_cpu *b)
{
	return a->place.socket == b->place.socket && a->place.cache == b->place.cache &&
	       a->capacity == b->capacity;
}

static bool same_core(const struct calibration_cpu *a, const struct calibration_cpu *b)
{
	return a->place.socket == b->place.socket && a->place.core == b->place.core;
}

/* Sockets in the order in which CPUs name them: none is left out. */
static unsigned int socket_number(const struct groups *g, unsigned int socket)
{
	unsigned int next = 0;

	for (unsigned int i = 0; i < g->profile->nr_clusters; i++) {
		if (g->first[i]->place.socket == socket)
			return g->profile->cluster[i].socket;
		if (g->profile->cluster[i].socket >= next)
			next = g->profile->cluster[i].socket + 1;
	}
	return next;
}

static void add_cpu(struct groups *g, const struct calibration_cpu *cpu)
{
	struct profile *p = g->profile;
	unsigned int i = 0;

	while (i < p->nr_clusters && !same_cluster(g->first[i], cpu))
		i++;
	if (i == PROFILE_MAX_CLUSTERS)
		return;
	if (i == p->nr_clusters) {
		p->cluster[i] = (struct profile_cluster){
			.threads = 1,
			.capacity = cpu->capacity,
			.socket = socket_number(g, cpu->place.socket),
		};
		snprintf(p->cluster[i].name, PROFILE_NAME_MAX, "cluster%u", i);
		g->first[i] = cpu;
		p->nr_clusters++;
	}
	p->cluster[i].cpus++;
	p->nr_cpus++;
}

/* How many of the CPUs share the core of the cluster's first one. */
static unsigned int count_threads(const struct calibration_cpu *first,
				  const struct calibration_cpu *cpus, unsigned int nr)
{
	unsigned int threads = 0;

	for (unsigned int i = 0; i < nr; i++)
		threads += same_core(first, &cpus[i]);
	return threads;
}

void clusters_make(struct profile *profile, const struct calibration_cpu *cpus, unsigned int nr)
{
	struct groups g = {.profile = profile};

	memset(profile->cluster, 0, sizeof(profile->cluster));
	profile->nr_clusters = profile->nr_cpus = profile->nr_sockets = 0;
	nr = nr < PROFILE_MAX_CPUS ? nr : PROFILE_MAX_CPUS;
	for (unsigned int i = 0; i < nr; i++)
		add_cpu(&g, &cpus[i]);
	for (unsigned int i = 0; i < profile->nr_clusters; i++) {
		struct profile_cluster *cluster = &profile->cluster[i];
		unsigned int threads = count_threads(g.first[i], cpus, nr);

		/* Some threads of a core may be forbidden: then we do not know the pairs. */
		cluster->threads = cluster->cpus % threads ? 1 : threads;
		if (cluster->socket >= profile->nr_sockets)
			profile->nr_sockets = cluster->socket + 1;
	}
}
