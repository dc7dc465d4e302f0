/* SPDX-License-Identifier: MIT */
/* mmsim explore: search the schedules of a scenario for one that fails. */
#include "explore.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUDGET_NS (60 * 1000000000ull)
#define PROGRESS_LINE_NS (10 * 1000000000ull)
#define PROGRESS_BAR_NS (1000000000ull / 4)

/* One way of searching, and how far it came. */
struct attempt {
	enum mmsim_search_kind kind;
	struct mmsim_search *search; /* NULL: not asked for */
	bool over;
	uint64_t runs;
};

struct plan_of_search {
	struct attempt attempts[MMSIM_SEARCH_KINDS];
	uint64_t began_ns, budget_ns, told_ns;
	bool terminal;
};

/* ---- a run ---- */

int explore_run(struct explore *e, struct mmsim_search *search, const char *schedule, bool events)
{
	struct mmsim_config config = e->config;

	/* Measured is only what will be printed: it takes time, and changes nothing. */
	config.statistics = events;
	config.search = search ? search : e->keeper;
	config.long_schedule = schedule;
	if (!script_run(&e->scenario, &config, events, &e->verdict))
		return EXIT_FINE;
	fprintf(stderr, "mmsim: %s\n", e->verdict.why);
	return EXIT_USAGE;
}

/* ---- the searches ---- */

static int kind_named(const char *name)
{
	for (int kind = 0; kind < MMSIM_SEARCH_KINDS; kind++)
		if (!strcmp(mmsim_search_kind_name((enum mmsim_search_kind)kind), name))
			return kind;
	fprintf(stderr, "mmsim: --search %s: expected", name);
	for (int kind = 0; kind < MMSIM_SEARCH_KINDS; kind++)
		fprintf(stderr, " %s", mmsim_search_kind_name((enum mmsim_search_kind)kind));
	fputc('\n', stderr);
	return -1;
}

static int make_plan(const struct explore *e, struct plan_of_search *plan)
{
	const struct cli_options *o = e->options;
	int only = o->search ? kind_named(o->search) : MMSIM_SEARCH_KINDS;

	*plan = (struct plan_of_search){0};
	for (int kind = 0; kind < MMSIM_SEARCH_KINDS; kind++) {
		const struct mmsim_search_config config = {
			.kind = (enum mmsim_search_kind)kind,
			.seed = o->seed,
			.preemptions = (unsigned int)o->preemptions,
			.pct_depth = (unsigned int)o->depth,
			.late = 1,
		};
		struct attempt *a = &plan->attempts[kind];

		a->kind = config.kind;
		if (only != MMSIM_SEARCH_KINDS && only != kind)
			continue;
		a->search = mmsim_search_create(&config);
		if (!a->search)
			return EXIT_USAGE;
	}
	plan->budget_ns = o->budget_ns ? o->budget_ns : o->schedules ? 0 : BUDGET_NS;
	plan->began_ns = plan->told_ns = cli_now_ns();
	plan->terminal = isatty(STDERR_FILENO);
	return EXIT_FINE;
}

static void free_plan(struct plan_of_search *plan)
{
	for (int kind = 0; kind < MMSIM_SEARCH_KINDS; kind++)
		mmsim_search_destroy(plan->attempts[kind].search);
}

static void tell_progress(const struct explore *e, struct plan_of_search *plan, uint64_t now)
{
	uint64_t seconds = (now - plan->began_ns) / 1000000000ull;

	if (e->options->quiet ||
	    now - plan->told_ns < (plan->terminal ? PROGRESS_BAR_NS : PROGRESS_LINE_NS))
		return;
	plan->told_ns = now;
	fprintf(stderr, "%s%llu schedules in %llu s%s", plan->terminal ? "\r" : "",
		(unsigned long long)e->runs, (unsigned long long)seconds,
		plan->terminal ? "" : "\n");
}

/* Is there still some of a share, in percent, of what may be spent? */
static bool may_go_on(const struct explore *e, struct plan_of_search *plan, unsigned int percent)
{
	uint64_t now = cli_now_ns();

	tell_progress(e, plan, now);
	if (cli_interrupted())
		return false;
	if (e->options->schedules && e->runs >= e->options->schedules * percent / 100)
		return false;
	return !plan->budget_ns || now - plan->began_ns < plan->budget_ns / 100 * percent;
}

/* One run of one search; *code says what the program ends with if it is to end. */
static bool attempt_fails(struct explore *e, struct attempt *a, int *code)
{
	*code = explore_run(e, a->search, NULL, false);
	if (*code)
		return true;
	e->runs++;
	a->runs++;
	if (!e->verdict.err) {
		a->over = !mmsim_search_next(a->search);
		return false;
	}
	*code = EXIT_BROKEN;
	return true;
}

/* The attempt that failed; NULL: nothing was found. */
static struct attempt *search(struct explore *e, struct plan_of_search *plan, int *code)
{
	struct attempt *bounded = &plan->attempts[MMSIM_SEARCH_BOUNDED];
	bool others = false;

