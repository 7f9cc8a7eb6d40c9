/* SPDX-License-Identifier: Apache-2.0 */
/* The calls on the host and its clocks, and the ports it keeps [24]. */
#include <string.h>

#include "daemon/ipc/ipc_machine.h"
#include "tests/lab/lab_expect.h"

/* A host: who may act for it, and who may not. */
struct world {
	struct lab *lab;
	struct lab_thread *root, *user;
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.root = lab_task(world.lab, 0)->thread;
	world.user = lab_task(world.lab, 1000)->thread;
	return world;
}

static kern_return_t get_info(struct lab_thread *thread, int32_t flavor, integer_t *info,
			      uint32_t *count)
{
	struct host_info_in in = {flavor, *count};
	size_t got;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_host_info, thread->task->host, &in,
				    sizeof in, info, HOST_INFO_MAX * sizeof *info, &got);

	*count = (uint32_t)(got / 4);
	return kr;
}

START_TEST(the_machine_is_the_one_that_the_host_was_told_of)
{
	struct world world = begin();
	integer_t info[HOST_INFO_MAX];
	uint32_t count = HOST_INFO_MAX;
	const host_basic_info_data_t *basic = (const void *)info;
	struct host_kernel_version_out version;
	struct host_page_size_out page;

	lab_ok(get_info(world.user, HOST_BASIC_INFO, info, &count));
	ck_assert_uint_eq(count, HOST_BASIC_INFO_COUNT);
	ck_assert_int_eq(basic->avail_cpus, 6);
	ck_assert_int_eq(basic->max_cpus, 8);
	ck_assert_int_eq(basic->logical_cpu, 6);
	ck_assert_int_eq(basic->logical_cpu_max, 8);
	ck_assert_int_eq(basic->physical_cpu, 3);
	ck_assert_int_eq(basic->physical_cpu_max, 4);
	ck_assert_uint_eq(basic->memory_size, 0x80000000); /* 2 GiB is all that it can say */
	ck_assert(basic->max_mem == lab_machine.m_memory);
	ck_assert_int_eq(basic->cpu_type, 12);
	ck_assert_int_eq(basic->cpu_subtype, 1);
	count = 5;
	lab_ok(get_info(world.user, HOST_BASIC_INFO, info, &count));
	ck_assert_uint_eq(count, 5);
	count = HOST_INFO_MAX;
	lab_ok(get_info(world.root, HOST_PREFERRED_USER_ARCH, info, &count));
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(info[0], 12);
	count = HOST_INFO_MAX;
	lab_ok(get_info(world.user, HOST_SCHED_INFO, info, &count));
	ck_assert_int_eq(info[1], 3);
	count = 0;
	lab_ok(get_info(world.user, HOST_MACH_MSG_TRAP, info, &count));
	ck_assert_uint_eq(count, 0);
	lab_ok(lab_call(world.user, MACHD_ROUTINE_host_kernel_version, world.user->task->host, NULL,
			0, &version, sizeof version, NULL));
	ck_assert_str_eq(version.version, "Linux in a lab");
	lab_ok(lab_call(world.user, MACHD_ROUTINE_host_page_size, world.user->task->host, NULL, 0,
			&page, sizeof page, NULL));
	ck_assert_uint_eq(page.page_size, 4096);
	lab_stop(world.lab);
}
END_TEST

START_TEST(what_the_host_does_not_tell)
{
	struct world world = begin();
	integer_t info[HOST_INFO_MAX];
	static const struct {
		int32_t flavor;
		uint32_t room;
		kern_return_t code;
	} rows[] = {
		{HOST_BASIC_INFO, 4, KERN_FAILURE},
		{HOST_SCHED_INFO, 1, KERN_FAILURE},
		{HOST_PRIORITY_INFO, 7, KERN_FAILURE},
		{HOST_RESOURCE_SIZES, 68, KERN_INVALID_ARGUMENT},
		{0, 68, KERN_INVALID_ARGUMENT},
		{-1, 68, KERN_INVALID_ARGUMENT},
		{99, 68, KERN_INVALID_ARGUMENT},
	};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t count = rows[i].room;

		lab_is(rows[i].code, get_info(world.user, rows[i].flavor, info, &count));
	}
	lab_stop(world.lab);
}
END_TEST

/* --- special ports --- */

