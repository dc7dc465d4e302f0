/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a recording is read, whole or as a file that was cut, written and read back as the
 * same, and its replay is planned. The plan names tasks and numbers of operations that exist.
 */
#include "fuzz.h"
#include "lines.h"
#include "replay/plan.h"

static void check_plan(const struct recording *rec)
{
	const struct plan_order *last = NULL;
	struct plan plan;

	FUZZ_CHECK(!plan_make(rec, &plan), "no memory");
	FUZZ_CHECK(plan.nr_tasks == rec->nr_tasks, "%u %zu", plan.nr_tasks, rec->nr_tasks);
	for (unsigned int t = 0; t < plan.nr_tasks; t++)
		for (unsigned int n = 0; n < plan.tasks[t].nr_ops; n++)
			FUZZ_CHECK(rec->ops[plan.tasks[t].ops[n]].tid == plan.tasks[t].tid,
				   "task %u operation %u", t, n);
	for (size_t i = 0; i < plan.nr_orders; i++) {
		const struct plan_order *order = &plan.orders[i];

		FUZZ_CHECK(!last || last->op <= order->op, "order %zu is not sorted", i);
		FUZZ_CHECK(order->op < rec->nr_ops && order->task < plan.nr_tasks, "order %zu", i);
		FUZZ_CHECK(order->done && order->done <= plan.tasks[order->task].nr_ops,
			   "order %zu waits for operation %u", i, order->done);
		/* What is waited for comes first in the recording: so nothing waits in a circle. */
		FUZZ_CHECK(plan.tasks[order->task].ops[order->done - 1] < order->op,
			   "order %zu waits for what comes later", i);
		last = order;
	}
	plan_free(&plan);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return fuzz_mutate_recording(data, size, max_size, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int flags[] = {0, RECORDING_ALLOW_CUT};
	const char *path;
	struct sim_error err;
	struct recording rec;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		path = fuzz_file(data, size);
		err.text[0] = '\0';
		int ret = recording_load(path, flags[i], &rec, &err);

		if (ret) {
			fuzz_check_error(ret, &err, path);
			continue;
		}
		fuzz_recording_round_trip(&rec);
		check_plan(&rec);
		recording_free(&rec);
	}
	return 0;
}
