/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting commands and units, without a machine that wants any: no start is lost and none is left,
 * whatever runs out, and what runs gets SIGTERM when it is not wanted.
 */
#include <check.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/io/gate.h"
#include "daemon/io/reaper.h"

#define HOUR UINT64_C(3600000000000)

static uv_loop_t loop;
static struct gate gate;
static struct activator *activator;
static struct plan plan;
static const struct plans plans = {&plan, 1};

static void setup(void)
{
	struct trap_config config = {.seed = 1, .owner_uid = getuid()};

	ck_assert_int_ge(sodium_init(), 0);
	log_set_level((enum log_level)0);
	machd_limits_init(&config.limits);
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	ck_assert(gate_start(&gate, &loop, &config, NULL));
	activator = &gate.activator;
	activator->socket = "/nowhere/machd.sock";
	activator->plans = &plans;
	plan = (struct plan){.service = "x", .start = BOOT_START_COMMAND, .home = "/"};
}

static void teardown(void)
{
	gate_stop(&gate);
	uv_run(&loop, UV_RUN_DEFAULT);
	gate_free(&gate);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	ck_assert_uint_eq(mem_live(), 0);
}

static void turn(void)
{
	for (int i = 0; i < 4; i++)
		turns_once(&gate.turns, false);
}

static void set_command(const char *words, size_t size, unsigned count)
{
	memcpy(plan.words, words, size);
	plan.word_count = count;
}

/* Nothing is wanted of the start any more; wait until nothing is left of it. */
static void end_start(void)
{
	activator_started(activator, 5, false);
	while (!list_empty(&activator->starts))
		turns_once(&gate.turns, true);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}

/* The child ended by this signal; libuv has not waited for it. */
static void check_child(int signal)
{
	int status;

	ck_assert_int_gt(waitpid(-1, &status, 0), 0);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), signal);
}

START_TEST(without_memory_a_start_is_told_of_later)
{
	mem_fail_after(1);
	activator_start(activator, 5, "x", uv_hrtime() + HOUR);
	mem_fail_after(0);
	ck_assert_uint_eq(activator->lost_count, 1);
	ck_assert(list_empty(&activator->starts));
	turn();
	ck_assert_uint_eq(activator->lost_count, 0);
}
END_TEST

START_TEST(a_start_is_over_when_the_machine_says_so)
{
	plan.start = BOOT_START_NEVER;
	activator_start(activator, 5, "x", uv_hrtime() + HOUR);
	activator_start(activator, 6, "unknown", uv_hrtime() + HOUR);
	activator_started(activator, 7, true);
	ck_assert(!list_empty(&activator->starts));
	activator_started(activator, 5, true);
	activator_started(activator, 5, false);
	activator_started(activator, 6, false);
	ck_assert(list_empty(&activator->starts));
}
END_TEST

START_TEST(what_cannot_be_executed_is_over_as_well)
{
	set_command("/nonexistent", 13, 1);
	activator_start(activator, 5, "x", uv_hrtime() + HOUR);
	turn();
	end_start();
}
END_TEST

START_TEST(without_descriptors_nothing_is_executed)
{
	struct rlimit all, few;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	few.rlim_cur = 4;
	set_command("/bin/true", 10, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	activator_start(activator, 5, "x", uv_hrtime() + HOUR);
	plan.start = BOOT_START_UNIT;
	strcpy(plan.unit, "x.service");
	activator_start(activator, 6, "x", uv_hrtime() + HOUR);
	turn();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	activator_started(activator, 5, false);
	activator_started(activator, 6, false);
	ck_assert(list_empty(&activator->starts));
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(a_command_that_is_not_wanted_gets_a_signal)
{
	set_command("/bin/sleep\0"
		    "1000",
		    16, 2);
	activator_start(activator, 5, "x", uv_hrtime() + HOUR);
	end_start();
}
END_TEST

/* A script that says something when it is ready; returns where it does. */
static int start_script(const char *script)
{
	int fds[2], saved = dup(STDERR_FILENO);
	char said;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	memcpy(plan.words, "/bin/sh\0-c", 11);
	strcpy(plan.words + 11, script);
	plan.word_count = 3;
	activator_start(activator, 5, "x", uv_hrtime() + HOUR);
	ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &said, 1), 1);
	return fds[0];
}

