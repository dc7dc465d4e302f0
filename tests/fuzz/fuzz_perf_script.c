/* SPDX-License-Identifier: MIT */
/* Fuzz target: text of perf script is imported. */
#include "fuzz.h"
#include "import_check.h"
#include "import/perf_script.h"

/* Events, see fuzz_append_filled(). */
static const char *const events[] = {
	"syscalls:sys_enter_mmap: addr: @, len: ~, prot: !, flags: 0x22, fd: 0xffffffff",
	"syscalls:sys_enter_mmap: addr: @, len: ~, prot: !, flags: 0x32, fd: 0x3",
	"syscalls:sys_enter_mmap: addr: @, len: ~, prot: !, flags: 0x100001, fd: 0x3",
	"syscalls:sys_exit_mmap: @",
	"syscalls:sys_exit_mmap: 0xfffffffffffffff4",
	"syscalls:sys_enter_munmap: addr: @, len: ~",
	"syscalls:sys_exit_munmap: 0x0",
	"syscalls:sys_enter_mprotect: start: @, len: ~, prot: !",
	"syscalls:sys_exit_mprotect: 0x0",
	"syscalls:sys_enter_madvise: start: @, len_in: ~, behavior: !",
	"syscalls:sys_exit_madvise: 0x0",
	"syscalls:sys_enter_mremap: addr: @, old_len: ~, new_len: ~, flags: !, new_addr: @",
	"syscalls:sys_exit_mremap: @",
	"syscalls:sys_enter_brk: brk: @",
	"syscalls:sys_exit_brk: @",
	"exceptions:page_fault_user: address=@ ip=0x1 error_code=!",
	"exceptions:page_fault_user: address=@ ip=0x1 error_code=0x14",
	"sched:sched_process_fork: comm=a pid=7 child_comm=a child_pid=!",
	"sched:sched_process_exit: comm=a pid=7 prio=120 group_dead=true",
	"sched:sched_process_exit: comm=a pid=7 prio=120 group_dead=false",
	"sched:sched_process_exec: filename=./a pid=7 old_pid=7",
	"mmap_lock:mmap_lock_start_locking: mm=0xff memcg_id=1 write=true",
	"mmap_lock:mmap_lock_acquire_returned: mm=0xff memcg_id=1 write=! success=true",
	"mmap_lock:mmap_lock_released: mm=0xff memcg_id=1 write=true",
	"lock:contention_begin: 0xffff (flags=WRITE)",
	"lock:contention_end: 0xffff (ret=0)",
};

static void make_line(struct fuzz_random *random, const char *before, char *line)
{
	const char *event = events[fuzz_random(random, sizeof(events) / sizeof(*events))];
	unsigned int pid = 7 + fuzz_random(random, 3);

	(void)before;
	fuzz_append(line, "a %u/%u [000] 1.%06u: ", pid,
		    fuzz_random(random, 2) ? pid : 1 + fuzz_random(random, 9),
		    fuzz_random(random, 30));
	fuzz_append_filled(random, event, line);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	return fuzz_mutate_lines(data, size, max_size, seed, make_line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_import(import_perf_script, data, size);
	return 0;
}
