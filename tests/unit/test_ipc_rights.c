/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every disposition on every kind of name, in the three places of a message where a right can be:
 * what the sender keeps, what the port counts, what the receiver gets [4.1, 4.2]. The tables here
 * say what Mach promises; they know nothing of how the daemon does it.
 */
#include "tests/lab/lab_expect.h"

enum { MANY = 65535 };

/* What a name is before it is sent. */
enum kind {
	IS_NOTHING,
	IS_RECEIVE,
	IS_SEND_1,
	IS_SEND_2,
	IS_SEND_MANY,
	IS_BOTH_1,
	IS_BOTH_2,
	IS_BOTH_MANY,
	IS_ONCE,
	IS_DEAD_1,
	IS_DEAD_2,
	IS_DEAD_MANY,
	IS_STALE_SEND, /* the port has died and nobody has looked at the name since */
	IS_STALE_ONCE,
	IS_SET,
	KINDS,
};

/* Type and count of each kind; of the stale ones, what they are when looked at. */
static const struct {
	uint32_t type, urefs;
	bool dead, stale;
} kinds[KINDS] = {
	[IS_NOTHING] = {.type = NO_NAME},
	[IS_RECEIVE] = {.type = RECEIVE},
	[IS_SEND_1] = {.type = SEND, .urefs = 1},
	[IS_SEND_2] = {.type = SEND, .urefs = 2},
	[IS_SEND_MANY] = {.type = SEND, .urefs = MANY},
	[IS_BOTH_1] = {.type = SEND_RECEIVE, .urefs = 1},
	[IS_BOTH_2] = {.type = SEND_RECEIVE, .urefs = 2},
	[IS_BOTH_MANY] = {.type = SEND_RECEIVE, .urefs = MANY},
	[IS_ONCE] = {.type = SEND_ONCE, .urefs = 1},
	[IS_DEAD_1] = {.type = DEAD_NAME, .urefs = 1, .dead = true},
	[IS_DEAD_2] = {.type = DEAD_NAME, .urefs = 2, .dead = true},
	[IS_DEAD_MANY] = {.type = DEAD_NAME, .urefs = MANY, .dead = true},
	[IS_STALE_SEND] = {.type = DEAD_NAME, .urefs = 2, .dead = true, .stale = true},
	[IS_STALE_ONCE] = {.type = DEAD_NAME, .urefs = 1, .dead = true, .stale = true},
	[IS_SET] = {.type = PORT_SET},
};

/* The combinations that are good; all others are refused and change nothing. */
struct move {
	enum kind kind;
	uint32_t disposition;
	uint32_t type, urefs;		/* of the name afterwards */
	uint32_t given;			/* what the receiver gets */
	int mscount, srights, sorights; /* change of the port's counts while the message waits */
};

