/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a program needs to use ports and messages. */
#pragma once

#include <mach/mach_error.h>
#include <mach/mach_host.h>
#include <mach/mach_init.h>
#include <mach/mach_interface.h>
#include <mach/mach_port.h>
#include <mach/mach_traps.h>
#include <mach/mach_types.h>
#include <mach/mach_voucher.h>
#include <mach/mig.h>
#include <mach/mig_errors.h>
#include <mach/rpc.h>
#include <mach/std_types.h>
#include <mach/thread_switch.h>
#include <machd_cdefs.h>

/* Messages say themselves what is in them. */
#ifndef MACH_IPC_FLAVOR
#define MACH_IPC_FLAVOR UNTYPED
#endif

MACHD_BEGIN_DECLS

/* Send a message; its length is msg->msgh_size. */
extern mach_msg_return_t mach_msg_send(mach_msg_header_t *msg);

/* Receive a message from msg->msgh_local_port into a buffer of msg->msgh_size bytes. */
extern mach_msg_return_t mach_msg_receive(mach_msg_header_t *msg);

/*
 * Give up the rights and memory that a message names: one received that nobody wants, or one that
 * was not sent. The local port is left alone. The buffer stays the caller's.
 */
extern void mach_msg_destroy(mach_msg_header_t *msg);

/*
 * Receive requests from a port or port set, have `demux` make the reply to each, and send it; for
 * ever, or until something fails.
 *
 * demux     gets the request and a buffer for the reply; both are the server's. It sets the reply's
 *           header and, in a reply without descriptors, the code of mig_reply_error_t. What it
 *           returns does not matter.
 * max_size  bytes of the longest request (trailer not counted) and the longest reply
 * options   of mach_msg. With MACH_RCV_LARGE longer requests are received as well; with
 *           MACH_RCV_TIMEOUT the server ends when no request is waiting.
 *
 * A reply is sent if its remote port is not MACH_PORT_NULL and its code not MIG_NO_REPLY. On any
 * other code but KERN_SUCCESS the rights and memory in the request are given up. A reply never
 * waits for room in the client's queue; one that cannot be sent is destroyed. Returns the code that
 * ended the server: MACH_RCV_PORT_CHANGED or MACH_RCV_INVALID_NAME when the port is gone, another
 * code of mach_msg, KERN_NO_SPACE without memory for the buffers.
 */
extern mach_msg_return_t mach_msg_server(boolean_t (*demux)(mach_msg_header_t *,
							    mach_msg_header_t *),
					 mach_msg_size_t max_size, mach_port_t rcv_name,
					 mach_msg_options_t options);

/* The same for one request. A reply that could not be sent is no error. */
extern mach_msg_return_t mach_msg_server_once(boolean_t (*demux)(mach_msg_header_t *,
								 mach_msg_header_t *),
					      mach_msg_size_t max_size, mach_port_t rcv_name,
					      mach_msg_options_t options);

/*
 * mach_msg_server, and a boost that comes with a request lasts until the function returns, also if
 * that uses up the right to reply (libproc_internal.h). Without it a boost ends with the reply.
 */
extern mach_msg_return_t mach_msg_server_importance(boolean_t (*demux)(mach_msg_header_t *,
								       mach_msg_header_t *),
						    mach_msg_size_t max_size, mach_port_t rcv_name,
						    mach_msg_options_t options);

/*
 * Hooks for a program that keeps a current voucher for each thread: it defines them itself; the
 * library's own do nothing. _set puts the voucher into a message about to be sent and tells whether
 * it did; _clear takes it out of one that was not sent; _adopt takes over the voucher of a message
 * received, and _revert gives back the one before it.
 */
typedef struct voucher_mach_msg_state_s *voucher_mach_msg_state_t;

#define VOUCHER_MACH_MSG_API_VERSION	 20140205
#define VOUCHER_MACH_MSG_STATE_UNCHANGED ((voucher_mach_msg_state_t)~0ul)

extern boolean_t voucher_mach_msg_set(mach_msg_header_t *msg);
extern void voucher_mach_msg_clear(mach_msg_header_t *msg);
extern voucher_mach_msg_state_t voucher_mach_msg_adopt(mach_msg_header_t *msg);
extern void voucher_mach_msg_revert(voucher_mach_msg_state_t state);

MACHD_END_DECLS
