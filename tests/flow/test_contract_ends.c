/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways in which a receive right is given up, with send rights under its name and with every
 * request that can be armed: what is left of the name, and who is told what [14.2, 15.1, 15.2, 20].
 */
#include "tests/flow/flow.h"

#define SELF mach_task_self()

enum way { DESTROY, MOD_REFS, DESTRUCT, DESTRUCT_1, DESTRUCT_2 };

static const char *const ways[] = {"destroy", "mod_refs", "destruct", "destruct -1", "destruct -2"};

static kern_return_t give_up(mach_port_t port, enum way way)
{
	switch (way) {
	case DESTROY:
		return mach_port_destroy(SELF, port);
	case MOD_REFS:
		return mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1);
	case DESTRUCT:
		return mach_port_destruct(SELF, port, 0, 0);
	case DESTRUCT_1:
		return mach_port_destruct(SELF, port, -1, 0);
	default:
		return mach_port_destruct(SELF, port, -2, 0);
	}
}

/* Requests that are armed, and the notifications that come of them; 0 is none. */
enum { DN = 1, NS = 2, PD = 4 };

enum {
	DELETED = MACH_NOTIFY_PORT_DELETED,
	DIED = MACH_NOTIFY_DEAD_NAME,
	NO_SENDERS = MACH_NOTIFY_NO_SENDERS,
	ONCE = MACH_NOTIFY_SEND_ONCE,
	BACK = MACH_NOTIFY_PORT_DESTROYED,
};

enum {
	GONE = 0,
	DEAD = MACH_PORT_TYPE_DEAD_NAME,
	SEND = MACH_PORT_TYPE_SEND,
};

static const struct row {
	unsigned sends; /* under the name */
	unsigned armed;
	enum way way;
	mach_port_type_t type; /* of the name then, */
	unsigned urefs;	       /* and its count */
	mach_msg_id_t dead_name, no_senders, port_destroyed;
} rows[] = {
	/* A receive right alone. */
	{0, 0, DESTROY, GONE, 0, 0, 0, 0},
	{0, DN, DESTROY, GONE, 0, DELETED, 0, 0},
	{0, DN, MOD_REFS, GONE, 0, DELETED, 0, 0},
	{0, DN, DESTRUCT, GONE, 0, DELETED, 0, 0},
	{0, NS, DESTROY, GONE, 0, 0, ONCE, 0},
	{0, NS, MOD_REFS, GONE, 0, 0, ONCE, 0},
	{0, NS, DESTRUCT, GONE, 0, 0, ONCE, 0},
	{0, PD, DESTROY, GONE, 0, 0, 0, BACK},
	{0, PD, MOD_REFS, GONE, 0, 0, 0, BACK},
	{0, PD, DESTRUCT, GONE, 0, 0, 0, BACK},
	{0, DN | NS, MOD_REFS, GONE, 0, DELETED, ONCE, 0},
	{0, DN | PD, MOD_REFS, GONE, 0, DELETED, 0, BACK},
	{0, NS | PD, MOD_REFS, GONE, 0, 0, 0, BACK},
	/* With send rights: destroying takes them, all else only what it says. */
	{2, 0, DESTROY, GONE, 0, 0, 0, 0},
	{2, 0, MOD_REFS, DEAD, 2, 0, 0, 0},
	{2, 0, DESTRUCT, DEAD, 2, 0, 0, 0},
	{2, 0, DESTRUCT_1, DEAD, 1, 0, 0, 0},
	{2, 0, DESTRUCT_2, GONE, 0, 0, 0, 0},
	{2, DN, DESTROY, GONE, 0, DELETED, 0, 0},
	{2, DN, MOD_REFS, DEAD, 3, DIED, 0, 0},
	{2, DN, DESTRUCT, DEAD, 3, DIED, 0, 0},
	{2, DN, DESTRUCT_1, DEAD, 2, DIED, 0, 0},
	{2, DN, DESTRUCT_2, GONE, 0, DELETED, 0, 0},
	{2, NS, DESTROY, GONE, 0, 0, NO_SENDERS, 0},
	{2, NS, MOD_REFS, DEAD, 2, 0, ONCE, 0},
	{2, NS, DESTRUCT, DEAD, 2, 0, ONCE, 0},
	{2, NS, DESTRUCT_1, DEAD, 1, 0, ONCE, 0},
	{2, NS, DESTRUCT_2, GONE, 0, 0, NO_SENDERS, 0},
	{1, NS, DESTRUCT_1, GONE, 0, 0, NO_SENDERS, 0},
	{1, DN | NS, DESTRUCT_1, GONE, 0, DELETED, NO_SENDERS, 0},
	/* Somebody else gets the port: who has send rights keeps them. */
	{2, PD, DESTROY, GONE, 0, 0, 0, BACK},
	{2, PD, MOD_REFS, SEND, 2, 0, 0, BACK},
	{2, PD, DESTRUCT, SEND, 2, 0, 0, BACK},
	{2, PD, DESTRUCT_1, SEND, 1, 0, 0, BACK},
	{2, PD, DESTRUCT_2, GONE, 0, 0, 0, BACK},
	{2, DN | PD, DESTROY, GONE, 0, DELETED, 0, BACK},
	{2, DN | PD, MOD_REFS, SEND, 2, 0, 0, BACK},
	{2, NS | PD, DESTROY, GONE, 0, 0, NO_SENDERS, BACK},
	{2, NS | PD, MOD_REFS, SEND, 2, 0, 0, BACK},
	{2, NS | PD, DESTRUCT_2, GONE, 0, 0, NO_SENDERS, BACK},
	{2, DN | NS | PD, DESTRUCT_1, SEND, 1, 0, 0, BACK},
};