static const struct move moves[] = {
	{IS_RECEIVE, MAKE_SEND, RECEIVE, 0, MOVE_SEND, 1, 1, 0},
	{IS_RECEIVE, MAKE_ONCE, RECEIVE, 0, MOVE_ONCE, 0, 0, 1},
	{IS_RECEIVE, MOVE_RECEIVE, NO_NAME, 0, MOVE_RECEIVE, 0, 0, 0},
	{IS_SEND_1, COPY_SEND, SEND, 1, MOVE_SEND, 0, 1, 0},
	{IS_SEND_1, MOVE_SEND, NO_NAME, 0, MOVE_SEND, 0, 0, 0},
	{IS_SEND_2, COPY_SEND, SEND, 2, MOVE_SEND, 0, 1, 0},
	{IS_SEND_2, MOVE_SEND, SEND, 1, MOVE_SEND, 0, 1, 0},
	{IS_SEND_MANY, COPY_SEND, SEND, MANY, MOVE_SEND, 0, 1, 0},
	{IS_SEND_MANY, MOVE_SEND, SEND, MANY, MOVE_SEND, 0, 1, 0},
	{IS_BOTH_1, MAKE_SEND, SEND_RECEIVE, 1, MOVE_SEND, 1, 1, 0},
	{IS_BOTH_1, MAKE_ONCE, SEND_RECEIVE, 1, MOVE_ONCE, 0, 0, 1},
	{IS_BOTH_1, COPY_SEND, SEND_RECEIVE, 1, MOVE_SEND, 0, 1, 0},
	{IS_BOTH_1, MOVE_SEND, RECEIVE, 0, MOVE_SEND, 0, 0, 0},
	{IS_BOTH_1, MOVE_RECEIVE, SEND, 1, MOVE_RECEIVE, 0, 0, 0},
	{IS_BOTH_2, MAKE_SEND, SEND_RECEIVE, 2, MOVE_SEND, 1, 1, 0},
	{IS_BOTH_2, MAKE_ONCE, SEND_RECEIVE, 2, MOVE_ONCE, 0, 0, 1},
	{IS_BOTH_2, COPY_SEND, SEND_RECEIVE, 2, MOVE_SEND, 0, 1, 0},
	{IS_BOTH_2, MOVE_SEND, SEND_RECEIVE, 1, MOVE_SEND, 0, 1, 0},
	{IS_BOTH_2, MOVE_RECEIVE, SEND, 2, MOVE_RECEIVE, 0, 0, 0},
	{IS_BOTH_MANY, MAKE_SEND, SEND_RECEIVE, MANY, MOVE_SEND, 1, 1, 0},
	{IS_BOTH_MANY, MAKE_ONCE, SEND_RECEIVE, MANY, MOVE_ONCE, 0, 0, 1},
	{IS_BOTH_MANY, COPY_SEND, SEND_RECEIVE, MANY, MOVE_SEND, 0, 1, 0},
	{IS_BOTH_MANY, MOVE_SEND, SEND_RECEIVE, MANY, MOVE_SEND, 0, 1, 0},
	{IS_BOTH_MANY, MOVE_RECEIVE, SEND, MANY, MOVE_RECEIVE, 0, 0, 0},
	{IS_ONCE, MOVE_ONCE, NO_NAME, 0, MOVE_ONCE, 0, 0, 0},
	{IS_DEAD_1, COPY_SEND, DEAD_NAME, 1, MOVE_SEND, 0, 0, 0},
	{IS_DEAD_1, MOVE_SEND, NO_NAME, 0, MOVE_SEND, 0, 0, 0},
	{IS_DEAD_1, MOVE_ONCE, NO_NAME, 0, MOVE_ONCE, 0, 0, 0},
	{IS_DEAD_2, COPY_SEND, DEAD_NAME, 2, MOVE_SEND, 0, 0, 0},
	{IS_DEAD_2, MOVE_SEND, DEAD_NAME, 1, MOVE_SEND, 0, 0, 0},
	{IS_DEAD_2, MOVE_ONCE, DEAD_NAME, 1, MOVE_ONCE, 0, 0, 0},
	{IS_DEAD_MANY, COPY_SEND, DEAD_NAME, MANY, MOVE_SEND, 0, 0, 0},
	{IS_DEAD_MANY, MOVE_SEND, DEAD_NAME, MANY, MOVE_SEND, 0, 0, 0},
	{IS_DEAD_MANY, MOVE_ONCE, DEAD_NAME, MANY, MOVE_ONCE, 0, 0, 0},
	{IS_STALE_SEND, COPY_SEND, DEAD_NAME, 2, MOVE_SEND, 0, 0, 0},
	{IS_STALE_SEND, MOVE_SEND, DEAD_NAME, 1, MOVE_SEND, 0, 0, 0},
	{IS_STALE_SEND, MOVE_ONCE, DEAD_NAME, 1, MOVE_ONCE, 0, 0, 0},
	{IS_STALE_ONCE, COPY_SEND, DEAD_NAME, 1, MOVE_SEND, 0, 0, 0},
	{IS_STALE_ONCE, MOVE_SEND, NO_NAME, 0, MOVE_SEND, 0, 0, 0},
	{IS_STALE_ONCE, MOVE_ONCE, NO_NAME, 0, MOVE_ONCE, 0, 0, 0},
};

static const struct move *find_move(enum kind kind, uint32_t disposition)
{
	for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
		if (moves[i].kind == kind && moves[i].disposition == disposition)
			return &moves[i];
	return NULL;
}

