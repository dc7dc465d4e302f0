/* SPDX-License-Identifier: MIT */
/*
 * The seam between mm code and what it runs on. Two machines stand behind it:
 * host (pthreads, futex, liburcu, the monotonic clock) and model (fibres on one
 * OS thread). The model is a step machine, on which a seed or a written schedule
 * says who runs next, or has time: CPUs, a scheduler and costs. Everything above
 * this folder reaches time, waiting, randomness and other tasks through here,
 * and one contract test (tests/unit/test_machine.c) passes on all three.
 */
#ifndef MMSIM_MACHINE_H
#define MMSIM_MACHINE_H

#include "machine/task.h"

struct mmsim_search;
struct mm_struct;
struct profile;

#define NSEC_PER_USEC 1000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC 1000000000ull
#define MACHINE_MAX_TASKS 4096

enum machine_kind { MACHINE_HOST, MACHINE_STEP, MACHINE_TIMED };

/* clang-format off */
/* What a loop over n things costs; see machine_work(). */
#define MACHINE_WORK_KINDS(X)                                                                      \
	X(vma_visit) X(vma_copy) X(tree_node) X(pte_zap) X(pte_copy) X(pte_set) X(avc_visit)       \
	X(lru_move) X(alloc) X(free) X(page_zero) X(page_copy) X(ipi) X(trap) X(syscall) X(io)

enum work_kind {
#define X(name) WORK_##name,
	MACHINE_WORK_KINDS(X)
#undef X
	NR_WORK_KINDS
};

/* What the modelled machine counts: name, unit, help. */
#define MACHINE_STATS(X)                                                                           \
	X(steps, "", "accesses to memory that others may touch")                                   \
	X(stores, "", "of them stores")                                                            \
	X(atomics, "", "of them atomic read-modify-writes")                                        \
	X(step_ns, "ns", "what the steps took without moves of lines")                             \
	X(lines_thread, "", "cache lines that came from another thread of the core")               \
	X(lines_cluster, "", "from another core of the cluster")                                   \
	X(lines_socket, "", "from another cluster of the socket")                                  \
	X(lines_remote, "", "from another socket")                                                 \
	X(lines_memory, "", "from memory: nobody had them")                                        \
	X(line_ns, "ns", "what the moves of lines took, waits for a line that moved included")     \
	X(work_ns, "ns", "what work took that is not steps: zeroing, unmapping, traps")            \
	X(compute_ns, "ns", "what the tasks computed")                                             \
	X(switches, "", "from one task to another")                                                \
	X(preemptions, "", "of them in the middle of something")                                   \
	X(wake_ups, "", "tasks woken")                                                             \
	X(migrations, "", "tasks that went to another CPU")                                        \
	X(interrupts, "", "of CPUs, to have them flush their TLB")                                 \
	X(grace_periods, "", "of RCU")

struct machine_stats {
#define X(name, unit, help) uint64_t name;
	MACHINE_STATS(X)
#undef X
};
/* clang-format on */

/* Up-calls: what the floors above want to know of or say to the machine. */
struct machine_hooks {
	/* A task was made, before it runs; 0 or -errno. */
	int (*task_created)(struct task *task, void *data);
	/* A task is about to be forgotten. */
	void (*task_freed)(struct task *task, void *data);
	/* Write what task waits for, and who has it, to buf. */
	int (*describe_wait)(struct task *task, char *buf, size_t size, void *data);
	void *data;
};

#define MACHINE_PROGRESS_STEPS (1ull << 20)

/* Timed: called between steps, every so often; it must touch nothing of the machine's. */
struct machine_progress {
	void (*tell)(uint64_t now_ns, void *data);
	void *data;
};

struct machine_config {
	enum machine_kind kind;
	uint64_t seed;
	unsigned int nr_cpus; /* model: CPUs that this_cpu() may answer; host: ignored */
	unsigned int hz; /* jiffies a second */
	bool emulate_costs; /* host: spin for ipi, trap and syscall */
	const char *schedule; /* step: written schedule, NULL for a seeded one */
	struct mmsim_search *search; /* step: makes every choice; see mmsim/explore.h */
	unsigned int switch_1_in; /* step: a switch is drawn one step in so many; 0: by seed */
	unsigned int kills; /* step: how many kills the seed may hand out */
	unsigned int spurious_1_in; /* step: a spurious wake-up one step in so many; 0: never */
	unsigned int tick_1_in; /* step: a jiffy passes one step in so many; 0: only if idle */
	uint64_t max_steps; /* model: give up after so many, 0: no limit */
	uint64_t max_ns; /* timed: give up after so much virtual time, 0: no limit */
	const char *profile; /* timed: name or path of the profile */
	const char *profile_changes; /* timed: "COST=VALUE ...", may be NULL */
	uint64_t hang_ns; /* host: a wait this long is a hang */
	struct machine_hooks hooks;
	char *error; /* timed: what is wrong with the profile, 256 bytes; may be NULL */
};

