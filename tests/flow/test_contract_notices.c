/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications, statement by statement of the contract [14, 15]: what each looks like when it
 * arrives, which requests are refused and with what code, and when a name is told to be gone.
 * test_contract_deaths.c has those of processes that die.
 */
#include <string.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

#define SELF mach_task_self()

static void kill_port(mach_port_t port)
{
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
}

static kern_return_t request(mach_port_t name, mach_msg_id_t id, mach_port_mscount_t sync,
			     mach_port_t notify)
{
	mach_port_t previous = MACH_PORT_NULL;
	kern_return_t kr =
		mach_port_request_notification(SELF, name, id, sync, notify, MAKE_ONCE, &previous);

	CHECK_EQ(previous, MACH_PORT_NULL);
	return kr;
}

/* The type of a name, and whether there is a request on it. */
static mach_port_type_t type_of(mach_port_t name)
{
	mach_port_type_t type;

	CHECK_OK(mach_port_type(SELF, name, &type));
	return type;
}

/* Nothing is left of the request, neither in the type of its name nor in the status of a port. */
static void expect_no_request(mach_port_t name)
{
	CHECK_EQ(type_of(name) & MACH_PORT_TYPE_DNREQUEST, 0);
	if (type_of(name) & MACH_PORT_TYPE_RECEIVE) {
		CHECK_EQ(flow_status(name).mps_nsrequest, 0);
		CHECK_EQ(flow_status(name).mps_pdrequest, 0);
	}
}

/* --- what they look like [14.1] --- */

/* Let a notification of each kind come to `notify`; the word that it has to carry. */

static uint32_t give_up_a_name(mach_port_t notify)
{
	mach_port_t once = flow_send_once(flow_receive_right());

	CHECK_OK(request(once, MACH_NOTIFY_DEAD_NAME, 0, notify));
	CHECK_OK(mach_port_deallocate(SELF, once));
	return once;
}

static uint32_t find_room(mach_port_t notify)
{
	mach_port_t port = flow_port();

	CHECK_OK(request(port, MACH_NOTIFY_SEND_POSSIBLE, 1, notify));
	expect_no_request(port);
	return port;
}

static uint32_t lose_a_port(mach_port_t notify)
{
	mach_port_t port = flow_receive_right();

	CHECK_OK(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify));
	kill_port(port);
	return 0;
}

static uint32_t lose_the_senders(mach_port_t notify)
{
	mach_port_t port = flow_receive_right();

	flow_make_send(port, 3);
	CHECK_OK(request(port, MACH_NOTIFY_NO_SENDERS, 0, notify));
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -3));
	expect_no_request(port);
	return 3;
}

static uint32_t drop_the_right(mach_port_t notify)
{
	CHECK_OK(mach_port_deallocate(SELF, flow_send_once(notify)));
	return 0;
}

static uint32_t let_a_port_die(mach_port_t notify)
{
	mach_port_t port = flow_port();

	CHECK_OK(request(port, MACH_NOTIFY_DEAD_NAME, 0, notify));
	kill_port(port);
	return port;
}

static const struct {
	uint32_t (*cause)(mach_port_t notify);
	mach_msg_id_t id;
	mach_msg_size_t size;
	bool words; /* an NDR record and one word */
} notices[] = {
	{give_up_a_name, MACH_NOTIFY_PORT_DELETED, 36, true},
	{find_room, MACH_NOTIFY_SEND_POSSIBLE, 36, true},
	{lose_a_port, MACH_NOTIFY_PORT_DESTROYED, 40, false},
	{lose_the_senders, MACH_NOTIFY_NO_SENDERS, 36, true},
	{drop_the_right, MACH_NOTIFY_SEND_ONCE, 24, false},
	{let_a_port_die, MACH_NOTIFY_DEAD_NAME, 36, true},
};

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

