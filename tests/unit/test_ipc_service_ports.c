/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service ports and the connection ports made for them [16.5]: who may make one, what is to be seen
 * of it, which of their rights stay where they are, and how a service's receive right comes back.
 */
#include <mach/task_special_ports.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "tests/lab/lab_expect.h"

enum { OWNER = 500, STRANGER = 1000, GUARD = 0x1234 };

struct world {
	struct lab *lab;
	struct lab_thread *owner, *user; /* both of that uid */
	struct lab_thread *stranger;
	mach_port_name_t service; /* the owner's, with a send right */
};

static kern_return_t make(struct lab_thread *thread, uint32_t flags, const char *service,
			  uint8_t domain, mach_port_name_t *name)
{
	struct machd_construct_service_port_in in = {.flags = flags, .context = GUARD};
	struct mach_service_port_info info = {.mspi_domain_type = domain};
	struct machd_construct_service_port_out out;
	kern_return_t kr;

	memset(info.mspi_string_name, 'x', sizeof info.mspi_string_name);
	if (service)
		strcpy(info.mspi_string_name, service);
	memcpy(in.info, &info, sizeof in.info);
	kr = lab_call(thread, MACHD_ROUTINE_machd_construct_service_port, thread->task->self, &in,
		      sizeof in, &out, sizeof out, NULL);
	*name = kr == KERN_SUCCESS ? out.name : MACH_PORT_NULL;
	return kr;
}

static kern_return_t construct(struct lab_thread *thread, uint32_t flags, mach_port_name_t service,
			       mach_port_name_t *name)
{
	struct mach_port_construct_in in = {.flags = flags, .service = service};
	struct mach_port_construct_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_mach_port_construct, thread->task->self,
				    &in, sizeof in, &out, sizeof out, NULL);

	*name = kr == KERN_SUCCESS ? out.name : MACH_PORT_NULL;
	return kr;
}

static struct world begin(void)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.owner_uid = OWNER;
	options.policy.p_rule_count = 2;
	strcpy(options.policy.p_rules[0].fr_service, "other");
	strcpy(options.policy.p_rules[1].fr_service, "org.example");
	world.lab = lab_start(&options);
	world.owner = lab_task(world.lab, OWNER)->thread;
	world.user = lab_task(world.lab, OWNER)->thread;
	world.stranger = lab_task(world.lab, STRANGER)->thread;
	lab_ok(make(world.owner, MPO_INSERT_SEND_RIGHT, "org.example", 3, &world.service));
	return world;
}

static mach_port_name_t connect(struct world *world, uint32_t flags)
{
	mach_port_name_t name;

	lab_ok(construct(world->owner, MPO_CONNECTION_PORT | flags, world->service, &name));
	return name;
}

static kern_return_t info_of(struct lab_thread *thread, mach_port_name_t name,
			     struct mach_service_port_info *info)
{
	struct mach_port_get_service_port_info_in in = {name};
	struct mach_port_get_service_port_info_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_mach_port_get_service_port_info,
				    thread->task->self, &in, sizeof in, &out, sizeof out, NULL);

	memcpy(info, out.info, sizeof *info);
	return kr;
}

/* --- making them --- */

/* Case 302. */
START_TEST(r302_a_service_port_knows_its_name_and_domain)
{
	struct world world = begin();
	struct mach_service_port_info info;

	lab_name_is(world.owner, world.service, SEND_RECEIVE, 1);
	lab_ok(info_of(world.owner, world.service, &info));
	ck_assert_str_eq(info.mspi_string_name, "org.example");
	ck_assert_uint_eq(info.mspi_domain_type, 3);
	lab_is(KERN_INVALID_CAPABILITY, info_of(world.owner, lab_new_port(world.owner), &info));
	lab_is(KERN_INVALID_CAPABILITY, info_of(world.owner, connect(&world, 0), &info));
	lab_is(KERN_INVALID_RIGHT, info_of(world.owner, MACH_PORT_NULL, &info));
	lab_is(KERN_INVALID_RIGHT, info_of(world.owner, MACH_PORT_DEAD, &info));
	lab_is(KERN_INVALID_NAME, info_of(world.owner, 0x7703, &info));
	lab_stop(world.lab);
}
END_TEST

