/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hello and welcome in both directions: round trips, every truncation, every byte changed, and maps
 * written by hand that a client of ours would never send.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/hello.h"
#include "tests/unit/exact.h"

static const uint8_t token[MACHD_TOKEN_SIZE] = "0123456789abcde";

static struct machd_hello good_hello(void)
{
	struct machd_hello hello = {.version_oldest = 1,
				    .version_newest = 3,
				    .word = 64,
				    .role = MACHD_ROLE_TASK,
				    .pid_namespace = UINT64_C(4026531836),
				    .joins = true,
				    .inherits = true,
				    .parent = "the parent's own"};

	memcpy(hello.token, token, sizeof token);
	return hello;
}

static void assert_same_hello(const struct machd_hello *a, const struct machd_hello *b)
{
	ck_assert_uint_eq(a->version_oldest, b->version_oldest);
	ck_assert_uint_eq(a->version_newest, b->version_newest);
	ck_assert_uint_eq(a->word, b->word);
	ck_assert_uint_eq(a->role, b->role);
	ck_assert_uint_eq(a->pid_namespace, b->pid_namespace);
	ck_assert_int_eq(a->joins, b->joins);
	ck_assert_mem_eq(a->token, b->token, sizeof a->token);
	ck_assert_int_eq(a->inherits, b->inherits);
	ck_assert_mem_eq(a->parent, b->parent, sizeof a->parent);
}

START_TEST(hello_round_trip)
{
	struct machd_hello hello = good_hello(), back;
	uint8_t buffer[MACHD_HELLO_SIZE_MAX];
	size_t size = machd_hello_pack(&hello, buffer, sizeof buffer);

	ck_assert_uint_gt(size, 0);
	ck_assert_ptr_null(machd_hello_unpack(buffer, size, &back));
	assert_same_hello(&back, &hello);
}
END_TEST

START_TEST(hello_round_trip_watcher)
{
	struct machd_hello hello = {.version_oldest = 2,
				    .version_newest = UINT32_MAX,
				    .word = 32,
				    .role = MACHD_ROLE_WATCH,
				    .pid_namespace = UINT64_MAX};
	struct machd_hello back;
	uint8_t buffer[MACHD_HELLO_SIZE_MAX];
	size_t size = machd_hello_pack(&hello, buffer, sizeof buffer);

	ck_assert_ptr_null(machd_hello_unpack(buffer, size, &back));
	assert_same_hello(&back, &hello);
}
END_TEST

START_TEST(hello_truncated)
{
	struct machd_hello hello = good_hello(), back;
	uint8_t buffer[MACHD_HELLO_SIZE_MAX];
	size_t size = machd_hello_pack(&hello, buffer, sizeof buffer);

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *bytes = exact_copy(buffer, cut);

		ck_assert_msg(machd_hello_unpack(bytes, cut, &back) != NULL, "%zu bytes", cut);
		free(bytes);
	}
	buffer[size] = 0xc0;
	ck_assert_str_eq(machd_hello_unpack(buffer, size + 1, &back), "there are bytes behind it");
}
END_TEST

START_TEST(hello_buffer_too_small)
{
	struct machd_hello hello = good_hello();
	uint8_t buffer[MACHD_HELLO_SIZE_MAX];
	size_t size = machd_hello_pack(&hello, buffer, sizeof buffer);

	for (size_t room = 0; room < size; room++)
		ck_assert_uint_eq(machd_hello_pack(&hello, buffer, room), 0);
	ck_assert_uint_eq(machd_hello_pack(&hello, buffer, size), size);
}
END_TEST

/* Maps written by hand: the pieces, and what the reader has to say. */
#define VERSIONS "\xa5machd\x92\x01\x01"
#define WORD	 "\xa4word\x40"
#define ROLE	 "\xa4role\xa4task"
#define PIDNS	 "\xa5pidns\x07"
#define TOKEN           \
	"\xa5"          \
	"token\xc4\x10" \
	"0123456789abcdef"
#define MAP(bytes) bytes, sizeof(bytes) - 1

