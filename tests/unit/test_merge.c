/* SPDX-License-Identifier: MIT */
/*
 * Which VMAs merge, by release: the anon_vma rule before and since 6.16, VM_ACCOUNT, the mark of
 * guard pages, names, userfaultfd, MAP_STACK.
 */
#include "support/mm_script.h"

/* The range that changes was written, its neighbour was not: refused before 6.16. */
static void faulted_range_beside_unfaulted(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "mmap 4 4 rwx p\n"
		   "mmap 8 4 rw p\n"
		   "w 4 1\n"
		   "mprotect 4 4 rw\n"
		   "<6.16: V 0-4:rw-,ac 4-8:rw-,ac 8-12:rw-,ac\n"
		   "6.16: V 0-12:rw-,ac\n"
		   "r 4 = hit 1\n");
	/* Only the one on the left, only the one on the right. */
	script_run("mmap 0 4 rw p\n"
		   "mmap 4 4 rwx p\n"
		   "w 4 1\n"
		   "mprotect 4 4 rw\n"
		   "<6.16: V 0-4:rw-,ac 4-8:rw-,ac\n"
		   "6.16: V 0-8:rw-,ac\n");
	script_run("mmap 0 4 rwx p\n"
		   "mmap 4 4 rw p\n"
		   "w 0 1\n"
		   "mprotect 0 4 rw\n"
		   "<6.16: V 0-4:rw-,ac 4-8:rw-,ac\n"
		   "6.16: V 0-8:rw-,ac\n");
	/* A part of the range's VMA: the border moves. */
	script_run("mmap 0 4 rw p\n"
		   "mmap 4 4 rwx p\n"
		   "w 7 1\n"
		   "mprotect 4 2 rw\n"
		   "<6.16: V 0-4:rw-,ac 4-6:rw-,ac 6-8:rwx,ac\n"
		   "6.16: V 0-6:rw-,ac 6-8:rwx,ac\n"
		   "r 7 = hit 1\n");
}

static void unfaulted_range_beside_faulted(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "w 1 1\n"
		   "mmap 4 4 rwx p\n"
		   "mprotect 4 4 rw\n"
		   "V 0-8:rw-,ac\n"
		   "mmap 8 2 rw p\n"
		   "V 0-10:rw-,ac\n");
	/* Between one that was written and one that was not: all three. */
	script_run("mmap 0 4 rw p\n"
		   "mmap 8 4 rw p\n"
		   "w 8 1\n"
		   "mmap 4 4 rw p\n"
		   "V 0-12:rw-,ac\n"
		   "r 8 = hit 1\n");
	/* Between two that were written apart: only the left one, whichever way. */
	script_run("mmap 0 4 rw p\n"
		   "mmap 8 4 rw p\n"
		   "w 0 1\n"
		   "w 8 1\n"
		   "mmap 4 4 rw p\n"
		   "V 0-8:rw-,ac 8-12:rw-,ac\n");
	script_run("mmap 0 4 rw p\n"
		   "mmap 8 4 rw p\n"
		   "w 0 1\n"
		   "w 8 1\n"
		   "mmap 4 4 rwx p\n"
		   "mprotect 4 4 rw\n"
		   "V 0-8:rw-,ac 8-12:rw-,ac\n");
}

/* The first write shares the anon_vma of a neighbour that differs in its access alone. */
static void shared_anon_vma(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "mmap 4 4 rwx p\n"
		   "w 0 1\n"
		   "w 4 2\n"
		   "mprotect 4 4 rw\n"
		   "V 0-8:rw-,ac\n");
	script_run("mmap 0 4 rw p\n"
		   "mmap 4 4 rwx p\n"
		   "madvise 4 4 DONTDUMP\n"
		   "w 0 1\n"
		   "w 4 2\n"
		   "madvise 4 4 DODUMP\n"
		   "mprotect 4 4 rw\n"
		   "V 0-4:rw-,ac 4-8:rw-,ac\n");
}

