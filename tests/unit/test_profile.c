/* SPDX-License-Identifier: MIT */
/* Machine profiles: what a file may say, and each error. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "machine/timed/profile.h"

#define TEXT_MAX 16384

static struct profile profile;
static char error[256];

/* A small profile in which all costs are 7, of a line each. */
static const char *plain(void)
{
	static char text[TEXT_MAX];
	int n = snprintf(text, sizeof(text),
			 "[machine]\n"
			 "description = a test\n"
			 "hz = 250 (s)\n"
			 "preemption = none (s)\n"
			 "\n"
			 "[cluster a]\n"
			 "cpus = 4 (s)\n"
			 "[cluster b]\n"
			 "cpus = 2 (s)\n"
			 "threads = 2 (s)\n"
			 "capacity = 512 (s)\n"
			 "socket = 1 (s)\n"
			 "[device]\n"
			 "channels = 4 (s)\n"
			 "latency = 1us 2us 3us 4us 5ms (s)\n"
			 "[costs]\n");

	for (int i = 0; i < NR_PROFILE_COSTS; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s = 7 (s)\n",
			      profile_costs[i].name);
	return text;
}

/* The same with one piece replaced. */
static const char *with(const char *piece, const char *by)
{
	static char text[TEXT_MAX];
	const char *at = strstr(plain(), piece);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - plain()), plain(), by,
		 at + strlen(piece));
	return text;
}

static void parse(const char *text)
{
	if (profile_parse(text, "dir/x.ini", &profile, error))
		fail_msg("%s", error);
	assert_string_equal(error, "");
}

static void check_error(const char *piece, const char *by, const char *said)
{
	assert_int_equal(profile_parse(with(piece, by), "dir/x.ini", &profile, error), -EINVAL);
	assert_string_equal(error, said);
}

/* ---- what a file may say ---- */

static void a_file_says_all(void **state)
{
	static const uint64_t ns[] = {1000, 2000, 3000, 4000, 5000000};

	(void)state;
	parse(plain());
	assert_string_equal(profile.name, "x");
	assert_string_equal(profile.description, "a test");
	assert_int_equal(profile.hz, 250);
	assert_int_equal(profile.nr_cpus, 6);
	assert_int_equal(profile.nr_sockets, 2);
	assert_string_equal(profile.cluster[0].name, "a");
	assert_int_equal(profile.cluster[0].threads, 1);
	assert_int_equal(profile.cluster[0].capacity, 1024);
	assert_int_equal(profile.cluster[0].socket, 0);
	assert_int_equal(profile.cluster[1].threads, 2);
	assert_int_equal(profile.cluster[1].capacity, 512);
	assert_int_equal(profile.cluster[1].socket, 1);
	assert_int_equal(profile.channels, 4);
	assert_memory_equal(profile.latency_ns, ns, sizeof(ns));
	for (int i = 0; i < NR_PROFILE_COSTS; i++) {
		assert_int_equal(profile.cost[i], 7);
		assert_string_equal(profile.source[i], "s");
	}
}

static void check_cost(const char *value, enum profile_cost cost, uint64_t amount)
{
	char piece[64], by[64];

	snprintf(piece, sizeof(piece), "\n%s = 7", profile_costs[cost].name);
	snprintf(by, sizeof(by), "\n%s = %s", profile_costs[cost].name, value);
	parse(with(piece, by));
	assert_int_equal(profile.cost[cost], amount);
}

static void units_are_converted(void **state)
{
	(void)state;
	check_cost("0", COST_step, 0);
	check_cost("12ns", COST_step, 12);
	check_cost("2.8ms", COST_slice, 2800000);
	check_cost("0.001us", COST_ipi, 1);
	check_cost("1.500us", COST_ipi, 1500);
	check_cost("1000000ms", COST_rcu_grace, 1000 * NSEC_PER_SEC);
	check_cost("51.2GB/s", COST_bandwidth, 51200);
	check_cost("800MB/s", COST_bandwidth, 800);
	check_cost("800", COST_bandwidth, 800);
}

static void sources_may_hold_brackets_and_signs(void **state)
{
	(void)state;
	parse(with("step = 7 (s)", "step=7ns\t( read (twice), a = b: 0.7 ms x (1 + 2) ) ; remark"));
	assert_string_equal(profile.source[COST_step], "read (twice), a = b: 0.7 ms x (1 + 2)");
	parse(with("step = 7 (s)", "# remark\n; another\r\n \t\nstep = 7(s)\r"));
	assert_string_equal(profile.source[COST_step], "s");
}

