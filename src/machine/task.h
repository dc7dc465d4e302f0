/* SPDX-License-Identifier: MIT */
/*
 * A task: what runs. The machine owns the first part; the floors above keep in
 * it what a task has at most one of, since no step may fall on a stack word.
 */
#ifndef MMSIM_MACHINE_TASK_H
#define MMSIM_MACHINE_TASK_H

#include "base/list.h"
#include "machine/atomic.h"

struct folio;
struct machine;
struct mm_struct;
struct task_trace;

#define TASK_NAME_LEN 32
#define TASK_CPUS_LEN 64

enum task_state {
	TASK_RUNNING, /* has a CPU; on host and step machine, or could have one */
	TASK_QUEUED, /* timed: waits for a CPU */
	TASK_UNINTERRUPTIBLE, /* parked, only unpark or the deadline ends it */
	TASK_KILLABLE, /* parked, a kill ends it too */
	TASK_SPINNING, /* waits on a word in spin_while_equal */
	TASK_DEAD,
};

/* Where a task's thread or fibre is kept; each machine has its own. */
struct machine_context;

/* Waits in an rwsem's queue; guarded by the rwsem's wait_lock, but for task. */
struct rwsem_waiter {
	struct list_head list;
	struct task *task; /* NULL: granted. Release by the waker, acquire by the sleeper */
	bool write;
	bool handoff_set;
	uint64_t timeout_jiffies;
};

/* Waits in a folio wait queue; guarded by the queue's lock, but for flags. */
struct folio_waiter {
	struct list_head list;
	struct folio *folio;
	struct task *task; /* never changes */
	unsigned int flags; /* release by the waker, acquire by the sleeper */
};

/* Place in an optimistic-spin queue (MCS with cancel). */
struct osq_node {
	struct osq_node *next, *prev;
	int locked; /* 1: the predecessor handed the queue's head over */
	struct task *task; /* never changes */
};

/* Place in a queued spinlock's queue; a task waits for one spinlock at a time. */
struct spin_node {
	struct task *next;
	int first; /* 1: those before are gone */
};

struct task {
	/* The park token; sleeper and wakers meet here. */
	int park_word __cacheline_aligned;
	int killed;
	int state; /* enum task_state, for observers */
	struct task *wake_next;
	struct rwsem_waiter rwsem_waiter __cacheline_aligned;
	struct folio_waiter folio_waiter __cacheline_aligned;
	struct osq_node osq __cacheline_aligned;
	struct spin_node spin __cacheline_aligned;
	/*
	 * Odd while the task is in one user access, between the page-table walk
	 * and the load or store: a TLB flush waits this out as an IPI would.
	 */
	atomic_t user_access __cacheline_aligned;

	/* From here on only the task itself writes. */
	struct task_trace *trace __cacheline_aligned;
	struct mm_struct *mm;
	struct task **mm_slot; /* ours among mm->runners */
	struct machine *machine;
	struct machine_context *context;
	uint64_t rng[4];
	int cpu;
	int nice;
	int fifo;
	int index;
	bool hooked; /* the machine's hooks know it */
	int preempt_count;
	int in_kernel; /* machine_kernel_enter() */
	int in_io; /* waits for a device */
	bool has_deadline; /* for the floors above */
	char name[TASK_NAME_LEN];
	char cpus[TASK_CPUS_LEN]; /* where it may run, if that is not cpu alone */
	int (*fn)(void *arg);
	void *arg;
	int (*start_fn)(void *arg);
	void *start_arg;
	struct mm_struct *start_mm; /* used until the task runs in it */
	int result;
};

extern __thread struct task *mmsim_current __mmsim_tls;
#define current (mmsim_current)

/*
 * current->trace where nothing steps and there are measurements, else NULL: what
 * the shortest paths look at, one test in place of three.
 */
extern __thread struct task_trace *mmsim_host_trace __mmsim_tls;

#endif
