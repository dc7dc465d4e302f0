/* SPDX-License-Identifier: MIT */
/* Runs in processes of their own: what comes back, in which order, and how it goes wrong. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/jobs.h"

#define RUNS 12
#define LARGE 300000 /* several pipes full */

/* In the place of the program's. */
volatile int cli_interrupts;

bool cli_interrupted(void)
{
	return __atomic_load_n(&cli_interrupts, __ATOMIC_RELAXED);
}

static void on_interrupt(int signal_number)
{
	(void)signal_number;
	__atomic_add_fetch(&cli_interrupts, 1, __ATOMIC_RELAXED);
}

/* What the runs do, and what came of them. */
struct given {
	int (*act)(unsigned int i, json_t **result);
	unsigned int begun, ended;
	struct job_end end[RUNS];
	char died[RUNS][200];
};

static void begin(void *arg, unsigned int i)
{
	struct given *given = arg;

	assert_int_equal(i, given->begun++);
	assert_int_equal(i, given->ended);
}

static int run(void *arg, unsigned int i, json_t **result)
{
	return ((struct given *)arg)->act(i, result);
}

static int end(void *arg, unsigned int i, const struct job_end *job_end)
{
	struct given *given = arg;

	assert_int_equal(i, given->ended++);
	given->end[i] = *job_end;
	if (job_end->died)
		snprintf(given->died[i], sizeof(given->died[i]), "%s", job_end->died);
	return job_end->code;
}

