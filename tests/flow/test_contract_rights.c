/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_port_insert_right and mach_port_extract_right on every kind of name with every disposition:
 * the code, and what is left of the name and of its port [20, 4.1].
 */
#include "tests/flow/flow.h"

#define SELF	  mach_task_self()
#define FREE_NAME 0x55503

enum {
	MOVE_RECEIVE = MACH_MSG_TYPE_MOVE_RECEIVE,
	MOVE_SEND = MACH_MSG_TYPE_MOVE_SEND,
	MOVE_ONCE = MACH_MSG_TYPE_MOVE_SEND_ONCE,
	COPY_SEND = MACH_MSG_TYPE_COPY_SEND,
	MAKE_SEND = MACH_MSG_TYPE_MAKE_SEND,
	MAKE_ONCE = MACH_MSG_TYPE_MAKE_SEND_ONCE,
};

/* What a name is; a send right alone has its receive right in a queued message. */
enum kind { R, RS1, RS2, S1, S2, SO, PS, D1, D2, STALE, STALE_ONCE };

static mach_port_t box; /* where that message is */

static mach_port_t send_right(unsigned urefs)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_make_send(port, urefs - 1);
	box = flow_receive_right();
	flow_complex(&message, box, MAKE_SEND, 1);
	flow_add_port(&message, port, MOVE_RECEIVE);
	CHECK_OK(flow_send(&message));
	return port;
}

static mach_port_t make(enum kind kind)
{
	mach_port_t port, name;

	switch (kind) {
	case R:
		return flow_receive_right();
	case RS1:
	case RS2:
		port = flow_port();
		flow_make_send(port, kind == RS2);
		return port;
	case S1:
	case S2:
		return send_right(kind == S1 ? 1 : 2);
	case SO:
		return flow_send_once(flow_receive_right());
	case D1:
	case D2:
		return flow_dead_name(kind == D1 ? 1 : 2);
	case STALE:
		port = send_right(1);
		CHECK_OK(mach_port_destroy(SELF, box));
		return port;
	case STALE_ONCE:
		port = flow_receive_right();
		name = flow_send_once(port);
		CHECK_OK(mach_port_destroy(SELF, port));
		return name;
	default:
		CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &name));
		return name;
	}
}

/* A name now: one of its types and a count, or nothing. */
struct now {
	mach_port_type_t type;
	mach_port_urefs_t urefs;
};

#define GONE         \
	{            \
		0, 0 \
	}
#define HAS_R                             \
	{                                 \
		MACH_PORT_TYPE_RECEIVE, 0 \
	}
#define HAS_RS(n)                              \
	{                                      \
		MACH_PORT_TYPE_SEND_RECEIVE, n \
	}
#define HAS_S(n)                       \
	{                              \
		MACH_PORT_TYPE_SEND, n \
	}
#define HAS_SO                              \
	{                                   \
		MACH_PORT_TYPE_SEND_ONCE, 1 \
	}
#define HAS_PS                             \
	{                                  \
		MACH_PORT_TYPE_PORT_SET, 0 \
	}
#define HAS_D(n)                            \
	{                                   \
		MACH_PORT_TYPE_DEAD_NAME, n \
	}

static void expect(unsigned row, mach_port_t name, struct now expected)
{
	mach_port_type_t type = flow_type(name);
	mach_port_urefs_t urefs = 0;

	if (type & MACH_PORT_TYPE_DEAD_NAME)
		urefs = flow_refs(name, MACH_PORT_RIGHT_DEAD_NAME);
	else if (type & MACH_PORT_TYPE_SEND)
		urefs = flow_refs(name, MACH_PORT_RIGHT_SEND);
	else if (type & MACH_PORT_TYPE_SEND_ONCE)
		urefs = flow_refs(name, MACH_PORT_RIGHT_SEND_ONCE);
	if (type != expected.type || urefs != expected.urefs)
		flow_fail(__FILE__, __LINE__, "row %u: type 0x%x with %u, expected 0x%x with %u",
			  row, type, urefs, expected.type, expected.urefs);
}

