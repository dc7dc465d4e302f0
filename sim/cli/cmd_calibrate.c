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

/* How busy others keep the computer from some moment on. */
struct watch {
	struct fitness_sample begun;
	uint64_t began_ns;
	bool known; /* what is not known does not forbid */
};

static void watch_begin(struct watch *watch)
{
	watch->began_ns = bare_now();
	watch->known = !fitness_read("", &watch->begun, NULL);
}

static bool watch_finds_unfit(const struct watch *watch, struct fitness *fitness)
{
	struct fitness_sample now;

	if (!watch->known || fitness_read("", &now, NULL))
		return false;
	fitness_judge(&watch->begun, &now, bare_now() - watch->began_ns, 1, fitness);
	return !fitness->fit;
}

static int check_fitness(const struct cli_options *options)
{
	struct fitness fitness;
	struct watch watch;

	watch_begin(&watch);
	bare_nap(FITNESS_SLEEP_MS * 1000000ull);
	if (!watch_finds_unfit(&watch, &fitness) || options->anyway)
		return EXIT_FINE;
	fprintf(stderr, "mmsim: this machine is not fit to measure on: %s (--anyway measures)\n",
		fitness.why);
	return EXIT_UNFIT;
}

/* The profile says what has disturbed it. */
static int measure(struct calibration *c, struct fitness *fitness)
{
	struct watch watch;
	char error[256];

	watch_begin(&watch);
	if (calibrate(c, error)) {
		fprintf(stderr, "mmsim: %s\n", error);
		return EXIT_UNFIT;
	}
	if (watch_finds_unfit(&watch, fitness))
		c->busy = fitness->why;
	return EXIT_FINE;
}

/* And read again: a profile that cannot be loaded is none. */
static int write_profile(const struct calibration *c, const char *path)
{
	static struct profile profile;
	FILE *file = fopen(path, "we");
	bool failed = !file;
	char error[256];

	if (file) {
		calibration_write(c, file);
		failed = ferror(file);
		failed |= fclose(file) != 0;
	}
	if (failed) {
		fprintf(stderr, "mmsim: %s: %s\n", path, strerror(errno));
		return EXIT_USAGE;
	}
	if (!profile_load(path, NULL, &profile, error))
		return EXIT_FINE;
	fprintf(stderr, "mmsim: %s\n", error);
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
	int code = cli_parse(argc, argv, "ORyq", &options);

	if (code)
		return code;
	if (!options.output || options.file)
		return usage(options.file ? options.file : "nothing");
	if (!is_profile_path(options.output))
		return usage(options.output);
	code = cli_check_output(options.output);
	bare_clock_start();
	if (!code)
		code = check_fitness(&options);
	if (code)
		return code;
	calibration.rounds = options.rounds ? options.rounds : CALIBRATION_ROUNDS;
	calibration.command = options.command;
	calibration.progress = options.quiet ? NULL : tell;
	code = measure(&calibration, &fitness);
	if (!code)
		code = write_profile(&calibration, options.output);
	if (!code && !options.quiet)
		report(&calibration, options.output);
	return code;
}
