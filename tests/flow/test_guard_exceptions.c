/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard exceptions as a program sees them [16.2]: nothing, a call of its handler, or its end, as it
 * has chosen. Each choice is made in a process of its own.
 */
#include <mach/mach.h>
#include <machd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/flow/flow.h"
#include "tests/flow/flow_letter.h"

enum { MISSING = 0x7703 };

static struct machd_guard_exception last;
static unsigned calls;

static void note(const struct machd_guard_exception *exception)
{
	last = *exception;
	calls++;
	CHECK(flow_type(mach_task_self()) == MACH_PORT_TYPE_SEND); /* calls may be made here */
}

/* Three reasons: one of each class. */
static void fatal_one(void)
{
	mach_port_t port = flow_port();

	CHECK_OK(mach_port_guard(mach_task_self(), port, 7, 0));
	CHECK_CODE(mach_port_destroy(mach_task_self(), port), KERN_INVALID_RIGHT);
}

static void optional_one(void)
{
	CHECK_CODE(mach_port_deallocate(mach_task_self(), MISSING), KERN_INVALID_NAME);
}

static void harmless_one(void)
{
	CHECK_CODE(mach_port_deallocate(mach_task_self(), mach_task_self()),
		   KERN_INVALID_CAPABILITY);
}

static void all_three(void)
{
	fatal_one();
	optional_one();
	harmless_one();
}

/* Run it in a process of its own; the signal that ended it, or 0. */
static int end_of(void (*body)(void))
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		body();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	flow_await_gone(pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(nothing_follows_if_nothing_was_asked_for)
{
	ck_assert_int_eq(end_of(all_three), 0);
}
END_TEST

START_TEST(a_handler_is_called)
{
	const mach_port_context_t guard = (mach_port_context_t)0x123456789abcdef;
	mach_port_t port = flow_port();

	ck_assert_int_eq(machd_guard_behavior(MACHD_GUARD_CALLBACK, note), MACHD_GUARD_IGNORE);
	CHECK_OK(mach_port_guard(mach_task_self(), port, guard, 0));
	CHECK_CODE(mach_port_destroy(mach_task_self(), port), KERN_INVALID_RIGHT);
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(last.reason, kGUARD_EXC_DESTROY);
	ck_assert_uint_eq(last.name, port);
	ck_assert_uint_eq(last.subcode, guard);
	ck_assert_uint_eq(last.code, UINT64_C(1) << 61 | (uint64_t)kGUARD_EXC_DESTROY << 32 | port);
	optional_one();
	ck_assert_uint_eq(last.reason, kGUARD_EXC_INVALID_NAME);
	harmless_one();
	ck_assert_uint_eq(last.reason, kGUARD_EXC_MOD_REFS_NON_FATAL);
	ck_assert_uint_eq(calls, 3);
	ck_assert_int_eq(machd_guard_behavior(MACHD_GUARD_IGNORE, NULL), MACHD_GUARD_CALLBACK);
	optional_one();
	ck_assert_uint_eq(calls, 3);
}
END_TEST

START_TEST(a_handler_is_told_of_messages)
{
	struct flow_message message;
	mach_msg_header_t header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
				    .msgh_remote_port = flow_port()};

	machd_guard_behavior(MACHD_GUARD_CALLBACK, note);
	CHECK_CODE(flow_receive(MISSING, &message), MACH_RCV_INVALID_NAME);
	ck_assert_uint_eq(last.reason, kGUARD_EXC_RCV_INVALID_NAME);
	ck_assert_uint_eq(last.name, MISSING);
	flow_complex(&message, header.msgh_remote_port, MACH_MSG_TYPE_COPY_SEND, 1);
	flow_add_port(&message, mach_task_self(), MACH_MSG_TYPE_COPY_SEND);
	CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_RIGHT);
	ck_assert_uint_eq(last.reason, kGUARD_EXC_IMMOVABLE);
	ck_assert_uint_eq(last.name, mach_task_self());
	CHECK_CODE(mach_msg2(&header, MACH64_SEND_MSG, header, sizeof header, 0, 0, 0, 0),
		   MACH_SEND_INVALID_OPTIONS); /* case 14 */
	ck_assert_uint_eq(last.reason, kGUARD_EXC_INVALID_OPTIONS);
	ck_assert_uint_eq(calls, 3);
}
END_TEST

static void abort_on_fatal(void)
{
	machd_guard_behavior(MACHD_GUARD_ABORT, NULL);
	fatal_one();
}

static void abort_on_optional(void)
{
	machd_guard_behavior(MACHD_GUARD_ABORT, NULL);
	optional_one();
}

static void abort_on_harmless(void)
{
	machd_guard_behavior(MACHD_GUARD_ABORT, NULL);
	harmless_one();
}

