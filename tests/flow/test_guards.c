/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts and guards, guarded descriptors, construct and destruct, and a look at queued messages.
 */
#include <string.h>

#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

#define IMMOVABLE MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE
#define UNGUARDED MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND

#define SELF mach_task_self()

/* A guard that takes all bits there are. */
#define WIDE ((mach_port_context_t)0xabcdef0198765432)

static mach_port_context_t context_of(mach_port_t port)
{
	mach_port_context_t context = 0;

	CHECK_OK(mach_port_get_context(SELF, port, &context));
	return context;
}

static mach_port_t guarded_port(mach_port_context_t guard, uint64_t flags)
{
	mach_port_t port = flow_receive_right();

	CHECK_OK(mach_port_guard_with_flags(SELF, port, guard, flags));
	return port;
}

static mach_msg_return_t send_right(mach_port_t port, mach_port_t right)
{
	struct flow_letter letter;

	letter_start(&letter, port);
	letter_add_port(&letter, right, RECEIVE);
	return letter_send(&letter);
}

/* --- guards --- */

START_TEST(q271_a_guard_needs_an_empty_context)
{
	mach_port_t port = flow_receive_right();

	CHECK_OK(mach_port_guard(SELF, port, 0x1234, false));
	CHECK_CODE(mach_port_guard(SELF, port, 0x1234, false), KERN_INVALID_ARGUMENT);
	CHECK_EQ(context_of(port), 0x1234);
	port = flow_receive_right();
	CHECK_OK(mach_port_set_context(SELF, port, 5));
	CHECK_CODE(mach_port_guard(SELF, port, 1, false), KERN_INVALID_ARGUMENT);
	CHECK_OK(mach_port_set_context(SELF, port, 0));
	CHECK_OK(mach_port_guard(SELF, port, 0, false));
	CHECK_OK(mach_port_guard(SELF, port, 0, true));
	CHECK_OK(mach_port_unguard(SELF, port, 0));
	CHECK_CODE(mach_port_unguard(SELF, port, 0), KERN_INVALID_ARGUMENT);
}
END_TEST

START_TEST(q272_unguarding_takes_the_guard)
{
	mach_port_t port = guarded_port(9, 0);

	CHECK_CODE(mach_port_unguard(SELF, port, 8), KERN_INVALID_ARGUMENT);
	CHECK_OK(mach_port_unguard(SELF, port, 9));
	CHECK_CODE(mach_port_unguard(SELF, port, 9), KERN_INVALID_ARGUMENT);
	CHECK_EQ(context_of(port), 0);
	CHECK_OK(mach_port_guard(SELF, port, UINTPTR_MAX, true));
	CHECK_OK(mach_port_unguard(SELF, port, UINTPTR_MAX));
}
END_TEST

START_TEST(a_strict_guard_hides_and_stays)
{
	mach_port_t port = guarded_port(7, MPG_STRICT);

	CHECK_EQ(context_of(port), 0);
	CHECK_CODE(mach_port_set_context(SELF, port, 8), KERN_INVALID_ARGUMENT);
	CHECK_CODE(mach_port_swap_guard(SELF, port, 7, 8), KERN_INVALID_ARGUMENT);
	CHECK_OK(mach_port_unguard(SELF, port, 7));
	CHECK_CODE(mach_port_swap_guard(SELF, port, 0, 8), KERN_INVALID_ARGUMENT);
}
END_TEST

START_TEST(q274_a_loose_guard_can_be_changed)
{
	mach_port_t port = guarded_port(7, 0);

	CHECK_OK(mach_port_set_context(SELF, port, 9));
	CHECK_CODE(mach_port_unguard(SELF, port, 7), KERN_INVALID_ARGUMENT);
	CHECK_CODE(mach_port_swap_guard(SELF, port, 7, 10), KERN_INVALID_ARGUMENT);
	CHECK_OK(mach_port_swap_guard(SELF, port, 9, 10));
	CHECK_OK(mach_port_unguard(SELF, port, 10));
}
END_TEST

