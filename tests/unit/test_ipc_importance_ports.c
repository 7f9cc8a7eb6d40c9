/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance: boosts of ports that move, of temporary owners, of those that wait to hear of room,
 * and of tasks that ask for them [14.3, 20].
 */
#include <string.h>

#include "tests/lab/lab_importance.h"

/* --- ports that move --- */

START_TEST(boosts_in_a_queue_go_where_the_port_goes)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t way = lab_new_port(world.other), dest, moved;
	struct lab_buffer message;

	dest = lab_pass(world.other, way, MAKE_SEND, world.server);
	importance_ask(&world);
	importance_ask(&world);
	importance_is(&world, 2, 2);
	message = lab_to(dest, 9);
	lab_add_port(&message, world.port, MOVE_RECEIVE);
	lab_ok(lab_send_now(world.server, &message));
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_task(world.server), 0);
	ck_assert_uint_eq(importance_of_port(world.other, way), 2);
	ck_assert_uint_eq(importance_of_task(world.other), 2);
	importance_ask(&world);
	ck_assert_uint_eq(importance_of_task(world.other), 3);
	message = lab_message(world.other, way, 9);
	moved = lab_port(&message, 0).name;
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_port(world.other, way), 0);
	ck_assert_uint_eq(importance_of_port(world.other, moved), 3);
	ck_assert_uint_eq(importance_of_task(world.other), 3);
	lab_stop(world.lab);
}
END_TEST

/* A port in the queue of a port in the queue ...: the last holder is important. */
START_TEST(a_boost_reaches_the_end_of_a_chain)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t ports[4], names[4];
	struct lab_buffer message;

	for (unsigned i = 0; i < 4; i++) {
		ports[i] = lab_new_port(world.server);
		names[i] = lab_pass(world.server, ports[i], MAKE_SEND, world.donor);
		importance_accept(world.server, ports[i]);
	}
	/* ports[i] waits on ports[i + 1] */
	for (unsigned i = 0; i < 3; i++) {
		lab_compose(&message, ports[i + 1], MAKE_SEND, NOBODY, 0, 1);
		lab_add_port(&message, ports[i], MOVE_RECEIVE);
		lab_ok(lab_send(world.server, &message, MACH_SEND_NOIMPORTANCE, 0));
	}
	ck_assert_uint_eq(importance_of_task(world.server), 0);
	lab_ok(importance_send(world.donor, names[0], COPY_SEND, NOBODY, 0, 0));
	lab_ok(importance_send(world.donor, names[0], COPY_SEND, NOBODY, 0, 0));
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_port(world.server, ports[3]), 2);
	ck_assert_uint_eq(importance_of_task(world.server), 2);
	lab_ok(importance_send(world.donor, names[1], COPY_SEND, NOBODY, 0, 0));
	ck_assert_uint_eq(importance_of_port(world.server, ports[3]), 3);
	for (unsigned i = 3; i > 0; i--) {
		static const uint32_t inside[] = {2, 3, 3};

		message = lab_message(world.server, ports[i], 1);
		ports[i - 1] = lab_port(&message, 0).name;
		lab_audit(world.lab);
		ck_assert_uint_eq(importance_of_port(world.server, ports[i - 1]), inside[i - 1]);
	}
	ck_assert_uint_eq(importance_of_task(world.server), 3);
	lab_ok(lab_destroy(world.server, ports[0]));
	ck_assert_uint_eq(importance_of_task(world.server), 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_chain_that_is_destroyed_leaves_no_boost)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t outer = lab_new_port(world.server);
	struct lab_buffer message;

	importance_ask(&world);
	lab_compose(&message, outer, MAKE_SEND, NOBODY, 0, 1);
	lab_add_port(&message, world.port, MOVE_RECEIVE);
	lab_ok(lab_send_now(world.server, &message));
	importance_ask(&world);
	ck_assert_uint_eq(importance_of_port(world.server, outer), 2);
	lab_ok(lab_destroy(world.server, outer));
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_task(world.server), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_rescued_port_takes_its_boosts_along)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t notify = lab_new_port(world.other), once, previous;
	struct lab_buffer message;

	once = lab_pass(world.other, notify, MAKE_ONCE, world.server);
	lab_ok(lab_request_notification(world.server, world.port, MACH_NOTIFY_PORT_DESTROYED, 0,
					once, MOVE_ONCE, &previous));
	importance_ask(&world);
	lab_ok(lab_destroy(world.server, world.port));
	ck_assert_uint_eq(importance_of_task(world.server), 0);
	ck_assert_uint_eq(importance_of_task(world.other), 1);
	message = lab_message(world.other, notify, MACH_NOTIFY_PORT_DESTROYED);
	ck_assert_uint_eq(importance_of_port(world.other, lab_port(&message, 0).name), 1);
	ck_assert_uint_eq(importance_of_task(world.other), 1);
	lab_stop(world.lab);
}
END_TEST

