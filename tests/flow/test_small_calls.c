/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that the library answers alone or makes of others: clocks, mach_right_*, allocation with
 * wishes, calls that do nothing any more, mig_reply_setup.
 */
#include <errno.h>
#include <mach/mach_right.h>
#include <mach/mach_time.h>
#include <mach/mig_errors.h>
#include <mach/port_obj.h>
#include <mach/thread_switch.h>
#include <machd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/limits.h"
#include "tests/flow/flow.h"

/* --- without a daemon --- */

static void no_daemon(void)
{
	CHECK(setenv("MACHD_SOCKET", "/nonexistent/machd.sock", 1) == 0);
}

START_TEST(a_unit_of_time_is_a_nanosecond)
{
	mach_timebase_info_data_t info = {0, 0};
	struct timespec before, after;
	uint64_t now;

	CHECK_OK(mach_timebase_info(&info));
	CHECK_EQ(info.numer, 1);
	CHECK_EQ(info.denom, 1);
	clock_gettime(CLOCK_MONOTONIC, &before);
	now = mach_absolute_time();
	clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK(now >= (uint64_t)before.tv_sec * 1000000000u + (uint64_t)before.tv_nsec);
	CHECK(now <= (uint64_t)after.tv_sec * 1000000000u + (uint64_t)after.tv_nsec);
}
END_TEST

START_TEST(clocks_do_not_go_back)
{
	uint64_t (*const clocks[])(void) = {mach_absolute_time, mach_approximate_time,
					    mach_continuous_time, mach_continuous_approximate_time};
	uint64_t early, late;

	for (size_t i = 0; i < 4; i++) {
		uint64_t last = clocks[i]();

		CHECK(last > 0);
		for (unsigned n = 0; n < 10000; n++) {
			uint64_t now = clocks[i]();

			CHECK(now >= last);
			last = now;
		}
	}
	early = mach_approximate_time(); /* a coarse clock is late */
	late = mach_absolute_time();
	CHECK(early <= late);
	early = mach_absolute_time();
	late = mach_continuous_time(); /* time in suspension only adds */
	CHECK(early <= late);
}
END_TEST

START_TEST(waiting_ends_at_its_time_and_not_before)
{
	uint64_t deadline = mach_absolute_time() + 2000000;

	errno = EXDEV;
	CHECK_OK(mach_wait_until(deadline));
	CHECK(mach_absolute_time() >= deadline);
	CHECK_OK(mach_wait_until(0));
	CHECK_EQ(errno, EXDEV);
}
END_TEST

static atomic_bool ended;

static void ignore_signal(int number)
{
	(void)number;
}

static void *wait_for_ever(void *code)
{
	*(kern_return_t *)code = mach_wait_until(UINT64_MAX);
	atomic_store(&ended, true);
	return NULL;
}

START_TEST(a_signal_ends_waiting)
{
	struct sigaction action = {.sa_handler = ignore_signal};
	kern_return_t code = KERN_SUCCESS;
	pthread_t thread;

	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	atomic_store(&ended, false);
	CHECK(pthread_create(&thread, NULL, wait_for_ever, &code) == 0);
	while (!atomic_load(&ended))
		flow_interrupt(thread);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_CODE(code, KERN_ABORTED);
}
END_TEST

START_TEST(the_page_size_is_that_of_the_task)
{
	vm_size_t size = 0;

	CHECK_OK(host_page_size(HOST_NULL, &size));
	CHECK(size == vm_page_size);
}
END_TEST

