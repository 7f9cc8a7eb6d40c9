/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connection a thread uses, and the task they all belong to.
 *
 * The first channel of a process makes a task, those of other threads join it. The task lives as
 * long as one channel is open, so the last one is kept when its thread ends; the next thread that
 * needs one takes it over. Tasks of this process are numbered (generation): a channel of another
 * generation than the present one belongs to a task that was lost.
 *
 * All of this is under one lock, which fork() takes as well: the child knows of every connection,
 * and closes them all.
 *
 * A thread that asks for the port of another one that has never made a call connects on its behalf
 * (mi_thread_connect()). The library is not told when such a thread ends, so its connection is
 * closed the next time that anybody asks for a thread's port.
 *
 * The child of a fork makes its task when it first needs one, and inherits what its parent's has at
 * that time. But if the parent has set a port for its children, the child makes its task at once,
 * and keeps the parent's alive until that is done: the parent may be gone a moment later.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/mach_init.h>
#include <mach/mach_traps.h>
#include <machd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/ring.h"
#include "protocol/limits.h"

#define ENDING (-1) /* instead of a thread's id: its channel is being closed */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;	   /* only for the end of threads */
static bool has_key, has_handlers; /* of the process: for the end of threads, and for fork() */

static struct mi_channel channels = {.next = &channels, .prev = &channels, .fd = -1};
static struct mi_channel kept = {.fd = -1}; /* has the last connection, of a thread that ended */

static _Atomic uint64_t generation; /* of the task; 0: there is none */
static uint64_t last_generation;
static uint8_t token[MACHD_TOKEN_SIZE];
static bool forked;			 /* this is a child of a process with a task, */
static uint8_t parent[MACHD_TOKEN_SIZE]; /* whose token is this */
static _Atomic bool estate;		 /* the task has set ports for its children */
static _Atomic uint32_t inline_max;
static _Atomic mach_port_t self_name;
static mach_port_t bootstrap_name;

static _Thread_local struct mi_channel *mine;
static _Thread_local bool busy;

static void close_channel(struct mi_channel *channel, bool in_child)
{
	mi_window_forget(channel);
	mi_ring_free(channel->ring, in_child);
	channel->ring = NULL;
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
}

/* Give one channel the connection of another, with its ring; without its board. */
static void move_connection(struct mi_channel *to, struct mi_channel *from)
{
	mi_window_forget(from);
	to->fd = from->fd;
	to->sequence = from->sequence;
	to->thread = from->thread;
	to->ring = from->ring;
	to->asked = from->asked;
	from->fd = -1;
	from->ring = NULL;
}

/* The task is gone: wake threads that still wait for an answer, forget what it had. */
static void end_task(void)
{
	for (struct mi_channel *each = channels.next; each != &channels; each = each->next)
		if (each->fd >= 0)
			shutdown(each->fd, SHUT_RDWR);
	close_channel(&kept, false);
	atomic_store(&generation, 0);
	atomic_store(&self_name, MACH_PORT_NULL);
	bootstrap_name = MACH_PORT_NULL;
}

/* The daemon has closed the connection. */
static bool hung_up(int fd)
{
	struct pollfd state = {.fd = fd};

	return fd >= 0 && poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR));
}

static bool task_lost(void)
{
	bool lost = hung_up(kept.fd);

	for (struct mi_channel *each = channels.next; each != &channels; each = each->next)
		lost = lost || hung_up(each->fd);
	return lost;
}

static bool task_has_channel(void)
{
	bool some = kept.fd >= 0;

	for (struct mi_channel *each = channels.next; each != &channels; each = each->next)
		some = some || each->fd >= 0;
	return some;
}

static void begin_task(const struct machd_welcome *welcome)
{
	memcpy(token, welcome->token, sizeof token);
	atomic_store(&inline_max, welcome->inline_max);
	bootstrap_name = welcome->bootstrap;
	atomic_store(&self_name, welcome->self);
	atomic_store(&generation, ++last_generation);
}