/* --- temporary owners --- */

START_TEST(a_temporary_owner_is_not_boosted_but_the_next_one_is)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t moved;

	importance_ask(&world);
	importance_is(&world, 1, 1);
	lab_ok(lab_set_attributes(world.server, world.port, MACH_PORT_TEMPOWNER, NULL, 0));
	importance_is(&world, 1, 0);
	importance_ask(&world);
	lab_ok(lab_set_attributes(world.server, world.port, MACH_PORT_TEMPOWNER, NULL, 0));
	importance_is(&world, 2, 0);
	ck_assert_uint_eq(lab_status(world.server, world.port).mps_flags,
			  MACH_PORT_STATUS_FLAG_TEMPOWNER | MACH_PORT_STATUS_FLAG_IMP_DONATION);
	/* What the owner receives is its own to serve. */
	lab_ok(lab_deallocate(
		world.server,
		importance_get(world.server, world.port, true).header.msgh_remote_port));
	moved = lab_pass(world.server, world.port, MOVE_RECEIVE, world.other);
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_task(world.other), 1);
	ck_assert_uint_eq(lab_status(world.other, moved).mps_flags,
			  MACH_PORT_STATUS_FLAG_IMP_DONATION);
	importance_ask(&world);
	ck_assert_uint_eq(importance_of_task(world.other), 2);
	lab_stop(world.lab);
}
END_TEST

/* --- attributes --- */

static const struct {
	int32_t flavor;
	uint32_t construct, flags;
} attributes[] = {
	{MACH_PORT_TEMPOWNER, MPO_TEMPOWNER, 9},
	{MACH_PORT_IMPORTANCE_RECEIVER, MPO_IMPORTANCE_RECEIVER, 8},
	{MACH_PORT_DENAP_RECEIVER, MPO_DENAP_RECEIVER, 8},
};

START_TEST(ports_accept_importance_by_attribute_or_from_birth)
{
	struct importance_world world = importance_begin(NULL);
	int32_t flavor = attributes[_i].flavor;
	struct mk_timer_create_out timer;
	mach_port_name_t port = lab_new_port(world.other), set = lab_new_set(world.other);
	mach_port_name_t dead = lab_new_dead_name(world.other);
	uint32_t word = 1;

	ck_assert_uint_eq(lab_status(world.other, port).mps_flags, 0);
	lab_ok(lab_set_attributes(world.other, port, flavor, NULL, 0));
	ck_assert_uint_eq(lab_status(world.other, port).mps_flags, attributes[_i].flags);
	lab_ok(lab_set_attributes(world.other, port, flavor, &word, 1));
	port = lab_construct(world.other, attributes[_i].construct);
	ck_assert_uint_eq(lab_status(world.other, port).mps_flags, attributes[_i].flags);

	lab_ok(lab_call(world.other, MACHD_ROUTINE_mk_timer_create, world.other->task->self, NULL,
			0, &timer, sizeof timer, NULL));
	lab_is(KERN_INVALID_ARGUMENT, lab_set_attributes(world.other, timer.name, flavor, NULL, 0));
	lab_is(KERN_INVALID_RIGHT, lab_set_attributes(world.other, 0, flavor, NULL, 0));
	lab_is(KERN_INVALID_RIGHT, lab_set_attributes(world.other, ~0U, flavor, NULL, 0));
	lab_is(KERN_INVALID_RIGHT, lab_set_attributes(world.other, set, flavor, NULL, 0));
	lab_is(KERN_INVALID_NAME, lab_set_attributes(world.other, dead, flavor, NULL, 0));
	lab_is(KERN_INVALID_RIGHT, lab_set_attributes(world.donor, world.dest, flavor, NULL, 0));
	lab_stop(world.lab);
}
END_TEST

/* --- donors, and what a task asks for itself --- */

