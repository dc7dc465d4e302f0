/* SPDX-License-Identifier: MIT */
/* The rwsem by itself, for tests of one's own protocol. Lock class "user". */
#ifndef MMSIM_LOCK_H
#define MMSIM_LOCK_H

#include <mmsim/task.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mmsim_rwsem;

/** mmsim_rwsem_create - with the instance's policy for class "user"; NULL: none to be had */
MMSIM_API struct mmsim_rwsem *mmsim_rwsem_create(struct mmsim *sim);
MMSIM_API void mmsim_rwsem_destroy(struct mmsim *sim, struct mmsim_rwsem *rwsem);

/* Sleep until granted; called by a task that does not hold it. */
MMSIM_API void mmsim_down_read(struct mmsim_rwsem *rwsem);
MMSIM_API void mmsim_down_write(struct mmsim_rwsem *rwsem);
/* 0, or -EINTR after a kill. */
MMSIM_API int mmsim_down_read_killable(struct mmsim_rwsem *rwsem);
MMSIM_API int mmsim_down_write_killable(struct mmsim_rwsem *rwsem);
/* 1 or 0; never sleep. */
MMSIM_API int mmsim_down_read_trylock(struct mmsim_rwsem *rwsem);
MMSIM_API int mmsim_down_write_trylock(struct mmsim_rwsem *rwsem);
MMSIM_API void mmsim_up_read(struct mmsim_rwsem *rwsem);
MMSIM_API void mmsim_up_write(struct mmsim_rwsem *rwsem);
MMSIM_API void mmsim_downgrade_write(struct mmsim_rwsem *rwsem);
/** mmsim_rwsem_is_contended - somebody is queued */
MMSIM_API int mmsim_rwsem_is_contended(struct mmsim_rwsem *rwsem);

#ifdef __cplusplus
}
#endif

#endif
