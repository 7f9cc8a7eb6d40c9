/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The QoS of messages: how they are stamped, how an override goes to those in front, and in which
 * order blocked senders get slots [12.2, 18; cases 304, 305, 307].
 */
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_bell.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_voucher.h"

enum { SENDERS = 8 };

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

struct world {
	struct lab *lab;
	struct lab_thread *owner, *sender[SENDERS]; /* threads of two tasks */
	mach_port_name_t port, dest;		    /* the owner's and the senders' name for it */
	struct lab_buffer message[SENDERS];
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.owner = lab_task(world.lab, 1000)->thread;
	world.sender[0] = lab_task(world.lab, 1000)->thread;
	for (unsigned i = 1; i < SENDERS; i++)
		world.sender[i] = lab_thread(world.sender[0]->task);
	world.port = lab_new_port(world.owner);
	world.dest = lab_pass(world.owner, world.port, MAKE_SEND, world.sender[0]);
	return world;
}

/* What a send says of its urgency. */
struct urgency {
	uint64_t option;
	uint32_t argument; /* mach_msg's priority */
	uint32_t thread;   /* the thread's */
};

static mach_msg_return_t send_as(struct lab_thread *thread, struct lab_buffer *message,
				 uint64_t option, const struct urgency *urgency)
{
	return lab_msg(thread, &(struct lab_msg){.option = MACH_SEND_MSG | option | urgency->option,
						 .send = message,
						 .send_size = message->header.msgh_size,
						 .priority = urgency->argument,
						 .thread_priority = urgency->thread});
}

/* With SEND_OVERRIDE and nothing but that override. */
static struct urgency overriding(mach_msg_qos_t qos)
{
	return (struct urgency){MACH_SEND_OVERRIDE, mach_msg_priority_encode(qos, 0, 0), 0};
}

static void queue_as(struct world *world, int32_t id, struct urgency urgency)
{
	struct lab_buffer message = lab_to(world->dest, id);

	lab_ok(send_as(world->sender[0], &message, 0, &urgency));
}

/* The next message has that id; what the owner is told of its QoS is in owner->result. */
static void next_is(struct world *world, int32_t id)
{
	lab_message(world->owner, world->port, id);
}

/* The form of pthread_priority_t, written down once more: a bit for the QoS, relative - 1 below. */
static uint32_t word(unsigned qos, int relative)
{
	return 0x80U << qos | (uint8_t)(relative - 1);
}

/* --- how a message is stamped --- */

#define OVERRIDE  MACH_SEND_OVERRIDE
#define PROPAGATE MACH_SEND_PROPAGATE_QOS

static const struct {
	uint64_t option;
	uint32_t argument, thread;
	uint32_t priority, override;
} stamps[] = {
	{0, 0, 0, 0, 0},
	{0, 0x350400, 0x10ff, 0, 0}, /* neither option: neither counts */
	/* case 305: encode(override 3, qos 5) */
	{OVERRIDE, 0x35ff00, 0, 0x10ff, 5},
	{OVERRIDE, 0x530000, 0, 0x0400 | 0x00, 5}, /* a relative byte of 0 is a priority of 1 */
	{OVERRIDE, 0x35f800, 0, 0x10f8, 5},	   /* relative -7 */
	{OVERRIDE, 0x300000, 0, 0, 3},
	{OVERRIDE, 0x01ff00, 0, 0x01ff, 1},
	{OVERRIDE, 0x66ff00, 0, 0x20ff, 6},
	{OVERRIDE, 0, 0, 0, 0},
	/* QoS that are none, and overrides above the highest */
	{OVERRIDE, 0x07ff00, 0, 0, 0},
	{OVERRIDE, 0x0fff00, 0, 0, 0},
	{OVERRIDE, 0xf0ff00, 0, 0, 6},
	{OVERRIDE, 0x72ff00, 0, 0x02ff, 6},
	/* a raw pthread priority is only an override */
	{OVERRIDE, 0x10ff, 0, 0, 5},
	{OVERRIDE, 0x200010ff, 0, 0, 0}, /* one that speaks of the scheduler's priorities */
	{OVERRIDE, 0xffff40ff, 0, 0, 0},
	{OVERRIDE, 0x30ff, 0, 0, 5}, /* the lowest bit counts */
	/* the thread's own */
	{PROPAGATE, 0, 0x08fe, 0x08fe, 4},
	{PROPAGATE, 0x66ff00, 0x08ff, 0x08ff, 4},
	{PROPAGATE, 0, 0, 0, 0},
	{PROPAGATE, 0, 0xffff02ff, 0, 0},
	{PROPAGATE, 0, 0xdfff02ff, 0x02ff, 2},
	/* both: a word with a QoS wins, a raw one adds its override */
	{OVERRIDE | PROPAGATE, 0x02ff00, 0x10ff, 0x02ff, 2},
	{OVERRIDE | PROPAGATE, 0x20ff, 0x04ff, 0x04ff, 6},
	{OVERRIDE | PROPAGATE, 0x01ff, 0x04ff, 0x04ff, 3},
};

