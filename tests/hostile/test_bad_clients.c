/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that die at any moment, never read, come in crowds or use up what there is. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/ops.h"
#include "tests/hostile/hostile.h"

#include <mach/message.h>

static uint8_t packet[65536];

/* One more call; false if the victim takes no more for now. */
static bool ask(struct raw *raw)
{
	struct {
		struct machd_call call;
		struct mach_port_type_in in;
	} call = {{MACHD_ROUTINE_mach_port_type, raw->welcome.self}, {raw->welcome.self}};
	size_t size = raw_frame(packet, MACHD_OP_CALL, raw->sequence + 1, &call, sizeof call);

	if (send(raw->fd, packet, size, MSG_NOSIGNAL) < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		return false;
	}
	raw->sequence++;
	return true;
}

/*
 * Asks until the victim takes no more: its own answers fill the way to us, so it does not read
 * us any more. By the time it has served the innocents twice it has read all it wants.
 */
static void ask_until_stuck(struct raw *raw)
{
	struct pollfd writable = {raw->fd, POLLOUT, 0};

	ck_assert_int_eq(fcntl(raw->fd, F_SETFL, O_NONBLOCK), 0);
	do {
		while (ask(raw))
			;
		victim_serves();
		victim_serves();
	} while (poll(&writable, 1, 0) == 1);
	ck_assert_int_eq(fcntl(raw->fd, F_SETFL, 0), 0);
}

START_TEST(test_never_reads)
{
	struct raw raw;

	raw_join(&raw);
	ask_until_stuck(&raw);
	ck_assert_uint_gt(raw.sequence, 16);
	ck_assert_uint_eq(victim_descriptors(), victim.descriptors + 1);
	raw_close(&raw);
	victim_unharmed(0, NULL);
}
END_TEST

/* Then it reads after all: every answer is there, in order. */
START_TEST(test_reads_late)
{
	struct raw raw;

	raw_join(&raw);
	ask_until_stuck(&raw);
	for (uint32_t i = 1; i <= raw.sequence; i++) {
		ck_assert_uint_gt(raw_receive(&raw, packet, sizeof packet, NULL), 0);
		ck_assert_uint_eq(((struct machd_frame *)packet)->sequence, i);
	}
	raw_port(&raw);
	raw_close(&raw);
	victim_unharmed(0, NULL);
}
END_TEST

/* Receives messages with a memfd and does not take them: one may be under way, not two. */
START_TEST(test_never_reads_descriptors)
{
	struct raw raw;
	struct raw_message message;
	struct machd_message_args receive = {.option = MACH_RCV_MSG, .rcv_size = 200000};
	struct pollfd hung_up = {.events = 0}; /* POLLHUP comes unasked */
	int fd;

	raw_join(&raw);
	hung_up.fd = raw.fd;
	receive.rcv_name = raw_port(&raw);
	message = raw_message(receive.rcv_name, MACH_MSG_TYPE_MAKE_SEND);
	message.args.send_size = message.size = sizeof(mach_msg_header_t) + 100000;
	for (int i = 0; i < 2; i++) {
		fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		ck_assert_int_eq(ftruncate(fd, 100000), 0);
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
				 0);
		raw_send(&raw, MACHD_OP_MESSAGE, ++raw.sequence, &message, sizeof message, &fd, 1);
		close(fd);
		ck_assert_uint_gt(raw_receive(&raw, packet, sizeof packet, NULL), 0);
	}
	raw_send(&raw, MACHD_OP_MESSAGE, ++raw.sequence, &receive, sizeof receive, NULL, 0);
	raw_send(&raw, MACHD_OP_MESSAGE, ++raw.sequence, &receive, sizeof receive, NULL, 0);
	/* The first answer may be read only when the second one was refused. */
	ck_assert_int_eq(poll(&hung_up, 1, 40000), 1);
	raw_dropped(&raw);
	victim_unharmed(1, "it asks again before it has read its answer");
}
END_TEST

/* Closes only its sending half, or only its receiving half. */
START_TEST(test_half_closed)
{
	static const int halves[] = {SHUT_WR, SHUT_RD, SHUT_RDWR};
	struct raw raw;

	for (int i = 0; i < 3; i++) {
		raw_join(&raw);
		ck_assert_int_eq(shutdown(raw.fd, halves[i]), 0);
		if (halves[i] == SHUT_RD) {
			ask(&raw);
		}
		raw_dropped(&raw);
	}
	victim_unharmed(0, NULL);
}
END_TEST

/*
 * Check notes in a file that all its processes share how far each has come. Who is killed while it
 * writes there leaves half a note, so it must have none of what it inherited.
 */
static void give_up_descriptors_but(int kept)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = STDERR_FILENO + 1; fd < null; fd++)
		if (fd != kept && fcntl(fd, F_GETFD) >= 0)
			dup2(null, fd);
}

/* One step after the other; after each the parent may kill us. */
static void live_until_killed(int progress)
{
	struct machd_message_args receive = {.option = MACH_RCV_MSG, .rcv_size = 256};
	struct raw_message message;
	struct raw raw;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	give_up_descriptors_but(progress);
	for (;;) {
		raw_connect(&raw);
		(void)!write(progress, "", 1);
		raw_close(&raw);
		raw_join(&raw);
		(void)!write(progress, "", 1);
		receive.rcv_name = raw_port(&raw);
		(void)!write(progress, "", 1);
		message = raw_message(receive.rcv_name, MACH_MSG_TYPE_MAKE_SEND);
		raw_send(&raw, MACHD_OP_MESSAGE, ++raw.sequence, &message, sizeof message, NULL, 0);
		(void)!write(progress, "", 1);
		raw_receive(&raw, packet, sizeof packet, NULL);
		message = raw_message(victim.send, MACH_MSG_TYPE_COPY_SEND);
		raw_send(&raw, MACHD_OP_MESSAGE, ++raw.sequence, &message, sizeof message, NULL, 0);
		raw_receive(&raw, packet, sizeof packet, NULL);
		(void)!write(progress, "", 1);
		raw_send(&raw, MACHD_OP_MESSAGE, ++raw.sequence, &receive, sizeof receive, NULL, 0);
		(void)!write(progress, "", 1);
		raw_receive(&raw, packet, sizeof packet, NULL);
		raw_send(&raw, MACHD_OP_MESSAGE, ++raw.sequence, &receive, sizeof receive, NULL, 0);
		(void)!write(progress, "", 1);
		raw_close(&raw);
	}
}

