/* SPDX-License-Identifier: MIT */
/* Lines of scripts: what stands before and behind an operation, places, and what is refused. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "scenario/op_names.h"
#include "scenario/script.h"

#define NELEMS(array) (sizeof(array) / sizeof((array)[0]))

/* The operation of a line; good until the next call. */
static const struct script_op *read_line(const char *line)
{
	static struct script script;
	struct sim_error err;

	script_free(&script);
	if (!line)
		return NULL;
	if (script_add(&script, line, "s.ini", 3, &err) != 1)
		fail_msg("%s: %s", line, err.text);
	assert_int_equal(script.nr, 1);
	assert_string_equal(script.ops[0].text, line + strspn(line, " \t"));
	assert_int_equal(script.ops[0].op.line, 3);
	return &script.ops[0];
}

static void prefixes_are_read(void **state)
{
	const struct script_op *op = read_line("w heap");

	(void)state;
	assert_int_equal(op->per_mille, 1000);
	assert_int_equal(op->weight, 0);
	assert_int_equal(op->repeat.kind, DRAW_CONSTANT);
	assert_int_equal(op->repeat.number[0], 1);
	assert_int_equal(op->as, -1);
	assert_int_equal(read_line("0% w heap")->per_mille, 0);
	assert_int_equal(read_line("5% w heap")->per_mille, 50);
	assert_int_equal(read_line("0.1% w heap")->per_mille, 1);
	assert_int_equal(read_line("12.5% w heap")->per_mille, 125);
	assert_int_equal(read_line("100% w heap")->per_mille, 1000);
	assert_int_equal(read_line("100.0% w heap")->per_mille, 1000);
	assert_int_equal(read_line("weight 1000000 w heap")->weight, 1000000);
	assert_true(read_line("weight 0 w heap")->weighted);
	assert_int_equal(read_line("16x w heap")->repeat.number[0], 16);
	assert_int_equal(read_line("0x w heap")->repeat.number[0], 0);
	assert_int_equal(read_line("2kx w heap")->repeat.number[0], 2048);
	op = read_line("uniform(1,5)x w heap");
	assert_int_equal(op->repeat.kind, DRAW_UNIFORM);
	assert_int_equal(op->repeat.number[1], 5);
	op = read_line("  30% 4x madvise heap all DONTNEED");
	assert_int_equal(op->per_mille, 300);
	assert_int_equal(op->repeat.number[0], 4);
	op = read_line("weight 3 oneof(1,2)x r heap");
	assert_int_equal(op->weight, 3);
	assert_int_equal(op->repeat.kind, DRAW_ONE_OF);
	read_line(NULL);
}

/* One row: PLACE and what it is. */
struct place_row {
	const char *text, *name;
	enum place_which which;
	unsigned int number;
	enum place_where where;
	int64_t offset;
};

