/* SPDX-License-Identifier: MIT */
/* The names in a scenario: each is looked up when all of it has been read. */
#include "op_names.h"
#include "scenario.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

_Static_assert(NR_SIM_OPS <= 32 && SCENARIO_TASKS_MAX <= 32, "they are bits of an uint32_t");

struct resolver {
	struct scenario *s;
	struct sim_error *err;
};

/* An array of structs that begin with a section. */
struct sections_of {
	const void *first;
	size_t size;
	unsigned int nr;
};

static const char *name_at(const struct sections_of *all, unsigned int i)
{
	const char *at = (const char *)all->first + i * all->size;

	return ((const struct scenario_section *)at)->name;
}

/* The place of that name; -1 with what is near. */
static int find(const struct sections_of *all, const char *name, const char **near)
{
	for (unsigned int i = 0; i < all->nr; i++) {
		if (!strcmp(name_at(all, i), name))
			return (int)i;
		*near = sim_name_nearer(*near, name_at(all, i), name);
	}
	return -1;
}

static int bad_name(const struct resolver *r, const char *file, unsigned int line, const char *what,
		    const char *found, const char *near)
{
	if (!near)
		return sim_error_set(r->err, -EINVAL, file, line, "expected %s, found '%.60s'",
				     what, found);
	return sim_error_set(r->err, -EINVAL, file, line,
			     "expected %s, found '%.60s' (did you mean %s?)", what, found, near);
}

/* ---- processes, tasks ---- */

/* The only process that is there from the beginning; -1: there are several, or none. */
static int only_first_process(const struct scenario *s)
{
	int only = -1;

	for (unsigned int p = 0; p < s->nr_processes; p++) {
		if (*s->processes[p].parent_name.name)
			continue;
		if (only >= 0)
			return -1;
		only = (int)p;
	}
	return only;
}

static int find_process(const struct resolver *r, const struct scenario_reference *in,
			const struct scenario_section *section, unsigned int *process)
{
	const struct sections_of all = {r->s->processes, sizeof(*r->s->processes),
					r->s->nr_processes};
	const char *near = NULL;
	int i = find(&all, in->name, &near);

	if (!*in->name)
		i = only_first_process(r->s);
	if (i < 0)
		return bad_name(r, in->file ? in->file : r->s->path,
				in->file ? in->line : section->line,
				"process = NAME of a [process NAME]", in->name, near);
	*process = (unsigned int)i;
	return 0;
}

static bool has_parent(const struct scenario_process *process)
{
	return *process->parent_name.name;
}

/* Only one above it, so that all come from one that is there from the beginning. */
static int find_parent(const struct resolver *r, unsigned int p)
{
	const struct sections_of above = {r->s->processes, sizeof(*r->s->processes), p};
	struct scenario_process *process = &r->s->processes[p];
	const struct scenario_reference *parent = &process->parent_name;
	const char *near = NULL;

	if (!has_parent(process)) {
		if (process->count == 1)
			return 0;
		return sim_error_set(r->err, -EINVAL, r->s->path, process->section.line,
				     "expected parent = NAME of process %s, which has a count",
				     process->section.name);
	}
	process->parent = find(&above, parent->name, &near);
	if (process->parent < 0)
		return bad_name(r, parent->file, parent->line, "the name of a process above",
				parent->name, near);
	if (process->setup.nr)
		return bad_name(r, parent->file, parent->line, "no parent, as there is a setup",
				parent->name, NULL);
	return 0;
}

/* Bits: @process and those that it comes from. */
static uint32_t family_of(const struct resolver *r, int process)
{
	uint32_t family = 0;

	for (; process >= 0; process = r->s->processes[process].parent)
		family |= UINT32_C(1) << process;
	return family;
}

static int find_after(const struct resolver *r, unsigned int t)
{
	const struct sections_of above = {r->s->tasks, sizeof(*r->s->tasks), t};
	struct scenario_task *task = &r->s->tasks[t];
	const struct scenario_reference *behind = &task->behind;
	const char *near = NULL;

	if (!*behind->name)
		return 0;
	task->after = find(&above, behind->name, &near);
	if (task->after < 0)
		return bad_name(r, behind->file, behind->line, "the name of a task above",
				behind->name, near);
	return 0;
}

/* ---- places ---- */