static void sections_may_come_in_parts(void **state)
{
	(void)state;
	parse(with("[device]\n", "[costs]\n[machine]\n[device]\n"));
	assert_int_equal(profile.nr_clusters, 2);
	parse(with("[machine]\n", "\xef\xbb\xbf[machine]\n"));
}

/* ---- errors ---- */

static void numbers_are_bounded(void **state)
{
	(void)state;
	check_error("hz = 250", "hz = 0",
		    "dir/x.ini:3: expected hz = a number from 1 to 10000, found '0'");
	check_error("hz = 250", "hz = 10001",
		    "dir/x.ini:3: expected hz = a number from 1 to 10000, found '10001'");
	check_error("hz = 250", "hz = 250.0",
		    "dir/x.ini:3: expected hz = a number from 1 to 10000, found '250.0'");
	check_error("cpus = 4", "cpus = 0",
		    "dir/x.ini:7: expected cpus = a number from 1 to 128, found '0'");
	check_error("cpus = 4", "cpus = 99999999999999999999999",
		    "dir/x.ini:7: expected cpus = a number from 1 to 128, found "
		    "'99999999999999999999999'");
	check_error("cpus = 4", "cpus = 127",
		    "dir/x.ini:8: expected at most 128 CPUs in all clusters, found 'b'");
	check_error("capacity = 512", "capacity = 0",
		    "dir/x.ini:11: expected capacity = a number from 1 to 1024, found '0'");
	check_error("capacity = 512", "capacity = 1025",
		    "dir/x.ini:11: expected capacity = a number from 1 to 1024, found '1025'");
	check_error("threads = 2", "threads = -2",
		    "dir/x.ini:10: expected threads = a number from 1 to 128, found '-2'");
	check_error("channels = 4", "channels = 0",
		    "dir/x.ini:14: expected channels = a number from 1 to 1024, found '0'");
	check_error("channels = 4", "channels =",
		    "dir/x.ini:14: expected channels = a number from 1 to 1024, found ''");
}

static void costs_are_whole_and_bounded(void **state)
{
	static const char *const wrong[] = {"-1",
					    "1.5",
					    "1.5ns",
					    "0.0001us",
					    "1000001ms",
					    "1000000000001",
					    "18446744073709551616",
					    "340282366920938463463374607431768211456",
					    "0.00000000000000000000000001ms",
					    "7s",
					    "7 ns",
					    "7.",
					    ".7us",
					    "7..1us",
					    "0x7",
					    "7MB/s",
					    "seven"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char by[128], said[256];

		snprintf(by, sizeof(by), "step = %s", wrong[i]);
		snprintf(said, sizeof(said),
			 "dir/x.ini:17: expected step = a time such as 30ns or 2.8ms, whole ns, "
			 "up to 1000000ms, found '%s'",
			 wrong[i]);
		check_error("step = 7", by, said);
	}
	check_error("slice = 7", "slice = 0ms",
		    "dir/x.ini:32: expected slice above 0, found '0ms'");
	check_error("bandwidth = 7", "bandwidth = 0",
		    "dir/x.ini:33: expected bandwidth above 0, found '0'");
	check_error("bandwidth = 7", "bandwidth = 7ns",
		    "dir/x.ini:33: expected bandwidth = a rate such as 800MB/s or 51.2GB/s, whole "
		    "MB/s, found '7ns'");
	check_error("bandwidth = 7", "bandwidth = 1000001GB/s",
		    "dir/x.ini:33: expected bandwidth = a rate such as 800MB/s or 51.2GB/s, whole "
		    "MB/s, found '1000001GB/s'");
}

