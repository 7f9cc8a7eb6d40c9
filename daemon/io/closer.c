/* SPDX-License-Identifier: Apache-2.0 */
/* What takes long to close, and the thread that closes it. */
#include "daemon/io/closer.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* More of them take longer than a tenth of a millisecond to free. */
#define UNREAD_MAX 2048 /* bytes in packets, which may be small */
#define BLOCKS_MAX 8192 /* of 512 bytes, in pages */

static bool takes_long(int fd)
{
	struct stat facts;
	int unread = 0;

	if (fstat(fd, &facts) < 0)
		return false;
	if (S_ISSOCK(facts.st_mode))
		return ioctl(fd, FIONREAD, &unread) == 0 && unread > UNREAD_MAX;
	return facts.st_blocks > BLOCKS_MAX;
}

/* The thread. */

static void *run(void *context)
{
	struct closer *closer = context;

	pthread_mutex_lock(&closer->lock);
	for (;;) {
		int fd;

		while (closer->count == 0 && !closer->stop)
			pthread_cond_wait(&closer->more, &closer->lock);
		if (closer->count == 0)
			break;
		fd = closer->fds[closer->first];
		closer->first = (closer->first + 1) % MACHD_CLOSING_MAX;
		closer->count--;
		pthread_mutex_unlock(&closer->lock);
		close(fd);
		pthread_mutex_lock(&closer->lock);
	}
	pthread_mutex_unlock(&closer->lock);
	return NULL;
}

/* Signals are for the loop. */
static bool start(struct closer *closer)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	closer->runs = pthread_create(&closer->thread, NULL, run, closer) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return closer->runs;
}

/* false: there is no room. */
static bool hand_over(struct closer *closer, int fd)
{
	bool room;

	pthread_mutex_lock(&closer->lock);
	room = closer->count < MACHD_CLOSING_MAX;
	if (room)
		closer->fds[(closer->first + closer->count++) % MACHD_CLOSING_MAX] = fd;
	pthread_cond_signal(&closer->more);
	pthread_mutex_unlock(&closer->lock);
	return room;
}

/* The loop's side. */

static void dispose(struct closer *closer, int fd, bool slow)
{
	if (!slow || !(closer->runs || start(closer)) || !hand_over(closer, fd))
		close(fd);
}

void closer_close(struct closer *closer, int fd)
{
	dispose(closer, fd, takes_long(fd));
}

void closer_hang_up(struct closer *closer, int fd)
{
	bool slow = takes_long(fd);

	if (slow)
		shutdown(fd, SHUT_RDWR);
	dispose(closer, fd, slow);
}

void closer_init(struct closer *closer)
{
	*closer = (struct closer){.runs = false};
	pthread_mutex_init(&closer->lock, NULL);
	pthread_cond_init(&closer->more, NULL);
}

void closer_stop(struct closer *closer)
{
	pthread_mutex_lock(&closer->lock);
	closer->stop = true;
	pthread_cond_signal(&closer->more);
	pthread_mutex_unlock(&closer->lock);
	if (closer->runs)
		pthread_join(closer->thread, NULL);
	pthread_mutex_destroy(&closer->lock);
	pthread_cond_destroy(&closer->more);
}
