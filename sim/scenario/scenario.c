/* SPDX-License-Identifier: MIT */
/* A scenario of its settings: lists, options, sections. */
#define _GNU_SOURCE 1
#include "keys.h"
#include "op_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NO_ROOM "expected at most 64 options and settings of axes"

/* ---- lists and options ---- */

/*
 * Each axis of `set` has a setting of its own, so that its value can be a list:
 * in a section that no file has, since its name is not known.
 */
#define SET_SECTION "set"

static bool is_list(const struct setting *setting)
{
	const struct section *section = section_named(setting->section);
	const struct key *key = section ? key_named(section, setting->key) : NULL;

	if (!strcmp(setting->section, SET_SECTION))
		return true;
	if (!strcmp(setting->section, "parameter"))
		return !strcmp(setting->key, "default");
	/* set itself was split into its axes. */
	return key && key->kind != KEY_TEXT && key->kind != KEY_SCRIPT && strcmp(key->name, "set");
}

unsigned int scenario_points(const struct settings *settings)
{
	return settings_points(settings, is_list);
}

/* The end of AXIS=VALUE[,VALUE]...: where a blank or a further AXIS= begins. */
static size_t set_length(const char *text)
{
	size_t len = strcspn(text, "=");

	if (!text[len])
		return 0;
	for (;;) {
		size_t blanks, word;

		len += strcspn(text + len, ", \t");
		blanks = strspn(text + len, ", \t");
		word = strcspn(text + len + blanks, "=, \t");
		if (!word || text[len] != ',' || text[len + blanks + word] == '=')
			return len;
		len += blanks;
	}
}

/* Put AXIS=VALUE... of @value in as one setting an axis. */
static int put_sets(struct settings *settings, const struct setting *from, const char *value,
		    struct sim_error *err)
{
	const char *file = from->file;
	unsigned int line = from->line;

	while (*(value += strspn(value, ", \t"))) {
		size_t len = set_length(value), axis = strcspn(value, "=");
		char key[SETTINGS_NAME_MAX], choice[SETTINGS_VALUE_MAX];
		int n = snprintf(key, sizeof(key), "%.*s", (int)axis, value);
		/* It sets all axes, so there is only one of it: in files a key of its own. */
		bool kernel = !strcmp(key, "kernel");

		if (len < axis + 2 || !axis || (size_t)n >= sizeof(key))
			return sim_error_set(err, -EINVAL, file, line,
					     "expected AXIS=VALUE, found '%.60s'", value);
		if (kernel && line)
			return sim_error_set(err, -EINVAL, file, line,
					     "expected kernel = VERSION in a line of its own");
		snprintf(choice, sizeof(choice), "%.*s", (int)(len - axis - 1), value + axis + 1);
		if (settings_put(settings, kernel ? "global" : SET_SECTION, "", key, choice, file))
			return sim_error_set(err, -ENOMEM, file, line, NO_ROOM);
		settings->list[settings->nr - 1].line = line;
		value += len;
	}
	return 0;
}

static int split_sets(struct settings *settings, struct sim_error *err)
{
	size_t nr = settings->nr;
	int result = 0;

	/* What is put in goes to the end, and only what went there is ever removed. */
	for (size_t i = 0; i < nr && !result; i++) {
		struct setting set = settings->list[i];
		char *value;

		if (strcmp(set.section, "global") || strcmp(set.key, "set"))
			continue;
		value = strdup(set.value);
		result = value ? put_sets(settings, &set, value, err) :
				 sim_error_set(err, -ENOMEM, set.file, set.line, "no memory");
		free(value);
	}
	return result;
}

int scenario_open_text(const char *text, const char *path, struct settings *settings,
		       struct sim_error *err)
{
	int result = settings_parse(text, path, settings, err);

	if (result)
		return result;
	result = split_sets(settings, err);
	if (result)
		settings_free(settings);
	return result;
}

static int no_such_key(const struct settings *settings, const char *name, const char *option,
		       struct sim_error *err)
{
	const char *near = NULL;
	static char text[2 * SETTINGS_NAME_MAX];

