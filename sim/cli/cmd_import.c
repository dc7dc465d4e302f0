/* SPDX-License-Identifier: MIT */
/* mmsim import: make a recording of what a tracer saw. */
#include "../import/ftrace_text.h"
#include "../import/page_faults.h"
#include "../import/perf_script.h"
#include "../import/strace.h"
#include "cli.h"

typedef int import_fn(const char *path, struct recording *out, struct import_report *report,
		      struct sim_error *err);

static enum ftrace_arch arch; /* whose numbers --ftrace has */

static int import_ftrace_of_arch(const char *path, struct recording *out,
				 struct import_report *report, struct sim_error *err)
{
	return import_ftrace(path, arch, out, report, err);
}

/* Where recordings come from. */
static const struct source {
	const char *option;
	size_t offset; /* of the option's value */
	import_fn *import;
} sources[] = {
	{"--perf-script", offsetof(struct cli_options, perf_script), import_perf_script},
	{"--strace", offsetof(struct cli_options, strace), import_strace},
	{"--page-faults", offsetof(struct cli_options, page_faults), import_page_faults},
	{"--ftrace", offsetof(struct cli_options, ftrace), import_ftrace_of_arch},
};

#define NR_SOURCES (sizeof(sources) / sizeof(*sources))

static const char *path_of(const struct source *source, const struct cli_options *options)
{
	return *(const char *const *)((const char *)options + source->offset);
}

/* The one source that is given, NULL when it is none or several. */
static const struct source *the_source(const struct cli_options *options)
{
	const struct source *found = NULL;
	unsigned int nr = 0;

	for (size_t i = 0; i < NR_SOURCES; i++) {
		if (!path_of(&sources[i], options))
			continue;
		found = &sources[i];
		nr++;
	}
	return nr == 1 ? found : NULL;
}

static int usage(void)
{
	fputs("mmsim: import: expected one of", stderr);
	for (size_t i = 0; i < NR_SOURCES; i++)
		fprintf(stderr, " %s", sources[i].option);
	fputs(" FILE, and -o RECORDING; --arch is for --ftrace\n", stderr);
	return EXIT_USAGE;
}

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
	for (size_t i = 0; i < rec->nr_stats; i++)
		if (recording_limit(rec->stats[i].name))
			printf("note: %s\n", recording_limit(rec->stats[i].name));
}

int cmd_import(int argc, char **argv)
{
	const struct source *source;
	struct import_report report;
	struct cli_options options;
	struct sim_error err;
	struct recording rec;
	int code = cli_parse(argc, argv, "pTFACoq", &options);

	if (code)
		return code;
	source = the_source(&options);
	if (!source || !options.output || options.file || (options.arch && !options.ftrace))
		return usage();
	arch = options.arch ? ftrace_arch_find(options.arch) : FTRACE_ARCH_UNKNOWN;
	if (options.arch && arch == FTRACE_ARCH_UNKNOWN) {
		fprintf(stderr, "mmsim: --arch: expected x86-64 or arm64, found %s\n",
			options.arch);
		return EXIT_USAGE;
	}
	if (source->import(path_of(source, &options), &rec, &report, &err)) {
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
