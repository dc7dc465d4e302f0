/* SPDX-License-Identifier: MIT */
/*
 * Who gets the next step: drawn from the seed, or read from a written schedule.
 *
 * A written schedule is a list of words:
 *	A	one step of task A		A*7	seven steps
 *	A~	A until it parks, spins (in spin_while_equal or cpu_relax) or ends
 *	!tick	a jiffy passes			!tick*7		seven jiffies pass
 *	!kill:A	a fatal signal for A
 *	!spurious:A	A's park returns without reason
 * A task is known by its name, or by # and its number: main is the 0th. Grace
 * periods are steps of task "rcu", I/O completions of task "io". After the last
 * word the tasks run one after another, each until it cannot.
 */
#include "machine/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- drawn from the seed ---- */

void model_draw_event(struct model *model)
{
	const struct machine_config *config = &model->machine->config;
	uint64_t mean = 0;

	if (config->spurious_1_in)
		mean = config->spurious_1_in;
	if (config->tick_1_in && (!mean || config->tick_1_in < mean))
		mean = config->tick_1_in;
	if (model->kills_left && (!mean || mean > 256))
		mean = 256;
	model->event_in = mean ? 1 + rng_below(&model->rng, 2 * mean) : UINT64_MAX;
}

static struct task *random_parked(struct model *model, bool killable)
{
	int n = model->machine->nr_tasks;
	int first = (int)rng_below(&model->rng, (uint64_t)n);

	for (int i = 0; i < n; i++) {
		struct task *task = model->machine->tasks[(first + i) % n];

		if (task == model->main || task == model->rcu || task == model->io ||
		    !task->context || task->context->joining)
			continue;
		if (task->state == TASK_KILLABLE && !task->killed)
			return task;
		if (task->state == TASK_UNINTERRUPTIBLE && !killable)
			return task;
	}
	return NULL;
}

/* A spurious wake-up, a kill, or the passing of time, whichever is drawn. */
static void model_event(struct model *model)
{
	const struct machine_config *config = &model->machine->config;
	struct task *task;

	model_draw_event(model);
	switch (rng_below(&model->rng, 3)) {
	case 0:
		task = config->spurious_1_in ? random_parked(model, false) : NULL;
		if (task)
			model_make_runnable(model, task, PARK_SPURIOUS);
		break;
	case 1:
		task = model->kills_left ? random_parked(model, true) : NULL;
		if (task) {
			model->kills_left--;
			kill_task(task);
		}
		break;
	default:
		if (config->tick_1_in)
			model_tick(model);
	}
}

static struct task *pick_random(struct model *model)
{
	uint64_t draw = rng_next(&model->rng);
	int n = model->nr_run;
	int first;

	if (unlikely(!--model->event_in)) {
		model_event(model);
		n = model->nr_run;
	}
	if ((draw & model->switch_mask) && current->context->run_slot >= 0 &&
	    model_can_run(model, current, false))
		return current;
	first = (int)(((draw >> 32) * (uint64_t)n) >> 32);
	for (int i = 0; i < n; i++) {
		int slot = first + i < n ? first + i : first + i - n;

		if (model_can_run(model, model->run[slot], (draw >> 8 & 3) == 0))
			return model->run[slot];
	}
	/* Only spinners are left: one whose time may run out, if any. */
	for (int i = 0; i < n; i++)
		if (model_can_run(model, model->run[i], true))
			return model->run[i];
	return NULL;
}

/* ---- written ---- */

static void schedule_special(struct model *model, const struct schedule_entry *entry)
{
	struct task *task = model_task_named(model, entry->name);

	for (uint64_t i = 0; entry->op == SCHEDULE_TICK && i < entry->count; i++)
		model_tick(model);
	if (entry->op == SCHEDULE_TICK)
		return;
	if (task && entry->op == SCHEDULE_KILL)
		kill_task(task);
	else if (task && task->context->run_slot < 0 && task->state != TASK_DEAD)
		model_make_runnable(model, task, PARK_SPURIOUS);
}

