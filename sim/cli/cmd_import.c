/* SPDX-License-Identifier: MIT */
/* mmsim import: make a recording of what a tracer saw. */
#include "../replay/ftrace_text.h"
#include "cli.h"

#include <errno.h>

static void print_report(const struct import_report *report, const struct recording *rec)
{
	printf("%zu operations of %zu tasks\n", rec->nr_ops, rec->nr_tasks);
	for (int i = 0; i < NR_PERF_EVENTS; i++)
		if (report->events[i])
			printf("%12llu  %s events\n", (unsigned long long)report->events[i],
			       perf_event_name(i));
#define X(field, help)                                                                             \
	if (report->field)                                                                         \
		printf("%12llu  %s\n", (unsigned long long)report->field, help);
	IMPORT_COUNTERS(X)
#undef X
}

static int import_text(const struct cli_options *options, struct recording *rec,
		       struct import_report *report, struct sim_error *err)
{
	enum ftrace_arch arch = FTRACE_ARCH_UNKNOWN;

	if (options->perf_script)
		return import_perf_script(options->perf_script, rec, report, err);
	if (options->arch)
		arch = ftrace_arch_find(options->arch);
	if (options->arch && arch == FTRACE_ARCH_UNKNOWN)
		return sim_error_set(err, -EINVAL, "--arch", 0,
				     "expected x86-64 or arm64, found %s", options->arch);
	return import_ftrace(options->ftrace, arch, rec, report, err);
}

int cmd_import(int argc, char **argv)
{
	struct import_report report;
	struct cli_options options;
	struct sim_error err;
	struct recording rec;
	int code = cli_parse(argc, argv, "pAoCq", &options);

	if (code)
		return code;
	if (!options.perf_script == !options.ftrace || (options.arch && !options.ftrace) ||
	    !options.output || options.file) {
		fputs("mmsim: import: expected --perf-script FILE or --ftrace FILE [--arch ARCH], "
		      "and -o RECORDING\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (import_text(&options, &rec, &report, &err)) {
		fprintf(stderr, "mmsim: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (recording_save(&rec, options.output, &err)) {
		fprintf(stderr, "mmsim: %s\n", err.text);
		recording_free(&rec);
		return EXIT_USAGE;
	}
	if (!options.quiet)
		print_report(&report, &rec);
	recording_free(&rec);
	return EXIT_FINE;
}
