/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a list of operations is loaded and, if all of it can be done, done under two
 * kernels' locks. No assertion of the library breaks, in the end tree, VMAs and page tables agree,
 * nothing is leaked, and what the program sees does not depend on the locks. A list is cut after
 * OPS_MAX lines.
 */
#define _GNU_SOURCE 1
#include "fuzz.h"
#include "lines.h"
#include "replay/ops_list.h"

#include <string.h>
#include <sys/mman.h>

#define OPS_MAX 200

/* To fill more than this, page by page, is no mistake of the library but takes too long. */
#define POPULATED_MAX (UINT64_C(4) << 20)

/* Stands in front of the library's: what an address space has become is checked before it goes. */
void __real_mmsim_mm_put(struct mm_struct *mm);
void __wrap_mmsim_mm_put(struct mm_struct *mm);

void __wrap_mmsim_mm_put(struct mm_struct *mm)
{
	mmsim_mm_check(mm);
	__real_mmsim_mm_put(mm);
}

/* The axes of the oldest kernel, of one between, and of the newest. */
static const struct locks {
	const char *fault, *madvise, *munmap;
} locks[] = {
	{"mmap_lock", "mmap_lock", "whole"},
	{"vma_rwsem", "mmap_lock", "downgrade"},
	{"vma_refcnt", "vma_lock", "downgrade"},
};

static size_t cut(const uint8_t *data, size_t size)
{
	size_t lines = 0;

	for (size_t i = 0; i < size; i++)
		if (data[i] == '\n' && ++lines == OPS_MAX)
			return i + 1;
	return size;
}

/* Whether it fills memory that nobody touches. */
static bool populates(const struct sim_op *op)
{
	const char *advice = op->kind == OP_MADVISE ? sim_advice_name(op->advice) : NULL;

	return op->kind == OP_MLOCK || (advice && !strncmp(advice, "POPULATE", 8)) ||
	       (op->kind == OP_MMAP && op->flags & (MAP_POPULATE | MAP_LOCKED));
}

static bool takes_too_long(const struct ops_list *list)
{
	bool populating = false, large = false;

	for (size_t i = 0; i < list->nr; i++) {
		const struct sim_op *op = &list->ops[i];

		populating |= populates(op);
		large |= op->len > POPULATED_MAX || op->new_len > POPULATED_MAX;
	}
	return (populating && large) || fuzz_maps_too_much(list->ops, list->nr);
}

static struct mmsim *make_sim(const struct locks *set)
{
	struct mmsim_config config;
	struct mmsim *sim;
	char error[256] = "";

	mmsim_config_init(&config);
	config.memory_bytes = 16 << 20;
	mmsim_config_set(&config, "machine", "step", NULL);
	FUZZ_CHECK(!mmsim_config_set(&config, "fault", set->fault, error), "%s", error);
	FUZZ_CHECK(!mmsim_config_set(&config, "madvise", set->madvise, error), "%s", error);
	FUZZ_CHECK(!mmsim_config_set(&config, "munmap", set->munmap, error), "%s", error);
	FUZZ_CHECK(!mmsim_create(&config, &sim, error), "%s", error);
	return sim;
}

/* What `mmsim ops` prints; the caller frees it. */
static char *run(const struct ops_list *list, const struct locks *set)
{
	struct mmsim *sim = make_sim(set);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	FUZZ_CHECK(out, "no memory");
	FUZZ_CHECK(!ops_list_run(sim, list, out), "%s", mmsim_failure(sim));
	fclose(out);
	FUZZ_CHECK(!mmsim_destroy(sim), "objects or pages were leaked");
	return text;
}

/* A line that can be done alone, of few tries: one that cannot would spoil the list. */
static void make_line(struct fuzz_random *random, const char *before, char *line)
{
	struct ops_list list;
	int ret = -1;

	(void)before;
	for (int tries = 0; ret && tries < 8; tries++) {
		snprintf(line, FUZZ_LINE_MAX, "%u",
			 fuzz_random(random, 3) ? 0 : fuzz_random(random, 4));
		fuzz_append_op(random, line);
		ret = ops_list_load(fuzz_file(line, strlen(line)), &list, NULL);
		if (!ret)
			ops_list_free(&list);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return fuzz_mutate_lines(data, size, max_size, seed, make_line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, cut(data, size));
	struct sim_error err = {""};
	const struct locks *set;
	struct ops_list list;
	int ret = ops_list_load(path, &list, &err);
	char *first, *other;

	if (ret) {
		fuzz_check_error(ret, &err, path);
		return 0;
	}
	if (!takes_too_long(&list)) {
		/* Which locks come second is the input's choice. */
		set = &locks[1 + size % 2];
		first = run(&list, &locks[0]);
		other = run(&list, set);
		FUZZ_CHECK(!strcmp(first, other), "%s\n---- but with fault=%s ----\n%s", first,
			   set->fault, other);
		free(first);
		free(other);
	}
	ops_list_free(&list);
	return 0;
}