	for (const struct key *key = section_at(0)->keys; key->name; key++)
		near = sim_name_nearer(near, key->name, name);
	for (size_t i = 0; i < settings->nr; i++) {
		const struct setting *s = &settings->list[i];
		const struct section *section = section_named(s->section);

		if (*s->key || !section || !section->named)
			continue;
		if (!strcmp(s->section, "parameter"))
			near = sim_name_nearer(near, s->name, name);
		for (const struct key *key = section->keys; key->name; key++) {
			char full[2 * SETTINGS_NAME_MAX];

			snprintf(full, sizeof(full), "%s.%s", s->name, key->name);
			if (sim_name_nearer(near, full, name) != full)
				continue;
			strcpy(text, full);
			near = text;
		}
	}
	return sim_error_set(err, -ENOENT, option, 0,
			     "expected an option or a key of the scenario%s%s%s (`mmsim help %s`)",
			     near ? "; did you mean --" : "", near ? near : "", near ? "?" : "",
			     settings->path);
}

/* Who is meant by NAME.KEY: the section's kind; NULL: nobody. */
static const char *section_with(const struct settings *settings, const char *name, const char *key)
{
	const struct section *section;

	for (unsigned int i = 0; (section = section_at(i)); i++)
		if (section->named && key_named(section, key) &&
		    settings_has_section(settings, section->name, name))
			return section->name;
	return NULL;
}

int scenario_set(struct settings *settings, const char *name, const char *value,
		 struct sim_error *err)
{
	const char *dot = strrchr(name, '.'), *section = NULL, *key = "default";
	char option[64], in[SETTINGS_NAME_MAX] = "";
	int result;

	snprintf(option, sizeof(option), "--%s", name);
	if (strlen(value) >= SETTINGS_VALUE_MAX)
		return sim_error_set(err, -EINVAL, option, 0, "expected a shorter value");
	if (!strcmp(name, "set")) {
		const struct setting from = {.file = option};

		return put_sets(settings, &from, value, err);
	}
	if (settings_has_section(settings, "parameter", name)) {
		section = "parameter";
		snprintf(in, sizeof(in), "%s", name);
	} else if (key_named(section_at(0), name)) {
		section = "global";
		key = name;
	} else if (dot) {
		snprintf(in, sizeof(in), "%.*s", (int)(dot - name), name);
		key = dot + 1;
		section = section_with(settings, in, key);
	}
	if (!section)
		return no_such_key(settings, name, option, err);
	result = settings_put(settings, section, in, key, value, option);
	return result ? sim_error_set(err, result, option, 0, NO_ROOM) : 0;
}

/* ---- sections ---- */

/* What is not zero in a section that says nothing. */
static void set_defaults(const struct section *section, char *object)
{
	if (!strcmp(section->name, "vma")) {
		struct scenario_vma *vma = (struct scenario_vma *)object;

		vma->count = vma->mapped = 1;
		vma->prot = PROT_READ | PROT_WRITE;
		vma->gap = SIM_PAGE_SIZE;
	} else if (!strcmp(section->name, "process")) {
		struct scenario_process *process = (struct scenario_process *)object;

		process->parent = -1;
		process->count = 1;
	} else if (!strcmp(section->name, "task")) {
		struct scenario_task *task = (struct scenario_task *)object;

		task->count = 1;
		task->cpu = task->after = -1;
		task->loops = UINT64_MAX; /* not said */
	}
}

static char *find_object(const struct maker *m, const struct section *section, const char *name)
{
	unsigned int nr = *(unsigned int *)((char *)m->s + section->nr);
	char *array = (char *)m->s + section->array;

	for (unsigned int i = 0; i < nr; i++)
		if (!strcmp(((struct scenario_section *)(array + i * section->size))->name, name))
			return array + i * section->size;
	return NULL;
}

static int begin_object(struct maker *m, const char *name)
{
	static const char *const taken[] = {"main", "rcu", "io", "progress"};
	unsigned int *nr = (unsigned int *)((char *)m->s + m->section->nr);
	struct scenario_section *head;
	char what[48];

	if (!strcmp(m->section->name, "task"))
		for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
			if (!strcmp(taken[i], name))
				return maker_bad(
					m,
					"a name that the machine has not taken (main, rcu, io, "
					"progress)",
					name);
	snprintf(what, sizeof(what), "each %s once", m->section->name);
	if (find_object(m, m->section, name))
		return maker_bad(m, what, name);
	snprintf(what, sizeof(what), "at most %u sections %s", m->section->max, m->section->name);
	if (*nr == m->section->max)
		return maker_bad(m, what, name);
	m->object = (char *)m->s + m->section->array + *nr * m->section->size;
	set_defaults(m->section, m->object);
	head = (struct scenario_section *)m->object;
	snprintf(head->name, sizeof(head->name), "%s", name);
	head->line = m->at->line;
	++*nr;
	return 0;
}

