/* SPDX-License-Identifier: MIT */
/* Progress on stderr; see progress.h. */
#include "progress.h"

#include <mmsim/mmsim.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_NS 10000000000ull

void progress_begin(struct progress *progress)
{
	progress->terminal = isatty(STDERR_FILENO);
	progress->told_ns = mmsim_now_ns();
}

void progress_tell(struct progress *progress, uint64_t done, uint64_t total, const char *what)
{
	double percent = total ? 100.0 * (double)done / (double)total : 100;

	if (!progress->terminal && mmsim_now_ns() - progress->told_ns < LINE_NS)
		return;
	progress->told_ns = mmsim_now_ns();
	fprintf(stderr, "%s%3.0f %% of %s%s", progress->terminal ? "\r" : "",
		percent < 100 ? percent : 100, what, progress->terminal ? "" : "\n");
}

void progress_end(struct progress *progress)
{
	if (progress->terminal)
		fputs("\r\033[K", stderr);
}
