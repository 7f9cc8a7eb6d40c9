/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is machd's own, and not Mach's.
 *
 * The library connects by itself on first use: to the socket named by the environment variable
 * MACHD_SOCKET, else to $XDG_RUNTIME_DIR/machd.sock if that exists, else to /run/machd/machd.sock.
 * Any call returns MACHD_NO_DAEMON if that fails, and the next call tries again. If the connection
 * is lost later, the task and all its rights are gone: each thread is told so once, by
 * MACHD_NO_DAEMON, and the process is a new task from its next call on.
 *
 * A child made by fork() is a new task, too: it knows none of its parent's names, but inherits its
 * bootstrap port and the ports registered with it. A program started by exec() inherits nothing.
 * Calls may be made by many threads at once, but not by a signal handler that interrupted such a
 * call. They are no cancellation points, and leave errno as it was.
 */
#pragma once

#include <mach/error.h>
#include <mach/port.h>
#include <machd_cdefs.h>
#include <stdint.h>

/* machd cannot be reached, or the connection to it was lost. */
#define MACHD_NO_DAEMON (err_local | err_sub(1) | 1)

/* A signal handler called while its thread was inside a call. */
#define MACHD_BUSY (err_local | err_sub(1) | 2)

MACHD_BEGIN_DECLS

/*
 * Why the calling thread last got MACHD_NO_DAEMON: path and reason. "" if it never did. The text
 * stays until the thread's next failure.
 */
extern const char *machd_last_error(void);

/*
 * A file descriptor as a right: a send right that holds the file behind `fd`, which stays open. It
 * can be sent and copied like any other, and outlives its maker. KERN_INVALID_ARGUMENT: no open
 * descriptor, or a connection to machd. KERN_RESOURCE_SHORTAGE, KERN_NO_SPACE
 */
extern kern_return_t machd_fileport_make(int fd, mach_port_t *port);

/*
 * A new descriptor for the file behind such a right, closed on exec. KERN_INVALID_NAME,
 * KERN_INVALID_RIGHT: no send right. KERN_INVALID_CAPABILITY: a right of another kind.
 * KERN_RESOURCE_SHORTAGE: no room for a descriptor
 */
extern kern_return_t machd_fileport_fd(mach_port_t port, int *fd);

/*
 * What the message that the calling thread received last came with, as EVFILT_MACHPORT says it in
 * ext[2]: its priority in the form of pthread_priority_t, 0 if it had none, in the high half,
 * and in the low half its override, an MACH_MSG_QOS_. 0 before the first message.
 */
extern uint64_t machd_received_qos(void);

/*
 * An option of mach_port_construct: the port accepts no rights in the bodies of messages. Who sends
 * some gets MACH_SEND_NO_GRANT_DEST and has lost the rights of the header. What Mach keeps for its
 * own services; mps_flags shows it as MACH_PORT_STATUS_FLAG_NO_GRANT.
 */
#define MACHD_MPO_NO_GRANT 0x80000000u

/*
 * Guard exceptions: misuse of a name or a message, such as the deallocation of a name that is not
 * there. The call returns its code in any case; this is what else follows:
 *
 *   MACHD_GUARD_IGNORE   nothing, but for what task_set_exc_guard_behavior() asks for. The default.
 *   MACHD_GUARD_CALLBACK the handler is called
 *   MACHD_GUARD_ABORT    abort(), unless Mach never makes this reason fatal
 *
 * machd_guard_behavior() returns what was set before. What the environment variable MACHD_GUARD
 * says, "ignore" or "abort", holds until the first call. `handler` is called by the thread that
 * did it, after the call that did it and before that returns; it may make calls. NULL: none.
 */
#define MACHD_GUARD_IGNORE   0
#define MACHD_GUARD_CALLBACK 1
#define MACHD_GUARD_ABORT    2

struct machd_guard_exception {
	uint32_t reason;	/* kGUARD_EXC_ of <mach/port.h> */
	mach_port_name_t name;	/* what was misused */
	uint64_t code, subcode; /* as EXC_GUARD has them; the subcode is the port's guard */
};

typedef void (*machd_guard_handler_t)(const struct machd_guard_exception *exception);

extern int machd_guard_behavior(int behavior, machd_guard_handler_t handler);

MACHD_END_DECLS
