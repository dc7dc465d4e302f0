/* SPDX-License-Identifier: MIT */
/* The CPUs of this computer, and binding a thread to one, with hwloc. */
#include "machine/host/topology.h"

#include <hwloc.h>
#include <pthread.h>

static pthread_once_t topology_once = PTHREAD_ONCE_INIT;
static hwloc_topology_t topology;

static void topology_load(void)
{
	if (hwloc_topology_init(&topology) || hwloc_topology_load(topology))
		topology = NULL;
}

unsigned int host_count_cpus(void)
{
	int n = 0;

	pthread_once(&topology_once, topology_load);
	if (topology)
		n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
	return n > 0 ? (unsigned int)n : 1;
}

void host_bind_to_cpu(int cpu)
{
	hwloc_obj_t pu = NULL;

	pthread_once(&topology_once, topology_load);
	if (topology)
		pu = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, (unsigned int)cpu);
	if (pu)
		hwloc_set_cpubind(topology, pu->cpuset, HWLOC_CPUBIND_THREAD);
}
