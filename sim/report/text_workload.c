/* SPDX-License-Identifier: MIT */
/* A scenario's run as text: operations and frames of its tasks, stalls, madvise. */
#include "blame.h"
#include "result.h"
#include "text.h"

#include <mmsim/mmsim.h>
#include <string.h>

#define SPIN_SUSPICIOUS_NS 100000 /* a wait for a spinlock this long had a preempted holder */

static void print_summary(const json_t *result, FILE *out)
{
	double refused = json_number_at(result, "run.host_refused");

	fprintf(out, "%s; ", text_at(result, "run", "outcome"));
	if (has_time(result))
		fprintf(out, "%.2f s, ", json_number_at(result, "run.elapsed_ns") / 1e9);
	else
		fprintf(out, "%.0f steps, ", json_number_at(result, "run.steps"));
	fprintf(out, "%.0f operations; %.0f VMAs when the tasks began\n",
		json_number_at(result, "run.operations_done"), json_number_at(result, "run.vmas"));
	if (refused)
		fprintf(out, "%.0f tasks did not get their nice, FIFO priority or CPUs\n", refused);
}

/* A kernel runs with preemption off under a spinlock; a thread cannot. */
static void print_artefacts(const json_t *result, FILE *out)
{
	double longest = json_number_at(result, "totals.spin_wait_ns_max");
	double parks = json_number_at(result, "run.host_artefacts");

	if (!is_host(result) || (!parks && longest < SPIN_SUSPICIOUS_NS))
		return;
	fprintf(out,
		"\nof the host, not of a kernel: %.0f parks of spinners; waits for spinlocks "
		"%.3f ms, longest %.3f ms\n(a kernel's holder of a spinlock is not preempted: no "
		"wait for one is long there)\n",
		parks, json_number_at(result, "totals.spin_wait_ns") / 1e6, longest / 1e6);
}

static void print_operation(const json_t *result, const char *task, const char *name,
			    const json_t *op, FILE *out)
{
	double seconds = json_number_at(result, "run.elapsed_ns") / 1e9;
	double done = json_number_at(op, "done");

	fprintf(out, "%-18s %-10s %10.0f %8.0f", task, name, done, json_number_at(op, "failed"));
	if (has_time(result))
		fprintf(out, " %10.0f %10.2f %10.2f %11.2f", seconds > 0 ? done / seconds : 0,
			json_number_at(op, "latency.p50_ns") / 1e3,
			json_number_at(op, "latency.p99_ns") / 1e3,
			json_number_at(op, "latency.max_ns") / 1e3);
	fputc('\n', out);
}

static void print_operations(const json_t *result, FILE *out)
{
	json_t *tasks = json_object_get(result, "tasks"), *task, *op;
	const char *name, *kind;

	fprintf(out, "\n%-18s %-10s %10s %8s", "task", "operation", "count", "failed");
	if (has_time(result))
		fprintf(out, " %10s %10s %10s %11s", "a second", "p50 us", "p99 us", "longest us");
	fputc('\n', out);
	json_object_foreach(tasks, name, task)
	{
		char label[64];

		snprintf(label, sizeof(label), "%s", name);
		if (json_number_at(task, "count") != 1)
			snprintf(label, sizeof(label), "%s x%.0f", name,
				 json_number_at(task, "count"));
		json_object_foreach(json_object_get(task, "operations"), kind, op)
		{
			print_operation(result, label, kind, op, out);
			*label = '\0';
		}
	}
}

/* Why frames were missed, as far as it is known. */
static void print_missed(const json_t *task, FILE *out)
{
	double missed = json_number_at(task, "frames.missed");
	double locks = json_number_at(task, "frames.missed_for_locks");
	double spinlocks = json_number_at(task, "frames.missed_for_spinlocks");
	double cpu = json_number_at(task, "frames.missed_for_cpu");

	fprintf(out, " %8.0f %6.0f %9.0f %6.0f %6.0f", missed, locks, spinlocks, cpu,
		missed - locks - spinlocks - cpu);
}

/* One of whom was waited for: where the task stood, and what became of it meanwhile. */
static void print_link(const json_t *link, bool first, FILE *out)
{
	const char *task = json_string_value(json_object_get(link, "task"));
	const char *lock = json_string_value(json_object_get(link, "lock"));
	const char *site = json_string_value(json_object_get(link, "site"));
	double for_ns = json_number_at(link, "for_ns");
	double preempted = json_number_at(link, "preempted_ns");
	const char *doing = json_string_value(json_object_get(link, "state"));
	bool is_preempted = !strcmp(doing, "preempted");

	fprintf(out, "    %s", first ? "" : "which waited for ");
	if (json_is_true(json_object_get(link, "behind_writer")))
		fprintf(out, "behind the queued writer %s in %s, waiting since %.3f ms", task, site,
			for_ns / 1e6);
	else
		fprintf(out, "%s%s in %s, which had %s%s for %.3f ms", first ? "for " : "", task,
			site, lock, json_is_true(json_object_get(link, "write")) ? " (write)" : "",
			for_ns / 1e6);
	fprintf(out, ": %s on cpu %.0f", doing, json_number_at(link, "cpu"));
	if (preempted >= 1000)
		fprintf(out, "%s for %.3f ms", is_preempted ? "" : ", then preempted there",
			preempted / 1e6);
	fputc('\n', out);
}

