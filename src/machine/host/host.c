/* SPDX-License-Identifier: MIT */
/*
 * The host machine: tasks are pthreads bound to a CPU with hwloc, waiting is a
 * futex. It measures on this computer's cores. User space cannot see that a
 * lock's holder was preempted, so who spins for long parks instead; each such
 * park, which no kernel would have, is counted as host_artefact.
 */
#define _GNU_SOURCE
#include "machine/host/host.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HANG_LOOK_NS (250 * NSEC_PER_MSEC)
#define SPIN_BEFORE_YIELD_NS (10 * NSEC_PER_USEC)
#define YIELDS_BEFORE_SLEEP 64
#define SPIN_SLEEP_NS (20 * NSEC_PER_USEC)
#define OPTIMISTIC_SPIN_LIMIT_NS (25 * NSEC_PER_USEC)

/* ---- futex ---- */

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC)};
}

/* @timeout_ns: relative, 0 for none. */
void host_futex_wait(const int *word, int value, uint64_t timeout_ns)
{
	struct timespec ts = to_timespec(timeout_ns);

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns ? &ts : NULL, NULL, 0);
}

void host_futex_wake(const int *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* ---- park ---- */

enum park_word { PARK_NONE, PARK_TOKEN, PARK_ASLEEP };

static bool take_token(struct task *task)
{
	int token = PARK_TOKEN;

	return __atomic_compare_exchange_n(&task->park_word, &token, PARK_NONE, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* PARK_NONE to PARK_ASLEEP; a token that came meanwhile stays. */
static bool fall_asleep(struct task *task)
{
	int none = PARK_NONE;

	return __atomic_compare_exchange_n(&task->park_word, &none, PARK_ASLEEP, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static bool is_killed(const struct task *task)
{
	return __atomic_load_n(&task->killed, __ATOMIC_SEQ_CST);
}

static enum park_result sleep_on_word(struct task *task, bool killable, uint64_t deadline_ns)
{
	uint64_t now = deadline_ns ? host_now() : 0;

	if (killable && is_killed(task))
		return PARK_KILLED;
	if (deadline_ns && now >= deadline_ns)
		return PARK_TIMEOUT;
	if (!fall_asleep(task))
		return PARK_SPURIOUS;
	/* After PARK_ASLEEP: the killer sees that, or we see the kill. */
	if (!killable || !is_killed(task))
		host_futex_wait(&task->park_word, PARK_ASLEEP, deadline_ns ? deadline_ns - now : 0);
	if (__atomic_exchange_n(&task->park_word, PARK_NONE, __ATOMIC_SEQ_CST) == PARK_TOKEN)
		return PARK_WOKEN;
	if (killable && is_killed(task))
		return PARK_KILLED;
	return deadline_ns && host_now() >= deadline_ns ? PARK_TIMEOUT : PARK_SPURIOUS;
}

static enum park_result host_park(enum task_state state, uint64_t deadline_ns)
{
	struct task *task = current;
	enum park_result result;

	if (take_token(task))
		return PARK_WOKEN;
	quiet_store(task->context->parked_since_ns, deadline_ns ? 0 : host_now());
	__atomic_store_n(&task->state, state, __ATOMIC_SEQ_CST);
	result = sleep_on_word(task, state == TASK_KILLABLE, deadline_ns);
	if (result == PARK_SPURIOUS && take_token(task))
		result = PARK_WOKEN;
	__atomic_store_n(&task->state, TASK_RUNNING, __ATOMIC_SEQ_CST);
	quiet_store(task->context->parked_since_ns, 0);
	return result;
}

static void host_unpark(struct task *task)
{
	if (__atomic_exchange_n(&task->park_word, PARK_TOKEN, __ATOMIC_SEQ_CST) == PARK_ASLEEP)
		host_futex_wake(&task->park_word);
}

static void host_kill(struct task *task)
{
	int asleep = PARK_ASLEEP;

	__atomic_store_n(&task->killed, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&task->state, __ATOMIC_SEQ_CST) == TASK_KILLABLE &&
	    __atomic_compare_exchange_n(&task->park_word, &asleep, PARK_NONE, false,
					__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		host_futex_wake(&task->park_word);
}

/* ---- spin ---- */

/* Spin, then let others have the CPU: the holder may wait for ours. */
struct patience {
	uint64_t start_ns;
	unsigned int turns, yields;
};

static bool patience_turn(struct patience *p, uint64_t deadline_ns)
{
	uint64_t now;

	host_pause();
	if (++p->turns % 16)
		return true;
	now = host_now();
	if (deadline_ns && now >= deadline_ns)
		return false;
	if (!p->start_ns)
		p->start_ns = now;
	if (now - p->start_ns < SPIN_BEFORE_YIELD_NS)
		return true;
	if (!p->yields) {
		quiet_add(current->machine->host_artefacts, 1);
		if (!deadline_ns)
			quiet_store(current->context->parked_since_ns, now);
	}
	if (p->yields++ < YIELDS_BEFORE_SLEEP) {
		sched_yield();
	} else {
		struct timespec ts = to_timespec(SPIN_SLEEP_NS);

		nanosleep(&ts, NULL);
	}
	return true;
}

static bool host_spin_int(const int *word, int value, uint64_t deadline_ns)
{
	struct patience p = {0};

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
		if (!patience_turn(&p, deadline_ns))
			return false;
	if (p.yields)
		quiet_store(current->context->parked_since_ns, 0);
	return true;
}

static bool host_spin_long(const long *word, long value, uint64_t deadline_ns)
{
	struct patience p = {0};

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
		if (!patience_turn(&p, deadline_ns))
			return false;
	if (p.yields)
		quiet_store(current->context->parked_since_ns, 0);
	return true;
}

static bool host_need_resched(void)
{
	return false;
}

static void host_sleep(uint64_t ns)
{
	struct timespec ts = to_timespec(ns);

	quiet_store(current->state, TASK_UNINTERRUPTIBLE);
	nanosleep(&ts, NULL);
	quiet_store(current->state, TASK_RUNNING);
}

/* ---- tasks ---- */

/* Others scan the tasks while they are made; NULL: not complete yet. */
static struct machine_context *context_of(const struct task *task)
{
	return __atomic_load_n(&task->context, __ATOMIC_ACQUIRE);
}

int host_context_create(struct task *task)
{
	struct machine_context *context = calloc(1, sizeof(*context));

	if (!context)
		return -ENOMEM;
	context->task = task;
	/* Release: pairs with the acquire in context_of(). */
	__atomic_store_n(&task->context, context, __ATOMIC_RELEASE);
	return 0;
}

/* Its CPUs and its priority; who asks for more than it may have is counted. */
static void host_place(const struct task *task)
{
	const struct sched_param fifo = {.sched_priority = task->fifo};
	int refused = 0;

	if (*task->cpus)
		refused |= host_bind_to_cpus(task->cpus);
	else
		refused |= host_bind_to_cpu(task->cpu);
	if (task->nice)
		refused |= setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), task->nice);
	if (task->fifo)
		refused |= pthread_setschedparam(pthread_self(), SCHED_FIFO, &fifo);
	if (refused)
		quiet_add(task->machine->host_refused, 1);
}

static void *task_thread(void *arg)
{
	struct task *task = arg;
	struct machine_context *context = task->context;
	struct host *host = host_of(task);

	machine_task_enter(task);
	quiet_store(context->tid, (int)syscall(SYS_gettid));
	host_place(task);
	host_rcu_register();
	while (!__atomic_load_n(&host->gate, __ATOMIC_ACQUIRE))
		host_futex_wait(&host->gate, GATE_CLOSED, 0);
	quiet_store(task->state, TASK_RUNNING);
	if (__atomic_load_n(&host->gate, __ATOMIC_RELAXED) == GATE_OPEN)
		task->result = task->fn(task->arg);
	host_rcu_unregister();
	__atomic_store_n(&task->state, TASK_DEAD, __ATOMIC_SEQ_CST);
	/* Release: a joiner sees the result. */
	__atomic_store_n(&context->dead, 1, __ATOMIC_RELEASE);
	host_futex_wake(&context->dead);
	return NULL;
}

static int host_task_start(struct task *task)
{
	int err = host_context_create(task);

	if (err)
		return err;
	err = pthread_create(&task->context->thread, NULL, task_thread, task);
	if (!err)
		__atomic_store_n(&task->context->own_thread, true, __ATOMIC_RELEASE);
	return -err;
}

static void host_task_join(struct task *task)
{
	struct machine_context *context = task->context;
	int state = quiet_load(current->state);

	quiet_store(current->state, TASK_UNINTERRUPTIBLE);
	while (!__atomic_load_n(&context->dead, __ATOMIC_ACQUIRE))
		host_futex_wait(&context->dead, 0, 0);
	quiet_store(current->state, state);
}

static struct task *host_adopt_thread(struct machine *machine, const char *name)
{
	struct task_attr attr = {.name = name, .cpu = -1};
	struct task *task = machine_task_new(machine, &attr, NULL, NULL);

	if (!task || host_context_create(task))
		return NULL;
	quiet_store(task->context->tid, (int)syscall(SYS_gettid));
	machine_task_enter(task);
	host_rcu_register();
	return task;
}

struct task *machine_task_attach(struct machine *machine, const char *name)
{
	return machine->config.kind == MACHINE_HOST ? host_adopt_thread(machine, name) : NULL;
}

void machine_task_detach(void)
{
	host_rcu_unregister();
	quiet_store(current->state, TASK_DEAD);
	__atomic_store_n(&current->context->dead, 1, __ATOMIC_RELEASE);
	host_futex_wake(&current->context->dead);
	mmsim_current = NULL;
	mmsim_host_trace = NULL;
	mmsim_charging = false;
}

/* ---- run ---- */

static struct task *find_hung(struct machine *machine)
{
	struct task *task;

	for (int i = 0; (task = machine_task(machine, i)); i++) {
		struct machine_context *context = context_of(task);
		uint64_t since;

		if (!context || quiet_load(task->state) == TASK_DEAD)
			continue;
		since = quiet_load(context->parked_since_ns);
		if (since && host_now() > since + machine->config.hang_ns)
			return task;
	}
	return NULL;
}

/* Wait for one task's end; -EDEADLK when somebody sleeps for too long. */
static int wait_for_end(struct machine *machine, struct task *task)
{
	struct machine_context *context = task->context;

	while (!__atomic_load_n(&context->dead, __ATOMIC_ACQUIRE)) {
		struct task *hung;

		host_futex_wait(&context->dead, 0, HANG_LOOK_NS);
		hung = find_hung(machine);
		if (!hung)
			continue;
		machine_fail(machine, "%s waits for more than %llu s (seed %llu)\n", hung->name,
			     (unsigned long long)(machine->config.hang_ns / NSEC_PER_SEC),
			     (unsigned long long)machine->config.seed);
		machine_describe_waits(machine);
		return -EDEADLK;
	}
	return 0;
}

static int join_all(struct machine *machine)
{
	struct host *host = machine->impl;
	struct task *task;

	for (int i = 0; (task = machine_task(machine, i)); i++) {
		struct machine_context *context = context_of(task);
		int err;

		if (!context || task == host->rcu || context->joined ||
		    !__atomic_load_n(&context->own_thread, __ATOMIC_ACQUIRE))
			continue;
		err = wait_for_end(machine, task);
		if (err)
			return err;
		pthread_join(context->thread, NULL);
		context->joined = true;
	}
	return 0;
}

static void set_gate(struct host *host, enum host_gate gate)
{
	__atomic_store_n(&host->gate, gate, __ATOMIC_RELEASE);
	host_futex_wake(&host->gate);
}

static int host_run(struct machine *machine)
{
	int err;

	set_gate(machine->impl, GATE_OPEN);
	err = join_all(machine);
	if (!err)
		set_gate(machine->impl, GATE_CLOSED);
	return err;
}

static void __attribute__((noreturn)) host_bug(struct machine *machine, const char *text)
{
	fprintf(stderr, "mmsim: BUG (seed %llu, host, task %s): %s\n",
		(unsigned long long)machine->config.seed, current->name, text);
	machine_fail(machine, "%s", "");
	machine_describe_waits(machine);
	fputs(machine->failure, stderr);
	abort();
}

static void context_free(struct machine_context *context)
{
	if (context && context->schedstat > 0)
		close(context->schedstat - 1);
	free(context);
}

static void host_free(struct machine *machine)
{
	for (int i = 0; i < machine->nr_tasks; i++)
		context_free(machine->tasks[i]->context);
	free(machine->impl);
}

static void host_destroy(struct machine *machine)
{
	struct host *host = machine->impl;

	/* Tasks that were made and never run. */
	set_gate(host, GATE_CANCELLED);
	join_all(machine);
	host_io_stop(host);
	host_rcu_stop(host);
	host_rcu_unregister();
	while (host->foreign)
		foreign_rwlock_destroy(host->foreign);
	host_free(machine);
}

static int host_create(struct machine *machine)
{
	struct host *host = calloc(1, sizeof(*host));
	int err;

	if (!host)
		return -ENOMEM;
	pthread_mutex_init(&host->foreign_lock, NULL);
	host_clock_init();
	host_calibrate(machine);
	machine->config.nr_cpus = host_count_cpus();
	machine->impl = host;
	host->machine = machine;
	host->main = current;
	current->cpu = 0;
	err = host_context_create(current);
	if (!err) {
		current->context->tid = (int)syscall(SYS_gettid);
		host_rcu_register();
		machine_task_enter(current);
		err = host_rcu_start(host);
		if (!err && host_io_init(host)) {
			host_rcu_stop(host);
			err = -ENOMEM;
		}
		if (err)
			host_rcu_unregister();
	}
	if (err)
		host_free(machine);
	return err;
}

const struct machine_ops host_ops = {
	.create = host_create,
	.destroy = host_destroy,
	.run = host_run,
	.task_start = host_task_start,
	.task_join = host_task_join,
	.park = host_park,
	.unpark = host_unpark,
	.kill = host_kill,
	.need_resched = host_need_resched,
	.relax = host_pause,
	.spin_int = host_spin_int,
	.spin_long = host_spin_long,
	.now = host_now,
	.sleep = host_sleep,
	.times = host_times,
	.compute = host_compute,
	.work = host_work,
	.io_submit = host_io_submit,
	.call_rcu = host_call_rcu,
	.synchronize_rcu = host_synchronize_rcu,
	.rcu_barrier = host_rcu_barrier,
	.bug = host_bug,
	.spin_limit_ns = OPTIMISTIC_SPIN_LIMIT_NS,
};

/* ---- the C library's rwlock, as a yardstick ---- */

/* Of a machine; what its owner forgets, as typesafe objects must, goes with that. */
struct foreign_rwlock {
	pthread_rwlock_t lock;
	struct foreign_rwlock *next, **place; /* guarded by host->foreign_lock */
};

static void foreign_list_add(struct host *host, struct foreign_rwlock *foreign)
{
	pthread_mutex_lock(&host->foreign_lock);
	foreign->next = host->foreign;
	foreign->place = &host->foreign;
	if (foreign->next)
		foreign->next->place = &foreign->next;
	host->foreign = foreign;
	pthread_mutex_unlock(&host->foreign_lock);
}

static void foreign_list_remove(struct host *host, struct foreign_rwlock *foreign)
{
	pthread_mutex_lock(&host->foreign_lock);
	*foreign->place = foreign->next;
	if (foreign->next)
		foreign->next->place = foreign->place;
	pthread_mutex_unlock(&host->foreign_lock);
}

struct foreign_rwlock *foreign_rwlock_create(void)
{
	struct foreign_rwlock *foreign = NULL;

	if (current->machine->config.kind == MACHINE_HOST)
		foreign = malloc(sizeof(*foreign));
	if (foreign && pthread_rwlock_init(&foreign->lock, NULL)) {
		free(foreign);
		return NULL;
	}
	if (foreign)
		foreign_list_add(current->machine->impl, foreign);
	return foreign;
}

void foreign_rwlock_destroy(struct foreign_rwlock *foreign)
{
	foreign_list_remove(current->machine->impl, foreign);
	pthread_rwlock_destroy(&foreign->lock);
	free(foreign);
}

bool foreign_rwlock_acquire(struct foreign_rwlock *foreign, bool write, bool try_only)
{
	if (try_only)
		return !(write ? pthread_rwlock_trywrlock(&foreign->lock) :
				 pthread_rwlock_tryrdlock(&foreign->lock));
	return !(write ? pthread_rwlock_wrlock(&foreign->lock) :
			 pthread_rwlock_rdlock(&foreign->lock));
}

void foreign_rwlock_release(struct foreign_rwlock *foreign)
{
	pthread_rwlock_unlock(&foreign->lock);
}
