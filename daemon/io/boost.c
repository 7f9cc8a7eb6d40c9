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

/* A thread, its own nice value, and the one that it was found with. */
struct thread_nice {
	int32_t tid;
	int own, now;
};

/* A process whose nice values were changed; what was refused must not be taken back. */
struct boosted {
	struct list link;
	int32_t pid;
	uint32_t uid;
	int by;			     /* what was meant to be added */
	struct thread_nice *threads; /* as /proc lists them */
	unsigned count;
};

/* More threads than this are too many to be looked at while others wait. */
#define THREADS_MAX 1024

/* The kernel's range of nice values. */
#define NICE_LEAST PRIO_MIN
#define NICE_MOST  (PRIO_MAX - 1)
#define NICE_COUNT (NICE_MOST - NICE_LEAST + 1)

static int clamp(int nice)
{
	if (nice < NICE_LEAST)
		return NICE_LEAST;
	return nice > NICE_MOST ? NICE_MOST : nice;
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
static unsigned read_threads(DIR *directory, struct thread_nice *threads)
{
	const struct dirent *entry;
	unsigned count = 0;

	while (count < THREADS_MAX && (entry = readdir(directory))) {
		struct thread_nice *thread = &threads[count];

		thread->tid = (int32_t)strtol(entry->d_name, NULL, 10);
		errno = 0;
		thread->now = thread->tid ? getpriority(PRIO_PROCESS, (id_t)thread->tid) : 0;
		count += thread->tid && errno == 0; /* or it has ended */
	}
	return count;
}

/* The known thread with that number; both lists are in the same order: *at is where to look. */
static const struct thread_nice *find_thread(const struct boosted *boosted, int32_t tid,
					     unsigned *at)
{
	for (unsigned n = 0; n < boosted->count; n++, ++*at)
		if (boosted->threads[*at % boosted->count].tid == tid)
			return &boosted->threads[*at % boosted->count];
	return NULL;
}

/*
 * For each nice value the own one of a thread that began with it, as one of the known threads made
 * it. Several of them may be at the end of the range: then the greatest, which favours nobody. What
 * only a thread had that was not boosted yet is a thread's own.
 */
static void find_origins(const struct boosted *boosted, int origins[NICE_COUNT])
{
	bool made[NICE_COUNT] = {false};

	for (int i = 0; i < NICE_COUNT; i++)
		origins[i] = clamp(i + NICE_LEAST - boosted->by);
	for (unsigned i = 0; i < boosted->count; i++)
		origins[boosted->threads[i].own - NICE_LEAST] = boosted->threads[i].own;
	for (unsigned i = 0; i < boosted->count; i++) {
		int own = boosted->threads[i].own, at = clamp(own + boosted->by) - NICE_LEAST;

		if (!made[at] || own > origins[at])
			origins[at] = own;
		made[at] = true;
	}
}

/* What each of these has of its own: what was added before is not. */
static void recall(const struct boosted *boosted, struct thread_nice *threads, unsigned count)
{
	int origins[NICE_COUNT];
	unsigned at = 0;

	find_origins(boosted, origins);
	for (unsigned i = 0; i < count; i++) {
		struct thread_nice *thread = &threads[i];
		const struct thread_nice *known = find_thread(boosted, thread->tid, &at);

		thread->own = origins[thread->now - NICE_LEAST];
		if (known)
			thread->own =
				clamp(thread->now - clamp(known->own + boosted->by) + known->own);
	}
}

static int set(const struct thread_nice *thread, int nice)
{
	return nice == thread->now || setpriority(PRIO_PROCESS, (id_t)thread->tid, nice) == 0
		       ? 0
		       : errno;
}

/*
 * All of them or, but where it is taken back, none: the first error that is not just a thread that
 * has ended.
 */
static int boost_threads(const struct thread_nice *threads, unsigned count, int by)
{
	for (unsigned i = 0; i < count; i++) {
		int error = set(&threads[i], clamp(threads[i].own + by));

		if (error == 0 || error == ESRCH || by == 0)
			continue;
		while (i-- > 0)
			setpriority(PRIO_PROCESS, (id_t)threads[i].tid, threads[i].now);
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
	static struct thread_nice found[THREADS_MAX];
	int fd = open_threads(boosted->pid, boosted->uid), error;
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct thread_nice *threads = NULL;
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
	error = boost_threads(found, count, by);
	if (error || !threads) {
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
