/* SPDX-License-Identifier: MIT */
/* A run's result as JSON. */
#define _GNU_SOURCE 1
#include "result.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef MMSIM_COMMIT
#define MMSIM_COMMIT "unknown"
#endif

void json_set_int(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

void json_set_text(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key, json_string(value ? value : ""));
}

const char *json_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_t *axes_json(const struct mmsim *sim)
{
	static const char *const axes[] = {"kernel",  "machine", "anon_rmap",	  "fault",
					   "madvise", "munmap",	 "rmap_contended"};
	json_t *object = json_object();
	json_t *rwsem = json_object();
	const char *name, *guards;
	char axis[64];

	for (size_t i = 0; i < sizeof(axes) / sizeof(*axes); i++)
		json_set_text(object, axes[i], mmsim_effective(sim, axes[i]));
	for (unsigned int i = 0; !mmsim_lock_class_at(i, &name, &guards); i++) {
		snprintf(axis, sizeof(axis), "rwsem.%s", name);
		json_set_text(rwsem, name, mmsim_effective(sim, axis));
	}
	json_object_set_new(object, "rwsem", rwsem);
	return object;
}

/* What the command line put in the place of what the scenario's file says. */
static json_t *options_json(const struct settings *settings)
{
	json_t *object = json_object();

	for (size_t i = 0; i < settings->nr; i++)
		if (settings->list[i].file != settings->path)
			json_set_text(object, settings->list[i].file, settings->list[i].value);
	return object;
}

static json_t *configuration_json(const struct mmsim *sim, const struct run_info *info)
{
	const struct mmsim_config *config = info->config;
	json_t *object = axes_json(sim);

	json_set_int(object, "seed", config->seed);
	json_set_int(object, "memory_bytes", config->memory_bytes);
	json_set_int(object, "max_map_count", config->max_map_count);
	json_set_int(object, "hz", mmsim_hz(sim));
	if (*config->machine_changes)
		json_set_text(object, "machine_changes", config->machine_changes);
	if (*config->hold_changes)
		json_set_text(object, "what_if", config->hold_changes);
	json_object_set_new(object, "emulate_costs", json_boolean(config->emulate_costs));
	json_object_set_new(object, "statistics", json_boolean(config->statistics));
	json_object_set_new(object, "think", json_real(info->think));
	if (info->recording)
		json_set_text(object, "recording", info->recording);
	if (info->scenario) {
		json_set_text(object, "scenario", info->scenario);
		json_set_text(object, "point", info->point);
		json_object_set_new(object, "options", options_json(info->settings));
	}
	json_set_text(object, "command", info->command);
	return object;
}

static void cpu_model(char *buf, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(buf, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) || !colon)
			continue;
		snprintf(buf, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
		break;
	}
	if (f)
		fclose(f);
}

