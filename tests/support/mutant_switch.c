/* SPDX-License-Identifier: MIT */
/* The one seeded fault that the test library runs with; none unless a test sets it. */
#include "base/mutant.h"

enum mmsim_mutant mmsim_mutant_on = NR_MUTANTS;
