/* SPDX-License-Identifier: MIT */
/*
 * What is measured: for every task its held locks, its acquisitions and holds
 * by call site, its counters; for every wait the wait-for edge. Storage is
 * fixed when the task is made, and a task writes only its own, so that nothing
 * here allocates, locks or shares a cache line on the way through a lock.
 */
#ifndef MMSIM_TRACE_TRACE_H
#define MMSIM_TRACE_TRACE_H

#include "machine/machine.h"
#include "trace/histogram.h"
#include "trace/names.h"

#define TRACE_MAX_HELD 64
#define TRACE_SAMPLE 64 /* holds of short locks: one in so many is timed; a power of two */
#define TRACE_MAX_EDGES 4096
#define TRACE_MAX_CHAIN 8
#define TRACE_MAX_SITES 64
_Static_assert(NR_LOCK_SITES <= TRACE_MAX_SITES, "every site has its counts");

enum lock_mode { LOCK_READ, LOCK_WRITE };

/*
 * What is held, where it was taken, how: one word, since every store on the way
 * through a lock has to drain before the next locked instruction.
 */
enum lock_what {
	WHAT_SITE_SHIFT = 8,
	WHAT_WRITE = 1 << 16,
	WHAT_TIMED = 1 << 17, /* held_since_ns is of this hold */
};

struct held_lock {
	const void *lock;
	uint64_t what; /* class | site << WHAT_SITE_SHIFT | flags */
};

static inline enum lock_class what_class(uint64_t what)
{
	return what & 0xff;
}

static inline enum lock_site what_site(uint64_t what)
{
	return what >> WHAT_SITE_SHIFT & 0xff;
}

static inline enum lock_mode what_mode(uint64_t what)
{
	return what & WHAT_WRITE ? LOCK_WRITE : LOCK_READ;
}

struct lock_wait {
	const void *lock; /* NULL: does not wait */
	uint64_t since_ns;
	uint8_t class, site, mode;
};

struct site_stats {
	uint64_t acquired[2]; /* by enum lock_mode; in sums only, see task_trace.acquired */
	uint64_t contended[2];
	uint64_t behind_writer; /* waits behind a queued writer, not for a holder */
	uint64_t behind_writer_ns; /* waited behind one */
	struct histogram wait_ns;
	struct histogram hold_ns[2]; /* of the holds that were timed, by mode */
};

/* A task's contended waits, those within another wait not counted. */
struct task_waits {
	uint64_t count, total_ns, longest_ns;
};

/* What the holder was doing when somebody had to wait for it. */
enum holder_state {
	HOLDER_UNKNOWN,
	HOLDER_RUNNING,
	HOLDER_OFF_CPU,
	HOLDER_WAITING,
	HOLDER_IO,
	HOLDER_GRANTED, /* it was woken with the lock, and has not run since */
	HOLDER_PREEMPTED, /* it could run, but waits for a CPU; the host cannot tell */
};

struct edge_key {
	int16_t waiter, holder, chain_end; /* task indices; -1: not known */
	uint8_t class, waiter_site, holder_site, chain_end_site;
	uint8_t holder_state, mode, behind_writer, chain_length;
	uint16_t holding; /* a bit for each class of which the waiter holds a lock */
};
_Static_assert(NR_LOCK_CLASSES <= 16, "each class has its bit");

/* Parts of waits of one key, added up; see struct wait_part. */
struct edge_sum {
	int ready; /* 0 free, 1 being written, 2 to be read */
	struct edge_key key;
	uint64_t count, total_ns, max_ns;
	uint64_t ended; /* of them the last part of a wait */
	uint64_t preempted_ns; /* the end of the chain was preempted for so long meanwhile */
};

/* A link of the chain of waits: who is waited for, as it was when the wait began. */
struct wait_link {
	int16_t task; /* index; -1: not known */
	uint8_t class, site, mode; /* the lock, where the task took it or waits for it, and how */
	uint8_t operation; /* enum trace_operation */
	uint8_t behind_writer; /* the task waits for it too, before us */
	uint8_t state; /* enum holder_state */
	int cpu;
	uint64_t object; /* number of the lock's object */
	uint64_t since_ns; /* has it, or waits for it, since then; 0: not known */
	uint64_t preempted_ns; /* for so long during the wait; until it ends, its sum till then */
};

/* As long as a wait has one chain. */
struct wait_part {
	uint64_t since_ns, ns;
	uint8_t length; /* of the chain; 0: nobody was found to have the lock */
	bool let_go; /* the last of the chain has let the lock go, and nobody has it yet */
	struct wait_link link[TRACE_MAX_CHAIN];
	/* What the last of the chain did, until now, and its sums then. */
	uint64_t share_ns[NR_WAIT_SHARES], shared_until_ns;
	struct task_times times;
};