/* Cases 212, 302, and the order of what can be wrong. */
START_TEST(m212_who_may_make_one_and_how)
{
	struct world world = begin();
	struct machd_construct_service_port_in in = {.unreadable = 1};
	mach_port_name_t name;

	lab_is(KERN_DENIED, make(world.stranger, 0, "x", 0, &name));
	lab_is(KERN_INVALID_ARGUMENT, make(world.stranger, MPO_CONNECTION_PORT, "x", 0, &name));
	lab_is(KERN_INVALID_ARGUMENT,
	       make(world.owner, MPO_REPLY_PORT | MPO_EXCEPTION_PORT, "x", 0, &name));
	lab_is(KERN_INVALID_ARGUMENT, make(world.owner, 0, NULL, 0, &name)); /* it has no end */
	lab_is(KERN_MEMORY_ERROR, lab_call(world.owner, MACHD_ROUTINE_machd_construct_service_port,
					   world.owner->task->self, &in, sizeof in, NULL, 0, NULL));
	lab_is(KERN_DENIED, construct(world.stranger, MPO_SERVICE_PORT, 0, &name));
	lab_is(KERN_INVALID_ARGUMENT, construct(world.owner, MPO_SERVICE_PORT, 0, &name));
	lab_is(KERN_DENIED, construct(world.owner, MPO_TG_BLOCK_TRACKING, 0, &name));
	lab_ok(make(lab_task(world.lab, 0)->thread, 0, "", 0, &name)); /* root may, too */
	lab_stop(world.lab);
}
END_TEST

START_TEST(m212_a_connection_is_made_for_a_service)
{
	struct world world = begin();
	mach_port_name_t theirs, name, plain = lab_new_service(world.owner);

	lab_is(KERN_INVALID_ARGUMENT,
	       construct(world.owner, MPO_CONNECTION_PORT, MACH_PORT_NULL, &name));
	lab_is(KERN_INVALID_NAME, construct(world.owner, MPO_CONNECTION_PORT, 0x7703, &name));
	lab_is(KERN_INVALID_NAME,
	       construct(world.owner, MPO_CONNECTION_PORT, lab_new_dead_name(world.owner), &name));
	lab_is(KERN_INVALID_RIGHT,
	       construct(world.owner, MPO_CONNECTION_PORT, lab_new_port(world.owner), &name));
	lab_is(KERN_INVALID_CAPABILITY, construct(world.owner, MPO_CONNECTION_PORT, plain, &name));
	theirs = lab_pass(world.owner, world.service, COPY_SEND, world.user);
	lab_ok(construct(world.user, MPO_CONNECTION_PORT, theirs, &name));
	lab_name_is(world.user, name, RECEIVE, 0);
	lab_stop(world.lab);
}
END_TEST

/* That it is for no service is wrong before its queue limit is; and neither leaves anything. */
START_TEST(a_connection_with_too_long_a_queue)
{
	struct world world = begin();
	struct mach_port_construct_in in = {.flags = MPO_CONNECTION_PORT | MPO_QLIMIT,
					    .qlimit = MACH_PORT_QLIMIT_MAX + 1};
	const struct {
		mach_port_name_t service;
		kern_return_t code;
	} rows[] = {{MACH_PORT_NULL, KERN_INVALID_ARGUMENT},
		    {0x7703, KERN_INVALID_NAME},
		    {lab_new_service(world.owner), KERN_INVALID_CAPABILITY},
		    {world.service, KERN_INVALID_VALUE}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		in.service = rows[i].service;
		lab_is(rows[i].code,
		       lab_call(world.owner, MACHD_ROUTINE_mach_port_construct,
				world.owner->task->self, &in, sizeof in, NULL, 0, NULL));
	}
	lab_stop(world.lab);
}
END_TEST

