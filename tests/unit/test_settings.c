/* SPDX-License-Identifier: MIT */
/* Settings: parameters, options, lists and the matrix that they make. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/made_scenario.h"

#define P "[process p]\n"
#define T "[task t]\nscript = r 0\n"

static void open_text(const char *text, struct settings *settings)
{
	struct sim_error err;

	if (scenario_open_text(text, "x.ini", settings, &err))
		fail_msg("%s", err.text);
}

static void check_error(const char *text, const char *said)
{
	struct made *made;

	assert_int_equal(make(text, "x.ini", &made), -EINVAL);
	assert_string_equal(made->err.text, said);
	unmake(made);
}

static void check_points(const char *text, const char *const *points, unsigned int nr)
{
	struct made *made;

	for (unsigned int i = 0; i < nr; i++) {
		if (make_point(text, "x.ini", i, &made))
			fail_msg("%s", made->err.text);
		assert_int_equal(scenario_points(&made->settings), nr);
		assert_string_equal(made->s.point, points[i]);
		unmake(made);
	}
}

static void lists_make_a_matrix(void **state)
{
	static const char text[] = "[global]\nkernel = 6.1, 6.18\n" P
				   "[task a]\nnice = 0 ,5,  10\ncpu = 0 1\nscript = r 0\n";
	static const char *const points[] = {"kernel=6.1 a.nice=0",  "kernel=6.1 a.nice=5",
					     "kernel=6.1 a.nice=10", "kernel=6.18 a.nice=0",
					     "kernel=6.18 a.nice=5", "kernel=6.18 a.nice=10"};
	static const char *const none[] = {""};
	struct made *made;

	(void)state;
	check_points(text, points, 6);
	check_points(P T, none, 1);
	assert_int_equal(make_point(text, "x.ini", 4, &made), 0);
	assert_string_equal(made->s.sets[0].axis, "kernel");
	assert_string_equal(made->s.sets[0].value, "6.18");
	assert_int_equal(made->s.tasks[0].nice, 5);
	unmake(made);
}

static void commas_within_brackets_stay(void **state)
{
	static const char text[] = "[parameter pause]\ndefault = exp(1ms), uniform(1ms,2ms)\n" P
				   "[task t]\nscript = sleep ${pause}\n";
	static const char *const points[] = {"pause=exp(1ms)", "pause=uniform(1ms,2ms)"};
	struct made *made;

	(void)state;
	check_points(text, points, 2);
	assert_int_equal(make_point(text, "x.ini", 1, &made), 0);
	assert_int_equal(made->s.tasks[0].script.ops[0].time.kind, DRAW_UNIFORM);
	unmake(made);
}

static void set_is_split_into_its_axes(void **state)
{
	static const char text[] = "[global]\nset = fault=mmap_lock,vma_refcnt, munmap=whole\n"
				   "\trwsem=no_steal\n" P T;
	static const char *const points[] = {"fault=mmap_lock", "fault=vma_refcnt"};
	struct made *made;

	(void)state;
	check_points(text, points, 2);
	assert_int_equal(make_point(text, "x.ini", 1, &made), 0);
	assert_int_equal(made->s.nr_sets, 3);
	assert_string_equal(made->s.sets[0].axis, "fault");
	assert_string_equal(made->s.sets[0].value, "vma_refcnt");
	assert_int_equal(made->s.sets[0].line, 2);
	assert_string_equal(made->s.sets[1].axis, "munmap");
	assert_string_equal(made->s.sets[1].value, "whole");
	assert_string_equal(made->s.sets[2].axis, "rwsem");
	assert_int_equal(made->s.sets[2].line, 3);
	unmake(made);
}

/* The kernel sets all axes, so it comes first, wherever it stands. */
static void the_kernel_is_first(void **state)
{
	struct made *made;

	(void)state;
	assert_int_equal(make("[global]\nset = munmap=whole fault=mmap_lock\nkernel = 6.12\n" P T,
			      "x.ini", &made),
			 0);
	assert_int_equal(made->s.nr_sets, 3);
	assert_string_equal(made->s.sets[0].axis, "kernel");
	assert_string_equal(made->s.sets[1].axis, "munmap");
	assert_string_equal(made->s.sets[2].axis, "fault");
	unmake(made);
}

static void parameters_are_put_in(void **state)
{
	static const char text[] = P "[vma heap]\nsize = ${size}\n[parameter size]\ndefault = 1m\n"
				     "help = of the heap\n[parameter n]\ndefault = 2,3\n"
				     "[task t]\nscript =\n\t${n}x w heap+${off}k\n"
				     "[parameter off]\ndefault = 16\n";
	struct made *made;

	(void)state;
	assert_int_equal(make_point(text, "x.ini", 1, &made), 0);
	assert_int_equal(made->s.vmas[0].size, 1 << 20);
	assert_int_equal(made->s.tasks[0].script.ops[0].repeat.number[0], 3);
	assert_int_equal(made->s.tasks[0].script.ops[0].place[0].offset, 16 << 10);
	assert_int_equal(made->s.nr_parameters, 3);
	assert_string_equal(made->s.parameters[1].value, "3");
	assert_string_equal(made->s.parameters[0].help, "of the heap");
	unmake(made);
}

