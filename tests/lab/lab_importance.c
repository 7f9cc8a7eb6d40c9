/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that are important, in a lab. */
#include "tests/lab/lab_importance.h"

kern_return_t importance_policy(struct lab_thread *thread, uint32_t action, mach_port_name_t reply)
{
	struct process_policy_in in = {.action = action, .reply = reply};

	return lab_call(thread, MACHD_ROUTINE_process_policy, thread->task->self, &in, sizeof in,
			NULL, 0, NULL);
}

void importance_accept(struct lab_thread *thread, mach_port_name_t port)
{
	lab_ok(lab_set_attributes(thread, port, MACH_PORT_IMPORTANCE_RECEIVER, NULL, 0));
}

struct importance_world importance_begin(const struct lab_options *options)
{
	struct importance_world world = {.lab = lab_start(options)};

	world.donor = lab_task(world.lab, 1000)->thread;
	world.server = lab_task(world.lab, 1000)->thread;
	world.other = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.server);
	world.dest = lab_pass(world.server, world.port, MAKE_SEND, world.donor);
	world.reply = lab_new_port(world.donor);
	lab_ok(importance_policy(world.donor, MACHD_POLICY_SET, 0));
	importance_accept(world.server, world.port);
	return world;
}

uint32_t importance_of_port(struct lab_thread *thread, mach_port_name_t port)
{
	uint32_t info[MACH_PORT_INFO_EXT_COUNT] = {0}, count = MACH_PORT_INFO_EXT_COUNT;

	lab_ok(lab_get_attributes(thread, port, MACH_PORT_INFO_EXT, info, &count));
	return info[sizeof(mach_port_status_t) / sizeof *info];
}

uint32_t importance_of_task(struct lab_thread *thread)
{
	struct machd_watch request = {.table = MACHD_WATCH_TASKS, .pid = thread->task->pid};
	struct lab_thread *watcher = lab_watcher(thread->lab, 0);
	struct machd_watch_answer answer;
	struct machd_watch_task task;
	unsigned count;

	lab_ok(lab_watch(watcher, &request, &answer, &task, sizeof task, &count));
	ck_assert_uint_eq(count, 1);
	lab_close(watcher);
	return task.boosts;
}

void importance_is(struct importance_world *world, uint32_t port, uint32_t all)
{
	lab_audit(world->lab);
	ck_assert_uint_eq(importance_of_port(world->server, world->port), port);
	ck_assert_uint_eq(importance_of_task(world->server), all);
	if (world->lab->boosts) {
		ck_assert_int_eq(world->lab->boosted_pid, world->server->task->pid);
		ck_assert(world->lab->boosted_on == (all != 0));
	} else {
		ck_assert_uint_eq(all, 0);
	}
}

mach_msg_return_t importance_send(struct lab_thread *thread, mach_port_name_t dest,
				  uint32_t disposition, mach_port_name_t reply,
				  uint32_t reply_disposition, uint32_t option)
{
	struct lab_buffer message;

	lab_compose(&message, dest, disposition, reply, reply_disposition, 1);
	return lab_send(thread, &message, option, 0);
}

void importance_ask(struct importance_world *world)
{
	lab_ok(importance_send(world->donor, world->dest, COPY_SEND, world->reply, MAKE_ONCE, 0));
}

struct lab_buffer importance_get(struct lab_thread *thread, mach_port_name_t port, bool raised)
{
	struct lab_buffer message;

	lab_ok(lab_receive_now(thread, port, &message));
	ck_assert(MACH_MSGH_BITS_RAISED_IMPORTANCE(message.header.msgh_bits) == raised);
	ck_assert_uint_eq(message.header.msgh_bits & 0x7fe0e0e0, raised ? 0x20000000 : 0);
	return message;
}

mach_port_name_t importance_asked(struct importance_world *world)
{
	importance_ask(world);
	return importance_get(world->server, world->port, true).header.msgh_remote_port;
}
