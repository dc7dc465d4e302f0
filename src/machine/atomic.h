/* SPDX-License-Identifier: MIT */
/*
 * Steps: the accesses through which tasks can notice each other. On the model
 * each one is a place to switch tasks; on the host it is one branch that is
 * never taken. Names and orderings are the kernel's: an operation without a
 * suffix that returns a value is fully ordered.
 */
#ifndef MMSIM_MACHINE_ATOMIC_H
#define MMSIM_MACHINE_ATOMIC_H

#include "base/compiler.h"

#define __mmsim_tls __attribute__((tls_model("initial-exec")))

/* True on an OS thread that runs a model. */
extern __thread bool mmsim_stepping __mmsim_tls;

/* What a step does to its cache line. */
enum access { ACCESS_LOAD, ACCESS_STORE, ACCESS_ATOMIC };

void machine_step_slow(const volatile void *addr, enum access access) __attribute__((cold));

static __always_inline void machine_step(const volatile void *addr, enum access access)
{
	if (unlikely(mmsim_stepping))
		machine_step_slow(addr, access);
}

#define READ_ONCE(x)                                                                               \
	({                                                                                         \
		machine_step(&(x), ACCESS_LOAD);                                                   \
		__atomic_load_n(&(x), __ATOMIC_RELAXED);                                           \
	})
/* What is stored is known before the step: another within it would be a place to switch. */
#define WRITE_ONCE(x, v)                                                                           \
	({                                                                                         \
		__typeof__(x) value_to_write = (v);                                                \
		machine_step(&(x), ACCESS_STORE);                                                  \
		__atomic_store_n(&(x), value_to_write, __ATOMIC_RELAXED);                          \
	})
#define smp_load_acquire(p)                                                                        \
	({                                                                                         \
		machine_step(p, ACCESS_LOAD);                                                      \
		__atomic_load_n(p, __ATOMIC_ACQUIRE);                                              \
	})
#define smp_store_release(p, v)                                                                    \
	({                                                                                         \
		__typeof__(*(p)) value_to_store = (v);                                             \
		machine_step(p, ACCESS_STORE);                                                     \
		__atomic_store_n(p, value_to_store, __ATOMIC_RELEASE);                             \
	})
#define load_seq_cst(p)                                                                            \
	({                                                                                         \
		machine_step(p, ACCESS_LOAD);                                                      \
		__atomic_load_n(p, __ATOMIC_SEQ_CST);                                              \
	})
#define rcu_dereference(p) smp_load_acquire(&(p))
#define rcu_assign_pointer(p, v) smp_store_release(&(p), (v))

/*
 * On a fast path that has already seen that nothing steps here, nor can begin
 * to: the same without the branch, so that the path needs no stack frame.
 */
#define nostep_load(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define nostep_store(p, v) __atomic_store_n(p, (v), __ATOMIC_RELAXED)
#define nostep_store_release(p, v) __atomic_store_n(p, (v), __ATOMIC_RELEASE)
#define nostep_try_cmpxchg_acquire(p, old, new)                                                    \
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define nostep_fetch_add_acquire(p, v) __atomic_fetch_add(p, (v), __ATOMIC_ACQUIRE)
#define nostep_fetch_add_release(p, v) __atomic_fetch_add(p, (v), __ATOMIC_RELEASE)

#define xchg(p, v)                                                                                 \
	({                                                                                         \
		__typeof__(*(p)) value_to_exchange = (v);                                          \
		machine_step(p, ACCESS_ATOMIC);                                                    \
		__atomic_exchange_n(p, value_to_exchange, __ATOMIC_SEQ_CST);                       \
	})

#define fetch_add(p, v)                                                                            \
	({                                                                                         \
		machine_step(p, ACCESS_ATOMIC);                                                    \
		__atomic_fetch_add(p, (v), __ATOMIC_SEQ_CST);                                      \
	})
#define fetch_or(p, v)                                                                             \
	({                                                                                         \
		machine_step(p, ACCESS_ATOMIC);                                                    \
		__atomic_fetch_or(p, (v), __ATOMIC_SEQ_CST);                                       \
	})

#define fetch_and(p, v)                                                                            \
	({                                                                                         \
		machine_step(p, ACCESS_ATOMIC);                                                    \
		__atomic_fetch_and(p, (v), __ATOMIC_SEQ_CST);                                      \
	})

/* True and *old untouched when *p was *old; else *old is what was found. */
#define try_cmpxchg_order(p, old, new, order)                                                      \
	({                                                                                         \
		__typeof__(*(p)) value_to_exchange = (new);                                        \
		machine_step(p, ACCESS_ATOMIC);                                                    \
		__atomic_compare_exchange_n(p, old, value_to_exchange, false, order,               \
					    __ATOMIC_RELAXED);                                     \
	})