static const struct {
	const char *bytes;
	size_t size;
	const char *problem;
} hellos[] = {
	{MAP("\x84" VERSIONS WORD ROLE PIDNS), NULL},
	{MAP("\xde\x00\x04" PIDNS ROLE WORD VERSIONS), NULL},
	{MAP("\x85" VERSIONS WORD ROLE PIDNS TOKEN), NULL},
	/* unknown keys, of any type, wherever they stand */
	{MAP("\x85\xa3new\x01" VERSIONS WORD ROLE PIDNS), NULL},
	{MAP("\x86" VERSIONS WORD "\xa1x\x91\x81\xa1y\xc0" ROLE PIDNS "\xa0\xca\x00\x00\x00\x00"),
	 NULL},
	{MAP("\x86\xa1x\x01\xa1x\x02" VERSIONS WORD ROLE PIDNS), NULL},
	{MAP("\x85\xa1x\xdd\xff\xff\xff\xff" VERSIONS WORD ROLE PIDNS),
	 "the value of an unknown key is broken"},
	{MAP("\x85\x07\x01" VERSIONS WORD ROLE PIDNS), "a key is not a string"},
	/* not a map, an empty one, one that is too long for its bytes */
	{MAP("\x94" VERSIONS WORD ROLE PIDNS), "it is not a map"},
	{MAP("\xdf\xff\xff\xff\xff"), "it is not a map"},
	{MAP("\xdd\xff\xff\xff\xff"), "it is not a map"},
	{MAP("\x80"), "a key is missing"},
	/* each key missing, and twice */
	{MAP("\x83" WORD ROLE PIDNS), "a key is missing"},
	{MAP("\x83" VERSIONS ROLE PIDNS), "a key is missing"},
	{MAP("\x83" VERSIONS WORD PIDNS), "a key is missing"},
	{MAP("\x83" VERSIONS WORD ROLE), "a key is missing"},
	{MAP("\x85" VERSIONS WORD ROLE PIDNS VERSIONS), "a key comes twice"},
	{MAP("\x85" VERSIONS WORD ROLE PIDNS WORD), "a key comes twice"},
	{MAP("\x85" VERSIONS WORD ROLE PIDNS ROLE), "a key comes twice"},
	{MAP("\x85" VERSIONS WORD ROLE PIDNS PIDNS), "a key comes twice"},
	{MAP("\x86" VERSIONS WORD ROLE PIDNS TOKEN TOKEN), "a key comes twice"},
	/* wrong types and values */
	{MAP("\x84\xa5machd\x01" WORD ROLE PIDNS), "its versions are not two numbers in order"},
	{MAP("\x84\xa5machd\x91\x01" WORD ROLE PIDNS), "its versions are not two numbers in order"},
	{MAP("\x84\xa5machd\x93\x01\x01\x01" WORD ROLE PIDNS),
	 "its versions are not two numbers in order"},
	{MAP("\x84\xa5machd\x92\x02\x01" WORD ROLE PIDNS),
	 "its versions are not two numbers in order"},
	{MAP("\x84\xa5machd\x92\x00\x01" WORD ROLE PIDNS),
	 "its versions are not two numbers in order"},
	{MAP("\x84" VERSIONS "\xa4word\x10" ROLE PIDNS), "its word size is neither 32 nor 64"},
	{MAP("\x84" VERSIONS "\xa4word\xc0" ROLE PIDNS), "its word size is neither 32 nor 64"},
	{MAP("\x84" VERSIONS WORD "\xa4role\xa4tas\x00" PIDNS),
	 "its role is neither task nor watch"},
	{MAP("\x84" VERSIONS WORD "\xa4role\xa5taskx" PIDNS), "its role is neither task nor watch"},
	{MAP("\x84" VERSIONS WORD "\xa4role\x01" PIDNS), "its role is neither task nor watch"},
	{MAP("\x84" VERSIONS WORD ROLE "\xa5pidns\xff"), "its pid namespace is not a number"},
	{MAP("\x84" VERSIONS WORD ROLE "\xa5pidns\xa1x"), "its pid namespace is not a number"},
	{MAP("\x85" VERSIONS WORD ROLE PIDNS "\xa5token\xc4\x0f"
	     "0123456789abcde"),
	 "its token is not 16 bytes"},
	{MAP("\x85" VERSIONS WORD ROLE PIDNS "\xa5token\xb0"
	     "0123456789abcdef"),
	 "its token is not 16 bytes"},
};

START_TEST(hello_by_hand)
{
	uint8_t *bytes = exact_copy(hellos[_i].bytes, hellos[_i].size);
	struct machd_hello hello;
	const char *problem = machd_hello_unpack(bytes, hellos[_i].size, &hello);

	ck_assert_pstr_eq(problem, hellos[_i].problem);
	free(bytes);
}
END_TEST

/* Welcome */

static struct machd_welcome good_welcome(void)
{
	struct machd_welcome welcome = {.version = 1,
					.inline_max = 65536,
					.task = UINT64_MAX,
					.self = 0x103,
					.host = 0x203,
					.bootstrap = 0xfffffeff};