/* Its receive right is immovable, and while it has a guard that is to be seen. */
START_TEST(a_connection_with_a_guard)
{
	struct world world = begin();
	mach_port_name_t connection = connect(&world, 0);
	struct mach_port_guard_in guard = {.name = connection, .guard = GUARD};

	ck_assert_uint_eq(lab_status(world.owner, connection).mps_flags, 0);
	lab_ok(lab_call(world.owner, MACHD_ROUTINE_mach_port_guard, world.owner->task->self, &guard,
			sizeof guard, NULL, 0, NULL));
	ck_assert_uint_eq(lab_status(world.owner, connection).mps_flags,
			  MACH_PORT_STATUS_FLAG_GUARDED |
				  MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_label_lives_as_long_as_a_port_that_has_it)
{
	struct world world = begin();
	mach_port_name_t connection = connect(&world, MPO_INSERT_SEND_RIGHT);

	lab_ok(lab_destroy(world.owner, world.service));
	lab_fill(world.owner, connection, 1, 7);
	lab_message(world.owner, connection, 7);
	lab_ok(lab_destroy(world.owner, connection));
	lab_stop(world.lab);
}
END_TEST

START_TEST(without_memory_there_is_none)
{
	struct world world = begin();
	mach_port_name_t name;

	for (unsigned n = 1; n <= 2; n++) {
		mem_fail_after(n);
		lab_is(KERN_RESOURCE_SHORTAGE, make(world.owner, 0, "x", 0, &name));
		mem_fail_after(0);
	}
	mem_fail_after(1);
	lab_is(KERN_RESOURCE_SHORTAGE,
	       construct(world.owner, MPO_CONNECTION_PORT, world.service, &name));
	mem_fail_after(0);
	connect(&world, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_label_counts_as_a_port)
{
	struct lab_options options;
	struct lab_thread *thread;
	mach_port_name_t name;
	struct lab *lab;

	lab_options_init(&options);
	options.limits.ports_per_user = 64;
	lab = lab_start(&options);
	thread = lab_task(lab, 0)->thread;
	for (unsigned i = 0; i < 32; i++)
		lab_ok(make(thread, 0, "x", 0, &name));
	lab_is(KERN_RESOURCE_SHORTAGE, make(thread, 0, "x", 0, &name));
	lab_stop(lab);
}
END_TEST

/* --- looking at them --- */

START_TEST(a_connection_knows_its_service)
{
	struct world world = begin();
	mach_port_name_t connection = connect(&world, 0), other;
	struct mach_port_is_connection_for_service_in in;
	struct mach_port_is_connection_for_service_out out;

#define IS_CONNECTION(port, to)                                                   \
	(in.connection = (port), in.service = (to),                               \
	 lab_call(world.owner, MACHD_ROUTINE_mach_port_is_connection_for_service, \
		  world.owner->task->self, &in, sizeof in, &out, sizeof out, NULL))
	lab_ok(make(world.owner, 0, "other", 3, &other));
	lab_ok(IS_CONNECTION(connection, world.service));
	ck_assert_uint_eq(out.policy, 2);
	lab_is(KERN_INVALID_CAPABILITY, IS_CONNECTION(connection, other));
	lab_is(KERN_INVALID_CAPABILITY, IS_CONNECTION(world.service, world.service));
	lab_is(KERN_INVALID_CAPABILITY, IS_CONNECTION(connection, connection));
	lab_is(KERN_INVALID_NAME, IS_CONNECTION(MACH_PORT_NULL, world.service));
	lab_is(KERN_INVALID_NAME, IS_CONNECTION(connection, MACH_PORT_DEAD));
	lab_is(KERN_INVALID_NAME, IS_CONNECTION(connection, 0x7703));
	lab_stop(world.lab);
}
END_TEST

START_TEST(without_filters_nobody_knows)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *thread = lab_task(lab, 0)->thread;
	mach_port_name_t name;
	struct mach_port_is_connection_for_service_in in;

	lab_ok(make(thread, 0, "x", 3, &name));
	in.connection = in.service = name;
	lab_is(KERN_NOT_SUPPORTED,
	       lab_call(thread, MACHD_ROUTINE_mach_port_is_connection_for_service,
			thread->task->self, &in, sizeof in, NULL, 0, NULL));
	lab_stop(lab);
}
END_TEST

START_TEST(a_service_is_throttled_or_not)
{
	struct world world = begin();
	mach_port_name_t plain = lab_new_port(world.owner);
	const struct mach_port_get_attributes_in none = {world.service, MACH_PORT_SERVICE_THROTTLED,
							 0};
	uint32_t word = 1, count = 1;
	size_t got;

	lab_ok(lab_get_attributes(world.owner, world.service, MACH_PORT_SERVICE_THROTTLED, &word,
				  &count));
	ck_assert_uint_eq(word, 0);
	word = 5;
	lab_ok(lab_set_attributes(world.owner, world.service, MACH_PORT_SERVICE_THROTTLED, &word,
				  1));
	lab_ok(lab_get_attributes(world.owner, world.service, MACH_PORT_SERVICE_THROTTLED, &word,
				  &count));
	ck_assert_uint_eq(word, 1);
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_set_attributes(world.owner, plain, MACH_PORT_SERVICE_THROTTLED, &word, 1));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_get_attributes(world.owner, plain, MACH_PORT_SERVICE_THROTTLED, &word, &count));
	/* There is room for it even if the caller does not say so. */
	word = 0;
	lab_ok(lab_call(world.owner, MACHD_ROUTINE_mach_port_get_attributes,
			world.owner->task->self, &none, sizeof none, &word, sizeof word, &got));
	ck_assert_uint_eq(got, sizeof word);
	ck_assert_uint_eq(word, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- rights that stay --- */

static mach_msg_return_t send_in_body(struct lab_thread *thread, mach_port_name_t dest,
				      mach_port_name_t right, uint32_t disposition)
{
	struct lab_buffer message = lab_to(dest, 1);

	lab_add_port(&message, right, disposition);
	return lab_send_now(thread, &message);
}

START_TEST(the_send_right_of_a_connection_stays)
{
	struct world world = begin();
	mach_port_name_t connection = connect(&world, MPO_INSERT_SEND_RIGHT), right;
	mach_port_name_t way =
		lab_pass(world.user, lab_new_port(world.user), MAKE_SEND, world.owner);
	struct lab_buffer message;
	uint32_t type;

	lab_is(MACH_SEND_INVALID_RIGHT, send_in_body(world.owner, way, connection, COPY_SEND));
	lab_is(MACH_SEND_INVALID_RIGHT, send_in_body(world.owner, way, connection, MOVE_SEND));
	lab_compose(&message, way, COPY_SEND, connection, COPY_SEND, 1);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.owner, &message));
	lab_is(KERN_INVALID_RIGHT,
	       lab_set_special_port(world.owner, TASK_BOOTSTRAP_PORT, connection));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.owner, connection, MOVE_SEND, &right, &type));
	lab_ok(lab_extract_right(world.owner, connection, COPY_SEND, &right, &type));
	lab_name_is(world.owner, connection, SEND_RECEIVE, 2);
	lab_fill(world.owner, connection, 1, 4);
	lab_ok(lab_deallocate(world.owner, connection));
	lab_ok(lab_deallocate(world.owner, connection));
	lab_name_is(world.owner, connection, RECEIVE, 0);
	lab_stop(world.lab);
}
END_TEST