	for (int kind = MMSIM_SEARCH_BOUNDED + 1; kind < MMSIM_SEARCH_KINDS; kind++)
		others |= plan->attempts[kind].search != NULL;
	while (bounded->search && !bounded->over && may_go_on(e, plan, others ? 50 : 100))
		if (attempt_fails(e, bounded, code))
			return bounded;
	while (others && may_go_on(e, plan, 100))
		for (int kind = MMSIM_SEARCH_BOUNDED + 1; kind < MMSIM_SEARCH_KINDS; kind++) {
			struct attempt *a = &plan->attempts[kind];

			if (a->search && attempt_fails(e, a, code))
				return a;
		}
	return NULL;
}

/* ---- what is printed ---- */

static void print_attempt(const struct attempt *a)
{
	struct mmsim_search_info info;

	mmsim_search_get_info(a->search, &info);
	printf("%-8s %llu schedules; %llu shared words, at most %llu places to choose in a run",
	       mmsim_search_kind_name(a->kind), (unsigned long long)a->runs,
	       (unsigned long long)info.words, (unsigned long long)info.points_max);
	if (a->kind == MMSIM_SEARCH_BOUNDED && a->over)
		printf("; all of up to %u preemptions", info.bound);
	else if (a->kind == MMSIM_SEARCH_BOUNDED)
		printf("; not all of %u preemptions", info.bound);
	if (info.diverged)
		printf("; %llu did not begin as they should have",
		       (unsigned long long)info.diverged);
	putchar('\n');
}

static int search_and_print(struct explore *e)
{
	struct plan_of_search plan;
	struct mmsim_search_info info;
	struct attempt *found = NULL;
	int code = make_plan(e, &plan);

	if (!code)
		found = search(e, &plan, &code);
	if (plan.terminal && !e->options->quiet)
		fputs("\r\033[K", stderr);
	for (int kind = 0; kind < MMSIM_SEARCH_KINDS; kind++)
		if (plan.attempts[kind].runs)
			print_attempt(&plan.attempts[kind]);
	if (code == EXIT_BROKEN) {
		mmsim_search_get_info(found->search, &info);
		printf("found by %s, schedule %llu, %llu preemptions: ",
		       mmsim_search_kind_name(found->kind), (unsigned long long)found->runs,
		       (unsigned long long)info.preemptions);
		code = explore_print_failure(e, mmsim_search_schedule(found->search));
	} else if (!code) {
		printf("nothing found%s\n", cli_interrupted() ? ", interrupted" : "");
		code = cli_interrupted() ? EXIT_INTERRUPTED : EXIT_FINE;
	}
	free_plan(&plan);
	return code;
}

static int replay_and_print(struct explore *e)
{
	int code = explore_print_parts(e, e->options->schedule);

	if (code)
		return code;
	printf("%s", e->verdict.err ? e->verdict.why : "no failure\n");
	return e->verdict.err ? EXIT_BROKEN : EXIT_FINE;
}

/* ---- the command ---- */

static int make_keeper(struct explore *e)
{
	const struct mmsim_search_config how = {.kind = MMSIM_SEARCH_BOUNDED};

	e->keeper = mmsim_search_create(&how);
	if (e->keeper)
		return EXIT_FINE;
	fputs("mmsim: no memory\n", stderr);
	return EXIT_USAGE;
}

static int load(struct explore *e)
{
	struct sim_error err;

	if (!e->options->file) {
		fputs("mmsim: explore: expected a SCENARIO (`mmsim list scenarios`)\n", stderr);
		return EXIT_USAGE;
	}
	if (cli_scenario(e->options, &e->settings, &err) ||
	    scenario_make(&e->settings, 0, &e->scenario, &err) ||
	    script_config(&e->scenario, &e->config, &err) || workload_check(&e->scenario, &err)) {
		fprintf(stderr, "mmsim: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (scenario_points(&e->settings) > 1) {
		fprintf(stderr, "mmsim: %s: expected one value a key, no lists\n",
			e->options->file);
		return EXIT_USAGE;
	}
	e->config.seed = e->options->seed;
	return EXIT_FINE;
}

int cmd_explore(int argc, char **argv)
{
	static struct explore e;
	struct cli_options options;
	int code = cli_parse(argc, argv, CLI_EXPLORE_OPTIONS, &options), mutant;

	if (code)
		return code;
	e.options = &options;
	code = load(&e);
	if (!code)
		code = cli_mutant(options.mutant, &mutant);
	if (!code && options.search && kind_named(options.search) < 0)
		code = EXIT_USAGE;
	cli_catch_interrupt();
	if (!code)
		code = explore_print_head(&e);
	if (!code)
		code = make_keeper(&e);
	if (!code)
		code = cli_clock_start();
	if (!code) {
		cli_mutant_switch(mutant);
		code = options.schedule ? replay_and_print(&e) : search_and_print(&e);
		cli_clock_stop();
	}
	mmsim_search_destroy(e.keeper);
	scenario_free(&e.scenario);
	settings_free(&e.settings);
	return code;
}
