/* SPDX-License-Identifier: MIT */
/* Recordings: reading, writing and building them. */
#define _GNU_SOURCE 1
#include "recording.h"
#include "text_file.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC_LINE "mmsim-recording 1"

/* Room for one more element of @size bytes; the array is moved when it is full. */
static int grow(void **array, size_t nr, size_t *max, size_t size)
{
	size_t wanted = *max ? *max * 2 : 64;
	void *moved;

	if (nr < *max)
		return 0;
	moved = reallocarray(*array, wanted, size);
	if (!moved)
		return -ENOMEM;
	*array = moved;
	*max = wanted;
	return 0;
}

int recording_add_op(struct recording *rec, const struct sim_op *op)
{
	void *ops = rec->ops;

	if (grow(&ops, rec->nr_ops, &rec->max_ops, sizeof(*rec->ops)))
		return -ENOMEM;
	rec->ops = ops;
	rec->ops[rec->nr_ops++] = *op;
	return 0;
}

int recording_add_task(struct recording *rec, int tid, int pid, const char *name)
{
	struct recording_task *task;
	void *tasks = rec->tasks;

	if (grow(&tasks, rec->nr_tasks, &rec->max_tasks, sizeof(*rec->tasks)))
		return -ENOMEM;
	rec->tasks = tasks;
	task = &rec->tasks[rec->nr_tasks++];
	task->tid = tid;
	task->pid = pid;
	snprintf(task->name, sizeof(task->name), "%s", name);
	return 0;
}

int recording_add_stat(struct recording *rec, const char *name, uint64_t value)
{
	struct recording_stat *stat;
	void *stats = rec->stats;

	if (grow(&stats, rec->nr_stats, &rec->max_stats, sizeof(*rec->stats)))
		return -ENOMEM;
	rec->stats = stats;
	stat = &rec->stats[rec->nr_stats++];
	snprintf(stat->name, sizeof(stat->name), "%s", name);
	stat->value = value;
	return 0;
}

