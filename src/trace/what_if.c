/* SPDX-License-Identifier: MIT */
/* What if holds at a site were shorter? See trace_scale_holds(). */
#include "trace/trace_internal.h"

#include <stdio.h>
#include <string.h>

#define ERROR_SIZE 256
#define FACTOR_MIN (PPM / 100)
#define FACTOR_MAX (100ull * PPM)

void trace_scale(const struct task_trace *t)
{
	unsigned int depth = MIN(t->depth, TRACE_MAX_HELD);
	uint64_t ppm = 0;

	for (unsigned int i = 0; i < depth; i++) {
		uint64_t what = t->held[i].what;
		uint32_t own = t->trace->scale_ppm[what_class(what)][what_site(what)];

		if (own)
			ppm = MIN(MAX(1, ppm ? ppm * own / PPM : own), UINT32_MAX);
	}
	machine_scale_work((uint32_t)ppm);
}

/* "0.5" in millionths; false: it is none, or out of bounds. */
static bool parse_factor(const char *text, uint32_t *ppm)
{
	uint64_t value = 0, scale = PPM;
	bool fraction = false;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text; text++) {
		if (*text == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (*text < '0' || *text > '9' || (fraction && scale == 1) || value > FACTOR_MAX)
			return false;
		if (fraction)
			scale /= 10;
		value = fraction ? value + (uint64_t)(*text - '0') * scale :
				   value * 10 + (uint64_t)(*text - '0') * PPM;
	}
	*ppm = (uint32_t)value;
	return value >= FACTOR_MIN && value <= FACTOR_MAX;
}

static int find_class(const char *name, size_t len)
{
	for (int i = 0; i < NR_LOCK_CLASSES; i++)
		if (strlen(lock_class_name(i)) == len && !strncmp(lock_class_name(i), name, len))
			return i;
	return -1;
}

static int find_site(const char *name, size_t len)
{
	for (int i = 0; i < NR_LOCK_SITES; i++)
		if (strlen(lock_site_name(i)) == len && !strncmp(lock_site_name(i), name, len))
			return i;
	return -1;
}

static int scale_one(struct trace *trace, const char *word, char *error)
{
	const char *equal = strchr(word, '='), *dot = memchr(word, '.', (size_t)(equal - word));
	const char *site_name = dot ? dot + 1 : word;
	int class = dot ? find_class(word, (size_t)(dot - word)) : -1;
	int site = find_site(site_name, (size_t)(equal - site_name));
	uint32_t ppm;

	if (site < 0 || (dot && class < 0)) {
		snprintf(error, ERROR_SIZE,
			 "what_if.%s: expected SITE=FACTOR or LOCK.SITE=FACTOR (`mmsim list sites`,"
			 " `mmsim list locks`)",
			 word);
		return -EINVAL;
	}
	if (!parse_factor(equal + 1, &ppm)) {
		snprintf(error, ERROR_SIZE, "what_if.%s: expected a factor from 0.01 to 100", word);
		return -EINVAL;
	}
	for (int i = 0; i < NR_LOCK_CLASSES; i++)
		if (class < 0 || i == class)
			trace->scale_ppm[i][site] = ppm;
	trace->scales = true;
	return 0;
}

int trace_scale_holds(struct trace *trace, const char *changes, char *error)
{
	char word[128];
	int err = 0;

	while (!err && *(changes += strspn(changes, " "))) {
		size_t len = strcspn(changes, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, changes);
		if (!strchr(word, '=')) {
			snprintf(error, ERROR_SIZE, "what_if.%s: expected SITE=FACTOR", word);
			return -EINVAL;
		}
		err = scale_one(trace, word, error);
		changes += len;
	}
	return err;
}
