/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights in the arguments of calls on another task's space [20]: they go in a message, so that what
 * cannot be sent is MACH_SEND_INVALID_RIGHT, and no right at all is for the routine to refuse.
 */

#include "tests/flow/flow.h"

#define SELF	  mach_task_self()
#define FREE_NAME 0x55503

enum {
	MOVE_SEND = MACH_MSG_TYPE_MOVE_SEND,
	MOVE_ONCE = MACH_MSG_TYPE_MOVE_SEND_ONCE,
	COPY_SEND = MACH_MSG_TYPE_COPY_SEND,
	MAKE_SEND = MACH_MSG_TYPE_MAKE_SEND,
	MAKE_ONCE = MACH_MSG_TYPE_MAKE_SEND_ONCE,
};

static struct flow_child child;
static mach_port_t task;  /* the child's */
static mach_port_t named; /* by the child: a receive right with a send right */

static void has_a_port(void *unused)
{
	(void)unused;
	flow_tell_parent(flow_port());
	flow_hear_parent();
}

static void begin(void)
{
	flow_fork(&child, has_a_port, NULL);
	named = flow_hear(&child);
	CHECK_OK(task_for_pid(SELF, child.pid, &task));
}

static void end(void)
{
	flow_tell(&child, 0);
	flow_join(&child);
}

static mach_port_type_t type_there(mach_port_t name)
{
	mach_port_type_t type = 0;

	mach_port_type(task, name, &type);
	return type;
}

START_TEST(no_right_at_all_is_no_capability)
{
	static const mach_port_t none[] = {MACH_PORT_NULL, MACH_PORT_DEAD};

	begin();
	for (unsigned i = 0; i < 2; i++) {
		CHECK_CODE(mach_port_insert_right(task, FREE_NAME, none[i], MAKE_SEND),
			   KERN_INVALID_CAPABILITY);
		CHECK_CODE(mach_port_insert_right(task, FREE_NAME, none[i], MOVE_ONCE),
			   KERN_INVALID_CAPABILITY);
		CHECK_CODE(mach_port_insert_right(task, MACH_PORT_DEAD, none[i], COPY_SEND),
			   KERN_INVALID_VALUE);
		/* No disposition can be wrong of a right that there is not, until it is looked at.
		 */
		CHECK_CODE(mach_port_insert_right(task, FREE_NAME, none[i], 99),
			   KERN_INVALID_VALUE);
		/* To one's own space it goes as it is. */
		CHECK_CODE(mach_port_insert_right(SELF, FREE_NAME, none[i], MAKE_SEND),
			   KERN_INVALID_NAME);
	}
	CHECK_EQ(type_there(FREE_NAME), 0);
	end();
}
END_TEST

START_TEST(what_cannot_be_sent_is_not_inserted)
{
	mach_port_t port = flow_receive_right(), dead = flow_dead_name(2);
	const struct {
		mach_port_t right;
		mach_msg_type_name_t type;
	} rows[] = {{flow_missing_name(), COPY_SEND},
		    {port, COPY_SEND},
		    {port, 99},
		    {port, MACH_MSG_TYPE_PORT_NAME},
		    {dead, MAKE_SEND}};

	begin();
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK_CODE(mach_port_insert_right(task, FREE_NAME, rows[i].right, rows[i].type),
			   MACH_SEND_INVALID_RIGHT);
		/* And that comes before what is wrong with the name. */
		CHECK_CODE(
			mach_port_insert_right(task, MACH_PORT_NULL, rows[i].right, rows[i].type),
			MACH_SEND_INVALID_RIGHT);
	}
	CHECK_CODE(mach_port_insert_right(task, FREE_NAME, dead, MOVE_SEND),
		   KERN_INVALID_CAPABILITY);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	end();
}
END_TEST

static kern_return_t request(mach_port_t name, mach_msg_id_t id, mach_port_t notify,
			     mach_msg_type_name_t type, mach_port_t *previous)
{
	return mach_port_request_notification(task, name, id, 0, notify, type, previous);
}

START_TEST(what_cannot_be_sent_is_not_told_of_anything)
{
	mach_port_t notify = flow_port(), dead = flow_dead_name(2), previous = 77;

	begin();
	CHECK_CODE(request(named, MACH_NOTIFY_DEAD_NAME, flow_missing_name(), MAKE_ONCE, &previous),
		   MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(request(named, 99, dead, MAKE_ONCE, &previous), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(request(named, MACH_NOTIFY_DEAD_NAME, notify, MOVE_ONCE, &previous),
		   MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(request(named, 99, MACH_PORT_DEAD, MAKE_ONCE, &previous),
		   KERN_INVALID_CAPABILITY);
	CHECK_CODE(request(named, 99, dead, MOVE_ONCE, &previous), KERN_INVALID_CAPABILITY);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
	CHECK_EQ(previous, 77);
	CHECK_EQ(type_there(named), MACH_PORT_TYPE_SEND_RECEIVE);
	/* A right that was sent for nothing is destroyed there. */
	CHECK_CODE(request(named, 99, notify, MAKE_ONCE, &previous), KERN_INVALID_VALUE);
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
	end();
}
END_TEST

/* By a message, the right of an earlier request comes as one does whose port has died. */
START_TEST(an_earlier_request_of_who_is_gone)
{
	mach_port_t first = flow_receive_right(), notify = flow_receive_right(), previous;

	begin();
	CHECK_OK(request(named, MACH_NOTIFY_DEAD_NAME, first, MAKE_ONCE, &previous));
	CHECK_EQ(previous, MACH_PORT_NULL);
	CHECK_OK(mach_port_destroy(SELF, first));
	CHECK_OK(request(named, MACH_NOTIFY_DEAD_NAME, notify, MAKE_ONCE, &previous));
	CHECK_EQ(previous, MACH_PORT_DEAD);
	CHECK_OK(mach_port_mod_refs(task, named, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_DEAD_NAME), named);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract others");
	TCase *tests = flow_case(suite, "another task's space");

	tcase_add_test(tests, no_right_at_all_is_no_capability);
	tcase_add_test(tests, what_cannot_be_sent_is_not_inserted);
	tcase_add_test(tests, what_cannot_be_sent_is_not_told_of_anything);
	tcase_add_test(tests, an_earlier_request_of_who_is_gone);
	return flow_run(suite);
}