static void expect_kernel_trailer(const struct flow_message *message, uint32_t seqno)
{
	const mach_msg_max_trailer_t *trailer = flow_trailer(message);
	const audit_token_t nobody = {{0}};

	CHECK_EQ(trailer->msgh_trailer_type, 0);
	CHECK_EQ(trailer->msgh_trailer_size, WORD(68, 64));
	CHECK_EQ(trailer->msgh_seqno, seqno);
	CHECK_EQ(trailer->msgh_sender.val[0], 0);
	CHECK_EQ(trailer->msgh_sender.val[1], 1);
	CHECK(memcmp(&trailer->msgh_audit, &nobody, sizeof nobody) == 0);
}

START_TEST(each_kind_has_its_layout)
{
	static const uint8_t ndr[8] = {0, 0, 0, 0, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__};
	mach_port_t notify = flow_receive_right();
	struct flow_message message;

	for (uint32_t i = 0; i < 2; i++) {
		uint32_t word = notices[_i].cause(notify);
		bool port = notices[_i].id == MACH_NOTIFY_PORT_DESTROYED;

		memset(&message, 0xa5, sizeof message);
		CHECK_OK(flow_receive(notify, &message));
		CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE) |
							   (port ? MACH_MSGH_BITS_COMPLEX : 0));
		CHECK_EQ(message.header.msgh_size, notices[_i].size);
		CHECK_EQ(message.header.msgh_remote_port, MACH_PORT_NULL);
		CHECK_EQ(message.header.msgh_local_port, notify);
		CHECK_EQ(message.header.msgh_voucher_port, MACH_PORT_NULL);
		CHECK_EQ(message.header.msgh_id, notices[_i].id);
		if (notices[_i].words) {
			CHECK(memcmp(&message.NDR, ndr, sizeof ndr) == 0);
			CHECK_EQ(message.word, word);
		}
		if (port) {
			CHECK_EQ(message.base.body.msgh_descriptor_count, 1);
			CHECK_EQ(message.port[0].type, MACH_MSG_PORT_DESCRIPTOR);
			CHECK_EQ(message.port[0].disposition, MACH_MSG_TYPE_PORT_RECEIVE);
			CHECK_EQ(message.port[0].pad2, 0);
			CHECK_EQ(flow_type(message.port[0].name), MACH_PORT_TYPE_RECEIVE);
		}
		expect_kernel_trailer(&message, i);
	}
	flow_notified(notify, -1);
}
END_TEST

/* --- requests that are refused [14.2] --- */

enum kind { NOTHING, DEAD_PORT, MISSING, R, RS, S, SO, D, STALE, PS, KINDS };

static mach_port_t make(enum kind kind)
{
	mach_port_t name;

	switch (kind) {
	case NOTHING:
		return MACH_PORT_NULL;
	case DEAD_PORT:
		return MACH_PORT_DEAD;
	case MISSING:
		return flow_missing_name();
	case R:
		return flow_receive_right();
	case RS:
		return flow_port();
	case S:
		CHECK_OK(mach_port_mod_refs(SELF, bootstrap_port, MACH_PORT_RIGHT_SEND, 1));
		return bootstrap_port;
	case SO:
		return flow_send_once(flow_receive_right());
	case D:
		return flow_dead_name(1);
	case STALE:
		name = flow_port();
		kill_port(name);
		return name;
	default:
		CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &name));
		return name;
	}
}

enum {
	NAME = KERN_INVALID_NAME,
	RIGHT = KERN_INVALID_RIGHT,
	VALUE = KERN_INVALID_VALUE,
	ARGUMENT = KERN_INVALID_ARGUMENT
};