START_TEST(q275_what_a_guarded_port_resists)
{
	mach_port_t port = guarded_port(5, 0), set;

	flow_make_send(port, 1);
	CHECK_CODE(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -2), KERN_INVALID_VALUE);
	CHECK_CODE(mach_port_destroy(SELF, port), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_destruct(SELF, port, 0, 6), KERN_INVALID_ARGUMENT);
	CHECK_CODE(mach_port_destruct(SELF, port, -1, 6), KERN_INVALID_ARGUMENT);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_OK(mach_port_insert_member(SELF, port, set));
	CHECK_OK(mach_port_deallocate(SELF, port));
	CHECK_OK(mach_port_destruct(SELF, port, 0, 5));
	CHECK_EQ(flow_type(port), 0);
	/* A guard of 0 lets it be destroyed, and nothing else. */
	port = guarded_port(0, 0);
	CHECK_CODE(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_INVALID_RIGHT);
	CHECK_OK(mach_port_destroy(SELF, port));
}
END_TEST

START_TEST(names_that_cannot_be_guarded)
{
	mach_port_t dead = flow_dead_name(1), missing = flow_missing_name();
	mach_port_t once = flow_send_once(flow_receive_right());
	const struct {
		mach_port_t name;
		kern_return_t code;
	} bad[] = {{MACH_PORT_NULL, KERN_INVALID_NAME},
		   {MACH_PORT_DEAD, KERN_INVALID_NAME},
		   {missing, KERN_INVALID_NAME},
		   {dead, KERN_INVALID_NAME},
		   {once, KERN_INVALID_RIGHT}};

	for (unsigned i = 0; i < 5; i++) {
		CHECK_CODE(mach_port_guard(SELF, bad[i].name, 1, false), bad[i].code);
		CHECK_CODE(mach_port_guard_with_flags(SELF, bad[i].name, 1, 0), bad[i].code);
		CHECK_CODE(mach_port_unguard(SELF, bad[i].name, 1), bad[i].code);
		CHECK_CODE(mach_port_swap_guard(SELF, bad[i].name, 1, 2), bad[i].code);
		CHECK_CODE(mach_port_destruct(SELF, bad[i].name, 0, 0),
			   bad[i].name == dead ? KERN_INVALID_RIGHT : bad[i].code);
		CHECK_CODE(mach_port_set_context(SELF, bad[i].name, 1),
			   MACH_PORT_VALID(bad[i].name) ? bad[i].code : KERN_INVALID_RIGHT);
	}
	CHECK_EQ(flow_type(dead), MACH_PORT_TYPE_DEAD_NAME);
}
END_TEST

START_TEST(q286_asserting_a_guard)
{
	mach_port_guard_info_t info = {.mpgi_guard = 7};
	mach_port_t loose = guarded_port(7, 0), strict = guarded_port(7, MPG_STRICT);
	mach_port_info_t words = (mach_port_info_t)&info;
	const mach_msg_type_number_t count = MACH_PORT_GUARD_INFO_COUNT;

	CHECK_CODE(mach_port_assert_attributes(SELF, loose, MACH_PORT_GUARD_INFO, words, count),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(mach_port_assert_attributes(SELF, flow_receive_right(), MACH_PORT_GUARD_INFO,
					       words, count),
		   KERN_INVALID_ARGUMENT);
	CHECK_OK(mach_port_assert_attributes(SELF, strict, MACH_PORT_GUARD_INFO, words, count));
	CHECK_CODE(mach_port_assert_attributes(SELF, strict, MACH_PORT_LIMITS_INFO, words, count),
		   KERN_INVALID_ARGUMENT);
	info.mpgi_guard = 7 | UINT64_C(1) << 40;
	CHECK_CODE(mach_port_assert_attributes(SELF, strict, MACH_PORT_GUARD_INFO, words, count),
		   KERN_INVALID_ARGUMENT);
}
END_TEST

START_TEST(q277_q287_immovable_stays_and_hides)
{
	mach_port_t port = flow_port(), right = guarded_port(3, MPG_IMMOVABLE_RECEIVE);

	CHECK_EQ(flow_status(right).mps_flags, 0x42);
	CHECK_CODE(send_right(port, right), MACH_SEND_INVALID_RIGHT);
	CHECK_OK(mach_port_unguard(SELF, right, 3));
	CHECK_EQ(flow_status(right).mps_flags, 0);
	CHECK_CODE(send_right(port, right), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_RECEIVE);
	right = guarded_port(3, MPG_STRICT | 0xff00);
	CHECK_EQ(flow_status(right).mps_flags,
		 MACH_PORT_STATUS_FLAG_GUARDED | MACH_PORT_STATUS_FLAG_STRICT_GUARD);
}
END_TEST

START_TEST(q278_a_plain_descriptor_moves_a_guarded_port)
{
	mach_port_t port = flow_port(), right = guarded_port(3, MPG_STRICT);
	struct flow_letter letter;

	CHECK_OK(send_right(port, right));
	CHECK_OK(letter_receive(port, &letter));
	right = letter_port(&letter, 0).name;
	CHECK_EQ(flow_status(right).mps_flags, 0);
	CHECK_EQ(context_of(right), 0);
	CHECK_CODE(mach_port_unguard(SELF, right, 3), KERN_INVALID_ARGUMENT);
}
END_TEST

START_TEST(the_trailer_has_the_context_of_a_strict_guard)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_NULL, 0, 1));
	CHECK_OK(mach_port_guard(SELF, port, WIDE, true));
	CHECK_OK(flow_receive(port, &message));
	CHECK(flow_trailer(&message)->msgh_context == WIDE);
}
END_TEST

