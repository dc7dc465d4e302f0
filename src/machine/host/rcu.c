/* SPDX-License-Identifier: MIT */
/*
 * RCU callbacks on the host: they run in a task of the machine, so that they
 * may take locks and use the caches. Grace periods are liburcu's.
 */
#include "machine/host/host.h"

#include <time.h>

#define RCU_BATCH_NS (200 * NSEC_PER_USEC) /* gather callbacks for a while */

void host_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct host *host = host_of(current);
	struct rcu_head *first = __atomic_load_n(&host->callbacks, __ATOMIC_RELAXED);

	head->func = func;
	__atomic_fetch_add(&host->rcu_queued, 1, __ATOMIC_RELAXED);
	do {
		head->next = first;
		/* Release: pairs with the exchange in rcu_take(). */
	} while (!__atomic_compare_exchange_n(&host->callbacks, &first, head, true,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	if (first)
		return;
	__atomic_fetch_add(&host->rcu_work, 1, __ATOMIC_SEQ_CST);
	host_futex_wake(&host->rcu_work);
}

static struct rcu_head *rcu_take(struct host *host)
{
	return __atomic_exchange_n(&host->callbacks, NULL, __ATOMIC_ACQUIRE);
}

static void rcu_run_batch(struct host *host)
{
	struct rcu_head *head = rcu_take(host);
	uint64_t done = 0;

	if (!head)
		return;
	host_synchronize_rcu();
	while (head) {
		struct rcu_head *next = head->next;

		head->func(head);
		head = next;
		done++;
	}
	__atomic_fetch_add(&host->rcu_done, done, __ATOMIC_RELEASE);
}

static void *rcu_thread(void *arg)
{
	struct host *host = arg;
	const struct timespec batch = {0, RCU_BATCH_NS};

	machine_task_enter(host->rcu);
	mmsim_charging = false;
	host_bind_to_cpu(host->rcu->cpu);
	host_rcu_register();
	for (;;) {
		int work = __atomic_load_n(&host->rcu_work, __ATOMIC_SEQ_CST);
		bool stop = __atomic_load_n(&host->rcu_stop, __ATOMIC_ACQUIRE);

		rcu_run_batch(host);
		__atomic_store_n(&host->rcu_cpu_ns, host_thread_cpu_ns(), __ATOMIC_RELAXED);
		if (stop && !__atomic_load_n(&host->callbacks, __ATOMIC_RELAXED))
			break;
		host_rcu_offline();
		host_futex_wait(&host->rcu_work, work, 0);
		if (!stop)
			nanosleep(&batch, NULL);
		host_rcu_online();
	}
	host_rcu_unregister();
	return NULL;
}

int host_rcu_start(struct host *host)
{
	static const struct task_attr attr = {.name = "rcu", .cpu = -1};
	struct task *task = machine_task_new(host->machine, &attr, NULL, NULL);

	if (!task || host_context_create(task))
		return -ENOMEM;
	host->rcu = task;
	quiet_store(task->state, TASK_DEAD); /* of no interest to those who look for hangs */
	return -pthread_create(&task->context->thread, NULL, rcu_thread, host);
}

void host_rcu_stop(struct host *host)
{
	__atomic_store_n(&host->rcu_stop, 1, __ATOMIC_RELEASE);
	__atomic_fetch_add(&host->rcu_work, 1, __ATOMIC_SEQ_CST);
	host_futex_wake(&host->rcu_work);
	pthread_join(host->rcu->context->thread, NULL);
}

void host_rcu_barrier(void)
{
	struct host *host = host_of(current);
	uint64_t until = __atomic_load_n(&host->rcu_queued, __ATOMIC_RELAXED);
	const struct timespec while_ago = {0, RCU_BATCH_NS};

	/* Acquire: what the callbacks wrote is seen. */
	while (__atomic_load_n(&host->rcu_done, __ATOMIC_ACQUIRE) < until) {
		__atomic_fetch_add(&host->rcu_work, 1, __ATOMIC_SEQ_CST);
		host_futex_wake(&host->rcu_work);
		nanosleep(&while_ago, NULL);
	}
}
