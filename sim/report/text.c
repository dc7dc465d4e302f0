/* SPDX-License-Identifier: MIT */
/* Results as text, printed from their JSON. */
#include "metrics.h"
#include "result.h"
#include "exact.h"
#include "text.h"
#include "verdicts.h"

#include <stdlib.h>
#include <string.h>

#define EDGES_SHOWN 12

bool has_time(const json_t *result)
{
	return strcmp(text_at(result, "configuration", "machine"), "step") != 0;
}

bool is_host(const json_t *result)
{
	return !strcmp(text_at(result, "configuration", "machine"), "host");
}

const char *text_at(const json_t *object, const char *outer, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(object, outer), key));

	return text ? text : "?";
}

/* The CPUs of a modelled machine, those of a cluster together, and how busy they were. */
static void print_cpus(const json_t *result, FILE *out)
{
	const json_t *cpus = json_at(result, "model.cpus"), *cpu;
	double ran = json_number_at(result, "model.ran_ns");
	const char *last = "";
	size_t i;

	json_array_foreach((json_t *)cpus, i, cpu)
	{
		const char *cluster = json_string_value(json_object_get(cpu, "cluster"));

		if (strcmp(cluster, last))
			fprintf(out, "%s%s (%.0f)", i ? "; " : "", cluster,
				json_number_at(cpu, "capacity"));
		last = cluster;
		fprintf(out, " %.0f", ran ? 100 * json_number_at(cpu, "busy_ns") / ran : 0);
	}
	fputs(" % busy\n", out);
}

static void print_model(const json_t *result, FILE *out)
{
	fprintf(out,
		"modelled: preemption %s, HZ %.0f; CPUs: ", text_at(result, "model", "preemption"),
		json_number_at(result, "configuration.hz"));
	print_cpus(result, out);
}

/* Every output begins with what it takes to make it again. */
static void print_head_of(const json_t *result, const char *seeds, FILE *out)
{
	const char *point = text_at(result, "configuration", "point");

	fprintf(out, "mmsim %s (%s)  %s  machine %s", text_at(result, "mmsim", "version"),
		text_at(result, "mmsim", "commit"), seeds,
		text_at(result, "configuration", "machine"));
	if (json_object_get(result, "tasks"))
		fprintf(out, "\nscenario %s%s%s: %s\n",
			text_at(result, "configuration", "scenario"), *point ? ", " : "", point,
			json_string_value(json_object_get(result, "question")));
	else
		fprintf(out, "  think %g\nrecording %s\n",
			json_number_at(result, "configuration.think"),
			text_at(result, "configuration", "recording"));
	if (json_object_get(result, "model"))
		print_model(result, out);
	if (!is_host(result))
		return;
	fprintf(out,
		"on %s, %.0f CPUs, Linux %s; charged: trap %.0f ns, system call %.0f ns, "
		"IPI %.0f ns\n",
		text_at(result, "environment", "cpu"), json_number_at(result, "environment.cpus"),
		text_at(result, "environment", "kernel"),
		json_number_at(result, "environment.emulated_ns.trap"),
		json_number_at(result, "environment.emulated_ns.syscall"),
		json_number_at(result, "environment.emulated_ns.ipi"));
}

void print_head(const json_t *result, FILE *out)
{
	char seed[48];

	snprintf(seed, sizeof(seed), "seed %lld",
		 (long long)json_integer_value(json_at(result, "configuration.seed")));
	print_head_of(result, seed, out);
}

void print_head_of_runs(const json_t *runs, FILE *out)
{
	const json_t *first = json_array_get(runs, 0);
	const json_t *last = json_array_get(runs, json_array_size(runs) - 1);
	char seeds[80];

	snprintf(seeds, sizeof(seeds), "seeds %lld to %lld",
		 (long long)json_integer_value(json_at(first, "configuration.seed")),
		 (long long)json_integer_value(json_at(last, "configuration.seed")));
	print_head_of(first, seeds, out);
}

void print_strategies(const json_t *result, const char *label, FILE *out)
{
	const json_t *rwsem = json_object_get(json_object_get(result, "configuration"), "rwsem");
	const json_t *changes = json_at(result, "configuration.machine_changes");
	const json_t *what_if = json_at(result, "configuration.what_if");

	fprintf(out, "%s kernel %s: fault %s, madvise %s, munmap %s, ", label,
		text_at(result, "configuration", "kernel"),
		text_at(result, "configuration", "fault"),
		text_at(result, "configuration", "madvise"),
		text_at(result, "configuration", "munmap"));
	/* Where it makes no difference it would be in the way. */
	if (json_number_at(result, "counters.rmap_walks") ||
	    json_number_at(result, "counters.fork_calls"))
		fprintf(out, "anon_rmap %s, rmap_contended %s, ",
			text_at(result, "configuration", "anon_rmap"),
			text_at(result, "configuration", "rmap_contended"));
	fprintf(out, "rwsem %s", json_string_value(json_object_get(rwsem, "mmap_lock")));
	if (changes)
		fprintf(out, "; with %s", json_string_value(changes));
	if (what_if)
		fprintf(out, "; holds times %s", json_string_value(what_if));
	fputc('\n', out);
}

