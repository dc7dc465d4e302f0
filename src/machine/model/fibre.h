/* SPDX-License-Identifier: MIT */
/* Fibres: a stack and a way to switch to it, known to the sanitizers. */
#ifndef MMSIM_MACHINE_MODEL_FIBRE_H
#define MMSIM_MACHINE_MODEL_FIBRE_H

#include "machine/machine_internal.h"

struct fibre {
	void *context; /* boost fcontext: the saved stack pointer */
	void *stack; /* NULL: the OS thread's own stack */
	size_t stack_size;
	void (*entry)(void *arg);
	void *arg;
	void *asan_fake_stack;
	const void *asan_bottom;
	size_t asan_size;
	void *tsan_fiber;
	unsigned int valgrind_id;
};

/*
 * Give @fibre a stack on which the first switch to it runs @entry(@arg). @number:
 * stacks of different ones begin in different sets of the caches. @search: keeps
 * stacks for the next run, may be NULL.
 */
int fibre_create(struct fibre *fibre, void (*entry)(void *arg), void *arg, int number,
		 struct mmsim_search *search);
/* The calling OS thread's own stack. */
void fibre_adopt_thread(struct fibre *fibre);
void fibre_destroy(struct fibre *fibre, struct mmsim_search *search);
/* Leave @from, go on in @to. @last: nobody will come back to @from. */
void fibre_switch(struct fibre *from, struct fibre *to, bool last);

#endif