struct row {
	enum kind kind;
	mach_msg_type_name_t disposition;
	kern_return_t code;
	struct now now;	  /* the name it was taken from */
	struct now there; /* the name it was put under, if that is another one */
};

/* --- under its own name --- */

static const struct row own[] = {
	{R, MAKE_SEND, KERN_SUCCESS, HAS_RS(1), GONE},
	{R, COPY_SEND, KERN_INVALID_RIGHT, HAS_R, GONE},
	{R, MOVE_SEND, KERN_INVALID_RIGHT, HAS_R, GONE},
	{R, MOVE_ONCE, KERN_INVALID_RIGHT, HAS_R, GONE},
	{R, MAKE_ONCE, KERN_NAME_EXISTS, HAS_R, GONE},
	{R, MOVE_RECEIVE, KERN_SUCCESS, HAS_R, GONE},
	{RS2, MAKE_SEND, KERN_SUCCESS, HAS_RS(3), GONE},
	{RS2, COPY_SEND, KERN_SUCCESS, HAS_RS(3), GONE},
	{RS1, MOVE_SEND, KERN_SUCCESS, HAS_RS(1), GONE},
	{RS2, MOVE_SEND, KERN_SUCCESS, HAS_RS(2), GONE},
	{RS2, MOVE_RECEIVE, KERN_SUCCESS, HAS_RS(2), GONE},
	{RS1, MAKE_ONCE, KERN_NAME_EXISTS, HAS_RS(1), GONE},
	{S1, COPY_SEND, KERN_SUCCESS, HAS_S(2), GONE},
	{S1, MAKE_SEND, KERN_INVALID_RIGHT, HAS_S(1), GONE},
	{S1, MOVE_SEND, KERN_SUCCESS, HAS_S(1), GONE},
	{S2, MOVE_SEND, KERN_SUCCESS, HAS_S(2), GONE},
	{S1, MOVE_RECEIVE, KERN_INVALID_RIGHT, HAS_S(1), GONE},
	{SO, MOVE_ONCE, KERN_SUCCESS, HAS_SO, GONE},
	{SO, COPY_SEND, KERN_INVALID_RIGHT, HAS_SO, GONE},
	{SO, MAKE_SEND, KERN_INVALID_RIGHT, HAS_SO, GONE},
	{PS, MAKE_SEND, KERN_INVALID_RIGHT, HAS_PS, GONE},
	{PS, MOVE_RECEIVE, KERN_INVALID_RIGHT, HAS_PS, GONE},
	{D2, COPY_SEND, KERN_INVALID_CAPABILITY, HAS_D(2), GONE},
	{D2, MAKE_SEND, KERN_INVALID_CAPABILITY, HAS_D(2), GONE},
	{D2, MOVE_SEND, KERN_INVALID_CAPABILITY, HAS_D(1), GONE},
	{D1, MOVE_ONCE, KERN_INVALID_CAPABILITY, GONE, GONE},
	{STALE, COPY_SEND, KERN_INVALID_CAPABILITY, HAS_D(1), GONE},
	{STALE, MAKE_SEND, KERN_INVALID_CAPABILITY, HAS_D(1), GONE},
	{STALE_ONCE, COPY_SEND, KERN_INVALID_CAPABILITY, HAS_D(1), GONE},
};

START_TEST(inserted_under_its_own_name)
{
	for (unsigned i = 0; i < sizeof own / sizeof *own; i++) {
		mach_port_t name = make(own[i].kind);

		flow_check_code(__FILE__, (int)i, "insert_right", /* the row stands for the line */
				mach_port_insert_right(SELF, name, name, own[i].disposition),
				own[i].code);
		expect(i, name, own[i].now);
	}
}
END_TEST

/* --- under a free name --- */