static void expect_name(const struct row *row, mach_port_t port)
{
	mach_port_right_t right =
		row->type == DEAD ? MACH_PORT_RIGHT_DEAD_NAME : MACH_PORT_RIGHT_SEND;
	mach_port_type_t type = flow_type(port);
	unsigned urefs = type ? flow_refs(port, right) : 0;

	if (type != row->type || urefs != row->urefs)
		flow_fail(__FILE__, __LINE__, "%s of %u with 0x%x: type 0x%x with %u",
			  ways[row->way], row->sends, row->armed, type, urefs);
}

static void expect_notice(const struct row *row, mach_port_t notify, mach_msg_id_t id)
{
	struct flow_message message;
	mach_msg_id_t came =
		flow_receive(notify, &message) == KERN_SUCCESS ? message.header.msgh_id : 0;

	if (came != id)
		flow_fail(__FILE__, __LINE__, "%s of %u with 0x%x: notification %d, not %d",
			  ways[row->way], row->sends, row->armed, came, id);
	flow_notified(notify, -1);
}

START_TEST(a_receive_right_is_given_up)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *row = &rows[i];
		mach_port_t port = flow_receive_right(), died = flow_receive_right();
		mach_port_t alone = flow_receive_right(), back = flow_receive_right();

		flow_make_send(port, row->sends);
		if (row->armed & DN)
			flow_request(port, MACH_NOTIFY_DEAD_NAME, 0, died);
		if (row->armed & NS) /* without senders it waits for the first one */
			flow_request(port, MACH_NOTIFY_NO_SENDERS, 1, alone);
		if (row->armed & PD)
			flow_request(port, MACH_NOTIFY_PORT_DESTROYED, 0, back);
		flow_check_code(__FILE__, (int)i, ways[row->way], give_up(port, row->way),
				KERN_SUCCESS);
		expect_name(row, port);
		expect_notice(row, died, row->dead_name);
		expect_notice(row, alone, row->no_senders);
		expect_notice(row, back, row->port_destroyed);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract ends");
	TCase *tests = flow_case(suite, "receive rights");

	tcase_add_test(tests, a_receive_right_is_given_up);
	return flow_run(suite);
}