static int as_index(const struct resolver *r, const char *name)
{
	for (unsigned int i = 0; i < r->s->nr_as; i++)
		if (!strcmp(r->s->as_names[i], name))
			return (int)i;
	return -1;
}

static int add_as(const struct resolver *r, struct script_op *op)
{
	struct scenario *s = r->s;
	int i;

	if (!*op->as_name)
		return 0;
	for (unsigned int v = 0; v < s->nr_vmas; v++)
		if (!strcmp(s->vmas[v].section.name, op->as_name))
			return bad_name(r, op->file, op->op.line, "a name that no VMA has",
					op->as_name, NULL);
	i = as_index(r, op->as_name);
	if (i < 0 && s->nr_as == SCRIPT_AS_MAX)
		return bad_name(r, op->file, op->op.line, "at most 32 names behind as", op->as_name,
				NULL);
	if (i < 0) {
		i = (int)s->nr_as++;
		strcpy(s->as_names[i], op->as_name);
	}
	op->as = i;
	return 0;
}

static int check_which(const struct resolver *r, const struct place *place,
		       const struct scenario_vma *vma, const char *file, unsigned int line)
{
	if (!vma->count)
		return bad_name(r, file, line, "a VMA with a count above 0", place->name, NULL);
	if (place->which == WHICH_ONLY && vma->count != 1)
		return bad_name(r, file, line, "#N, #task, #random or #next, as there are several",
				place->name, NULL);
	if (place->which == WHICH_NUMBER && place->number >= vma->count)
		return bad_name(r, file, line, "a number below the VMA's count", place->name, NULL);
	return 0;
}

static int find_place(const struct resolver *r, struct place *place, int process, const char *file,
		      unsigned int line)
{
	const struct sections_of all = {r->s->vmas, sizeof(*r->s->vmas), r->s->nr_vmas};
	const char *near = NULL;
	int i;

	if (place->kind != PLACE_NAME)
		return 0;
	i = find(&all, place->name, &near);
	if (i >= 0) {
		place->kind = PLACE_VMA;
		place->index = (unsigned int)i;
		if (process >= 0 && !(family_of(r, process) >> r->s->vmas[i].process & 1))
			return bad_name(r, file, line, "a VMA of the task's process", place->name,
					NULL);
		return check_which(r, place, &r->s->vmas[i], file, line);
	}
	i = as_index(r, place->name);
	if (i < 0 || place->which != WHICH_ONLY)
		return bad_name(r, file, line, "the name of a [vma NAME] or behind as", place->name,
				near);
	place->kind = PLACE_AS;
	place->index = (unsigned int)i;
	return 0;
}

static int bad_vma(const struct resolver *r, const struct scenario_vma *vma, const char *what)
{
	return sim_error_set(r->err, -EINVAL, r->s->path, vma->section.line,
			     "expected %s of vma %s", what, vma->section.name);
}

static int check_vma(const struct resolver *r, const struct scenario_vma *vma)
{
	const struct place *at = &vma->at;

	if (!vma->size)
		return bad_vma(r, vma, "size = SIZE");
	if (vma->size % SIM_PAGE_SIZE || vma->gap % SIM_PAGE_SIZE ||
	    at->offset % (int64_t)SIM_PAGE_SIZE)
		return bad_vma(r, vma, "sizes that are a multiple of 4k");
	if (vma->touch && (!vma->mapped || !(vma->prot & PROT_WRITE)))
		return bad_vma(r, vma, "memory that can be written, as touch says");
	if (at->where != WHERE_START && at->where != WHERE_END)
		return bad_vma(r, vma, "at = NAME[#NUMBER][+end][+SIZE]");
	if (at->which != WHICH_ONLY && at->which != WHICH_NUMBER)
		return bad_vma(r, vma, "at = NAME[#NUMBER][+end][+SIZE]");
	return 0;
}

static int find_vma(const struct resolver *r, unsigned int v)
{
	struct scenario_vma *vma = &r->s->vmas[v];
	int result = find_process(r, &vma->in, &vma->section, &vma->process);

	if (!result && r->s->processes[vma->process].parent >= 0)
		result = bad_vma(r, vma, "a process that is there from the beginning");
	if (!result)
		result = check_vma(r, vma);
	if (!result)
		result = find_place(r, &vma->at, (int)vma->process, r->s->path, vma->section.line);
	if (!result && vma->at.kind == PLACE_VMA && vma->at.index >= v)
		return bad_name(r, r->s->path, vma->section.line, "at = a VMA above", vma->at.name,
				NULL);
	return result;
}

