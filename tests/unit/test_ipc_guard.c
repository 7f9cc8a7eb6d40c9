/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard exceptions [16.2]: which calls raise one, with what reason, name and subcode; that it is
 * told in the answer, counted, kept until it is asked for, and no more than one in a request.
 */
#include <mach/task_info.h>
#include <string.h>

#include "tests/lab/lab_expect.h"

enum { MISSING = 0x7703, GUARD = 0x1234 };

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t plain, guarded, strict, send, dead, fixed, set;
};

static mach_port_name_t construct(struct lab_thread *thread, uint32_t flags)
{
	struct mach_port_construct_in in = {
		.context = GUARD, .flags = MPO_CONTEXT_AS_GUARD | MPO_INSERT_SEND_RIGHT | flags};
	struct mach_port_construct_out out;

	lab_ok(lab_call(thread, MACHD_ROUTINE_mach_port_construct, thread->task->self, &in,
			sizeof in, &out, sizeof out, NULL));
	return out.name;
}

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.plain = lab_new_port(world.a);
	world.guarded = construct(world.a, 0);
	world.strict = construct(world.a, MPO_STRICT);
	world.fixed = construct(world.a, MPO_IMMOVABLE_RECEIVE);
	world.send = lab_pass(world.b, lab_new_port(world.b), MAKE_SEND, world.a);
	world.dead = lab_new_dead_name(world.a);
	world.set = lab_new_set(world.a);
	return world;
}

static struct machd_take_guard_exception_out take(struct lab_thread *thread)
{
	struct machd_take_guard_exception_in in;
	struct machd_take_guard_exception_out out;

	lab_ok(lab_call(thread, MACHD_ROUTINE_machd_take_guard_exception, thread->task->self, &in,
			sizeof in, &out, sizeof out, NULL));
	return out;
}

/* The last request of `a` raised this and nothing else. */
#define RAISED(reason, name, subcode) raised(__LINE__, &world, reason, name, subcode)
static void raised(int line, struct world *world, uint32_t reason, mach_port_name_t name,
		   uint64_t subcode)
{
	uint32_t flags = world->a->flags;
	struct machd_take_guard_exception_out out = take(world->a);

	LAB_CHECK(flags == MACHD_ANSWER_GUARD, "line %d: flags 0x%x", line, flags);
	LAB_CHECK(out.reason == reason, "line %d: reason 0x%x", line, out.reason);
	LAB_CHECK(out.name == name, "line %d: name 0x%x", line, out.name);
	LAB_CHECK(out.subcode == subcode, "line %d: subcode 0x%lx", line,
		  (unsigned long)out.subcode);
}

#define NOTHING_RAISED() ck_assert_uint_eq(world.a->flags, 0)

