/* SPDX-License-Identifier: MIT */
/* Progress on stderr; see progress.h. A timer of this computer's: a model's time is another. */
#include "progress.h"

#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LINE_NS 10000000000ull

void progress_begin(struct progress *progress)
{
	struct itimerspec often = {0};
	uint64_t ns;

	progress->terminal = isatty(STDERR_FILENO);
	ns = progress->terminal ? PROGRESS_NS : LINE_NS;
	often.it_interval.tv_sec = often.it_value.tv_sec = (time_t)(ns / 1000000000);
	often.it_interval.tv_nsec = often.it_value.tv_nsec = (long)(ns % 1000000000);
	progress->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (progress->timer >= 0)
		timerfd_settime(progress->timer, 0, &often, NULL);
}

void progress_tell(struct progress *progress, uint64_t done, uint64_t total, const char *what)
{
	double percent = total ? 100.0 * (double)done / (double)total : 100;
	uint64_t times;

	if (progress->timer < 0 || read(progress->timer, &times, sizeof(times)) != sizeof(times))
		return;
	fprintf(stderr, "%s%3.0f %% of %s%s", progress->terminal ? "\r" : "",
		percent < 100 ? percent : 100, what, progress->terminal ? "" : "\n");
}

void progress_end(struct progress *progress)
{
	if (progress->terminal)
		fputs("\r\033[K", stderr);
	if (progress->timer >= 0)
		close(progress->timer);
}
