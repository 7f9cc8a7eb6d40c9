/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon that is kept from going on between putting an answer into the ring and asking whether
 * somebody sleeps: its client may have the answer by then and sleep for the next one, and is told
 * to look at a ring with nothing in it. A thread of this test plays such a daemon, as slow as it
 * can be: it answers a routine when the client sleeps where packets wake it, and has been woken for
 * nothing.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "protocol/ring.h"
#include "tests/flow/flow.h"
#include "tests/flow/flow_fake.h"

/* What the routine gives. */
#define NAME 0x507

/* The answer to a routine with one result. */
struct answer {
	struct machd_frame frame;
	struct machd_call_answer call;
	uint32_t name;
};

static struct {
	struct flow_fake at;
	int fd;
	pthread_t thread;
	bool by_packet; /* how the answer comes, */
	bool asleep;	/* and when: the client sleeps again */
	struct machd_ring in, out;
} slow;

static void give_ring(uint32_t sequence)
{
	struct {
		struct machd_frame frame;
		struct machd_ring_answer answer;
	} packet = {.frame = {.length = sizeof packet,
			      .op = MACHD_OP_RING | MACHD_OP_ANSWER,
			      .fds = MACHD_RING_FDS,
			      .sequence = sequence}};
	int fds[MACHD_RING_FDS] = {memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING),
				   eventfd(0, EFD_CLOEXEC)};
	struct machd_rings *shared;

	CHECK(ftruncate(fds[0], sizeof *shared) == 0);
	CHECK(fcntl(fds[0], F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	CHECK(shared != MAP_FAILED);
	machd_ring_init(&slow.in, shared, false);
	machd_ring_init(&slow.out, shared, true);
	flow_fake_send(slow.fd, &packet, sizeof packet, fds, MACHD_RING_FDS);
	close(fds[0]);
	close(fds[1]);
}

static void send_look(void)
{
	struct machd_frame look = {.length = sizeof look, .op = MACHD_OP_LOOK | MACHD_OP_ANSWER};

	flow_fake_send(slow.fd, &look, sizeof look, NULL, 0);
}

/* Has the client given up? */
static bool is_gone(void)
{
	struct machd_frame frame;

	return recv(slow.fd, &frame, sizeof frame, MSG_DONTWAIT) == 0;
}

/* Wait until the client sleeps, where packets wake it or anyhow; false: it never will. */
static bool await_sleep(bool on_socket)
{
	enum machd_ring_sleep sleeps;

	do {
		if (is_gone())
			return false;
		sched_yield();
		sleeps = machd_ring_sleeps(&slow.out);
	} while (on_socket ? sleeps != MACHD_RING_ON_SOCKET : sleeps == MACHD_RING_AWAKE);
	return true;
}

static void put(const struct answer *answer)
{
	if (slow.by_packet) {
		machd_ring_begin(&slow.out, MACHD_RECORD_PACKET, 0);
	} else {
		machd_ring_begin(&slow.out, MACHD_RECORD_FRAME, sizeof *answer);
		machd_ring_add(&slow.out, answer, sizeof *answer);
	}
	machd_ring_publish(&slow.out);
	if (slow.by_packet)
		flow_fake_send(slow.fd, answer, sizeof *answer, NULL, 0);
	/* Who sleeps on the futex does not sleep long. */
	else if (machd_ring_wake(&slow.out) == MACHD_RING_ON_SOCKET)
		send_look();
}

static void answer(uint32_t sequence)
{
	struct answer answer = {.frame = {.length = sizeof answer,
					  .op = MACHD_OP_CALL | MACHD_OP_ANSWER,
					  .sequence = sequence},
				.name = NAME};

	if (!await_sleep(true))
		return;
	CHECK(machd_ring_wake(&slow.out) == MACHD_RING_ON_SOCKET);
	send_look();
	if (!slow.asleep || await_sleep(false))
		put(&answer);
}

/* The client's routines come through the ring. */
static void serve_routines(void)
{
	struct machd_frame frame;

	while (!is_gone()) {
		if (machd_ring_look(&slow.in) == MACHD_RING_READY) {
			machd_ring_copy(&slow.in, 0, &frame, sizeof frame);
			machd_ring_consume(&slow.in);
			answer(frame.sequence);
		}
		sched_yield();
	}
}

static void *pretend(void *unused)
{
	uint8_t packet[4096];
	struct machd_frame frame;

	(void)unused;
	slow.fd = accept4(slow.at.listener, NULL, NULL, SOCK_CLOEXEC);
	CHECK(slow.fd >= 0);
	CHECK(recv(slow.fd, packet, sizeof packet, 0) >= (ssize_t)sizeof frame);
	flow_fake_welcome(slow.fd, NULL);
	CHECK(recv(slow.fd, packet, sizeof packet, 0) == sizeof frame);
	memcpy(&frame, packet, sizeof frame);
	CHECK_EQ(frame.op, MACHD_OP_RING);
	give_ring(frame.sequence);
	serve_routines();
	return NULL;
}

static void call(void)
{
	mach_port_t name = MACH_PORT_NULL;

	CHECK_OK(mach_port_allocate(0x103, MACH_PORT_RIGHT_RECEIVE, &name));
	CHECK_EQ(name, NAME);
}

START_TEST(a_look_that_comes_too_late_is_no_answer)
{
	slow.by_packet = _i & 1;
	slow.asleep = _i & 2;
	flow_fake_begin(&slow.at);
	CHECK(pthread_create(&slow.thread, NULL, pretend, NULL) == 0);
	for (unsigned i = 0; i < 4; i++)
		call();
	shutdown(slow.fd, SHUT_RDWR);
	CHECK(pthread_join(slow.thread, NULL) == 0);
	close(slow.fd);
	flow_fake_end(&slow.at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("late_look");
	TCase *tests = tcase_create("late looks");

	setenv("MACHD_RING", "1", 1);
	setenv("MACHD_RING_AFTER", "0", 1);
	suite_add_tcase(suite, tests);
	tcase_add_loop_test(tests, a_look_that_comes_too_late_is_no_answer, 0, 4);
	return flow_run(suite);
}
