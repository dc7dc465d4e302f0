/* SPDX-License-Identifier: MIT */
/*
 * What the machines have in common: the task table, wake queues, failures, and
 * the dispatch to the machine that current runs on.
 */
#include "machine/machine_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef MMSIM_ASAN
#include <sanitizer/asan_interface.h>
#endif

__thread struct task *mmsim_current __mmsim_tls;
__thread bool mmsim_stepping __mmsim_tls;
__thread struct task_trace *mmsim_host_trace __mmsim_tls;
__thread void *mmsim_impl __mmsim_tls;
__thread bool mmsim_charging __mmsim_tls;

void machine_lock(struct machine *machine)
{
	while (__atomic_exchange_n(&machine->lock, 1, __ATOMIC_ACQUIRE))
		;
}

void machine_unlock(struct machine *machine)
{
	__atomic_store_n(&machine->lock, 0, __ATOMIC_RELEASE);
}

static void *memory_alloc(struct mmsim_search *search, size_t size)
{
	void *memory = search ? search_spare_take(search, size) : NULL;

	if (memory)
		return memory;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static void memory_free(struct mmsim_search *search, void *memory, size_t size, size_t used)
{
	if (memory && (!search || !search_spare_keep(search, memory, size, used)))
		munmap(memory, size);
}

void *machine_memory_alloc(size_t size)
{
	return memory_alloc(current ? current->machine->config.search : NULL, size);
}

void machine_memory_free(void *memory, size_t size)
{
	memory_free(current ? current->machine->config.search : NULL, memory, size, size);
}

static bool arena_reserve(struct machine *machine)
{
	/* One chunk more, so that chunks can be aligned to their size. */
	machine->arena = memory_alloc(machine->config.search, MACHINE_ARENA_SIZE + CHUNK_SIZE);
	machine->first_chunk =
		(char *)(((uintptr_t)machine->arena + CHUNK_SIZE - 1) & ~(CHUNK_SIZE - 1));
	return machine->arena;
}

static void arena_free(struct machine *machine)
{
#ifdef MMSIM_ASAN
	/* The same addresses may be mapped again, by anybody. */
	ASAN_UNPOISON_MEMORY_REGION(machine->first_chunk, machine->arena_used);
#endif
	memory_free(machine->config.search, machine->arena, MACHINE_ARENA_SIZE + CHUNK_SIZE,
		    (size_t)(machine->first_chunk - machine->arena) + machine->arena_used);
}

/* No task runs any more; the machine's own part is gone already. */
static void machine_free(struct machine *machine)
{
	const struct machine_hooks *hooks = &machine->config.hooks;

	for (int i = 0; i < machine->nr_tasks; i++)
		if (hooks->task_freed && machine->tasks[i]->hooked)
			hooks->task_freed(machine->tasks[i], hooks->data);
	mmsim_current = NULL;
	mmsim_host_trace = NULL;
	mmsim_stepping = false;
	mmsim_charging = false;
	arena_free(machine);
	free(machine->tasks);
	free(machine);
}

static const struct machine_ops *ops_of(enum machine_kind kind)
{
	static const struct machine_ops *const ops[] = {[MACHINE_HOST] = &host_ops,
							[MACHINE_STEP] = &model_ops,
							[MACHINE_TIMED] = &timed_ops};

	return ops[kind];
}

int machine_create(const struct machine_config *config, struct machine **out)
{
	static const struct task_attr main_attr = {.name = "main", .cpu = -1};
	struct machine *machine = calloc(1, sizeof(*machine));
	struct task *task = NULL;
	int err = -ENOMEM;

	if (!machine)
		return -ENOMEM;
	machine->config = *config;
	machine->ops = ops_of(config->kind);
	machine->tasks = calloc(MACHINE_MAX_TASKS, sizeof(struct task *));
	if (machine->tasks && arena_reserve(machine))
		task = machine_task_new(machine, &main_attr, NULL, NULL);
	if (task) {
		machine->main = task;
		machine_task_enter(task);
		err = machine->ops->create(machine);
		if (!err) {
			*out = machine;
			return 0;
		}
	}
	machine_free(machine);
	return err;
}

void machine_enter(struct machine *machine)
{
	machine_task_enter(machine->main);
}

void machine_destroy(struct machine *machine)
{
	machine_enter(machine);
	machine->ops->destroy(machine);
	machine_free(machine);
}

/* An OS thread may have made several machines; it goes back to the one it was in. */
int machine_run(struct machine *machine)
{
	struct task *before = current;
	int err;

	machine_enter(machine);
	err = machine->ops->run(machine);
	if (before)
		machine_task_enter(before);
	return err;
}

const char *machine_failure(const struct machine *machine)
{
	return machine->failure;
}

enum machine_kind machine_kind(const struct machine *machine)
{
	return machine->config.kind;
}

unsigned int machine_nr_cpus(const struct machine *machine)
{
	return machine->config.nr_cpus;
}

uint64_t machine_host_refused(const struct machine *machine)
{
	return quiet_load(machine->host_refused);
}

uint64_t machine_host_artefacts(const struct machine *machine)
{
	return quiet_load(machine->host_artefacts);
}

uint64_t machine_work_ns(const struct machine *machine, enum work_kind kind)
{
	return machine->work_ns[kind];
}

/* ---- failures ---- */

void machine_fail(struct machine *machine, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(machine->failure, sizeof(machine->failure), fmt, args);
	va_end(args);
}

void machine_describe_waits(struct machine *machine)
{
	const struct machine_hooks *hooks = &machine->config.hooks;
	size_t used = strlen(machine->failure);

	for (int i = 0; i < machine->nr_tasks && used + 1 < sizeof(machine->failure); i++) {
		struct task *task = machine->tasks[i];
		int n = 0;

		if (quiet_load(task->state) == TASK_DEAD || !hooks->describe_wait)
			continue;
		n = hooks->describe_wait(task, machine->failure + used,
					 sizeof(machine->failure) - used, hooks->data);
		used += MIN((size_t)MAX(n, 0), sizeof(machine->failure) - used - 1);
	}
}

void machine_bug(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (current && current->machine)
		current->machine->ops->bug(current->machine, text);
	fprintf(stderr, "mmsim: BUG outside a task: %s\n", text);
	abort();
}

/* ---- tasks ---- */

/* The machine's lock is held. */
static struct task *task_slot(struct machine *machine)
{
	struct machine_chunk *chunk = machine->task_chunk;
	size_t room = chunk ? (CHUNK_SIZE - chunk->first_offset) / sizeof(struct task) : 0;
	struct task *task;

	if (machine->task_chunk_used == room) {
		chunk = chunk_alloc_locked(machine, "task", sizeof(struct task));
		if (!chunk)
			return NULL;
		machine->task_chunk = chunk;
		machine->task_chunk_used = 0;
	}
	task = (struct task *)((char *)chunk + chunk->first_offset) + machine->task_chunk_used++;
	machine_object_allocated(task, sizeof(*task));
	return task;
}

static void task_init(struct task *task, struct machine *machine, const struct task_attr *attr)
{
	struct rng rng;

	task->machine = machine;
	task->osq.task = task;
	task->folio_waiter.task = task;
	task->nice = attr->nice;
	task->fifo = attr->fifo;
	task->cpu = attr->cpu;
	task->has_deadline = attr->has_deadline;
	task->start_fn = attr->start_fn;
	task->start_arg = attr->start_arg;
	task->start_mm = attr->start_mm;
	snprintf(task->name, sizeof(task->name), "%s", attr->name ? attr->name : "task");
	snprintf(task->cpus, sizeof(task->cpus), "%s", attr->cpus ? attr->cpus : "");
	rng_init(&rng, machine->config.seed, task->name, (uint64_t)task->index);
	memcpy(task->rng, rng.s, sizeof(task->rng));
}

static struct task *task_add(struct machine *machine, const struct task_attr *attr)
{
	struct task *task = NULL;

	machine_lock(machine);
	if (machine->nr_tasks < MACHINE_MAX_TASKS)
		task = task_slot(machine);
	if (task) {
		task->index = machine->nr_tasks;
		task_init(task, machine, attr);
		machine->tasks[task->index] = task;
		/* Release: whoever scans the table sees a complete task. */
		__atomic_store_n(&machine->nr_tasks, task->index + 1, __ATOMIC_RELEASE);
	}
	machine_unlock(machine);
	return task;
}

struct task *machine_task_new(struct machine *machine, const struct task_attr *attr,
			      int (*fn)(void *arg), void *arg)
{
	const struct machine_hooks *hooks = &machine->config.hooks;
	struct task *task = task_add(machine, attr);

	if (!task)
		return NULL;
	task->fn = fn;
	task->arg = arg;
	if (task->cpu < 0 && machine->config.kind == MACHINE_TIMED)
		task->cpu = 0; /* its scheduler decides, by task->cpus */
	else if (task->cpu < 0)
		task->cpu =
			machine->config.nr_cpus ? task->index % (int)machine->config.nr_cpus : 0;
	else if (!*task->cpus)
		snprintf(task->cpus, sizeof(task->cpus), "%d", task->cpu);
	if (hooks->task_created && hooks->task_created(task, hooks->data)) {
		quiet_store(task->state, TASK_DEAD);
		return NULL;
	}
	task->hooked = true;
	return task;
}

void machine_task_enter(struct task *task)
{
	mmsim_current = task;
	mmsim_impl = task->machine->impl;
	mmsim_stepping = task->machine->config.kind != MACHINE_HOST;
	mmsim_host_trace = mmsim_stepping ? NULL : task->trace;
	mmsim_charging = mmsim_stepping ? task->machine->config.kind == MACHINE_TIMED :
					  task->machine->config.emulate_costs;
}

struct task *machine_task_create(struct machine *machine, const struct task_attr *attr,
				 int (*fn)(void *arg), void *arg)
{
	struct task *task;

	/* Cut, it would be another list. */
	if (attr->cpus && strlen(attr->cpus) >= TASK_CPUS_LEN)
		return NULL;
	task = machine_task_new(machine, attr, fn, arg);
	if (!task)
		return NULL;
	if (machine->ops->task_start(task)) {
		quiet_store(task->state, TASK_DEAD);
		return NULL;
	}
	return task;
}

int machine_task_join(struct task *task)
{
	task->machine->ops->task_join(task);
	return task->result;
}

struct task *machine_task(const struct machine *machine, int index)
{
	/* Acquire: pairs with the release in machine_task_new(). */
	if (index < 0 || index >= __atomic_load_n(&machine->nr_tasks, __ATOMIC_ACQUIRE))
		return NULL;
	return machine->tasks[index];
}

/* ---- waiting ---- */

enum park_result park(enum task_state state, uint64_t deadline_ns)
{
	return current->machine->ops->park(state, deadline_ns);
}

void unpark(struct task *task)
{
	task->machine->ops->unpark(task);
}

void kill_task(struct task *task)
{
	task->machine->ops->kill(task);
}

/* Ends a wake queue; NULL in wake_next means: on no queue. */
#define WAKE_Q_END ((struct task *)1)

void wake_q_add(struct wake_q *q, struct task *task)
{
	struct task *none = NULL;

	/*
	 * Already on somebody's queue: that wake-up is still to come and
	 * serves for this one too. Full order: pairs with wake_up_q().
	 */
	if (!__atomic_compare_exchange_n(&task->wake_next, &none, WAKE_Q_END, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;
	if (q->tail)
		quiet_store(q->tail->wake_next, task);
	else
		q->head = task;
	q->tail = task;
}

void wake_up_q(struct wake_q *q)
{
	struct task *task = q->head;

	while (task && task != WAKE_Q_END) {
		struct task *next = quiet_load(task->wake_next);

		__atomic_store_n(&task->wake_next, NULL, __ATOMIC_SEQ_CST);
		unpark(task);
		task = next;
	}
	*q = (struct wake_q){NULL, NULL};
}

bool on_cpu(const struct task *task)
{
	int state = READ_ONCE(task->state);

	return state == TASK_RUNNING || state == TASK_SPINNING;
}

void machine_step_slow(const volatile void *addr, enum access access)
{
	if (mmsim_charging)
		timed_step(addr, access);
	else
		model_step(addr);
}

void machine_preempt_point(void)
{
	if (current->machine->ops->preempt_point)
		current->machine->ops->preempt_point();
}

bool need_resched(void)
{
	return current->machine->ops->need_resched();
}

void cond_resched(void)
{
	if (unlikely(mmsim_stepping))
		current->machine->ops->resched();
}

void cpu_relax(void)
{
	current->machine->ops->relax();
}

uint64_t optimistic_spin_limit_ns(void)
{
	return current->machine->ops->spin_limit_ns;
}

bool spin_while_equal_int(const int *word, int value, uint64_t deadline_ns)
{
	return current->machine->ops->spin_int(word, value, deadline_ns);
}

bool spin_while_equal_long(const long *word, long value, uint64_t deadline_ns)
{
	return current->machine->ops->spin_long(word, value, deadline_ns);
}

uint64_t now_ns(void)
{
	return current->machine->ops->now();
}

unsigned int machine_hz(void)
{
	return current->machine->config.hz;
}

uint64_t jiffies(void)
{
	return now_ns() / (NSEC_PER_SEC / machine_hz());
}

void machine_sleep(uint64_t ns)
{
	current->machine->ops->sleep(ns);
}

struct task_times machine_task_times(const struct task *task)
{
	const struct machine_ops *ops = task->machine->ops;

	return ops->times ? ops->times(task) : (struct task_times){0};
}

void machine_compute(uint64_t ns)
{
	if (current->machine->ops->compute)
		current->machine->ops->compute(ns);
	else
		cpu_relax();
}

void machine_work_slow(enum work_kind kind, uint64_t n)
{
	const bool io = kind == WORK_io;

	if (io)
		quiet_store(current->in_io, 1);
	current->machine->ops->work(kind, n);
	if (io)
		quiet_store(current->in_io, 0);
}

void machine_work_covers(void)
{
	if (unlikely(machine_is_timed()))
		timed_work_covers(1);
}

void machine_scale_work(uint32_t ppm)
{
	if (machine_is_timed() && current->context)
		timed_scale_work(ppm);
}

void machine_work_covers_end(void)
{
	if (unlikely(machine_is_timed()))
		timed_work_covers(-1);
}

void machine_kernel_enter_slow(enum work_kind kind)
{
	current->in_kernel++;
	machine_work_slow(kind, 1);
}

void machine_kernel_exit_slow(void)
{
	if (!--current->in_kernel)
		machine_preempt_point();
}

bool machine_kernel_preemptible(void)
{
	return machine_is_timed() && timed_kernel_preemptible();
}

void machine_tlb_shootdown(const struct mm_struct *mm)
{
	timed_tlb_shootdown(mm);
}

void machine_wrote(const volatile void *addr)
{
	timed_wrote(addr);
}

void machine_io_submit(struct machine_io *io, uint64_t ns, void (*complete)(struct machine_io *io))
{
	io->complete = complete;
	current->machine->ops->io_submit(io, ns);
}

/* ---- RCU ---- */

void machine_rcu_read_lock(void)
{
	if (mmsim_charging)
		timed_rcu_read_lock();
	else
		model_rcu_read_lock();
}

void machine_rcu_read_unlock(void)
{
	if (mmsim_charging)
		timed_rcu_read_unlock();
	else
		model_rcu_read_unlock();
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	current->machine->ops->call_rcu(head, func);
}

void synchronize_rcu(void)
{
	current->machine->ops->synchronize_rcu();
}

void rcu_barrier(void)
{
	current->machine->ops->rcu_barrier();
}
