/* SPDX-License-Identifier: MIT */
/* Machine profiles; see profile.h. */
#define _GNU_SOURCE 1
#include "machine/timed/profile.h"
#include "base/amount.h"
#include "base/nearest.h"

#include <ctype.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERROR_SIZE 256
#define TIME_MAX_NS (1000 * NSEC_PER_SEC)
#define RATE_MAX_MB 1000000000ull
#define FILE_MAX (64 << 10)
#define CHANNELS_MAX 1024
#define HZ_MAX 10000
#define SOURCE_OF_CHANGES "set for this run"

const struct profile_cost_info profile_costs[NR_PROFILE_COSTS] = {
#define X(name, unit, scaled, help) {#name, unit, help, scaled},
	PROFILE_COSTS(X)
#undef X
};

_Static_assert(NR_PROFILE_COSTS <= 64, "a bit for each cost");

/* ---- errors ---- */

struct reader;

/* A section: its keys, and who takes their values, cut from their sources. */
struct section {
	const char *name;
	const char *const *keys; /* ends with NULL */
	int (*take)(struct reader *r, unsigned int key, const char *value, const char *source);
};

struct reader {
	struct profile *profile;
	const char *path, *at;
	unsigned int line; /* 0: none */
	char *error;
	int failed; /* the first thing that was wrong */
	const struct section *section;
	uint64_t seen; /* keys of the section, a bit each; of all costs in seen_costs */
	uint64_t seen_machine, seen_costs, seen_device;
	unsigned int cluster_line[PROFILE_MAX_CLUSTERS];
};

/* @found may be NULL. */
static __printf(3, 4) int bad(struct reader *r, const char *found, const char *fmt, ...)
{
	size_t used, len = found ? strcspn(found, "\r\n") : 0;
	va_list args;

	r->failed = -EINVAL;
	used = (size_t)snprintf(r->error, ERROR_SIZE, "%.80s:", r->path);
	if (r->line)
		used += (size_t)snprintf(r->error + used, ERROR_SIZE - used, "%u:", r->line);
	used += (size_t)snprintf(r->error + used, ERROR_SIZE - used, " expected ");
	va_start(args, fmt);
	used += (size_t)vsnprintf(r->error + used, ERROR_SIZE - used, fmt, args);
	va_end(args);
	if (found && used < ERROR_SIZE)
		snprintf(r->error + used, ERROR_SIZE - used, ", found '%.*s'", (int)MIN(len, 50),
			 found);
	return r->failed;
}

static int bad_name(struct reader *r, const char *found, const char *what, const char *near)
{
	if (!near)
		return bad(r, found, "%s", what);
	return bad(r, found, "%s (did you mean %s?)", what, near);
}

/* ---- numbers ---- */

static int take_number(struct reader *r, const char *key, const char *value, uint64_t min,
		       uint64_t max, unsigned int *number)
{
	uint64_t n = 0;
	const char *c = value;

	while (isdigit((unsigned char)*c) && n <= max)
		n = n * 10 + (uint64_t)(*c++ - '0');
	if (c == value || *c || n < min || n > max)
		return bad(r, value, "%s = a number from %llu to %llu", key,
			   (unsigned long long)min, (unsigned long long)max);
	*number = (unsigned int)n;
	return 0;
}

static int take_cost(struct reader *r, unsigned int cost, const char *value, const char *source)
{
	const struct profile_cost_info *info = &profile_costs[cost];
	bool is_time = !strcmp(info->unit, "ns");
	bool not_zero = cost == COST_slice || cost == COST_bandwidth;
	uint64_t amount;

	if (!parse_amount(value, info->unit, is_time ? TIME_MAX_NS : RATE_MAX_MB, &amount))
		return bad(r, value, "%s = %s", info->name,
			   is_time ? "a time such as 30ns or 2.8ms, whole ns, up to 1000000ms" :
				     "a rate such as 800MB/s or 51.2GB/s, whole MB/s");
	if (!amount && not_zero)
		return bad(r, value, "%s above 0", info->name);
	r->profile->cost[cost] = amount;
	snprintf(r->profile->source[cost], PROFILE_TEXT_MAX, "%s", source);
	return 0;
}

/* ---- keys ---- */