static void account(void **state)
{
	(void)state;
	/* Since 6.3 it goes with write access, unless there may be pages. */
	script_run("mmap 0 4 r p\n"
		   "mmap 4 4 rw p\n"
		   "mprotect 4 4 r\n"
		   "<6.3: V 0-4:r-- 4-8:r--,ac\n"
		   "6.3: V 0-8:r--\n");
	script_run("mmap 0 4 r p\n"
		   "mmap 4 4 rw p\n"
		   "w 4 1\n"
		   "mprotect 4 4 r\n"
		   "V 0-4:r-- 4-8:r--,ac\n");
	script_run("mmap 0 4 none p\n"
		   "mprotect 0 2 rw\n"
		   "V 0-2:rw-,ac 2-4:---\n"
		   "mprotect 0 2 none\n"
		   "<6.3: V 0-2:---,ac 2-4:---\n"
		   "6.3: V 0-4:---\n");
	/* Without reserve there is nothing to account. */
	script_run("mmap 0 4 rw pn\n"
		   "mmap 4 4 rw p\n"
		   "V 0-4:rw-,nr 4-8:rw-,ac\n"
		   "mprotect 0 2 r\n"
		   "mprotect 0 2 rw\n"
		   "V 0-4:rw-,nr 4-8:rw-,ac\n");
}

static void guard_mark(void **state)
{
	(void)state;
	script_run("6.13: mmap 0 4 rw p\n"
		   "6.13: madvise 1 1 GUARD_INSTALL\n"
		   "6.13: mmap 8 2 rw p\n"
		   "6.13: <6.18: V 0-4:rw-,ac 8-10:rw-,ac\n"
		   "6.18: V 0-4:rw-,gu,ac 8-10:rw-,ac\n"
		   /* No obstacle, and catching. */
		   "6.13: mmap 4 4 rw p\n"
		   "6.13: <6.18: V 0-10:rw-,ac\n"
		   "6.18: V 0-10:rw-,gu,ac\n"
		   "6.13: madvise 0 10 GUARD_REMOVE\n"
		   "6.13: mprotect 6 4 r\n"
		   "6.13: <6.18: V 0-6:rw-,ac 6-10:r--,ac\n"
		   "6.18: V 0-6:rw-,gu,ac 6-10:r--,gu,ac\n"
		   "6.13: P 0 ..........\n"
		   /* The VMA has an anon_vma since, though it was never written. */
		   "6.13: mmap 12 4 rw p\n"
		   "6.13: madvise 12 1 GUARD_INSTALL\n"
		   "6.13: mprotect 6 4 rw\n"
		   "6.13: mmap 10 2 rw p\n"
		   "6.13: <6.18: V 0-12:rw-,ac 12-16:rw-,ac\n"
		   "6.18: V 0-12:rw-,gu,ac 12-16:rw-,gu,ac\n");
}

