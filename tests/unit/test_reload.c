/* SPDX-License-Identifier: Apache-2.0 */
/* What SIGHUP puts in force, in this process: all keys of machd.conf but Socket=. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/base/mem.h"
#include "daemon/io/creds.h"
#include "daemon/io/gate.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/options.h"
#include "daemon/reload.h"
#include "daemon/services.h"

static char path[] = "/tmp/machd-reload-XXXXXX";
static const struct options options = {.config = path};
static struct config config;
static struct services services;
static uv_loop_t loop;
static struct gate gate;

static void write_config(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void setup(void)
{
	struct trap_config start = {.seed = 1, .owner_uid = getuid()};
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_ge(sodium_init(), 0);
	ck_assert(reload_read(&options, &config));
	log_set_level(LOG_LEVEL_ERROR);
	services_init(&services);
	start.limits = config.limits;
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	ck_assert(gate_start(&gate, &loop, &start, NULL));
}

static void teardown(void)
{
	gate_stop(&gate);
	uv_run(&loop, UV_RUN_DEFAULT);
	gate_free(&gate);
	services_free(&services);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	ck_assert_uint_eq(mem_live(), 0);
	unlink(path);
}

static void reload(const char *text)
{
	char quiet[512];

	snprintf(quiet, sizeof quiet, "[machd]\nLogLevel=error\n%s", text);
	write_config(quiet);
	reload_now(&options, &config, &services, &gate);
}

START_TEST(all_but_the_socket_takes_effect)
{
	const struct ipc_policy *policy = &gate.host->h_policy;

	reload("OnBadSignature=discard\nImportanceNice=-3\nInspectGroup=0\nSpinTime=7\n"
	       "Socket=/nowhere\n"
	       "[policy]\nHardened=all\nFiltered=1000 1001\nEnforceStrictReply=yes\n"
	       "[filter]\norg.example=5-7\n"
	       "[limits]\nChannels=20\n");
	ck_assert(gate.discard_bad_signature);
	ck_assert_int_eq(gate.boosts.nice, -3);
	ck_assert_uint_eq(gate.inspect_group, 0);
	ck_assert_uint_eq(gate.turns.wait.spin, 7000);
	ck_assert_uint_eq(gate.host->h_limits.channels, 20);
	ck_assert_uint_eq(policy->p_hardened.us_all, 1);
	ck_assert_uint_eq(policy->p_filtered.us_count, 2);
	ck_assert_uint_eq(policy->p_strict_reply, 1);
	ck_assert_uint_eq(policy->p_rule_count, 1);
	ck_assert_str_eq(config.socket, "");
	reload("");
	ck_assert(!gate.discard_bad_signature);
	ck_assert_int_eq(gate.boosts.nice, 0);
	ck_assert_uint_ne(gate.inspect_group, 0);
	ck_assert_uint_eq(policy->p_hardened.us_all, 0);
	ck_assert_uint_eq(policy->p_rule_count, 0);
}
END_TEST

START_TEST(with_a_file_that_is_wrong_nothing_does)
{
	reload("OnBadSignature=discard\n[policy]\nHardened=all\n");
	reload("OnBadSignature=abort\n[policy]\nHardened=none\nHardened=none\n");
	ck_assert(gate.discard_bad_signature);
	ck_assert_uint_eq(gate.host->h_policy.p_hardened.us_all, 1);
}
END_TEST

static int nice_of(pid_t pid)
{
	errno = 0;
	return getpriority(PRIO_PROCESS, (id_t)pid);
}

/* Nice values that only rise need no privileges. */
START_TEST(who_is_boosted_is_so_by_what_holds_now)
{
	int base;
	pid_t pid;

	if (nice_of(0) > 14 && setpriority(PRIO_PROCESS, 0, 0) != 0)
		return; /* there is no room for more */
	base = nice_of(0);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	boosts_set_nice(&gate.boosts, 2);
	ck_assert_int_eq(boosts_set(&gate.boosts, pid, getuid(), true), 0);
	ck_assert_int_eq(nice_of(pid), base + 2);
	boosts_set_nice(&gate.boosts, 5);
	ck_assert_int_eq(nice_of(pid), base + 5);
	if (getuid() == 0) {
		boosts_set_nice(&gate.boosts, 1);
		ck_assert_int_eq(nice_of(pid), base + 1);
		boosts_set_nice(&gate.boosts, 0);
		ck_assert_int_eq(nice_of(pid), base);
		ck_assert(list_empty(&gate.boosts.boosted));
	}
	boosts_set(&gate.boosts, pid, getuid(), false);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

/* Threads of this process, each nicer by 5 than the one before; the last as nice as can be. */
#define THREADS 5

static atomic_int tids[THREADS];

static void *be_there(void *at)
{
	atomic_store((atomic_int *)at, (int)gettid());
	for (;;)
		pause();
	return NULL;
}

START_TEST(who_was_as_nice_as_can_be_is_so_again)
{
	pthread_t thread;
	int before[THREADS];

	for (int i = 0; i < THREADS; i++) {
		pthread_create(&thread, NULL, be_there, &tids[i]);
		while (!atomic_load(&tids[i]))
			sched_yield();
		setpriority(PRIO_PROCESS, (id_t)tids[i], i < THREADS - 1 ? nice_of(0) + 5 * i : 19);
		before[i] = nice_of(tids[i]);
	}
	boosts_set_nice(&gate.boosts, 7);
	ck_assert_int_eq(boosts_set(&gate.boosts, getpid(), getuid(), true), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(nice_of(tids[i]), before[i] + 7 > 19 ? 19 : before[i] + 7);
	if (getuid() == 0) {
		boosts_set_nice(&gate.boosts, 2);
		for (int i = 0; i < THREADS; i++)
			ck_assert_int_eq(nice_of(tids[i]), before[i] + 2 > 19 ? 19 : before[i] + 2);
		mem_fail_from(1);
		boosts_set(&gate.boosts, getpid(), getuid(), false);
		mem_fail_from(0);
		for (int i = 0; i < THREADS; i++)
			ck_assert_int_eq(nice_of(tids[i]), before[i]);
	}
	boosts_set(&gate.boosts, getpid(), getuid(), false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload");
	TCase *tests = tcase_create("reload");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, all_but_the_socket_takes_effect);
	tcase_add_test(tests, with_a_file_that_is_wrong_nothing_does);
	tcase_add_test(tests, who_is_boosted_is_so_by_what_holds_now);
	tcase_add_test(tests, who_was_as_nice_as_can_be_is_so_again);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
