/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors for event loops. The program's is one end of a socket pair; the daemon has the other
 * end and a copy of the program's, and makes it readable and quiet (daemon/io/bell.c). What is kept
 * here is which descriptor stands for which of the daemon's bells.
 */
#include <errno.h>
#include <mach/mach_init.h>
#include <machd_event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/exchange.h"

#define EVENTS_AT_ONCE 256

_Static_assert(sizeof(machd_event_t) == 3 * sizeof(uint32_t), "as the daemon sends them");

/* A descriptor that was given out. A program may have closed it by itself, and got it for another
 * file: the inode tells. */
struct listener {
	int fd;
	ino_t inode;
	uint64_t bell;
	uint64_t generation; /* of the task */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct listener *listeners;
static size_t count, room;

static bool is_open(const struct listener *listener)
{
	struct stat status;

	if (fstat(listener->fd, &status))
		return errno != EBADF;
	return S_ISSOCK(status.st_mode) && status.st_ino == listener->inode;
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
	for (size_t i = 0; i < count; i++)
		if (is_open(&listeners[i]))
			close(listeners[i].fd);
	count = 0;
	pthread_mutex_unlock(&lock);
}

static void set_up(void)
{
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/* With the lock held: its place, or `count`. */
static size_t place_of(int fd)
{
	size_t i = 0;

	while (i < count && listeners[i].fd != fd)
		i++;
	return i;
}

/* Keep one. *old is what had that descriptor before it, with a bell of 0 if nothing had. */
static bool keep(const struct listener *listener, struct listener *old)
{
	struct listener *more;
	bool kept = true;
	size_t place;

	*old = (struct listener){0};
	pthread_mutex_lock(&lock);
	place = place_of(listener->fd);
	if (place < count) {
		*old = listeners[place];
	} else if (count == room) {
		more = realloc(listeners, (room + 16) * sizeof *more);
		kept = more != NULL;
		if (kept) {
			listeners = more;
			room += 16;
		}
	}
	if (kept) {
		listeners[place] = *listener;
		count += place == count;
	}
	pthread_mutex_unlock(&lock);
	return kept;
}

/* The one with that descriptor; false if there is none. It is forgotten if `forget`. */
static bool find(int fd, bool forget, struct listener *listener)
{
	size_t place;
	bool found;

	pthread_mutex_lock(&lock);
	place = place_of(fd);
	found = place < count;
	if (found)
		*listener = listeners[place];
	if (found && forget)
		listeners[place] = listeners[--count];
	pthread_mutex_unlock(&lock);
	return found;
}

static bool find_live(int fd, struct listener *listener)
{
	return find(fd, false, listener) && listener->generation == mi_generation();
}

static kern_return_t close_bell(uint64_t bell)
{
	struct machd_bell_close_in in = {.bell = bell};
	struct machd_bell_close_out out;

	return MI_CALL(machd_bell_close, mach_task_self(), &in, &out);
}

/* Have the daemon make a bell of a pair. */
static kern_return_t ask(struct mi_channel *channel, const int pair[2], uint64_t *bell)
{
	struct {
		struct machd_frame frame;
		struct machd_bell_answer answer;
	} reply = {0};
	struct machd_frame frame;
	struct iovec part = {&frame, sizeof frame}, into = {&reply, sizeof reply};
	struct mi_answer came = {.parts = &into, .count = 1};
	struct mi_fds fds = {.count = 2, .fd = {pair[1], pair[0]}};
	int error = mi_request(channel, MACHD_OP_BELL, &part, 1, &fds);
	const char *wrong;

	if (error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS)
		return KERN_RESOURCE_SHORTAGE;
	if (error == 0)
		error = mi_answer(channel, &came);
	if (error)
		return mi_lost(channel, strerrordesc_np(error));
	wrong = mi_check_answer(channel, &reply.frame, MACHD_OP_BELL, &came);
	if (!wrong && (came.size != sizeof reply || came.fds.count))
		wrong = "machd sent an answer that makes no sense";
	mi_fds_close(&came.fds);
	if (wrong)
		return mi_lost(channel, wrong);
	*bell = reply.answer.bell;
	return (kern_return_t)reply.answer.code;
}

/* A pair, and a bell of it. */
static kern_return_t make(struct listener *listener)
{
	struct mi_entry entry;
	struct stat status;
	kern_return_t code = mi_enter(&entry);
	uint64_t bell = 0;
	int pair[2];

	if (code != KERN_SUCCESS)
		return code;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair)) {
		mi_leave(&entry);
		return KERN_RESOURCE_SHORTAGE;
	}
	code = fstat(pair[0], &status) ? KERN_RESOURCE_SHORTAGE : ask(entry.channel, pair, &bell);
	close(pair[1]);
	if (code == KERN_SUCCESS)
		*listener = (struct listener){
			.fd = pair[0],
			.inode = status.st_ino,
			.bell = bell,
			.generation = entry.channel->generation,
		};
	else
		close(pair[0]);
	mi_leave(&entry);
	return code;
}

