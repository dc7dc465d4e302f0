/* SPDX-License-Identifier: MIT */
/* Scenario files: what is read, what is refused and where; shrinking of schedules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scenario/run_script.h"
#include "scenario/shrink.h"
#include "scenario/size.h"

static const char good[] = "# a comment\n"
			   "[global]\n"
			   "question = What is it\n"
			   "   that is asked?\n"
			   "kernel = 6.12\n"
			   "set = munmap=whole, rwsem=no_steal\n"
			   "memory = 2m\n"
			   "steps = 5k\n"
			   "\n"
			   "[process A]\n"
			   "setup =\n"
			   "	mmap 0 4 rw p\n"
			   "	w 0 7 ; a remark\n"
			   "[process B]\n"
			   "[task T1]\n"
			   "process = A\n"
			   "cpu = 3\n"
			   "script =\n"
			   "	r 0\n"
			   "\n"
			   "	munmap 0 4\n"
			   "[task T2]\n"
			   "process = B\n"
			   "after = T1\n"
			   "script = mmap 8 1 r p\n";

static void all_of_it_is_read(void **state)
{
	static struct scenario s;
	struct mmsim_config config;
	struct sim_error err;

	(void)state;
	if (scenario_parse(good, "dir/good.ini", &s, &err))
		fail_msg("%s", err.text);
	assert_string_equal(s.name, "good");
	assert_string_equal(s.question, "What is it that is asked?");
	assert_int_equal(s.nr_sets, 3);
	assert_string_equal(s.sets[2].axis, "rwsem");
	assert_string_equal(s.sets[2].value, "no_steal");
	assert_int_equal(s.nr_processes, 2);
	assert_int_equal(s.processes[0].setup.nr, 2);
	assert_int_equal(s.processes[0].setup.ops[1].value, 7);
	assert_int_equal(s.processes[0].setup.ops[1].line, 13);
	assert_int_equal(s.nr_tasks, 2);
	assert_int_equal(s.tasks[0].cpu, 3);
	assert_int_equal(s.tasks[0].after, -1);
	assert_int_equal(s.tasks[0].script.nr, 2);
	assert_int_equal(s.tasks[1].process, 1);
	assert_int_equal(s.tasks[1].cpu, -1);
	assert_int_equal(s.tasks[1].after, 0);
	assert_int_equal(s.tasks[1].script.nr, 1);
	assert_int_equal(script_config(&s, &config, &err), 0);
	assert_string_equal(config.kernel, "6.12");
	assert_string_equal(config.munmap, "whole");
	assert_int_equal(config.memory_bytes, 2 << 20);
	assert_int_equal(config.max_steps, 5 << 10);
	assert_int_equal(script_check(&s, &err), 0);
	scenario_free(&s);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *said;
	} bad[] = {
		{"kernel = 6.1\n", "x.ini:1: expected a section first, found 'kernel'"},
		{"[globl]\n", "x.ini:1: expected [global], [process NAME] or [task NAME], "
			      "found 'globl' (did you mean global?)"},
		{"[global\n", "x.ini:1: expected a ] in the line"},
		{"[global] x\n[task]\n", "x.ini:2: expected [SECTION NAME]"},
		{"[global x]\n", "x.ini:1: expected no name, found 'x'"},
		{"[global]\nkernl = 6\n",
		 "x.ini:2: expected a key of the section, found 'kernl' (did you mean kernel?)"},
		{"[global]\nset = munmap\n", "x.ini:2: expected AXIS=VALUE, found 'munmap'"},
		{"[global]\nmemory = 1x\n", "x.ini:2: expected a size such as 1m, found '1x'"},
		{"[global]\nnothing\n", "x.ini:2: expected [SECTION], KEY = VALUE"},
		{"[task main]\n", "x.ini:1: expected a name that the machine has not taken"},
		{"[task a b]\n", "x.ini:1: expected a name of letters"},
		{"[task a]\nprocess = p\n", "x.ini:2: expected process = NAME"},
		{"[task a]\n[task a]\n", "x.ini:2: expected each task once"},
		{"[process a]\n[process a]\n", "x.ini:2: expected each process once"},
		{"[process a]\n", "x.ini: expected a [task NAME]"},
		{"[task a]\ncpu = 64\n", "x.ini:2: expected a CPU from 0 to 63"},
		{"[task abc]\n[task d]\nafter = abd\n",
		 "x.ini:3: expected the name of a task above, found 'abd' (did you mean abc?)"},
		{"[task a]\nafter = a\n", "x.ini:2: expected the name of a task above"},
		{"[process a]\nsetup =\n\tmunmap 0 1\n\tmummap 0 1\n",
		 "x.ini:4: expected an operation, found 'mummap' (did you mean munmap?)"},
		{" [global]\n", "x.ini:1: expected [ at the line's beginning"},
	};
	static struct scenario s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct sim_error err = {""};

		assert_int_equal(scenario_parse(bad[i].text, "x.ini", &s, &err), -EINVAL);
		if (strncmp(err.text, bad[i].said, strlen(bad[i].said)))
			fail_msg("%zu: expected \"%s\", got \"%s\"", i, bad[i].said, err.text);
	}
}

static void what_cannot_be_run_is_said(void **state)
{
	static const char text[] = "[global]\nset = munmap=never\n[process a]\n[task t]\n"
				   "process = a\nscript =\n\tr 0\n\tfork\n";
	struct mmsim_config config;
	static struct scenario s;
	struct sim_error err;

	(void)state;
	assert_int_equal(scenario_parse(text, "x.ini", &s, &err), 0);
	assert_int_equal(script_config(&s, &config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "x.ini:2: munmap=never"));
	assert_int_equal(script_check(&s, &err), -EOPNOTSUPP);
	assert_string_equal(err.text, "x.ini:8: fork: not simulated yet");
	scenario_free(&s);
}

/* A process ends with its last task, in the run; a setup that fails is no failure of the run. */
static void scripts_are_run(void **state)
{
	static struct script_verdict v;
	struct mmsim_config config;
	static struct scenario s;
	struct sim_error err;

	(void)state;
	assert_int_equal(scenario_parse(good, "good.ini", &s, &err), 0);
	assert_int_equal(script_config(&s, &config, &err), 0);
	if (script_run(&s, &config, true, &v) || v.err)
		fail_msg("%s", v.why);
	/* Each operation's beginning and each task's end, T2 after T1. */
	assert_int_equal(v.nr_events, 5);
	assert_int_equal(v.events[2].task, 0);
	assert_int_equal(v.events[2].op, 2);
	assert_int_equal(v.events[3].task, 1);
	free(v.events);
	s.processes[0].setup.ops[1].addr = 0;
	assert_int_equal(script_run(&s, &config, false, &v), -EFAULT);
	assert_string_equal(v.why, "good.ini:13: expected a setup that succeeds, got EFAULT");
	scenario_free(&s);
}