static const struct row fresh[] = {
	{R, MAKE_SEND, KERN_RIGHT_EXISTS, HAS_R, GONE},
	{R, MAKE_ONCE, KERN_SUCCESS, HAS_R, HAS_SO},
	{R, MOVE_RECEIVE, KERN_SUCCESS, GONE, HAS_R},
	{RS1, COPY_SEND, KERN_RIGHT_EXISTS, HAS_RS(1), GONE},
	{RS1, MOVE_SEND, KERN_RIGHT_EXISTS, HAS_R, GONE},	/* the right is lost */
	{RS2, MOVE_SEND, KERN_RIGHT_EXISTS, HAS_RS(1), GONE},	/* here, too */
	{RS2, MOVE_RECEIVE, KERN_RIGHT_EXISTS, HAS_D(2), GONE}, /* and the port here */
	{RS1, MAKE_ONCE, KERN_SUCCESS, HAS_RS(1), HAS_SO},
	{S1, COPY_SEND, KERN_RIGHT_EXISTS, HAS_S(1), GONE},
	{S1, MOVE_SEND, KERN_SUCCESS, GONE, HAS_S(1)},
	{S2, MOVE_SEND, KERN_RIGHT_EXISTS, HAS_S(1), GONE},
	{SO, MOVE_ONCE, KERN_SUCCESS, GONE, HAS_SO},
	{SO, MOVE_SEND, KERN_INVALID_RIGHT, HAS_SO, GONE},
	{PS, MOVE_RECEIVE, KERN_INVALID_RIGHT, HAS_PS, GONE},
	{D2, COPY_SEND, KERN_INVALID_CAPABILITY, HAS_D(2), GONE},
	{D2, MOVE_SEND, KERN_INVALID_CAPABILITY, HAS_D(1), GONE},
	{D1, MOVE_ONCE, KERN_INVALID_CAPABILITY, GONE, GONE},
	{D1, MAKE_SEND, KERN_INVALID_RIGHT, HAS_D(1), GONE},
	{STALE, MOVE_SEND, KERN_INVALID_CAPABILITY, GONE, GONE},
	{STALE_ONCE, MOVE_ONCE, KERN_INVALID_CAPABILITY, GONE, GONE},
};

START_TEST(inserted_under_a_free_name)
{
	for (unsigned i = 0; i < sizeof fresh / sizeof *fresh; i++) {
		mach_port_t name = make(fresh[i].kind), to = FREE_NAME + (i << 8);

		flow_check_code(__FILE__, (int)i, "insert_right",
				mach_port_insert_right(SELF, to, name, fresh[i].disposition),
				fresh[i].code);
		expect(i, name, fresh[i].now);
		expect(i, to, fresh[i].there);
	}
}
END_TEST

/* --- extracted: what the name has then, and the name that is given --- */

static const struct extracted {
	enum kind kind;
	mach_msg_type_name_t disposition, type;
	struct now now;
	enum { ITSELF, ANOTHER, NO_NAME } given;
} extracted[] = {
	{R, MAKE_SEND, MACH_MSG_TYPE_PORT_SEND, HAS_RS(1), ITSELF},
	{R, MAKE_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE, HAS_R, ANOTHER},
	{R, MOVE_RECEIVE, MACH_MSG_TYPE_PORT_RECEIVE, GONE, ANOTHER},
	{RS1, COPY_SEND, MACH_MSG_TYPE_PORT_SEND, HAS_RS(2), ITSELF},
	{RS1, MOVE_SEND, MACH_MSG_TYPE_PORT_SEND, HAS_RS(1), ITSELF},
	{RS2, MOVE_RECEIVE, MACH_MSG_TYPE_PORT_RECEIVE, HAS_RS(2), ITSELF},
	{S1, COPY_SEND, MACH_MSG_TYPE_PORT_SEND, HAS_S(2), ITSELF},
	{S2, MOVE_SEND, MACH_MSG_TYPE_PORT_SEND, HAS_S(2), ITSELF},
	{S1, MOVE_SEND, MACH_MSG_TYPE_PORT_SEND, GONE, ANOTHER},
	{SO, MOVE_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE, GONE, ANOTHER},
	{D2, COPY_SEND, MACH_MSG_TYPE_PORT_SEND, HAS_D(2), NO_NAME},
	{D2, MOVE_SEND, MACH_MSG_TYPE_PORT_SEND, HAS_D(1), NO_NAME},
	{D1, MOVE_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE, GONE, NO_NAME},
	{STALE, COPY_SEND, MACH_MSG_TYPE_PORT_SEND, HAS_D(1), NO_NAME},
	{STALE_ONCE, COPY_SEND, MACH_MSG_TYPE_PORT_SEND, HAS_D(1), NO_NAME},
	{STALE_ONCE, MOVE_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE, GONE, NO_NAME},
};