/* The task of the present word, NULL at the end of the schedule. */
static struct task *pick_scheduled(struct model *model)
{
	bool relaxes = current == model->relaxing; /* which ends a NAME~, but only one */

	for (; model->schedule_at < model->nr_schedule; model->schedule_at++) {
		struct schedule_entry *entry = &model->schedule[model->schedule_at];
		struct task *task;

		if (entry->op != SCHEDULE_STEPS && entry->op != SCHEDULE_BLOCK) {
			schedule_special(model, entry);
			continue;
		}
		task = model_task_named(model, entry->name);
		if (!task || task->context->run_slot < 0 || !model_can_run(model, task, false)) {
			model->schedule_left = 0;
			continue;
		}
		if (entry->op == SCHEDULE_BLOCK && !(relaxes && task == current))
			return task;
		if (entry->op == SCHEDULE_BLOCK) {
			relaxes = false;
			continue;
		}
		if (model->schedule_left < entry->count) {
			model->schedule_left++;
			return task;
		}
		model->schedule_left = 0;
	}
	return NULL;
}

/* Each until it cannot; who only spins lets the next one go on. */
static struct task *pick_in_order(struct model *model)
{
	int n = model->machine->nr_tasks;
	int first = current->index + (current == model->relaxing);

	for (int expire = 0; expire < 2; expire++)
		for (int i = 0; i < n; i++) {
			struct task *task = model->machine->tasks[(first + i) % n];

			if (task->context && task->context->run_slot >= 0 &&
			    model_can_run(model, task, expire))
				return task;
		}
	return NULL;
}

struct task *model_pick(struct model *model)
{
	struct task *task;

	if (!model->schedule)
		return pick_random(model);
	task = pick_scheduled(model);
	return task ? task : pick_in_order(model);
}

/* ---- reading a written schedule ---- */

static int parse_word(struct schedule_entry *entry, char *word)
{
	char *star, *end;

	*entry = (struct schedule_entry){.op = SCHEDULE_STEPS, .count = 1};
	if (!strcmp(word, "!tick") || !strncmp(word, "!tick*", 6)) {
		entry->op = SCHEDULE_TICK;
		word++; /* so that the count is read as any other's */
	} else if (!strncmp(word, "!kill:", 6)) {
		entry->op = SCHEDULE_KILL;
		word += 6;
	} else if (!strncmp(word, "!spurious:", 10)) {
		entry->op = SCHEDULE_SPURIOUS;
		word += 10;
	} else if (*word && word[strlen(word) - 1] == '~') {
		entry->op = SCHEDULE_BLOCK;
		word[strlen(word) - 1] = '\0';
	}
	star = strchr(word, '*');
	if (star) {
		*star = '\0';
		entry->count = strtoull(star + 1, &end, 10);
		if (*end || !entry->count)
			return -EINVAL;
	}
	if (!*word || *word == '!' || strlen(word) >= sizeof(entry->name))
		return -EINVAL;
	strcpy(entry->name, word);
	return 0;
}

int model_schedule_parse(struct model *model, const char *text)
{
	char *copy = strdup(text);
	char *save = NULL;
	int err = copy ? 0 : -ENOMEM;

	model->schedule = calloc(strlen(text) / 2 + 1, sizeof(*model->schedule));
	if (!model->schedule)
		err = -ENOMEM;
	for (char *word = err ? NULL : strtok_r(copy, " \t\n", &save); word && !err;
	     word = strtok_r(NULL, " \t\n", &save)) {
		err = parse_word(&model->schedule[model->nr_schedule], word);
		if (err)
			machine_fail(model->machine,
				     "schedule: \"%s\": expected NAME, NAME*n, "
				     "NAME~, !tick, !tick*n, !kill:NAME or !spurious:NAME",
				     word);
		model->nr_schedule++;
	}
	free(copy);
	return err;
}
