/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that begin badly. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#include <mach/message.h>

static uint8_t packet[8192];

static const struct machd_hello good = {.version_oldest = 1,
					.version_newest = 1,
					.word = 64,
					.role = MACHD_ROLE_TASK,
					.pid_namespace = 1};

/* A connection that begins with these bytes behind the header is dropped. */
static void is_no_hello(const void *bytes, size_t size)
{
	struct raw raw;

	raw_connect(&raw);
	raw_send(&raw, MACHD_OP_HELLO, 0, bytes, size, NULL, 0);
	raw_dropped(&raw);
	victim_unharmed(1, NULL);
}

START_TEST(test_msgpack_bombs)
{
	static const char *const bombs[] = {
		"\xdd\xff\x00\x00\x00",	    /* an array of four thousand million */
		"\xdf\xff\xff\xff\xff",	    /* a map of as many */
		"\xdb\xff\xff\xff\xff",	    /* a string of as many bytes */
		"\xc6\xff\xff\xff\xff",	    /* binary */
		"\xc9\xff\xff\xff\xff\x01", /* an extension */
		"\x81\xdd\xff\xff\xff\xff", /* as a key */
		"\x81\xa1x\xdd\xff\xff\xff\xff",
		"\x8f",
		"\xc1",
		"\xc0",
		"\x01",
		"\x90",
		"\xa5machd",
	};

	for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++)
		is_no_hello(bombs[i], strlen(bombs[i]));
	is_no_hello("\x80", 1);
	is_no_hello(NULL, 0);
}
END_TEST

START_TEST(test_deep_nesting)
{
	memset(packet, 0x91, sizeof packet);
	is_no_hello(packet, sizeof packet);
	memcpy(packet, "\x81\xa1x", 3);
	is_no_hello(packet, sizeof packet);
	memset(packet, 0x81, sizeof packet);
	is_no_hello(packet, sizeof packet);
}
END_TEST

START_TEST(test_cut_hello)
{
	size_t size = machd_hello_pack(&good, packet, sizeof packet);

	for (size_t part = 0; part < size; part++)
		is_no_hello(packet, part);
	packet[size] = 0xc0;
	is_no_hello(packet, size + 1);
}
END_TEST

START_TEST(test_flipped_hello)
{
	size_t size = machd_hello_pack(&good, packet, sizeof packet);
	uint8_t answer[1024];
	struct raw raw;

	for (size_t bit = 0; bit < size * 8; bit++) {
		packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
		raw_connect(&raw);
		raw_send(&raw, MACHD_OP_HELLO, 0, packet, size, NULL, 0);
		raw_receive(&raw, answer, sizeof answer, NULL);
		raw_close(&raw);
		packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	victim_unharmed(VICTIM_DROPS_ANY, NULL);
}
END_TEST

/* A peer of another time is told so. */
START_TEST(test_versions)
{
	static const uint32_t ranges[][2] = {{2, 2}, {99, 100}};
	struct machd_hello hello = good;
	struct machd_welcome welcome;
	struct raw raw;
	size_t size;

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		hello.version_oldest = ranges[i][0];
		hello.version_newest = ranges[i][1];
		raw_connect(&raw);
		size = machd_hello_pack(&hello, packet, sizeof packet);
		raw_send(&raw, MACHD_OP_HELLO, 0, packet, size, NULL, 0);
		size = raw_receive(&raw, packet, sizeof packet, NULL);
		ck_assert_uint_gt(size, sizeof(struct machd_frame));
		ck_assert_ptr_null(machd_welcome_unpack(packet + sizeof(struct machd_frame),
							size - sizeof(struct machd_frame),
							&welcome));
		ck_assert_uint_eq(welcome.version, 0);
		ck_assert_str_ne(welcome.error, "");
		raw_dropped(&raw);
		victim_unharmed(1, welcome.error);
	}
}
END_TEST

START_TEST(test_other_first_frames)
{
	static const enum machd_op ops[] = {MACHD_OP_MESSAGE, MACHD_OP_CANCEL, MACHD_OP_CALL,
					    MACHD_OP_WATCH};
	struct raw raw;

	memset(packet, 0, sizeof packet);
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		for (uint32_t sequence = 0; sequence < 2; sequence++) {
			raw_connect(&raw);
			raw_send(&raw, ops[i], sequence, packet, 80, NULL, 0);
			raw_dropped(&raw);
			victim_unharmed(1, "hello");
		}
	}
}
END_TEST

START_TEST(test_second_hello)
{
	size_t size = machd_hello_pack(&good, packet, sizeof packet);
	struct raw raw;

	for (uint32_t sequence = 0; sequence < 2; sequence++) {
		raw_join(&raw);
		raw_send(&raw, MACHD_OP_HELLO, sequence, packet, size, NULL, 0);
		raw_dropped(&raw);
		victim_unharmed(1, NULL);
	}
}
END_TEST

START_TEST(test_hello_with_a_sequence)
{
	size_t size = machd_hello_pack(&good, packet, sizeof packet);
	struct raw raw;

	raw_connect(&raw);
	raw_send(&raw, MACHD_OP_HELLO, 1, packet, size, NULL, 0);
	raw_dropped(&raw);
	victim_unharmed(1, NULL);
}
END_TEST

START_TEST(test_hello_with_a_descriptor)
{
	size_t size = machd_hello_pack(&good, packet, sizeof packet);
	int fd = memfd_create("x", MFD_CLOEXEC);
	struct raw raw;

	raw_connect(&raw);
	raw_send(&raw, MACHD_OP_HELLO, 0, packet, size, &fd, 1);
	raw_dropped(&raw);
	close(fd);
	victim_unharmed(1, NULL);
}
END_TEST

/* Nobody gets into a task with a token that is not its own. */
START_TEST(test_wrong_token)
{
	struct machd_hello hello = good;
	struct machd_welcome welcome;
	struct raw raw;
	size_t size;

	hello.joins = true;
	for (int round = 0; round < 3; round++) {
		memcpy(hello.token, victim.client.welcome.token, sizeof hello.token);
		hello.token[round * 7] ^= 0x10;
		raw_connect(&raw);
		size = machd_hello_pack(&hello, packet, sizeof packet);
		raw_send(&raw, MACHD_OP_HELLO, 0, packet, size, NULL, 0);
		size = raw_receive(&raw, packet, sizeof packet, NULL);
		ck_assert_uint_gt(size, sizeof(struct machd_frame));
		ck_assert_ptr_null(machd_welcome_unpack(packet + sizeof(struct machd_frame),
							size - sizeof(struct machd_frame),
							&welcome));
		ck_assert_uint_eq(welcome.version, 0);
		raw_dropped(&raw);
		victim_unharmed(1, "it joins a task that is not its own");
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_msgpack_bombs,
		test_deep_nesting,
		test_cut_hello,
		test_flipped_hello,
		test_versions,
		test_other_first_frames,
		test_second_hello,
		test_wrong_token,
		test_hello_with_a_sequence,
		test_hello_with_a_descriptor,
	};

	return hostile_run("bad hello", tests, sizeof tests / sizeof *tests, victim_setup,
			   victim_stop);
}