static void sizes_and_times(void **state)
{
	uint64_t n;

	(void)state;
	assert_int_equal(sim_parse_size("12", &n), 0);
	assert_int_equal(n, 12);
	assert_int_equal(sim_parse_size("3M", &n), 0);
	assert_int_equal(n, 3 << 20);
	assert_int_equal(sim_parse_time("90s", &n), 0);
	assert_int_equal(n, 90000000000);
	assert_int_equal(sim_parse_time("7", &n), 0);
	assert_int_equal(n, 7000000000);
	assert_int_equal(sim_parse_time("5ms", &n), 0);
	assert_int_equal(n, 5000000);
	assert_int_equal(sim_parse_size("-1", &n), -EINVAL);
	assert_int_equal(sim_parse_size("3mm", &n), -EINVAL);
	assert_int_equal(sim_parse_size("", &n), -EINVAL);
	assert_int_equal(sim_parse_time("5 s", &n), -EINVAL);
	assert_int_equal(sim_parse_time("s", &n), -EINVAL);
}

/* ---- shrinking ---- */

/* Fails if the words of @data come in their order, whatever is between them. */
static bool holds_words(const char *schedule, void *data)
{
	const char *const *words = data;
	char copy[512], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", schedule);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (*words && !strcmp(word, *words))
			words++;
	return !*words;
}

static void check_shrink(const char *schedule, const char *const *needed, const char *expected)
{
	const volatile int stop = 0;
	unsigned int tries;
	char *shrunk = shrink_schedule(schedule, holds_words, (void *)needed, &stop, &tries);

	assert_non_null(shrunk);
	assert_string_equal(shrunk, expected);
	assert_in_range(tries, 1, 500);
	free(shrunk);
}

static void schedules_are_shrunk(void **state)
{
	static const char *const two[] = {"B*4", "D~", NULL}, *const none[] = {NULL};
	static const char *const merged[] = {"A*8", NULL};

	(void)state;
	check_shrink("A*3 B*4 C~ A D~ E*7 !tick F", two, "B*4 D~");
	check_shrink("B*4 D~", two, "B*4 D~");
	check_shrink("A B C D E F G H", none, "");
	/* What was left out may have stood between two stretches of one task. */
	check_shrink("A*3 C~ A*5 D*2", merged, "A*8");
	assert_int_equal(shrink_words(""), 0);
	assert_int_equal(shrink_words(" A  B~ "), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_is_read),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(what_cannot_be_run_is_said),
		cmocka_unit_test(scripts_are_run),
		cmocka_unit_test(sizes_and_times),
		cmocka_unit_test(schedules_are_shrunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
