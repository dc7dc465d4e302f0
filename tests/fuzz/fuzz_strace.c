/* SPDX-License-Identifier: MIT */
/* Fuzz target: text of strace is imported. */
#include "fuzz.h"
#include "import_check.h"
#include "import/strace.h"

#define TWO "[{iov_base=@, iov_len=~}, {iov_base=@, iov_len=~}], 2, "

/* What stands behind the time, see fuzz_append_filled(). */
static const char *const events[] = {
	"mmap(NULL, ~, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = @ <0.000003>",
	"mmap(NULL, ~, PROT_READ, MAP_SHARED, 3</a>(deleted), 0 <unfinished ...>",
	"mmap(@, ~, PROT_NONE, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = @ <0.000003>",
	"mmap(@, ~, PROT_READ|0x10, MAP_PRIVATE|MAP_ANONYMOUS|21<<MAP_HUGE_SHIFT, -1, 0) = @",
	"<... mmap resumed>) = @ <0.000009>",
	"<... mmap resumed>) = -1 ENOMEM (Cannot allocate memory) <0.000009>",
	"munmap(@, ~) = 0 <0.000002>",
	"munmap(@, ~ <unfinished ...>",
	"<... munmap resumed>) = 0 <0.000009>",
	"mprotect(@, ~, PROT_READ|PROT_EXEC) = 0 <0.000002>",
	"pkey_mprotect(@, ~, PROT_READ, -1) = 0 <0.000002>",
	"madvise(@, ~, MADV_DONTNEED) = 0 <0.000002>",
	"madvise(@, ~, 0x66 /* MADV_??? */) = 0",
	"process_madvise(3<pid:!>, " TWO "MADV_COLD, 0) = ~",
	"process_madvise(PIDFD_SELF, " TWO "MADV_COLD, 0) = ~",
	"process_madvise(3, " TWO "MADV_DONTNEED, 0) = ~",
	"mremap(@, ~, ~, MREMAP_MAYMOVE) = @ <0.000002>",
	"mremap(@, ~, ~, MREMAP_MAYMOVE|MREMAP_FIXED, @) = @ <0.000002>",
	"mremap(@, ~, ~, MREMAP_MAYMOVE|MREMAP_DONTUNMAP) = @ <0.000002>",
	"brk(NULL) = @ <0.000002>",
	"brk(@) = @ <0.000002>",
	"mlock(@, ~) = 0",
	"mlock2(@, ~, MLOCK_ONFAULT) = 0",
	"munlock(@, ~) = 0",
	"mlockall(MCL_CURRENT|MCL_FUTURE) = 0",
	"munlockall() = 0",
	"clone(child_stack=NULL, flags=CLONE_VM|CLONE_THREAD) = !",
	"clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>",
	"<... clone resumed>, child_tidptr=@) = ! <0.000002>",
	"clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD} => {parent_tid=[!]}, 88) = !",
	"vfork( <unfinished ...>",
	"<... vfork resumed>) = ! <0.000002>",
	"fork() = 2 /* ! in strace's PID NS */",
	"execve(\"/bin/a\", [\"a\", \"b\"...], 0x7ff /* 4 vars */) = 0 <0.000002>",
	"execve(\"./b\", [\"b\"], 0x7ff <unfinished ...>",
	"<... execve resumed>) = 0 <0.000002>",
	"prctl(PR_SET_NAME, \"a b\"...) = 0",
	"prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, @, ~, \"x\") = 0",
	"shmat(!, NULL, 0) = @",
	"read(3</a>, \"\\177ELF\", 832) = 832",
	"--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=@} ---",
	"+++ exited with 0 +++",
	"+++ killed by SIGKILL +++",
	"+++ superseded by execve in pid ! +++",
};

static void make_line(struct fuzz_random *random, const char *before, char *line)
{
	const char *event = events[fuzz_random(random, sizeof(events) / sizeof(*events))];
	unsigned int tid = 1 + fuzz_random(random, 9);

	(void)before;
	switch (fuzz_random(random, 8)) {
	case 0:
		break;
	case 1:
		fuzz_append(line, "[pid %5u] ", tid);
		break;
	case 2:
		fuzz_append(line, "%u<a> ", tid);
		break;
	default:
		fuzz_append(line, "%u ", tid);
	}
	fuzz_append(line, "1700000000.%06u ", fuzz_random(random, 30));
	fuzz_append_filled(random, event, line);
	if (!fuzz_random(random, 30))
		fuzz_append(line, "strace: Process %u attached", tid);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return fuzz_mutate_lines(data, size, max_size, seed, make_line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_import(import_strace, data, size);
	return 0;
}