static void places_are_read(void **state)
{
	static const struct place_row rows[] = {
		{"heap", "heap", WHICH_ONLY, 0, WHERE_START, 0},
		{"a.b_c-d", "a.b_c-d", WHICH_ONLY, 0, WHERE_START, 0},
		{"heap+start", "heap", WHICH_ONLY, 0, WHERE_START, 0},
		{"heap+end", "heap", WHICH_ONLY, 0, WHERE_END, 0},
		{"heap+random", "heap", WHICH_ONLY, 0, WHERE_RANDOM, 0},
		{"heap+next", "heap", WHICH_ONLY, 0, WHERE_NEXT, 0},
		{"heap+3", "heap", WHICH_ONLY, 0, WHERE_START, 3 * 4096},
		{"heap+64k", "heap", WHICH_ONLY, 0, WHERE_START, 65536},
		{"heap+0x10", "heap", WHICH_ONLY, 0, WHERE_START, 16},
		{"heap+start-64k", "heap", WHICH_ONLY, 0, WHERE_START, -65536},
		{"heap+end+1", "heap", WHICH_ONLY, 0, WHERE_END, 4096},
		{"heap+end-1m", "heap", WHICH_ONLY, 0, WHERE_END, -(1 << 20)},
		{"heap#0", "heap", WHICH_NUMBER, 0, WHERE_START, 0},
		{"heap#1048576", "heap", WHICH_NUMBER, 1 << 20, WHERE_START, 0},
		{"heap#task+next", "heap", WHICH_TASK, 0, WHERE_NEXT, 0},
		{"heap#random+random", "heap", WHICH_RANDOM, 0, WHERE_RANDOM, 0},
		{"heap#next+end-4k", "heap", WHICH_NEXT, 0, WHERE_END, -4096},
		{"heap#next-4k", "heap", WHICH_NEXT, 0, WHERE_START, -4096},
		{"heap+hot(90,10)", "heap", WHICH_ONLY, 0, WHERE_HOT, 0},
		{"random", "random", WHICH_ONLY, 0, WHERE_START, 0},
	};

	(void)state;
	for (size_t i = 0; i < NELEMS(rows); i++) {
		const struct place_row *row = &rows[i];
		struct sim_error err = {""};
		struct place place;

		if (script_parse_place_alone(row->text, "s.ini", 1, &place, &err))
			fail_msg("%s", err.text);
		assert_int_equal(place.kind, PLACE_NAME);
		assert_string_equal(place.name, row->name);
		assert_int_equal(place.which, row->which);
		assert_int_equal(place.number, row->number);
		assert_int_equal(place.where, row->where);
		assert_true(place.offset == row->offset);
		if (place.where == WHERE_HOT) {
			assert_int_equal(place.hot_percent, 90);
			assert_int_equal(place.hot_part, 10);
		}
	}
}

static void wrong_places_are_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"any",
		"+64k",
		"#1",
		"heap#",
		"heap#-1",
		"heap#x",
		"heap#1048577",
		"heap#1#2",
		"heap#next2",
		"heap#next_x",
		"heap+",
		"heap+x",
		"heap+-4k",
		"heap+end+",
		"heap+end+end",
		"heap+end-",
		"heap+64k-4k",
		"heap+64k+4k",
		"heap+hot",
		"heap+hot()",
		"heap+hot(1)",
		"heap+hot(101,1)",
		"heap+hot(1,100)",
		"heap+hot(1,0)",
		"heap+hot(1,1",
		"heap+hot(1,1)x",
		"heap+uniform(1,2)",
		"heap+9999999t",
		"heap+4096t-4096t",
		"heap 1",
		"a123456789a123456789a123456789ab",
		"heap+0xffffffffffffffff",
	};
	struct sim_error err;
	struct place place;

	(void)state;
	for (size_t i = 0; i < NELEMS(wrong); i++)
		if (script_parse_place_alone(wrong[i], "s.ini", 1, &place, &err) != -EINVAL)
			fail_msg("was read: %s", wrong[i]);
	assert_string_equal(err.text,
			    "s.ini:1: expected a place NAME[#NUMBER][+WHERE][+SIZE], found "
			    "'heap+0xffffffffffffffff'");
}

