/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate and its channels in this process, over socket pairs: what happens when memory runs out
 * at any moment, when a peer does not read, and when nothing is to be done.
 */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/io/channel.h"
#include "daemon/io/fdcheck.h"
#include "daemon/io/gate.h"
#include "protocol/frame.h"
#include "protocol/ops.h"
#include "protocol/ring.h"

#include <mach/port.h>

static uv_loop_t loop;
static struct gate gate;

/* The other end of a channel. */
struct peer {
	int fd;
	uint32_t sequence;
	struct machd_welcome welcome;
};

static void setup(void)
{
	struct trap_config config = {.seed = 1, .owner_uid = getuid()};

	ck_assert_int_ge(sodium_init(), 0);
	fdcheck_raise_limit();
	log_set_level(LOG_LEVEL_ERROR);
	machd_limits_init(&config.limits);
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	ck_assert(gate_start(&gate, &loop, &config, NULL));
}

static void teardown(void)
{
	gate_stop(&gate);
	uv_run(&loop, UV_RUN_DEFAULT);
	gate_free(&gate);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	ck_assert_uint_eq(mem_live(), 0);
}

/* Let the gate do all that there is to do. */
static void turn(void)
{
	for (int i = 0; i < 4; i++)
		turns_once(&gate.turns, false);
}

static bool open_peer(struct peer *peer)
{
	int ends[2];
	bool opened;

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	*peer = (struct peer){.fd = ends[0]};
	opened = channel_open(&gate, ends[1]) == 0;
	gate_settle(&gate);
	return opened;
}

/* Send a frame; the answer's size, 0 if there is none. */
static size_t ask(const struct peer *peer, enum machd_op op, const void *body, size_t size,
		  uint8_t *answer, size_t room)
{
	uint8_t packet[512];
	struct machd_frame frame = {(uint32_t)(sizeof frame + size), (uint16_t)op, 0,
				    peer->sequence, 0};
	ssize_t got;

	memcpy(packet, &frame, sizeof frame);
	memcpy(packet + sizeof frame, body, size);
	if (send(peer->fd, packet, frame.length, MSG_NOSIGNAL) < 0)
		return 0;
	turn();
	got = recv(peer->fd, answer, room, 0);
	return got > 0 ? (size_t)got : 0;
}

static bool hello(struct peer *peer)
{
	struct machd_hello hello = {.version_oldest = 1,
				    .version_newest = 1,
				    .word = 64,
				    .role = MACHD_ROLE_TASK,
				    .pid_namespace = 1};
	uint8_t bytes[MACHD_HELLO_SIZE_MAX], answer[MACHD_HELLO_SIZE_MAX];
	size_t size = machd_hello_pack(&hello, bytes, sizeof bytes);

	size = ask(peer, MACHD_OP_HELLO, bytes, size, answer, sizeof answer);
	return size > sizeof(struct machd_frame) &&
	       !machd_welcome_unpack(answer + sizeof(struct machd_frame),
				     size - sizeof(struct machd_frame), &peer->welcome) &&
	       peer->welcome.version == 1;
}

/* The code of an allocate call; -1 if there is no answer. */
static int64_t allocate(struct peer *peer)
{
	struct {
		struct machd_call call;
		struct mach_port_allocate_in in;
	} call = {{MACHD_ROUTINE_mach_port_allocate, peer->welcome.self},
		  {MACH_PORT_RIGHT_RECEIVE}};
	uint8_t answer[256];
	struct machd_call_answer head;
	size_t size;

	peer->sequence++;
	size = ask(peer, MACHD_OP_CALL, &call, sizeof call, answer, sizeof answer);
	if (size < sizeof(struct machd_frame) + sizeof head)
		return -1;
	memcpy(&head, answer + sizeof(struct machd_frame), sizeof head);
	return head.code;
}

static void leave(struct peer *peer)
{
	close(peer->fd);
	turn();
}

START_TEST(test_serves)
{
	struct peer peer;

	ck_assert(open_peer(&peer));
	ck_assert(hello(&peer));
	ck_assert_int_eq(allocate(&peer), 0);
	ck_assert_uint_eq(gate.channel_count, 1);
	leave(&peer);
	ck_assert_uint_eq(gate.channel_count, 0);
}
END_TEST

