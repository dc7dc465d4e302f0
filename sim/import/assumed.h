/* SPDX-License-Identifier: MIT */
/* Mappings that a program used but was not seen making, inferred from what it did with them. */
#ifndef MMSIM_SIM_IMPORT_ASSUMED_H
#define MMSIM_SIM_IMPORT_ASSUMED_H

#include "import.h"

/* An operation as traced. */
struct traced_op {
	struct sim_op op;
	uint64_t end_ns; /* when the system call returned */
	bool fetch; /* the fault was an instruction fetch */
	bool dropped;
	bool postponed;
};

/**
 * assume_mappings - append traced operations to a recording, with the mappings they imply
 * @ops: sorted by time; their order may be changed
 * @nr_ops: how many
 * @out: where to
 * @report: counts what was assumed
 *
 * Done one after another in the order of @out, every operation that succeeded finds its whole range
 * mapped, and every mapping that the kernel placed finds its place free.
 *
 * Return: 0 or -ENOMEM.
 */
int assume_mappings(struct traced_op *ops, size_t nr_ops, struct recording *out,
		    struct import_report *report);

#endif
