/* SPDX-License-Identifier: MIT */
/*
 * Scenarios: INI files that say what runs. This part reads them and knows nothing
 * of how they are run.
 *
 *	[global]
 *	question = What is to be found out?
 *	expected = What a right kernel does.
 *	buggy = What a wrong one does.
 *	kernel = 6.18
 *	set = fault=vma_refcnt, munmap=whole
 *	memory = 1m
 *	steps = 100000
 *
 *	[process A]
 *	setup =
 *		mmap 0 4 rw p
 *
 *	[task T1]
 *	process = A
 *	cpu = 0
 *	after = T0
 *	script =
 *		w 0
 *
 * A task with after begins its script when that task, one above it, has ended.
 * Setup and scripts hold operations, one a line, as operation lists do (op.h)
 * without the process number. Comments begin with # or ;.
 */
#ifndef MMSIM_SIM_SCENARIO_SCENARIO_H
#define MMSIM_SIM_SCENARIO_SCENARIO_H

#include "op.h"

#define SCENARIO_NAME_MAX 32
#define SCENARIO_TEXT_MAX 1024
#define SCENARIO_TASKS_MAX 32
#define SCENARIO_SETS_MAX 32

struct scenario_script {
	struct sim_op *ops;
	size_t nr;
};

struct scenario_process {
	char name[SCENARIO_NAME_MAX];
	unsigned int line;
	struct scenario_script setup; /* done before any task runs */
};

struct scenario_task {
	char name[SCENARIO_NAME_MAX];
	unsigned int line;
	char process_name[SCENARIO_NAME_MAX];
	unsigned int process_line; /* where that is said */
	unsigned int process; /* place in scenario->processes */
	int cpu; /* -1: in turn */
	int after; /* begins when that task, an earlier one, has ended; -1: at once */
	struct scenario_script script;
};

struct scenario_set {
	char axis[64], value[64];
	unsigned int line;
};

struct scenario {
	char path[512];
	char name[64]; /* the path's last part without .ini */
	char question[SCENARIO_TEXT_MAX], expected[SCENARIO_TEXT_MAX], buggy[SCENARIO_TEXT_MAX];
	struct scenario_set sets[SCENARIO_SETS_MAX]; /* the kernel is the first, if it is said */
	unsigned int nr_sets;
	uint64_t memory; /* bytes; 0: not said */
	uint64_t steps; /* give up after so many; 0: not said */
	struct scenario_process processes[SCENARIO_TASKS_MAX];
	unsigned int nr_processes;
	struct scenario_task tasks[SCENARIO_TASKS_MAX];
	unsigned int nr_tasks;
};

/**
 * scenario_load - read a scenario
 * @name: a path (with a / or ending in .ini), or the name of one that is shipped
 * @scenario: overwritten; to be freed when 0 is returned
 * @err: what was expected, and where
 *
 * Return: 0 or -errno.
 */
int scenario_load(const char *name, struct scenario *scenario, struct sim_error *err);
void scenario_free(struct scenario *scenario);

/**
 * scenario_parse - the same, of a text
 * @text: with a NUL behind it
 * @path: what errors call it
 */
int scenario_parse(const char *text, const char *path, struct scenario *scenario,
		   struct sim_error *err);

/**
 * scenario_shipped_at - the path of the i-th shipped scenario, in the order of names
 * Return: 0, or -ENOENT past the last.
 */
int scenario_shipped_at(unsigned int i, char *path, size_t size);

#endif
