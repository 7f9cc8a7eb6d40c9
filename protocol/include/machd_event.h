/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mach ports in an event loop: descriptors for poll, epoll, libuv and the like. machd's own; what
 * kqueue's EVFILT_MACHPORT is on macOS [27].
 *
 * One descriptor serves any number of receive rights and port sets. It is readable (POLLIN) exactly
 * as long as a message waits on one of them, level-triggered: it becomes so before the call that
 * sends the message returns, and is quiet when the call that receives the last one returns,
 * whichever thread made it. Who polls for changes only (EPOLLET) is woken once more when a later
 * message's override makes the first one more urgent. A message that a thread waits for in
 * mach_msg() goes to that thread and is never seen here. Do not read from the descriptor; ask it
 * (machd_port_fd_next), or receive without waiting until MACH_RCV_TIMED_OUT:
 *
 *   machd_port_fd(set, &fd);
 *   while (poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1) == 1)
 *           mach_msg(buffer, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, size, set, 0, MACH_PORT_NULL);
 *
 * When a receive right is destroyed or moves to another task, or a set is destroyed, the descriptor
 * is readable until machd_port_fd_next() has told so, once, and what it was is on the descriptor no
 * more. When the connection to machd is lost, it has POLLHUP.
 *
 * A descriptor costs the daemon two of its own, whatever hangs on it: for many ports take one
 * descriptor, or a port set. It is closed with machd_port_fd_close(), and not with close(). A child
 * made by fork() does not have it.
 *
 * Codes of all calls besides those named: MACHD_NO_DAEMON, MACHD_BUSY. KERN_INVALID_ARGUMENT: `fd`
 * is none of these descriptors, or of a task that was lost.
 */
#pragma once

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <machd_cdefs.h>

/* What a descriptor has to tell. */
#define MACHD_EVENT_MESSAGE 0 /* a message waits on `member` */
#define MACHD_EVENT_GONE    1 /* what was `name` is not in this task any more */

typedef struct {
	mach_port_name_t name;	 /* of the receive right or set, as it was added */
	mach_port_name_t member; /* the right itself, or the member of the set that is next */
	uint32_t what;		 /* MACHD_EVENT_ */
} machd_event_t;

/* How machd_port_receive() went: what kevent returns in ext and data. */
typedef struct {
	mach_msg_size_t size;	  /* bytes of message and trailer; too large: of the message */
	mach_msg_size_t aux_size; /* of the auxiliary data behind them, 0: there are none */
	mach_port_name_t port;	  /* too large, with MACH_RCV_LARGE_IDENTITY: where it waits */
	uint32_t override;	  /* QoS that messages behind it are waiting with */
	uint32_t priority;	  /* of the message, in the form of pthread_priority_t */
} machd_received_t;

MACHD_BEGIN_DECLS

/* A descriptor with nothing on it. KERN_RESOURCE_SHORTAGE: no descriptor or memory for it. */
extern kern_return_t machd_port_fd_create(int *fd);

/*
 * Put a receive right or a set on a descriptor. KERN_INVALID_NAME: no such name.
 * KERN_INVALID_RIGHT: it is neither, or a special reply port. KERN_ALREADY_IN_SET: it is there.
 * KERN_RESOURCE_SHORTAGE: no memory.
 */
extern kern_return_t machd_port_fd_add(int fd, mach_port_name_t port_or_set);

/* Take it off. KERN_INVALID_NAME and _RIGHT as above; KERN_NOT_IN_SET: it is not there. */
extern kern_return_t machd_port_fd_remove(int fd, mach_port_name_t port_or_set);

/*
 * What there is to tell, each right and set once, and all in turn if there is more than fits.
 * *count: how many events have room; afterwards, how many there are. Without waiting.
 */
extern kern_return_t machd_port_fd_next(int fd, machd_event_t *events, uint32_t *count);

/* Close a descriptor; receive rights and sets stay. */
extern kern_return_t machd_port_fd_close(int fd);

/* A descriptor with this receive right or set on it. Codes of _create and _add. */
extern kern_return_t machd_port_fd(mach_port_name_t port_or_set, int *fd);

/*
 * Receive without waiting, as kevent does with MACH_RCV_MSG in fflags: the message, its trailer and
 * its auxiliary data go to `buffer`, one behind the other. (XNU's kernel has an option of its own
 * for that, MACH64_RCV_LINEAR_VECTOR, and MACH64_RCV_STACK for buffers that grow down; programs
 * cannot give either, there or here.)
 *
 * options  of MACH_RCV_LARGE, _LARGE_IDENTITY, _VOUCHER, MACH_MSG_STRICT_REPLY and a trailer; the
 *          others do not count
 * size     bytes of the buffer
 * result   may be NULL
 *
 * MACH_RCV_TIMED_OUT: nothing waits. MACH_RCV_TOO_LARGE: for the buffer, trailer and auxiliary data
 * included; with MACH_RCV_LARGE the message stays, and nothing is written to the buffer. Others as
 * with mach_msg().
 */
extern mach_msg_return_t machd_port_receive(mach_port_name_t port_or_set, mach_msg_option_t options,
					    void *buffer, mach_msg_size_t size,
					    machd_received_t *result);

MACHD_END_DECLS
