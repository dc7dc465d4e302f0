/* SPDX-License-Identifier: MIT */
/* References to an mm_struct, not to the address space. */
#ifndef MMSIM_MEM_MM_REF_H
#define MMSIM_MEM_MM_REF_H

#include "mem/mm_types.h"

void mmgrab(struct mm_struct *mm);
/* The last one frees it; the address space has gone before. */
void mmdrop(struct mm_struct *mm);

#endif
