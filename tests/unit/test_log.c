/* SPDX-License-Identifier: Apache-2.0 */
/* The log: what a line looks like, which lines are written, and that writing never blocks. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"

#define SECOND 1000000000ULL

static int log_pipe[2], saved_stderr;

static void setup(void)
{
	ck_assert_int_eq(pipe2(log_pipe, O_CLOEXEC), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(log_pipe[1], STDERR_FILENO);
	ck_assert_int_eq(fcntl(log_pipe[0], F_SETFL, O_NONBLOCK), 0);
	log_start(false);
	log_set_level(LOG_LEVEL_INFO);
}

static void teardown(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(log_pipe[0]);
	close(log_pipe[1]);
	log_set_level(LOG_LEVEL_INFO);
}

/* What was logged since the last time. */
static const char *logged(void)
{
	static char text[65536];
	ssize_t size = read(log_pipe[0], text, sizeof text - 1);

	text[size > 0 ? size : 0] = '\0';
	return text;
}

START_TEST(test_lines)
{
	log_error("a %d", 1);
	ck_assert_str_eq(logged(), "machd: error: a 1\n");
	log_warning("b");
	log_notice("c");
	log_info("d");
	log_debug("e");
	ck_assert_str_eq(logged(), "machd: warning: b\nmachd: notice: c\nmachd: info: d\n");
}
END_TEST

START_TEST(test_levels)
{
	enum log_level level;

	log_set_level(LOG_LEVEL_ERROR);
	log_warning("a");
	ck_assert_str_eq(logged(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("a");
	ck_assert_str_eq(logged(), "machd: debug: a\n");
	ck_assert(log_level_parse("warning", &level));
	ck_assert_int_eq(level, LOG_LEVEL_WARNING);
	ck_assert(log_level_parse("debug", &level));
	ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
	ck_assert(!log_level_parse("Warning", &level));
	ck_assert(!log_level_parse("", &level));
	ck_assert(!log_level_parse("log", &level));
}
END_TEST

/* A client cannot forge a line or send codes to a terminal. */
START_TEST(test_control_characters)
{
	log_info("%s", "a\nmachd: error: b\r\x1b[2J\x7f"
		       "c\t");
	ck_assert_str_eq(logged(), "machd: info: a?machd: error: b??[2J?c?\n");
}
END_TEST

START_TEST(test_long_line)
{
	char text[5000];
	const char *line;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	log_info("%s", text);
	line = logged();
	ck_assert_uint_gt(strlen(line), 1000);
	ck_assert_uint_lt(strlen(line), 1100);
	ck_assert_int_eq(line[strlen(line) - 1], '\n');
}
END_TEST

/* Nobody reads: lines are lost, and then it goes on. */
START_TEST(test_full_pipe)
{
	for (int i = 0; i < 10000; i++)
		log_info("a line that fills the pipe after a while");
	while (*logged())
		;
	log_info("here again");
	ck_assert_str_eq(logged(), "machd: info: here again\n");
}
END_TEST

START_TEST(test_limit)
{
	struct log_limit limit = {0};
	uint64_t now = 5 * SECOND;

	for (unsigned i = 0; i < LOG_LIMIT_LINES; i++)
		ck_assert(log_limit_pass(&limit, now + i));
	for (unsigned i = 0; i < 3; i++)
		ck_assert(!log_limit_pass(&limit, now + LOG_LIMIT_INTERVAL - 1));
	ck_assert_str_eq(logged(), "");
	ck_assert(log_limit_pass(&limit, now + LOG_LIMIT_INTERVAL));
	ck_assert_str_eq(logged(), "machd: notice: 3 lines like the next one were not written\n");
	ck_assert(log_limit_pass(&limit, now + 3 * LOG_LIMIT_INTERVAL));
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(test_no_limit_for_debug)
{
	struct log_limit limit = {0};

	log_set_level(LOG_LEVEL_DEBUG);
	for (unsigned i = 0; i < 10 * LOG_LIMIT_LINES; i++)
		ck_assert(log_limit_pass(&limit, SECOND));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tests = tcase_create("log");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_lines);
	tcase_add_test(tests, test_levels);
	tcase_add_test(tests, test_control_characters);
	tcase_add_test(tests, test_long_line);
	tcase_add_test(tests, test_full_pipe);
	tcase_add_test(tests, test_limit);
	tcase_add_test(tests, test_no_limit_for_debug);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
