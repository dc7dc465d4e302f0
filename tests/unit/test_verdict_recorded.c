/* SPDX-License-Identifier: MIT */
/*
 * Comparisons that were measured on a computer at work, judged again: tests/compare/record made
 * them. In aa.txt.xz both sides are the same; in held.txt.xz b holds mmap_lock a fifth longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replay/text_file.h"
#include "report/verdicts.h"

#define ROUNDS_MAX 64
#define EFFECT 0.03

/* One metric of one comparison. */
struct line {
	unsigned int comparison, format, higher, metrics, rounds;
	char scenario[64], metric[64];
	double values[3][ROUNDS_MAX];
};

struct recorded {
	unsigned int lines, comparisons;
	unsigned int called; /* comparisons of which any metric was called better or worse */
	unsigned int found; /* comparisons that call the holds of munmap worse */
	unsigned int last, last_called; /* numbers of comparisons */
};

static void parse(char *text, struct line *line)
{
	int used;

	assert_int_equal(sscanf(text, "%u %63s %63s %u %u %u %u%n", &line->comparison,
				line->scenario, line->metric, &line->format, &line->higher,
				&line->metrics, &line->rounds, &used),
			 7);
	assert_in_range(line->rounds, 1, ROUNDS_MAX);
	text += used;
	for (int side = 0; side < 3; side++)
		for (unsigned int i = 0; i < line->rounds; i++)
			line->values[side][i] = strtod(text, &text);
	assert_string_equal(text, "");
}

static enum verdict judge(const struct line *line)
{
	const struct metric metric = {.format = (enum metric_format)line->format,
				      .higher_is_better = line->higher};
	const struct verdict_samples samples = {line->values[0], line->values[1], line->values[2],
						line->rounds};
	const struct verdict_question question =
		verdicts_question(&metric, EFFECT, line->metrics, &samples);
	struct verdict_result result;

	assert_int_equal(verdict_judge(&question, &samples, &result), 0);
	return result.verdict;
}

static void count(const struct line *line, struct recorded *r)
{
	enum verdict verdict = judge(line);

	r->lines++;
	r->comparisons += line->comparison != r->last;
	r->last = line->comparison;
	r->found +=
		verdict == VERDICT_WORSE && !strcmp(line->metric, "mmap_lock.munmap.hold_read.p50");
	if ((verdict != VERDICT_BETTER && verdict != VERDICT_WORSE) ||
	    r->last_called == line->comparison)
		return;
	r->last_called = line->comparison;
	r->called++;
	print_message("comparison %u, %s: %s is called %s\n", line->comparison, line->scenario,
		      line->metric, verdict == VERDICT_BETTER ? "better" : "worse");
}

static void read_recorded(const char *name, struct recorded *r)
{
	static struct line line;
	struct text_file file;
	struct sim_error err;
	char path[512], *save;

	memset(r, 0, sizeof(*r));
	snprintf(path, sizeof(path), MMSIM_SOURCE_DIR "/tests/compare/%s.txt.xz", name);
	if (text_file_read(path, &file, &err))
		fail_msg("%s", err.text);
	for (char *text = strtok_r(file.text, "\n", &save); text;
	     text = strtok_r(NULL, "\n", &save)) {
		parse(text, &line);
		count(&line, r);
	}
	free(file.text);
}

static void a_against_a_is_hardly_ever_called(void **state)
{
	struct recorded r;

	(void)state;
	read_recorded("aa", &r);
	assert_int_equal(r.comparisons, 200);
	assert_true(r.lines > 1000);
	assert_in_range(r.called, 0, 2);
}

static void a_planted_fifth_is_found(void **state)
{
	struct recorded r;

	(void)state;
	read_recorded("held", &r);
	assert_int_equal(r.comparisons, 10);
	assert_in_range(r.found, 9, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_against_a_is_hardly_ever_called),
		cmocka_unit_test(a_planted_fifth_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
