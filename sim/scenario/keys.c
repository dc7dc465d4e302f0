/* SPDX-License-Identifier: MIT */
/* The sections and keys of scenarios, and what their values are. */
#define _GNU_SOURCE 1
#include "keys.h"
#include "op_names.h"
#include "size.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CPU_MAX 1023

/* ---- the table ---- */

#define GLOBAL(field) offsetof(struct scenario, field)
static const struct key global_keys[] = {
	{"question", "TEXT", "what is to be found out", KEY_TEXT, GLOBAL(question), 0,
	 SCENARIO_TEXT_MAX},
	{"expected", "TEXT", "what a right kernel does", KEY_TEXT, GLOBAL(expected), 0,
	 SCENARIO_TEXT_MAX},
	{"buggy", "TEXT", "what a wrong one does", KEY_TEXT, GLOBAL(buggy), 0, SCENARIO_TEXT_MAX},
	{"kernel", "VER", "do as that release did", KEY_SET, 0, 0, 0},
	{"set", "AXIS=VALUE...", "strategies, as --set takes them", KEY_SET, 0, 0, 0},
	{"memory", "SIZE", "physical memory of the simulated machine", KEY_SIZE, GLOBAL(memory), 0,
	 0},
	{"payload", "yes|no", "no: pages have no bytes, all loads answer 0; default yes", KEY_YES,
	 GLOBAL(payload), 0, 0},
	{"seconds", "TIME", "how long it runs; without it until every task's loops are done",
	 KEY_TIME, GLOBAL(seconds), 0, 0},
	{"steps", "N", "how long it runs on the step machine, which has no time", KEY_SIZE,
	 GLOBAL(steps), 0, 0},
	{"metrics", "METRIC...", "what `compare` is to decide (`mmsim help metrics`)", KEY_TEXT,
	 GLOBAL(metrics), 0, SCENARIO_TEXT_MAX},
	{NULL, NULL, NULL, 0, 0, 0, 0},
};

#define PARAMETER(field) offsetof(struct scenario_parameter, field)
static const struct key parameter_keys[] = {
	{"default", "VALUE", "what ${NAME} stands for; --NAME=VALUE changes it", KEY_TEXT,
	 PARAMETER(value), 0, 128},
	{"help", "TEXT", "what it is", KEY_TEXT, PARAMETER(help), 0, 256},
	{NULL, NULL, NULL, 0, 0, 0, 0},
};

#define PROCESS(field) offsetof(struct scenario_process, field)
static const struct key process_keys[] = {
	{"parent", "NAME",
	 "not there from the beginning: `fork` makes it of that one, or of one that it made",
	 KEY_REFERENCE, PROCESS(parent_name), 0, 0},
	{"count", "N", "with a parent: so many may live at once; default 1", KEY_NUMBER,
	 PROCESS(count), 1, 1000},
	{"setup", "OPERATIONS", "done before any task runs, after the VMAs were made", KEY_SCRIPT,
	 PROCESS(setup), 0, 0},
	{NULL, NULL, NULL, 0, 0, 0, 0},
};

#define VMA(field) offsetof(struct scenario_vma, field)
static const struct key vma_keys[] = {
	{"process", "NAME", "whose it is; without it the only one without a parent", KEY_REFERENCE,
	 VMA(in), 0, 0},
	{"size", "SIZE", "of one", KEY_SIZE, VMA(size), 0, 0},
	{"count", "N", "so many; default 1", KEY_NUMBER, VMA(count), 0, 100000},
	{"gap", "SIZE", "unmapped between one and the next; default one page", KEY_SIZE, VMA(gap),
	 0, 0},
	{"at", "PLACE", "where the first is; without it somewhere free, aligned to 2 MiB",
	 KEY_PLACE, VMA(at), 0, 0},
	{"prot", "PROT", "none r rw rx rwx w x wx; default rw", KEY_PROT, VMA(prot), 0, 0},
	{"flags", "LETTERS", "n NORESERVE, P POPULATE, l LOCKED, g GROWSDOWN, k STACK", KEY_FLAGS,
	 VMA(flags), 0, 0},
	{"touch", "PERCENT", "of its pages written before any task runs; default 0", KEY_NUMBER,
	 VMA(touch), 0, 100},
	{"mapped", "yes|no", "no: only its place is kept, scripts map it; default yes", KEY_YES,
	 VMA(mapped), 0, 0},
	{NULL, NULL, NULL, 0, 0, 0, 0},
};