static void arguments_are_places_and_draws(void **state)
{
	const struct script_op *op = read_line("mmap any uniform(1,4) rw pn as buffer");

	(void)state;
	assert_int_equal(op->op.kind, OP_MMAP);
	assert_int_equal(op->place[0].kind, PLACE_ANY);
	assert_int_equal(op->op.addr, 0);
	assert_int_equal(op->len[0].kind, DRAW_UNIFORM);
	assert_int_equal(op->len[0].number[1], 4 * 4096);
	/* Neither at a place of ours. */
	assert_int_equal(op->op.flags, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	assert_string_equal(op->as_name, "buffer");
	op = read_line("mmap heap all none pe");
	assert_int_equal(op->place[0].kind, PLACE_NAME);
	assert_int_equal(op->len[0].kind, DRAW_NONE);
	assert_int_equal(op->op.flags, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
	op = read_line("mremap a+start-4k 1 exp(4k) to b#2 as c");
	assert_int_equal(op->place[0].offset, -4096);
	assert_int_equal(op->len[0].number[0], 4096);
	assert_int_equal(op->len[1].kind, DRAW_EXP);
	assert_string_equal(op->place[1].name, "b");
	assert_int_equal(op->place[1].number, 2);
	assert_string_equal(op->as_name, "c");
	op = read_line("process_madvise a all b+next 64k COLD");
	assert_int_equal(op->len[0].kind, DRAW_NONE);
	assert_int_equal(op->len[1].number[0], 65536);
	assert_int_equal(op->place[1].where, WHERE_NEXT);
	/* Numbers are what they are in lists of operations. */
	op = read_line("munmap 3 2");
	assert_int_equal(op->place[0].kind, PLACE_NONE);
	assert_int_equal(op->op.addr, SIM_WINDOW_BASE + 3 * 4096);
	assert_int_equal(op->len[0].number[0], 2 * 4096);
	assert_int_equal(read_line("w 0x1234 7")->op.value, 7);
	assert_true(read_line("w heap 7")->op.has_value);
	read_line(NULL);
}

static void script_operations_are_read(void **state)
{
	const struct script_op *op = read_line("sleep exp(2ms)");

	(void)state;
	assert_int_equal(op->op.kind, OP_SLEEP);
	assert_int_equal(op->time.kind, DRAW_EXP);
	assert_int_equal(op->time.number[0], 2000000);
	op = read_line("compute 1.5us");
	assert_int_equal(op->op.kind, OP_COMPUTE);
	assert_int_equal(op->time.number[0], 1500);
	op = read_line("barrier all");
	assert_int_equal(op->op.kind, OP_BARRIER);
	assert_string_equal(op->name, "all");
	op = read_line("30% do it");
	assert_int_equal(op->op.kind, OP_DO);
	assert_string_equal(op->name, "it");
	read_line(NULL);
}

static void what_is_wrong_is_said(void **state)
{
	static const char a_place[] = "expected a page from 0 to 63, an address 0x... or a place "
				      "NAME[#WHICH][+WHERE][+SIZE], found ";
	static const struct {
		const char *line, *what, *rest;
	} wrong[] = {
		{"mummap heap all", "expected an operation, found ",
		 "'mummap' (did you mean munmap?)"},
		{"slep 1", "expected an operation, found ", "'slep' (did you mean sleep?)"},
		{"16x", "expected an operation, found ", "the end of the line"},
		{"16 w heap", "expected an operation, found ", "'16'"},
		{"w16x heap", "expected an operation, found ", "'w16x'"},
		{"101% w heap", "expected an operation, found ", "'101%'"},
		{"100.5% w heap", "expected an operation, found ", "'100.5%'"},
		{"5.55% w heap", "expected an operation, found ", "'5.55%'"},
		{"-5% w heap", "expected an operation, found ", "'-5%'"},
		{"4x 30% w heap", "expected an operation, found ", "'30%'"},
		{"uniform(5,1)x w heap", "expected an operation, found ", "'uniform(5,1)x'"},
		{"weight 1000001 w heap", "expected a weight from 0 to 1000000, found ",
		 "'1000001'"},
		{"weight w heap", "expected a weight from 0 to 1000000, found ", "'w'"},
		{"weight", "expected a weight from 0 to 1000000, found ", "the end of the line"},
		{"w +heap", a_place, "'+heap' (w ADDR [VALUE])"},
		{"w any", "expected a place; any is for mmap, found ", "'any' (w ADDR [VALUE])"},
		{"w 64", "expected a page from 0 to 63 or an address 0x..., found ",
		 "'64' (w ADDR [VALUE])"},
		{"w", "expected a page from 0 to 63 or an address 0x..., found ",
		 "the end of the line (w ADDR [VALUE])"},
		{"munmap heap",
		 "expected a size such as 64k, pages, uniform(A,B), exp(MEAN), "
		 "oneof(A,...), found ",
		 "the end of the line (munmap START LEN)"},
		{"munmap 3 all", "expected a length; all is for a place with a name, found ",
		 "'all' (munmap START LEN)"},
		{"sleep",
		 "expected a time such as 5ms, uniform(A,B), exp(MEAN) or oneof(A,B,...), found ",
		 "the end of the line (sleep TIME)"},
		{"sleep 5k",
		 "expected a time such as 5ms, uniform(A,B), exp(MEAN) or oneof(A,B,...), found ",
		 "'5k' (sleep TIME)"},
		{"barrier", "expected a name of letters, digits, _ - and ., found ",
		 "the end of the line (barrier NAME)"},
		{"do a+b", "expected a name of letters, digits, _ - and ., found ",
		 "'a+b' (do NAME)"},
		{"w heap 1 2", "expected the end of the line, found ", "'2' (w ADDR [VALUE])"},
		{"munmap heap all as x",
		 "expected the end of the line (as is for mmap and mremap), found ",
		 "'as' (munmap START LEN)"},
		{"madvise heap all DONTNED", "expected an advice, found ",
		 "'DONTNED' (did you mean DONTNEED?)"},
	};
	struct script script = {0};
	struct sim_error err;
	char said[512];

	(void)state;
	for (size_t i = 0; i < NELEMS(wrong); i++) {
		assert_int_equal(script_add(&script, wrong[i].line, "s.ini", 9, &err), -EINVAL);
		snprintf(said, sizeof(said), "s.ini:9: %s%s", wrong[i].what, wrong[i].rest);
		assert_string_equal(err.text, said);
	}
	assert_int_equal(script.nr, 0);
}

static void blank_lines_are_none(void **state)
{
	struct script script = {0};
	struct sim_error err;

	(void)state;
	assert_int_equal(script_add(&script, "mmap any all rw p", "s.ini", 9, &err), -EINVAL);
	assert_int_equal(script_add(&script, "mmap any 1 rw p as", "s.ini", 9, &err), -EINVAL);
	assert_int_equal(script_add(&script, "mremap a 1 all to b", "s.ini", 9, &err), -EINVAL);
	assert_int_equal(script_add(&script, "brk any", "s.ini", 9, &err), -EINVAL);
	assert_int_equal(script_add(&script, "", "s.ini", 9, &err), 0);
	assert_int_equal(script_add(&script, "  # a remark", "s.ini", 9, &err), 0);
	script_free(&script);
}

/* Of adjacent lines with a weight the first has their number and sum. */
static void groups_are_adjacent(void **state)
{
	static const char *const lines[] = {"weight 3 w a", "weight 1 r a", "sleep 1",
					    "weight 5 w a", "# nothing",    "weight 2 r a",
					    "5% w a"};
	static const unsigned int group[] = {2, 0, 0, 2, 0, 0}, sum[] = {4, 0, 0, 7, 0, 0};
	struct script script = {0};

	(void)state;
	for (size_t i = 0; i < NELEMS(lines); i++)
		assert_true(script_add(&script, lines[i], "s.ini", 1, NULL) >= 0);
	script_group(&script);
	assert_int_equal(script.nr, NELEMS(group));
	for (size_t i = 0; i < NELEMS(group); i++) {
		assert_int_equal(script.ops[i].group, group[i]);
		assert_int_equal(script.ops[i].group_weight, sum[i]);
	}
	script_free(&script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_read),
		cmocka_unit_test(places_are_read),
		cmocka_unit_test(wrong_places_are_refused),
		cmocka_unit_test(arguments_are_places_and_draws),
		cmocka_unit_test(script_operations_are_read),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(blank_lines_are_none),
		cmocka_unit_test(groups_are_adjacent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
