/* SPDX-License-Identifier: MIT */
/* mlock, munlock, mlockall, in every release: what is marked, counted and populated; limits. */
#include "support/mm_script.h"

static void marking(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "mlock 1 2\n"
		   "V 0-1:rw-,ac 1-3:rw-,lo,ac 3-4:rw-,ac\n"
		   "P 0 .xx.\n"
		   "L 2\n"
		   /* Rounded outwards; what is locked does not count twice. */
		   "mlock 0x100000002fff 0x2\n"
		   "L 3\n"
		   "mlock 0 0\n"
		   "munlock 1 1\n"
		   "L 2\n"
		   "munlock 0 4\n"
		   "L 0\n"
		   "mlock 0xfffffffffffff000 0x2000 = EINVAL\n"
		   "munlock 0xfffffffffffff000 0x2000 = EINVAL\n");
	/* Memory that is only read is populated by reading. */
	script_run("mmap 0 2 r p\n"
		   "mlock 0 2\n"
		   "P 0 zz\n"
		   "V 0-2:r--,lo\n");
}

static void gaps_and_what_cannot_be_had(void **state)
{
	(void)state;
	script_run("mmap 0 2 rw p\n"
		   "mmap 3 2 rw p\n"
		   /* What lies before the gap is marked, nothing is populated. */
		   "mlock 0 5 = ENOMEM\n"
		   "V 0-2:rw-,lo,ac 3-5:rw-,ac\n"
		   "P 0 ..-..\n"
		   "munlock 0 5 = ENOMEM\n"
		   "V 0-2:rw-,ac 3-5:rw-,ac\n"
		   "mlock 2 1 = ENOMEM\n");
	/* Without any access: marked, but no page can be had. */
	script_run("mmap 0 2 none p\n"
		   "mlock 0 2 = ENOMEM\n"
		   "V 0-2:---,lo\n"
		   "L 2\n");
	script_run("6.13: mmap 0 4 rw p\n"
		   "6.13: madvise 2 1 GUARD_INSTALL\n"
		   "6.13: mlock 0 4 = ENOMEM\n"
		   "6.13: P 0 xxG.\n"
		   "6.13: L 4\n");
}

static void on_fault(void **state)
{
	(void)state;
	script_run("mmap 0 4 rw p\n"
		   "mlock 0 4 onfault\n"
		   "V 0-4:rw-,lo,lf,ac\n"
		   "P 0 ....\n"
		   "L 4\n"
		   "w 1 1\n"
		   "mlock 0 2\n"
		   "V 0-2:rw-,lo,ac 2-4:rw-,lo,lf,ac\n"
		   "P 0 xx..\n"
		   "L 4\n"
		   "mlock 0 2 onfault\n"
		   "V 0-4:rw-,lo,lf,ac\n"
		   /* Populating is for who asks. */
		   "5.14: madvise 2 1 POPULATE_READ\n"
		   "P 0 xxz.\n"
		   "munlock 0 4\n"
		   "V 0-4:rw-,ac\n");
}

static void all(void **state)
{
	(void)state;
	script_run("mlockall c\n"
		   "mlockall o = EINVAL\n"
		   "mmap 0 2 rw p\n"
		   "mmap 4 2 none p\n"
		   "mmap 8 2 rw p\n"
		   "w 9 1\n"
		   "mlockall f\n"
		   "V 0-2:rw-,ac 4-6:--- 8-10:rw-,ac\n"
		   "mmap 12 2 rw p\n"
		   "V 0-2:rw-,ac 4-6:--- 8-10:rw-,ac 12-14:rw-,lo,ac\n"
		   "P 12 xx\n"
		   "mlockall fo\n"
		   "mmap 16 2 rw p\n"
		   "V 0-2:rw-,ac 4-6:--- 8-10:rw-,ac 12-14:rw-,lo,ac 16-18:rw-,lo,lf,ac\n"
		   "P 16 ..\n"
		   /* What there is, and nothing more in the future. */
		   "mlockall c\n"
		   "V 0-2:rw-,lo,ac 4-6:---,lo 8-10:rw-,lo,ac 12-14:rw-,lo,ac 16-18:rw-,lo,ac\n"
		   "P 0 xx--..--xx--xx--xx\n"
		   "L 10\n"
		   "mmap 20 2 rw p\n"
		   "P 20 ..\n"
		   "mlockall cf\n"
		   "L 12\n"
		   "munlockall\n"
		   "L 0\n"
		   "mmap 24 2 rw p\n"
		   "P 24 ..\n"
		   "V 0-2:rw-,ac 4-6:--- 8-10:rw-,ac 12-14:rw-,ac 16-18:rw-,ac 20-22:rw-,ac"
		   " 24-26:rw-,ac\n");
}