/* A sender with a name of some kind and a way to a receiver; whoever has the receive right. */
struct scene {
	struct lab *lab;
	struct lab_thread *sender, *receiver, *owner; /* owner may be the sender */
	mach_port_name_t name;			      /* the sender's, under test */
	mach_port_name_t port;	    /* the owner's name for its port, if it lives */
	mach_port_name_t way, door; /* from the sender to the receiver */
	mach_port_status_t status;  /* of the port at the start */
	uint32_t srights;
};

static bool owned_by_sender(enum kind kind)
{
	return kinds[kind].type & RECEIVE;
}

static bool has_port(enum kind kind)
{
	return kinds[kind].type & (SEND_RECEIVE | SEND_ONCE);
}

/* Bring a name to its count; 0 means that there is nothing to count. */
static void set_count(struct scene *scene, mach_port_right_t right, uint32_t urefs)
{
	if (urefs > 1)
		lab_ok(lab_mod_refs(scene->sender, scene->name, right, (int32_t)urefs - 1));
}

static void make_own_port(struct scene *scene, enum kind kind)
{
	scene->name = scene->port = lab_new_port(scene->sender);
	if (kinds[kind].type == RECEIVE)
		return;
	lab_ok(lab_insert_right(scene->sender, scene->name, scene->name, MAKE_SEND));
	set_count(scene, MACH_PORT_RIGHT_SEND, kinds[kind].urefs);
}

/* A right to a port of the owner's. */
static void make_right(struct scene *scene, bool once, uint32_t urefs)
{
	scene->port = lab_new_port(scene->owner);
	scene->name =
		lab_pass(scene->owner, scene->port, once ? MAKE_ONCE : MAKE_SEND, scene->sender);
	if (!once)
		set_count(scene, MACH_PORT_RIGHT_SEND, urefs);
}

static void make_name(struct scene *scene, enum kind kind)
{
	switch (kind) {
	case IS_NOTHING:
		scene->name = lab_new_port(scene->sender);
		lab_ok(lab_destroy(scene->sender, scene->name));
		return;
	case IS_SET:
		scene->name = lab_new_set(scene->sender);
		return;
	case IS_DEAD_1:
	case IS_DEAD_2:
	case IS_DEAD_MANY:
		scene->name = lab_new_dead_name(scene->sender);
		set_count(scene, MACH_PORT_RIGHT_DEAD_NAME, kinds[kind].urefs);
		return;
	case IS_STALE_SEND:
	case IS_STALE_ONCE:
		make_right(scene, kind == IS_STALE_ONCE, kinds[kind].urefs);
		lab_ok(lab_destroy(scene->owner, scene->port));
		return;
	default:
		if (owned_by_sender(kind))
			make_own_port(scene, kind);
		else
			make_right(scene, kind == IS_ONCE, kinds[kind].urefs);
		return;
	}
}

static struct scene begin(enum kind kind)
{
	struct scene scene = {.lab = lab_start(NULL)};

	scene.sender = lab_task(scene.lab, 1000)->thread;
	scene.receiver = lab_task(scene.lab, 1000)->thread;
	scene.owner = owned_by_sender(kind) ? scene.sender : lab_task(scene.lab, 1000)->thread;
	scene.door = lab_new_port(scene.receiver);
	scene.way = lab_pass(scene.receiver, scene.door, MAKE_SEND, scene.sender);
	make_name(&scene, kind);
	if (has_port(kind)) {
		scene.status = lab_status(scene.owner, scene.port);
		scene.srights = lab_srights(scene.owner, scene.port);
	}
	return scene;
}

/* The port's counts differ from those at the start by so much. */
static void counts_changed(const struct scene *scene, int mscount, int srights, int sorights)
{
	mach_port_status_t now = lab_status(scene->owner, scene->port);

	ck_assert_int_eq((int)now.mps_mscount - (int)scene->status.mps_mscount, mscount);
	ck_assert_int_eq((int)lab_srights(scene->owner, scene->port) - (int)scene->srights,
			 srights);
	ck_assert_int_eq((int)now.mps_sorights - (int)scene->status.mps_sorights, sorights);
}

static void unchanged(const struct scene *scene, enum kind kind)
{
	if (has_port(kind))
		counts_changed(scene, 0, 0, 0);
	lab_name_is(scene->sender, scene->name, kinds[kind].type, kinds[kind].urefs);
}

