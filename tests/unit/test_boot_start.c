/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Declared names: started when somebody wants them, their queue kept while nobody has checked in
 * and when their holder dies, and what becomes of those that wait when nobody comes [24].
 */
#include <servers/bootstrap.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_task.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_names.h"

#define NAME "org.example.service"

struct world {
	struct lab *lab;
	struct lab_names names;
	struct lab_thread *client, *server;
	mach_port_name_t port; /* the client's send right */
};

static struct world begin_with(enum boot_start start)
{
	struct world world;
	struct lab_options options;

	lab_names_init(&world.names);
	lab_names_add(&world.names, NAME)->br_start = start;
	lab_options_init(&options);
	options.names = lab_names_policy(&world.names);
	world.lab = lab_start(&options);
	world.client = lab_task(world.lab, 1000)->thread;
	world.server = lab_task(world.lab, 2000)->thread;
	return world;
}

static struct world begin(void)
{
	return begin_with(BOOT_START_COMMAND);
}

static struct world looked_up(void)
{
	struct world world = begin();

	lab_ok(lab_look_up(world.client, NAME, &world.port));
	return world;
}

/* The service checks in; returns the name of its receive right. */
static mach_port_name_t serve(struct world *world)
{
	mach_port_name_t port;

	lab_ok(lab_check_in(world->server, NAME, &port));
	return port;
}

/* The service dies, and another process is there in its place. */
static void crash(struct world *world)
{
	lab_kill(world->server->task);
	world->server = lab_task(world->lab, 2000)->thread;
}

/* --- starting --- */

