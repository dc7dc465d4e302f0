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
#include "support/made_scenario.h"

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
	struct mmsim_config config;
	struct sim_error err;
	struct made *made;
	struct scenario *s;

	(void)state;
	if (make(good, "dir/good.ini", &made))
		fail_msg("%s", made->err.text);
	s = &made->s;
	assert_string_equal(s->name, "good");
	assert_string_equal(s->question, "What is it that is asked?");
	assert_int_equal(s->nr_sets, 3);
	assert_string_equal(s->sets[2].axis, "rwsem");
	assert_string_equal(s->sets[2].value, "no_steal");
	assert_int_equal(s->nr_processes, 2);
	assert_int_equal(s->processes[0].setup.nr, 2);
	assert_int_equal(s->processes[0].setup.ops[1].op.value, 7);
	assert_int_equal(s->processes[0].setup.ops[1].op.line, 13);
	assert_int_equal(s->nr_tasks, 2);
	assert_int_equal(s->tasks[0].cpu, 3);
	assert_int_equal(s->tasks[0].after, -1);
	assert_int_equal(s->tasks[0].script.nr, 2);
	assert_int_equal(s->tasks[1].process, 1);
	assert_int_equal(s->tasks[1].cpu, -1);
	assert_int_equal(s->tasks[1].after, 0);
	assert_int_equal(s->tasks[1].script.nr, 1);
	assert_int_equal(script_config(s, &config, &err), 0);
	assert_string_equal(config.kernel, "6.12");
	assert_string_equal(config.munmap, "whole");
	assert_int_equal(config.memory_bytes, 2 << 20);
	assert_int_equal(config.max_steps, 5 << 10);
	assert_int_equal(workload_check(s, &err), 0);
	unmake(made);
}

/* What each text is refused with, to the letter. */
struct wrong {
	const char *text, *said;
};

static void check_wrong(const struct wrong *wrong, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct made *made;
		int result = make(wrong[i].text, "x.ini", &made);

		assert_int_equal(result, -EINVAL);
		if (strcmp(made->err.text, wrong[i].said))
			fail_msg("%zu: expected \"%s\", got \"%s\"", i, wrong[i].said,
				 made->err.text);
		unmake(made);
	}
}

#define CHECK_WRONG(table) check_wrong(table, sizeof(table) / sizeof(*(table)))

static void wrong_sections_are_said(void **state)
{
	static const struct wrong wrong[] = {
		{"kernel = 6.1\n", "x.ini:1: expected a section first, found 'kernel'"},
		{"[globl]\n",
		 "x.ini:1: expected [global] or [parameter|process|vma|task|script NAME],"
		 " found 'globl' (did you mean global?)"},
		{"[global\nkernel = 6.1\n", "x.ini:1: expected a ] in the line, found '[global'"},
		{"[global] x\n[task]\n", "x.ini:2: expected [SECTION NAME], found ''"},
		{"[global x]\n", "x.ini:1: expected no name, found 'x'"},
		{" [global]\n[task t]\n",
		 "x.ini:1: expected [ at the line's beginning, found '[global]'"},
		{"[global]\nnothing\n",
		 "x.ini:2: expected [SECTION], KEY = VALUE or an indented line "
		 "of a value, found 'another'"},
		{"[task main]\n",
		 "x.ini:1: expected a name that the machine has not taken (main, rcu, "
		 "io, progress), found 'main'"},
		{"[task a b]\n",
		 "x.ini:1: expected a name of letters, digits, _ - and ., found 'a b'"},
		{"[task a123456789a123456789a123456789ab]\n",
		 "x.ini:1: expected a name of 1 to 31 characters, found "
		 "'a123456789a123456789a123456789ab'"},
		{"[a123456789a12345 x]\n",
		 "x.ini:1: expected a shorter section, found 'a123456789a12345'"},
		{"[process p]\n[task a]\n[task a]\n",
		 "x.ini:3: expected each task once, found 'a'"},
		{"[process a]\n[process a]\n", "x.ini:2: expected each process once, found 'a'"},
		{"[process a]\n", "x.ini: expected a [task NAME]"},
		{"", "x.ini: expected a [task NAME]"},
		{"[set]\nmunmap = whole\n",
		 "x.ini:1: expected [global] or "
		 "[parameter|process|vma|task|script NAME], found 'set'"},
	};

	(void)state;
	CHECK_WRONG(wrong);
}