START_TEST(a_user_has_only_so_many_donors)
{
	struct lab_options options;
	struct lab *lab;
	struct lab_thread *threads[4];

	lab_options_init(&options);
	options.limits.donors_per_user = 2;
	lab = lab_start(&options);
	for (unsigned i = 0; i < 4; i++)
		threads[i] = lab_task(lab, i == 3 ? 1001 : 1000)->thread;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned again = 0; again < 2; again++)
			lab_ok(importance_policy(threads[i], MACHD_POLICY_SET, 0));
	lab_is(KERN_RESOURCE_SHORTAGE, importance_policy(threads[2], MACHD_POLICY_SET, 0));
	lab_ok(importance_policy(threads[3], MACHD_POLICY_SET, 0));
	lab_audit(lab);
	lab_kill(threads[0]->task);
	lab_ok(importance_policy(threads[2], MACHD_POLICY_SET, 0));
	lab_is(KERN_INVALID_ARGUMENT, importance_policy(threads[2], 0, 0));
	lab_is(KERN_INVALID_ARGUMENT, importance_policy(threads[2], UINT32_MAX, 0));
	lab_stop(lab);
}
END_TEST

START_TEST(a_task_may_hold_a_boost_after_its_reply)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t reply = importance_asked(&world),
			 once = lab_new_once(world.server, world.port);

	lab_is(KERN_INVALID_RIGHT, importance_policy(world.server, MACHD_POLICY_HOLD, once));
	lab_is(KERN_INVALID_RIGHT, importance_policy(world.server, MACHD_POLICY_HOLD, world.port));
	lab_is(KERN_INVALID_RIGHT, importance_policy(world.server, MACHD_POLICY_HOLD, 0));
	lab_is(KERN_INVALID_RIGHT, importance_policy(world.server, MACHD_POLICY_HOLD, 0x12345603));
	lab_is(KERN_FAILURE, importance_policy(world.server, MACHD_POLICY_DROP, 0));
	lab_ok(importance_policy(world.server, MACHD_POLICY_HOLD, reply));
	lab_ok(importance_policy(world.server, MACHD_POLICY_HOLD, reply));
	importance_is(&world, 0, 3);
	lab_ok(importance_send(world.server, reply, MOVE_ONCE, NOBODY, 0, 0));
	importance_is(&world, 0, 2);
	lab_is(KERN_INVALID_RIGHT, importance_policy(world.server, MACHD_POLICY_HOLD, reply));
	lab_ok(importance_policy(world.server, MACHD_POLICY_DROP, 0));
	lab_ok(importance_policy(world.server, MACHD_POLICY_DROP, 0));
	importance_is(&world, 0, 0);
	lab_is(KERN_FAILURE, importance_policy(world.server, MACHD_POLICY_DROP, 0));
	lab_ok(lab_deallocate(world.server, once));
	reply = importance_get(world.server, world.port, false).header.msgh_remote_port;
	lab_stop(world.lab);
}
END_TEST

/* --- SEND_NOTIFY: who waits to hear of room is waited for [14.3] --- */

static void arm(struct importance_world *world, uint64_t option)
{
	mach_port_name_t notify = lab_new_port(world->donor), previous;

	lab_ok(lab_request_notification(world->donor, world->dest, MACH_NOTIFY_SEND_POSSIBLE, 0,
					notify, MAKE_ONCE, &previous));
	lab_is(MACH_SEND_TIMED_OUT, importance_send(world->donor, world->dest, COPY_SEND, NOBODY, 0,
						    MACH_SEND_NOTIFY | MACH_SEND_TIMEOUT | option));
}

START_TEST(an_armed_request_boosts_once_until_it_fires)
{
	struct importance_world world = importance_begin(NULL);

	lab_set_qlimit(world.server, world.port, 1);
	lab_ok(importance_send(world.donor, world.dest, COPY_SEND, NOBODY, 0,
			       MACH_SEND_NOIMPORTANCE));
	arm(&world, MACH_SEND_NOIMPORTANCE);
	importance_is(&world, 0, 0);
	arm(&world, 0);
	arm(&world, 0);
	importance_is(&world, 1, 1);
	importance_get(world.server, world.port, false);
	importance_is(&world, 0, 0);
	lab_stop(world.lab);
}
END_TEST

