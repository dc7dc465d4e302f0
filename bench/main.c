/* SPDX-License-Identifier: MIT */
/*
 * mmsim-bench [--json FILE] [--quick] [--seed N] [--commit TEXT] [BENCH...]
 *
 * Goals: say what the library itself costs, as ratios measured in one run
 * wherever that can be, against stated targets; exit 1 when one is missed.
 * Non-goals: what locking strategies cost each other, which is what scenarios
 * are for; profiles (use perf on this program with one BENCH).
 */
#define _GNU_SOURCE
#include "harness.h"
#include "mmsim/instance.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static const struct {
	const char *name;
	void (*run)(struct bench *bench);
} benches[] = {
	{"rwsem", bench_rwsem},		{"vma_index", bench_vma_index},
	{"fault", bench_fault},		{"mmap_munmap", bench_mmap_munmap},
	{"dontneed", bench_dontneed},	{"statistics", bench_statistics},
	{"two_tasks", bench_two_tasks}, {"step_machine", bench_step_machine},
	{"fork", bench_fork},		{"memory", bench_memory},
	{"modelled", bench_modelled},
};

#define PATIENCE_S 90
#define PATIENCE_QUICK_S 15

struct options {
	const char *json, *commit;
	char **wanted; /* NULL-terminated; none: all */
};

/* ---- table ---- */

static void print_head(const struct bench *bench, const struct options *options)
{
	struct utsname uts;
	double load = 0;

	uname(&uts);
	getloadavg(&load, 1);
	printf("mmsim %s, commit %s, seed %llu%s, %s on %s, load %.1f\n", mmsim_version(),
	       options->commit, (unsigned long long)bench->seed, bench->quick ? ", quick" : "",
	       uts.release, uts.machine, load);
	printf("%-26s %9s %-21s %-8s %8s %-6s %-15s %s\n", "name", "value", "95 % interval", "unit",
	       "target", "met", "A against A", "what it is made of");
}

static void print_row(const struct row *row)
{
	char interval[32], target[16] = "-", floor[32] = "-";
	const char *met = "-";

	snprintf(interval, sizeof(interval), "[%.3f, %.3f]", row->estimate.low, row->estimate.high);
	if (row->bound != NO_TARGET) {
		snprintf(target, sizeof(target), "%s%g",
			 row->bound == AT_MOST ? "<=" : ">=", row->target);
		met = row_met(row) ? "yes" : "MISSED";
	}
	if (row->floor.value != 0)
		snprintf(floor, sizeof(floor), "[%.3f, %.3f]", row->floor.low, row->floor.high);
	printf("%-26s %9.3f %-21s %-8s %8s %-6s %-15s %s\n", row->name, row->estimate.value,
	       interval, row->unit, target, met, floor, row->note);
	fflush(stdout);
}

static void print_disturbances(const struct bench *bench)
{
	printf("%lu of %lu runs were disturbed and repeated; %lu values are of disturbed runs%s\n",
	       bench->disturbed_runs, bench->runs, bench->disturbed_values,
	       bench->disturbed_values ? ": this computer is too busy" : "");
}

/* ---- JSON; no text of ours needs escaping but what the caller gave ---- */

static void json_string(FILE *f, const char *text)
{
	fputc('"', f);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', f);
		if ((unsigned char)*text >= ' ')
			fputc(*text, f);
	}
	fputc('"', f);
}

static void json_row(FILE *f, const struct row *row)
{
	fprintf(f, "    {\"name\": \"%s\", \"value\": %.6g, \"low\": %.6g, \"high\": %.6g, ",
		row->name, row->estimate.value, row->estimate.low, row->estimate.high);
	fprintf(f, "\"unit\": \"%s\", ", row->unit);
	if (row->bound == NO_TARGET)
		fputs("\"target\": null, \"bound\": null, \"met\": null, ", f);
	else
		fprintf(f, "\"target\": %g, \"bound\": \"%s\", \"met\": %s, ", row->target,
			row->bound == AT_MOST ? "at most" : "at least",
			row_met(row) ? "true" : "false");
	if (row->floor.value != 0)
		fprintf(f, "\"floor_low\": %.6g, \"floor_high\": %.6g, ", row->floor.low,
			row->floor.high);
	fputs("\"note\": ", f);
	json_string(f, row->note);
	fputc('}', f);
}

