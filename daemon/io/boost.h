/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies importance to processes: while a process is important, ImportanceNice= is added to the
 * nice values of its threads.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/list.h"

struct boosts {
	int nice; /* what a boost adds; 0: nothing. Read only, see boosts_set_nice() */
	struct list boosted;
};

void boosts_init(struct boosts *boosts);

/*
 * What a boost adds, from now on, also to processes that are boosted already. One that became
 * important while it was 0 gets its share with the next boost.
 */
void boosts_set_nice(struct boosts *boosts, int nice);

/*
 * A process that belongs to `uid` is important from now on, or is not any more. The kernel keeps
 * nice values in their range, and what it has kept back is not taken back later. A thread that was
 * made meanwhile gets the value that its maker had before; if that is one of several which were all
 * brought to the end of the range, the greatest. 0, or an errno with nothing changed: EACCES if the
 * daemon may not do that, ESRCH if the process is gone or has become another user's, ENOMEM.
 */
int boosts_set(struct boosts *boosts, int32_t pid, uint32_t uid, bool on);
