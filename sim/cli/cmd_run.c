/* SPDX-License-Identifier: MIT */
/* mmsim run: replay a recording once. */
#include "cli.h"

#include <string.h>

int cli_load(const char *path, struct cli_input *input)
{
	struct sim_error err;

	if (!path) {
		fputs("mmsim: expected a RECORDING\n", stderr);
		return EXIT_USAGE;
	}
	if (recording_load(path, 0, &input->rec, &err)) {
		fprintf(stderr, "mmsim: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (!plan_make(&input->rec, &input->plan))
		return 0;
	recording_free(&input->rec);
	fputs("mmsim: no memory for the replay's plan\n", stderr);
	return EXIT_USAGE;
}

void cli_unload(struct cli_input *input)
{
	plan_free(&input->plan);
	recording_free(&input->rec);
}

int cli_write_json(const json_t *object, const char *path)
{
	if (!json_dump_file(object, path, JSON_INDENT(1) | JSON_PRESERVE_ORDER))
		return 0;
	fprintf(stderr, "mmsim: %s: cannot be written\n", path);
	return EXIT_USAGE;
}

int cli_replay(const struct cli_options *options, const struct mmsim_config *config,
	       const struct cli_input *input, json_t **result)
{
	struct replay_options replay = {
		.think = !strcmp(config->machine, "step") ? 0 : options->think,
		.progress = !options->quiet,
		.stop = &cli_interrupted,
	};
	struct run_info info = {
		.recording = options->file,
		.command = options->command,
		.think = replay.think,
	};
	struct replay_result replayed;
	struct mmsim *sim;
	char error[256];
	int err;

	*result = NULL;
	err = mmsim_create(config, &sim, error);
	if (err) {
		fprintf(stderr, "mmsim: %s\n", error);
		return EXIT_USAGE;
	}
	err = replay_run(sim, &input->plan, &replay, &replayed, error);
	info.outcome = err ? mmsim_failure(sim) : cli_interrupted ? "interrupted" : "done";
	*result = result_json(sim, config, &input->rec, &replayed, &info);
	if (err) {
		fprintf(stderr, "mmsim: %s\n", *mmsim_failure(sim) ? mmsim_failure(sim) : error);
		return EXIT_BROKEN;
	}
	if (mmsim_destroy(sim) && !cli_interrupted) {
		fputs("mmsim: objects or pages were leaked\n", stderr);
		return EXIT_BROKEN;
	}
	return cli_interrupted ? EXIT_INTERRUPTED : EXIT_FINE;
}

int cmd_run(int argc, char **argv)
{
	struct cli_options options;
	struct mmsim_config config;
	struct cli_input input;
	json_t *result;
	int code, json_code;

	code = cli_parse(argc, argv, "mkstSMejqc", &options);
	if (!code)
		code = cli_config(&options, &config);
	if (!code)
		code = cli_load(options.file, &input);
	if (code)
		return code;
	cli_catch_interrupt();
	code = cli_replay(&options, &config, &input, &result);
	if (result) {
		result_print(result, stdout);
		json_code = options.json ? cli_write_json(result, options.json) : 0;
		code = code ? code : json_code;
		json_decref(result);
	}
	cli_unload(&input);
	return code;
}
