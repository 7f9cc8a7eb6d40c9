/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each call says of each kind of name, through the public calls [20, 21, 22, 28]: one table, a
 * row a call and a column a kind. Calls that tests/unit/test_trap_port.c has in its table are not
 * here.
 */
#include <mach/mach_eventlink.h>
#include <mach/mk_timer.h>
#include <mach/sync_policy.h>

#include "tests/flow/flow.h"

#define SELF mach_task_self()

/* The columns. Those of the second row belong to ports that died without this task noticing. */
enum kind {
	K_NULL,
	K_INVALID, /* MACH_PORT_DEAD */
	K_MISSING,
	K_RECEIVE,
	K_SEND,
	K_BOTH,
	K_ONCE,
	K_DEAD,
	K_STALE,
	K_STALE_ONCE,
	K_SET,
	K_TIMER,
	K_SEMAPHORE,
	KINDS,
};

static const char *const kinds[KINDS] = {"null",      "invalid",	  "missing",   "receive",
					 "send",      "send and receive", "send-once", "dead name",
					 "dead send", "dead send-once",	  "set",       "timer",
					 "semaphore"};

/* A send right alone: the receive right is in a message, queued on a port of this task's. */
static mach_port_t alone(mach_port_t *box)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	*box = flow_receive_right();
	flow_complex(&message, *box, MACH_MSG_TYPE_MAKE_SEND, 1);
	flow_add_port(&message, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	CHECK_OK(flow_send(&message));
	return port;
}

static mach_port_t make(enum kind kind)
{
	mach_port_t port, box, other;

	switch (kind) {
	case K_NULL:
		return MACH_PORT_NULL;
	case K_INVALID:
		return MACH_PORT_DEAD;
	case K_MISSING:
		return flow_missing_name();
	case K_RECEIVE:
		return flow_receive_right();
	case K_SEND:
		return alone(&box);
	case K_BOTH:
		return flow_port();
	case K_ONCE:
		return flow_send_once(flow_receive_right());
	case K_DEAD:
		return flow_dead_name(1);
	case K_STALE:
		port = alone(&box);
		CHECK_OK(mach_port_destroy(SELF, box));
		return port;
	case K_STALE_ONCE:
		other = flow_receive_right();
		port = flow_send_once(other);
		CHECK_OK(mach_port_destroy(SELF, other));
		return port;
	case K_SET:
		CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &port));
		return port;
	case K_TIMER:
		port = mk_timer_create();
		CHECK(port != MACH_PORT_NULL);
		return port;
	default:
		CHECK_OK(semaphore_create(SELF, &port, SYNC_POLICY_FIFO, 0));
		return port;
	}
}

/* --- the calls --- */

static kern_return_t peek(mach_port_t name)
{
	mach_msg_type_number_t room = sizeof(mach_msg_audit_trailer_t);
	mach_msg_audit_trailer_t trailer;
	mach_port_seqno_t seqno = 0;
	mach_msg_size_t size;
	mach_msg_id_t id;

	return mach_port_peek(SELF, name, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), &seqno,
			      &size, &id, (mach_msg_trailer_info_t)&trailer, &room);
}

static kern_return_t guard(mach_port_t name)
{
	return mach_port_guard(SELF, name, 7, TRUE);
}

static kern_return_t guard_with_flags(mach_port_t name)
{
	return mach_port_guard_with_flags(SELF, name, 7, MPG_IMMOVABLE_RECEIVE);
}

static kern_return_t unguard(mach_port_t name)
{
	return mach_port_unguard(SELF, name, 0);
}

static kern_return_t swap_guard(mach_port_t name)
{
	return mach_port_swap_guard(SELF, name, 0, 7);
}

static kern_return_t assert_guard(mach_port_t name)
{
	integer_t value[MACH_PORT_GUARD_INFO_COUNT] = {0};

	return mach_port_assert_attributes(SELF, name, MACH_PORT_GUARD_INFO, value,
					   MACH_PORT_GUARD_INFO_COUNT);
}

static kern_return_t destruct(mach_port_t name)
{
	return mach_port_destruct(SELF, name, 0, 0);
}

static kern_return_t destruct_with_send(mach_port_t name)
{
	return mach_port_destruct(SELF, name, -1, 0);
}

