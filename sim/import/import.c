/* SPDX-License-Identifier: MIT */
/* What all importers share; see import.h. */
#define _GNU_SOURCE 1
#include "import.h"
#include "assumed.h"
#include "layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Results from -MAX_ERRNO to -1 are errors; none is below that. */
#define MAX_ERRNO 4095

struct import_thread *importer_thread(struct importer *im, int tid)
{
	size_t *found = idmap_find(&im->by_tid, tid);
	size_t wanted = im->max_threads ? im->max_threads * 2 : 64;
	struct import_thread *moved;

	if (found)
		return &im->threads[*found];
	if (im->nr_threads == im->max_threads) {
		moved = reallocarray(im->threads, wanted, sizeof(*moved));
		if (!moved)
			return NULL;
		im->threads = moved;
		im->max_threads = wanted;
	}
	if (idmap_set(&im->by_tid, tid, im->nr_threads))
		return NULL;
	im->threads[im->nr_threads] = (struct import_thread){.tid = tid, .call = IMPORT_NO_CALL};
	return &im->threads[im->nr_threads++];
}

void import_thread_name(struct import_thread *thread, int pid, const char *name, int len)
{
	thread->pid = pid;
	snprintf(thread->name, sizeof(thread->name), "%.*s", len ? len : 1, len ? name : "-");
}

int importer_join(struct importer *im, struct import_thread *thread)
{
	size_t *alive = idmap_find(&im->alive, thread->pid);

	if (thread->alive)
		return 0;
	thread->alive = true;
	return idmap_set(&im->alive, thread->pid, alive ? *alive + 1 : 1);
}

bool importer_part(struct importer *im, struct import_thread *thread)
{
	size_t *alive = idmap_find(&im->alive, thread->pid);

	if (!thread->alive || !alive)
		return false;
	thread->alive = false;
	return !--*alive;
}

struct traced_op *importer_add(struct importer *im, const struct import_thread *thread,
			       uint64_t time_ns, enum op_kind kind)
{
	size_t wanted = im->max_ops ? im->max_ops * 2 : 4096;
	struct traced_op *moved, *traced;

	if (im->nr_ops == im->max_ops) {
		moved = reallocarray(im->ops, wanted, sizeof(*moved));
		if (!moved)
			return NULL;
		im->ops = moved;
		im->max_ops = wanted;
	}
	traced = &im->ops[im->nr_ops++];
	memset(traced, 0, sizeof(*traced));
	traced->op.kind = kind;
	traced->op.pid = thread->pid;
	traced->op.tid = thread->tid;
	traced->op.file = -1;
	traced->op.time_ns = time_ns - im->start_ns;
	traced->end_ns = traced->op.time_ns;
	return traced;
}

/* ---- system calls ---- */

/* The flags that an operation can say; all others change nothing that is replayed. */
static unsigned int map_flags_of(uint64_t traced)
{
	unsigned int kept = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE | MAP_POPULATE |
			    MAP_LOCKED | MAP_GROWSDOWN | MAP_STACK;
	unsigned int flags = (unsigned int)traced & kept;

	/* MAP_SHARED_VALIDATE has both bits. */
	flags |= traced & MAP_SHARED ? MAP_SHARED : MAP_PRIVATE;
	if (flags & MAP_FIXED_NOREPLACE)
		flags &= ~(unsigned int)MAP_FIXED;
	return flags | MAP_ANONYMOUS;
}

static void enter_mmap(struct importer *im, struct sim_op *op, const uint64_t *value)
{
	op->addr = value[0];
	op->len = value[1];
	op->prot = value[2] & (PROT_READ | PROT_WRITE | PROT_EXEC);
	op->flags = map_flags_of(value[3]);
	if (value[3] & MAP_ANONYMOUS || (int32_t)value[4] == -1)
		return;
	op->notes |= SIM_NOTE_FILE;
	im->report->file_mappings++;
}

static void enter_call(struct importer *im, struct sim_op *op, const uint64_t *value)
{
	op->addr = value[0];
	op->len = value[1];
	switch (op->kind) {
	case OP_MMAP:
		enter_mmap(im, op, value);
		break;
	case OP_MPROTECT:
		op->prot = value[2] & (PROT_READ | PROT_WRITE | PROT_EXEC);
		break;
	case OP_MADVISE:
		op->advice = (int32_t)value[2];
		break;
	case OP_MREMAP:
		op->new_len = value[2];
		op->flags = (unsigned int)value[3];
		op->new_addr = op->flags & MREMAP_FIXED ? value[4] : 0;
		break;
	case OP_MLOCK:
		op->flags = value[2] & 1;
		break;
	case OP_MLOCKALL:
		op->addr = 0;
		op->len = 0;
		op->flags = value[0] & (MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
		break;
	case OP_PROCESS_MADVISE:
		op->new_addr = value[2];
		op->new_len = value[3];
		op->advice = (int32_t)value[4];
		break;
	default:
		break;
	}
}

/* Whether an operation without its result says nothing, as only the kernel knew the address. */
static bool needs_result(const struct sim_op *op)
{
	if (op->kind == OP_MMAP)
		return !(op->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE));
	return op->kind == OP_BRK || op->kind == OP_MREMAP;
}

