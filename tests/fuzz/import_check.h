/* SPDX-License-Identifier: MIT */
/* What the fuzz targets of importers share. */
#ifndef MMSIM_TESTS_FUZZ_IMPORT_CHECK_H
#define MMSIM_TESTS_FUZZ_IMPORT_CHECK_H

#include "lines.h"
#include "import/import.h"

typedef int fuzz_import_fn(const char *path, struct recording *out, struct import_report *report,
			   struct sim_error *err);

/*
 * What is imported is a recording that is written and read back as the same, whose operations fit
 * one another thanks to what was assumed, and whose replay can be planned.
 */
void fuzz_import(fuzz_import_fn *import, const uint8_t *data, size_t size);

/**
 * fuzz_append_filled - append an event to a line
 * @random: where its choices come from
 * @event: its text; @ stands for an address, ~ for a length, ! for a small number
 * @line: FUZZ_LINE_MAX bytes
 */
void fuzz_append_filled(struct fuzz_random *random, const char *event, char *line);

#endif
