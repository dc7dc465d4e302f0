/* SPDX-License-Identifier: MIT */
/*
 * Memory that a search keeps from one run to the next. To map, fault in and unmap
 * it took most of the time of a short run.
 */
#define _GNU_SOURCE 1
#include "machine/model/search.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define SPARES_MAX 256 /* regions */
#define LOOKED_AT_MAX (64ul << 20) /* of larger ones it would take too long to see what was used */

struct spare {
	struct spare *next;
	void *memory;
	size_t size;
};

/* What was touched becomes zeroes again; what was not stays untouched. */
static bool clear(char *memory, size_t size)
{
	size_t pages = DIV_ROUND_UP(size, PAGE);
	unsigned char *touched = malloc(pages);
	bool done = touched && !mincore(memory, size, touched);

	for (size_t i = 0; done && i < pages; i++)
		if (touched[i] & 1)
			memset(memory + i * PAGE, 0, PAGE);
	free(touched);
	return done;
}

void *search_spare_take(struct mmsim_search *search, size_t size)
{
	for (struct spare **link = &search->spares; *link; link = &(*link)->next) {
		struct spare *spare = *link;
		void *memory = spare->memory;

		if (spare->size != size)
			continue;
		*link = spare->next;
		search->nr_spares--;
		free(spare);
		return memory;
	}
	return NULL;
}

bool search_spare_keep(struct mmsim_search *search, void *memory, size_t size, size_t used)
{
	struct spare *spare;

	if (search->nr_spares == SPARES_MAX || used > LOOKED_AT_MAX ||
	    (used && !clear(memory, used)))
		return false;
	spare = malloc(sizeof(*spare));
	if (!spare)
		return false;
	*spare = (struct spare){search->spares, memory, size};
	search->spares = spare;
	search->nr_spares++;
	return true;
}

void search_spares_free(struct mmsim_search *search)
{
	while (search->spares) {
		struct spare *spare = search->spares;

		search->spares = spare->next;
		munmap(spare->memory, spare->size);
		free(spare);
	}
}
