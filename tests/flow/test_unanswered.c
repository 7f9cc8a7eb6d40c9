/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends without an answer, with real clients: that they are, and that nobody can tell. What a
 * program was told to have sent is there for whoever it tells: its other threads, other processes.
 */
#include <pthread.h>
#include <semaphore.h>
#include <servers/bootstrap.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/flow/flow_packets.h"

#define COPY MACH_MSG_TYPE_COPY_SEND

enum { LARGE = MACH_PORT_QLIMIT_LARGE };

static mach_msg_return_t plain(mach_port_t port, mach_msg_id_t id)
{
	struct flow_message message;

	flow_header(&message, port, COPY, MACH_PORT_NULL, 0, id);
	return mach_msg(&message.header, MACH_SEND_MSG, sizeof message.header, 0, MACH_PORT_NULL,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

static void expect(mach_port_t port, mach_msg_id_t from, mach_msg_id_t to)
{
	struct flow_message message;

	for (mach_msg_id_t id = from; id < to; id++) {
		flow_await(port, &message);
		CHECK_EQ(message.header.msgh_id, id);
	}
}

START_TEST(most_sends_have_no_answer)
{
	mach_port_t port = flow_port();
	unsigned before;

	flow_set_qlimit(port, LARGE);
	before = flow_packets();
	for (mach_msg_id_t id = 0; id < LARGE; id++)
		CHECK_OK(plain(port, id));
	CHECK(flow_packets() - before < LARGE / 4);
	CHECK_EQ(flow_status(port).mps_msgcount, LARGE);
	CHECK_CODE(flow_send_to(port, COPY, 0, 0, 1), MACH_SEND_TIMED_OUT);
	expect(port, 0, LARGE);
}
END_TEST

/* A thread waits for its turn, does something, and gives the turn to the other. */
struct player {
	pthread_t thread;
	sem_t mine, *other;
	mach_port_t port;
	unsigned place, count, turns;
	bool counts; /* it does not send but looks how many there are */
};

enum { TURNS = 3000 };

/* More channels than the daemon looks at together. */
enum { CROWD = 80, CROWD_TURNS = 40 };

static void *play(void *argument)
{
	struct player *player = argument;

	for (unsigned turn = 0; turn < player->turns; turn++) {
		CHECK(sem_wait(&player->mine) == 0);
		if (!player->counts)
			CHECK_OK(plain(player->port,
				       (mach_msg_id_t)(player->count * turn + player->place)));
		else
			CHECK_EQ(flow_status(player->port).mps_msgcount, 1);
		if (player->counts)
			expect(player->port, (mach_msg_id_t)(2 * turn),
			       (mach_msg_id_t)(2 * turn + 1));
		CHECK(sem_post(player->other) == 0);
	}
	return NULL;
}

static void start_players(struct player *player, unsigned count, unsigned turns, mach_port_t port)
{
	for (unsigned i = 0; i < count; i++) {
		player[i].port = port;
		player[i].place = i;
		player[i].count = count;
		player[i].turns = turns;
		player[i].other = &player[(i + 1) % count].mine;
		CHECK(sem_init(&player[i].mine, 0, i == 0) == 0);
	}
	for (unsigned i = 0; i < count; i++)
		CHECK(pthread_create(&player[i].thread, NULL, play, &player[i]) == 0);
}

static void join_players(const struct player *player, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		CHECK(pthread_join(player[i].thread, NULL) == 0);
}

START_TEST(threads_that_take_turns_send_in_that_order)
{
	struct player player[2] = {0};
	mach_port_t port = flow_port();

	flow_set_qlimit(port, LARGE);
	start_players(player, 2, TURNS, port);
	expect(port, 0, 2 * TURNS);
	join_players(player, 2);
}
END_TEST

START_TEST(many_that_take_turns_send_in_that_order)
{
	struct player player[CROWD] = {0};
	mach_port_t port = flow_port();

	flow_set_qlimit(port, LARGE);
	start_players(player, CROWD, CROWD_TURNS, port);
	expect(port, 0, CROWD * CROWD_TURNS);
	join_players(player, CROWD);
}
END_TEST

START_TEST(what_one_thread_has_sent_another_finds)
{
	struct player player[2] = {{.counts = false}, {.counts = true}};

	start_players(player, 2, TURNS, flow_port());
	join_players(player, 2);
}
END_TEST

static const char service[] = "org.example.unanswered";

static mach_port_t look_up(void)
{
	mach_port_t port;

	CHECK_OK(bootstrap_look_up(bootstrap_port, service, &port));
	return port;
}

/* The children send in turns, and tell the parent by a pipe whose turn it is. */
static void send_in_turn(void *argument)
{
	mach_port_t port = look_up();
	uint32_t turn;

	(void)argument;
	flow_tell_parent(0);
	while ((turn = flow_hear_parent()) != UINT32_MAX) {
		CHECK_OK(plain(port, (mach_msg_id_t)turn));
		flow_tell_parent(turn);
	}
}

/* Sends with an answer and without, of processes that only a pipe connects. */
START_TEST(processes_that_take_turns_send_in_that_order)
{
	enum { CHILDREN = 4, ROUNDS = 500 };
	struct flow_child child[CHILDREN];
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, service, &port));
	for (unsigned i = 0; i < CHILDREN; i++) {
		flow_fork(&child[i], send_in_turn, NULL);
		CHECK_EQ(flow_hear(&child[i]), 0);
	}
	flow_set_qlimit(port, LARGE);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < CHILDREN; i++) {
			flow_tell(&child[i], round * CHILDREN + i);
			CHECK_EQ(flow_hear(&child[i]), round * CHILDREN + i);
		}
		CHECK_EQ(flow_status(port).mps_msgcount, CHILDREN);
		expect(port, (mach_msg_id_t)(round * CHILDREN),
		       (mach_msg_id_t)((round + 1) * CHILDREN));
	}
	for (unsigned i = 0; i < CHILDREN; i++) {
		flow_tell(&child[i], UINT32_MAX);
		flow_join(&child[i]);
	}
}
END_TEST