static void names(void **state)
{
	(void)state;
	script_run("mmap 0 8 rw p\n"
		   "name 2 4 heap\n"
		   "V 0-2:rw-,ac 2-6:rw-,ac<heap> 6-8:rw-,ac\n"
		   /* By what they say, not by who said it. */
		   "name 0 2 heap\n"
		   "V 0-6:rw-,ac<heap> 6-8:rw-,ac\n"
		   "name 6 2 stack\n"
		   "V 0-6:rw-,ac<heap> 6-8:rw-,ac<stack>\n"
		   "mmap 8 2 rw p\n"
		   "V 0-6:rw-,ac<heap> 6-8:rw-,ac<stack> 8-10:rw-,ac\n"
		   "mremap 6 2 4 inplace = ENOMEM\n"
		   "munmap 8 2\n"
		   "mremap 6 2 4 inplace\n"
		   "V 0-6:rw-,ac<heap> 6-10:rw-,ac<stack>\n"
		   "mprotect 1 1 r\n"
		   "<6.3: V 0-1:rw-,ac<heap> 1-2:r--,ac<heap> 2-6:rw-,ac<heap> 6-10:rw-,ac<stack>\n"
		   "6.3: V 0-1:rw-,ac<heap> 1-2:r--<heap> 2-6:rw-,ac<heap> 6-10:rw-,ac<stack>\n"
		   "mprotect 1 1 rw\n"
		   "mremap 8 2 2 to 20\n"
		   "V 0-6:rw-,ac<heap> 6-8:rw-,ac<stack> 20-22:rw-,ac<stack>\n"
		   "name 0 8\n"
		   "V 0-8:rw-,ac 20-22:rw-,ac<stack>\n"
		   /* What lies behind a gap is named, too. */
		   "name 0 22 all = ENOMEM\n"
		   "V 0-8:rw-,ac<all> 20-22:rw-,ac<all>\n"
		   "name 30 1 all = ENOMEM\n"
		   "name 0 0 all\n"
		   "name 0 1 a[b = EINVAL\n"
		   "name 0 1 a$b = EINVAL\n");
	/* A neighbour's anon_vma is shared only under the same name. */
	script_run("mmap 0 8 rw p\n"
		   "name 4 4 heap\n"
		   "w 0 1\n"
		   "w 4 2\n"
		   "name 4 4\n"
		   "V 0-4:rw-,ac 4-8:rw-,ac\n");
	script_run("mmap 0 8 rw p\n"
		   "w 0 1\n"
		   "name 4 4 heap\n"
		   "w 4 2\n"
		   "name 4 4\n"
		   "V 0-8:rw-,ac\n");
}

static void armed(void **state)
{
	(void)state;
	script_run("mmap 0 8 rw p\n"
		   "w 0 1\n"
		   "userfaultfd 2 4 on\n"
		   "V 0-2:rw-,ac 2-6:rw-,um,ac 6-8:rw-,ac\n"
		   "userfaultfd 1 2 on\n"
		   "V 0-1:rw-,ac 1-6:rw-,um,ac 6-8:rw-,ac\n"
		   "mmap 8 2 rw p\n"
		   "V 0-1:rw-,ac 1-6:rw-,um,ac 6-10:rw-,ac\n"
		   "userfaultfd 0 20 off\n"
		   "V 0-10:rw-,ac\n"
		   "userfaultfd 20 2 on = EINVAL\n"
		   "userfaultfd 0 20 on\n"
		   "V 0-10:rw-,um,ac\n"
		   "mmap 10 1 rw p\n"
		   "V 0-10:rw-,um,ac 10-11:rw-,ac\n"
		   /* The first touch is told to the monitor, which answers with an empty page. */
		   "w 5 9\n"
		   "C fault_userfaultfd 1\n"
		   "w 5 8\n"
		   "w 0 2\n"
		   "C fault_userfaultfd 1\n");
}

/* Since 6.7 a thread's stack has no huge pages, and a flag that says so. */
static void thread_stacks(void **state)
{
	(void)state;
	script_run("mmap 0 2 rw pk\n"
		   "mmap 2 2 rw p\n"
		   "<6.7: V 0-4:rw-,ac\n"
		   "6.7: V 0-2:rw-,ac,nh 2-4:rw-,ac\n"
		   "madvise 2 2 NOHUGEPAGE\n"
		   "<6.7: V 0-2:rw-,ac 2-4:rw-,ac,nh\n"
		   "6.7: V 0-4:rw-,ac,nh\n"
		   "madvise 0 1 HUGEPAGE\n"
		   "<6.7: V 0-1:rw-,ac,hg 1-2:rw-,ac 2-4:rw-,ac,nh\n"
		   "6.7: V 0-1:rw-,ac,hg 1-4:rw-,ac,nh\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulted_range_beside_unfaulted),
		cmocka_unit_test(unfaulted_range_beside_faulted),
		cmocka_unit_test(shared_anon_vma),
		cmocka_unit_test(account),
		cmocka_unit_test(guard_mark),
		cmocka_unit_test(names),
		cmocka_unit_test(armed),
		cmocka_unit_test(thread_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