static kern_return_t dnrequest_info(mach_port_t name)
{
	unsigned total, used;

	return mach_port_dnrequest_info(SELF, name, &total, &used);
}

static kern_return_t kobject(mach_port_t name)
{
	mach_vm_address_t address;
	natural_t type;

	return mach_port_kobject(SELF, name, &type, &address);
}

static kern_return_t kernel_object(mach_port_t name)
{
	unsigned type, address;

	return mach_port_kernel_object(SELF, name, &type, &address);
}

static kern_return_t kobject_description(mach_port_t name)
{
	kobject_description_t text;
	mach_vm_address_t address;
	natural_t type;

	return mach_port_kobject_description(SELF, name, &type, &address, text);
}

static kern_return_t service_info(mach_port_t name)
{
	struct mach_service_port_info info;

	return mach_port_get_service_port_info(SELF, name, &info);
}

static kern_return_t connection_for(mach_port_t name)
{
	uint64_t policy;

	return mach_port_is_connection_for_service(SELF, flow_receive_right(), name, &policy);
}

static kern_return_t request(mach_port_t name, mach_msg_id_t id)
{
	mach_port_t previous;

	return mach_port_request_notification(SELF, name, id, 0, flow_receive_right(),
					      MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
}

static kern_return_t no_senders(mach_port_t name)
{
	return request(name, MACH_NOTIFY_NO_SENDERS);
}

static kern_return_t port_destroyed(mach_port_t name)
{
	return request(name, MACH_NOTIFY_PORT_DESTROYED);
}

static kern_return_t dead_name(mach_port_t name)
{
	return request(name, MACH_NOTIFY_DEAD_NAME);
}

static kern_return_t send_possible(mach_port_t name)
{
	return request(name, MACH_NOTIFY_SEND_POSSIBLE);
}

/* To cancel what was not asked for. */
static kern_return_t cancel_dead_name(mach_port_t name)
{
	mach_port_t previous = 77;
	kern_return_t kr =
		mach_port_request_notification(SELF, name, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL,
					       MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);

	if (kr == KERN_SUCCESS)
		CHECK_EQ(previous, MACH_PORT_NULL);
	return kr;
}

static kern_return_t extract(mach_port_t name, mach_msg_type_name_t how)
{
	mach_msg_type_name_t type;
	mach_port_t right;

	return mach_port_extract_right(SELF, name, how, &right, &type);
}

static kern_return_t extract_copy(mach_port_t name)
{
	return extract(name, MACH_MSG_TYPE_COPY_SEND);
}

static kern_return_t extract_move(mach_port_t name)
{
	return extract(name, MACH_MSG_TYPE_MOVE_SEND);
}

static kern_return_t extract_make(mach_port_t name)
{
	return extract(name, MACH_MSG_TYPE_MAKE_SEND);
}

static kern_return_t extract_make_once(mach_port_t name)
{
	return extract(name, MACH_MSG_TYPE_MAKE_SEND_ONCE);
}

static kern_return_t extract_move_once(mach_port_t name)
{
	return extract(name, MACH_MSG_TYPE_MOVE_SEND_ONCE);
}

static kern_return_t extract_receive(mach_port_t name)
{
	return extract(name, MACH_MSG_TYPE_MOVE_RECEIVE);
}

static kern_return_t get(mach_port_t name, mach_port_flavor_t flavor)
{
	mach_msg_type_number_t count = MACH_PORT_INFO_EXT_COUNT;
	integer_t info[MACH_PORT_INFO_EXT_COUNT];

	return mach_port_get_attributes(SELF, name, flavor, info, &count);
}

static kern_return_t get_info_ext(mach_port_t name)
{
	return get(name, MACH_PORT_INFO_EXT);
}

static kern_return_t get_requests_size(mach_port_t name)
{
	return get(name, MACH_PORT_DNREQUESTS_SIZE);
}

static kern_return_t get_throttled(mach_port_t name)
{
	return get(name, MACH_PORT_SERVICE_THROTTLED);
}

static kern_return_t set(mach_port_t name, mach_port_flavor_t flavor)
{
	integer_t word = 1;

	return mach_port_set_attributes(SELF, name, flavor, &word, 1);
}

static kern_return_t set_tempowner(mach_port_t name)
{
	return set(name, MACH_PORT_TEMPOWNER);
}

static kern_return_t set_importance(mach_port_t name)
{
	return set(name, MACH_PORT_IMPORTANCE_RECEIVER);
}

static kern_return_t set_requests_size(mach_port_t name)
{
	return set(name, MACH_PORT_DNREQUESTS_SIZE);
}

static kern_return_t set_throttled(mach_port_t name)
{
	return set(name, MACH_PORT_SERVICE_THROTTLED);
}

static kern_return_t timer_arm(mach_port_t name)
{
	return mk_timer_arm(name, UINT64_MAX);
}

static kern_return_t timer_arm_leeway(mach_port_t name)
{
	return mk_timer_arm_leeway(name, MK_TIMER_CRITICAL, UINT64_MAX, 5);
}

static kern_return_t timer_cancel(mach_port_t name)
{
	uint64_t deadline;

	return mk_timer_cancel(name, &deadline);
}

static kern_return_t timedwait(mach_port_t name)
{
	return semaphore_timedwait(name, (mach_timespec_t){0, 0});
}

static kern_return_t wait_after_signal(mach_port_t name)
{
	mach_port_t other = make(K_SEMAPHORE);

	return semaphore_timedwait_signal(other, name, (mach_timespec_t){0, 0});
}

static kern_return_t signal_eventlink(mach_port_t name)
{
	return mach_eventlink_signal(name, 0);
}

static kern_return_t wait_for_eventlink(mach_port_t name)
{
	uint64_t count = 0;

	return mach_eventlink_wait_until(name, &count, MELSW_OPTION_NO_WAIT,
					 KERN_CLOCK_MACH_ABSOLUTE_TIME, 0);
}

static kern_return_t receive(mach_port_t name)
{
	struct flow_message message;

	return flow_receive(name, &message);
}

/* --- what they say --- */

enum {
	O = KERN_SUCCESS,
	N = KERN_INVALID_NAME,
	R = KERN_INVALID_RIGHT,
	A = KERN_INVALID_ARGUMENT,
	C = KERN_INVALID_CAPABILITY,
	F = KERN_FAILURE,
	Z = KERN_NOT_SUPPORTED,
	W = KERN_OPERATION_TIMED_OUT,
	X = MACH_RCV_INVALID_NAME,
	T = MACH_RCV_TIMED_OUT,
};

static const struct {
	const char *name;
	kern_return_t (*call)(mach_port_t name);
	kern_return_t codes[KINDS];
} rows[] = {
	/* null, invalid, missing; receive send both once; dead, stale, stale once; set timer sem.
	 */
	{"peek", peek, {R, R, N, F, R, F, R, N, N, N, R, F, R}},
	{"guard", guard, {N, N, N, O, R, O, R, N, N, N, R, O, R}},
	{"guard_with_flags", guard_with_flags, {N, N, N, O, R, O, R, N, N, N, R, O, R}},
	{"unguard", unguard, {N, N, N, A, R, A, R, N, N, N, R, A, R}},
	{"swap_guard", swap_guard, {N, N, N, A, R, A, R, N, N, N, R, A, R}},
	{"assert_attributes", assert_guard, {R, R, N, A, R, A, R, N, N, N, R, A, R}},
	{"destruct", destruct, {N, N, N, O, R, O, R, R, R, R, R, O, R}},
	{"destruct -1", destruct_with_send, {N, N, N, R, R, O, R, R, R, R, R, R, R}},
	{"dnrequest_info", dnrequest_info, {N, N, N, O, R, O, R, N, N, N, R, O, R}},
	{"kobject", kobject, {N, N, N, O, O, O, R, N, N, N, R, O, O}},
	{"kernel_object", kernel_object, {N, N, N, O, O, O, R, N, N, N, R, O, O}},
	{"kobject_description", kobject_description, {N, N, N, O, O, O, R, N, N, N, R, O, O}},
	{"get_service_port_info", service_info, {R, R, N, C, R, C, R, N, N, N, R, C, R}},
	{"is_connection_for_service", connection_for, {N, N, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z}},
	{"request no-senders", no_senders, {R, R, N, O, R, O, R, N, N, N, R, O, R}},
	{"request port-destroyed", port_destroyed, {R, R, N, O, R, O, R, N, N, N, R, R, R}},
	{"request dead-name", dead_name, {A, A, N, O, O, O, O, A, A, A, R, O, O}},
	{"request send-possible", send_possible, {A, A, N, O, O, O, O, O, O, O, R, O, O}},
	{"cancel dead-name", cancel_dead_name, {A, A, N, O, O, O, O, O, O, O, O, O, O}},
	{"extract COPY_SEND", extract_copy, {R, R, N, R, O, O, R, O, O, O, R, R, O}},
	{"extract MOVE_SEND", extract_move, {R, R, N, R, O, O, R, O, O, O, R, R, O}},
	{"extract MAKE_SEND", extract_make, {R, R, N, O, R, O, R, R, R, R, R, O, R}},
	{"extract MAKE_SEND_ONCE", extract_make_once, {R, R, N, O, R, O, R, R, R, R, R, O, R}},
	{"extract MOVE_SEND_ONCE", extract_move_once, {R, R, N, R, R, R, O, O, O, O, R, R, R}},
	{"extract MOVE_RECEIVE", extract_receive, {R, R, N, O, R, O, R, R, R, R, R, C, R}},
	{"get INFO_EXT", get_info_ext, {R, R, N, O, R, O, R, N, N, N, R, O, R}},
	{"get DNREQUESTS_SIZE", get_requests_size, {O, O, N, O, R, O, R, N, N, N, R, O, R}},
	{"get SERVICE_THROTTLED", get_throttled, {R, R, N, C, R, C, R, N, N, N, R, C, R}},
	{"set TEMPOWNER", set_tempowner, {R, R, N, O, R, O, R, N, N, N, R, A, R}},
	{"set IMPORTANCE_RECEIVER", set_importance, {R, R, N, O, R, O, R, N, N, N, R, A, R}},
	{"set DNREQUESTS_SIZE", set_requests_size, {R, R, N, O, R, O, R, N, N, N, R, O, R}},
	{"set SERVICE_THROTTLED", set_throttled, {R, R, N, C, R, C, R, N, N, N, R, C, R}},
	{"mk_timer_arm", timer_arm, {N, N, N, A, R, A, R, N, N, N, R, O, R}},
	{"mk_timer_arm_leeway", timer_arm_leeway, {N, N, N, A, R, A, R, N, N, N, R, O, R}},
	{"mk_timer_cancel", timer_cancel, {N, N, N, A, R, A, R, N, N, N, R, O, R}},
	{"mk_timer_destroy", mk_timer_destroy, {N, N, N, A, R, A, R, R, R, R, R, O, R}},
	{"semaphore_signal", semaphore_signal, {N, N, N, R, C, C, R, N, N, N, R, R, O}},
	{"semaphore_signal_all", semaphore_signal_all, {N, N, N, R, C, C, R, N, N, N, R, R, O}},
	{"semaphore_timedwait", timedwait, {N, N, N, R, C, C, R, N, N, N, R, R, W}},
	{"semaphore_timedwait_signal", wait_after_signal, {N, N, N, R, C, C, R, N, N, N, R, R, W}},
	{"mach_eventlink_signal", signal_eventlink, {N, N, N, R, C, C, R, N, N, N, R, R, C}},
	{"mach_eventlink_wait", wait_for_eventlink, {N, N, N, R, C, C, R, N, N, N, R, R, C}},
	{"receive", receive, {X, X, X, T, X, T, X, X, X, X, T, T, X}},
};

START_TEST(each_call_says_what_is_wrong_with_a_name)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		kern_return_t kr = rows[_i].call(make(kind)), expected = rows[_i].codes[kind];

		if (kr != expected)
			flow_fail(__FILE__, __LINE__, "%s of a name that is %s: %d, expected %d",
				  rows[_i].name, kinds[kind], kr, expected);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract names");
	TCase *tests = flow_case(suite, "names");

	tcase_add_loop_test(tests, each_call_says_what_is_wrong_with_a_name, 0,
			    sizeof rows / sizeof *rows);
	return flow_run(suite);
}