static int begin_section(struct maker *m)
{
	const struct setting *at = m->at;
	const char *near = NULL;

	m->section = section_named(at->section);
	for (unsigned int i = 0; section_at(i); i++)
		near = sim_name_nearer(near, section_at(i)->name, at->section);
	if (!m->section)
		return maker_bad_name(m, "[global] or [parameter|process|vma|task|script NAME]",
				      at->section, near);
	if (!*at->name == m->section->named)
		return maker_bad(m, m->section->named ? "[SECTION NAME]" : "no name", at->name);
	m->object = (char *)m->s;
	return m->section->named ? begin_object(m, at->name) : 0;
}

/* Texts and scripts go on over several lines. */
static bool has_one_value(const struct key *key)
{
	return key->kind != KEY_SCRIPT && (key->kind != KEY_TEXT || !strcmp(key->name, "default"));
}

static bool is_said_above(const struct maker *m)
{
	const struct setting *at = m->at;

	for (const struct setting *s = m->first; s < at; s++)
		if (!strcmp(s->section, at->section) && !strcmp(s->name, at->name) &&
		    !strcmp(s->key, at->key))
			return true;
	return false;
}

static int take_key(struct maker *m, const char *value)
{
	const struct setting *at = m->at;
	const char *near = NULL;
	const struct key *key;

	if (!strcmp(at->section, SET_SECTION))
		return key_add_axis(m, at->key, value);
	m->section = section_named(at->section);
	m->object = m->section && m->section->named ? find_object(m, m->section, at->name) :
						      (char *)m->s;
	for (key = m->section->keys; key->name && strcmp(key->name, at->key); key++)
		near = sim_name_nearer(near, key->name, at->key);
	if (!key->name)
		return maker_bad_name(m, "a key of the section", at->key, near);
	/* It was split into its axes. */
	if (!strcmp(key->name, "set"))
		return 0;
	/* A second one would be one more list of the matrix, without any effect. */
	if (has_one_value(key) && is_said_above(m))
		return maker_bad(m, "each key once", at->key);
	return key_set(m, key, value);
}

/* ---- the whole ---- */

static void name_after(struct scenario *s, const char *path)
{
	const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
	const char *dot = strrchr(last, '.');

	snprintf(s->path, sizeof(s->path), "%s", path);
	snprintf(s->name, sizeof(s->name), "%.*s", (int)(dot ? dot - last : (int)strlen(last)),
		 last);
}

/* The kernel first: it sets all axes. */
static void kernel_first(struct scenario *s)
{
	for (unsigned int i = 1; i < s->nr_sets; i++) {
		struct scenario_set set = s->sets[i];

		if (strcmp(set.axis, "kernel"))
			continue;
		memmove(&s->sets[1], &s->sets[0], i * sizeof(set));
		s->sets[0] = set;
	}
}

int scenario_make(const struct settings *settings, unsigned int point, struct scenario *scenario,
		  struct sim_error *err)
{
	struct maker m = {.s = scenario, .first = settings->list, .err = err};
	char value[SETTINGS_VALUE_MAX];
	int result = 0;

	memset(scenario, 0, sizeof(*scenario));
	scenario->payload = 1;
	name_after(scenario, settings->path);
	settings_point_text(settings, point, is_list, scenario->point, sizeof(scenario->point));
	for (size_t i = 0; i < settings->nr && !result; i++) {
		m.at = &settings->list[i];
		if (!*m.at->key) {
			result = begin_section(&m);
			continue;
		}
		result = settings_value(settings, m.at, point, is_list, value, err);
		if (!result)
			result = take_key(&m, value);
	}
	kernel_first(scenario);
	if (!result)
		result = scenario_resolve(scenario, err);
	if (result)
		scenario_free(scenario);
	return result;
}

void scenario_free(struct scenario *scenario)
{
	for (unsigned int i = 0; i < scenario->nr_processes; i++)
		script_free(&scenario->processes[i].setup);
	for (unsigned int i = 0; i < scenario->nr_tasks; i++)
		script_free(&scenario->tasks[i].script);
	for (unsigned int i = 0; i < scenario->nr_scripts; i++)
		script_free(&scenario->scripts[i].script);
	memset(scenario, 0, sizeof(*scenario));
}
