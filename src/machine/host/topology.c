/* SPDX-License-Identifier: MIT */
/* The CPUs of this computer, and binding a thread to one, with hwloc. */
#include "machine/host/topology.h"

#include <hwloc.h>
#include <pthread.h>

static pthread_once_t topology_once = PTHREAD_ONCE_INIT;
static hwloc_topology_t topology;

static hwloc_bitmap_t allowed; /* what the process may run on: taskset, cpusets */

static void topology_load(void)
{
	if (hwloc_topology_init(&topology) || hwloc_topology_load(topology)) {
		topology = NULL;
		return;
	}
	allowed = hwloc_bitmap_alloc();
	if (allowed && hwloc_get_cpubind(topology, allowed, HWLOC_CPUBIND_PROCESS))
		hwloc_bitmap_copy(allowed, hwloc_topology_get_allowed_cpuset(topology));
}

unsigned int host_count_cpus(void)
{
	int n = 0;

	pthread_once(&topology_once, topology_load);
	if (topology && allowed)
		n = hwloc_get_nbobjs_inside_cpuset_by_type(topology, allowed, HWLOC_OBJ_PU);
	return n > 0 ? (unsigned int)n : 1;
}

void host_bind_to_cpu(int cpu)
{
	hwloc_obj_t pu = NULL;

	pthread_once(&topology_once, topology_load);
	if (topology && allowed)
		pu = hwloc_get_obj_inside_cpuset_by_type(topology, allowed, HWLOC_OBJ_PU,
							 (unsigned int)cpu);
	if (pu)
		hwloc_set_cpubind(topology, pu->cpuset, HWLOC_CPUBIND_THREAD);
}
