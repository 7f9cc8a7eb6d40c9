/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance that is passed on: who has inherited it sends it along as a message's voucher, and who
 * receives that inherits from an inherit [9.4(3), 23].
 */
#include <mach/mach_voucher_types.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_inherit.h"
#include "tests/lab/lab_importance.h"
#include "tests/lab/lab_names.h"
#include "tests/lab/lab_voucher.h"

#define IMPORTANCE MACH_VOUCHER_ATTR_KEY_IMPORTANCE

/* The donor asks the server, who asks the other, at this port. */
struct chain {
	struct importance_world world;
	mach_port_name_t third, dest; /* the other's; the server's right to it */
};

static struct chain chain_begin(void)
{
	struct chain chain = {.world = importance_begin(NULL)};

	chain.third = lab_new_port(chain.world.other);
	importance_accept(chain.world.other, chain.third);
	chain.dest = lab_pass(chain.world.other, chain.third, MAKE_SEND, chain.world.server);
	return chain;
}

/* Receive what carries importance, with its voucher: the name of that. */
static mach_port_name_t inherit(struct lab_thread *thread, mach_port_name_t port)
{
	struct lab_buffer message;

	lab_ok(lab_receive(thread, port, &message, MACH_RCV_TIMEOUT | MACH_RCV_VOUCHER, 0));
	ck_assert(MACH_MSGH_BITS_RAISED_IMPORTANCE(message.header.msgh_bits));
	lab_audit(thread->lab);
	return message.header.msgh_voucher_port;
}

/* The server has inherited from the donor. */
static mach_port_name_t server_inherits(struct chain *chain)
{
	lab_ok(importance_send(chain->world.donor, chain->world.dest, COPY_SEND, NOBODY, 0, 0));
	return inherit(chain->world.server, chain->world.port);
}

/* A message with a voucher, or none. */
static void ask(struct lab_thread *thread, mach_port_name_t dest, mach_port_name_t voucher)
{
	struct lab_buffer message;

	lab_compose(&message, dest, COPY_SEND, NOBODY, 0, 1);
	if (voucher)
		lab_carry(&message, voucher, COPY_SEND);
	lab_ok(lab_send_now(thread, &message));
	lab_audit(thread->lab);
}

static void says(struct lab_thread *thread, mach_port_name_t voucher, const char *words)
{
	char text[256];
	uint32_t size = sizeof text - 3;

	lab_ok(lab_extract_content(thread, voucher, IMPORTANCE, text, &size));
	ck_assert_str_eq(text, words);
	ck_assert_uint_eq(size, strlen(text) + 1);
}

#define SAYS(thread, voucher, ...)                          \
	do {                                                \
		char words[256];                            \
                                                            \
		snprintf(words, sizeof words, __VA_ARGS__); \
		says(thread, voucher, words);               \
	} while (0)

static void important(struct chain *chain, uint32_t server, uint32_t other)
{
	lab_audit(chain->world.lab);
	if (chain->world.server)
		ck_assert_uint_eq(importance_of_task(chain->world.server), server);
	ck_assert_uint_eq(importance_of_task(chain->world.other), other);
}

static uint32_t drop(struct lab_thread *thread, mach_port_name_t voucher, uint32_t boosts)
{
	uint32_t left[2] = {0}, size = sizeof *left;

	lab_ok(lab_voucher_command(thread, voucher, IMPORTANCE,
				   MACH_VOUCHER_IMPORTANCE_ATTR_DROP_EXTERNAL, &boosts,
				   sizeof boosts, left, &size));
	return *left;
}

static unsigned inherits(const struct chain *chain)
{
	return HASH_COUNT(chain->world.lab->host->h_inherits);
}

