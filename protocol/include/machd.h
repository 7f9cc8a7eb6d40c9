/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is machd's own, and not Mach's.
 *
 * The library connects by itself on first use: to the socket named by the environment variable
 * MACHD_SOCKET, else to $XDG_RUNTIME_DIR/machd.sock if that exists, else to /run/machd/machd.sock.
 * Any call returns MACHD_NO_DAEMON if that fails, and the next call tries again. If the connection
 * is lost later, the task and all its rights are gone: each thread gets MACHD_NO_DAEMON once, and
 * from its next call on the process is a new task.
 *
 * A child made by fork() is a new task, too: it has none of its parent's names, but inherits its
 * bootstrap port and its registered ports. A program started by exec() inherits nothing. Calls may
 * be made by many threads at once, but not by a signal handler that interrupted such a call. They
 * are not cancellation points, and do not change errno.
 */
#pragma once

#include <mach/error.h>
#include <mach/port.h>
#include <machd_cdefs.h>
#include <stdint.h>

/* machd cannot be reached, or the connection to it was lost. */
#define MACHD_NO_DAEMON (err_local | err_sub(1) | 1)

/* The caller is a signal handler that interrupted a call of its thread. */
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
 * The QoS of the message that the calling thread received last, as EVFILT_MACHPORT gives it in
 * ext[2]: in the high half its priority, a pthread_priority_t or 0 for none, and in the low half
 * its override, a MACH_MSG_QOS_. 0 before the first message.
 */
extern uint64_t machd_received_qos(void);

/*
 * An option of mach_port_construct: the port accepts no rights in the bodies of messages. A sender
 * of such a message gets MACH_SEND_NO_GRANT_DEST and loses the rights of the header. Mach reserves
 * this for its own services; mps_flags shows it as MACH_PORT_STATUS_FLAG_NO_GRANT.
 */
#define MACHD_MPO_NO_GRANT 0x80000000u

/*
 * Guard exceptions: misuse of a name or a message, such as deallocating a name that does not exist.
 * The call returns its code in any case; in addition:
 *
 *   MACHD_GUARD_IGNORE   only what task_set_exc_guard_behavior() asks for. The default.
 *   MACHD_GUARD_CALLBACK the handler is called
 *   MACHD_GUARD_ABORT    abort(), unless Mach never makes this reason fatal
 *
 * machd_guard_behavior() returns the previous behavior; before the first call that is what the
 * environment variable MACHD_GUARD says, "ignore" or "abort". `handler` is called in the thread
 * that made the call, just before that returns, and may make calls itself. NULL: none.
 */
#define MACHD_GUARD_IGNORE   0
#define MACHD_GUARD_CALLBACK 1
#define MACHD_GUARD_ABORT    2

struct machd_guard_exception {
	uint32_t reason;	/* kGUARD_EXC_ of <mach/port.h> */
	mach_port_name_t name;	/* the name that was misused */
	uint64_t code, subcode; /* as EXC_GUARD has them; the subcode is the port's guard */
};

typedef void (*machd_guard_handler_t)(const struct machd_guard_exception *exception);

extern int machd_guard_behavior(int behavior, machd_guard_handler_t handler);

MACHD_END_DECLS
