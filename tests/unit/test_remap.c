/* SPDX-License-Identifier: MIT */
/*
 * mremap, in every release: what is checked before what, several VMAs in one call since 6.17, what
 * DONTUNMAP leaves, page offsets and merges, page tables that move as a whole, limits.
 */
#include "support/mm_script.h"

static void arguments(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "mmap 20 4 rw p\n"
		   "mremap 0x100000000001 0x1000 0x1000 inplace = EINVAL\n"
		   "mremap 0 1 0 inplace = EINVAL\n"
		   /* Only a shared mapping can be mapped twice. */
		   "mremap 0 0 1 maymove = EINVAL\n"
		   "mremap 0 1 2 dontunmap 20 = EINVAL\n"
		   "mremap 0 0x1000 0x1000 to 0x100000014005 = EINVAL\n"
		   /* The old and the new place overlap, or the new one is outside. */
		   "mremap 0 2 2 to 1 = EINVAL\n"
		   "mremap 1 2 2 to 0 = EINVAL\n"
		   "mremap 0 2 2 dontunmap 1 = EINVAL\n"
		   "mremap 0 1 1 to 0x7ffffffff000 = EINVAL\n"
		   "<6.17: mremap 0 0x1000 0x1000000000000000 maymove = ENOMEM\n"
		   "6.17: mremap 0 0x1000 0x1000000000000000 maymove = EINVAL\n"
		   "mremap 10 1 1 inplace = EFAULT\n"
		   "mremap 10 1 2 maymove = EFAULT\n"
		   "V 0-4:rw-,ac 20-24:rw-,ac\n");
}

/* Before 6.17 the source was looked at when the target was gone already. */
static void target_goes_before_the_source_is_looked_at(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "mmap 20 4 rw p\n"
		   "mremap 0 8 10 to 20 = EFAULT\n"
		   "<6.17: V 0-4:rw-,ac\n"
		   "6.17: V 0-4:rw-,ac 20-24:rw-,ac\n"
		   /* With nothing at the start there never was a reason to unmap. */
		   "mmap 20 4 rw p\n"
		   "mremap 10 1 1 to 20 = EFAULT\n"
		   "mremap 10 1 2 to 20 = EFAULT\n"
		   "V 0-4:rw-,ac 20-24:rw-,ac\n"
		   /* What is cut off by a shrinking move went first, too, and may be many VMAs. */
		   "mmap 4 2 r p\n"
		   "mremap 0 6 5 to 30 = EFAULT\n"
		   "<6.17: V 0-4:rw-,ac 4-5:r-- 20-24:rw-,ac\n"
		   "6.17: V 0-4:rw-,ac 4-6:r-- 20-24:rw-,ac\n"
		   "mremap 0 6 2 to 30 = pg30\n"
		   "V 20-24:rw-,ac 30-32:rw-,ac\n");
}

/* Since 6.17 each VMA by itself, with its own target; gaps keep what lies there. */
static void several_vmas(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "mmap 4 2 r p\n"
		   "mmap 8 2 rw p\n"
		   "w 0 1\n"
		   "w 9 2\n"
		   "mmap 20 20 rx p\n"
		   "<6.17: mremap 0 10 10 to 22 = EFAULT\n"
		   "<6.17: V 0-4:rw-,ac 4-6:r-- 8-10:rw-,ac 20-22:r-x 32-40:r-x\n"
		   "6.17: mremap 0 10 10 to 22 = pg22\n"
		   "6.17: V 20-22:r-x 22-26:rw-,ac 26-28:r-- 28-30:r-x 30-32:rw-,ac 32-40:r-x\n"
		   "6.17: r 22 = hit 1\n"
		   "6.17: r 31 = hit 2\n"
		   "6.17: C mremap_moves 3\n"
		   /* The beginning has to be mapped, the end not. */
		   "6.17: mremap 18 14 14 to 50 = EFAULT\n"
		   "6.17: mremap 30 20 20 to 50 = pg50\n"
		   "6.17: V 20-22:r-x 22-26:rw-,ac 26-28:r-- 28-30:r-x 50-52:rw-,ac 52-60:r-x\n"
		   /* With another length it is one VMA still. */
		   "6.17: mremap 22 6 8 to 4 = EFAULT\n"
		   "6.17: mremap 22 6 5 to 4 = EFAULT\n"
		   "6.17: mremap 22 6 6 dontunmap 4 = pg4\n"
		   "6.17: r 4 = hit 1\n"
		   "6.17: r 22 = new 0\n"
		   /* Without a place for it there are no several VMAs. */
		   "6.17: mremap 50 4 5 maymove = EFAULT\n");
}

