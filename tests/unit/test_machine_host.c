/* SPDX-License-Identifier: MIT */
/*
 * What only the host machine does: other people's threads become tasks, a task
 * that sleeps for too long is reported, a bug ends the process. And what both
 * do when a task cannot be made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/trace.h"

static const struct machine_config host_config = {.kind = MACHINE_HOST,
						  .seed = 77,
						  .hz = 250,
						  .hang_ns = 600 * NSEC_PER_SEC};
static struct machine *machine;

static struct task *start(const char *name, int (*fn)(void *arg), void *arg)
{
	const struct task_attr attr = {.name = name, .cpu = -1};

	return machine_task_create(machine, &attr, fn, arg);
}

/* ---- a thread of somebody else's ---- */

static struct {
	struct task *outsider, *sleeper;
	enum park_result outsider_result, sleeper_result;
	char name[TASK_NAME_LEN];
	bool was_listed, had_task_after;
	int callback_ran;
	struct rcu_head head;
} a;

static void note_callback(struct rcu_head *head)
{
	(void)head;
	a.callback_ran = 1;
}

static void *outsider(void *arg)
{
	struct task *task = machine_task_attach(arg, "outsider");

	if (!task)
		return NULL;
	memcpy(a.name, current->name, sizeof(a.name));
	a.was_listed = task == current && machine_task(arg, task->index) == task;
	smp_store_release(&a.outsider, task);
	rcu_read_lock();
	rcu_read_unlock();
	call_rcu(&a.head, note_callback);
	rcu_barrier();
	do
		a.outsider_result = park(TASK_UNINTERRUPTIBLE, 0);
	while (a.outsider_result == PARK_SPURIOUS);
	unpark(a.sleeper);
	machine_task_detach();
	a.had_task_after = current;
	return arg;
}

static int wake_outsider(void *arg)
{
	(void)arg;
	spin_while_equal_long((const long *)&a.outsider, 0, 0);
	unpark(smp_load_acquire(&a.outsider));
	do
		a.sleeper_result = park(TASK_UNINTERRUPTIBLE, 0);
	while (a.sleeper_result == PARK_SPURIOUS);
	return 0;
}

static void thread_becomes_a_task(void **state)
{
	pthread_t thread;
	void *joined;

	(void)state;
	memset(&a, 0, sizeof(a));
	assert_int_equal(machine_create(&host_config, &machine), 0);
	a.sleeper = start("sleeper", wake_outsider, NULL);
	assert_int_equal(pthread_create(&thread, NULL, outsider, machine), 0);
	assert_int_equal(machine_run(machine), 0);
	assert_int_equal(pthread_join(thread, &joined), 0);
	assert_ptr_equal(joined, machine);
	assert_string_equal(a.name, "outsider");
	assert_true(a.was_listed);
	assert_int_equal(a.outsider_result, PARK_WOKEN);
	assert_int_equal(a.sleeper_result, PARK_WOKEN);
	assert_int_equal(a.callback_ran, 1);
	assert_false(a.had_task_after);
	assert_int_equal(machine_steps(machine), 0);
	machine_destroy(machine);
}

/* ---- tasks made while others look at all tasks ---- */

#define NR_CHILDREN 40

static int making, looked;

static int no_work(void *arg)
{
	return *(int *)arg;
}

static int make_children(void *arg)
{
	const struct task_attr attr = {.name = "child", .cpu = -1};
	struct task *children[NR_CHILDREN];
	int sum = 0;

	for (int i = 0; i < NR_CHILDREN; i++) {
		children[i] = machine_task_create(current->machine, &attr, no_work, arg);
		BUG_ON(!children[i]);
		/* Long enough for main to have looked for hangs, too, at the end. */
		machine_sleep(8 * NSEC_PER_MSEC);
	}
	for (int i = 0; i < NR_CHILDREN; i++)
		sum += machine_task_join(children[i]);
	WRITE_ONCE(making, 0);
	return sum;
}

