/* SPDX-License-Identifier: MIT */
/* mmsim help MACHINE: a profile's CPUs, scheduler, costs with their sources, device. */
#include "cli.h"
#include "machine/timed/profile.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS 100
#define INDENT 30 /* where a cost's help and source begin */

/* Words from column INDENT on, in as many lines as they need. */
static void print_wrapped(const char *text, FILE *out)
{
	while (*text) {
		size_t len = strlen(text), room = COLUMNS - INDENT;

		if (len > room) {
			for (len = room; len && text[len] != ' ';)
				len--;
			len = len ? len : room;
		}
		fprintf(out, "%*s%.*s\n", INDENT, "", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

static void print_time(uint64_t ns, FILE *out)
{
	if (ns >= NSEC_PER_MSEC)
		fprintf(out, " %.10gms", (double)ns / NSEC_PER_MSEC);
	else if (ns >= NSEC_PER_USEC)
		fprintf(out, " %.10gus", (double)ns / NSEC_PER_USEC);
	else
		fprintf(out, " %" PRIu64 "ns", ns);
}

static void print_cpus(const struct profile *p, FILE *out)
{
	unsigned int first = 0;

	fprintf(out, "\n%u CPUs, %u socket%s\n", p->nr_cpus, p->nr_sockets,
		p->nr_sockets > 1 ? "s" : "");
	for (unsigned int i = 0; i < p->nr_clusters; i++) {
		const struct profile_cluster *c = &p->cluster[i];
		char range[16];

		if (c->cpus > 1)
			snprintf(range, sizeof(range), "%u-%u", first, first + c->cpus - 1);
		else
			snprintf(range, sizeof(range), "%u", first);
		fprintf(out, "  %-8s %-12s capacity %4u, socket %u", range, c->name, c->capacity,
			c->socket);
		if (c->threads > 1)
			fprintf(out, ", %u threads a core", c->threads);
		fputc('\n', out);
		first += c->cpus;
	}
}

static void print_costs(const struct profile *p, FILE *out)
{
	fputs("\ncosts of a CPU of capacity 1024, and where the numbers are from\n"
	      "  (* a smaller CPU takes 1024 / capacity times as long)\n",
	      out);
	for (int i = 0; i < NR_PROFILE_COSTS; i++) {
		const struct profile_cost_info *info = &profile_costs[i];

		fprintf(out, "  %-12s %8" PRIu64 " %-4s%c %s\n", info->name, p->cost[i], info->unit,
			info->scaled ? '*' : ' ', info->help);
		print_wrapped(p->source[i], out);
	}
}

static void print_profile(const struct profile *p, FILE *out)
{
	fprintf(out, "%s: %s\n", p->name, p->description);
	print_cpus(p, out);
	fputs("\nscheduler\n  base slice", out);
	print_time(p->cost[COST_slice], out);
	fprintf(out, ", %u ticks a second, preemption %s\n", p->hz,
		p->preemption == PREEMPTION_FULL ? "full" : "none");
	print_costs(p, out);
	fprintf(out,
		"\ndevice\n  %u requests at once; latency, the 0th, 50th, 90th, 99th, 100th "
		"percentile:\n ",
		p->channels);
	for (int i = 0; i < PROFILE_LATENCIES; i++)
		print_time(p->latency_ns[i], out);
	fputc('\n', out);
}

/* A file that is meant to be a profile, not a scenario. */
static bool is_profile(const char *path)
{
	FILE *file = fopen(path, "re");
	bool found = false;
	char line[256];

	while (file && !found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "[machine]", 9);
	if (file)
		fclose(file);
	return found;
}

bool cli_print_machine(const char *name, FILE *out, int *code)
{
	struct mmsim_machine_info info;
	struct profile profile;
	char error[256];

	*code = EXIT_FINE;
	if (!profile_load(name, NULL, &profile, error)) {
		print_profile(&profile, out);
		return true;
	}
	for (unsigned int i = 0; !mmsim_machine_at(i, &info); i++) {
		if (strcmp(info.name, name))
			continue;
		fprintf(out, "%s: %s\n", info.name, info.description);
		return true;
	}
	if (!is_profile(name))
		return false;
	fprintf(stderr, "mmsim: %s\n", error);
	*code = EXIT_USAGE;
	return true;
}
