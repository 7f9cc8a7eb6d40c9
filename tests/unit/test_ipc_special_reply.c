/* SPDX-License-Identifier: Apache-2.0 */
/* Special reply ports: one of each thread, and the receive that wants it [9.1, 17.3]. */
#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *other; /* of one task */
	struct lab_thread *b;
	mach_port_name_t port;	  /* a's special reply port */
	mach_port_name_t service; /* a's send right to some port of b's, */
	mach_port_name_t door;	  /* which is this one */
};

static kern_return_t get(struct lab_thread *thread, mach_port_name_t *port)
{
	struct thread_get_special_reply_port_in in;
	struct thread_get_special_reply_port_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_thread_get_special_reply_port,
				    thread->task->self, &in, sizeof in, &out, sizeof out, NULL);

	*port = kr == KERN_SUCCESS ? out.port : MACH_PORT_NULL;
	return kr;
}

enum { HARD = 1000, SOFT = 1001 };

static struct world begin_as(uint32_t uid)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.policy.p_hardened = (struct ipc_uids){.us_count = 1, .us_uid = {HARD}};
	world.lab = lab_start(&options);
	world.a = lab_task(world.lab, uid)->thread;
	world.other = lab_thread(world.a->task);
	world.b = lab_task(world.lab, uid)->thread;
	lab_ok(get(world.a, &world.port));
	world.door = lab_new_port(world.b);
	world.service = lab_pass(world.b, world.door, MAKE_SEND, world.a);
	return world;
}

static struct world begin(void)
{
	return begin_as(SOFT);
}

/* A receive that does not wait and names the port it depends on. */
static mach_msg_return_t wait_at(struct lab_thread *thread, mach_port_name_t port,
				 mach_port_name_t service)
{
	struct machd_message_args args = {.option = MACH_RCV_MSG | MACH_RCV_TIMEOUT |
						    MACH_RCV_SYNC_WAIT,
					  .rcv_size = 1000,
					  .rcv_name = port,
					  .priority = service};

	LAB_TRUE(lab_request(thread, MACHD_OP_MESSAGE, &args, sizeof args, NULL, 0, NULL));
	return lab_wait(thread);
}

/* Case 295. */
START_TEST(r295_each_call_makes_a_port)
{
	struct world world = begin();
	mach_port_name_t second;

	lab_name_is(world.a, world.port, SEND_RECEIVE, 1);
	ck_assert_uint_eq(lab_status(world.a, world.port).mps_mscount, 1);
	lab_ok(get(world.a, &second));
	ck_assert_uint_ne(second, world.port);
	lab_fill(world.a, world.port, 1, 1);
	lab_message(world.a, world.port, 1);
	lab_fill(world.a, second, 1, 2);
	lab_message(world.a, second, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_is_used_for_a_reply)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_compose(&message, world.port, COPY_SEND, world.port, MAKE_ONCE, 1);
	lab_ok(lab_send_now(world.a, &message));
	message = lab_message(world.a, world.port, 1);
	lab_name_is(world.a, message.header.msgh_remote_port, SEND_ONCE, 1);
	lab_compose(&message, message.header.msgh_remote_port, MOVE_ONCE, NOBODY, 0, 2);
	lab_ok(lab_send_now(world.a, &message));
	lab_message(world.a, world.port, 2);
	lab_stop(world.lab);
}
END_TEST

/* [17.1]: a destination that takes replies to reply ports takes them to this one as well. */
START_TEST(it_is_a_reply_port)
{
	struct world world = begin_as(_i ? HARD : SOFT);
	mach_port_name_t port = lab_construct(world.b, MPO_ENFORCE_REPLY_PORT_SEMANTICS);
	struct lab_buffer message;

	world.service = lab_pass(world.b, port, MAKE_SEND, world.a);
	lab_compose(&message, world.service, COPY_SEND, world.port, MAKE_ONCE, 3);
	lab_ok(lab_send_now(world.a, &message));
	lab_message(world.b, port, 3);
	lab_compose(&message, world.service, COPY_SEND, lab_new_port(world.a), MAKE_ONCE, 3);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.a, &message));
	lab_stop(world.lab);
}
END_TEST

/* Of a hardened task it is good for nothing else, and stays so when the thread has another. */
START_TEST(that_of_a_hardened_task_is_marked)
{
	struct world world = begin_as(HARD);
	struct lab_buffer message;
	mach_port_name_t second;

	lab_name_is(world.a, world.port, SEND_RECEIVE, 1);
	for (unsigned i = 0; i < 2; i++) {
		message = lab_to(world.service, 1);
		lab_add_port(&message, world.port, MAKE_ONCE);
		lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
		message = lab_to(world.service, 1);
		lab_add_port(&message, world.port, MOVE_RECEIVE);
		lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
		lab_compose(&message, world.service, COPY_SEND, world.port, COPY_SEND, 1);
		lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.a, &message));
		lab_compose(&message, world.service, COPY_SEND, world.port, MAKE_ONCE, 1);
		lab_ok(lab_send_now(world.a, &message));
		lab_ok(get(world.a, &second));
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_stays_and_is_not_rescued)
{
	struct world world = begin();
	mach_port_name_t notify = lab_new_port(world.a), previous, right;
	struct lab_buffer message = lab_to(world.service, 1);
	uint32_t type;

	lab_add_port(&message, world.port, MOVE_RECEIVE);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.a, world.port, MOVE_RECEIVE, &right, &type));
	lab_is(KERN_INVALID_RIGHT,
	       lab_request_notification(world.a, world.port, MACH_NOTIFY_PORT_DESTROYED, 0, notify,
					MAKE_ONCE, &previous));
	lab_notice(world.a, notify, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_takes_no_importance)
{
	static const int32_t flavors[] = {MACH_PORT_TEMPOWNER, MACH_PORT_IMPORTANCE_RECEIVER,
					  MACH_PORT_DENAP_RECEIVER};
	struct world world = begin();
	mach_port_name_t second;

	for (unsigned i = 0; i < 3; i++)
		lab_is(KERN_INVALID_ARGUMENT,
		       lab_set_attributes(world.a, world.port, flavors[i], NULL, 0));
	lab_ok(get(world.a, &second));
	lab_ok(lab_set_attributes(world.a, world.port, MACH_PORT_TEMPOWNER, NULL, 0));
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_one_before_is_an_ordinary_port)
{
	struct world world = begin();
	mach_port_name_t second;

	lab_ok(get(world.a, &second));
	ck_assert_uint_ne(lab_pass(world.a, world.port, MOVE_RECEIVE, world.b), MACH_PORT_NULL);
	lab_stop(world.lab);
}
END_TEST

