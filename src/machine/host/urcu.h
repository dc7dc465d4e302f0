/* SPDX-License-Identifier: MIT */
/* liburcu's part of RCU. Apart from the rest, since its headers use our names. */
#ifndef MMSIM_MACHINE_HOST_URCU_H
#define MMSIM_MACHINE_HOST_URCU_H

void host_rcu_read_lock(void);
void host_rcu_read_unlock(void);
void host_rcu_register(void);
void host_rcu_unregister(void);
/* A thread that sleeps must not hold up grace periods. */
void host_rcu_offline(void);
void host_rcu_online(void);
void host_synchronize_rcu(void);

#endif
