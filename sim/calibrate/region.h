/* SPDX-License-Identifier: MIT */
/* Anonymous memory in small pages, for measurements to touch. */
#ifndef MMSIM_SIM_CALIBRATE_REGION_H
#define MMSIM_SIM_CALIBRATE_REGION_H

#include <stddef.h>

#define REGION_PAGE 4096ul

/* NULL: there is no memory. Nothing is touched yet. */
char *region_map(size_t size);
/* Pages are as large as the kernel likes, and all are there. */
char *region_map_huge(size_t size);
void region_unmap(char *region, size_t size);
/* Write to each page. */
void region_touch(char *region, size_t size);

#endif
