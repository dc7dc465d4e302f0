/* SPDX-License-Identifier: MIT */
/* Many runs: one after another, or some at once in processes of their own. */
#ifndef MMSIM_SIM_CLI_JOBS_H
#define MMSIM_SIM_CLI_JOBS_H

#include <jansson.h>
#include <stdbool.h>

#define JOBS_MAX 256 /* at once; each has two pipes */

/* How a run went. */
struct job_end {
	int code; /* as cli_run() says */
	json_t *result; /* the callee's; NULL: none */
	const char *died; /* its process did not end by itself: how; NULL: it did */
};

struct jobs {
	unsigned int nr, at_once; /* @at_once 1: all in this process */
	bool quiet; /* no progress on stderr */
	void *arg;
	/* What stands before a run's output; may be NULL. */
	void (*begin)(void *arg, unsigned int i);
	/* Do it; called in another process when several are run at once. *result NULL: none. */
	int (*run)(void *arg, unsigned int i, json_t **result);
	/* Print it. Return: the exit code; with any but EXIT_INTERRUPTED it is the last one. */
	int (*end)(void *arg, unsigned int i, const struct job_end *end);
};

/**
 * jobs_run - do all runs, end them in their order
 *
 * begin(i) and end(i) are called in this process, for 0, 1, ... in turn, and what run(i) wrote to
 * stderr comes out between them: what is printed does not depend on how many run at once. With
 * several at once nothing may have started a thread before.
 *
 * An interrupt stops the runs under way; they are ended as far as they came. After another failure
 * the later ones are killed.
 *
 * Return: the first code of a failure, else EXIT_INTERRUPTED, else 0. EXIT_BROKEN after saying why
 * when no process can be started.
 */
int jobs_run(const struct jobs *jobs);

/* CPUs of this computer, JOBS_MAX at most. */
unsigned int jobs_default(void);

#endif
