/* SPDX-License-Identifier: MIT */
/* The machines there are, and what an instance's is made of. */
#include "machine/timed/profile.h"
#include "mm/mm.h"
#include "mmsim/mmsim.h"

int mmsim_machine_at(unsigned int i, struct mmsim_machine_info *info)
{
	static const struct mmsim_machine_info programs[] = {
		{"host", "this computer's cores: pthreads, futex, liburcu"},
		{"step", "fibres; a seed or a schedule says who runs next; no time"},
	};

	if (i < ARRAY_SIZE(programs)) {
		*info = programs[i];
		return 0;
	}
	i -= ARRAY_SIZE(programs);
	for (unsigned int j = 0; j <= i; j++)
		if (!profile_texts[j].name)
			return -ENOENT;
	*info = (struct mmsim_machine_info){profile_texts[i].name, profile_texts[i].description};
	return 0;
}

int mmsim_machine_count_at(const struct mmsim *sim, unsigned int i, struct mmsim_counter *counter)
{
	const struct machine_stats stats = machine_stats(sim->machine);
	const struct mmsim_counter counters[] = {
#define X(name, unit, help) {#name, unit, help, stats.name},
		MACHINE_STATS(X)
#undef X
	};

	if (!machine_profile(sim->machine) || i >= ARRAY_SIZE(counters))
		return -ENOENT;
	*counter = counters[i];
	return 0;
}

int mmsim_cost_at(const struct mmsim *sim, unsigned int i, struct mmsim_cost *cost)
{
	const struct profile *profile = machine_profile(sim->machine);

	if (!profile || i >= NR_PROFILE_COSTS)
		return -ENOENT;
	*cost = (struct mmsim_cost){profile_costs[i].name, profile_costs[i].unit,
				    profile_costs[i].help, profile->source[i], profile->cost[i]};
	return 0;
}

int mmsim_cpu_at(const struct mmsim *sim, unsigned int i, struct mmsim_cpu *cpu)
{
	const struct profile *profile = machine_profile(sim->machine);
	const struct profile_cluster *cluster;
	unsigned int before = 0;

	if (!profile || i >= profile->nr_cpus)
		return -ENOENT;
	for (cluster = profile->cluster; i >= before + cluster->cpus; cluster++)
		before += cluster->cpus;
	*cpu = (struct mmsim_cpu){cluster->name, cluster->socket, cluster->capacity,
				  machine_cpu_busy_ns(sim->machine, i)};
	return 0;
}

const char *mmsim_preemption(const struct mmsim *sim)
{
	const struct profile *profile = machine_profile(sim->machine);

	if (!profile)
		return NULL;
	return profile->preemption == PREEMPTION_FULL ? "full" : "none";
}

unsigned int mmsim_hz(const struct mmsim *sim)
{
	const struct profile *profile = machine_profile(sim->machine);

	return profile ? profile->hz : sim->config.hz;
}
