/* SPDX-License-Identifier: MIT */
/* What is run, a recording or a scenario, and one run of it. */
#include "../report/metrics.h"
#include "../report/verdicts.h"
#include "cli.h"

#include <errno.h>
#include <string.h>

/* Of a matrix. More were likely not meant, and would run for days. */
#define POINTS_MAX 4096

/* ---- scenarios ---- */

/* KEY of --KEY=VALUE. */
static void key_name(const char *word, char name[64])
{
	snprintf(name, 64, "%.*s", (int)strcspn(word, "="), word);
}

static int set_keys(const struct cli_options *options, struct settings *settings,
		    struct sim_error *err)
{
	char name[64];
	int result = 0;

	if (options->kernel)
		result = scenario_set(settings, "kernel", options->kernel, err);
	for (unsigned int i = 0; i < options->sets.nr && !result; i++)
		result = scenario_set(settings, "set", options->sets.item[i], err);
	for (unsigned int i = 0; i < options->nr_keys && !result; i++) {
		key_name(options->keys[i], name);
		result = scenario_set(settings, name, options->values[i], err);
	}
	return result;
}

int cli_scenario(const struct cli_options *options, struct settings *settings,
		 struct sim_error *err)
{
	int result = scenario_open(options->file, settings, err);

	if (result)
		return result;
	result = set_keys(options, settings, err);
	if (!result && scenario_points(settings) > POINTS_MAX)
		result = sim_error_set(err, -EINVAL, options->file, 0,
				       "expected lists with at most %d combinations", POINTS_MAX);
	if (result)
		settings_free(settings);
	return result;
}

/* ---- loading ---- */

static int say(const struct sim_error *err)
{
	fprintf(stderr, "mmsim: %s\n", err->text);
	return EXIT_USAGE;
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && !strcmp(text + len - end_len, end);
}

/* A path is a recording's unless it says otherwise; a bare word is a scenario's name. */
bool cli_names_scenario(const struct cli_options *options)
{
	const char *file = options->file;

	if (!file)
		return false;
	if (ends_in(file, ".ini"))
		return true;
	return !strchr(file, '/') && !ends_in(file, ".rec") && !ends_in(file, ".xz");
}

static int load_recording(const struct cli_options *options, struct cli_input *input)
{
	struct sim_error err;
	char name[64];

	input->points = 1;
	if (options->nr_keys) {
		key_name(options->keys[0], name);
		fprintf(stderr, "mmsim: --%s: no such option for a recording\n", name);
		return EXIT_USAGE;
	}
	if (recording_load(options->file, 0, &input->rec, &err))
		return say(&err);
	if (!plan_make(&input->rec, &input->plan))
		return 0;
	recording_free(&input->rec);
	fputs("mmsim: no memory for the replay's plan\n", stderr);
	return EXIT_USAGE;
}

int cli_load(const struct cli_options *options, struct cli_input *input)
{
	struct sim_error err;

	memset(input, 0, sizeof(*input));
	if (!options->file) {
		fputs("mmsim: expected a SCENARIO or a RECORDING\n", stderr);
		return EXIT_USAGE;
	}
	input->is_scenario = cli_names_scenario(options);
	if (!input->is_scenario)
		return load_recording(options, input);
	if (cli_scenario(options, &input->settings, &err))
		return say(&err);
	input->points = scenario_points(&input->settings);
	return 0;
}

void cli_unload(struct cli_input *input)
{
	if (input->is_scenario) {
		scenario_free(&input->scenario);
		settings_free(&input->settings);
		return;
	}
	plan_free(&input->plan);
	recording_free(&input->rec);
}

int cli_point(const struct cli_options *options, struct cli_input *input, unsigned int point,
	      struct mmsim_config *config)
{
	struct sim_error err;
	int code;

	if (!input->is_scenario)
		return cli_config(options, config);
	scenario_free(&input->scenario);
	if (scenario_make(&input->settings, point, &input->scenario, &err) ||
	    workload_config(&input->scenario, config, &err) ||
	    workload_check(&input->scenario, &err))
		return say(&err);
	code = cli_config_machine(options, config);
	if (options->memory)
		config->memory_bytes = options->memory;
	return code;
}

/* ---- one run ---- */

static struct workload_result workload_result; /* too large for the stack */

static int run_scenario(const struct cli_options *options, const struct cli_input *input,
			struct mmsim *sim, struct run_info *info, json_t **result)
{
	const struct workload_options how = {.progress = !options->quiet, .stop = &cli_interrupts};
	int err = workload_run(sim, &input->scenario, &how, &workload_result);

