/* SPDX-License-Identifier: MIT */
/* The CPUs of this computer. Apart from the rest, since hwloc's headers use our names. */
#ifndef MMSIM_MACHINE_HOST_TOPOLOGY_H
#define MMSIM_MACHINE_HOST_TOPOLOGY_H

/* CPUs this process may use; at least 1. */
unsigned int host_count_cpus(void);
/* Bind the calling thread to the cpu-th of them; -1 and no effect where that is not allowed. */
int host_bind_to_cpu(int cpu);
/* The same with a list such as 0-3,6, or any. Those that there are count. */
int host_bind_to_cpus(const char *list);

/* Where a CPU is; numbers from 0 on within the whole computer. */
struct host_place {
	unsigned int core, cache, socket; /* cache: of those that several cores share */
	unsigned int os_cpu; /* how the kernel numbers it */
	unsigned long cache_bytes; /* of that cache; 0: not known */
};
/* Of the cpu-th CPU; 0, or -1: there is no such one. */
int host_place_of_cpu(int cpu, struct host_place *place);

#endif
