/* SPDX-License-Identifier: MIT */
/* Running a scenario's scripts once on the step machine, in an instance of its own. */
#ifndef MMSIM_SIM_SCENARIO_RUN_SCRIPT_H
#define MMSIM_SIM_SCENARIO_RUN_SCRIPT_H

#include "workload.h"

struct script_verdict {
	int err; /* 0; else as mmsim_run() says, or -EBUSY: something was left */
	char why[WORKLOAD_WHY_MAX];
	uint64_t steps;
	struct workload_event *events; /* in order; the caller frees */
	size_t nr_events;
};

/**
 * script_config - the configuration a scenario asks for, on the step machine
 * @err: a setting that there is not
 * Return: 0 or -EINVAL.
 */
int script_config(const struct scenario *scenario, struct mmsim_config *config,
		  struct sim_error *err);

/**
 * script_run - one run
 * @events: keep when each operation was begun
 * @verdict: overwritten
 *
 * Return: 0; -errno with @verdict->why filled when it could not be set up.
 */
int script_run(const struct scenario *scenario, const struct mmsim_config *config, bool events,
	       struct script_verdict *verdict);

#endif