/* While the message waits. */
static void taken(const struct scene *scene, const struct move *move)
{
	lab_name_is(scene->sender, scene->name, move->type, move->urefs);
	if (has_port(move->kind) && move->given != MOVE_RECEIVE)
		counts_changed(scene, move->mscount, move->srights, move->sorights);
}

/* A right came to the receiver, who had none to that port. */
static void given(const struct scene *scene, const struct move *move, mach_port_name_t name)
{
	static const uint32_t types[] = {
		[MOVE_RECEIVE] = RECEIVE, [MOVE_SEND] = SEND, [MOVE_ONCE] = SEND_ONCE};

	if (kinds[move->kind].dead) {
		ck_assert_uint_eq(name, MACH_PORT_DEAD);
		return;
	}
	lab_name_is(scene->receiver, name, types[move->given], move->given != MOVE_RECEIVE);
	if (move->given == MOVE_RECEIVE) {
		mach_port_status_t status = lab_status(scene->receiver, name);

		ck_assert_uint_eq(status.mps_mscount, 0);
		ck_assert_uint_eq(lab_srights(scene->receiver, name), scene->srights);
	}
}

START_TEST(a_body_right_moves_as_its_disposition_says)
{
	enum kind kind = (enum kind)_i;

	for (uint32_t disposition = 0; disposition < 32; disposition++) {
		struct scene scene = begin(kind);
		const struct move *move = find_move(kind, disposition);
		struct lab_buffer message = lab_to(scene.way, 1);

		lab_add_port(&message, scene.name, disposition);
		if (move) {
			lab_ok(lab_send_now(scene.sender, &message));
			taken(&scene, move);
			message = lab_message(scene.receiver, scene.door, 1);
			ck_assert_uint_eq(lab_port(&message, 0).disposition, move->given);
			given(&scene, move, lab_port(&message, 0).name);
		} else {
			lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(scene.sender, &message));
			unchanged(&scene, kind);
			lab_silent(scene.receiver, scene.door);
		}
		lab_stop(scene.lab);
	}
}
END_TEST

static bool in_header(uint32_t disposition)
{
	return disposition >= MOVE_SEND && disposition <= MAKE_ONCE;
}

START_TEST(a_reply_right_moves_as_its_disposition_says)
{
	enum kind kind = (enum kind)_i;

	for (uint32_t disposition = 0; disposition < 32; disposition++) {
		struct scene scene = begin(kind);
		const struct move *move =
			in_header(disposition) ? find_move(kind, disposition) : NULL;
		struct lab_buffer message;

		lab_compose(&message, scene.way, COPY_SEND, scene.name, disposition, 1);
		if (move) {
			lab_ok(lab_send_now(scene.sender, &message));
			taken(&scene, move);
			message = lab_message(scene.receiver, scene.door, 1);
			ck_assert_uint_eq(message.header.msgh_bits,
					  MACH_MSGH_BITS(move->given, MOVE_SEND));
			given(&scene, move, message.header.msgh_remote_port);
		} else {
			lab_is(in_header(disposition) ? MACH_SEND_INVALID_REPLY
						      : MACH_SEND_INVALID_HEADER,
			       lab_send_now(scene.sender, &message));
			unchanged(&scene, kind);
			lab_silent(scene.receiver, scene.door);
		}
		lab_stop(scene.lab);
	}
}
END_TEST

/* What a send to this name gives; a message to a right that died unnoticed goes nowhere. */
static mach_msg_return_t dest_code(enum kind kind, uint32_t disposition)
{
	if (!in_header(disposition))
		return MACH_SEND_INVALID_HEADER;
	if (kind == IS_STALE_ONCE && disposition == MOVE_ONCE)
		return MACH_MSG_SUCCESS;
	if (!find_move(kind, disposition) || kinds[kind].dead)
		return MACH_SEND_INVALID_DEST;
	return MACH_MSG_SUCCESS;
}