/* --- guarded descriptors --- */

static mach_msg_return_t send_guarded(mach_port_t port, mach_port_t right, uint64_t context,
				      unsigned flags)
{
	struct flow_letter letter;

	letter_start(&letter, port);
	letter_add_guarded(&letter, right, context, flags);
	return letter_send(&letter);
}

START_TEST(q_the_receivers_buffer_is_the_new_guard)
{
	mach_port_t port = flow_port(), right = guarded_port(WIDE, 0);
	mach_msg_guarded_port_descriptor_t came;
	struct flow_letter letter;

	CHECK_OK(send_guarded(port, right, WIDE, IMMOVABLE));
	CHECK_EQ(flow_type(right), 0);
	CHECK_OK(letter_receive_with(port, &letter, MACH_RCV_GUARDED_DESC));
	came = letter_guarded(&letter, 0);
	CHECK_EQ(came.disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	CHECK_EQ(came.flags, IMMOVABLE);
	CHECK(came.context == (uintptr_t)&letter);
	CHECK(context_of(came.name) == (uintptr_t)&letter);
	CHECK_EQ(flow_status(came.name).mps_flags, 0x42);
	CHECK_CODE(mach_port_destroy(SELF, came.name), KERN_INVALID_RIGHT);
	CHECK_CODE(send_right(port, came.name), MACH_SEND_INVALID_RIGHT);
	CHECK_OK(mach_port_destruct(SELF, came.name, 0, came.context));
}
END_TEST

START_TEST(q280_who_knows_no_guards_gets_no_right)
{
	mach_port_t port = flow_port(), right = guarded_port(6, 0);
	mach_msg_guarded_port_descriptor_t came;
	struct flow_letter letter;

	flow_make_send(right, 1);
	CHECK_OK(send_guarded(port, right, 6, IMMOVABLE));
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_SEND);
	CHECK_OK(letter_receive(port, &letter));
	came = letter_guarded(&letter, 0);
	CHECK_EQ(came.name, MACH_PORT_NULL);
	CHECK(came.context == 0);
	CHECK_EQ(came.flags, IMMOVABLE | UNGUARDED);
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_DEAD_NAME);
}
END_TEST

START_TEST(q281_a_port_without_a_guard)
{
	mach_port_t port = flow_port();
	mach_msg_guarded_port_descriptor_t came;
	struct flow_letter letter;

	CHECK_OK(send_guarded(port, flow_receive_right(), 0, IMMOVABLE | UNGUARDED));
	CHECK_OK(letter_receive_with(port, &letter, MACH_RCV_GUARDED_DESC));
	came = letter_guarded(&letter, 0);
	CHECK_EQ(came.flags, IMMOVABLE);
	CHECK(came.context == (uintptr_t)&letter);
	CHECK_OK(send_guarded(port, flow_receive_right(), 0, UNGUARDED));
	CHECK_OK(letter_receive_with(port, &letter, MACH_RCV_GUARDED_DESC));
	came = letter_guarded(&letter, 0);
	CHECK_EQ(came.flags, UNGUARDED);
	CHECK(came.context == 0);
	CHECK_EQ(flow_status(came.name).mps_flags, 0);
	CHECK_OK(send_right(port, came.name));
}
END_TEST

