/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which a semaphore serves those who wait for it. */
#pragma once

typedef int sync_policy_t;

#define SYNC_POLICY_FIFO	   0x0
#define SYNC_POLICY_FIXED_PRIORITY 0x1 /* refused */
#define SYNC_POLICY_REVERSED	   0x2
#define SYNC_POLICY_LIFO	   SYNC_POLICY_REVERSED
#define SYNC_POLICY_ORDER_MASK	   0x3
#define SYNC_POLICY_PREPOST	   0x4 /* no effect */