START_TEST(mig_reply_setup_answers_a_message_not_yet_sent)
{
	mach_msg_header_t request = {
		.msgh_bits =
			MACH_MSGH_BITS_COMPLEX |
			MACH_MSGH_BITS_SET(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE,
					   MACH_MSG_TYPE_MOVE_SEND, 0),
		.msgh_size = 400,
		.msgh_remote_port = 0x103,
		.msgh_local_port = 0x203,
		.msgh_voucher_port = 0x303,
		.msgh_id = 1000,
	};
	mig_reply_error_t reply;

	memset(&reply, 0x77, sizeof reply);
	mig_reply_setup(&request, &reply.Head);
	CHECK_EQ(reply.Head.msgh_bits, MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND_ONCE, 0));
	CHECK_EQ(reply.Head.msgh_size, 36);
	CHECK_EQ(reply.Head.msgh_remote_port, 0x203);
	CHECK_EQ(reply.Head.msgh_local_port, MACH_PORT_NULL);
	CHECK_EQ(reply.Head.msgh_voucher_port, MACH_PORT_NULL);
	CHECK_EQ(reply.Head.msgh_id, 1100);
	ck_assert_mem_eq(&reply.NDR, &NDR_record, sizeof NDR_record);
	CHECK_EQ(reply.RetCode, 0x77777777);
}
END_TEST

START_TEST(the_hooks_for_vouchers_do_nothing)
{
	mach_msg_header_t message = {.msgh_bits = 0x110000, .msgh_voucher_port = 0x103}, before;

	before = message;
	CHECK_EQ(voucher_mach_msg_set(&message), FALSE);
	CHECK(voucher_mach_msg_adopt(&message) == VOUCHER_MACH_MSG_STATE_UNCHANGED);
	voucher_mach_msg_revert(VOUCHER_MACH_MSG_STATE_UNCHANGED);
	voucher_mach_msg_clear(&message);
	ck_assert_mem_eq(&message, &before, sizeof message);
}
END_TEST

