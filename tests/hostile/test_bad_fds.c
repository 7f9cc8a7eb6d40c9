/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors where none belong, of the wrong kind, or too many of them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/hostile/hostile.h"

#include <mach/message.h>

#define SEALS	  (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define BODY_SIZE 100000

static uint8_t packet[4096];

static int memfd(size_t size, int seals)
{
	int fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* A message to a port of our own with its header in the frame and its body in a descriptor. */
static struct raw_message big_message(struct raw *raw)
{
	struct raw_message message = raw_message(raw_port(raw), MACH_MSG_TYPE_MAKE_SEND);

	message.args.send_size = message.size = sizeof(mach_msg_header_t) + BODY_SIZE;
	return message;
}

/* Send big_message() with this descriptor, which is closed here. */
static void send_with(struct raw *raw, int fd)
{
	struct raw_message message;

	ck_assert_int_ge(fd, 0);
	raw_join(raw);
	message = big_message(raw);
	ck_assert(
		raw_send(raw, MACHD_OP_MESSAGE, ++raw->sequence, &message, sizeof message, &fd, 1));
	close(fd);
}

static void is_answered(struct raw *raw, uint32_t expected)
{
	uint32_t code;

	ck_assert_uint_ge(raw_receive(raw, packet, sizeof packet, NULL),
			  sizeof(struct machd_frame) + sizeof code);
	memcpy(&code, packet + sizeof(struct machd_frame), sizeof code);
	ck_assert_uint_eq(code, expected);
}

/* With a code, and the client goes on. */
static void is_refused(int fd)
{
	struct raw raw;

	send_with(&raw, fd);
	is_answered(&raw, MACH_SEND_INVALID_MEMORY);
	raw_port(&raw);
	raw_close(&raw);
	victim_unharmed(0, NULL);
}

START_TEST(test_good_memfd)
{
	struct raw raw;

	send_with(&raw, memfd(BODY_SIZE, SEALS));
	is_answered(&raw, MACH_MSG_SUCCESS);
	ck_assert_uint_eq(victim_descriptors(), victim.descriptors + 2);
	/* The message dies with its port, and the memfd with the message. */
	raw_close(&raw);
	victim_unharmed(0, NULL);
}
END_TEST

START_TEST(test_wrong_kinds)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	char path[] = "machd-body-XXXXXX";
	int pair[2], file;

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	is_refused(pair[0]);
	is_refused(pair[1]);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, pair), 0);
		is_refused(pair[0]);
		close(pair[1]);
	}
	is_refused(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	is_refused(open("/tmp", O_RDONLY | O_CLOEXEC));
	is_refused(open("/tmp", O_PATH | O_CLOEXEC));
	is_refused(open("/dev/zero", O_RDWR | O_CLOEXEC));
	is_refused(epoll_create1(EPOLL_CLOEXEC));
	file = mkostemp(path, O_CLOEXEC);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(ftruncate(file, BODY_SIZE), 0);
	is_refused(file);
}
END_TEST

/* A connection whose other end only the victim itself has: it ends when the message is refused. */
START_TEST(test_connection_given_to_the_victim)
{
	struct raw raw;
	int fd;

	raw_join(&raw);
	fd = dup(raw.fd);
	raw_close(&raw);
	is_refused(fd);
}
END_TEST

START_TEST(test_memfds_that_can_change)
{
	static const int seals[] = {
		0,
		F_SEAL_SHRINK | F_SEAL_GROW,
		F_SEAL_SHRINK | F_SEAL_WRITE,
		F_SEAL_GROW | F_SEAL_WRITE,
		F_SEAL_SEAL,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE,
	};
	int mapped = memfd(BODY_SIZE, F_SEAL_SHRINK | F_SEAL_GROW);

	for (size_t i = 0; i < sizeof seals / sizeof *seals; i++)
		is_refused(memfd(BODY_SIZE, seals[i]));
	/* Who can write to it cannot seal it, either. */
	ck_assert_ptr_ne(mmap(NULL, BODY_SIZE, PROT_WRITE, MAP_SHARED, mapped, 0), MAP_FAILED);
	ck_assert_int_eq(fcntl(mapped, F_ADD_SEALS, F_SEAL_WRITE), -1);
	is_refused(mapped);
}
END_TEST

