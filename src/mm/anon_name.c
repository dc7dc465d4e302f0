/* SPDX-License-Identifier: MIT */
/*
 * Names of anonymous memory (PR_SET_VMA_ANON_NAME): Android names its heaps.
 *
 * Fidelity: a name is an attribute that VMAs share by reference and that a
 * merge compares by content, as since 5.17.
 */
#include "mm/mm.h"

#include <string.h>

struct anon_vma_name *anon_vma_name_alloc(struct mmsim *sim, const char *name)
{
	struct anon_vma_name *anon_name = kmem_cache_alloc(sim->name_cache);

	if (!anon_name)
		return NULL;
	anon_name->refcount.counter = 1;
	strncpy(anon_name->name, name, sizeof(anon_name->name) - 1);
	return anon_name;
}

struct anon_vma_name *anon_vma_name_get(struct anon_vma_name *anon_name)
{
	if (anon_name)
		atomic_inc(&anon_name->refcount);
	return anon_name;
}

void anon_vma_name_put(struct mmsim *sim, struct anon_vma_name *anon_name)
{
	/* Full order: whoever frees comes after everybody's last look. */
	if (anon_name && atomic_dec_and_test(&anon_name->refcount))
		kmem_cache_free(sim->name_cache, anon_name);
}

bool anon_vma_name_eq(const struct anon_vma_name *a, const struct anon_vma_name *b)
{
	return a == b || (a && b && !strcmp(a->name, b->name));
}