START_TEST(test_killed_at_every_step)
{
	char bytes[32];
	int progress[2], status;
	pid_t child;

	for (unsigned round = 0; round < 150; round++) {
		ck_assert_int_eq(pipe2(progress, O_CLOEXEC), 0);
		child = fork();
		ck_assert_int_ge(child, 0);
		if (child == 0)
			live_until_killed(progress[1]);
		close(progress[1]);
		/* The child goes on while we decide: it is hit somewhere behind its step. */
		for (unsigned left = round % 22; left > 0; left--)
			ck_assert_int_gt(read(progress[0], bytes, 1), 0);
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
		close(progress[0]);
	}
	victim_unharmed(0, NULL);
}
END_TEST

START_TEST(test_comes_and_goes_2000_times)
{
	struct raw raw;

	for (unsigned i = 0; i < 2000; i++) {
		if (i % 2)
			raw_join(&raw);
		else
			raw_connect(&raw);
		raw_close(&raw);
	}
	victim_unharmed(0, NULL);
}
END_TEST

START_TEST(test_crowd)
{
	static struct raw crowd[1500];
	struct rlimit limit;
	size_t count = sizeof crowd / sizeof *crowd;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < count + 64)
		count = limit.rlim_cur - 64;
	for (size_t i = 0; i < count; i++)
		raw_join(&crowd[i]);
	ck_assert_uint_eq(victim_descriptors(), victim.descriptors + count);
	victim_serves();
	for (size_t i = 0; i < count; i++)
		raw_port(&crowd[i]);
	for (size_t i = 0; i < count; i++)
		raw_close(&crowd[i]);
	victim_unharmed(0, NULL);
}
END_TEST

/* A connection beyond what the victim has room for is closed; does this one live? */
static bool is_taken(const struct raw *raw)
{
	static const struct machd_hello hello = {.version_oldest = 1,
						 .version_newest = 1,
						 .word = 64,
						 .role = MACHD_ROLE_TASK,
						 .pid_namespace = 1};
	uint8_t bytes[MACHD_HELLO_SIZE_MAX];
	size_t size = machd_hello_pack(&hello, bytes, sizeof bytes);

	return raw_send(raw, MACHD_OP_HELLO, 0, bytes, size, NULL, 0) &&
	       raw_receive(raw, packet, sizeof packet, NULL) > 0;
}

START_TEST(test_victim_without_descriptors)
{
	struct raw crowd[120], late;
	unsigned taken = 0;

	victim_start(64);
	for (int i = 0; i < 120; i++)
		raw_connect(&crowd[i]);
	for (int i = 0; i < 120; i++)
		taken += is_taken(&crowd[i]);
	ck_assert_uint_gt(taken, 16);
	ck_assert_uint_lt(taken, 64);
	ck_assert_uint_eq(victim_descriptors(), victim.descriptors + taken);
	ck_assert_uint_eq(victim_lines("cannot take more connections"), 1);
	victim_serves();
	for (int i = 0; i < 120; i++)
		raw_close(&crowd[i]);
	victim_unharmed(0, NULL);
	raw_join(&late);
	raw_port(&late);
	raw_close(&late);
	victim_stop();
}
END_TEST

/* Memfds in messages leave room for connections: the message is refused, not its sender. */
START_TEST(test_memfds_use_up_descriptors)
{
	struct raw raw, late;
	struct raw_message message;
	struct machd_message_answer answer;
	unsigned held = 0;
	int fd;

	victim_start(64);
	raw_join(&raw);
	fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(ftruncate(fd, 100000), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	do {
		message = raw_message(raw_port(&raw), MACH_MSG_TYPE_MAKE_SEND);
		message.args.send_size = message.size = sizeof(mach_msg_header_t) + 100000;
		raw_send(&raw, MACHD_OP_MESSAGE, ++raw.sequence, &message, sizeof message, &fd, 1);
		ck_assert_uint_gt(raw_receive(&raw, packet, sizeof packet, NULL), 0);
		memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
		held += answer.code == MACH_MSG_SUCCESS;
	} while (answer.code == MACH_MSG_SUCCESS);
	ck_assert_uint_eq(answer.code, MACH_SEND_NO_BUFFER);
	ck_assert_uint_gt(held, 4);
	ck_assert_uint_lt(held, 64);
	ck_assert_uint_eq(victim_lines("machd may not open more descriptors"), 1);
	close(fd);
	raw_join(&late);
	raw_close(&late);
	raw_close(&raw);
	victim_unharmed(0, NULL);
	victim_stop();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_reads_late,
		test_never_reads,
		test_never_reads_descriptors,
		test_half_closed,
		test_killed_at_every_step,
		test_crowd,
		test_comes_and_goes_2000_times,
	};
	const TTest *const starving[] = {
		test_victim_without_descriptors,
		test_memfds_use_up_descriptors,
	};

	return hostile_run("bad clients", tests, sizeof tests / sizeof *tests, victim_setup,
			   victim_stop) |
	       hostile_run("starving", starving, sizeof starving / sizeof *starving, NULL, NULL);
}