static kern_return_t get_special(struct lab_thread *thread, mach_port_name_t host, int32_t which,
				 mach_port_name_t *port)
{
	struct host_get_special_port_in in = {.node = -1, .which = which};
	struct host_get_special_port_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_host_get_special_port, host, &in,
				    sizeof in, &out, sizeof out, NULL);

	*port = out.port;
	return kr;
}

static kern_return_t set_special(struct lab_thread *thread, mach_port_name_t host, int32_t which,
				 mach_port_name_t port)
{
	struct host_set_special_port_in in = {.which = which, .port = port};

	return lab_call(thread, MACHD_ROUTINE_host_set_special_port, host, &in, sizeof in, NULL, 0,
			NULL);
}

START_TEST(root_has_the_privileged_port)
{
	struct world world = begin();
	mach_port_name_t host = world.root->task->host, port;

	lab_ok(get_special(world.root, host, HOST_PRIV_PORT, &port));
	ck_assert_uint_eq(port, host);
	lab_ok(lab_get_special_port(world.root, TASK_HOST_PORT, &port));
	ck_assert_uint_eq(port, host);
	lab_ok(get_special(world.root, host, HOST_PORT, &port));
	ck_assert_uint_ne(port, host);
	lab_name_is(world.root, port, SEND, 1);
	lab_ok(get_special(world.root, host, HOST_IO_MAIN_PORT, &port));
	ck_assert_uint_eq(port, MACH_PORT_NULL);
	host = world.user->task->host;
	lab_is(KERN_INVALID_ARGUMENT, get_special(world.user, host, HOST_PRIV_PORT, &port));
	lab_is(KERN_INVALID_ARGUMENT, get_special(world.user, host, HOST_PORT, &port));
	lab_is(KERN_INVALID_ARGUMENT, set_special(world.user, host, HOST_GSSD_PORT, 0));
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_owner_of_the_daemon_has_it_too)
{
	struct lab_options options;
	struct lab_thread *owner;
	mach_port_name_t port;

	lab_options_init(&options);
	options.owner_uid = 77;
	owner = lab_task(lab_start(&options), 77)->thread;
	lab_ok(get_special(owner, owner->task->host, HOST_PRIV_PORT, &port));
	ck_assert_uint_eq(port, owner->task->host);
	lab_stop(owner->lab);
}
END_TEST

START_TEST(user_slots_can_be_set)
{
	struct world world = begin();
	mach_port_name_t host = world.root->task->host, mine = lab_new_service(world.root), port;

	lab_ok(get_special(world.root, host, HOST_GSSD_PORT, &port));
	ck_assert_uint_eq(port, MACH_PORT_NULL);
	lab_ok(set_special(world.root, host, HOST_GSSD_PORT, mine));
	lab_name_is(world.root, mine, SEND_RECEIVE, 1);
	ck_assert_uint_eq(lab_srights(world.root, mine), 2);
	lab_ok(get_special(world.root, host, HOST_GSSD_PORT, &port));
	ck_assert_uint_eq(port, mine);
	lab_name_is(world.root, mine, SEND_RECEIVE, 2);
	lab_ok(set_special(world.root, host, HOST_MAX_SPECIAL_PORT, mine));
	ck_assert_uint_eq(lab_srights(world.root, mine), 3);
	lab_ok(set_special(world.root, host, HOST_GSSD_PORT, MACH_PORT_NULL));
	ck_assert_uint_eq(lab_srights(world.root, mine), 2);
	lab_ok(lab_destroy(world.root, mine));
	lab_ok(get_special(world.root, host, HOST_MAX_SPECIAL_PORT, &port));
	ck_assert_uint_eq(port, MACH_PORT_DEAD);
	lab_ok(set_special(world.root, host, HOST_MAX_SPECIAL_PORT, MACH_PORT_NULL));
	lab_stop(world.lab);
}
END_TEST

START_TEST(slots_that_cannot_be)
{
	struct world world = begin();
	mach_port_name_t host = world.root->task->host, mine = lab_new_service(world.root), port;
	static const int32_t none[] = {-1, 0, HOST_MAX_SPECIAL_PORT + 1, 1000};

	for (unsigned i = 0; i < 4; i++) {
		lab_is(KERN_INVALID_ARGUMENT, get_special(world.root, host, none[i], &port));
		lab_is(KERN_INVALID_ARGUMENT, set_special(world.root, host, none[i], mine));
	}
	for (int32_t i = 1; i <= HOST_MAX_SPECIAL_KERNEL_PORT; i++)
		lab_is(KERN_INVALID_ARGUMENT, set_special(world.root, host, i, mine));
	lab_is(KERN_INVALID_RIGHT,
	       set_special(world.root, host, HOST_GSSD_PORT, world.root->task->self));
	lab_is(MACH_SEND_INVALID_RIGHT, set_special(world.root, host, HOST_GSSD_PORT, 0x7703));
	ck_assert_uint_eq(lab_srights(world.root, mine), 1);
	lab_stop(world.lab);
}
END_TEST