/* The code of all; *said is to be freed: what came on stderr. */
static int do_runs(struct given *given, unsigned int at_once, char **said)
{
	const struct jobs jobs = {RUNS, at_once, true, given, begin, run, end};
	int before = dup(STDERR_FILENO), code;
	FILE *file = tmpfile();
	size_t len = 0;

	assert_non_null(file);
	cli_interrupts = 0;
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	code = jobs_run(&jobs);
	fflush(stderr);
	dup2(before, STDERR_FILENO);
	close(before);
	*said = NULL;
	rewind(file);
	(void)!getdelim(said, &len, '\0', file);
	fclose(file);
	/* Nobody is left behind. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return code;
}

static void forget(struct given *given, char *said)
{
	for (unsigned int i = 0; i < RUNS; i++)
		json_decref(given->end[i].result);
	free(said);
}

/* Integers, reals, and more of both streams than pipes hold. */
static int say_much(unsigned int i, json_t **result)
{
	char *text = malloc(LARGE + 1);

	memset(text, 'a' + (int)i, LARGE);
	text[LARGE] = '\0';
	*result = json_pack("{s:i, s:I, s:f, s:f, s:s}", "i", (int)i, "large",
			    (json_int_t)INT64_MAX - i, "whole", 3.0, "third", 1.0 / (3 + i), "text",
			    text);
	if (i % 3)
		fprintf(stderr, "%u:%s\n", i, text);
	free(text);
	return EXIT_FINE;
}

static void what_comes_is_the_same(void **state)
{
	static const unsigned int at_once[] = {2, 3, RUNS, JOBS_MAX};
	struct given alone = {.act = say_much};
	char *alone_said, *said;

	(void)state;
	assert_int_equal(do_runs(&alone, 1, &alone_said), EXIT_FINE);
	assert_int_equal(alone.ended, RUNS);
	for (size_t n = 0; n < sizeof(at_once) / sizeof(*at_once); n++) {
		struct given given = {.act = say_much};

		assert_int_equal(do_runs(&given, at_once[n], &said), EXIT_FINE);
		assert_int_equal(given.ended, RUNS);
		assert_string_equal(said, alone_said);
		for (unsigned int i = 0; i < RUNS; i++) {
			char *a = json_dumps(alone.end[i].result, 0);
			char *b = json_dumps(given.end[i].result, 0);

			assert_int_equal(given.end[i].code, EXIT_FINE);
			assert_true(json_equal(alone.end[i].result, given.end[i].result));
			assert_string_equal(a, b);
			free(a);
			free(b);
		}
		forget(&given, said);
	}
	forget(&alone, alone_said);
}

/* 7 breaks at once; 4 later, but it is the first. */
static int break_late(unsigned int i, json_t **result)
{
	*result = json_pack("{s:i}", "i", (int)i);
	if (i == 4)
		for (volatile int spin = 0; spin < 50000000;)
			spin = spin + 1;
	if (i == 4 || i == 7)
		fprintf(stderr, "%u broke\n", i);
	return i == 4 || i == 7 ? EXIT_BROKEN : EXIT_FINE;
}

static void the_first_in_order_is_said(void **state)
{
	for (unsigned int at_once = 1; at_once <= RUNS; at_once += 4) {
		struct given given = {.act = break_late};
		char *said;

		(void)state;
		assert_int_equal(do_runs(&given, at_once, &said), EXIT_BROKEN);
		assert_int_equal(given.ended, 5);
		assert_int_equal(given.end[4].code, EXIT_BROKEN);
		assert_int_equal(json_integer_value(json_object_get(given.end[4].result, "i")), 4);
		assert_string_equal(said, "4 broke\n");
		forget(&given, said);
	}
}

static int crash(unsigned int i, json_t **result)
{
	*result = json_object();
	fputs("before\n", stderr);
	fflush(stderr);
	if (i == 2) {
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	return EXIT_FINE;
}

static int end_with_23(unsigned int i, json_t **result)
{
	*result = json_object();
	return i == 2 ? 23 : EXIT_FINE;
}

static int lose_result(unsigned int i, json_t **result)
{
	*result = i == 2 ? NULL : json_object();
	return EXIT_FINE;
}

static int fail_to_set_up(unsigned int i, json_t **result)
{
	*result = i == 2 ? NULL : json_object();
	return i == 2 ? EXIT_USAGE : EXIT_FINE;
}

static void who_dies_is_said(void **state)
{
	static const struct {
		int (*act)(unsigned int i, json_t **result);
		int code;
		const char *died;
	} cases[] = {
		{crash, EXIT_BROKEN, "its process was ended by signal 6, Aborted"},
		{end_with_23, EXIT_BROKEN, "its process ended with 23"},
		{lose_result, EXIT_BROKEN, "its process ended before all of its result was sent"},
		{fail_to_set_up, EXIT_USAGE, ""},
	};

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
		struct given given = {.act = cases[n].act};
		char *said;

		assert_int_equal(do_runs(&given, 4, &said), cases[n].code);
		assert_int_equal(given.ended, 3);
		assert_string_equal(given.died[2], cases[n].died);
		if (cases[n].act == crash)
			assert_string_equal(said, "before\nbefore\nbefore\n");
		forget(&given, said);
	}
}

/* The first two come to their end; the third interrupts its parent, as those after it wait for. */
static int interrupt(unsigned int i, json_t **result)
{
	if (i == 2)
		kill(getppid(), SIGINT);
	while (i >= 2 && !cli_interrupted())
		usleep(1000);
	*result = json_pack("{s:i}", "i", (int)i);
	return i >= 2 ? EXIT_INTERRUPTED : EXIT_FINE;
}

static void an_interrupt_ends_those_under_way(void **state)
{
	struct given given = {.act = interrupt};
	char *said;

	(void)state;
	signal(SIGINT, on_interrupt);
	assert_int_equal(do_runs(&given, 4, &said), EXIT_INTERRUPTED);
	/* 2 to 5 at most were under way, 2 at least. */
	assert_in_range(given.ended, 3, 6);
	assert_int_equal(given.end[1].code, EXIT_FINE);
	for (unsigned int i = 2; i < given.ended; i++) {
		assert_int_equal(given.end[i].code, EXIT_INTERRUPTED);
		assert_int_equal(json_integer_value(json_object_get(given.end[i].result, "i")), i);
	}
	assert_int_equal(given.begun, given.ended);
	forget(&given, said);
	signal(SIGINT, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_is_the_same),
		cmocka_unit_test(the_first_in_order_is_said),
		cmocka_unit_test(who_dies_is_said),
		cmocka_unit_test(an_interrupt_ends_those_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
