/* SPDX-License-Identifier: Apache-2.0 */
/* mk_timer: when its message comes, what it looks like, and that there is one at a time. */
#include <mach/mach_time.h>
#include <mach/mk_timer.h>
#include <string.h>

#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

#define SELF mach_task_self()

#define MILLISECOND UINT64_C(1000000)
#define HOUR	    (3600 * 1000 * MILLISECOND)

static mach_port_t timer(void)
{
	mach_port_t port = mk_timer_create();

	CHECK(port != MACH_PORT_NULL);
	return port;
}

/* Nothing waits on the port. */
static void silent(mach_port_t port)
{
	flow_notified(port, -1);
}

START_TEST(t308_the_message)
{
	mach_port_t port = timer();
	mk_timer_expire_msg_t expected;
	struct flow_message message;
	const mach_msg_max_trailer_t *trailer;

	CHECK_OK(mk_timer_arm(port, 1));
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_size, 48);
	CHECK_EQ(message.header.msgh_bits, 0x1100);
	CHECK_EQ(message.header.msgh_remote_port, MACH_PORT_NULL);
	CHECK_EQ(message.header.msgh_local_port, port);
	CHECK_EQ(message.header.msgh_voucher_port, MACH_PORT_NULL);
	CHECK_EQ(message.header.msgh_id, 0);
	memcpy(&expected, &message, sizeof expected);
	for (unsigned i = 0; i < 3; i++)
		CHECK(expected.unused[i] == 0);
	trailer = flow_trailer(&message);
	CHECK_EQ(trailer->msgh_seqno, 0);
	CHECK(trailer->msgh_sender.val[0] == 0 && trailer->msgh_sender.val[1] == 1);
	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(trailer->msgh_audit.val[i], 0);
	silent(port);
}
END_TEST

START_TEST(it_comes_when_the_time_has_come)
{
	mach_port_t port = timer();
	struct flow_message message;

	for (unsigned i = 0; i < 5; i++) {
		uint64_t deadline = mach_absolute_time() + 5 * MILLISECOND;

		if (i % 2)
			CHECK_OK(mk_timer_arm(port, deadline));
		else
			CHECK_OK(mk_timer_arm_leeway(port, MK_TIMER_CRITICAL, deadline, 1));
		flow_await(port, &message);
		CHECK(mach_absolute_time() >= deadline);
		CHECK_EQ(flow_trailer(&message)->msgh_seqno, i);
	}
	silent(port);
}
END_TEST

enum { TIMERS = 20 };

/* Arm them a little apart, in another order. False: that took so long that some may have expired.
 */
static bool arm_all(const mach_port_t *ports, uint64_t ahead)
{
	uint64_t start = mach_absolute_time() + ahead;

	for (unsigned i = 0; i < TIMERS; i++) {
		unsigned place = i * 7 % TIMERS;

		CHECK_OK(mk_timer_arm(ports[place], start + place * MILLISECOND / 10));
	}
	return mach_absolute_time() < start;
}

static void disarm_all(const mach_port_t *ports)
{
	struct flow_message message;

	for (unsigned i = 0; i < TIMERS; i++) {
		CHECK_OK(mk_timer_cancel(ports[i], NULL));
		flow_receive(ports[i], &message);
		silent(ports[i]);
	}
}

/* The earlier deadline counts, in whatever order they were armed. */
START_TEST(several_timers_come_in_order)
{
	mach_port_t ports[TIMERS], set;
	uint64_t ahead = 20 * MILLISECOND;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	for (unsigned i = 0; i < TIMERS; i++) {
		ports[i] = timer();
		CHECK_OK(mach_port_insert_member(SELF, ports[i], set));
	}
	for (; !arm_all(ports, ahead); ahead *= 2)
		disarm_all(ports);
	for (unsigned i = 0; i < TIMERS; i++) {
		struct flow_message message;

		flow_await(set, &message);
		CHECK_EQ(message.header.msgh_local_port, ports[i]);
	}
}
END_TEST

