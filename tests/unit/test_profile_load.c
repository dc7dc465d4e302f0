/* SPDX-License-Identifier: MIT */
/* Machine profiles: the built-in ones, loading them and files, changes. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/timed/profile.h"
#include "mmsim/mmsim.h"

#define TEXT_MAX 16384

static struct profile profile;
static char error[256];

/* ---- what is there ---- */

static void check_sources(const struct profile *p)
{
	for (int i = 0; i < NR_PROFILE_COSTS; i++) {
		const char *source = p->source[i];

		assert_true(strlen(source) > 3);
		assert_true(source[0] != ' ' && source[strlen(source) - 1] != ' ');
	}
}

static void check_cpus(const struct profile *p)
{
	unsigned int cpus = 0, big = 0;

	for (unsigned int i = 0; i < p->nr_clusters; i++) {
		const struct profile_cluster *c = &p->cluster[i];

		assert_true(c->cpus && c->threads && c->cpus % c->threads == 0);
		assert_true(c->capacity >= 1 && c->capacity <= 1024);
		assert_true(c->socket < p->nr_sockets);
		cpus += c->cpus;
		big += c->capacity == 1024;
	}
	assert_int_equal(p->nr_cpus, cpus);
	assert_true(cpus >= 1 && cpus <= PROFILE_MAX_CPUS && big);
}

/* What is nearer costs less. */
static void check_lines(const struct profile *p)
{
	const uint64_t *cost = p->cost;

	assert_true(cost[COST_step] > 0 && cost[COST_relax] > 0);
	assert_true(cost[COST_line_thread] <= cost[COST_line_cluster]);
	assert_true(cost[COST_line_cluster] <= cost[COST_line_socket]);
	assert_true(p->nr_sockets == 1 || cost[COST_line_socket] <= cost[COST_line_remote]);
	assert_true(cost[COST_page_zero] <= cost[COST_page_copy]);
	assert_true(cost[COST_slice] > NSEC_PER_MSEC && cost[COST_bandwidth] > 1000);
}

static void all_that_are_built_in_load(void **state)
{
	const char *name, *text;
	unsigned int n;

	(void)state;
	for (n = 0; profile_builtin(n, &name, &text); n++) {
		if (profile_load(name, NULL, &profile, error))
			fail_msg("%s", error);
		assert_string_equal(profile.name, name);
		assert_string_equal(profile.description, profile_texts[n].description);
		assert_true(*profile.description);
		check_sources(&profile);
		check_cpus(&profile);
		check_lines(&profile);
	}
	assert_true(n >= 5);
	assert_false(profile_builtin(n + 1, &name, &text));
}

/* The library has the files as they are. */
static void what_is_built_in_is_the_file(void **state)
{
	static char read[TEXT_MAX];
	const char *name, *text;
	char path[1024];

	(void)state;
	for (unsigned int i = 0; profile_builtin(i, &name, &text); i++) {
		FILE *file;
		size_t len;

		snprintf(path, sizeof(path), MMSIM_SOURCE_DIR "/sim/machines/%s.ini", name);
		file = fopen(path, "r");
		assert_non_null(file);
		len = fread(read, 1, sizeof(read) - 1, file);
		fclose(file);
		read[len] = '\0';
		assert_string_equal(read, text);
		if (profile_load(path, "", &profile, error))
			fail_msg("%s", error);
		assert_string_equal(profile.name, name);
	}
}

static void phones_and_servers_are_as_named(void **state)
{
	(void)state;
	assert_int_equal(profile_load("phone-4+3+1", NULL, &profile, error), 0);
	assert_int_equal(profile.nr_clusters, 3);
	assert_int_equal(profile.cluster[0].cpus, 4);
	assert_int_equal(profile.cluster[0].capacity, 250);
	assert_int_equal(profile.cluster[1].cpus, 3);
	assert_int_equal(profile.cluster[2].cpus, 1);
	assert_int_equal(profile.preemption, PREEMPTION_FULL);
	assert_int_equal(profile.cost[COST_slice], 2800000);
	assert_int_equal(profile_load("server-2x12x2", NULL, &profile, error), 0);
	assert_int_equal(profile.nr_cpus, 48);
	assert_int_equal(profile.nr_sockets, 2);
	assert_int_equal(profile.cluster[1].threads, 2);
	assert_int_equal(profile.preemption, PREEMPTION_NONE);
	assert_int_equal(profile_load("server-2x64", NULL, &profile, error), 0);
	assert_int_equal(profile.nr_cpus, 128);
	assert_int_equal(profile.nr_clusters, 16);
	assert_int_equal(profile.nr_sockets, 2);
}

