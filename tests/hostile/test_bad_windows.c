/* SPDX-License-Identifier: Apache-2.0 */
/* Boards that are none, and messages without an answer from who was promised nothing. */
#include <fcntl.h>
#include <mach/message.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "protocol/board.h"
#include "protocol/ops.h"
#include "tests/hostile/hostile.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

static const char no_board[] = "what it sends for a board";
static uint8_t packet[1024];

static int memory(size_t size, int seals)
{
	int fd = memfd_create("board", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* Takes the descriptor. */
static void is_refused(int fd, const char *reason)
{
	struct raw raw;

	raw_join(&raw);
	raw_send(&raw, MACHD_OP_BOARD, 1, NULL, 0, &fd, 1);
	close(fd);
	raw_dropped(&raw);
	victim_unharmed(1, reason);
}

START_TEST(test_memory_that_may_go_away)
{
	is_refused(memory(MACHD_BOARD_SIZE, 0), no_board);
	is_refused(memory(MACHD_BOARD_SIZE, F_SEAL_SHRINK), no_board);
	is_refused(memory(MACHD_BOARD_SIZE, F_SEAL_GROW), no_board);
	is_refused(memory(MACHD_BOARD_SIZE - 1, SEALS), no_board);
	is_refused(memory(0, SEALS), no_board);
	is_refused(memory(2 * MACHD_BOARD_SIZE, SEALS), no_board);
	is_refused(memory(MACHD_BOARD_SIZE, SEALS | F_SEAL_WRITE), no_board);
	is_refused(open("/dev/zero", O_RDWR | O_CLOEXEC), no_board);
}
END_TEST

/* It can be a board, but nobody can write to it: its owner sees no window, and that is all. */
static void is_of_no_use(int fd)
{
	struct raw raw;

	ck_assert_int_ge(fd, 0);
	raw_join(&raw);
	ck_assert(raw_send(&raw, MACHD_OP_BOARD, ++raw.sequence, NULL, 0, &fd, 1));
	ck_assert_uint_gt(raw_receive(&raw, packet, sizeof packet, NULL), 0);
	close(fd);
	raw_close(&raw);
	victim_unharmed(0, NULL);
}

START_TEST(test_memory_for_reading_only)
{
	int fd = memory(MACHD_BOARD_SIZE, SEALS), reader;
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	is_of_no_use(reader);
	is_of_no_use(memory(MACHD_BOARD_SIZE, SEALS | F_SEAL_FUTURE_WRITE));
}
END_TEST

START_TEST(test_board_with_more_or_less)
{
	static const char reason[] = "it wants a board without the memory for one";
	int fd = memory(MACHD_BOARD_SIZE, SEALS), two[] = {fd, fd};
	struct raw raw;

	raw_join(&raw);
	raw_send(&raw, MACHD_OP_BOARD, 1, NULL, 0, NULL, 0);
	raw_dropped(&raw);
	raw_join(&raw);
	raw_send(&raw, MACHD_OP_BOARD, 1, NULL, 0, two, 2);
	raw_dropped(&raw);
	raw_join(&raw);
	raw_send(&raw, MACHD_OP_BOARD, 1, "1234", 4, &fd, 1);
	raw_dropped(&raw);
	close(fd);
	victim_unharmed(3, reason);
}
END_TEST

/* A message, or what is read as something else, with a flag. */
static void send_flagged(struct raw *raw, uint32_t flags, enum machd_op op)
{
	struct raw_message message = raw_message(raw->welcome.self, MACH_MSG_TYPE_COPY_SEND);
	size_t size = raw_frame(packet, op, raw->sequence + 1, &message, sizeof message);

	((struct machd_frame *)packet)->flags = flags;
	raw_packet(raw, packet, size, NULL, 0);
}

static void join_with_board(struct raw *raw)
{
	int fd = memory(MACHD_BOARD_SIZE, SEALS);

	raw_join(raw);
	ck_assert(raw_send(raw, MACHD_OP_BOARD, ++raw->sequence, NULL, 0, &fd, 1));
	ck_assert_uint_gt(raw_receive(raw, packet, sizeof packet, NULL), 0);
	close(fd);
}

START_TEST(test_nothing_was_promised)
{
	struct raw raw;

	raw_join(&raw);
	send_flagged(&raw, MACHD_REQUEST_UNANSWERED, MACHD_OP_MESSAGE);
	raw_dropped(&raw);
	join_with_board(&raw);
	send_flagged(&raw, MACHD_REQUEST_UNANSWERED, MACHD_OP_MESSAGE);
	raw_dropped(&raw);
	victim_unharmed(2, "than it was promised");
}
END_TEST

/* As send_flagged(), on a fresh channel with a board; it is the last. */
static void sends_last(uint32_t flags, uint32_t disposition, uint64_t option)
{
	struct raw_message message;
	struct raw raw;
	size_t size;

	join_with_board(&raw);
	message = raw_message(raw.welcome.self, disposition);
	message.args.option = option;
	size = raw_frame(packet, MACHD_OP_MESSAGE, raw.sequence + 1, &message, sizeof message);
	((struct machd_frame *)packet)->flags = flags;
	raw_packet(&raw, packet, size, NULL, 0);
	raw_dropped(&raw);
}

START_TEST(test_replies_that_are_none)
{
	const uint64_t sends = MACH_SEND_MSG | MACH64_SEND_ANY;

	sends_last(MACHD_REQUEST_UNANSWERED | MACHD_REQUEST_REPLY, MACH_MSG_TYPE_COPY_SEND, sends);
	sends_last(MACHD_REQUEST_UNANSWERED, MACH_MSG_TYPE_MOVE_SEND_ONCE, sends);
	sends_last(MACHD_REQUEST_LOAN | MACHD_REQUEST_REPLY, MACH_MSG_TYPE_MOVE_SEND_ONCE,
		   MACH_RCV_MSG);
	victim_unharmed(3, "it sends a reply that is none");
}
END_TEST

START_TEST(test_replies_that_nobody_promised)
{
	sends_last(MACHD_REQUEST_UNANSWERED | MACHD_REQUEST_REPLY, MACH_MSG_TYPE_MOVE_SEND_ONCE,
		   MACH_SEND_MSG | MACH64_SEND_ANY);
	victim_unharmed(1, "than it was promised");
}
END_TEST

START_TEST(test_flags_of_other_requests)
{
	static const enum machd_op ops[] = {MACHD_OP_CALL,   MACHD_OP_WATCH,	MACHD_OP_CANCEL,
					    MACHD_OP_BELL,   MACHD_OP_FILEPORT, MACHD_OP_BOARD,
					    MACHD_OP_MESSAGE};
	enum { COUNT = sizeof ops / sizeof *ops };

	for (unsigned i = 0; i < COUNT; i++) {
		struct raw raw;

		join_with_board(&raw);
		send_flagged(&raw,
			     ops[i] == MACHD_OP_MESSAGE ? MACHD_REQUEST_UNANSWERED | 2
							: MACHD_REQUEST_UNANSWERED,
			     ops[i]);
		raw_dropped(&raw);
	}
	victim_unharmed(COUNT, "has flags that are not for it");
}
END_TEST

/*
 * A client that takes its window for wider than it is: what it was promised is queued, and the next
 * message is its last. The port's queue never has more than its limit.
 */
START_TEST(test_more_than_was_promised)
{
	struct mach_port_insert_right_in insert;
	struct raw_message message;
	struct raw raw;
	uint32_t port;
	size_t size;

	join_with_board(&raw);
	port = raw_port(&raw);
	insert = (struct mach_port_insert_right_in){port, port, MACH_MSG_TYPE_MAKE_SEND};
	ck_assert_uint_eq(raw_call(&raw, MACHD_ROUTINE_mach_port_insert_right, raw.welcome.self,
				   &insert, sizeof insert, NULL, 0),
			  0);
	message = raw_message(port, MACH_MSG_TYPE_COPY_SEND);
	size = raw_frame(packet, MACHD_OP_MESSAGE, ++raw.sequence, &message, sizeof message);
	((struct machd_frame *)packet)->flags = MACHD_REQUEST_WINDOW;
	ck_assert(raw_packet(&raw, packet, size, NULL, 0));
	ck_assert_uint_gt(raw_receive(&raw, packet, sizeof packet, NULL), 0);
	for (unsigned i = 0; i < 5; i++) {
		message.args.rcv_address = i % 2 ? 0 : UINT64_MAX; /* stamps of all kinds */
		size = raw_frame(packet, MACHD_OP_MESSAGE, ++raw.sequence, &message,
				 sizeof message);
		((struct machd_frame *)packet)->flags = MACHD_REQUEST_UNANSWERED;
		raw_packet(&raw, packet, size, NULL, 0);
	}
	raw_dropped(&raw);
	victim_unharmed(1, "than it was promised");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_memory_that_may_go_away, test_memory_for_reading_only,
		test_board_with_more_or_less, test_nothing_was_promised,
		test_flags_of_other_requests, test_more_than_was_promised,
		test_replies_that_are_none,   test_replies_that_nobody_promised,
	};

	return hostile_run("bad_windows", tests, sizeof tests / sizeof *tests, victim_setup,
			   victim_stop);
}