/* The privileged port in other hands. */
START_TEST(the_privileged_port_does_not_make_its_holder_privileged)
{
	struct world world = begin();
	mach_port_name_t priv = lab_pass(world.root, world.root->task->host, COPY_SEND, world.user);
	mach_port_name_t mine = lab_new_service(world.user), port;
	integer_t info[HOST_INFO_MAX];
	struct host_info_in in = {HOST_SCHED_INFO, 2};

	lab_is(KERN_NO_ACCESS, set_special(world.user, priv, HOST_GSSD_PORT, mine));
	lab_is(KERN_INVALID_ARGUMENT, get_special(world.user, priv, HOST_PORT, &port));
	lab_ok(lab_call(world.user, MACHD_ROUTINE_host_info, priv, &in, sizeof in, info,
			sizeof info, NULL));
	lab_stop(world.lab);
}
END_TEST

/* --- clocks --- */

static mach_port_name_t clock_of(struct lab_thread *thread, int32_t id)
{
	struct host_get_clock_service_in in = {id};
	struct host_get_clock_service_out out;

	lab_ok(lab_call(thread, MACHD_ROUTINE_host_get_clock_service, thread->task->host, &in,
			sizeof in, &out, sizeof out, NULL));
	return out.clock;
}

static uint64_t time_of(struct lab_thread *thread, mach_port_name_t clock)
{
	struct clock_get_time_out out;

	lab_ok(lab_call(thread, MACHD_ROUTINE_clock_get_time, clock, NULL, 0, &out, sizeof out,
			NULL));
	return out.sec * NSEC_PER_SEC + (uint64_t)out.nsec;
}

