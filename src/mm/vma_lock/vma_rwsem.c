/* SPDX-License-Identifier: MIT */
/*
 * fault=vma_rwsem: an rwsem a VMA and a sequence a mm.
 *
 * Fidelity: protocol as in Linux 6.4 to 6.14: order of every check, VMAs freed
 * after a grace period, the separately allocated lock, the anon_vma rule of 6.4
 * to 6.9. Since 6.12, whose stable releases have it from 6.14, the mm's sequence is odd
 * while mmap_lock is held for write; before, it moves at the end only. Before
 * 6.6 a VMA armed for a userfaultfd is not locked. Not modelled: the special
 * cases of files.
 */
#include "base/mutant.h"
#include "mm/vma_lock.h"
#include "mm/vma_tree.h"

#define NEVER_LOCKED UINT_MAX /* odd, and what no sequence starts at */

static int rwsem_vma_init(struct vm_area_struct *vma)
{
	struct mmsim *sim = vma->vm_mm->sim;
	int err;

	vma->vm_lock = kmem_cache_alloc(sim->vma_lock_cache);
	if (!vma->vm_lock)
		return -ENOMEM;
	err = init_rwsem(vma->vm_lock, LOCK_vma_lock, sim->rwsem[LOCK_vma_lock]);
	if (err) {
		kmem_cache_free(sim->vma_lock_cache, vma->vm_lock);
		return err;
	}
	vma->vm_lock_seq = NEVER_LOCKED;
	vma->detached = 1;
	return 0;
}

static void vma_free_callback(struct rcu_head *head)
{
	struct vm_area_struct *vma = container_of(head, struct vm_area_struct, vm_rcu);
	struct mmsim *sim = vma->vm_sim;

	destroy_rwsem(vma->vm_lock);
	kmem_cache_free(sim->vma_lock_cache, vma->vm_lock);
	kmem_cache_free(sim->vma_cache, vma);
}

static void rwsem_vma_free(struct vm_area_struct *vma)
{
	/* The mm may be gone when the callback runs. */
	vma->vm_sim = vma->vm_mm->sim;
	call_rcu(&vma->vm_rcu, vma_free_callback);
}

static bool rwsem_vma_start_read(struct vm_area_struct *vma, struct mm_struct *mm,
				 enum lock_site site)
{
	unsigned int seq;

	/* Racy, to spare the lock word when it is known to be in vain. */
	seq = READ_ONCE(mm->mm_lock_seq.sequence);
	if (READ_ONCE(vma->vm_lock_seq) == seq)
		return false;
	if (!down_read_trylock(vma->vm_lock, site))
		return false;
	/*
	 * vm_lock_seq is written under vm_lock, so this sees every finished
	 * writer's. Acquire: pairs with the release in write_end(); who sees
	 * the sequence moved on sees what that writer wrote.
	 */
	seq = smp_load_acquire(&mm->mm_lock_seq.sequence);
	if (unlikely(READ_ONCE(vma->vm_lock_seq) == seq) && !MUTANT(VMA_SECOND_SEQ_CHECK_SKIPPED)) {
		up_read(vma->vm_lock);
		return false;
	}
	return true;
}

static void rwsem_vma_end_read(struct vm_area_struct *vma)
{
	/* The VMA may be freed as soon as the count drops. */
	rcu_read_lock();
	up_read(vma->vm_lock);
	rcu_read_unlock();
}

static bool rwsem_vma_start_read_locked(struct vm_area_struct *vma, enum lock_site site)
{
	/* Nobody holds it for write: at most the readers before are waited for, and by nobody. */
	return down_read_trylock(vma->vm_lock, site);
}