/* ---- scripts ---- */

static int find_barrier(const struct resolver *r, struct script_op *op)
{
	struct scenario *s = r->s;

	for (op->index = 0; (unsigned int)op->index < s->nr_barriers; op->index++)
		if (!strcmp(s->barriers[op->index], op->name))
			return 0;
	if (s->nr_barriers == SCENARIO_TASKS_MAX)
		return bad_name(r, op->file, op->op.line, "at most 32 barriers", op->name, NULL);
	strcpy(s->barriers[s->nr_barriers++], op->name);
	return 0;
}

/* @below: scripts before that one may be done; so none does itself. */
static int find_script(const struct resolver *r, struct script_op *op, int process,
		       unsigned int below)
{
	const struct sections_of all = {r->s->scripts, sizeof(*r->s->scripts), below};
	const char *near = NULL;

	op->index = find(&all, op->name, &near);
	if (op->index < 0)
		return bad_name(r, op->file, op->op.line, "the name of a [script NAME] above",
				op->name, near);
	if (process >= 0 && r->s->scripts[op->index].script.processes & ~family_of(r, process))
		return bad_name(r, op->file, op->op.line,
				"a script with VMAs of the task's process", op->name, NULL);
	return 0;
}

/* What a fork makes, or a kill ends. */
static int find_child(const struct resolver *r, struct script_op *op, int process)
{
	const struct sections_of all = {r->s->processes, sizeof(*r->s->processes),
					r->s->nr_processes};
	const char *near = NULL;
	int parent;

	op->index = find(&all, op->name, &near);
	parent = op->index < 0 ? -1 : r->s->processes[op->index].parent;
	if (parent < 0)
		return bad_name(r, op->file, op->op.line, "the name of a process with a parent",
				op->name, near);
	if (op->op.kind == OP_FORK && process >= 0 && !(family_of(r, process) >> parent & 1))
		return bad_name(r, op->file, op->op.line,
				"a process whose parent this one is, or comes from", op->name,
				NULL);
	return 0;
}

/* What the script and those that it does do; they were resolved before. */
static void mark(const struct resolver *r, struct script *script, const struct script_op *op)
{
	script->kinds |= UINT32_C(1) << op->op.kind;
	if (op->op.kind == OP_BARRIER)
		script->barriers |= UINT32_C(1) << op->index;
	if (op->op.kind == OP_DO) {
		script->processes |= r->s->scripts[op->index].script.processes;
		script->kinds |= r->s->scripts[op->index].script.kinds;
		script->barriers |= r->s->scripts[op->index].script.barriers;
	}
}

/* @process: -1: of any. */
static int resolve_script(const struct resolver *r, struct script *script, int process,
			  unsigned int below)
{
	int result = 0;

	script_group(script);
	for (size_t i = 0; i < script->nr && !result; i++) {
		struct script_op *op = &script->ops[i];

		for (int n = 0; n < 2 && !result; n++) {
			result = find_place(r, &op->place[n], process, op->file, op->op.line);
			if (!result && op->place[n].kind == PLACE_VMA)
				script->processes |= UINT32_C(1)
						     << r->s->vmas[op->place[n].index].process;
		}
		if (!result && op->op.kind == OP_BARRIER)
			result = find_barrier(r, op);
		if (!result && (op->op.kind == OP_FORK || op->op.kind == OP_KILL))
			result = find_child(r, op, process);
		if (!result && op->op.kind == OP_DO)
			result = find_script(r, op, process, below);
		if (!result)
			mark(r, script, op);
	}
	return result;
}

/* Names behind as may be used anywhere, so they are all wanted first. */
static int add_all_as(const struct resolver *r, struct script *script)
{
	int result = 0;

	for (size_t i = 0; i < script->nr && !result; i++)
		result = add_as(r, &script->ops[i]);
	return result;
}

/* Nobody else runs yet, and it is over at once. */
static int resolve_setup(const struct resolver *r, unsigned int process)
{
	struct script *setup = &r->s->processes[process].setup;

	for (size_t i = 0; i < setup->nr; i++)
		if (setup->ops[i].op.kind >= SIM_FIRST_SCRIPT_OP ||
		    setup->ops[i].op.kind == OP_FORK)
			return bad_name(r, setup->ops[i].file, setup->ops[i].op.line,
					"an operation on memory, as it is a setup",
					sim_op_specs[setup->ops[i].op.kind].name, NULL);
	return resolve_script(r, setup, (int)process, 0);
}

