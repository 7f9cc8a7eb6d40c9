/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a destination does not take [8.8, 16.4]: messages with ports, and messages that a filter
 * holds back from some senders. The header's rights are lost then, those of the body are not.
 */
#include <machd.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_window.h"

enum { OWNER = 0, FILTERED = 1000, OTHER = 1001, BOOTSTRAP_DOMAIN = 7 };

struct world {
	struct lab *lab;
	struct lab_thread *owner, *sender;
	mach_port_name_t port;	/* the owner's, */
	mach_port_name_t dest;	/* and the sender's send right to it */
	mach_port_name_t reply; /* a port of the sender's */
};

static void add_rule(struct ipc_policy *policy, const char *service, uint32_t first, uint32_t last)
{
	struct ipc_filter_rule *rule = &policy->p_rules[policy->p_rule_count++];

	strcpy(rule->fr_service, service);
	rule->fr_first = first;
	rule->fr_last = last;
}

static mach_port_name_t make_service(struct lab_thread *thread, const char *name, uint8_t domain)
{
	struct machd_construct_service_port_in in = {0};
	struct machd_construct_service_port_out out;

	strcpy((char *)in.info, name);
	((uint8_t *)in.info)[sizeof in.info - 1] = domain;
	lab_ok(lab_call(thread, MACHD_ROUTINE_machd_construct_service_port, thread->task->self, &in,
			sizeof in, &out, sizeof out, NULL));
	return out.name;
}

/* The sender is of that uid. */
static struct world begin(uint32_t uid)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.owner_uid = OWNER;
	options.policy.p_filtered = (struct ipc_uids){.us_count = 1, .us_uid = {FILTERED}};
	add_rule(&options.policy, "org.example", 100, 199);
	add_rule(&options.policy, "org.example", 300, 300);
	add_rule(&options.policy, "closed", 1, 0);
	add_rule(&options.policy, "boot", 0x123, 0x123);
	world.lab = lab_start(&options);
	world.owner = lab_task(world.lab, OWNER)->thread;
	world.sender = lab_task(world.lab, uid)->thread;
	world.reply = lab_new_port(world.sender);
	return world;
}

static void open_port(struct world *world, mach_port_name_t port)
{
	world->port = port;
	world->dest = lab_pass(world->owner, port, MAKE_SEND, world->sender);
}

static mach_msg_return_t say(struct world *world, uint32_t id, uint32_t option)
{
	struct lab_buffer message;

	lab_compose(&message, world->dest, COPY_SEND, world->reply, MAKE_ONCE, (int32_t)id);
	return lab_send(world->sender, &message, option | MACH_SEND_TIMEOUT, 0);
}

/* The message is refused, with a guard exception or without. */
static void refused(struct world *world, uint32_t id, uint32_t option)
{
	lab_is(MACH_SEND_MSG_FILTERED, say(world, id, option));
	ck_assert_uint_eq(world->sender->flags, option ? 0 : MACHD_ANSWER_GUARD);
	lab_notice(world->sender, world->reply, MACH_NOTIFY_SEND_ONCE); /* the reply is lost */
	lab_silent(world->owner, world->port);
	lab_name_is(world->sender, world->dest, SEND, 1);
}

static void accepted(struct world *world, uint32_t id)
{
	lab_ok(say(world, id, 0));
	lab_message(world->owner, world->port, (int32_t)id);
}

/* --- filters --- */