/* Each allocation on the way fails once: that peer is refused, told or closed; nobody else. */
START_TEST(test_memory_runs_out)
{
	struct peer innocent, peer;
	unsigned refused = 0;
	bool fine = false;

	ck_assert(open_peer(&innocent));
	ck_assert(hello(&innocent));
	for (uint64_t n = 1; !fine; n++) {
		ck_assert_uint_lt(n, 200);
		mem_fail_after(n);
		fine = open_peer(&peer) && hello(&peer) && allocate(&peer) == 0;
		refused += !fine;
		mem_fail_after(0);
		ck_assert_int_eq(allocate(&innocent), 0);
		leave(&peer);
		ck_assert_uint_eq(gate.channel_count, 1);
	}
	ck_assert_uint_gt(refused, 5);
	leave(&innocent);
}
END_TEST

/* An answer of one packet. */
static void send_plain(struct channel *channel, const void *packet, size_t size)
{
	struct ipc_answer answer = {.packet = packet, .size = size};

	channel_send(channel, &answer);
}

/* An answer that can neither be sent nor kept: its channel is closed. */
START_TEST(test_no_memory_to_keep_an_answer)
{
	struct peer peer;
	struct channel *channel;
	uint8_t packet[16384] = {0};

	ck_assert(open_peer(&peer));
	channel = list_first(&gate.channels, struct channel, link);
	while (send(channel->fd, packet, sizeof packet, MSG_NOSIGNAL) > 0)
		;
	mem_fail_after(1);
	send_plain(channel, packet, sizeof packet);
	mem_fail_after(0);
	ck_assert(channel->doomed);
	gate_settle(&gate);
	ck_assert_uint_eq(gate.channel_count, 0);
	leave(&peer);
}
END_TEST

/* An answer that is kept goes out when there is room, behind those before it. */
START_TEST(test_kept_answer)
{
	struct peer peer;
	struct channel *channel;
	uint8_t packet[16384] = {0};
	unsigned sent = 0, got = 0;

	ck_assert(open_peer(&peer));
	channel = list_first(&gate.channels, struct channel, link);
	while (list_empty(&channel->unsent)) {
		packet[0] = (uint8_t)sent++;
		send_plain(channel, packet, sizeof packet);
		ck_assert_uint_lt(sent, 1000);
	}
	turn();
	ck_assert(!list_empty(&channel->unsent));
	for (; recv(peer.fd, packet, sizeof packet, 0) > 0; got++) {
		ck_assert_uint_eq(packet[0], (uint8_t)got);
		turn();
	}
	ck_assert_uint_eq(got, sent);
	ck_assert(list_empty(&channel->unsent));
	ck_assert(hello(&peer));
	leave(&peer);
}
END_TEST

/* No time-out before its time, and one when it is over. */
START_TEST(test_timer)
{
	struct peer peer;
	struct channel *channel;
	uint64_t deadline = uv_hrtime() + 3000000;

	ck_assert(open_peer(&peer));
	channel = list_first(&gate.channels, struct channel, link);
	channel_set_timer(channel, deadline);
	while (uv_is_active((uv_handle_t *)&channel->timer))
		turns_once(&gate.turns, true);
	ck_assert_uint_ge(uv_hrtime(), deadline);
	channel_set_timer(channel, deadline + 1000000000);
	channel_set_timer(channel, 0);
	ck_assert(!uv_is_active((uv_handle_t *)&channel->timer));
	leave(&peer);
}
END_TEST

/* Nothing waits in the loop when nothing is to be done: an idle daemon sleeps. */
START_TEST(test_idle)
{
	struct peer peer;

	ck_assert(open_peer(&peer));
	ck_assert(hello(&peer));
	ck_assert_int_eq(allocate(&peer), 0);
	turn();
	ck_assert(!uv_loop_alive(&loop));
	leave(&peer);
	while (trap_has_work(gate.host))
		turns_once(&gate.turns, false);
	ck_assert(!pace_job_waits(&gate.work));
}
END_TEST

/* Rings. */

struct shared {
	struct machd_rings *memory;
	struct machd_ring out, in; /* the peer's ends */
	int bell;
};

