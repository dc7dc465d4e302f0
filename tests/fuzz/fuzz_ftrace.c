/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: ftrace's text is imported, with the architecture found out and as said. What comes
 * of it is a recording that is written and read back as the same, whose operations fit one another
 * thanks to what was assumed, and whose replay can be planned.
 */
#include "fuzz.h"
#include "import/ftrace_text.h"
#include "import_check.h"

/* Events; @ stands for an address, ~ for a length, ! for a small number, all hexadecimal. */
static const char *const events[] = {
	"sys_mmap(addr: @, len: ~, prot: !, flags: 22, fd: ffffffff, off: 0)",
	"sys_mmap(addr: 0x@, len: 0x~, prot: !, flags: 0x32, fd: 3, off: 0)",
	"sys_mmap -> 0x@",
	"sys_mmap -> 0xfffffffffffffff4",
	"sys_munmap(addr: @, len: ~)",
	"sys_munmap -> 0x0",
	"sys_mprotect(start: @, len: ~, prot: !)",
	"sys_mprotect -> 0x0",
	"sys_madvise(start: @, len_in: ~, behavior: !)",
	"sys_madvise -> 0x0",
	"sys_mremap(addr: @, old_len: ~, new_len: ~, flags: !, new_addr: @)",
	"sys_mremap -> 0x@",
	"sys_brk(brk: @)",
	"sys_brk -> 0x@",
	"sys_enter: NR 9 (@, ~, !, 22, ffffffff, 0)",
	"sys_exit: NR 9 = 26843!520",
	"sys_enter: NR 11 (@, ~, 0, 0, 0, 0)",
	"sys_exit: NR 11 = 0",
	"sys_enter: NR 222 (@, ~, !, 32, ffffffff, 0)",
	"sys_exit: NR 222 = -12",
	"sys_enter: NR 233 (b4000000@, ~, 4, 0, 0, 0)",
	"sys_exit: NR 233 = 0",
	"sys_enter: NR 192 (@, ~, !, 22, ffffffff, 0)",
	"sys_enter_munmap: addr=0x@ len=0x~",
	"sys_exit_munmap: ret=0",
	"sys_enter: id=222",
	"page_fault_user: address=0x@ ip=0x1 error_code=0x!",
	"task_newtask: pid=! comm=a clone_flags=3d0f00 oom_score_adj=0",
	"task_newtask: pid=! comm=a clone_flags=1200011 oom_score_adj=0",
	"sched_process_fork: comm=a pid=7 child_comm=b child_pid=!",
	"sched_process_exit: comm=a pid=7 prio=120 group_dead=true",
	"sched_process_exit: comm=a pid=7 prio=120",
	"sched_process_exec: filename=./a pid=7 old_pid=7",
	"mmap_lock_start_locking: mm=000000000000000! memcg_path= write=true",
	"mmap_lock_acquire_returned: mm=000000000000000! memcg_path= write=true success=true",
	"mmap_lock_released: mm=000000000000000! memcg_path= write=true",
	"contention_begin: 0000000000000001 (flags=WRITE)",
	"contention_end: 0000000000000001 (ret=0)",
};

static void make_head(struct fuzz_random *random, char *line)
{
	static const char *const tgids[] = {"", " (    7)", " (    8)", " (-----)"};
	static const char *const flags[] = {"....", "d..1.", ""};

	fuzz_append(line, "%s-%u%s [00%u] %s 1.%06u: ", fuzz_random(random, 8) ? "a" : "<...>",
		    7 + fuzz_random(random, 3), tgids[fuzz_random(random, 4)],
		    fuzz_random(random, 2), flags[fuzz_random(random, 3)], fuzz_random(random, 30));
}

static void make_line(struct fuzz_random *random, const char *before, char *line)
{
	const char *event = events[fuzz_random(random, sizeof(events) / sizeof(*events))];

	(void)before;
	if (!fuzz_random(random, 32)) {
		fuzz_append(line, "CPU:1 [LOST %u EVENTS]", fuzz_random(random, 9));
		return;
	}
	make_head(random, line);
	for (; *event; event++) {
		if (*event == '@')
			fuzz_append(line, "%x000", 0x10000 + fuzz_random(random, 16));
		else if (*event == '~')
			fuzz_append(line, "%x000", fuzz_random(random, 9));
		else if (*event == '!')
			fuzz_append(line, "%u", fuzz_random(random, 10));
		else
			fuzz_append(line, "%c", *event);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return fuzz_mutate_lines(data, size, max_size, seed, make_line);
}

static int of_any_arch(const char *path, struct recording *out, struct import_report *report,
		       struct sim_error *err)
{
	return import_ftrace(path, FTRACE_ARCH_UNKNOWN, out, report, err);
}

static int of_arm64(const char *path, struct recording *out, struct import_report *report,
		    struct sim_error *err)
{
	return import_ftrace(path, FTRACE_ARM64, out, report, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_import(of_any_arch, data, size);
	fuzz_import(of_arm64, data, size);
	return 0;
}