static void a_failed_vma_leaves_the_earlier_ones_moved(void **state)
{
	(void)state;
	/*
	 * The first target makes a hole in the VMA at 20, and the tail of the first VMA
	 * becomes one more; the second target makes a hole again, and that is too much.
	 */
	script_run("config max_map_count 12\n"
		   "mmap 0 2 rw p\n"
		   "w 1 1\n"
		   "mmap 3 2 r p\n"
		   "mmap 20 20 rx p\n"
		   "mmap 50 1 rw p\n"
		   "mmap 52 1 rw p\n"
		   "mmap 54 1 rw p\n"
		   "6.17: mremap 1 4 4 to 22 = ENOMEM\n"
		   "6.17: V 0-1:rw-,ac 3-5:r-- 20-22:r-x 22-23:rw-,ac 23-24:r-x 26-40:r-x"
		   " 50-51:rw-,ac 52-53:rw-,ac 54-55:rw-,ac\n"
		   "6.17: r 22 = hit 1\n");
}

static void dontunmap(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "w 1 1\n"
		   "mremap 0 4 4 dontunmap 8\n"
		   "V 0-4:rw-,ac 8-12:rw-,ac\n"
		   "P 0 ....----.x..\n"
		   "r 9 = hit 1\n"
		   "r 1 = new 0\n"
		   /* Emptied as a whole it has no anon_vma any more and merges as new. */
		   "mmap 4 2 rw p\n"
		   "V 0-6:rw-,ac 8-12:rw-,ac\n"
		   /* A part leaves the VMA its anon_vma and its offset. */
		   "mremap 8 2 2 dontunmap 16\n"
		   "r 17 = hit 1\n"
		   "w 8 3\n"
		   "mmap 12 2 rw p\n"
		   "V 0-6:rw-,ac 8-12:rw-,ac 12-14:rw-,ac 16-18:rw-,ac\n");
}

static void dontunmap_takes_the_locks_off(void **state)
{
	(void)state;
	script_run("mmap 0 8 rw pl\n"
		   "L 8\n"
		   "mremap 0 4 4 dontunmap 20\n"
		   /* All of the old VMA, also what did not move. */
		   "V 0-8:rw-,ac 20-24:rw-,lo,ac\n"
		   "<6.17: L 8\n"
		   "6.17: L 12\n"
		   "munmap 0 40\n"
		   "<6.17: L 4\n"
		   "6.17: L 8\n");
	script_run("mmap 0 4 rw p\n"
		   "mlock 0 4 onfault\n"
		   "mremap 0 4 4 dontunmap 20\n"
		   "V 0-4:rw-,ac 20-24:rw-,lo,lf,ac\n"
		   "munmap 0 40\n"
		   "<6.17: L 0\n"
		   "6.17: L 4\n");
}

static void offsets(void **state)
{
	(void)state;
	/* Never written: the offset is that of the new place, and it merges there. */
	script_run("mmap 0 2 rw p\n"
		   "r 0 = new 0\n"
		   "mmap 10 2 rw p\n"
		   "mremap 0 2 2 to 12\n"
		   "V 10-14:rw-,ac\n"
		   "P 10 ..z.\n"
		   "mmap 14 1 rw p\n"
		   "V 10-15:rw-,ac\n");
	/* Written: it keeps its offset, and fits only where it came from. */
	script_run("mmap 0 4 rw p\n"
		   "w 0 1\n"
		   "w 2 2\n"
		   "mmap 10 2 rw p\n"
		   "mremap 0 2 2 to 12\n"
		   "V 2-4:rw-,ac 10-12:rw-,ac 12-14:rw-,ac\n"
		   "mmap 14 1 rw p\n"
		   "V 2-4:rw-,ac 10-12:rw-,ac 12-14:rw-,ac 14-15:rw-,ac\n"
		   /* Both halves, one after the other, are one VMA again. */
		   "munmap 14 1\n"
		   "mremap 2 2 2 to 14\n"
		   "V 10-12:rw-,ac 12-16:rw-,ac\n"
		   "mremap 12 4 4 to 0\n"
		   "mmap 4 2 rw p\n"
		   "V 0-6:rw-,ac 10-12:rw-,ac\n"
		   "r 2 = hit 2\n");
}

