/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call says if its first argument is no task, no host, no bootstrap port or none that lives
 * [20, 24]: such a call is a message that cannot be sent. And what becomes of its other arguments.
 */
#include <mach/mach_eventlink.h>
#include <servers/bootstrap.h>

#include "tests/flow/flow.h"

#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

/* What the first argument can be that is no task. */
enum kind { NO_NAME, INVALID, MISSING, RECEIVE_RIGHT, SEND_RIGHT, ONCE, SET, DEAD, KINDS };

static const char *const kinds[KINDS] = {
	"null",		"invalid",	     "missing", "a receive right",
	"a plain port", "a send-once right", "a set",	"a dead name"};

static mach_port_t port; /* what the calls are about */

static mach_port_t make(enum kind kind)
{
	mach_port_t name = MACH_PORT_NULL;

	switch (kind) {
	case NO_NAME:
		return MACH_PORT_NULL;
	case INVALID:
		return MACH_PORT_DEAD;
	case MISSING:
		return flow_missing_name();
	case RECEIVE_RIGHT:
		return flow_receive_right();
	case SEND_RIGHT:
		return flow_port();
	case ONCE:
		return flow_send_once(flow_receive_right());
	case SET:
		CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &name));
		return name;
	default:
		return flow_dead_name(1);
	}
}

static kern_return_t names(mach_port_t task)
{
	mach_port_name_array_t all;
	mach_port_type_array_t types;
	mach_msg_type_number_t count;

	return mach_port_names(task, &all, &count, &types, &count);
}

static kern_return_t type(mach_port_t task)
{
	mach_port_type_t got;

	return mach_port_type(task, port, &got);
}

static kern_return_t allocate(mach_port_t task)
{
	mach_port_name_t name;

	return mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &name);
}

static kern_return_t allocate_name(mach_port_t task)
{
	return mach_port_allocate_name(task, MACH_PORT_RIGHT_RECEIVE, 0x77003);
}

static kern_return_t destroy(mach_port_t task)
{
	return mach_port_destroy(task, port);
}

static kern_return_t deallocate(mach_port_t task)
{
	return mach_port_deallocate(task, port);
}

static kern_return_t get_refs(mach_port_t task)
{
	mach_port_urefs_t refs;

	return mach_port_get_refs(task, port, MACH_PORT_RIGHT_SEND, &refs);
}

static kern_return_t mod_refs(mach_port_t task)
{
	return mach_port_mod_refs(task, port, MACH_PORT_RIGHT_SEND, 1);
}

static kern_return_t set_mscount(mach_port_t task)
{
	return mach_port_set_mscount(task, port, 7);
}

static kern_return_t get_set_status(mach_port_t task)
{
	mach_port_name_array_t members;
	mach_msg_type_number_t count;

	return mach_port_get_set_status(task, port, &members, &count);
}

static kern_return_t move_member(mach_port_t task)
{
	return mach_port_move_member(task, port, MACH_PORT_NULL);
}

static kern_return_t request(mach_port_t task)
{
	mach_port_t previous;

	return mach_port_request_notification(task, port, MACH_NOTIFY_NO_SENDERS, 0, port,
					      MAKE_ONCE, &previous);
}

static kern_return_t insert(mach_port_t task)
{
	return mach_port_insert_right(task, 0x77003, port, MAKE_ONCE);
}

static kern_return_t extract(mach_port_t task)
{
	mach_msg_type_name_t given;
	mach_port_t right;

	return mach_port_extract_right(task, port, MAKE_ONCE, &right, &given);
}

static kern_return_t get_attributes(mach_port_t task)
{
	mach_msg_type_number_t count = 1;
	mach_port_limits_t limits;

	return mach_port_get_attributes(task, port, MACH_PORT_LIMITS_INFO,
					(mach_port_info_t)&limits, &count);
}

static kern_return_t set_attributes(mach_port_t task)
{
	mach_port_limits_t limits = {7};

	return mach_port_set_attributes(task, port, MACH_PORT_LIMITS_INFO,
					(mach_port_info_t)&limits, 1);
}

static kern_return_t insert_member(mach_port_t task)
{
	return mach_port_insert_member(task, port, port);
}

static kern_return_t set_context(mach_port_t task)
{
	return mach_port_set_context(task, port, 7);
}

static kern_return_t construct(mach_port_t task)
{
	mach_port_options_t options = {.flags = 0};
	mach_port_name_t name;

	return mach_port_construct(task, &options, 0, &name);
}

static kern_return_t destruct(mach_port_t task)
{
	return mach_port_destruct(task, port, 0, 0);
}

static kern_return_t guard(mach_port_t task)
{
	return mach_port_guard(task, port, 7, TRUE);
}

static kern_return_t space_info(mach_port_t task)
{
	ipc_info_space_basic_t info;

	return mach_port_space_basic_info(task, &info);
}

static kern_return_t get_special(mach_port_t task)
{
	mach_port_t special;

	return task_get_special_port(task, TASK_BOOTSTRAP_PORT, &special);
}

static kern_return_t set_special(mach_port_t task)
{
	return task_set_special_port(task, TASK_BOOTSTRAP_PORT, port);
}

static kern_return_t register_ports(mach_port_t task)
{
	return mach_ports_register(task, &port, 1);
}

static kern_return_t make_semaphore(mach_port_t task)
{
	semaphore_t semaphore;

	return semaphore_create(task, &semaphore, 0, 0);
}