	info->scenario = options->file;
	info->point = input->scenario.point;
	info->settings = &input->settings;
	/* An interrupt while it was set up is no failure. */
	if (err && cli_interrupted() && !*mmsim_failure(sim))
		err = 0;
	info->outcome = err ? workload_result.why : cli_interrupted() ? "interrupted" : "done";
	*result = result_json(sim, info);
	result_add_workload(*result, sim, &input->scenario, &workload_result);
	if (err)
		fprintf(stderr, "mmsim: %s\n",
			*workload_result.why ? workload_result.why : "no memory");
	workload_result_free(&workload_result);
	if (!err)
		return EXIT_FINE;
	return *mmsim_failure(sim) ? EXIT_BROKEN : EXIT_USAGE;
}

static int run_recording(const struct cli_options *options, const struct cli_input *input,
			 struct mmsim *sim, struct run_info *info, json_t **result)
{
	const struct replay_options how = {
		.think = info->think,
		.progress = !options->quiet,
		.stop = &cli_interrupts,
	};
	struct replay_result replayed;
	char error[256];
	int err = replay_run(sim, &input->plan, &how, &replayed, error);

	info->recording = options->file;
	info->outcome = err ? mmsim_failure(sim) : cli_interrupted() ? "interrupted" : "done";
	*result = result_json(sim, info);
	result_add_replay(*result, &input->rec, &replayed);
	if (!err)
		return EXIT_FINE;
	fprintf(stderr, "mmsim: %s\n", *mmsim_failure(sim) ? mmsim_failure(sim) : error);
	return EXIT_BROKEN;
}

int cli_run(const struct cli_options *options, const struct mmsim_config *config,
	    const struct cli_input *input, json_t **result)
{
	struct run_info info = {
		.config = config,
		.command = options->command,
		.think = !strcmp(config->machine, "step") ? 0 : options->think,
	};
	struct mmsim *sim;
	char error[256];
	int code, leaked;

	*result = NULL;
	if (mmsim_create(config, &sim, error)) {
		fprintf(stderr, "mmsim: %s\n", error);
		return EXIT_USAGE;
	}
	code = input->is_scenario ? run_scenario(options, input, sim, &info, result) :
				    run_recording(options, input, sim, &info, result);
	/* After a failure the tasks stand where they stood: what they have is not leaked. */
	if (*mmsim_failure(sim) || (code && !input->is_scenario)) {
		/* Threads of the host would be waited for. */
		if (strcmp(config->machine, "host"))
			mmsim_destroy(sim);
		return code;
	}
	leaked = mmsim_destroy(sim);
	if (code)
		return code;
	if (leaked && !cli_interrupted()) {
		fputs("mmsim: objects or pages were leaked\n", stderr);
		return EXIT_BROKEN;
	}
	return cli_interrupted() ? EXIT_INTERRUPTED : EXIT_FINE;
}

/* ---- what a run's result will hold ---- */

static void add_nothing_done(json_t *result, const struct mmsim *sim, const struct scenario *s)
{
	static struct op_stats none;
	static struct workload_result nothing;

	for (unsigned int t = 0; t < s->nr_tasks; t++) {
		nothing.group[t].task = &s->tasks[t];
		for (int k = 0; k < NR_SIM_OPS; k++)
			nothing.group[t].op[k] = s->tasks[t].script.kinds >> k & 1 ? &none : NULL;
	}
	result_add_workload(result, sim, s, &nothing);
}

json_t *cli_empty_result(const struct cli_options *options, const struct mmsim_config *config,
			 const struct cli_input *input)
{
	static const struct replay_result nothing;
	const struct run_info info = {.config = config, .command = options->command};
	struct mmsim *sim;
	char error[256];
	json_t *result;

	if (mmsim_create(config, &sim, error)) {
		fprintf(stderr, "mmsim: %s\n", error);
		return NULL;
	}
	result = result_json(sim, &info);
	if (input->is_scenario)
		add_nothing_done(result, sim, &input->scenario);
	else
		result_add_replay(result, &input->rec, &nothing);
	mmsim_destroy(sim);
	return result;
}

int cli_check_metrics(const json_t *empty, const char *names)
{
	char unknown[METRIC_NAME_MAX] = "--metrics";

	if (names[strspn(names, " \t,")] && verdicts_may_come(empty, names, unknown))
		return EXIT_FINE;
	return cli_unknown_metric(unknown);
}

int cli_unknown_metric(const char *name)
{
	fprintf(stderr, "mmsim: %s: expected a metric that the run has (`mmsim help metrics`)\n",
		name);
	return EXIT_USAGE;
}