#define CALL(routine, ...)                                              \
	lab_call(world.a, MACHD_ROUTINE_##routine, world.a->task->self, \
		 &(struct routine##_in){__VA_ARGS__}, sizeof(struct routine##_in), NULL, 0, NULL)

START_TEST(a_name_that_is_not_there)
{
	struct world world = begin();

	lab_is(KERN_INVALID_NAME, lab_destroy(world.a, MISSING));
	RAISED(kGUARD_EXC_INVALID_NAME, MISSING, 0);
	lab_is(KERN_INVALID_NAME, lab_deallocate(world.a, MISSING));
	RAISED(kGUARD_EXC_INVALID_NAME, MISSING, 0);
	lab_is(KERN_INVALID_NAME, lab_mod_refs(world.a, MISSING, MACH_PORT_RIGHT_SEND, -1));
	RAISED(kGUARD_EXC_INVALID_NAME, MISSING, 0);
	lab_is(KERN_INVALID_NAME, CALL(mach_port_destruct, .name = MISSING));
	RAISED(kGUARD_EXC_INVALID_NAME, MISSING, 0);
	lab_is(KERN_INVALID_NAME, CALL(mach_port_guard, .name = MISSING));
	RAISED(kGUARD_EXC_INVALID_NAME, MISSING, 0);
	lab_is(KERN_INVALID_NAME, CALL(mach_port_unguard, .name = world.dead));
	RAISED(kGUARD_EXC_INVALID_NAME, world.dead, 0);
	lab_is(KERN_INVALID_NAME, CALL(mach_port_peek, .name = MISSING, .room = 68));
	RAISED(kGUARD_EXC_INVALID_NAME, MISSING, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(no_name_at_all_is_no_misuse)
{
	struct world world = begin();

	lab_ok(lab_destroy(world.a, MACH_PORT_NULL));
	NOTHING_RAISED();
	lab_ok(lab_deallocate(world.a, MACH_PORT_DEAD));
	NOTHING_RAISED();
	lab_is(KERN_INVALID_NAME,
	       lab_mod_refs(world.a, MACH_PORT_NULL, MACH_PORT_RIGHT_RECEIVE, -1));
	NOTHING_RAISED();
	lab_is(KERN_INVALID_NAME, CALL(mach_port_destruct, .name = MACH_PORT_DEAD));
	NOTHING_RAISED();
	lab_is(KERN_INVALID_NAME, CALL(mach_port_guard, .name = MACH_PORT_NULL));
	NOTHING_RAISED();
	lab_is(KERN_INVALID_RIGHT, CALL(mach_port_peek, .name = MACH_PORT_NULL, .room = 68));
	NOTHING_RAISED();
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_right_of_another_kind)
{
	struct world world = begin();

	lab_is(KERN_INVALID_RIGHT, lab_deallocate(world.a, world.plain));
	RAISED(kGUARD_EXC_INVALID_RIGHT, world.plain, 0);
	lab_is(KERN_INVALID_RIGHT, lab_mod_refs(world.a, world.send, MACH_PORT_RIGHT_RECEIVE, -1));
	RAISED(kGUARD_EXC_INVALID_RIGHT, world.send, 0);
	lab_is(KERN_INVALID_RIGHT, CALL(mach_port_guard, .name = world.send));
	RAISED(kGUARD_EXC_INVALID_RIGHT, world.send, 0);
	lab_is(KERN_INVALID_RIGHT, CALL(mach_port_destruct, .name = world.plain, .srdelta = -1));
	RAISED(kGUARD_EXC_INVALID_RIGHT, world.plain, 0);
	lab_is(KERN_INVALID_RIGHT, CALL(mach_port_destruct, .name = world.send));
	NOTHING_RAISED();
	lab_is(KERN_INVALID_RIGHT, CALL(mach_port_peek, .name = world.set, .room = 68));
	RAISED(kGUARD_EXC_INVALID_RIGHT, world.set, 0);
	lab_stop(world.lab);
}
END_TEST

/* What a name has, mod_refs is asked to change of it, and whether that is misuse. */
START_TEST(counting_a_right_that_is_not_there)
{
	struct world world = begin();
	mach_port_name_t once = lab_new_once(world.a, world.plain);
	const struct {
		mach_port_name_t name;
		mach_port_right_t right;
		int32_t delta;
		bool misuse;
	} rows[] = {
		{world.plain, MACH_PORT_RIGHT_SEND, -1, true},
		{world.plain, MACH_PORT_RIGHT_SEND, 1, false},
		{once, MACH_PORT_RIGHT_SEND, 1, true},
		{world.dead, MACH_PORT_RIGHT_SEND, -1, false},
		{world.dead, MACH_PORT_RIGHT_RECEIVE, -1, true},
		{world.send, MACH_PORT_RIGHT_SEND_ONCE, -1, false},
		{world.send, MACH_PORT_RIGHT_PORT_SET, -1, true},
		{world.send, MACH_PORT_RIGHT_DEAD_NAME, -1, true},
		{world.send, MACH_PORT_RIGHT_LABELH, -1, false},
	};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		lab_is(KERN_INVALID_RIGHT,
		       lab_mod_refs(world.a, rows[i].name, rows[i].right, rows[i].delta));
		if (rows[i].misuse)
			RAISED(kGUARD_EXC_INVALID_RIGHT, rows[i].name, 0);
		else
			NOTHING_RAISED();
	}
	lab_stop(world.lab);
}
END_TEST

/* [14.2] */
START_TEST(a_request_that_cannot_be_made)
{
	struct world world = begin();
	mach_port_name_t notify = lab_new_port(world.a), previous;

#define PORT_DESTROYED(name)                                                                      \
	lab_request_notification(world.a, name, MACH_NOTIFY_PORT_DESTROYED, 0, notify, MAKE_ONCE, \
				 &previous)
	lab_ok(PORT_DESTROYED(world.plain));
	NOTHING_RAISED();
	lab_is(KERN_FAILURE, PORT_DESTROYED(world.plain));
	RAISED(kGUARD_EXC_KERN_FAILURE, world.plain, 0);
	lab_is(KERN_INVALID_RIGHT, PORT_DESTROYED(world.send));
	NOTHING_RAISED();
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_count_that_cannot_be)
{
	struct world world = begin();

	lab_is(KERN_INVALID_VALUE, lab_mod_refs(world.a, world.send, MACH_PORT_RIGHT_SEND, -2));
	RAISED(kGUARD_EXC_INVALID_VALUE, world.send, 0);
	lab_is(KERN_INVALID_VALUE, lab_mod_refs(world.a, world.set, MACH_PORT_RIGHT_PORT_SET, 1));
	RAISED(kGUARD_EXC_INVALID_VALUE, world.set, 0);
	lab_is(KERN_INVALID_VALUE,
	       CALL(mach_port_destruct, .name = world.guarded, .srdelta = -2, .guard = GUARD));
	RAISED(kGUARD_EXC_INVALID_VALUE, world.guarded, 0);
	lab_is(KERN_INVALID_VALUE, CALL(mach_port_peek, .name = world.plain,
					.trailer_type = MACH_RCV_TRAILER_CTX << 24));
	RAISED(kGUARD_EXC_INVALID_VALUE, world.plain, 0);
	lab_stop(world.lab);
}
END_TEST

/* Cases 272, 275, 286. */
START_TEST(a_guarded_port)
{
	struct world world = begin();

	lab_is(KERN_INVALID_RIGHT, lab_destroy(world.a, world.guarded));
	RAISED(kGUARD_EXC_DESTROY, world.guarded, GUARD);
	lab_is(KERN_INVALID_RIGHT,
	       lab_mod_refs(world.a, world.guarded, MACH_PORT_RIGHT_RECEIVE, -1));
	RAISED(kGUARD_EXC_MOD_REFS, world.guarded, GUARD);
	lab_is(KERN_INVALID_ARGUMENT, CALL(mach_port_destruct, .name = world.guarded, .guard = 1));
	RAISED(kGUARD_EXC_DESTROY, world.guarded, GUARD);
	lab_is(KERN_INVALID_ARGUMENT, lab_set_context(world.a, world.strict, 1));
	RAISED(kGUARD_EXC_SET_CONTEXT, world.strict, GUARD);
	lab_is(KERN_INVALID_ARGUMENT, CALL(mach_port_guard, .name = world.guarded, .guard = 1));
	RAISED(kGUARD_EXC_INVALID_ARGUMENT, world.guarded, GUARD);
	lab_is(KERN_INVALID_ARGUMENT, CALL(mach_port_unguard, .name = world.plain, .guard = 1));
	RAISED(kGUARD_EXC_UNGUARDED, world.plain, 0);
	lab_is(KERN_INVALID_ARGUMENT, CALL(mach_port_unguard, .name = world.guarded, .guard = 1));
	RAISED(kGUARD_EXC_INCORRECT_GUARD, world.guarded, GUARD);
	lab_is(KERN_INVALID_ARGUMENT,
	       CALL(mach_port_swap_guard, .name = world.strict, .old_guard = GUARD));
	RAISED(kGUARD_EXC_SET_CONTEXT, world.strict, GUARD);
	lab_is(KERN_INVALID_ARGUMENT,
	       CALL(mach_port_swap_guard, .name = world.strict, .old_guard = 1));
	RAISED(kGUARD_EXC_SET_CONTEXT, world.strict, GUARD);
	lab_is(KERN_INVALID_ARGUMENT,
	       CALL(mach_port_swap_guard, .name = world.guarded, .old_guard = 1));
	RAISED(kGUARD_EXC_INCORRECT_GUARD, world.guarded, GUARD);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_context_is_no_guard)
{
	struct world world = begin();

	lab_ok(CALL(mach_port_set_context, .name = world.plain, .context = 5));
	lab_is(KERN_INVALID_ARGUMENT, CALL(mach_port_unguard, .name = world.plain, .guard = 5));
	RAISED(kGUARD_EXC_UNGUARDED, world.plain, 0);
	lab_is(KERN_INVALID_ARGUMENT,
	       CALL(mach_port_swap_guard, .name = world.plain, .old_guard = 5, .new_guard = 6));
	RAISED(kGUARD_EXC_UNGUARDED, world.plain, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_guarded_timer)
{
	struct world world = begin();
	struct mk_timer_create_out timer;

	lab_ok(lab_call(world.a, MACHD_ROUTINE_mk_timer_create, world.a->task->self, NULL, 0,
			&timer, sizeof timer, NULL));
	lab_ok(CALL(mach_port_guard, .name = timer.name, .guard = GUARD));
	lab_is(KERN_INVALID_RIGHT, CALL(mk_timer_destroy, .name = timer.name));
	RAISED(kGUARD_EXC_DESTROY, timer.name, GUARD);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_guard_that_is_asserted)
{
	struct world world = begin();
	struct {
		struct mach_port_assert_attributes_in head;
		uint32_t value[2];
	} in = {{.name = world.strict, .flavor = MACH_PORT_GUARD_INFO}, {GUARD, 0}};

#define ASSERT_GUARD(port)                                                                   \
	(in.head.name = (port), lab_call(world.a, MACHD_ROUTINE_mach_port_assert_attributes, \
					 world.a->task->self, &in, sizeof in, NULL, 0, NULL))
	lab_ok(ASSERT_GUARD(world.strict));
	NOTHING_RAISED();
	lab_is(KERN_INVALID_ARGUMENT, ASSERT_GUARD(world.guarded));
	RAISED(kGUARD_EXC_INCORRECT_GUARD, world.guarded, GUARD);
	lab_is(KERN_INVALID_ARGUMENT, ASSERT_GUARD(world.plain));
	RAISED(kGUARD_EXC_UNGUARDED, world.plain, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_right_that_must_stay)
{
	struct world world = begin();
	mach_port_name_t self = world.a->task->self, right;
	struct lab_buffer message = lab_to(world.send, 1);
	uint32_t type;

	lab_add_port(&message, self, COPY_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	RAISED(kGUARD_EXC_IMMOVABLE, self, 0);
	message = lab_to(world.send, 1);
	lab_add_port(&message, world.fixed, MOVE_RECEIVE);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	RAISED(kGUARD_EXC_IMMOVABLE, world.fixed, 0);
	lab_compose(&message, world.send, COPY_SEND, self, COPY_SEND, 1);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.a, &message));
	RAISED(kGUARD_EXC_IMMOVABLE, self, 0);
	lab_is(KERN_INVALID_CAPABILITY, lab_insert_right(world.a, MISSING, self, COPY_SEND));
	RAISED(kGUARD_EXC_IMMOVABLE, self, 0);
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.a, world.fixed, MOVE_RECEIVE, &right, &type));
	RAISED(kGUARD_EXC_IMMOVABLE, world.fixed, 0);
	lab_is(KERN_INVALID_CAPABILITY, lab_deallocate(world.a, self));
	RAISED(kGUARD_EXC_MOD_REFS_NON_FATAL, self, MPG_FLAGS_MOD_REFS_PINNED_DEALLOC);
	lab_is(KERN_INVALID_CAPABILITY, lab_destroy(world.a, self));
	RAISED(kGUARD_EXC_MOD_REFS_NON_FATAL, self, MPG_FLAGS_MOD_REFS_PINNED_DESTROY);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_with_wrong_rights)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.send, 1);

	lab_add_port(&message, MISSING, COPY_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	NOTHING_RAISED();
	message = lab_to(world.send, 1);
	lab_add_port(&message, world.set, COPY_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	RAISED(kGUARD_EXC_SEND_INVALID_RIGHT, world.set, 0);
	lab_compose(&message, world.send, COPY_SEND, world.set, MAKE_ONCE, 1);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.a, &message));
	RAISED(kGUARD_EXC_SEND_INVALID_REPLY, world.set, 0);
	lab_compose(&message, world.send, COPY_SEND, NOBODY, 0, 1);
	message.header.msgh_bits |= MACH_MSGH_BITS_SET(0, 0, MACH_MSG_TYPE_COPY_SEND, 0);
	message.header.msgh_voucher_port = world.send;
	lab_is(MACH_SEND_INVALID_VOUCHER, lab_send_now(world.a, &message));
	RAISED(kGUARD_EXC_SEND_INVALID_VOUCHER, world.send, 0);
	lab_compose(&message, MISSING, COPY_SEND, NOBODY, 0, 1);
	lab_is(MACH_SEND_INVALID_DEST, lab_send_now(world.a, &message));
	NOTHING_RAISED();
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_to_the_wrong_kind_of_port)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.send, 1);
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH64_SEND_KOBJECT_CALL,
			      .send = &message,
			      .send_size = message.header.msgh_size};

	lab_is(MACH_SEND_INVALID_OPTIONS, lab_msg(world.a, &msg));
	RAISED(kGUARD_EXC_INVALID_OPTIONS, world.send, 0);
	msg.option |= MACH64_SEND_MQ_CALL;
	lab_is(MACH_SEND_INVALID_OPTIONS, lab_msg(world.a, &msg));
	RAISED(kGUARD_EXC_INVALID_OPTIONS, 0, 0);
	lab_stop(world.lab);
}
END_TEST