static const struct {
	mach_msg_id_t id;
	mach_port_mscount_t sync;
	kern_return_t codes[KINDS]; /* NULL DEAD missing R RS S SO D stale set */
} requests[] = {
	{MACH_NOTIFY_NO_SENDERS, 0, {RIGHT, RIGHT, NAME, 0, 0, RIGHT, RIGHT, NAME, NAME, RIGHT}},
	{MACH_NOTIFY_NO_SENDERS, 9, {RIGHT, RIGHT, NAME, 0, 0, RIGHT, RIGHT, NAME, NAME, RIGHT}},
	{MACH_NOTIFY_PORT_DESTROYED,
	 0,
	 {RIGHT, RIGHT, NAME, 0, 0, RIGHT, RIGHT, NAME, NAME, RIGHT}},
	{MACH_NOTIFY_PORT_DESTROYED,
	 1,
	 {VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE}},
	{MACH_NOTIFY_DEAD_NAME,
	 0,
	 {ARGUMENT, ARGUMENT, NAME, 0, 0, 0, 0, ARGUMENT, ARGUMENT, RIGHT}},
	{MACH_NOTIFY_DEAD_NAME,
	 1,
	 {ARGUMENT, ARGUMENT, NAME, 0, 0, 0, 0, ARGUMENT, ARGUMENT, RIGHT}},
	{MACH_NOTIFY_SEND_POSSIBLE, 0, {ARGUMENT, ARGUMENT, NAME, 0, 0, 0, 0, 0, 0, RIGHT}},
	{MACH_NOTIFY_SEND_POSSIBLE, 1, {ARGUMENT, ARGUMENT, NAME, 0, 0, 0, 0, 0, 0, RIGHT}},
	{MACH_NOTIFY_PORT_DELETED,
	 0,
	 {VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE}},
	{MACH_NOTIFY_SEND_ONCE,
	 0,
	 {VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE}},
	{0, 0, {VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE}},
};

/* A refusal costs the send-once right that was made, and its port is told. */
START_TEST(each_request_says_what_is_wrong_with_a_name)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		mach_port_t name = make(kind), notify = flow_receive_right();
		kern_return_t code = requests[_i].codes[kind];
		kern_return_t kr = request(name, requests[_i].id, requests[_i].sync, notify);

		if (kr != code)
			flow_fail(__FILE__, __LINE__, "id %d, sync %u, kind %d: %d, expected %d",
				  requests[_i].id, requests[_i].sync, kind, kr, code);
		if (kr != KERN_SUCCESS)
			flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
		else
			CHECK(flow_status(notify).mps_sorights + flow_status(notify).mps_msgcount >
			      0);
	}
}
END_TEST