static void print_longest_wait(const json_t *task, FILE *out)
{
	const json_t *wait = json_object_get(task, "longest_wait"), *link;
	size_t i;

	if (!wait)
		return;
	fprintf(out, "  the longest wait, %.3f ms from %.3f ms on: in %s for %s\n",
		json_number_at(wait, "ns") / 1e6, json_number_at(wait, "at_ns") / 1e6,
		text_at(task, "longest_wait", "site"), text_at(task, "longest_wait", "lock"));
	json_array_foreach(json_object_get(wait, "chain"), i, link) print_link(link, !i, out);
}

static void print_frames_of(const json_t *result, const char *name, const json_t *task, FILE *out)
{
	fprintf(out, "%-18s %8.0f", name, json_number_at(task, "frames.made"));
	if (!has_time(result)) {
		fputc('\n', out);
		return;
	}
	print_missed(task, out);
	fprintf(out, " %10.3f %10.3f %10.3f\n",
		json_number_at(task, "frames.response.p50_ns") / 1e6,
		json_number_at(task, "frames.response.p99_ns") / 1e6,
		json_number_at(task, "frames.response.max_ns") / 1e6);
	fprintf(out,
		"  longest wait for a lock %.3f ms, for a spinlock %.3f ms; longest operation "
		"%.3f ms, %s\n",
		json_number_at(task, "waits.max_ns") / 1e6,
		json_number_at(task, "spins.max_ns") / 1e6,
		json_number_at(task, "longest.ns") / 1e6, text_at(task, "longest", "operation"));
	print_longest_wait(task, out);
}

static void print_frames(const json_t *result, FILE *out)
{
	json_t *tasks = json_object_get(result, "tasks"), *task;
	const char *name;
	bool head = false;

	json_object_foreach(tasks, name, task)
	{
		if (!json_object_get(task, "frames"))
			continue;
		if (!head && has_time(result))
			fprintf(out, "\n%-18s %8s %8s %6s %9s %6s %6s %10s %10s %10s\n",
				"frames of", "made", "missed", "locks", "spinlocks", "CPU", "else",
				"p50 ms", "p99 ms", "longest ms");
		else if (!head)
			fprintf(out, "\n%-18s %8s\n", "frames of", "made");
		head = true;
		print_frames_of(result, name, task, out);
	}
}

/* Why DONTNEED and FREE were not done under the VMA lock. */
static void print_madvise(const json_t *result, FILE *out)
{
	double all = json_number_at(result, "counters.madvise_zaps");
	double under = json_number_at(result, "counters.madvise_vma_lock");
	struct mmsim_counter counter;

	if (!all)
		return;
	fprintf(out, "\nmadvise DONTNEED and FREE: %.0f, %.1f %% under the VMA lock\n", all,
		100 * under / all);
	for (unsigned int i = 0; !mmsim_counter_info_at(i, &counter); i++) {
		char path[80];

		if (strncmp(counter.name, "madvise_fallback_", 17))
			continue;
		snprintf(path, sizeof(path), "counters.%s", counter.name);
		if (json_number_at(result, path))
			fprintf(out, "  %10.0f not: %s\n", json_number_at(result, path),
				counter.help);
	}
}

static double bytes_of(const json_t *result, const char *type, const char *what)
{
	char path[80];

	snprintf(path, sizeof(path), "bytes.%s.%s", type, what);
	return json_number_at(result, path);
}

/* How pages found their PTEs, and what is kept for that. */
static void print_rmap(const json_t *result, FILE *out)
{
	static const char *const types[] = {"vm_area_struct", "anon_vma", "anon_vma_chain",
					    "pte_table"};
	double walks = json_number_at(result, "counters.rmap_walks");
	double exclusive = json_number_at(result, "pages.exclusive");
	double pages = exclusive + json_number_at(result, "pages.shared");

	if (!walks && !json_number_at(result, "counters.fork_calls"))
		return;
	fprintf(out,
		"\nwalks from pages: %.0f, met %.2f VMAs each, %.1f %% under the page's own "
		"lock; given up: %.0f\n",
		walks, walks ? json_number_at(result, "counters.rmap_vmas") / walks : 0,
		walks ? 100 * json_number_at(result, "counters.rmap_exclusive") / walks : 0,
		json_number_at(result, "counters.rmap_contended"));
	fprintf(out, "pages at the end: %.0f, %.1f %% mapped by one process alone; in MiB:", pages,
		pages ? 100 * exclusive / pages : 0);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		fprintf(out, "%s %s %.1f (%.0f)", i ? "," : "", types[i],
			bytes_of(result, types[i], "bytes") / (1 << 20),
			bytes_of(result, types[i], "objects"));
	fprintf(out,
		"\nVMAs of ended processes that fork had made of faulted ones: %.0f, of them "
		"with all pages copied: %.0f\n",
		json_number_at(result, "counters.exit_inherited"),
		json_number_at(result, "counters.exit_copied"));
}

void workload_print(const json_t *result, FILE *out)
{
	print_head(result, out);
	print_strategies(result, "as", out);
	print_summary(result, out);
	print_operations(result, out);
	print_frames(result, out);
	print_madvise(result, out);
	print_rmap(result, out);
	blame_print(result, out);
	print_edges(result, "who waited for whom (the longest in all first)", out);
	print_artefacts(result, out);
	print_nonzero(json_object_get(result, "counters"), "counters", out);
}
