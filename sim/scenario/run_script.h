/* SPDX-License-Identifier: MIT */
/* Running a scenario's scripts once, in an instance of its own. */
#ifndef MMSIM_SIM_SCENARIO_RUN_SCRIPT_H
#define MMSIM_SIM_SCENARIO_RUN_SCRIPT_H

#include "scenario.h"

#include <mmsim/mmsim.h>

#define SCRIPT_WHY_MAX 8192

/* When each operation was begun: for whoever wants to say what a task was at. */
struct script_event {
	unsigned int task, op; /* op: place in the script; its length: the end */
	uint64_t step;
};

struct script_verdict {
	int err; /* 0; else as mmsim_run() says, or -EBUSY: something was left */
	char why[SCRIPT_WHY_MAX];
	uint64_t steps;
	struct script_event *events; /* in order; the caller frees */
	size_t nr_events;
};

/**
 * script_config - the configuration a scenario asks for, on the step machine
 * @err: a setting that there is not
 * Return: 0 or -EINVAL.
 */
int script_config(const struct scenario *scenario, struct mmsim_config *config,
		  struct sim_error *err);

/* Can all its operations be done? 0, or -EOPNOTSUPP with @err filled. */
int script_check(const struct scenario *scenario, struct sim_error *err);

/**
 * script_run - one run
 * @events: keep when each operation was begun
 * @verdict: overwritten
 *
 * A process lives as long as a task of it: when the last one has ended its
 * address space goes away, in the middle of the run. Return: 0; -errno with
 * @verdict->why filled when it could not be set up.
 */
int script_run(const struct scenario *scenario, const struct mmsim_config *config, bool events,
	       struct script_verdict *verdict);

#endif
