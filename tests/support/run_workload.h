/* SPDX-License-Identifier: MIT */
/* For tests: run a scenario's text in an instance of its own. */
#ifndef MMSIM_TESTS_SUPPORT_RUN_WORKLOAD_H
#define MMSIM_TESTS_SUPPORT_RUN_WORKLOAD_H

#include "scenario/workload.h"
#include "support/made_scenario.h"

#include <errno.h>
#include <string.h>

/* How a text is run; zeros: on the step machine, seed 1, as the text says. */
struct how {
	const char *kernel;
	bool host, once, progress;
	uint64_t seed, fail_allocation;
	const volatile int *stop;
};

/* What the last run did; results are overwritten by the next. */
static struct workload_result ran;

/* Run it; what workload_run() answers. Nothing may be leaked. */
static inline int run_text(const char *text, const struct how *how)
{
	const struct workload_options options = {
		.once = how->once, .stop = how->stop, .progress = how->progress};
	struct mmsim_config config;
	struct mmsim *sim;
	struct made *made;
	char error[256];
	int result;

	if (make(text, "x.ini", &made))
		fail_msg("%s", made->err.text);
	assert_int_equal(workload_config(&made->s, &config, &made->err), 0);
	assert_int_equal(mmsim_config_set(&config, "machine", how->host ? "host" : "step", error),
			 0);
	if (how->kernel)
		assert_int_equal(mmsim_config_set(&config, "kernel", how->kernel, error), 0);
	config.seed = how->seed ? how->seed : 1;
	config.fail_allocation = how->fail_allocation;
	config.max_steps = 20000000;
	config.emulate_costs = 0;
	workload_result_free(&ran);
	if (mmsim_create(&config, &sim, error)) {
		unmake(made);
		return -ENOMEM;
	}
	result = workload_run(sim, &made->s, &options, &ran);
	if (*mmsim_failure(sim))
		fail_msg("%s", mmsim_failure(sim));
	assert_int_equal(mmsim_destroy(sim), 0);
	/* The groups point to tasks of a scenario that is gone; their numbers are looked at. */
	unmake(made);
	return result;
}

/* The same of what must succeed. */
static inline void run_fine(const char *text, const struct how *how)
{
	if (run_text(text, how))
		fail_msg("%s", ran.why);
}

/* How often the t-th task did an operation, or failed in it. */
static inline uint64_t done(unsigned int t, enum op_kind kind)
{
	return ran.group[t].op[kind] ? ran.group[t].op[kind]->done : 0;
}

static inline uint64_t failed(unsigned int t, enum op_kind kind)
{
	return ran.group[t].op[kind] ? ran.group[t].op[kind]->failed : 0;
}

#endif