/* What the recording lacks is lacking in whatever is compared with it. */
static void print_limits(const json_t *result, FILE *out)
{
	const char *stat;
	json_t *value;

	json_object_foreach(json_object_get(result, "recorded"), stat,
			    value) if (recording_limit(stat) && json_integer_value(value))
		fprintf(out, "note: %s\n", recording_limit(stat));
}

/* ---- the rows of `run` and `compare` of recordings ---- */

struct row {
	const char *name;
	enum metric_format format;
	const char *path; /* of the value, or of the part */
	const char *whole; /* FORMAT_PERCENT: of what */
	const char *recorded, *recorded_whole; /* the same in the recording; NULL: not in it */
};

/* clang-format off */
static const struct row rows[] = {
	{ "elapsed, s", FORMAT_SECONDS, "run.elapsed_ns", NULL, "recorded.recorded_duration_ns",
	  NULL },
	{ "operations done", FORMAT_COUNT, "run.operations_done", NULL, NULL, NULL },
	{ "memory calls with the recorded result", FORMAT_PERCENT, "run.memory_calls_as_recorded",
	  "run.memory_calls_compared", NULL, NULL },
	{ "page faults", FORMAT_COUNT, "counters.pgfault", NULL, "recorded.recorded_fault_total",
	  NULL },
	{ "  of them under the VMA lock", FORMAT_PERCENT, "counters.vma_lock_success",
	  "counters.pgfault", "recorded.recorded_fault_vma_lock", "recorded.recorded_fault_total" },
	{ "madvise DONTNEED and FREE", FORMAT_COUNT, "counters.madvise_zaps", NULL,
	  "recorded.recorded_madvise_dontneed_free", NULL },
	{ "  of them under the VMA lock", FORMAT_PERCENT, "counters.madvise_vma_lock",
	  "counters.madvise_zaps", "recorded.recorded_madvise_vma_lock",
	  "recorded.recorded_madvise_dontneed_free" },
	{ "mmap_lock taken for reading", FORMAT_COUNT, "totals.mmap_lock_read", NULL,
	  "recorded.recorded_mmap_lock_read", NULL },
	{ "mmap_lock taken for writing", FORMAT_COUNT, "totals.mmap_lock_write", NULL,
	  "recorded.recorded_mmap_lock_write", NULL },
	{ "waits for sleeping locks, readers", FORMAT_COUNT, "totals.contended_read", NULL,
	  "recorded.recorded_contention_begin_read", NULL },
	{ "waits for sleeping locks, writers", FORMAT_COUNT, "totals.contended_write", NULL,
	  "recorded.recorded_contention_begin_write", NULL },
	{ "waits for spinlocks", FORMAT_COUNT, "totals.contended_spin", NULL,
	  "recorded.recorded_contention_begin_spin", NULL },
	{ "mmap_lock waits", FORMAT_COUNT, "waits_by_lock.mmap_lock.count", NULL,
	  "recorded.recorded_mmap_lock_wait_count", NULL },
	{ "  in all, ms", FORMAT_MS, "waits_by_lock.mmap_lock.total_ns", NULL,
	  "recorded.recorded_mmap_lock_wait_ns", NULL },
	{ "  longest, ms", FORMAT_MS, "waits_by_lock.mmap_lock.max_ns", NULL,
	  "recorded.recorded_mmap_lock_wait_ns_max", NULL },
	{ "  of them behind a queued writer", FORMAT_COUNT, "waits_by_lock.mmap_lock.behind_writer",
	  NULL, NULL, NULL },
	{ "madvise, p99 us", FORMAT_US, "operations.madvise.latency.p99_ns", NULL, NULL, NULL },
	{ "madvise, longest us", FORMAT_US, "operations.madvise.latency.max_ns", NULL, NULL, NULL },
	{ "mmap, longest us", FORMAT_US, "operations.mmap.latency.max_ns", NULL, NULL, NULL },
	{ "store, p99 us", FORMAT_US, "operations.w.latency.p99_ns", NULL, NULL, NULL },
	{ "store, longest us", FORMAT_US, "operations.w.latency.max_ns", NULL, NULL, NULL },
	{ "host artefacts", FORMAT_COUNT, "run.host_artefacts", NULL, NULL, NULL },
};
/* clang-format on */

