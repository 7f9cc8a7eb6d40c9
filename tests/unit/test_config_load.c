/* SPDX-License-Identifier: Apache-2.0 */
/* machd.conf and its drop-ins: which files are read, in which order, and what the last word is. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"

static char directory[] = "/tmp/machd-files-XXXXXX";
static char path[64], error[CONFIG_ERROR_SIZE];
static struct config config;
static const char *const names[] = {"a.conf",  "b.conf",  "B.conf", ".conf",
				    ".c.conf", "z.conf~", "conf"};

static void setup(void)
{
	char drop_ins[80];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/machd.conf", directory);
	snprintf(drop_ins, sizeof drop_ins, "%s.d", path);
	ck_assert_int_eq(mkdir(drop_ins, 0700), 0);
}

static void teardown(void)
{
	char name[160];

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(name, sizeof name, "%s.d/%s", path, names[i]);
		unlink(name);
	}
	snprintf(name, sizeof name, "%s.d", path);
	rmdir(name);
	unlink(name);
	unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
	memset(directory + strlen(directory) - 6, 'X', 6);
}

/* NULL: machd.conf itself. */
static void write_file(const char *name, const char *text)
{
	char whole[160];
	FILE *file;

	snprintf(whole, sizeof whole, name ? "%s.d/%s" : "%s", path, name);
	file = fopen(whole, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void good(void)
{
	ck_assert_msg(config_load(&config, path, error), "%s", error);
}

/* The error must be exactly the path and this. */
static void bad(const char *expected)
{
	char whole[CONFIG_ERROR_SIZE];

	ck_assert(!config_load(&config, path, error));
	snprintf(whole, sizeof whole, "%s%s", path, expected);
	ck_assert_str_eq(error, whole);
}

START_TEST(test_later_files_win)
{
	write_file(NULL, "[machd]\nLogLevel=debug\n[limits]\nChannels=20\nTasksPerUser=21\n");
	write_file("b.conf", "[limits]\nChannels=40\n");
	write_file("a.conf", "[limits]\nChannels=30\nTasksPerUser=31\n");
	write_file("B.conf", "[limits]\nChannels=50\nBellsPerUser=51\n");
	good();
	ck_assert_int_eq(config.log_level, LOG_LEVEL_DEBUG);
	ck_assert_uint_eq(config.limits.channels, 40);
	ck_assert_uint_eq(config.limits.tasks_per_user, 31);
	ck_assert_uint_eq(config.limits.bells_per_user, 51);
}
END_TEST

START_TEST(test_other_files_are_left_alone)
{
	write_file(NULL, "");
	for (unsigned i = 3; i < sizeof names / sizeof *names; i++)
		write_file(names[i], "nonsense");
	good();
}
END_TEST

START_TEST(test_errors_name_the_file)
{
	write_file(NULL, "[limits]\n");
	write_file("a.conf", "\n[limits]\nChannels=x\n");
	write_file("b.conf", "nonsense\n");
	bad(".d/a.conf:3: Channels=x is not a number: use 16 to 1048576, K, M or G may follow");
	write_file("a.conf", "[limits]\nChannels=20\nChannels=20\n");
	bad(".d/a.conf:3: Channels= was set in line 2 already: remove one of them");
}
END_TEST

START_TEST(test_the_file_itself_must_exist)
{
	write_file("a.conf", "[limits]\nChannels=20\n");
	bad(": cannot be read: No such file or directory");
}
END_TEST

START_TEST(test_no_directory)
{
	char name[160];

	write_file(NULL, "[limits]\nChannels=20\n");
	snprintf(name, sizeof name, "%s.d", path);
	ck_assert_int_eq(rmdir(name), 0);
	good();
	ck_assert_uint_eq(config.limits.channels, 20);
	ck_assert_int_eq(symlink(path, name), 0);
	bad(".d: cannot be read: Not a directory");
}
END_TEST

static void rule_is(uint32_t index, const char *service, uint32_t first, uint32_t last)
{
	const struct ipc_filter_rule *rule = &config.policy.p_rules[index];

	ck_assert_str_eq(rule->fr_service, service);
	ck_assert_uint_eq(rule->fr_first, first);
	ck_assert_uint_eq(rule->fr_last, last);
}

/* A service's line in a later file stands for all that earlier ones said of it. */
START_TEST(test_filters_are_replaced)
{
	static const struct ipc_filter_rule unused;

	write_file(NULL, "[filter]\none=1 2 3\ntwo=4\n");
	write_file("a.conf", "[filter]\none=7\nthree=8\n");
	write_file("b.conf", "[filter]\nthree=9\nthree=10\n");
	bad(".d/b.conf:3: three=10 in [filter]: it was set already: remove one of them");
	write_file("b.conf", "[filter]\ntwo=9-10\n");
	good();
	ck_assert_uint_eq(config.policy.p_rule_count, 3);
	rule_is(0, "one", 7, 7);
	rule_is(1, "three", 8, 8);
	rule_is(2, "two", 9, 10);
	for (uint32_t i = 3; i < IPC_POLICY_RULES; i++)
		ck_assert_mem_eq(&config.policy.p_rules[i], &unused, sizeof unused);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_later_files_win,	   test_other_files_are_left_alone,
		test_errors_name_the_file, test_the_file_itself_must_exist,
		test_no_directory,	   test_filters_are_replaced,
	};
	Suite *suite = suite_create("config_load");
	TCase *tcase = tcase_create("config_load");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++)
		tcase_add_test(tcase, tests[i]);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
