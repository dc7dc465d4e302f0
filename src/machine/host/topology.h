/* SPDX-License-Identifier: MIT */
/* The CPUs of this computer. Apart from the rest, since hwloc's headers use our names. */
#ifndef MMSIM_MACHINE_HOST_TOPOLOGY_H
#define MMSIM_MACHINE_HOST_TOPOLOGY_H

/* CPUs this process may use; at least 1. */
unsigned int host_count_cpus(void);
/* Bind the calling thread to the cpu-th of them; no effect where that is not allowed. */
void host_bind_to_cpu(int cpu);

#endif
