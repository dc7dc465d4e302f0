/* SPDX-License-Identifier: MIT */
/* Which seeded fault is on; part of the test library, set by tests/mutants. */
#include "base/mutant.h"

enum mmsim_mutant mmsim_mutant_on = NR_MUTANTS;
