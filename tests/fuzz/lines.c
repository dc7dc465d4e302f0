/* SPDX-License-Identifier: MIT */
/* Mutation by lines; see lines.h. */
#define _GNU_SOURCE 1
#include "lines.h"
#include "scenario/op_names.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NELEMS(array) (sizeof(array) / sizeof((array)[0]))

unsigned int fuzz_random(struct fuzz_random *random, unsigned int below)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (unsigned int)((z ^ (z >> 31)) % below);
}

void fuzz_append(char *line, const char *fmt, ...)
{
	size_t len = strlen(line);
	va_list args;

	va_start(args, fmt);
	vsnprintf(line + len, FUZZ_LINE_MAX - len, fmt, args);
	va_end(args);
}

/* ---- operations ---- */

static void append_start(struct fuzz_random *random, char *line)
{
	static const uint64_t odd[] = {0,
				       SIM_PAGE_SIZE,
				       UINT64_C(0x10000),
				       SIM_WINDOW_BASE - SIM_PAGE_SIZE,
				       UINT64_C(0x7ffffffff000),
				       UINT64_C(0x7fffffffffffffff),
				       UINT64_C(0xfffffffffffff000)};
	unsigned int page = fuzz_random(random, fuzz_random(random, 2) ? 16 : SIM_WINDOW_PAGES);

	switch (fuzz_random(random, 16)) {
	case 0:
		fuzz_append(line, " 0x%" PRIx64, odd[fuzz_random(random, NELEMS(odd))]);
		break;
	case 1:
		fuzz_append(line, " 0x%" PRIx64,
			    SIM_WINDOW_BASE + page * SIM_PAGE_SIZE + fuzz_random(random, 4096));
		break;
	default:
		fuzz_append(line, " %u", page);
	}
}

static void append_len(struct fuzz_random *random, char *line)
{
	switch (fuzz_random(random, 16)) {
	case 0:
		fuzz_append(line, " %u", fuzz_random(random, SIM_WINDOW_PAGES + 2));
		break;
	case 1:
		fuzz_append(line, " 0x%x", fuzz_random(random, 0x20000));
		break;
	case 2:
		fuzz_append(line, " 0x%x000", 1u << fuzz_random(random, 31));
		break;
	default:
		fuzz_append(line, " %u", 1 + fuzz_random(random, 8));
	}
}

static void append_flags(struct fuzz_random *random, char *line)
{
	static const char letters[] = "ehnPlgk";

	fuzz_append(line, " %c", fuzz_random(random, 6) ? 'p' : 's');
	while (!fuzz_random(random, 3))
		fuzz_append(line, "%c", letters[fuzz_random(random, NELEMS(letters) - 1)]);
}

static void append_advice(struct fuzz_random *random, char *line)
{
	const char *name = sim_advice_name((int)fuzz_random(random, 32));

	if (fuzz_random(random, 2))
		name = fuzz_random(random, 2) ? "DONTNEED" : "FREE";
	if (!fuzz_random(random, 6))
		name = sim_advice_name(100 + (int)fuzz_random(random, 4));
	if (name)
		fuzz_append(line, " %s", name);
	else
		fuzz_append(line, " %u", fuzz_random(random, 128));
}

static void append_move(struct fuzz_random *random, char *line)
{
	const struct sim_move *move = &sim_moves[fuzz_random(random, NR_SIM_MOVES)];

	fuzz_append(line, " %s", move->name);
	if (move->has_new_addr)
		append_start(random, line);
}

static void append_arg(struct fuzz_random *random, enum sim_arg arg, char *line)
{
	char prot[4];

	switch (arg) {
	case SIM_ARG_START:
		append_start(random, line);
		break;
	case SIM_ARG_LEN:
	case SIM_ARG_NEW_LEN:
		append_len(random, line);
		break;
	case SIM_ARG_PROT:
		fuzz_append(line, " %s", sim_prot_name(fuzz_random(random, 8), prot));
		break;
	case SIM_ARG_FLAGS:
		append_flags(random, line);
		break;
	case SIM_ARG_FILE:
		if (!fuzz_random(random, 8))
			fuzz_append(line, " f%u %u", fuzz_random(random, 3),
				    fuzz_random(random, 16));
		break;
	case SIM_ARG_ADVICE:
		append_advice(random, line);
		break;
	case SIM_ARG_MOVE:
		append_move(random, line);
		break;
	case SIM_ARG_OPT_VALUE:
		if (!fuzz_random(random, 4))
			break;
		/* fallthrough */
	case SIM_ARG_VALUE:
		fuzz_append(line, " %u", fuzz_random(random, 6));
		break;
	default:
		break;
	}
}

void fuzz_append_op(struct fuzz_random *random, char *line)
{
	const struct sim_op_spec *spec = &sim_op_specs[fuzz_random(random, NR_SIM_OPS)];

	fuzz_append(line, " %s", spec->name);
	for (int i = 0; i < SIM_OP_ARGS_MAX; i++)
		append_arg(random, spec->arg[i], line);
}

/* A line of a recording: an operation at the time of the line before it, or a task. */
static void make_record(struct fuzz_random *random, const char *before, char *line)
{
	size_t digits = strspn(before, "0123456789.");
	unsigned int tid = 1 + fuzz_random(random, 4);

	if (!fuzz_random(random, 12)) {
		fuzz_append(line, "task %u %u t", tid, 1 + fuzz_random(random, 2));
		return;
	}
	fuzz_append(line, "%.*s", digits ? (int)digits : 1, digits ? before : "0");
	fuzz_append(line, " %u %u", 1 + fuzz_random(random, 2), tid);
	fuzz_append_op(random, line);
	if (!fuzz_random(random, 4))
		fuzz_append(line, " = %s", fuzz_random(random, 2) ? "0" : "EINVAL");
	else if (!fuzz_random(random, 4))
		fuzz_append(line, " = 0x%x000", 0x10000 + fuzz_random(random, 16));
	if (!fuzz_random(random, 8))
		fuzz_append(line, " ;assumed");
}