/* The right to notify comes first, whatever else is wrong. */
START_TEST(which_error_of_a_request_wins)
{
	mach_port_t notify = flow_receive_right(), set = make(PS), previous, once;
	const struct {
		mach_port_t notify;
		mach_msg_type_name_t type;
		kern_return_t code;
	} rows[] = {
		{flow_missing_name(), MAKE_ONCE, KERN_INVALID_NAME},
		{flow_missing_name(), MOVE_ONCE, KERN_INVALID_NAME},
		{notify, MOVE_ONCE, KERN_INVALID_RIGHT},
		{flow_port(), MOVE_ONCE, KERN_INVALID_RIGHT},
		{set, MAKE_ONCE, KERN_INVALID_RIGHT},
		{flow_dead_name(2), MAKE_ONCE, KERN_INVALID_RIGHT},
		{flow_dead_name(2), MOVE_ONCE, KERN_INVALID_CAPABILITY},
		{MACH_PORT_DEAD, MAKE_ONCE, KERN_INVALID_CAPABILITY},
	};

	for (int i = 0; i < ROWS(rows); i++)
		CHECK_CODE(mach_port_request_notification(SELF, set, 99, 7, rows[i].notify,
							  rows[i].type, &previous),
			   rows[i].code);
	CHECK_EQ(flow_refs(rows[5].notify, MACH_PORT_RIGHT_DEAD_NAME), 2);
	CHECK_EQ(flow_refs(rows[6].notify, MACH_PORT_RIGHT_DEAD_NAME), 1);
	flow_notified(notify, -1);

	/* One that was moved is used up like one that was made. */
	once = flow_send_once(notify);
	CHECK_CODE(mach_port_request_notification(SELF, set, 99, 7, once, MOVE_ONCE, &previous),
		   KERN_INVALID_VALUE);
	CHECK_EQ(flow_type(once), 0);
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

/* Cancelling what was not asked for is no error, on any name that could have a request. */
START_TEST(nothing_to_cancel)
{
	static const mach_msg_id_t ids[] = {MACH_NOTIFY_DEAD_NAME, MACH_NOTIFY_SEND_POSSIBLE};

	for (enum kind kind = R; kind < KINDS; kind++)
		for (int i = 0; i < 2; i++)
			CHECK_OK(request(make(kind), ids[i], 1, MACH_PORT_NULL));
	for (enum kind kind = R; kind <= RS; kind++) {
		CHECK_OK(request(make(kind), MACH_NOTIFY_NO_SENDERS, 0, MACH_PORT_NULL));
		CHECK_OK(request(make(kind), MACH_NOTIFY_PORT_DESTROYED, 0, MACH_PORT_NULL));
	}
}
END_TEST

/* --- requests that are made again --- */

START_TEST(a_request_that_fires_at_once_gives_back_the_one_before)
{
	mach_port_t port = flow_receive_right(), first = flow_receive_right();
	mach_port_t second = flow_receive_right(), previous;

	CHECK_OK(request(port, MACH_NOTIFY_NO_SENDERS, 1, first));
	previous = flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, second);
	CHECK_EQ(flow_type(previous), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_EQ(flow_notified(second, MACH_NOTIFY_NO_SENDERS), 0);
	expect_no_request(port);
	flow_make_send(port, 1);
	CHECK_OK(mach_port_deallocate(SELF, port));
	flow_notified(first, -1);
	flow_notified(second, -1);
	CHECK_OK(mach_port_deallocate(SELF, previous));
	flow_notified(first, MACH_NOTIFY_SEND_ONCE);

	CHECK_OK(request(port, MACH_NOTIFY_DEAD_NAME, 0, first));
	previous = flow_request(port, MACH_NOTIFY_SEND_POSSIBLE, 1, second);
	CHECK_EQ(flow_type(previous), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_EQ(flow_notified(second, MACH_NOTIFY_SEND_POSSIBLE), port);
	expect_no_request(port);
	kill_port(port);
	flow_notified(first, -1);
	flow_notified(second, -1);
}
END_TEST

/* A no-senders request is told once; the count is that of the moment. */
START_TEST(no_senders_is_told_once_for_each_request)
{
	mach_port_t port = flow_receive_right(), notify = flow_receive_right();

	for (uint32_t i = 1; i <= 3; i++) {
		flow_make_send(port, 1);
		CHECK_OK(request(port, MACH_NOTIFY_NO_SENDERS, 100, notify));
		CHECK_OK(mach_port_deallocate(SELF, port));
		CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), 2 * i - 1);
		flow_make_send(port, 1);
		CHECK_OK(mach_port_deallocate(SELF, port));
		flow_notified(notify, -1);
	}
	CHECK_EQ(flow_status(port).mps_mscount, 6);
}
END_TEST

/* The slot of a request that fired is there, and says nothing more, whatever happens then. */
START_TEST(a_send_possible_request_is_told_once)
{
	mach_port_t port = flow_port(), once = flow_send_once(port), notify = flow_receive_right();
	struct flow_message message;

	flow_fill(port, 5);
	CHECK_OK(request(port, MACH_NOTIFY_SEND_POSSIBLE, 1, notify));
	CHECK_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_DNREQUEST);
	CHECK_OK(request(once, MACH_NOTIFY_SEND_POSSIBLE, 1, notify)); /* there is always room */
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_SEND_POSSIBLE), once);
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_SEND_POSSIBLE), port);
	expect_no_request(port);
	flow_fill(port, 1);
	CHECK_OK(flow_receive(port, &message));
	CHECK_OK(mach_port_deallocate(SELF, once));
	CHECK_OK(mach_port_destroy(SELF, port));
	flow_notified(notify, -1);
}
END_TEST

