/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of limits.def: what happens at each of them, that it is counted by user and not by
 * task, that it is given back, and that nothing is lost by the refusal.
 */
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_options options;
	struct lab_thread *a;
};

static struct world begin(void (*set)(struct machd_limits *limits))
{
	struct world world;

	lab_options_init(&world.options);
	set(&world.options.limits);
	world.lab = lab_start(&world.options);
	world.a = lab_task(world.lab, 1000)->thread;
	return world;
}

static bool refused_for(const struct world *world, const char *key)
{
	return strstr(world->lab->why, key);
}

/* --- connections and tasks --- */

static void set_channels(struct machd_limits *limits)
{
	limits->channels = 16;
}

START_TEST(there_are_no_more_connections_than_channels)
{
	struct world world = begin(set_channels);
	struct lab_thread *last = NULL;

	for (unsigned i = 1; i < 16; i++) {
		last = lab_connect(world.lab, 1000 + i, 5);
		ck_assert_ptr_nonnull(last);
	}
	ck_assert_ptr_null(lab_connect(world.lab, 0, 5));
	ck_assert(refused_for(&world, "Channels="));
	lab_close(last);
	ck_assert_ptr_nonnull(lab_connect(world.lab, 0, 5));
	lab_stop(world.lab);
}
END_TEST

static void set_channels_per_user(struct machd_limits *limits)
{
	limits->channels_per_user = 3;
}

START_TEST(a_user_has_no_more_connections_than_channels_per_user)
{
	struct world world = begin(set_channels_per_user);
	struct lab_thread *second = lab_thread(world.a->task);

	ck_assert_ptr_nonnull(lab_watcher(world.lab, 1000));
	ck_assert_ptr_null(lab_connect(world.lab, 1000, 5));
	ck_assert(refused_for(&world, "ChannelsPerUser="));
	ck_assert_ptr_nonnull(lab_task(world.lab, 1001));
	lab_close(second);
	ck_assert_ptr_nonnull(lab_connect(world.lab, 1000, 5));
	lab_stop(world.lab);
}
END_TEST

static void set_tasks_per_user(struct machd_limits *limits)
{
	limits->tasks_per_user = 1;
}

START_TEST(a_user_has_no_more_tasks_than_tasks_per_user)
{
	struct world world = begin(set_tasks_per_user);

	ck_assert_ptr_null(lab_task(world.lab, 1000));
	ck_assert(refused_for(&world, "TasksPerUser="));
	ck_assert_ptr_nonnull(lab_thread(world.a->task));
	ck_assert_ptr_nonnull(lab_task(world.lab, 1001));
	lab_kill(world.a->task);
	ck_assert_ptr_nonnull(lab_task(world.lab, 1000));
	ck_assert_ptr_null(lab_task(world.lab, 1000));
	lab_stop(world.lab);
}
END_TEST

static void set_channels_per_task(struct machd_limits *limits)
{
	limits->channels_per_task = 2;
}

START_TEST(a_task_has_no_more_threads_than_channels_per_task)
{
	struct world world = begin(set_channels_per_task);
	struct lab_thread *second = lab_thread(world.a->task);

	ck_assert_ptr_nonnull(second);
	ck_assert_ptr_null(lab_thread(world.a->task));
	ck_assert(refused_for(&world, "ChannelsPerTask="));
	lab_close(second);
	ck_assert_ptr_nonnull(lab_thread(world.a->task));
	lab_stop(world.lab);
}
END_TEST

/* --- ports --- */

static void set_ports(struct machd_limits *limits)
{
	limits->ports_per_user = 64;
}

