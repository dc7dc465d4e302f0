/* SPDX-License-Identifier: MIT */
/* The public API of tasks, address spaces and locks: thin, and checked. */
#include "mm/mm.h"
#include "mmsim/mmsim.h"
#include "reclaim/compaction.h"
#include "reclaim/vmscan.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- tasks ---- */

static struct task *task_of(struct mmsim_task *task)
{
	return (struct task *)task;
}

static int task_main(void *arg)
{
	struct mm_struct *mm = current->start_mm;
	int result = 0;

	(void)arg;
	if (mm) {
		result = use_mm(mm);
		current->start_mm = NULL;
		mmput(mm);
	}
	if (!result)
		result = current->start_fn(current->start_arg);
	use_mm(NULL);
	return result;
}

struct mmsim_task *mmsim_task_create(struct mmsim *sim, const struct mmsim_task_attr *attr,
				     int (*fn)(void *arg), void *arg)
{
	const struct task_attr inner = {
		.name = attr->name,
		.nice = attr->nice,
		.fifo = attr->fifo,
		.cpu = attr->cpu,
		.cpus = attr->cpus,
		.has_deadline = attr->has_deadline,
		.start_fn = fn,
		.start_arg = arg,
		.start_mm = attr->mm,
	};
	struct task *task;

	/* The task's own use of it, from before it runs. */
	if (attr->mm)
		mmget(attr->mm);
	task = machine_task_create(sim->machine, &inner, task_main, NULL);
	if (!task && attr->mm)
		mmput(attr->mm);
	return (struct mmsim_task *)task;
}

int mmsim_task_join(struct mmsim_task *task)
{
	return machine_task_join(task_of(task));
}

void mmsim_task_kill(struct mmsim_task *task)
{
	kill_task(task_of(task));
}

struct mmsim_task *mmsim_task_attach(struct mmsim *sim, const char *name)
{
	return (struct mmsim_task *)machine_task_attach(sim->machine, name);
}

void mmsim_task_detach(void)
{
	use_mm(NULL);
	machine_task_detach();
}

int mmsim_use_mm(struct mm_struct *mm)
{
	return use_mm(mm);
}

struct mmsim_task *mmsim_task_self(void)
{
	return (struct mmsim_task *)current;
}

const char *mmsim_task_name(const struct mmsim_task *task)
{
	return ((const struct task *)task)->name;
}

uint64_t mmsim_now_ns(void)
{
	return now_ns();
}

void mmsim_sleep_ns(uint64_t ns)
{
	machine_sleep(ns);
}

void mmsim_waited_ns(uint64_t *locks_ns, uint64_t *spinlocks_ns)
{
	const struct task_trace *t = current->trace;

	*locks_ns = t ? t->waits[0].total_ns : 0;
	*spinlocks_ns = t ? t->waits[1].total_ns : 0;
}

uint64_t mmsim_run_delay_ns(void)
{
	return machine_task_times(current).delay_ns;
}

void mmsim_compute_ns(uint64_t ns)
{
	machine_compute(ns);
}

uint64_t mmsim_random(void)
{
	return rng_next((struct rng *)current->rng);
}

void mmsim_yield(void)
{
	cpu_relax();
}

void mmsim_bug(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	machine_bug("%s", text);
}

/* ---- address spaces ---- */

