/* SPDX-License-Identifier: MIT */
/* What trace.c and edges.c share. */
#ifndef MMSIM_TRACE_TRACE_INTERNAL_H
#define MMSIM_TRACE_TRACE_INTERNAL_H

#include "trace/trace.h"

struct trace {
	struct machine *machine;
	bool enabled;
	struct edge_sum edges[TRACE_MAX_EDGES]; /* open hashing; slots are claimed by CAS */
};

int trace_describe_wait(struct task *task, char *buf, size_t size, void *data);

#endif
