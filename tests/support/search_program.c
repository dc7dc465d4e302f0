/* SPDX-License-Identifier: MIT */
/* Programs of a few steps on a bare step machine; see the header. */
#include "search_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct search_program_run test;
const char *letters[TASKS_MAX] = {"a", "b", "c", "d"};

static void make(const struct program *program, struct mmsim_search *search, const char *schedule)
{
	const struct machine_config config = {.kind = MACHINE_STEP,
					      .seed = 1,
					      .nr_cpus = 4,
					      .hz = 250,
					      .schedule = schedule,
					      .search = search,
					      .max_steps = 100000};
	struct machine_chunk *chunk;

	memset(&test, 0, sizeof(test));
	test.accesses = program->accesses;
	assert_int_equal(machine_create(&config, &test.machine), 0);
	chunk = machine_chunk_alloc(test.machine, "shared", sizeof(struct shared));
	assert_non_null(chunk);
	test.shared = (struct shared *)((char *)chunk + chunk->first_offset);
	machine_object_allocated(test.shared, sizeof(*test.shared));
	for (int i = 0; i < TASKS_MAX && program->body[i]; i++) {
		const struct task_attr attr = {.name = letters[i], .cpu = i};

		assert_non_null(machine_task_create(test.machine, &attr, program->body[i],
						    (void *)(uintptr_t)i));
	}
}

/* 0: as it should be; else what was wrong. */
static int run(const struct program *program)
{
	int err = machine_run(test.machine);

	if (!err && program->good && !program->good())
		err = -EPROTO;
	return err;
}

int run_once(const struct program *program, struct mmsim_search *search, const char *schedule)
{
	int err;

	make(program, search, schedule);
	err = run(program);
	machine_destroy(test.machine);
	return err;
}

struct mmsim_search *new_search(enum mmsim_search_kind kind, unsigned int preemptions)
{
	const struct mmsim_search_config config = {
		.kind = kind, .seed = 1, .preemptions = preemptions, .pct_depth = 3};
	struct mmsim_search *search = mmsim_search_create(&config);

	assert_non_null(search);
	return search;
}

uint64_t find(const struct program *program, struct mmsim_search *search, int *err)
{
	struct mmsim_search_info info;

	do {
		*err = run_once(program, search, NULL);
		mmsim_search_get_info(search, &info);
		assert_int_equal(info.diverged, 0);
		if (*err)
			return info.runs;
	} while (info.runs < RUNS_MAX && mmsim_search_next(search));
	return 0;
}