void importer_abandon(struct importer *im, struct import_thread *thread)
{
	struct traced_op *traced;

	if (thread->call == IMPORT_NO_CALL)
		return;
	traced = &im->ops[thread->call];
	traced->dropped |= needs_result(&traced->op);
	thread->call = IMPORT_NO_CALL;
	im->report->unpaired_enters++;
}

int importer_enter(struct importer *im, struct import_thread *thread, uint64_t time_ns,
		   enum op_kind kind, const uint64_t *value)
{
	struct traced_op *traced = importer_add(im, thread, time_ns, kind);

	if (!traced)
		return -ENOMEM;
	importer_abandon(im, thread);
	thread->call = im->nr_ops - 1;
	enter_call(im, &traced->op, value);
	return 0;
}

/*
 * An operation knows four kinds of mremap(); DONTUNMAP to a place of the kernel's choice is told
 * as one to the place that the kernel chose. Others are calls with flags that always fail.
 */
static void exit_mremap(struct importer *im, struct traced_op *traced)
{
	const unsigned int dontunmap = 4;
	struct sim_op *op = &traced->op;

	if (op->flags == (MREMAP_MAYMOVE | dontunmap)) {
		op->flags |= MREMAP_FIXED;
		op->new_addr = op->result > 0 ? (uint64_t)op->result : 0;
	}
	if (op->flags <= (MREMAP_MAYMOVE | MREMAP_FIXED | dontunmap) &&
	    (!op->flags || op->flags & MREMAP_MAYMOVE))
		return;
	traced->dropped = true;
	im->report->unsupported++;
}

static bool apart(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a + a_len <= b || b + b_len <= a;
}

/* Whether a kernel can have answered so; a damaged line says anything. */
static bool possible_result(const struct sim_op *op)
{
	uint64_t result = (uint64_t)op->result;

	if (op->result < 0)
		return op->result >= -MAX_ERRNO;
	if (op->kind == OP_BRK)
		return result >= MMAP_MIN_ADDR;
	if ((op->kind == OP_MMAP || op->kind == OP_MREMAP) && result % SIM_PAGE_SIZE)
		return false;
	if (op->kind == OP_MMAP)
		return needs_result(op) || result == op->addr;
	if (op->kind != OP_MREMAP)
		return true;
	if (op->addr % SIM_PAGE_SIZE)
		return false;
	if (op->flags & MREMAP_FIXED && result != op->new_addr)
		return false;
	return result == op->addr ||
	       (op->flags & MREMAP_MAYMOVE && apart(op->addr, op->len, result, op->new_len));
}

void importer_leave(struct importer *im, struct import_thread *thread, uint64_t time_ns,
		    enum op_kind kind, int64_t result)
{
	struct traced_op *traced;
	struct sim_op *op;

	if (thread->call == IMPORT_NO_CALL || im->ops[thread->call].op.kind != kind) {
		importer_abandon(im, thread);
		im->report->unpaired_exits++;
		return;
	}
	traced = &im->ops[thread->call];
	op = &traced->op;
	thread->call = IMPORT_NO_CALL;
	traced->end_ns = time_ns - im->start_ns;
	op->result = result;
	op->has_result = true;
	if (!possible_result(op)) {
		traced->dropped = true;
		im->report->unsupported++;
		return;
	}
	if (kind == OP_MMAP && op->result > 0 && needs_result(op))
		op->addr = (uint64_t)op->result;
	else if (kind == OP_MREMAP)
		exit_mremap(im, traced);
}

/* ---- tasks ---- */

int importer_start(struct importer *im, const struct import_thread *thread, uint64_t time_ns,
		   int child, bool is_thread)
{
	struct traced_op *traced =
		importer_add(im, thread, time_ns, is_thread ? OP_THREAD : OP_FORK);

	if (!traced)
		return -ENOMEM;
	traced->op.value = (uint64_t)child;
	traced->op.has_value = true;
	if (is_thread)
		im->report->threads++;
	else
		im->report->forks++;
	return 0;
}

int importer_exit(struct importer *im, struct import_thread *thread, uint64_t time_ns,
		  uint64_t group_dead)
{
	struct traced_op *traced = importer_add(im, thread, time_ns, OP_EXIT);

	if (!traced)
		return -ENOMEM;
	importer_abandon(im, thread);
	traced->op.value = group_dead == 1;
	traced->op.has_value = group_dead <= 1;
	return 0;
}

/* ---- the end ---- */

int importer_finish(struct importer *im, struct recording *out)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < im->nr_threads; i++) {
		struct import_thread *thread = &im->threads[i];

		importer_abandon(im, thread);
		ret = recording_add_task(out, thread->tid, thread->pid, thread->name);
	}
	return ret ? ret : assume_mappings(im->ops, im->nr_ops, out, im->report);
}

int importer_end(struct importer *im, int ret, const char *path, struct recording *out,
		 struct sim_error *err)
{
	if (ret) {
		sim_error_set(err, ret, path, 0, "%s", strerror(-ret));
		recording_free(out);
	}
	idmap_free(&im->by_tid);
	idmap_free(&im->alive);
	free(im->threads);
	free(im->ops);
	return ret;
}
