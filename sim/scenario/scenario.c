/* SPDX-License-Identifier: MIT */
/* Reading scenarios; libinih knows the INI syntax, this file what the keys mean. */
#include "scenario.h"
#include "op_names.h"
#include "size.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loader;

struct key {
	const char *name;
	int (*set)(struct loader *l, const char *value);
};

struct section {
	const char *name;
	bool named; /* [process A] */
	const struct key *keys;
	int (*begin)(struct loader *l, const char *name);
};

struct loader {
	const char *path, *at;
	unsigned int line;
	struct scenario *s;
	const struct section *section; /* NULL: before the first */
	struct sim_error *err;
	int failed; /* the first thing that was wrong */
};

static int bad(struct loader *l, const char *what, const char *found)
{
	l->failed = sim_error_set(l->err, -EINVAL, l->path, l->line, "expected %s, found '%.60s'",
				  what, found);
	return l->failed;
}

static int bad_name(struct loader *l, const char *what, const char *found, const char *near)
{
	if (!near)
		return bad(l, what, found);
	l->failed =
		sim_error_set(l->err, -EINVAL, l->path, l->line,
			      "expected %s, found '%.60s' (did you mean %s?)", what, found, near);
	return l->failed;
}

static int no_memory(struct loader *l)
{
	l->failed = sim_error_set(l->err, -ENOMEM, l->path, l->line, "no memory");
	return l->failed;
}

/* Long texts go on over several lines. */
static int add_text(struct loader *l, char *text, const char *value)
{
	size_t used = strlen(text);
	int n = snprintf(text + used, SCENARIO_TEXT_MAX - used, "%s%s", used && *value ? " " : "",
			 value);

	return used + (size_t)n < SCENARIO_TEXT_MAX ? 0 : bad(l, "a shorter text", value);
}

/* ---- [global] ---- */

static int set_question(struct loader *l, const char *value)
{
	return add_text(l, l->s->question, value);
}

static int set_expected(struct loader *l, const char *value)
{
	return add_text(l, l->s->expected, value);
}

static int set_buggy(struct loader *l, const char *value)
{
	return add_text(l, l->s->buggy, value);
}

static int add_set(struct loader *l, const char *axis, size_t axis_len, const char *value,
		   size_t value_len)
{
	struct scenario_set *set = &l->s->sets[l->s->nr_sets];

	if (l->s->nr_sets == SCENARIO_SETS_MAX)
		return bad(l, "fewer settings", axis);
	if (!axis_len || axis_len >= sizeof(set->axis) || !value_len ||
	    value_len >= sizeof(set->value))
		return bad(l, "AXIS=VALUE", axis);
	snprintf(set->axis, sizeof(set->axis), "%.*s", (int)axis_len, axis);
	snprintf(set->value, sizeof(set->value), "%.*s", (int)value_len, value);
	set->line = l->line;
	l->s->nr_sets++;
	return 0;
}

static int set_kernel(struct loader *l, const char *value)
{
	return add_set(l, "kernel", strlen("kernel"), value, strlen(value));
}

/* AXIS=VALUE, AXIS=VALUE, .. */
static int set_set(struct loader *l, const char *value)
{
	int err = 0;

	while (!err && *value) {
		size_t len = strcspn(value, ", \t"), axis = strcspn(value, "=");

		if (axis >= len)
			return bad(l, "AXIS=VALUE", value);
		err = add_set(l, value, axis, value + axis + 1, len - axis - 1);
		value += len;
		value += strspn(value, ", \t");
	}
	return err;
}

static int set_memory(struct loader *l, const char *value)
{
	return sim_parse_size(value, &l->s->memory) ? bad(l, "a size such as 1m", value) : 0;
}

static int set_steps(struct loader *l, const char *value)
{
	return sim_parse_size(value, &l->s->steps) ? bad(l, "a number of steps", value) : 0;
}

/* ---- scripts ---- */

static int add_op(struct loader *l, struct scenario_script *script, const char *value)
{
	char line[SIM_OP_LINE_MAX], *remark;
	struct sim_op *more, op;
	int n;

	/* An operation list's line, as of process 0. */
	if ((size_t)snprintf(line, sizeof(line), "0 %s", value) >= sizeof(line))
		return bad(l, "a shorter line", value);
	/* libinih does not look for remarks in further lines of a value. */
	remark = strstr(line, " ;");
	if (remark)
		*remark = '\0';
	if (!line[1 + strspn(line + 1, " \t")])
		return 0;
	n = sim_op_parse_list(line, l->path, l->line, &op, l->err);
	if (n <= 0)
		return l->failed = n < 0 ? n : bad(l, "an operation", value);
	more = realloc(script->ops, (script->nr + 1) * sizeof(*more));
	if (!more)
		return no_memory(l);
	script->ops = more;
	script->ops[script->nr++] = op;
	return 0;
}

