/* SPDX-License-Identifier: MIT */
/* All of mmsim's public API. */
#ifndef MMSIM_MMSIM_H
#define MMSIM_MMSIM_H

#include <mmsim/explore.h>
#include <mmsim/instance.h>
#include <mmsim/lock.h>
#include <mmsim/mm.h>
#include <mmsim/stats.h>
#include <mmsim/task.h>

#endif