/* Case 298. */
START_TEST(r298_a_filtered_sender_is_held_back)
{
	struct world world = begin(FILTERED);

	open_port(&world, make_service(world.owner, "org.example", 3));
	accepted(&world, 100);
	accepted(&world, 199);
	accepted(&world, 300);
	refused(&world, 99, 0);
	refused(&world, 200, 0);
	refused(&world, 0, 0);
	refused(&world, UINT32_MAX, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(r298_another_sender_is_not)
{
	struct world world = begin(OTHER);

	open_port(&world, make_service(world.owner, "org.example", 3));
	accepted(&world, 99);
	lab_stop(world.lab);
}
END_TEST

START_TEST(r298_its_guard_exception)
{
	struct world world = begin(FILTERED);
	struct machd_take_guard_exception_in in;
	struct machd_take_guard_exception_out out;

	open_port(&world, make_service(world.owner, "closed", 3));
	refused(&world, 1, 0);
	lab_ok(lab_call(world.sender, MACHD_ROUTINE_machd_take_guard_exception,
			world.sender->task->self, &in, sizeof in, &out, sizeof out, NULL));
	ck_assert_uint_eq(out.reason, kGUARD_EXC_MSG_FILTERED);
	ck_assert_uint_eq(out.name, world.dest);
	refused(&world, 1, MACH_SEND_FILTER_NONFATAL);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_right_that_was_moved_is_lost_and_the_body_is_not)
{
	struct world world = begin(FILTERED);
	mach_port_name_t inside = lab_new_service(world.sender);
	struct lab_buffer message;

	open_port(&world, make_service(world.owner, "closed", 3));
	lab_compose(&message, world.dest, MOVE_SEND, NOBODY, 0, 1);
	lab_add_port(&message, inside, MOVE_SEND);
	lab_is(MACH_SEND_MSG_FILTERED, lab_send_now(world.sender, &message));
	lab_name_is(world.sender, world.dest, NO_NAME, 0);
	lab_name_is(world.sender, inside, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(only_ports_made_so_are_filtered)
{
	struct world world = begin(FILTERED);

	open_port(&world, lab_new_port(world.owner));
	accepted(&world, 1);
	open_port(&world, lab_construct(world.owner, MPO_FILTER_MSG)); /* there is no rule for it */
	accepted(&world, 1);
	open_port(&world, make_service(world.owner, "unknown", 3));
	accepted(&world, 1);
	lab_stop(world.lab);
}
END_TEST

/* A connection goes by the rules of its service, if it is filtered at all. */
START_TEST(connections_are_filtered_like_their_service)
{
	struct world world = begin(FILTERED);
	mach_port_name_t service = make_service(world.owner, "org.example", 3);
	struct mach_port_construct_in in = {.flags = MPO_CONNECTION_PORT | MPO_FILTER_MSG,
					    .service = service};
	struct mach_port_construct_out out;

	lab_ok(lab_insert_right(world.owner, service, service, MAKE_SEND));
	for (unsigned i = 0; i < 2; i++) {
		lab_ok(lab_call(world.owner, MACHD_ROUTINE_mach_port_construct,
				world.owner->task->self, &in, sizeof in, &out, sizeof out, NULL));
		world.port = out.name;
		world.dest = lab_pass(world.owner, out.name, MAKE_SEND, world.sender);
		accepted(&world, 150);
		if (i == 0)
			refused(&world, 1, 0);
		else
			accepted(&world, 1);
		in.flags = MPO_CONNECTION_PORT;
	}
	lab_stop(world.lab);
}
END_TEST

/* For tasks that live, too; and what was promised before needs an answer again. */
START_TEST(a_policy_that_changes)
{
	static const struct ipc_policy none;
	struct world world = begin(FILTERED);
	struct ipc_policy policy = world.lab->host->h_policy;
	struct lab_buffer plain;

	lab_set_policy(world.lab, &none);
	open_port(&world, make_service(world.owner, "org.example", 3));
	accepted(&world, 1);
	lab_ok(lab_board(world.sender, TRAP_FD_FIXED));
	plain = lab_to(world.dest, 1);
	lab_ok(lab_send_plain(world.sender, &plain));
	ck_assert_uint_gt(lab_window(world.sender, world.dest), 0);
	lab_message(world.owner, world.port, 1);
	lab_set_policy(world.lab, &policy);
	ck_assert_uint_eq(lab_window(world.sender, world.dest), 0);
	plain = lab_to(world.dest, 1);
	lab_is(MACH_SEND_MSG_FILTERED, lab_send_plain(world.sender, &plain));
	refused(&world, 1, 0);
	accepted(&world, 100);
	policy.p_rule_count = 0;
	memset(policy.p_rules, 0, sizeof policy.p_rules);
	lab_set_policy(world.lab, &policy);
	accepted(&world, 1);
	lab_stop(world.lab);
}
END_TEST

/* Case 299. */
START_TEST(r299_messages_to_a_bootstrap_server)
{
	struct world world = begin(FILTERED);

	open_port(&world, make_service(world.owner, "boot", BOOTSTRAP_DOMAIN));
	refused(&world, 0x00000123, 0);
	accepted(&world, 0x40000123);
	accepted(&world, 0x01000123);
	refused(&world, 0x40000124, 0);
	open_port(&world, make_service(world.owner, "unknown", BOOTSTRAP_DOMAIN));
	refused(&world, 0x00000123, 0);
	accepted(&world, 0x40000123);
	lab_stop(world.lab);
}
END_TEST

/* Case 301. */
START_TEST(r301_the_option_does_not_help_with_a_full_queue)
{
	struct world world = begin(FILTERED);

	open_port(&world, make_service(world.owner, "org.example", 3));
	lab_set_qlimit(world.owner, world.port, 1);
	lab_ok(say(&world, 100, 0));
	lab_is(MACH_SEND_TIMED_OUT, say(&world, 100, MACH_SEND_FILTER_NONFATAL));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_rule_for_all_others)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.policy.p_filtered.us_all = 1;
	add_rule(&options.policy, "*", 5, 5);
	add_rule(&options.policy, "org.example", 6, 6);
	world.lab = lab_start(&options);
	world.owner = lab_task(world.lab, 0)->thread;
	world.sender = lab_task(world.lab, OTHER)->thread;
	world.reply = lab_new_port(world.sender);
	open_port(&world, lab_construct(world.owner, MPO_FILTER_MSG));
	accepted(&world, 5);
	refused(&world, 6, 0);
	open_port(&world, make_service(world.owner, "org.example", 3));
	accepted(&world, 6);
	refused(&world, 5, 0);
	lab_stop(world.lab);
}
END_TEST

/* --- no ports --- */

START_TEST(a_port_that_takes_no_ports)
{
	struct world world = begin(OTHER);
	mach_port_name_t inside = lab_new_service(world.sender);
	struct lab_buffer message;

	open_port(&world, lab_construct(world.owner, MACHD_MPO_NO_GRANT));
	ck_assert_uint_eq(lab_status(world.owner, world.port).mps_flags,
			  MACH_PORT_STATUS_FLAG_NO_GRANT);
	accepted(&world, 1);
	lab_compose(&message, world.dest, COPY_SEND, world.reply, MAKE_ONCE, 1);
	lab_add_port(&message, inside, MOVE_SEND);
	lab_is(MACH_SEND_NO_GRANT_DEST, lab_send_now(world.sender, &message));
	lab_notice(world.sender, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_name_is(world.sender, inside, SEND_RECEIVE, 1);
	lab_name_is(world.sender, world.dest, SEND, 1);
	lab_compose(&message, world.dest, MOVE_SEND, NOBODY, 0, 1);
	lab_add_port(&message, MACH_PORT_NULL, MOVE_SEND); /* not even none */
	lab_is(MACH_SEND_NO_GRANT_DEST, lab_send_now(world.sender, &message));
	lab_name_is(world.sender, world.dest, NO_NAME, 0);
	lab_silent(world.owner, world.port);
	lab_stop(world.lab);
}
END_TEST

/* A send-once right to one that died takes one last message [8.7], but none with ports. */
START_TEST(nor_does_it_when_it_has_died)
{
	struct world world = begin(OTHER);
	mach_port_name_t port = lab_construct(world.owner, MACHD_MPO_NO_GRANT), once[2];
	struct lab_buffer message;

	for (unsigned i = 0; i < 2; i++)
		once[i] = lab_pass(world.owner, port, MAKE_ONCE, world.sender);
	lab_ok(lab_destroy(world.owner, port));
	lab_compose(&message, once[0], MOVE_ONCE, NOBODY, 0, 1);
	lab_ok(lab_send_now(world.sender, &message));
	lab_compose(&message, once[1], MOVE_ONCE, NOBODY, 0, 1);
	lab_add_port(&message, world.reply, MOVE_RECEIVE);
	lab_is(MACH_SEND_NO_GRANT_DEST, lab_send_now(world.sender, &message));
	lab_name_is(world.sender, once[1], NO_NAME, 0);
	lab_name_is(world.sender, world.reply, RECEIVE, 0);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, r298_a_filtered_sender_is_held_back);
	tcase_add_test(tcase, r298_another_sender_is_not);
	tcase_add_test(tcase, r298_its_guard_exception);
	tcase_add_test(tcase, a_right_that_was_moved_is_lost_and_the_body_is_not);
	tcase_add_test(tcase, only_ports_made_so_are_filtered);
	tcase_add_test(tcase, connections_are_filtered_like_their_service);
	tcase_add_test(tcase, a_policy_that_changes);
	tcase_add_test(tcase, r299_messages_to_a_bootstrap_server);
	tcase_add_test(tcase, r301_the_option_does_not_help_with_a_full_queue);
	tcase_add_test(tcase, a_rule_for_all_others);
	tcase_add_test(tcase, a_port_that_takes_no_ports);
	tcase_add_test(tcase, nor_does_it_when_it_has_died);
}

int main(void)
{
	return lab_run("ipc_filter", add_tests);
}
