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

/**
 * struct mmsim_edge - waits of one kind of one task for another, added up
 *
 * On the models a wait is a row of parts, one for each holder that was waited for
 * in turn; each counts with its time. On the host a wait is one part.
 */
struct mmsim_edge {
	const char *lock, *waiter, *waiter_site, *holder, *holder_site, *holder_state;
	const char *chain_end, *chain_end_site; /* who is waited for in the end */
	unsigned int chain_length;
	int spins; /* a spinlock */
	int write; /* the waiter wanted it for write */
	int behind_writer; /* waited behind a queued writer (holder), not for a holder */
	/* Bit i: meanwhile the waiter held a lock of the i-th class, mmsim_lock_class_at(). */
	unsigned int holding;
	uint64_t count, total_ns, max_ns;
	uint64_t ended; /* of count those that were the last part of their wait */
	uint64_t preempted_ns; /* models with time: so long the end of the chain was preempted */
};

/** mmsim_edge_at - the i-th edge; 0, or -ENOENT past the last */
MMSIM_API int mmsim_edge_at(const struct mmsim *sim, unsigned int i, struct mmsim_edge *edge);

/** struct mmsim_task_waits - a task's contended waits; one within another is part of it */
struct mmsim_task_waits {
	const char *name;
	uint64_t waits, wait_ns, longest_ns; /* for locks whose waiters sleep */
	uint64_t spins, spin_ns, longest_spin_ns; /* for spinlocks */
	/* Of the longest wait for a lock whose waiters sleep; "" and 0: there was none. */
	const char *longest_lock, *longest_site;
	uint64_t longest_object, longest_at_ns; /* on the machine's clock, when it began */
	uint64_t longest_part_ns; /* of it, as long as it was for one chain, see below */
};

/** mmsim_task_waits_at - of the i-th task; 0, or -ENOENT past the last */
MMSIM_API int mmsim_task_waits_at(const struct mmsim *sim, unsigned int i,
				  struct mmsim_task_waits *waits);

/**
 * struct mmsim_wait_link - who was waited for in a task's longest wait for a lock
 *
 * The first link is whom the task waited for, each further one whom the one before
 * waited for. On the models a wait may be for one task after the other: this is the
 * chain that lasted longest, as it was when it began. On the host it is how the wait
 * began, and nothing is known of later.
 */
struct mmsim_wait_link {
	const char *task; /* "?": not known; then the rest says nothing */
	const char *lock, *site; /* the lock that it has or waits for too, and where */
	uint64_t object; /* number of the object that the lock is in */
	int write; /* it has it, or wants it, for write */
	int behind_writer; /* it was queued before; else it had the lock */
	const char *state; /* as mmsim_edge.holder_state */
	int cpu; /* at the end */
	uint64_t for_ns; /* it had it, or waited for it, so long already; 0: or not known */
	uint64_t preempted_ns; /* it was preempted so long meanwhile; models with time only */
};

/** mmsim_longest_wait_at - a link of the i-th task's longest wait; 0, or -ENOENT past the last */
MMSIM_API int mmsim_longest_wait_at(const struct mmsim *sim, unsigned int i, unsigned int link,
				    struct mmsim_wait_link *out);

/**
 * struct mmsim_blame - waits of one kind of a task with a deadline, for one chain
 *
 * All waits of the task for locks that are no part of another wait, spinlocks too: the rows'
 * total_ns add up to mmsim_task_waits.wait_ns and spin_ns, and of each row the last five
 * times to its total_ns. They say what the last of the chain did meanwhile. On the models a
 * wait is booked to each chain in turn, and exactly. On the host it is booked to the chain
 * that was found when it began, running and asleep are as then, and preempted is what the
 * kernel counted, for all of the wait.
 */
struct mmsim_blame {
	const char *lock, *site, *operation; /* what for, where, and in what the waiter was */
	const char *type; /* of the object that the lock is in */
	uint64_t object; /* its number */
	int write; /* wanted for write */
	unsigned int chain_length; /* 0: nobody was seen to have it */
	int others; /* the row of all chains for which there was no room; names say nothing */
	uint64_t count, total_ns, max_ns; /* parts of waits; on the host waits */
	uint64_t mostly_preempted; /* of them those of which preempted_ns is more than half */
	uint64_t running_ns; /* the last of the chain had a CPU */
	uint64_t preempted_ns; /* it could run, but had no CPU */
	uint64_t asleep_ns; /* it slept, or waited for what is not known */
	uint64_t io_ns; /* it waited for a device */
	uint64_t handover_ns; /* nobody had the lock any more: who is next was not running yet */
};

