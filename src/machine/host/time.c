/* SPDX-License-Identifier: MIT */
/*
 * The host's clock, and work that has no counterpart in user space.
 *
 * The clock is the time-stamp counter where it is constant, scaled to
 * CLOCK_MONOTONIC once a process; elsewhere it is CLOCK_MONOTONIC itself.
 * Calibration measures single operations: a system call is getppid(), a trap
 * is charged as a system call (user space cannot time an exception alone; it
 * costs more), an IPI is what membarrier() costs more while another thread
 * runs.
 */
#include "machine/host/host.h"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static pthread_once_t clock_once = PTHREAD_ONCE_INIT;
static uint64_t tsc_scale; /* nanoseconds a tick << 32; 0: use CLOCK_MONOTONIC */
static uint64_t tsc_base, ns_base;

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

#if defined(__x86_64__)
static uint64_t read_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

static bool tsc_is_constant(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8));
}
#else
static uint64_t read_tsc(void)
{
	return 0;
}

static bool tsc_is_constant(void)
{
	return false;
}
#endif

/* Both clocks at one moment: of several tries the one that took least. */
static void read_both(uint64_t *ns, uint64_t *ticks)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 16; i++) {
		uint64_t before = read_tsc();
		uint64_t now = monotonic_ns();
		uint64_t after = read_tsc();

		if (after - before >= least)
			continue;
		least = after - before;
		*ns = now;
		*ticks = before + least / 2;
	}
}

static void clock_calibrate(void)
{
	uint64_t ns, ticks;

	if (!tsc_is_constant())
		return;
	read_both(&ns_base, &tsc_base);
	do
		read_both(&ns, &ticks);
	while (ns - ns_base < 5 * NSEC_PER_MSEC);
	tsc_scale = (uint64_t)(((unsigned __int128)(ns - ns_base) << 32) / (ticks - tsc_base));
}

void host_clock_init(void)
{
	pthread_once(&clock_once, clock_calibrate);
}

uint64_t host_now(void)
{
	if (unlikely(!tsc_scale))
		return monotonic_ns();
	return ns_base + (uint64_t)(((unsigned __int128)(read_tsc() - tsc_base) * tsc_scale) >> 32);
}

/* ---- calibration ---- */

#define CALIBRATION_ROUNDS 101
#define CALIBRATION_BATCH 32

static void do_getppid(void)
{
	syscall(SYS_getppid);
}

static void do_membarrier(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/*
 * The median of many rounds, in nanoseconds. With a @witness only rounds in
 * which it moved count: its thread had a CPU then. 0: there were none.
 */
static uint64_t measure(void (*operation)(void), const uint64_t *witness)
{
	uint64_t ns[CALIBRATION_ROUNDS];
	size_t n = 0;

	for (int round = 0; round < CALIBRATION_ROUNDS; round++) {
		uint64_t seen = witness ? quiet_load(*witness) : 0;
		uint64_t start = host_now();

		for (int i = 0; i < CALIBRATION_BATCH; i++)
			operation();
		ns[n] = (host_now() - start) / CALIBRATION_BATCH;
		if (!witness || quiet_load(*witness) != seen)
			n++;
	}
	qsort(ns, n, sizeof(*ns), by_size);
	return n ? ns[n / 2] : 0;
}

struct ipi_measurement {
	int ready, stop;
	uint64_t turns; /* of the loop on CPU 1 */
	uint64_t alone, with;
};

static void *spin_on_cpu_1(void *arg)
{
	struct ipi_measurement *m = arg;

	host_bind_to_cpu(1);
	__atomic_store_n(&m->ready, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&m->stop, __ATOMIC_ACQUIRE)) {
		quiet_inc_owned(m->turns, 1);
		host_pause();
	}
	return NULL;
}

static void *measure_on_cpu_0(void *arg)
{
	struct ipi_measurement *m = arg;
	pthread_t other;

	host_bind_to_cpu(0);
	m->alone = measure(do_membarrier, NULL);
	if (pthread_create(&other, NULL, spin_on_cpu_1, m))
		return NULL;
	while (!__atomic_load_n(&m->ready, __ATOMIC_ACQUIRE))
		sched_yield();
	m->with = measure(do_membarrier, &m->turns);
	__atomic_store_n(&m->stop, 1, __ATOMIC_RELEASE);
	pthread_join(other, NULL);
	return NULL;
}

/* What membarrier() costs more when it has another CPU to interrupt. */
static uint64_t measure_ipi(void)
{
	struct ipi_measurement m = {0};
	pthread_t thread;

	if (host_count_cpus() < 2 ||
	    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		return 0;
	if (pthread_create(&thread, NULL, measure_on_cpu_0, &m))
		return 0;
	pthread_join(thread, NULL);
	return m.with > m.alone ? m.with - m.alone : 0;
}

static pthread_once_t work_once = PTHREAD_ONCE_INIT;
static uint64_t syscall_ns, ipi_ns;

static void calibrate_once(void)
{
	syscall_ns = measure(do_getppid, NULL);
	ipi_ns = measure_ipi();
}

void host_calibrate(struct machine *machine)
{
	if (!machine->config.emulate_costs)
		return;
	pthread_once(&work_once, calibrate_once);
	machine->work_ns[WORK_syscall] = syscall_ns;
	machine->work_ns[WORK_trap] = syscall_ns;
	machine->work_ns[WORK_ipi] = ipi_ns;
	machine->work_ns[WORK_io] = 1; /* charged in nanoseconds */
}

void host_work(enum work_kind kind, uint64_t n)
{
	uint64_t ns = current->machine->work_ns[kind] * n;
	uint64_t until;

	if (!ns)
		return;
	if (kind == WORK_io) {
		machine_sleep(ns);
		return;
	}
	until = host_now() + ns;
	while (host_now() < until)
		host_pause();
}

uint64_t host_thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

void host_compute(uint64_t ns)
{
	uint64_t until = host_thread_cpu_ns() + ns;

	while (host_thread_cpu_ns() < until)
		host_pause();
}

/* Of another task's, too: opened by who looks first, closed with the machine. */
static int schedstat_of(struct machine_context *context)
{
	/* Acquire: pairs with the release of whoever opened it. */
	int file = __atomic_load_n(&context->schedstat, __ATOMIC_ACQUIRE), none = 0;
	int tid = quiet_load(context->tid);
	char path[48];

	if (file || !tid)
		return file - 1;
	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", tid);
	file = open(path, O_RDONLY | O_CLOEXEC) + 1;
	file = file ? file : -1;
	if (__atomic_compare_exchange_n(&context->schedstat, &none, file, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return file - 1;
	if (file > 0)
		close(file - 1);
	return none - 1;
}

/* The second number of schedstat: time spent waiting on a run queue. */
struct task_times host_times(const struct task *task)
{
	struct machine_context *context = quiet_load_acquire(task->context);
	struct task_times times = {0};
	int file = context ? schedstat_of(context) : -1;
	char text[96] = "";
	const char *second;

	if (file >= 0 && pread(file, text, sizeof(text) - 1, 0) > 0) {
		second = strchr(text, ' ');
		times.delay_ns = second ? strtoull(second, NULL, 10) : 0;
	}
	return times;
}
