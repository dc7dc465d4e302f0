/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the conditions of --fail-if. What is taken reads back from its own text as the same
 * condition; what is not has an error whose place is in the text.
 */
#include "fuzz.h"

#include "compare/condition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct condition list[CONDITIONS_MAX];

static unsigned int count_lines(const char *text)
{
	unsigned int lines = 1;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void check_condition(const struct condition *c, const char *text)
{
	static struct condition again[CONDITIONS_MAX];
	struct condition_error error;

	FUZZ_CHECK(c->line >= 1 && c->line <= count_lines(text), "line %u", c->line);
	FUZZ_CHECK(c->column >= 1 && c->bound_column > c->column, "column %u", c->column);
	/* One so long that it was cut reads otherwise. */
	if (strlen(c->text) == CONDITION_TEXT_MAX - 1)
		return;
	FUZZ_CHECK(conditions_parse(c->text, again, &error) == 1, "%s: %s", c->text, error.text);
	FUZZ_CHECK(!strcmp(again->metric, c->metric) && again->op == c->op &&
			   again->unit == c->unit && again->of_change == c->of_change &&
			   again->bound == c->bound,
		   "%s", c->text);
	/* Whatever the values: an answer, and of the same values the same. */
	FUZZ_CHECK(condition_holds(c, 0, INT64_MAX) == condition_holds(again, 0, INT64_MAX), "%s",
		   c->text);
	FUZZ_CHECK(condition_holds(c, INT64_MAX, 0) == condition_holds(again, INT64_MAX, 0), "%s",
		   c->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct condition_error error = {0};
	int nr;

	memcpy(text, data, size);
	text[size] = '\0';
	nr = conditions_parse(text, list, &error);
	FUZZ_CHECK(nr == -EINVAL || (nr > 0 && nr <= CONDITIONS_MAX), "%d", nr);
	for (int i = 0; i < nr; i++)
		check_condition(&list[i], text);
	if (nr < 0) {
		FUZZ_CHECK(error.line >= 1 && error.line <= count_lines(text), "%u", error.line);
		FUZZ_CHECK(error.column >= 1 && error.column <= strlen(text) + 1, "%u",
			   error.column);
		FUZZ_CHECK(*error.text && !strchr(error.text, '\n'), "%s", error.text);
	}
	free(text);
	return 0;
}