/* Give a channel without a connection one. */
static kern_return_t connect_channel(struct mi_channel *channel)
{
	struct machd_welcome welcome;
	bool joins = atomic_load(&generation) != 0, refused;

	channel->sequence = 0;
	channel->calls = 0;
	channel->asked = MI_RING_UNASKED;
	channel->thread_port = false;
	channel->thread_name = MACH_PORT_NULL;
	if (kept.fd >= 0) {
		move_connection(channel, &kept);
	} else {
		channel->fd = mi_connect(joins ? token : NULL, forked && !joins ? parent : NULL,
					 &welcome, &refused);
		if (channel->fd < 0) {
			if (joins && (task_lost() || (refused && !task_has_channel())))
				end_task();
			return MACHD_NO_DAEMON;
		}
		channel->thread = welcome.thread;
		if (!joins)
			begin_task(&welcome);
	}
	channel->generation = atomic_load(&generation);
	return KERN_SUCCESS;
}

static void link_channel(struct mi_channel *channel)
{
	channel->next = &channels;
	channel->prev = channels.prev;
	channels.prev->next = channel;
	channels.prev = channel;
}

static void unlink_channel(struct mi_channel *channel)
{
	channel->next->prev = channel->prev;
	channel->prev->next = channel->next;
}

/* The channel of a thread that is of the present task; NULL: it has none. */
static struct mi_channel *channel_of(pthread_t thread)
{
	for (struct mi_channel *each = channels.next; each != &channels; each = each->next)
		if (pthread_equal(each->owner, thread) && each->fd >= 0 && each->waits != ENDING &&
		    each->generation == atomic_load(&generation))
			return each;
	return NULL;
}

/* The kernel's id of a thread, which is what its clock is named by; 0: it has ended. */
static pid_t thread_id(pthread_t thread)
{
	clockid_t clock;

	return pthread_getcpuclockid(thread, &clock) == 0 ? ~(clock >> 3) : 0;
}

static bool has_ended(const struct mi_channel *channel)
{
	return tgkill(getpid(), channel->waits, 0) < 0 && errno == ESRCH;
}

/* A channel made on behalf of a thread that has ended, or for a task that is lost; or NULL. */
static struct mi_channel *find_useless(void)
{
	struct mi_channel *useless = NULL;

	pthread_mutex_lock(&lock);
	for (struct mi_channel *each = channels.next; each != &channels && !useless;
	     each = each->next)
		if (each->waits > 0 &&
		    (each->generation != atomic_load(&generation) || has_ended(each)))
			useless = each;
	if (useless)
		useless->waits = ENDING;
	pthread_mutex_unlock(&lock);
	return useless;
}

/* Let its thread's port die, release our reference to the name, and close it. */
static void end_useless(struct mi_channel *channel, struct mi_channel *useless)
{
	struct machd_thread_end_in end;
	struct mach_port_deallocate_in name = {.name = useless->thread_name};
	struct mi_call call = {.routine = MACHD_ROUTINE_machd_thread_end,
			       .target = atomic_load(&self_name),
			       .in = &end,
			       .in_size = sizeof end};

	if (useless->generation == atomic_load(&generation) &&
	    mi_call_within(useless, &call) == KERN_SUCCESS && name.name != MACH_PORT_NULL) {
		call.routine = MACHD_ROUTINE_mach_port_deallocate;
		call.in = &name;
		call.in_size = sizeof name;
		mi_call_within(channel, &call);
	}
	pthread_mutex_lock(&lock);
	unlink_channel(useless);
	close_channel(useless, false);
	pthread_mutex_unlock(&lock);
	free(useless);
}

/* Connect on behalf of a thread that has no channel; under the lock. */
static bool connect_other(pthread_t thread)
{
	pid_t id = thread_id(thread);
	struct mi_channel *channel = id ? calloc(1, sizeof *channel) : NULL;

	if (!channel)
		return false;
	channel->fd = -1;
	channel->owner = thread;
	channel->waits = id;
	if (connect_channel(channel) != KERN_SUCCESS) {
		free(channel);
		return false;
	}
	link_channel(channel);
	return true;
}

bool mi_thread_connect(pthread_t thread)
{
	struct mi_channel *useless;
	struct mi_entry entry;
	bool connected;

	if (mi_enter(&entry) != KERN_SUCCESS)
		return false;
	while ((useless = find_useless()))
		end_useless(entry.channel, useless);
	pthread_mutex_lock(&lock);
	connected = channel_of(thread) || connect_other(thread);
	pthread_mutex_unlock(&lock);
	mi_leave(&entry);
	return connected;
}