static void wrong_keys_are_said(void **state)
{
	static const struct wrong wrong[] = {
		{"[global]\nkernl = 6\n",
		 "x.ini:2: expected a key of the section, found 'kernl' (did you mean kernel?)"},
		{"[global]\nset.munmap = whole\n",
		 "x.ini:2: expected a key of the section, found 'set.munmap'"},
		{"[global]\na123456789a123456789a1234567890123 = 1\n",
		 "x.ini:2: expected a shorter key, found 'a123456789a123456789a1234567890123'"},
		{"[global]\nset = munmap\n", "x.ini:2: expected AXIS=VALUE, found 'munmap'"},
		{"[global]\nset = =whole\n", "x.ini:2: expected AXIS=VALUE, found '=whole'"},
		{"[global]\nset = munmap=\n", "x.ini:2: expected AXIS=VALUE, found 'munmap='"},
		{"[global]\nset = kernel=6.1\n",
		 "x.ini:2: expected kernel = VERSION in a line of its own"},
		{"[global]\nmemory = 1x\n", "x.ini:2: expected a size such as 1m, found '1x'"},
		{"[global]\nmemory =\n", "x.ini:2: expected a size such as 1m, found ''"},
		{"[global]\nseconds = 1 s\n",
		 "x.ini:2: expected a time such as 8.33ms, found '1 s'"},
		{"[global]\nsteps = 1\nsteps = 2\n",
		 "x.ini:3: expected each key once, found 'steps'"},
		{"[global]\nsteps = 1\n\t2\n", "x.ini:3: expected each key once, found 'steps'"},
		{"[parameter a]\ndefault = 1,2\n[parameter a]\n",
		 "x.ini:3: expected each parameter once, found 'a'"},
		{"[task a]\ncount = 1001\n",
		 "x.ini:2: expected a number from 0 to 1000, found '1001'"},
		{"[task a]\ncount = -1\n", "x.ini:2: expected a number from 0 to 1000, found '-1'"},
		{"[task a]\ncount = 1k\n", "x.ini:2: expected a number from 0 to 1000, found '1k'"},
		{"[task a]\nnice = -21\n",
		 "x.ini:2: expected a number from -20 to 19, found '-21'"},
		{"[task a]\nfifo = 100\n", "x.ini:2: expected a number from 0 to 99, found '100'"},
		{"[task a]\ncpu = 1024\n",
		 "x.ini:2: expected a CPU, CPUs such as 0-3 6, or any, found '1024'"},
		{"[task a]\ncpu = 3-1\n",
		 "x.ini:2: expected a CPU, CPUs such as 0-3 6, or any, found '3-1'"},
		{"[task a]\ncpu = 0-4096\n",
		 "x.ini:2: expected a CPU, CPUs such as 0-3 6, or any, found '0-4096'"},
		{"[task a]\ncpu = 1;2\n",
		 "x.ini:2: expected a CPU, CPUs such as 0-3 6, or any, found '1;2'"},
		{"[task a]\ncpu = 0- 3\n",
		 "x.ini:2: expected a CPU, CPUs such as 0-3 6, or any, found '0- 3'"},
		{"[task a]\ncpu = +1\n",
		 "x.ini:2: expected a CPU, CPUs such as 0-3 6, or any, found '+1'"},
		{"[vma a]\nprot = wr\n",
		 "x.ini:2: expected a protection (none r rw rx rwx w x wx), found 'wr'"},
		{"[vma a]\nflags = nq\n", "x.ini:2: expected any of n P l g k, found 'nq'"},
		{"[vma a]\nmapped = maybe\n", "x.ini:2: expected yes or no, found 'maybe'"},
		{"[vma a]\ntouch = 101\n", "x.ini:2: expected a number from 0 to 100, found '101'"},
		{"[vma a]\nat = any\n",
		 "x.ini:2: expected a place NAME[#NUMBER][+WHERE][+SIZE], found 'any'"},
	};

	(void)state;
	CHECK_WRONG(wrong);
}

