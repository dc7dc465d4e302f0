/* SPDX-License-Identifier: MIT */
/* Calibration without measuring: quartiles, clusters of a computer, what is written can be read. */
#define _GNU_SOURCE 1
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "calibrate/calibrate.h"
#include "calibrate/sample.h"

static struct profile profile;
static struct calibration_cpu cpus[200];

static void add_cpu(unsigned int cpu, unsigned int socket, unsigned int cache, unsigned int core)
{
	cpus[cpu] = (struct calibration_cpu){
		.place = {.core = core, .cache = cache, .socket = socket, .os_cpu = cpu},
		.capacity = 1024,
	};
}

/* ---- quartiles ---- */

static void test_quartile_ignores_long_rounds(void **state)
{
	struct sample sample = {.nr = 0};

	(void)state;
	assert_true(isnan(sample_quartile(&sample)));
	for (int i = 0; i < 70; i++)
		sample_add(&sample, 1000 + i);
	for (int i = 0; i < 30; i++)
		sample_add(&sample, 30 - i);
	assert_true(sample_quartile(&sample) == 26);
}

static void test_sample_takes_no_more_than_it_holds(void **state)
{
	struct sample *sample = calloc(1, sizeof(*sample));

	(void)state;
	for (int i = 0; i < SAMPLE_MAX + 10; i++)
		sample_add(sample, i < SAMPLE_MAX ? 5 : 1);
	assert_int_equal(sample->nr, SAMPLE_MAX);
	assert_true(sample_quartile(sample) == 5);
	free(sample);
}

/* ---- clusters ---- */

/* Threads of a core are numbered as Linux does on x86: all first ones, then all second. */
static void test_clusters_of_two_sockets(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 32; i++)
		add_cpu(i, i % 16 / 8, i % 16 / 4, i % 16);
	clusters_make(&profile, cpus, 32);
	assert_int_equal(profile.nr_clusters, 4);
	assert_int_equal(profile.nr_cpus, 32);
	assert_int_equal(profile.nr_sockets, 2);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(profile.cluster[i].cpus, 8);
		assert_int_equal(profile.cluster[i].threads, 2);
		assert_int_equal(profile.cluster[i].socket, i / 2);
		assert_int_equal(profile.cluster[i].capacity, 1024);
	}
	assert_string_equal(profile.cluster[3].name, "cluster3");
}

/* All CPUs of a phone share a cache: what tells clusters apart is how fast they are. */
static void test_clusters_of_a_phone(void **state)
{
	static const unsigned int capacity[] = {250, 250, 250, 250, 600, 600, 600, 1024};

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		add_cpu(i, 0, 0, i);
		cpus[i].capacity = capacity[i];
	}
	clusters_make(&profile, cpus, 8);
	assert_int_equal(profile.nr_clusters, 3);
	assert_int_equal(profile.cluster[0].cpus, 4);
	assert_int_equal(profile.cluster[1].cpus, 3);
	assert_int_equal(profile.cluster[1].capacity, 600);
	assert_int_equal(profile.cluster[2].cpus, 1);
	assert_int_equal(profile.nr_sockets, 1);
}

/* Bound to the second socket: sockets begin with 0 all the same. */
static void test_sockets_without_a_gap(void **state)
{
	(void)state;
	add_cpu(0, 3, 7, 20);
	add_cpu(1, 1, 2, 9);
	add_cpu(2, 3, 8, 21);
	clusters_make(&profile, cpus, 3);
	assert_int_equal(profile.nr_sockets, 2);
	assert_int_equal(profile.cluster[0].socket, 0);
	assert_int_equal(profile.cluster[1].socket, 1);
	assert_int_equal(profile.cluster[2].socket, 0);
}

/* Three CPUs, of which two share a core: one of its threads may be forbidden. */
static void test_threads_that_do_not_divide(void **state)
{
	(void)state;
	add_cpu(0, 0, 0, 0);
	add_cpu(1, 0, 0, 0);
	add_cpu(2, 0, 0, 1);
	clusters_make(&profile, cpus, 3);
	assert_int_equal(profile.cluster[0].cpus, 3);
	assert_int_equal(profile.cluster[0].threads, 1);
}

static void test_more_than_a_profile_can_have(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 200; i++)
		add_cpu(i, 0, i / 2, i);
	clusters_make(&profile, cpus, 200);
	assert_int_equal(profile.nr_clusters, PROFILE_MAX_CLUSTERS);
	assert_int_equal(profile.nr_cpus, 2 * PROFILE_MAX_CLUSTERS);
	for (unsigned int i = 0; i < 200; i++)
		add_cpu(i, 0, 0, i);
	clusters_make(&profile, cpus, 200);
	assert_int_equal(profile.nr_clusters, 1);
	assert_int_equal(profile.nr_cpus, PROFILE_MAX_CPUS);
}