/**
 * machine_create - make a machine; the calling thread becomes its first task
 * @config: copied; the hooks must stay valid
 * @out: the machine
 *
 * The caller is attached as task "main": it may call the mm itself, and on the
 * model it is the stack from which fibres are started.
 * Return: 0, -ENOMEM, -EINVAL (bad schedule or profile), -ENOENT (no such profile).
 */
int machine_create(const struct machine_config *config, struct machine **out);

/**
 * machine_destroy - end a machine whose tasks have all ended or were abandoned
 */
void machine_destroy(struct machine *machine);

/**
 * machine_run - run every task to its end
 *
 * Called by "main". Return: 0; -EDEADLK when nothing can run (model) or a task
 * waited longer than hang_ns (host); -EFAULT when an invariant broke;
 * -EOVERFLOW after max_steps. After an error on the model the tasks that had
 * not ended are abandoned where they stood. machine_failure() has the text.
 */
int machine_run(struct machine *machine);
/* The calling OS thread, which made @machine, is its "main" from now on. */
void machine_enter(struct machine *machine);
const char *machine_failure(const struct machine *machine);
uint64_t machine_steps(const struct machine *machine);
void machine_set_progress(struct machine *machine, const struct machine_progress *progress);
/* Zeroes but on a modelled machine. */
struct machine_stats machine_stats(const struct machine *machine);
/* How long a modelled machine's CPU had a task. */
uint64_t machine_cpu_busy_ns(const struct machine *machine, unsigned int cpu);
/* Of a modelled machine; NULL: it is none. */
const struct profile *machine_profile(const struct machine *machine);
enum machine_kind machine_kind(const struct machine *machine);
unsigned int machine_nr_cpus(const struct machine *machine);
/* Parks that a kernel would not have had: an artefact of running in user space. */
uint64_t machine_host_artefacts(const struct machine *machine);
/* Tasks that did not get the nice, FIFO priority or CPUs they were made with. */
uint64_t machine_host_refused(const struct machine *machine);
/* Calibrated nanoseconds of one unit of work; 0: not charged. */
uint64_t machine_work_ns(const struct machine *machine, enum work_kind kind);

/**
 * machine_bug - an invariant broke
 *
 * Prints seed, step and schedule position with the message. On the model the
 * run ends with -EFAULT and this does not return; on the host the process
 * aborts, since other threads are in the middle of things.
 */
_Noreturn void machine_bug(const char *fmt, ...) __printf(1, 2);
#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			machine_bug("%s:%d: %s", __FILE_NAME__, __LINE__, #cond);                  \
	} while (0)
#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif
#ifdef MMSIM_DEBUG
#define DEBUG_BUG_ON(cond) BUG_ON(cond)
#else
#define DEBUG_BUG_ON(cond) ((void)sizeof(!(cond)))
#endif

/* ---- tasks ---- */

struct task_attr {
	const char *name;
	int nice;
	int fifo; /* SCHED_FIFO priority, 0: none */
	int cpu; /* -1: the machine chooses */
	const char *cpus; /* in its place: "0-3,6", "any"; NULL: none */
	/* For the floors above; kept in the task. */
	bool has_deadline;
	int (*start_fn)(void *arg);
	void *start_arg;
	struct mm_struct *start_mm;
};

/**
 * machine_task_create - make a task
 *
 * Made before machine_run() it starts with that; made by a running task it
 * starts at once. Return: the task; NULL when there are too many, when @attr->cpus has
 * TASK_CPUS_LEN characters or more, or on a modelled machine CPUs that are not there.
 */
struct task *machine_task_create(struct machine *machine, const struct task_attr *attr,
				 int (*fn)(void *arg), void *arg);
/* Wait until @task has ended; its result. Callable from a task or from main. */
int machine_task_join(struct task *task);
/* Make the calling OS thread a task of a host machine; NULL on the model. */
struct task *machine_task_attach(struct machine *machine, const char *name);
void machine_task_detach(void);
struct task *machine_task(const struct machine *machine, int index); /* NULL past the last */

enum park_result { PARK_WOKEN, PARK_TIMEOUT, PARK_KILLED, PARK_SPURIOUS };