/* clang-format off */
enum { MACHINE_description, MACHINE_hz, MACHINE_preemption };
enum { CLUSTER_cpus, CLUSTER_threads, CLUSTER_capacity, CLUSTER_socket };
enum { DEVICE_channels, DEVICE_latency };
/* clang-format on */

static const char *const machine_keys[] = {"description", "hz", "preemption", NULL};
static const char *const cluster_keys[] = {"cpus", "threads", "capacity", "socket", NULL};
static const char *const device_keys[] = {"channels", "latency", NULL};
static const char *const cost_keys[] = {
#define X(name, unit, scaled, help) #name,
	PROFILE_COSTS(X)
#undef X
		NULL,
};

static int take_machine(struct reader *r, unsigned int key, const char *value, const char *source)
{
	struct profile *p = r->profile;

	(void)source;
	if (key == MACHINE_hz)
		return take_number(r, "hz", value, 1, HZ_MAX, &p->hz);
	if (key == MACHINE_description) {
		if (!*value)
			return bad(r, value, "description = a line of text");
		snprintf(p->description, sizeof(p->description), "%s", value);
		return 0;
	}
	if (strcmp(value, "none") && strcmp(value, "full"))
		return bad(r, value, "preemption = none or full");
	p->preemption = strcmp(value, "none") ? PREEMPTION_FULL : PREEMPTION_NONE;
	return 0;
}

static int take_cluster(struct reader *r, unsigned int key, const char *value, const char *source)
{
	struct profile_cluster *cluster = &r->profile->cluster[r->profile->nr_clusters - 1];

	(void)source;
	switch (key) {
	case CLUSTER_cpus:
		return take_number(r, "cpus", value, 1, PROFILE_MAX_CPUS, &cluster->cpus);
	case CLUSTER_threads:
		return take_number(r, "threads", value, 1, PROFILE_MAX_CPUS, &cluster->threads);
	case CLUSTER_capacity:
		return take_number(r, "capacity", value, 1, 1024, &cluster->capacity);
	default:
		return take_number(r, "socket", value, 0, PROFILE_MAX_CLUSTERS - 1,
				   &cluster->socket);
	}
}

static int take_latency(struct reader *r, const char *value)
{
	uint64_t *ns = r->profile->latency_ns;
	const char *at = value;
	char word[32];
	int n;

	for (n = 0; *at && n < PROFILE_LATENCIES; n++) {
		size_t len = strcspn(at, " \t");

		snprintf(word, sizeof(word), "%.*s", (int)len, at);
		if (len >= sizeof(word) || !parse_amount(word, "ns", TIME_MAX_NS, &ns[n]))
			return bad(r, at,
				   "a time such as 80us or 0.4ms, whole ns, up to 1000000ms");
		if (n && ns[n] < ns[n - 1])
			return bad(r, at, "latencies of which none is below the one before");
		at += len;
		at += strspn(at, " \t");
	}
	if (*at || n < PROFILE_LATENCIES)
		return bad(r, value, "latency = %d times", PROFILE_LATENCIES);
	return 0;
}

static int take_device(struct reader *r, unsigned int key, const char *value, const char *source)
{
	(void)source;
	if (key == DEVICE_latency)
		return take_latency(r, value);
	return take_number(r, "channels", value, 1, CHANNELS_MAX, &r->profile->channels);
}

static const struct section sections[] = {
	{"machine", machine_keys, take_machine},
	{"cluster", cluster_keys, take_cluster},
	{"costs", cost_keys, take_cost},
	{"device", device_keys, take_device},
};
#define MACHINE_SECTION (&sections[0])
#define CLUSTER_SECTION (&sections[1])
#define COSTS_SECTION (&sections[2])
#define DEVICE_SECTION (&sections[3])

/* ---- sections ---- */

static uint64_t *seen_in(struct reader *r, const struct section *section)
{
	uint64_t *const seen[] = {&r->seen_machine, &r->seen, &r->seen_costs, &r->seen_device};

	return seen[section - sections];
}