static int set_setup(struct loader *l, const char *value)
{
	return add_op(l, &l->s->processes[l->s->nr_processes - 1].setup, value);
}

static struct scenario_task *last_task(const struct loader *l)
{
	return &l->s->tasks[l->s->nr_tasks - 1];
}

static int set_script(struct loader *l, const char *value)
{
	return add_op(l, &last_task(l)->script, value);
}

static int set_process(struct loader *l, const char *value)
{
	struct scenario_task *task = last_task(l);

	/* Looked up at the end: the process may come later. */
	if (strlen(value) >= sizeof(task->process_name))
		return bad(l, "the name of a process", value);
	strcpy(task->process_name, value);
	task->process_line = l->line;
	return 0;
}

static int set_cpu(struct loader *l, const char *value)
{
	uint64_t cpu;

	if (sim_parse_size(value, &cpu) || cpu > 63)
		return bad(l, "a CPU from 0 to 63", value);
	last_task(l)->cpu = (int)cpu;
	return 0;
}

static int set_after(struct loader *l, const char *value)
{
	const char *near = NULL;

	for (unsigned int i = 0; i + 1 < l->s->nr_tasks; i++) {
		near = sim_name_nearer(near, l->s->tasks[i].name, value);
		if (strcmp(l->s->tasks[i].name, value))
			continue;
		last_task(l)->after = (int)i;
		return 0;
	}
	return bad_name(l, "the name of a task above", value, near);
}

/* ---- sections ---- */

static int check_name(struct loader *l, const char *name)
{
	size_t len = strlen(name);

	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
			return bad(l, "a name of letters, digits, _ - and .", name);
	if (!len || len >= SCENARIO_NAME_MAX)
		return bad(l, "a name of 1 to 31 characters", name);
	return 0;
}

static int begin_global(struct loader *l, const char *name)
{
	(void)l, (void)name;
	return 0;
}

static int begin_process(struct loader *l, const char *name)
{
	struct scenario *s = l->s;

	for (unsigned int i = 0; i < s->nr_processes; i++)
		if (!strcmp(s->processes[i].name, name))
			return bad(l, "each process once", name);
	if (check_name(l, name))
		return l->failed;
	if (s->nr_processes == SCENARIO_TASKS_MAX)
		return bad(l, "at most 32 processes", name);
	s->processes[s->nr_processes].line = l->line;
	strcpy(s->processes[s->nr_processes++].name, name);
	return 0;
}

static int begin_task(struct loader *l, const char *name)
{
	static const char *const taken[] = {"main", "rcu", "io"};
	struct scenario *s = l->s;

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!strcmp(taken[i], name))
			return bad(l, "a name that the machine has not taken (main, rcu, io)",
				   name);
	for (unsigned int i = 0; i < s->nr_tasks; i++)
		if (!strcmp(s->tasks[i].name, name))
			return bad(l, "each task once", name);
	if (check_name(l, name))
		return l->failed;
	if (s->nr_tasks == SCENARIO_TASKS_MAX)
		return bad(l, "at most 32 tasks", name);
	s->tasks[s->nr_tasks].line = l->line;
	s->tasks[s->nr_tasks].cpu = s->tasks[s->nr_tasks].after = -1;
	strcpy(s->tasks[s->nr_tasks++].name, name);
	return 0;
}

static const struct key global_keys[] = {
	{"question", set_question}, {"expected", set_expected},
	{"buggy", set_buggy},	    {"kernel", set_kernel},
	{"set", set_set},	    {"memory", set_memory},
	{"steps", set_steps},	    {NULL, NULL},
};
static const struct key process_keys[] = {{"setup", set_setup}, {NULL, NULL}};
static const struct key task_keys[] = {{"process", set_process},
				       {"cpu", set_cpu},
				       {"after", set_after},
				       {"script", set_script},
				       {NULL, NULL}};

static const struct section sections[] = {
	{"global", false, global_keys, begin_global},
	{"process", true, process_keys, begin_process},
	{"task", true, task_keys, begin_task},
};

#define NR_SECTIONS (sizeof(sections) / sizeof(*sections))

