/* SPDX-License-Identifier: MIT */
/* Blame as text: sentence, table, folded stacks; see blame.h. */
#include "blame.h"
#include "json.h"
#include "result.h"
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_SHOWN 8
#define SHARES_SAID 3 /* groups of rows in a sentence */
#define HANDOVER_SAID 5 /* percent */

static const struct share {
	const char *name, *key, *folded;
} shares[] = {{"running", "running_ns", "running"},
	      {"preempted", "preempted_ns", "preempted"},
	      {"asleep", "asleep_ns", "asleep"},
	      {"I/O", "io_ns", "in I/O"},
	      {"handover", "handover_ns", "let go, nobody has it yet"}};
#define NR_SHARES (sizeof(shares) / sizeof(*shares))

struct text {
	char *buf;
	size_t size, used;
};

static void add(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *fmt, ...)
{
	size_t left = text->size - text->used;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->buf + text->used, left, fmt, args);
	va_end(args);
	text->used += n < 0 ? 0 : (size_t)n < left ? (size_t)n : left - 1;
}

static uint64_t ns_of(const json_t *row, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(row, key));
}

static bool is(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static int by_total(const void *a, const void *b)
{
	uint64_t x = ns_of(*(json_t *const *)a, "total_ns");
	uint64_t y = ns_of(*(json_t *const *)b, "total_ns");

	return (x < y) - (x > y);
}

/* The rows, the longest in all first; to be freed. */
static const json_t **sorted_rows(const json_t *blame, size_t *nr)
{
	const json_t *rows = json_object_get(blame, "rows");
	const json_t **sorted;

	*nr = json_array_size(rows);
	sorted = calloc(*nr + 1, sizeof(*sorted));
	for (size_t i = 0; sorted && i < *nr; i++)
		sorted[i] = json_array_get(rows, i);
	if (sorted)
		qsort(sorted, *nr, sizeof(*sorted), by_total);
	return sorted;
}

/* "madvise", and where in it the lock was taken if that is elsewhere. */
static void add_place(struct text *text, const json_t *object)
{
	const char *operation = json_text(object, "operation"), *site = json_text(object, "site");

	add(text, "%s", operation);
	if (strcmp(operation, site))
		add(text, " (%s)", site);
}

/* ---- the sentence ---- */

/* Rows that a person would not tell apart. */
struct group {
	char what[256];
	uint64_t ns, count, preempted, asleep_ns, io_ns;
};

/* Whom the wait was for, and whom in the end. */
static void describe_group(const json_t *row, struct text *text)
{
	const json_t *chain = json_object_get(row, "chain");
	size_t length = json_array_size(chain);
	const json_t *first = json_array_get(chain, 0);
	const json_t *last = json_array_get(chain, length ? length - 1 : 0);

	if (is(row, "others")) {
		add(text, "to chains too many to tell apart");
	} else if (!length) {
		add(text, "to nobody that could be seen");
	} else if (is(first, "behind_writer")) {
		add(text, "behind a queued writer (%s by %s)", json_text(first, "operation"),
		    json_text(first, "task"));
	} else {
		add(text, "to %s in %s", json_text(first, "task"), json_text(first, "operation"));
	}
	if (length > 1)
		add(text, ", in the end to %s in %s", json_text(last, "task"),
		    json_text(last, "operation"));
}

static struct group *group_of(struct group *groups, size_t *nr, const char *what)
{
	for (size_t i = 0; i < *nr; i++)
		if (!strcmp(groups[i].what, what))
			return &groups[i];
	snprintf(groups[*nr].what, sizeof(groups->what), "%s", what);
	return &groups[(*nr)++];
}

static int by_ns(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

/* To be freed. */
static struct group *make_groups(const json_t *blame, size_t *nr)
{
	const json_t *rows = json_object_get(blame, "rows"), *row;
	struct group *groups = calloc(json_array_size(rows) + 1, sizeof(*groups));
	size_t i;

	*nr = 0;
	json_array_foreach(rows, i, row)
	{
		char what[sizeof(groups->what)];
		struct text text = {what, sizeof(what), 0};
		struct group *group;

		describe_group(row, &text);
		group = group_of(groups, nr, what);
		group->ns += ns_of(row, "total_ns");
		group->count += ns_of(row, "count");
		group->preempted += ns_of(row, "mostly_preempted");
		group->asleep_ns += ns_of(row, "asleep_ns");
		group->io_ns += ns_of(row, "io_ns");
	}
	qsort(groups, *nr, sizeof(*groups), by_ns);
	return groups;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static void say_group(struct text *text, const struct group *group, uint64_t total)
{
	add(text, "%.0f %% %s", percent(group->ns, total), group->what);
	if (group->preempted)
		add(text, " (preempted %llu of %llu times)", (unsigned long long)group->preempted,
		    (unsigned long long)group->count);
	else if (group->io_ns > group->ns / 2)
		add(text, " (in I/O)");
	else if (group->asleep_ns > group->ns / 2)
		add(text, " (asleep)");
}

static uint64_t handover_of(const json_t *blame)
{
	const json_t *rows = json_object_get(blame, "rows"), *row;
	uint64_t ns = 0;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		/* Where nobody was seen it is not known that nobody had it. */
		if (json_array_size(json_object_get(row, "chain")))
			ns += ns_of(row, "handover_ns");
	}
	return ns;
}

static void say(struct text *text, const json_t *blame, const char *task)
{
	uint64_t total = ns_of(blame, "total_ns"), said = 0, handover = handover_of(blame);
	size_t nr;
	struct group *groups = make_groups(blame, &nr);

	add(text, "%s lost %.1f %s to locks in %llu waits", task,
	    (double)total / (total < 1000000 ? 1e3 : 1e6), total < 1000000 ? "us" : "ms",
	    (unsigned long long)ns_of(blame, "waits"));
	for (size_t i = 0; i < nr && i < SHARES_SAID && percent(groups[i].ns, total) >= 1; i++) {
		add(text, "%s ", i ? ";" : ":");
		say_group(text, &groups[i], total);
		said += groups[i].ns;
	}
	if (percent(total - said, total) >= 1)
		add(text, "; %.0f %% to others", percent(total - said, total));
	if (percent(handover, total) >= HANDOVER_SAID)
		add(text, ". In %.0f %% of it nobody had the lock any more: it was handed over",
		    percent(handover, total));
	free(groups);
}

const char *blame_sentence(const json_t *result, const char *task, char *buf)
{
	const json_t *of = json_object_get(json_object_get(result, "tasks"), task);
	const json_t *blame = json_object_get(of, "blame");
	struct text text = {buf, BLAME_TEXT_MAX, 0};

	if (!has_time(result) || !ns_of(blame, "total_ns"))
		return NULL;
	say(&text, blame, task);
	return buf;
}

/* ---- the table ---- */

static void add_instance(struct text *text, const json_t *object)
{
	const char *type = json_text(object, "type");

	add(text, "%s%s of %s %llu", json_text(object, "lock"),
	    is(object, "write") ? " (write)" : "", *type ? type : "?",
	    (unsigned long long)ns_of(object, "object"));
}

static void add_link(struct text *text, const json_t *link)
{
	bool behind = is(link, "behind_writer");

	add(text, "%s%s in ", behind ? "behind " : "", json_text(link, "task"));
	add_place(text, link);
	if (behind)
		add(text, ", queued to write");
}

static void print_chain(const json_t *row, FILE *out)
{
	const json_t *chain = json_object_get(row, "chain"), *link;
	char buf[BLAME_TEXT_MAX];
	struct text text = {buf, sizeof(buf), 0};
	size_t i;

	if (is(row, "others")) {
		fputs("      chains for which there was no room\n", out);
		return;
	}
	add(&text, "in ");
	add_place(&text, row);
	add(&text, " for ");
	add_instance(&text, row);
	add(&text, json_array_size(chain) ? ": " : ": nobody was seen to have it");
	json_array_foreach(chain, i, link)
	{
		add(&text, "%s", i ? ", who waited for " : "");
		if (i) {
			add_instance(&text, json_array_get(chain, i - 1));
			add(&text, ": ");
		}
		add_link(&text, link);
	}
	fprintf(out, "      %s\n", buf);
}

static void print_row(const json_t *row, uint64_t total, FILE *out)
{
	uint64_t ns = ns_of(row, "total_ns");

	fprintf(out, "  %11.3f %5.1f %6llu %9.3f", (double)ns / 1e6, percent(ns, total),
		(unsigned long long)ns_of(row, "count"), (double)ns_of(row, "max_ns") / 1e6);
	for (size_t s = 0; s < NR_SHARES; s++)
		fprintf(out, " %9.3f", (double)ns_of(row, shares[s].key) / 1e6);
	fputc('\n', out);
	print_chain(row, out);
}

static void print_table(const json_t *blame, FILE *out)
{
	uint64_t total = ns_of(blame, "total_ns"), shown = 0;
	size_t nr;
	const json_t **rows = sorted_rows(blame, &nr);

	fprintf(out, "  %11s %5s %6s %9s", "in all ms", "%", "parts", "longest");
	for (size_t s = 0; s < NR_SHARES; s++)
		fprintf(out, " %9s", shares[s].name);
	fputc('\n', out);
	for (size_t i = 0; rows && i < nr && i < ROWS_SHOWN; i++) {
		print_row(rows[i], total, out);
		shown += ns_of(rows[i], "total_ns");
	}
	if (nr > ROWS_SHOWN)
		fprintf(out, "  %11.3f %5.1f in %zu more rows\n", (double)(total - shown) / 1e6,
			percent(total - shown, total), nr - ROWS_SHOWN);
	free(rows);
}

void blame_print(const json_t *result, FILE *out)
{
	json_t *tasks = json_object_get(result, "tasks"), *task;
	char sentence[BLAME_TEXT_MAX];
	const char *name;

	json_object_foreach(tasks, name, task)
	{
		if (!blame_sentence(result, name, sentence))
			continue;
		fprintf(out, "\n%s\n", sentence);
		print_table(json_object_get(task, "blame"), out);
	}
}

/* ---- folded stacks ---- */

/* Frames are told apart by semicolons, and the number by the last blank. */
static void put_frame(struct text *stack, const struct text *frame)
{
	for (char *at = frame->buf; *at; at++)
		if (*at == ';' || *at == '\n')
			*at = ',';
	add(stack, "%s%s", stack->used ? ";" : "", frame->buf);
}

static void add_stack(json_t *stacks, struct text *stack, const json_t *row)
{
	size_t used = stack->used;

	for (size_t s = 0; s < NR_SHARES; s++) {
		uint64_t ns = ns_of(row, shares[s].key), before;

		if (!ns)
			continue;
		add(stack, ";%s", shares[s].folded);
		before = ns_of(stacks, stack->buf);
		json_object_set_new(stacks, stack->buf, json_integer((json_int_t)(before + ns)));
		stack->buf[stack->used = used] = '\0';
	}
}

static void fold_row(json_t *stacks, const char *point, const char *task, const json_t *row)
{
	const json_t *chain = json_object_get(row, "chain"), *link;
	char stack_buf[4096], buf[512];
	struct text stack = {stack_buf, sizeof(stack_buf), 0};
	struct text frame = {buf, sizeof(buf), 0};
	size_t i;

	*stack_buf = '\0';
	if (point) {
		add(&frame, "%s", point);
		put_frame(&stack, &frame);
	}
	frame.used = 0;
	add(&frame, "%s", task);
	put_frame(&stack, &frame);
	frame.used = 0;
	if (is(row, "others")) {
		add(&frame, "others");
	} else {
		add_place(&frame, row);
		add(&frame, " for ");
		add_instance(&frame, row);
	}
	put_frame(&stack, &frame);
	json_array_foreach(chain, i, link)
	{
		frame.used = 0;
		add_link(&frame, link);
		put_frame(&stack, &frame);
	}
	add_stack(stacks, &stack, row);
}

static void fold_run(json_t *stacks, const char *point, const json_t *result)
{
	json_t *tasks = json_object_get(result, "tasks"), *task, *row;
	const char *name;
	size_t i;

	json_object_foreach(tasks, name, task)
	{
		json_t *rows = json_object_get(json_object_get(task, "blame"), "rows");

		json_array_foreach(rows, i, row) fold_row(stacks, point, name, row);
	}
}

void blame_fold(const json_t *points, FILE *out)
{
	json_t *stacks = json_object(), *runs, *run, *ns;
	const char *stack;
	size_t i, j;

	json_array_foreach((json_t *)points, i, runs)
	{
		const char *point = text_at(json_array_get(runs, 0), "configuration", "point");

		json_array_foreach(runs, j, run)
			fold_run(stacks, json_array_size(points) > 1 ? point : NULL, run);
	}
	json_object_foreach(stacks, stack, ns)
		fprintf(out, "%s %lld\n", stack, (long long)json_integer_value(ns));
	json_decref(stacks);
}
