/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance [5.2]. What a donor sends to a port that accepts importance (MACH_PORT_IMPORTANCE_
 * RECEIVER, MACH_PORT_DENAP_RECEIVER) boosts the task that receives from it until it has replied;
 * what that task sends meanwhile does the same. A message received that carries a boost has
 * MACH_MSGH_BITS_RAISEIMP. All calls return 0 or an error of errno.h.
 */
#pragma once

#include <mach/message.h>
#include <machd_cdefs.h>
#include <stdint.h>

MACHD_BEGIN_DECLS

/*
 * Make the calling process a donor, until it ends or execs. EPERM: its user has as many donors as
 * it may (DonorsPerUser= of machd.conf). ENOTCONN: machd cannot be reached.
 */
extern int proc_donate_importance_boost(void);

/*
 * Stay important for a message received, also after the reply, until *assertion_token is completed.
 * To be called before the right to reply is used. EINVAL: no place for the token. EOVERFLOW: the
 * message carries no boost, or its right to reply is gone. `trailer` is not used.
 */
extern int proc_importance_assertion_begin_with_msg(mach_msg_header_t *msg,
						    mach_msg_trailer_t *trailer,
						    uint64_t *assertion_token);

/* It is done. EINVAL: no such token. EOVERFLOW: more were completed than begun. */
extern int proc_importance_assertion_complete(uint64_t assertion_handle);

/* The same two by their other names. */
extern int proc_denap_assertion_begin_with_msg(mach_msg_header_t *msg, uint64_t *assertion_token);
extern int proc_denap_assertion_complete(uint64_t assertion_handle);

MACHD_END_DECLS