START_TEST(what_was_inherited_is_inherited_again)
{
	struct chain chain = chain_begin();
	struct lab_thread *server = chain.world.server, *other = chain.world.other;
	int donor_pid = chain.world.donor->task->pid;
	mach_port_name_t first = server_inherits(&chain), second;

	ask(server, chain.dest, first);
	important(&chain, 1, 1);
	second = inherit(other, chain.third);
	SAYS(other, second,
	     "importance of pid %d (1 of 1 boosts, donated) from pid %d (1 of 1 boosts, donated) "
	     "from pid %d",
	     other->task->pid, server->task->pid, donor_pid);
	important(&chain, 1, 1);
	/* When the server's own is done it boosts nobody, but is told of as long as anybody asks.
	 */
	lab_ok(lab_deallocate(server, first));
	important(&chain, 0, 0);
	SAYS(other, second,
	     "importance of pid %d (1 of 1 boosts, linked) from pid %d (0 of 0 boosts, linked) "
	     "from pid %d",
	     other->task->pid, server->task->pid, donor_pid);
	/* Another question of the donor is counted in the same place. */
	first = server_inherits(&chain);
	important(&chain, 1, 1);
	ck_assert_uint_eq(inherits(&chain), 2);
	lab_ok(lab_deallocate(server, first));
	lab_ok(lab_deallocate(other, second));
	ck_assert_uint_eq(inherits(&chain), 0);
	lab_stop(chain.world.lab);
}
END_TEST

/* With a voucher and without are two things, each with its count. */
START_TEST(what_is_inherited_of_a_task_is_not_what_it_has_inherited)
{
	struct chain chain = chain_begin();
	struct lab_thread *server = chain.world.server, *other = chain.world.other;
	mach_port_name_t first = server_inherits(&chain), deep, flat;

	ask(server, chain.dest, first);
	deep = inherit(other, chain.third);
	ask(server, chain.dest, MACH_PORT_NULL);
	flat = inherit(other, chain.third);
	ck_assert_uint_ne(deep, flat);
	SAYS(other, flat, "importance of pid %d (1 of 1 boosts, donated) from pid %d",
	     other->task->pid, server->task->pid);
	ask(server, chain.dest, first);
	ck_assert_uint_eq(inherit(other, chain.third), deep);
	important(&chain, 1, 3);
	ck_assert_uint_eq(drop(other, deep, 1), 1);
	ck_assert_uint_eq(drop(other, flat, 0), 1);
	important(&chain, 1, 2);
	lab_ok(lab_deallocate(other, flat));
	important(&chain, 1, 1);
	ck_assert_uint_eq(drop(server, first, 1), 0);
	important(&chain, 0, 0);
	ck_assert_uint_eq(drop(other, deep, 1), 0);
	lab_stop(chain.world.lab);
}
END_TEST

/* Only what the sender itself has inherited goes along, not what it was given. */
START_TEST(somebody_elses_inherit_is_not_passed_on)
{
	struct chain chain = chain_begin();
	struct lab_thread *server = chain.world.server, *other = chain.world.other;
	mach_port_name_t first = server_inherits(&chain), given, dest;

	given = lab_pass(server, first, COPY_SEND, chain.world.donor);
	dest = lab_pass(other, chain.third, MAKE_SEND, chain.world.donor);
	ask(chain.world.donor, dest, given);
	SAYS(other, inherit(other, chain.third),
	     "importance of pid %d (1 of 1 boosts, donated) from pid %d", other->task->pid,
	     chain.world.donor->task->pid);
	lab_stop(chain.world.lab);
}
END_TEST

/* Who asks itself on behalf of somebody does so once more on behalf of him. */
START_TEST(what_comes_back_is_counted_once_more)
{
	struct chain chain = chain_begin();
	struct lab_thread *server = chain.world.server;
	mach_port_name_t first = server_inherits(&chain), own = lab_new_service(server);

	importance_accept(server, own);
	ask(server, own, first);
	important(&chain, 2, 0);
	ck_assert_uint_eq(inherit(server, own), first);
	important(&chain, 2, 0);
	ck_assert_uint_eq(drop(server, first, 0), 2);
	SAYS(server, first, "importance of pid %d (2 of 2 boosts, donated) from pid %d",
	     server->task->pid, chain.world.donor->task->pid);
	lab_stop(chain.world.lab);
}
END_TEST