static void every_number_has_a_source(void **state)
{
	(void)state;
	check_error("step = 7 (s)", "step = 7",
		    "dir/x.ini:17: expected step = VALUE (SOURCE), found '7'");
	check_error("step = 7 (s)", "step = 7 (s",
		    "dir/x.ini:17: expected step = VALUE (SOURCE), found '7 (s'");
	check_error("step = 7 (s)", "step = 7 (s) ns",
		    "dir/x.ini:17: expected step = VALUE (SOURCE), found '7 (s) ns'");
	check_error("step = 7 (s)", "step = )",
		    "dir/x.ini:17: expected step = VALUE (SOURCE), found ')'");
	check_error("step = 7 (s)",
		    "step =", "dir/x.ini:17: expected step = VALUE (SOURCE), found ''");
	check_error("step = 7 (s)", "step = 7 ( )",
		    "dir/x.ini:17: expected a source that is not empty, found '()'");
	check_error("hz = 250 (s)", "hz = 250 ()",
		    "dir/x.ini:3: expected a source that is not empty, found '()'");
	check_error("cpus = 4 (s)", "cpus = 4",
		    "dir/x.ini:7: expected cpus = VALUE (SOURCE), found '4'");
	check_error("none (s)", "none",
		    "dir/x.ini:4: expected preemption = VALUE (SOURCE), found 'none'");
	check_error("step = 7 (s)", "step = 7 (\xe2\x80\x93)",
		    "dir/x.ini:17: expected printable ASCII in the value of step");
}

static void unknown_words_are_refused(void **state)
{
	(void)state;
	check_error(
		"step = 7", "stop = 7",
		"dir/x.ini:17: expected a key of the section (did you mean step?), found 'stop'");
	check_error("step = 7", "whatever = 7",
		    "dir/x.ini:17: expected a key of the section, found 'whatever'");
	check_error("capacity = ", "capacty = ",
		    "dir/x.ini:11: expected a key of the section (did you mean capacity?), found "
		    "'capacty'");
	check_error(
		"[costs]", "[cost]",
		"dir/x.ini:16: expected [machine], [cluster NAME], [costs] or [device] (did you "
		"mean costs?), found 'cost'");
	check_error("[costs]", "[costs x]", "dir/x.ini:16: expected no name in [costs], found 'x'");
	check_error("[costs]", "[costs",
		    "dir/x.ini:16: expected [SECTION] of at most 62 characters, found '[costs'");
	check_error("none (s)", "some (s)",
		    "dir/x.ini:4: expected preemption = none or full, found 'some'");
	check_error("= a test", "=",
		    "dir/x.ini:2: expected description = a line of text, found ''");
}

static void what_is_double_or_missing_is_refused(void **state)
{
	(void)state;
	check_error("hz = 250 (s)", "hz = 250 (s)\nhz = 250 (s)",
		    "dir/x.ini:4: expected each key once, found 'hz'");
	check_error("atomic = 7", "step = 7", "dir/x.ini:18: expected each key once, found 'step'");
	check_error("channels = 4 (s)\n", "channels = 4 (s)\n[device]\nchannels = 4 (s)\n",
		    "dir/x.ini:16: expected each key once, found 'channels'");
	check_error("[cluster b]", "[cluster a]",
		    "dir/x.ini:8: expected each cluster once, found 'a'");
	check_error("atomic = 7 (s)\nrelax = 7 (s)\n", "",
		    "dir/x.ini:45: expected atomic = in [costs], found 'the end'");
	check_error("syscall = 7 (s)\n", "",
		    "dir/x.ini:46: expected syscall = in [costs], found 'the end'");
	check_error("hz = 250 (s)\n", "",
		    "dir/x.ini:46: expected hz = in [machine], found 'the end'");
	check_error("latency = 1us 2us 3us 4us 5ms (s)\n", "",
		    "dir/x.ini:46: expected latency = in [device], found 'the end'");
	check_error("cpus = 4 (s)\n", "",
		    "dir/x.ini:6: expected cpus = in [cluster NAME], found 'a'");
	assert_int_equal(profile_parse("", "x.ini", &profile, error), -EINVAL);
	assert_string_equal(error, "x.ini:1: expected description = in [machine], found 'the end'");
	assert_int_equal(profile_parse("[machine]\ndescription = d\nhz = 1 (s)\n"
				       "preemption = full (s)",
				       "x.ini", &profile, error),
			 -EINVAL);
	assert_string_equal(error, "x.ini:4: expected [cluster NAME], found 'the end'");
}

static void clusters_fit_together(void **state)
{
	(void)state;
	check_error(
		"threads = 2", "threads = 4",
		"dir/x.ini:8: expected threads that divide cpus (4, 2) in [cluster NAME], found "
		"'b'");
	check_error("socket = 1", "socket = 2",
		    "dir/x.ini:8: expected socket 1 before socket 2, found 'b'");
	check_error("socket = 1", "socket = 32",
		    "dir/x.ini:12: expected socket = a number from 0 to 31, found '32'");
	check_error("[cluster b]", "[cluster]",
		    "dir/x.ini:8: expected a name of 1 to 31 characters, found ''");
	check_error("[cluster b]", "[cluster b b]",
		    "dir/x.ini:8: expected a name of letters, digits, _ - and ., found 'b b'");
}