/**
 * park - sleep until unparked
 * @state: TASK_UNINTERRUPTIBLE or TASK_KILLABLE
 * @deadline_ns: on the now_ns() clock, 0 for none
 *
 * A token left by unpark(), also one left before, ends it. Callers test their
 * condition in a loop: PARK_SPURIOUS happens.
 */
enum park_result park(enum task_state state, uint64_t deadline_ns);
void unpark(struct task *task);
/* A kill wakes only killable sleepers and stays pending. */
void kill_task(struct task *task);

static inline bool fatal_signal_pending(const struct task *task)
{
	return READ_ONCE(task->killed);
}

/* Wake-ups gathered under a spinlock and issued after it. */
struct wake_q {
	struct task *head, *tail; /* woken first in, first out */
};
#define DEFINE_WAKE_Q(name) struct wake_q name = {NULL, NULL}
void wake_q_add(struct wake_q *q, struct task *task);
void wake_up_q(struct wake_q *q);

/* Neither parked nor in blocking work. */
bool on_cpu(const struct task *task);
/* One turn of a loop that waits for another task's next few instructions. */
void cpu_relax(void);
/*
 * How long optimistic spinning may last, 0 for no limit: user space cannot see
 * that an owner was preempted, so the host ends it after 25 us.
 */
uint64_t optimistic_spin_limit_ns(void);
bool need_resched(void);
void cond_resched(void);

/* On a thread whose machine charges for work. */
extern __thread bool mmsim_charging __mmsim_tls;

/* True on an OS thread that runs a model with time. */
static inline bool machine_is_timed(void)
{
	return mmsim_stepping && mmsim_charging;
}

/* On a modelled machine whose kernel may be preempted; elsewhere it is not known: false. */
bool machine_kernel_preemptible(void);
/* Where a pending reschedule takes effect if nothing forbids it. */
void machine_preempt_point(void);

static inline void preempt_disable(void)
{
	current->preempt_count++;
}

static inline void preempt_enable(void)
{
	if (!--current->preempt_count && unlikely(mmsim_charging))
		machine_preempt_point();
}

static inline int this_cpu(void)
{
	return current->cpu;
}

/**
 * spin_while_equal - wait until *word is not @value: the only way to wait on a word
 * @deadline_ns: 0 for none
 *
 * Acquire: pairs with the release store that changed the word. A pending
 * reschedule may end it early.
 * Return: false when the deadline passed and the word still has the value.
 */
bool spin_while_equal_int(const int *word, int value, uint64_t deadline_ns);
bool spin_while_equal_long(const long *word, long value, uint64_t deadline_ns);

/* ---- time, randomness, work ---- */

uint64_t now_ns(void);
uint64_t jiffies(void);
unsigned int machine_hz(void);
void machine_sleep(uint64_t ns);
/* What a task did when it did not run, added up. */
struct task_times {
	uint64_t delay_ns; /* it was runnable and had no CPU */
	uint64_t asleep_ns, io_ns; /* it slept; it waited for a device. Not known on the host */
};

/*
 * Zeroes on the step machine. On the host a task's present wait for a CPU is only seen when it is
 * over, and a look costs some microseconds.
 */
struct task_times machine_task_times(const struct task *task);
/* Use so much CPU time, as a task's own code does: waiting for a CPU does not count. */
void machine_compute(uint64_t ns);

struct rng {
	uint64_t s[4];
};
/* The stream of (seed, name, index): equal for every variant of an experiment. */
void rng_init(struct rng *rng, uint64_t seed, const char *name, uint64_t index);
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound);

/* Charge n units of work. Host: spins for ipi, trap, syscall, sleeps for io. */
void machine_work_slow(enum work_kind kind, uint64_t n);
static __always_inline void machine_work(enum work_kind kind, uint64_t n)
{
	if (unlikely(mmsim_charging))
		machine_work_slow(kind, n);
}

/*
 * Between the two the steps' own time is part of the work that is charged (a
 * page unmapped is a dozen of them); moves of cache lines still count.
 */
void machine_work_covers(void);
void machine_work_covers_end(void);

#define PPM 1000000u

/*
 * Timed: what current does on its CPU from now on takes so many millionths of what it would, waits
 * for cache lines among it; 0: as usual. What-if of a lock's holds.
 */
void machine_scale_work(uint32_t ppm);

/*
 * From user mode into the kernel, by a trap or system call, and back: without
 * kernel preemption a task loses its CPU in between only where it says so.
 */
void machine_kernel_enter_slow(enum work_kind kind);
void machine_kernel_exit_slow(void);
static __always_inline void machine_kernel_enter(enum work_kind kind)
{
	if (unlikely(mmsim_charging))
		machine_kernel_enter_slow(kind);
}