/* A wait under way; the waiter's. */
struct wait_edge {
	struct edge_key key; /* of the present part */
	struct lock_wait outer; /* the wait around this one */
	uint64_t since_ns, object; /* object: number of the one that the lock is in */
	uint8_t operation; /* of the waiter */
	bool behind_writer; /* it began behind a queued writer */
	unsigned int at; /* models: place in trace->waits */
	struct wait_part part, longest; /* the present one; the longest that is over */
};

/* Whom a task with a deadline waited for; blame.c. */
#define BLAME_ROWS 512

struct blame_link {
	int16_t task; /* index */
	uint8_t class, site, operation, mode, behind_writer;
	uint8_t pad;
	uint64_t object;
};

/* Parts of waits of one kind for one chain, added up. */
struct blame_row {
	struct blame_key {
		uint64_t object;
		uint8_t class, site, operation, mode;
		uint32_t length; /* of the chain */
		struct blame_link link[TRACE_MAX_CHAIN];
	} key;
	uint64_t count, total_ns, max_ns, share_ns[NR_WAIT_SHARES];
	uint64_t mostly_preempted; /* of count those of which more than half is SHARE_preempted */
};

struct task_blame {
	uint16_t index[2 * BLAME_ROWS]; /* row and 1, by a hash of its key; 0: free */
	unsigned int nr;
	struct blame_row row[BLAME_ROWS]; /* the last: of all chains that found no place */
};

struct task_trace {
	struct trace *trace;
	struct task *task;
	uint8_t operation; /* enum trace_operation; others look */
	struct task_blame *blame; /* NULL: the task has no deadline */
	unsigned int depth;
	unsigned int unrecorded; /* held, but the stack was full */
	struct lock_wait wait;
	struct task_waits waits[2]; /* for sleeping locks, for spinlocks */
	struct wait_edge longest; /* of those for sleeping locks, waits[0].longest_ns long */
	uint64_t counters[NR_COUNTERS];
	uint8_t sample_mask[NR_LOCK_CLASSES]; /* a hold is timed when its number has none of it */
	struct held_lock held[TRACE_MAX_HELD];
	uint64_t held_since_ns[TRACE_MAX_HELD];
	/* By enum lock_mode; the sites rounded up to make the index cheap. */
	uint64_t acquired[NR_LOCK_CLASSES][TRACE_MAX_SITES][2];
	struct site_stats site[NR_LOCK_CLASSES][NR_LOCK_SITES];
};

struct trace;

/* @enabled false: no counters, no stacks, no times (only for measuring their cost). */
struct trace *trace_create(bool enabled);
void trace_destroy(struct trace *trace);
struct machine_hooks trace_hooks(struct trace *trace);
/* The machine is known only after the trace; needed to name tasks and objects. */
void trace_set_machine(struct trace *trace, struct machine *machine);

/**
 * trace_scale_holds - what if holds were shorter, or longer?
 * @changes: "SITE=FACTOR" or "LOCK.SITE=FACTOR", with blanks between; 0.01 to 100
 * @error: 256 bytes
 *
 * On a modelled machine all that a task does on its CPU while it has a lock that it took there is
 * scaled: the work is not moved elsewhere, it is gone. Sleeps and waits within are as they come.
 * Of locks held at the same time the factors multiply.
 *
 * Return: 0, or -EINVAL after filling @error.
 */
int trace_scale_holds(struct trace *trace, const char *changes, char *error);

const char *lock_class_name(enum lock_class class);
const char *lock_class_guards(enum lock_class class);
const char *lock_site_name(enum lock_site site);
const char *lock_site_help(enum lock_site site);
const char *trace_counter_name(enum trace_counter counter);
const char *trace_counter_unit(enum trace_counter counter);
const char *trace_counter_help(enum trace_counter counter);
const char *holder_state_name(enum holder_state state);
const char *trace_operation_name(enum trace_operation operation);

/* Sums over all tasks, ended ones too. Exact when no task runs. */
uint64_t trace_counter_sum(const struct trace *trace, enum trace_counter counter);
void trace_site_sum(const struct trace *trace, enum lock_class class, enum lock_site site,
		    struct site_stats *sum);
/* The i-th edge, NULL past the last. */
const struct edge_sum *trace_edge(const struct trace *trace, unsigned int i);
const struct task_trace *trace_task(const struct trace *trace, int task_index);

/* The wait-for graph as text: who waits, for what, who has it. */
void trace_wait_graph(const struct trace *trace, char *buf, size_t size);

/* ---- called by the locks ---- */

/* current's; NULL with statistics off. */
static __always_inline struct task_trace *trace_of_current(void)
{
	struct task_trace *t = mmsim_host_trace;

	return likely(t) ? t : current->trace;
}

