/* SPDX-License-Identifier: MIT */
/* Numbers of results by name; see metrics.h. */
#include "metrics.h"
#include "result.h"

#include <errno.h>
#include <string.h>

/* clang-format off */
#define LOCK_WAITS(X, lock)                                                                        \
	X(lock ".wait.count", COUNT, false, "waits_by_lock." lock ".count", NULL,                  \
	  "contended waits for it")                                                                \
	X(lock ".wait.total", MS, false, "waits_by_lock." lock ".total_ns", NULL,                  \
	  "their time, added up")                                                                  \
	X(lock ".wait.longest", MS, false, "waits_by_lock." lock ".max_ns", NULL,                  \
	  "the longest of them")
#define METRICS(X)                                                                                 \
	X("elapsed", SECONDS, false, "run.elapsed_ns", NULL, "from the first task to the last") \
	X("ops.rate", RATE, true, "run.operations_done", "run.elapsed_ns",                         \
	  "operations on memory a second, all tasks")                                              \
	X("pgfault", COUNT, false, "counters.pgfault", NULL, "page faults")                        \
	X("pgfault.vma_lock", PERCENT, true, "counters.vma_lock_success", "counters.pgfault",      \
	  "of them under the VMA lock")                                                            \
	X("madvise.vma_lock", PERCENT, true, "counters.madvise_vma_lock", "counters.madvise_zaps", \
	  "DONTNEED and FREE under the VMA lock")                                                  \
	X("mmap_lock.read", COUNT, false, "totals.mmap_lock_read", NULL, "taken for reading")      \
	X("mmap_lock.write", COUNT, false, "totals.mmap_lock_write", NULL, "taken for writing")    \
	X("mmap_lock.hold", US, false, "totals.mmap_lock_hold_ns", "totals.mmap_lock_holds",       \
	  "mean time held; it grows when short holds go")                                          \
	LOCK_WAITS(X, "mmap_lock")                                                                 \
	LOCK_WAITS(X, "anon_vma_root")                                                             \
	X("rmap.exclusive", PERCENT, true, "counters.rmap_exclusive", "counters.rmap_walks",       \
	  "walks under the page's own anon_vma's lock")                                            \
	X("rmap.contended", COUNT, false, "counters.rmap_contended", NULL,                         \
	  "walks given up, as the lock was contended")                                             \
	X("madvise.p99", US, false, "operations.madvise.latency.p99_ns", NULL,                     \
	  "of a recording: time of a madvise")                                                     \
	X("w.p99", US, false, "operations.w.latency.p99_ns", NULL,                                 \
	  "of a recording: time of a store")                                                       \
	X("mmap.longest", US, false, "operations.mmap.latency.max_ns", NULL,                       \
	  "of a recording: the longest mmap")
/* clang-format on */

static const struct metric fixed[] = {
#define X(name, format, higher, path, whole, help) {name, FORMAT_##format, higher, path, whole},
	METRICS(X)
#undef X
};

/* Of a task; @path and @whole are within the task's object. */
static const struct metric of_task[] = {
	{"frames.missed", FORMAT_COUNT, false, "frames.missed", NULL},
	{"frames.missed_for_locks", FORMAT_COUNT, false, "frames.missed_for_locks", NULL},
	{"frames.made", FORMAT_COUNT, true, "frames.made", NULL},
	{"frames.p50", FORMAT_MS, false, "frames.response.p50_ns", NULL},
	{"frames.p99", FORMAT_MS, false, "frames.response.p99_ns", NULL},
	{"frames.longest", FORMAT_MS, false, "frames.response.max_ns", NULL},
	{"wait.count", FORMAT_COUNT, false, "waits.count", NULL},
	{"wait.total", FORMAT_MS, false, "waits.total_ns", NULL},
	{"wait.longest", FORMAT_MS, false, "waits.max_ns", NULL},
	{"spin.count", FORMAT_COUNT, false, "spins.count", NULL},
	{"spin.total", FORMAT_MS, false, "spins.total_ns", NULL},
	{"spin.longest", FORMAT_MS, false, "spins.max_ns", NULL},
	{"longest", FORMAT_MS, false, "longest.ns", NULL},
	{"loops.rate", FORMAT_RATE, true, "loops", "run.elapsed_ns"},
};

/* Of one kind of operation of a task. */
static const struct metric of_operation[] = {
	{"rate", FORMAT_RATE, true, "done", "run.elapsed_ns"},
	{"count", FORMAT_COUNT, true, "done", NULL},
	{"failed", FORMAT_COUNT, false, "failed", NULL},
	{"p50", FORMAT_US, false, "latency.p50_ns", NULL},
	{"p99", FORMAT_US, false, "latency.p99_ns", NULL},
	{"mean", FORMAT_US, false, "latency.sum_ns", "latency.count"},
	{"longest", FORMAT_US, false, "latency.max_ns", NULL},
};

