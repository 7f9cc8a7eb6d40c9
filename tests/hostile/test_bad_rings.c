/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared memory in the hands of a client that writes whatever it likes, whenever it likes: it is
 * dropped, or harms itself, and the victim neither reads where it must not nor waits for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/ops.h"
#include "protocol/ring.h"
#include "tests/hostile/hostile.h"

#include <mach/message.h>

static const char broken[] = "its ring is broken";

struct attacker {
	struct raw raw;
	struct machd_rings *shared;
	struct machd_ring out, in; /* what a good client would have */
	int memory, bell;
};

/* The answer to a request for a ring, and its descriptors. */
static void take_ring(struct attacker *attacker)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control;
	uint8_t packet[64];
	struct iovec iov = {packet, sizeof packet};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	int fds[2];

	ck_assert_int_gt(recvmsg(attacker->raw.fd, &message, MSG_CMSG_CLOEXEC), 0);
	ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&message));
	memcpy(fds, CMSG_DATA(&control.header), sizeof fds);
	attacker->memory = fds[0];
	attacker->bell = fds[1];
}

static void attach(struct attacker *attacker)
{
	*attacker = (struct attacker){0};
	raw_join(&attacker->raw);
	ck_assert(raw_send(&attacker->raw, MACHD_OP_RING, ++attacker->raw.sequence, NULL, 0, NULL,
			   0));
	take_ring(attacker);
	attacker->shared = mmap(NULL, sizeof *attacker->shared, PROT_READ | PROT_WRITE, MAP_SHARED,
				attacker->memory, 0);
	ck_assert(attacker->shared != MAP_FAILED);
	machd_ring_init(&attacker->out, attacker->shared, false);
	machd_ring_init(&attacker->in, attacker->shared, true);
}

/* Everything but the connection. */
static void let_go(struct attacker *attacker)
{
	munmap(attacker->shared, sizeof *attacker->shared);
	close(attacker->memory);
	close(attacker->bell);
}

static void detach(struct attacker *attacker)
{
	raw_close(&attacker->raw);
	let_go(attacker);
}

static void ring_bell(const struct attacker *attacker)
{
	static const uint64_t one = 1;

	ck_assert_int_eq(write(attacker->bell, &one, sizeof one), sizeof one);
}

/* The victim drops it because of what is in its memory. */
static void is_dropped(struct attacker *attacker, const char *reason)
{
	ring_bell(attacker);
	raw_dropped(&attacker->raw);
	let_go(attacker);
	victim_unharmed(1, reason);
}

/* A frame into the ring, which a good client would publish next. */
static bool put(struct attacker *attacker, enum machd_op op, uint32_t sequence, const void *body,
		size_t size)
{
	static uint8_t packet[MACHD_FRAME_SIZE_MAX];

	size = raw_frame(packet, op, sequence, body, size);
	if (machd_ring_begin(&attacker->out, MACHD_RECORD_FRAME, (uint32_t)size) !=
	    MACHD_RING_READY)
		return false;
	machd_ring_add(&attacker->out, packet, (uint32_t)size);
	return true;
}

static bool put_call(struct attacker *attacker)
{
	struct {
		struct machd_call call;
		struct mach_port_allocate_in in;
	} body = {{MACHD_ROUTINE_mach_port_allocate, attacker->raw.welcome.self},
		  {MACH_PORT_RIGHT_PORT_SET}};

	return put(attacker, MACHD_OP_CALL, attacker->raw.sequence + 1, &body, sizeof body);
}

/* A call through the ring, its answer by a packet. */
static void serves(struct attacker *attacker)
{
	uint8_t packet[256];
	struct machd_frame frame;

	machd_ring_doze(&attacker->in, MACHD_RING_ON_SOCKET);
	ck_assert(put_call(attacker));
	attacker->raw.sequence++;
	machd_ring_publish(&attacker->out);
	ring_bell(attacker);
	ck_assert_uint_gt(raw_receive(&attacker->raw, packet, sizeof packet, NULL), sizeof frame);
	memcpy(&frame, packet, sizeof frame);
	ck_assert_uint_eq(frame.sequence, attacker->raw.sequence);
}