#define TASK(field) offsetof(struct scenario_task, field)
static const struct key task_keys[] = {
	{"process", "NAME", "where it runs; without it the only one without a parent",
	 KEY_REFERENCE, TASK(in), 0, 0},
	{"count", "N", "so many of one name, in each process; default 1", KEY_NUMBER, TASK(count),
	 0, 1000},
	{"nice", "N", "-20 to 19", KEY_NUMBER, TASK(nice), -20, 19},
	{"fifo", "PRIORITY", "SCHED_FIFO with that priority, 1 to 99; 0: not", KEY_NUMBER,
	 TASK(fifo), 0, 99},
	{"cpu", "CPUS", "bound to a CPU, or allowed on some: 0-3 6, or any; default: one in turn",
	 KEY_CPUS, TASK(cpus), 0, 0},
	{"period", "TIME", "the script is a frame: begun each period, late or not", KEY_TIME,
	 TASK(period), 0, 0},
	{"deadline", "TIME", "when a frame is missed, from its period's beginning; default period",
	 KEY_TIME, TASK(deadline), 0, 0},
	{"start", "TIME", "begins that much later than others", KEY_TIME, TASK(start), 0, 0},
	{"after", "NAME", "begins when that task, one above, has ended", KEY_REFERENCE,
	 TASK(behind), 0, 0},
	{"loops", "N",
	 "times that the script is done; 0, until the end: default with seconds, steps or period",
	 KEY_NUMBER, TASK(loops), 0, INT64_MAX},
	{"script", "OPERATIONS", "what it does, an operation a line", KEY_SCRIPT, TASK(script), 0,
	 0},
	{NULL, NULL, NULL, 0, 0, 0, 0},
};

static const struct key script_keys[] = {
	{"script", "OPERATIONS", "what `do NAME` does", KEY_SCRIPT,
	 offsetof(struct scenario_script, script), 0, 0},
	{NULL, NULL, NULL, 0, 0, 0, 0},
};

