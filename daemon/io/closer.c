/* SPDX-License-Identifier: Apache-2.0 */
/* What takes long to close, and the thread that closes it. */
#include "daemon/io/closer.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* More of them take longer than a tenth of a millisecond to free. */
#define UNREAD_MAX 2048 /* bytes in packets, which may be small */
#define BLOCKS_MAX 8192 /* of 512 bytes, in pages */

/* Whose thread closes it; NULL: none, it takes no time. */
static struct closer_lane *lane_for(struct closer *closer, int fd)
{
	struct stat facts;
	int unread = 0;

	if (fstat(fd, &facts) < 0)
		return NULL;
	if (!S_ISSOCK(facts.st_mode))
		return facts.st_blocks > BLOCKS_MAX ? &closer->memory : NULL;
	return ioctl(fd, FIONREAD, &unread) == 0 && unread > UNREAD_MAX ? &closer->packets : NULL;
}

/* The queue. */

/* The next descriptor; -1: there is none. */
static int take(struct closer_lane *lane)
{
	unsigned taken = atomic_load_explicit(&lane->taken, memory_order_relaxed);
	int fd;

	if (taken == atomic_load_explicit(&lane->added, memory_order_acquire))
		return -1;
	fd = lane->fds[taken % MACHD_CLOSING_MAX];
	atomic_store_explicit(&lane->taken, taken + 1, memory_order_release);
	return fd;
}

/* False: there is no room. */
static bool hand_over(struct closer_lane *lane, int fd)
{
	unsigned added = atomic_load_explicit(&lane->added, memory_order_relaxed);

	if (added - atomic_load_explicit(&lane->taken, memory_order_acquire) == MACHD_CLOSING_MAX)
		return false;
	lane->fds[added % MACHD_CLOSING_MAX] = fd;
	atomic_store_explicit(&lane->added, added + 1, memory_order_release);
	sem_post(&lane->more);
	return true;
}

/* The thread. */

static void wait_for_more(struct closer_lane *lane)
{
	while (sem_wait(&lane->more) < 0 && errno == EINTR)
		continue;
}

/* Where a filter of system calls refuses the priority, the thread has that of others. */
static void *run(void *context)
{
	struct closer_lane *lane = context;
	const struct sched_param none = {.sched_priority = 0};

	if (lane->idles)
		sched_setscheduler(0, SCHED_IDLE, &none);
	wait_for_more(lane);
	while (!atomic_load(&lane->stop)) {
		close(take(lane));
		wait_for_more(lane);
	}
	return NULL;
}

/* Signals are for the loop. */
static bool start(struct closer_lane *lane)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	lane->runs = pthread_create(&lane->thread, NULL, run, lane) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return lane->runs;
}

/* The loop's side. */

static void dispose(struct closer_lane *lane, int fd)
{
	if (!lane || !(lane->runs || start(lane)) || !hand_over(lane, fd))
		close(fd);
}

void closer_close(struct closer *closer, int fd)
{
	dispose(lane_for(closer, fd), fd);
}

void closer_hang_up(struct closer *closer, int fd)
{
	struct closer_lane *lane = lane_for(closer, fd);

	if (lane)
		shutdown(fd, SHUT_RDWR);
	dispose(lane, fd);
}

/* Beginning and end. */

static void lane_init(struct closer_lane *lane)
{
	sem_init(&lane->more, 0, 0);
}

/* What is left in the queue is closed here: on a busy machine the thread may take long for it. */
static void lane_stop(struct closer_lane *lane)
{
	int fd;

	atomic_store(&lane->stop, true);
	sem_post(&lane->more);
	if (lane->runs)
		pthread_join(lane->thread, NULL);
	while ((fd = take(lane)) >= 0)
		close(fd);
	sem_destroy(&lane->more);
}

void closer_init(struct closer *closer)
{
	*closer = (struct closer){.packets.idles = true};
	lane_init(&closer->packets);
	lane_init(&closer->memory);
}

void closer_stop(struct closer *closer)
{
	lane_stop(&closer->packets);
	lane_stop(&closer->memory);
}
