/* SPDX-License-Identifier: MIT */
/*
 * A search of schedules: where there is something to choose. Who is chosen is
 * the strategy's business.
 *
 * A choice is worth having where a task waits or ends, and before it touches a
 * word that is shared. Once it was switched to, a task makes one such access
 * before it is asked to leave again: to leave earlier would be the schedule in
 * which it was not switched to.
 */
#include "machine/model/search.h"

#include <stdlib.h>

#define YIELDS_MAX 8 /* a task that yields so often in a row waits for somebody */

static const struct search_strategy *const strategies[MMSIM_SEARCH_KINDS] = {
	[MMSIM_SEARCH_BOUNDED] = &search_bounded,
	[MMSIM_SEARCH_PCT] = &search_pct,
	[MMSIM_SEARCH_RANDOM] = &search_random,
	[MMSIM_SEARCH_POS] = &search_pos,
};

/* ---- the public half ---- */

const char *mmsim_search_kind_name(enum mmsim_search_kind kind)
{
	return (unsigned int)kind < MMSIM_SEARCH_KINDS ? strategies[kind]->name : NULL;
}

static void on_race(struct search_words *words, const struct search_event *first, int second)
{
	struct mmsim_search *search = container_of(words, struct mmsim_search, words);

	if (search->strategy->race)
		search->strategy->race(search, first, second);
}

struct mmsim_search *mmsim_search_create(const struct mmsim_search_config *config)
{
	struct mmsim_search *search;

	if ((unsigned int)config->kind >= MMSIM_SEARCH_KINDS)
		return NULL;
	search = calloc(1, sizeof(*search));
	if (!search)
		return NULL;
	search->config = *config;
	search->strategy = strategies[config->kind];
	search->words.race = on_race;
	if (search_words_init(&search->words) || search->strategy->init(search)) {
		mmsim_search_destroy(search);
		return NULL;
	}
	return search;
}

void mmsim_search_destroy(struct mmsim_search *search)
{
	if (!search)
		return;
	search->strategy->destroy(search);
	search_words_free(&search->words);
	search_trail_free(&search->trail);
	search_spares_free(search);
	free(search);
}

void mmsim_search_begin(struct mmsim_search *search)
{
	search->just_begun = search->asleep;
	search->asleep = false;
	model_changed(model_of(current));
}

int mmsim_search_next(struct mmsim_search *search)
{
	if (!search->begun)
		return 0;
	search->begun = false;
	return !search->obeyed && search->strategy->next(search);
}

const char *mmsim_search_schedule(struct mmsim_search *search)
{
	return search_trail_text(&search->trail);
}

void mmsim_search_get_info(const struct mmsim_search *search, struct mmsim_search_info *info)
{
	*info = search->info;
	info->words = search->words.nr_shared;
}

/* ---- a run ---- */

void search_begin(struct mmsim_search *search, const struct model *model)
{
	search->begun = true;
	search->obeyed = model->schedule;
	search->asleep = search->config.late;
	search->touched = false;
	search->picks = 0;
	search->info.runs++;
	search->info.points = 0;
	search->info.switches = 0;
	search->info.preemptions = 0;
	for (int i = 0; i < MMSIM_SEARCH_TASKS_MAX; i++)
		search->tasks[i] = (struct search_task){0};
	rng_init(&search->rng, search->config.seed, "search", search->info.runs);
	search_words_begin(&search->words);
	search_trail_begin(&search->trail);
	if (!search->obeyed)
		search->strategy->begin(search);
}

void search_end(struct mmsim_search *search)
{
	search_words_end_access(&search->words);
}

static uint64_t others_changes(const struct model *model, const struct task *task)
{
	return model->changes - task->context->changes;
}

/* Can it run, and is there a reason that it should? */
static bool may_go_on(struct model *model, struct task *task)
{
	const struct search_task *t = &model->search->tasks[task->index];

	if (t->idle && t->idle_since == others_changes(model, task) &&
	    !(task->context->spin_word && model_spin_over(task)))
		return false;
	return model_can_run(model, task, false);
}

