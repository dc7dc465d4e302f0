/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: each line as one of an operation list, and as one of a recording. What is taken
 * prints as a line that reads back as the same operation and prints as the same line; what is not
 * taken has an error that names the place.
 */
#include "fuzz.h"
#include "lines.h"

#include <string.h>

static const struct form {
	int (*parse)(const char *text, const char *file, unsigned int line, struct sim_op *op,
		     struct sim_error *err);
	int (*print)(const struct sim_op *op, char *buf, size_t size);
} forms[] = {
	{sim_op_parse_list, sim_op_print_list},
	{sim_op_parse_record, sim_op_print_record},
};

static void check_round_trip(const struct form *form, const struct sim_op *op)
{
	char text[SIM_OP_LINE_MAX], again[SIM_OP_LINE_MAX], cut[16];
	struct sim_error err = {""};
	struct sim_op read;
	int len = form->print(op, text, sizeof(text));

	FUZZ_CHECK(len > 0 && (size_t)len == strlen(text), "%d", len);
	FUZZ_CHECK(form->parse(text, "fuzz", 7, &read, &err) == 1, "%s: %s", text, err.text);
	FUZZ_CHECK(fuzz_same_op(op, &read), "%s", text);
	FUZZ_CHECK(form->print(&read, again, sizeof(again)) == len, "%s", text);
	FUZZ_CHECK(!strcmp(text, again), "%s / %s", text, again);
	if ((size_t)len >= sizeof(cut))
		FUZZ_CHECK(form->print(op, cut, sizeof(cut)) < 0, "%s", text);
}

static void check_line(const struct form *form, const char *text)
{
	struct sim_error err = {""};
	struct sim_op op;
	int ret = form->parse(text, "fuzz", 7, &op, &err);

	if (ret == 1) {
		FUZZ_CHECK(op.line == 7 && op.kind < NR_SIM_OPS, "%s", text);
		check_round_trip(form, &op);
	} else if (ret) {
		fuzz_check_error(ret, &err, "fuzz:7");
	}
	/* Nobody has to want the reason. */
	FUZZ_CHECK(form->parse(text, "fuzz", 7, &op, NULL) == ret, "%s", text);
}

static void make_line(struct fuzz_random *random, const char *before, char *line)
{
	bool record = fuzz_random(random, 2);

	(void)before;
	if (record)
		fuzz_append(line, "%u.%u %u", fuzz_random(random, 20000), fuzz_random(random, 1000),
			    fuzz_random(random, 9));
	fuzz_append(line, "%s%u", record ? " " : "", fuzz_random(random, 9));
	fuzz_append_op(random, line);
	if (record && !fuzz_random(random, 2))
		fuzz_append(line, " = -%u", fuzz_random(random, 140));
	if (record && !fuzz_random(random, 4))
		fuzz_append(line, fuzz_random(random, 2) ? " ;assumed" : " ;file");
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return fuzz_mutate_lines(data, size, max_size, seed, make_line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	FUZZ_CHECK(text, "no memory");
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
			check_line(&forms[i], line);
	}
	free(text);
	return 0;
}
