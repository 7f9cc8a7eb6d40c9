/* SPDX-License-Identifier: Apache-2.0 */
/* Nice values belong to threads: those of a process are found in /proc. */
#include "daemon/io/boost.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/mem.h"

/* A thread, and by how much its nice value was changed: less than was meant where the range ends.
 */
struct thread_boost {
	int32_t tid;
	int32_t by;
};

/* A process whose nice values were changed; what was refused must not be taken back. */
struct boosted {
	struct list link;
	int32_t pid;
	uint32_t uid;
	int by;			      /* what was meant to be added */
	struct thread_boost *threads; /* as /proc lists them */
	unsigned count;
};

/* More threads than this are too many to be looked at while others wait. */
#define THREADS_MAX 1024

/* The kernel's range of nice values. */
#define NICE_LEAST PRIO_MIN
#define NICE_MOST  (PRIO_MAX - 1)

static int clamp(int nice)
{
	if (nice < NICE_LEAST)
		return NICE_LEAST;
	return nice > NICE_MOST ? NICE_MOST : nice;
}

/* Let a thread have `by` more than its own value, instead of what it has more now. */
static int boost_thread(struct thread_boost *thread, int by)
{
	int now, own, nice;

	errno = 0;
	now = getpriority(PRIO_PROCESS, (id_t)thread->tid);
	if (now == -1 && errno)
		return errno;
	own = now - thread->by;
	nice = clamp(own + by);
	if (nice != now && setpriority(PRIO_PROCESS, (id_t)thread->tid, nice) < 0)
		return errno;
	thread->by = nice - own;
	return 0;
}

/* The directory of a process's threads, if it is still that user's. */
static int open_threads(int32_t pid, uint32_t uid)
{
	char path[32];
	struct stat status;
	int fd;

	snprintf(path, sizeof path, "/proc/%" PRId32 "/task", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &status) < 0 || status.st_uid != uid)) {
		close(fd);
		errno = ESRCH;
		fd = -1;
	}
	return fd;
}

/* Its threads, up to THREADS_MAX; how many those are. */
static unsigned read_threads(DIR *directory, struct thread_boost *threads)
{
	const struct dirent *entry;
	unsigned count = 0;

	while (count < THREADS_MAX && (entry = readdir(directory))) {
		int32_t tid = (int32_t)strtol(entry->d_name, NULL, 10);

		if (tid)
			threads[count++] = (struct thread_boost){.tid = tid};
	}
	return count;
}

/*
 * What was added to each of these before. A thread that was made since then began with what its
 * maker had: that is taken to be the first of the process.
 */
static void recall(const struct boosted *boosted, struct thread_boost *threads, unsigned count)
{
	unsigned at = 0; /* both lists are in the same order */

	for (unsigned i = 0; boosted->count && i < count; i++) {
		threads[i].by = boosted->threads[0].by;
		for (unsigned n = 0; n < boosted->count; n++, at++)
			if (boosted->threads[at % boosted->count].tid == threads[i].tid) {
				threads[i].by = boosted->threads[at % boosted->count].by;
				break;
			}
	}
}

/*
 * All of them or, but where it is taken back, none: the first error that is not just a thread that
 * has ended.
 */
static int boost_threads(struct thread_boost *threads, unsigned count, int before, int by)
{
	for (unsigned i = 0; i < count; i++) {
		int error = boost_thread(&threads[i], by);

		if (error == 0 || error == ESRCH || by == 0)
			continue;
		while (i-- > 0)
			boost_thread(&threads[i], before);
		return error;
	}
	return 0;
}

/*
 * Add that instead of what was added before; nothing (0) needs no memory, and is remembered of no
 * thread. 0 or an errno, with nothing changed.
 */
static int boost_process(struct boosted *boosted, int by)
{
	static struct thread_boost found[THREADS_MAX];
	int fd = open_threads(boosted->pid, boosted->uid), error;
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct thread_boost *threads = NULL;
	unsigned count;

	if (!directory) {
		error = errno == ENOENT ? ESRCH : errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	count = read_threads(directory, found);
	closedir(directory);
	recall(boosted, found, count);
	if (by && !(threads = mem_alloc_array(count, sizeof *threads)))
		return ENOMEM;
	error = boost_threads(found, count, boosted->by, by);
	if (error || !by) {
		mem_free(threads);
		return error;
	}
	memcpy(threads, found, count * sizeof *threads);
	mem_free(boosted->threads);
	boosted->threads = threads;
	boosted->count = count;
	boosted->by = by;
	return 0;
}

void boosts_init(struct boosts *boosts)
{
	boosts->nice = 0;
	list_init(&boosts->boosted);
}

static struct boosted *find(const struct boosts *boosts, int32_t pid)
{
	LIST_FOR_EACH (node, &boosts->boosted) {
		struct boosted *boosted = list_entry(node, struct boosted, link);

		if (boosted->pid == pid)
			return boosted;
	}
	return NULL;
}

static int begin(struct boosts *boosts, int32_t pid, uint32_t uid)
{
	struct boosted *boosted = mem_alloc(sizeof *boosted);
	int error;

	if (!boosted)
		return ENOMEM;
	boosted->pid = pid;
	boosted->uid = uid;
	error = boost_process(boosted, boosts->nice);
	if (error) {
		mem_free(boosted);
		return error;
	}
	list_append(&boosts->boosted, &boosted->link);
	return 0;
}

/* A process that is gone has nothing to be given back. */
static void end(struct boosted *boosted)
{
	boost_process(boosted, 0);
	list_remove(&boosted->link);
	mem_free(boosted->threads);
	mem_free(boosted);
}

void boosts_set_nice(struct boosts *boosts, int nice)
{
	boosts->nice = nice;
	LIST_FOR_EACH_SAFE (node, &boosts->boosted) {
		struct boosted *boosted = list_entry(node, struct boosted, link);

		if (nice == 0)
			end(boosted);
		else
			boost_process(boosted, nice);
	}
}

int boosts_set(struct boosts *boosts, int32_t pid, uint32_t uid, bool on)
{
	struct boosted *boosted = find(boosts, pid);

	if (on && boosts->nice)
		return begin(boosts, pid, uid);
	if (!on && boosted)
		end(boosted);
	return 0;
}
