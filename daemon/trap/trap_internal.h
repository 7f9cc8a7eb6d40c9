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

/* Frame handlers: return NULL, or why the peer must be dropped. */
const char *trap_hello(struct ipc_host *host, struct ipc_thread *thread,
		       const struct trap_packet *packet);
const char *trap_message(struct ipc_host *host, struct ipc_thread *thread,
			 const struct trap_packet *packet);
const char *trap_call(struct ipc_host *host, struct ipc_thread *thread,
		      const struct trap_packet *packet);
const char *trap_bell(struct ipc_host *host, struct ipc_thread *thread,
		      const struct trap_packet *packet);
const char *trap_fileport(struct ipc_host *host, struct ipc_thread *thread,
			  const struct trap_packet *packet);
const char *trap_board(struct ipc_host *host, struct ipc_thread *thread,
		       const struct trap_packet *packet);
const char *trap_ring(struct ipc_host *host, struct ipc_thread *thread,
		      const struct trap_packet *packet);
const char *trap_watch(struct ipc_host *host, struct ipc_thread *thread,
		       const struct trap_packet *packet);

/* Go on with the pages that watchers wait for, if any do. */
void trap_watch_on(struct ipc_host *host);

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
	uint32_t c_in_words;	      /* in the argument's array */
	uint32_t c_out_words;	      /* in the result's array; the handler sets it */
	uint32_t c_out_room;	      /* words that array may have */
	struct trap_rights *c_rights; /* of a call that came as a message, else NULL */
};

/* A naked right with its type. */
struct trap_right {
	struct ipc_port *r_port;
	uint8_t r_type; /* MACH_MSG_TYPE_PORT_ */
};

/*
 * The rights of a call that came as a message: those in its body, and those for the reply. Where a
 * frame has names, arguments and results of such a call have handles of these, which are names in
 * no space.
 */
struct trap_rights {
	struct ipc_kmsg *tr_request;
	struct trap_right *tr_given;
	uint32_t tr_count, tr_room; /* of tr_given */
};

/* Run the routine's handler on a call whose target was found. */
kern_return_t trap_run(struct trap_call *call, const struct machd_routine_row *row);

/* Set the call's target; false if the port is not an object of that kind. */
bool trap_set_target(struct trap_call *call, struct ipc_port *port, uint32_t object);

/* The handler of each routine: the Mach code that the caller gets. */
#define MACHD_ROUTINE(number, name, object, in, out)                                    \
	kern_return_t trap_##name(struct trap_call *call, const struct name##_in *args, \
				  struct name##_out *result);
#include "protocol/ops.def"

/* The thread that an argument names by its port; NULL if that is none. */
struct ipc_thread *trap_thread(struct trap_call *call, mach_port_name_t name);

/* The bits that mach_port_names shows beside the right: which notification is asked for. */
uint32_t trap_request_bits(const struct ipc_entry *entry);

/* A name of the caller's own task is misused [16.2]; those of others are no matter of its own. */
void trap_guard(struct trap_call *call, uint32_t reason, mach_port_name_t name, uint64_t subcode);

/*
 * The right that a routine's argument stands for, taken from the caller or from its message. Of a
 * message the disposition is what it came with, whatever is asked for here. KERN_INVALID_NAME: no
 * such name, or NULL or DEAD. KERN_INVALID_RIGHT: it cannot be given that way.
 * KERN_INVALID_CAPABILITY: its port is dead, or a message has none there; *port says which.
 */
kern_return_t trap_copyin(struct trap_call *call, mach_port_name_t name, uint32_t disposition,
			  struct ipc_port **port);

/*
 * The same as the body of a message would be taken: NULL and DEAD pass, and so do dead names.
 * MACH_SEND_INVALID_RIGHT: it cannot be given that way.
 */
kern_return_t trap_copyin_body(struct trap_call *call, mach_port_name_t name, uint32_t disposition,
			       struct ipc_port **port);

/* A right that its holder has to keep cannot be left with a task or the host either [16.3]. */
bool trap_keepable(const struct trap_call *call, const struct ipc_port *port);

/*
 * The port of the send right that an argument stands for; the right stays where it is.
 * KERN_INVALID_NAME: no such name, or a dead one. KERN_INVALID_RIGHT: no send right.
 */
kern_return_t trap_port(struct trap_call *call, mach_port_name_t name, struct ipc_port **port);

/*
 * Give a naked right to the caller: *name is what the routine's result says. Takes the right, also
 * when it fails: then the caller has no room for it, and *name is NULL. By that time the routine
 * has been carried out, so this is what it is to who receives such a reply: MACH_RCV_BODY_ERROR
 * with MACH_MSG_IPC_SPACE or MACH_MSG_IPC_KERNEL. After a successful trap_reserve() it cannot fail.
 */
kern_return_t trap_copyout(struct trap_call *call, struct ipc_port *port, uint8_t type,
			   mach_port_name_t *name);
kern_return_t trap_reserve(struct trap_call *call);

/* Of a call by message: the handle of right number `index` of its body. */
mach_port_name_t trap_right_handle(const struct trap_rights *rights, uint32_t index);

/* The given right behind a handle, for the reply; its type is 0 if the result has none there. */
struct trap_right trap_right_take(struct trap_rights *rights, mach_port_name_t handle);

/*
 * Handle a message to one of the daemon's own ports and make the reply, but for its destination;
 * ipc_host_ops: o_kobject_server. NULL: nothing was done, there is no memory or `payer` is at a
 * limit. The message's rights that are still in it afterwards were not taken.
 */
struct ipc_kmsg *trap_mig(struct ipc_host *host, struct ipc_thread *thread,
			  struct ipc_kmsg *request, struct ipc_account *payer);