/* A line that begins with [. */
static int begin_section(struct loader *l, const char *line, size_t len)
{
	char text[128], *name, *end;
	const char *near = NULL;

	snprintf(text, sizeof(text), "%.*s", (int)len - 1, line + 1);
	end = strchr(text, ']');
	if (!end)
		return bad(l, "a ] in the line", line);
	*end = '\0';
	name = text + strcspn(text, " \t");
	if (*name)
		*name++ = '\0';
	name += strspn(name, " \t");
	for (size_t i = 0; i < NR_SECTIONS; i++) {
		l->section = &sections[i];
		if (strcmp(text, sections[i].name))
			continue;
		if (!*name == sections[i].named)
			return bad(l, sections[i].named ? "[SECTION NAME]" : "no name", name);
		return sections[i].begin(l, name);
	}
	for (size_t i = 0; i < NR_SECTIONS; i++)
		near = sim_name_nearer(near, sections[i].name, text);
	return bad_name(l, "[global], [process NAME] or [task NAME]", text, near);
}

static int handle(void *data, const char *section, const char *name, const char *value)
{
	struct loader *l = data;
	const char *near = NULL;
	const struct key *key;

	(void)section;
	if (l->failed)
		return 0;
	if (!l->section)
		return !bad(l, "a section first", name);
	for (key = l->section->keys; key->name && strcmp(key->name, name); key++)
		near = sim_name_nearer(near, key->name, name);
	if (!key->name)
		return !bad_name(l, "a key of the section", name, near);
	return !key->set(l, value);
}

/* For libinih: the next line. Its own buffer is short, and it tells no line numbers. */
static char *read_line(char *buf, int size, void *data)
{
	struct loader *l = data;
	size_t len = strcspn(l->at, "\n");
	const char *first = l->at + strspn(l->at, " \t");

	if (l->failed || !*l->at)
		return NULL;
	l->line++;
	if (len + 2 > (size_t)size) {
		bad(l, "a shorter line", l->at);
		return NULL;
	}
	if (*first == '[' && (first != l->at ? bad(l, "[ at the line's beginning", first) :
					       begin_section(l, first, len)))
		return NULL;
	memcpy(buf, l->at, len);
	buf[len] = '\0';
	l->at += len;
	if (*l->at)
		l->at++;
	return buf;
}

/* ---- the whole ---- */

static int find_processes(struct loader *l)
{
	struct scenario *s = l->s;

	for (unsigned int i = 0; i < s->nr_tasks; i++) {
		struct scenario_task *task = &s->tasks[i];
		const char *near = NULL;
		unsigned int p;

		for (p = 0; p < s->nr_processes; p++) {
			if (!strcmp(s->processes[p].name, task->process_name))
				break;
			near = sim_name_nearer(near, s->processes[p].name, task->process_name);
		}
		l->line = task->process_line ? task->process_line : task->line;
		if (p == s->nr_processes)
			return bad_name(l, "process = NAME of a [process NAME]", task->process_name,
					near);
		task->process = p;
	}
	l->line = 0;
	return s->nr_tasks ? 0 : bad(l, "a [task NAME]", "none");
}

static void name_after(struct scenario *s, const char *path)
{
	const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
	const char *dot = strrchr(last, '.');

	snprintf(s->path, sizeof(s->path), "%s", path);
	snprintf(s->name, sizeof(s->name), "%.*s", (int)(dot ? dot - last : (int)strlen(last)),
		 last);
}

int scenario_parse(const char *text, const char *path, struct scenario *scenario,
		   struct sim_error *err)
{
	struct loader l = {.path = path, .at = text, .s = scenario, .err = err};
	int line;

	memset(scenario, 0, sizeof(*scenario));
	name_after(scenario, path);
	line = ini_parse_stream(read_line, &l, handle, &l);
	if (!l.failed && line > 0) {
		l.line = (unsigned int)line;
		bad(&l, "[SECTION], KEY = VALUE or an indented line of a value", "another");
	}
	if (!l.failed)
		find_processes(&l);
	if (l.failed)
		scenario_free(scenario);
	return l.failed;
}

void scenario_free(struct scenario *scenario)
{
	for (unsigned int i = 0; i < scenario->nr_processes; i++)
		free(scenario->processes[i].setup.ops);
	for (unsigned int i = 0; i < scenario->nr_tasks; i++)
		free(scenario->tasks[i].script.ops);
	memset(scenario, 0, sizeof(*scenario));
}