/* The channel that was connected on behalf of this thread, which now owns it; or NULL. */
static struct mi_channel *take_over(void)
{
	struct mi_channel *channel = NULL;
	pid_t self = gettid();

	pthread_mutex_lock(&lock);
	for (struct mi_channel *each = channels.next; each != &channels; each = each->next)
		if (each->waits == self && pthread_equal(each->owner, pthread_self()))
			channel = each;
	if (channel && pthread_setspecific(key, channel) == 0) {
		channel->waits = 0;
		if (channel->generation != atomic_load(&generation))
			close_channel(channel, false);
	} else {
		channel = NULL;
	}
	pthread_mutex_unlock(&lock);
	return channel;
}

bool mi_thread_find(pthread_t thread, mach_port_t *name, uint64_t *number)
{
	const struct mi_channel *channel;

	pthread_mutex_lock(&lock);
	channel = channel_of(thread);
	if (channel) {
		*name = channel->thread_name;
		*number = channel->thread;
	}
	pthread_mutex_unlock(&lock);
	return channel != NULL;
}

bool mi_thread_keep(pthread_t thread, mach_port_t name)
{
	struct mi_channel *channel;
	bool keep;

	pthread_mutex_lock(&lock);
	channel = channel_of(thread);
	keep = channel && channel->thread_name == MACH_PORT_NULL;
	if (keep) {
		channel->thread_name = name;
		channel->thread_port = true;
	}
	pthread_mutex_unlock(&lock);
	return keep;
}