/* --- a name that changes or goes --- */

START_TEST(a_request_stays_while_its_name_keeps_a_right)
{
	mach_port_t port = flow_port(), carrier = flow_port(), notify = flow_receive_right();
	struct flow_message message;

	CHECK_OK(request(port, MACH_NOTIFY_DEAD_NAME, 0, notify));
	CHECK_OK(mach_port_deallocate(SELF, port));
	CHECK_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_DNREQUEST);
	flow_make_send(port, 1);
	flow_complex(&message, carrier, COPY, 1);
	flow_add_port(&message, port, RECEIVE);
	CHECK_OK(flow_send(&message));
	CHECK_EQ(type_of(port), MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DNREQUEST);
	flow_notified(notify, -1);
	CHECK_OK(mach_port_deallocate(SELF, port));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_PORT_DELETED), port);
	CHECK_OK(flow_receive(carrier, &message));
	kill_port(message.port[0].name);
	flow_notified(notify, -1);
}
END_TEST

/* Ways to lose a name of some kind with a request on it, all of which are told as its end. */
static void lose_by_destroy(mach_port_t name)
{
	CHECK_OK(mach_port_destroy(SELF, name));
}

static void lose_by_destruct(mach_port_t name)
{
	bool sends = flow_type(name) & MACH_PORT_TYPE_SEND;

	CHECK_OK(mach_port_destruct(SELF, name, sends ? -1 : 0, 0));
}

static void lose_in_a_body(mach_port_t name)
{
	bool once = flow_type(name) & MACH_PORT_TYPE_SEND_ONCE;
	struct flow_message message;

	flow_complex(&message, flow_port(), COPY, 1);
	flow_add_port(&message, name, once ? MOVE_ONCE : RECEIVE);
	CHECK_OK(flow_send(&message));
}

static void lose_in_a_reply(mach_port_t name)
{
	CHECK_OK(flow_send_to(flow_port(), COPY, name, MOVE_ONCE, 1));
}

static const struct {
	enum kind kind;
	void (*lose)(mach_port_t name);
} losses[] = {
	{R, kill_port},	       {R, lose_by_destroy},  {R, lose_by_destruct},
	{R, lose_in_a_body},   {RS, lose_by_destroy}, {RS, lose_by_destruct},
	{SO, lose_by_destroy}, {SO, lose_in_a_body},  {SO, lose_in_a_reply},
};

START_TEST(a_name_that_goes_is_port_deleted)
{
	mach_port_t name = make(losses[_i].kind), notify = flow_receive_right();

	CHECK_OK(request(name, MACH_NOTIFY_DEAD_NAME, 0, notify));
	losses[_i].lose(name);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_PORT_DELETED), name);
	flow_notified(notify, -1);
	CHECK_EQ(flow_type(name), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract_notices");
	TCase *tests = flow_case(suite, "layouts");

	tcase_add_loop_test(tests, each_kind_has_its_layout, 0, ROWS(notices));
	tests = flow_case(suite, "requests");
	tcase_add_loop_test(tests, each_request_says_what_is_wrong_with_a_name, 0, ROWS(requests));
	tcase_add_test(tests, which_error_of_a_request_wins);
	tcase_add_test(tests, nothing_to_cancel);
	tcase_add_test(tests, a_request_that_fires_at_once_gives_back_the_one_before);
	tcase_add_test(tests, no_senders_is_told_once_for_each_request);
	tcase_add_test(tests, a_send_possible_request_is_told_once);
	tests = flow_case(suite, "names");
	tcase_add_test(tests, a_request_stays_while_its_name_keeps_a_right);
	tcase_add_loop_test(tests, a_name_that_goes_is_port_deleted, 0, ROWS(losses));
	return flow_run(suite);
}
