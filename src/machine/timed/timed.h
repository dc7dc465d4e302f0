/* SPDX-License-Identifier: MIT */
/*
 * The modelled machine's own data. One OS thread touches it; nothing here is a
 * step. All times are virtual nanoseconds.
 */
#ifndef MMSIM_MACHINE_TIMED_TIMED_H
#define MMSIM_MACHINE_TIMED_TIMED_H

#include "machine/machine_internal.h"
#include "machine/model/fibre.h"
#include "machine/timed/profile.h"

#define CAPACITY_SCALE 1024u
#define SPIN_BUCKETS 256
#define TIMED_MAX_NS ((1ull << 48) - 1) /* three days */

struct timed;

/* ---- events: engine.c ---- */

/* Something that will happen. */
struct event {
	uint64_t time;
	uint32_t order; /* of events at one time the least comes first; each has its own */
	/* NULL: a CPU's task goes on. Runs between two tasks, so no mm code in it. */
	void (*fire)(struct timed *timed, struct event *event);
};

/* A heap of keys, time and order in one, so that nothing else is looked at. */
struct event_queue {
	uint64_t *keys, *key; /* the memory, and where the heap begins in it */
	int nr;
	struct event **event; /* by order */
	int *place; /* by order: in the heap, and 1; 0: not in it */
};

/* ---- CPUs ---- */

struct cpu_mask {
	uint64_t bits[PROFILE_MAX_CPUS / 64];
};

static inline bool mask_has(const struct cpu_mask *mask, unsigned int cpu)
{
	return mask->bits[cpu / 64] >> (cpu % 64) & 1;
}

static inline void mask_set(struct cpu_mask *mask, unsigned int cpu)
{
	mask->bits[cpu / 64] |= 1ull << (cpu % 64);
}

static inline bool mask_meet(const struct cpu_mask *a, const struct cpu_mask *b)
{
	return (a->bits[0] & b->bits[0]) | (a->bits[1] & b->bits[1]);
}

struct cpu {
	/* What each step looks at, in the fewest lines of this computer's. */
	struct event event; /* its task goes on; not queued: idle, spinning, or it is running now */
	struct machine_context *context; /* of its task, if it has one */
	const struct line *kept; /* still here until then, although others asked for it */
	uint64_t kept_until;
	const uint64_t *cost; /* by enum profile_cost; those of its cluster */
	unsigned int id, capacity;
	/* The rest. */
	struct task *curr; /* NULL: idle */
	unsigned int first_of_core, cluster, socket;
	bool need_resched;
	struct cpu_mask core, in_cluster, in_socket; /* the CPUs that share them with this one */
	struct event tick; /* the first tick at which the task's slice may be over */
	struct task *last; /* the last that ran here */
	/* Those that wait for it. */
	struct list_head fair, fifo; /* fifo: by priority, then in order of coming */
	unsigned int nr_fair, nr_fifo;
	int64_t vtime; /* weighted mean of the fair tasks' vruntime, when last seen */
	uint64_t busy_ns, curr_since, idle_since;
	uint64_t awake_from; /* it leaves idle until then, for whomever */
} __cacheline_aligned;

/* ---- tasks ---- */

#define UTIL_SHIFT 20 /* runs of a few ns count, too */

/* What the scheduler knows of a task; see fair.c. */
struct entity {
	struct list_head node; /* on its CPU's list while it waits for it */
	int64_t weight;
	int64_t vruntime, deadline; /* in 1/1024 ns of a task of nice 0 */
	int64_t lag; /* kept while it sleeps */
	bool is_new; /* had no slice yet */
	bool keeps_cpu; /* in the slice in which it got the CPU: while it is eligible */
	uint64_t since; /* accounted until: it ran, or waited for a CPU */
	struct task_times times; /* when it did not run; of the past */
	uint64_t util, util_at; /* capacity it used lately, << UTIL_SHIFT; when updated */
};

