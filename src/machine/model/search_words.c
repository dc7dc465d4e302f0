/* SPDX-License-Identifier: MIT */
/*
 * Which words tasks race for: two accesses of different tasks, one of them a
 * write, neither after the other by way of other words. Only before such an
 * access can a switch lead somewhere else; where the order is forced by another
 * word, it is a switch at that one which changes it.
 *
 * A step does not say whether it writes; so the word is looked at before and
 * after, and what leaves it as it was counts as a read: it commutes with reads.
 *
 * Source: C. Flanagan, P. Godefroid, Dynamic partial-order reduction for model
 * checking software, 2005: races found in a run say where the others differ.
 */
#include "machine/model/search.h"

#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#define NO_ASAN __attribute__((no_sanitize("address")))
#else
#define NO_ASAN __attribute__((no_sanitize_address))
#endif

static noinline void no_memory(void)
{
	machine_bug("no memory for the search");
}

/* ---- a run's clocks and nodes ---- */

static uint32_t new_node(struct search_words *words)
{
	if (unlikely(words->nr_nodes == words->max_nodes)) {
		uint32_t max = MAX(1024, 2 * words->max_nodes);
		struct search_node *nodes = realloc(words->nodes, max * sizeof(*nodes));

		if (!nodes)
			no_memory();
		words->nodes = nodes;
		words->max_nodes = max;
	}
	return words->nr_nodes++;
}

static uint32_t new_vector(struct search_words *words)
{
	if (unlikely(words->nr_vectors == words->max_vectors)) {
		uint32_t max = MAX(256, 2 * words->max_vectors);
		search_vector *vectors = realloc(words->vectors, max * sizeof(*vectors));

		if (!vectors)
			no_memory();
		words->vectors = vectors;
		words->max_vectors = max;
	}
	return words->nr_vectors++;
}

int search_words_init(struct search_words *words)
{
	words->elsewhere.shared = true;
	words->vectors = malloc(sizeof(*words->vectors));
	words->nodes = malloc(sizeof(*words->nodes));
	words->max_vectors = words->max_nodes = 1;
	if (!words->vectors || !words->nodes)
		return -ENOMEM;
	/* Nobody knows of anything. */
	memset(words->vectors, 0, sizeof(*words->vectors));
	return 0;
}

void search_words_begin(struct search_words *words)
{
	words->run++;
	words->nr_chunks = 0;
	words->access.word = NULL;
	words->nr_nodes = words->nr_vectors = 1;
	words->nr_tasks = 0;
	words->elsewhere.run = words->run;
	words->elsewhere.nodes = 0;
	memset(words->clock, 0, sizeof(words->clock));
	memset(words->decision, 0xff, sizeof(words->decision));
	memset(words->turn, 0xff, sizeof(words->turn));
	memset(words->vector, 0, sizeof(words->vector));
	memset(words->referred, true, sizeof(words->referred));
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
	free(words->nodes);
	free(words->vectors);
}

void search_words_after(struct search_words *words, int task, const struct search_event *event)
{
	uint32_t to = words->vector[task];

	if (event->task == task || search_words_knows(words, task, event->task) >= event->clock)
		return;
	if (words->referred[task]) {
		to = new_vector(words);
		memcpy(words->vectors[to], words->vectors[words->vector[task]],
		       sizeof(search_vector));
		words->vector[task] = to;
		words->referred[task] = false;
	}
	for (int i = 0; i < words->nr_tasks; i++)
		words->vectors[to][i] =
			MAX(words->vectors[to][i], words->vectors[event->vector][i]);
	words->vectors[to][event->task] = event->clock;
}

struct search_event search_words_now(struct search_words *words, int task)
{
	words->nr_tasks = MAX(words->nr_tasks, task + 1);
	words->referred[task] = true;
	return (struct search_event){
		.clock = words->clock[task],
		.vector = words->vector[task],
		.decision = words->decision[task],
		.turn = words->turn[task],
		.task = (uint8_t)task,
	};
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
		no_memory();
	type->name = name;
	type->place = &type->chunks;
	type->next = words->types;
	words->types = type;
	return type;
}

static void add_chunk(struct search_words *words, const struct machine_chunk *chunk)
{
	struct search_type *type = type_named(words, chunk->type);

	if (words->nr_chunks == words->max_chunks) {
		size_t max = MAX(64, 2 * words->max_chunks);
		struct search_chunk **chunks = realloc(words->chunks, max * sizeof(*chunks));

		if (!chunks)
			no_memory();
		words->chunks = chunks;
		words->max_chunks = max;
	}
	if (!*type->place)
		*type->place = calloc(1, sizeof(struct search_chunk));
	if (!*type->place)
		no_memory();
	words->chunks[words->nr_chunks++] = *type->place;
	type->place = &(*type->place)->next;
}

