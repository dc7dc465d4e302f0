/* SPDX-License-Identifier: MIT */
/*
 * What the traced kernel's mmap_lock did. The per-VMA lock has no tracepoint: that it served a call
 * or a fault shows in the absence of mmap_lock events of the same thread.
 */
#define _GNU_SOURCE 1
#include "perf_stats.h"
#include "../replay/idmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct perf_stats {
#define PERF_STATS_FIELD(name, help) uint64_t name;
	PERF_STATS(PERF_STATS_FIELD)
#undef PERF_STATS_FIELD
};

/* Fork holds the locks of two address spaces at once; nothing holds more. */
#define HOLDS_MAX 2

struct hold {
	uint64_t mm; /* 0: free */
	uint64_t since_ns;
	bool write;
};

/* What a thread is in the middle of. */
struct stats_thread {
	bool fault; /* a fault that may yet turn out to take mmap_lock */
	bool zap; /* in madvise DONTNEED or FREE */
	bool zap_locked;
	bool locking, waiting, contended;
	uint64_t locking_since_ns;
	struct hold hold[HOLDS_MAX];
};

struct counting {
	struct perf_stats stats;
	struct idmap by_tid;
	struct stats_thread *threads;
	size_t nr_threads, max_threads;
};

static struct stats_thread *thread_of(struct counting *c, int tid)
{
	size_t *found = idmap_find(&c->by_tid, tid);
	size_t wanted = c->max_threads ? c->max_threads * 2 : 64;
	struct stats_thread *moved;

	if (found)
		return &c->threads[*found];
	if (c->nr_threads == c->max_threads) {
		moved = reallocarray(c->threads, wanted, sizeof(*moved));
		if (!moved)
			return NULL;
		c->threads = moved;
		c->max_threads = wanted;
	}
	if (idmap_set(&c->by_tid, tid, c->nr_threads))
		return NULL;
	memset(&c->threads[c->nr_threads], 0, sizeof(*c->threads));
	return &c->threads[c->nr_threads++];
}

static void add_ns(uint64_t ns, uint64_t *total, uint64_t *max)
{
	*total += ns;
	if (ns > *max)
		*max = ns;
}

static void end_hold(struct perf_stats *stats, struct hold *hold, uint64_t now)
{
	uint64_t ns = now - hold->since_ns;

	if (hold->write)
		add_ns(ns, &stats->mmap_lock_hold_write_ns, &stats->mmap_lock_hold_write_ns_max);
	else
		add_ns(ns, &stats->mmap_lock_hold_read_ns, &stats->mmap_lock_hold_read_ns_max);
	hold->mm = 0;
}

static struct hold *hold_of(struct stats_thread *thread, uint64_t mm)
{
	for (int i = 0; i < HOLDS_MAX; i++)
		if (thread->hold[i].mm == mm)
			return &thread->hold[i];
	return NULL;
}

static void acquired(struct perf_stats *stats, struct stats_thread *thread,
		     const struct perf_event *event)
{
	uint64_t mm = event->value[0], write = event->value[1], success = event->value[2];
	struct hold *hold = hold_of(thread, mm);

	if (success && thread->locking && thread->contended) {
		stats->mmap_lock_wait_count++;
		add_ns(event->time_ns - thread->locking_since_ns, &stats->mmap_lock_wait_ns,
		       &stats->mmap_lock_wait_ns_max);
	}
	thread->locking = false;
	thread->waiting = false;
	if (!success)
		return;
	if (write)
		stats->mmap_lock_write++;
	else
		stats->mmap_lock_read++;
	/* Having it already means a downgrade: the write hold ends here, a read hold begins. */
	if (hold)
		end_hold(stats, hold, event->time_ns);
	hold = hold_of(thread, 0);
	if (hold)
		*hold = (struct hold){.mm = mm, .since_ns = event->time_ns, .write = write};
}