static void wrong_parameters_are_said(void **state)
{
	char text[1024], a[201];

	(void)state;
	check_error("[global]\nsteps = ${n}\n",
		    "x.ini:2: expected ${NAME} of a parameter, found '${n}'");
	check_error("[global]\nsteps = ${}\n",
		    "x.ini:2: expected ${NAME} of a parameter, found '${}'");
	/* No bracket closes it: what is behind the text must not be read. */
	check_error("[parameter n]\ndefault = 1\n[global]\nsteps = 4${n\n",
		    "x.ini:4: expected ${NAME} of a parameter, found '${n'");
	check_error("[parameter n]\ndefault = 1\n[global]\nsteps = ${${n}}\n",
		    "x.ini:4: expected ${NAME} of a parameter, found '${${n}}'");
	/* A parameter's value is taken as it is. */
	check_error("[parameter n]\ndefault = 1\n[parameter m]\ndefault = ${n}\n"
		    "[global]\nsteps = ${m}\n",
		    "x.ini:6: expected a size such as 1m, found '${n}' (steps = ${m})");
	/* No default. */
	check_error("[parameter n]\nhelp = x\n[global]\nsteps = ${n}\n",
		    "x.ini:4: expected ${NAME} of a parameter, found '${n}'");
	memset(a, 'a', sizeof(a) - 1);
	a[sizeof(a) - 1] = '\0';
	snprintf(text, sizeof(text),
		 "[parameter n]\ndefault = %.100s\n[global]\nquestion = ${n}${n}${n}${n}${n}${n}\n",
		 a);
	check_error(text, "x.ini:4: expected a shorter value");
	snprintf(text, sizeof(text), "[global]\nquestion = %.200s\n", a);
	check_error(text, "x.ini:2: expected a line of less than 199 characters, found "
			  "'question = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'");
	snprintf(text, sizeof(text), "[parameter n]\ndefault = %.150s\n", a);
	check_error(text, "x.ini:2: expected a shorter text, found "
			  "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'");
}

static void options_replace(void **state)
{
	static const char text[] = "[global]\nkernel = 6.1,6.18\nset = fault=mmap_lock\n"
				   "[parameter n]\ndefault = 1,2,3\n" P
				   "[task a.b]\nnice = ${n}\nscript =\n\tr 0\n\tr 1\n";
	struct settings settings;
	struct scenario *s = calloc(1, sizeof(*s));
	struct sim_error err;

	(void)state;
	assert_non_null(s);
	open_text(text, &settings);
	assert_int_equal(scenario_points(&settings), 6);
	assert_int_equal(scenario_set(&settings, "kernel", "6.12", &err), 0);
	assert_int_equal(scenario_points(&settings), 3);
	assert_int_equal(scenario_set(&settings, "n", "7", &err), 0);
	assert_int_equal(scenario_points(&settings), 1);
	assert_int_equal(
		scenario_set(&settings, "set", "fault=vma_refcnt,vma_rwsem munmap=whole", &err), 0);
	assert_int_equal(scenario_points(&settings), 2);
	assert_int_equal(scenario_set(&settings, "set", "kernel=6.15", &err), 0);
	assert_int_equal(scenario_set(&settings, "a.b.script", "w 2", &err), 0);
	assert_int_equal(scenario_set(&settings, "a.b.count", "4", &err), 0);
	assert_int_equal(scenario_make(&settings, 1, s, &err), 0);
	assert_string_equal(s->point, "fault=vma_rwsem");
	assert_int_equal(s->nr_sets, 3);
	assert_string_equal(s->sets[0].value, "6.15");
	assert_string_equal(s->sets[1].file, "--set");
	assert_int_equal(s->tasks[0].nice, 7);
	assert_int_equal(s->tasks[0].count, 4);
	assert_int_equal(s->tasks[0].script.nr, 1);
	assert_int_equal(s->tasks[0].script.ops[0].op.kind, OP_W);
	scenario_free(s);
	assert_int_equal(scenario_set(&settings, "a.b.nice", "20", &err), 0);
	assert_int_equal(scenario_make(&settings, 0, s, &err), -EINVAL);
	assert_string_equal(err.text, "--a.b.nice: expected a number from -20 to 19, found '20'");
	assert_int_equal(scenario_set(&settings, "a.b.nice", "19", &err), 0);
	assert_int_equal(scenario_set(&settings, "a.b.script", "w b", &err), 0);
	assert_int_equal(scenario_make(&settings, 0, s, &err), -EINVAL);
	assert_string_equal(err.text, "--a.b.script: expected the name of a [vma NAME] or behind "
				      "as, found 'b'");
	settings_free(&settings);
	free(s);
}

