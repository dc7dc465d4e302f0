/* SPDX-License-Identifier: MIT */
/* What a run did, in the language of written schedules. */
#include "machine/model/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_TEXT_MAX (TASK_NAME_LEN + 24)

void search_trail_begin(struct search_trail *trail)
{
	trail->nr = 0;
	trail->lost = false;
	trail->named = 0;
}

void search_trail_free(struct search_trail *trail)
{
	free(trail->words);
	free(trail->text);
}

/* By its name; by #index if a schedule could not say the name, or would mean another. */
static void name_task(struct search_trail *trail, struct model *model, int index)
{
	const struct task *task = model->machine->tasks[index];
	bool plain = *task->name && *task->name != '!' && !strpbrk(task->name, " \t\n*~#");

	if (plain && model_task_named(model, task->name) == task)
		snprintf(trail->names[index], TASK_NAME_LEN, "%s", task->name);
	else
		snprintf(trail->names[index], TASK_NAME_LEN, "#%d", index);
	trail->named |= 1ull << index;
}

void search_trail_new_word(struct search_trail *trail, struct model *model, int task)
{
	if (trail->nr == trail->max) {
		size_t max = MAX(64, 2 * trail->max);
		struct trail_word *words = realloc(trail->words, max * sizeof(*words));

		if (!words) {
			trail->lost = true;
			return;
		}
		trail->words = words;
		trail->max = max;
	}
	if (task != TRAIL_TICK && !(trail->named >> task & 1))
		name_task(trail, model, task);
	trail->words[trail->nr++] = (struct trail_word){
		.task = (int16_t)task,
		.first_step = model->steps,
	};
}

static const char *name_of(const struct search_trail *trail, const struct trail_word *word)
{
	return word->task == TRAIL_TICK ? "!tick" : trail->names[word->task];
}

int mmsim_search_part_at(const struct mmsim_search *search, unsigned int i,
			 struct mmsim_search_part *part)
{
	const struct trail_word *word = &search->trail.words[i];

	if (i >= search->trail.nr)
		return -ENOENT;
	*part = (struct mmsim_search_part){
		.task = name_of(&search->trail, word),
		.first_step = word->first_step,
		.steps = word->count,
		.preempted = word->preempted,
		.type = word->before.type,
		.number = word->before.number,
		.offset = word->before.offset,
	};
	return 0;
}

static int print_word(const struct search_trail *trail, const struct trail_word *word, char *buf)
{
	const char *name = name_of(trail, word);

	if (word->blocked && !word->stayed)
		return snprintf(buf, WORD_TEXT_MAX, "%s~ ", name);
	if (word->count == 1)
		return snprintf(buf, WORD_TEXT_MAX, "%s ", name);
	return snprintf(buf, WORD_TEXT_MAX, "%s*%llu ", name, (unsigned long long)word->count);
}

const char *search_trail_text(struct search_trail *trail)
{
	char *at;

	if (trail->lost)
		return NULL;
	free(trail->text);
	trail->text = malloc(trail->nr * WORD_TEXT_MAX + 1);
	if (!trail->text)
		return NULL;
	at = trail->text;
	for (size_t i = 0; i < trail->nr; i++)
		at += print_word(trail, &trail->words[i], at);
	/* Without the last blank. */
	at[at > trail->text ? -1 : 0] = '\0';
	return trail->text;
}