/** mmsim_blame_at - a row of the i-th task; 0, or -ENOENT past the last */
MMSIM_API int mmsim_blame_at(const struct mmsim *sim, unsigned int i, unsigned int row,
			     struct mmsim_blame *blame);

/** struct mmsim_blame_link - whom the task waited for, or whom the link before did */
struct mmsim_blame_link {
	const char *task, *operation;
	const char *lock, *site; /* the lock that it has or waits for too, and where */
	const char *type; /* of the object that the lock is in */
	uint64_t object; /* its number */
	int write, behind_writer; /* as in struct mmsim_wait_link */
};

/** mmsim_blame_link_at - a link of that row's chain; 0, or -ENOENT past the last */
MMSIM_API int mmsim_blame_link_at(const struct mmsim *sim, unsigned int i, unsigned int row,
				  unsigned int link, struct mmsim_blame_link *out);

/** struct mmsim_bytes - memory of one type of object */
struct mmsim_bytes {
	const char *type;
	uint64_t objects, bytes;
};

/** mmsim_bytes_at - the i-th type; 0, or -ENOENT past the last */
MMSIM_API int mmsim_bytes_at(const struct mmsim *sim, unsigned int i, struct mmsim_bytes *bytes);

/** mmsim_anon_pages - how many pages one PTE maps, and how many several do, at this moment */
MMSIM_API void mmsim_anon_pages(const struct mmsim *sim, uint64_t *exclusive, uint64_t *shared);

/** mmsim_host_artefacts - parks that a kernel would not have had */
MMSIM_API uint64_t mmsim_host_artefacts(const struct mmsim *sim);
/** mmsim_host_refused - tasks that did not get the nice, FIFO priority or CPUs they asked for */
MMSIM_API uint64_t mmsim_host_refused(const struct mmsim *sim);
/** mmsim_steps - steps made so far; 0 on the host */
MMSIM_API uint64_t mmsim_steps(const struct mmsim *sim);
/** mmsim_work_ns - what is charged for a unit of "trap", "syscall", "ipi"; 0: nothing */
MMSIM_API uint64_t mmsim_work_ns(const struct mmsim *sim, const char *kind);
/** mmsim_machine_count_at - what a modelled machine counts; 0, or -ENOENT past the last */
MMSIM_API int mmsim_machine_count_at(const struct mmsim *sim, unsigned int i,
				     struct mmsim_counter *counter);

/** struct mmsim_cost - what something takes on a modelled machine, from its profile */
struct mmsim_cost {
	const char *name, *unit, *help, *source;
	uint64_t value; /* on a CPU of capacity 1024 */
};

/** mmsim_cost_at - the i-th; 0, or -ENOENT past the last, and on other machines */
MMSIM_API int mmsim_cost_at(const struct mmsim *sim, unsigned int i, struct mmsim_cost *cost);

/** struct mmsim_cpu - a CPU of a modelled machine */
struct mmsim_cpu {
	const char *cluster;
	unsigned int socket, capacity; /* capacity: of the fastest's 1024 */
	uint64_t busy_ns; /* it had a task */
};

/** mmsim_cpu_at - the i-th; 0, or -ENOENT past the last, and on other machines */
MMSIM_API int mmsim_cpu_at(const struct mmsim *sim, unsigned int i, struct mmsim_cpu *cpu);
/** mmsim_preemption - "none" or "full" of a modelled machine; NULL: it is none */
MMSIM_API const char *mmsim_preemption(const struct mmsim *sim);
/** mmsim_hz - jiffies a second */
MMSIM_API unsigned int mmsim_hz(const struct mmsim *sim);

/** mmsim_lock_class_at - name and meaning of the i-th lock class; 0, or -ENOENT */
MMSIM_API int mmsim_lock_class_at(unsigned int i, const char **name, const char **guards);
/** mmsim_site_at - name and meaning of the i-th call site of locks; 0, or -ENOENT */
MMSIM_API int mmsim_site_at(unsigned int i, const char **name, const char **what);
/** mmsim_wait_graph - who waits for whom now, as text */
MMSIM_API void mmsim_wait_graph(const struct mmsim *sim, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