static int check_after(const struct resolver *r, unsigned int t)
{
	const struct scenario *s = r->s;
	const struct scenario_task *task = &s->tasks[t];

	for (int a = task->after; a >= 0; a = s->tasks[a].after)
		if (s->tasks[a].script.barriers & task->script.barriers)
			return bad_name(r, task->behind.file, task->behind.line,
					"a task that does not wait at a barrier for this one",
					s->tasks[a].section.name, NULL);
	return 0;
}

/* Tasks of a process that forks make come and go. */
static int resolve_child(const struct resolver *r, struct scenario_task *task)
{
	if (r->s->processes[task->process].parent < 0)
		return 0;
	task->script.kinds |= UINT32_C(1) << OP_EXIT;
	if (!task->script.barriers)
		return 0;
	return sim_error_set(r->err, -EINVAL, r->s->path, task->section.line,
			     "expected no barrier in a process that forks make");
}

static int resolve_scripts(const struct resolver *r)
{
	struct scenario *s = r->s;
	int result = 0;

	for (unsigned int i = 0; i < s->nr_scripts && !result; i++)
		result = add_all_as(r, &s->scripts[i].script);
	for (unsigned int i = 0; i < s->nr_processes && !result; i++)
		result = add_all_as(r, &s->processes[i].setup);
	for (unsigned int i = 0; i < s->nr_tasks && !result; i++)
		result = add_all_as(r, &s->tasks[i].script);
	for (unsigned int i = 0; i < s->nr_scripts && !result; i++)
		result = resolve_script(r, &s->scripts[i].script, -1, i);
	for (unsigned int i = 0; i < s->nr_processes && !result; i++)
		result = resolve_setup(r, i);
	for (unsigned int i = 0; i < s->nr_tasks && !result; i++)
		result = resolve_script(r, &s->tasks[i].script, (int)s->tasks[i].process,
					s->nr_scripts);
	for (unsigned int i = 0; i < s->nr_tasks && !result; i++)
		result = check_after(r, i);
	for (unsigned int i = 0; i < s->nr_tasks && !result; i++)
		result = resolve_child(r, &s->tasks[i]);
	return result;
}

/* ---- the whole ---- */

static int resolve_task(const struct resolver *r, unsigned int t)
{
	struct scenario_task *task = &r->s->tasks[t];
	int result = find_process(r, &task->in, &task->section, &task->process);

	if (!result)
		result = find_after(r, t);
	if (task->loops == UINT64_MAX)
		task->loops = r->s->seconds || r->s->steps || task->period ? 0 : 1;
	if (!result && task->after >= 0 && r->s->processes[task->process].parent >= 0)
		result = bad_name(r, task->behind.file, task->behind.line,
				  "a task of a process that is there from the beginning",
				  task->section.name, NULL);
	if (!task->deadline)
		task->deadline = task->period;
	return result;
}

int scenario_resolve(struct scenario *scenario, struct sim_error *err)
{
	const struct resolver r = {.s = scenario, .err = err};
	uint64_t threads = 0;
	int result = 0;

	for (unsigned int p = 0; p < scenario->nr_processes && !result; p++)
		result = find_parent(&r, p);
	for (unsigned int t = 0; t < scenario->nr_tasks && !result; t++)
		result = resolve_task(&r, t);
	for (unsigned int v = 0; v < scenario->nr_vmas && !result; v++)
		result = find_vma(&r, v);
	if (!result)
		result = resolve_scripts(&r);
	for (unsigned int t = 0; t < scenario->nr_tasks; t++)
		threads += scenario->tasks[t].count *
			   scenario->processes[scenario->tasks[t].process].count;
	if (!result && threads > SCENARIO_THREADS_MAX)
		result = sim_error_set(err, -EINVAL, scenario->path, 0,
				       "expected counts of tasks that add up to at most %d",
				       SCENARIO_THREADS_MAX);
	if (!result && !scenario->nr_tasks)
		result = sim_error_set(err, -EINVAL, scenario->path, 0, "expected a [task NAME]");
	return result;
}
