/* SPDX-License-Identifier: MIT */
/* A profile as a file: each number with its source. */
#include "calibrate.h"

#include <inttypes.h>

static void write_head(const struct calibration *c, FILE *file)
{
	fprintf(file,
		"# SPDX-License-Identifier: MIT\n"
		"# %s, %s%s, %s, of\n"
		"# %.95s\n"
		"#\n"
		"# Sources. \"measured\": here, the lower quartile of %u rounds or so many times a "
		"few;\n"
		"# \"derived\": made of something measured; \"assumed, see sweep\": from outside "
		"the kernel\n"
		"# it cannot be seen: a verdict has to hold while this one is changed, from a "
		"half to the\n"
		"# double of it at least.\n",
		c->cpu_model, c->kernel, c->is_virtual ? " on a hypervisor" : "", c->date,
		c->command, c->rounds);
	if (c->busy)
		fprintf(file, "# It was disturbed:\n# %.95s\n", c->busy);
	if (c->nr_cpus > c->profile.nr_cpus)
		fprintf(file, "# It has %u CPUs; a profile can have %u of them.\n", c->nr_cpus,
			c->profile.nr_cpus);
}

static void write_clusters(const struct profile *p, FILE *file)
{
	for (unsigned int i = 0; i < p->nr_clusters; i++) {
		const struct profile_cluster *cluster = &p->cluster[i];

		fprintf(file, "\n[cluster %s]\n", cluster->name);
		fprintf(file, "cpus = %u (hwloc: they share their last cache)\n", cluster->cpus);
		if (cluster->threads > 1)
			fprintf(file, "threads = %u (hwloc: of a core)\n", cluster->threads);
		if (cluster->capacity < 1024)
			fprintf(file, "capacity = %u (cpu_capacity in sysfs)\n", cluster->capacity);
		fprintf(file, "socket = %u (hwloc: its package)\n", cluster->socket);
	}
}

static void write_device(const struct profile *p, FILE *file)
{
	fprintf(file,
		"\n[device]\nchannels = %u (assumed, see sweep; as %s)\nlatency =", p->channels,
		BASE_PROFILE);
	for (int i = 0; i < PROFILE_LATENCIES; i++)
		fprintf(file, " %" PRIu64 "ns", p->latency_ns[i]);
	fprintf(file, " (assumed, see sweep; as %s)\n", BASE_PROFILE);
}

void calibration_write(const struct calibration *c, FILE *file)
{
	const struct profile *p = &c->profile;

	write_head(c, file);
	fprintf(file, "\n[machine]\ndescription = %s\nhz = %u (%s)\npreemption = %s (%s)\n",
		p->description, p->hz, c->hz_source,
		p->preemption == PREEMPTION_FULL ? "full" : "none", c->preemption_source);
	write_clusters(p, file);
	fputs("\n[costs]\n", file);
	for (int i = 0; i < NR_PROFILE_COSTS; i++)
		fprintf(file, "%s = %" PRIu64 "%s (%s)\n", profile_costs[i].name, p->cost[i],
			profile_costs[i].unit, p->source[i]);
	write_device(p, file);
}
