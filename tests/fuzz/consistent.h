/* SPDX-License-Identifier: MIT */
/* What an import promises of its recording; see assume_mappings(). */
#ifndef MMSIM_TESTS_FUZZ_CONSISTENT_H
#define MMSIM_TESTS_FUZZ_CONSISTENT_H

#include "replay/recording.h"

/*
 * Done one after another, every operation that succeeded finds its whole range mapped, and every
 * mapping that the kernel placed finds its place free. A finding otherwise.
 */
void fuzz_check_consistent(const struct recording *rec);

#endif