START_TEST(q283_descriptors_that_make_no_sense)
{
	static const struct {
		uint64_t context;
		unsigned flags, type;
	} bad[] = {
		{6, 0, RECEIVE},
		{6, 4, RECEIVE},
		{6, 0x8000 | 1, RECEIVE},
		{7, UNGUARDED, RECEIVE},
		{6, UNGUARDED | IMMOVABLE, RECEIVE},
		{6, IMMOVABLE, MACH_MSG_TYPE_MOVE_SEND},
		{6, IMMOVABLE, 0},
	};
	mach_port_t port = flow_port(), right = guarded_port(6, 0);

	for (unsigned i = 0; i < 2 * sizeof bad / sizeof *bad; i++) {
		mach_msg_guarded_port_descriptor_t guarded = {
			.context = bad[i / 2].context,
			.flags = bad[i / 2].flags,
			.disposition = bad[i / 2].type,
			.type = MACH_MSG_GUARDED_PORT_DESCRIPTOR,
			.name = i % 2 ? MACH_PORT_NULL : right};
		struct flow_letter letter;

		letter_start_as(&letter, port, MACH_MSG_TYPE_MOVE_SEND, MACH_PORT_NULL, 0);
		letter_add(&letter, &guarded, sizeof guarded);
		CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_TYPE);
	}
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

START_TEST(q284_the_wrong_guard)
{
	mach_port_t port = flow_port(), right = guarded_port(6, 0), plain = flow_receive_right();

	CHECK_CODE(send_guarded(port, right, 7, IMMOVABLE), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_guarded(port, right, 0, UNGUARDED), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_guarded(port, plain, 0, IMMOVABLE), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_guarded(port, flow_missing_name(), 0, UNGUARDED), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(send_guarded(port, guarded_port(6, MPG_IMMOVABLE_RECEIVE), 6, IMMOVABLE),
		   MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(flow_type(plain), MACH_PORT_TYPE_RECEIVE);
	/* A guard of 0 is what a context of 0 names. */
	CHECK_OK(send_guarded(port, guarded_port(0, 0), 0, IMMOVABLE));
	CHECK_OK(send_guarded(port, guarded_port(0, MPG_STRICT), 0, UNGUARDED));
}
END_TEST

START_TEST(null_and_dead_names_need_no_guard)
{
	static const mach_port_t names[] = {MACH_PORT_NULL, MACH_PORT_DEAD};
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < 4; i++) {
		struct flow_letter letter;

		CHECK_OK(send_guarded(port, names[i / 2], 0x77, IMMOVABLE));
		CHECK_OK(letter_receive_with(port, &letter, i % 2 ? MACH_RCV_GUARDED_DESC : 0));
		CHECK_EQ(letter_guarded(&letter, 0).disposition, MACH_MSG_TYPE_PORT_RECEIVE);
		if (i % 2)
			CHECK_EQ(letter_guarded(&letter, 0).name, names[i / 2]);
	}
}
END_TEST

START_TEST(a_guarded_port_that_comes_back_is_guarded_again)
{
	mach_port_t port = flow_port(), right = guarded_port(6, 0);
	mach_msg_guarded_port_descriptor_t came;
	struct flow_letter letter;

	flow_fill(port, MACH_PORT_QLIMIT_DEFAULT);
	letter_start(&letter, port);
	letter_add_guarded(&letter, right, 6, IMMOVABLE);
	letter_add_guarded(&letter, flow_receive_right(), 0, UNGUARDED);
	CHECK_CODE(letter_send(&letter), MACH_SEND_TIMED_OUT);
	came = letter_guarded(&letter, 0);
	CHECK(came.context == (uintptr_t)&letter);
	CHECK_EQ(came.flags, IMMOVABLE);
	CHECK_EQ(flow_status(came.name).mps_flags, MACH_PORT_STATUS_FLAG_GUARDED);
	CHECK(context_of(came.name) == (uintptr_t)&letter);
	came = letter_guarded(&letter, 1);
	CHECK(came.context == 0);
	CHECK_EQ(flow_status(came.name).mps_flags, 0);
	/* As it is, it can be sent again: the port is not immovable. */
	for (unsigned i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++) {
		struct flow_letter other;

		CHECK_OK(letter_receive(port, &other));
	}
	CHECK_OK(letter_send(&letter));
}
END_TEST

/* --- construct and destruct --- */

START_TEST(m211_a_port_with_all_it_needs)
{
	mach_port_options_t options = {.flags = MPO_INSERT_SEND_RIGHT | MPO_QLIMIT,
				       .mpl = {.mpl_qlimit = 7}};
	mach_port_t port = MACH_PORT_NULL;
	mach_port_status_t status;

	CHECK_OK(mach_port_construct(SELF, &options, 0x99, &port));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	status = flow_status(port);
	CHECK_EQ(status.mps_qlimit, 7);
	CHECK_EQ(status.mps_mscount, 1);
	CHECK_EQ(status.mps_flags, 0);
	CHECK_EQ(context_of(port), 0x99);
	/* Without a guard these mean nothing. */
	options.flags = MPO_STRICT | MPO_IMMOVABLE_RECEIVE;
	CHECK_OK(mach_port_construct(SELF, &options, 0, &port));
	CHECK_EQ(flow_status(port).mps_flags, 0);
	CHECK_EQ(flow_status(port).mps_qlimit, MACH_PORT_QLIMIT_DEFAULT);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(send_right(flow_port(), port));
	options.flags |= MPO_CONTEXT_AS_GUARD;
	CHECK_OK(mach_port_construct(SELF, &options, 4, &port));
	CHECK_EQ(flow_status(port).mps_flags, 0x46);
	CHECK_OK(mach_port_destruct(SELF, port, 0, 4));
}
END_TEST

START_TEST(m212_options_that_cannot_be)
{
	static const struct {
		uint32_t flags;
		kern_return_t code;
	} bad[] = {
		{MPO_SERVICE_PORT | MPO_CONNECTION_PORT, KERN_INVALID_ARGUMENT},
		{MPO_SERVICE_PORT | MPO_TG_BLOCK_TRACKING, KERN_INVALID_ARGUMENT},
		{MPO_REPLY_PORT | MPO_ENFORCE_REPLY_PORT_SEMANTICS, KERN_INVALID_ARGUMENT},
		{MPO_REPLY_PORT | MPO_PROVISIONAL_REPLY_PORT, KERN_INVALID_ARGUMENT},
		{MPO_EXCEPTION_PORT | MPO_PROVISIONAL_REPLY_PORT, KERN_INVALID_ARGUMENT},
		{MPO_TG_BLOCK_TRACKING, KERN_DENIED},
		{MPO_CONNECTION_PORT, KERN_INVALID_ARGUMENT},
		{MPO_QLIMIT, KERN_INVALID_VALUE},
	};
	mach_port_t port = 0x55;

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		mach_port_options_t options = {.flags = bad[i].flags,
					       .mpl = {.mpl_qlimit = MACH_PORT_QLIMIT_MAX + 1}};

		CHECK_CODE(mach_port_construct(SELF, &options, 0, &port), bad[i].code);
	}
	CHECK_EQ(port, 0x55);
}
END_TEST