/* Current begins an operation; the one it is a part of, for trace_operation_end(). */
static __always_inline enum trace_operation trace_operation_begin(enum trace_operation operation)
{
	struct task_trace *t = trace_of_current();
	enum trace_operation outer = OPERATION_user;

	if (likely(t)) {
		outer = t->operation;
		quiet_store(t->operation, (uint8_t)operation);
	}
	return outer;
}

static __always_inline void trace_operation_end(enum trace_operation outer)
{
	trace_operation_begin(outer);
}

static __always_inline void count_events(enum trace_counter counter, uint64_t n)
{
	struct task_trace *t = trace_of_current();

	if (likely(t))
		quiet_inc_owned(t->counters[counter], n);
}

static __always_inline void count_event(enum trace_counter counter)
{
	count_events(counter, 1);
}

#ifdef MMSIM_DEBUG
#define LOCK_ORDER_IS_CHECKED true
/**
 * trace_check_order - may the task block on this lock with what it holds?
 *
 * machine_bug() if it holds a lock of a later class, or one of the same class
 * and not in the order of object numbers (unless @nested).
 */
void trace_check_order(const void *lock, enum lock_class class, bool nested);
#else
#define LOCK_ORDER_IS_CHECKED false
static inline void trace_check_order(const void *lock, enum lock_class class, bool nested)
{
	(void)lock, (void)class, (void)nested;
}
#endif

/* The hold is to be timed: it was waited for, its class always is, or it is the nth. */
void trace_time_hold(struct task_trace *t, unsigned int depth);

static __always_inline void trace_push(struct task_trace *t, const void *lock,
				       enum lock_class class, enum lock_site site,
				       enum lock_mode mode, bool waited)
{
	uint64_t what = class | site << WHAT_SITE_SHIFT | (mode == LOCK_WRITE ? WHAT_WRITE : 0);
	uint64_t *acquired = &t->acquired[class][site][mode];
	unsigned int depth = t->depth;
	uint64_t nth = *acquired;
	struct held_lock *h = &t->held[depth];

	quiet_store(*acquired, nth + 1);
	if (unlikely(depth == TRACE_MAX_HELD)) {
		t->unrecorded++;
		return;
	}
	/* Others scan this stack while it changes and may name a lock just released. */
	quiet_store(h->lock, lock);
	quiet_store(h->what, what);
	quiet_store(t->depth, depth + 1);
	if (unlikely(waited || !(nth & t->sample_mask[class])))
		trace_time_hold(t, depth);
}

/* Models: somebody got a lock or let it go, or waits no more; who waits for it looks again. */
void trace_holders_changed(const void *lock);
void trace_model_released(const void *lock);
void trace_model_acquired(const void *lock, enum lock_class class, enum lock_mode mode);

static __always_inline void trace_acquired(const void *lock, enum lock_class class,
					   enum lock_site site, enum lock_mode mode, bool waited)
{
	struct task_trace *t = trace_of_current();

	if (unlikely(!t))
		return;
	trace_push(t, lock, class, site, mode, waited);
	if (unlikely(mmsim_stepping))
		trace_model_acquired(lock, class, mode);
}

void trace_released_slow(struct task_trace *t, const void *lock);

static __always_inline void trace_pop(struct task_trace *t, const void *lock)
{
	unsigned int top = t->depth - 1;
	const struct held_lock *h = &t->held[top % TRACE_MAX_HELD];

	if (unlikely(h->lock != lock || (h->what & WHAT_TIMED) || top >= TRACE_MAX_HELD))
		trace_released_slow(t, lock);
	else
		quiet_store(t->depth, top);
}

static __always_inline void trace_released(const void *lock)
{
	struct task_trace *t = trace_of_current();

	if (unlikely(!t))
		return;
	trace_pop(t, lock);
	if (unlikely(mmsim_stepping))
		trace_model_released(lock);
}

/* A planted slowdown: spin for a fifth of the time for which a timed lock was held. */
void trace_hold_longer(const void *lock);

/* Write became read, at the same place in the stack. */
void trace_downgraded(const void *lock);
/* Does the task hold @lock? Exact for current. Always false with statistics off. */
bool trace_holds(const void *lock, enum lock_mode *mode);
bool trace_enabled(void);

/**
 * trace_wait_begin - current has to wait for a lock
 * @edge: filled; the caller's until trace_wait_end()
 *
 * Finds the holder in the other tasks' held-lock stacks and follows the chain.
 */
void trace_wait_begin(const void *lock, enum lock_class class, enum lock_site site,
		      enum lock_mode mode, struct wait_edge *edge);
/* It waits behind @writer, queued before it, not for a holder. NULL: no change. */
void trace_wait_behind(struct wait_edge *edge, struct task *writer);
/* Models: @task, a reader that sleeps, was given the lock. */
void trace_wait_granted(struct task *task);
/* The wait is over, granted or not. */
void trace_wait_end(struct wait_edge *edge);

#endif