static __always_inline void machine_kernel_exit(void)
{
	if (unlikely(mmsim_charging))
		machine_kernel_exit_slow();
}

/* Interrupt the CPUs that run @mm until they have dropped their TLB entries; timed only. */
void machine_tlb_shootdown(const struct mm_struct *mm);
/* A word was written without a step: whoever spins on it looks; timed only. */
void machine_wrote(const volatile void *addr);

/* ---- I/O ---- */

/* A request; the caller's, and not to be touched between submission and completion. */
struct machine_io {
	void (*complete)(struct machine_io *io);
	uint64_t due_ns; /* the machine's */
	struct machine_io *next;
};

/**
 * machine_io_submit - hand a request to a device
 * @ns: how long the device takes; the step machine answers at any time, in any order; 0: as
 *	long as the profile's device, elsewhere no time
 * @complete: called by task "io"; it may wake tasks and take spinlocks, not sleep
 *
 * Release: complete() sees what was written before the submission. A request
 * still under way when the machine ends is completed at once (host) or dropped
 * (model): who submits waits.
 */
void machine_io_submit(struct machine_io *io, uint64_t ns, void (*complete)(struct machine_io *io));

/* ---- RCU ---- */

struct rcu_head {
	void *next;
	void (*func)(struct rcu_head *head);
};

void machine_rcu_read_lock(void); /* the models' */
void machine_rcu_read_unlock(void);
void host_rcu_read_lock(void);
void host_rcu_read_unlock(void);

static __always_inline void rcu_read_lock(void)
{
	if (unlikely(mmsim_stepping))
		machine_rcu_read_lock();
	else
		host_rcu_read_lock();
}

static __always_inline void rcu_read_unlock(void)
{
	if (unlikely(mmsim_stepping))
		machine_rcu_read_unlock();
	else
		host_rcu_read_unlock();
}

/* @func runs as task "rcu" some time after every present reader has left. */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void synchronize_rcu(void);
/* Wait until all callbacks queued so far have run. */
void rcu_barrier(void);

/* ---- objects ---- */

/*
 * Objects that steps touch live in chunks, so that a line is (object number,
 * offset / 64) and never an address, and so that the model can tell a touch of
 * a freed object. One state byte a 64-byte granule.
 */
#define CHUNK_SHIFT 16
#define CHUNK_SIZE (1ul << CHUNK_SHIFT)
#define GRANULE_SHIFT 6
#define CHUNK_GRANULES (CHUNK_SIZE >> GRANULE_SHIFT)

enum granule_state {
	GRANULE_UNUSED,
	GRANULE_LIVE,
	GRANULE_TYPESAFE_FREE, /* freed, but may be looked at: SLAB_TYPESAFE_BY_RCU */
	GRANULE_FREED,
};

struct machine_chunk {
	const char *type; /* what the objects are */
	uint64_t first_object; /* object number of the first slot */
	uint32_t slot_size; /* multiple of 64 */
	uint32_t first_offset; /* of the first slot */
	uint8_t state[CHUNK_GRANULES];
};

/* A zeroed chunk, or NULL. Chunks go back only when the machine ends. */
struct machine_chunk *machine_chunk_alloc(struct machine *machine, const char *type,
					  uint32_t slot_size);
void machine_object_allocated(const void *object, size_t size);
void machine_object_freed(const void *object, size_t size, bool typesafe);
/*
 * A new object was filled, with plain stores as nobody else knows it. On the
 * modelled machine its lines are this CPU's from now on, for which the first has to
 * come; the others follow it.
 */
void machine_object_filled(const void *object, size_t size);

struct object_name {
	const char *type; /* NULL: not in a chunk */
	uint64_t number;
	uint32_t offset;
};
struct object_name machine_object_name(const struct machine *machine, const volatile void *addr);
/* What the object of that number is; NULL: there is none. Looks at all chunks. */
const char *machine_object_type(const struct machine *machine, uint64_t number);

/* Physical memory: zero-filled on first touch, no steps. NULL if there is none. */
void *machine_memory_alloc(size_t size);
void machine_memory_free(void *memory, size_t size);

/* ---- a lock of somebody else's, for comparison (host only) ---- */

struct foreign_rwlock;
struct foreign_rwlock *foreign_rwlock_create(void); /* NULL on the model */
void foreign_rwlock_destroy(struct foreign_rwlock *lock);
bool foreign_rwlock_acquire(struct foreign_rwlock *lock, bool write, bool try_only);
void foreign_rwlock_release(struct foreign_rwlock *lock);

#endif