const char *recording_limit(const char *stat)
{
#define RECORDING_LIMIT(name, words)                                                               \
	if (!strcmp(stat, #name))                                                                  \
		return words;
	RECORDING_LIMITS(RECORDING_LIMIT)
#undef RECORDING_LIMIT
	return NULL;
}

bool recording_stat(const struct recording *rec, const char *name, uint64_t *value)
{
	for (size_t i = 0; i < rec->nr_stats; i++) {
		if (strcmp(rec->stats[i].name, name))
			continue;
		*value = rec->stats[i].value;
		return true;
	}
	return false;
}

void recording_free(struct recording *rec)
{
	free(rec->ops);
	free(rec->tasks);
	free(rec->stats);
	memset(rec, 0, sizeof(*rec));
}

/* ---- reading ---- */

/* Where in a file the reader is. */
struct reader {
	const char *path;
	unsigned int line;
	struct recording *rec;
	struct sim_error *err;
};

static int expected(const struct reader *r, const char *what)
{
	return sim_error_set(r->err, -EINVAL, r->path, r->line, "expected %s", what);
}

static int nomem(const struct reader *r)
{
	return sim_error_set(r->err, -ENOMEM, r->path, r->line, "%s", strerror(ENOMEM));
}

/* Cut the next word off, NULL when there is none. */
static char *next_word(char **text)
{
	char *word = *text + strspn(*text, " \t");
	size_t len = strcspn(word, " \t");

	if (!len)
		return NULL;
	*text = word + len + (word[len] != '\0');
	word[len] = '\0';
	return word;
}

static bool next_number(char **text, uint64_t max, uint64_t *number)
{
	char *word = next_word(text), *end;

	if (!word || !isdigit((unsigned char)word[0]))
		return false;
	errno = 0;
	*number = strtoull(word, &end, 10);
	return !errno && !*end && *number <= max;
}

static int read_stat(const struct reader *r, char *text)
{
	const char *name = next_word(&text);
	uint64_t value;

	if (!name || strlen(name) >= RECORDING_STAT_NAME_MAX ||
	    !next_number(&text, UINT64_MAX, &value) || next_word(&text))
		return expected(r, "stat NAME VALUE");
	return recording_add_stat(r->rec, name, value) ? nomem(r) : 0;
}

static int read_task(const struct reader *r, char *text)
{
	uint64_t tid, pid;

	if (!next_number(&text, INT_MAX, &tid) || !next_number(&text, INT_MAX, &pid) || !*text)
		return expected(r, "task TID PID NAME");
	return recording_add_task(r->rec, (int)tid, (int)pid, text) ? nomem(r) : 0;
}

static int read_op(const struct reader *r, const char *text)
{
	struct recording *rec = r->rec;
	struct sim_op op;
	int ret = sim_op_parse_record(text, r->path, r->line, &op, r->err);

	if (ret <= 0)
		return ret;
	if (rec->nr_ops && op.time_ns < rec->ops[rec->nr_ops - 1].time_ns)
		return expected(r, "a time that is not before the line above's");
	return recording_add_op(rec, &op) ? nomem(r) : 0;
}

static int read_line(const struct reader *r, char *text)
{
	text[strcspn(text, "\r")] = '\0';
	if (r->line == 1)
		return strcmp(text, MAGIC_LINE) ? expected(r, "\"" MAGIC_LINE "\"") : 0;
	if (!strncmp(text, "stat ", 5))
		return read_stat(r, text + 5);
	if (!strncmp(text, "task ", 5))
		return read_task(r, text + 5);
	return read_op(r, text);
}

/* Read all lines; one without a newline is cut, hence taken for nothing or for an error. */
static int read_lines(struct reader *r, struct text_file *file, bool allow_cut)
{
	char *line = file->text, *end;
	int ret = 0;

	for (; !ret && (end = strchr(line, '\n')); line = end + 1) {
		r->line++;
		*end = '\0';
		ret = read_line(r, line);
	}
	if (ret)
		return ret;
	if (!r->line) {
		r->line = 1;
		return expected(r, "\"" MAGIC_LINE "\"");
	}
	r->line++;
	if ((*line || file->cut) && !allow_cut)
		return expected(r, "the rest of the file, which ends in the middle of a line");
	return 0;
}

int recording_load(const char *path, unsigned int flags, struct recording *rec,
		   struct sim_error *err)
{
	struct reader r = {.path = path, .rec = rec, .err = err};
	struct text_file file;
	int ret = text_file_read(path, &file, err);

	memset(rec, 0, sizeof(*rec));
	if (ret)
		return ret;
	ret = read_lines(&r, &file, flags & RECORDING_ALLOW_CUT);
	free(file.text);
	if (ret)
		recording_free(rec);
	return ret;
}

/* ---- writing ---- */

static int print(const struct recording *rec, FILE *stream)
{
	char line[SIM_OP_LINE_MAX];
	int len;

	fputs(MAGIC_LINE "\n# TIME_US PID TID OP ARGS [= RESULT] [;NOTE]...\n", stream);
	for (size_t i = 0; i < rec->nr_stats; i++)
		fprintf(stream, "stat %s %" PRIu64 "\n", rec->stats[i].name, rec->stats[i].value);
	for (size_t i = 0; i < rec->nr_tasks; i++)
		fprintf(stream, "task %d %d %s\n", rec->tasks[i].tid, rec->tasks[i].pid,
			rec->tasks[i].name);
	for (size_t i = 0; i < rec->nr_ops; i++) {
		len = sim_op_print_record(&rec->ops[i], line, sizeof(line));
		if (len < 0)
			return len;
		fprintf(stream, "%s\n", line);
	}
	return ferror(stream) ? -ENOMEM : 0;
}

int recording_save(const struct recording *rec, const char *path, struct sim_error *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);
	int ret;

	if (!stream)
		return sim_error_set(err, -ENOMEM, path, 0, "%s", strerror(ENOMEM));
	ret = print(rec, stream);
	if (fclose(stream) && !ret)
		ret = -ENOMEM;
	if (ret)
		sim_error_set(err, ret, path, 0, "%s", strerror(-ret));
	else
		ret = text_file_write(path, text, len, err);
	free(text);
	return ret;
}
