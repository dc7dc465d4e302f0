/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share; see fuzz.h. */
#define _GNU_SOURCE 1
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ADDRESS_SPACE (UINT64_C(1) << 47)
#define MAPPED_MAX (UINT64_C(1) << 40)
/* About where a heap begins when nothing says where it is. */
#define HEAP_START UINT64_C(0x555555800000)

const char *fuzz_file(const void *data, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		FUZZ_CHECK(fd >= 0, "no memory for a file");
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	FUZZ_CHECK(!ftruncate(fd, 0), "a file in memory cannot be emptied");
	FUZZ_CHECK(pwrite(fd, data, size, 0) == (ssize_t)size, "a file in memory is full");
	return path;
}

bool fuzz_same_op(const struct sim_op *a, const struct sim_op *b)
{
	return a->kind == b->kind && a->time_ns == b->time_ns && a->pid == b->pid &&
	       a->tid == b->tid && a->addr == b->addr && a->len == b->len &&
	       a->new_addr == b->new_addr && a->new_len == b->new_len && a->prot == b->prot &&
	       a->flags == b->flags && a->advice == b->advice && a->file == b->file &&
	       a->pgoff == b->pgoff && a->value == b->value && a->has_value == b->has_value &&
	       a->has_result == b->has_result && a->result == b->result && a->notes == b->notes;
}

/* What one operation may map at most; a length that never fits maps nothing. */
static uint64_t mapped_by(const struct sim_op *op)
{
	uint64_t len = op->len > op->new_len ? op->len : op->new_len;

	if (op->kind != OP_MMAP && op->kind != OP_MREMAP)
		return 0;
	return len < ADDRESS_SPACE ? len : 0;
}

bool fuzz_maps_too_much(const struct sim_op *ops, size_t nr)
{
	uint64_t mapped = 0, lowest = UINT64_MAX, highest = 0, brk;

	for (size_t i = 0; i < nr; i++) {
		mapped += mapped_by(&ops[i]);
		if (ops[i].kind != OP_BRK)
			continue;
		brk = ops[i].has_result && ops[i].result > 0 ? (uint64_t)ops[i].result :
							       ops[i].addr;
		if (!brk || brk >= ADDRESS_SPACE)
			continue;
		lowest = brk < lowest ? brk : lowest;
		if (!ops[i].has_result && lowest > HEAP_START)
			lowest = HEAP_START;
		highest = brk > highest ? brk : highest;
	}
	return mapped > MAPPED_MAX || (highest > lowest && highest - lowest > MAPPED_MAX);
}

void fuzz_check_error(int ret, const struct sim_error *err, const char *path)
{
	size_t len = strlen(path);

	FUZZ_CHECK(ret < 0, "%d", ret);
	FUZZ_CHECK(!strncmp(err->text, path, len) && err->text[len] == ':', "%s", err->text);
}

static void check_same(const struct recording *a, const struct recording *b)
{
	char line[SIM_OP_LINE_MAX];

	FUZZ_CHECK(a->nr_ops == b->nr_ops, "%zu %zu", a->nr_ops, b->nr_ops);
	for (size_t i = 0; i < a->nr_ops; i++) {
		sim_op_print_record(&a->ops[i], line, sizeof(line));
		FUZZ_CHECK(fuzz_same_op(&a->ops[i], &b->ops[i]), "operation %zu: %s", i, line);
	}
	FUZZ_CHECK(a->nr_tasks == b->nr_tasks, "%zu %zu", a->nr_tasks, b->nr_tasks);
	for (size_t i = 0; i < a->nr_tasks; i++)
		FUZZ_CHECK(a->tasks[i].tid == b->tasks[i].tid &&
				   a->tasks[i].pid == b->tasks[i].pid &&
				   !strcmp(a->tasks[i].name, b->tasks[i].name),
			   "task %zu: '%s' '%s'", i, a->tasks[i].name, b->tasks[i].name);
	FUZZ_CHECK(a->nr_stats == b->nr_stats, "%zu %zu", a->nr_stats, b->nr_stats);
	for (size_t i = 0; i < a->nr_stats; i++)
		FUZZ_CHECK(a->stats[i].value == b->stats[i].value &&
				   !strcmp(a->stats[i].name, b->stats[i].name),
			   "stat %zu: '%s' '%s'", i, a->stats[i].name, b->stats[i].name);
}

void fuzz_recording_round_trip(const struct recording *rec)
{
	const char *path = fuzz_file("", 0);
	struct sim_error err = {""};
	struct recording again;

	FUZZ_CHECK(!recording_save(rec, path, &err), "%s", err.text);
	FUZZ_CHECK(!recording_load(path, 0, &again, &err), "%s", err.text);
	check_same(rec, &again);
	recording_free(&again);
}
