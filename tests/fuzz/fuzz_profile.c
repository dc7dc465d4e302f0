/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a machine profile's text is read, and the same text is the changes to a built-in
 * one. What is accepted is in its bounds; what is not has one line that says where.
 */
#include "fuzz.h"
#include "machine/timed/profile.h"

#include <string.h>

#define TIME_MAX_NS (1000 * NSEC_PER_SEC)

static void check_cpus(const struct profile *p)
{
	unsigned int cpus = 0, sockets = 0;

	FUZZ_CHECK(p->nr_clusters && p->nr_clusters <= PROFILE_MAX_CLUSTERS, "%u", p->nr_clusters);
	for (unsigned int i = 0; i < p->nr_clusters; i++) {
		const struct profile_cluster *c = &p->cluster[i];

		FUZZ_CHECK(*c->name && c->cpus && c->threads && c->cpus % c->threads == 0,
			   "'%s': %u of %u", c->name, c->cpus, c->threads);
		FUZZ_CHECK(c->capacity >= 1 && c->capacity <= 1024, "%u", c->capacity);
		FUZZ_CHECK(c->socket < p->nr_sockets, "%u of %u", c->socket, p->nr_sockets);
		cpus += c->cpus;
		sockets |= 1u << c->socket;
	}
	FUZZ_CHECK(cpus == p->nr_cpus && cpus <= PROFILE_MAX_CPUS, "%u", cpus);
	FUZZ_CHECK(p->nr_sockets == 32 || sockets == (1u << p->nr_sockets) - 1, "%x", sockets);
}

static void check_profile(const struct profile *p)
{
	FUZZ_CHECK(*p->name && *p->description, "'%s'", p->description);
	FUZZ_CHECK(p->hz >= 1 && p->hz <= 10000, "%u", p->hz);
	check_cpus(p);
	for (int i = 0; i < NR_PROFILE_COSTS; i++) {
		FUZZ_CHECK(p->cost[i] <= TIME_MAX_NS, "%s", profile_costs[i].name);
		FUZZ_CHECK(*p->source[i], "%s", profile_costs[i].name);
	}
	FUZZ_CHECK(p->cost[COST_slice] && p->cost[COST_bandwidth], "0");
	FUZZ_CHECK(p->channels, "0");
	for (int i = 0; i < PROFILE_LATENCIES; i++) {
		FUZZ_CHECK(p->latency_ns[i] <= TIME_MAX_NS, "%d", i);
		FUZZ_CHECK(!i || p->latency_ns[i] >= p->latency_ns[i - 1], "%d", i);
	}
}

static void check_result(int ret, const struct profile *profile, const char *error,
			 const char *name)
{
	size_t len = strlen(name);

	if (!ret) {
		FUZZ_CHECK(!*error, "%s", error);
		check_profile(profile);
		return;
	}
	FUZZ_CHECK(ret == -EINVAL, "%d", ret);
	FUZZ_CHECK(!strncmp(error, name, len) && error[len] == ':', "%s", error);
	FUZZ_CHECK(!strchr(error, '\n'), "%s", error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct profile profile;
	char *text = malloc(size + 1);
	char *error = malloc(256);

	FUZZ_CHECK(text && error, "no memory");
	memcpy(text, data, size);
	text[size] = '\0';
	check_result(profile_parse(text, "fuzz", &profile, error), &profile, error, "fuzz");
	check_result(profile_load("flat-8", text, &profile, error), &profile, error, "flat-8");
	free(error);
	free(text);
	return 0;
}
