/* SPDX-License-Identifier: MIT */
/* The text of strace as events; see strace_text.h. */
#define _GNU_SOURCE 1
#include "strace_text.h"
#include "trace_line.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Before 1973 there was no strace: such a time is one of -r, relative to the line before. */
#define FIRST_TIME_NS (UINT64_C(100000000) * 1000000000)

#define STRACE_CALL_ROW(id, name) [STRACE_##id] = (name),
static const char *const call_names[NR_STRACE_CALLS] = {STRACE_CALLS(STRACE_CALL_ROW)};
#undef STRACE_CALL_ROW

const char *strace_call_name(enum strace_call call)
{
	return call_names[call];
}

bool strace_call_makes_task(enum strace_call call)
{
	return call >= STRACE_CLONE && call <= STRACE_VFORK;
}

/* The file as it is read. */
struct reading {
	struct strace_events *out;
	uint64_t time_ns; /* of the line before */
	unsigned int line, first_bad;
	const char *bad_text; /* of the first line that is not understood */
	uint64_t understood;
	unsigned int attached;
};

/* ---- the head of a line ---- */

/* <NAME> behind a process id, where -Y puts it. */
static char *read_comm(char *p, struct strace_piece *comm)
{
	char *end = *p == '<' ? strchr(p, '>') : NULL;

	if (!end)
		return p;
	*comm = (struct strace_piece){.at = p + 1, .len = (size_t)(end - p) - 1};
	return end + 1;
}

/* `[pid N] `, `N ` or nothing in front of the time; NULL when it is something else. */
static char *read_tid(char *p, struct strace_event *event)
{
	bool bracket = !strncmp(p, "[pid", 4);
	uint64_t tid;
	char *end = trace_digits(bracket ? trace_skip_blanks(p + 4) : p, &tid);

	event->tid = 0;
	if (!end || tid > INT_MAX)
		return NULL;
	if (!bracket && *end == '.')
		return p;
	end = read_comm(end, &event->comm);
	if (bracket && *end++ != ']')
		return NULL;
	event->tid = (int)tid;
	return tid && isblank((unsigned char)*end) ? trace_skip_blanks(end) : NULL;
}

/* What stands before the call; NULL when the line does not begin so. */
static char *read_head(char *line, struct strace_event *event)
{
	char *p = read_tid(trace_skip_blanks(line), event);

	p = p ? trace_seconds(p, &event->time_ns) : NULL;
	if (!p || !isblank((unsigned char)*p) || event->time_ns < FIRST_TIME_NS)
		return NULL;
	p = trace_skip_blanks(p);
	/* -r beside -ttt adds the time since the line before. */
	if (!strncmp(p, "(+", 2) && strchr(p, ')'))
		p = trace_skip_blanks(strchr(p, ')') + 1);
	return p;
}

/* ---- events ---- */

static int add_event(struct strace_events *out, const struct strace_event *event)
{
	size_t wanted = out->max_events ? out->max_events * 2 : 4096;
	struct strace_event *moved;

	if (out->nr_events == out->max_events) {
		moved = reallocarray(out->events, wanted, sizeof(*moved));
		if (!moved)
			return -ENOMEM;
		out->events = moved;
		out->max_events = wanted;
	}
	out->events[out->nr_events++] = *event;
	return 0;
}

/* Also for the rest of a resumed call: what stands behind its closing bracket is the result. */
static bool read_result(const char *text, struct strace_result *result)
{
	struct strace_args args;
	const char *end = strace_split(text, &args);

	return end && strace_result(end, result);
}

static bool find_call(const char *name, size_t len, enum strace_call *call)
{
	for (int i = 0; i < NR_STRACE_CALLS; i++) {
		if (strncmp(call_names[i], name, len) || call_names[i][len])
			continue;
		*call = (enum strace_call)i;
		return true;
	}
	return false;
}

static int skip_line(struct reading *r)
{
	r->out->skipped_lines++;
	return 0;
}

static int other_line(struct reading *r)
{
	r->understood++;
	r->out->other_lines++;
	return 0;
}

/* Whether the line ends so; then the ending is cut off. */
static bool cut_ending(char *p, const char *ending)
{
	size_t len = strlen(p), cut = strlen(ending);

	if (len < cut || strcmp(p + len - cut, ending))
		return false;
	p[len - cut] = '\0';
	return true;
}

/* CALL(ARGS) = RESULT, or CALL(ARGS <unfinished ...> */
static int read_call(struct reading *r, struct strace_event *event, char *p, size_t len)
{
	if (p[len] != '(' || !len)
		return skip_line(r);
	if (!find_call(p, len, &event->call))
		return other_line(r);
	event->form = STRACE_ENTER;
	event->text = p + len + 1;
	r->understood++;
	if (cut_ending(p, " <unfinished ...>") || cut_ending(p, " <detached ...>"))
		return add_event(r->out, event);
	if (!read_result(event->text, &event->result))
		return skip_line(r);
	if (add_event(r->out, event))
		return -ENOMEM;
	event->form = STRACE_LEAVE;
	event->time_ns += event->result.duration_ns;
	event->begin = r->out->nr_events - 1;
	return add_event(r->out, event);
}

/* <... CALL resumed>REST */
static int read_resumed(struct reading *r, struct strace_event *event, char *p)
{
	size_t len = strcspn(p, " ");

	if (strncmp(p + len, " resumed>", 9))
		return skip_line(r);
	if (!find_call(p, len, &event->call))
		return other_line(r);
	event->form = STRACE_LEAVE;
	event->text = p + len + 9;
	r->understood++;
	if (!read_result(event->text, &event->result))
		return skip_line(r);
	return add_event(r->out, event);
}