START_TEST(clocks_show_the_time_of_the_request)
{
	struct world world = begin();
	mach_port_name_t clock = clock_of(world.user, SYSTEM_CLOCK);
	mach_port_name_t calendar = clock_of(world.user, CALENDAR_CLOCK);

	ck_assert_uint_ne(clock, calendar);
	ck_assert_uint_eq(time_of(world.user, clock), world.lab->now);
	ck_assert_uint_eq(time_of(world.user, calendar), world.lab->now + LAB_CALENDAR);
	lab_advance(world.lab, 1500);
	ck_assert_uint_eq(time_of(world.user, clock), world.lab->now);
	lab_set_calendar(world.lab, 17);
	ck_assert_uint_eq(time_of(world.user, calendar), world.lab->now + 17);
	ck_assert_uint_eq(clock_of(world.user, SYSTEM_CLOCK), clock);
	lab_name_is(world.user, clock, SEND, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(attributes_of_clocks)
{
	struct world world = begin();
	mach_port_name_t clock = clock_of(world.user, SYSTEM_CLOCK);
	static const struct {
		struct clock_get_attributes_in in;
		kern_return_t code;
		uint32_t value;
	} rows[] = {
		{{CLOCK_GET_TIME_RES, 1}, KERN_SUCCESS, 1},
		{{CLOCK_ALARM_CURRES, 1}, KERN_SUCCESS, 0},
		{{CLOCK_GET_TIME_RES, 2}, KERN_FAILURE, 0},
		{{2, 1}, KERN_INVALID_VALUE, 0},
	};
	struct host_get_clock_service_in none = {2};
	struct host_get_clock_service_out out;

	for (unsigned i = 0; i < 4; i++) {
		uint32_t value = 99;

		lab_is(rows[i].code,
		       lab_call(world.user, MACHD_ROUTINE_clock_get_attributes, clock, &rows[i].in,
				sizeof rows[i].in, &value, sizeof value, NULL));
		ck_assert_uint_eq(value, rows[i].value);
	}
	lab_is(KERN_INVALID_ARGUMENT,
	       lab_call(world.user, MACHD_ROUTINE_host_get_clock_service, world.user->task->host,
			&none, sizeof none, &out, sizeof out, NULL));
	lab_is(MACH_SEND_INVALID_DEST, lab_call(world.user, MACHD_ROUTINE_clock_get_time,
						world.user->task->host, NULL, 0, NULL, 0, NULL));
	lab_stop(world.lab);
}
END_TEST

/* --- notifications --- */

static kern_return_t notify(struct lab_thread *thread, int32_t type, mach_port_name_t port)
{
	struct host_request_notification_in in = {type, port};

	return lab_call(thread, MACHD_ROUTINE_host_request_notification, thread->task->host, &in,
			sizeof in, NULL, 0, NULL);
}

START_TEST(who_asks_is_told_once_when_the_time_of_day_is_set)
{
	struct world world = begin();
	mach_port_name_t change = lab_new_port(world.user), set = lab_new_port(world.root);

	lab_ok(notify(world.user, HOST_NOTIFY_CALENDAR_CHANGE, change));
	lab_ok(notify(world.root, HOST_NOTIFY_CALENDAR_SET, set));
	ck_assert_uint_eq(lab_status(world.user, change).mps_sorights, 1);
	lab_silent(world.user, change);
	lab_set_calendar(world.lab, 17);
	lab_message(world.user, change, HOST_CALENDAR_CHANGED_REPLYID);
	lab_message(world.root, set, HOST_CALENDAR_SET_REPLYID);
	ck_assert_uint_eq(lab_status(world.user, change).mps_sorights, 0);
	lab_set_calendar(world.lab, 18);
	lab_silent(world.user, change);
	lab_silent(world.root, set);
	lab_ok(notify(world.user, HOST_NOTIFY_CALENDAR_SET, change)); /* and again */
	lab_set_calendar(world.lab, 19);
	lab_message(world.user, change, HOST_CALENDAR_SET_REPLYID);
	lab_stop(world.lab);
}
END_TEST

START_TEST(requests_that_are_refused)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.user), dead = lab_new_dead_name(world.user);

	lab_is(KERN_INVALID_ARGUMENT, notify(world.user, 2, port));
	lab_notice(world.user, port, MACH_NOTIFY_SEND_ONCE); /* the right was given in vain */
	lab_is(KERN_INVALID_ARGUMENT, notify(world.user, -1, port));
	lab_notice(world.user, port, MACH_NOTIFY_SEND_ONCE);
	lab_is(KERN_INVALID_CAPABILITY, notify(world.user, 7, MACH_PORT_NULL));
	lab_is(KERN_INVALID_CAPABILITY, notify(world.user, 0, MACH_PORT_DEAD));
	lab_is(MACH_SEND_INVALID_RIGHT, notify(world.user, 0, dead));
	lab_is(MACH_SEND_INVALID_RIGHT, notify(world.user, 0, 0x7703));
	lab_ok(notify(world.user, HOST_NOTIFY_CALENDAR_SET, port));
	lab_is(KERN_INVALID_CAPABILITY, notify(world.user, HOST_NOTIFY_CALENDAR_CHANGE, port));
	lab_notice(world.user, port, MACH_NOTIFY_SEND_ONCE);
	lab_silent(world.user, port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_that_is_to_be_told_stays_where_it_is)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.user), door = lab_new_port(world.root);
	mach_port_name_t way = lab_pass(world.root, door, MAKE_SEND, world.user);
	struct lab_buffer message = lab_to(way, 1);

	lab_ok(notify(world.user, HOST_NOTIFY_CALENDAR_SET, port));
	lab_add_port(&message, port, MOVE_RECEIVE);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.user, &message));
	lab_ok(lab_destroy(world.user, port)); /* but it may die */
	lab_set_calendar(world.lab, 17);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_machine_is_the_one_that_the_host_was_told_of);
	tcase_add_test(tcase, what_the_host_does_not_tell);
	tcase_add_test(tcase, root_has_the_privileged_port);
	tcase_add_test(tcase, the_owner_of_the_daemon_has_it_too);
	tcase_add_test(tcase, user_slots_can_be_set);
	tcase_add_test(tcase, slots_that_cannot_be);
	tcase_add_test(tcase, the_privileged_port_does_not_make_its_holder_privileged);
	tcase_add_test(tcase, clocks_show_the_time_of_the_request);
	tcase_add_test(tcase, attributes_of_clocks);
	tcase_add_test(tcase, who_asks_is_told_once_when_the_time_of_day_is_set);
	tcase_add_test(tcase, requests_that_are_refused);
	tcase_add_test(tcase, a_port_that_is_to_be_told_stays_where_it_is);
}

int main(void)
{
	return lab_run("trap_host", add_tests);
}