static int end_cluster(struct reader *r)
{
	struct profile *p = r->profile;
	struct profile_cluster *cluster;

	if (r->section != CLUSTER_SECTION)
		return 0;
	cluster = &p->cluster[p->nr_clusters - 1];
	r->line = r->cluster_line[p->nr_clusters - 1];
	if (!cluster->cpus)
		return bad(r, cluster->name, "cpus = in [cluster NAME]");
	if (cluster->cpus % cluster->threads)
		return bad(r, cluster->name, "threads that divide cpus (%u, %u) in [cluster NAME]",
			   cluster->threads, cluster->cpus);
	p->nr_cpus += cluster->cpus;
	if (p->nr_cpus > PROFILE_MAX_CPUS)
		return bad(r, cluster->name, "at most %d CPUs in all clusters", PROFILE_MAX_CPUS);
	return 0;
}

static int begin_cluster(struct reader *r, const char *name)
{
	struct profile *p = r->profile;
	struct profile_cluster *cluster = &p->cluster[p->nr_clusters];

	if (!*name || strlen(name) >= PROFILE_NAME_MAX)
		return bad(r, name, "a name of 1 to %d characters", PROFILE_NAME_MAX - 1);
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
			return bad(r, name, "a name of letters, digits, _ - and .");
	for (unsigned int i = 0; i < p->nr_clusters; i++)
		if (!strcmp(p->cluster[i].name, name))
			return bad(r, name, "each cluster once");
	if (p->nr_clusters == PROFILE_MAX_CLUSTERS)
		return bad(r, name, "at most %d clusters", PROFILE_MAX_CLUSTERS);
	*cluster = (struct profile_cluster){.threads = 1, .capacity = 1024};
	strcpy(cluster->name, name);
	r->cluster_line[p->nr_clusters++] = r->line;
	r->seen = 0;
	return 0;
}

/* A line that begins with [. */
static int begin_section(struct reader *r, const char *line, size_t len)
{
	const char *near = NULL;
	unsigned int number = r->line;
	char text[64], *name, *end;

	if (end_cluster(r))
		return r->failed;
	r->line = number;
	snprintf(text, sizeof(text), "%.*s", (int)len - 1, line + 1);
	end = strchr(text, ']');
	if (!end)
		return bad(r, line, "[SECTION] of at most %zu characters", sizeof(text) - 2);
	*end = '\0';
	name = text + strcspn(text, " \t");
	if (*name)
		*name++ = '\0';
	name += strspn(name, " \t");
	r->section = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		near = nearer_name(near, sections[i].name, text);
		if (!strcmp(sections[i].name, text))
			r->section = &sections[i];
	}
	if (!r->section)
		return bad_name(r, text, "[machine], [cluster NAME], [costs] or [device]", near);
	if (r->section == CLUSTER_SECTION)
		return begin_cluster(r, name);
	return *name ? bad(r, name, "no name in [%s]", text) : 0;
}

/* ---- lines ---- */

/* For libinih: the next line. It tells no line numbers, and cuts what is too long. */
static char *read_line(char *buf, int size, void *data)
{
	struct reader *r = data;
	size_t len = strcspn(r->at, "\n");

	if (r->failed || !*r->at)
		return NULL;
	r->line++;
	if (len + 2 > (size_t)size) {
		bad(r, r->at, "a line of less than %d characters", size - 1);
		return NULL;
	}
	/* libinih would take it for more of the value above. */
	if (isblank((unsigned char)*r->at) && strspn(r->at, " \t\r") < len) {
		bad(r, r->at, "no blank at the line's beginning");
		return NULL;
	}
	if (*r->at == '[' && begin_section(r, r->at, len))
		return NULL;
	memcpy(buf, r->at, len);
	buf[len] = '\0';
	r->at += len + (r->at[len] == '\n');
	return buf;
}

/* Cut "VALUE (SOURCE)" in two. */
static int cut_source(struct reader *r, const char *key, char *text, const char **source)
{
	char *open = strchr(text, '('), *end = text + strlen(text), *last;

	if (!open || end[-1] != ')')
		return bad(r, text, "%s = VALUE (SOURCE)", key);
	*--end = '\0';
	for (last = open; last > text && isblank((unsigned char)last[-1]);)
		last--;
	open += 1 + strspn(open + 1, " \t");
	while (end > open && isblank((unsigned char)end[-1]))
		*--end = '\0';
	if (!*open)
		return bad(r, "()", "a source that is not empty");
	*last = '\0';
	*source = open;
	return 0;
}