/* Looks for the holder among all tasks. */
static int look_for_holders(void *arg)
{
	struct wait_edge edge;

	do {
		trace_wait_begin(arg, LOCK_user, SITE_user, LOCK_WRITE, &edge);
		trace_wait_end(&edge);
		looked++;
	} while (READ_ONCE(making));
	return edge.key.holder;
}

/* Who is seen is complete: a matter for ThreadSanitizer above all. */
static void tasks_made_while_others_look(void **state)
{
	struct machine_config config = host_config;
	struct trace *trace = trace_create(true);
	struct task *maker, *looker;
	static int three = 3, lock;

	(void)state;
	assert_non_null(trace);
	config.hooks = trace_hooks(trace);
	assert_int_equal(machine_create(&config, &machine), 0);
	trace_set_machine(trace, machine);
	making = 1;
	looked = 0;
	maker = start("maker", make_children, &three);
	looker = start("looker", look_for_holders, &lock);
	assert_int_equal(machine_run(machine), 0);
	assert_int_equal(machine_task_join(maker), 3 * NR_CHILDREN);
	assert_int_equal(machine_task_join(looker), -1);
	assert_non_null(trace_edge(trace, 0));
	assert_int_equal(trace_edge(trace, 0)->count, looked);
	assert_null(trace_edge(trace, 1));
	machine_destroy(machine);
	trace_destroy(trace);
}

/* ---- hangs ---- */

static int describe(struct task *task, char *buf, size_t size, void *data)
{
	(void)data;
	return snprintf(buf, size, "[%s]", task->name);
}

static int sleep_until_released(void *arg)
{
	int *released = arg;

	while (!READ_ONCE(*released))
		park(TASK_UNINTERRUPTIBLE, 0);
	return 5;
}

static void hang_is_reported(void **state)
{
	struct machine_config config = host_config;
	static int released;
	struct task *task;

	(void)state;
	released = 0;
	config.hang_ns = 1000;
	config.hooks.describe_wait = describe;
	assert_int_equal(machine_create(&config, &machine), 0);
	task = start("dreamer", sleep_until_released, &released);
	assert_int_equal(machine_run(machine), -EDEADLK);
	assert_non_null(strstr(machine_failure(machine), "dreamer waits"));
	assert_non_null(strstr(machine_failure(machine), "seed 77"));
	assert_non_null(strstr(machine_failure(machine), "[dreamer]"));
	WRITE_ONCE(released, 1);
	unpark(task);
	assert_int_equal(machine_task_join(task), 5);
	machine_destroy(machine);
}

static int sleep_with_deadline(void *arg)
{
	(void)arg;
	return park(TASK_UNINTERRUPTIBLE, now_ns() + 600 * NSEC_PER_MSEC);
}

/* Who knows when to wake does not hang. */
static void deadline_is_no_hang(void **state)
{
	struct machine_config config = host_config;

	(void)state;
	config.hang_ns = 1000;
	assert_int_equal(machine_create(&config, &machine), 0);
	assert_non_null(start("patient", sleep_with_deadline, NULL));
	assert_int_equal(machine_run(machine), 0);
	machine_destroy(machine);
}

/* ---- bugs ---- */

static int break_invariant(void *arg)
{
	machine_bug("the %s is broken", (const char *)arg);
}

static _Noreturn void run_broken(int error_fd)
{
	/* The abort is the expected end: no handler is to dress it up. */
	signal(SIGABRT, SIG_DFL);
	dup2(error_fd, STDERR_FILENO);
	if (!machine_create(&host_config, &machine) && start("breaker", break_invariant, "vase"))
		machine_run(machine);
	_exit(0);
}

