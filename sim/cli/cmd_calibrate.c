/* SPDX-License-Identifier: MIT */
/* mmsim calibrate: measure this computer into a machine profile. */
#include "../calibrate/calibrate.h"
#include "../compare/fitness.h"
#include "cli.h"
#include "machine/host/bare.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int usage(const char *found)
{
	fprintf(stderr,
		"mmsim: calibrate: expected -o FILE.ini, with 1 to %d characters before .ini, "
		"found %s\n",
		PROFILE_NAME_MAX - 1, found);
	return EXIT_USAGE;
}

/* A profile's name is its file's. */
static bool is_profile_path(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	return len > 4 && len < PROFILE_NAME_MAX + 4 && !strcmp(name + len - 4, ".ini");
}

/* A line each: there is nothing to see within a group. */
static void tell(const char *what, unsigned int done, unsigned int all)
{
	fprintf(stderr, "mmsim: %u of %u: %s\n", done + 1, all, what);
}

/* What it does not know does not forbid. */
static int check_fitness(const struct cli_options *options, struct fitness *fitness)
{
	struct fitness_sample before, after;
	uint64_t start;

	memset(fitness, 0, sizeof(*fitness));
	bare_clock_start();
	start = bare_now();
	fitness->fit = true;
	if (fitness_read("", &before, NULL))
		return EXIT_FINE;
	bare_nap(FITNESS_SLEEP_MS * 1000000ull);
	if (fitness_read("", &after, NULL))
		return EXIT_FINE;
	fitness_judge(&before, &after, bare_now() - start, 1, fitness);
	if (fitness->fit || options->anyway)
		return EXIT_FINE;
	fprintf(stderr, "mmsim: this machine is not fit to measure on: %s (--anyway measures)\n",
		fitness->why);
	return EXIT_UNFIT;
}

static int write_profile(const struct calibration *c, const char *path)
{
	FILE *file = fopen(path, "we");
	bool failed;

	if (file) {
		calibration_write(c, file);
		failed = ferror(file);
		if (!fclose(file) && !failed)
			return EXIT_FINE;
	}
	fprintf(stderr, "mmsim: %s: %s\n", path, strerror(errno));
	return EXIT_USAGE;
}

static unsigned int count(const struct calibration *c, const char *truth)
{
	unsigned int nr = 0;

	for (int i = 0; i < NR_PROFILE_COSTS; i++)
		nr += !strncmp(c->profile.source[i], truth, strlen(truth));
	return nr;
}

static void report(const struct calibration *c, const char *path)
{
	unsigned int measured = count(c, "measured"), derived = count(c, "derived");
	unsigned int assumed = count(c, "assumed");

	printf("%d costs: %u measured, %u derived, %u assumed, %u said by the kernel or a "
	       "neighbour's\n",
	       NR_PROFILE_COSTS, measured, derived, assumed,
	       NR_PROFILE_COSTS - measured - derived - assumed);
	printf("see `mmsim help %s`; run with --machine %s\n", path, path);
}

int cmd_calibrate(int argc, char **argv)
{
	static struct calibration calibration;
	struct cli_options options;
	struct fitness fitness;
	char error[256];
	int code = cli_parse(argc, argv, "ORyq", &options);

	if (code)
		return code;
	if (!options.output || options.file)
		return usage(options.file ? options.file : "nothing");
	if (!is_profile_path(options.output))
		return usage(options.output);
	code = cli_check_json(options.output);
	if (!code)
		code = check_fitness(&options, &fitness);
	if (code)
		return code;
	calibration.rounds = options.rounds ? options.rounds : CALIBRATION_ROUNDS;
	calibration.command = options.command;
	calibration.busy = fitness.fit ? NULL : fitness.why;
	calibration.progress = options.quiet ? NULL : tell;
	if (calibrate(&calibration, error)) {
		fprintf(stderr, "mmsim: %s\n", error);
		return EXIT_UNFIT;
	}
	code = write_profile(&calibration, options.output);
	if (!code && !options.quiet)
		report(&calibration, options.output);
	return code;
}
