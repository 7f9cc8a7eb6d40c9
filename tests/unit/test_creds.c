/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a socket: ids and groups, few and many of them. */
#include <check.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/io/creds.h"

/* What this process looks like to itself. */
static struct trap_peer seen(uint32_t inspect)
{
	struct trap_peer peer;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	ck_assert_int_eq(creds_read(fds[0], inspect, &peer), 0);
	close(fds[0]);
	close(fds[1]);
	return peer;
}

START_TEST(ids_are_those_of_the_process)
{
	struct trap_peer first = seen(CREDS_NO_GROUP), second = seen(CREDS_NO_GROUP);

	ck_assert_uint_eq(first.uid, getuid());
	ck_assert_uint_eq(first.gid, getgid());
	ck_assert_int_eq(first.pid, getpid());
	ck_assert_uint_eq(first.inspects, 0);
	ck_assert_uint_ne(first.pidversion, second.pidversion);
	ck_assert_mem_ne(first.token, second.token, sizeof first.token);
}
END_TEST

START_TEST(its_own_group_counts)
{
	ck_assert_uint_eq(seen(getgid()).inspects, 1);
	ck_assert_uint_eq(seen(4000000000).inspects, 0);
}
END_TEST

/* Only root may choose its groups. */
START_TEST(so_do_the_others_however_many)
{
	static const unsigned counts[] = {1, 64, 65, 2000};
	gid_t groups[2000];

	for (unsigned i = 0; i < 2000; i++)
		groups[i] = 100000 + i;
	if (getuid() != 0)
		return;
	for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
		ck_assert_int_eq(setgroups(counts[i], groups), 0);
		ck_assert_uint_eq(seen(groups[0]).inspects, 1);
		ck_assert_uint_eq(seen(groups[counts[i] - 1]).inspects, 1);
		ck_assert_uint_eq(seen(99999).inspects, 0);
	}
}
END_TEST

START_TEST(groups_have_names_or_numbers)
{
	ck_assert_uint_eq(creds_find_group("root"), 0);
	ck_assert_uint_eq(creds_find_group("60001"), 60001);
	ck_assert_uint_eq(creds_find_group("no such group"), CREDS_NO_GROUP);
	ck_assert_uint_eq(creds_find_group("60001x"), CREDS_NO_GROUP);
	ck_assert_uint_eq(creds_find_group("99999999999"), CREDS_NO_GROUP);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("creds");
	TCase *tcase = tcase_create("creds");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, ids_are_those_of_the_process);
	tcase_add_test(tcase, its_own_group_counts);
	tcase_add_test(tcase, so_do_the_others_however_many);
	tcase_add_test(tcase, groups_have_names_or_numbers);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