START_TEST(a_message_is_stamped_as_its_options_say)
{
	struct world world = begin();
	uint32_t priority = stamps[_i].priority;

	queue_as(&world, 7,
		 (struct urgency){stamps[_i].option, stamps[_i].argument, stamps[_i].thread});
	next_is(&world, 7);
	ck_assert_uint_eq(world.owner->result.priority, priority);
	ck_assert_uint_eq(world.owner->result.override, stamps[_i].override);
	lab_stop(world.lab);
}
END_TEST

/* A voucher's priority counts before the thread's, and after the word of MACH_SEND_OVERRIDE. */
static const struct {
	struct urgency urgency;
	uint32_t priority, override;
} with_voucher[] = {
	{{0, 0, 0x20ff}, 0x08fe, 4},	      {{PROPAGATE, 0, 0x20ff}, 0x08fe, 4},
	{{OVERRIDE, 0x02ff00, 0}, 0x02ff, 2}, {{OVERRIDE, 0x20ff, 0}, 0x08fe, 6},
	{{OVERRIDE, 0x02ff, 0}, 0x08fe, 4},
};

START_TEST(a_voucher_stamps_its_message)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 7);
	uint32_t priority = 0x08fe;

	message.header.msgh_bits |= MACH_MSG_TYPE_COPY_SEND << 16;
	lab_ok(lab_one_recipe(world.sender[0], MACH_VOUCHER_ATTR_KEY_PTHPRIORITY,
			      MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE, 0, &priority, sizeof priority,
			      &message.header.msgh_voucher_port));
	lab_ok(send_as(world.sender[0], &message, 0, &with_voucher[_i].urgency));
	next_is(&world, 7);
	ck_assert_uint_eq(world.owner->result.priority, with_voucher[_i].priority);
	ck_assert_uint_eq(world.owner->result.override, with_voucher[_i].override);
	lab_stop(world.lab);
}
END_TEST

START_TEST(priority_words_are_taken_apart_as_they_were_put_together)
{
	for (unsigned qos = 0; qos <= MACH_MSG_QOS_LAST; qos++)
		for (unsigned override = 0; override <= MACH_MSG_QOS_LAST; override++)
			for (int relative = 0; relative >= -15; relative--) {
				mach_msg_priority_t pri = mach_msg_priority_encode(
					(mach_msg_qos_t) override, (mach_msg_qos_t)qos, relative);

				ck_assert_uint_eq(mach_msg_priority_qos(pri), qos);
				ck_assert_uint_eq(mach_msg_priority_overide_qos(pri), override);
				ck_assert_int_eq(mach_msg_priority_relpri(pri), qos ? relative : 0);
				ck_assert(!mach_msg_priority_is_pthread_priority(pri));
			}
	ck_assert(mach_msg_priority_is_pthread_priority(word(5, 0)));
	ck_assert_uint_eq(word(5, 0), 0x10ff);
}
END_TEST

START_TEST(a_message_for_somebody_who_waits_has_its_priority_too)
{
	struct world world = begin();
	struct lab_buffer received;

	lab_is(LAB_BLOCKED, lab_receive(world.owner, world.port, &received, 0, 0));
	queue_as(&world, 1, (struct urgency){OVERRIDE, mach_msg_priority_encode(3, 5, -1), 0});
	lab_ok(lab_wait(world.owner));
	ck_assert_uint_eq(world.owner->result.priority, word(5, -1));
	ck_assert_uint_eq(world.owner->result.override, 5);
	lab_stop(world.lab);
}
END_TEST

START_TEST(notifications_have_none)
{
	struct world world = begin();
	mach_port_name_t once = lab_pass(world.owner, world.port, MAKE_ONCE, world.sender[0]);

	lab_ok(lab_deallocate(world.sender[0], once));
	lab_notice(world.owner, world.port, MACH_NOTIFY_SEND_ONCE);
	ck_assert_uint_eq(world.owner->result.priority, 0);
	ck_assert_uint_eq(world.owner->result.override, 0);
	lab_stop(world.lab);
}
END_TEST

