/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on their way are as important as who sent them is now, not as he was then [5.2]: boosts
 * come and go along chains of queues, and in slices if there are many.
 */
#include "tests/lab/lab_importance.h"
#include "tests/lab/lab_names.h"

/* The world's server has asked the other task, whose port `third` accepts importance. */
struct chain {
	struct importance_world world;
	mach_port_name_t third, dest, own; /* dest: the server's name of third */
};

static struct chain chain_begin(const struct lab_options *options)
{
	struct chain chain = {.world = importance_begin(options)};

	chain.third = lab_new_port(chain.world.other);
	importance_accept(chain.world.other, chain.third);
	chain.dest = lab_pass(chain.world.other, chain.third, MAKE_SEND, chain.world.server);
	chain.own = lab_new_port(chain.world.server);
	return chain;
}

static void chain_ask(const struct chain *chain, uint32_t option)
{
	lab_ok(importance_send(chain->world.server, chain->dest, COPY_SEND, chain->own, MAKE_ONCE,
			       option));
}

/* So many boosts of the other task's port, and of that task. */
static void chain_is(struct chain *chain, uint32_t port, uint32_t all)
{
	lab_audit(chain->world.lab);
	ck_assert_uint_eq(importance_of_port(chain->world.other, chain->third), port);
	ck_assert_uint_eq(importance_of_task(chain->world.other), all);
}

START_TEST(a_question_becomes_important_with_who_asked)
{
	struct chain chain = chain_begin(NULL);
	mach_port_name_t reply;

	chain_ask(&chain, 0);
	chain_is(&chain, 0, 0);
	importance_ask(&chain.world);
	chain_is(&chain, 1, 1);
	reply = importance_get(chain.world.server, chain.world.port, true).header.msgh_remote_port;
	chain_is(&chain, 1, 1);
	lab_ok(lab_deallocate(chain.world.server, reply));
	chain_is(&chain, 0, 0);
	/* and again, and then it is received as what it is */
	reply = importance_asked(&chain.world);
	chain_is(&chain, 1, 1);
	importance_get(chain.world.other, chain.third, true);
	chain_is(&chain, 0, 1);
	/* What has been received is the receiver's, whatever becomes of the sender. */
	lab_ok(importance_send(chain.world.server, reply, MOVE_ONCE, NOBODY, 0, 0));
	chain_is(&chain, 0, 1);
	lab_stop(chain.world.lab);
}
END_TEST