static int read_ending(struct reading *r, struct strace_event *event, const char *p)
{
	static const char superseded[] = "superseded by execve in pid ";
	size_t len = sizeof(superseded) - 1;
	uint64_t by;

	r->understood++;
	event->form = STRACE_ENDED;
	if (!strncmp(p, superseded, len)) {
		if (!trace_digits(p + len, &by) || !by || by > INT_MAX)
			return skip_line(r);
		event->form = STRACE_SUPERSEDED;
		event->by = (int)by;
	} else if (strncmp(p, "exited with ", 12) && strncmp(p, "killed by ", 10)) {
		return other_line(r);
	}
	return add_event(r->out, event);
}

/* What strace says of itself; of a process it tells how many threads it had already. */
static void read_message(struct reading *r, const char *p)
{
	uint64_t pid;
	const char *end = !strncmp(p, "Process ", 8) ? trace_digits(p + 8, &pid) : NULL;

	if (!end || strncmp(end, " attached with ", 15) || !pid || pid > INT_MAX)
		return;
	r->out->attached = r->attached++ ? 0 : (int)pid;
}

static void note_bad_line(struct reading *r, const char *text)
{
	if (r->first_bad || r->understood)
		return;
	r->first_bad = r->line;
	r->bad_text = text;
}

static int read_line(struct reading *r, char *line)
{
	struct strace_event event = {.begin = STRACE_NO_EVENT};
	char *p;

	line[strcspn(line, "\r")] = '\0';
	if (!*trace_skip_blanks(line))
		return 0;
	if (!strncmp(line, "strace: ", 8)) {
		read_message(r, line + 8);
		return 0;
	}
	p = read_head(line, &event);
	if (!p) {
		note_bad_line(r, line);
		return skip_line(r);
	}
	r->time_ns = event.time_ns > r->time_ns ? event.time_ns : r->time_ns;
	event.time_ns = r->time_ns;
	if (!strncmp(p, "+++ ", 4))
		return read_ending(r, &event, p + 4);
	if (!strncmp(p, "--- ", 4))
		return other_line(r);
	if (!strncmp(p, "<... ", 5))
		return read_resumed(r, &event, p + 5);
	return read_call(r, &event, p, strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_"));
}

/*
 * On a terminal a message of strace may stand in the middle of a line, and ends it:
 * `clone(flags=CLONE_VMstrace: Process 8 attached`. Put the line's begin in front of the next one.
 */
static bool join_next(char *line, char **end)
{
	char *message = strstr(line, "strace: Process ");
	size_t len;

	if (!message || message == line || *end - message < 9 || strncmp(*end - 9, " attached", 9))
		return false;
	len = (size_t)(message - line);
	*end = memmove(*end + 1 - len, line, len);
	return true;
}

static int read_lines(struct reading *r)
{
	char *line = r->out->file.text, *end;
	int ret = 0;

	for (; !ret && (end = strchr(line, '\n')); line = end + 1) {
		r->line++;
		*end = '\0';
		if (join_next(line, &end))
			end--;
		else
			ret = read_line(r, line);
	}
	r->out->cut_lines = !ret && *line;
	return ret;
}

/* ---- what is wrong with a file ---- */

static const char *wrong_time(const char *line)
{
	const char *p = trace_skip_blanks(line), *word;
	uint64_t number;

	if (*p == '[')
		p = strchr(p, ']') ? trace_skip_blanks(strchr(p, ']') + 1) : p;
	for (word = p; isdigit((unsigned char)*word);)
		word++;
	if (word > p && isblank((unsigned char)*word))
		p = trace_skip_blanks(word);
	word = trace_digits(p, &number);
	if (word && *word == ':')
		return "times of strace -t or -tt";
	if (word && *word == '.')
		return "times of strace -r";
	word = p + strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return word > p && *word == '(' ? "lines without times" : NULL;
}

static int explain(const struct reading *r, const char *path, struct sim_error *err)
{
	static const char expected[] = "expected text as printed by strace -f -ttt -T";
	const char *found = r->bad_text ? wrong_time(r->bad_text) : "none";

	if (r->understood)
		return sim_error_set(err, -EINVAL, path, 0,
				     "expected calls such as mmap, found none: trace them, e.g. "
				     "with strace -f -ttt -T -e trace=%%memory,%%process");
	if (found)
		return sim_error_set(err, -EINVAL, path, r->first_bad ? r->first_bad : 1,
				     "%s, found %s", expected, found);
	return sim_error_set(err, -EINVAL, path, r->first_bad, "%s, found `%.40s`", expected,
			     r->bad_text);
}

int strace_events_read(const char *path, struct strace_events *events, struct sim_error *err)
{
	struct reading r = {.out = events};
	int ret;

	memset(events, 0, sizeof(*events));
	ret = text_file_read(path, &events->file, err);
	if (ret)
		return ret;
	ret = read_lines(&r);
	if (!ret)
		ret = strace_tasks_resolve(events);
	if (ret)
		sim_error_set(err, ret, path, 0, "%s", strerror(-ret));
	else if (!events->nr_events)
		ret = explain(&r, path, err);
	if (ret)
		strace_events_free(events);
	return ret;
}

void strace_events_free(struct strace_events *events)
{
	free(events->events);
	free(events->file.text);
	memset(events, 0, sizeof(*events));
}