static json_t *environment_json(const struct mmsim *sim)
{
	json_t *object = json_object();
	json_t *work = json_object();
	struct utsname uts = {0};
	char cpu[128];

	uname(&uts);
	cpu_model(cpu, sizeof(cpu));
	json_set_int(object, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	json_set_text(object, "cpu", cpu);
	json_set_text(object, "kernel", uts.release);
	json_set_int(work, "trap", mmsim_work_ns(sim, "trap"));
	json_set_int(work, "syscall", mmsim_work_ns(sim, "syscall"));
	json_set_int(work, "ipi", mmsim_work_ns(sim, "ipi"));
	json_object_set_new(object, "emulated_ns", work);
	return object;
}

json_t *json_times(uint64_t count, uint64_t sum, uint64_t p50, uint64_t p99, uint64_t max)
{
	json_t *object = json_object();

	json_set_int(object, "count", count);
	json_set_int(object, "sum_ns", sum);
	json_set_int(object, "p50_ns", p50);
	json_set_int(object, "p99_ns", p99);
	json_set_int(object, "max_ns", max);
	return object;
}

json_t *json_latency(const struct fine_histogram *h)
{
	return json_times(h->count, h->sum, fine_histogram_quantile(h, 500),
			  fine_histogram_quantile(h, 990), h->max);
}

static json_t *run_json(const struct mmsim *sim, const struct run_info *info)
{
	json_t *object = json_object();

	json_set_text(object, "outcome", info->outcome);
	json_set_int(object, "steps", mmsim_steps(sim));
	json_set_int(object, "host_artefacts", mmsim_host_artefacts(sim));
	json_set_int(object, "host_refused", mmsim_host_refused(sim));
	return object;
}

static json_t *operations_json(const struct replay_result *result)
{
	json_t *object = json_object();

	for (int k = 0; k < NR_SIM_OPS; k++) {
		const struct replay_op_stats *op = &result->op[k];
		json_t *one = json_object();

		json_set_int(one, "done", op->done);
		json_set_int(one, "as_recorded", op->as_recorded);
		json_set_int(one, "differs", op->differs);
		json_object_set_new(one, "latency", json_latency(&op->latency_ns));
		json_object_set_new(object, sim_op_specs[k].name, one);
	}
	return object;
}

static json_t *mapped_json(const struct replay_counts *counts)
{
	json_t *object = json_object();

#define X(field, what) json_set_int(object, #field, counts->field);
	REPLAY_MAPPED(X)
#undef X
	return object;
}

static json_t *recorded_json(const struct recording *rec)
{
	json_t *object = json_object();

	for (size_t i = 0; i < rec->nr_stats; i++)
		json_set_int(object, rec->stats[i].name, rec->stats[i].value);
	return object;
}

static json_t *counters_json(const struct mmsim *sim)
{
	json_t *object = json_object();
	struct mmsim_counter counter;

	for (unsigned int i = 0; !mmsim_counter_at(sim, i, &counter); i++)
		json_set_int(object, counter.name, counter.value);
	return object;
}

static json_t *mmsim_times_json(const struct mmsim_times *t)
{
	return json_times(t->count, t->sum_ns, t->p50_ns, t->p99_ns, t->max_ns);
}

static json_t *site_json(const struct mmsim_lock_site *site)
{
	json_t *object = json_object();

	json_set_text(object, "lock", site->lock);
	json_set_text(object, "site", site->site);
	json_set_int(object, "acquired_read", site->acquired_read);
	json_set_int(object, "acquired_write", site->acquired_write);
	json_set_int(object, "contended_read", site->contended_read);
	json_set_int(object, "contended_write", site->contended_write);
	json_set_int(object, "behind_writer", site->behind_writer);
	json_set_int(object, "behind_writer_ns", site->behind_writer_ns);
	json_object_set_new(object, "wait", mmsim_times_json(&site->wait));
	json_object_set_new(object, "hold_read", mmsim_times_json(&site->hold_read));
	json_object_set_new(object, "hold_write", mmsim_times_json(&site->hold_write));
	return object;
}

static json_t *locks_json(const struct mmsim *sim)
{
	struct mmsim_lock_site site;
	json_t *array = json_array();

	for (unsigned int i = 0; !mmsim_lock_site_at(sim, i, &site); i++)
		if (site.acquired_read || site.acquired_write || site.wait.count)
			json_array_append_new(array, site_json(&site));
	return array;
}

/*
 * What a kernel's tracepoints count of the same: mmap_lock acquired, a downgrade
 * counting as one more for reading, and waits by the kind of lock.
 */
static json_t *totals_json(const struct mmsim *sim)
{
	uint64_t read = mmsim_counter(sim, "munmap_downgrade"), write = 0;
	uint64_t sleep_read = 0, sleep_write = 0, spin = 0, holds = 0, hold_ns = 0;
	uint64_t spin_ns = 0, spin_max = 0;
	json_t *object = json_object();
	struct mmsim_lock_site site;

	for (unsigned int i = 0; !mmsim_lock_site_at(sim, i, &site); i++) {
		if (!strcmp(site.lock, "mmap_lock")) {
			read += site.acquired_read;
			write += site.acquired_write;
			holds += site.hold_read.count + site.hold_write.count;
			hold_ns += site.hold_read.sum_ns + site.hold_write.sum_ns;
		}
		if (site.spins) {
			spin += site.wait.count;
			spin_ns += site.wait.sum_ns;
			spin_max = site.wait.max_ns > spin_max ? site.wait.max_ns : spin_max;
			continue;
		}
		sleep_read += site.contended_read;
		sleep_write += site.contended_write;
	}
	json_set_int(object, "mmap_lock_read", read);
	json_set_int(object, "mmap_lock_write", write);
	json_set_int(object, "mmap_lock_holds", holds);
	json_set_int(object, "mmap_lock_hold_ns", hold_ns);
	json_set_int(object, "contended_read", sleep_read);
	json_set_int(object, "contended_write", sleep_write);
	json_set_int(object, "contended_spin", spin);
	json_set_int(object, "spin_wait_ns", spin_ns);
	json_set_int(object, "spin_wait_ns_max", spin_max);
	return object;
}

static json_t *classes_json(unsigned int bits)
{
	json_t *array = json_array();
	const char *name, *guards;

	for (unsigned int i = 0; !mmsim_lock_class_at(i, &name, &guards); i++)
		if (bits >> i & 1)
			json_array_append_new(array, json_string(name));
	return array;
}

/* What tells an edge's row from another's; its texts. */
static json_t *edge_key(const struct mmsim_edge *edge)
{
	json_t *key = json_object();

	json_set_text(key, "lock", edge->lock);
	json_set_text(key, "waiter", edge->waiter);
	json_set_text(key, "waiter_site", edge->waiter_site);
	json_set_text(key, "holder", edge->holder);
	json_set_text(key, "holder_site", edge->holder_site);
	json_set_text(key, "holder_state", edge->holder_state);
	json_set_text(key, "chain_end", edge->chain_end);
	json_set_text(key, "chain_end_site", edge->chain_end_site);
	json_set_int(key, "chain_length", edge->chain_length);
	json_object_set_new(key, "spins", json_boolean(edge->spins));
	json_object_set_new(key, "write", json_boolean(edge->write));
	json_object_set_new(key, "behind_writer", json_boolean(edge->behind_writer));
	json_object_set_new(key, "holding", classes_json(edge->holding));
	return key;
}

/* Edges of tasks of one name are one row: a program's threads share names. */
static json_t *edge_row(json_t *rows, const struct mmsim_edge *edge)
{
	json_t *key = edge_key(edge);
	char *text = json_dumps(key, JSON_COMPACT);
	json_t *row = json_object_get(rows, text);

	if (!row) {
		row = json_incref(key);
		json_object_set_new(rows, text, row);
	}
	json_decref(key);
	free(text);
	return row;
}

static void add_wait(json_t *row, uint64_t count, uint64_t total_ns, uint64_t max_ns)
{
	uint64_t max = (uint64_t)json_number_at(row, "max_ns");

	json_set_int(row, "count", count + (uint64_t)json_number_at(row, "count"));
	json_set_int(row, "total_ns", total_ns + (uint64_t)json_number_at(row, "total_ns"));
	json_set_int(row, "max_ns", max_ns > max ? max_ns : max);
}

/* Of whole waits; an edge has the longest part only. */
static void set_longest(const struct mmsim *sim, json_t *by_lock)
{
	struct mmsim_lock_site site;

	for (unsigned int i = 0; !mmsim_lock_site_at(sim, i, &site); i++) {
		json_t *lock = json_object_get(by_lock, site.lock);

		if (lock && site.wait.max_ns > (uint64_t)json_number_at(lock, "max_ns"))
			json_set_int(lock, "max_ns", site.wait.max_ns);
	}
}

/* object[a][b], made if it is not there. */
static json_t *member(json_t *object, const char *key)
{
	json_t *there = json_object_get(object, key);

	if (there)
		return there;
	there = json_object();
	json_object_set_new(object, key, there);
	return there;
}

static void add_waits(const struct mmsim *sim, json_t *result)
{
	json_t *rows = json_object(), *edges = json_array(), *by_task = json_object(),
	       *by_lock = json_object();
	struct mmsim_edge edge;
	const char *key;
	json_t *row;

	for (unsigned int i = 0; !mmsim_edge_at(sim, i, &edge); i++) {
		json_t *task = member(member(by_task, edge.waiter), edge.lock);
		json_t *lock = member(by_lock, edge.lock);

		row = edge_row(rows, &edge);
		add_wait(row, edge.count, edge.total_ns, edge.max_ns);
		json_set_int(row, "preempted_ns",
			     edge.preempted_ns + (uint64_t)json_number_at(row, "preempted_ns"));
		add_wait(task, edge.ended, edge.total_ns, edge.max_ns);
		add_wait(lock, edge.ended, edge.total_ns, edge.max_ns);
		json_set_int(lock, "behind_writer",
			     (uint64_t)json_number_at(lock, "behind_writer") +
				     (edge.behind_writer ? edge.count : 0));
		json_set_int(lock, "behind_writer_ns",
			     (uint64_t)json_number_at(lock, "behind_writer_ns") +
				     (edge.behind_writer ? edge.total_ns : 0));
	}
	set_longest(sim, by_lock);
	json_object_foreach(rows, key, row) json_array_append(edges, row);
	json_decref(rows);
	json_object_set_new(result, "waits_by_lock", by_lock);
	json_object_set_new(result, "waits_by_task", by_task);
	json_object_set_new(result, "edges", edges);
}

void json_set_bytes(json_t *object, const struct mmsim_bytes *bytes)
{
	json_t *one = json_object();

	json_set_int(one, "objects", bytes->objects);
	json_set_int(one, "bytes", bytes->bytes);
	json_object_set_new(object, bytes->type, one);
}

static json_t *bytes_json(const struct mmsim *sim)
{
	json_t *object = json_object();
	struct mmsim_bytes bytes;

	for (unsigned int i = 0; !mmsim_bytes_at(sim, i, &bytes); i++)
		json_set_bytes(object, &bytes);
	return object;
}

static json_t *cpus_json(const struct mmsim *sim)
{
	json_t *array = json_array();
	struct mmsim_cpu cpu;

	for (unsigned int i = 0; !mmsim_cpu_at(sim, i, &cpu); i++) {
		json_t *one = json_object();

		json_set_text(one, "cluster", cpu.cluster);
		json_set_int(one, "socket", cpu.socket);
		json_set_int(one, "capacity", cpu.capacity);
		json_set_int(one, "busy_ns", cpu.busy_ns);
		json_array_append_new(array, one);
	}
	return array;
}

/* The machine that was modelled, and what it counted. */
static json_t *model_json(const struct mmsim *sim)
{
	json_t *object = json_object(), *costs = json_object(), *counts = json_object();
	struct mmsim_counter counter;
	struct mmsim_cost cost;

	json_set_text(object, "preemption", mmsim_preemption(sim));
	/* From the machine's beginning to the end of the last task's exit, as the CPUs' busy_ns. */
	json_set_int(object, "ran_ns", mmsim_now_ns());
	for (unsigned int i = 0; !mmsim_cost_at(sim, i, &cost); i++)
		json_set_int(costs, cost.name, cost.value);
	for (unsigned int i = 0; !mmsim_machine_count_at(sim, i, &counter); i++)
		json_set_int(counts, counter.name, counter.value);
	json_object_set_new(object, "cpus", cpus_json(sim));
	json_object_set_new(object, "costs", costs);
	json_object_set_new(object, "counts", counts);
	return object;
}

json_t *result_json(const struct mmsim *sim, const struct run_info *info)
{
	json_t *object = json_object();
	json_t *mmsim = json_object();

	json_set_text(object, "schema", "mmsim-result-1");
	json_set_text(mmsim, "version", mmsim_version());
	json_set_text(mmsim, "commit", MMSIM_COMMIT);
	json_object_set_new(object, "mmsim", mmsim);
	json_object_set_new(object, "configuration", configuration_json(sim, info));
	json_object_set_new(object, "environment", environment_json(sim));
	json_object_set_new(object, "run", run_json(sim, info));
	json_object_set_new(object, "counters", counters_json(sim));
	json_object_set_new(object, "locks", locks_json(sim));
	json_object_set_new(object, "totals", totals_json(sim));
	add_waits(sim, object);
	json_object_set_new(object, "bytes", bytes_json(sim));
	if (mmsim_preemption(sim))
		json_object_set_new(object, "model", model_json(sim));
	return object;
}

void result_add_replay(json_t *result, const struct recording *rec,
		       const struct replay_result *replayed)
{
	json_t *run = json_object_get(result, "run");
	uint64_t done, as_recorded;

	replay_memory_calls(replayed, &done, &as_recorded);
	json_set_int(run, "elapsed_ns", replayed->elapsed_ns);
	json_set_int(run, "operations_total", replayed->ops_total);
	json_set_int(run, "operations_done", replayed->ops_done);
	json_set_int(run, "memory_calls_compared", done);
	json_set_int(run, "memory_calls_as_recorded", as_recorded);
	json_object_set_new(result, "operations", operations_json(replayed));
	json_object_set_new(result, "mapped", mapped_json(&replayed->counts));
	json_object_set_new(result, "recorded", recorded_json(rec));
}

const json_t *json_at(const json_t *object, const char *path)
{
	char key[128];
	const char *dot;

	while ((dot = strchr(path, '.'))) {
		snprintf(key, sizeof(key), "%.*s", (int)(dot - path), path);
		object = json_object_get(object, key);
		path = dot + 1;
	}
	return json_object_get(object, path);
}

double json_number_at(const json_t *object, const char *path)
{
	return json_number_value(json_at(object, path));
}