START_TEST(the_first_look_up_starts_it_and_gives_a_right_at_once)
{
	struct world world = looked_up();
	mach_port_name_t again;

	lab_name_is(world.client, world.port, SEND, 1);
	ck_assert_uint_eq(world.lab->starts, 1);
	ck_assert_str_eq(world.lab->start_service, NAME);
	ck_assert_uint_eq(world.lab->start_deadline, world.lab->now + 10000000000);
	lab_ok(lab_look_up(world.client, NAME, &again));
	ck_assert_uint_eq(again, world.port);
	lab_ok(lab_look_up(lab_task(world.lab, 7)->thread, NAME, &again));
	ck_assert_uint_eq(world.lab->starts, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(messages_queue_until_it_checks_in)
{
	struct world world = looked_up();
	mach_port_name_t port;
	struct lab_buffer late = lab_to(world.port, 6);

	lab_fill(world.client, world.port, 5, 1);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.client, &late)); /* the queue is full */
	lab_is(LAB_BLOCKED, lab_send(world.client, &late, 0, 0));
	port = serve(&world);
	ck_assert_uint_eq(world.lab->started, 1);
	ck_assert_uint_eq(lab_status(world.server, port).mps_mscount, 0);
	for (int32_t id = 1; id <= 5; id++)
		lab_message(world.server, port, id);
	lab_ok(lab_wait(world.client));
	lab_message(world.server, port, 6);
	lab_silent(world.server, port);
	ck_assert_uint_eq(world.lab->starts, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_is_there_need_not_be_started)
{
	struct world world = begin();
	mach_port_name_t port = serve(&world), name;

	lab_ok(lab_look_up(world.client, NAME, &name));
	lab_fill(world.client, name, 1, 1);
	lab_message(world.server, port, 1);
	lab_is(BOOTSTRAP_SERVICE_ACTIVE, lab_check_in(world.client, NAME, &name));
	ck_assert_uint_eq(world.lab->starts, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(its_port_is_charged_to_who_has_checked_in)
{
	struct world world = looked_up();
	struct machd_limits limits;
	mach_port_name_t port;

	machd_limits_init(&limits);
	limits.task_share = limits.user_share = 100;
	limits.ports_per_user = 64;
	lab_limits(world.lab, &limits);
	for (int i = 0; i < 64; i++)
		lab_new_port(world.server);
	lab_is(BOOTSTRAP_NO_MEMORY, lab_check_in(world.server, NAME, &port));
	limits.ports_per_user = 65;
	lab_limits(world.lab, &limits);
	lab_ok(lab_check_in(world.server, NAME, &port));
	lab_is(KERN_RESOURCE_SHORTAGE, lab_allocate(world.server, MACH_PORT_RIGHT_RECEIVE, &port));
	crash(&world);
	lab_stop(world.lab);
}
END_TEST

/* --- a start that comes to nothing --- */

START_TEST(those_who_wait_are_told_that_nobody_comes)
{
	struct world world = looked_up();
	mach_port_name_t reply = lab_new_port(world.client), notify = lab_new_port(world.client);
	struct lab_thread *blocked = lab_task(world.lab, 1001)->thread;
	struct lab_buffer message;
	mach_port_name_t previous, port;

	lab_ok(lab_request_notification(world.client, world.port, MACH_NOTIFY_DEAD_NAME, 0, notify,
					MAKE_ONCE, &previous));
	lab_compose(&message, world.port, COPY_SEND, reply, MAKE_ONCE, 1);
	lab_ok(lab_send_now(world.client, &message));
	lab_fill(world.client, world.port, 4, 2);
	lab_ok(lab_look_up(blocked, NAME, &port));
	message = lab_to(port, 9);
	lab_is(LAB_BLOCKED, lab_send(blocked, &message, 0, 0));
	lab_start_ended(world.lab, world.lab->start_id, "it exited with status 1");
	lab_notice(world.client, reply, MACH_NOTIFY_SEND_ONCE);
	lab_notice_of(world.client, notify, MACH_NOTIFY_DEAD_NAME, world.port);
	lab_name_is(world.client, world.port, DEAD_NAME, 2);
	lab_ok(lab_wait(blocked)); /* as to any port that dies while a sender waits [8, step 10] */
	lab_name_is(blocked, port, DEAD_NAME, 1);
	ck_assert_uint_eq(world.lab->given_up, 1);
	ck_assert_str_eq(world.lab->last_words, "service " NAME ": it exited with status 1");
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_next_look_up_tries_again_with_another_port)
{
	struct world world = looked_up();
	mach_port_name_t port, name;

	lab_start_ended(world.lab, world.lab->start_id, "");
	ck_assert_str_eq(world.lab->last_words,
			 "service " NAME ": nobody checked in within its StartTimeout=");
	lab_ok(lab_look_up(world.client, NAME, &name));
	ck_assert_uint_ne(name, world.port);
	ck_assert_uint_eq(world.lab->starts, 2);
	port = serve(&world);
	lab_fill(world.client, name, 1, 7);
	lab_message(world.server, port, 7);
	lab_stop(world.lab);
}
END_TEST

START_TEST(news_of_another_start_change_nothing)
{
	struct world world = looked_up();
	mach_port_name_t port;

	lab_start_ended(world.lab, world.lab->start_id + 1, "x");
	lab_start_ended(world.lab, 0, "x");
	lab_name_is(world.client, world.port, SEND, 1);
	port = serve(&world);
	lab_start_ended(world.lab, world.lab->start_id, "it exited later");
	lab_fill(world.client, world.port, 1, 1);
	lab_message(world.server, port, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_is_not_started_too_often)
{
	struct world world = looked_up();
	mach_port_name_t name;

	for (int i = 0; i < 2; i++) {
		lab_start_ended(world.lab, world.lab->start_id, "no");
		lab_ok(lab_look_up(world.client, NAME, &name));
	}
	lab_start_ended(world.lab, world.lab->start_id, "no");
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.client, NAME, &name));
	ck_assert_uint_eq(world.lab->starts, 3);
	lab_advance(world.lab, 59999);
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.client, NAME, &name));
	lab_advance(world.lab, 1);
	lab_ok(lab_look_up(world.client, NAME, &name));
	ck_assert_uint_eq(world.lab->starts, 4);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_service_that_always_crashes_is_given_up)
{
	struct world world = looked_up();

	lab_fill(world.client, world.port, 5, 1);
	for (int32_t i = 1; i <= 3; i++) {
		ck_assert_uint_eq(world.lab->starts, (unsigned)i);
		lab_message(world.server, serve(&world), i);
		crash(&world);
	}
	ck_assert_uint_eq(world.lab->starts, 3);
	lab_name_is(world.client, world.port, DEAD_NAME, 1);
	ck_assert_ptr_nonnull(strstr(world.lab->last_words, "StartLimitBurst="));
	lab_stop(world.lab);
}
END_TEST

