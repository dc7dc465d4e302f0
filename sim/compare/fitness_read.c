/* SPDX-License-Identifier: MIT */
/* What the kernel tells of how busy the host is. Formats: proc(5), Documentation/accounting/psi. */
#include "fitness.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../replay/text_file.h"

#define PATH_LEN_MAX 512
#define CPU_MAX 65535

/* One file of /proc or /sys while it is read. */
struct source {
	char path[PATH_LEN_MAX];
	struct text_file file;
	struct sim_error *err;
};

/* Return: 0, -ENOENT without an error's text, or another negative errno. */
static int source_open(struct source *source, const char *root, const char *path,
		       struct sim_error *err)
{
	int len = snprintf(source->path, sizeof(source->path), "%s%s", root, path);

	source->err = err;
	source->file.text = NULL;
	if (len < 0 || (size_t)len >= sizeof(source->path))
		return sim_error_set(err, -ENAMETOOLONG, path, 0, "expected a shorter root");
	return text_file_read(source->path, &source->file, err);
}

static void source_close(struct source *source)
{
	free(source->file.text);
}

static int expected(const struct source *source, const char *at, const char *what)
{
	unsigned int line = 1;
	size_t len = strcspn(at, "\n");

	for (const char *c = source->file.text; c < at; c++)
		line += *c == '\n';
	return sim_error_set(source->err, -EINVAL, source->path, line,
			     "expected %s, found \"%.*s\"", what, (int)(len < 40 ? len : 40), at);
}

/* The line that begins with @key, from behind it; NULL when there is none. */
static const char *find_line(const struct source *source, const char *key)
{
	const char *line = source->file.text;
	size_t len = strlen(key);

	while (strncmp(line, key, len)) {
		line = strchr(line, '\n');
		if (!line)
			return NULL;
		line++;
	}
	return line + len;
}

/* A decimal number at @text, behind spaces of the same line. Return: what follows, or NULL. */
static const char *read_number(const char *text, uint64_t *value)
{
	char *end;

	text += strspn(text, " \t");
	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno ? NULL : end;
}

/* ---- the CPUs that we may run on, as 0-3,8 ---- */

/* Return: what follows the range and its comma, NULL when it is none. */
static const char *read_range(const char *text, uint64_t *first, uint64_t *last)
{
	text = read_number(text, first);
	*last = *first;
	if (text && *text == '-')
		text = read_number(text + 1, last);
	if (!text || *last < *first || *last > CPU_MAX)
		return NULL;
	if (*text == ',')
		return isdigit((unsigned char)text[1]) ? text + 1 : NULL;
	return *text == '\n' || !*text ? text : NULL;
}

/* Each range must lie above the one before, so that none is counted twice. */
static unsigned int count_cpus(const char *list)
{
	uint64_t first, last, least = 0;
	unsigned int cpus = 0;

	do {
		list = read_range(list, &first, &last);
		if (!list || first < least)
			return 0;
		cpus += last - first + 1;
		least = last + 1;
	} while (*list && *list != '\n');
	return cpus;
}

/* @list has been counted. */
static bool in_list(const char *list, uint64_t cpu)
{
	uint64_t first, last;

	do {
		list = read_range(list, &first, &last);
		if (cpu >= first && cpu <= last)
			return true;
	} while (*list && *list != '\n');
	return false;
}

/* ---- /proc/stat ---- */

/* user nice system idle iowait irq softirq steal; a guest's time is in user already. */
static int read_cpu_times(const struct source *source, const char *at, uint64_t *busy,
			  uint64_t *steal)
{
	uint64_t times[8];
	const char *next = at;

	for (unsigned int i = 0; i < 8; i++) {
		next = read_number(next, &times[i]);
		if (!next)
			return expected(source, at, "eight times of a CPU");
	}
	*busy += times[0] + times[1] + times[2] + times[5] + times[6];
	*steal += times[7];
	return 0;
}

/* Add up the lines cpuN of allowed CPUs. Return: how many, or a negative errno. */
static int read_allowed_cpus(const struct source *source, const char *allowed,
			     struct fitness_sample *sample)
{
	const char *line = source->file.text;
	int found = 0, ret = 0;
	uint64_t cpu;

	for (; line && !ret; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		if (strncmp(line, "cpu", 3) || !isdigit((unsigned char)line[3]))
			continue;
		line = read_number(line + 3, &cpu);
		if (!line)
			return expected(source, source->file.text, "numbers of CPUs");
		if (!in_list(allowed, cpu))
			continue;
		ret = read_cpu_times(source, line, &sample->busy, &sample->steal);
		found++;
	}
	return ret ? ret : found;
}

