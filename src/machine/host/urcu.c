/* SPDX-License-Identifier: MIT */
/*
 * liburcu, flavour memb: read sections cost no fence.
 *
 * ThreadSanitizer does not see the barrier in membarrier(), so what a grace
 * period orders is told to it by hand.
 */
#define _LGPL_SOURCE
#include "machine/host/urcu.h"
#include "base/compiler.h"

#include <urcu/urcu-memb.h>

#ifdef MMSIM_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
static int grace_period; /* stands for "every reader before it has left" */
#define tsan_reader_left() __tsan_release(&grace_period)
#define tsan_grace_period_over() __tsan_acquire(&grace_period)
#else
#define tsan_reader_left() ((void)0)
#define tsan_grace_period_over() ((void)0)
#endif

void host_rcu_read_lock(void)
{
	urcu_memb_read_lock();
}

void host_rcu_read_unlock(void)
{
	tsan_reader_left();
	urcu_memb_read_unlock();
}

/* A thread may be main of several machines and is registered once. */
static __thread unsigned int registered;

void host_rcu_register(void)
{
	if (!registered++)
		urcu_memb_register_thread();
}

void host_rcu_unregister(void)
{
	if (!--registered)
		urcu_memb_unregister_thread();
}

void host_rcu_offline(void)
{
	urcu_memb_thread_offline();
}

void host_rcu_online(void)
{
	urcu_memb_thread_online();
}

void host_synchronize_rcu(void)
{
	urcu_memb_synchronize_rcu();
	tsan_grace_period_over();
}
