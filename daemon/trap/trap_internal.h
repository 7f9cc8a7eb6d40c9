/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of daemon/trap share: the handlers behind trap_input(), and the routines of
 * protocol/ops.def.
 */
#pragma once

#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_types.h"
#include "daemon/trap/trap.h"
#include "protocol/frame.h"
#include "protocol/ops.h"

/* A packet after its header was checked. */
struct trap_packet {
	struct machd_frame tp_frame;
	const uint8_t *tp_bytes; /* behind the frame header */
	size_t tp_size;
	const struct trap_fd *tp_fds;
	unsigned tp_fd_count;
};

/* Frame handlers: NULL, or why the peer must go. */
const char *trap_hello(struct ipc_host *host, struct ipc_thread *thread,
		       const struct trap_packet *packet);
const char *trap_message(struct ipc_host *host, struct ipc_thread *thread,
			 const struct trap_packet *packet);
const char *trap_call(struct ipc_host *host, struct ipc_thread *thread,
		      const struct trap_packet *packet);
const char *trap_watch(struct ipc_host *host, struct ipc_thread *thread,
		       const struct trap_packet *packet);

/* A routine being called. */
struct trap_call {
	struct ipc_host *c_host;
	struct ipc_thread *c_thread; /* which calls */
	struct ipc_task *c_caller;   /* its task */
	struct ipc_port *c_port;     /* the target */
	struct ipc_task *c_task;     /* whose task port that is; NULL for other objects */
	struct ipc_space *c_space;   /* of c_task */
	const void *c_in;
	void *c_out;
	uint32_t c_in_words;  /* in the argument's array */
	uint32_t c_out_words; /* in the result's array; the handler sets it */
	uint32_t c_out_room;  /* words that array may have */
};

/* The handler of each routine: the Mach code that the caller gets. */
#define MACHD_ROUTINE(number, name, object, in, out)                                    \
	kern_return_t trap_##name(struct trap_call *call, const struct name##_in *args, \
				  struct name##_out *result);
#include "protocol/ops.def"
#undef MACHD_ROUTINE

/* The bits that mach_port_names shows beside the right: which notification is asked for. */
uint32_t trap_request_bits(const struct ipc_entry *entry);

/*
 * The right that a routine's argument names, taken from the caller as the body of a message to the
 * daemon would take it. KERN_INVALID_NAME: no such name, or NULL or DEAD. KERN_INVALID_RIGHT: it
 * cannot be given that way. KERN_INVALID_CAPABILITY: its port is dead.
 */
kern_return_t trap_copyin(struct trap_call *call, mach_port_name_t name, uint32_t disposition,
			  struct ipc_port **port);
