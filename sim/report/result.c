/* SPDX-License-Identifier: MIT */
/* A run's result as JSON. */
#define _GNU_SOURCE 1
#include "result.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef MMSIM_COMMIT
#define MMSIM_COMMIT "unknown"
#endif

static void set_int(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void set_text(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key, json_string(value ? value : ""));
}

static json_t *axes_json(const struct mmsim *sim)
{
	static const char *const axes[] = {"kernel", "machine", "fault", "madvise", "munmap"};
	json_t *object = json_object();
	json_t *rwsem = json_object();
	const char *name, *guards;
	char axis[64];

	for (size_t i = 0; i < sizeof(axes) / sizeof(*axes); i++)
		set_text(object, axes[i], mmsim_effective(sim, axes[i]));
	for (unsigned int i = 0; !mmsim_lock_class_at(i, &name, &guards); i++) {
		snprintf(axis, sizeof(axis), "rwsem.%s", name);
		set_text(rwsem, name, mmsim_effective(sim, axis));
	}
	json_object_set_new(object, "rwsem", rwsem);
	return object;
}

static json_t *configuration_json(const struct mmsim *sim, const struct mmsim_config *config,
				  const struct run_info *info)
{
	json_t *object = axes_json(sim);

	set_int(object, "seed", config->seed);
	set_int(object, "memory_bytes", config->memory_bytes);
	set_int(object, "max_map_count", config->max_map_count);
	set_int(object, "hz", config->hz);
	json_object_set_new(object, "emulate_costs", json_boolean(config->emulate_costs));
	json_object_set_new(object, "statistics", json_boolean(config->statistics));
	json_object_set_new(object, "think", json_real(info->think));
	set_text(object, "recording", info->recording);
	set_text(object, "command", info->command);
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
	set_int(object, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	set_text(object, "cpu", cpu);
	set_text(object, "kernel", uts.release);
	set_int(work, "trap", mmsim_work_ns(sim, "trap"));
	set_int(work, "syscall", mmsim_work_ns(sim, "syscall"));
	set_int(work, "ipi", mmsim_work_ns(sim, "ipi"));
	json_object_set_new(object, "emulated_ns", work);
	return object;
}

static json_t *times_json(uint64_t count, uint64_t sum, uint64_t p50, uint64_t p99, uint64_t max)
{
	json_t *object = json_object();

	set_int(object, "count", count);
	set_int(object, "sum_ns", sum);
	set_int(object, "p50_ns", p50);
	set_int(object, "p99_ns", p99);
	set_int(object, "max_ns", max);
	return object;
}

static json_t *run_json(const struct mmsim *sim, const struct replay_result *result,
			const struct run_info *info)
{
	uint64_t done, as_recorded;
	json_t *object = json_object();

	replay_memory_calls(result, &done, &as_recorded);
	set_text(object, "outcome", info->outcome);
	set_int(object, "elapsed_ns", result->elapsed_ns);
	set_int(object, "operations_total", result->ops_total);
	set_int(object, "operations_done", result->ops_done);
	set_int(object, "memory_calls_compared", done);
	set_int(object, "memory_calls_as_recorded", as_recorded);
	set_int(object, "steps", mmsim_steps(sim));
	set_int(object, "host_artefacts", mmsim_host_artefacts(sim));
	return object;
}

static json_t *operations_json(const struct replay_result *result)
{
	json_t *object = json_object();

	for (int k = 0; k < NR_SIM_OPS; k++) {
		const struct replay_op_stats *op = &result->op[k];
		const struct histogram *h = &op->latency_ns;
		json_t *one = json_object();

		set_int(one, "done", op->done);
		set_int(one, "as_recorded", op->as_recorded);
		set_int(one, "differs", op->differs);
		json_object_set_new(one, "latency",
				    times_json(h->count, h->sum, histogram_quantile(h, 500),
					       histogram_quantile(h, 990), h->max));
		json_object_set_new(object, sim_op_specs[k].name, one);
	}
	return object;
}

static json_t *mapped_json(const struct replay_counts *counts)
{
	json_t *object = json_object();

#define X(field, what) set_int(object, #field, counts->field);
	REPLAY_MAPPED(X)
#undef X
	return object;
}

static json_t *recorded_json(const struct recording *rec)
{
	json_t *object = json_object();

	for (size_t i = 0; i < rec->nr_stats; i++)
		set_int(object, rec->stats[i].name, rec->stats[i].value);
	return object;
}

static json_t *counters_json(const struct mmsim *sim)
{
	json_t *object = json_object();
	struct mmsim_counter counter;

	for (unsigned int i = 0; !mmsim_counter_at(sim, i, &counter); i++)
		set_int(object, counter.name, counter.value);
	return object;
}

static json_t *mmsim_times_json(const struct mmsim_times *t)
{
	return times_json(t->count, t->sum_ns, t->p50_ns, t->p99_ns, t->max_ns);
}

static json_t *site_json(const struct mmsim_lock_site *site)
{
	json_t *object = json_object();

	set_text(object, "lock", site->lock);
	set_text(object, "site", site->site);
	set_int(object, "acquired_read", site->acquired_read);
	set_int(object, "acquired_write", site->acquired_write);
	set_int(object, "contended_read", site->contended_read);
	set_int(object, "contended_write", site->contended_write);
	set_int(object, "behind_writer", site->behind_writer);
	set_int(object, "behind_writer_ns", site->behind_writer_ns);
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
	uint64_t sleep_read = 0, sleep_write = 0, spin = 0;
	json_t *object = json_object();
	struct mmsim_lock_site site;

	for (unsigned int i = 0; !mmsim_lock_site_at(sim, i, &site); i++) {
		if (!strcmp(site.lock, "mmap_lock")) {
			read += site.acquired_read;
			write += site.acquired_write;
		}
		if (site.spins) {
			spin += site.wait.count;
			continue;
		}
		sleep_read += site.contended_read;
		sleep_write += site.contended_write;
	}
	set_int(object, "mmap_lock_read", read);
	set_int(object, "mmap_lock_write", write);
	set_int(object, "contended_read", sleep_read);
	set_int(object, "contended_write", sleep_write);
	set_int(object, "contended_spin", spin);
	return object;
}

/* What tells an edge's row from another's; its texts. */
static json_t *edge_key(const struct mmsim_edge *edge)
{
	json_t *key = json_object();

	set_text(key, "lock", edge->lock);
	set_text(key, "waiter", edge->waiter);
	set_text(key, "waiter_site", edge->waiter_site);
	set_text(key, "holder", edge->holder);
	set_text(key, "holder_site", edge->holder_site);
	set_text(key, "holder_state", edge->holder_state);
	set_text(key, "chain_end", edge->chain_end);
	set_text(key, "chain_end_site", edge->chain_end_site);
	set_int(key, "chain_length", edge->chain_length);
	json_object_set_new(key, "write", json_boolean(edge->write));
	json_object_set_new(key, "behind_writer", json_boolean(edge->behind_writer));
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

	set_int(row, "count", count + (uint64_t)json_number_at(row, "count"));
	set_int(row, "total_ns", total_ns + (uint64_t)json_number_at(row, "total_ns"));
	set_int(row, "max_ns", max_ns > max ? max_ns : max);
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

		add_wait(edge_row(rows, &edge), edge.count, edge.total_ns, edge.max_ns);
		add_wait(task, edge.count, edge.total_ns, edge.max_ns);
		add_wait(lock, edge.count, edge.total_ns, edge.max_ns);
		set_int(lock, "behind_writer",
			(uint64_t)json_number_at(lock, "behind_writer") +
				(edge.behind_writer ? edge.count : 0));
		set_int(lock, "behind_writer_ns",
			(uint64_t)json_number_at(lock, "behind_writer_ns") +
				(edge.behind_writer ? edge.total_ns : 0));
	}
	json_object_foreach(rows, key, row) json_array_append(edges, row);
	json_decref(rows);
	json_object_set_new(result, "waits_by_lock", by_lock);
	json_object_set_new(result, "waits_by_task", by_task);
	json_object_set_new(result, "edges", edges);
}

