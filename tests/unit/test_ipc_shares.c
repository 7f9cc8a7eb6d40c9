/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares: a task that takes all it can get leaves something to the other tasks of its user, and a
 * user to other users; each pays until the last thing it made is gone, and the log names it.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_thread.h"
#include "tests/lab/lab_expect.h"

enum { UID = 1000, LIMIT = 128 };

struct world {
	struct lab *lab;
	struct lab_thread *greedy, *modest; /* tasks of one user */
};

static struct world begin(uint64_t task_share, uint64_t user_share)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.limits.task_share = task_share;
	options.limits.user_share = user_share;
	options.limits.full_users = 2;
	options.limits.ports_per_user = options.limits.messages_per_user = LIMIT;
	world.lab = lab_start(&options);
	world.greedy = lab_task(world.lab, UID)->thread;
	world.modest = lab_task(world.lab, UID)->thread;
	return world;
}

/* Ports until there are no more. */
static unsigned take_ports(struct lab_thread *thread)
{
	mach_port_name_t name;
	unsigned count = 0;

	while (count <= 2 * LIMIT &&
	       lab_allocate(thread, MACH_PORT_RIGHT_RECEIVE, &name) == KERN_SUCCESS)
		count++;
	return count;
}

START_TEST(a_task_leaves_a_part_to_the_others_of_its_user)
{
	struct world world = begin(50, 100);
	struct lab_thread *third = lab_task(world.lab, UID)->thread;

	ck_assert_uint_eq(take_ports(world.greedy), LIMIT / 2);
	ck_assert_uint_eq(take_ports(world.modest), LIMIT / 4);
	ck_assert_uint_eq(take_ports(third), LIMIT / 8);
	lab_stop(world.lab);
}
END_TEST

START_TEST(alone_a_task_may_have_its_share_again)
{
	struct world world = begin(50, 100);

	ck_assert_uint_eq(take_ports(world.greedy), LIMIT / 2);
	lab_kill(world.greedy->task);
	ck_assert_uint_eq(take_ports(world.modest), LIMIT / 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(with_a_share_of_100_it_leaves_nothing)
{
	struct world world = begin(100, 100);

	ck_assert_uint_eq(take_ports(world.greedy), LIMIT);
	ck_assert_uint_eq(take_ports(world.modest), 0);
	lab_stop(world.lab);
}
END_TEST

/* The machine holds two users' worth: who comes late gets less, and always something. */
START_TEST(a_user_leaves_a_part_to_other_users)
{
	struct world world = begin(100, 50);
	struct lab_thread *others[3];

	for (unsigned i = 0; i < 3; i++)
		others[i] = lab_task(world.lab, UID + 1 + i)->thread;
	ck_assert_uint_eq(take_ports(world.greedy), LIMIT);
	ck_assert_uint_eq(take_ports(others[0]), LIMIT / 2);
	ck_assert_uint_eq(take_ports(others[1]), LIMIT / 4);
	ck_assert_uint_eq(take_ports(others[2]), LIMIT / 8);
	lab_stop(world.lab);
}
END_TEST

START_TEST(root_may_have_all_that_is_left)
{
	struct world world = begin(100, 50);
	struct lab_thread *root = lab_task(world.lab, 0)->thread;

	ck_assert_uint_eq(take_ports(world.greedy), LIMIT);
	ck_assert_uint_eq(take_ports(root), LIMIT);
	lab_stop(world.lab);
}
END_TEST

static mach_msg_return_t send(struct lab_thread *thread, mach_port_name_t dest, int32_t id)
{
	struct lab_buffer message;

	lab_compose(&message, dest, COPY_SEND, NOBODY, 0, id);
	return lab_send_now(thread, &message);
}

/* What is queued is the sender's even when it is gone, until somebody receives it. */
START_TEST(messages_are_paid_for_by_a_task_that_is_gone)
{
	struct world world = begin(50, 100);
	mach_port_name_t port = lab_new_service(world.modest), dest;
	const struct ipc_user *user = world.modest->ipc->th_user;
	unsigned sent = 0;

	lab_set_qlimit(world.modest, port, 1000);
	dest = lab_pass(world.modest, port, COPY_SEND, world.greedy);
	while (sent <= LIMIT && send(world.greedy, dest, 1) == KERN_SUCCESS)
		sent++;
	ck_assert_uint_eq(sent, LIMIT / 2);
	lab_kill(world.greedy->task);
	ck_assert_uint_eq(user->u_held[IPC_CHARGE_MESSAGES], LIMIT / 2);
	for (sent = 0; sent <= LIMIT && send(world.modest, port, 2) == KERN_SUCCESS;)
		sent++;
	ck_assert_uint_eq(sent, LIMIT / 4);
	for (unsigned i = 0; i < LIMIT / 2; i++)
		lab_message(world.modest, port, 1);
	ck_assert_uint_eq(user->u_held[IPC_CHARGE_MESSAGES], LIMIT / 4);
	ck_assert_int_eq(send(world.modest, port, 2), KERN_SUCCESS);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_log_names_who_is_refused_once)
{
	struct world world = begin(50, 100);
	char who[32];

	snprintf(who, sizeof who, "pid %d of uid %d ", world.greedy->task->pid, UID);
	take_ports(world.greedy);
	ck_assert_uint_eq(world.lab->warnings, 1);
	ck_assert_ptr_nonnull(strstr(world.lab->last_words, who));
	ck_assert_ptr_nonnull(strstr(world.lab->last_words, "PortsPerUser="));
	take_ports(world.greedy);
	ck_assert_uint_eq(world.lab->warnings, 1);
	take_ports(world.modest);
	ck_assert_uint_eq(world.lab->warnings, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(sums_do_not_overflow)
{
	ck_assert(ipc_share_fits(0, 0, UINT64_MAX, 100, UINT64_MAX));
	ck_assert(!ipc_share_fits(1, 1, UINT64_MAX, 100, UINT64_MAX));
	ck_assert(!ipc_share_fits(0, 0, UINT64_MAX, 99, UINT64_MAX));
	ck_assert(!ipc_share_fits(5, 20, 10, 100, 1)); /* the others hold more than all may */
	ck_assert(ipc_share_fits(5, 20, 10, 100, 0) == false);
	ck_assert(ipc_share_fits(5, 5, 10, 50, 0));
	ck_assert(!ipc_share_fits(5, 5, 10, 50, 1));
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_task_leaves_a_part_to_the_others_of_its_user);
	tcase_add_test(tcase, alone_a_task_may_have_its_share_again);
	tcase_add_test(tcase, with_a_share_of_100_it_leaves_nothing);
	tcase_add_test(tcase, a_user_leaves_a_part_to_other_users);
	tcase_add_test(tcase, root_may_have_all_that_is_left);
	tcase_add_test(tcase, messages_are_paid_for_by_a_task_that_is_gone);
	tcase_add_test(tcase, the_log_names_who_is_refused_once);
	tcase_add_test(tcase, sums_do_not_overflow);
}

int main(void)
{
	return lab_run("ipc_shares", add_tests);
}
