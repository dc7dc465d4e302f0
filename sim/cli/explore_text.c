/* SPDX-License-Identifier: MIT */
/* mmsim explore: a failure, its schedule made short, and who was at what. */
#include "explore.h"

#include "../scenario/shrink.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int explore_print_head(struct explore *e)
{
	struct mmsim_config config = e->config;
	const struct scenario *s = &e->scenario;
	struct mmsim *sim;
	char error[256];

	/* So that a schedule that is none is said before anything else is. */
	config.long_schedule = e->options->schedule;
	if (mmsim_create(&config, &sim, error)) {
		fprintf(stderr, "mmsim: %s\n", error);
		return EXIT_USAGE;
	}
	printf("mmsim %s (%s)  seed %llu  machine step\n", mmsim_version(), MMSIM_COMMIT,
	       (unsigned long long)e->options->seed);
	printf("scenario %s: %s\n", s->name, s->question);
	if (*s->expected)
		printf("  expected: %s\n", s->expected);
	if (*s->buggy)
		printf("  buggy: %s\n", s->buggy);
	printf("  kernel %s: fault %s, madvise %s, munmap %s, anon_rmap %s, rwsem %s\n",
	       mmsim_effective(sim, "kernel"), mmsim_effective(sim, "fault"),
	       mmsim_effective(sim, "madvise"), mmsim_effective(sim, "munmap"),
	       mmsim_effective(sim, "anon_rmap"), mmsim_effective(sim, "rwsem"));
	if (e->options->mutant)
		printf("  mutant %s\n", e->options->mutant);
	mmsim_destroy(sim);
	/* To be read while the search goes on. */
	fflush(stdout);
	return EXIT_FINE;
}

/* ---- is it the same failure? ---- */

#define KIND_MAX 256

struct failure {
	struct explore *e;
	int err;
	char kind[KIND_MAX];
};

/* The message of a broken invariant without its numbers; nothing else has a kind of its own. */
static void failure_of(const struct script_verdict *verdict, struct failure *f)
{
	const char *text = strstr(verdict->why, "): ");
	size_t n = 0;

	f->err = verdict->err;
	for (text = text ? text + 3 : ""; f->err == -EFAULT && *text && *text != '\n'; text++)
		if (!isdigit((unsigned char)*text) && n + 1 < sizeof(f->kind))
			f->kind[n++] = *text;
	f->kind[n] = '\0';
}

static bool fails_alike(const char *schedule, void *data)
{
	const struct failure *wanted = data;
	struct failure f;

	if (explore_run(wanted->e, NULL, schedule, false))
		return false;
	failure_of(&wanted->e->verdict, &f);
	return f.err == wanted->err && !strcmp(f.kind, wanted->kind);
}

/* ---- who was at what ---- */

static int task_named(const struct scenario *s, const char *name)
{
	for (unsigned int i = 0; i < s->nr_tasks; i++)
		if (!strcmp(s->tasks[i].section.name, name))
			return (int)i;
	return -1;
}

/* The operation that the task had begun last at that step; -1: none yet. */
static int op_at(const struct script_verdict *v, int task, uint64_t step)
{
	int op = -1;

	for (size_t i = 0; i < v->nr_events; i++)
		if ((int)v->events[i].task == task && v->events[i].step <= step)
			op = (int)v->events[i].op;
	return op;
}

static void print_op(const struct scenario *s, int task, int op, char *buf, size_t size)
{
	if (task < 0)
		snprintf(buf, size, "-");
	else if (op < 0)
		snprintf(buf, size, "start");
	else if ((size_t)op == s->tasks[task].script.nr)
		snprintf(buf, size, "end");
	else
		snprintf(buf, size, "%s", s->tasks[task].script.ops[op].text);
}

static void forget_events(struct explore *e)
{
	free(e->verdict.events);
	e->verdict.events = NULL;
}

static void print_part(const struct explore *e, const struct mmsim_search_part *part,
		       uint64_t next_step, bool last)
{
	int task = task_named(&e->scenario, part->task);
	int from = op_at(&e->verdict, task, part->first_step);
	int to = op_at(&e->verdict, task, next_step);
	char first[64], end[64], both[160];

	/* A task that begins its first operation was not at anything before. */
	from = from < 0 ? (to < 0 ? -1 : 0) : from;
	print_op(&e->scenario, task, from, first, sizeof(first));
	print_op(&e->scenario, task, to, end, sizeof(end));
	snprintf(both, sizeof(both), "%s%s%s", first, from == to ? "" : " .. ",
		 from == to ? "" : end);
	printf("  %-12s %6llu  %-36s", part->task, (unsigned long long)part->steps, both);
	if (last)
		printf("%s\n", e->verdict.err ? "fails" : "ends");
	else if (part->preempted && part->type)
		printf("is stopped before %s #%llu + %u\n", part->type,
		       (unsigned long long)part->number, part->offset);
	else
		printf("%s\n", part->preempted ? "yields" : "waits or ends");
}

int explore_print_parts(struct explore *e, const char *schedule)
{
	const struct mmsim_search *keeper = e->keeper;
	struct mmsim_search_part part, next;
	int code = explore_run(e, NULL, schedule, true);

	if (!code)
		printf("  %-12s %6s  %s\n", "task", "steps", "at");
	for (unsigned int i = 0; !code && !mmsim_search_part_at(keeper, i, &part); i++) {
		bool last = mmsim_search_part_at(keeper, i + 1, &next);

		print_part(e, &part, last ? e->verdict.steps : next.first_step, last);
	}
	forget_events(e);
	return code;
}

/* ---- the report ---- */

static void print_command(const struct explore *e, const char *schedule)
{
	const struct cli_options *o = e->options;

	printf("again: %s explore %s", o->mutant ? "mmsim-mutants" : "mmsim", o->file);
	if (o->kernel)
		printf(" --kernel %s", o->kernel);
	for (unsigned int i = 0; i < o->sets.nr; i++)
		printf(" --set %s", o->sets.item[i]);
	if (o->mutant)
		printf(" --mutant %s", o->mutant);
	printf(" --schedule '%s'\n", schedule);
}

int explore_print_failure(struct explore *e, const char *schedule)
{
	struct failure f = {.e = e};
	unsigned int tries;
	char *shrunk;

	failure_of(&e->verdict, &f);
	/* The failure's text as it is with measurements: who waits for whom. */
	if (!fails_alike(schedule, &f) || explore_run(e, NULL, schedule, true)) {
		printf("%sschedule: %s\nnot again: something outside the run decides\n",
		       e->verdict.why, schedule);
		return EXIT_BROKEN;
	}
	forget_events(e);
	printf("%sschedule, %zu words:\n  %s\n", e->verdict.why, shrink_words(schedule), schedule);
	shrunk = shrink_schedule(schedule, fails_alike, &f, &cli_interrupts, &tries);
	if (!shrunk) {
		fputs("mmsim: no memory\n", stderr);
		return EXIT_USAGE;
	}
	printf("shrunk in %u runs to %zu words:\n  %s\n", tries, shrink_words(shrunk), shrunk);
	if (!explore_print_parts(e, shrunk)) {
		printf("%s", e->verdict.why);
		print_command(e, shrunk);
	}
	free(shrunk);
	return EXIT_BROKEN;
}