static uint64_t who_may_go_on(struct model *model)
{
	uint64_t tasks = 0;

	for (int i = 0; i < model->nr_run; i++) {
		int index = model->run[i]->index;

		if (index >= MMSIM_SEARCH_TASKS_MAX)
			machine_bug("a search takes %d tasks at most", MMSIM_SEARCH_TASKS_MAX);
		if (may_go_on(model, model->run[i]))
			tasks |= 1ull << index;
	}
	return tasks;
}

static int first_from(uint64_t tasks, int index)
{
	uint64_t from = tasks >> index << index;

	return __builtin_ctzll(from ? from : tasks);
}

/* Only those are left who had nothing to do when they were looked at: in turn. */
static uint64_t one_in_turn(struct model *model)
{
	uint64_t tasks = 0;

	for (int i = 0; i < model->nr_run; i++)
		if (model_can_run(model, model->run[i], false))
			tasks |= 1ull << model->run[i]->index;
	return tasks ? 1ull << first_from(tasks, (current->index + 1) % 64) : 0;
}

static bool waits_for_time(const struct model *model)
{
	for (int i = 0; i < model->machine->nr_tasks; i++) {
		const struct task *task = model->machine->tasks[i];

		if (task->state != TASK_DEAD && task->context && task->context->deadline_ns)
			return true;
	}
	return false;
}

static void switched(struct mmsim_search *search, int from, int to)
{
	struct search_word *word = search->tasks[to].next.word;

	search->info.switches++;
	search->tasks[from].yields = 0;
	search->touched = word && word->shared;
}

static struct task *go_on(struct model *model, int index)
{
	struct mmsim_search *search = model->search;

	struct search_task *task = &search->tasks[index];

	search_trail_add(&search->trail, model, index);
	task->idle = false;
	if (index != current->index)
		switched(search, current->index, index);
	if (task->next.word) {
		search_words_begin_access(&search->words, &task->next, index);
		task->next.word = NULL;
	}
	return model->machine->tasks[index];
}

static void note_preemption(struct model *model, const volatile void *addr)
{
	struct trail_word *last = search_trail_last(&model->search->trail);

	if (!last || last->task != current->index)
		return;
	last->preempted = true;
	last->before = machine_object_name(model->machine, addr);
}

/* The written schedule says who; @addr: what current is about to touch, NULL: it waits. */
static struct task *obey(struct model *model, const volatile void *addr)
{
	struct task *next = model_pick(model);

	if (!next || next->index >= MMSIM_SEARCH_TASKS_MAX)
		return next;
	if (addr && next != current)
		note_preemption(model, model->relaxing == current ? NULL : addr);
	search_trail_add(&model->search->trail, model, next->index);
	return next;
}

/* ---- current can go on ---- */

static int ask(struct mmsim_search *search, struct search_point *point)
{
	int chosen = point->first;

	search->decided = SEARCH_UNDECIDED;
	if (!search->asleep && (point->tasks & (point->tasks - 1))) {
		search->info.points++;
		search->info.points_max = MAX(search->info.points_max, search->info.points);
		chosen = search->strategy->choose(search, point);
		search->info.preemptions += point->preemption && chosen != point->me;
	}
	search->words.decision[chosen] = search->decided;
	if (chosen != point->me)
		search->words.turn[chosen] = search->decided;
	return chosen;
}

/* It went on where NAME~ would not have. */
static void stayed(struct mmsim_search *search, int task)
{
	struct trail_word *last = search_trail_last(&search->trail);

	if (last && last->task == task)
		last->stayed = true;
}

/* Current is in cpu_relax(): it waits if nothing happened since it was here last. */
static struct task *yield(struct model *model)
{
	struct mmsim_search *search = model->search;
	struct search_task *me = &search->tasks[current->index];
	bool waits = me->idle_since == others_changes(model, current) || me->yields >= YIELDS_MAX;
	struct search_point point = {.pick = search->picks, .me = current->index};
	struct trail_word *last;
	int chosen;

	me->yields++;
	me->idle_since = others_changes(model, current);
	me->idle = waits;
	point.tasks = who_may_go_on(model);
	if (!point.tasks)
		point.tasks = one_in_turn(model);
	point.yields = true;
	waits |= search->just_begun;
	search->just_begun = false;
	point.preemption = !waits;
	point.first = waits ? first_from(point.tasks, (point.me + 1) % 64) : point.me;
	point.touches = waits ? NULL : &current->park_word;
	chosen = ask(search, &point);
	last = search_trail_last(&search->trail);
	if (chosen == point.me)
		stayed(search, point.me);
	else if (last && last->task == point.me)
		last->blocked = true;
	if (point.preemption && chosen != point.me)
		note_preemption(model, NULL);
	if (!search->asleep)
		me->next = (struct search_access){&search->words.elsewhere, NULL, true};
	search->touched = true;
	return go_on(model, chosen);
}

