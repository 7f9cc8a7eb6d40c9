/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance: anything, in any order. Whatever tasks, ports and messages do, the boosts that are
 * counted are those that are there, and none is left at the end.
 */
#include "tests/lab/lab_importance.h"

enum { TASKS = 4, STEPS = 4000 };

struct chaos {
	struct lab *lab;
	uint32_t random;
	struct lab_thread *thread[TASKS];
	struct lab_buffer message[TASKS]; /* that it sends: it may come back later */
	mach_port_name_t names[TASKS][64];
	unsigned count[TASKS];
	unsigned raised; /* messages received that carried a boost */
};

static uint32_t draw(struct chaos *chaos, uint32_t below)
{
	chaos->random = chaos->random * 1664525 + 1013904223;
	return (chaos->random >> 8) % below;
}

static void remember(struct chaos *chaos, unsigned task, mach_port_name_t name)
{
	if (!MACH_PORT_VALID(name))
		return;
	if (chaos->count[task] == 64)
		chaos->names[task][draw(chaos, 64)] = name;
	else
		chaos->names[task][chaos->count[task]++] = name;
}

/* A name that the task had; those that are gone are forgotten when they come up. */
static mach_port_name_t pick(struct chaos *chaos, unsigned task)
{
	while (chaos->count[task]) {
		unsigned i = draw(chaos, chaos->count[task]);
		mach_port_name_t name = chaos->names[task][i];
		uint32_t type;

		if (lab_type(chaos->thread[task], name, &type) == KERN_SUCCESS &&
		    (type != MACH_PORT_TYPE_DEAD_NAME || draw(chaos, 8) == 0))
			return name;
		chaos->names[task][i] = chaos->names[task][--chaos->count[task]];
	}
	return 0;
}

/* The same, and rather one of that type than another. */
static mach_port_name_t pick_type(struct chaos *chaos, unsigned task, uint32_t wanted)
{
	mach_port_name_t name = 0;

	for (unsigned tries = 0; tries < 8; tries++) {
		uint32_t type;

		name = pick(chaos, task);
		if (lab_type(chaos->thread[task], name, &type) == KERN_SUCCESS && type == wanted)
			break;
	}
	return name;
}

/* How a name can be sent to or replied to, by what it is; now and then any way. */
static uint32_t way_to(struct chaos *chaos, unsigned task, mach_port_name_t name, bool reply)
{
	uint32_t type = 0;

	if (draw(chaos, 16) != 0)
		lab_type(chaos->thread[task], name, &type);
	if (type & MACH_PORT_TYPE_SEND_ONCE)
		return MOVE_ONCE;
	if (type & MACH_PORT_TYPE_RECEIVE)
		return reply || draw(chaos, 4) == 0 ? MAKE_ONCE : MAKE_SEND;
	if (type & MACH_PORT_TYPE_SEND)
		return draw(chaos, 8) ? COPY_SEND : MOVE_SEND;
	return MOVE_SEND + draw(chaos, 5);
}

static void chaos_send(struct chaos *chaos, unsigned task)
{
	mach_port_name_t dest = pick_type(chaos, task, draw(chaos, 3) ? SEND : SEND_ONCE);
	mach_port_name_t reply = draw(chaos, 4) ? pick_type(chaos, task, SEND_RECEIVE) : 0;
	struct lab_buffer *message = &chaos->message[task];
	uint32_t option = MACH_SEND_TIMEOUT | (draw(chaos, 2) ? MACH_SEND_NOTIFY : 0);

	lab_compose(message, dest, way_to(chaos, task, dest, false), reply,
		    reply ? way_to(chaos, task, reply, true) : 0, 1);
	if (draw(chaos, 6) == 0)
		lab_add_port(message, pick(chaos, task), MOVE_RECEIVE + draw(chaos, 6));
	lab_send(chaos->thread[task], message, option, draw(chaos, 2) ? 0 : 5);
}

