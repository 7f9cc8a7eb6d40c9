/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors for event loops that are none, or whose client does with them what it should not:
 * the victim writes to nothing but a pair of the client's own sockets, never waits there, and keeps
 * nothing for who does not listen.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/ops.h"
#include "tests/hostile/hostile.h"

#include <mach/message.h>

static const char no_pair[] = "what it sends to be told of events is no pair of its own sockets";

static void make_pair(int pair[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

/* Ask for a bell with these; its id. */
static uint64_t make_bell(struct raw *raw, const int fds[2])
{
	struct machd_bell_answer answer;
	uint8_t packet[256];

	ck_assert(raw_send(raw, MACHD_OP_BELL, ++raw->sequence, NULL, 0, fds, 2));
	ck_assert_uint_eq(raw_receive(raw, packet, sizeof packet, NULL),
			  sizeof(struct machd_frame) + sizeof answer);
	memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
	ck_assert_uint_eq(answer.code, 0);
	return answer.bell;
}

static void hang(struct raw *raw, uint64_t bell, uint32_t port)
{
	struct machd_bell_add_in in = {.bell = bell, .name = port};
	struct machd_bell_add_out out;

	ck_assert_uint_eq(raw_call(raw, MACHD_ROUTINE_machd_bell_add, raw->welcome.self, &in,
				   sizeof in, &out, sizeof out),
			  0);
}

/* Send a message to a port of our own and take it, so that its bells ring and stop. */
static void ring(struct raw *raw, uint32_t port)
{
	struct raw_message message = raw_message(port, MACH_MSG_TYPE_MAKE_SEND);
	struct machd_message_args receive = {
		.option = MACH_RCV_MSG, .rcv_size = 256, .rcv_name = port};
	uint8_t packet[512];

	ck_assert(raw_send(raw, MACHD_OP_MESSAGE, ++raw->sequence, &message, sizeof message, NULL,
			   0));
	ck_assert_uint_gt(raw_receive(raw, packet, sizeof packet, NULL), 0);
	ck_assert(raw_send(raw, MACHD_OP_MESSAGE, ++raw->sequence, &receive, sizeof receive, NULL,
			   0));
	ck_assert_uint_gt(raw_receive(raw, packet, sizeof packet, NULL), 0);
}

/* `fds` are closed here. */
static void is_refused(const int fds[2])
{
	struct raw raw;

	ck_assert_int_ge(fds[0], 0);
	ck_assert_int_ge(fds[1], 0);
	raw_join(&raw);
	ck_assert(raw_send(&raw, MACHD_OP_BELL, ++raw.sequence, NULL, 0, fds, 2));
	raw_dropped(&raw);
	close(fds[0]);
	if (fds[1] != fds[0])
		close(fds[1]);
	victim_unharmed(1, no_pair);
}

START_TEST(test_a_good_pair)
{
	struct raw raw;
	uint32_t port;
	int pair[2];

	raw_join(&raw);
	port = raw_port(&raw);
	make_pair(pair);
	hang(&raw, make_bell(&raw, pair), port);
	close(pair[0]);
	ring(&raw, port);
	ck_assert_int_eq(poll(&(struct pollfd){pair[1], POLLIN, 0}, 1, 0), 0);
	/* What the victim holds for it goes with the connection. */
	raw_close(&raw);
	close(pair[1]);
	victim_unharmed(0, NULL);
}
END_TEST

START_TEST(test_other_kinds_of_descriptors)
{
	int fds[2], memfd;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	is_refused(fds);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	is_refused(fds);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
	is_refused(fds);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[1] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	is_refused(fds);
	fds[0] = eventfd(0, EFD_CLOEXEC);
	fds[1] = open("/dev/null", O_RDWR | O_CLOEXEC);
	is_refused(fds);
	/* Sealed as the body of a message is. */
	memfd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	is_refused((int[]){memfd, memfd});
	/* One of the two is good. */
	make_pair(fds);
	close(fds[1]);
	fds[1] = open("/dev/null", O_RDWR | O_CLOEXEC);
	is_refused(fds);
}
END_TEST

/* What is sent there would come from the victim: to itself, or to another service. */
START_TEST(test_a_connection_to_somebody_else)
{
	struct raw other;
	int fds[2];

	raw_join(&other);
	fds[0] = other.fd;
	fds[1] = dup(other.fd);
	is_refused(fds);
	fds[0] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	fds[1] = dup(fds[0]);
	is_refused(fds);
}
END_TEST

START_TEST(test_wrong_numbers_of_descriptors)
{
	struct raw raw;
	int pair[2];

	make_pair(pair);
	for (unsigned count = 0; count < 4; count++) {
		if (count == 2)
			continue;
		raw_join(&raw);
		ck_assert(raw_send(&raw, MACHD_OP_BELL, ++raw.sequence, NULL, 0,
				   (int[]){pair[0], pair[1], pair[0]}, count));
		raw_dropped(&raw);
		victim_unharmed(1, "without the two that make one");
	}
	raw_join(&raw);
	ck_assert(raw_send(&raw, MACHD_OP_BELL, ++raw.sequence, "body", 4, pair, 2));
	raw_dropped(&raw);
	victim_unharmed(1, "without the two that make one");
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* The pair is full, in either direction, and its sockets may block. */
START_TEST(test_a_pair_that_is_full)
{
	static const char bytes[4096];
	struct raw raw;
	uint32_t port;
	int pair[2];

	raw_join(&raw);
	port = raw_port(&raw);
	make_pair(pair);
	for (int i = 0; i < 2; i++)
		while (send(pair[i], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
			;
	hang(&raw, make_bell(&raw, pair), port);
	for (int i = 0; i < 300; i++)
		ring(&raw, port);
	raw_close(&raw);
	close(pair[0]);
	close(pair[1]);
	victim_unharmed(0, NULL);
}
END_TEST

/* The client takes what it should not, or breaks its pair. */
START_TEST(test_a_pair_that_is_read_and_shut)
{
	struct raw raw;
	uint32_t port;
	int pair[2];
	char byte;

	raw_join(&raw);
	port = raw_port(&raw);
	make_pair(pair);
	hang(&raw, make_bell(&raw, pair), port);
	for (int i = 0; i < 3; i++) {
		ring(&raw, port);
		recv(pair[1], &byte, 1, MSG_DONTWAIT);
		ring(&raw, port);
		send(pair[0], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (i == 1)
			shutdown(pair[1], SHUT_RDWR);
	}
	/* Twice the same end: the victim talks to itself. */
	hang(&raw, make_bell(&raw, (int[]){pair[0], pair[0]}), port);
	ring(&raw, port);
	raw_close(&raw);
	close(pair[0]);
	close(pair[1]);
	victim_unharmed(0, NULL);
}
END_TEST

START_TEST(test_more_than_there_may_be)
{
	struct machd_bell_answer answer = {.code = 0};
	unsigned made = 0;
	uint8_t packet[256];
	struct raw raw;
	int pair[2];

	raw_join(&raw);
	make_pair(pair);
	while (answer.code == 0) {
		ck_assert(raw_send(&raw, MACHD_OP_BELL, ++raw.sequence, NULL, 0, pair, 2));
		ck_assert_uint_gt(raw_receive(&raw, packet, sizeof packet, NULL), 0);
		memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
		made += answer.code == 0;
	}
	ck_assert_uint_eq(answer.code, KERN_RESOURCE_SHORTAGE);
	ck_assert_uint_eq(answer.bell, 0);
	ck_assert_uint_le(made, 1024);
	victim_serves();
	raw_close(&raw);
	close(pair[0]);
	close(pair[1]);
	victim_unharmed(0, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_a_good_pair,
		test_other_kinds_of_descriptors,
		test_a_connection_to_somebody_else,
		test_wrong_numbers_of_descriptors,
		test_a_pair_that_is_full,
		test_a_pair_that_is_read_and_shut,
		test_more_than_there_may_be,
	};

	return hostile_run("bad bells", tests, sizeof tests / sizeof *tests, victim_setup,
			   victim_stop);
}
