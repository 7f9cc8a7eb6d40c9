/* SPDX-License-Identifier: Apache-2.0 */
/* Special reply ports by way of the library: a thread's own, and how it gives them up [17.3]. */
#include <mach/mach.h>
#include <mach/mig.h>
#include <pthread.h>

#include "tests/flow/flow.h"

static mach_msg_return_t wait_at(mach_port_t port, mach_port_t service)
{
	struct flow_message message;

	return mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_RCV_SYNC_WAIT, 0,
			sizeof message, port, 0, service);
}

/* Cases 295, 296. */
START_TEST(a_thread_waits_at_its_own)
{
	mach_port_t first = thread_get_special_reply_port(), service = flow_port();
	mach_port_t second = thread_get_special_reply_port();

	ck_assert_uint_eq(flow_type(first), MACH_PORT_TYPE_SEND_RECEIVE);
	ck_assert_uint_eq(flow_type(second), MACH_PORT_TYPE_SEND_RECEIVE);
	ck_assert_uint_ne(first, second);
	CHECK_CODE(wait_at(second, service), MACH_RCV_TIMED_OUT);
	CHECK_CODE(wait_at(second, MACH_PORT_NULL), MACH_RCV_INVALID_NOTIFY);
	CHECK_CODE(wait_at(first, service), MACH_RCV_INVALID_NOTIFY);
	CHECK_CODE(wait_at(service, service), MACH_RCV_INVALID_NOTIFY);
}
END_TEST

START_TEST(its_rights_are_given_up_as_wanted)
{
	mach_port_t port = thread_get_special_reply_port();

	CHECK_CODE(thread_destruct_special_reply_port(
			   port, (thread_destruct_special_reply_port_rights_t)3),
		   KERN_INVALID_ARGUMENT);
	CHECK_OK(thread_destruct_special_reply_port(port, THREAD_SPECIAL_REPLY_PORT_SEND_ONLY));
	ck_assert_uint_eq(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	port = thread_get_special_reply_port();
	CHECK_OK(thread_destruct_special_reply_port(port, THREAD_SPECIAL_REPLY_PORT_RECEIVE_ONLY));
	ck_assert_uint_eq(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	port = thread_get_special_reply_port();
	CHECK_OK(thread_destruct_special_reply_port(port, THREAD_SPECIAL_REPLY_PORT_ALL));
	ck_assert_uint_eq(flow_type(port), 0);
}
END_TEST

static void *in_a_thread(void *argument)
{
	mach_port_t *port = argument;

	*port = mig_get_special_reply_port();
	CHECK_EQ(mig_get_special_reply_port(), *port);
	CHECK_EQ(flow_type(*port), MACH_PORT_TYPE_SEND_RECEIVE);
	return NULL;
}

START_TEST(stubs_keep_one_for_each_thread)
{
	mach_port_t mine = mig_get_special_reply_port(), theirs, next;
	pthread_t thread;

	ck_assert_uint_eq(mig_get_special_reply_port(), mine);
	ck_assert_uint_ne(mig_get_reply_port(), mine);
	ck_assert_int_eq(pthread_create(&thread, NULL, in_a_thread, &theirs), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_ne(theirs, mine);
	ck_assert_uint_eq(flow_type(theirs), 0); /* it went with the thread */
	mig_dealloc_special_reply_port(mine);
	ck_assert_uint_eq(flow_type(mine), 0);
	next = mig_get_special_reply_port();
	ck_assert_uint_eq(flow_type(next), MACH_PORT_TYPE_SEND_RECEIVE);
	ck_assert_uint_ne(next, mine);
}
END_TEST

static void *get_one(void *port)
{
	*(mach_port_t *)port = thread_get_special_reply_port();
	return NULL;
}

static void *try_it(void *port)
{
	mach_port_t service = flow_port();

	CHECK_CODE(wait_at(*(mach_port_t *)port, service), MACH_RCV_INVALID_NOTIFY);
	return NULL;
}

/* The first thread's connection is the process's only one, so the second takes it over. */
static void one_thread_after_another(void *unused)
{
	mach_port_t port = MACH_PORT_NULL;
	pthread_t thread;

	(void)unused;
	CHECK(pthread_create(&thread, NULL, get_one, &port) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(port != MACH_PORT_NULL);
	CHECK(pthread_create(&thread, NULL, try_it, &port) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

START_TEST(a_thread_that_ends_leaves_it_to_nobody)
{
	struct flow_child child;

	flow_fork(&child, one_thread_after_another, NULL);
	flow_join(&child);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("special reply ports");
	TCase *tcase = flow_case(suite, "real daemon");

	tcase_add_test(tcase, a_thread_waits_at_its_own);
	tcase_add_test(tcase, its_rights_are_given_up_as_wanted);
	tcase_add_test(tcase, stubs_keep_one_for_each_thread);
	tcase_add_test(tcase, a_thread_that_ends_leaves_it_to_nobody);
	return suite;
}

int main(void)
{
	return flow_run(suite());
}
