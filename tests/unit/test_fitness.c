/* SPDX-License-Identifier: MIT */
/* The fitness of a host, from a /proc and a /sys of our own making; damaged ones are refused. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "compare/fitness.h"
#include "machine/machine.h"

#define STAT "/proc/stat"
#define SELF "/proc/self/stat"
#define STATUS "/proc/self/status"
#define LOADAVG "/proc/loadavg"
#define PRESSURE "/proc/pressure/cpu"
#define GOVERNOR "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"

/* user nice system idle iowait irq softirq steal guest guest_nice; CPU 2 is not ours. */
#define STAT_TEXT                                                                                  \
	"cpu  1110 222 333 5000 60 7 8 9 500 0\n"                                                  \
	"cpu0 10 20 30 1000 20 1 2 3 5 0\n"                                                        \
	"cpu1 100 200 300 1000 20 4 5 6 50 0\n"                                                    \
	"cpu2 1000 2 3 3000 20 2 1 0 0 0\n"                                                        \
	"intr 22467414 0 0 1\n"                                                                    \
	"ctxt 38591208\n"
#define SELF_TEXT "4321 (a) b ) 7) R 1 4321 4321 0 -1 4194304 1 2 3 4 40 30 20 10 20 0 1 0 99 1 2\n"
#define STATUS_TEXT                                                                                \
	"Name:\tmmsim\nCpus_allowed:\t103\nCpus_allowed_list:\t0-1,8\nMems_allowed:\t1\n"
#define PRESSURE_TEXT                                                                              \
	"some avg10=37.11 avg60=9.95 avg300=4.00 total=9503876758\n"                               \
	"full avg10=0.00 avg60=0.00 avg300=0.00 total=17\n"

static char root[256];