START_TEST(a_command_that_goes_on_is_killed)
{
	int fd;

	activator->patience = 1;
	fd = start_script("trap '' TERM; echo >&2; exec sleep 1000");
	end_start();
	close(fd);
}
END_TEST

/* Those who go out of its session, and of its family, say when they have. */
#define DAEMON(script) "(setsid sh -c '" script "' &) "

static const char *const families[] = {
	"sleep 1000 & echo >&2; wait",
	"sh -c 'sleep 1000 & echo >&2; wait' & wait",
	DAEMON("echo >&2; exec sleep 1000") "; exec sleep 1000",
	DAEMON("trap \"\" TERM; echo >&2; sleep 1000; sleep 1000") "; exec sleep 1000",
	DAEMON("echo >&2; kill -STOP $$") "; exec sleep 1000",
	DAEMON("echo >&2; echo; exec sleep 1000") "| read x; exit 0",
	/* and, also if nobody says that they are not wanted: */
	DAEMON("echo >&2; echo; exec sleep 1000") "| read x; exit 1",
	DAEMON("echo >&2; echo; exec sleep 1000") "| read x; kill -9 $$",
};
#define FAILING 6 /* the first of those */

/* Wait until nobody is left who could write there, whatever a shell says of its end. */
static void await_silence(int fd)
{
	char said[64];
	ssize_t size;

	while ((size = read(fd, said, sizeof said)) > 0)
		continue;
	ck_assert_int_eq(size, 0);
	close(fd);
}

START_TEST(what_a_command_has_started_ends_with_it)
{
	int fd;

	activator->patience = 200;
	fd = start_script(families[_i]);
	end_start();
	await_silence(fd);
}
END_TEST

START_TEST(what_a_command_leaves_behind_when_it_fails_ends)
{
	await_silence(start_script(families[_i]));
	end_start();
}
END_TEST

START_TEST(one_that_has_checked_in_runs_until_machd_stops)
{
	set_command("/bin/sleep\0"
		    "1000",
		    16, 2);
	activator_start(activator, 5, "x", uv_hrtime() + HOUR);
	activator_started(activator, 5, true);
	turn();
	ck_assert(!list_empty(&activator->starts));
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0);
	teardown();
	check_child(SIGTERM);
	setup();
}
END_TEST

/* machd is gone before the reaper could ask to be told of that. */
START_TEST(a_command_that_nobody_wants_any_more_ends_at_once)
{
	static char name[] = REAPER_NAME, patience[] = "60000", sleep[] = "/bin/sleep",
		    time[] = "1000";
	char *arguments[] = {name, patience, sleep, time, NULL};
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	if (fork() == 0) {
		dup2(ends[1], REAPER_FD);
		execv("/proc/self/exe", arguments);
		_exit(EXIT_FAILURE);
	}
	close(ends[1]);
	check_child(SIGTERM);
}
END_TEST

/* This program is machd's, as far as commands are concerned. */
int main(int argc, char **argv)
{
	Suite *suite = suite_create("activate");
	TCase *tests = tcase_create("activate");
	SRunner *runner;
	int failed;

	reaper_main(argc, argv);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, without_memory_a_start_is_told_of_later);
	tcase_add_test(tests, a_start_is_over_when_the_machine_says_so);
	tcase_add_test(tests, what_cannot_be_executed_is_over_as_well);
	tcase_add_test(tests, without_descriptors_nothing_is_executed);
	tcase_add_test(tests, a_command_that_is_not_wanted_gets_a_signal);
	tcase_add_test(tests, a_command_that_goes_on_is_killed);
	tcase_add_loop_test(tests, what_a_command_has_started_ends_with_it, 0,
			    sizeof families / sizeof *families);
	tcase_add_loop_test(tests, what_a_command_leaves_behind_when_it_fails_ends, FAILING,
			    sizeof families / sizeof *families);
	tcase_add_test(tests, one_that_has_checked_in_runs_until_machd_stops);
	tcase_add_test(tests, a_command_that_nobody_wants_any_more_ends_at_once);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
