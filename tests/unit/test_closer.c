/* SPDX-License-Identifier: Apache-2.0 */
/* The closer: what takes no time is closed at once, what takes long in the end, and all of it. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/closer.h"

enum { MEGABYTE = 1 << 20, PACKETS = 100 };

static struct closer closer;
static int ends[2]; /* ours, the peer's */

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void setup(void)
{
	closer_init(&closer);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
}

static void teardown(void)
{
	close(ends[1]);
}

/* So much that we do not read. */
static void send_much(void)
{
	char packet[64] = {0};

	for (unsigned i = 0; i < PACKETS; i++)
		ck_assert_int_eq(send(ends[1], packet, sizeof packet, MSG_DONTWAIT), sizeof packet);
}

static int make_memory(size_t size)
{
	int fd = memfd_create("closer", MFD_CLOEXEC);

	ck_assert_int_eq(posix_fallocate(fd, 0, (off_t)size), 0);
	return fd;
}

START_TEST(what_takes_no_time_is_closed_at_once)
{
	int fd = make_memory(4096);

	closer_close(&closer, fd);
	ck_assert(!is_open(fd));
	ck_assert_int_eq(send(ends[1], "one", 3, 0), 3);
	closer_hang_up(&closer, ends[0]);
	ck_assert(!is_open(ends[0]));
	closer_close(&closer, fd); /* none at all */
	ck_assert(!closer.packets.runs && !closer.memory.runs);
	closer_stop(&closer);
}
END_TEST

START_TEST(the_peer_learns_at_once_what_takes_long)
{
	char byte;

	send_much();
	closer_hang_up(&closer, ends[0]);
	ck_assert(closer.packets.runs && !closer.memory.runs);
	errno = 0;
	ck_assert_int_le(recv(ends[1], &byte, 1, MSG_DONTWAIT), 0);
	ck_assert_int_ne(errno, EAGAIN);
	closer_stop(&closer);
	ck_assert(!is_open(ends[0]));
}
END_TEST

START_TEST(so_does_much_memory)
{
	int fd = make_memory(8 * MEGABYTE);

	closer_close(&closer, fd);
	ck_assert(closer.memory.runs && !closer.packets.runs);
	closer_stop(&closer);
	ck_assert(!is_open(fd));
	close(ends[0]);
}
END_TEST

/* A client's own socket may be in use elsewhere. */
START_TEST(others_keep_what_is_theirs)
{
	int copy = dup(ends[0]);
	char bytes[64];

	send_much();
	closer_close(&closer, copy);
	closer_stop(&closer);
	ck_assert(!is_open(copy));
	for (unsigned i = 0; i < PACKETS; i++)
		ck_assert_int_eq(recv(ends[0], bytes, sizeof bytes, 0), sizeof bytes);
	ck_assert_int_eq(send(ends[0], "still", 5, 0), 5);
	close(ends[0]);
}
END_TEST

START_TEST(more_than_may_wait_is_closed_all_the_same)
{
	int fds[2 * MACHD_CLOSING_MAX];

	send_much();
	for (unsigned i = 0; i < 2 * MACHD_CLOSING_MAX; i++)
		fds[i] = dup(ends[0]);
	for (unsigned i = 0; i < 2 * MACHD_CLOSING_MAX; i++)
		closer_close(&closer, fds[i]);
	ck_assert(closer.packets.runs);
	closer_stop(&closer);
	for (unsigned i = 0; i < 2 * MACHD_CLOSING_MAX; i++)
		ck_assert(!is_open(fds[i]));
	close(ends[0]);
}
END_TEST

/* Threads of this process that run when nobody else does. */
static unsigned count_idle(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	unsigned count = 0;

	ck_assert_ptr_nonnull(tasks);
	while ((task = readdir(tasks)))
		if (task->d_name[0] != '.' && sched_getscheduler(atoi(task->d_name)) == SCHED_IDLE)
			count++;
	closedir(tasks);
	return count;
}

static void wait_until_closed(int fd)
{
	while (is_open(fd))
		sched_yield();
}

START_TEST(packets_wait_for_those_who_call_and_memory_does_not)
{
	int fd = make_memory(8 * MEGABYTE);

	closer_close(&closer, fd);
	wait_until_closed(fd);
	ck_assert_uint_eq(count_idle(), 0);
	send_much();
	closer_hang_up(&closer, ends[0]);
	wait_until_closed(ends[0]);
	ck_assert_uint_eq(count_idle(), 1);
	closer_stop(&closer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("closer");
	TCase *tests = tcase_create("closer");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_takes_no_time_is_closed_at_once);
	tcase_add_test(tests, the_peer_learns_at_once_what_takes_long);
	tcase_add_test(tests, so_does_much_memory);
	tcase_add_test(tests, others_keep_what_is_theirs);
	tcase_add_test(tests, more_than_may_wait_is_closed_all_the_same);
	tcase_add_test(tests, packets_wait_for_those_who_call_and_memory_does_not);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