#define NR_ROWS (sizeof(rows) / sizeof(*rows))

static double row_value(const json_t *r, const struct row *m)
{
	double all = m->whole ? json_number_at(r, m->whole) : 1;

	return all > 0 ? metric_scaled(json_number_at(r, m->path) / all, m->format) : 0;
}

static const char *recorded_text(const json_t *r, const struct row *m, char *buf, size_t size)
{
	struct row recorded = *m;

	if (!m->recorded || !json_at(r, m->recorded))
		return "-";
	recorded.path = m->recorded;
	recorded.whole = m->recorded_whole;
	return metric_text(row_value(r, &recorded), m->format, buf, size);
}

/* The value of a run, or of several like @r; a share of nothing is no number. */
static const char *simulated_text(const json_t *r, double value, const struct row *m, char *buf,
				  size_t size)
{
	if (m->format == FORMAT_PERCENT && json_number_at(r, m->whole) <= 0)
		return "-";
	return metric_text(value, m->format, buf, size);
}

/* The step machine has no costs: its times would say nothing. */
static bool row_applies(const struct row *m, const json_t *result)
{
	bool is_time = m->format != FORMAT_COUNT && m->format != FORMAT_PERCENT;

	return !is_time || has_time(result);
}

/* ---- run ---- */

static const char *edge_text(const json_t *edge, const char *key)
{
	return json_string_value(json_object_get(edge, key));
}

static void print_holding(const json_t *classes, FILE *out)
{
	size_t n = json_array_size(classes);

	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s%s", i ? ", " : ", holding ",
			json_string_value(json_array_get(classes, i)), i + 1 < n ? "" : ",");
}

static void print_edge(const json_t *edge, bool timed, FILE *out)
{
	bool behind = json_is_true(json_object_get(edge, "behind_writer"));

	fprintf(out, "  %s in %s", edge_text(edge, "waiter"), edge_text(edge, "waiter_site"));
	print_holding(json_object_get(edge, "holding"), out);
	fprintf(out, " for %s%s%s %s in %s (%s",
		json_is_true(json_object_get(edge, "spins")) ? "spinlock " : "",
		edge_text(edge, "lock"), behind ? " behind queued writer" : " of",
		edge_text(edge, "holder"), edge_text(edge, "holder_site"),
		edge_text(edge, "holder_state"));
	if (json_number_at(edge, "chain_length") > 1)
		fprintf(out, ", in the end for %s in %s", edge_text(edge, "chain_end"),
			edge_text(edge, "chain_end_site"));
	fprintf(out, "): %.0f times", json_number_at(edge, "count"));
	if (timed && json_number_at(edge, "preempted_ns") >= 1000)
		fprintf(out, ", %.3f ms (it preempted %.3f), longest %.3f ms",
			json_number_at(edge, "total_ns") / 1e6,
			json_number_at(edge, "preempted_ns") / 1e6,
			json_number_at(edge, "max_ns") / 1e6);
	else if (timed)
		fprintf(out, ", %.3f ms, longest %.3f ms", json_number_at(edge, "total_ns") / 1e6,
			json_number_at(edge, "max_ns") / 1e6);
	fputc('\n', out);
}

/* Waits for sleeping locks first: those for spinlocks are mostly the host's scheduler. */
static int by_total(const void *a, const void *b)
{
	bool a_spins = json_is_true(json_object_get(*(json_t *const *)a, "spins"));
	bool b_spins = json_is_true(json_object_get(*(json_t *const *)b, "spins"));
	double x = json_number_at(*(json_t *const *)a, "total_ns");
	double y = json_number_at(*(json_t *const *)b, "total_ns");

	if (a_spins != b_spins)
		return a_spins - b_spins;
	return (x < y) - (x > y);
}

void print_edges(const json_t *result, const char *title, FILE *out)
{
	const json_t *edges = json_object_get(result, "edges");
	size_t n = json_array_size(edges);
	const json_t **sorted = calloc(n + 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < n; i++)
		sorted[i] = json_array_get(edges, i);
	if (sorted && n) {
		qsort(sorted, n, sizeof(*sorted), by_total);
		fprintf(out, "\n%s\n", title);
	}
	for (size_t i = 0; sorted && i < n && i < EDGES_SHOWN; i++)
		print_edge(sorted[i], has_time(result), out);
	free(sorted);
}