START_TEST(one_message_at_a_time)
{
	mach_port_t port = timer();
	struct flow_message message;

	for (unsigned i = 0; i < 5; i++)
		CHECK_OK(mk_timer_arm(port, 1));
	CHECK_EQ(flow_status(port).mps_msgcount, 1);
	CHECK_OK(flow_receive(port, &message));
	silent(port);
	CHECK_OK(mk_timer_arm(port, 1));
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(flow_trailer(&message)->msgh_seqno, 1);
}
END_TEST

START_TEST(arming_replaces_what_was_armed)
{
	mach_port_t port = timer();
	uint64_t armed = 1, later = mach_absolute_time() + HOUR;
	struct flow_message message;

	CHECK_OK(mk_timer_arm(port, mach_absolute_time() + 2 * HOUR));
	CHECK_OK(mk_timer_arm(port, later));
	CHECK_OK(mk_timer_cancel(port, &armed));
	CHECK(armed == later);
	CHECK_OK(mk_timer_arm(port, later));
	CHECK_OK(mk_timer_arm(port, mach_absolute_time() + MILLISECOND));
	flow_await(port, &message);
	CHECK_OK(mk_timer_cancel(port, &armed));
	CHECK(armed == 0);
}
END_TEST

START_TEST(t310_cancelling)
{
	mach_port_t port = timer();
	uint64_t armed = 7, deadline = mach_absolute_time() + HOUR;
	struct flow_message message;

	CHECK_OK(mk_timer_cancel(port, &armed));
	CHECK(armed == 0);
	CHECK_OK(mk_timer_arm(port, deadline));
	CHECK_OK(mk_timer_cancel(port, &armed));
	CHECK(armed == deadline);
	CHECK_OK(mk_timer_cancel(port, &armed));
	CHECK(armed == 0);
	CHECK_OK(mk_timer_arm(port, 1));
	CHECK_OK(mk_timer_cancel(port, &armed));
	CHECK(armed == 0);
	CHECK_OK(flow_receive(port, &message));
	CHECK_OK(mk_timer_arm(port, UINT64_MAX));
	CHECK_OK(mk_timer_cancel(port, NULL));
	CHECK_CODE(mk_timer_cancel(port, (uint64_t *)8), KERN_FAILURE);
}
END_TEST

START_TEST(t311_what_is_no_timer)
{
	mach_port_t send = flow_port();
	const struct {
		mach_port_t name;
		kern_return_t code;
	} bad[] = {
		{flow_receive_right(), KERN_INVALID_ARGUMENT},
		{flow_send_once(send), KERN_INVALID_RIGHT},
		{flow_missing_name(), KERN_INVALID_NAME},
		{MACH_PORT_NULL, KERN_INVALID_NAME},
		{MACH_PORT_DEAD, KERN_INVALID_NAME},
	};
	mach_port_t dead = flow_dead_name(1);
	uint64_t armed;

	for (unsigned i = 0; i < 5; i++) {
		CHECK_CODE(mk_timer_arm(bad[i].name, 1), bad[i].code);
		CHECK_CODE(mk_timer_arm_leeway(bad[i].name, 0, 1, 0), bad[i].code);
		CHECK_CODE(mk_timer_cancel(bad[i].name, &armed), bad[i].code);
		CHECK_CODE(mk_timer_destroy(bad[i].name), bad[i].code);
	}
	CHECK_CODE(mk_timer_arm(dead, 1), KERN_INVALID_NAME);
	CHECK_CODE(mk_timer_cancel(dead, &armed), KERN_INVALID_NAME);
	CHECK_CODE(mk_timer_destroy(dead), KERN_INVALID_RIGHT);
	CHECK_CODE(mk_timer_arm(SELF, 1), KERN_INVALID_RIGHT);
}
END_TEST

