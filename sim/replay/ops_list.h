/* SPDX-License-Identifier: MIT */
/*
 * Operation lists: do one operation after another and print the state after
 * each, in the form in which the running kernel's answers are recorded.
 */
#ifndef MMSIM_SIM_REPLAY_OPS_LIST_H
#define MMSIM_SIM_REPLAY_OPS_LIST_H

#include "../scenario/op.h"

#include <mmsim/mmsim.h>
#include <stdio.h>

struct ops_list {
	struct sim_op *ops;
	char (*text)[SIM_OP_LINE_MAX]; /* each as it was written */
	size_t nr;
	char **comments; /* lines before the first operation, to be repeated */
	size_t nr_comments;
};

/**
 * ops_list_load - read a list and look whether all of it can be done
 * Return: 0 or -errno with @err filled: file:line: what was expected.
 */
int ops_list_load(const char *path, struct ops_list *list, struct sim_error *err);
void ops_list_free(struct ops_list *list);

/* Do it in @sim, from its main task. 0 or -ENOMEM. */
int ops_list_run(struct mmsim *sim, const struct ops_list *list, FILE *out);

#endif
