/* SPDX-License-Identifier: MIT */
/* Anonymous memory; see region.h. */
#define _GNU_SOURCE 1
#include "region.h"

#include <sys/mman.h>

static char *map(size_t size, int advice)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	madvise(at, size, advice);
	return at;
}

char *region_map(size_t size)
{
	return map(size, MADV_NOHUGEPAGE);
}

char *region_map_huge(size_t size)
{
	char *region = map(size, MADV_HUGEPAGE);

	if (region)
		region_touch(region, size);
	return region;
}

void region_unmap(char *region, size_t size)
{
	if (region)
		munmap(region, size);
}

void region_touch(char *region, size_t size)
{
	for (size_t at = 0; at < size; at += REGION_PAGE)
		*(volatile char *)(region + at) = 1;
}
