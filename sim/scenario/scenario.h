/* SPDX-License-Identifier: MIT */
/*
 * Scenarios: INI files that say what runs. `mmsim help scenarios` prints the
 * whole language, from the same tables that read it. This part knows nothing of
 * how scenarios are run.
 *
 *	[global]
 *	question = What is to be found out?
 *	seconds = 2
 *
 *	[parameter piece]
 *	default = 64k
 *	help = bytes given back at a time
 *
 *	[process app]
 *
 *	[vma heap]
 *	size = 512m
 *	touch = 100
 *
 *	[task ui]
 *	period = 8.33ms
 *	script =
 *		16x w heap+random
 *
 *	[task gc]
 *	nice = 10
 *	script =
 *		madvise heap+random ${piece} DONTNEED
 *
 * Comments begin with # or ;.
 */
#ifndef MMSIM_SIM_SCENARIO_SCENARIO_H
#define MMSIM_SIM_SCENARIO_SCENARIO_H

#include "script.h"
#include "settings.h"

#include <stdio.h>

#define SCENARIO_NAME_MAX SETTINGS_NAME_MAX
#define SCENARIO_TEXT_MAX 1024
#define SCENARIO_TASKS_MAX 32
#define SCENARIO_VMAS_MAX 64
#define SCENARIO_THREADS_MAX 4000 /* of all tasks with their counts */
#define SCENARIO_SETS_MAX 32

/* What every section with a name begins with. */
struct scenario_section {
	char name[SCENARIO_NAME_MAX];
	unsigned int line;
};

/* The name of another section, looked up when all are there. */
struct scenario_reference {
	char name[SCENARIO_NAME_MAX];
	const char *file;
	unsigned int line;
};

struct scenario_process {
	struct scenario_section section;
	struct scenario_reference parent_name;
	int parent; /* place in scenario->processes; -1: there from the beginning */
	uint64_t count; /* so many that forks made may live at once */
	struct script setup; /* done before any task runs, when the VMAs are there */
};

struct scenario_vma {
	struct scenario_section section;
	struct scenario_reference in;
	unsigned int process; /* place in scenario->processes */
	uint64_t size, gap; /* bytes; between one and the next */
	uint64_t count, touch; /* touch: percent of the pages, before any task runs */
	uint64_t mapped;
	uint64_t prot, flags; /* as mmap() takes them */
	struct place at; /* PLACE_NONE: chosen */
};

struct scenario_task {
	struct scenario_section section;
	struct scenario_reference in, behind;
	unsigned int process; /* place in scenario->processes */
	int after; /* begins when that task, an earlier one, has ended; -1: at once */
	char cpus[64]; /* empty: in turn */
	int cpu; /* the one of them, -1: none or several */
	uint64_t count, fifo, loops;
	int64_t nice;
	uint64_t period, deadline, start; /* ns */
	struct script script;
};

struct scenario_script {
	struct scenario_section section;
	struct script script;
};

struct scenario_parameter {
	struct scenario_section section;
	char value[128], help[256];
};

struct scenario_set {
	char axis[64], value[64];
	const char *file;
	unsigned int line;
};

struct scenario {
	char path[512];
	char name[64]; /* the path's last part without .ini */
	char question[SCENARIO_TEXT_MAX], expected[SCENARIO_TEXT_MAX], buggy[SCENARIO_TEXT_MAX];
	char metrics[SCENARIO_TEXT_MAX]; /* what it is about: names of compare's metrics */
	char point[256]; /* what is particular to this point of a matrix */
	struct scenario_set sets[SCENARIO_SETS_MAX]; /* the kernel is the first, if it is said */
	unsigned int nr_sets;
	uint64_t memory; /* bytes; 0: not said */
	uint64_t payload; /* pages have bytes */
	uint64_t steps; /* on the step machine: as long as that; 0: not said */
	uint64_t seconds; /* ns: how long it runs; 0: until all loops are done */
	struct scenario_process processes[SCENARIO_TASKS_MAX];
	unsigned int nr_processes;
	struct scenario_vma vmas[SCENARIO_VMAS_MAX];
	unsigned int nr_vmas;
	struct scenario_task tasks[SCENARIO_TASKS_MAX];
	unsigned int nr_tasks;
	struct scenario_script scripts[SCENARIO_TASKS_MAX];
	unsigned int nr_scripts;
	struct scenario_parameter parameters[SCENARIO_TASKS_MAX];
	unsigned int nr_parameters;
	char as_names[SCRIPT_AS_MAX][SCRIPT_NAME_MAX];
	unsigned int nr_as;
	char barriers[SCENARIO_TASKS_MAX][SCRIPT_NAME_MAX];
	unsigned int nr_barriers;
};

/**
 * scenario_open - read the settings of a scenario
 * @name: a path (with a / or ending in .ini), or the name of one that is shipped
 * @settings: overwritten, not to be moved; settings_free() when 0 is returned
 * @err: what was expected, and where
 *
 * Return: 0 or -errno.
 */
int scenario_open(const char *name, struct settings *settings, struct sim_error *err);
/* The same of a text, which errors call @path. */
int scenario_open_text(const char *text, const char *path, struct settings *settings,
		       struct sim_error *err);

/**
 * scenario_set - put a value in place of one in the file
 * @name: a [global] key, a parameter, or SECTION.KEY with the section's name
 * @value: one, or a list where the key takes one
 *
 * Return: 0, -ENOENT (no such key, @err says what is near), -ENOMEM.
 */
int scenario_set(struct settings *settings, const char *name, const char *value,
		 struct sim_error *err);

/* Points of the matrix that the lists make; 1: there are none. */
unsigned int scenario_points(const struct settings *settings);

/**
 * scenario_make - the scenario at a point of the matrix
 * @scenario: overwritten; scenario_free() when 0 is returned. Errors of it name @settings.
 *
 * Return: 0 or -errno.
 */
int scenario_make(const struct settings *settings, unsigned int point, struct scenario *scenario,
		  struct sim_error *err);
void scenario_free(struct scenario *scenario);

/* scenario_resolve.c: look up what names name. 0 or -EINVAL. */
int scenario_resolve(struct scenario *scenario, struct sim_error *err);

/**
 * scenario_shipped_at - the path of the i-th shipped scenario, in the order of names
 * Return: 0, or -ENOENT past the last.
 */
int scenario_shipped_at(unsigned int i, char *path, size_t size);
/* Is it the name of a shipped one? */
bool scenario_is_shipped(const char *name);

/* The keys of each section, as `mmsim help scenarios` has them. */
void scenario_print_keys(FILE *out);

#endif
