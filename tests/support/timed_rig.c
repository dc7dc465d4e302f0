/* SPDX-License-Identifier: MIT */
/* A modelled machine for tests; see the header. */
#define _GNU_SOURCE 1
#include "timed_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lock/rwsem.h"
#include "machine/timed/profile.h"

struct machine *rig;
struct trace *rig_trace;
struct rig_line *rig_lines;

static void write_costs(FILE *file)
{
	for (int i = 0; i < NR_PROFILE_COSTS; i++) {
		const char *value = "0";

		if (i == COST_slice)
			value = "2ms";
		else if (i == COST_bandwidth)
			value = "40GB/s";
		fprintf(file, "%s = %s (a test)\n", profile_costs[i].name, value);
	}
}

/* The profile becomes a file, of which @path is the name. */
static void write_profile(const struct rig_config *config, char *path, size_t size)
{
	const char *dir = getenv("TMPDIR");
	FILE *file;
	int fd;

	snprintf(path, size, "%s/mmsim-XXXXXX.ini", dir ? dir : "/tmp");
	fd = mkstemps(path, 4);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	fprintf(file, "[machine]\ndescription = a test\nhz = 1000 (a test)\n"
		      "preemption = full (a test)\n");
	fputs(config->clusters ? config->clusters : RIG_CLUSTER(all, 8, 1024, 0), file);
	fprintf(file, "[costs]\n");
	write_costs(file);
	fprintf(file, "[device]\nchannels = %u (a test)\nlatency = %s (a test)\n",
		config->channels ? config->channels : 2,
		config->latency ? config->latency : "1us 1us 1us 1us 1us");
	assert_int_equal(fclose(file), 0);
}

static void make_lines(unsigned int lines_before)
{
	struct machine_chunk *chunk = machine_chunk_alloc(rig, "words", sizeof(struct rig_line));

	assert_non_null(chunk);
	rig_lines = (struct rig_line *)((char *)chunk + chunk->first_offset) + lines_before;
	machine_object_allocated(rig_lines, RIG_LINES * sizeof(struct rig_line));
}

void rig_make(const struct rig_config *config)
{
	char path[256], error[256] = "";
	struct machine_config made = {.kind = MACHINE_TIMED,
				      .seed = config->seed ? config->seed : 1,
				      .profile = config->profile,
				      .profile_changes = config->changes,
				      .max_ns = config->max_ns,
				      .max_steps = config->max_steps,
				      .error = error};
	int err;

	if (!config->profile) {
		write_profile(config, path, sizeof(path));
		made.profile = path;
	}
	rig_trace = NULL;
	if (config->traced) {
		rig_trace = trace_create(true);
		assert_non_null(rig_trace);
		made.hooks = trace_hooks(rig_trace);
	}
	err = machine_create(&made, &rig);
	if (!config->profile)
		unlink(path);
	if (err)
		fail_msg("no machine: %d %s", err, error);
	if (rig_trace)
		trace_set_machine(rig_trace, rig);
	make_lines(config->lines_before);
}

void rig_end(void)
{
	machine_destroy(rig);
	if (rig_trace)
		trace_destroy(rig_trace);
}

void rig_run(int expected)
{
	int err = machine_run(rig);

	if (err != expected)
		fail_msg("run: %d: %s", err, machine_failure(rig));
}

static struct task *make_task(const struct task_attr *attr, int (*fn)(void *arg), void *arg)
{
	struct task *task = machine_task_create(rig, attr, fn, arg);

	assert_non_null(task);
	return task;
}

struct task *rig_fifo(const char *cpus, int priority, int (*fn)(void *arg), void *arg)
{
	return make_task(
		&(struct task_attr){.name = "fifo", .fifo = priority, .cpu = -1, .cpus = cpus}, fn,
		arg);
}

struct task *rig_fair(const char *cpus, int nice, int (*fn)(void *arg), void *arg)
{
	return make_task(&(struct task_attr){.name = "fair", .nice = nice, .cpu = -1, .cpus = cpus},
			 fn, arg);
}

struct task *rig_deadline(const char *cpus, int (*fn)(void *arg), void *arg)
{
	return make_task(
		&(struct task_attr){.name = "ui", .cpu = -1, .cpus = cpus, .has_deadline = true},
		fn, arg);
}

void rig_sleep_until(uint64_t ns)
{
	if (ns > now_ns())
		machine_sleep(ns - now_ns());
}

int do_job(void *arg)
{
	struct job *job = arg;
	uint64_t delayed;

	rig_sleep_until(job->at_ns);
	delayed = job->at_ns ? 0 : machine_task_times(current).delay_ns;
	job->began_ns = now_ns();
	job->began_on = this_cpu();
	machine_compute(job->ns);
	job->ended_ns = now_ns();
	job->ended_on = this_cpu();
	job->delay_ns = machine_task_times(current).delay_ns - delayed;
	return 0;
}

void assert_near(uint64_t value, uint64_t expected, uint64_t error)
{
	if (value + error < expected || value > expected + error)
		fail_msg("%llu ns, expected %llu +- %llu", (unsigned long long)value,
			 (unsigned long long)expected, (unsigned long long)error);
}

struct rw_semaphore *rig_rwsem(int n)
{
	struct rw_semaphore *lock = (struct rw_semaphore *)&rig_lines[n * 8];

	_Static_assert(sizeof(*lock) <= 8 * sizeof(struct rig_line), "it fits");
	assert_int_equal(init_rwsem(lock, LOCK_user, rwsem_policy_find("linux")), 0);
	return lock;
}
