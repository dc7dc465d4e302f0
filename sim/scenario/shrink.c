/* SPDX-License-Identifier: MIT */
/* Making a failing schedule short; see shrink.h. */
#define _GNU_SOURCE 1
#include "shrink.h"
#include "machine/atomic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64

struct shrink {
	char (*words)[WORD_MAX]; /* what fails so far */
	char (*trial)[WORD_MAX];
	size_t nr, nr_trial;
	char *text; /* room for all of them */
	shrink_fails fails;
	void *data;
	const volatile int *stop;
	unsigned int tries;
};

size_t shrink_words(const char *schedule)
{
	size_t n = 0;

	for (schedule += strspn(schedule, " "); *schedule; schedule += strspn(schedule, " ")) {
		schedule += strcspn(schedule, " ");
		n++;
	}
	return n;
}

static bool split(struct shrink *s, const char *schedule)
{
	size_t max = shrink_words(schedule) + 1;

	s->words = calloc(max, WORD_MAX);
	s->trial = calloc(max, WORD_MAX);
	s->text = malloc(max * WORD_MAX);
	if (!s->words || !s->trial || !s->text)
		return false;
	for (schedule += strspn(schedule, " "); *schedule; schedule += strspn(schedule, " ")) {
		size_t len = strcspn(schedule, " ");

		if (len >= WORD_MAX)
			return false;
		memcpy(s->words[s->nr++], schedule, len);
		schedule += len;
	}
	return true;
}

static void join(struct shrink *s, char (*words)[WORD_MAX], size_t nr)
{
	char *at = s->text;

	*at = '\0';
	for (size_t i = 0; i < nr; i++)
		at += sprintf(at, "%s%s", i ? " " : "", words[i]);
}

/* A*3 A*4 becomes A*7: the same, and shorter. */
static size_t merge(char (*words)[WORD_MAX], size_t nr)
{
	size_t n = 0;

	for (size_t i = 0; i < nr; i++) {
		unsigned long long a = 1, b = 1;
		size_t len = strcspn(words[i], "*~");
		char *last = n ? words[n - 1] : NULL;

		if (last && strcspn(last, "*~") == len && !strncmp(last, words[i], len) &&
		    !strchr(last, '~') && !strchr(words[i], '~') && *last != '!') {
			if (last[len])
				a = strtoull(last + len + 1, NULL, 10);
			if (words[i][len])
				b = strtoull(words[i] + len + 1, NULL, 10);
			snprintf(last + len, WORD_MAX - len, "*%llu", a + b);
			continue;
		}
		if (n != i)
			memcpy(words[n], words[i], WORD_MAX);
		n++;
	}
	return n;
}

/* The trial becomes what there is if it fails too. */
static bool try(struct shrink *s)
{
	char(*words)[WORD_MAX] = s->words;

	if (quiet_load(*s->stop))
		return false;
	s->nr_trial = merge(s->trial, s->nr_trial);
	join(s, s->trial, s->nr_trial);
	s->tries++;
	if (!s->fails(s->text, s->data))
		return false;
	s->words = s->trial;
	s->trial = words;
	s->nr = s->nr_trial;
	return true;
}

static bool try_without(struct shrink *s, size_t first, size_t nr)
{
	memcpy(s->trial, s->words, first * WORD_MAX);
	memcpy(s->trial + first, s->words + first + nr, (s->nr - first - nr) * WORD_MAX);
	s->nr_trial = s->nr - nr;
	return try(s);
}

/* The shortest beginning that is enough, found by halves; what fails is often near its end. */
static void cut_tail(struct shrink *s)
{
	for (size_t cut = s->nr; cut; cut /= 2)
		while (cut <= s->nr && s->nr && try_without(s, s->nr - cut, cut))
			;
}

static bool leave_out(struct shrink *s)
{
	size_t before = s->nr;

	for (size_t nr = s->nr / 2; nr; nr /= 2)
		for (size_t first = s->nr; first >= nr && first <= s->nr;) {
			first -= nr;
			try_without(s, first, nr);
			if (first > s->nr)
				first = s->nr;
		}
	return s->nr < before;
}

static bool run_on(struct shrink *s)
{
	bool better = false;

	for (size_t i = 0; i < s->nr; i++) {
		size_t len = strcspn(s->words[i], "*~");

		if (s->words[i][len] == '~' || *s->words[i] == '!')
			continue;
		memcpy(s->trial, s->words, s->nr * WORD_MAX);
		s->nr_trial = s->nr;
		strcpy(s->trial[i] + len, "~");
		better |= try(s);
	}
	return better;
}

char *shrink_schedule(const char *schedule, shrink_fails fails, void *data,
		      const volatile int *stop, unsigned int *tries)
{
	struct shrink s = {.fails = fails, .data = data, .stop = stop};
	char *result = NULL;

	if (split(&s, schedule)) {
		cut_tail(&s);
		while (leave_out(&s) || run_on(&s))
			;
		join(&s, s.words, s.nr);
		result = strdup(s.text);
	}
	*tries = s.tries;
	free(s.words);
	free(s.trial);
	free(s.text);
	return result;
}