START_TEST(giving_up_the_processor)
{
	uint64_t start = mach_absolute_time();

	CHECK_EQ(swtch(), FALSE);
	CHECK_EQ(swtch_pri(0), FALSE);
	CHECK_OK(thread_switch(THREAD_NULL, SWITCH_OPTION_NONE, 0));
	CHECK_OK(thread_switch(THREAD_NULL, SWITCH_OPTION_DEPRESS, 1000000));
	CHECK_OK(thread_switch(THREAD_NULL, SWITCH_OPTION_WAIT, 2));
	CHECK(mach_absolute_time() - start >= 2000000);
	CHECK_CODE(thread_switch(THREAD_NULL, SWITCH_OPTION_OSLOCK_WAIT + 1, 0),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(thread_switch(THREAD_NULL, -1, 0), KERN_INVALID_ARGUMENT);
}
END_TEST

START_TEST(times_are_computed_with)
{
	mach_timespec_t late = {5, 100}, early = {4, 999999999}, sum = {1, 600000000};
	time_value_t value = {1, 999999};

	CHECK(CMP_MACH_TIMESPEC(&late, &early) > 0 && CMP_MACH_TIMESPEC(&early, &late) < 0);
	CHECK_EQ(CMP_MACH_TIMESPEC(&early, &early), 0);
	SUB_MACH_TIMESPEC(&late, &early);
	CHECK(late.tv_sec == 0 && late.tv_nsec == 101);
	ADD_MACH_TIMESPEC(&sum, &sum);
	CHECK(sum.tv_sec == 3 && sum.tv_nsec == 200000000);
	CHECK(!BAD_MACH_TIMESPEC(&sum));
	sum.tv_nsec = 1000000000;
	CHECK(BAD_MACH_TIMESPEC(&sum));
	sum.tv_nsec = -1;
	CHECK(BAD_MACH_TIMESPEC(&sum));
	time_value_add_usec(&value, 1);
	CHECK(value.seconds == 2 && value.microseconds == 0);
	time_value_add(&value, &value);
	CHECK(value.seconds == 4 && value.microseconds == 0);
}
END_TEST

START_TEST(words_are_kept_for_ports_by_their_index)
{
	mach_port_name_t name = MACH_PORT_MAKE(70000, MACH_PORT_GEN(3));
	mach_port_name_t beyond = MACH_PORT_MAKE(0xfffff, MACH_PORT_GEN(3));
	int word;

	CHECK(port_get_obj_value(name) == NULL);
	port_set_obj_value_type(name, &word, 5);
	CHECK(port_get_obj_value(name) == &word);
	CHECK_EQ(port_get_obj_type(name), 5);
	port_set_obj_value_type(beyond, &word, 6);
	CHECK(port_get_obj_value(beyond) == NULL);
	CHECK_EQ(port_get_obj_type(beyond), 0);
}
END_TEST

START_TEST(without_a_daemon_even_these_calls_say_so)
{
	mach_port_qos_t qos = {.name = 1};
	mach_port_name_t name = 77;

	CHECK_CODE(mach_port_rename(0x103, 0x203, 0x303), MACHD_NO_DAEMON);
	CHECK_CODE(task_set_port_space(0x103, 100), MACHD_NO_DAEMON);
	CHECK_CODE(mach_port_allocate_qos(0x103, MACH_PORT_RIGHT_RECEIVE, &qos, &name),
		   MACHD_NO_DAEMON);
	CHECK_CODE(mach_voucher_deallocate(0x203), MACHD_NO_DAEMON);
	CHECK(!mach_task_is_self(0x103));
	CHECK(!mach_right_recv_valid(mach_right_recv_construct(0, NULL, 0)));
	CHECK(!mach_right_send_valid(mach_right_send_create(mach_right_recv(0x103))));
	CHECK(!mach_right_send_once_valid(mach_right_send_once_create(mach_right_recv(0x103))));
	CHECK_EQ(name, 77);
}
END_TEST

/* --- rights --- */

START_TEST(a_send_right_is_made_kept_and_given_up)
{
	mach_right_recv_t receive = mach_right_recv(flow_receive_right());
	mach_right_send_t send = mach_right_send_create(receive);

	CHECK(mach_right_send_valid(send));
	CHECK_EQ(send.mrs_name, receive.mrr_name);
	CHECK_EQ(flow_status(receive.mrr_name).mps_mscount, 1);
	CHECK_EQ(mach_right_send_retain(send).mrs_name, send.mrs_name);
	CHECK_EQ(flow_refs(send.mrs_name, MACH_PORT_RIGHT_SEND), 2);
	mach_right_send_release(send);
	CHECK_EQ(flow_refs(send.mrs_name, MACH_PORT_RIGHT_SEND), 1);
	mach_right_send_release(send);
	CHECK_EQ(flow_type(receive.mrr_name), MACH_PORT_TYPE_RECEIVE);
}
END_TEST

START_TEST(a_receive_right_is_made_with_a_guard_or_a_context)
{
	mach_right_send_t send = MACH_RIGHT_SEND_NULL;
	mach_right_recv_t guarded = mach_right_recv_construct(
		MACH_RIGHT_RECV_FLAG_STRICT | MACH_RIGHT_RECV_FLAG_IMMOVABLE, &send, 7);
	mach_right_recv_t plain =
		mach_right_recv_construct(MACH_RIGHT_RECV_FLAG_UNGUARDED, NULL, 7);
	mach_port_context_t context;

	CHECK_EQ(send.mrs_name, guarded.mrr_name);
	CHECK_EQ(flow_type(guarded.mrr_name), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_status(guarded.mrr_name).mps_flags,
		 MACH_PORT_STATUS_FLAG_GUARDED | MACH_PORT_STATUS_FLAG_STRICT_GUARD |
			 MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE);
	mach_right_recv_destruct(guarded, &send, 8); /* not its guard */
	CHECK_EQ(flow_type(guarded.mrr_name), MACH_PORT_TYPE_SEND_RECEIVE);
	mach_right_recv_destruct(guarded, &send, 7);
	CHECK_EQ(flow_type(guarded.mrr_name), 0);
	CHECK_EQ(flow_type(plain.mrr_name), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(flow_status(plain.mrr_name).mps_flags, 0);
	CHECK_OK(mach_port_get_context(mach_task_self(), plain.mrr_name, &context));
	CHECK_EQ(context, 7);
	mach_right_recv_destruct(plain, NULL, 0);
	CHECK_EQ(flow_type(plain.mrr_name), 0);
}
END_TEST

static void wait_for_parent(void *unused)
{
	(void)unused;
	flow_tell_parent((uint32_t)mach_task_self());
	flow_hear_parent();
}

START_TEST(a_task_knows_its_own_names)
{
	mach_port_t name = MACH_PORT_NULL;
	struct flow_child child;

	CHECK(mach_task_is_self(mach_task_self()));
	CHECK_OK(task_get_special_port(mach_task_self(), TASK_NAME_PORT, &name));
	CHECK(name != mach_task_self() && mach_task_is_self(name));
	CHECK(!mach_task_is_self(MACH_PORT_NULL));
	CHECK(!mach_task_is_self(flow_port()));
	flow_fork(&child, wait_for_parent, NULL);
	flow_hear(&child);
	CHECK_OK(task_name_for_pid(mach_task_self(), child.pid, &name));
	CHECK(!mach_task_is_self(name));
	flow_tell(&child, 0);
	flow_join(&child);
}
END_TEST

START_TEST(a_send_once_right_is_made_and_given_up)
{
	mach_right_recv_t receive = mach_right_recv(flow_receive_right());
	mach_right_send_once_t once = mach_right_send_once_create(receive);

	CHECK(mach_right_send_once_valid(once));
	CHECK_EQ(flow_type(once.mrso_name), MACH_PORT_TYPE_SEND_ONCE);
	mach_right_send_once_consume(once);
	CHECK_EQ(flow_type(once.mrso_name), 0);
	flow_notified(receive.mrr_name, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(rights_to_a_port_that_died_can_be_given_up)
{
	mach_right_recv_t receive = mach_right_recv(flow_receive_right());
	mach_right_send_once_t once = mach_right_send_once_create(receive);
	mach_right_send_t send = mach_right_send_create(receive);

	mach_right_send_retain(send);
	CHECK_OK(mach_port_mod_refs(mach_task_self(), receive.mrr_name, MACH_PORT_RIGHT_RECEIVE,
				    -1));
	CHECK_EQ(mach_right_send_retain(send).mrs_name, MACH_PORT_DEAD);
	CHECK_EQ(flow_refs(send.mrs_name, MACH_PORT_RIGHT_DEAD_NAME), 2);
	mach_right_send_release(send);
	CHECK_EQ(flow_refs(send.mrs_name, MACH_PORT_RIGHT_DEAD_NAME), 1);
	mach_right_send_release(send);
	CHECK_EQ(flow_type(send.mrs_name), 0);
	mach_right_send_once_consume(once);
	CHECK_EQ(flow_type(once.mrso_name), 0);
}
END_TEST

START_TEST(no_right_gives_no_right)
{
	mach_port_t other = flow_dead_name(1);

	CHECK(!mach_right_recv_valid(MACH_RIGHT_RECV_NULL));
	CHECK(!mach_right_send_valid(mach_right_send(MACH_PORT_DEAD)));
	CHECK(!mach_right_send_once_valid(mach_right_send_once(MACH_PORT_DEAD)));
	CHECK_EQ(mach_right_send_create(MACH_RIGHT_RECV_NULL).mrs_name, MACH_PORT_NULL);
	CHECK_EQ(mach_right_send_create(mach_right_recv(other)).mrs_name, MACH_PORT_NULL);
	CHECK_EQ(mach_right_send_once_create(MACH_RIGHT_RECV_NULL).mrso_name, MACH_PORT_NULL);
	CHECK_EQ(mach_right_send_once_create(mach_right_recv(other)).mrso_name, MACH_PORT_NULL);
	CHECK_EQ(mach_right_send_retain(MACH_RIGHT_SEND_NULL).mrs_name, MACH_PORT_NULL);
	CHECK_EQ(mach_right_send_retain(mach_right_send(MACH_PORT_DEAD)).mrs_name, MACH_PORT_DEAD);
	CHECK_EQ(mach_right_send_retain(mach_right_send(flow_missing_name())).mrs_name,
		 MACH_PORT_NULL);
	mach_right_send_release(MACH_RIGHT_SEND_NULL);
	mach_right_send_once_consume(MACH_RIGHT_SEND_ONCE_NULL);
	CHECK_EQ(flow_refs(other, MACH_PORT_RIGHT_DEAD_NAME), 1);
}
END_TEST

START_TEST(mach_voucher_deallocate_takes_one_reference)
{
	mach_port_t port = flow_port();

	flow_make_send(port, 1);
	CHECK_OK(mach_voucher_deallocate(port));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_OK(mach_voucher_deallocate(MACH_VOUCHER_NULL));
	CHECK_CODE(mach_voucher_deallocate(flow_missing_name()), KERN_INVALID_NAME);
}
END_TEST

/* --- allocation with wishes --- */

static mach_port_t allocated; /* as it was before the call, if that fails */

static kern_return_t allocate_qos(mach_port_right_t right, mach_port_qos_t qos)
{
	allocated = 77;
	return mach_port_allocate_qos(mach_task_self(), right, &qos, &allocated);
}

START_TEST(allocate_qos_gives_what_allocate_gives)
{
	mach_port_qos_t none = {0}, room = {.prealloc = 1, .len = MACHD_MESSAGE_SIZE_MAX};

	CHECK_OK(allocate_qos(MACH_PORT_RIGHT_RECEIVE, none));
	CHECK_EQ(flow_type(allocated), MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(allocate_qos(MACH_PORT_RIGHT_PORT_SET, none));
	CHECK_EQ(flow_type(allocated), MACH_PORT_TYPE_PORT_SET);
	CHECK_OK(allocate_qos(MACH_PORT_RIGHT_DEAD_NAME, none));
	CHECK_EQ(flow_type(allocated), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_OK(allocate_qos(MACH_PORT_RIGHT_RECEIVE, room));
	CHECK_EQ(flow_type(allocated), MACH_PORT_TYPE_RECEIVE);
	CHECK_CODE(allocate_qos(MACH_PORT_RIGHT_SEND, none), KERN_INVALID_VALUE);
	CHECK_EQ(allocated, 77);
}
END_TEST

START_TEST(allocate_qos_refuses_names_and_room_it_cannot_have)
{
	mach_port_qos_t name = {.name = 1}, room = {.prealloc = 1, .len = 100};
	mach_port_qos_t much = {.prealloc = 1, .len = MACHD_MESSAGE_SIZE_MAX + 1};

	CHECK_CODE(allocate_qos(MACH_PORT_RIGHT_RECEIVE, name), KERN_INVALID_ARGUMENT);
	CHECK_CODE(allocate_qos(MACH_PORT_RIGHT_RECEIVE, much), KERN_RESOURCE_SHORTAGE);
	CHECK_CODE(allocate_qos(MACH_PORT_RIGHT_PORT_SET, much), KERN_RESOURCE_SHORTAGE);
	CHECK_CODE(allocate_qos(MACH_PORT_RIGHT_PORT_SET, room), KERN_INVALID_VALUE);
	CHECK_EQ(allocated, 77);
}
END_TEST

static kern_return_t allocate_full(mach_port_t proto, mach_port_name_t name)
{
	mach_port_qos_t qos = {.name = name != 0};

	allocated = name;
	return mach_port_allocate_full(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, proto, &qos,
				       &allocated);
}

START_TEST(allocate_full_takes_a_name)
{
	CHECK_OK(allocate_full(MACH_PORT_NULL, 0));
	CHECK_EQ(flow_type(allocated), MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(allocate_full(MACH_PORT_NULL, 0x7703));
	CHECK_EQ(allocated, 0x7703);
	CHECK_EQ(flow_type(0x7703), MACH_PORT_TYPE_RECEIVE);
	CHECK_CODE(allocate_full(MACH_PORT_NULL, 0x7703), KERN_NAME_EXISTS);
	CHECK_CODE(allocate_full(MACH_PORT_NULL, 0x7804), KERN_INVALID_VALUE);
	CHECK_CODE(allocate_full(MACH_PORT_NULL, MACH_PORT_DEAD), KERN_INVALID_VALUE);
	CHECK_CODE(allocate_full(0x7703, 0), KERN_INVALID_VALUE);
}
END_TEST

START_TEST(i215_rename_is_an_unknown_request)
{
	mach_port_t port = flow_port();

	CHECK_CODE(mach_port_rename(mach_task_self(), port, 0x7703), MIG_BAD_ID);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_type(0x7703), 0);
}
END_TEST

START_TEST(the_size_of_the_name_space_is_nobodys_choice)
{
	CHECK_OK(task_set_port_space(mach_task_self(), 0));
	CHECK_OK(task_set_port_space(mach_task_self(), -1));
}
END_TEST

START_TEST(what_is_no_task_is_a_bad_destination_first)
{
	mach_port_t port = flow_port();
	mach_port_qos_t qos = {.name = 1};
	mach_port_name_t name = MACH_PORT_NULL;

	CHECK_CODE(mach_port_rename(port, port, 0x7703), MACH_SEND_INVALID_DEST);
	CHECK_CODE(task_set_port_space(MACH_PORT_NULL, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(mach_port_allocate_qos(port, MACH_PORT_RIGHT_RECEIVE, &qos, &name),
		   MACH_SEND_INVALID_DEST);
	CHECK_CODE(mach_port_allocate_full(port, MACH_PORT_RIGHT_RECEIVE, port, &qos, &name),
		   MACH_SEND_INVALID_DEST);
}
END_TEST

static void add_alone(Suite *suite)
{
	TCase *tests = tcase_create("no daemon");

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, no_daemon, NULL);
	tcase_add_test(tests, a_unit_of_time_is_a_nanosecond);
	tcase_add_test(tests, clocks_do_not_go_back);
	tcase_add_test(tests, waiting_ends_at_its_time_and_not_before);
	tcase_add_test(tests, a_signal_ends_waiting);
	tcase_add_test(tests, the_page_size_is_that_of_the_task);
	tcase_add_test(tests, mig_reply_setup_answers_a_message_not_yet_sent);
	tcase_add_test(tests, the_hooks_for_vouchers_do_nothing);
	tcase_add_test(tests, giving_up_the_processor);
	tcase_add_test(tests, times_are_computed_with);
	tcase_add_test(tests, words_are_kept_for_ports_by_their_index);
	tcase_add_test(tests, without_a_daemon_even_these_calls_say_so);
}

int main(void)
{
	Suite *suite = suite_create("small_calls");
	TCase *tests;

	add_alone(suite);
	tests = flow_case(suite, "rights");
	tcase_add_test(tests, a_send_right_is_made_kept_and_given_up);
	tcase_add_test(tests, a_receive_right_is_made_with_a_guard_or_a_context);
	tcase_add_test(tests, a_task_knows_its_own_names);
	tcase_add_test(tests, a_send_once_right_is_made_and_given_up);
	tcase_add_test(tests, rights_to_a_port_that_died_can_be_given_up);
	tcase_add_test(tests, no_right_gives_no_right);
	tcase_add_test(tests, mach_voucher_deallocate_takes_one_reference);
	tests = flow_case(suite, "allocation");
	tcase_add_test(tests, allocate_qos_gives_what_allocate_gives);
	tcase_add_test(tests, allocate_qos_refuses_names_and_room_it_cannot_have);
	tcase_add_test(tests, allocate_full_takes_a_name);
	tcase_add_test(tests, i215_rename_is_an_unknown_request);
	tcase_add_test(tests, the_size_of_the_name_space_is_nobodys_choice);
	tcase_add_test(tests, what_is_no_task_is_a_bad_destination_first);
	return flow_run(suite);
}