START_TEST(t313_the_right)
{
	mach_port_t port = timer(), other = flow_port(), previous;
	struct flow_letter letter;
	mach_vm_address_t address;
	natural_t kind = 0;

	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(flow_status(port).mps_srights, 1);
	CHECK_EQ(flow_status(port).mps_mscount, 1);
	letter_start(&letter, other);
	letter_add_port(&letter, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(mach_port_request_notification(SELF, port, MACH_NOTIFY_PORT_DESTROYED, 0, other,
						  MAKE_ONCE, &previous),
		   KERN_INVALID_RIGHT);
	flow_notified(other, MACH_NOTIFY_SEND_ONCE);
	CHECK_OK(mach_port_kobject(SELF, port, &kind, &address));
	CHECK(kind != 0);
}
END_TEST

START_TEST(t314_a_message_that_was_too_large_is_over)
{
	mach_port_t port = timer();
	mach_msg_header_t small;
	struct flow_message message;

	CHECK_OK(mk_timer_arm(port, 1));
	CHECK_CODE(mach_msg(&small, MACH_RCV_MSG | MACH_RCV_LARGE, 0, sizeof small, port, 0, 0),
		   MACH_RCV_TOO_LARGE);
	CHECK_OK(mk_timer_arm(port, 1));
	CHECK_EQ(flow_status(port).mps_msgcount, 1);
	CHECK_CODE(mach_msg(&small, MACH_RCV_MSG, 0, sizeof small, port, 0, 0), MACH_RCV_TOO_LARGE);
	silent(port);
	CHECK_OK(mk_timer_arm(port, 1));
	CHECK_OK(flow_receive(port, &message));
}
END_TEST

START_TEST(a_timer_ignores_its_queue_limit)
{
	mach_port_t port = timer();
	struct flow_message message;

	flow_make_send(port, 1);
	flow_fill(port, MACH_PORT_QLIMIT_DEFAULT);
	CHECK_CODE(flow_send_to(port, COPY, MACH_PORT_NULL, 0, 9), MACH_SEND_TIMED_OUT);
	CHECK_OK(mk_timer_arm(port, 1));
	CHECK_EQ(flow_status(port).mps_msgcount, MACH_PORT_QLIMIT_DEFAULT + 1);
	for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++) {
		CHECK_OK(flow_receive(port, &message));
		CHECK_EQ(message.header.msgh_id, i);
	}
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_size, 48);
}
END_TEST

START_TEST(the_end_of_timers)
{
	mach_port_t port;
	unsigned alive = 0;

	for (unsigned i = 0; i < 40; i++) {
		port = timer();
		flow_make_send(port, 2);
		CHECK_OK(mk_timer_arm(port, i % 2 ? 1 : mach_absolute_time() + MILLISECOND));
		if (i % 4 < 2)
			CHECK_OK(mk_timer_destroy(port));
		else if (i % 4 == 2)
			CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
		else
			CHECK_OK(mach_port_destroy(SELF, port));
		alive += flow_type(port) == MACH_PORT_TYPE_DEAD_NAME;
		CHECK_CODE(mk_timer_arm(port, 1), KERN_INVALID_NAME);
	}
	CHECK_EQ(alive, 10);
	/* Those that are armed when the task ends are the daemon's to forget: see flow_stop(). */
	for (unsigned i = 0; i < 10; i++)
		CHECK_OK(mk_timer_arm(timer(), mach_absolute_time() + HOUR));
}
END_TEST

static void arm_and_end(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < 100; i++)
		CHECK_OK(mk_timer_arm(timer(), mach_absolute_time() + i * MILLISECOND / 20));
}

START_TEST(a_task_that_ends_takes_its_timers)
{
	struct flow_child child;
	mach_port_t port = timer();
	struct flow_message message;

	for (unsigned i = 0; i < 4; i++) {
		flow_fork(&child, arm_and_end, NULL);
		flow_join(&child);
	}
	CHECK_OK(mk_timer_arm(port, mach_absolute_time() + 10 * MILLISECOND));
	flow_await(port, &message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timer");
	TCase *tcase = flow_case(suite, "timer");

	tcase_add_test(tcase, t308_the_message);
	tcase_add_test(tcase, it_comes_when_the_time_has_come);
	tcase_add_test(tcase, several_timers_come_in_order);
	tcase_add_test(tcase, one_message_at_a_time);
	tcase_add_test(tcase, arming_replaces_what_was_armed);
	tcase_add_test(tcase, t310_cancelling);
	tcase_add_test(tcase, t311_what_is_no_timer);
	tcase_add_test(tcase, t313_the_right);
	tcase_add_test(tcase, t314_a_message_that_was_too_large_is_over);
	tcase_add_test(tcase, a_timer_ignores_its_queue_limit);
	tcase_add_test(tcase, the_end_of_timers);
	tcase_add_test(tcase, a_task_that_ends_takes_its_timers);
	return flow_run(suite);
}
