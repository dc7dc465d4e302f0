/* SPDX-License-Identifier: MIT */
/* mmsim import: make a recording of what a tracer saw. */
#include "../replay/perf_script.h"
#include "cli.h"

static void print_report(const struct import_report *report, const struct recording *rec)
{
	printf("%zu operations of %zu tasks\n", rec->nr_ops, rec->nr_tasks);
	for (unsigned int i = 0; i < report->nr_kinds; i++)
		if (report->events[i])
			printf("%12llu  %s %s\n", (unsigned long long)report->events[i],
			       report->kinds[i], report->unit);
#define X(field, help)                                                                             \
	if (report->field)                                                                         \
		printf("%12llu  %s\n", (unsigned long long)report->field, help);
	IMPORT_COUNTERS(X)
#undef X
}

int cmd_import(int argc, char **argv)
{
	struct import_report report;
	struct cli_options options;
	struct sim_error err;
	struct recording rec;
	int code = cli_parse(argc, argv, "poq", &options);

	if (code)
		return code;
	if (!options.perf_script || !options.output || options.file) {
		fputs("mmsim: import: expected --perf-script FILE -o RECORDING\n", stderr);
		return EXIT_USAGE;
	}
	if (import_perf_script(options.perf_script, &rec, &report, &err)) {
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