/* The owner receives what was sent to it by this right. */
static void destination_used(const struct scene *scene, const struct move *move)
{
	struct lab_buffer message;
	bool last = kinds[move->kind].urefs == 1 && move->disposition == MOVE_SEND;

	if (kinds[move->kind].dead)
		return;
	ck_assert_uint_eq(lab_status(scene->owner, scene->port).mps_msgcount, 1);
	message = lab_message(scene->owner, scene->port, 1);
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(0, move->given));
	ck_assert_uint_eq(message.header.msgh_local_port, scene->port);
	ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_NULL);
	counts_changed(scene, move->mscount, last ? -1 : 0, move->kind == IS_ONCE ? -1 : 0);
}

START_TEST(a_destination_is_used_as_its_disposition_says)
{
	enum kind kind = (enum kind)_i;

	for (uint32_t disposition = 0; disposition < 32; disposition++) {
		struct scene scene = begin(kind);
		mach_msg_return_t code = dest_code(kind, disposition);
		struct lab_buffer message;

		lab_compose(&message, scene.name, disposition, NOBODY, 0, 1);
		lab_is(code, lab_send_now(scene.sender, &message));
		if (code == MACH_MSG_SUCCESS) {
			taken(&scene, find_move(kind, disposition));
			destination_used(&scene, find_move(kind, disposition));
		} else {
			unchanged(&scene, kind);
		}
		lab_stop(scene.lab);
	}
}
END_TEST

START_TEST(null_and_dead_pass_with_any_disposition_in_a_body)
{
	for (uint32_t disposition = 0; disposition < 32; disposition++) {
		struct scene scene = begin(IS_NOTHING);
		bool legal = disposition == MOVE_RECEIVE || in_header(disposition);
		uint32_t shown = !legal							? 0
				 : disposition == MAKE_SEND || disposition == COPY_SEND ? MOVE_SEND
				 : disposition == MAKE_ONCE				? MOVE_ONCE
							    : disposition;
		struct lab_buffer message = lab_to(scene.way, 1);

		lab_add_port(&message, MACH_PORT_NULL, disposition);
		lab_add_port(&message, MACH_PORT_DEAD, disposition);
		lab_ok(lab_send_now(scene.sender, &message));
		message = lab_message(scene.receiver, scene.door, 1);
		ck_assert_uint_eq(lab_port(&message, 0).name, MACH_PORT_NULL);
		ck_assert_uint_eq(lab_port(&message, 1).name, MACH_PORT_DEAD);
		ck_assert_uint_eq(lab_port(&message, 0).disposition, shown);
		ck_assert_uint_eq(lab_port(&message, 1).disposition, shown);
		lab_stop(scene.lab);
	}
}
END_TEST

START_TEST(null_and_dead_pass_as_reply_with_their_type)
{
	struct scene scene = begin(IS_NOTHING);
	struct lab_buffer message;

	lab_compose(&message, scene.way, COPY_SEND, MACH_PORT_NULL, MAKE_ONCE, 1);
	lab_ok(lab_send_now(scene.sender, &message));
	message = lab_message(scene.receiver, scene.door, 1);
	ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_NULL);
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(MOVE_ONCE, MOVE_SEND));
	lab_compose(&message, scene.way, COPY_SEND, MACH_PORT_DEAD, COPY_SEND, 2);
	lab_ok(lab_send_now(scene.sender, &message));
	message = lab_message(scene.receiver, scene.door, 2);
	ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_DEAD);
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(MOVE_SEND, MOVE_SEND));
	lab_stop(scene.lab);
}
END_TEST

START_TEST(null_and_dead_are_no_destinations)
{
	static const mach_port_name_t names[] = {MACH_PORT_NULL, MACH_PORT_DEAD};
	struct scene scene = begin(IS_NOTHING);
	struct lab_buffer message;

	for (unsigned i = 0; i < 2; i++) {
		for (uint32_t disposition = 0; disposition < 32; disposition++) {
			lab_compose(&message, names[i], disposition, NOBODY, 0, 1);
			lab_is(in_header(disposition) ? MACH_SEND_INVALID_DEST
						      : MACH_SEND_INVALID_HEADER,
			       lab_send_now(scene.sender, &message));
		}
	}
	lab_stop(scene.lab);
}
END_TEST