/* ---- lines ---- */

/* The text being mutated; it keeps to max_size by refusing what does not fit. */
struct text {
	char *bytes;
	size_t size, max_size;
};

/* A line with its newline, if it has one: where it begins and how long it is. */
struct span {
	size_t at, len;
};

static struct span line_at(const struct text *text, size_t at)
{
	const char *end = memchr(text->bytes + at, '\n', text->size - at);

	return (struct span){at, end ? (size_t)(end - text->bytes) + 1 - at : text->size - at};
}

static struct span random_line(struct fuzz_random *random, const struct text *text)
{
	size_t at = text->size ? fuzz_random(random, (unsigned int)text->size) : 0;

	while (at && text->bytes[at - 1] != '\n')
		at--;
	return line_at(text, at);
}

/* Put @len bytes in the place of @span. */
static void replace(struct text *text, struct span span, const char *bytes, size_t len)
{
	size_t behind = span.at + span.len;

	if (text->size - span.len + len > text->max_size)
		return;
	memmove(text->bytes + span.at + len, text->bytes + behind, text->size - behind);
	memcpy(text->bytes + span.at, bytes, len);
	text->size = text->size - span.len + len;
}

static void insert_line(struct fuzz_random *random, struct text *text, fuzz_line_fn *make)
{
	struct span after = random_line(random, text);
	char before[FUZZ_LINE_MAX] = "", line[FUZZ_LINE_MAX + 1] = "";
	size_t len = after.len < sizeof(before) ? after.len : sizeof(before) - 1;

	if (len && text->bytes[after.at + len - 1] == '\n') {
		memcpy(before, text->bytes + after.at, len - 1);
		before[len - 1] = '\0';
	}
	make(random, before, line);
	strcat(line, "\n");
	replace(text, (struct span){after.at + after.len, 0}, line, strlen(line));
}

/* Put a line, or several, somewhere else too. */
static void copy_lines(struct fuzz_random *random, struct text *text)
{
	struct span from = random_line(random, text), to = random_line(random, text), next;
	char copy[8 * FUZZ_LINE_MAX];

	while (from.at + from.len < text->size && !fuzz_random(random, 2)) {
		next = line_at(text, from.at + from.len);
		from.len += next.len;
	}
	if (from.len > sizeof(copy))
		return;
	memcpy(copy, text->bytes + from.at, from.len);
	replace(text, (struct span){to.at, 0}, copy, from.len);
}

/* Replace a word of a line by one at the same place of a line that is made anew. */
static void replace_word(struct fuzz_random *random, struct text *text, fuzz_line_fn *make)
{
	struct span line = random_line(random, text), word = {line.at, 0};
	char fresh[FUZZ_LINE_MAX] = "", *from = fresh;
	size_t end = line.at + line.len;

	make(random, "", fresh);
	for (unsigned int nr = fuzz_random(random, 10);; nr--) {
		word.len = 0;
		while (word.at + word.len < end && !strchr(" \n", text->bytes[word.at + word.len]))
			word.len++;
		if (!nr || word.at + word.len + 1 >= end || !strchr(from, ' '))
			break;
		word.at += word.len + 1;
		from = strchr(from, ' ') + 1;
	}
	replace(text, word, from, strcspn(from, " "));
}

static void mutate_once(struct fuzz_random *random, struct text *text, fuzz_line_fn *make)
{
	switch (fuzz_random(random, 6)) {
	case 0:
		replace(text, random_line(random, text), "", 0);
		break;
	case 1:
		copy_lines(random, text);
		break;
	case 2:
	case 3:
		replace_word(random, text, make);
		break;
	default:
		insert_line(random, text, make);
	}
}

size_t fuzz_mutate_lines(uint8_t *data, size_t size, size_t max_size, unsigned int seed,
			 fuzz_line_fn *make)
{
	struct text text = {(char *)data, size, max_size};
	struct fuzz_random random = {seed};

	if (!fuzz_random(&random, 6))
		return LLVMFuzzerMutate(data, size, max_size);
	do {
		mutate_once(&random, &text, make);
	} while (fuzz_random(&random, 3));
	/* libFuzzer takes an empty answer for a failure. */
	return text.size ? text.size : LLVMFuzzerMutate(data, size, max_size);
}

/* A time that is before the line's above is set to that one. */
static void raise_times(struct text *text)
{
	uint64_t time, last = 0;
	struct span line, digits;
	char fresh[24];

	for (size_t at = 0; at < text->size; at = line.at + line.len) {
		digits = (struct span){at, 0};
		time = 0;
		while (at + digits.len < text->size && digits.len < 15 &&
		       text->bytes[at + digits.len] >= '0' && text->bytes[at + digits.len] <= '9')
			time = time * 10 + (uint64_t)(text->bytes[at + digits.len++] - '0');
		if (digits.len && time < last) {
			snprintf(fresh, sizeof(fresh), "%" PRIu64, last);
			replace(text, digits, fresh, strlen(fresh));
		} else if (digits.len) {
			last = time;
		}
		line = line_at(text, at);
	}
}

size_t fuzz_mutate_recording(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct text text = {
		(char *)data,
		fuzz_mutate_lines(data, size, max_size, seed, make_record),
		max_size,
	};

	raise_times(&text);
	return text.size;
}
