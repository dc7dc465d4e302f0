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
#define TRACE_SAMPLE 64 /* holds of short locks: one in so many is timed */
#define TRACE_MAX_EDGES 4096
#define TRACE_MAX_CHAIN 8

enum lock_mode { LOCK_READ, LOCK_WRITE };

struct held_lock {
	const void *lock;
	uint64_t since_ns; /* 0: this hold is not timed */
	uint8_t class, site, mode, unused;
};

struct lock_wait {
	const void *lock; /* NULL: does not wait */
	uint64_t since_ns;
	uint8_t class, site, mode;
};

struct site_stats {
	uint64_t acquired[2]; /* by enum lock_mode */
	uint64_t contended[2];
	uint64_t behind_writer; /* waits behind a queued writer, not for a holder */
	uint64_t behind_writer_ns; /* in them */
	struct histogram wait_ns;
	struct histogram hold_ns;
};

struct task_trace {
	struct trace *trace;
	struct task *task;
	uint64_t always_timed; /* bit a lock class */
	unsigned int depth;
	unsigned int unrecorded; /* held, but the stack was full */
	struct lock_wait wait;
	uint64_t counters[NR_COUNTERS];
	struct held_lock held[TRACE_MAX_HELD];
	struct site_stats site[NR_LOCK_CLASSES][NR_LOCK_SITES];
};

/* What the holder was doing when somebody had to wait for it. */
enum holder_state { HOLDER_UNKNOWN, HOLDER_RUNNING, HOLDER_OFF_CPU, HOLDER_WAITING, HOLDER_IO };

struct wait_edge {
	int ready; /* 0 free, 1 being written, 2 to be read */
	struct {
		int16_t waiter, holder, chain_end; /* task indices; -1: not known */
		uint8_t class, waiter_site, holder_site, chain_end_site;
		uint8_t holder_state, mode, behind_writer, chain_length;
	} key;
	uint64_t count, total_ns, max_ns;
};

struct trace;

/* @enabled false: no counters, no stacks, no times (only for measuring their cost). */
struct trace *trace_create(bool enabled);
void trace_destroy(struct trace *trace);
struct machine_hooks trace_hooks(struct trace *trace);
/* The machine is known only after the trace; needed to name tasks and objects. */
void trace_set_machine(struct trace *trace, struct machine *machine);

const char *lock_class_name(enum lock_class class);
const char *lock_class_guards(enum lock_class class);
const char *lock_site_name(enum lock_site site);
const char *lock_site_help(enum lock_site site);
const char *trace_counter_name(enum trace_counter counter);
const char *trace_counter_unit(enum trace_counter counter);
const char *trace_counter_help(enum trace_counter counter);
const char *holder_state_name(enum holder_state state);

/* Sums over all tasks, ended ones too. Exact when no task runs. */
uint64_t trace_counter_sum(const struct trace *trace, enum trace_counter counter);
void trace_site_sum(const struct trace *trace, enum lock_class class, enum lock_site site,
		    struct site_stats *sum);
/* The i-th edge, NULL past the last. */
const struct wait_edge *trace_edge(const struct trace *trace, unsigned int i);
const struct task_trace *trace_task(const struct trace *trace, int task_index);

/* The wait-for graph as text: who waits, for what, who has it. */
void trace_wait_graph(const struct trace *trace, char *buf, size_t size);

/* ---- called by the locks ---- */

static __always_inline void count_events(enum trace_counter counter, uint64_t n)
{
	struct task_trace *t = current->trace;

	if (likely(t))
		quiet_inc_owned(t->counters[counter], n);
}

static __always_inline void count_event(enum trace_counter counter)
{
	count_events(counter, 1);
}

#ifdef MMSIM_DEBUG
/**
 * trace_check_order - may the task block on this lock with what it holds?
 *
 * machine_bug() if it holds a lock of a later class, or one of the same class
 * and not in the order of object numbers (unless @nested).
 */
void trace_check_order(const void *lock, enum lock_class class, bool nested);
#else
static inline void trace_check_order(const void *lock, enum lock_class class, bool nested)
{
	(void)lock, (void)class, (void)nested;
}
#endif

static __always_inline void trace_acquired(const void *lock, enum lock_class class,
					   enum lock_site site, enum lock_mode mode, bool waited)
{
	struct task_trace *t = current->trace;
	struct site_stats *s;
	struct held_lock *h;
	uint64_t nth;

	if (unlikely(!t))
		return;
	s = &t->site[class][site];
	nth = s->acquired[mode];
	quiet_store(s->acquired[mode], nth + 1);
	if (unlikely(t->depth == TRACE_MAX_HELD)) {
		t->unrecorded++;
		return;
	}
	h = &t->held[t->depth];
	quiet_store(h->class, class);
	quiet_store(h->site, site);
	quiet_store(h->mode, mode);
	h->since_ns = 0;
	if (unlikely(waited || (t->always_timed >> class & 1) || !(nth % TRACE_SAMPLE)))
		h->since_ns = now_ns();
	/* Others scan this stack while it changes and may name a lock just released. */
	quiet_store(h->lock, lock);
	quiet_store(t->depth, t->depth + 1);
}

void trace_released_slow(struct task_trace *t, const void *lock);

static __always_inline void trace_released(const void *lock)
{
	struct task_trace *t = current->trace;
	struct held_lock *h;

	if (unlikely(!t))
		return;
	h = &t->held[t->depth - 1];
	if (unlikely(!t->depth || h->lock != lock || h->since_ns)) {
		trace_released_slow(t, lock);
		return;
	}
	quiet_store(h->lock, NULL);
	quiet_store(t->depth, t->depth - 1);
}

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
/* The wait is over, granted or not. */
void trace_wait_end(struct wait_edge *edge);

#endif