/* Case 296. */
START_TEST(r296_who_waits_at_it_says_for_whom)
{
	struct world world = begin();
	mach_port_name_t plain = lab_new_service(world.a), set = lab_new_set(world.a), second;

	lab_is(MACH_RCV_TIMED_OUT, wait_at(world.a, world.port, world.service));
	lab_is(MACH_RCV_TIMED_OUT, wait_at(world.a, world.port, 0x7703)); /* no matter */
	lab_is(MACH_RCV_INVALID_NOTIFY, wait_at(world.a, world.port, MACH_PORT_NULL));
	lab_is(MACH_RCV_INVALID_NOTIFY, wait_at(world.a, world.port, MACH_PORT_DEAD));
	lab_is(MACH_RCV_INVALID_NOTIFY, wait_at(world.a, plain, world.service));
	lab_is(MACH_RCV_INVALID_NOTIFY, wait_at(world.a, set, world.service));
	lab_is(MACH_RCV_INVALID_NAME, wait_at(world.a, 0x7703, world.service));
	lab_is(MACH_RCV_INVALID_NOTIFY, wait_at(world.other, world.port, world.service));
	lab_ok(get(world.a, &second));
	lab_is(MACH_RCV_INVALID_NOTIFY, wait_at(world.a, world.port, world.service));
	lab_is(MACH_RCV_TIMED_OUT, wait_at(world.a, second, world.service));
	lab_stop(world.lab);
}
END_TEST

/* Send a message to the service and wait for the answer at this port. */
static mach_msg_return_t call_from(struct world *world, mach_port_name_t port)
{
	struct lab_buffer message = lab_to(world->service, 7);
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT |
					MACH_RCV_SYNC_WAIT,
			      .send = &message,
			      .send_size = message.header.msgh_size,
			      .receive_size = sizeof message,
			      .receive_name = port};

	return lab_msg(world->a, &msg);
}

/* Who sends in the same call waits for whom it sent to. What was sent was sent. */
START_TEST(r296_a_call_that_sends_waits_there_too)
{
	struct world world = begin();
	mach_port_name_t plain = lab_new_service(world.a);

	lab_is(MACH_RCV_INVALID_NOTIFY, call_from(&world, plain));
	lab_is(MACH_RCV_INVALID_NOTIFY, call_from(&world, lab_new_set(world.a)));
	lab_is(MACH_RCV_TIMED_OUT, call_from(&world, world.port));
	for (unsigned i = 0; i < 3; i++)
		lab_message(world.b, world.door, 7);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_is_an_ordinary_port_when_its_thread_is_gone)
{
	struct world world = begin();
	mach_port_name_t port;

	lab_ok(get(world.other, &port));
	lab_close(world.other);
	lab_name_is(world.a, port, SEND_RECEIVE, 1);
	ck_assert_uint_ne(lab_pass(world.a, port, MOVE_RECEIVE, world.b), MACH_PORT_NULL);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_may_die_before_its_thread)
{
	struct world world = begin();

	lab_ok(lab_destroy(world.a, world.port));
	lab_is(MACH_RCV_INVALID_NAME, wait_at(world.a, world.port, world.service));
	lab_stop(world.lab);
}
END_TEST

START_TEST(there_may_be_no_room_for_it)
{
	struct lab_options options;
	mach_port_name_t port;
	struct lab *lab;
	struct lab_thread *thread;
	kern_return_t kr = KERN_SUCCESS;

	lab_options_init(&options);
	options.limits.names_per_task = 64;
	lab = lab_start(&options);
	thread = lab_task(lab, 1000)->thread;
	for (unsigned i = 0; i < 64 && kr == KERN_SUCCESS; i++)
		kr = get(thread, &port);
	lab_is(KERN_NO_SPACE, kr);
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, r295_each_call_makes_a_port);
	tcase_add_test(tcase, it_is_used_for_a_reply);
	tcase_add_loop_test(tcase, it_is_a_reply_port, 0, 2);
	tcase_add_test(tcase, that_of_a_hardened_task_is_marked);
	tcase_add_test(tcase, it_stays_and_is_not_rescued);
	tcase_add_test(tcase, it_takes_no_importance);
	tcase_add_test(tcase, the_one_before_is_an_ordinary_port);
	tcase_add_test(tcase, r296_who_waits_at_it_says_for_whom);
	tcase_add_test(tcase, r296_a_call_that_sends_waits_there_too);
	tcase_add_test(tcase, it_is_an_ordinary_port_when_its_thread_is_gone);
	tcase_add_test(tcase, it_may_die_before_its_thread);
	tcase_add_test(tcase, there_may_be_no_room_for_it);
}

int main(void)
{
	return lab_run("ipc_special_reply", add_tests);
}