/* What must hold of a VMA now locked; VMA_MISS_NONE if it does. @detached: look again. */
static enum vma_lock_miss check_locked(struct vm_area_struct *vma, unsigned long addr,
				       bool *detached)
{
	const struct mm_struct *mm = vma->vm_mm;
	bool outside = addr < vma->vm_start || addr >= vma->vm_end;

	*detached = false;
	if (MUTANT(VMA_RANGE_CHECK_FORGOTTEN))
		outside = false;
	if (!mmsim_since(mm, 6, 10) && !MUTANT(ANON_CHECK_BEFORE_LOCK) && !READ_ONCE(vma->anon_vma))
		return VMA_MISS_UNLOCKABLE;
	if (!mmsim_since(mm, 6, 6) && (vma->vm_flags & VM_UFFD_MISSING))
		return VMA_MISS_UNLOCKABLE;
	/* Until 6.6 the range was tested first. */
	if (!mmsim_since(mm, 6, 7) && outside)
		return VMA_MISS_MOVED;
	if (READ_ONCE(vma->detached)) {
		*detached = true;
		return VMA_MISS_LOCKED;
	}
	return outside ? VMA_MISS_MOVED : VMA_MISS_NONE;
}

static struct vm_area_struct *rwsem_lock_vma_under_rcu(struct mm_struct *mm, unsigned long addr,
						       enum lock_site site,
						       enum vma_lock_miss *miss)
{
	struct vm_area_struct *vma;
	bool detached;

	rcu_read_lock();
	do {
		detached = false;
		vma = vma_tree_walk(&mm->mm_mt, addr);
		*miss = VMA_MISS_GAP;
		if (!vma)
			break;
		*miss = VMA_MISS_LOCKED;
		if ((MUTANT(ANON_CHECK_BEFORE_LOCK) && !READ_ONCE(vma->anon_vma)) ||
		    !rwsem_vma_start_read(vma, mm, site)) {
			vma = NULL;
			break;
		}
		*miss = check_locked(vma, addr, &detached);
		if (*miss != VMA_MISS_NONE) {
			rwsem_vma_end_read(vma);
			vma = NULL;
		}
		if (detached)
			count_vma_lock_miss(site);
	} while (detached);
	rcu_read_unlock();
	if (!vma)
		count_event(COUNTER_vma_lock_abort);
	return vma;
}

static void rwsem_vma_start_write(struct vm_area_struct *vma)
{
	unsigned int seq = vma->vm_mm->mm_lock_seq.sequence;

	mmap_assert_write_locked(vma->vm_mm);
	/* Only the mmap_lock writer changes either word. */
	if (vma->vm_lock_seq == seq)
		return;
	down_write(vma->vm_lock, SITE_vma_write);
	WRITE_ONCE(vma->vm_lock_seq, seq);
	up_write(vma->vm_lock);
}

static void rwsem_vma_mark_attached(struct vm_area_struct *vma)
{
	WRITE_ONCE(vma->detached, 0);
}

static void rwsem_vma_mark_detached(struct vm_area_struct *vma)
{
	DEBUG_BUG_ON(!vma_is_write_locked(vma));
	if (!MUTANT(VMA_DETACH_NOT_MARKED))
		WRITE_ONCE(vma->detached, 1);
}

/* The sequence that counts write holds, or the one that is odd during them. */
static bool odd_while_held(const struct mm_struct *mm)
{
	return mmsim_since(mm, 6, 12);
}

static void rwsem_write_begin(struct mm_struct *mm)
{
	if (odd_while_held(mm))
		write_seqcount_begin(&mm->mm_lock_seq);
}

static void rwsem_write_end(struct mm_struct *mm)
{
	/* Release: pairs with the acquire in vma_start_read(). */
	write_seqcount_end(&mm->mm_lock_seq);
}

const struct fault_strategy fault_vma_rwsem = {
	.name = "vma_rwsem",
	.since = "6.4",
	.models = "Linux 6.4 to 6.14: per-VMA rwsem, VMAs freed by RCU",
	.helps = "split lock",
	.per_vma = true,
	.vma_cache = CACHE_PLAIN,
	.vma_init = rwsem_vma_init,
	.vma_free = rwsem_vma_free,
	.lock_vma_under_rcu = rwsem_lock_vma_under_rcu,
	.vma_end_read = rwsem_vma_end_read,
	.vma_start_read_locked = rwsem_vma_start_read_locked,
	.vma_start_write = rwsem_vma_start_write,
	.vma_mark_attached = rwsem_vma_mark_attached,
	.vma_mark_detached = rwsem_vma_mark_detached,
	.write_begin = rwsem_write_begin,
	.write_end = rwsem_write_end,
};