static void chaos_receive(struct chaos *chaos, unsigned task)
{
	struct lab_buffer message;

	if (lab_receive(chaos->thread[task], pick_type(chaos, task, SEND_RECEIVE), &message,
			MACH_RCV_TIMEOUT | (draw(chaos, 2) ? MACH_RCV_VOUCHER : 0),
			0) != MACH_MSG_SUCCESS)
		return;
	if (MACH_MSGH_BITS_VOUCHER(message.header.msgh_bits))
		remember(chaos, task, message.header.msgh_voucher_port);
	chaos->raised += MACH_MSGH_BITS_RAISED_IMPORTANCE(message.header.msgh_bits);
	remember(chaos, task, message.header.msgh_remote_port);
	if (message.header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
		remember(chaos, task, lab_port(&message, 0).name);
}

static void chaos_port(struct chaos *chaos, unsigned task)
{
	static const int32_t flavors[] = {MACH_PORT_TEMPOWNER, MACH_PORT_IMPORTANCE_RECEIVER,
					  MACH_PORT_IMPORTANCE_RECEIVER,
					  MACH_PORT_IMPORTANCE_RECEIVER};
	struct lab_thread *thread = chaos->thread[task];
	mach_port_name_t name, previous;

	switch (draw(chaos, 6)) {
	case 0:
		remember(chaos, task, lab_new_service(thread));
		lab_set_attributes(thread, pick(chaos, task), flavors[draw(chaos, 4)], NULL, 0);
		break;
	case 1:
		if (draw(chaos, 4) == 0)
			lab_destroy(thread, pick(chaos, task));
		break;
	case 2:
		lab_deallocate(thread, pick(chaos, task));
		break;
	case 3:
		importance_policy(thread, draw(chaos, 2) ? MACHD_POLICY_HOLD : MACHD_POLICY_DROP,
				  pick(chaos, task));
		break;
	case 4:
		name = pick(chaos, task);
		lab_request_notification(thread, name,
					 draw(chaos, 2) ? MACH_NOTIFY_SEND_POSSIBLE
							: MACH_NOTIFY_PORT_DESTROYED,
					 0, pick(chaos, task), MAKE_ONCE, &previous);
		remember(chaos, task, previous);
		break;
	case 5:
		lab_set_attributes(thread, pick(chaos, task), MACH_PORT_LIMITS_INFO,
				   &(uint32_t){draw(chaos, 3)}, 1);
		break;
	}
}

/* A right for somebody else, through bootstrap names, which take no room. */
static void chaos_share(struct chaos *chaos, unsigned task)
{
	mach_port_name_t name;
	char service[8] = {'s', (char)('0' + draw(chaos, 3))};

	lab_register(chaos->thread[task], service, pick_type(chaos, task, SEND_RECEIVE));
	task = draw(chaos, TASKS);
	if (!chaos->thread[task]->asked &&
	    lab_look_up(chaos->thread[task], service, &name) == KERN_SUCCESS)
		remember(chaos, task, name);
}

static void chaos_step(struct chaos *chaos)
{
	unsigned task = draw(chaos, TASKS);
	struct lab_thread *thread = chaos->thread[task];

	if (thread->asked && !thread->answered) {
		if (draw(chaos, 2))
			lab_cancel(thread);
		else
			lab_advance(chaos->lab, 5);
	}
	if (thread->asked) {
		lab_wait(thread);
		return;
	}
	switch (draw(chaos, 8)) {
	case 0:
	case 1:
		chaos_port(chaos, task);
		break;
	case 2:
		chaos_share(chaos, task);
		break;
	case 3:
	case 4:
		chaos_receive(chaos, task);
		break;
	default:
		chaos_send(chaos, task);
		break;
	}
	if (draw(chaos, 800) == 0) {
		lab_kill(thread->task);
		chaos->thread[task] = lab_task(chaos->lab, 1000)->thread;
		chaos->count[task] = 0;
		if (task == 0)
			lab_ok(importance_policy(chaos->thread[0], MACHD_POLICY_SET, 0));
	}
}

START_TEST(boosts_balance_whatever_happens)
{
	struct chaos chaos = {.lab = lab_start(NULL), .random = (uint32_t)_i};

	for (unsigned i = 0; i < TASKS; i++)
		chaos.thread[i] = lab_task(chaos.lab, 1000)->thread;
	lab_ok(importance_policy(chaos.thread[0], MACHD_POLICY_SET, 0));
	for (unsigned i = 0; i < STEPS; i++) {
		chaos_step(&chaos);
		if (i % 8 == 0)
			lab_audit(chaos.lab);
	}
	ck_assert_uint_gt(chaos.lab->boosts, 4);
	ck_assert_uint_gt(chaos.raised, 8);
	lab_stop(chaos.lab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, boosts_balance_whatever_happens, 0, 8);
}

int main(void)
{
	return lab_run("ipc_importance_random", add_tests);
}
