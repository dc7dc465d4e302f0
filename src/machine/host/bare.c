/* SPDX-License-Identifier: MIT */
/* Threads and clock without an instance; see bare.h. */
#define _GNU_SOURCE
#include "machine/host/bare.h"
#include "machine/host/host.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void *begin(void *arg)
{
	struct bare_thread *thread = arg;

	int bound = host_bind_to_cpu(thread->cpu) ? -1 : 1;

	__atomic_store_n(&thread->bound, bound, __ATOMIC_RELEASE);
	bare_wake(&thread->bound);
	if (bound > 0)
		thread->run(thread->arg);
	return NULL;
}

int bare_thread_start(struct bare_thread *thread, int cpu, void (*run)(void *arg), void *arg)
{
	int err;

	*thread = (struct bare_thread){.cpu = cpu, .run = run, .arg = arg};
	err = pthread_create(&thread->thread, NULL, begin, thread);
	if (err)
		return -err;
	while (!__atomic_load_n(&thread->bound, __ATOMIC_ACQUIRE))
		bare_wait(&thread->bound, 0);
	if (thread->bound > 0)
		return 0;
	bare_thread_join(thread);
	return -EPERM;
}

void bare_thread_join(struct bare_thread *thread)
{
	pthread_join(thread->thread, NULL);
}

void bare_be_polite(void)
{
	sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
}

void bare_yield(void)
{
	sched_yield();
}

void bare_nap(uint64_t ns)
{
	struct timespec ts = {(time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC)};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		;
}

long bare_switches(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_nivcsw;
}

void bare_wait(const int *word, int value)
{
	host_futex_wait(word, value, 0);
}

int bare_wake(const int *word)
{
	return (int)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void bare_clock_start(void)
{
	host_clock_init();
}

uint64_t bare_now(void)
{
	return host_now();
}

void bare_pause(void)
{
	host_pause();
}

/* The coarse clock goes on at each tick. */
uint64_t bare_tick_ns(void)
{
	struct timespec ts;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

void bare_date(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	*text = '\0';
	if (gmtime_r(&now, &tm))
		strftime(text, size, "%Y-%m-%d", &tm);
}