/* ---- what becomes of a value ---- */

static void test_values_and_their_sources(void **state)
{
	static struct calibration c;

	(void)state;
	c.profile.cost[COST_ipi] = 1200;
	calibration_measured(&c, COST_step, 1.6, "a %s", "load");
	assert_int_equal(c.profile.cost[COST_step], 2);
	assert_string_equal(c.profile.source[COST_step], "measured: a load");
	calibration_measured(&c, COST_step, 0.2, "a load");
	assert_int_equal(c.profile.cost[COST_step], 1);
	calibration_derived(&c, COST_vma_copy, 150, "a third");
	assert_string_equal(c.profile.source[COST_vma_copy], "derived: a third");
	/* Lost in the noise: what was assumed stays. */
	calibration_measured(&c, COST_ipi, -3, "x");
	assert_int_equal(c.profile.cost[COST_ipi], 1200);
	assert_non_null(strstr(c.profile.source[COST_ipi], "assumed, see sweep"));
	calibration_measured(&c, COST_ipi, NAN, "x");
	calibration_measured(&c, COST_ipi, 0, "x");
	calibration_measured(&c, COST_ipi, INFINITY, "x");
	assert_int_equal(c.profile.cost[COST_ipi], 1200);
}

/* ---- writing ---- */

static void fill(struct calibration *c, const char *busy)
{
	char error[256];

	memset(c, 0, sizeof(*c));
	assert_int_equal(profile_load(BASE_PROFILE, NULL, &c->profile, error), 0);
	for (int i = 0; i < NR_PROFILE_COSTS; i++) {
		c->profile.cost[i] = 100 + (uint64_t)i;
		calibration_measured(c, (enum profile_cost)i, 100 + i, "%0200d", i);
	}
	for (unsigned int i = 0; i < 16; i++) {
		add_cpu(i, i / 8, i / 4, i / 2);
		cpus[i].capacity = i < 4 ? 1024 : 500;
	}
	clusters_make(&c->profile, cpus, 16);
	c->profile.preemption = PREEMPTION_FULL;
	c->profile.hz = 1000;
	strcpy(c->profile.description, "a test (of it)");
	strcpy(c->hz_source, "measured");
	strcpy(c->preemption_source, "none voluntary (full)");
	strcpy(c->cpu_model, "Some(TM) CPU");
	c->rounds = 7;
	c->nr_cpus = 300;
	c->busy = busy;
	c->command = "mmsim calibrate -o a-file-with-a-name-that-is-much-longer-than-a-line-of-the-"
		     "file/may/be/and/then/some/more/here.ini";
}

/* Even with the longest sources. */
static void test_what_is_written_can_be_read(void **state)
{
	static struct calibration c;
	char error[256], *text;
	FILE *file;
	size_t len;

	(void)state;
	fill(&c, "other programs used 2.00 CPUs, 0.10 at most");
	file = open_memstream(&text, &len);
	calibration_write(&c, file);
	fclose(file);
	assert_int_equal(profile_parse(text, "here.ini", &profile, error), 0);
	for (int i = 0; i < NR_PROFILE_COSTS; i++) {
		assert_int_equal(profile.cost[i], 100 + i);
		assert_string_equal(profile.source[i], c.profile.source[i]);
	}
	assert_int_equal(profile.hz, 1000);
	assert_int_equal(profile.preemption, PREEMPTION_FULL);
	assert_int_equal(profile.nr_cpus, 16);
	assert_int_equal(profile.nr_sockets, 2);
	assert_memory_equal(profile.cluster, c.profile.cluster, sizeof(profile.cluster));
	assert_string_equal(profile.description, "a test (of it)");
	assert_memory_equal(profile.latency_ns, c.profile.latency_ns, sizeof(profile.latency_ns));
	assert_non_null(strstr(text, "\n# It was disturbed:\n# other programs used 2.00 CPUs"));
	assert_non_null(strstr(text, "\n# It has 300 CPUs; a profile can have 16 of them.\n"));
	assert_non_null(strstr(text, "# Some(TM) CPU, "));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quartile_ignores_long_rounds),
		cmocka_unit_test(test_sample_takes_no_more_than_it_holds),
		cmocka_unit_test(test_clusters_of_two_sockets),
		cmocka_unit_test(test_clusters_of_a_phone),
		cmocka_unit_test(test_sockets_without_a_gap),
		cmocka_unit_test(test_threads_that_do_not_divide),
		cmocka_unit_test(test_more_than_a_profile_can_have),
		cmocka_unit_test(test_values_and_their_sources),
		cmocka_unit_test(test_what_is_written_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
