/* SPDX-License-Identifier: MIT */
/*
 * Which words tasks share. A step does not say whether it writes; so the word is
 * looked at before and after, and what leaves it as it was counts as a read: it
 * commutes with every other read.
 */
#include "machine/model/search.h"

#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#define NO_ASAN __attribute__((no_sanitize("address")))
#else
#define NO_ASAN __attribute__((no_sanitize_address))
#endif

void search_words_begin(struct search_words *words)
{
	words->run++;
	words->nr_chunks = 0;
	words->watched = NULL;
	for (struct search_type *type = words->types; type; type = type->next)
		type->place = &type->chunks;
}

void search_words_free(struct search_words *words)
{
	while (words->types) {
		struct search_type *type = words->types;

		words->types = type->next;
		while (type->chunks) {
			struct search_chunk *chunk = type->chunks;

			type->chunks = chunk->next;
			free(chunk);
		}
		free(type);
	}
	free(words->chunks);
	free(words->volatile_words);
}

/* ---- chunks of this run's machine ---- */

static struct search_type *type_named(struct search_words *words, const char *name)
{
	struct search_type *type = words->types;

	while (type && type->name != name && strcmp(type->name, name))
		type = type->next;
	if (type)
		return type;
	type = calloc(1, sizeof(*type));
	if (!type)
		return NULL;
	type->name = name;
	type->place = &type->chunks;
	/* States, park tokens and kills: the machine's own words of a task. */
	type->volatile_words = !strcmp(name, "task");
	type->next = words->types;
	words->types = type;
	return type;
}

static bool chunks_grow(struct search_words *words)
{
	size_t max = MAX(64, 2 * words->max_chunks);
	struct search_chunk **chunks = realloc(words->chunks, max * sizeof(*chunks));
	bool *flags = chunks ? realloc(words->volatile_words, max) : NULL;

	if (chunks)
		words->chunks = chunks;
	if (!flags)
		return false;
	words->volatile_words = flags;
	words->max_chunks = max;
	return true;
}

static bool add_chunk(struct search_words *words, const struct machine_chunk *chunk)
{
	struct search_type *type = type_named(words, chunk->type);

	if (!type || (words->nr_chunks == words->max_chunks && !chunks_grow(words)))
		return false;
	if (!*type->place)
		*type->place = calloc(1, sizeof(struct search_chunk));
	if (!*type->place)
		return false;
	words->volatile_words[words->nr_chunks] = type->volatile_words;
	words->chunks[words->nr_chunks++] = *type->place;
	type->place = &(*type->place)->next;
	return true;
}

static bool know_chunk(struct search_words *words, const struct machine *machine, size_t index)
{
	while (words->nr_chunks <= index) {
		char *at = machine->first_chunk + words->nr_chunks * CHUNK_SIZE;

		if (!add_chunk(words, (const struct machine_chunk *)at))
			return false;
	}
	return true;
}

/* ---- touches ---- */

static void word_touched(struct search_words *words, struct search_word *word, int task)
{
	if (word->run != words->run) {
		word->run = words->run;
		word->first = (uint8_t)task;
		word->many = false;
		word->written = false;
	} else if (word->first != task) {
		word->many = true;
	}
}

static void word_judge(struct search_words *words, struct search_word *word)
{
	if (word->shared || !word->many || !word->written)
		return;
	word->shared = true;
	words->nr_shared++;
	words->grew = true;
}

/* The object may be gone by now, so its bytes are not asked whether they may be read. */
NO_ASAN static bool settle(struct search_words *words)
{
	bool changed;

	if (!words->watched)
		return false;
	changed = *words->watched != words->before;
	words->watched = NULL;
	if (!changed)
		return false;
	words->watched_word->written = true;
	word_judge(words, words->watched_word);
	return true;
}

NO_ASAN static void watch(struct search_words *words, struct search_word *word,
			  const volatile void *addr)
{
	words->watched = (const volatile uint64_t *)((uintptr_t)addr & ~7ul);
	words->before = *words->watched;
	words->watched_word = word;
}

struct search_word *search_words_touch(struct search_words *words, const struct machine *machine,
				       const volatile void *addr, int task, bool *changed)
{
	uintptr_t at = (uintptr_t)addr - (uintptr_t)machine->first_chunk;
	size_t index = at / CHUNK_SIZE, offset = at % CHUNK_SIZE;
	struct search_chunk *chunk;
	struct search_word *word;

	*changed = settle(words);
	if (at >= machine->arena_used)
		return &words->elsewhere;
	if (index >= words->nr_chunks && !know_chunk(words, machine, index))
		return NULL;
	chunk = words->chunks[index];
	word = &chunk->words[offset / sizeof(uint64_t)];
	word_touched(words, word, task);
	if (words->volatile_words[index])
		word->written = true;
	/* Who looks at what another one freed. */
	if (chunk->freed_run[offset >> GRANULE_SHIFT] == words->run) {
		word->written = true;
		word->many |= chunk->freed_by[offset >> GRANULE_SHIFT] != task;
	}
	word_judge(words, word);
	watch(words, word, addr);
	return word;
}

/* Freeing writes all of the object: to those who have looked at it, and who will. */
void search_words_freed(struct search_words *words, const struct machine *machine,
			const void *object, size_t size, int task)
{
	uintptr_t at = (uintptr_t)object - (uintptr_t)machine->first_chunk;
	size_t index = at / CHUNK_SIZE, first = at % CHUNK_SIZE;
	struct search_chunk *chunk;

	if (!know_chunk(words, machine, index))
		return;
	chunk = words->chunks[index];
	for (size_t i = first >> GRANULE_SHIFT; i < (first + size) >> GRANULE_SHIFT; i++) {
		chunk->freed_run[i] = words->run;
		chunk->freed_by[i] = (uint8_t)task;
	}
	for (size_t i = first / 8; i < (first + size) / 8; i++) {
		struct search_word *word = &chunk->words[i];

		if (word->run != words->run)
			continue;
		word_touched(words, word, task);
		word->written = true;
		word_judge(words, word);
	}
}