/* Its question is still that of who asked it, as long as anybody has a voucher that says so. */
START_TEST(a_question_outlives_who_asked)
{
	struct chain chain = chain_begin();
	struct lab_thread *server = chain.world.server, *other = chain.world.other;
	mach_port_name_t first = server_inherits(&chain), kept, second;
	int pid = server->task->pid;

	kept = lab_pass(server, first, COPY_SEND, chain.world.donor);
	ask(server, chain.dest, first);
	ask(server, chain.dest, first);
	lab_kill(server->task);
	chain.world.server = NULL;
	important(&chain, 0, 2);
	second = inherit(other, chain.third);
	SAYS(other, second,
	     "importance of pid %d (1 of 1 boosts, donated) from pid %d (1 of 1 boosts, donated) "
	     "from pid %d",
	     other->task->pid, pid, chain.world.donor->task->pid);
	important(&chain, 0, 2);
	ck_assert_uint_eq(drop(chain.world.donor, kept, 1), 0);
	important(&chain, 0, 0);
	lab_ok(lab_deallocate(chain.world.donor, kept));
	ck_assert_uint_eq(inherit(other, chain.third), second);
	important(&chain, 0, 0);
	lab_ok(lab_destroy(other, second));
	ck_assert_uint_eq(inherits(&chain), 0);
	lab_stop(chain.world.lab);
}
END_TEST

/* Without such a voucher the dead are not important, but whose question it was is told. */
START_TEST(the_dead_are_inherited_from)
{
	struct chain chain = chain_begin();
	struct lab_thread *server = chain.world.server, *other = chain.world.other;
	mach_port_name_t second;
	int pid = server->task->pid;

	server_inherits(&chain);
	ask(server, chain.dest, MACH_PORT_NULL);
	important(&chain, 1, 1);
	lab_kill(server->task);
	chain.world.server = NULL;
	important(&chain, 0, 0);
	second = inherit(other, chain.third);
	SAYS(other, second, "importance of pid %d (1 of 1 boosts, linked) from pid %d",
	     other->task->pid, pid);
	important(&chain, 0, 0);
	lab_ok(lab_deallocate(other, second));
	ck_assert_uint_eq(inherits(&chain), 0);
	lab_stop(chain.world.lab);
}
END_TEST

/* A chain that is too long begins anew with who sends; it keeps nothing of what was before. */
START_TEST(a_long_chain_begins_anew)
{
	enum { LONG = 70 };
	struct importance_world world = importance_begin(NULL);
	struct lab_thread *threads[LONG + 1] = {world.donor};
	mach_port_name_t vouchers[LONG + 1] = {0};
	char text[4096], *at;
	uint32_t size, tasks;

	for (unsigned i = 1; i <= LONG; i++) {
		mach_port_name_t port;

		threads[i] = lab_task(world.lab, 1000)->thread;
		port = lab_new_port(threads[i]);
		importance_accept(threads[i], port);
		ask(threads[i - 1], lab_pass(threads[i], port, MAKE_SEND, threads[i - 1]),
		    vouchers[i - 1]);
		vouchers[i] = inherit(threads[i], port);
		size = sizeof text;
		lab_ok(lab_extract_content(threads[i], vouchers[i], IMPORTANCE, text, &size));
		for (tasks = 0, at = text; (at = strstr(at, " from pid ")); at++)
			tasks++;
		ck_assert_uint_eq(tasks, (i - 1) % 32 + 1);
		ck_assert_uint_eq(importance_of_task(threads[i]), 1);
	}
	ck_assert_uint_eq(drop(threads[1], vouchers[1], 1), 0);
	lab_audit(world.lab);
	for (unsigned i = 1; i <= LONG; i++)
		ck_assert_uint_eq(importance_of_task(threads[i]), 0);
	for (unsigned i = 1; i <= LONG; i++) {
		lab_ok(lab_deallocate(threads[i], vouchers[i]));
		lab_audit(world.lab);
	}
	ck_assert_uint_eq(HASH_COUNT(world.lab->host->h_inherits), 0);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, what_was_inherited_is_inherited_again);
	tcase_add_test(tests, what_is_inherited_of_a_task_is_not_what_it_has_inherited);
	tcase_add_test(tests, somebody_elses_inherit_is_not_passed_on);
	tcase_add_test(tests, what_comes_back_is_counted_once_more);
	tcase_add_test(tests, a_question_outlives_who_asked);
	tcase_add_test(tests, the_dead_are_inherited_from);
	tcase_add_test(tests, a_long_chain_begins_anew);
}

int main(void)
{
	return lab_run("ipc_importance_chain", add_tests);
}