START_TEST(test_memfds_of_another_length)
{
	is_refused(memfd(0, SEALS));
	is_refused(memfd(BODY_SIZE - 1, SEALS));
	is_refused(memfd(BODY_SIZE + 1, SEALS));
	is_refused(memfd((size_t)1 << 40, SEALS));
}
END_TEST

/* Sealed, but its receiver could not read it. */
START_TEST(test_memfd_for_writing_only)
{
	char path[64];
	int fd = memfd(BODY_SIZE, 0), writer;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	writer = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(writer, 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	close(fd);
	is_refused(writer);
}
END_TEST

/* `count` descriptors come, the frame says `stated`. */
static void drops_count(unsigned count, unsigned stated, const char *reason)
{
	int fd = memfd(BODY_SIZE, SEALS), fds[254];
	struct raw_message message;
	struct raw raw;
	size_t size;

	for (unsigned i = 0; i < count; i++)
		fds[i] = fd;
	raw_join(&raw);
	message = big_message(&raw);
	size = raw_frame(packet, MACHD_OP_MESSAGE, 2, &message, sizeof message);
	((struct machd_frame *)packet)->fds = (uint16_t)stated;
	raw_packet(&raw, packet, size, fds, count);
	raw_dropped(&raw);
	close(fd);
	victim_unharmed(1, reason);
}

START_TEST(test_wrong_counts)
{
	static const char reason[] = "states another number of descriptors than came with it";

	drops_count(0, 1, reason);
	drops_count(1, 0, reason);
	drops_count(1, 2, reason);
	drops_count(2, 1, reason);
	drops_count(2, 2, "it sends a descriptor that nothing needs");
	drops_count(MACHD_FRAME_FDS_MAX, MACHD_FRAME_FDS_MAX,
		    "it sends a descriptor that nothing needs");
	drops_count(MACHD_FRAME_FDS_MAX + 1, MACHD_FRAME_FDS_MAX + 1, reason);
	drops_count(253, 1, reason);
	drops_count(253, 253, reason);
}
END_TEST

START_TEST(test_descriptors_without_bytes)
{
	int fd = memfd(BODY_SIZE, SEALS), fds[] = {fd, fd, fd};
	struct raw raw;

	raw_join(&raw);
	raw_packet(&raw, "", 0, fds, 3);
	raw_dropped(&raw);
	raw_connect(&raw);
	raw_packet(&raw, "x", 1, fds, 3);
	raw_dropped(&raw);
	close(fd);
	victim_unharmed(2, "is shorter than a header");
}
END_TEST

/* An operation that takes no descriptor. */
START_TEST(test_descriptor_with_a_call)
{
	int fd = memfd(BODY_SIZE, SEALS);
	struct raw raw;

	raw_join(&raw);
	memset(packet, 0, 64);
	raw_send(&raw, MACHD_OP_CALL, 1, packet, 64, &fd, 1);
	raw_dropped(&raw);
	close(fd);
	victim_unharmed(1, NULL);
}
END_TEST

/* The sender closes before the victim has read the packet. */
START_TEST(test_descriptors_of_the_dead)
{
	int fd = memfd(BODY_SIZE, SEALS), fds[253];
	unsigned drops = victim_lines("dropped pid ");
	struct raw_message message;
	struct raw raw;

	for (unsigned i = 0; i < 253; i++)
		fds[i] = fd;
	for (unsigned round = 0; round < 50; round++) {
		raw_join(&raw);
		message = big_message(&raw);
		raw_send(&raw, MACHD_OP_MESSAGE, 2, &message, sizeof message, fds,
			 round % 2 ? 1 : 253);
		raw_close(&raw);
	}
	close(fd);
	victim_serves();
	while (victim_lines("dropped pid ") < drops + 25)
		victim_serves();
	victim_unharmed(25, "states another number of descriptors than came with it");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_good_memfd,
		test_wrong_kinds,
		test_memfds_that_can_change,
		test_memfds_of_another_length,
		test_connection_given_to_the_victim,
		test_memfd_for_writing_only,
		test_wrong_counts,
		test_descriptors_of_the_dead,
		test_descriptors_without_bytes,
		test_descriptor_with_a_call,
	};

	return hostile_run("bad descriptors", tests, sizeof tests / sizeof *tests, victim_setup,
			   victim_stop);
}
