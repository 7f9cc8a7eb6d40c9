/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on a thread. */
#pragma once

#include <mach/mach_types.h>
#include <mach/mach_voucher_types.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/*
 * The voucher that a thread works under: a send right, MACH_VOUCHER_NULL if there is none. `which`
 * does not matter. MACH_SEND_INVALID_DEST: not a thread.
 */
extern kern_return_t thread_get_mach_voucher(thread_act_t thr_act, mach_voucher_selector_t which,
					     ipc_voucher_t *voucher);

/*
 * Let the calling thread, mach_thread_self(), work under a voucher; MACH_VOUCHER_NULL and what is
 * no voucher: under none. The caller keeps its own reference. The voucher counts for replies that
 * must be sent under one (MACH_MSG_STRICT_REPLY); no message carries it by itself.
 * KERN_INVALID_ARGUMENT: another thread. KERN_INVALID_NAME, KERN_INVALID_RIGHT: no send right.
 * MACH_SEND_INVALID_DEST: not a thread.
 */
extern kern_return_t thread_set_mach_voucher(thread_act_t thr_act, ipc_voucher_t voucher);

MACHD_END_DECLS