/* Its number, or -1; @near becomes what may have been meant. */
static int find_key(const struct section *section, const char *key, const char **near)
{
	for (int i = 0; section->keys[i]; i++) {
		if (!strcmp(section->keys[i], key))
			return i;
		*near = nearer_name(*near, section->keys[i], key);
	}
	return -1;
}

static int take_key(struct reader *r, const char *key, char *value)
{
	const struct section *section = r->section;
	const char *near = NULL, *source = "";
	uint64_t *seen;
	int i;

	if (!section)
		return bad(r, key, "a section first");
	i = find_key(section, key, &near);
	if (i < 0)
		return bad_name(r, key, "a key of the section", near);
	seen = seen_in(r, section);
	if (*seen >> i & 1)
		return bad(r, key, "each key once");
	*seen |= UINT64_C(1) << i;
	/* What is no number needs no source. */
	if ((section != MACHINE_SECTION || i != MACHINE_description) &&
	    cut_source(r, key, value, &source))
		return r->failed;
	return section->take(r, (unsigned int)i, value, source);
}

static int handle(void *data, const char *section, const char *key, const char *value)
{
	struct reader *r = data;
	char text[PROFILE_TEXT_MAX];

	(void)section;
	if (r->failed)
		return 0;
	for (const char *c = value; *c; c++)
		if (!isprint((unsigned char)*c) && *c != '\t')
			return !bad(r, NULL, "printable ASCII in the value of %.40s", key);
	if ((size_t)snprintf(text, sizeof(text), "%s", value) >= sizeof(text))
		return !bad(r, value, "a value with its source of less than %d characters",
			    PROFILE_TEXT_MAX);
	return !take_key(r, key, text);
}

/* ---- the whole ---- */

static int check_keys(struct reader *r, const struct section *section)
{
	for (unsigned int i = 0; section->keys[i]; i++)
		if (!(*seen_in(r, section) >> i & 1))
			return bad(r, "the end", "%s = in [%s]", section->keys[i], section->name);
	return 0;
}

static int check_sockets(struct reader *r)
{
	struct profile *p = r->profile;
	uint32_t sockets = 0;

	for (unsigned int i = 0; i < p->nr_clusters; i++)
		sockets |= UINT32_C(1) << p->cluster[i].socket;
	while (sockets >> p->nr_sockets & 1)
		if (++p->nr_sockets == PROFILE_MAX_CLUSTERS)
			return 0;
	for (unsigned int i = 0; i < p->nr_clusters; i++) {
		if (p->cluster[i].socket < p->nr_sockets)
			continue;
		r->line = r->cluster_line[i];
		return bad(r, p->cluster[i].name, "socket %u before socket %u", p->nr_sockets,
			   p->cluster[i].socket);
	}
	return 0;
}

static int check_whole(struct reader *r)
{
	unsigned int last = r->line;

	if (end_cluster(r))
		return r->failed;
	r->line = last ? last : 1;
	if (check_keys(r, MACHINE_SECTION))
		return r->failed;
	if (!r->profile->nr_clusters)
		return bad(r, "the end", "[cluster NAME]");
	if (check_keys(r, COSTS_SECTION) || check_keys(r, DEVICE_SECTION))
		return r->failed;
	return check_sockets(r);
}

/* The path's last part without .ini. */
static int name_after(struct reader *r)
{
	const char *slash = strrchr(r->path, '/'), *last = slash ? slash + 1 : r->path;
	size_t len = strlen(last);

	if (len > 4 && !strcmp(last + len - 4, ".ini"))
		len -= 4;
	if (!len || len >= PROFILE_NAME_MAX)
		return bad(r, last, "a file name of 1 to %d characters before .ini",
			   PROFILE_NAME_MAX - 1);
	snprintf(r->profile->name, PROFILE_NAME_MAX, "%.*s", (int)len, last);
	return 0;
}