static void limits(void **state)
{
	(void)state;
	script_run("config max_locked_bytes 16384\n"
		   "mmap 0 8 rw p\n"
		   "mlock 0 5 = ENOMEM\n"
		   "V 0-8:rw-,ac\n"
		   "mlock 0 3\n"
		   "mlock 2 3 = ENOMEM\n"
		   "mlock 2 2\n"
		   "L 4\n"
		   "mmap 20 1 rw pl = EAGAIN\n"
		   "munlock 3 1\n"
		   "mmap 20 2 rw pl = EAGAIN\n"
		   "mmap 20 1 rw pl\n"
		   /* Replaced memory still counts when the limit is looked at. */
		   "mmap 20 1 rw pl = EAGAIN\n"
		   "L 4\n"
		   "mlockall c = ENOMEM\n"
		   "munmap 0 8\n"
		   "L 1\n"
		   "mlockall cf\n"
		   "mmap 0 4 rw p = EAGAIN\n"
		   "mmap 0 3 rw p\n");
	/* Less than a page is a limit, nothing at all a ban. */
	script_run("config max_locked_bytes 100\n"
		   "mmap 0 2 rw p\n"
		   "mlock 0 1 = ENOMEM\n"
		   "mlock 0 0\n"
		   "mlockall f\n"
		   "mmap 4 1 rw p = EAGAIN\n");
	script_run("config max_locked_bytes 0\n"
		   "mmap 0 2 rw p\n"
		   "mlock 0 1 = EPERM\n"
		   "mlock 0 0 = EPERM\n"
		   "munlock 0 1\n"
		   "mlockall f = EPERM\n"
		   "munlockall\n"
		   "mmap 4 1 rw pl = EPERM\n");
}

/* mprotect: locked memory that becomes writable gets its pages at once. */
static void becoming_writable(void **state)
{
	(void)state;
	script_run("mmap 0 4 none p\n"
		   "mlock 0 4 = ENOMEM\n"
		   "mprotect 0 2 r\n"
		   "P 0 ....\n"
		   "mprotect 0 1 rw\n"
		   "P 0 x...\n"
		   "mprotect 2 2 rw\n"
		   "P 0 x.xx\n"
		   "L 4\n");
	script_run("mmap 0 2 r p\n"
		   "mlock 0 2\n"
		   "P 0 zz\n"
		   "mprotect 0 2 rw\n"
		   "P 0 xx\n"
		   "munmap 0 2\n"
		   "mmap 0 2 r p\n"
		   "mlock 0 2 onfault\n"
		   "mprotect 0 2 rw\n"
		   "P 0 ..\n");
}

/* Advices that would drop locked pages. */
static void advices(void **state)
{
	(void)state;
	script_run("mmap 0 2 rw pl\n"
		   "madvise 0 2 DONTNEED = EINVAL\n"
		   "madvise 0 2 FREE = EINVAL\n"
		   "madvise 0 2 COLD = EINVAL\n"
		   "madvise 0 2 PAGEOUT = EINVAL\n"
		   "madvise 0 2 WILLNEED\n"
		   "P 0 xx\n"
		   "<5.18: madvise 0 1 DONTNEED_LOCKED = EINVAL\n"
		   "5.18: madvise 0 1 DONTNEED_LOCKED\n"
		   "5.18: P 0 .x\n"
		   "<6.13: madvise 0 1 GUARD_INSTALL = EINVAL\n"
		   "<6.13: madvise 0 1 GUARD_REMOVE = EINVAL\n"
		   "6.13: madvise 0 1 GUARD_INSTALL = EINVAL\n"
		   "6.13: madvise 0 1 GUARD_REMOVE\n"
		   "L 2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marking),  cmocka_unit_test(gaps_and_what_cannot_be_had),
		cmocka_unit_test(on_fault), cmocka_unit_test(all),
		cmocka_unit_test(limits),   cmocka_unit_test(becoming_writable),
		cmocka_unit_test(advices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
