/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon believes of descriptors that clients send, and how many it may have. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/bell.h"
#include "daemon/io/fdcheck.h"

static void fit(rlim_t descriptors, struct machd_limits *limits)
{
	struct rlimit limit = {descriptors, descriptors};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fdcheck_raise_limit();
	machd_limits_init(limits);
}

START_TEST(limits_fit_the_descriptors_there_are)
{
	struct machd_limits limits;

	fit(1024, &limits);
	ck_assert(fdcheck_fit_limits(&limits));
	ck_assert_uint_eq(limits.memfds_per_user, (1024 - 16 - 16) / 2);
	ck_assert_uint_eq(limits.bells_per_user, (1024 - 16 - 16) / 8);
	ck_assert(!fdcheck_fit_limits(&limits));
	fit(24, &limits);
	ck_assert(fdcheck_fit_limits(&limits));
	ck_assert_uint_ge(limits.memfds_per_user, 1);
	ck_assert_uint_eq(limits.bells_per_user, 1);
}
END_TEST

static void make_pair(int type, int pair[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
}

START_TEST(a_pair_is_good_for_who_made_it)
{
	int pair[2];

	make_pair(SOCK_SEQPACKET, pair);
	ck_assert(bell_good(pair[0], getpid()));
	ck_assert(bell_good(pair[1], getpid()));
	ck_assert(!bell_good(pair[0], getppid()));
	close(pair[0]);
	ck_assert(!bell_good(pair[0], getpid()));
	close(pair[1]);
	make_pair(SOCK_DGRAM, pair);
	ck_assert(!bell_good(pair[0], getpid()));
}
END_TEST

static char waiting(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
}

START_TEST(a_ring_is_one_byte_and_can_be_taken_back)
{
	int pair[2];

	make_pair(SOCK_SEQPACKET, pair);
	ck_assert(!waiting(pair[1]));
	bell_set(pair[0], pair[1], true);
	ck_assert(waiting(pair[1]));
	bell_set(pair[0], pair[1], false);
	ck_assert(!waiting(pair[1]));
	/* It was taken by somebody else: nothing is waited for. */
	bell_set(pair[0], pair[1], false);
	ck_assert(!waiting(pair[1]));
}
END_TEST

/* What cannot be told makes the client's end readable for good. */
START_TEST(a_ring_that_fails_is_heard)
{
	int pair[2], copy;
	char byte;

	make_pair(SOCK_SEQPACKET, pair);
	copy = dup(pair[1]);
	ck_assert_int_eq(shutdown(pair[0], SHUT_WR), 0);
	bell_set(pair[0], copy, true);
	ck_assert_int_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0);
	bell_set(pair[0], copy, false);
	ck_assert_int_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0);
}
END_TEST

static uint64_t state_of(unsigned how, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING | how);
	struct trap_fd facts;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 4 << 20), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	facts = fdcheck_take(fd);
	ck_assert_uint_eq(facts.size, facts.sealed == TRAP_FD_UNSEALED ? 0 : 4 << 20);
	close(fd);
	return facts.sealed;
}

START_TEST(seals_say_what_can_be_relied_on)
{
	const int size = F_SEAL_SHRINK | F_SEAL_GROW;
	struct machd_limits limits;

	fit(1024, &limits);
	ck_assert_uint_eq(state_of(0, size | F_SEAL_WRITE), TRAP_FD_SEALED);
	ck_assert_uint_eq(state_of(0, size), TRAP_FD_FIXED);
	ck_assert_uint_eq(state_of(0, size | F_SEAL_FUTURE_WRITE), TRAP_FD_FIXED);
	ck_assert_uint_eq(state_of(0, F_SEAL_SHRINK | F_SEAL_WRITE), TRAP_FD_UNSEALED);
	ck_assert_uint_eq(state_of(0, 0), TRAP_FD_UNSEALED);
	/* Huge pages may run out when they are touched. */
	ck_assert_uint_eq(state_of(MFD_HUGETLB, size | F_SEAL_WRITE), TRAP_FD_UNSEALED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fdcheck");
	TCase *tcase = tcase_create("descriptors");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, limits_fit_the_descriptors_there_are);
	tcase_add_test(tcase, a_pair_is_good_for_who_made_it);
	tcase_add_test(tcase, a_ring_is_one_byte_and_can_be_taken_back);
	tcase_add_test(tcase, a_ring_that_fails_is_heard);
	tcase_add_test(tcase, seals_say_what_can_be_relied_on);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
