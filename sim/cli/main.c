/* SPDX-License-Identifier: MIT */
/* mmsim: the commands. */
#include "cli.h"
#include "machine/atomic.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/*
 * The program's own allocator: no decay, so that it gives no memory back, and
 * takes no mmap_lock of the host, while it measures.
 */
const char *malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1";

volatile int cli_interrupts;

static const struct command {
	const char *name, *args, *help;
	int (*run)(int argc, char **argv);
	const char *options;
} commands[] = {
	{"run", "SCENARIO|RECORDING [--KEY=VALUE]...",
	 "run it and say who waited for whom; a scenario's keys are options, a list makes a matrix",
	 cmd_run, CLI_RUN_OPTIONS},
	{"compare", "SCENARIO|RECORDING --a SPEC --b SPEC [--KEY=VALUE]...",
	 "run it under two kernels, and decide what changed; --a may be left out with --baseline",
	 cmd_compare, CLI_COMPARE_OPTIONS},
	{"list", "scenarios|strategies|kernels|machines|locks|sites|counters|operations",
	 "what there is", cmd_list, "J"},
	{"import", "--perf-script|--strace|--page-faults|--ftrace FILE -o RECORDING",
	 "make a recording of what a tracer saw", cmd_import, "pTFACoq"},
	{"ops", "FILE", "do a list of mm operations, print the state after each", cmd_ops, "ksmM"},
	{"explore", "SCENARIO", "search schedules for one that fails; shrink it, do it again",
	 cmd_explore, CLI_EXPLORE_OPTIONS},
	{"calibrate", "-o FILE.ini",
	 "measure this computer into a machine profile: single operations", cmd_calibrate, "ORyq"},
	{"help", "[COMMAND|scenarios|metrics|MACHINE|SCENARIO]",
	 "this; how to write scenarios; what can be decided about; a machine; "
	 "a scenario's parameters",
	 cmd_help, ""},
};

#define NR_COMMANDS (sizeof(commands) / sizeof(*commands))

static void on_interrupt(int signal_number)
{
	(void)signal_number;
	/* Terminals and timeout may deliver the first one twice. */
	if (quiet_add(cli_interrupts, 1) >= 2)
		_Exit(EXIT_INTERRUPTED);
}

bool cli_interrupted(void)
{
	return quiet_load(cli_interrupts);
}

void cli_catch_interrupt(void)
{
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
}

static void print_command(const struct command *command, FILE *out)
{
	fprintf(out, "  mmsim %s %s\n      %s\n", command->name, command->args, command->help);
	cli_print_options(command->options, out);
}

static void print_help(FILE *out)
{
	fputs("mmsim: Linux mm locking, simulated and measured\n\nusage:\n", out);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		print_command(&commands[i], out);
	fputs("\nexit: 0 fine, 1 a regression (--fail-if, --baseline), 2 usage or input error,\n"
	      "3 the machine is unfit or nothing could be decided, 4 an invariant broke, "
	      "130 interrupted\n",
	      out);
}

int cli_print_commands(FILE *out)
{
	print_help(out);
	return EXIT_FINE;
}

bool cli_print_command(const char *name, FILE *out)
{
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i].name, name)) {
			print_command(&commands[i], out);
			return true;
		}
	return false;
}

/* A link to the program with a scenario's name runs that scenario. */
static int run_as_scenario(int argc, char **argv, const char *name)
{
	char **args = calloc((size_t)argc + 3, sizeof(*args));
	int code;

	if (!args)
		return EXIT_USAGE;
	args[0] = (char *)"run";
	args[1] = (char *)name;
	memcpy(args + 2, argv + 1, (size_t)argc * sizeof(*args));
	code = cmd_run(argc + 1, args);
	free(args);
	return code;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];

	if (scenario_is_shipped(name))
		return run_as_scenario(argc, argv, name);
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help(stdout);
		return EXIT_FINE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("mmsim %s\n", mmsim_version());
		return EXIT_FINE;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "mmsim: %s: no such command; expected", argv[1]);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(stderr, " %s", commands[i].name);
	fputc('\n', stderr);
	return EXIT_USAGE;
}
