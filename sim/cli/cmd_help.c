/* SPDX-License-Identifier: MIT */
/* mmsim help: the commands, the language of scenarios, metrics, a machine, one scenario. */
#include "../report/metrics.h"
#include "cli.h"

#include <string.h>

/* What the tables do not say. */
static const char language[] =
	"# Scenarios\n"
	"\n"
	"(`mmsim help scenarios` prints this text, from the tables that read scenarios.)\n"
	"\n"
	"A scenario is an INI file. Sections have keys; a value may go on in "
	"indented lines; comments\n"
	"begin with # or ;. Scripts have one operation a line:\n"
	"\n"
	"    [global]\n"
	"    question = Does the UI thread wait for the collector?\n"
	"    seconds = 2s\n"
	"\n"
	"    [parameter piece]\n"
	"    default = 64k\n"
	"\n"
	"    [process app]\n"
	"\n"
	"    [vma heap]\n"
	"    size = 64m\n"
	"    touch = 100\n"
	"\n"
	"    [task ui]\n"
	"    period = 8.33ms\n"
	"    script =\n"
	"        16x w heap+random\n"
	"        10% mprotect heap all rw\n"
	"\n"
	"    [task gc]\n"
	"    nice = 10\n"
	"    script =\n"
	"        madvise heap+random ${piece} DONTNEED\n"
	"        sleep exp(1ms)\n"
	"\n"
	"Every key is an option of `run`, `compare` and `explore`: --seconds=5s "
	"for one of [global],\n"
	"--piece=1m for a parameter, --ui.period=16.6ms, --heap.size=1g for one "
	"of a section. A value\n"
	"that is a list, --kernel=6.1,6.18 --gc.nice=0,10,19, makes a matrix: "
	"`run` runs each point.\n"
	"${NAME} stands for a parameter anywhere in a value. `compare --a piece=64k --b "
	"6.1,piece=1m` runs\n"
	"it with two values of a key, each side as its own words say; the name of a kernel or of "
	"an axis\n"
	"(fault, munmap, rwsem and others) comes before a key's.\n"
	"\n"
	"A run lasts `seconds`, of a modelled machine's time there; on the step machine, "
	"which has no\n"
	"time, `steps`. `explore` does each script once. Every task draws from a stream "
	"of its own, by\n"
	"seed and name, so that all variants see the same work. A task that names no CPU "
	"has one of its\n"
	"own on the host, in turn; on a modelled machine the scheduler chooses, as with "
	"`cpu = any`.\n"
	"\n"
	"## Keys\n";

static const char scripts[] =
	"\n## Scripts\n"
	"\n"
	"    [P% | weight N] [Nx] OPERATION ARGUMENTS [as NAME]\n"
	"\n"
	"    P%         done in P of 100 cases; one decimal\n"
	"    weight N   of adjacent lines with a weight one is done, N times as "
	"often as with weight 1\n"
	"    Nx         done N times; N may be a distribution\n"
	"    as NAME    what mmap or mremap answers is a place of that name from "
	"then on, for the task\n"
	"\n"
	"An address is 0x..., or a page of a window of 64 at 0x100000000000, or a place:\n"
	"\n"
	"    NAME[#WHICH][+WHERE][+SIZE|-SIZE]    in a [vma NAME], or behind an `as NAME`\n"
	"\n"
	"    #N, #task, #random, #next    of a VMA with a count: the Nth from 0 "
	"on, that with the task's\n"
	"                                 number in its count, any, one after another\n"
	"    +start, +end                 its first byte; the byte behind its last\n"
	"    +random                      a page, so that the length fits in\n"
	"    +next                        behind the task's last +next there, at "
	"the end from the start;\n"
	"                                 the Nth of a count begins N parts of "
	"it from the start\n"
	"    +hot(P,Q)                    in P of 100 cases in the first Q "
	"hundredths, else behind them\n"
	"    any                          of mmap: the kernel's choice\n"
	"\n"
	"A length is a size such as 64k, a plain number of pages, all (of the "
	"place), or drawn; a time\n"
	"is 100us or drawn. What is drawn:\n"
	"\n";

static int print_language(FILE *out)
{
	fputs(language, out);
	scenario_print_keys(out);
	fputs(scripts, out);
#define X(kind, name, nr, written, help) fprintf(out, "    %-20s %s\n", written, help);
	DRAWS(X)
#undef X
	fputs("\n## Operations\n\n", out);
	for (int k = 0; k < NR_SIM_OPS; k++)
		fprintf(out, "    %s%s%s\n        %s\n", sim_op_specs[k].name,
			*sim_op_specs[k].args ? " " : "", sim_op_specs[k].args,
			sim_op_specs[k].help);
	fputs("\nfork, thread, exec and exit are of recordings; sleep, compute, barrier and do of "
	      "scripts.\n",
	      out);
	return EXIT_FINE;
}

static int print_metrics(FILE *out)
{
	fputs("Metrics of `mmsim compare --metrics` and of the key `metrics`:\n\n", out);
	metrics_print_help(out);
	return EXIT_FINE;
}

static int print_scenario(const char *name, FILE *out)
{
	static struct scenario scenario;
	struct settings settings;
	struct sim_error err;

	if (scenario_open(name, &settings, &err) || scenario_make(&settings, 0, &scenario, &err)) {
		fprintf(stderr, "mmsim: %s\n", err.text);
		return EXIT_USAGE;
	}
	fprintf(out, "%s: %s\n", scenario.name, scenario.question);
	if (*scenario.expected)
		fprintf(out, "  expected: %s\n", scenario.expected);
	for (unsigned int i = 0; i < scenario.nr_parameters; i++) {
		const struct scenario_parameter *p = &scenario.parameters[i];

		fprintf(out, "%s  --%-14s %-14s %s\n", i ? "" : "\nparameters and what they are\n",
			p->section.name, p->value, p->help);
	}
	fputs("\nsections, whose keys are options too (--SECTION.KEY=VALUE; `mmsim help "
	      "scenarios`)\n ",
	      out);
	for (unsigned int i = 0; i < scenario.nr_vmas; i++)
		fprintf(out, " %s", scenario.vmas[i].section.name);
	for (unsigned int i = 0; i < scenario.nr_tasks; i++)
		fprintf(out, " %s", scenario.tasks[i].section.name);
	if (*scenario.metrics)
		fprintf(out, "\n\nmetrics that `compare` decides about\n  %s", scenario.metrics);
	fputc('\n', out);
	scenario_free(&scenario);
	settings_free(&settings);
	return EXIT_FINE;
}

int cmd_help(int argc, char **argv)
{
	int code;

	if (argc < 2)
		return cli_print_commands(stdout);
	if (!strcmp(argv[1], "scenarios"))
		return print_language(stdout);
	if (!strcmp(argv[1], "metrics"))
		return print_metrics(stdout);
	if (cli_print_command(argv[1], stdout))
		return EXIT_FINE;
	if (cli_print_machine(argv[1], stdout, &code))
		return code;
	return print_scenario(argv[1], stdout);
}