/* Where a right arrives that the receiver has others to already. */
START_TEST(send_and_receive_rights_share_a_name_and_send_once_rights_never_do)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	mach_port_name_t port = lab_new_service(a);
	mach_port_name_t name = lab_pass(a, port, COPY_SEND, b);
	mach_port_name_t once;

	ck_assert_uint_eq(lab_srights(a, port), 2);
	ck_assert_uint_eq(lab_pass(a, port, COPY_SEND, b), name);
	ck_assert_uint_eq(lab_pass(a, port, MAKE_SEND, b), name);
	lab_name_is(b, name, SEND, 3);
	ck_assert_uint_eq(lab_srights(a, port), 2);
	once = lab_pass(a, port, MAKE_ONCE, b);
	ck_assert_uint_ne(once, name);
	ck_assert_uint_ne(lab_pass(a, port, MAKE_ONCE, b), once);
	lab_name_is(b, once, SEND_ONCE, 1);
	ck_assert_uint_eq(lab_pass(a, port, MOVE_RECEIVE, b), name);
	lab_name_is(b, name, SEND_RECEIVE, 3);
	lab_name_is(a, port, SEND, 1);
	ck_assert_uint_eq(lab_srights(b, name), 2);
	ck_assert_uint_eq(lab_pass(b, name, MOVE_SEND, a), port);
	lab_name_is(a, port, SEND, 2);
	lab_stop(lab);
}
END_TEST

START_TEST(a_send_right_that_comes_home_joins_the_receive_right)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	mach_port_name_t port = lab_new_port(a);
	mach_port_name_t name = lab_pass(a, port, MAKE_SEND, b);

	lab_name_is(a, port, RECEIVE, 0);
	ck_assert_uint_eq(lab_pass(b, name, MOVE_SEND, a), port);
	lab_name_is(a, port, SEND_RECEIVE, 1);
	lab_name_is(b, name, NO_NAME, 0);
	ck_assert_uint_eq(lab_srights(a, port), 1);
	lab_stop(lab);
}
END_TEST

START_TEST(a_right_to_a_port_that_died_on_the_way_arrives_dead_under_no_name)
{
	static const uint32_t dispositions[] = {MAKE_SEND, MAKE_ONCE};

	for (unsigned i = 0; i < 2; i++) {
		struct lab *lab = lab_start(NULL);
		struct lab_thread *a = lab_task(lab, 1000)->thread;
		struct lab_thread *b = lab_task(lab, 1000)->thread;
		mach_port_name_t door = lab_new_port(b), way = lab_pass(b, door, MAKE_SEND, a);
		mach_port_name_t port = lab_new_port(a);
		struct lab_buffer message = lab_to(way, 5);

		lab_add_port(&message, port, dispositions[i]);
		message.header.msgh_local_port = port;
		message.header.msgh_bits |= MACH_MSGH_BITS(0, dispositions[i]);
		lab_ok(lab_send_now(a, &message));
		lab_ok(lab_destroy(a, port));
		message = lab_message(b, door, 5);
		ck_assert_uint_eq(lab_port(&message, 0).name, MACH_PORT_DEAD);
		ck_assert_uint_eq(lab_port(&message, 0).disposition, i ? MOVE_ONCE : MOVE_SEND);
		ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_DEAD);
		ck_assert_uint_eq(MACH_MSGH_BITS_REMOTE(message.header.msgh_bits),
				  i ? MOVE_ONCE : MOVE_SEND);
		lab_stop(lab);
	}
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, a_body_right_moves_as_its_disposition_says, 0, KINDS);
	tcase_add_loop_test(tcase, a_reply_right_moves_as_its_disposition_says, 0, KINDS);
	tcase_add_loop_test(tcase, a_destination_is_used_as_its_disposition_says, 0, KINDS);
	tcase_add_test(tcase, null_and_dead_pass_with_any_disposition_in_a_body);
	tcase_add_test(tcase, null_and_dead_pass_as_reply_with_their_type);
	tcase_add_test(tcase, null_and_dead_are_no_destinations);
	tcase_add_test(tcase, send_and_receive_rights_share_a_name_and_send_once_rights_never_do);
	tcase_add_test(tcase, a_send_right_that_comes_home_joins_the_receive_right);
	tcase_add_test(tcase, a_right_to_a_port_that_died_on_the_way_arrives_dead_under_no_name);
}

int main(void)
{
	return lab_run("ipc_rights", add_tests);
}