START_TEST(test_a_good_ring)
{
	struct attacker attacker;

	attach(&attacker);
	serves(&attacker);
	serves(&attacker);
	detach(&attacker);
	victim_unharmed(0, NULL);
}
END_TEST

START_TEST(test_the_memory_stays)
{
	static const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct attacker attacker;

	attach(&attacker);
	ck_assert_int_lt(ftruncate(attacker.memory, 0), 0);
	ck_assert_int_lt(ftruncate(attacker.memory, 1 << 30), 0);
	ck_assert_int_lt(fcntl(attacker.memory, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	ck_assert_int_eq(errno, EPERM);
	serves(&attacker);
	ck_assert_int_eq(fallocate(attacker.memory, punch, 0, (off_t)sizeof(struct machd_rings)),
			 0);
	/* All is as in the beginning, but the victim does not begin anew. */
	atomic_store(&attacker.shared->submission.tail, 8);
	is_dropped(&attacker, broken);
}
END_TEST

START_TEST(test_bad_tails)
{
	static const uint32_t tails[] = {
		1, 4, 7, 12, 0x7ffffff8, 0x80000000, 0xfffffff8, 0xffffffff, MACHD_RING_SIZE + 8};
	struct attacker attacker;

	for (unsigned i = 0; i < sizeof tails / sizeof *tails; i++) {
		attach(&attacker);
		atomic_store(&attacker.shared->submission.tail, tails[i]);
		is_dropped(&attacker, broken);
	}
}
END_TEST

START_TEST(test_bad_records)
{
	static const struct {
		struct machd_record record;
		uint32_t published;
		const char *reason;
	} cases[] = {
		{{0, 0}, 8, "no frame"},
		{{16, MACHD_RECORD_PACKET}, 24, "no frame"},
		{{16, 0xffffffff}, 24, "no frame"},
		{{16, MACHD_RECORD_SKIP}, 24, broken},
		{{MACHD_RING_SIZE - 8, MACHD_RECORD_SKIP}, MACHD_RING_SIZE, broken},
		{{17, MACHD_RECORD_FRAME}, 24, broken},
		{{0xffffffff, MACHD_RECORD_FRAME}, MACHD_RING_SIZE, broken},
		{{0xfffffff8, MACHD_RECORD_FRAME}, 24, broken},
		{{MACHD_FRAME_SIZE_MAX + 1, MACHD_RECORD_FRAME}, MACHD_RING_SIZE, "longer"},
		{{MACHD_RING_SIZE - 8, MACHD_RECORD_FRAME}, MACHD_RING_SIZE, "longer"},
		{{0, MACHD_RECORD_FRAME}, 8, "empty"},
		{{15, MACHD_RECORD_FRAME}, 24, "shorter than a header"},
		{{16, MACHD_RECORD_FRAME}, 24, "another length than it has"},
	};
	struct attacker attacker;

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		attach(&attacker);
		memcpy(attacker.shared->bytes[0], &cases[i].record, sizeof cases[i].record);
		atomic_store(&attacker.shared->submission.tail, cases[i].published);
		is_dropped(&attacker, cases[i].reason);
	}
}
END_TEST

/* Descriptors come with packets only. */
START_TEST(test_a_descriptor_that_is_none)
{
	struct machd_frame frame = {.length = sizeof frame, .op = MACHD_OP_BELL, .fds = 2};
	struct attacker attacker;

	attach(&attacker);
	frame.sequence = attacker.raw.sequence + 1;
	machd_ring_begin(&attacker.out, MACHD_RECORD_FRAME, sizeof frame);
	machd_ring_add(&attacker.out, &frame, sizeof frame);
	machd_ring_publish(&attacker.out);
	is_dropped(&attacker, "another number of descriptors");
}
END_TEST

START_TEST(test_bad_heads)
{
	static const uint32_t heads[] = {4, 1 << 20, 0x80000000, 0xffffffff,
					 0u - MACHD_RING_SIZE - 8};
	struct attacker attacker;
	unsigned i;

	/* The victim looks there when it needs to know how much room there is. */
	for (i = 0; i < sizeof heads / sizeof *heads; i++) {
		attach(&attacker);
		for (unsigned calls = 0; calls < 200; calls++, attacker.raw.sequence++)
			ck_assert(put_call(&attacker));
		atomic_store(&attacker.shared->completion.head, heads[i]);
		machd_ring_publish(&attacker.out);
		is_dropped(&attacker, broken);
	}
}
END_TEST

/* Whoever never looks at its answers has its ring filled, then its socket; then it has to wait. */
START_TEST(test_answers_are_not_read)
{
	struct attacker attacker;
	unsigned calls = 0, tries = 0;

	attach(&attacker);
	while (tries < 100 && calls < 30000) {
		if (put_call(&attacker)) {
			attacker.raw.sequence++;
			calls++;
			tries = 0;
			continue;
		}
		machd_ring_publish(&attacker.out);
		ring_bell(&attacker);
		victim_serves();
		tries++;
	}
	detach(&attacker);
	victim_unharmed(VICTIM_DROPS_ANY, broken);
}
END_TEST

/* As many frames as there is room for, none of which has an answer: others have their turn. */
START_TEST(test_a_flood)
{
	struct attacker attacker;

	attach(&attacker);
	for (unsigned round = 0; round < 20; round++) {
		while (put(&attacker, MACHD_OP_CANCEL, attacker.raw.sequence, NULL, 0))
			;
		machd_ring_publish(&attacker.out);
		ring_bell(&attacker);
		victim_serves();
	}
	while (!put_call(&attacker))
		sched_yield();
	machd_ring_abandon(&attacker.out);
	serves(&attacker);
	detach(&attacker);
	victim_unharmed(0, NULL);
}
END_TEST

static atomic_bool stop;

/* `argument` is the attacker. */
static void *ring_and_drain(void *argument)
{
	const struct attacker *attacker = argument;
	const uint64_t most = UINT64_MAX - 2;
	uint64_t count;

	while (!atomic_load(&stop)) {
		for (unsigned i = 0; i < 100; i++)
			ring_bell(attacker);
		if (read(attacker->bell, &count, sizeof count) != sizeof count)
			break;
		if (write(attacker->bell, &most, sizeof most) != sizeof most ||
		    read(attacker->bell, &count, sizeof count) != sizeof count)
			break;
	}
	return NULL;
}

/* The victim does not read the bell, so nobody can make it wait there. */
START_TEST(test_a_bell_that_rings_for_ever)
{
	struct attacker attacker;
	pthread_t thread;

	attach(&attacker);
	ck_assert_int_eq(fcntl(attacker.bell, F_SETFL, 0), 0);
	atomic_store(&stop, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, ring_and_drain, &attacker), 0);
	for (unsigned i = 0; i < 200; i++)
		victim_serves();
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	serves(&attacker);
	detach(&attacker);
	victim_unharmed(0, NULL);
}
END_TEST