/* A guarded descriptor [16.1]: whether the right may go at all is looked at before its guard. */
START_TEST(a_handler_is_told_of_the_guard_of_a_right_that_may_go)
{
	static const struct {
		unsigned flags; /* of the guard */
		uint64_t given;
		uint32_t reason;
		bool tells_guard;
	} rows[] = {
		{0, 8, kGUARD_EXC_INCORRECT_GUARD, true},
		{MPG_STRICT, 8, kGUARD_EXC_INCORRECT_GUARD, true},
		{MPG_IMMOVABLE_RECEIVE, 8, kGUARD_EXC_IMMOVABLE, false},
		{MPG_IMMOVABLE_RECEIVE, 7, kGUARD_EXC_IMMOVABLE, false},
	};
	mach_port_t way = flow_port();
	struct flow_letter letter;

	machd_guard_behavior(MACHD_GUARD_CALLBACK, note);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		mach_port_t port = flow_receive_right();

		CHECK_OK(mach_port_guard_with_flags(mach_task_self(), port, 7, rows[i].flags));
		letter_start(&letter, way);
		letter_add_guarded(&letter, port, rows[i].given,
				   MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
		CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_RIGHT);
		ck_assert_uint_eq(last.reason, rows[i].reason);
		ck_assert_uint_eq(last.name, port);
		ck_assert_uint_eq(last.subcode, rows[i].tells_guard ? 7 : 0);
	}
	ck_assert_uint_eq(calls, 4);
}
END_TEST

START_TEST(it_ends_a_program_that_wants_that)
{
	ck_assert_int_eq(end_of(abort_on_fatal), SIGABRT);
	ck_assert_int_eq(end_of(abort_on_optional), SIGABRT);
	ck_assert_int_eq(end_of(abort_on_harmless), 0);
}
END_TEST

START_TEST(the_environment_can_say_so)
{
	setenv("MACHD_GUARD", "abort", 1);
	ck_assert_int_eq(end_of(optional_one), SIGABRT);
	ck_assert_int_eq(end_of(harmless_one), 0);
	setenv("MACHD_GUARD", "ignore", 1);
	ck_assert_int_eq(end_of(all_three), 0);
}
END_TEST

static void set(task_exc_guard_behavior_t behavior)
{
	task_exc_guard_behavior_t now;

	machd_guard_behavior(MACHD_GUARD_IGNORE, note);
	CHECK_OK(task_set_exc_guard_behavior(mach_task_self(), behavior));
	CHECK_OK(task_get_exc_guard_behavior(mach_task_self(), &now));
	CHECK_EQ(now, behavior);
}

static void deliver_fatal(void)
{
	set(TASK_EXC_GUARD_MP_DELIVER);
	fatal_one();
}

static void deliver_others(void)
{
	set(TASK_EXC_GUARD_MP_DELIVER);
	optional_one();
	harmless_one();
	optional_one();
	CHECK_EQ(calls, 3);
}

static void deliver_once(void)
{
	set(TASK_EXC_GUARD_MP_DELIVER | TASK_EXC_GUARD_MP_ONCE);
	optional_one();
	optional_one();
	CHECK_EQ(calls, 1);
}

static void fatal_optional(void)
{
	set(TASK_EXC_GUARD_MP_FATAL);
	optional_one();
}

static void fatal_harmless(void)
{
	set(TASK_EXC_GUARD_MP_FATAL | TASK_EXC_GUARD_MP_DELIVER);
	harmless_one();
	CHECK_EQ(calls, 1);
}

static void memory_only(void)
{
	set(TASK_EXC_GUARD_VM_ALL);
	all_three();
	CHECK_EQ(calls, 0);
}

START_TEST(a_task_can_ask_for_what_mach_does)
{
	ck_assert_int_eq(end_of(deliver_fatal), SIGABRT);
	ck_assert_int_eq(end_of(deliver_others), 0);
	ck_assert_int_eq(end_of(deliver_once), 0);
	ck_assert_int_eq(end_of(fatal_optional), SIGABRT);
	ck_assert_int_eq(end_of(fatal_harmless), 0);
	ck_assert_int_eq(end_of(memory_only), 0);
	CHECK_CODE(task_set_exc_guard_behavior(mach_task_self(), 0x100), KERN_INVALID_ARGUMENT);
}
END_TEST

START_TEST(the_log_tells_of_them)
{
	for (unsigned i = 0; i < 5; i++)
		optional_one();
	CHECK_OK(mach_port_destroy(mach_task_self(), flow_port()));
	ck_assert_uint_eq(flow_logged("guard exception"), 3); /* the 1st, 2nd and 4th */
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("guard exceptions");
	TCase *tcase = flow_case(suite, "real daemon");

	tcase_add_test(tcase, nothing_follows_if_nothing_was_asked_for);
	tcase_add_test(tcase, a_handler_is_called);
	tcase_add_test(tcase, a_handler_is_told_of_messages);
	tcase_add_test(tcase, a_handler_is_told_of_the_guard_of_a_right_that_may_go);
	tcase_add_test(tcase, it_ends_a_program_that_wants_that);
	tcase_add_test(tcase, the_environment_can_say_so);
	tcase_add_test(tcase, a_task_can_ask_for_what_mach_does);
	tcase_add_test(tcase, the_log_tells_of_them);
	return suite;
}

int main(void)
{
	return flow_run(suite());
}