	memcpy(welcome.token, token, sizeof token);
	return welcome;
}

START_TEST(welcome_round_trip)
{
	struct machd_welcome welcome = good_welcome(), back;
	uint8_t buffer[MACHD_HELLO_SIZE_MAX];
	size_t size = machd_welcome_pack(&welcome, buffer, sizeof buffer);

	ck_assert_ptr_null(machd_welcome_unpack(buffer, size, &back));
	ck_assert_uint_eq(back.version, welcome.version);
	ck_assert_uint_eq(back.inline_max, welcome.inline_max);
	ck_assert_uint_eq(back.task, welcome.task);
	ck_assert_uint_eq(back.self, welcome.self);
	ck_assert_uint_eq(back.host, welcome.host);
	ck_assert_uint_eq(back.bootstrap, welcome.bootstrap);
	ck_assert_mem_eq(back.token, welcome.token, sizeof back.token);
	ck_assert_str_eq(back.error, "");
	for (size_t cut = 0; cut < size; cut++)
		ck_assert_ptr_nonnull(machd_welcome_unpack(buffer, cut, &back));
}
END_TEST

START_TEST(welcome_refusal)
{
	struct machd_welcome refusal = {0}, back;
	uint8_t buffer[MACHD_HELLO_SIZE_MAX];
	size_t size;

	memset(refusal.error, 'e', sizeof refusal.error - 1);
	size = machd_welcome_pack(&refusal, buffer, sizeof buffer);
	ck_assert_ptr_null(machd_welcome_unpack(buffer, size, &back));
	ck_assert_uint_eq(back.version, 0);
	ck_assert_str_eq(back.error, refusal.error);
	for (size_t cut = 0; cut < size; cut++)
		ck_assert_ptr_nonnull(machd_welcome_unpack(buffer, cut, &back));
}
END_TEST

START_TEST(welcome_bad)
{
	uint8_t long_error[160] = "\x82\xa5machd\x00\xa5"
				  "error\xd9\x80";
	struct machd_welcome welcome;

	ck_assert_str_eq(machd_welcome_unpack(MAP("\x81\xa5machd\x00"), &welcome),
			 "a key is missing");
	ck_assert_str_eq(machd_welcome_unpack(MAP("\x81\xa5machd\x01"), &welcome),
			 "a key is missing");
	ck_assert_str_eq(machd_welcome_unpack(MAP("\x82\xa5machd\x01\xa4self\xa1x"), &welcome),
			 "its task port is not a name");
	ck_assert_str_eq(machd_welcome_unpack(long_error, 16 + 128, &welcome),
			 "its error is not a short text");
}
END_TEST

/* Every valid hello with one byte changed is either a hello or an error, and never more. */
START_TEST(hello_every_byte_changed)
{
	struct machd_hello hello = good_hello(), back;
	uint8_t buffer[MACHD_HELLO_SIZE_MAX];
	size_t size = machd_hello_pack(&hello, buffer, sizeof buffer);

	for (size_t i = 0; i < size; i++)
		for (unsigned change = 1; change < 256; change++) {
			uint8_t *bytes = exact_copy(buffer, size);

			bytes[i] ^= (uint8_t)change;
			if (!machd_hello_unpack(bytes, size, &back)) {
				ck_assert(back.word == 32 || back.word == 64);
				ck_assert(back.role == MACHD_ROLE_TASK ||
					  back.role == MACHD_ROLE_WATCH);
				ck_assert_uint_le(back.version_oldest, back.version_newest);
			}
			free(bytes);
		}
}
END_TEST

static void add_hello(Suite *suite)
{
	TCase *tests = tcase_create("hello");

	tcase_add_test(tests, hello_round_trip);
	tcase_add_test(tests, hello_round_trip_watcher);
	tcase_add_test(tests, hello_truncated);
	tcase_add_test(tests, hello_buffer_too_small);
	tcase_add_loop_test(tests, hello_by_hand, 0, sizeof hellos / sizeof *hellos);
	tcase_add_test(tests, hello_every_byte_changed);
	tcase_add_test(tests, welcome_round_trip);
	tcase_add_test(tests, welcome_refusal);
	tcase_add_test(tests, welcome_bad);
	suite_add_tcase(suite, tests);
}

int main(void)
{
	Suite *suite = suite_create("hello");
	SRunner *runner = srunner_create(suite);
	int failed;

	add_hello(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
