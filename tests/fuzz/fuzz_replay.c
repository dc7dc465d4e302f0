/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a recording is replayed on the step machine. Whatever it says, every task ends, no
 * assertion of the library breaks and nothing is leaked.
 */
#include "fuzz.h"
#include "lines.h"
#include "replay/replay.h"

/* A recording of a few thousand characters ends in far fewer. */
#define STEPS_MAX 3000000

static struct mmsim *make_sim(const char *kernel)
{
	struct mmsim_config config;
	struct mmsim *sim;
	char error[256] = "";

	mmsim_config_init(&config);
	config.memory_bytes = 16 << 20;
	config.max_steps = STEPS_MAX;
	FUZZ_CHECK(!mmsim_config_set(&config, "machine", "step", error), "%s", error);
	FUZZ_CHECK(!mmsim_config_set(&config, "kernel", kernel, error), "%s", error);
	FUZZ_CHECK(!mmsim_create(&config, &sim, error), "%s", error);
	return sim;
}

static void replay(const struct recording *rec, const char *kernel)
{
	static const struct replay_options options = {.think = 0};
	static struct replay_result result;
	struct mmsim *sim = make_sim(kernel);
	char error[256] = "";
	struct plan plan;

	FUZZ_CHECK(!plan_make(rec, &plan), "no memory");
	FUZZ_CHECK(!replay_run(sim, &plan, &options, &result, error), "%s", error);
	FUZZ_CHECK(!mmsim_destroy(sim), "objects or pages were leaked");
	plan_free(&plan);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return fuzz_mutate_recording(data, size, max_size, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording rec;

	if (recording_load(fuzz_file(data, size), 0, &rec, NULL))
		return 0;
	/* Which kernel is the input's choice. */
	if (!fuzz_maps_too_much(rec.ops, rec.nr_ops))
		replay(&rec, size % 2 ? "6.1" : "6.18");
	recording_free(&rec);
	return 0;
}