/* Case 293: and who does not reply to a reply port where that is wanted. */
START_TEST(a_reply_that_goes_nowhere_special)
{
	struct world world = begin();
	mach_port_name_t service = construct(world.b, MPO_ENFORCE_REPLY_PORT_SEMANTICS);
	mach_port_name_t dest = lab_pass(world.b, service, MAKE_SEND, world.a);
	struct lab_buffer message;

	lab_compose(&message, dest, COPY_SEND, world.plain, MAKE_ONCE, 1);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.a, &message));
	RAISED(kGUARD_EXC_REQUIRE_REPLY_PORT_SEMANTICS, world.plain, 0);
	lab_stop(world.lab);
}
END_TEST

static mach_msg_return_t receive_on(struct world *world, mach_port_name_t name)
{
	struct lab_buffer message;

	return lab_receive_now(world->a, name, &message);
}

START_TEST(a_name_that_cannot_be_received_from)
{
	struct world world = begin();
	mach_port_name_t names[] = {MACH_PORT_NULL, MACH_PORT_DEAD, MISSING, world.send,
				    world.dead};

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		lab_is(MACH_RCV_INVALID_NAME, receive_on(&world, names[i]));
		RAISED(kGUARD_EXC_RCV_INVALID_NAME, names[i], 0);
	}
	lab_stop(world.lab);
}
END_TEST