/* Where a walk of the rmap would see the target first, it is kept out while pages are between. */
static void rmap_locks(void **state)
{
	(void)state;
	/* A copy of the VMA: its link stands behind the old one's. */
	script_run("mmap 0 4 rw p\n"
		   "w 0 1\n"
		   "mremap 0 2 2 to 20\n"
		   "C mremap_rmap_locks 0\n"
		   /* Merged into a VMA at a lower offset. */
		   "w 3 2\n"
		   "mremap 2 2 2 to 22\n"
		   "V 20-24:rw-,ac\n"
		   "C mremap_rmap_locks 1\n"
		   "r 20 = hit 1\n"
		   "r 23 = hit 2\n"
		   /* Merged into one at a higher offset. */
		   "mremap 20 3 3 to 1\n"
		   "mremap 23 1 1 to 10\n"
		   "C mremap_rmap_locks 1\n"
		   "mremap 2 2 2 to 8\n"
		   "V 1-2:rw-,ac 8-11:rw-,ac\n"
		   "C mremap_rmap_locks 1\n"
		   "r 10 = hit 2\n");
}

/* 2 MiB: 512 pages, one PTE table. */
static void page_tables_move_as_a_whole(void **state)
{
	(void)state;
	script_run("mmap 0 0x600000 rw p\n"
		   "w 1 1\n"
		   "w 0x100000200000 2\n"
		   "w 0x1000005ff000 3\n"
		   "mremap 0 0x600000 0x600000 to 0x300000000000\n"
		   "C pmd_moved 3\n"
		   "C pte_moved 0\n"
		   "r 0x300000001000 = hit 1\n"
		   "r 0x300000200000 = hit 2\n"
		   "r 0x3000005ff000 = hit 3\n"
		   /* By 4 KiB beside each other: PTE by PTE. */
		   "mremap 0x300000000000 0x600000 0x600000 to 0x400000001000\n"
		   "C pmd_moved 3\n"
		   "C pte_moved 3\n"
		   "r 0x400000201000 = hit 2\n"
		   "mremap 0x400000001000 0x600000 0x600000 to 0\n"
		   "C pte_moved 6\n"
		   /* Of a part only the tables that go whole. */
		   "mremap 1 0x5ff000 0x5ff000 to 0x100040001000\n"
		   "C pmd_moved 5\n"
		   "C pte_moved 7\n"
		   "r 0x100040001000 = hit 1\n"
		   "r 0x1000405ff000 = hit 3\n"
		   "w 0 4\n"
		   /* The target has a table already, with nothing in it that counts. */
		   "mmap 0x100080000000 0x1000 rw p\n"
		   "w 0x100080000000 5\n"
		   "mremap 0x100040200000 0x200000 0x200000 to 0x100080200000\n"
		   "C pmd_moved 6\n");
}

static void guard_markers_move(void **state)
{
	(void)state;
	script_run("6.13: mmap 0 4 rw p\n"
		   "6.13: w 1 7\n"
		   "6.13: madvise 2 2 GUARD_INSTALL\n"
		   "6.13: mremap 0 4 4 to 20\n"
		   "6.13: P 20 .xGG\n"
		   "6.13: r 22 = MAPERR\n"
		   "6.13: r 21 = hit 7\n"
		   "6.13: mremap 21 2 2 dontunmap 30\n"
		   "6.13: P 20 ...G\n"
		   "6.13: P 30 xG\n");
}

static void growing(void **state)
{
	(void)state;
	script_run("mmap 0 2 rw p\n"
		   "w 1 1\n"
		   "mremap 0 2 4 inplace = pg0\n"
		   "V 0-4:rw-,ac\n"
		   "mmap 5 1 rw p\n"
		   "mremap 0 4 6 inplace = ENOMEM\n"
		   /* Up to the neighbour it merges with it. */
		   "mremap 0 4 5 inplace = pg0\n"
		   "<6.16: V 0-5:rw-,ac 5-6:rw-,ac\n"
		   "6.16: V 0-6:rw-,ac\n"
		   "w 5 2\n"
		   "<6.16: munmap 5 1\n"
		   "<6.16: mremap 0 5 6 inplace = pg0\n"
		   /* Only the VMA's end can grow. */
		   "mremap 0 2 3 inplace = ENOMEM\n"
		   "mremap 2 4 8 inplace = pg2\n"
		   "V 0-10:rw-,ac\n"
		   "mremap 8 4 6 inplace = EFAULT\n"
		   /* In the way: another place, with the contents. */
		   "mmap 10 1 r p\n"
		   "mremap 0 10 12 maymove\n"
		   "V 10-11:r--\n"
		   "M 2\n"
		   "C mremap_moves 1\n");
}

