/* SPDX-License-Identifier: MIT */
/* One run of a scenario's scripts; see run_script.h. */
#include "run_script.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_STEPS 200000

int script_config(const struct scenario *scenario, struct mmsim_config *config,
		  struct sim_error *err)
{
	int result = workload_config(scenario, config, err);

	strcpy(config->machine, "step");
	config->max_steps = scenario->steps ? scenario->steps : DEFAULT_STEPS;
	config->emulate_costs = 0;
	return result;
}

int script_run(const struct scenario *scenario, const struct mmsim_config *config, bool events,
	       struct script_verdict *verdict)
{
	const struct workload_options options = {
		.once = true, .events = events, .search = config->search};
	static __thread struct workload_result result;
	struct mmsim *sim;
	int err;

	verdict->err = 0;
	verdict->steps = 0;
	verdict->events = NULL;
	verdict->nr_events = 0;
	*verdict->why = '\0';
	err = mmsim_create(config, &sim, verdict->why);
	if (err)
		return err;
	err = workload_run(sim, scenario, &options, &result);
	snprintf(verdict->why, sizeof(verdict->why), "%s", result.why);
	/* What could not be set up made no step: not a verdict on the run. */
	if (*mmsim_failure(sim)) {
		verdict->err = err;
		err = 0;
	}
	verdict->steps = mmsim_steps(sim);
	verdict->events = result.events;
	verdict->nr_events = result.nr_events;
	result.events = NULL;
	workload_result_free(&result);
	if (mmsim_destroy(sim) && !err && !verdict->err) {
		verdict->err = -EBUSY;
		snprintf(verdict->why, sizeof(verdict->why),
			 "objects or pages were left when all tasks had ended\n");
	}
	return err;
}