static void bug_ends_the_process(void **state)
{
	char text[1024] = "";
	size_t used = 0;
	ssize_t n;
	int status, fds[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		run_broken(fds[1]);
	close(fds[1]);
	while (used + 1 < sizeof(text) &&
	       (n = read(fds[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(text, "the vase is broken"));
	assert_non_null(strstr(text, "seed 77"));
	assert_non_null(strstr(text, "breaker"));
}

/* ---- no room for a task; both machines ---- */

struct births {
	int left; /* so many may still be made; -1: any number */
	int created, freed;
};

static int count_birth(struct task *task, void *data)
{
	struct births *births = data;

	(void)task;
	if (!births->left)
		return -ENOMEM;
	births->left -= births->left > 0;
	births->created++;
	return 0;
}

static void count_death(struct task *task, void *data)
{
	(void)task;
	((struct births *)data)->freed++;
}

static struct machine_config counting_config(enum machine_kind kind, struct births *births)
{
	struct machine_config config = host_config;

	config.kind = kind;
	config.nr_cpus = 4;
	config.max_steps = 1000000;
	config.hooks = (struct machine_hooks){
		.task_created = count_birth, .task_freed = count_death, .data = births};
	return config;
}

static void note_nothing(struct rcu_head *head)
{
	(void)head;
}

/* What looks at every task: callbacks, joins, time that passes. */
static int use_the_machine(void *arg)
{
	static struct rcu_head head;

	call_rcu(&head, note_nothing);
	rcu_barrier();
	machine_sleep(1000);
	cpu_relax();
	return *(int *)arg;
}

static void task_that_cannot_be_made(enum machine_kind kind)
{
	struct births births = {.left = -1};
	struct machine_config config = counting_config(kind, &births);
	static int one = 1;
	struct task *task;

	assert_int_equal(machine_create(&config, &machine), 0);
	births.left = 1;
	task = start("made", use_the_machine, &one);
	assert_non_null(task);
	assert_null(start("not made", use_the_machine, &one));
	assert_int_equal(machine_run(machine), 0);
	assert_int_equal(machine_task_join(task), 1);
	machine_destroy(machine);
}

static void host_task_cannot_be_made(void **state)
{
	(void)state;
	task_that_cannot_be_made(MACHINE_HOST);
}

static void step_task_cannot_be_made(void **state)
{
	(void)state;
	task_that_cannot_be_made(MACHINE_STEP);
}

/* What a hook was told of when a task was made it is told of at its end. */
static void check_births(enum machine_kind kind, int left, const char *schedule, int err)
{
	struct births births = {.left = left};
	struct machine_config config = counting_config(kind, &births);

	config.schedule = schedule;
	assert_int_equal(machine_create(&config, &machine), err);
	if (!err)
		machine_destroy(machine);
	assert_null(current);
	assert_true(births.created > 0 || !left);
	assert_int_equal(births.freed, births.created);
}

static void host_machine_cannot_be_made(void **state)
{
	(void)state;
	check_births(MACHINE_HOST, -1, NULL, 0);
	check_births(MACHINE_HOST, 0, NULL, -ENOMEM);
	check_births(MACHINE_HOST, 1, NULL, -ENOMEM);
}

static void step_machine_cannot_be_made(void **state)
{
	(void)state;
	check_births(MACHINE_STEP, -1, NULL, 0);
	check_births(MACHINE_STEP, 0, NULL, -ENOMEM);
	check_births(MACHINE_STEP, 1, NULL, -ENOMEM);
	check_births(MACHINE_STEP, -1, "A*0", -EINVAL);
}

static int count_me(void *arg)
{
	++*(int *)arg;
	return 0;
}

static void too_many_tasks(void **state)
{
	struct machine_config config = counting_config(MACHINE_STEP, &(struct births){.left = -1});
	int made = 0, ran = 0;

	(void)state;
	assert_int_equal(machine_create(&config, &machine), 0);
	while (start("one of many", count_me, &ran))
		made++;
	/* "main", "rcu" and "io" are tasks too. */
	assert_int_equal(made, MACHINE_MAX_TASKS - 3);
	assert_int_equal(machine_run(machine), 0);
	assert_int_equal(ran, made);
	machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bug_ends_the_process),
		cmocka_unit_test(thread_becomes_a_task),
		cmocka_unit_test(tasks_made_while_others_look),
		cmocka_unit_test(hang_is_reported),
		cmocka_unit_test(deadline_is_no_hang),
		cmocka_unit_test(too_many_tasks),
		cmocka_unit_test(host_task_cannot_be_made),
		cmocka_unit_test(step_task_cannot_be_made),
		cmocka_unit_test(step_machine_cannot_be_made),
		cmocka_unit_test(host_machine_cannot_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
