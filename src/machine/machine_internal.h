/* SPDX-License-Identifier: MIT */
/* What machine.c and the two machines behind it share. */
#ifndef MMSIM_MACHINE_INTERNAL_H
#define MMSIM_MACHINE_INTERNAL_H

#include "machine/machine.h"

#include <stdarg.h>

#define MACHINE_ARENA_SIZE (16ul << 30) /* reserved, not used: pages come on first touch */
#define MACHINE_FAILURE_SIZE 8192

struct machine_ops {
	int (*create)(struct machine *machine);
	void (*destroy)(struct machine *machine);
	int (*run)(struct machine *machine);
	/* Give a new task its thread or fibre; 0 or -errno. */
	int (*task_start)(struct task *task);
	void (*task_join)(struct task *task);
	enum park_result (*park)(enum task_state state, uint64_t deadline_ns);
	void (*unpark)(struct task *task);
	void (*kill)(struct task *task);
	bool (*need_resched)(void);
	void (*relax)(void);
	void (*resched)(void); /* models only */
	void (*preempt_point)(void); /* NULL: nothing is ever pending */
	bool (*spin_int)(const int *word, int value, uint64_t deadline_ns);
	bool (*spin_long)(const long *word, long value, uint64_t deadline_ns);
	uint64_t (*now)(void);
	void (*sleep)(uint64_t ns);
	struct task_times (*times)(const struct task *task); /* NULL: not known */
	void (*compute)(uint64_t ns); /* NULL: no costs, only a place to switch */
	void (*work)(enum work_kind kind, uint64_t n);
	void (*io_submit)(struct machine_io *io, uint64_t ns);
	void (*call_rcu)(struct rcu_head *head, void (*func)(struct rcu_head *head));
	void (*synchronize_rcu)(void);
	void (*rcu_barrier)(void);
	void (*bug)(struct machine *machine, const char *text) __attribute__((noreturn));
	uint64_t spin_limit_ns;
};

extern const struct machine_ops host_ops, model_ops, timed_ops;

struct machine {
	struct machine_config config;
	const struct machine_ops *ops;
	void *impl; /* struct host or struct model */
	struct task *main; /* the OS thread that made the machine */
	struct task **tasks;
	int nr_tasks; /* release when a task was added */
	char *arena, *first_chunk;
	size_t arena_used;
	uint64_t next_object;
	struct machine_chunk *task_chunk;
	uint32_t task_chunk_used;
	int lock; /* guards arena_used, next_object, tasks; see machine_lock() */
	uint64_t host_artefacts, host_refused;
	uint64_t work_ns[NR_WORK_KINDS];
	char failure[MACHINE_FAILURE_SIZE];
};

/* Of the machine that this OS thread is in: its impl. */
extern __thread void *mmsim_impl __mmsim_tls;

/* Make a task and put it in the table; its thread or fibre comes after. */
struct task *machine_task_new(struct machine *machine, const struct task_attr *attr,
			      int (*fn)(void *arg), void *arg);
void machine_task_enter(struct task *task); /* becomes current on this OS thread */

/* A few instructions long, never nested, no step inside. */
void machine_lock(struct machine *machine);
void machine_unlock(struct machine *machine);

struct machine_chunk *chunk_alloc_locked(struct machine *machine, const char *type,
					 uint32_t slot_size);

/* The step machine's. */
void model_step(const volatile void *addr);
/* A search must know what is freed. */
void model_object_freed(const void *object, size_t size);
void model_rcu_read_lock(void);
void model_rcu_read_unlock(void);

/* The modelled machine's. */
void timed_step(const volatile void *addr, enum access access);
void timed_object_filled(const void *object, size_t size);
void timed_wrote(const volatile void *addr);
void timed_work_covers(int more);
void timed_scale_work(uint32_t ppm);
void timed_tlb_shootdown(const struct mm_struct *mm);
bool timed_kernel_preemptible(void);
void timed_rcu_read_lock(void);
void timed_rcu_read_unlock(void);

/*
 * A search runs machine after machine and keeps their memory in between. Taken:
 * as it was kept, NULL: there is none. Kept: false if it was not; the first @used
 * bytes become zeroes.
 */
void *search_spare_take(struct mmsim_search *search, size_t size);
bool search_spare_keep(struct mmsim_search *search, void *memory, size_t size, size_t used);

/* Compose machine->failure: the headline, then every task's wait. */
void machine_fail(struct machine *machine, const char *fmt, ...) __printf(2, 3);
void machine_describe_waits(struct machine *machine);

#endif