static void machines_are_listed(void **state)
{
	struct mmsim_machine_info info;
	const char *name, *text;
	unsigned int i;

	(void)state;
	assert_int_equal(mmsim_machine_at(0, &info), 0);
	assert_string_equal(info.name, "host");
	assert_int_equal(mmsim_machine_at(1, &info), 0);
	assert_string_equal(info.name, "step");
	for (i = 0; profile_builtin(i, &name, &text); i++) {
		assert_int_equal(mmsim_machine_at(2 + i, &info), 0);
		assert_string_equal(info.name, name);
		assert_true(*info.description);
	}
	assert_int_equal(mmsim_machine_at(2 + i, &info), -ENOENT);
	assert_int_equal(mmsim_machine_at(UINT32_MAX, &info), -ENOENT);
}

/* ---- loading ---- */

static void changes_are_put_in_place(void **state)
{
	(void)state;
	assert_int_equal(profile_load("phone-4+3+1",
				      "line_cluster=80ns  slice=3ms\tbandwidth=1GB/s hz=1000 "
				      "preemption=none line_cluster=90ns",
				      &profile, error),
			 0);
	assert_int_equal(profile.cost[COST_line_cluster], 90);
	assert_string_equal(profile.source[COST_line_cluster], "set for this run");
	assert_int_equal(profile.cost[COST_slice], 3000000);
	assert_int_equal(profile.cost[COST_bandwidth], 1000);
	assert_int_equal(profile.hz, 1000);
	assert_int_equal(profile.preemption, PREEMPTION_NONE);
	assert_string_not_equal(profile.source[COST_step], "set for this run");
	assert_int_equal(profile_load("flat-8", " ", &profile, error), 0);
}

static void check_change(const char *changes, const char *said)
{
	assert_int_equal(profile_load("flat-8", changes, &profile, error), -EINVAL);
	assert_string_equal(error, said);
}

static void wrong_changes_are_refused(void **state)
{
	char text[256];

	(void)state;
	check_change("step", "flat-8: expected NAME=VALUE, found 'step'");
	check_change("=3", "flat-8: expected NAME=VALUE, found '=3'");
	check_change("stpe=3", "flat-8: expected a cost, hz or preemption (did you mean step?), "
			       "found 'stpe'");
	check_change("description=x",
		     "flat-8: expected a cost, hz or preemption, found 'description'");
	check_change("hz=1 slice=0", "flat-8: expected slice above 0, found '0'");
	check_change("hz=0", "flat-8: expected hz = a number from 1 to 10000, found '0'");
	check_change("preemption=", "flat-8: expected preemption = none or full, found ''");
	check_change("step=-1",
		     "flat-8: expected step = a time such as 30ns or 2.8ms, whole ns, up "
		     "to 1000000ms, found '-1'");
	snprintf(text, sizeof(text), "step=%0200d", 1);
	assert_int_equal(profile_load("flat-8", text, &profile, error), -EINVAL);
	assert_non_null(strstr(error, "flat-8: expected NAME=VALUE of less than 80 characters"));
}

static void missing_profiles_are_told(void **state)
{
	(void)state;
	assert_int_equal(profile_load("phone-4+3", NULL, &profile, error), -ENOENT);
	assert_string_equal(error,
			    "phone-4+3: expected a machine (`mmsim list machines`) or a path that "
			    "ends in .ini; did you mean phone-4+3+1?");
	assert_int_equal(profile_load("", NULL, &profile, error), -ENOENT);
	assert_int_equal(profile_load("/nowhere/x.ini", NULL, &profile, error), -ENOENT);
	assert_string_equal(error, "/nowhere/x.ini: expected a profile, found: No such file or "
				   "directory");
}

static void check_file(const char *bytes, size_t size, const char *said)
{
	const char *dir = getenv("TMPDIR");
	char path[1024];
	int fd;

	snprintf(path, sizeof(path), "%s/mmsim-XXXXXX.ini", dir ? dir : "/tmp");
	fd = mkstemps(path, 4);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	assert_int_equal(profile_load(path, NULL, &profile, error), -EINVAL);
	unlink(path);
	assert_non_null(strstr(error, said));
}

static void odd_files_are_refused(void **state)
{
	static const char large[70000];

	(void)state;
	check_file("[machine]\0hz", 12, "expected a text, found a byte of 0 in it");
	check_file(large, sizeof(large), "expected less than 65536 bytes");
	check_file("", 0, "expected description = in [machine]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_are_built_in_load),
		cmocka_unit_test(what_is_built_in_is_the_file),
		cmocka_unit_test(phones_and_servers_are_as_named),
		cmocka_unit_test(machines_are_listed),
		cmocka_unit_test(changes_are_put_in_place),
		cmocka_unit_test(wrong_changes_are_refused),
		cmocka_unit_test(missing_profiles_are_told),
		cmocka_unit_test(odd_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