/* Words, and bytes near the indices, at random. */
static void scribble(struct attacker *attacker, uint32_t number)
{
	struct machd_ring_words *words =
		number & 1 ? &attacker->shared->submission : &attacker->shared->completion;
	uint32_t value = raw_random(), at = atomic_load(&words->tail) + value % 256;

	switch (number % 7) {
	case 0:
		atomic_store(&words->asleep, value % 4);
		break;
	case 1:
		atomic_store(&words->tail, atomic_load(&words->tail) + 8 * (value % 32));
		break;
	case 2:
		atomic_store(&words->head, value % 16 ? atomic_load(&words->tail) : value);
		break;
	case 3:
		atomic_store(&words->tail, value % 64 ? atomic_load(&words->head) : value);
		break;
	default:
		memcpy(&attacker->shared->bytes[number & 1][at % (MACHD_RING_SIZE - 4)], &value,
		       sizeof value);
	}
}

static void *scribble_on(void *argument)
{
	while (!atomic_load(&stop))
		scribble(argument, raw_random());
	return NULL;
}

/* Calls go on while somebody writes over them. They may be answered or not; nobody waits. */
START_TEST(test_scribbling)
{
	struct attacker attacker;
	pthread_t thread;

	for (unsigned round = 0; round < 40; round++) {
		attach(&attacker);
		atomic_store(&stop, false);
		ck_assert_int_eq(pthread_create(&thread, NULL, scribble_on, &attacker), 0);
		for (unsigned i = 0; i < 300; i++) {
			attacker.out.seen = attacker.out.at;
			if (put_call(&attacker))
				attacker.raw.sequence++;
			machd_ring_publish(&attacker.out);
			ring_bell(&attacker);
			if (i % 50 == 0)
				victim_serves();
		}
		atomic_store(&stop, true);
		pthread_join(thread, NULL);
		detach(&attacker);
		victim_unharmed(VICTIM_DROPS_ANY, NULL);
	}
}
END_TEST

