/* SPDX-License-Identifier: MIT */
/* What the tasks of a scenario did, as JSON. */
#include "blame.h"
#include "json.h"
#include "result.h"

#include <string.h>

static json_t *operations_json(const struct workload_group *group, uint64_t *done)
{
	json_t *object = json_object();

	for (int k = 0; k < NR_SIM_OPS; k++) {
		const struct op_stats *op = group->op[k];
		json_t *one;

		if (!op)
			continue;
		one = json_object();
		*done += k < SIM_FIRST_SCRIPT_OP ? op->done : 0;
		json_set_int(one, "done", op->done);
		json_set_int(one, "failed", op->failed);
		json_object_set_new(one, "latency", json_latency(&op->latency_ns));
		json_object_set_new(object, sim_op_specs[k].name, one);
	}
	return object;
}

static json_t *frames_json(const struct workload_group *group)
{
	json_t *object = json_object();

	json_set_int(object, "made", group->frames.made);
	json_set_int(object, "missed", group->frames.missed);
	json_set_int(object, "missed_for_locks", group->frames.for_locks);
	json_set_int(object, "missed_for_spinlocks", group->frames.for_spinlocks);
	json_set_int(object, "missed_for_cpu", group->frames.for_cpu);
	json_set_int(object, "deadline_ns", group->task->deadline);
	json_object_set_new(object, "response", json_latency(&group->frames.response_ns));
	return object;
}

static json_t *sum_json(uint64_t count, uint64_t total_ns, uint64_t max_ns)
{
	json_t *object = json_object();

	json_set_int(object, "count", count);
	json_set_int(object, "total_ns", total_ns);
	json_set_int(object, "max_ns", max_ns);
	return object;
}

/* Waits of all tasks of that name: for locks whose waiters sleep, and for spinlocks. */
static void add_waits(json_t *object, const struct mmsim *sim, const char *name)
{
	struct mmsim_task_waits waits, sum = {0};

	for (unsigned int i = 0; !mmsim_task_waits_at(sim, i, &waits); i++) {
		if (strcmp(waits.name, name))
			continue;
		sum.waits += waits.waits;
		sum.wait_ns += waits.wait_ns;
		sum.longest_ns = MAX(sum.longest_ns, waits.longest_ns);
		sum.spins += waits.spins;
		sum.spin_ns += waits.spin_ns;
		sum.longest_spin_ns = MAX(sum.longest_spin_ns, waits.longest_spin_ns);
	}
	json_object_set_new(object, "waits", sum_json(sum.waits, sum.wait_ns, sum.longest_ns));
	json_object_set_new(object, "spins", sum_json(sum.spins, sum.spin_ns, sum.longest_spin_ns));
}

static json_t *link_json(const struct mmsim_wait_link *link)
{
	json_t *object = json_object();

	json_set_text(object, "task", link->task);
	json_set_text(object, "lock", link->lock);
	json_set_int(object, "object", link->object);
	json_set_text(object, "site", link->site);
	json_object_set_new(object, "write", json_boolean(link->write));
	json_object_set_new(object, "behind_writer", json_boolean(link->behind_writer));
	json_set_text(object, "state", link->state);
	json_set_int(object, "cpu", (uint64_t)link->cpu);
	json_set_int(object, "for_ns", link->for_ns);
	json_set_int(object, "preempted_ns", link->preempted_ns);
	return object;
}

/* Of the tasks of that name; whom it was for, and whom that waited for. */
static void add_longest_wait(json_t *object, const struct mmsim *sim, const char *name)
{
	struct mmsim_task_waits waits, longest = {0};
	json_t *wait, *chain;
	struct mmsim_wait_link link;
	unsigned int task = 0;

	for (unsigned int i = 0; !mmsim_task_waits_at(sim, i, &waits); i++)
		if (!strcmp(waits.name, name) && waits.longest_ns > longest.longest_ns) {
			longest = waits;
			task = i;
		}
	if (!longest.waits)
		return;
	wait = json_object();
	chain = json_array();
	json_set_int(wait, "ns", longest.longest_ns);
	json_set_int(wait, "at_ns", longest.longest_at_ns);
	json_set_text(wait, "lock", longest.longest_lock);
	json_set_int(wait, "object", longest.longest_object);
	json_set_text(wait, "site", longest.longest_site);
	for (unsigned int i = 0; !mmsim_longest_wait_at(sim, task, i, &link); i++)
		json_array_append_new(chain, link_json(&link));
	json_object_set_new(wait, "chain", chain);
	json_object_set_new(object, "longest_wait", wait);
}

/* The longest single operation on memory; a sleep is none. */
static json_t *longest_json(const struct workload_group *group)
{
	json_t *object = json_object();
	uint64_t longest = 0;
	int kind = -1;

	for (int k = 0; k < SIM_FIRST_SCRIPT_OP; k++)
		if (group->op[k] && group->op[k]->latency_ns.max >= longest) {
			longest = group->op[k]->latency_ns.max;
			kind = k;
		}
	json_set_text(object, "operation", kind < 0 ? "" : sim_op_specs[kind].name);
	json_set_int(object, "ns", longest);
	return object;
}

static json_t *task_json(const struct mmsim *sim, const struct workload_group *group,
			 uint64_t *done)
{
	const struct scenario_task *task = group->task;
	json_t *object = json_object();

	json_set_int(object, "count", task->count);
	json_set_int(object, "loops", group->loops);
	json_object_set_new(object, "operations", operations_json(group, done));
	json_object_set_new(object, "longest", longest_json(group));
	add_waits(object, sim, task->section.name);
	add_longest_wait(object, sim, task->section.name);
	if (task->period) {
		json_object_set_new(object, "frames", frames_json(group));
		json_object_set_new(object, "blame", blame_json(sim, task->section.name));
	}
	return object;
}

/* What was in use at the end, while there still were processes. */
static void add_memory(json_t *result, const struct workload_result *workload)
{
	json_t *bytes = json_object(), *pages = json_object();

	for (unsigned int i = 0; i < workload->nr_bytes; i++)
		json_set_bytes(bytes, &workload->bytes[i]);
	json_object_set_new(result, "bytes", bytes);
	json_set_int(pages, "exclusive", workload->pages_exclusive);
	json_set_int(pages, "shared", workload->pages_shared);
	json_object_set_new(result, "pages", pages);
}

void result_add_workload(json_t *result, const struct mmsim *sim, const struct scenario *scenario,
			 const struct workload_result *workload)
{
	json_t *run = json_object_get(result, "run");
	json_t *tasks = json_object();
	uint64_t done = 0;

	for (unsigned int t = 0; t < scenario->nr_tasks; t++)
		if (workload->group[t].task)
			json_object_set_new(tasks, scenario->tasks[t].section.name,
					    task_json(sim, &workload->group[t], &done));
	json_set_int(run, "elapsed_ns", workload->elapsed_ns);
	json_set_int(run, "operations_done", done);
	json_set_int(run, "vmas", workload->vmas);
	add_memory(result, workload);
	json_set_text(result, "question", scenario->question);
	json_set_text(result, "metrics", scenario->metrics);
	json_object_set_new(result, "tasks", tasks);
}
