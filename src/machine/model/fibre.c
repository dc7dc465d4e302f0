/* SPDX-License-Identifier: MIT */
/* Fibres on boost.context's fcontext, which has no C header: two prototypes. */
#include "machine/model/fibre.h"

#include <sys/mman.h>

typedef struct {
	void *context;
	void *data;
} transfer_t;

void *make_fcontext(void *stack_top, size_t size, void (*fn)(transfer_t));
transfer_t jump_fcontext(void *to, void *data);

#ifdef MMSIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define FIBRE_STACK_SIZE (256ul << 10)
#else
#define FIBRE_STACK_SIZE (64ul << 10)
#endif
#ifdef MMSIM_TSAN
#include <sanitizer/tsan_interface.h>
#endif
/* A few instructions that do nothing outside of valgrind, which else takes a switch for a jump. */
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) ((void)(start), (void)(end), 0u)
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#define STACK_COLOURS 61
#define STACK_COLOUR 192 /* bytes: 61 times that is three pages */

struct fibre_switching {
	struct fibre *from, *to;
};

/* First thing on the new stack: who came from is saved, the sanitizer told. */
static void fibre_arrived(transfer_t t)
{
	struct fibre_switching *s = t.data;
	struct fibre *from = s->from;

	from->context = t.context;
#ifdef MMSIM_ASAN
	__sanitizer_finish_switch_fiber(s->to->asan_fake_stack, &from->asan_bottom,
					&from->asan_size);
#endif
}

static void fibre_main(transfer_t t)
{
	struct fibre *self = ((struct fibre_switching *)t.data)->to;

	fibre_arrived(t);
	self->entry(self->arg);
	__builtin_trap(); /* entry never returns: there is nowhere to return to */
}

static void *stack_alloc(struct mmsim_search *search)
{
	/* A byte less than any other memory is asked for by: a kept stack has its guard page. */
	void *stack = search ? search_spare_take(search, FIBRE_STACK_SIZE - 1) : NULL;

	if (stack)
		return stack;
	stack = mmap(NULL, FIBRE_STACK_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED)
		return NULL;
	/* An overflow hits the guard page, not the neighbour. */
	mprotect(stack, 4096, PROT_NONE);
	return stack;
}

int fibre_create(struct fibre *fibre, void (*entry)(void *arg), void *arg, int number,
		 struct mmsim_search *search)
{
	/* All at one place of a page, the tops of many stacks would push each other out. */
	size_t left_out = (size_t)number % STACK_COLOURS * STACK_COLOUR;

	*fibre = (struct fibre){.entry = entry, .arg = arg, .stack_size = FIBRE_STACK_SIZE};
	fibre->stack = stack_alloc(search);
	if (!fibre->stack)
		return -ENOMEM;
	fibre->context = make_fcontext((char *)fibre->stack + FIBRE_STACK_SIZE - left_out,
				       FIBRE_STACK_SIZE - 4096 - left_out, fibre_main);
	fibre->valgrind_id = VALGRIND_STACK_REGISTER(
		fibre->stack, (char *)fibre->stack + FIBRE_STACK_SIZE - 1);
	fibre->asan_bottom = fibre->stack;
	fibre->asan_size = FIBRE_STACK_SIZE;
#ifdef MMSIM_TSAN
	fibre->tsan_fiber = __tsan_create_fiber(0);
#endif
	return 0;
}

void fibre_adopt_thread(struct fibre *fibre)
{
	*fibre = (struct fibre){0};
#ifdef MMSIM_TSAN
	fibre->tsan_fiber = __tsan_get_current_fiber();
#endif
}

void fibre_destroy(struct fibre *fibre, struct mmsim_search *search)
{
	if (!fibre->stack)
		return;
	VALGRIND_STACK_DEREGISTER(fibre->valgrind_id);
#ifdef MMSIM_TSAN
	__tsan_destroy_fiber(fibre->tsan_fiber);
#endif
#ifdef MMSIM_ASAN
	/* Frames that were never left: the addresses may be mapped again. */
	ASAN_UNPOISON_MEMORY_REGION(fibre->stack, fibre->stack_size);
#endif
	if (!search || !search_spare_keep(search, fibre->stack, FIBRE_STACK_SIZE - 1, 0))
		munmap(fibre->stack, fibre->stack_size);
	fibre->stack = NULL;
}

void fibre_switch(struct fibre *from, struct fibre *to, bool last)
{
	struct fibre_switching s = {from, to};

	(void)last;
#ifdef MMSIM_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->asan_fake_stack, to->asan_bottom,
				       to->asan_size);
#endif
#ifdef MMSIM_TSAN
	__tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
	fibre_arrived(jump_fcontext(to->context, &s));
}