static uint32_t bootstrap(struct raw *raw, uint32_t routine)
{
	struct bootstrap_look_up_in in = {"org.machd.last-words"};
	uint32_t port;

	ck_assert_uint_eq(
		raw_call(raw, routine, raw->welcome.bootstrap, &in, sizeof in, &port, sizeof port),
		0);
	return port;
}

/* What was in the ring when its client went away was sent: nobody needs to ring for it. */
START_TEST(test_last_words)
{
	struct machd_message_args receive = {.option = MACH_RCV_MSG, .rcv_size = 256};
	struct raw_message message;
	struct attacker attacker;
	struct raw heir;
	uint8_t packet[512];

	raw_join(&heir);
	receive.rcv_name = bootstrap(&heir, MACHD_ROUTINE_bootstrap_check_in);
	attach(&attacker);
	machd_ring_doze(&attacker.in, MACHD_RING_ON_SOCKET);
	message = raw_message(bootstrap(&attacker.raw, MACHD_ROUTINE_bootstrap_look_up),
			      MACH_MSG_TYPE_COPY_SEND);
	for (unsigned i = 1; i <= 4; i++) {
		message.id = i;
		ck_assert(put(&attacker, MACHD_OP_MESSAGE, attacker.raw.sequence + i, &message,
			      sizeof message));
	}
	machd_ring_publish(&attacker.out);
	detach(&attacker);
	for (uint32_t i = 1; i <= 4; i++) {
		mach_msg_header_t header;

		ck_assert(raw_send(&heir, MACHD_OP_MESSAGE, ++heir.sequence, &receive,
				   sizeof receive, NULL, 0));
		ck_assert_uint_gt(raw_receive(&heir, packet, sizeof packet, NULL), 90);
		memcpy(&header,
		       packet + sizeof(struct machd_frame) + sizeof(struct machd_message_answer),
		       sizeof header);
		ck_assert_int_eq(header.msgh_id, (int)i);
	}
	raw_close(&heir);
	victim_unharmed(0, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_a_good_ring,
		test_the_memory_stays,
		test_bad_tails,
		test_bad_records,
		test_a_descriptor_that_is_none,
		test_bad_heads,
		test_answers_are_not_read,
		test_a_flood,
		test_a_bell_that_rings_for_ever,
		test_scribbling,
		test_last_words,
	};

	return hostile_run("bad_rings", tests, sizeof tests / sizeof *tests, victim_setup,
			   victim_stop);
}