void print_nonzero(const json_t *object, const char *title, FILE *out)
{
	bool any = false;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		if (!json_integer_value(value))
			continue;
		if (!any)
			fprintf(out, "\n%s\n", title);
		any = true;
		fprintf(out, "  %-28s %12lld\n", key, (long long)json_integer_value(value));
	}
}

void result_print(const json_t *result, FILE *out)
{
	char a[32], b[32];

	if (json_object_get(result, "tasks")) {
		workload_print(result, out);
		return;
	}
	print_head(result, out);
	print_limits(result, out);
	print_strategies(result, "as", out);
	fprintf(out, "%s\n\n%-42s %12s %12s\n", text_at(result, "run", "outcome"), "", "simulated",
		"recorded");
	for (size_t i = 0; i < NR_ROWS; i++) {
		if (!row_applies(&rows[i], result))
			continue;
		fprintf(out, "%-42s %12s %12s\n", rows[i].name,
			simulated_text(result, row_value(result, &rows[i]), &rows[i], a, sizeof(a)),
			recorded_text(result, &rows[i], b, sizeof(b)));
	}
	print_edges(result, "who waited for whom (the longest in all first)", out);
	print_nonzero(json_object_get(result, "counters"), "counters", out);
	print_nonzero(json_object_get(result, "mapped"), "not simulated, done in its place", out);
}

/* ---- compare ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median over the runs of one side. */
static double median_of(const json_t *runs, double (*value)(const json_t *run, const void *what),
			const void *what)
{
	size_t n = json_array_size(runs);
	double *values = calloc(n + 1, sizeof(*values));
	double median = 0;

	if (!values || !n) {
		free(values);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		values[i] = value(json_array_get(runs, i), what);
	qsort(values, n, sizeof(*values), by_value);
	median = n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
	free(values);
	return median;
}

static double value_of_row(const json_t *run, const void *what)
{
	return row_value(run, what);
}

static double value_at_path(const json_t *run, const void *what)
{
	return json_number_at(run, what);
}

struct sides {
	const json_t *a, *b; /* arrays of results */
	FILE *out;
	bool timed;
};

static void print_side_by_side(const struct sides *s, const char *name, const struct row *m)
{
	char a[32], b[32], recorded[32];

	fprintf(s->out, "%-42s %12s %12s %12s\n", name,
		simulated_text(json_array_get(s->a, 0), median_of(s->a, value_of_row, m), m, a,
			       sizeof(a)),
		simulated_text(json_array_get(s->b, 0), median_of(s->b, value_of_row, m), m, b,
			       sizeof(b)),
		recorded_text(json_array_get(s->a, 0), m, recorded, sizeof(recorded)));
}

/* One line a (task name, lock) or a lock that was waited for on either side. */
static void print_wait_line(const struct sides *s, const char *label, const char *where)
{
	char count[160], total[160], longest[160];
	double a[3], b[3];

	snprintf(count, sizeof(count), "%s.count", where);
	snprintf(total, sizeof(total), "%s.total_ns", where);
	snprintf(longest, sizeof(longest), "%s.max_ns", where);
	a[0] = median_of(s->a, value_at_path, count);
	a[1] = median_of(s->a, value_at_path, total);
	a[2] = median_of(s->a, value_at_path, longest);
	b[0] = median_of(s->b, value_at_path, count);
	b[1] = median_of(s->b, value_at_path, total);
	b[2] = median_of(s->b, value_at_path, longest);
	if (!a[0] && !b[0])
		return;
	if (s->timed)
		fprintf(s->out, "  %-32s %7.0f %9.2f %8.2f   %7.0f %9.2f %8.2f\n", label, a[0],
			a[1] / 1e6, a[2] / 1e6, b[0], b[1] / 1e6, b[2] / 1e6);
	else
		fprintf(s->out, "  %-32s %7.0f %7.0f\n", label, a[0], b[0]);
}

/* The names that any run of either side has, in object @key of a result. */
static json_t *names_in(const struct sides *s, const char *key)
{
	const json_t *sides[] = {s->a, s->b};
	json_t *names = json_object();

	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < json_array_size(sides[side]); i++)
			json_object_update_missing(
				names, json_object_get(json_array_get(sides[side], i), key));
	return names;
}

static void print_waits_by_task(const struct sides *s)
{
	json_t *tasks = names_in(s, "waits_by_task"), *locks = names_in(s, "waits_by_lock");
	const char *task, *lock;
	json_t *ignored;

	json_object_foreach(tasks, task, ignored)
	{
		const char *l;
		json_t *ignored_too;

		json_object_foreach(locks, l, ignored_too)
		{
			char where[128], label[80];

			lock = l;
			snprintf(where, sizeof(where), "waits_by_task.%s.%s", task, lock);
			snprintf(label, sizeof(label), "%s: %s", task, lock);
			print_wait_line(s, label, where);
		}
	}
	json_decref(tasks);
	json_decref(locks);
}