/* Of the waits for a lock at one of its sites, or of the holds by those who took it there. */
static const struct metric of_site[] = {
	{"count", FORMAT_COUNT, false, "count", NULL},
	{"p50", FORMAT_US, false, "p50_ns", NULL},
	{"p99", FORMAT_US, false, "p99_ns", NULL},
	{"mean", FORMAT_US, false, "sum_ns", "count"},
	{"longest", FORMAT_US, false, "max_ns", NULL},
};

#define NELEMS(array) (sizeof(array) / sizeof((array)[0]))

static const struct metric *find(const struct metric *table, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

/* The task whose name and a dot @name begins with; names may hold dots. */
static const json_t *task_of(const json_t *result, const char *name, size_t *len)
{
	json_t *tasks = json_object_get(result, "tasks"), *task;
	const json_t *found = NULL;
	const char *key;

	json_object_foreach(tasks, key, task)
	{
		size_t n = strlen(key);

		if (!strncmp(name, key, n) && name[n] == '.' && (!found || n > *len)) {
			found = task;
			*len = n;
		}
	}
	return found;
}

/* LOCK.SITE.wait|hold_read|hold_write.FIELD */
struct site_name {
	char lock[32], site[32], what[32], field[32];
};

/* The metric that the name's last word is; NULL: it is no name of that form. */
static const struct metric *cut_site_name(const char *name, struct site_name *cut)
{
	if (sscanf(name, "%31[^.].%31[^.].%31[^.].%31[^.]", cut->lock, cut->site, cut->what,
		   cut->field) != 4)
		return NULL;
	if (strcmp(cut->what, "wait") && strcmp(cut->what, "hold_read") &&
	    strcmp(cut->what, "hold_write"))
		return NULL;
	return find(of_site, NELEMS(of_site), cut->field);
}

static const json_t *site_of(const json_t *result, const char *name, const struct metric **row)
{
	json_t *sites = json_object_get(result, "locks"), *one;
	struct site_name cut;
	size_t i;

	*row = cut_site_name(name, &cut);
	json_array_foreach(sites, i, one)
	{
		if (*row && !strcmp(json_string_value(json_object_get(one, "lock")), cut.lock) &&
		    !strcmp(json_string_value(json_object_get(one, "site")), cut.site))
			return json_object_get(one, cut.what);
	}
	return NULL;
}

/* Of a task's own; "frame.missed" is what people write, too. */
static const struct metric *find_of_task(const char *name)
{
	char plural[METRIC_NAME_MAX];

	if (strncmp(name, "frame.", 6))
		return find(of_task, NELEMS(of_task), name);
	snprintf(plural, sizeof(plural), "frames.%s", name + 6);
	return find(of_task, NELEMS(of_task), plural);
}

/* The object of a result that the paths of a metric start in. */
static const json_t *object_of(const json_t *result, const char *name, const struct metric **row)
{
	size_t len = 0, op_len;
	const json_t *task = task_of(result, name, &len), *operation;
	char op[32];

	*row = find(fixed, NELEMS(fixed), name);
	if (*row)
		return result;
	if (!task)
		return site_of(result, name, row);
	name += len + 1;
	*row = find_of_task(name);
	if (*row)
		return task;
	op_len = strcspn(name, ".");
	if (!name[op_len] || op_len >= sizeof(op))
		return NULL;
	memcpy(op, name, op_len);
	op[op_len] = '\0';
	operation = json_object_get(json_object_get(task, "operations"), op);
	*row = find(of_operation, NELEMS(of_operation), name + op_len + 1);
	return *row ? operation : NULL;
}

int metric_find(const json_t *result, const char *name, struct metric *metric)
{
	const struct metric *row;
	const json_t *object = object_of(result, name, &row);

	/* A lock that nobody waited for is not in the result: that is a 0. */
	if (!object || (!json_at(object, row->path) && strncmp(row->path, "waits_by_lock.", 14)))
		return -ENOENT;
	*metric = *row;
	snprintf(metric->name, sizeof(metric->name), "%s", name);
	return 0;
}

bool metric_find_in(const json_t *runs, const char *name, struct metric *metric)
{
	const json_t *run;
	size_t i;

	json_array_foreach(runs, i, run)
	{
		if (!metric_find(run, name, metric))
			return true;
	}
	return false;
}

bool metric_of_site(const char *name, struct metric *metric)
{
	struct site_name cut;
	const struct metric *row = cut_site_name(name, &cut);

	if (!row)
		return false;
	*metric = *row;
	snprintf(metric->name, sizeof(metric->name), "%s", name);
	return true;
}

bool metric_may_come(const json_t *empty, const char *name)
{
	struct metric metric;

	return !metric_find(empty, name, &metric) || metric_of_site(name, &metric);
}

/* What a part or a mean is of. */
static double whole_of(const json_t *result, const json_t *object, const struct metric *metric)
{
	return json_number_at(metric->format == FORMAT_RATE ? result : object, metric->whole);
}

/* A time of a histogram that holds none: its count stands beside it. */
static bool is_of_none(const json_t *object, const char *path)
{
	const char *dot = strrchr(path, '.');
	char count[METRIC_NAME_MAX];
	const json_t *number;

	snprintf(count, sizeof(count), "%.*scount", dot ? (int)(dot + 1 - path) : 0, path);
	number = json_at(object, count);
	return number && !json_number_value(number);
}

bool metric_measured(const json_t *result, const struct metric *metric)
{
	const struct metric *row;
	const json_t *object = object_of(result, metric->name, &row);

	if (metric->whole)
		return object && whole_of(result, object, metric) > 0;
	/* Who never waited has waited for no time. */
	if (metric->format == FORMAT_COUNT || !strncmp(metric->path, "waits", 5) ||
	    !strncmp(metric->path, "spins.", 6))
		return true;
	return object && json_at(object, metric->path) && !is_of_none(object, metric->path);
}

double metric_value(const json_t *result, const struct metric *metric)
{
	const struct metric *row;
	const json_t *object = object_of(result, metric->name, &row);
	double value = object ? json_number_at(object, metric->path) : 0, whole = 1;

	if (metric->whole)
		whole = whole_of(result, object, metric) /
			(metric->format == FORMAT_RATE ? 1e9 : 1);
	return whole > 0 ? metric_scaled(value / whole, metric->format) : 0;
}

static uint64_t integer_at(const json_t *object, const char *path)
{
	return (uint64_t)json_integer_value(json_at(object, path));
}

bool metric_integers(const json_t *result, const struct metric *metric, uint64_t *value,
		     uint64_t *whole)
{
	const struct metric *row;
	const json_t *object = object_of(result, metric->name, &row);

	*value = object ? integer_at(object, metric->path) : 0;
	*whole = 0;
	if (metric->whole && object)
		*whole = integer_at(metric->format == FORMAT_RATE ? result : object, metric->whole);
	return metric_measured(result, metric);
}

double metric_scaled(double value, enum metric_format format)
{
	static const double scale[] = {
		[FORMAT_COUNT] = 1, [FORMAT_RATE] = 1, [FORMAT_SECONDS] = 1e9,
		[FORMAT_MS] = 1e6,  [FORMAT_US] = 1e3, [FORMAT_PERCENT] = 0.01};

	return value / scale[format];
}

const char *metric_text(double value, enum metric_format format, char *buf, size_t size)
{
	int digits = format == FORMAT_COUNT || format == FORMAT_RATE ? 0 :
		     format == FORMAT_PERCENT			     ? 1 :
								       2;

	snprintf(buf, size, "%.*f%s", digits, value, format == FORMAT_PERCENT ? " %" : "");
	return buf;
}

const char *metric_unit(enum metric_format format)
{
	static const char *const unit[] = {
		[FORMAT_COUNT] = "", [FORMAT_RATE] = "1/s", [FORMAT_SECONDS] = "s",
		[FORMAT_MS] = "ms",  [FORMAT_US] = "us",    [FORMAT_PERCENT] = ""};

	return unit[format];
}

size_t metric_cut_name(const char **names, char name[METRIC_NAME_MAX])
{
	size_t len;

	*names += strspn(*names, " \t,");
	len = strcspn(*names, " \t,");
	snprintf(name, METRIC_NAME_MAX, "%.*s", (int)len, *names);
	*names += len;
	return len;
}

const char *metrics_of(const json_t *result)
{
	const char *said = json_string_value(json_object_get(result, "metrics"));

	if (said && *said)
		return said;
	if (json_object_get(result, "tasks"))
		return "ops.rate mmap_lock.wait.total mmap_lock.wait.longest";
	return "mmap_lock.wait.count mmap_lock.wait.total madvise.p99 w.p99";
}

static void print_rows(const struct metric *rows, size_t nr, const char *before, FILE *out)
{
	for (size_t i = 0; i < nr; i++)
		fprintf(out, "    %s%s%s%s%s\n", before, rows[i].name,
			*metric_unit(rows[i].format) ? ", " : "", metric_unit(rows[i].format),
			rows[i].higher_is_better ? " (more is better)" : "");
}

void metrics_print_help(FILE *out)
{
#define X(name, format, higher, path, whole, help)                                                 \
	fprintf(out, "    %-24s %s%s%s%s\n", name, help,                                           \
		*metric_unit(FORMAT_##format) ? ", " : "", metric_unit(FORMAT_##format),           \
		higher ? " (more is better)" : "");
	METRICS(X)
#undef X
	print_rows(of_task, NELEMS(of_task), "TASK.", out);
	print_rows(of_operation, NELEMS(of_operation), "TASK.OPERATION.", out);
	print_rows(of_site, NELEMS(of_site), "LOCK.SITE.wait|hold_read|hold_write.", out);
}