START_TEST(m214_destruct_drops_the_send_rights_first)
{
	mach_port_t port = flow_port(), notify = flow_receive_right();

	flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
	CHECK_CODE(mach_port_destruct(SELF, port, 1, 0), KERN_INVALID_VALUE);
	CHECK_CODE(mach_port_destruct(SELF, port, -2, 0), KERN_INVALID_VALUE);
	flow_notified(notify, -1);
	CHECK_OK(mach_port_destruct(SELF, port, -1, 0));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), 1);
	CHECK_EQ(flow_type(port), 0);
	port = flow_port();
	flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
	CHECK_OK(mach_port_destruct(SELF, port, 0, 0));
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_CODE(mach_port_destruct(SELF, flow_receive_right(), -1, 0), KERN_INVALID_RIGHT);
}
END_TEST

/* --- a look at queued messages --- */

static kern_return_t peek(mach_port_t port, mach_port_seqno_t *seqno, mach_msg_size_t *size,
			  mach_msg_id_t *id, mach_msg_max_trailer_t *trailer)
{
	mach_msg_type_number_t room = sizeof *trailer;

	return mach_port_peek(SELF, port, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), seqno,
			      size, id, (mach_msg_trailer_info_t)trailer, &room);
}

START_TEST(m209_a_look_at_messages)
{
	mach_port_t port = flow_port();
	mach_msg_max_trailer_t trailer;
	mach_port_seqno_t seqno = 0;
	struct flow_letter letter;
	mach_msg_size_t size;
	mach_msg_id_t id;

	CHECK_CODE(peek(port, &seqno, &size, &id, &trailer), KERN_FAILURE);
	CHECK_OK(mach_port_set_seqno(SELF, port, 100));
	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_NULL, 0, 41));
	letter_start(&letter, port);
	letter_add_port(&letter, port, MAKE_ONCE);
	letter_add_memory(&letter, NULL, 0, false, 0);
	CHECK_OK(letter_send(&letter));
	for (unsigned i = 0; i < 2; i++) {
		seqno = 0;
		CHECK_OK(peek(port, &seqno, &size, &id, &trailer));
		CHECK(seqno == 100 && id == 41);
		CHECK_EQ(size, 24 + 8);
		CHECK_EQ(trailer.msgh_seqno, 100);
		CHECK_EQ(trailer.msgh_trailer_size, 68);
	}
	seqno = 101;
	CHECK_OK(peek(port, &seqno, &size, &id, &trailer));
	CHECK_EQ(size, 28 + 8 + 2 * 16);
	CHECK_EQ(id, 1);
	seqno = 102;
	CHECK_CODE(peek(port, &seqno, &size, &id, &trailer), KERN_FAILURE);
	seqno = 99;
	CHECK_CODE(peek(port, &seqno, &size, &id, &trailer), KERN_FAILURE);
	CHECK_EQ(flow_status(port).mps_msgcount, 2);
	CHECK_EQ(flow_status(port).mps_seqno, 100);
}
END_TEST

