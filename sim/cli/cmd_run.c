/* SPDX-License-Identifier: MIT */
/* mmsim run: run a scenario, each point of its matrix, or replay a recording, once. */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cli_check_json(const char *path)
{
	struct stat there;
	bool is_new = path && stat(path, &there);
	FILE *f;

	/* Opening a pipe only to close it would be the end of it for who reads. */
	if (!path || (!is_new && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode)))
		return 0;
	f = fopen(path, "ae");
	if (!f) {
		fprintf(stderr, "mmsim: %s: %s\n", path, strerror(errno));
		return EXIT_USAGE;
	}
	fclose(f);
	if (is_new)
		unlink(path);
	return 0;
}

int cli_write_json(const json_t *object, const char *path)
{
	if (!json_dump_file(object, path, JSON_INDENT(1) | JSON_PRESERVE_ORDER))
		return 0;
	fprintf(stderr, "mmsim: %s: cannot be written\n", path);
	return EXIT_USAGE;
}

/* They are the columns of a matrix. */
static int check_columns(const struct cli_options *options, const struct cli_input *input,
			 const struct mmsim_config *config)
{
	json_t *empty;
	int code;

	if (!input->is_scenario || !*input->scenario.metrics)
		return EXIT_FINE;
	empty = cli_empty_result(options, config, input);
	code = empty ? cli_check_metrics(empty, input->scenario.metrics) : EXIT_USAGE;
	json_decref(empty);
	return code;
}

static int run_point(const struct cli_options *options, struct cli_input *input, unsigned int point,
		     json_t *results)
{
	struct mmsim_config config;
	json_t *result;
	int code = cli_point(options, input, point, &config);

	if (!code && !point)
		code = check_columns(options, input, &config);
	if (code)
		return code;
	if (input->points > 1)
		printf("%s%u of %u: %s\n", point ? "\n" : "", point + 1, input->points,
		       input->scenario.point);
	code = cli_run(options, &config, input, &result);
	/* What could not be set up did nothing that is worth a page. */
	if (!result || code == EXIT_USAGE) {
		json_decref(result);
		return code;
	}
	result_print(result, stdout);
	fflush(stdout);
	json_array_append_new(results, result);
	return code;
}

/* One result as it is, several as an array. */
static int write_results(const json_t *results, const struct cli_input *input, const char *path)
{
	if (!path || !json_array_size(results))
		return 0;
	return cli_write_json(input->points > 1 ? results : json_array_get(results, 0), path);
}

int cmd_run(int argc, char **argv)
{
	static struct cli_input input;
	struct cli_options options;
	json_t *results;
	int code, json_code;

	code = cli_parse(argc, argv, "mkstSMejqc*", &options);
	if (!code)
		code = cli_check_json(options.json);
	if (!code)
		code = cli_load(&options, &input);
	if (code)
		return code;
	cli_catch_interrupt();
	results = json_array();
	for (unsigned int point = 0; point < input.points && !code; point++)
		code = run_point(&options, &input, point, results);
	if (json_array_size(results) > 1)
		matrix_print(results, stdout);
	json_code = write_results(results, &input, options.json);
	json_decref(results);
	cli_unload(&input);
	return code ? code : json_code;
}
