/* SPDX-License-Identifier: MIT */
/* What the fuzz targets of importers share; see import_check.h. */
#include "import_check.h"
#include "consistent.h"
#include "fuzz.h"
#include "replay/plan.h"

void fuzz_import(fuzz_import_fn *import, const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct import_report report;
	struct sim_error err = {""};
	struct recording rec;
	struct plan plan;
	int ret = import(path, &rec, &report, &err);

	if (ret) {
		fuzz_check_error(ret, &err, path);
		return;
	}
	fuzz_recording_round_trip(&rec);
	fuzz_check_consistent(&rec);
	FUZZ_CHECK(!plan_make(&rec, &plan), "no memory");
	plan_free(&plan);
	recording_free(&rec);
}

void fuzz_append_filled(struct fuzz_random *random, const char *event, char *line)
{
	for (; *event; event++) {
		if (*event == '@')
			fuzz_append(line, "0x%x000", 0x10000 + fuzz_random(random, 16));
		else if (*event == '~')
			fuzz_append(line, "0x%x000", fuzz_random(random, 9));
		else if (*event == '!')
			fuzz_append(line, "%u", fuzz_random(random, 10));
		else
			fuzz_append(line, "%c", *event);
	}
}
