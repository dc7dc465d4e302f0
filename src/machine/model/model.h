/* SPDX-License-Identifier: MIT */
/* The step machine's own data. One OS thread touches it; nothing here is a step. */
#ifndef MMSIM_MACHINE_MODEL_MODEL_H
#define MMSIM_MACHINE_MODEL_MODEL_H

#include "machine/machine_internal.h"
#include "machine/model/fibre.h"

#define MODEL_STEP_NS 100 /* what now_ns() advances by a step; not a prediction */
#define MODEL_MAX_RUNNABLE MACHINE_MAX_TASKS

struct machine_context {
	struct fibre fibre;
	struct task *task;
	int run_slot; /* place in model->run, -1: cannot run */
	bool token;
	enum park_result wake_reason;
	uint64_t deadline_ns; /* of a park or a spin; 0: none */
	/* Spinning: until *word, of this many bytes, is not value. */
	const volatile void *spin_word;
	unsigned int spin_size;
	long spin_value;
	int rcu_depth;
	uint64_t rcu_since; /* model->rcu_clock when the outermost section began */
	struct task *joining; /* the task whose end is waited for */
	struct rcu_head sync_head; /* for synchronize_rcu and rcu_barrier */
	bool sync_done;
	uint64_t changes; /* of model->changes its own */
};

/*
 * For a search: an access, the clock-th of its task, which then knew of the other
 * tasks' as the vector says.
 */
struct search_event {
	uint32_t clock;
	uint32_t vector; /* place in search_words.vectors */
	/* The decisions that it followed from: for this access, and for the task's turn. */
	uint32_t decision, turn;
	uint8_t task;
	bool write;
};

struct model_callback {
	struct rcu_head *head;
	void (*func)(struct rcu_head *head);
	uint64_t stamp;
	struct search_event queued;
};

enum schedule_op {
	SCHEDULE_STEPS, /* NAME or NAME*n */
	SCHEDULE_BLOCK, /* NAME~: until it parks, spins or ends */
	SCHEDULE_TICK, /* !tick or !tick*n: jiffies pass */
	SCHEDULE_SPURIOUS, /* !spurious:NAME */
	SCHEDULE_KILL, /* !kill:NAME */
};

struct schedule_entry {
	enum schedule_op op;
	char name[TASK_NAME_LEN];
	uint64_t count;
};

struct model {
	struct machine *machine;
	struct task *main, *rcu, *io;
	struct task **run; /* who may be given the next step */
	int nr_run;
	int alive; /* tasks made by the caller that have not ended */
	bool running; /* inside machine_run() */
	int error;
	uint64_t steps, clock_ns, max_steps;
	struct mmsim_search *search; /* makes every choice; NULL: the schedule or the seed does */
	uint64_t changes; /* wake-ups, blocks, ends; a search counts changed words too */
	uint64_t next_deadline; /* no park's deadline comes before */
	struct rng rng;
	uint64_t switch_mask; /* a switch is drawn when these bits of a draw are 0 */
	uint64_t event_in; /* steps to the next spurious wake-up, kill or tick */
	unsigned int kills_left;
	/* RCU: a ring of callbacks, oldest first. */
	struct model_callback *callbacks;
	size_t nr_callbacks, first_callback, max_callbacks;
	uint64_t rcu_clock;
	int in_callback; /* of task rcu, io or both */
	/* I/O under way, oldest first. */
	struct machine_io *io_under_way;
	uint64_t nr_io;
	struct task *relaxing; /* in cpu_relax() */
	bool unparking; /* the step that begins is unpark()'s */
	bool rescheds; /* relaxing is in cond_resched(), so it waits for nobody */
	/* Written schedule. */
	struct schedule_entry *schedule;
	size_t nr_schedule, schedule_at;
	uint64_t schedule_left;
};

static inline struct model *model_of(const struct task *task)
{
	return task->machine->impl;
}

/* Something happened that another task could see. */
static inline void model_changed(struct model *model)
{
	model->changes++;
	current->context->changes++;
}

/* schedule.c: who gets the next step. NULL: nobody can run. */
struct task *model_pick(struct model *model);
int model_schedule_parse(struct model *model, const char *text);
void model_draw_event(struct model *model);

/* model.c, for the others */
bool model_spin_over(const struct task *task);
bool model_can_run(struct model *model, struct task *task, bool may_expire);
void model_make_runnable(struct model *model, struct task *task, enum park_result reason);
void model_tick(struct model *model);
/* Park current; the reason of the wake-up. No token is looked at. */
enum park_result model_block(enum task_state state, uint64_t deadline_ns);
/* By name, or by #index. */
struct task *model_task_named(struct model *model, const char *name);

/* io.c */
int model_io_main(void *model);
void model_io_submit(struct machine_io *io, uint64_t ns);

/* rcu.c */
int model_rcu_main(void *model);
void model_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void model_synchronize_rcu(void);

#endif