/* What a task calls it calls as the kernel: in by a system call, and out again. */
#define SYSCALL(name, call)                                                                        \
	({                                                                                         \
		enum trace_operation outer = trace_operation_begin(OPERATION_##name);              \
		machine_kernel_enter(WORK_syscall);                                                \
		__typeof__(call) result_of_call = (call);                                          \
		machine_kernel_exit();                                                             \
		trace_operation_end(outer);                                                        \
		result_of_call;                                                                    \
	})

struct mm_struct *mmsim_mm_create(struct mmsim *sim, const char *name)
{
	return mm_alloc(sim, name);
}

void mmsim_mm_put(struct mm_struct *mm)
{
	mmput(mm);
}

int64_t mmsim_mmap(struct mm_struct *mm, uint64_t addr, uint64_t len, int prot, int flags)
{
	return SYSCALL(mmap, do_mmap(mm, addr, len, prot, flags));
}

int mmsim_munmap(struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	return SYSCALL(munmap, do_munmap(mm, addr, len));
}

int mmsim_mprotect(struct mm_struct *mm, uint64_t addr, uint64_t len, int prot)
{
	return SYSCALL(mprotect, do_mprotect(mm, addr, len, prot));
}

int64_t mmsim_mremap(struct mm_struct *mm, uint64_t addr, uint64_t old_len, uint64_t new_len,
		     int flags, uint64_t new_addr)
{
	return SYSCALL(mremap, do_mremap(mm, addr, old_len, new_len, flags, new_addr));
}

uint64_t mmsim_brk(struct mm_struct *mm, uint64_t brk)
{
	return SYSCALL(brk, do_brk(mm, brk));
}

void mmsim_set_brk(struct mm_struct *mm, uint64_t start)
{
	mm->start_brk = mm->brk = start;
}

int mmsim_mlock(struct mm_struct *mm, uint64_t addr, uint64_t len, int on_fault)
{
	return SYSCALL(mlock, do_mlock(mm, addr, len, on_fault));
}

int mmsim_munlock(struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	return SYSCALL(mlock, do_munlock(mm, addr, len));
}

int mmsim_mlockall(struct mm_struct *mm, int flags)
{
	return SYSCALL(mlock, do_mlockall(mm, flags));
}

int mmsim_munlockall(struct mm_struct *mm)
{
	return SYSCALL(mlock, do_munlockall(mm));
}

int mmsim_madvise(struct mm_struct *mm, uint64_t addr, uint64_t len, int advice)
{
	return SYSCALL(madvise, do_madvise(mm, addr, len, advice));
}

int64_t mmsim_process_madvise(struct mm_struct *mm, const struct mmsim_range *ranges,
			      unsigned int nr, int advice)
{
	return SYSCALL(process_madvise, do_process_madvise(mm, ranges, nr, advice));
}

int mmsim_set_vma_name(struct mm_struct *mm, uint64_t addr, uint64_t len, const char *name)
{
	return SYSCALL(set_vma_name, do_set_anon_name(mm, addr, len, name));
}

int mmsim_userfaultfd(struct mm_struct *mm, uint64_t addr, uint64_t len, int arm)
{
	return SYSCALL(userfaultfd, do_userfaultfd(mm, addr, len, arm));
}

int mmsim_fork(struct mm_struct *mm, const char *name, struct mm_struct **child)
{
	return SYSCALL(fork, do_fork(mm, name, child));
}

int64_t mmsim_move_pages(struct mm_struct *mm, uint64_t addr, uint64_t len)
{
	return SYSCALL(move_pages, do_move_pages(mm, addr, len));
}

int64_t mmsim_compact(struct mmsim *sim, uint64_t pages)
{
	return SYSCALL(compact, (int64_t)compact_pages(sim, pages));
}

int64_t mmsim_shrink(struct mmsim *sim, uint64_t pages)
{
	return SYSCALL(shrink, (int64_t)shrink_pages(sim, pages));
}

enum mmsim_access mmsim_load(struct mm_struct *mm, uint64_t addr, uint64_t *value)
{
	uint64_t ignored;

	return user_access(mm, addr, false, value ? value : &ignored);
}

enum mmsim_access mmsim_store(struct mm_struct *mm, uint64_t addr, uint64_t value)
{
	return user_access(mm, addr, true, &value);
}

/* ---- the rwsem by itself ---- */

static struct rw_semaphore *sem_of(struct mmsim_rwsem *rwsem)
{
	return (struct rw_semaphore *)rwsem;
}

struct mmsim_rwsem *mmsim_rwsem_create(struct mmsim *sim)
{
	struct rw_semaphore *sem = kmem_cache_alloc(sim->lock_cache);

	if (sem && init_rwsem(sem, LOCK_user, sim->rwsem[LOCK_user])) {
		kmem_cache_free(sim->lock_cache, sem);
		return NULL;
	}
	return (struct mmsim_rwsem *)sem;
}

void mmsim_rwsem_destroy(struct mmsim *sim, struct mmsim_rwsem *rwsem)
{
	destroy_rwsem(sem_of(rwsem));
	kmem_cache_free(sim->lock_cache, rwsem);
}

void mmsim_down_read(struct mmsim_rwsem *rwsem)
{
	down_read(sem_of(rwsem), SITE_user);
}

void mmsim_down_write(struct mmsim_rwsem *rwsem)
{
	down_write(sem_of(rwsem), SITE_user);
}

int mmsim_down_read_killable(struct mmsim_rwsem *rwsem)
{
	return down_read_killable(sem_of(rwsem), SITE_user);
}

int mmsim_down_write_killable(struct mmsim_rwsem *rwsem)
{
	return down_write_killable(sem_of(rwsem), SITE_user);
}

int mmsim_down_read_trylock(struct mmsim_rwsem *rwsem)
{
	return down_read_trylock(sem_of(rwsem), SITE_user);
}

int mmsim_down_write_trylock(struct mmsim_rwsem *rwsem)
{
	return down_write_trylock(sem_of(rwsem), SITE_user);
}

void mmsim_up_read(struct mmsim_rwsem *rwsem)
{
	up_read(sem_of(rwsem));
}

void mmsim_up_write(struct mmsim_rwsem *rwsem)
{
	up_write(sem_of(rwsem));
}

void mmsim_downgrade_write(struct mmsim_rwsem *rwsem)
{
	downgrade_write(sem_of(rwsem));
}

int mmsim_rwsem_is_contended(struct mmsim_rwsem *rwsem)
{
	return rwsem_is_contended(sem_of(rwsem));
}
