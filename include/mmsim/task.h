/* SPDX-License-Identifier: MIT */
/* Tasks: pthreads on the host, fibres on the model. */
#ifndef MMSIM_TASK_H
#define MMSIM_TASK_H

#include <mmsim/instance.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mmsim_task;
struct mm_struct;

/** struct mmsim_task_attr - what a task is made with */
struct mmsim_task_attr {
	const char *name; /* shown in reports; schedules name tasks by it */
	int nice; /* -20 to 19 */
	int fifo; /* priority of SCHED_FIFO, 1 to 99; 0: not a real-time task */
	int cpu; /* CPU to be bound to; -1: chosen in turn */
	const char *cpus; /* in its place: where it may run, "0-3,6" or "any" */
	struct mm_struct *mm; /* the address space it runs in; NULL: none yet */
	int has_deadline; /* its waits are attributed: mmsim_blame_at() */
};

/**
 * mmsim_task_create - make a task
 * @fn: its body; what it returns is mmsim_task_join()'s answer (-ENOMEM, and no
 *	body, when attr->mm could not be entered)
 *
 * Made before mmsim_run() it starts with that; made by a running task it
 * starts at once. Return: the task, NULL when there is no room for it.
 */
MMSIM_API struct mmsim_task *mmsim_task_create(struct mmsim *sim,
					       const struct mmsim_task_attr *attr,
					       int (*fn)(void *arg), void *arg);

/** mmsim_task_join - wait for a task's end; from another task, or after mmsim_run() */
MMSIM_API int mmsim_task_join(struct mmsim_task *task);

/** mmsim_task_kill - a fatal signal: killable waits of the task end with -EINTR */
MMSIM_API void mmsim_task_kill(struct mmsim_task *task);

/**
 * mmsim_task_attach - make the calling OS thread a task (host machine only)
 *
 * Return: the task; NULL on a model, whose tasks share one OS thread.
 */
MMSIM_API struct mmsim_task *mmsim_task_attach(struct mmsim *sim, const char *name);
/** mmsim_task_detach - the calling OS thread is no task any more */
MMSIM_API void mmsim_task_detach(void);

/** mmsim_use_mm - the calling task runs in @mm from now on; NULL: in none. 0 or -ENOMEM */
MMSIM_API int mmsim_use_mm(struct mm_struct *mm);

/** mmsim_task_self - the calling task */
MMSIM_API struct mmsim_task *mmsim_task_self(void);
/** mmsim_task_name - as it was made with */
MMSIM_API const char *mmsim_task_name(const struct mmsim_task *task);

/** mmsim_now_ns - the machine's clock, nanoseconds */
MMSIM_API uint64_t mmsim_now_ns(void);
/** mmsim_sleep_ns - sleep; called by a task */
MMSIM_API void mmsim_sleep_ns(uint64_t ns);
/** mmsim_waited_ns - what the calling task's waits took so far: for locks, for spinlocks */
MMSIM_API void mmsim_waited_ns(uint64_t *locks_ns, uint64_t *spinlocks_ns);
/** mmsim_run_delay_ns - how long the calling task was runnable without a CPU; 0: not known */
MMSIM_API uint64_t mmsim_run_delay_ns(void);
/** mmsim_compute_ns - use the CPU for so long, waits for it not counted; called by a task */
MMSIM_API void mmsim_compute_ns(uint64_t ns);
/** mmsim_random - the calling task's stream, by (seed, name, index) */
MMSIM_API uint64_t mmsim_random(void);
/** mmsim_yield - a place to switch tasks that touches nothing */
MMSIM_API void mmsim_yield(void);

/**
 * mmsim_bug - an invariant of the caller's broke
 *
 * Prints seed and step first. On the model mmsim_run() returns -EFAULT; on the
 * host the process aborts.
 */
MMSIM_API void mmsim_bug(const char *fmt, ...)
#if defined(__GNUC__)
	__attribute__((noreturn, format(printf, 1, 2)))
#endif
	;

#ifdef __cplusplus
}
#endif

#endif
