/* SPDX-License-Identifier: MIT */
/*
 * rcuwait: one task waits for a condition, others wake it.
 *
 * Fidelity: as in the kernel, the sleeper publishes itself, then tests the
 * condition, then sleeps; the waker changes the condition, then looks for a
 * sleeper. All four are sequentially consistent, so one sees the other.
 */
#ifndef MMSIM_LOCK_RCUWAIT_H
#define MMSIM_LOCK_RCUWAIT_H

#include "machine/machine.h"

struct rcuwait {
	struct task *task;
};

static inline void rcuwait_init(struct rcuwait *w)
{
	quiet_store(w->task, NULL);
}

/* Full barrier by the exchange: pairs with the one in rcuwait_wake_up(). */
static inline void prepare_to_rcuwait(struct rcuwait *w)
{
	(void)xchg(&w->task, current);
}

static inline void finish_rcuwait(struct rcuwait *w)
{
	WRITE_ONCE(w->task, NULL);
}

/* Wait until @condition holds; evaluated before every sleep. Not killable. */
#define rcuwait_wait_event(w, condition)                                                           \
	do {                                                                                       \
		prepare_to_rcuwait(w);                                                             \
		while (!(condition))                                                               \
			park(TASK_UNINTERRUPTIBLE, 0);                                             \
		finish_rcuwait(w);                                                                 \
	} while (0)

/*
 * The caller changed the condition with a fully ordered operation before.
 * Tasks are freed only when the instance ends, so the pointer stays good.
 */
static inline void rcuwait_wake_up(struct rcuwait *w)
{
	struct task *task = load_seq_cst(&w->task);

	if (task)
		unpark(task);
}

#endif