static void shrinking(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "mmap 6 2 r p\n"
		   "w 0 1\n"
		   /* An munmap, over gaps and VMAs, and it downgrades. */
		   "mremap 0 8 2 inplace = pg0\n"
		   "V 0-2:rw-,ac\n"
		   "C munmap_downgrade 1\n"
		   "r 0 = hit 1\n"
		   "mremap 0 2 2 inplace = pg0\n"
		   "mremap 0 9 9 inplace = pg0\n"
		   "V 0-2:rw-,ac\n");
}

static void locked_memory(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw pl\n"
		   "mremap 0 4 6 inplace\n"
		   "L 6\n"
		   "P 0 xxxxxx-\n"
		   "mremap 0 6 8 to 20\n"
		   "L 8\n"
		   "P 20 xxxxxxxx-\n"
		   "mremap 20 8 7 to 0\n"
		   "L 7\n"
		   "mremap 0 7 5 inplace\n"
		   "L 5\n");
	script_run("config max_locked_bytes 16384\n"
		   "mmap 0 3 rw pl\n"
		   "mremap 0 3 5 inplace = EAGAIN\n"
		   "mremap 0 3 5 to 20 = EAGAIN\n"
		   "mremap 0 3 4 inplace = pg0\n"
		   "mremap 0 4 4 to 20 = pg20\n"
		   "L 4\n");
	/* Locked as they come: the new ones do not come by themselves. */
	script_run("mmap 0 2 rw p\n"
		   "mlock 0 2 onfault\n"
		   "mremap 0 2 4 inplace\n"
		   "P 0 ....\n"
		   "L 4\n");
}

static void limits(void **state)
{
	(void)state;
	/* Moving needs room for three more, with a given target for two more than that. */
	script_run("config max_map_count 10\n"
		   "mmap 0 4 rw p\n"
		   "mmap 10 1 rw p\n"
		   "mmap 12 1 rw p\n"
		   "mmap 14 1 rw p\n"
		   "mremap 0 4 4 to 20\n"
		   "mmap 16 1 rw p\n"
		   "mremap 20 4 4 to 0 = ENOMEM\n"
		   "mremap 20 4 4 dontunmap 0 = ENOMEM\n"
		   "mremap 16 1 2 maymove = pg16\n"
		   "mmap 18 1 r p\n"
		   "mremap 16 2 3 maymove\n"
		   "mmap 60 1 r p\n"
		   "M 7\n"
		   "mremap 14 1 2 inplace = pg14\n"
		   "mmap 16 1 r p\n"
		   "mremap 14 2 3 maymove = ENOMEM\n"
		   "mremap 14 2 1 inplace = pg14\n"
		   "M 8\n");
}

static void monitors_lose_what_moves(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "mmap 8 2 rw p\n"
		   "userfaultfd 0 4 on\n"
		   "userfaultfd 8 2 on\n"
		   "mremap 3 1 1 to 20\n"
		   "V 0-3:rw-,um,ac 8-10:rw-,um,ac 20-21:rw-,ac\n"
		   /* Together with what the target merges with. */
		   "mremap 0 1 1 to 7\n"
		   "V 1-3:rw-,um,ac 7-10:rw-,ac 20-21:rw-,ac\n"
		   "mremap 1 2 3 inplace\n"
		   "V 1-4:rw-,um,ac 7-10:rw-,ac 20-21:rw-,ac\n"
		   "mremap 1 2 2 dontunmap 30\n"
		   "V 1-4:rw-,um,ac 7-10:rw-,ac 20-21:rw-,ac 30-32:rw-,ac\n"
		   /* In a move of several VMAs none may be armed. */
		   "6.17: mmap 4 1 r p\n"
		   "6.17: mremap 1 4 4 to 40 = EFAULT\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		cmocka_unit_test(target_goes_before_the_source_is_looked_at),
		cmocka_unit_test(several_vmas),
		cmocka_unit_test(a_failed_vma_leaves_the_earlier_ones_moved),
		cmocka_unit_test(dontunmap),
		cmocka_unit_test(dontunmap_takes_the_locks_off),
		cmocka_unit_test(offsets),
		cmocka_unit_test(rmap_locks),
		cmocka_unit_test(page_tables_move_as_a_whole),
		cmocka_unit_test(guard_markers_move),
		cmocka_unit_test(growing),
		cmocka_unit_test(shrinking),
		cmocka_unit_test(locked_memory),
		cmocka_unit_test(limits),
		cmocka_unit_test(monitors_lose_what_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