struct machine_context {
	/* What each step looks at: it is put where a line of this computer's begins. */
	int covered; /* machine_work_covers(): the depth */
	uint32_t scale_ppm; /* what it does takes so much of what it would; 0: as usual */
	struct task *task;
	struct fibre fibre;
	struct entity se;
	struct cpu_mask allowed;
	struct cpu *cpu; /* where it runs, waits for a CPU, or did last */
	bool on_cpu, queued;
	uint64_t scale_rest; /* of a ns, millionths */
	uint64_t left; /* preempted in the middle: ns times capacity still to go */
	/* park */
	bool token;
	enum park_result wake_reason;
	struct event timer; /* of a park, sleep or spin */
	/* Spinning: until *word, of this many bytes, is not value. */
	const volatile void *spin_word;
	unsigned int spin_size;
	long spin_value;
	struct list_head spinner;
	int rcu_depth;
	bool rcu_blocks; /* the grace period under way waits for it */
	struct task *joining;
	struct rcu_head sync_head;
	bool sync_done;
};

/* ---- cache lines: lines.c ---- */

struct line {
	uint64_t busy_until; /* it is on its way */
	struct cpu_mask holders;
	uint16_t owner; /* CPU + 1 that alone has it and wrote it; 0: none */
	bool watched; /* somebody spins on it */
};

/* ---- the machine ---- */

struct callback {
	struct rcu_head *head;
	void (*func)(struct rcu_head *head);
};

struct callbacks {
	struct callback *list;
	size_t nr, max;
};

struct timed {
	struct machine *machine;
	struct profile profile;
	struct event_queue queue;
	uint64_t now;
	uint64_t horizon; /* no event comes before: until then the running task goes on */
	uint64_t last_event; /* when the last one was: time does not go back behind it */
	uint64_t max_ns;
	uint32_t next_order;
	struct cpu *cpu; /* runs now; NULL: between two tasks, or main */
	struct machine_context *context; /* current's */
	struct cpu cpus[PROFILE_MAX_CPUS];
	uint64_t costs[PROFILE_MAX_CLUSTERS][NR_PROFILE_COSTS]; /* of a cluster's CPUs */
	unsigned int nr_cpus;
	uint64_t tick_ns;
	struct line *lines; /* of the arena's, by offset / 64 */
	struct line elsewhere; /* what is not in the arena: always in the cache */
	struct line *written; /* a watched one that the running task writes */
	bool scales; /* some task's time is scaled: machine_scale_work() */
	struct list_head spinners[SPIN_BUCKETS]; /* by line */
	uint64_t memory_busy_until[PROFILE_MAX_CLUSTERS]; /* by socket */
	struct task *main, *rcu, *io;
	int alive; /* tasks made by the caller that have not ended */
	int in_callback; /* of task rcu, io or both: the run does not end in the middle of it */
	bool running; /* inside machine_run() */
	int error;
	/* RCU: queued since the grace period under way began; its own; over, to be run. */
	struct callbacks rcu_next, rcu_waiting, rcu_done;
	size_t rcu_ran; /* of rcu_done */
	bool rcu_in_grace;
	int rcu_readers; /* that it waits for */
	struct event rcu_timer;
	/* I/O: with the device, by due time; for want of a channel not yet; to be completed. */
	struct machine_io *io_served, *io_waiting, *io_done;
	unsigned int nr_io_served;
	struct event io_timer;
	struct rng io_random;
	uint64_t max_steps, next_report; /* next_report: of steps, when to show progress */
	struct machine_progress progress;
	struct machine_stats stats;
};

static inline struct timed *timed_of(const struct task *task)
{
	return task->machine->impl;
}

/* timed_of(current), for each step: without a look at the task. */
static inline struct timed *timed_here(void)
{
	return mmsim_impl;
}

/* ---- engine.c ---- */

int event_queue_init(struct event_queue *queue);
void event_queue_free(struct event_queue *queue);
void event_init(struct timed *timed, struct event *event,
		void (*fire)(struct timed *timed, struct event *event));
/* Queue it, or move it, to @time. */
void event_at(struct timed *timed, struct event *event, uint64_t time);
void event_cancel(struct timed *timed, struct event *event);
static inline bool event_is_queued(const struct timed *timed, const struct event *event)
{
	return timed->queue.place[event->order];
}