static void send_and_exit(void *argument)
{
	const mach_msg_id_t *count = argument;
	mach_port_t port = look_up();

	for (mach_msg_id_t id = 0; id < *count; id++)
		CHECK_OK(plain(port, id));
	_exit(0);
}

/* The receiver is slower than the sender, and the sender is gone when it has sent. */
START_TEST(nothing_is_lost_by_an_exit)
{
	mach_msg_id_t count = 10000;
	struct flow_child child;
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, service, &port));
	flow_set_qlimit(port, LARGE);
	flow_fork(&child, send_and_exit, &count);
	for (mach_msg_id_t id = 0; id < count; id++) {
		CHECK(id % 100 || flow_status(port).mps_msgcount <= LARGE);
		expect(port, id, id + 1);
	}
	CHECK_CODE(flow_receive(port, &(struct flow_message){0}), MACH_RCV_TIMED_OUT);
	flow_join(&child);
}
END_TEST

START_TEST(an_exit_leaves_what_was_sent)
{
	mach_msg_id_t count = 900;
	struct flow_child child;
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, service, &port));
	flow_set_qlimit(port, LARGE);
	flow_fork(&child, send_and_exit, &count);
	flow_join(&child);
	CHECK_EQ(flow_status(port).mps_msgcount, count);
	expect(port, 0, count);
}
END_TEST

START_TEST(a_child_does_not_use_its_parents_windows)
{
	struct flow_child child;
	mach_msg_id_t count = 100;
	mach_port_t port;

	CHECK_OK(bootstrap_check_in(bootstrap_port, service, &port));
	flow_make_send(port, 1);
	flow_set_qlimit(port, LARGE);
	for (mach_msg_id_t id = 0; id < 50; id++)
		CHECK_OK(plain(port, id));
	flow_fork(&child, send_and_exit, &count);
	flow_join(&child);
	for (mach_msg_id_t id = 50; id < 100; id++)
		CHECK_OK(plain(port, id));
	expect(port, 0, 50);
	expect(port, 0, 100);
	expect(port, 50, 100);
}
END_TEST

static void *give_up(void *argument)
{
	CHECK_OK(mach_port_deallocate(mach_task_self(), *(mach_port_t *)argument));
	return NULL;
}

/* Another thread gives the right up, and tells; then the port dies, which a message tells. */
START_TEST(who_knows_that_it_is_gone_is_told_so)
{
	mach_port_t port = flow_port(), notify = flow_receive_right();
	pthread_t thread;

	for (mach_msg_id_t id = 0; id < 3; id++)
		CHECK_OK(plain(port, id));
	CHECK(pthread_create(&thread, NULL, give_up, &port) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_CODE(plain(port, 3), MACH_SEND_INVALID_DEST);
	expect(port, 0, 3);
	flow_make_send(port, 1);
	CHECK_OK(plain(port, 4));
	CHECK_OK(plain(port, 5));
	flow_request(port, MACH_NOTIFY_DEAD_NAME, 0, notify);
	CHECK_OK(mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_DEAD_NAME), port);
	CHECK_CODE(plain(port, 6), MACH_SEND_INVALID_DEST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unanswered");
	TCase *tests = flow_case(suite, "with boards from the start");

	tcase_add_test(tests, most_sends_have_no_answer);
	tcase_add_test(tests, threads_that_take_turns_send_in_that_order);
	tcase_add_test(tests, many_that_take_turns_send_in_that_order);
	tcase_add_test(tests, what_one_thread_has_sent_another_finds);
	tcase_add_test(tests, processes_that_take_turns_send_in_that_order);
	tcase_add_test(tests, nothing_is_lost_by_an_exit);
	tcase_add_test(tests, an_exit_leaves_what_was_sent);
	tcase_add_test(tests, a_child_does_not_use_its_parents_windows);
	tcase_add_test(tests, who_knows_that_it_is_gone_is_told_so);
	setenv("MACHD_SYNC_SEND", "0", 1);
	return flow_run(suite);
}