/* A request that is armed when it is made needs no send for that. */
START_TEST(a_request_armed_at_once_boosts_as_well)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t notify = lab_new_port(world.donor), previous, theirs;

	theirs = lab_pass(world.server, world.port, MAKE_SEND, world.other);
	lab_set_qlimit(world.server, world.port, 1);
	lab_ok(importance_send(world.other, theirs, COPY_SEND, NOBODY, 0, 0));
	lab_ok(lab_request_notification(world.other, theirs, MACH_NOTIFY_SEND_POSSIBLE, 1,
					lab_new_port(world.other), MAKE_ONCE, &previous));
	importance_is(&world, 0, 0);
	importance_get(world.server, world.port, false);
	lab_ok(importance_send(world.other, theirs, COPY_SEND, NOBODY, 0, 0));
	lab_ok(lab_request_notification(world.donor, world.dest, MACH_NOTIFY_SEND_POSSIBLE, 0,
					notify, MAKE_ONCE, &previous));
	importance_is(&world, 0, 0);
	lab_ok(lab_request_notification(world.donor, world.dest, MACH_NOTIFY_SEND_POSSIBLE, 1,
					notify, MAKE_ONCE, &previous));
	importance_is(&world, 1, 1);
	importance_get(world.server, world.port, false);
	lab_notice(world.donor, notify, MACH_NOTIFY_SEND_POSSIBLE);
	importance_is(&world, 0, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(an_armed_boost_goes_with_the_port)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t moved;

	lab_set_qlimit(world.server, world.port, 0);
	arm(&world, 0);
	importance_is(&world, 1, 1);
	moved = lab_pass(world.server, world.port, MOVE_RECEIVE, world.other);
	ck_assert_uint_eq(importance_of_port(world.other, moved), 1);
	lab_ok(lab_destroy(world.other, moved));
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_task(world.other), 0);
	lab_stop(world.lab);
}
END_TEST

/* The digest tells states apart that differ in importance only. */
START_TEST(the_digest_knows_of_importance)
{
	enum { KINDS = 6 };
	uint8_t digests[KINDS][TRAP_DIGEST_SIZE];

	for (unsigned kind = 0; kind < KINDS; kind++) {
		struct importance_world world = importance_begin(NULL);
		mach_port_name_t reply;

		if (kind == 1)
			lab_ok(importance_policy(world.other, MACHD_POLICY_SET, 0));
		else
			lab_is(KERN_INVALID_ARGUMENT, importance_policy(world.other, 0, 0));
		if (kind == 5)
			lab_ok(lab_set_attributes(world.server, world.port, MACH_PORT_TEMPOWNER,
						  NULL, 0));
		else
			importance_accept(world.server, world.port);
		for (unsigned i = 0; i < 2; i++)
			lab_ok(importance_send(world.donor, world.dest, COPY_SEND, world.reply,
					       MAKE_ONCE,
					       i == 0 && kind == 2 ? MACH_SEND_NOIMPORTANCE : 0));
		reply = importance_get(world.server, world.port, kind != 2).header.msgh_remote_port;
		if (kind == 3)
			lab_ok(importance_policy(world.server, MACHD_POLICY_HOLD, reply));
		else
			lab_is(KERN_FAILURE, importance_policy(world.server, MACHD_POLICY_DROP, 0));
		trap_digest(world.lab->host, digests[kind]);
		for (unsigned other = 0; other < kind; other++)
			ck_assert_msg((memcmp(digests[kind], digests[other], TRAP_DIGEST_SIZE) ==
				       0) == (kind == 4 && other == 0),
				      "states %u and %u", kind, other);
		lab_stop(world.lab);
	}
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, boosts_in_a_queue_go_where_the_port_goes);
	tcase_add_test(tests, a_boost_reaches_the_end_of_a_chain);
	tcase_add_test(tests, a_chain_that_is_destroyed_leaves_no_boost);
	tcase_add_test(tests, a_rescued_port_takes_its_boosts_along);
	tcase_add_test(tests, a_temporary_owner_is_not_boosted_but_the_next_one_is);
	tcase_add_loop_test(tests, ports_accept_importance_by_attribute_or_from_birth, 0,
			    ROWS(attributes));
	tcase_add_test(tests, a_user_has_only_so_many_donors);
	tcase_add_test(tests, a_task_may_hold_a_boost_after_its_reply);
	tcase_add_test(tests, an_armed_request_boosts_once_until_it_fires);
	tcase_add_test(tests, a_request_armed_at_once_boosts_as_well);
	tcase_add_test(tests, an_armed_boost_goes_with_the_port);
	tcase_add_test(tests, the_digest_knows_of_importance);
}

int main(void)
{
	return lab_run("ipc_importance_ports", add_tests);
}