/* The same of a task whose only port that accepts importance was made so. */
START_TEST(a_port_may_be_made_to_accept_importance)
{
	const uint32_t flags[] = {MPO_IMPORTANCE_RECEIVER, MPO_DENAP_RECEIVER};

	for (unsigned i = 0; i < 2; i++) {
		struct importance_world world = importance_begin(NULL);
		mach_port_name_t port = lab_construct(world.other, flags[i]);
		mach_port_name_t dest, theirs;

		dest = lab_pass(world.other, port, MAKE_SEND, world.donor);
		theirs = lab_pass(world.server, world.port, MAKE_SEND, world.other);
		lab_ok(importance_send(world.other, theirs, COPY_SEND, NOBODY, 0, 0));
		importance_is(&world, 0, 0);
		lab_ok(importance_send(world.donor, dest, COPY_SEND, world.reply, MAKE_ONCE, 0));
		ck_assert_uint_eq(importance_of_port(world.server, world.port), 1);
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(a_question_that_is_not_important_any_more_is_received_so)
{
	struct chain chain = chain_begin(NULL);
	mach_port_name_t reply = importance_asked(&chain.world);

	chain_ask(&chain, 0);
	chain_is(&chain, 1, 1);
	lab_ok(importance_send(chain.world.server, reply, MOVE_ONCE, NOBODY, 0, 0));
	chain_is(&chain, 0, 0);
	importance_get(chain.world.other, chain.third, false);
	chain_is(&chain, 0, 0);
	lab_stop(chain.world.lab);
}
END_TEST

START_TEST(what_was_to_donate_nothing_never_does)
{
	struct chain chain = chain_begin(NULL);

	chain_ask(&chain, MACH_SEND_NOIMPORTANCE);
	importance_ask(&chain.world);
	chain_is(&chain, 0, 0);
	lab_stop(chain.world.lab);
}
END_TEST

/* Who neither is important nor takes importance has sent nothing that could become so. */
START_TEST(who_could_not_be_important_donated_nothing)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t dest = lab_pass(world.server, world.port, MAKE_SEND, world.other), once;

	lab_ok(importance_send(world.other, dest, COPY_SEND, NOBODY, 0, 0));
	lab_ok(importance_policy(world.other, MACHD_POLICY_SET, 0));
	importance_is(&world, 0, 0);
	lab_ok(importance_send(world.other, dest, COPY_SEND, NOBODY, 0, 0));
	importance_is(&world, 1, 1);
	importance_get(world.server, world.port, false);
	importance_get(world.server, world.port, false);
	/* A port that accepts it, got from another task, makes the difference. */
	once = lab_pass(world.server, world.port, MOVE_RECEIVE, world.other);
	ck_assert_uint_eq(importance_of_port(world.other, once), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_task_becomes_a_donor_with_all_that_it_has_sent)
{
	struct chain chain = chain_begin(NULL);

	chain_ask(&chain, 0);
	chain_ask(&chain, 0);
	lab_ok(importance_policy(chain.world.server, MACHD_POLICY_SET, 0));
	chain_is(&chain, 2, 2);
	/* A donor needs no boosts to stay one. */
	lab_ok(lab_deallocate(chain.world.server, importance_asked(&chain.world)));
	chain_is(&chain, 2, 2);
	lab_stop(chain.world.lab);
}
END_TEST

START_TEST(the_dead_donate_nothing)
{
	struct chain chain = chain_begin(NULL);

	lab_ok(importance_policy(chain.world.server, MACHD_POLICY_SET, 0));
	for (unsigned i = 0; i < 3; i++)
		chain_ask(&chain, 0);
	chain_is(&chain, 3, 3);
	lab_kill(chain.world.server->task);
	chain_is(&chain, 0, 0);
	for (unsigned i = 0; i < 3; i++)
		importance_get(chain.world.other, chain.third, false);
	lab_stop(chain.world.lab);
}
END_TEST

/* Who waits to send waits with as much importance as he has. */
START_TEST(a_sender_that_waits_donates_as_well)
{
	struct chain chain = chain_begin(NULL);
	mach_port_name_t reply;
	struct lab_thread *second = lab_thread(chain.world.server->task);
	struct lab_buffer message;

	lab_set_qlimit(chain.world.other, chain.third, 0);
	lab_compose(&message, chain.dest, COPY_SEND, chain.own, MAKE_ONCE, 1);
	lab_is(LAB_BLOCKED, lab_send(second, &message, 0, 0));
	chain_is(&chain, 0, 0);
	reply = importance_asked(&chain.world);
	chain_is(&chain, 1, 1);
	lab_ok(lab_deallocate(chain.world.server, reply));
	chain_is(&chain, 0, 0);
	reply = importance_asked(&chain.world);
	lab_cancel(second);
	lab_is(MACH_SEND_INTERRUPTED, lab_wait(second));
	chain_is(&chain, 0, 0);
	lab_ok(lab_deallocate(chain.world.server, reply));
	lab_stop(chain.world.lab);
}
END_TEST

/* A message that is destroyed takes its boost along, and nothing follows for it. */
START_TEST(what_is_destroyed_does_not_follow)
{
	struct chain chain = chain_begin(NULL);
	mach_port_name_t reply;

	chain_ask(&chain, 0);
	chain_ask(&chain, 0);
	reply = importance_asked(&chain.world);
	chain_is(&chain, 2, 2);
	lab_ok(lab_destroy(chain.world.other, chain.third));
	lab_audit(chain.world.lab);
	ck_assert_uint_eq(importance_of_task(chain.world.other), 0);
	lab_ok(lab_deallocate(chain.world.server, reply));
	lab_audit(chain.world.lab);
	lab_stop(chain.world.lab);
}
END_TEST

/* --- far, and many --- */

enum { LONG = 64, MANY = 100, SLICE = 16 };

/* Each task has asked the next one; the first becomes important and is not any more. */
START_TEST(importance_goes_along_a_chain_of_questions)
{
	struct lab_thread *threads[LONG];
	mach_port_name_t ports[LONG], dest;
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t first, reply;

	for (unsigned i = 0; i < LONG; i++) {
		threads[i] = lab_task(world.lab, 1000)->thread;
		ports[i] = lab_new_port(threads[i]);
		importance_accept(threads[i], ports[i]);
		if (i == 0)
			continue;
		dest = lab_pass(threads[i], ports[i], MAKE_SEND, threads[i - 1]);
		lab_ok(importance_send(threads[i - 1], dest, COPY_SEND, NOBODY, 0, 0));
		ck_assert_uint_eq(importance_of_task(threads[i]), 0);
	}
	first = lab_pass(threads[0], ports[0], MAKE_SEND, world.donor);
	lab_ok(importance_send(world.donor, first, COPY_SEND, world.reply, MAKE_ONCE, 0));
	lab_audit(world.lab);
	for (unsigned i = 0; i < LONG; i++)
		ck_assert_uint_eq(importance_of_task(threads[i]), 1);
	reply = importance_get(threads[0], ports[0], true).header.msgh_remote_port;
	lab_ok(lab_deallocate(threads[0], reply));
	lab_audit(world.lab);
	for (unsigned i = 0; i < LONG; i++)
		ck_assert_uint_eq(importance_of_task(threads[i]), 0);
	lab_stop(world.lab);
}
END_TEST

/* Two that ask each other keep each other important no longer than it takes to receive. */
START_TEST(a_circle_of_questions_ends_with_them)
{
	struct chain chain = chain_begin(NULL);
	mach_port_name_t back =
		lab_pass(chain.world.server, chain.world.port, MAKE_SEND, chain.world.other);
	mach_port_name_t reply = importance_asked(&chain.world);

	chain_ask(&chain, 0);
	lab_ok(importance_send(chain.world.other, back, COPY_SEND, NOBODY, 0, 0));
	chain_is(&chain, 1, 1);
	ck_assert_uint_eq(importance_of_task(chain.world.server), 2);
	lab_ok(lab_deallocate(chain.world.server, reply));
	importance_get(chain.world.server, chain.world.port, false);
	ck_assert_uint_eq(importance_of_task(chain.world.server), 0);
	chain_is(&chain, 0, 0);
	lab_stop(chain.world.lab);
}
END_TEST

/* More than one input does: others are served between, and it comes to the same in the end. */
START_TEST(many_questions_follow_in_slices)
{
	struct lab_options options;
	struct chain chain;
	mach_port_name_t reply;

	lab_options_init(&options);
	options.slice = SLICE;
	chain = chain_begin(&options);
	lab_set_qlimit(chain.world.other, chain.third, MANY);
	for (unsigned i = 0; i < MANY; i++)
		chain_ask(&chain, 0);
	reply = importance_asked(&chain.world);
	chain_is(&chain, MANY, MANY);
	lab_ok(lab_deallocate(chain.world.server, reply));
	chain_is(&chain, 0, 0);
	reply = importance_asked(&chain.world);
	chain_is(&chain, MANY, MANY);
	lab_kill(chain.world.server->task);
	chain_is(&chain, 0, 0);
	lab_stop(chain.world.lab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_question_becomes_important_with_who_asked);
	tcase_add_test(tests, a_port_may_be_made_to_accept_importance);
	tcase_add_test(tests, a_question_that_is_not_important_any_more_is_received_so);
	tcase_add_test(tests, what_was_to_donate_nothing_never_does);
	tcase_add_test(tests, who_could_not_be_important_donated_nothing);
	tcase_add_test(tests, a_task_becomes_a_donor_with_all_that_it_has_sent);
	tcase_add_test(tests, the_dead_donate_nothing);
	tcase_add_test(tests, a_sender_that_waits_donates_as_well);
	tcase_add_test(tests, what_is_destroyed_does_not_follow);
	tcase_add_test(tests, importance_goes_along_a_chain_of_questions);
	tcase_add_test(tests, a_circle_of_questions_ends_with_them);
	tcase_add_test(tests, many_questions_follow_in_slices);
}

int main(void)
{
	return lab_run("ipc_importance_follow", add_tests);
}
