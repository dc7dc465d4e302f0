/* SPDX-License-Identifier: MIT */
/*
 * I/O on the host: a thread, started with the first request, that completes
 * each when its time has come. The device itself is not there: only its time.
 */
#include "machine/host/host.h"

/* Completes what is due; what is not stays in the list. The earliest of that, or 0. */
static uint64_t io_complete_due(struct machine_io **waiting, bool all)
{
	uint64_t now = host_now(), earliest = 0;
	struct machine_io **link = waiting;

	while (*link) {
		struct machine_io *io = *link;

		if (!all && io->due_ns > now) {
			earliest = earliest ? MIN(earliest, io->due_ns) : io->due_ns;
			link = &io->next;
			continue;
		}
		*link = io->next;
		io->complete(io);
	}
	return earliest;
}

/* What was submitted since, in front of what waits. */
static void io_take(struct host *host, struct machine_io **waiting)
{
	/* Acquire: pairs with the release in host_io_submit(). */
	struct machine_io *io = __atomic_exchange_n(&host->io_submitted, NULL, __ATOMIC_ACQUIRE);

	while (io) {
		struct machine_io *next = io->next;

		io->next = *waiting;
		*waiting = io;
		io = next;
	}
}

static void *io_thread(void *arg)
{
	struct host *host = arg;
	struct machine_io *waiting = NULL;

	machine_task_enter(host->io);
	host_rcu_register();
	for (;;) {
		int work = __atomic_load_n(&host->io_work, __ATOMIC_SEQ_CST);
		bool stop = __atomic_load_n(&host->io_stop, __ATOMIC_ACQUIRE);
		uint64_t earliest, now;

		io_take(host, &waiting);
		earliest = io_complete_due(&waiting, stop);
		if (stop)
			break;
		now = host_now();
		host_rcu_offline();
		if (!earliest || earliest > now)
			host_futex_wait(&host->io_work, work, earliest ? earliest - now : 0);
		host_rcu_online();
	}
	host_rcu_unregister();
	return NULL;
}

static void io_bump(struct host *host)
{
	__atomic_fetch_add(&host->io_work, 1, __ATOMIC_SEQ_CST);
	host_futex_wake(&host->io_work);
}

/* The task from the start, as on the model; its thread only with the first request. */
int host_io_init(struct host *host)
{
	static const struct task_attr attr = {.name = "io", .cpu = -1};

	host->io = machine_task_new(host->machine, &attr, NULL, NULL);
	if (!host->io)
		return -ENOMEM;
	quiet_store(host->io->state, TASK_DEAD); /* of no interest to those who look for hangs */
	return host_context_create(host->io);
}

void host_io_submit(struct machine_io *io, uint64_t ns)
{
	struct host *host = host_of(current);
	struct machine_io *first = __atomic_load_n(&host->io_submitted, __ATOMIC_RELAXED);
	int no = 0;

	io->due_ns = host_now() + ns;
	do {
		io->next = first;
		/* Release: pairs with the acquire in io_take(). */
	} while (!__atomic_compare_exchange_n(&host->io_submitted, &first, io, true,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	if (__atomic_compare_exchange_n(&host->io_started, &no, 1, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE) &&
	    pthread_create(&host->io->context->thread, NULL, io_thread, host))
		machine_bug("no thread for I/O");
	io_bump(host);
}

/* No task runs any more. */
void host_io_stop(struct host *host)
{
	if (!__atomic_load_n(&host->io_started, __ATOMIC_ACQUIRE))
		return;
	__atomic_store_n(&host->io_stop, 1, __ATOMIC_RELEASE);
	io_bump(host);
	pthread_join(host->io->context->thread, NULL);
}