static int read_stat(const char *root, const char *allowed, struct fitness_sample *sample,
		     struct sim_error *err)
{
	struct source source;
	const char *all;
	int ret = source_open(&source, root, "/proc/stat", err);

	if (ret)
		return ret;
	all = find_line(&source, "cpu ");
	ret = read_allowed_cpus(&source, allowed, sample);
	/* What is allowed may name CPUs that are not there. */
	if (ret > 0)
		sample->cpus = ret;
	else if (!ret && all)
		ret = read_cpu_times(&source, all, &sample->busy, &sample->steal);
	else if (!ret)
		ret = expected(&source, source.file.text, "a line of cpu times");
	source_close(&source);
	return ret < 0 ? ret : 0;
}

static int read_cpus(const char *root, struct fitness_sample *sample, struct sim_error *err)
{
	struct source status;
	const char *allowed;
	int ret = source_open(&status, root, "/proc/self/status", err);

	if (ret)
		return ret;
	allowed = find_line(&status, "Cpus_allowed_list:");
	sample->cpus = allowed ? count_cpus(allowed) : 0;
	if (sample->cpus)
		ret = read_stat(root, allowed, sample, err);
	else
		ret = expected(&status, allowed ? allowed : status.file.text,
			       "Cpus_allowed_list: and CPUs such as 0-3,8");
	source_close(&status);
	return ret;
}

/* ---- the other files ---- */

static const char *skip_words(const char *text, unsigned int words)
{
	while (words--) {
		text += strspn(text, " ");
		text += strcspn(text, " ");
	}
	return text;
}

/*
 * The name, in brackets, may hold anything. Behind it are fields 3 to 13, then 14 to 17: utime
 * stime cutime cstime.
 */
static int read_own(const char *root, struct fitness_sample *sample, struct sim_error *err)
{
	struct source source;
	const char *at;
	uint64_t time;
	int ret = source_open(&source, root, "/proc/self/stat", err);

	if (ret)
		return ret;
	at = strrchr(source.file.text, ')');
	at = at ? skip_words(at + 1, 11) : NULL;
	for (unsigned int i = 0; at && i < 4; i++) {
		at = read_number(at, &time);
		sample->own += at ? time : 0;
	}
	if (!at)
		ret = expected(&source, source.file.text, "the times of a process");
	source_close(&source);
	return ret;
}

static int read_load(struct source *source, struct fitness_sample *sample)
{
	char *end;

	sample->load1 = strtod(source->file.text, &end);
	if (end == source->file.text || !(sample->load1 >= 0 && sample->load1 < 1e9))
		return expected(source, source->file.text, "a load such as 0.25");
	return 0;
}

static int read_pressure(struct source *source, struct fitness_sample *sample)
{
	const char *some = find_line(source, "some ");
	const char *total = some ? strstr(some, "total=") : NULL;

	if (!total || memchr(some, '\n', total - some) ||
	    !read_number(total + strlen("total="), &sample->pressure_us))
		return expected(source, source->file.text, "some .. total=NUMBER");
	sample->has_pressure = true;
	return 0;
}

static int read_governor(struct source *source, struct fitness_sample *sample)
{
	size_t len = strcspn(source->file.text, "\n");

	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)source->file.text[i]))
			len = 0;
	if (!len || len >= sizeof(sample->governor))
		return expected(source, source->file.text, "a governor's name");
	memcpy(sample->governor, source->file.text, len);
	return 0;
}

/* What need not be there. A file may be there and yet not be readable: as if it were not. */
static const struct {
	const char *path;
	int (*read)(struct source *source, struct fitness_sample *sample);
} optional[] = {
	{"/proc/loadavg", read_load},
	{"/proc/pressure/cpu", read_pressure},
	{"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", read_governor},
};

static int read_optional(const char *root, unsigned int i, struct fitness_sample *sample,
			 struct sim_error *err)
{
	struct source source;
	int ret = source_open(&source, root, optional[i].path, NULL);

	if (ret)
		return 0;
	source.err = err;
	ret = optional[i].read(&source, sample);
	source_close(&source);
	return ret;
}

int fitness_read(const char *root, struct fitness_sample *sample, struct sim_error *err)
{
	long ticks = sysconf(_SC_CLK_TCK);
	int ret;

	memset(sample, 0, sizeof(*sample));
	sample->ticks_per_s = ticks > 0 ? ticks : 100;
	ret = read_cpus(root, sample, err);
	if (!ret)
		ret = read_own(root, sample, err);
	for (unsigned int i = 0; i < sizeof(optional) / sizeof(*optional) && !ret; i++)
		ret = read_optional(root, i, sample, err);
	return ret;
}