START_TEST(nor_does_a_sender_wait_for_what_is_given_up)
{
	struct world world = looked_up();
	struct lab_thread *blocked[6];

	lab_fill(world.client, world.port, 5, 1);
	for (int i = 0; i < 6; i++) {
		struct lab_buffer message;
		mach_port_name_t port;

		blocked[i] = lab_task(world.lab, 1000)->thread;
		lab_ok(lab_look_up(blocked[i], NAME, &port));
		message = lab_to(port, 6 + i);
		lab_is(LAB_BLOCKED, lab_send(blocked[i], &message, 0, 0));
	}
	for (int32_t i = 1; i <= 3; i++) {
		lab_message(world.server, serve(&world), i);
		if (i < 3)
			crash(&world);
	}
	lab_kill(world.server->task); /* and nothing comes after it that could wake anybody */
	for (int i = 0; i < 6; i++)
		lab_ok(lab_wait(blocked[i]));
	lab_stop(world.lab);
}
END_TEST

/* A reply of machd's own to a port that it keeps: who asked for it pays. */
START_TEST(a_reply_to_a_port_that_is_kept_is_paid_for)
{
	struct world world = looked_up();
	struct lab_buffer message;
	const struct ipc_task *task;

	lab_compose(&message, world.client->task->host, COPY_SEND, world.port, COPY_SEND, 202);
	lab_ok(lab_send_now(world.client, &message));
	task = ipc_task_find(world.lab->host, world.client->task->token);
	ck_assert_uint_eq(task->t_account->ac_held[IPC_CHARGE_MESSAGES], 1);
	lab_message(world.server, serve(&world), 302);
	ck_assert_uint_eq(task->t_account->ac_held[IPC_CHARGE_MESSAGES], 0);
	lab_stop(world.lab);
}
END_TEST

/* --- crashes --- */