kern_return_t machd_port_fd_create(int *fd)
{
	struct listener listener, old;
	kern_return_t code;

	pthread_once(&once, set_up);
	code = make(&listener);
	if (code != KERN_SUCCESS)
		return code;
	if (!keep(&listener, &old)) {
		close_bell(listener.bell);
		close(listener.fd);
		return KERN_RESOURCE_SHORTAGE;
	}
	if (old.bell && old.generation == listener.generation)
		close_bell(old.bell);
	*fd = listener.fd;
	return KERN_SUCCESS;
}

kern_return_t machd_port_fd_close(int fd)
{
	struct listener listener;
	kern_return_t code = KERN_SUCCESS;

	if (!find(fd, false, &listener))
		return KERN_INVALID_ARGUMENT;
	if (listener.generation == mi_generation())
		code = close_bell(listener.bell);
	if (code == KERN_RESOURCE_SHORTAGE || !find(fd, true, &listener))
		return code;
	if (is_open(&listener))
		close(fd);
	return code;
}

kern_return_t machd_port_fd_add(int fd, mach_port_name_t port_or_set)
{
	struct machd_bell_add_in in = {.name = port_or_set};
	struct machd_bell_add_out out;
	struct listener listener;

	if (!find_live(fd, &listener))
		return KERN_INVALID_ARGUMENT;
	in.bell = listener.bell;
	return MI_CALL(machd_bell_add, mach_task_self(), &in, &out);
}

kern_return_t machd_port_fd_remove(int fd, mach_port_name_t port_or_set)
{
	struct machd_bell_remove_in in = {.name = port_or_set};
	struct machd_bell_remove_out out;
	struct listener listener;

	if (!find_live(fd, &listener))
		return KERN_INVALID_ARGUMENT;
	in.bell = listener.bell;
	return MI_CALL(machd_bell_remove, mach_task_self(), &in, &out);
}

kern_return_t machd_port_fd_next(int fd, machd_event_t *events, uint32_t *number)
{
	machd_event_t got[EVENTS_AT_ONCE];
	struct machd_bell_next_in in = {.max = *number};
	struct listener listener;
	struct mi_call call = {
		.routine = MACHD_ROUTINE_machd_bell_next,
		.target = mach_task_self(),
		.in = &in,
		.in_size = sizeof in,
		.out_array = got,
		.out_array_size = sizeof got,
	};
	kern_return_t code;

	if (!find_live(fd, &listener))
		return KERN_INVALID_ARGUMENT;
	in.bell = listener.bell;
	if (in.max > EVENTS_AT_ONCE)
		in.max = EVENTS_AT_ONCE;
	code = mi_call(&call);
	if (code != KERN_SUCCESS)
		return code;
	*number = (uint32_t)(call.out_array_size / sizeof *got);
	if (*number > in.max)
		*number = in.max;
	memcpy(events, got, *number * sizeof *got);
	return KERN_SUCCESS;
}

kern_return_t machd_port_fd(mach_port_name_t port_or_set, int *fd)
{
	int made;
	struct listener listener;
	kern_return_t code = machd_port_fd_create(&made);

	if (code != KERN_SUCCESS)
		return code;
	code = machd_port_fd_add(made, port_or_set);
	if (code == KERN_SUCCESS)
		*fd = made;
	else if (machd_port_fd_close(made) != KERN_SUCCESS && find(made, true, &listener))
		close(made); /* and its bell ends with the task */
	return code;
}

#define RECEIVE_OPTIONS                                                                        \
	(MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY | MACH_RCV_VOUCHER | MACH_RCV_STRICT_REPLY | \
	 (int)MACH_RCV_TRAILER_MASK)

mach_msg_return_t machd_port_receive(mach_port_name_t port_or_set, mach_msg_option_t options,
				     void *buffer, mach_msg_size_t size, machd_received_t *result)
{
	struct reply reply = {0};
	struct exchange x = {
		.receive = buffer,
		.option = MACH64_RCV_MSG | MACH_RCV_TIMEOUT | MACH64_MSG_VECTOR | MACHD_RCV_LINEAR |
			  (uint32_t)(options & RECEIVE_OPTIONS),
		.rcv_size = size,
		.rcv_name = port_or_set,
		.rcv_aux_size = MACH_MSG_AUX_MAX_SIZE,
		.reply = &reply,
	};
	mach_msg_return_t code = mi_exchange(&x, 0);
	const struct machd_message_answer *answer = &reply.answer;
	machd_received_t received = {0};

	if (answer->place == MACHD_PLACE_TOO_LARGE) {
		received.size = answer->too_large_size;
		received.aux_size = answer->aux_size;
		received.port = answer->too_large_name;
	} else if (answer->place == MACHD_PLACE_RECEIVE && code != MACH_RCV_INVALID_DATA) {
		received.size = (mach_msg_size_t)(reply.frame.length - sizeof reply -
						  answer->aux_size + answer->body_size);
		received.aux_size = answer->aux_size;
		received.priority = answer->priority;
		received.override = answer->override;
	}
	if (result)
		*result = received;
	return code;
}