static void lock_event(struct perf_stats *stats, struct stats_thread *thread,
		       const struct perf_event *event)
{
	struct hold *hold;

	thread->fault = false;
	thread->zap_locked = true;
	if (event->kind == PERF_LOCK_START) {
		thread->locking = true;
		thread->waiting = false;
		thread->contended = false;
		thread->locking_since_ns = event->time_ns;
	} else if (event->kind == PERF_LOCK_ACQUIRED) {
		acquired(stats, thread, event);
	} else {
		hold = hold_of(thread, event->value[0]);
		if (hold)
			end_hold(stats, hold, event->time_ns);
	}
}

/* Whether the event's flags are exactly @flags: SPIN|WRITE, say, is no rwsem. */
static bool has_flags(const struct perf_event *event, const char *flags)
{
	const char *text = strstr(event->trace, "flags=");
	size_t len = strlen(flags);

	return text && !strncmp(text + 6, flags, len) && text[6 + len] == ')';
}

/* A spinlock inside mmap_lock's slow path is not a wait for mmap_lock, so it does not count. */
static void contention_begin(struct perf_stats *stats, struct stats_thread *thread,
			     const struct perf_event *event)
{
	bool read = has_flags(event, "READ"), write = has_flags(event, "WRITE");

	if (read)
		stats->contention_begin_read++;
	else if (write)
		stats->contention_begin_write++;
	else if (has_flags(event, "SPIN"))
		stats->contention_begin_spin++;
	else
		stats->contention_begin_other++;
	if (thread->locking && (read || write))
		thread->waiting = true;
}

/* Events that are neither of mmap_lock nor of contention: the fault before them is over. */
static void other_event(struct perf_stats *stats, struct stats_thread *thread,
			const struct perf_event *event)
{
	stats->fault_vma_lock += thread->fault;
	thread->fault = event->kind == PERF_FAULT;
	stats->fault_total += thread->fault;
	if (event->kind == PERF_ENTER_MADVISE) {
		stats->madvise_total++;
		thread->zap = event->value[2] == MADV_DONTNEED || event->value[2] == MADV_FREE;
		thread->zap_locked = false;
		stats->madvise_dontneed_free += thread->zap;
	} else if (event->kind == PERF_EXIT_MADVISE) {
		stats->madvise_vma_lock += thread->zap && !thread->zap_locked;
		thread->zap = false;
	}
}

static void count(struct perf_stats *stats, struct stats_thread *thread,
		  const struct perf_event *event)
{
	switch (event->kind) {
	case PERF_LOCK_START:
	case PERF_LOCK_ACQUIRED:
	case PERF_LOCK_RELEASED:
		lock_event(stats, thread, event);
		break;
	case PERF_CONTENTION_BEGIN:
		contention_begin(stats, thread, event);
		break;
	case PERF_CONTENTION_END:
		thread->contended |= thread->waiting;
		break;
	default:
		other_event(stats, thread, event);
	}
}

static int count_all(struct counting *c, const struct perf_events *events)
{
	struct stats_thread *thread;

	for (size_t i = 0; i < events->nr_events; i++) {
		thread = thread_of(c, events->events[i].tid);
		if (!thread)
			return -ENOMEM;
		count(&c->stats, thread, &events->events[i]);
	}
	for (size_t i = 0; i < c->nr_threads; i++)
		c->stats.fault_vma_lock += c->threads[i].fault;
	c->stats.duration_ns =
		events->events[events->nr_events - 1].time_ns - events->events[0].time_ns;
	return 0;
}

static int add_stats(const struct perf_stats *stats, struct recording *out)
{
	int ret = 0;

#define PERF_STATS_ADD(name, help)                                                                 \
	if (!ret)                                                                                  \
		ret = recording_add_stat(out, "recorded_" #name, stats->name);
	PERF_STATS(PERF_STATS_ADD)
#undef PERF_STATS_ADD
	return ret;
}

int perf_stats_count(const struct perf_events *events, struct recording *out)
{
	struct counting c = {0};
	int ret = count_all(&c, events);

	if (!ret)
		ret = add_stats(&c.stats, out);
	idmap_free(&c.by_tid);
	free(c.threads);
	return ret;
}