/* Case 98: whose name had the receive right may not know yet that it has gone [9.1]. */
START_TEST(the_former_owner_of_a_receive_right_does_no_wrong)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a), back;

	back = lab_pass(world.a, port, MOVE_RECEIVE, world.b);
	lab_is(KERN_INVALID_RIGHT, lab_mod_refs(world.a, port, MACH_PORT_RIGHT_RECEIVE, -1));
	NOTHING_RAISED();
	lab_is(MACH_RCV_INVALID_NAME, receive_on(&world, port));
	NOTHING_RAISED();
	lab_ok(lab_destroy(world.b, back));
	lab_is(MACH_RCV_INVALID_NAME, receive_on(&world, port)); /* a dead name by now */
	NOTHING_RAISED();

	port = lab_new_service(world.a);
	lab_ok(lab_mod_refs(world.a, port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_is(MACH_RCV_INVALID_NAME, receive_on(&world, port));
	NOTHING_RAISED();
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_owner_of_a_right_that_came_back_does)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a), other;

	other = lab_pass(world.a, port, MOVE_RECEIVE, world.b);
	ck_assert_uint_eq(lab_pass(world.b, other, MOVE_RECEIVE, world.a), port);
	lab_ok(lab_deallocate(world.a, port));
	lab_ok(lab_destroy(world.a, port));
	lab_is(MACH_RCV_INVALID_NAME, receive_on(&world, port));
	RAISED(kGUARD_EXC_RCV_INVALID_NAME, port, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(names_of_another_task_are_no_misuse)
{
	struct world world = begin();
	mach_port_name_t task = lab_pass_task(world.b, world.a);
	struct mach_port_destroy_in in = {MISSING};

	lab_is(KERN_INVALID_NAME, lab_call(world.a, MACHD_ROUTINE_mach_port_destroy, task, &in,
					   sizeof in, NULL, 0, NULL));
	NOTHING_RAISED();
	lab_stop(world.lab);
}
END_TEST

/* --- what becomes of it --- */

START_TEST(it_is_kept_until_it_is_asked_for_once)
{
	struct world world = begin();

	lab_is(KERN_INVALID_NAME, lab_destroy(world.a, MISSING));
	lab_ok(lab_destroy(world.a, world.plain));
	NOTHING_RAISED();
	ck_assert_uint_eq(take(world.a).reason, kGUARD_EXC_INVALID_NAME);
	ck_assert_uint_eq(take(world.a).reason, 0);
	ck_assert_uint_eq(take(world.b).reason, 0);
	lab_stop(world.lab);
}
END_TEST

static kern_return_t set_behavior(struct lab_thread *thread, uint32_t behavior)
{
	struct task_set_exc_guard_behavior_in in = {behavior};

	return lab_call(thread, MACHD_ROUTINE_task_set_exc_guard_behavior, thread->task->self, &in,
			sizeof in, NULL, 0, NULL);
}

START_TEST(a_task_says_what_it_wants_of_them)
{
	struct world world = begin();
	struct task_get_exc_guard_behavior_in in;
	struct task_get_exc_guard_behavior_out out;

	lab_is(KERN_INVALID_ARGUMENT, set_behavior(world.a, 0x100));
	lab_ok(set_behavior(world.a, TASK_EXC_GUARD_MP_DELIVER | TASK_EXC_GUARD_VM_FATAL));
	lab_ok(lab_call(world.a, MACHD_ROUTINE_task_get_exc_guard_behavior, world.a->task->self,
			&in, sizeof in, &out, sizeof out, NULL));
	ck_assert_uint_eq(out.behavior, TASK_EXC_GUARD_MP_DELIVER | TASK_EXC_GUARD_VM_FATAL);
	lab_is(KERN_INVALID_NAME, lab_destroy(world.a, MISSING));
	ck_assert_uint_eq(world.a->flags, MACHD_ANSWER_GUARD | MACHD_ANSWER_GUARD_ACTS);
	ck_assert_uint_eq(take(world.a).behavior,
			  TASK_EXC_GUARD_MP_DELIVER | TASK_EXC_GUARD_VM_FATAL);
	lab_ok(set_behavior(world.a, TASK_EXC_GUARD_VM_ALL));
	lab_is(KERN_INVALID_NAME, lab_destroy(world.a, MISSING));
	ck_assert_uint_eq(world.a->flags, MACHD_ANSWER_GUARD);
	lab_stop(world.lab);
}
END_TEST

START_TEST(once_is_once)
{
	struct world world = begin();
	uint32_t once = TASK_EXC_GUARD_MP_DELIVER | TASK_EXC_GUARD_MP_ONCE;

	lab_ok(set_behavior(world.a, once));
	lab_is(KERN_INVALID_NAME, lab_destroy(world.a, MISSING));
	ck_assert_uint_eq(take(world.a).behavior, once);
	lab_is(KERN_INVALID_NAME, lab_destroy(world.a, MISSING));
	ck_assert_uint_eq(take(world.a).behavior, TASK_EXC_GUARD_MP_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_log_tells_of_fewer_and_fewer)
{
	struct world world = begin();

	for (unsigned i = 0; i < 1000; i++)
		lab_is(KERN_INVALID_NAME, lab_destroy(world.a, MISSING));
	ck_assert_uint_eq(world.lab->warnings, 10); /* the 1st, 2nd, 4th ... 512th */
	ck_assert_ptr_nonnull(strstr(world.lab->last_words, "guard exception 512 of pid"));
	lab_stop(world.lab);
}
END_TEST

START_TEST(they_are_counted_for_who_watches)
{
	struct world world = begin();
	struct lab_thread *watcher = lab_watcher(world.lab, 1000);
	struct machd_watch request = {.table = MACHD_WATCH_TASKS, .pid = world.a->pid};
	struct machd_watch_answer answer;
	struct machd_watch_task task;
	unsigned count;

	for (unsigned i = 0; i < 3; i++)
		lab_is(KERN_INVALID_NAME, lab_destroy(world.a, MISSING));
	lab_ok(lab_watch(watcher, &request, &answer, &task, sizeof task, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(task.violations, 3);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_name_that_is_not_there);
	tcase_add_test(tcase, no_name_at_all_is_no_misuse);
	tcase_add_test(tcase, a_right_of_another_kind);
	tcase_add_test(tcase, counting_a_right_that_is_not_there);
	tcase_add_test(tcase, a_request_that_cannot_be_made);
	tcase_add_test(tcase, a_count_that_cannot_be);
	tcase_add_test(tcase, a_guarded_port);
	tcase_add_test(tcase, a_context_is_no_guard);
	tcase_add_test(tcase, a_guarded_timer);
	tcase_add_test(tcase, a_guard_that_is_asserted);
	tcase_add_test(tcase, a_right_that_must_stay);
	tcase_add_test(tcase, a_message_with_wrong_rights);
	tcase_add_test(tcase, a_message_to_the_wrong_kind_of_port);
	tcase_add_test(tcase, a_reply_that_goes_nowhere_special);
	tcase_add_test(tcase, a_name_that_cannot_be_received_from);
	tcase_add_test(tcase, the_former_owner_of_a_receive_right_does_no_wrong);
	tcase_add_test(tcase, the_owner_of_a_right_that_came_back_does);
	tcase_add_test(tcase, names_of_another_task_are_no_misuse);
	tcase_add_test(tcase, it_is_kept_until_it_is_asked_for_once);
	tcase_add_test(tcase, a_task_says_what_it_wants_of_them);
	tcase_add_test(tcase, once_is_once);
	tcase_add_test(tcase, the_log_tells_of_fewer_and_fewer);
	tcase_add_test(tcase, they_are_counted_for_who_watches);
}

int main(void)
{
	return lab_run("ipc_guard", add_tests);
}