START_TEST(a_user_has_no_more_ports_and_sets_than_ports_per_user)
{
	struct world world = begin(set_ports);
	struct lab_thread *b = lab_task(world.lab, 1000)->thread;
	struct lab_thread *other = lab_task(world.lab, 1001)->thread;
	mach_port_name_t name, last = 0;

	for (unsigned i = 0; i < 64; i++)
		last = i % 2 ? lab_new_set(world.a) : lab_new_port(b);
	lab_is(KERN_RESOURCE_SHORTAGE, lab_allocate(b, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_is(KERN_RESOURCE_SHORTAGE, lab_allocate(world.a, MACH_PORT_RIGHT_PORT_SET, &name));
	lab_is(KERN_RESOURCE_SHORTAGE, lab_allocate_name(b, MACH_PORT_RIGHT_RECEIVE, 0xff03));
	lab_name_is(b, 0xff03, NO_NAME, 0);
	lab_is(1105, lab_check_in(world.a, "x", &name)); /* BOOTSTRAP_NO_MEMORY */
	lab_ok(lab_allocate(world.a, MACH_PORT_RIGHT_DEAD_NAME, &name));
	lab_new_port(other);
	lab_ok(lab_destroy(world.a, last));
	lab_new_port(b);
	lab_is(KERN_RESOURCE_SHORTAGE, lab_allocate(b, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_kill(b->task);
	lab_new_port(world.a);
	lab_stop(world.lab);
}
END_TEST

static void set_names_per_user(struct machd_limits *limits)
{
	limits->names_per_user = 2048;
}

START_TEST(a_user_has_no_more_names_than_names_per_user)
{
	struct world world = begin(set_names_per_user);
	struct lab_thread *second = lab_task(world.lab, 1000)->thread;
	struct lab_thread *other = lab_task(world.lab, 1001)->thread;

	/* One name is enough to make a table of nearly all there may be. */
	lab_ok(lab_allocate_name(world.a, MACH_PORT_RIGHT_DEAD_NAME, 1000 << 8 | 3));
	lab_is(KERN_RESOURCE_SHORTAGE,
	       lab_allocate_name(second, MACH_PORT_RIGHT_DEAD_NAME, 1500 << 8 | 3));
	lab_ok(lab_allocate_name(other, MACH_PORT_RIGHT_DEAD_NAME, 1000 << 8 | 3));
	lab_close(world.a);
	lab_ok(lab_allocate_name(second, MACH_PORT_RIGHT_DEAD_NAME, 1500 << 8 | 3));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_is_its_makers_wherever_it_goes)
{
	struct world world = begin(set_ports);
	struct lab_thread *root = lab_task(world.lab, 0)->thread;
	mach_port_name_t port = lab_new_port(world.a), service, way, name;
	struct lab_buffer message;

	lab_ok(lab_check_in(world.a, "x", &service));
	lab_ok(lab_look_up(root, "x", &way));
	for (unsigned i = 2; i < 64; i++)
		lab_new_port(world.a);
	lab_is(KERN_RESOURCE_SHORTAGE, lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	/* a port of root's comes and goes: it was never the receiver's */
	message = lab_to(way, 1);
	lab_add_port(&message, lab_new_port(root), MOVE_RECEIVE);
	lab_ok(lab_send_now(root, &message));
	message = lab_message(world.a, service, 1);
	lab_name_is(world.a, lab_port(&message, 0).name, RECEIVE, 0);
	lab_is(KERN_RESOURCE_SHORTAGE, lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_ok(lab_destroy(world.a, lab_port(&message, 0).name));
	lab_is(KERN_RESOURCE_SHORTAGE, lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_ok(lab_destroy(world.a, port));
	lab_ok(lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_dead_port_is_counted_until_nobody_names_it)
{
	struct world world = begin(set_ports);
	struct lab_thread *b = lab_task(world.lab, 1000)->thread;
	mach_port_name_t port = lab_new_port(world.a), send = lab_pass(world.a, port, MAKE_SEND, b);
	mach_port_name_t name;

	for (unsigned i = 1; i < 64; i++)
		lab_new_port(world.a);
	lab_ok(lab_destroy(world.a, port));
	lab_is(KERN_RESOURCE_SHORTAGE, lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_name_is(b, send, DEAD_NAME, 1);
	lab_ok(lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_stop(world.lab);
}
END_TEST

/* --- messages --- */

static void set_messages(struct machd_limits *limits)
{
	limits->messages_per_user = 16;
}

START_TEST(a_user_has_no_more_messages_waiting_than_messages_per_user)
{
	struct world world = begin(set_messages);
	struct lab_thread *b = lab_task(world.lab, 1000)->thread;
	mach_port_name_t port = lab_new_service(world.a), dest, reply = lab_new_port(b);
	mach_port_name_t moved = lab_new_port(b);
	struct lab_buffer message;

	dest = lab_pass(world.a, port, COPY_SEND, b);
	lab_set_qlimit(world.a, port, 100);
	lab_fill(world.a, port, 8, 0);
	lab_fill(b, dest, 8, 8);
	lab_compose(&message, dest, MOVE_SEND, reply, MAKE_ONCE, 99);
	lab_add_port(&message, moved, MOVE_RECEIVE);
	lab_is(MACH_SEND_NO_BUFFER, lab_send_now(b, &message));
	lab_name_is(b, dest, SEND, 1); /* nothing was taken */
	lab_name_is(b, moved, RECEIVE, 0);
	lab_silent(b, reply);
	lab_message(world.a, port, 0);
	lab_ok(lab_send_now(b, &message));
	lab_ok(lab_destroy(world.a, port)); /* all of them are given back at once */
	lab_notice(b, reply, MACH_NOTIFY_SEND_ONCE);
	port = lab_new_service(world.a);
	lab_set_qlimit(world.a, port, 100);
	lab_fill(world.a, port, 16, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(notifications_are_sent_even_at_the_limit)
{
	struct world world = begin(set_messages);
	mach_port_name_t port = lab_new_service(world.a), notify = lab_new_port(world.a);
	mach_port_name_t once[4];
	struct lab_buffer message;

	for (unsigned i = 0; i < 4; i++)
		once[i] = lab_new_once(world.a, notify);
	lab_set_qlimit(world.a, port, 100);
	lab_fill(world.a, port, 16, 0);
	for (unsigned i = 0; i < 4; i++)
		lab_ok(lab_deallocate(world.a, once[i]));
	message = lab_to(port, 99);
	lab_is(MACH_SEND_NO_BUFFER, lab_send_now(world.a, &message));
	for (int32_t i = 0; i < 4; i++) {
		lab_message(world.a, port, i);
		lab_is(MACH_SEND_NO_BUFFER, lab_send_now(world.a, &message));
	}
	for (unsigned i = 0; i < 4; i++)
		lab_notice(world.a, notify, MACH_NOTIFY_SEND_ONCE);
	lab_ok(lab_send_now(world.a, &message));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_blocked_sender_pays_too)
{
	struct world world = begin(set_messages);
	struct lab_thread *blocked = lab_thread(world.a->task);
	mach_port_name_t port = lab_new_service(world.a), other = lab_new_service(world.a);
	struct lab_buffer message = lab_to(other, 1), more = lab_to(port, 2);

	lab_set_qlimit(world.a, port, 100);
	lab_set_qlimit(world.a, other, 0);
	lab_fill(world.a, port, 15, 0);
	lab_is(LAB_BLOCKED, lab_send(blocked, &message, 0, 0));
	lab_is(MACH_SEND_NO_BUFFER, lab_send_now(world.a, &more));
	ck_assert(lab_cancel(blocked));
	lab_is(MACH_SEND_INTERRUPTED, lab_wait(blocked));
	lab_ok(lab_send_now(world.a, &more));
	lab_stop(world.lab);
}
END_TEST

static void set_bytes(struct machd_limits *limits)
{
	limits->bytes_per_user = 1048576;
}

static void set_memory(struct machd_limits *limits)
{
	limits->memory_per_user = 1048576;
}

/* Send a message of that size, most of it in a memfd. */
static mach_msg_return_t send_sized(struct lab_thread *thread, mach_port_name_t port, uint32_t size)
{
	struct lab_buffer message = lab_to(port, 1);
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_SEND_TIMEOUT,
			      .send = &message,
			      .send_size = size,
			      .inline_size = 24};

	return lab_msg(thread, &msg);
}

START_TEST(a_user_has_no_more_memory_waiting_than_memory_per_user)
{
	struct world world = begin(set_memory);
	mach_port_name_t port = lab_new_service(world.a);
	struct lab_buffer small = lab_to(port, 1);

	lab_is(MACH_SEND_NO_BUFFER, send_sized(world.a, port, 1048576 + 28));
	ck_assert_uint_eq(world.lab->fds[1], LAB_FD_RELEASED);
	lab_ok(send_sized(world.a, port, 1000000));
	lab_is(MACH_SEND_NO_BUFFER, send_sized(world.a, port, 100000));
	lab_name_is(world.a, port, SEND_RECEIVE, 1);
	lab_ok(lab_send_now(world.a, &small));
	lab_ok(lab_destroy(world.a, port));
	ck_assert_uint_eq(world.lab->fds[2], LAB_FD_RELEASED);
	port = lab_new_service(world.a);
	lab_ok(send_sized(world.a, port, 1000000));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_user_has_no_more_bytes_waiting_than_bytes_per_user)
{
	struct world world = begin(set_bytes);
	mach_port_name_t port = lab_new_service(world.a);
	static uint8_t bytes[65536];
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_SEND_TIMEOUT,
			      .send = bytes,
			      .send_size = sizeof bytes};
	unsigned sent = 0;
	mach_msg_return_t code;

	lab_set_qlimit(world.a, port, 100);
	for (;;) {
		mach_msg_header_t header = {.msgh_bits = COPY_SEND, .msgh_remote_port = port};

		memcpy(bytes, &header, sizeof header);
		code = lab_msg(world.a, &msg);
		if (code != MACH_MSG_SUCCESS)
			break;
		sent++;
	}
	lab_is(MACH_SEND_NO_BUFFER, code);
	ck_assert_uint_eq(sent, 15); /* the daemon's own bytes for each are counted, too */
	lab_stop(world.lab);
}
END_TEST

static void set_memfds(struct machd_limits *limits)
{
	limits->memfds_per_user = 3;
}

START_TEST(a_user_has_no_more_memfds_waiting_than_memfds_per_user)
{
	struct world world = begin(set_memfds);
	struct lab_thread *other = lab_task(world.lab, 0)->thread;
	mach_port_name_t port, name;
	struct lab_buffer message;

	lab_ok(lab_check_in(world.a, "x", &port));
	lab_ok(lab_look_up(world.a, "x", &name));
	for (unsigned i = 0; i < 3; i++)
		lab_ok(send_sized(world.a, port, 100));
	lab_is(MACH_SEND_NO_BUFFER, send_sized(world.a, port, 100));
	ck_assert_uint_eq(world.lab->fds[4], LAB_FD_RELEASED);
	lab_name_is(world.a, port, SEND_RECEIVE, 1);
	lab_ok(lab_look_up(other, "x", &name));
	lab_ok(send_sized(other, name, 100));
	lab_ok(lab_receive(world.a, port, &message, 0, 0));
	ck_assert_uint_eq(world.a->body_fd, 1);
	lab_ok(send_sized(world.a, port, 100));
	lab_stop(world.lab);
}
END_TEST

/* --- requests for notifications --- */

START_TEST(a_port_keeps_a_bounded_number_of_requests)
{
	enum { MOST = 131072, TASKS = 2 };
	struct world world = begin(set_memfds);
	struct lab_thread *threads[TASKS];
	mach_port_name_t port = lab_new_port(world.a), notify[TASKS], self[TASKS], previous;
	mach_port_name_t once = 0;
	kern_return_t kr = KERN_SUCCESS;
	struct lab_buffer message;
	unsigned count = 0;

	for (unsigned i = 0; i < TASKS; i++) {
		threads[i] = lab_task(world.lab, 1000)->thread;
		notify[i] = lab_new_port(threads[i]);
		self[i] = lab_pass_task(threads[i], world.a);
	}
	for (; kr == KERN_SUCCESS && count <= MOST; count++) {
		struct lab_thread *thread = threads[count % TASKS];
		struct mach_port_insert_right_in in = {(count / TASKS + 100) << 8 | 3, port,
						       MAKE_ONCE};

		lab_ok(lab_call(world.a, MACHD_ROUTINE_mach_port_insert_right, self[count % TASKS],
				&in, sizeof in, NULL, 0, NULL));
		once = in.name;
		kr = lab_request_notification(thread, once, MACH_NOTIFY_DEAD_NAME, 0,
					      notify[count % TASKS], MAKE_ONCE, &previous);
	}
	lab_is(KERN_RESOURCE_SHORTAGE, kr);
	ck_assert_uint_eq(count, MOST + 1);
	lab_notice(threads[MOST % TASKS], notify[MOST % TASKS], MACH_NOTIFY_SEND_ONCE);
	lab_ok(lab_deallocate(threads[MOST % TASKS], once)); /* and this one has none */
	lab_message(world.a, port, MACH_NOTIFY_SEND_ONCE);
	lab_ok(lab_destroy(world.a, port));
	for (unsigned i = 0; i < TASKS; i++) {
		count = 0;
		while (lab_receive_now(threads[i], notify[i], &message) == MACH_MSG_SUCCESS)
			count++;
		ck_assert_uint_eq(count, MACHD_QUEUE_HARD_MAX); /* more are dropped */
	}
	lab_stop(world.lab);
}
END_TEST

/* --- limits that change --- */

START_TEST(a_limit_that_is_lowered_takes_nothing_away)
{
	struct world world = begin(set_ports);
	struct machd_limits limits = world.options.limits;
	mach_port_name_t ports[10], name;

	for (unsigned i = 0; i < 10; i++)
		ports[i] = lab_new_service(world.a);
	lab_fill(world.a, ports[0], 5, 0);
	limits.ports_per_user = 5;
	limits.messages_per_user = 2;
	limits.tasks_per_user = 1;
	limits.channels_per_user = 1;
	limits.names_per_task = 64;
	lab_limits(world.lab, &limits);
	lab_is(KERN_RESOURCE_SHORTAGE, lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	ck_assert_ptr_null(lab_connect(world.lab, 1000, 1));
	for (int32_t i = 0; i < 5; i++)
		lab_message(world.a, ports[0], i);
	for (unsigned i = 0; i < 10; i++)
		lab_name_is(world.a, ports[i], SEND_RECEIVE, 1);
	for (unsigned i = 0; i < 6; i++)
		lab_ok(lab_destroy(world.a, ports[i]));
	lab_ok(lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_name_table_larger_than_a_lowered_limit_keeps_its_names)
{
	struct world world = begin(set_messages);
	struct machd_limits limits = world.options.limits;
	mach_port_name_t names[200], name;
	unsigned count = 0;

	for (unsigned i = 0; i < 200; i++)
		names[i] = lab_new_dead_name(world.a);
	limits.names_per_task = 64;
	lab_limits(world.lab, &limits);
	for (unsigned i = 0; i < 200; i++)
		lab_name_is(world.a, names[i], DEAD_NAME, 1);
	while (lab_allocate(world.a, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS)
		count++;
	ck_assert_uint_lt(count, 100); /* what was free in the table */
	lab_is(KERN_NO_SPACE, lab_allocate_name(world.a, MACH_PORT_RIGHT_DEAD_NAME, 0x6403));
	limits.names_per_task = 1000;
	lab_limits(world.lab, &limits);
	lab_ok(lab_allocate(world.a, MACH_PORT_RIGHT_DEAD_NAME, &name));
	lab_stop(world.lab);
}
END_TEST

START_TEST(totals_count_what_there_is)
{
	struct world world = begin(set_ports);
	mach_port_name_t port = lab_new_service(world.a);
	struct trap_totals totals;
	struct lab_buffer message;

	lab_fill(world.a, port, 2, 0);
	lab_ok(send_sized(world.a, port, 1000));
	trap_totals(world.lab->host, &totals);
	ck_assert_uint_eq(totals.tasks, 1);
	ck_assert_uint_eq(totals.channels, 1);
	ck_assert_uint_eq(totals.ports, IPC_HOST_PORTS + 1 + 1); /* the task, and this */
	ck_assert_uint_eq(totals.messages_queued, 3);
	ck_assert_uint_eq(totals.messages_sent, 3);
	ck_assert_uint_eq(totals.memfds, 1);
	ck_assert_uint_gt(totals.bytes_queued, 1000);
	for (unsigned i = 0; i < 3; i++)
		lab_ok(lab_receive(world.a, port, &message, 0, 0));
	trap_totals(world.lab->host, &totals);
	ck_assert_uint_eq(totals.messages_queued, 0);
	ck_assert_uint_eq(totals.bytes_queued, 0);
	ck_assert_uint_eq(totals.messages_sent, 3);
	ck_assert_uint_eq(totals.memfds, 0);
	lab_set_qlimit(world.a, port, 0);
	message = lab_to(port, 1);
	lab_is(LAB_BLOCKED, lab_send(world.a, &message, 0, 0));
	trap_totals(world.lab->host, &totals);
	ck_assert_uint_eq(totals.messages_queued, 1);
	ck_assert_uint_eq(totals.messages_sent, 3); /* not before it has its slot */
	lab_set_qlimit(lab_thread(world.a->task), port, 1);
	lab_ok(lab_wait(world.a));
	trap_totals(world.lab->host, &totals);
	ck_assert_uint_eq(totals.messages_sent, 4);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, there_are_no_more_connections_than_channels);
	tcase_add_test(tcase, a_user_has_no_more_connections_than_channels_per_user);
	tcase_add_test(tcase, a_user_has_no_more_tasks_than_tasks_per_user);
	tcase_add_test(tcase, a_task_has_no_more_threads_than_channels_per_task);
	tcase_add_test(tcase, a_user_has_no_more_ports_and_sets_than_ports_per_user);
	tcase_add_test(tcase, a_user_has_no_more_names_than_names_per_user);
	tcase_add_test(tcase, a_port_is_its_makers_wherever_it_goes);
	tcase_add_test(tcase, a_dead_port_is_counted_until_nobody_names_it);
	tcase_add_test(tcase, a_user_has_no_more_messages_waiting_than_messages_per_user);
	tcase_add_test(tcase, notifications_are_sent_even_at_the_limit);
	tcase_add_test(tcase, a_blocked_sender_pays_too);
	tcase_add_test(tcase, a_user_has_no_more_memory_waiting_than_memory_per_user);
	tcase_add_test(tcase, a_user_has_no_more_bytes_waiting_than_bytes_per_user);
	tcase_add_test(tcase, a_user_has_no_more_memfds_waiting_than_memfds_per_user);
	tcase_add_test(tcase, a_port_keeps_a_bounded_number_of_requests);
	tcase_add_test(tcase, a_limit_that_is_lowered_takes_nothing_away);
	tcase_add_test(tcase, a_name_table_larger_than_a_lowered_limit_keeps_its_names);
	tcase_add_test(tcase, totals_count_what_there_is);
}

int main(void)
{
	return lab_run("ipc_limits", add_tests);
}