#define try_cmpxchg(p, old, new) try_cmpxchg_order(p, old, new, __ATOMIC_SEQ_CST)
#define try_cmpxchg_acquire(p, old, new) try_cmpxchg_order(p, old, new, __ATOMIC_ACQUIRE)

/*
 * Measuring must not disturb what is measured: the trace reads and writes its
 * own words without a step. Nothing in the mm may use these.
 */
#define quiet_load(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define quiet_store(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define quiet_add(x, v) __atomic_fetch_add(&(x), (v), __ATOMIC_RELAXED)
#define quiet_load_acquire(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define quiet_store_release(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELEASE)
#define quiet_try_cmpxchg(x, old, new)                                                             \
	__atomic_compare_exchange_n(&(x), old, new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
/* Counters with one writer: no atomic read-modify-write is needed. */
#define quiet_inc_owned(x, n) quiet_store(x, quiet_load(x) + (n))

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

#define MMSIM_DEFINE_ATOMIC_OP(prefix, type, T, op, builtin)                                       \
	static __always_inline T prefix##_fetch_##op(T i, type *v)                                 \
	{                                                                                          \
		machine_step(&v->counter, ACCESS_ATOMIC);                                          \
		return builtin(&v->counter, i, __ATOMIC_SEQ_CST);                                  \
	}                                                                                          \
	static __always_inline T prefix##_fetch_##op##_acquire(T i, type *v)                       \
	{                                                                                          \
		machine_step(&v->counter, ACCESS_ATOMIC);                                          \
		return builtin(&v->counter, i, __ATOMIC_ACQUIRE);                                  \
	}                                                                                          \
	static __always_inline T prefix##_fetch_##op##_release(T i, type *v)                       \
	{                                                                                          \
		machine_step(&v->counter, ACCESS_ATOMIC);                                          \
		return builtin(&v->counter, i, __ATOMIC_RELEASE);                                  \
	}                                                                                          \
	static __always_inline T prefix##_fetch_##op##_relaxed(T i, type *v)                       \
	{                                                                                          \
		machine_step(&v->counter, ACCESS_ATOMIC);                                          \
		return builtin(&v->counter, i, __ATOMIC_RELAXED);                                  \
	}

#define MMSIM_DEFINE_ATOMIC(prefix, type, T)                                                       \
	MMSIM_DEFINE_ATOMIC_OP(prefix, type, T, add, __atomic_fetch_add)                           \
	MMSIM_DEFINE_ATOMIC_OP(prefix, type, T, sub, __atomic_fetch_sub)                           \
	MMSIM_DEFINE_ATOMIC_OP(prefix, type, T, or, __atomic_fetch_or)                             \
	MMSIM_DEFINE_ATOMIC_OP(prefix, type, T, and, __atomic_fetch_and)                           \
	static __always_inline T prefix##_read(const type *v)                                      \
	{                                                                                          \
		return READ_ONCE(v->counter);                                                      \
	}                                                                                          \
	static __always_inline T prefix##_read_acquire(const type *v)                              \
	{                                                                                          \
		return smp_load_acquire(&v->counter);                                              \
	}                                                                                          \
	static __always_inline void prefix##_set(type *v, T i)                                     \
	{                                                                                          \
		WRITE_ONCE(v->counter, i);                                                         \
	}                                                                                          \
	static __always_inline void prefix##_set_release(type *v, T i)                             \
	{                                                                                          \
		smp_store_release(&v->counter, i);                                                 \
	}                                                                                          \
	static __always_inline bool prefix##_try_cmpxchg(type *v, T *old, T new)                   \
	{                                                                                          \
		return try_cmpxchg(&v->counter, old, new);                                         \
	}                                                                                          \
	static __always_inline bool prefix##_try_cmpxchg_acquire(type *v, T *old, T new)           \
	{                                                                                          \
		return try_cmpxchg_order(&v->counter, old, new, __ATOMIC_ACQUIRE);                 \
	}                                                                                          \
	static __always_inline void prefix##_inc(type *v)                                          \
	{                                                                                          \
		prefix##_fetch_add_relaxed(1, v);                                                  \
	}                                                                                          \
	static __always_inline void prefix##_dec(type *v)                                          \
	{                                                                                          \
		prefix##_fetch_sub_relaxed(1, v);                                                  \
	}                                                                                          \
	static __always_inline bool prefix##_dec_and_test(type *v)                                 \
	{                                                                                          \
		return prefix##_fetch_sub(1, v) == 1;                                              \
	}                                                                                          \
	static __always_inline bool prefix##_inc_not_zero(type *v)                                 \
	{                                                                                          \
		T count = prefix##_read(v);                                                        \
                                                                                                   \
		while (count)                                                                      \
			if (prefix##_try_cmpxchg(v, &count, count + 1))                            \
				return true;                                                       \
		return false;                                                                      \
	}

MMSIM_DEFINE_ATOMIC(atomic, atomic_t, int)
MMSIM_DEFINE_ATOMIC(atomic_long, atomic_long_t, long)

#endif
