/* SPDX-License-Identifier: MIT */
/* How far long work has come, on stderr: a line that is rewritten, or one every 10 s. */
#ifndef MMSIM_SIM_SCENARIO_PROGRESS_H
#define MMSIM_SIM_SCENARIO_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#define PROGRESS_NS 250000000ull /* how often to tell on a terminal */

struct progress {
	bool terminal;
	int timer; /* when to tell; -1: never */
};

void progress_begin(struct progress *progress);
/* Tell, if it is time: @done of @total @what. */
void progress_tell(struct progress *progress, uint64_t done, uint64_t total, const char *what);
void progress_end(struct progress *progress);

#endif
