/* SPDX-License-Identifier: MIT */
/* Fuzz target: text of perf's page faults is imported. */
#include "fuzz.h"
#include "import_check.h"
#include "import/page_faults.h"

/* What stands behind the time, see fuzz_append_filled(). */
static const char *const events[] = {
	"    @ 0x1!",
	"    1000! 1000!",
	"    @ ffffffff8175016a",
	"    @",
	"ffff88800000000!",
	"PERF_RECORD_COMM exec: a:!/!",
	"PERF_RECORD_COMM: a b:!/!",
	"PERF_RECORD_FORK(!:!):(!:!)",
	"PERF_RECORD_EXIT(!:!):(!:!)",
	"PERF_RECORD_LOST lost !",
};

static void make_line(struct fuzz_random *random, const char *before, char *line)
{
	const char *event = events[fuzz_random(random, sizeof(events) / sizeof(*events))];

	(void)before;
	fuzz_append(line, "  a %u/%u  1.%06u: ", 1 + fuzz_random(random, 3),
		    1 + fuzz_random(random, 9), fuzz_random(random, 30));
	fuzz_append_filled(random, event, line);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return fuzz_mutate_lines(data, size, max_size, seed, make_line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_import(import_page_faults, data, size);
	return 0;
}
