/* SPDX-License-Identifier: MIT */
/* What was measured. Sums are exact when no task runs. */
#ifndef MMSIM_STATS_H
#define MMSIM_STATS_H

#include <mmsim/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct mmsim_counter - a counter by the kernel's name where it has one */
struct mmsim_counter {
	const char *name, *unit, *help;
	uint64_t value;
};

/** mmsim_counter_at - the i-th counter; 0, or -ENOENT past the last */
MMSIM_API int mmsim_counter_at(const struct mmsim *sim, unsigned int i,
			       struct mmsim_counter *counter);
/** mmsim_counter_info_at - the same without an instance: value is 0 */
MMSIM_API int mmsim_counter_info_at(unsigned int i, struct mmsim_counter *counter);
/** mmsim_counter - a counter's value by name; UINT64_MAX: there is none */
MMSIM_API uint64_t mmsim_counter(const struct mmsim *sim, const char *name);

/** struct mmsim_times - of a histogram; quantiles within 1/32 of the exact value */
struct mmsim_times {
	uint64_t count, sum_ns, p50_ns, p99_ns, max_ns;
};

/** struct mmsim_lock_site - one lock class at one call site, all tasks */
struct mmsim_lock_site {
	const char *lock, *site;
	int spins; /* a spinlock; else its waiters sleep */
	uint64_t acquired_read, acquired_write;
	uint64_t contended_read, contended_write;
	uint64_t behind_writer, behind_writer_ns; /* waits behind a queued writer */
	struct mmsim_times wait;
	struct mmsim_times hold_read, hold_write; /* of the holds that were timed */
};

/**
 * mmsim_lock_site_at - the i-th (class, site); 0, or -ENOENT past the last
 * Sites that were never reached are among them, with zeroes.
 */
MMSIM_API int mmsim_lock_site_at(const struct mmsim *sim, unsigned int i,
				 struct mmsim_lock_site *site);

/** struct mmsim_edge - waits of one kind of one task for another, added up */
struct mmsim_edge {
	const char *lock, *waiter, *waiter_site, *holder, *holder_site, *holder_state;
	const char *chain_end, *chain_end_site; /* who is waited for in the end */
	unsigned int chain_length;
	int spins; /* a spinlock */
	int write; /* the waiter wanted it for write */
	int behind_writer; /* waited behind a queued writer (holder), not for a holder */
	uint64_t count, total_ns, max_ns;
};

/** mmsim_edge_at - the i-th edge; 0, or -ENOENT past the last */
MMSIM_API int mmsim_edge_at(const struct mmsim *sim, unsigned int i, struct mmsim_edge *edge);

/** struct mmsim_task_waits - a task's contended waits; one within another is part of it */
struct mmsim_task_waits {
	const char *name;
	uint64_t waits, wait_ns, longest_ns; /* for locks whose waiters sleep */
	uint64_t spins, spin_ns, longest_spin_ns; /* for spinlocks */
};

/** mmsim_task_waits_at - of the i-th task; 0, or -ENOENT past the last */
MMSIM_API int mmsim_task_waits_at(const struct mmsim *sim, unsigned int i,
				  struct mmsim_task_waits *waits);

/** struct mmsim_bytes - memory of one type of object */
struct mmsim_bytes {
	const char *type;
	uint64_t objects, bytes;
};

/** mmsim_bytes_at - the i-th type; 0, or -ENOENT past the last */
MMSIM_API int mmsim_bytes_at(const struct mmsim *sim, unsigned int i, struct mmsim_bytes *bytes);

/** mmsim_host_artefacts - parks that a kernel would not have had */
MMSIM_API uint64_t mmsim_host_artefacts(const struct mmsim *sim);
/** mmsim_host_refused - tasks that did not get the nice, FIFO priority or CPUs they asked for */
MMSIM_API uint64_t mmsim_host_refused(const struct mmsim *sim);
/** mmsim_steps - steps made so far; 0 on the host */
MMSIM_API uint64_t mmsim_steps(const struct mmsim *sim);
/** mmsim_work_ns - what is charged for a unit of "trap", "syscall", "ipi"; 0: nothing */
MMSIM_API uint64_t mmsim_work_ns(const struct mmsim *sim, const char *kind);
/** mmsim_lock_class_at - name and meaning of the i-th lock class; 0, or -ENOENT */
MMSIM_API int mmsim_lock_class_at(unsigned int i, const char **name, const char **guards);
/** mmsim_wait_graph - who waits for whom now, as text */
MMSIM_API void mmsim_wait_graph(const struct mmsim *sim, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
