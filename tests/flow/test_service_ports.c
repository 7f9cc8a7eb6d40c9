/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service ports, connection ports and message filters by way of the library and machd.conf, with a
 * record that is replayed [16.4, 16.5].
 */
#include <mach/mach.h>
#include <machd.h>
#include <string.h>

#include "tests/flow/flow.h"
#include "tests/flow/flow_letter.h"

static const char config[] = "[policy]\n"
			     "Filtered=all\n"
			     "[filter]\n"
			     "org.example.printer = 100-199 0x500\n"
			     "org.example.closed = none\n";

static kern_return_t make(const char *name, mach_port_t *port)
{
	mach_service_port_info_data_t info = {.mspi_domain_type = 3};
	mach_port_options_t options = {.flags = MPO_SERVICE_PORT | MPO_INSERT_SEND_RIGHT,
				       .service_port_info = &info};

	strcpy(info.mspi_string_name, name);
	return mach_port_construct(mach_task_self(), &options, 0, port);
}

static void begin(void)
{
	flow_start_with(&(struct flow_options){.config = config, .record = true});
}

/* Case 302. */
START_TEST(a_service_port_and_its_connection)
{
	mach_port_options_t options = {.flags = MPO_CONNECTION_PORT};
	mach_service_port_info_data_t info;
	mach_port_t service, connection;
	natural_t throttled;
	mach_msg_type_number_t count = MACH_PORT_SERVICE_THROTTLED_COUNT;
	uint64_t policy = 99;

	begin();
	CHECK_OK(make("org.example.closed", &service));
	CHECK_OK(mach_port_get_service_port_info(mach_task_self(), service, &info));
	ck_assert_str_eq(info.mspi_string_name, "org.example.closed");
	ck_assert_uint_eq(info.mspi_domain_type, 3);
	CHECK_CODE(mach_port_get_service_port_info(mach_task_self(), flow_port(), &info),
		   KERN_INVALID_CAPABILITY);
	options.service_port_name = service;
	CHECK_OK(mach_port_construct(mach_task_self(), &options, 0, &connection));
	CHECK_OK(mach_port_is_connection_for_service(mach_task_self(), connection, service,
						     &policy));
	ck_assert_uint_eq(policy, 3); /* the third range */
	CHECK_CODE(mach_port_is_connection_for_service(mach_task_self(), service, service, &policy),
		   KERN_INVALID_CAPABILITY);
	throttled = 1;
	CHECK_OK(mach_port_set_attributes(mach_task_self(), service, MACH_PORT_SERVICE_THROTTLED,
					  (mach_port_info_t)&throttled, 1));
	throttled = 0;
	CHECK_OK(mach_port_get_attributes(mach_task_self(), service, MACH_PORT_SERVICE_THROTTLED,
					  (mach_port_info_t)&throttled, &count));
	ck_assert_uint_eq(throttled, 1);
	throttled = count = 0; /* as callers on macOS do */
	CHECK_OK(mach_port_get_attributes(mach_task_self(), service, MACH_PORT_SERVICE_THROTTLED,
					  (mach_port_info_t)&throttled, &count));
	ck_assert_uint_eq(throttled, 1);
	ck_assert_uint_eq(count, MACH_PORT_SERVICE_THROTTLED_COUNT);
	flow_stop();
}
END_TEST

/* Case 212. */
START_TEST(m212_options_that_cannot_be)
{
	mach_service_port_info_data_t info;
	mach_port_options_t options = {.flags = MPO_SERVICE_PORT};
	mach_port_t port;

	begin();
	CHECK_CODE(mach_port_construct(mach_task_self(), &options, 0, &port),
		   KERN_INVALID_ARGUMENT);
	options.service_port_info = (mach_service_port_info_t)(uintptr_t)16;
	CHECK_CODE(mach_port_construct(mach_task_self(), &options, 0, &port), KERN_MEMORY_ERROR);
	memset(&info, 'x', sizeof info);
	options.service_port_info = &info;
	CHECK_CODE(mach_port_construct(mach_task_self(), &options, 0, &port),
		   KERN_INVALID_ARGUMENT);
	options.flags = MPO_SERVICE_PORT | MPO_CONNECTION_PORT;
	CHECK_CODE(mach_port_construct(mach_task_self(), &options, 0, &port),
		   KERN_INVALID_ARGUMENT);
	flow_stop();
}
END_TEST

static mach_msg_return_t say(mach_port_t port, mach_msg_id_t id, mach_msg_option_t option)
{
	mach_msg_header_t header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
				    .msgh_remote_port = port,
				    .msgh_id = id};

	return mach_msg(&header, MACH_SEND_MSG | MACH_SEND_TIMEOUT | option, sizeof header, 0, 0, 0,
			0);
}

static unsigned calls;
static uint32_t reason;

static void note(const struct machd_guard_exception *exception)
{
	calls++;
	reason = exception->reason;
}

/* Case 298. */
START_TEST(r298_filters_hold_messages_back)
{
	struct flow_message message;
	mach_port_t port, closed;

	begin();
	machd_guard_behavior(MACHD_GUARD_CALLBACK, note);
	CHECK_OK(make("org.example.printer", &port));
	CHECK_OK(make("org.example.closed", &closed));
	CHECK_OK(say(port, 150, 0));
	flow_await(port, &message);
	CHECK_OK(say(port, 0x500, 0));
	flow_await(port, &message);
	ck_assert_uint_eq(calls, 0);
	CHECK_CODE(say(port, 200, 0), MACH_SEND_MSG_FILTERED);
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(reason, kGUARD_EXC_MSG_FILTERED);
	CHECK_CODE(say(closed, 150, MACH_SEND_FILTER_NONFATAL), MACH_SEND_MSG_FILTERED);
	ck_assert_uint_eq(calls, 1);
	flow_stop();
}
END_TEST

START_TEST(a_port_that_takes_no_ports)
{
	mach_port_options_t options = {.flags = MACHD_MPO_NO_GRANT | MPO_INSERT_SEND_RIGHT};
	static const mach_port_t none[] = {MACH_PORT_NULL, MACH_PORT_DEAD};
	struct flow_message message;
	struct flow_letter letter;
	mach_port_t port;

	begin();
	CHECK_OK(mach_port_construct(mach_task_self(), &options, 0, &port));
	ck_assert_uint_eq(flow_status(port).mps_flags, MACH_PORT_STATUS_FLAG_NO_GRANT);
	CHECK_OK(say(port, 1, 0));
	flow_await(port, &message);
	flow_complex(&message, port, MACH_MSG_TYPE_COPY_SEND, 1);
	flow_add_port(&message, port, MACH_MSG_TYPE_COPY_SEND);
	CHECK_CODE(flow_send(&message), MACH_SEND_NO_GRANT_DEST);
	/* An array names ports even if they are none, and not if it is empty. */
	for (unsigned count = 0; count < 3; count++) {
		letter_start(&letter, port);
		letter_add_ports(&letter, none, count, MACH_MSG_TYPE_MOVE_SEND, false);
		CHECK_CODE(letter_send(&letter), count ? MACH_SEND_NO_GRANT_DEST : KERN_SUCCESS);
	}
	flow_stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("service ports");
	TCase *tcase = tcase_create("library");

	tcase_add_test(tcase, a_service_port_and_its_connection);
	tcase_add_test(tcase, m212_options_that_cannot_be);
	tcase_add_test(tcase, r298_filters_hold_messages_back);
	tcase_add_test(tcase, a_port_that_takes_no_ports);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return flow_run(suite());
}