/* [16.3] says send right, and so does Mach of one that is good for a single message. */
START_TEST(the_send_once_right_of_a_connection_stays)
{
	struct world world = begin();
	mach_port_name_t connection = connect(&world, MPO_INSERT_SEND_RIGHT), right, once;
	mach_port_name_t way =
		lab_pass(world.user, lab_new_port(world.user), MAKE_SEND, world.owner);
	struct lab_buffer message;
	uint32_t type;

	once = lab_new_once(world.owner, connection);
	lab_is(MACH_SEND_INVALID_RIGHT, send_in_body(world.owner, way, once, MOVE_ONCE));
	lab_compose(&message, way, COPY_SEND, once, MOVE_ONCE, 1);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.owner, &message));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.owner, once, MOVE_ONCE, &right, &type));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_request_notification(world.owner, lab_new_port(world.owner),
					MACH_NOTIFY_NO_SENDERS, 9, once, MOVE_ONCE, &right));
	lab_name_is(world.owner, once, SEND_ONCE, 1);
	lab_compose(&message, way, COPY_SEND, connection, MAKE_ONCE, 1);
	lab_ok(lab_send_now(world.owner, &message));
	lab_ok(send_in_body(world.owner, way, connection, MAKE_ONCE));
	lab_compose(&message, once, MOVE_ONCE, NOBODY, 0, 8);
	lab_ok(lab_send_now(world.owner, &message));
	lab_message(world.owner, connection, 8);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_receive_right_of_a_connection_goes_in_bodies_only)
{
	struct world world = begin();
	mach_port_name_t connection = connect(&world, MPO_INSERT_SEND_RIGHT), right, there;
	uint32_t type;

	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.owner, connection, MOVE_RECEIVE, &right, &type));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_insert_right(world.owner, 0x7703, connection, MOVE_RECEIVE));
	there = lab_pass(world.owner, connection, MOVE_RECEIVE, world.user);
	lab_name_is(world.user, there, RECEIVE, 0);
	lab_fill(world.owner, connection, 1, 4);
	lab_message(world.user, there, 4);
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.user, there, MOVE_RECEIVE, &right, &type));
	lab_stop(world.lab);
}
END_TEST

/* --- a service's receive right --- */