struct task *search_step(struct model *model, const volatile void *addr)
{
	struct mmsim_search *search = model->search;
	struct search_point point = {.touches = addr, .preemption = true};
	struct search_word *word;
	/* The token is not in the word, so nobody sees it change. */
	bool unparks = model->unparking;
	int chosen;

	model->unparking = false;
	if (search->obeyed)
		return obey(model, addr);
	search->picks++;
	if (search_words_end_access(&search->words))
		model_changed(model);
	if (model->relaxing == current && !model->rescheds)
		return yield(model);
	if (search->asleep)
		return go_on(model, current->index);
	word = search_words_find(&search->words, model->machine, addr);
	search->tasks[current->index].next = (struct search_access){word, addr, unparks};
	if (model->rescheds)
		stayed(search, current->index);
	if (!word->shared || !search->touched) {
		search->touched |= word->shared;
		return go_on(model, current->index);
	}
	point.pick = search->picks;
	point.me = point.first = current->index;
	point.tasks = who_may_go_on(model) | 1ull << current->index;
	chosen = ask(search, &point);
	if (chosen != point.me)
		note_preemption(model, addr);
	return go_on(model, chosen);
}

/* ---- current waits, spins or has ended ---- */

static void pass_jiffy(struct model *model)
{
	model_tick(model);
	search_trail_add(&model->search->trail, model, TRAIL_TICK);
}

struct task *search_switch(struct model *model)
{
	struct mmsim_search *search = model->search;
	struct search_task *me = &search->tasks[current->index];
	struct search_point point = {.pick = ++search->picks, .me = current->index};
	struct trail_word *last = search_trail_last(&search->trail);

	if (search->obeyed)
		return obey(model, NULL);
	/* Who asks on_cpu() sees that. */
	if (!search->asleep)
		search_words_wrote(&search->words, model->machine, &current->state, current->index);
	me->idle = current->context->spin_word;
	me->idle_since = others_changes(model, current);
	if (last && last->task == point.me &&
	    (current->context->run_slot < 0 || !model_can_run(model, current, false)))
		last->blocked = true;
	while (!(point.tasks = who_may_go_on(model)) && !(point.tasks = one_in_turn(model))) {
		if (!waits_for_time(model))
			return NULL;
		pass_jiffy(model);
	}
	point.first = first_from(point.tasks, point.me);
	return go_on(model, ask(search, &point));
}

void search_freed(struct model *model, const void *object, size_t size)
{
	model_changed(model);
	if (!model->search->obeyed && !model->search->asleep)
		search_words_freed(&model->search->words, model->machine, object, size,
				   current->index);
}

void search_woke(struct model *model, const struct task *task)
{
	struct search_words *words = &model->search->words;
	struct search_event now;

	if (model->search->obeyed || task->index >= MMSIM_SEARCH_TASKS_MAX)
		return;
	search_words_end_access(words);
	now = search_words_now(words, current->index);
	search_words_after(words, task->index, &now);
}

void search_rcu_unlock(struct model *model)
{
	struct search_task *me = &model->search->tasks[current->index];

	if (model->search->obeyed)
		return;
	me->section_began = current->context->rcu_since;
	me->section_end = search_words_now(&model->search->words, current->index);
}

struct search_event search_rcu_call(struct model *model)
{
	return search_words_now(&model->search->words, current->index);
}

/* It comes after whoever queued it, and after the sections that it had to wait for. */
void search_rcu_callback(struct model *model, const struct model_callback *callback)
{
	struct mmsim_search *search = model->search;

	if (search->obeyed)
		return;
	search_words_after(&search->words, current->index, &callback->queued);
	for (int i = 0; i < MMSIM_SEARCH_TASKS_MAX; i++)
		if (search->tasks[i].section_began &&
		    search->tasks[i].section_began <= callback->stamp)
			search_words_after(&search->words, current->index,
					   &search->tasks[i].section_end);
}