static void print_waits(const struct sides *s)
{
	json_t *locks = names_in(s, "waits_by_lock");
	json_t *ignored;
	const char *lock;

	if (s->timed)
		fprintf(s->out, "\n%-34s %26s   %26s\n%-34s %7s %9s %8s   %7s %9s %8s\n",
			"waits by lock", "a", "b", "", "count", "in all", "longest", "count",
			"in all", "longest ms");
	else
		fprintf(s->out, "\n%-34s %7s %7s\n", "waits by lock", "a", "b");
	json_object_foreach(locks, lock, ignored)
	{
		char where[128];

		snprintf(where, sizeof(where), "waits_by_lock.%s", lock);
		print_wait_line(s, lock, where);
	}
	fprintf(s->out, "waits by task and lock\n");
	print_waits_by_task(s);
	json_decref(locks);
}

/* What disturbed, or may have. */
static void print_fitness(const json_t *comparison, FILE *out)
{
	const char *why = text_at(comparison, "fitness", "why");
	const char *remarks = text_at(comparison, "fitness", "remarks");

	if (*why)
		fprintf(out, "NOT FIT to measure on: %s\n", why);
	if (json_object_get(comparison, "fitness_during") &&
	    *text_at(comparison, "fitness_during", "why"))
		fprintf(out, "NOT FIT while the rounds ran: %s\n",
			text_at(comparison, "fitness_during", "why"));
	if (*remarks)
		fprintf(out, "remark: %s\n", remarks);
}

static void print_disturbance(const json_t *comparison, FILE *out)
{
	if (json_object_get(comparison, "fitness_during"))
		fprintf(out,
			"\nwhile the rounds ran other programs used %.2f CPUs, and the hypervisor "
			"gave %.1f %% of the CPU time to others\n",
			json_number_at(comparison, "fitness_during.busy"),
			100 * json_number_at(comparison, "fitness_during.steal"));
}

/* "a: piece=4,gc.nice=0; kernel 6.18: ...": what the side is, its keys of the scenario first. */
static void print_side(const json_t *side, const char *name, FILE *out)
{
	const char *key, *before = " ";
	json_t *value;

	fprintf(out, "%s:", name);
	json_object_foreach(json_object_get(side, "keys"), key, value)
	{
		fprintf(out, "%s%s=%s", before, key, json_string_value(value));
		before = ",";
	}
	print_strategies(json_array_get(json_object_get(side, "runs"), 0),
			 *before == ',' ? ";" : "", out);
}

/* Of each side, where its tasks with deadlines lost most. */
static void print_blame(const json_t *comparison, FILE *out)
{
	const json_t *blame = json_object_get(comparison, "blame"), *one;
	size_t i;

	json_array_foreach(blame, i, one)
		fprintf(out, "%s%s, seed %.0f: %s\n", i ? "" : "\n", edge_text(one, "side"),
			json_number_at(one, "seed"), edge_text(one, "text"));
}

void compare_print(const json_t *comparison, FILE *out)
{
	const json_t *a = json_object_get(comparison, "a"), *b = json_object_get(comparison, "b");
	struct sides s = {
		.a = json_object_get(a ? a : b, "runs"),
		.b = json_object_get(b, "runs"),
		.out = out,
	};
	const json_t *first = json_array_get(s.a, 0);
	/* Measured in rounds; else on a model, and exact. */
	bool measured = json_object_get(comparison, "fitness");

	s.timed = has_time(first);
	if (measured)
		print_head(first, out);
	else
		print_head_of_runs(s.a, out);
	print_limits(first, out);
	if (a)
		print_side(a, "a", out);
	print_side(b, "b", out);
	if (measured) {
		print_fitness(comparison, out);
		verdicts_print(comparison, out);
	} else {
		exact_print(json_object_get(comparison, "metrics"), out);
	}
	print_blame(comparison, out);
	if (a && !json_object_get(first, "tasks")) {
		fprintf(out, "\n%-42s %12s %12s %12s\n", "medians", "a", "b", "recorded");
		for (size_t i = 0; i < NR_ROWS; i++)
			if (row_applies(&rows[i], first))
				print_side_by_side(&s, rows[i].name, &rows[i]);
	}
	if (a)
		print_waits(&s);
	print_nonzero(json_object_get(first, "mapped"), "not simulated, done in its place (a run)",
		      out);
	print_disturbance(comparison, out);
}