static void too_many_clusters_are_refused(void **state)
{
	char text[4096];
	int n = 0;

	(void)state;
	for (int i = 0; i <= PROFILE_MAX_CLUSTERS; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "[cluster c%d]\ncpus = 1 (s)\n",
			      i);
	assert_int_equal(profile_parse(text, "x.ini", &profile, error), -EINVAL);
	assert_string_equal(error, "x.ini:65: expected at most 32 clusters, found 'c32'");
}

static void latencies_do_not_decrease(void **state)
{
	(void)state;
	check_error("1us 2us 3us 4us 5ms", "1us 2us 3us 4us",
		    "dir/x.ini:15: expected latency = 5 times, found '1us 2us 3us 4us'");
	check_error("1us 2us 3us 4us 5ms", "1us 2us 3us 4us 5ms 6ms",
		    "dir/x.ini:15: expected latency = 5 times, found '1us 2us 3us 4us 5ms 6ms'");
	check_error("1us 2us 3us 4us 5ms", "1us 3us 2us 4us 5ms",
		    "dir/x.ini:15: expected latencies of which none is below the one before, found "
		    "'2us 4us 5ms'");
	check_error("1us 2us 3us 4us 5ms", "1us 2us 3xs 4us 5ms",
		    "dir/x.ini:15: expected a time such as 80us or 0.4ms, whole ns, up to "
		    "1000000ms, found '3xs 4us 5ms'");
	parse(with("1us 2us 3us 4us 5ms", "0 0 3us\t3us  3us"));
	assert_int_equal(profile.latency_ns[2], 3000);
}

static void lines_have_a_form(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	check_error("[machine]\n", "hz = 1 (s)\n",
		    "dir/x.ini:1: expected a section first, found 'hz'");
	check_error("hz = 250 (s)", "hz",
		    "dir/x.ini:3: expected [SECTION] or KEY = VALUE (SOURCE), found 'another'");
	check_error(
		"hz = 250 (s)", " hz = 250 (s)",
		"dir/x.ini:3: expected no blank at the line's beginning, found ' hz = 250 (s)'");
	snprintf(text, sizeof(text), "step = 7 (%0180d)", 0);
	assert_int_equal(profile_parse(with("step = 7 (s)", text), "x.ini", &profile, error),
			 -EINVAL);
	assert_non_null(strstr(error, "x.ini:17: expected a value with its source of less than 160 "
				      "characters, found '7 (000"));
	snprintf(text, sizeof(text), "step = 7 (%0280d)", 0);
	assert_int_equal(profile_parse(with("step = 7 (s)", text), "x.ini", &profile, error),
			 -EINVAL);
	assert_non_null(strstr(error, "x.ini:17: expected a line of less than "));
}

static void file_names_are_names(void **state)
{
	char path[600];

	(void)state;
	snprintf(path, sizeof(path), "%0400d/%040d.ini", 0, 0);
	assert_int_equal(profile_parse(plain(), path, &profile, error), -EINVAL);
	assert_non_null(strstr(error, "expected a file name of 1 to 31 characters before .ini"));
	assert_true(strlen(error) < sizeof(error) - 1);
	assert_int_equal(profile_parse(plain(), "dir/", &profile, error), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_says_all),
		cmocka_unit_test(units_are_converted),
		cmocka_unit_test(sources_may_hold_brackets_and_signs),
		cmocka_unit_test(sections_may_come_in_parts),
		cmocka_unit_test(numbers_are_bounded),
		cmocka_unit_test(costs_are_whole_and_bounded),
		cmocka_unit_test(every_number_has_a_source),
		cmocka_unit_test(unknown_words_are_refused),
		cmocka_unit_test(what_is_double_or_missing_is_refused),
		cmocka_unit_test(clusters_fit_together),
		cmocka_unit_test(too_many_clusters_are_refused),
		cmocka_unit_test(latencies_do_not_decrease),
		cmocka_unit_test(lines_have_a_form),
		cmocka_unit_test(file_names_are_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
