/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a scenario's text is read, points of its matrix are made, and a small one is run on
 * the step machine: each script once, and again until its steps end. Whatever it says, the run
 * ends, no assertion of the library breaks and nothing is leaked.
 */
#include "fuzz.h"
#include "scenario/workload.h"

#include <errno.h>
#include <string.h>

#define POINTS_MAX 4
#define TASKS_MAX 8
#define VMAS_MAX 64
#define MEMORY (1 << 20)
#define STEPS_MAX 20000

/* What is absurdly much is refused, or takes its time; neither is what is looked for. */
static bool is_small(const struct scenario *s)
{
	uint64_t tasks = 0, vmas = 0;

	for (unsigned int t = 0; t < s->nr_tasks; t++)
		tasks += s->tasks[t].count;
	for (unsigned int v = 0; v < s->nr_vmas; v++)
		vmas += s->vmas[v].count;
	return tasks <= TASKS_MAX && vmas <= VMAS_MAX;
}

/* Lengths that are allowed and take long to walk, table by table. */
static bool walks_far(const struct script *script)
{
	for (size_t i = 0; i < script->nr; i++)
		for (int n = 0; n < 2; n++)
			for (unsigned int k = 0; k < script->ops[i].len[n].nr; k++)
				if (script->ops[i].len[n].number[k] > UINT64_C(1) << 40)
					return true;
	return false;
}

static bool walks_too_far(const struct scenario *s)
{
	uint64_t mapped = 0;

	for (unsigned int v = 0; v < s->nr_vmas; v++) {
		if (s->vmas[v].size > UINT64_C(1) << 40)
			return true;
		mapped += s->vmas[v].count * s->vmas[v].size;
	}
	for (unsigned int i = 0; i < s->nr_processes; i++)
		if (walks_far(&s->processes[i].setup))
			return true;
	for (unsigned int i = 0; i < s->nr_scripts; i++)
		if (walks_far(&s->scripts[i].script))
			return true;
	for (unsigned int i = 0; i < s->nr_tasks; i++)
		if (walks_far(&s->tasks[i].script))
			return true;
	return mapped > UINT64_C(1) << 42;
}

static void run(const struct scenario *s, bool once)
{
	static struct workload_result result;
	const struct workload_options options = {.once = once};
	struct mmsim_config config;
	struct sim_error err = {""};
	struct mmsim *sim;
	char error[256];
	int ret;

	if (workload_config(s, &config, &err)) {
		FUZZ_CHECK(*err.text, "no text");
		return;
	}
	config.memory_bytes = MEMORY;
	config.max_steps = STEPS_MAX;
	FUZZ_CHECK(!mmsim_config_set(&config, "machine", "step", error), "%s", error);
	if (mmsim_create(&config, &sim, error))
		return;
	ret = workload_run(sim, s, &options, &result);
	/* Out of steps; nobody could run, as all wait for each other. */
	FUZZ_CHECK(ret != -EFAULT || !*mmsim_failure(sim), "%s", result.why);
	FUZZ_CHECK(!ret || *result.why || ret == -ENOMEM, "%d without a text", ret);
	workload_result_free(&result);
	ret = *mmsim_failure(sim) ? 0 : 1;
	FUZZ_CHECK(!mmsim_destroy(sim) || !ret, "objects or pages were leaked");
}

static void make_and_run(const struct settings *settings, unsigned int point)
{
	static struct scenario scenario;
	struct sim_error err = {""};
	int ret = scenario_make(settings, point, &scenario, &err);

	if (ret) {
		FUZZ_CHECK(ret < 0 && *err.text && !strchr(err.text, '\n'), "'%s'", err.text);
		return;
	}
	if (!workload_check(&scenario, &err) && is_small(&scenario) && !walks_too_far(&scenario)) {
		run(&scenario, true);
		scenario.steps = STEPS_MAX / 4;
		run(&scenario, false);
	}
	scenario_free(&scenario);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct sim_error err = {""};
	struct settings settings;
	unsigned int points;
	int ret;

	FUZZ_CHECK(text, "no memory");
	memcpy(text, data, size);
	text[size] = '\0';
	ret = scenario_open_text(text, "fuzz", &settings, &err);
	/* The settings are copies. */
	free(text);
	if (ret) {
		fuzz_check_error(ret, &err, "fuzz");
		return 0;
	}
	points = scenario_points(&settings);
	FUZZ_CHECK(points, "no points");
	for (unsigned int i = 0; i < points && i < POINTS_MAX; i++)
		make_and_run(&settings, i);
	if (points > POINTS_MAX)
		make_and_run(&settings, points - 1);
	settings_free(&settings);
	return 0;
}