static kern_return_t make_eventlink(mach_port_t task)
{
	eventlink_port_pair_t pair;

	return mach_eventlink_create(task, MELC_OPTION_NO_COPYIN, pair);
}

static kern_return_t ask_host(mach_port_t host)
{
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
	host_basic_info_data_t info;

	return host_info(host, HOST_BASIC_INFO, (host_info_t)&info, &count);
}

static kern_return_t be_told_of_time(mach_port_t host)
{
	return host_request_notification(host, 0, port);
}

static kern_return_t look_up(mach_port_t bootstrap)
{
	mach_port_t service;

	return bootstrap_look_up(bootstrap, "org.example.nobody", &service);
}

static kern_return_t check_in(mach_port_t bootstrap)
{
	mach_port_t service;

	return bootstrap_check_in(bootstrap, "org.example.nobody", &service);
}

static const struct {
	const char *name;
	kern_return_t (*call)(mach_port_t first);
} calls[] = {
	{"mach_port_names", names},
	{"mach_port_type", type},
	{"mach_port_allocate", allocate},
	{"mach_port_allocate_name", allocate_name},
	{"mach_port_destroy", destroy},
	{"mach_port_deallocate", deallocate},
	{"mach_port_get_refs", get_refs},
	{"mach_port_mod_refs", mod_refs},
	{"mach_port_set_mscount", set_mscount},
	{"mach_port_get_set_status", get_set_status},
	{"mach_port_move_member", move_member},
	{"mach_port_request_notification", request},
	{"mach_port_insert_right", insert},
	{"mach_port_extract_right", extract},
	{"mach_port_get_attributes", get_attributes},
	{"mach_port_set_attributes", set_attributes},
	{"mach_port_insert_member", insert_member},
	{"mach_port_set_context", set_context},
	{"mach_port_construct", construct},
	{"mach_port_destruct", destruct},
	{"mach_port_guard", guard},
	{"mach_port_space_basic_info", space_info},
	{"task_get_special_port", get_special},
	{"task_set_special_port", set_special},
	{"mach_ports_register", register_ports},
	{"semaphore_create", make_semaphore},
	{"mach_eventlink_create", make_eventlink},
	{"host_info", ask_host},
	{"host_request_notification", be_told_of_time},
	{"bootstrap_look_up", look_up},
	{"bootstrap_check_in", check_in},
};

START_TEST(a_call_needs_its_object)
{
	port = flow_port();
	for (enum kind kind = 0; kind < KINDS; kind++) {
		mach_port_t first = make(kind);
		mach_port_type_t before = kind < RECEIVE_RIGHT ? 0 : flow_type(first);
		kern_return_t kr = calls[_i].call(first);
		mach_port_status_t status = flow_status(port);

		if (kr != MACH_SEND_INVALID_DEST)
			flow_fail(__FILE__, __LINE__, "%s of %s: 0x%x", calls[_i].name, kinds[kind],
				  kr);
		if (before)
			CHECK_EQ(flow_type(first), before);
		CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
		CHECK_EQ(status.mps_mscount, 1);
		CHECK_EQ(status.mps_msgcount, 0);
		CHECK_EQ(status.mps_sorights, 0);
		CHECK_EQ(status.mps_nsrequest, 0);
		CHECK_EQ(status.mps_qlimit, MACH_PORT_QLIMIT_BASIC);
	}
}
END_TEST

/* The type alone does not tell of requests for send-possible; the list of names does [3, 20]. */
START_TEST(requests_in_types_and_in_lists)
{
	static const struct {
		mach_msg_id_t id;
		mach_port_mscount_t sync;
		mach_port_type_t listed;
	} rows[] = {
		{MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_TYPE_DNREQUEST},
		{MACH_NOTIFY_SEND_POSSIBLE, 0,
		 MACH_PORT_TYPE_DNREQUEST | MACH_PORT_TYPE_SPREQUEST |
			 MACH_PORT_TYPE_SPREQUEST_DELAYED},
		{MACH_NOTIFY_SEND_POSSIBLE, 1, MACH_PORT_TYPE_DNREQUEST | MACH_PORT_TYPE_SPREQUEST},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		mach_port_t full = flow_port();
		mach_port_name_array_t all;
		mach_port_type_array_t types;
		mach_msg_type_number_t count;
		mach_port_type_t alone, listed = 0;

		flow_fill(full, MACH_PORT_QLIMIT_BASIC);
		flow_request(full, rows[i].id, rows[i].sync, flow_receive_right());
		CHECK_OK(mach_port_type(mach_task_self(), full, &alone));
		CHECK_EQ(alone, MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_DNREQUEST);
		CHECK_OK(mach_port_names(mach_task_self(), &all, &count, &types, &count));
		for (unsigned k = 0; k < count; k++)
			if (all[k] == full)
				listed = types[k];
		CHECK_EQ(listed, MACH_PORT_TYPE_SEND_RECEIVE | rows[i].listed);
		CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)all, count * sizeof *all));
		CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)types,
				       count * sizeof *types));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract tasks");
	TCase *tests = flow_case(suite, "objects");

	tcase_add_loop_test(tests, a_call_needs_its_object, 0, sizeof calls / sizeof *calls);
	tests = flow_case(suite, "lists");
	tcase_add_test(tests, requests_in_types_and_in_lists);
	return flow_run(suite);
}
