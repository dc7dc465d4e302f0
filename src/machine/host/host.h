/* SPDX-License-Identifier: MIT */
/* The host machine's own data. */
#ifndef MMSIM_MACHINE_HOST_HOST_H
#define MMSIM_MACHINE_HOST_HOST_H

#include "machine/host/topology.h"
#include "machine/host/urcu.h"
#include "machine/machine_internal.h"

#include <pthread.h>

struct machine_context {
	pthread_t thread;
	struct task *task;
	uint64_t parked_since_ns; /* 0: does not sleep, or has a deadline */
	int tid; /* 0: not running yet */
	int schedstat; /* its open file and 1; 0: nobody looked yet, -1: it cannot be had */
	int dead; /* futex: 1 when the task's function has returned */
	bool own_thread; /* made by us, to be joined */
	bool joined;
};

enum host_gate { GATE_CLOSED, GATE_OPEN, GATE_CANCELLED };

struct host {
	struct machine *machine;
	int gate; /* futex: enum host_gate; open while machine_run() runs */
	struct task *main, *rcu;
	/* RCU callbacks: pushed by anyone, taken all at once by task rcu. */
	struct rcu_head *callbacks;
	int rcu_work; /* futex: counts pushes */
	int rcu_stop;
	uint64_t rcu_queued, rcu_done;
	uint64_t rcu_cpu_ns;
	/* I/O: as the callbacks, for task io, which the first request starts. */
	struct task *io;
	struct machine_io *io_submitted;
	int io_work; /* futex: counts submissions */
	int io_started, io_stop;
	struct foreign_rwlock *foreign; /* all that there are */
	pthread_mutex_t foreign_lock;
};

static inline struct host *host_of(const struct task *task)
{
	return task->machine->impl;
}

/* time.c */
uint64_t host_now(void);
void host_clock_init(void);
void host_calibrate(struct machine *machine);
void host_work(enum work_kind kind, uint64_t n);
void host_compute(uint64_t ns);
struct task_times host_times(const struct task *task);
uint64_t host_thread_cpu_ns(void);
static inline void host_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* io.c */
int host_io_init(struct host *host);
void host_io_submit(struct machine_io *io, uint64_t ns);
void host_io_stop(struct host *host);

/* rcu.c */
int host_rcu_start(struct host *host);
void host_rcu_stop(struct host *host);
void host_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void host_rcu_barrier(void);

/* host.c, for rcu.c */
void host_futex_wait(const int *word, int value, uint64_t timeout_ns);
void host_futex_wake(const int *word);
int host_context_create(struct task *task);

#endif