/* --- overrides go to those in front --- */

static const struct {
	const char *sent, *received;
} queues[] = {
	{"62", "62"}, /* case 304: the second stays 2 */
	{"26", "66"},	    {"0", "0"},		{"111", "111"},	    {"123", "333"},
	{"321", "321"},	    {"6161", "6661"},	{"02040", "44440"}, {"54321", "54321"},
	{"12345", "55555"}, {"61526", "66666"}, {"50304", "54444"},
};

START_TEST(an_override_is_carried_to_the_head_until_one_is_as_high)
{
	struct world world = begin();
	const char *sent = queues[_i].sent, *received = queues[_i].received;

	for (int32_t i = 0; sent[i]; i++)
		queue_as(&world, i, overriding((mach_msg_qos_t)(sent[i] - '0')));
	for (int32_t i = 0; sent[i]; i++) {
		next_is(&world, i); /* first in, first out, whatever the QoS */
		ck_assert_uint_eq(world.owner->result.override, (uint32_t)(received[i] - '0'));
		ck_assert_uint_eq(world.owner->result.priority, 0);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_long_queue_is_raised_as_a_whole_and_only_so_far)
{
	struct world world = begin();
	enum { COUNT = 1000 };

	lab_set_qlimit(world.owner, world.port, MACH_PORT_QLIMIT_MAX);
	for (int32_t i = 0; i < COUNT; i++)
		queue_as(&world, i, overriding((mach_msg_qos_t)(i * 6 / COUNT)));
	queue_as(&world, COUNT, overriding(2));
	lab_audit(world.lab);
	for (int32_t i = 0; i <= COUNT; i++) {
		next_is(&world, i);
		ck_assert_uint_eq(world.owner->result.override, i < COUNT ? 5 : 2);
	}
	lab_stop(world.lab);
}
END_TEST

/* --- MACH_SEND_NOTIFY: the message may not come, its override does [14.3] --- */

static const struct {
	uint64_t option;
	uint32_t argument;
	bool asked;    /* a send-possible request is on the name */
	uint32_t head; /* the override of the head afterwards; it was 2 */
} arming[] = {
	{OVERRIDE, 0x500000, true, 5},	{OVERRIDE, 0x20ff, true, 6}, {OVERRIDE, 0x100000, true, 2},
	{OVERRIDE, 0x05ff00, true, 2}, /* its own QoS is no override */
	{OVERRIDE, 0x500000, false, 2}, {0, 0x500000, true, 2},
};

START_TEST(arming_a_request_raises_the_head)
{
	struct world world = begin();
	struct urgency urgency = {arming[_i].option | MACH_SEND_NOTIFY | MACH_SEND_TIMEOUT,
				  arming[_i].argument, 0};
	mach_port_name_t notify = lab_new_port(world.sender[0]), previous;

	for (int32_t i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
		queue_as(&world, i, overriding(i ? 1 : 2));
	if (arming[_i].asked)
		lab_ok(lab_request_notification(world.sender[0], world.dest,
						MACH_NOTIFY_SEND_POSSIBLE, 0, notify, MAKE_ONCE,
						&previous));
	for (unsigned again = 0; again < 2; again++) {
		struct lab_buffer message = lab_to(world.dest, 9);

		lab_is(MACH_SEND_TIMED_OUT, send_as(world.sender[0], &message, 0, &urgency));
	}
	next_is(&world, 0);
	ck_assert_uint_eq(world.owner->result.override, arming[_i].head);
	next_is(&world, 1);
	ck_assert_uint_eq(world.owner->result.override, 1);
	lab_stop(world.lab);
}
END_TEST

/* A right that is moved takes its request along: there is none left to arm. */
START_TEST(moving_the_last_right_arms_nothing)
{
	struct world world = begin();
	struct urgency urgency = {OVERRIDE | MACH_SEND_NOTIFY | MACH_SEND_TIMEOUT, 0x500000, 0};
	mach_port_name_t notify = lab_new_port(world.sender[0]), previous;
	struct lab_buffer message;

	for (int32_t i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
		queue_as(&world, i, overriding(2));
	lab_ok(lab_request_notification(world.sender[0], world.dest, MACH_NOTIFY_SEND_POSSIBLE, 0,
					notify, MAKE_ONCE, &previous));
	lab_compose(&message, world.dest, MOVE_SEND, MACH_PORT_NULL, 0, 9);
	lab_is(MACH_SEND_TIMED_OUT, send_as(world.sender[0], &message, 0, &urgency));
	lab_notice(world.sender[0], notify, MACH_NOTIFY_PORT_DELETED);
	next_is(&world, 0);
	ck_assert_uint_eq(world.owner->result.override, 2);
	lab_silent(world.sender[0], notify);
	lab_stop(world.lab);
}
END_TEST

START_TEST(arming_on_a_port_that_takes_nothing_raises_nobody)
{
	struct world world = begin();
	struct urgency urgency = {OVERRIDE | MACH_SEND_NOTIFY | MACH_SEND_TIMEOUT, 0x500000, 0};
	mach_port_name_t notify = lab_new_port(world.sender[0]), previous;
	struct lab_buffer message = lab_to(world.dest, 9);

	lab_set_qlimit(world.owner, world.port, 0);
	lab_ok(lab_request_notification(world.sender[0], world.dest, MACH_NOTIFY_SEND_POSSIBLE, 0,
					notify, MAKE_ONCE, &previous));
	lab_is(MACH_SEND_TIMED_OUT, send_as(world.sender[0], &message, 0, &urgency));
	lab_stop(world.lab);
}
END_TEST

/* --- event loops are told again when the head is more urgent than it was --- */

/* What is sent, and how often the bell has begun to ring after that. */
static const struct {
	mach_msg_qos_t override;
	unsigned rung;
} rings[] = {{0, 1}, {0, 1}, {2, 2}, {1, 2}, {2, 2}, {6, 3}, {6, 3}};

START_TEST(a_bell_rings_anew_when_the_head_is_raised)
{
	struct world world = begin();
	struct lab_bell bell;
	mach_port_name_t set = lab_new_set(world.owner);

	lab_ok(lab_insert_member(world.owner, world.port, set));
	lab_ok(lab_bell(world.owner, &bell));
	lab_ok(lab_bell_add(world.owner, &bell, _i ? set : world.port));
	lab_set_qlimit(world.owner, world.port, MACH_PORT_QLIMIT_MAX);
	for (int32_t i = 0; i < ROWS(rings); i++) {
		queue_as(&world, i, overriding(rings[i].override));
		ck_assert_uint_eq(world.lab->rung, rings[i].rung);
		ck_assert(lab_rings(world.owner, &bell));
	}
	for (int32_t i = 0; i < ROWS(rings); i++)
		next_is(&world, i);
	ck_assert(!lab_rings(world.owner, &bell));
	ck_assert_uint_eq(world.lab->rung, 3);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_bell_rings_anew_when_an_armed_request_raises_the_head)
{
	struct world world = begin();
	struct urgency urgency = {OVERRIDE | MACH_SEND_NOTIFY | MACH_SEND_TIMEOUT, 0x500000, 0};
	mach_port_name_t notify = lab_new_port(world.sender[0]), previous;
	struct lab_bell bell;

	lab_ok(lab_bell(world.owner, &bell));
	lab_ok(lab_bell_add(world.owner, &bell, world.port));
	lab_fill(world.sender[0], world.dest, MACH_PORT_QLIMIT_DEFAULT, 0);
	lab_ok(lab_request_notification(world.sender[0], world.dest, MACH_NOTIFY_SEND_POSSIBLE, 0,
					notify, MAKE_ONCE, &previous));
	for (unsigned again = 0; again < 2; again++) {
		struct lab_buffer message = lab_to(world.dest, 9);

		lab_is(MACH_SEND_TIMED_OUT, send_as(world.sender[0], &message, 0, &urgency));
		ck_assert_uint_eq(world.lab->rung, 2);
	}
	lab_stop(world.lab);
}
END_TEST

/* --- blocked senders --- */

/* Thread `i` sends message 100 + i and waits. */
static void block(struct world *world, unsigned i, struct urgency urgency)
{
	world->message[i] = lab_to(world->dest, 100 + (int32_t)i);
	lab_is(LAB_BLOCKED, send_as(world->sender[i], &world->message[i], 0, &urgency));
}

/* A full queue, and a sender blocked for each digit with that override. */
static struct world begin_blocked(const char *overrides)
{
	struct world world = begin();

	lab_fill(world.sender[0], world.dest, MACH_PORT_QLIMIT_DEFAULT, 0);
	for (unsigned i = 0; overrides[i]; i++)
		block(&world, i, overriding((mach_msg_qos_t)(overrides[i] - '0')));
	lab_audit(world.lab);
	return world;
}

static bool goes_on(struct world *world, unsigned i)
{
	return world->sender[i]->answered;
}

static const struct {
	const char *overrides, *order; /* of the senders, by number */
} blocked[] = {
	{"06", "10"}, /* case 307 */
	{"0000", "0123"},
	{"0123", "3210"},
	{"3210", "0123"},
	{"151515", "135024"},
	{"66166166", "01346725"},
	{"24242424", "13570246"},
	{"50505051", "02467135"},
};

START_TEST(the_most_urgent_sender_goes_on_first)
{
	const char *order = blocked[_i].order;
	struct world world = begin_blocked(blocked[_i].overrides);

	for (int32_t n = 0; order[n]; n++) {
		unsigned i = (unsigned)(order[n] - '0');
		struct lab_buffer any;

		ck_assert(!goes_on(&world, i));
		lab_ok(lab_receive_now(world.owner, world.port, &any));
		lab_ok(lab_wait(world.sender[i]));
		for (int32_t k = n + 1; order[k]; k++)
			ck_assert(!goes_on(&world, (unsigned)(order[k] - '0')));
		lab_audit(world.lab);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_threads_own_priority_counts_if_it_is_higher)
{
	struct world world = begin_blocked("3");

	block(&world, 1, (struct urgency){0, 0, word(5, 0)});
	block(&world, 2, (struct urgency){OVERRIDE, 0x600000, word(1, 0)});
	block(&world, 3, (struct urgency){0, 0, word(3, 0)});
	for (unsigned n = 0; n < 4; n++) {
		static const unsigned order[] = {2, 1, 0, 3};

		lab_message(world.owner, world.port, (int32_t)n);
		lab_ok(lab_wait(world.sender[order[n]]));
	}
	lab_stop(world.lab);
}
END_TEST

/* Threads give up one after the other; who is left goes on in order. */
static const struct {
	const char *gone, *left;
} leaving[] = {
	{"0", "12345"}, {"1", "02345"}, {"2", "01345"}, {"3", "01245"}, {"02", "1345"},
	{"01", "2345"}, {"012", "345"}, {"45", "0123"}, {"5", "01234"}, {"0214", "35"},
};

START_TEST(a_sender_that_gives_up_leaves_the_others_in_order)
{
	struct world world = begin_blocked("666333");
	const char *gone = leaving[_i].gone, *left = leaving[_i].left;

	for (unsigned n = 0; gone[n]; n++) {
		struct lab_thread *thread = world.sender[gone[n] - '0'];

		ck_assert(lab_cancel(thread));
		lab_is(MACH_SEND_INTERRUPTED, lab_wait(thread));
		lab_audit(world.lab);
	}
	for (int32_t n = 0; left[n]; n++) {
		struct lab_buffer any;

		lab_ok(lab_receive_now(world.owner, world.port, &any));
		lab_ok(lab_wait(world.sender[left[n] - '0']));
		for (int32_t k = n + 1; left[k]; k++)
			ck_assert(!goes_on(&world, (unsigned)(left[k] - '0')));
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_higher_limit_lets_the_most_urgent_go_on)
{
	struct world world = begin_blocked("1636");

	lab_set_qlimit(world.owner, world.port, 8);
	ck_assert(!goes_on(&world, 0));
	for (unsigned i = 1; i < 4; i++)
		lab_ok(lab_wait(world.sender[i]));
	ck_assert_uint_eq(lab_status(world.owner, world.port).mps_msgcount, 8);
	for (int32_t id = 0; id < 5; id++)
		next_is(&world, id);
	lab_ok(lab_wait(world.sender[0]));
	next_is(&world, 101);
	next_is(&world, 103);
	ck_assert_uint_eq(world.owner->result.override, 6);
	next_is(&world, 102);
	next_is(&world, 100);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_slot_of_a_woken_sender_is_nobody_elses)
{
	struct world world = begin_blocked("1");
	struct lab_buffer late = lab_to(world.dest, 9);
	struct urgency urgent = {OVERRIDE | MACH_SEND_TIMEOUT, 0x600000, 0};

	next_is(&world, 0);
	lab_is(MACH_SEND_TIMED_OUT, send_as(world.sender[1], &late, 0, &urgent));
	lab_ok(lab_wait(world.sender[0]));
	lab_stop(world.lab);
}
END_TEST

START_TEST(senders_of_all_kinds_are_done_when_the_port_dies)
{
	struct world world = begin_blocked("16361");

	lab_ok(lab_destroy(world.owner, world.port));
	for (unsigned i = 0; i < 5; i++)
		lab_ok(lab_wait(world.sender[i]));
	lab_stop(world.lab);
}
END_TEST

START_TEST(senders_keep_their_order_when_the_receive_right_moves)
{
	struct world world = begin_blocked("146");
	struct lab_thread *heir = lab_task(world.lab, 1000)->thread;
	mach_port_name_t moved = lab_pass(world.owner, world.port, MOVE_RECEIVE, heir);

	for (unsigned n = 0; n < 3; n++) {
		lab_message(heir, moved, (int32_t)n);
		lab_ok(lab_wait(world.sender[2 - n]));
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_task_that_dies_blocked_leaves_the_others_in_order)
{
	struct world world = begin_blocked("3");
	struct lab_task *other = lab_task(world.lab, 1000);
	mach_port_name_t dest = lab_pass(world.owner, world.port, MAKE_SEND, other->thread);
	struct lab_buffer message = lab_to(dest, 200);
	struct urgency urgency = overriding(3);

	lab_is(LAB_BLOCKED, send_as(other->thread, &message, 0, &urgency));
	block(&world, 1, overriding(3));
	lab_kill(other);
	next_is(&world, 0);
	lab_ok(lab_wait(world.sender[0]));
	next_is(&world, 1);
	lab_ok(lab_wait(world.sender[1]));
	lab_stop(world.lab);
}
END_TEST

/* The state's digest knows overrides, and who waits before whom. */
START_TEST(two_machines_that_differ_in_urgency_differ)
{
	uint8_t digests[3][TRAP_DIGEST_SIZE];
	static const char *const kinds[] = {"33", "36", "33"};

	for (unsigned i = 0; i < 3; i++) {
		struct world world = begin_blocked(kinds[i]);

		trap_digest(world.lab->host, digests[i]);
		lab_stop(world.lab);
	}
	ck_assert_mem_ne(digests[0], digests[1], TRAP_DIGEST_SIZE);
	ck_assert_mem_eq(digests[0], digests[2], TRAP_DIGEST_SIZE);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, a_message_is_stamped_as_its_options_say, 0, ROWS(stamps));
	tcase_add_loop_test(tests, a_voucher_stamps_its_message, 0, ROWS(with_voucher));
	tcase_add_test(tests, priority_words_are_taken_apart_as_they_were_put_together);
	tcase_add_test(tests, a_message_for_somebody_who_waits_has_its_priority_too);
	tcase_add_test(tests, notifications_have_none);
	tcase_add_loop_test(tests, an_override_is_carried_to_the_head_until_one_is_as_high, 0,
			    ROWS(queues));
	tcase_add_test(tests, a_long_queue_is_raised_as_a_whole_and_only_so_far);
	tcase_add_loop_test(tests, arming_a_request_raises_the_head, 0, ROWS(arming));
	tcase_add_test(tests, moving_the_last_right_arms_nothing);
	tcase_add_test(tests, arming_on_a_port_that_takes_nothing_raises_nobody);
	tcase_add_loop_test(tests, a_bell_rings_anew_when_the_head_is_raised, 0, 2);
	tcase_add_test(tests, a_bell_rings_anew_when_an_armed_request_raises_the_head);
	tcase_add_loop_test(tests, the_most_urgent_sender_goes_on_first, 0, ROWS(blocked));
	tcase_add_test(tests, a_threads_own_priority_counts_if_it_is_higher);
	tcase_add_loop_test(tests, a_sender_that_gives_up_leaves_the_others_in_order, 0,
			    ROWS(leaving));
	tcase_add_test(tests, a_higher_limit_lets_the_most_urgent_go_on);
	tcase_add_test(tests, the_slot_of_a_woken_sender_is_nobody_elses);
	tcase_add_test(tests, senders_of_all_kinds_are_done_when_the_port_dies);
	tcase_add_test(tests, senders_keep_their_order_when_the_receive_right_moves);
	tcase_add_test(tests, a_task_that_dies_blocked_leaves_the_others_in_order);
	tcase_add_test(tests, two_machines_that_differ_in_urgency_differ);
}

int main(void)
{
	return lab_run("ipc_qos", add_tests);
}