/* ---- a /proc of our own ---- */

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = strchr(full + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(!mkdir(full, 0700) || errno == EEXIST);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void without(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(remove(full), 0);
}

static int put_all(void **state)
{
	const char *dir = getenv("TMPDIR");

	(void)state;
	snprintf(root, sizeof(root), "%s/mmsim-XXXXXX", dir ? dir : "/tmp");
	assert_non_null(mkdtemp(root));
	put(STAT, STAT_TEXT);
	put(SELF, SELF_TEXT);
	put(STATUS, STATUS_TEXT);
	put(LOADAVG, "1.25 0.50 0.10 1/234 5678\n");
	put(PRESSURE, PRESSURE_TEXT);
	put(GOVERNOR, "schedutil\n");
	return 0;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int remove_all(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct fitness_sample read_sample(void)
{
	struct fitness_sample sample;
	struct sim_error err;
	int ret = fitness_read(root, &sample, &err);

	if (ret)
		print_message("%s\n", err.text);
	assert_int_equal(ret, 0);
	return sample;
}

/* ---- reading ---- */

static void reads_a_sample(void **state)
{
	struct fitness_sample sample = read_sample();

	(void)state;
	/* CPU 8 is allowed but not there, CPU 2 is there but not allowed. */
	assert_int_equal(sample.cpus, 2);
	assert_int_equal(sample.busy, (10 + 20 + 30 + 1 + 2) + (100 + 200 + 300 + 4 + 5));
	assert_int_equal(sample.steal, 3 + 6);
	assert_int_equal(sample.own, 40 + 30 + 20 + 10);
	assert_true(sample.load1 == 1.25);
	assert_true(sample.has_pressure);
	assert_int_equal(sample.pressure_us, 9503876758);
	assert_string_equal(sample.governor, "schedutil");
	assert_int_equal(sample.ticks_per_s, sysconf(_SC_CLK_TCK));
}

static void numbers_of_cpus_that_do_not_match(void **state)
{
	struct fitness_sample sample;

	(void)state;
	put(STATUS, "Cpus_allowed_list:\t16-19\n");
	sample = read_sample();
	assert_int_equal(sample.cpus, 4);
	assert_int_equal(sample.busy, 1110 + 222 + 333 + 7 + 8);
	assert_int_equal(sample.steal, 9);
}

static void what_need_not_be_there(void **state)
{
	struct fitness_sample sample;

	(void)state;
	without(LOADAVG);
	without(PRESSURE);
	without(GOVERNOR);
	sample = read_sample();
	assert_true(sample.load1 == 0);
	assert_false(sample.has_pressure);
	assert_string_equal(sample.governor, "");
}

/* The error is of the file, and in one line. */
static void assert_refused(const char *path, const char *text, int ret, const char *what)
{
	struct fitness_sample sample;
	char begin[512];
	struct sim_error err;

	if (text)
		put(path, text);
	else
		without(path);
	snprintf(begin, sizeof(begin), "%s%s:", root, path);
	assert_int_equal(fitness_read(root, &sample, &err), ret);
	assert_memory_equal(err.text, begin, strlen(begin));
	assert_null(strchr(err.text, '\n'));
	assert_non_null(strstr(err.text, what));
	assert_int_equal(fitness_read(root, &sample, NULL), ret);
}

static void bad_stat(void **state)
{
	(void)state;
	assert_refused(STAT, "cpu 1 2 3 4 5 6 7 8\ncpu0 1 2 3 4\n5 6 7 8\n", -EINVAL,
		       ":2: expected eight times of a CPU, found \" 1 2 3 4\"");
	assert_refused(STAT, "cpu0 1 2 3 4 5 6 7 99999999999999999999\n", -EINVAL, ":1: ");
	assert_refused(STAT, "cpu99999999999999999999 1 2 3 4 5 6 7 8\n", -EINVAL, ":1: ");
	assert_refused(STAT, "cpu5 1 2 3 4 5 6 7 8\n", -EINVAL, "expected a line of cpu times");
	assert_refused(STAT, "", -EINVAL, "");
	assert_refused(STAT, NULL, -ENOENT, "");
}

static void bad_status(void **state)
{
	static const char *const lists[] = {
		"",    "\n",	" \n",	 "x\n",	 "0-\n", "-1\n",  "1-0\n",   "0,\n",
		"0,0", "0-3,2", "0 1\n", "0-1x", "0,,1", "70000", "0-99999", "99999999999999999999",
	};
	char text[128];

	(void)state;
	for (unsigned int i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		snprintf(text, sizeof(text), "Name:\tx\nCpus_allowed_list:\t%s", lists[i]);
		assert_refused(STATUS, text, -EINVAL, ":2: expected Cpus_allowed_list:");
	}
	assert_refused(STATUS, "Name:\tx\n", -EINVAL, ":1: expected Cpus_allowed_list:");
	assert_refused(STATUS, NULL, -ENOENT, "");
}

static void bad_others(void **state)
{
	(void)state;
	assert_refused(GOVERNOR, "\n", -EINVAL, ":1: ");
	assert_refused(GOVERNOR, "two words\n", -EINVAL, ":1: ");
	assert_refused(GOVERNOR, "a-name-of-more-than-thirty-one-characters\n", -EINVAL, ":1: ");
	assert_refused(PRESSURE, "some avg10=0.00\nfull total=5\n", -EINVAL, ":1: ");
	assert_refused(PRESSURE, "some total=\n", -EINVAL, ":1: ");
	assert_refused(LOADAVG, "nan 0 0\n", -EINVAL, ":1: ");
	assert_refused(LOADAVG, "-1 0 0\n", -EINVAL, ":1: ");
	assert_refused(SELF, "1 (a) R 1 2 3 4 5 6 7 8 9 10 11 12 13\n", -EINVAL, ":1: ");
	assert_refused(SELF, "no bracket\n", -EINVAL, ":1: ");
	assert_refused(SELF, NULL, -ENOENT, "");
}

/* Cut and damaged files: any answer, but no crash. */
static void damaged(void **state)
{
	static const struct {
		const char *path, *text;
	} files[] = {{STAT, STAT_TEXT},
		     {SELF, SELF_TEXT},
		     {STATUS, STATUS_TEXT},
		     {PRESSURE, PRESSURE_TEXT}};
	static const char bytes[] = "09 -,)\n\t\xff";
	struct fitness_sample sample;
	struct rng rng;
	char text[512];

	(void)state;
	rng_init(&rng, 1, "test_fitness", 0);
	for (unsigned int i = 0; i < 4; i++) {
		size_t len = strlen(files[i].text);

		for (size_t cut = 0; cut < len; cut++) {
			snprintf(text, sizeof(text), "%.*s", (int)cut, files[i].text);
			for (unsigned int times = rng_below(&rng, 3); times && cut; times--)
				text[rng_below(&rng, cut)] =
					bytes[rng_below(&rng, sizeof(bytes) - 1)];
			put(files[i].path, text);
			fitness_read(root, &sample, NULL);
		}
		put(files[i].path, files[i].text);
	}
	read_sample();
}

static void this_host(void **state)
{
	struct fitness_sample sample;
	struct sim_error err;

	(void)state;
	assert_int_equal(fitness_read("", &sample, &err), 0);
	assert_in_range(sample.cpus, 1, 65536);
}

static void too_long_a_root(void **state)
{
	struct fitness_sample sample;
	struct sim_error err;
	char longest[600];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(fitness_read(longest, &sample, &err), -ENAMETOOLONG);
}

/* ---- judging ---- */

#define SECOND UINT64_C(1000000000)

static const struct fitness_sample start = {
	.ticks_per_s = 100,
	.cpus = 4,
	.busy = 1000,
	.steal = 50,
	.own = 300,
	.has_pressure = true,
	.pressure_us = 7000000,
	.governor = "performance",
};

static void assert_judged(const struct fitness_sample *after, uint64_t elapsed_ns, bool fit,
			  const char *why)
{
	struct fitness got;

	fitness_judge(&start, after, elapsed_ns, 4, &got);
	assert_int_equal(got.fit, fit);
	assert_string_equal(got.why, why);
}

static void quiet(void **state)
{
	struct fitness_sample after = start;
	struct fitness got;

	(void)state;
	after.busy += 10;
	after.steal += 2;
	after.load1 = 0.5;
	fitness_judge(&start, &after, SECOND, 4, &got);
	assert_true(got.fit);
	assert_true(fabs(got.busy - 0.1) < 1e-9 && fabs(got.steal - 0.02) < 1e-9);
	assert_true(got.load1 == 0.5 && got.pressure == 0);
	assert_int_equal(got.cpus, 4);
	assert_string_equal(got.why, "");
	assert_string_equal(got.remarks, "");
}

static void others_are_busy(void **state)
{
	struct fitness_sample after = start;

	(void)state;
	after.busy += 35;
	assert_judged(&after, SECOND, false, "other programs used 0.35 CPUs, 0.10 at most");
	/* The same while we measured on two CPUs: what we used ourselves is no disturbance. */
	after.busy += 200;
	after.own += 200;
	assert_judged(&after, SECOND, false, "other programs used 0.35 CPUs, 0.10 at most");
	after.own += 30;
	assert_judged(&after, SECOND, true, "");
	/* The ticks of a process and those of the CPUs need not agree to the last. */
	after.own += 50;
	assert_judged(&after, SECOND, true, "");
}

static void the_hypervisor_steals(void **state)
{
	struct fitness_sample after = start;

	(void)state;
	after.steal += 5;
	assert_judged(&after, SECOND, false,
		      "the hypervisor gave 5.0 % of the CPU time to others, 2 % at most");
	/* All four CPUs at work: the same is little of what was wanted. */
	after.busy += 395;
	after.own += 395;
	assert_judged(&after, SECOND, true, "");
	after.steal += 95;
	after.busy += 100;
	assert_judged(&after, SECOND, false,
		      "the hypervisor gave 16.8 % of the CPU time to others, 2 % at most; "
		      "other programs used 1.00 CPUs, 0.10 at most");
}

/* In 50 ms are five ticks: one of them is a fifth, and says nothing. */
static void one_tick_is_forgiven(void **state)
{
	struct fitness_sample after = start;

	(void)state;
	after.busy++;
	after.steal++;
	assert_judged(&after, SECOND / 20, true, "");
	after.busy++;
	assert_judged(&after, SECOND / 20, false, "other programs used 0.40 CPUs, 0.10 at most");
}

static void counters_that_go_backwards(void **state)
{
	struct fitness_sample after = start;

	(void)state;
	after.steal -= 20;
	after.busy -= 100;
	after.own -= 100;
	after.pressure_us -= 100;
	assert_judged(&after, SECOND, true, "");
	assert_judged(&start, 0, false, "no time between the two samples");
}

static void remarks(void **state)
{
	struct fitness_sample after = start;
	struct fitness got;

	(void)state;
	after.cpus = 1;
	after.pressure_us += 250000;
	after.load1 = 3.1;
	strcpy(after.governor, "powersave");
	fitness_judge(&start, &after, SECOND, 2, &got);
	assert_true(got.fit);
	assert_true(fabs(got.pressure - 0.25) < 1e-9);
	assert_string_equal(got.remarks, "2 tasks that always run share 1 CPU; "
					 "tasks waited for a CPU 25 % of the time; "
					 "the load was 3.10 over the last minute; "
					 "the frequency governor is powersave, not performance");
	after.has_pressure = false;
	after.governor[0] = '\0';
	fitness_judge(&start, &after, SECOND, 1, &got);
	assert_string_equal(got.remarks, "the load was 3.10 over the last minute");
}

/* Whatever the numbers: the text is cut, not overrun. */
static void huge_numbers(void **state)
{
	struct fitness_sample after = start;
	struct fitness got;

	(void)state;
	after.busy = after.steal = after.pressure_us = UINT64_MAX;
	after.cpus = 1;
	after.load1 = 1e300;
	memset(after.governor, 'g', sizeof(after.governor) - 1);
	fitness_judge(&start, &after, 1, UINT32_MAX, &got);
	assert_false(got.fit);
	assert_in_range(strlen(got.why), 1, sizeof(got.why) - 1);
	assert_int_equal(strlen(got.remarks), sizeof(got.remarks) - 1);
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, put_all, remove_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOT(reads_a_sample),
		WITH_ROOT(numbers_of_cpus_that_do_not_match),
		WITH_ROOT(what_need_not_be_there),
		WITH_ROOT(bad_stat),
		WITH_ROOT(bad_status),
		WITH_ROOT(bad_others),
		WITH_ROOT(damaged),
		cmocka_unit_test(this_host),
		cmocka_unit_test(too_long_a_root),
		cmocka_unit_test(quiet),
		cmocka_unit_test(others_are_busy),
		cmocka_unit_test(the_hypervisor_steals),
		cmocka_unit_test(one_tick_is_forgiven),
		cmocka_unit_test(counters_that_go_backwards),
		cmocka_unit_test(remarks),
		cmocka_unit_test(huge_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
