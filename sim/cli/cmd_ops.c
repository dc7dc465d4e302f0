/* SPDX-License-Identifier: MIT */
/* mmsim ops: do a list of operations, print the state after each. */
#include "../replay/ops_list.h"
#include "cli.h"

int cmd_ops(int argc, char **argv)
{
	struct cli_options options;
	struct mmsim_config config;
	struct sim_error err;
	struct ops_list list;
	struct mmsim *sim;
	char error[256];
	int code = cli_parse(argc, argv, "ksmM", &options);

	if (!code)
		code = cli_config(&options, &config);
	if (code)
		return code;
	if (!options.file) {
		fputs("mmsim: ops: expected a FILE\n", stderr);
		return EXIT_USAGE;
	}
	config.emulate_costs = 0;
	if (ops_list_load(options.file, &list, &err)) {
		fprintf(stderr, "mmsim: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (mmsim_create(&config, &sim, error)) {
		fprintf(stderr, "mmsim: %s\n", error);
		ops_list_free(&list);
		return EXIT_USAGE;
	}
	code = ops_list_run(sim, &list, stdout) ? EXIT_BROKEN : EXIT_FINE;
	ops_list_free(&list);
	if (mmsim_destroy(sim)) {
		fputs("mmsim: objects or pages were leaked\n", stderr);
		return EXIT_BROKEN;
	}
	return code;
}