START_TEST(looks_that_are_refused)
{
	mach_port_t port = flow_port();
	mach_msg_max_trailer_t trailer;
	mach_port_seqno_t seqno = 0;
	mach_msg_type_number_t room = sizeof trailer;
	mach_msg_size_t size;
	mach_msg_id_t id;

	flow_fill(port, 1);
	CHECK_CODE(mach_port_peek(SELF, port, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_CTX),
				  &seqno, &size, &id, (mach_msg_trailer_info_t)&trailer, &room),
		   KERN_INVALID_VALUE);
	room = sizeof(mach_msg_audit_trailer_t) - 1;
	CHECK_CODE(mach_port_peek(SELF, port, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT),
				  &seqno, &size, &id, (mach_msg_trailer_info_t)&trailer, &room),
		   KERN_INVALID_VALUE);
	CHECK_CODE(peek(MACH_PORT_NULL, &seqno, &size, &id, &trailer), KERN_INVALID_RIGHT);
	CHECK_CODE(peek(MACH_PORT_DEAD, &seqno, &size, &id, &trailer), KERN_INVALID_RIGHT);
	CHECK_CODE(peek(flow_missing_name(), &seqno, &size, &id, &trailer), KERN_INVALID_NAME);
	CHECK_CODE(peek(flow_dead_name(1), &seqno, &size, &id, &trailer), KERN_INVALID_NAME);
	CHECK_CODE(peek(flow_send_once(port), &seqno, &size, &id, &trailer), KERN_INVALID_RIGHT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guards");
	TCase *tcase = flow_case(suite, "guards");

	tcase_add_test(tcase, q271_a_guard_needs_an_empty_context);
	tcase_add_test(tcase, q272_unguarding_takes_the_guard);
	tcase_add_test(tcase, a_strict_guard_hides_and_stays);
	tcase_add_test(tcase, q274_a_loose_guard_can_be_changed);
	tcase_add_test(tcase, q275_what_a_guarded_port_resists);
	tcase_add_test(tcase, names_that_cannot_be_guarded);
	tcase_add_test(tcase, q286_asserting_a_guard);
	tcase_add_test(tcase, q277_q287_immovable_stays_and_hides);
	tcase_add_test(tcase, q278_a_plain_descriptor_moves_a_guarded_port);
	tcase_add_test(tcase, the_trailer_has_the_context_of_a_strict_guard);
	tcase_add_test(tcase, q_the_receivers_buffer_is_the_new_guard);
	tcase_add_test(tcase, q280_who_knows_no_guards_gets_no_right);
	tcase_add_test(tcase, q281_a_port_without_a_guard);
	tcase_add_test(tcase, q283_descriptors_that_make_no_sense);
	tcase_add_test(tcase, q284_the_wrong_guard);
	tcase_add_test(tcase, null_and_dead_names_need_no_guard);
	tcase_add_test(tcase, a_guarded_port_that_comes_back_is_guarded_again);
	tcase_add_test(tcase, m211_a_port_with_all_it_needs);
	tcase_add_test(tcase, m212_options_that_cannot_be);
	tcase_add_test(tcase, m214_destruct_drops_the_send_rights_first);
	tcase_add_test(tcase, m209_a_look_at_messages);
	tcase_add_test(tcase, looks_that_are_refused);
	return flow_run(suite);
}