#define IN_P "[process p]\n"
#define TASK "[task t]\nscript = r 0\n"

static void wrong_names_are_said(void **state)
{
	static const struct wrong wrong[] = {
		{"[task a]\nprocess = p\n",
		 "x.ini:2: expected process = NAME of a [process NAME], found 'p'"},
		{"[task a]\n", "x.ini:1: expected process = NAME of a [process NAME], found ''"},
		{"[process app]\n[process b]\n[task a]\nprocess = ap\n",
		 "x.ini:4: expected process = NAME of a [process NAME], found 'ap' (did you mean "
		 "app?)"},
		{IN_P "[task abc]\n[task d]\nafter = abd\n",
		 "x.ini:4: expected the name of a task above, found 'abd' (did you mean abc?)"},
		{IN_P "[task a]\nafter = a\n",
		 "x.ini:3: expected the name of a task above, found 'a'"},
		{IN_P TASK "[task u]\nscript = w heap\n",
		 "x.ini:5: expected the name of a [vma NAME] or behind as, found 'heap'"},
		{IN_P "[task t]\nscript = do it\n[script it]\nscript = do it\n",
		 "x.ini:5: expected the name of a [script NAME] above, found 'it'"},
		{IN_P "[task a]\nscript = barrier x\n[task b]\nafter = a\nscript = barrier x\n",
		 "x.ini:5: expected a task that does not wait at a barrier for this one, found "
		 "'a'"},
		{IN_P "[vma v]\nsize = 4k\n[task t]\nscript = mmap any 1 r p as v\n",
		 "x.ini:5: expected a name that no VMA has, found 'v'"},
		{IN_P "[process q]\n[vma v]\nprocess = p\nsize = 4k\n[task t]\nprocess = q\n"
		      "script = r v\n",
		 "x.ini:8: expected a VMA of the task's process, found 'v'"},
		{"[process p]\n[process q]\n[vma v]\nprocess = p\nsize = 4k\n"
		 "[script s]\nscript = r v\n[script s2]\nscript = do s\n"
		 "[task t]\nprocess = q\nscript = do s2\n",
		 "x.ini:12: expected a script with VMAs of the task's process, found 's2'"},
		{"[process a]\nsetup =\n\tmunmap 0 1\n\tmummap 0 1\n",
		 "x.ini:4: expected an operation, found 'mummap' (did you mean munmap?)"},
		{"[process a]\nsetup = sleep 1\n[task t]\n",
		 "x.ini:2: expected an operation on memory, as it is a setup, found 'sleep'"},
	};

	(void)state;
	CHECK_WRONG(wrong);
}

static void wrong_vmas_are_said(void **state)
{
	static const struct wrong wrong[] = {
		{IN_P "[vma v]\n" TASK, "x.ini:2: expected size = SIZE of vma v"},
		{IN_P "[vma v]\nsize = 5000\n" TASK,
		 "x.ini:2: expected sizes that are a multiple of 4k of vma v"},
		{IN_P "[vma v]\nsize = 4k\ngap = 1\n" TASK,
		 "x.ini:2: expected sizes that are a multiple of 4k of vma v"},
		{IN_P "[vma v]\nsize = 4k\ntouch = 1\nprot = r\n" TASK,
		 "x.ini:2: expected memory that can be written, as touch says of vma v"},
		{IN_P "[vma v]\nsize = 4k\ntouch = 1\nmapped = no\n" TASK,
		 "x.ini:2: expected memory that can be written, as touch says of vma v"},
		{IN_P "[vma u]\nsize = 4k\n[vma v]\nsize = 4k\nat = u+random\n" TASK,
		 "x.ini:4: expected at = NAME[#NUMBER][+end][+SIZE] of vma v"},
		{IN_P "[vma u]\nsize = 4k\n[vma v]\nsize = 4k\nat = u#next\n" TASK,
		 "x.ini:4: expected at = NAME[#NUMBER][+end][+SIZE] of vma v"},
		{IN_P "[vma u]\nsize = 4k\nat = v\n[vma v]\nsize = 4k\n" TASK,
		 "x.ini:2: expected at = a VMA above, found 'v'"},
		{IN_P "[vma u]\nsize = 4k\ncount = 2\n[task t]\nscript = r u\n",
		 "x.ini:6: expected #N, #task, #random or #next, as there are several, found 'u'"},
		{IN_P "[vma u]\nsize = 4k\ncount = 2\n[task t]\nscript = r u#2\n",
		 "x.ini:6: expected a number below the VMA's count, found 'u'"},
		{IN_P "[vma u]\nsize = 4k\ncount = 0\n[task t]\nscript = r u#next\n",
		 "x.ini:6: expected a VMA with a count above 0, found 'u'"},
	};

	(void)state;
	CHECK_WRONG(wrong);
}