START_TEST(clients_of_a_service_that_crashes_notice_nothing)
{
	struct world world = looked_up();
	mach_port_name_t port = serve(&world), notify = lab_new_port(world.client), previous;

	lab_ok(lab_request_notification(world.client, world.port, MACH_NOTIFY_DEAD_NAME, 0, notify,
					MAKE_ONCE, &previous));
	lab_set_qlimit(world.server, port, 10);
	lab_fill(world.client, world.port, 8, 1);
	lab_message(world.server, port, 1);
	crash(&world);
	ck_assert_uint_eq(world.lab->starts, 2); /* somebody waits: again at once */
	lab_fill(world.client, world.port, 3, 9);
	port = serve(&world);
	for (int32_t id = 2; id <= 11; id++)
		lab_message(world.server, port, id);
	lab_silent(world.client, notify);
	lab_name_is(world.client, world.port, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(without_messages_it_is_started_again_when_there_are)
{
	struct world world = looked_up();

	serve(&world);
	crash(&world);
	ck_assert_uint_eq(world.lab->starts, 1);
	lab_fill(world.client, world.port, 1, 1);
	ck_assert_uint_eq(world.lab->starts, 2);
	lab_fill(world.client, world.port, 1, 2);
	ck_assert_uint_eq(world.lab->starts, 2);
	serve(&world);
	crash(&world);
	ck_assert_uint_eq(world.lab->starts, 3);
	lab_stop(world.lab);
}
END_TEST

START_TEST(or_when_it_is_looked_up)
{
	struct world world = looked_up();
	mach_port_name_t name;

	serve(&world);
	crash(&world);
	lab_ok(lab_look_up(world.client, NAME, &name));
	ck_assert_uint_eq(name, world.port);
	ck_assert_uint_eq(world.lab->starts, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_request_it_had_received_is_answered_by_its_death)
{
	struct world world = looked_up();
	mach_port_name_t port = serve(&world), reply = lab_new_port(world.client);
	struct lab_buffer message;

	lab_compose(&message, world.port, COPY_SEND, reply, MAKE_ONCE, 1);
	lab_ok(lab_send_now(world.client, &message));
	lab_message(world.server, port, 1);
	lab_silent(world.client, reply);
	crash(&world);
	lab_notice(world.client, reply, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_right_that_is_given_up_comes_back_too)
{
	struct world world = looked_up();
	mach_port_name_t port = serve(&world);
	struct lab_thread *heir = lab_task(world.lab, 2000)->thread;

	lab_fill(world.client, world.port, 2, 1);
	port = lab_pass(world.server, port, MOVE_RECEIVE, heir);
	crash(&world);
	lab_message(heir, port, 1);
	ck_assert_uint_eq(world.lab->starts, 1);
	lab_ok(lab_mod_refs(heir, port, MACH_PORT_RIGHT_RECEIVE, -1));
	ck_assert_uint_eq(world.lab->starts, 2);
	lab_message(world.server, serve(&world), 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_asks_for_the_right_gets_it_first)
{
	struct world world = looked_up();
	mach_port_name_t port = serve(&world), notify = lab_new_port(world.server), previous;
	struct lab_buffer message;

	lab_fill(world.client, world.port, 1, 1);
	lab_ok(lab_request_notification(world.server, port, MACH_NOTIFY_PORT_DESTROYED, 0, notify,
					MAKE_ONCE, &previous));
	lab_ok(lab_destroy(world.server, port));
	ck_assert_uint_eq(world.lab->starts, 1);
	message = lab_message_at(__LINE__, world.server, notify, MACH_NOTIFY_PORT_DESTROYED);
	lab_message(world.server, lab_port(&message, 0).name, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_queue_without_room_gets_some)
{
	struct world world = looked_up();

	lab_set_qlimit(world.server, serve(&world), 0);
	crash(&world);
	lab_fill(world.client, world.port, 5, 1);
	ck_assert_uint_eq(world.lab->starts, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_sender_that_waits_wants_it_again)
{
	struct world world = looked_up();
	mach_port_name_t port = serve(&world);
	struct lab_buffer message = lab_to(world.port, 1);

	lab_set_qlimit(world.server, port, 0);
	lab_is(LAB_BLOCKED, lab_send(world.client, &message, 0, 0));
	crash(&world);
	lab_ok(lab_wait(world.client));
	ck_assert_uint_eq(world.lab->starts, 2);
	lab_message(world.server, serve(&world), 1);
	lab_stop(world.lab);
}
END_TEST

/* --- names that nothing starts --- */

START_TEST(a_name_that_nothing_starts_is_unknown_until_somebody_comes)
{
	struct world world = begin_with(BOOT_START_NEVER);
	mach_port_name_t port, name;

	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.client, NAME, &name));
	ck_assert_uint_eq(world.lab->starts, 0);
	port = serve(&world);
	lab_ok(lab_look_up(world.client, NAME, &name));
	lab_fill(world.client, name, 2, 1);
	lab_message(world.server, port, 1);
	crash(&world);
	ck_assert_uint_eq(world.lab->starts, 1); /* that is: wait for it */
	lab_ok(lab_look_up(world.client, NAME, &port));
	ck_assert_uint_eq(name, port);
	lab_message(world.server, serve(&world), 2);
	crash(&world);
	lab_start_ended(world.lab, world.lab->start_id, "");
	lab_name_is(world.client, name, DEAD_NAME, 2);
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.client, NAME, &name));
	lab_stop(world.lab);
}
END_TEST

/* --- other rules --- */

START_TEST(a_name_that_is_not_declared_any_more_is_its_holders)
{
	struct world world = looked_up();
	struct boot_policy none;
	mach_port_name_t name;

	serve(&world);
	boot_policy_init(&none);
	lab_set_names(world.lab, &none);
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_look_up(world.client, NAME, &name));
	lab_ok(lab_look_up(world.server, NAME, &name));
	crash(&world);
	lab_name_is(world.client, world.port, DEAD_NAME, 1);
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.server, NAME, &name));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_start_under_way_is_given_up_with_its_rule)
{
	struct world world = looked_up();
	struct boot_policy none;

	lab_fill(world.client, world.port, 1, 1);
	boot_policy_init(&none);
	lab_set_names(world.lab, &none);
	ck_assert_uint_eq(world.lab->given_up, 1);
	lab_name_is(world.client, world.port, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_name_that_becomes_declared_is_kept_from_then_on)
{
	struct lab *lab = lab_start(NULL);
	struct world world = {.lab = lab};
	mach_port_name_t mine;

	world.client = lab_task(lab, 2000)->thread;
	world.server = lab_task(lab, 2000)->thread;
	mine = lab_new_service(world.client);
	serve(&world);
	lab_ok(lab_register(world.client, "other", mine));
	lab_ok(lab_look_up(world.client, NAME, &world.port));
	lab_names_init(&world.names);
	lab_names_add(&world.names, NAME);
	lab_names_add(&world.names, "other");
	lab_set_names(lab, lab_names_policy(&world.names));
	crash(&world);
	lab_fill(world.client, world.port, 1, 1);
	ck_assert_uint_eq(lab->starts, 1);
	lab_message(world.server, serve(&world), 1);
	lab_is(BOOTSTRAP_SERVICE_ACTIVE, lab_check_in(world.server, "other", &world.port));
	lab_ok(lab_register(world.client, "other", MACH_PORT_NULL));
	lab_ok(lab_check_in(world.server, "other", &world.port));
	lab_stop(lab);
}
END_TEST

START_TEST(a_machine_stops_with_ports_that_it_keeps)
{
	struct world world = looked_up();

	lab_fill(world.client, world.port, 3, 1);
	lab_stop_at_once(world.lab);
	world = looked_up();
	serve(&world);
	lab_fill(world.client, world.port, 3, 1);
	lab_stop_at_once(world.lab);
}
END_TEST

/* --- memory --- */

/* Look-up, check-in, crash and new rules with each allocation failing in turn. */
START_TEST(without_memory_nothing_is_half_done)
{
	for (uint64_t failing = 1; failing < 40; failing++) {
		struct world world = begin();
		mach_port_name_t port;
		kern_return_t kr;

		mem_fail_after(failing);
		kr = lab_look_up(world.client, NAME, &world.port);
		LAB_TRUE(kr == BOOTSTRAP_SUCCESS || kr == BOOTSTRAP_NO_MEMORY);
		kr = lab_check_in(world.server, NAME, &port);
		LAB_TRUE(kr == BOOTSTRAP_SUCCESS || kr == BOOTSTRAP_NO_MEMORY);
		lab_set_names(world.lab, lab_names_policy(&world.names));
		mem_fail_after(0);
		crash(&world);
		lab_ok(lab_look_up(world.client, NAME, &world.port));
		serve(&world);
		lab_stop(world.lab);
	}
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_first_look_up_starts_it_and_gives_a_right_at_once);
	tcase_add_test(tcase, messages_queue_until_it_checks_in);
	tcase_add_test(tcase, who_is_there_need_not_be_started);
	tcase_add_test(tcase, its_port_is_charged_to_who_has_checked_in);
	tcase_add_test(tcase, those_who_wait_are_told_that_nobody_comes);
	tcase_add_test(tcase, the_next_look_up_tries_again_with_another_port);
	tcase_add_test(tcase, news_of_another_start_change_nothing);
	tcase_add_test(tcase, it_is_not_started_too_often);
	tcase_add_test(tcase, a_service_that_always_crashes_is_given_up);
	tcase_add_test(tcase, nor_does_a_sender_wait_for_what_is_given_up);
	tcase_add_test(tcase, a_reply_to_a_port_that_is_kept_is_paid_for);
	tcase_add_test(tcase, clients_of_a_service_that_crashes_notice_nothing);
	tcase_add_test(tcase, without_messages_it_is_started_again_when_there_are);
	tcase_add_test(tcase, or_when_it_is_looked_up);
	tcase_add_test(tcase, a_request_it_had_received_is_answered_by_its_death);
	tcase_add_test(tcase, a_right_that_is_given_up_comes_back_too);
	tcase_add_test(tcase, who_asks_for_the_right_gets_it_first);
	tcase_add_test(tcase, a_queue_without_room_gets_some);
	tcase_add_test(tcase, a_sender_that_waits_wants_it_again);
	tcase_add_test(tcase, a_name_that_nothing_starts_is_unknown_until_somebody_comes);
	tcase_add_test(tcase, a_name_that_is_not_declared_any_more_is_its_holders);
	tcase_add_test(tcase, a_start_under_way_is_given_up_with_its_rule);
	tcase_add_test(tcase, a_name_that_becomes_declared_is_kept_from_then_on);
	tcase_add_test(tcase, a_machine_stops_with_ports_that_it_keeps);
	tcase_add_test(tcase, without_memory_nothing_is_half_done);
}

int main(void)
{
	return lab_run("boot_start", add_tests);
}