/* clang-format off */
#define SECTION(type, field, max)                                                                  \
	sizeof(struct type), offsetof(struct scenario, field),                                     \
	offsetof(struct scenario, nr_##field), max
/* clang-format on */
static const struct section sections[] = {
	{"global", false, "the whole", global_keys, 0, 0, 0, 0},
	{"parameter", true, "a value with a name, for the command line", parameter_keys,
	 SECTION(scenario_parameter, parameters, SCENARIO_TASKS_MAX)},
	{"process", true, "an address space", process_keys,
	 SECTION(scenario_process, processes, SCENARIO_TASKS_MAX)},
	{"vma", true, "anonymous memory of a process that is there when tasks begin", vma_keys,
	 SECTION(scenario_vma, vmas, SCENARIO_VMAS_MAX)},
	{"task", true, "a thread, or several", task_keys,
	 SECTION(scenario_task, tasks, SCENARIO_TASKS_MAX)},
	{"script", true, "operations that several scripts do", script_keys,
	 SECTION(scenario_script, scripts, SCENARIO_TASKS_MAX)},
};

#define NR_SECTIONS (sizeof(sections) / sizeof(*sections))

const struct section *section_named(const char *name)
{
	for (size_t i = 0; i < NR_SECTIONS; i++)
		if (!strcmp(sections[i].name, name))
			return &sections[i];
	return NULL;
}

const struct key *key_named(const struct section *section, const char *name)
{
	for (const struct key *key = section->keys; key->name; key++)
		if (!strcmp(key->name, name))
			return key;
	return NULL;
}

const struct section *section_at(unsigned int i)
{
	return i < NR_SECTIONS ? &sections[i] : NULL;
}

/* ---- values ---- */

int maker_bad(const struct maker *m, const char *what, const char *found)
{
	/* What was found may be what an option put into a line that says something else. */
	if (strstr(m->at->value, "${"))
		return sim_error_set(m->err, -EINVAL, m->at->file, m->at->line,
				     "expected %s, found '%.60s' (%s = %.60s)", what, found,
				     m->at->key, m->at->value);
	return sim_error_set(m->err, -EINVAL, m->at->file, m->at->line,
			     "expected %s, found '%.60s'", what, found);
}

int maker_bad_name(const struct maker *m, const char *what, const char *found, const char *near)
{
	if (!near)
		return maker_bad(m, what, found);
	return sim_error_set(m->err, -EINVAL, m->at->file, m->at->line,
			     "expected %s, found '%.60s' (did you mean %s?)", what, found, near);
}

static int add_text(const struct maker *m, char *text, size_t size, const char *value)
{
	size_t used = strlen(text);
	int n = snprintf(text + used, size - used, "%s%s", used && *value ? " " : "", value);

	return used + (size_t)n < size ? 0 : maker_bad(m, "a shorter text", value);
}

static int set_number(const struct maker *m, const struct key *key, int64_t *number,
		      const char *value)
{
	char what[64], *end;
	long long n = strtoll(value, &end, 10);

	snprintf(what, sizeof(what), "a number from %lld to %lld", (long long)key->min,
		 (long long)key->max);
	if (end == value || *end || n < key->min || n > key->max)
		return maker_bad(m, what, value);
	*number = n;
	return 0;
}

static int set_prot(const struct maker *m, uint64_t *prot, const char *value)
{
	char name[4];

	for (*prot = 0; *prot < 8; ++*prot)
		if (!strcmp(sim_prot_name((unsigned int)*prot, name), value))
			return 0;
	return maker_bad(m, "a protection (none r rw rx rwx w x wx)", value);
}

static int set_flags(const struct maker *m, uint64_t *flags, const char *value)
{
	unsigned int bits = 0;

	for (const char *letter = value; *letter; letter++)
		if (!sim_map_flag(*letter, &bits))
			return maker_bad(m, "any of n P l g k", value);
	*flags = bits;
	return 0;
}

static int set_yes(const struct maker *m, uint64_t *yes, const char *value)
{
	*yes = !strcmp(value, "yes");
	return *yes || !strcmp(value, "no") ? 0 : maker_bad(m, "yes or no", value);
}

/* A CPU or a range of them. */
static bool cut_cpus(char **at, unsigned long *first, unsigned long *last)
{
	if (!isdigit((unsigned char)**at))
		return false;
	*first = *last = strtoul(*at, at, 10);
	if (**at != '-')
		return true;
	if (!isdigit((unsigned char)*++*at))
		return false;
	*last = strtoul(*at, at, 10);
	return true;
}

/* A list of CPUs and ranges, with blanks between: commas make a matrix. */
static int set_cpus(const struct maker *m, struct scenario_task *task, const char *value)
{
	static const char what[] = "a CPU, CPUs such as 0-3 6, or any";
	unsigned long first, last;
	char *at = task->cpus, *more;

	if (strlen(value) >= sizeof(task->cpus))
		return maker_bad(m, what, value);
	strcpy(task->cpus, value);
	task->cpu = -1;
	if (!strcmp(value, "any"))
		return 0;
	do {
		if (!cut_cpus(&at, &first, &last) || first > last || last > CPU_MAX)
			return maker_bad(m, what, value);
		more = at + strspn(at, " \t");
		if (*more && more == at)
			return maker_bad(m, what, value);
		*at = *more ? ',' : '\0';
		memmove(at + (*more != '\0'), more, strlen(more) + 1);
		at += *at == ',';
	} while (*at);
	if (!strpbrk(task->cpus, "-,"))
		task->cpu = (int)first;
	return 0;
}

static int set_reference(const struct maker *m, struct scenario_reference *reference,
			 const char *value)
{
	if (strlen(value) >= sizeof(reference->name))
		return maker_bad(m, "a shorter name", value);
	strcpy(reference->name, value);
	reference->file = m->at->file;
	reference->line = m->at->line;
	return 0;
}

int key_add_axis(const struct maker *m, const char *axis, const char *value)
{
	struct scenario_set *set = &m->s->sets[m->s->nr_sets];

	if (m->s->nr_sets == SCENARIO_SETS_MAX)
		return maker_bad(m, "fewer settings", axis);
	if (strlen(value) >= sizeof(set->value))
		return maker_bad(m, "AXIS=VALUE", value);
	strcpy(set->axis, axis);
	strcpy(set->value, value);
	set->file = m->at->file;
	set->line = m->at->line;
	m->s->nr_sets++;
	return 0;
}

int key_set(const struct maker *m, const struct key *key, const char *value)
{
	char *field = m->object + key->offset;

	switch (key->kind) {
	case KEY_TEXT:
		return add_text(m, field, (size_t)key->max, value);
	case KEY_SIZE:
		return sim_parse_size(value, (uint64_t *)field) ?
			       maker_bad(m, "a size such as 1m", value) :
			       0;
	case KEY_TIME:
		return sim_parse_time(value, (uint64_t *)field) ?
			       maker_bad(m, "a time such as 8.33ms", value) :
			       0;
	case KEY_NUMBER:
		return set_number(m, key, (int64_t *)field, value);
	case KEY_PROT:
		return set_prot(m, (uint64_t *)field, value);
	case KEY_FLAGS:
		return set_flags(m, (uint64_t *)field, value);
	case KEY_YES:
		return set_yes(m, (uint64_t *)field, value);
	case KEY_CPUS:
		return set_cpus(m, (struct scenario_task *)m->object, value);
	case KEY_PLACE:
		return script_parse_place_alone(value, m->at->file, m->at->line,
						(struct place *)field, m->err);
	case KEY_REFERENCE:
		return set_reference(m, (struct scenario_reference *)field, value);
	case KEY_SCRIPT:
		return script_add((struct script *)field, value, m->at->file, m->at->line, m->err) <
				       0 ?
			       -EINVAL :
			       0;
	case KEY_SET:
		return key_add_axis(m, key->name, value);
	}
	return 0;
}

void scenario_print_keys(FILE *out)
{
	for (size_t i = 0; i < NR_SECTIONS; i++) {
		fprintf(out, "\n[%s%s] %s\n\n", sections[i].name, sections[i].named ? " NAME" : "",
			sections[i].help);
		for (const struct key *key = sections[i].keys; key->name; key++)
			fprintf(out, "    %-10s %-14s %s\n", key->name, key->form, key->help);
	}
}