static void cpus_are_lists_with_blanks(void **state)
{
	static const struct {
		const char *text, *cpus;
		int cpu;
	} lists[] = {
		{"3", "3", 3},		{"0-3", "0-3", -1},
		{"0-3 6", "0-3,6", -1}, {"0  6-7\t9", "0,6-7,9", -1},
		{"any", "any", -1},	{"1023", "1023", 1023},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		char text[128];
		struct made *made;

		snprintf(text, sizeof(text), IN_P TASK "cpu = %s\n", lists[i].text);
		if (make(text, "x.ini", &made))
			fail_msg("%s", made->err.text);
		assert_string_equal(made->s.tasks[0].cpus, lists[i].cpus);
		assert_int_equal(made->s.tasks[0].cpu, lists[i].cpu);
		unmake(made);
	}
}

static void what_cannot_be_run_is_said(void **state)
{
	static const char text[] = "[global]\nset = munmap=never\n[process a]\n[task t]\n"
				   "process = a\nscript =\n\tr 0\n\tthread 7\n";
	struct mmsim_config config;
	struct sim_error err;
	struct made *made;

	(void)state;
	assert_int_equal(make(text, "x.ini", &made), 0);
	assert_int_equal(script_config(&made->s, &config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "x.ini:2: munmap=never"));
	assert_int_equal(workload_check(&made->s, &err), -EOPNOTSUPP);
	assert_string_equal(err.text, "x.ini:8: thread: not simulated yet");
	unmake(made);
}

/* A process ends with its last task, in the run; a setup that fails is no failure of the run. */
static void scripts_are_run(void **state)
{
	static struct script_verdict v;
	struct mmsim_config config;
	struct sim_error err;
	struct made *made;

	(void)state;
	assert_int_equal(make(good, "good.ini", &made), 0);
	assert_int_equal(script_config(&made->s, &config, &err), 0);
	if (script_run(&made->s, &config, true, &v) || v.err)
		fail_msg("%s", v.why);
	/* Each operation's beginning and each task's end, T2 after T1. */
	assert_int_equal(v.nr_events, 5);
	assert_int_equal(v.events[2].task, 0);
	assert_int_equal(v.events[2].op, 2);
	assert_int_equal(v.events[3].task, 1);
	free(v.events);
	made->s.processes[0].setup.ops[1].op.addr = 0;
	assert_int_equal(script_run(&made->s, &config, false, &v), -EFAULT);
	assert_string_equal(v.why,
			    "good.ini:13: expected a setup that succeeds, got EFAULT: w 0 7");
	unmake(made);
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
		cmocka_unit_test(wrong_sections_are_said),
		cmocka_unit_test(wrong_keys_are_said),
		cmocka_unit_test(wrong_names_are_said),
		cmocka_unit_test(wrong_vmas_are_said),
		cmocka_unit_test(cpus_are_lists_with_blanks),
		cmocka_unit_test(what_cannot_be_run_is_said),
		cmocka_unit_test(scripts_are_run),
		cmocka_unit_test(sizes_and_times),
		cmocka_unit_test(schedules_are_shrunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