/* Who has lent it and asked for its return gets it under its name and its guard again. */
START_TEST(it_comes_back_as_it_went)
{
	struct world world = begin();
	mach_port_name_t port, notify = lab_new_port(world.owner), previous;
	struct lab_buffer message;
	uint64_t context;

	lab_ok(make(world.owner, MPO_INSERT_SEND_RIGHT | MPO_CONTEXT_AS_GUARD | MPO_STRICT, "lent",
		    3, &port));
	lab_ok(lab_request_notification(world.owner, port, MACH_NOTIFY_PORT_DESTROYED, 0, notify,
					MAKE_ONCE, &previous));
	ck_assert_uint_ne(lab_pass(world.owner, port, MOVE_RECEIVE, world.user), 0);
	lab_name_is(world.owner, port, SEND, 1);
	lab_fill(world.owner, port, 1, 9);
	lab_kill(world.user->task);
	lab_ok(lab_receive_now(world.owner, notify, &message));
	ck_assert_int_eq(message.header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
	ck_assert_uint_eq(lab_port(&message, 0).name, port);
	lab_name_is(world.owner, port, SEND_RECEIVE, 1);
	ck_assert_uint_eq(lab_status(world.owner, port).mps_flags,
			  MACH_PORT_STATUS_FLAG_GUARDED | MACH_PORT_STATUS_FLAG_STRICT_GUARD);
	lab_ok(lab_get_context(world.owner, port, &context));
	ck_assert_uint_eq(context, 0);
	lab_is(KERN_INVALID_RIGHT, lab_destroy(world.owner, port));
	lab_message(world.owner, port, 9);
	lab_stop(world.lab);
}
END_TEST

START_TEST(given_back_by_hand_it_has_no_guard)
{
	struct world world = begin();
	mach_port_name_t port, there;

	lab_ok(make(world.owner, MPO_INSERT_SEND_RIGHT | MPO_CONTEXT_AS_GUARD | MPO_STRICT, "lent",
		    3, &port));
	there = lab_pass(world.owner, port, MOVE_RECEIVE, world.user);
	ck_assert_uint_eq(lab_status(world.user, there).mps_flags, 0);
	ck_assert_uint_eq(lab_pass(world.user, there, MOVE_RECEIVE, world.owner), port);
	ck_assert_uint_eq(lab_status(world.owner, port).mps_flags, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(to_another_task_it_comes_without_a_guard)
{
	struct world world = begin();
	mach_port_name_t port, there, notify = lab_new_port(world.user), previous;
	struct lab_buffer message;

	lab_ok(make(world.owner, MPO_INSERT_SEND_RIGHT | MPO_CONTEXT_AS_GUARD | MPO_STRICT, "lent",
		    3, &port));
	there = lab_pass(world.owner, port, MOVE_RECEIVE, world.user);
	lab_ok(lab_request_notification(world.user, there, MACH_NOTIFY_PORT_DESTROYED, 0, notify,
					MAKE_ONCE, &previous));
	lab_ok(lab_destroy(world.user, there));
	lab_ok(lab_receive_now(world.user, notify, &message));
	ck_assert_uint_eq(lab_status(world.user, lab_port(&message, 0).name).mps_flags, 0);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, r302_a_service_port_knows_its_name_and_domain);
	tcase_add_test(tcase, m212_who_may_make_one_and_how);
	tcase_add_test(tcase, m212_a_connection_is_made_for_a_service);
	tcase_add_test(tcase, a_connection_with_too_long_a_queue);
	tcase_add_test(tcase, a_connection_with_a_guard);
	tcase_add_test(tcase, a_label_lives_as_long_as_a_port_that_has_it);
	tcase_add_test(tcase, without_memory_there_is_none);
	tcase_add_test(tcase, a_label_counts_as_a_port);
	tcase_add_test(tcase, a_connection_knows_its_service);
	tcase_add_test(tcase, without_filters_nobody_knows);
	tcase_add_test(tcase, a_service_is_throttled_or_not);
	tcase_add_test(tcase, the_send_right_of_a_connection_stays);
	tcase_add_test(tcase, the_send_once_right_of_a_connection_stays);
	tcase_add_test(tcase, the_receive_right_of_a_connection_goes_in_bodies_only);
	tcase_add_test(tcase, it_comes_back_as_it_went);
	tcase_add_test(tcase, given_back_by_hand_it_has_no_guard);
	tcase_add_test(tcase, to_another_task_it_comes_without_a_guard);
}

int main(void)
{
	return lab_run("ipc_service_ports", add_tests);
}