static struct search_chunk *chunk_at(struct search_words *words, const struct machine *machine,
				     size_t index)
{
	while (unlikely(words->nr_chunks <= index))
		add_chunk(words, (const struct machine_chunk *)(machine->first_chunk +
								words->nr_chunks * CHUNK_SIZE));
	return words->chunks[index];
}

/* The word at an offset from the first chunk; all words of a run have nodes of that run. */
static struct search_word *word_at(struct search_words *words, const struct machine *machine,
				   uintptr_t at)
{
	struct search_chunk *chunk = chunk_at(words, machine, at / CHUNK_SIZE);
	struct search_word *word = &chunk->words[at % CHUNK_SIZE / sizeof(uint64_t)];
	const struct search_freed *freed;

	if (word->run == words->run)
		return word;
	word->run = words->run;
	word->nodes = 0;
	freed = &chunk->freed[at % CHUNK_SIZE >> GRANULE_SHIFT];
	if (freed->run == words->run) {
		/* Nobody had touched it when it was freed. */
		word->nodes = new_node(words);
		words->nodes[word->nodes] = (struct search_node){.event = freed->event};
	}
	return word;
}

/* ---- accesses ---- */

static void raced(struct search_words *words, struct search_word *word,
		  const struct search_event *first, int second)
{
	if (!word->shared) {
		word->shared = true;
		words->nr_shared++;
		words->grew = true;
	}
	words->race(words, first, second);
}

static void made(struct search_words *words, struct search_word *word, int task, bool write)
{
	uint32_t *link = &word->nodes;
	uint32_t own = 0;

	words->nr_tasks = MAX(words->nr_tasks, task + 1);
	while (*link) {
		struct search_node *node = &words->nodes[*link];

		if ((write || node->event.write) && node->event.task != task) {
			if (search_words_knows(words, task, node->event.task) < node->event.clock)
				raced(words, word, &node->event, task);
			search_words_after(words, task, &node->event);
		}
		/* Superseded. */
		if (write || (node->event.task == task && !node->event.write)) {
			own = *link;
			*link = node->next;
		} else {
			link = &node->next;
		}
	}
	own = own ? own : new_node(words);
	words->clock[task]++;
	words->nodes[own].event = search_words_now(words, task);
	words->nodes[own].event.write = write;
	words->nodes[own].next = word->nodes;
	word->nodes = own;
}

/* Where it is not to be seen whether somebody wrote, it counts as a write. */
static bool visible(const struct search_words *words, const struct search_access *access)
{
	return access->word != &words->elsewhere;
}

static const volatile uint64_t *whole_word(const struct search_access *access)
{
	return (const volatile uint64_t *)((uintptr_t)access->addr & ~7ul);
}

NO_ASAN void search_words_begin_access(struct search_words *words,
				       const struct search_access *access, int task)
{
	words->access = *access;
	words->access_task = task;
	if (visible(words, access))
		words->before = *whole_word(access);
}

/* The object may be gone by now, so its bytes are not asked whether they may be read. */
NO_ASAN bool search_words_end_access(struct search_words *words)
{
	const struct search_access *access = &words->access;
	struct search_word *word = access->word;
	bool seen, changed;

	if (!word)
		return false;
	seen = visible(words, access);
	changed = seen && *whole_word(access) != words->before;
	words->access.word = NULL;
	made(words, word, words->access_task, changed || access->write || !seen);
	return changed;
}

struct search_word *search_words_find(struct search_words *words, const struct machine *machine,
				      const volatile void *addr)
{
	uintptr_t at = (uintptr_t)addr - (uintptr_t)machine->first_chunk;

	return at < machine->arena_used ? word_at(words, machine, at) : &words->elsewhere;
}

void search_words_wrote(struct search_words *words, const struct machine *machine,
			const volatile void *addr, int task)
{
	search_words_end_access(words);
	made(words, search_words_find(words, machine, addr), task, true);
}

/* Freeing writes all of the object: to those who have looked at it, and who will. */
void search_words_freed(struct search_words *words, const struct machine *machine,
			const void *object, size_t size, int task)
{
	uintptr_t at = (uintptr_t)object - (uintptr_t)machine->first_chunk;
	struct search_chunk *chunk = chunk_at(words, machine, at / CHUNK_SIZE);
	size_t first = at % CHUNK_SIZE;
	struct search_event event;

	search_words_end_access(words);
	for (size_t i = first / 8; i < (first + size) / 8; i++)
		if (chunk->words[i].run == words->run && chunk->words[i].nodes)
			made(words, &chunk->words[i], task, true);
	words->clock[task]++;
	event = search_words_now(words, task);
	event.write = true;
	for (size_t i = first >> GRANULE_SHIFT; i < (first + size) >> GRANULE_SHIFT; i++)
		chunk->freed[i] = (struct search_freed){words->run, event};
}