int profile_parse(const char *text, const char *path, struct profile *profile, char *error)
{
	struct reader r = {.profile = profile, .path = path, .at = text, .error = error};
	int line;

	memset(profile, 0, sizeof(*profile));
	*error = '\0';
	if (name_after(&r))
		return r.failed;
	/* The mark that some editors begin UTF-8 with. */
	if (!strncmp(text, "\xef\xbb\xbf", 3))
		r.at += 3;
	line = ini_parse_stream(read_line, &r, handle, &r);
	if (!r.failed && line) {
		r.line = line > 0 ? (unsigned int)line : r.line;
		bad(&r, "another", "[SECTION] or KEY = VALUE (SOURCE)");
	}
	return r.failed ? r.failed : check_whole(&r);
}

/* ---- loading ---- */

/* All of a file and a NUL into @text, of FILE_MAX bytes. */
static int read_file(struct reader *r, char *text)
{
	FILE *file = fopen(r->path, "re");
	size_t len;
	int err;

	if (!file) {
		err = errno;
		snprintf(r->error, ERROR_SIZE, "%.80s: expected a profile, found: %s", r->path,
			 strerror(err));
		return err == ENOENT ? -ENOENT : -EINVAL;
	}
	len = fread(text, 1, FILE_MAX, file);
	err = ferror(file);
	fclose(file);
	if (err)
		return bad(r, NULL, "a file that can be read");
	if (len == FILE_MAX)
		return bad(r, NULL, "less than %d bytes", FILE_MAX);
	text[len] = '\0';
	return strlen(text) == len ? 0 : bad(r, NULL, "a text, found a byte of 0 in it");
}

/* One word of changes, cut at its '='. */
static int change(struct reader *r, char *word)
{
	char *value = strchr(word, '=');
	const char *near = NULL;
	int i;

	if (!value || value == word)
		return bad(r, word, "NAME=VALUE");
	*value++ = '\0';
	i = find_key(MACHINE_SECTION, word, &near);
	if (i == MACHINE_hz || i == MACHINE_preemption)
		return take_machine(r, (unsigned int)i, value, "");
	i = find_key(COSTS_SECTION, word, &near);
	if (i >= 0)
		return take_cost(r, (unsigned int)i, value, SOURCE_OF_CHANGES);
	return bad_name(r, word, "a cost, hz or preemption", near);
}

/* Of two changes of one thing the later holds. */
static int make_changes(struct reader *r, const char *changes)
{
	char word[80];

	for (changes += strspn(changes, " \t"); *changes; changes += strspn(changes, " \t")) {
		size_t len = strcspn(changes, " \t");

		if (len >= sizeof(word))
			return bad(r, changes, "NAME=VALUE of less than %zu characters",
				   sizeof(word));
		snprintf(word, sizeof(word), "%.*s", (int)len, changes);
		if (change(r, word))
			return r->failed;
		changes += len;
	}
	return 0;
}

static int no_such_profile(struct reader *r)
{
	const char *near = NULL;

	for (unsigned int i = 0; profile_texts[i].name; i++)
		near = nearer_name(near, profile_texts[i].name, r->path);
	bad(r, NULL, "a machine (`mmsim list machines`) or a path that ends in .ini%s%s%s",
	    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return -ENOENT;
}

static const char *builtin_text(const char *name)
{
	for (unsigned int i = 0; profile_texts[i].name; i++)
		if (!strcmp(profile_texts[i].name, name))
			return profile_texts[i].text;
	return NULL;
}

int profile_load(const char *name, const char *changes, struct profile *profile, char *error)
{
	struct reader r = {.profile = profile, .path = name, .error = error};
	const char *text = builtin_text(name);
	size_t len = strlen(name);
	char buffer[FILE_MAX];
	int err;

	*error = '\0';
	if (!text && (len < 4 || strcmp(name + len - 4, ".ini")))
		return no_such_profile(&r);
	if (!text) {
		err = read_file(&r, buffer);
		if (err)
			return err;
		text = buffer;
	}
	err = profile_parse(text, name, profile, error);
	return err || !changes ? err : make_changes(&r, changes);
}

bool profile_builtin(unsigned int i, const char **name, const char **text)
{
	for (unsigned int j = 0; j <= i; j++)
		if (!profile_texts[j].name)
			return false;
	*name = profile_texts[i].name;
	*text = profile_texts[i].text;
	return true;
}