static json_t *bytes_json(const struct mmsim *sim)
{
	json_t *object = json_object();
	struct mmsim_bytes bytes;

	for (unsigned int i = 0; !mmsim_bytes_at(sim, i, &bytes); i++) {
		json_t *one = json_object();

		set_int(one, "objects", bytes.objects);
		set_int(one, "bytes", bytes.bytes);
		json_object_set_new(object, bytes.type, one);
	}
	return object;
}

json_t *result_json(const struct mmsim *sim, const struct mmsim_config *config,
		    const struct recording *rec, const struct replay_result *result,
		    const struct run_info *info)
{
	json_t *object = json_object();
	json_t *mmsim = json_object();

	set_text(object, "schema", "mmsim-result-1");
	set_text(mmsim, "version", mmsim_version());
	set_text(mmsim, "commit", MMSIM_COMMIT);
	json_object_set_new(object, "mmsim", mmsim);
	json_object_set_new(object, "configuration", configuration_json(sim, config, info));
	json_object_set_new(object, "environment", environment_json(sim));
	json_object_set_new(object, "run", run_json(sim, result, info));
	json_object_set_new(object, "operations", operations_json(result));
	json_object_set_new(object, "mapped", mapped_json(&result->counts));
	json_object_set_new(object, "recorded", recorded_json(rec));
	json_object_set_new(object, "counters", counters_json(sim));
	json_object_set_new(object, "locks", locks_json(sim));
	json_object_set_new(object, "totals", totals_json(sim));
	add_waits(sim, object);
	json_object_set_new(object, "bytes", bytes_json(sim));
	return object;
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