START_TEST(extracted_rights)
{
	for (unsigned i = 0; i < sizeof extracted / sizeof *extracted; i++) {
		mach_port_t name = make(extracted[i].kind), right = MACH_PORT_NULL;
		mach_msg_type_name_t type = 0;

		flow_check_code(__FILE__, (int)i, "extract_right",
				mach_port_extract_right(SELF, name, extracted[i].disposition,
							&right, &type),
				KERN_SUCCESS);
		CHECK_EQ(type, extracted[i].type);
		expect(i, name, extracted[i].now);
		if (extracted[i].given == ITSELF)
			CHECK_EQ(right, name);
		else if (extracted[i].given == NO_NAME)
			CHECK_EQ(right, MACH_PORT_DEAD);
		else
			CHECK(MACH_PORT_VALID(right) && right != name);
	}
}
END_TEST

/* --- what is wrong with the name: which error wins [20, 2] --- */

START_TEST(names_that_cannot_be_taken)
{
	mach_port_t port = flow_port(), once = flow_send_once(port), dead = flow_dead_name(1);
	const struct {
		mach_port_name_t name;
		mach_msg_type_name_t disposition;
		kern_return_t code;
	} rows[] = {
		{MACH_PORT_NULL, COPY_SEND, KERN_INVALID_VALUE},
		{MACH_PORT_DEAD, COPY_SEND, KERN_INVALID_VALUE},
		{0x44401, COPY_SEND, KERN_INVALID_VALUE}, /* not a name */
		{0x03, COPY_SEND, KERN_FAILURE},	  /* no index */
		{0xffffff03, COPY_SEND, KERN_NO_SPACE},
		{port + 4, COPY_SEND, KERN_FAILURE}, /* in use with another generation */
		{dead, COPY_SEND, KERN_RIGHT_EXISTS},
		{once, COPY_SEND, KERN_RIGHT_EXISTS},
		{dead, MAKE_ONCE, KERN_NAME_EXISTS},
		{once, MAKE_ONCE, KERN_NAME_EXISTS},
		{0x44403, COPY_SEND, KERN_RIGHT_EXISTS},
	};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		flow_check_code(
			__FILE__, (int)i, "insert_right",
			mach_port_insert_right(SELF, rows[i].name, port, rows[i].disposition),
			rows[i].code);
		if (rows[i].disposition == MAKE_ONCE)
			flow_notified(port, MACH_NOTIFY_SEND_ONCE);
		expect(i, port, (struct now)HAS_RS(1));
	}
	expect(0, once, (struct now)HAS_SO);
	expect(0, dead, (struct now)HAS_D(1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract rights");
	TCase *tests = flow_case(suite, "insert and extract");

	tcase_add_test(tests, inserted_under_its_own_name);
	tcase_add_test(tests, inserted_under_a_free_name);
	tcase_add_test(tests, extracted_rights);
	tcase_add_test(tests, names_that_cannot_be_taken);
	return flow_run(suite);
}