#define A_KEY "expected an option or a key of the scenario"
#define SEE " (`mmsim help x.ini`)"

static void wrong_options_are_said(void **state)
{
	static const struct {
		const char *name, *value, *said;
	} wrong[] = {
		{"kernl", "1", "--kernl: " A_KEY "; did you mean --kernel?" SEE},
		{"pece", "1", "--pece: " A_KEY "; did you mean --piece?" SEE},
		{"ui.nic", "1", "--ui.nic: " A_KEY "; did you mean --ui.nice?" SEE},
		{"collector.nice", "1", "--collector.nice: " A_KEY SEE},
		{"piece.defau", "1", "--piece.defau: " A_KEY "; did you mean --piece.default?" SEE},
		{"", "1", "--: " A_KEY SEE},
		{"set", "munmap", "--set: expected AXIS=VALUE, found 'munmap'"},
	};
	struct settings settings;
	struct sim_error err;
	char value[600];

	(void)state;
	open_text(P "[parameter piece]\ndefault = 1\n[task ui]\nscript = r 0\n", &settings);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_true(scenario_set(&settings, wrong[i].name, wrong[i].value, &err) < 0);
		assert_string_equal(err.text, wrong[i].said);
	}
	memset(value, '1', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_int_equal(scenario_set(&settings, "piece", value, &err), -EINVAL);
	assert_string_equal(err.text, "--piece: expected a shorter value");
	for (int i = 0; i < 64; i++)
		assert_int_equal(scenario_set(&settings, "piece", "2", &err), 0);
	assert_int_equal(scenario_set(&settings, "piece", "2", &err), -ENOMEM);
	assert_string_equal(err.text, "--piece: expected at most 64 options and settings of axes");
	settings_free(&settings);
}

/* A matrix has as many points as it has, and not that many times 2^32. */
static void too_many_points_are_many(void **state)
{
	static const char list[] =
		"0,1,2,3,4,5,6,7,0,1,2,3,4,5,6,7,0,1,2,3,4,5,6,7,0,1,2,3,4,5,6,7";
	char text[2048];
	struct settings settings;

	(void)state;
	snprintf(text, sizeof(text),
		 "[task a]\nnice = %s\nfifo = %s\ncount = %s\n[task b]\nnice = %s\nfifo = %s\n"
		 "count = %s\nloops = %s\n",
		 list, list, list, list, list, list, list);
	open_text(text, &settings);
	assert_int_equal(scenario_points(&settings), UINT32_MAX);
	settings_free(&settings);
}

static void syntax_is_forgiving(void **state)
{
	static const char text[] = "\xef\xbb\xbf# a remark\r\n[global] ; a remark\r\n"
				   "steps : 5 ; a remark\r\n; a remark\r\n\r\n"
				   "question=a;b\r\n\tc ; a remark\r\n\td\t; a remark \r\n"
				   "[process\t p ]\r\n[task  t]\r\nscript =\r\n"
				   "\t# a remark\r\n\tr 0  \t ; a remark\r\n\r\n    w 0\r\n"
				   "[global]\r\nmemory = 2m";
	struct made *made;

	(void)state;
	if (make(text, "x.ini", &made))
		fail_msg("%s", made->err.text);
	assert_int_equal(made->s.steps, 5);
	assert_string_equal(made->s.question, "a;b c d");
	assert_int_equal(made->s.memory, 2 << 20);
	assert_int_equal(made->s.tasks[0].script.nr, 2);
	assert_string_equal(made->s.tasks[0].script.ops[0].text, "r 0");
	unmake(made);
}

static void too_many_lines_are_refused(void **state)
{
	const size_t nr = SETTINGS_MAX + 10, size = nr * 5 + 100;
	char *text = malloc(size), *at = text;
	struct made *made;

	(void)state;
	assert_non_null(text);
	at += sprintf(at, "[task t]\nscript =\n");
	for (size_t i = 0; i < nr; i++)
		at += sprintf(at, "\tr 0\n");
	assert_int_equal(make(text, "x.ini", &made), -EINVAL);
	assert_string_equal(made->err.text,
			    "x.ini:10001: expected at most 10000 lines, found 'script'");
	unmake(made);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_make_a_matrix),
		cmocka_unit_test(commas_within_brackets_stay),
		cmocka_unit_test(set_is_split_into_its_axes),
		cmocka_unit_test(the_kernel_is_first),
		cmocka_unit_test(parameters_are_put_in),
		cmocka_unit_test(wrong_parameters_are_said),
		cmocka_unit_test(options_replace),
		cmocka_unit_test(wrong_options_are_said),
		cmocka_unit_test(too_many_points_are_many),
		cmocka_unit_test(syntax_is_forgiving),
		cmocka_unit_test(too_many_lines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