static void write_json(const struct bench *bench, const struct options *options)
{
	FILE *f = fopen(options->json, "w");

	if (!f)
		bench_die("%s: cannot be written", options->json);
	fprintf(f, "{\n  \"program\": \"mmsim-bench\", \"version\": \"%s\", \"commit\": ",
		mmsim_version());
	json_string(f, options->commit);
	fprintf(f, ",\n  \"seed\": %llu, \"quick\": %s,\n", (unsigned long long)bench->seed,
		bench->quick ? "true" : "false");
	fprintf(f, "  \"runs\": %lu, \"disturbed_runs\": %lu, \"disturbed_values\": %lu,\n",
		bench->runs, bench->disturbed_runs, bench->disturbed_values);
	fputs("  \"rows\": [\n", f);
	for (int i = 0; i < bench->nr_rows; i++) {
		json_row(f, &bench->rows[i]);
		fputs(i + 1 < bench->nr_rows ? ",\n" : "\n", f);
	}
	fputs("  ]\n}\n", f);
	if (fclose(f))
		bench_die("%s: cannot be written", options->json);
}

/* ---- options ---- */

static void usage(FILE *f)
{
	fputs("usage: mmsim-bench [--json FILE] [--quick] [--seed N] [--commit TEXT] [BENCH...]\n"
	      "benches:",
	      f);
	for (size_t i = 0; i < ARRAY_SIZE(benches); i++)
		fprintf(f, " %s", benches[i].name);
	fputc('\n', f);
}

static bool is_wanted(const struct options *options, const char *name)
{
	for (char **wanted = options->wanted; *wanted; wanted++)
		if (!strcmp(*wanted, name))
			return true;
	return !*options->wanted;
}

static void check_wanted(const struct options *options)
{
	for (char **wanted = options->wanted; *wanted; wanted++) {
		size_t i = 0;

		while (i < ARRAY_SIZE(benches) && strcmp(*wanted, benches[i].name))
			i++;
		if (i < ARRAY_SIZE(benches))
			continue;
		usage(stderr);
		bench_die("%s: there is no such bench", *wanted);
	}
}

static void parse_options(int argc, char **argv, struct bench *bench, struct options *options)
{
	static const struct option known[] = {
		{"json", required_argument, NULL, 'j'},	  {"quick", no_argument, NULL, 'q'},
		{"seed", required_argument, NULL, 's'},	  {"help", no_argument, NULL, 'h'},
		{"commit", required_argument, NULL, 'c'}, {0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		char *end = "";

		if (c == 'j')
			options->json = optarg;
		else if (c == 'q')
			bench->quick = true;
		else if (c == 's')
			bench->seed = strtoull(optarg, &end, 0);
		else if (c == 'c')
			options->commit = optarg;
		if (c == 'h' || c == '?' || *end) {
			usage(c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	options->wanted = argv + optind;
	check_wanted(options);
}

int main(int argc, char **argv)
{
	static struct bench bench = {.seed = 1};
	struct options options = {.commit = "unknown"};
	bool all_met = true;
	int printed = 0;

	parse_options(argc, argv, &bench, &options);
	bench.patience_ns = (bench.quick ? PATIENCE_QUICK_S : PATIENCE_S) * NSEC_PER_SEC;
	rng_init(&bench.rng, bench.seed, "bench", 0);
	bench_bind(0);
	print_head(&bench, &options);
	for (size_t i = 0; i < ARRAY_SIZE(benches); i++) {
		if (!is_wanted(&options, benches[i].name))
			continue;
		benches[i].run(&bench);
		for (; printed < bench.nr_rows; printed++) {
			print_row(&bench.rows[printed]);
			all_met &= row_met(&bench.rows[printed]);
		}
	}
	print_disturbances(&bench);
	if (options.json)
		write_json(&bench, &options);
	return all_met ? 0 : 1;
}