/* Ask for a ring; false: it came without one. */
static bool get_ring(struct peer *peer, struct shared *shared)
{
	struct machd_frame frame = {sizeof frame, MACHD_OP_RING, 0, ++peer->sequence, 0};
	char answer[64], control[CMSG_SPACE(MACHD_RING_FDS * sizeof(int))];
	struct iovec bytes = {answer, sizeof answer};
	struct msghdr message = {.msg_iov = &bytes,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof control};
	int fds[MACHD_RING_FDS];

	ck_assert_int_eq(send(peer->fd, &frame, sizeof frame, 0), sizeof frame);
	turn();
	ck_assert_int_eq(recvmsg(peer->fd, &message, MSG_CMSG_CLOEXEC),
			 sizeof frame + sizeof(struct machd_ring_answer));
	if (!CMSG_FIRSTHDR(&message))
		return false;
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fds);
	shared->memory =
		mmap(NULL, sizeof *shared->memory, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	ck_assert(shared->memory != MAP_FAILED);
	close(fds[0]);
	shared->bell = fds[1];
	machd_ring_init(&shared->out, shared->memory, false);
	machd_ring_init(&shared->in, shared->memory, true);
	return true;
}

static void put_back(struct shared *shared)
{
	munmap(shared->memory, sizeof *shared->memory);
	close(shared->bell);
}

static void put_call(struct peer *peer, struct shared *shared)
{
	struct {
		struct machd_frame frame;
		struct machd_call call;
		struct mach_port_allocate_in in;
	} packet = {{sizeof packet, MACHD_OP_CALL, 0, ++peer->sequence, 0},
		    {MACHD_ROUTINE_mach_port_allocate, peer->welcome.self},
		    {MACH_PORT_RIGHT_RECEIVE}};

	ck_assert_int_eq(machd_ring_begin(&shared->out, MACHD_RECORD_FRAME, sizeof packet),
			 MACHD_RING_READY);
	machd_ring_add(&shared->out, &packet, sizeof packet);
	machd_ring_publish(&shared->out);
}

static void on_end(uv_timer_t *timer)
{
	turns_end(timer->data);
}

/* The main loop, for a moment that is long enough to fall asleep in. */
static void run_a_moment(void)
{
	uv_timer_t timer;

	uv_timer_init(&loop, &timer);
	timer.data = &gate.turns;
	uv_timer_start(&timer, on_end, 5, 0);
	turns_run(&gate.turns);
	gate.turns.stop = false;
	uv_close((uv_handle_t *)&timer, NULL);
	turn();
}

/* What is in a ring is served, with a bell and without; then the loop sleeps. */
START_TEST(test_ring)
{
	static const uint64_t one = 1;
	struct peer peer;
	struct shared shared;

	turns_set_spin(&gate.turns, 0);
	ck_assert(open_peer(&peer));
	ck_assert(hello(&peer));
	ck_assert(get_ring(&peer, &shared));
	turn_activate(&gate.turns, list_first(&gate.channels, struct channel, link)->ring);
	for (int i = 0; i < 3; i++) {
		put_call(&peer, &shared);
		ck_assert_int_eq(machd_ring_wake(&shared.out),
				 i ? MACHD_RING_ASLEEP : MACHD_RING_AWAKE);
		if (i)
			ck_assert_int_eq(write(shared.bell, &one, sizeof one), sizeof one);
		run_a_moment();
		ck_assert_int_eq(machd_ring_look(&shared.in), MACHD_RING_READY);
		machd_ring_consume(&shared.in);
		ck_assert(list_empty(&gate.turns.active));
	}
	put_back(&shared);
	leave(&peer);
	ck_assert_uint_eq(gate.channel_count, 0);
}
END_TEST

/* Without memory for a ring its channel goes on without. */
START_TEST(test_no_memory_for_a_ring)
{
	struct peer peer;
	struct shared shared;

	ck_assert(open_peer(&peer));
	ck_assert(hello(&peer));
	mem_fail_after(1);
	ck_assert(!get_ring(&peer, &shared));
	mem_fail_after(0);
	ck_assert_int_eq(allocate(&peer), 0);
	leave(&peer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate");
	TCase *tests = tcase_create("gate");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_serves);
	tcase_add_test(tests, test_memory_runs_out);
	tcase_add_test(tests, test_no_memory_to_keep_an_answer);
	tcase_add_test(tests, test_kept_answer);
	tcase_add_test(tests, test_timer);
	tcase_add_test(tests, test_idle);
	tcase_add_test(tests, test_ring);
	tcase_add_test(tests, test_no_memory_for_a_ring);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