/* The running task wrote a line on which others spin: they look. */
void timed_check_written(struct timed *timed);
/* The running task uses its CPU for so long; others may run, and it be preempted, meanwhile. */
void timed_spend_slow(struct timed *timed);
uint64_t timed_scale(uint64_t ns);
static inline void timed_spend(struct timed *timed, uint64_t ns)
{
	if (unlikely(timed->written))
		timed_check_written(timed);
	if (unlikely(timed->scales))
		ns = timed_scale(ns);
	timed->now += ns;
	if (unlikely(timed->now > timed->horizon))
		timed_spend_slow(timed);
}
/* Current has no CPU any more, or spins: go to who comes next. @last: current has ended. */
void timed_switch_away(struct timed *timed, bool last);
/* Back to main, with an error; @last as above. */
void timed_finish(struct timed *timed, int error, bool last);
void timed_new_horizon(struct timed *timed);
/* From main: go until all tasks have ended, or something broke. */
void timed_go(struct timed *timed);

/* ---- sched.c ---- */

void sched_init(struct timed *timed);
int sched_task_init(struct timed *timed, struct task *task);
/* It can run from now on: choose a CPU, and preempt there if it is to. */
void sched_wake(struct timed *timed, struct task *task);
/* Current leaves its CPU and waits for a wake-up. */
void sched_block(struct timed *timed);
/* Current ends. */
void sched_exit(struct timed *timed);
/* Current gives its CPU to others, if there are any. */
void sched_yield_cpu(struct timed *timed);
/* If a reschedule is pending and current may be preempted: now. */
void sched_preempt_point(struct timed *timed);
/* The task at @cpu may lose it: now, or as soon as may be. */
void sched_resched(struct timed *timed, struct cpu *cpu);
void sched_tick(struct timed *timed, struct event *event);
struct task_times sched_times(const struct timed *timed, const struct task *task);

/* ---- fair.c ---- */

void fair_init(struct entity *se, int nice, uint64_t now);
void fair_enqueue(struct timed *timed, struct cpu *cpu, struct entity *se, bool wakes);
void fair_dequeue(struct cpu *cpu, struct entity *se);
/* Account what the CPU's task ran. */
void fair_update(struct timed *timed, struct cpu *cpu);
/* Current stops running here, to sleep or go elsewhere: keep its lag. */
void fair_keep_lag(struct timed *timed, struct cpu *cpu, struct entity *se);
struct entity *fair_pick(struct cpu *cpu);
/* Should the task that woke preempt the one that runs? Both are fair. */
bool fair_preempts(struct timed *timed, struct cpu *cpu, const struct entity *woken);
/* Its slice is over: a new one. False: it is not. */
bool fair_slice_over(struct timed *timed, struct cpu *cpu);
/* As the scheduler whenever it updates the running task. True: its slice is over, others wait. */
bool fair_look(struct timed *timed, struct cpu *cpu);
/* When the running task's slice will be over, if it goes on. */
uint64_t fair_slice_end(const struct timed *timed, const struct cpu *cpu);
void fair_util(struct entity *se, uint64_t now, unsigned int capacity_ran);

/* ---- place.c ---- */

/* Where a task that wakes is to run. */
struct cpu *place_task(struct timed *timed, struct task *task);
/* A task that waits elsewhere and may run here; NULL: none. */
struct task *place_pull(struct timed *timed, struct cpu *cpu);
int place_parse_cpus(const struct timed *timed, const char *list, struct cpu_mask *mask);

/* ---- lines.c ---- */

/* Wake the spinners whose word has changed on a line that was written. */
void lines_written(struct timed *timed, struct line *line);
bool timed_spin(const volatile void *word, unsigned int size, long value, uint64_t deadline_ns);
/* The spin ends, whatever the word has; the task goes on. */
void spin_end(struct timed *timed, struct task *task);
/* A turn of a loop that waits; takes some time on any machine. */
void timed_relax(void);

/* ---- cost.c ---- */

void timed_work(enum work_kind kind, uint64_t n);
void timed_compute(uint64_t ns);

/* ---- rcu.c, io.c ---- */

int timed_rcu_main(void *timed);
void timed_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void timed_synchronize_rcu(void);
void timed_rcu_init(struct timed *timed);
int timed_io_main(void *timed);
void timed_io_init(struct timed *timed);
void timed_io_submit(struct machine_io *io, uint64_t ns);

#endif