/* A thread ends. */
static void leave_thread(void *value)
{
	struct mi_channel *channel = value;

	mine = channel;
	mi_reply_port_exit(channel);
	mi_thread_exit(channel);
	pthread_mutex_lock(&lock);
	mine = NULL;
	unlink_channel(channel);
	if (channel->fd >= 0 && channel->generation == atomic_load(&generation) && !busy &&
	    !task_has_channel()) {
		move_connection(&kept, channel);
	} else {
		close_channel(channel, false);
	}
	pthread_mutex_unlock(&lock);
	if (channel->memory_frame)
		mi_pages_free(channel->memory_frame, MACHD_FRAME_SIZE_MAX);
	free(channel);
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

void mi_set_estate(void)
{
	atomic_store(&estate, true);
}

/* Duplicate a connection of the task, which lives as long as that is open; or -1. */
static int hold_task(void)
{
	int fd = kept.fd;

	for (struct mi_channel *each = channels.next; each != &channels; each = each->next)
		if (each->fd >= 0 && each->generation == atomic_load(&generation))
			fd = each->fd;
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* Make the task of a child while that of its parent is held by `fd`. */
static void take_estate(int fd)
{
	struct mi_entry entry;

	if (mi_enter(&entry) == KERN_SUCCESS)
		mi_leave(&entry);
	close(fd);
}

/* The child has one thread and no task. */
static void after_fork_in_child(void)
{
	struct mi_channel *next;
	int held = atomic_load(&estate) ? hold_task() : -1;

	if (atomic_load(&generation) != 0) {
		forked = true;
		memcpy(parent, token, sizeof parent);
	}
	for (struct mi_channel *each = channels.next; each != &channels; each = next) {
		next = each->next;
		close_channel(each, true);
		if (each != mine)
			free(each);
	}
	channels.next = channels.prev = &channels;
	if (mine) {
		*mine = (struct mi_channel){
			.next = &channels, .prev = &channels, .fd = -1, .owner = mine->owner};
		channels.next = channels.prev = mine;
	}
	busy = false;
	mi_own_process();
	close_channel(&kept, true);
	atomic_store(&generation, 0);
	atomic_store(&self_name, MACH_PORT_NULL);
	bootstrap_name = MACH_PORT_NULL;
	pthread_mutex_unlock(&lock);
	if (held >= 0)
		take_estate(held);
}

static void set_up(void)
{
	mi_ring_configure();
	mi_present_configure();
}

/* What every thread needs; if there is no memory for it the next call tries again. */
static bool get_ready(void)
{
	bool ready;

	pthread_once(&once, set_up);
	pthread_mutex_lock(&lock);
	has_key = has_key || pthread_key_create(&key, leave_thread) == 0;
	has_handlers =
		has_handlers || pthread_atfork(before_fork, after_fork, after_fork_in_child) == 0;
	ready = has_key && has_handlers;
	if (has_handlers)
		mi_own_process();
	pthread_mutex_unlock(&lock);
	return ready;
}

/* The thread's channel, connected or not; NULL without memory. */
static struct mi_channel *find_channel(void)
{
	struct mi_channel *channel = mine;

	if (channel)
		return channel;
	if (!get_ready())
		return NULL;
	channel = mine = take_over();
	if (channel)
		return channel;
	channel = calloc(1, sizeof *channel);
	if (!channel || pthread_setspecific(key, channel)) {
		free(channel);
		return NULL;
	}
	channel->fd = -1;
	channel->owner = pthread_self();
	pthread_mutex_lock(&lock);
	link_channel(channel);
	pthread_mutex_unlock(&lock);
	mine = channel;
	return channel;
}

/* A channel without a connection gets one; one of a lost task reports that, and is closed. */
static kern_return_t renew_channel(struct mi_channel *channel)
{
	kern_return_t code = MACHD_NO_DAEMON;

	pthread_mutex_lock(&lock);
	if (channel->fd >= 0) {
		close_channel(channel, false);
		mi_set_error("the connection to machd was lost, and the task with it");
	} else {
		code = connect_channel(channel);
	}
	pthread_mutex_unlock(&lock);
	return code;
}

/* The call is over. */
static void release(const struct mi_entry *entry)
{
	busy = false;
	pthread_setcancelstate(entry->saved_cancel, NULL);
	errno = entry->saved_errno;
}

kern_return_t mi_enter(struct mi_entry *entry)
{
	kern_return_t code = KERN_SUCCESS;

	if (busy)
		return MACHD_BUSY;
	entry->saved_errno = errno;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &entry->saved_cancel);
	busy = true;
	entry->channel = find_channel();
	if (!entry->channel) {
		mi_set_error("no memory for a connection to machd");
		release(entry);
		return MACHD_NO_DAEMON;
	}
	if (entry->channel->fd < 0 || entry->channel->generation != atomic_load(&generation))
		code = renew_channel(entry->channel);
	if (code == KERN_SUCCESS) {
		int error = mi_ring_want(entry->channel);

		if (error)
			code = mi_lost(entry->channel, strerrordesc_np(error));
	}
	if (code != KERN_SUCCESS)
		mi_leave(entry);
	return code;
}

struct mi_channel *mi_enter_quickly(void)
{
	struct mi_channel *channel = mine;

	if (busy || !channel || !channel->ring || channel->generation != atomic_load(&generation))
		return NULL;
	busy = true;
	return channel;
}

void mi_leave_quickly(void)
{
	busy = false;
}

void mi_leave(struct mi_entry *entry)
{
	uint32_t flags = entry->channel->answer_flags;

	entry->channel->answer_flags = 0;
	release(entry);
	if (flags)
		mi_guard_raised(flags);
}

kern_return_t mi_lost(struct mi_channel *channel, const char *why)
{
	mi_set_error("the connection to machd was lost, and the task with it: %s", why);
	pthread_mutex_lock(&lock);
	close_channel(channel, false);
	if (channel->generation == atomic_load(&generation))
		end_task();
	pthread_mutex_unlock(&lock);
	return MACHD_NO_DAEMON;
}

struct mi_channel *mi_thread_channel(void)
{
	return mine;
}

uint64_t mi_generation(void)
{
	return atomic_load(&generation);
}

size_t mi_inline_max(void)
{
	return atomic_load(&inline_max);
}

/* There is a task; connect if that has not happened yet. */
static bool ensure_task(void)
{
	struct mi_entry entry;

	if (atomic_load(&generation) != 0)
		return true;
	/* That the task was lost is reported by the next call that can return a code. */
	if ((mine && mine->fd >= 0) || mi_enter(&entry) != KERN_SUCCESS)
		return false;
	mi_leave(&entry);
	return true;
}

mach_port_t machd_task_self(void)
{
	mach_port_t name = atomic_load(&self_name);

	if (name == MACH_PORT_NULL && ensure_task())
		name = atomic_load(&self_name);
	return name;
}

mach_port_t *machd_bootstrap_port(void)
{
	ensure_task();
	return &bootstrap_name;
}
