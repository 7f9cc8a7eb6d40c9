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
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/mem.h"

/* A process whose nice values were changed; what was refused must not be taken back. */
struct boosted {
	struct list link;
	int32_t pid;
	uint32_t uid;
	int by; /* what was added */
};

/* More threads than this are too many to be looked at while others wait. */
#define THREADS_MAX 1024

static int boost_thread(id_t tid, int by)
{
	int nice;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, tid);
	if (nice == -1 && errno)
		return errno;
	return setpriority(PRIO_PROCESS, tid, nice + by) < 0 ? errno : 0;
}

/* The first error that is not just a thread that has ended. */
static int boost_threads(DIR *threads, int by)
{
	const struct dirent *entry;
	unsigned count = 0;
	int error = 0;

	while (error == 0 && count < THREADS_MAX && (entry = readdir(threads))) {
		unsigned long tid = strtoul(entry->d_name, NULL, 10);

		if (tid == 0)
			continue;
		error = boost_thread((id_t)tid, by);
		if (error == ESRCH)
			error = 0;
		count++;
	}
	return error;
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

static int boost_process(int32_t pid, uint32_t uid, int by)
{
	int fd = open_threads(pid, uid), error;
	DIR *threads = fd < 0 ? NULL : fdopendir(fd);

	if (!threads) {
		error = errno == ENOENT ? ESRCH : errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	error = boost_threads(threads, by);
	closedir(threads);
	return error;
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
	int error = boosted ? boost_process(pid, uid, boosts->nice) : ENOMEM;

	if (error) {
		mem_free(boosted);
		return error;
	}
	boosted->pid = pid;
	boosted->uid = uid;
	boosted->by = boosts->nice;
	list_append(&boosts->boosted, &boosted->link);
	return 0;
}

/* A process that is gone has nothing to be given back. */
static void end(struct boosted *boosted)
{
	boost_process(boosted->pid, boosted->uid, -boosted->by);
	list_remove(&boosted->link);
	mem_free(boosted);
}

void boosts_set_nice(struct boosts *boosts, int nice)
{
	boosts->nice = nice;
	LIST_FOR_EACH_SAFE (node, &boosts->boosted) {
		struct boosted *boosted = list_entry(node, struct boosted, link);

		if (nice == 0)
			end(boosted);
		else if (boost_process(boosted->pid, boosted->uid, nice - boosted->by) == 0)
			boosted->by = nice;
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
