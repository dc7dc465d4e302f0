/* SPDX-License-Identifier: MIT */
/* The CPUs of this computer, and binding a thread to one, with hwloc. */
#include "machine/host/topology.h"

#include <hwloc.h>
#include <pthread.h>
#include <string.h>

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

/* The cpu-th that we may use; NULL: there are not so many. */
static hwloc_obj_t cpu_at(unsigned int cpu)
{
	pthread_once(&topology_once, topology_load);
	if (!topology || !allowed)
		return NULL;
	return hwloc_get_obj_inside_cpuset_by_type(topology, allowed, HWLOC_OBJ_PU, cpu);
}

int host_bind_to_cpu(int cpu)
{
	hwloc_obj_t pu = cpu_at((unsigned int)cpu);

	return pu ? hwloc_set_cpubind(topology, pu->cpuset, HWLOC_CPUBIND_THREAD) : -1;
}

/* The last cache before memory; where there is no third level, the second. */
static hwloc_obj_t last_cache(hwloc_obj_t pu)
{
	hwloc_obj_t cache = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_L3CACHE, pu);

	return cache ? cache : hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_L2CACHE, pu);
}

int host_place_of_cpu(int cpu, struct host_place *place)
{
	hwloc_obj_t pu = cpu >= 0 ? cpu_at((unsigned int)cpu) : NULL;
	hwloc_obj_t core, socket, cache;

	if (!pu)
		return -1;
	core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);
	socket = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, pu);
	cache = last_cache(pu);
	*place = (struct host_place){
		.core = core ? core->logical_index : pu->logical_index,
		.socket = socket ? socket->logical_index : 0,
		.os_cpu = pu->os_index,
	};
	/* Without a third level, cores of a socket that share nothing are near all the same. */
	if (cache && cache->type == HWLOC_OBJ_L3CACHE)
		place->cache = cache->logical_index;
	else
		place->cache = place->socket;
	if (cache)
		place->cache_bytes = (unsigned long)cache->attr->cache.size;
	return 0;
}

int host_bind_to_cpus(const char *list)
{
	hwloc_bitmap_t wanted = hwloc_bitmap_alloc(), set = hwloc_bitmap_alloc();
	int cpu, err = -1;

	pthread_once(&topology_once, topology_load);
	if (wanted && set && topology && !strcmp(list, "any"))
		err = hwloc_bitmap_copy(set, allowed);
	else if (wanted && set && !hwloc_bitmap_list_sscanf(wanted, list)) {
		for (cpu = hwloc_bitmap_first(wanted); cpu >= 0 && cpu_at((unsigned int)cpu);
		     cpu = hwloc_bitmap_next(wanted, cpu))
			hwloc_bitmap_or(set, set, cpu_at((unsigned int)cpu)->cpuset);
		err = cpu >= 0 || hwloc_bitmap_iszero(set) ? -1 : 0;
	}
	if (set && !hwloc_bitmap_iszero(set) &&
	    hwloc_set_cpubind(topology, set, HWLOC_CPUBIND_THREAD))
		err = -1;
	hwloc_bitmap_free(wanted);
	hwloc_bitmap_free(set);
	return err;
}
