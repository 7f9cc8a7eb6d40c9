/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mach_port_ calls: what each gives for every kind of name, and what it changes [20]. What is
 * behind the calls is tested elsewhere.
 */
#include "tests/lab/lab_expect.h"

/* What a name can be when a call looks at it. */
enum kind {
	K_NULL,
	K_INVALID, /* MACH_PORT_DEAD */
	K_MISSING,
	K_RECEIVE,
	K_SEND,
	K_BOTH,
	K_ONCE,
	K_DEAD,
	K_STALE, /* a send right whose port has died unnoticed */
	K_SET,
	KINDS,
};

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port; /* of b, with a send right */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_service(world.b);
	return world;
}

/* A name of a's. */
static mach_port_name_t make(struct world *world, enum kind kind)
{
	mach_port_name_t name, port;

	switch (kind) {
	case K_NULL:
		return MACH_PORT_NULL;
	case K_INVALID:
		return MACH_PORT_DEAD;
	case K_MISSING:
		name = lab_new_port(world->a);
		lab_ok(lab_destroy(world->a, name));
		return name;
	case K_RECEIVE:
		return lab_new_port(world->a);
	case K_SEND:
		return lab_pass(world->b, world->port, COPY_SEND, world->a);
	case K_BOTH:
		return lab_new_service(world->a);
	case K_ONCE:
		return lab_pass(world->b, world->port, MAKE_ONCE, world->a);
	case K_DEAD:
		return lab_new_dead_name(world->a);
	case K_STALE:
		port = lab_new_port(world->b);
		name = lab_pass(world->b, port, MAKE_SEND, world->a);
		lab_ok(lab_destroy(world->b, port));
		return name;
	default:
		return lab_new_set(world->a);
	}
}

enum {
	OK = KERN_SUCCESS,
	NAME = KERN_INVALID_NAME,
	RIGHT = KERN_INVALID_RIGHT,
	VALUE = KERN_INVALID_VALUE
};

/* --- calls with a name alone --- */

static kern_return_t call_type(struct lab_thread *thread, mach_port_name_t name)
{
	uint32_t type;

	return lab_type(thread, name, &type);
}

static kern_return_t call_names_set(struct lab_thread *thread, mach_port_name_t name)
{
	mach_port_name_t members[8];
	uint32_t next;
	unsigned count;

	return lab_get_set_status(thread, name, 0, members, &count, &next);
}

static kern_return_t call_set_mscount(struct lab_thread *thread, mach_port_name_t name)
{
	return lab_set_mscount(thread, name, 1);
}

static kern_return_t call_set_seqno(struct lab_thread *thread, mach_port_name_t name)
{
	return lab_set_seqno(thread, name, 1);
}

static kern_return_t call_set_context(struct lab_thread *thread, mach_port_name_t name)
{
	return lab_set_context(thread, name, 1);
}

static kern_return_t call_get_context(struct lab_thread *thread, mach_port_name_t name)
{
	uint64_t context;

	return lab_get_context(thread, name, &context);
}

static kern_return_t call_get_srights(struct lab_thread *thread, mach_port_name_t name)
{
	uint32_t srights;

	return lab_get_srights(thread, name, &srights);
}

static kern_return_t call_get_status(struct lab_thread *thread, mach_port_name_t name)
{
	uint32_t info[MACH_PORT_RECEIVE_STATUS_COUNT], count = MACH_PORT_RECEIVE_STATUS_COUNT;

	return lab_get_attributes(thread, name, MACH_PORT_RECEIVE_STATUS, info, &count);
}

static kern_return_t call_get_limits(struct lab_thread *thread, mach_port_name_t name)
{
	uint32_t info, count = 1;

	return lab_get_attributes(thread, name, MACH_PORT_LIMITS_INFO, &info, &count);
}

static kern_return_t call_set_limits(struct lab_thread *thread, mach_port_name_t name)
{
	uint32_t qlimit = 7;

	return lab_set_attributes(thread, name, MACH_PORT_LIMITS_INFO, &qlimit, 1);
}

static kern_return_t call_move_out(struct lab_thread *thread, mach_port_name_t name)
{
	return lab_move_member(thread, name, MACH_PORT_NULL);
}

static kern_return_t call_insert_member(struct lab_thread *thread, mach_port_name_t name)
{
	return lab_insert_member(thread, name, lab_new_set(thread));
}

static kern_return_t call_extract_member(struct lab_thread *thread, mach_port_name_t name)
{
	return lab_extract_member(thread, name, lab_new_set(thread));
}

static kern_return_t call_move_member(struct lab_thread *thread, mach_port_name_t name)
{
	return lab_move_member(thread, name, lab_new_set(thread));
}

static kern_return_t call_insert_into(struct lab_thread *thread, mach_port_name_t name)
{
	return lab_insert_member(thread, lab_new_port(thread), name);
}

static kern_return_t call_extract_from(struct lab_thread *thread, mach_port_name_t name)
{
	return lab_extract_member(thread, lab_new_port(thread), name);
}

static const struct {
	const char *name;
	kern_return_t (*call)(struct lab_thread *thread, mach_port_name_t name);
	kern_return_t codes[KINDS]; /* NULL DEAD missing receive send both once dead stale set */
} calls[] = {
	{"type", call_type, {NAME, OK, NAME, OK, OK, OK, OK, OK, OK, OK}},
	{"destroy", lab_destroy, {OK, OK, NAME, OK, OK, OK, OK, OK, OK, OK}},
	{"deallocate", lab_deallocate, {OK, OK, NAME, RIGHT, OK, OK, OK, OK, OK, OK}},
	{"get_set_status",
	 call_names_set,
	 {RIGHT, RIGHT, NAME, RIGHT, RIGHT, RIGHT, RIGHT, NAME, NAME, OK}},
	{"set_mscount",
	 call_set_mscount,
	 {RIGHT, RIGHT, NAME, OK, RIGHT, OK, RIGHT, NAME, NAME, RIGHT}},
	{"set_seqno",
	 call_set_seqno,
	 {RIGHT, RIGHT, NAME, OK, RIGHT, OK, RIGHT, NAME, NAME, RIGHT}},
	{"set_context",
	 call_set_context,
	 {RIGHT, RIGHT, NAME, OK, RIGHT, OK, RIGHT, NAME, NAME, RIGHT}},
	{"get_context",
	 call_get_context,
	 {RIGHT, RIGHT, NAME, OK, RIGHT, OK, RIGHT, NAME, NAME, RIGHT}},
	{"get_srights",
	 call_get_srights,
	 {NAME, NAME, NAME, OK, RIGHT, OK, RIGHT, NAME, NAME, RIGHT}},
	{"get_attributes status",
	 call_get_status,
	 {RIGHT, RIGHT, NAME, OK, RIGHT, OK, RIGHT, NAME, NAME, RIGHT}},
	{"get_attributes limits",
	 call_get_limits,
	 {OK, OK, NAME, OK, RIGHT, OK, RIGHT, NAME, NAME, RIGHT}},
	{"set_attributes limits",
	 call_set_limits,
	 {RIGHT, RIGHT, NAME, OK, RIGHT, OK, RIGHT, NAME, NAME, RIGHT}},
	{"move_member to none",
	 call_move_out,
	 {RIGHT, RIGHT, NAME, KERN_NOT_IN_SET, RIGHT, KERN_NOT_IN_SET, RIGHT, NAME, NAME, RIGHT}},
	{"move_member",
	 call_move_member,
	 {RIGHT, RIGHT, NAME, OK, RIGHT, OK, RIGHT, NAME, NAME, RIGHT}},
	{"insert_member",
	 call_insert_member,
	 {RIGHT, RIGHT, NAME, OK, RIGHT, OK, RIGHT, NAME, NAME, RIGHT}},
	{"extract_member",
	 call_extract_member,
	 {RIGHT, RIGHT, NAME, KERN_NOT_IN_SET, RIGHT, KERN_NOT_IN_SET, RIGHT, NAME, NAME, RIGHT}},
	{"insert_member set",
	 call_insert_into,
	 {RIGHT, RIGHT, NAME, RIGHT, RIGHT, RIGHT, RIGHT, NAME, NAME, OK}},
	{"extract_member set",
	 call_extract_from,
	 {RIGHT, RIGHT, NAME, RIGHT, RIGHT, RIGHT, RIGHT, NAME, NAME, KERN_NOT_IN_SET}},
};

START_TEST(each_call_says_what_is_wrong_with_a_name)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct world world = begin();
		kern_return_t kr = calls[_i].call(world.a, make(&world, kind));

		ck_assert_msg(kr == calls[_i].codes[kind], "%s on kind %d gives %d, expected %d",
			      calls[_i].name, kind, kr, calls[_i].codes[kind]);
		lab_stop(world.lab);
	}
}
END_TEST

/* --- get_refs and mod_refs: by kind of right --- */

enum { RIGHTS = 6 }; /* SEND RECEIVE SEND_ONCE PORT_SET DEAD_NAME LABELH */

/* Counts; below zero: minus the code. */
static const int refs[KINDS][RIGHTS] = {
	[K_NULL] = {1, -NAME, 1, -NAME, -NAME, -NAME},
	[K_INVALID] = {1, -NAME, 1, -NAME, -NAME, -NAME},
	[K_MISSING] = {-NAME, -NAME, -NAME, -NAME, -NAME, -NAME},
	[K_RECEIVE] = {0, 1, 0, 0, 0, 0},
	[K_SEND] = {1, 0, 0, 0, 0, 0},
	[K_BOTH] = {1, 1, 0, 0, 0, 0},
	[K_ONCE] = {0, 0, 1, 0, 0, 0},
	[K_DEAD] = {0, 0, 0, 0, 1, 0},
	[K_STALE] = {0, 0, 0, 0, 1, 0},
	[K_SET] = {0, 0, 0, 1, 0, 0},
};

START_TEST(get_refs_counts_each_right_of_a_name)
{
	for (uint32_t right = 0; right < RIGHTS; right++) {
		struct world world = begin();
		int wanted = refs[_i][right];
		uint32_t count;
		mach_port_name_t name = make(&world, (enum kind)_i);

		lab_is(wanted < 0 ? -wanted : OK, lab_get_refs(world.a, name, right, &count));
		if (wanted >= 0)
			ck_assert_int_eq((int)count, wanted);
		lab_is(VALUE, lab_get_refs(world.a, name, 6, &count));
		lab_is(VALUE, lab_get_refs(world.a, name, UINT32_MAX, &count));
		lab_stop(world.lab);
	}
}
END_TEST

/* What mod_refs gives for deltas of 0, -1 and +1 on each right of each kind of name. */
static const struct {
	kern_return_t zero, minus, plus;
} mods[KINDS][RIGHTS] = {
#define ALL(code)                \
	{                        \
		code, code, code \
	}
#define COUNTED            \
	{                  \
		OK, OK, OK \
	}
#define UNCOUNTED             \
	{                     \
		OK, OK, VALUE \
	}
	[K_NULL] = {ALL(OK), ALL(NAME), ALL(OK), ALL(NAME), ALL(NAME), ALL(NAME)},
	[K_INVALID] = {ALL(OK), ALL(NAME), ALL(OK), ALL(NAME), ALL(NAME), ALL(NAME)},
	[K_MISSING] = {ALL(NAME), ALL(NAME), ALL(NAME), ALL(NAME), ALL(NAME), ALL(NAME)},
	[K_RECEIVE] = {ALL(RIGHT), UNCOUNTED, ALL(RIGHT), ALL(RIGHT), ALL(RIGHT), ALL(RIGHT)},
	[K_SEND] = {COUNTED, ALL(RIGHT), ALL(RIGHT), ALL(RIGHT), ALL(RIGHT), ALL(RIGHT)},
	[K_BOTH] = {COUNTED, UNCOUNTED, ALL(RIGHT), ALL(RIGHT), ALL(RIGHT), ALL(RIGHT)},
	[K_ONCE] = {ALL(RIGHT), ALL(RIGHT), UNCOUNTED, ALL(RIGHT), ALL(RIGHT), ALL(RIGHT)},
	[K_DEAD] = {ALL(RIGHT), ALL(RIGHT), ALL(RIGHT), ALL(RIGHT), COUNTED, ALL(RIGHT)},
	[K_STALE] = {ALL(RIGHT), ALL(RIGHT), ALL(RIGHT), ALL(RIGHT), COUNTED, ALL(RIGHT)},
	[K_SET] = {ALL(RIGHT), ALL(RIGHT), ALL(RIGHT), UNCOUNTED, ALL(RIGHT), ALL(RIGHT)},
};

START_TEST(mod_refs_changes_the_right_that_the_name_has)
{
	for (uint32_t right = 0; right < RIGHTS; right++) {
		const int32_t deltas[] = {0, -1, 1};

		for (unsigned i = 0; i < 3; i++) {
			struct world world = begin();
			mach_port_name_t name = make(&world, (enum kind)_i);
			kern_return_t wanted = i == 0	? mods[_i][right].zero
					       : i == 1 ? mods[_i][right].minus
							: mods[_i][right].plus;

			lab_is(wanted, lab_mod_refs(world.a, name, right, deltas[i]));
			lab_is(VALUE, lab_mod_refs(world.a, name, 6, deltas[i]));
			lab_stop(world.lab);
		}
	}
}
END_TEST

START_TEST(uncounted_rights_take_minus_one_and_nothing_else)
{
	static const int32_t bad[] = {-2, 1, 2, 65535, -65535, INT32_MAX, INT32_MIN};
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a), once = lab_new_once(world.a, port);
	mach_port_name_t set = lab_new_set(world.a);

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		lab_is(VALUE, lab_mod_refs(world.a, port, MACH_PORT_RIGHT_RECEIVE, bad[i]));
		lab_is(VALUE, lab_mod_refs(world.a, once, MACH_PORT_RIGHT_SEND_ONCE, bad[i]));
		lab_is(VALUE, lab_mod_refs(world.a, set, MACH_PORT_RIGHT_PORT_SET, bad[i]));
		lab_is(RIGHT, lab_mod_refs(world.a, set, MACH_PORT_RIGHT_RECEIVE, bad[i]));
	}
	lab_ok(lab_mod_refs(world.a, once, MACH_PORT_RIGHT_SEND_ONCE, -1));
	lab_notice(world.a, port, MACH_NOTIFY_SEND_ONCE);
	lab_ok(lab_mod_refs(world.a, set, MACH_PORT_RIGHT_PORT_SET, -1));
	lab_ok(lab_mod_refs(world.a, port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(world.a, port, NO_NAME, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(deallocate_takes_one_reference_or_the_right)
{
	struct world world = begin();
	mach_port_name_t both = lab_new_service(world.a), dead = lab_new_dead_name(world.a);
	mach_port_name_t once = lab_new_once(world.a, both);

	lab_ok(lab_mod_refs(world.a, both, MACH_PORT_RIGHT_SEND, 1));
	lab_ok(lab_deallocate(world.a, both));
	lab_name_is(world.a, both, SEND_RECEIVE, 1);
	lab_ok(lab_deallocate(world.a, both));
	lab_name_is(world.a, both, RECEIVE, 0);
	lab_is(RIGHT, lab_deallocate(world.a, both));
	lab_ok(lab_deallocate(world.a, once));
	lab_notice(world.a, both, MACH_NOTIFY_SEND_ONCE);
	lab_ok(lab_mod_refs(world.a, dead, MACH_PORT_RIGHT_DEAD_NAME, 6));
	lab_ok(lab_deallocate(world.a, dead));
	lab_name_is(world.a, dead, DEAD_NAME, 6);
	lab_ok(lab_destroy(world.a, dead));
	lab_name_is(world.a, dead, NO_NAME, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_fresh_port_has_a_fresh_status)
{
	struct world world = begin();
	mach_port_status_t status = lab_status(world.a, lab_new_port(world.a));
	const mach_port_status_t fresh = {.mps_qlimit = 5};
	uint32_t info[17], count;

	ck_assert_mem_eq(&status, &fresh, sizeof status);
	for (count = 0; count < 10; count++) {
		uint32_t few = count;

		lab_is(KERN_FAILURE, lab_get_attributes(world.b, world.port,
							MACH_PORT_RECEIVE_STATUS, info, &few));
	}
	count = 17;
	lab_ok(lab_get_attributes(world.b, world.port, MACH_PORT_INFO_EXT, info, &count));
	ck_assert_uint_eq(count, 17);
	ck_assert_uint_eq(info[3], 5); /* the limit, as in the status */
	ck_assert_uint_eq(info[6], 1); /* there is a send right */
	for (unsigned i = 10; i < 17; i++)
		ck_assert_uint_eq(info[i], 0);
	count = 16;
	lab_is(KERN_FAILURE,
	       lab_get_attributes(world.b, world.port, MACH_PORT_INFO_EXT, info, &count));
	count = 17;
	lab_is(KERN_INVALID_ARGUMENT, lab_get_attributes(world.b, world.port, 99, info, &count));
	lab_stop(world.lab);
}
END_TEST

START_TEST(attributes_can_be_set_within_bounds)
{
	static const int32_t flavors[] = {0, MACH_PORT_RECEIVE_STATUS, MACH_PORT_INFO_EXT, 99, -1};
	struct world world = begin();
	uint32_t words[2] = {1025, 0};

	lab_is(VALUE, lab_set_attributes(world.b, world.port, MACH_PORT_LIMITS_INFO, words, 1));
	words[0] = UINT32_MAX;
	lab_is(VALUE, lab_set_attributes(world.b, world.port, MACH_PORT_LIMITS_INFO, words, 1));
	lab_is(KERN_FAILURE,
	       lab_set_attributes(world.b, world.port, MACH_PORT_LIMITS_INFO, words, 0));
	words[0] = 1024;
	lab_ok(lab_set_attributes(world.b, world.port, MACH_PORT_LIMITS_INFO, words, 2));
	ck_assert_uint_eq(lab_status(world.b, world.port).mps_qlimit, 1024);
	for (unsigned i = 0; i < sizeof flavors / sizeof *flavors; i++)
		lab_is(KERN_INVALID_ARGUMENT,
		       lab_set_attributes(world.b, world.port, flavors[i], words, 1));
	lab_stop(world.lab);
}
END_TEST

START_TEST(counts_can_be_set_and_looked_at)
{
	struct world world = begin();
	uint64_t context;

	lab_ok(lab_set_mscount(world.b, world.port, 0xffffffff));
	ck_assert_uint_eq(lab_status(world.b, world.port).mps_mscount, 0xffffffff);
	lab_ok(lab_insert_right(world.b, world.port, world.port, MAKE_SEND));
	ck_assert_uint_eq(lab_status(world.b, world.port).mps_mscount, 0);
	lab_ok(lab_set_seqno(world.b, world.port, 12));
	ck_assert_uint_eq(lab_status(world.b, world.port).mps_seqno, 12);
	lab_ok(lab_set_context(world.b, world.port, 0xfedcba9876543210));
	lab_ok(lab_get_context(world.b, world.port, &context));
	ck_assert_uint_eq(context, 0xfedcba9876543210);
	lab_ok(lab_mod_refs(world.b, world.port, MACH_PORT_RIGHT_SEND, 7));
	ck_assert_uint_eq(lab_srights(world.b, world.port), 1);
	lab_fill(world.b, world.port, 1, 1);
	ck_assert_uint_eq(lab_srights(world.b, world.port), 2);
	lab_pass(world.b, world.port, COPY_SEND, world.a);
	ck_assert_uint_eq(lab_srights(world.b, world.port), 3);
	ck_assert_uint_eq(lab_srights(world.a, lab_new_port(world.a)), 0);
	lab_stop(world.lab);
}
END_TEST

/* --- insert_right and extract_right --- */

START_TEST(a_send_right_is_inserted_beside_its_receive_right)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);

	lab_is(RIGHT, lab_insert_right(world.a, port, port, COPY_SEND));
	lab_ok(lab_insert_right(world.a, port, port, MAKE_SEND));
	lab_name_is(world.a, port, SEND_RECEIVE, 1);
	lab_ok(lab_insert_right(world.a, port, port, MAKE_SEND));
	ck_assert_uint_eq(lab_status(world.a, port).mps_mscount, 2);
	lab_ok(lab_insert_right(world.a, port, port, COPY_SEND));
	lab_name_is(world.a, port, SEND_RECEIVE, 3);
	ck_assert_uint_eq(lab_status(world.a, port).mps_mscount, 2);
	ck_assert_uint_eq(lab_srights(world.a, port), 1);
	lab_stop(world.lab);
}
END_TEST

/* Insertions into one space: name, right, type, code. Names by what they are. */
enum {
	FREE = 0x7703,
	N_OTHER = -1,
	N_PORT = -2,
	N_NULL = -3,
	N_INVALID = -4,
	N_DEAD = -5,
	N_SET = -6,
	N_MISSING = -7,
	N_MALFORMED = -8
};

static const struct {
	int name, right;
	uint32_t type;
	kern_return_t code;
} inserts[] = {
	{FREE, N_MISSING, MAKE_SEND, NAME},
	{FREE, N_NULL, MAKE_SEND, NAME},
	{FREE, N_INVALID, MAKE_SEND, NAME},
	{FREE, N_DEAD, COPY_SEND, KERN_INVALID_CAPABILITY},
	{FREE, N_DEAD, MAKE_SEND, RIGHT},
	{FREE, N_PORT, 99, RIGHT},
	{FREE, N_PORT, 15, RIGHT},
	{FREE, N_PORT, 22, RIGHT},
	{FREE, N_PORT, COPY_SEND, RIGHT},
	{FREE, N_PORT, MOVE_ONCE, RIGHT},
	{FREE, N_SET, MAKE_SEND, RIGHT},
	{FREE, N_PORT, MAKE_SEND, KERN_RIGHT_EXISTS},
	{N_OTHER, N_PORT, MAKE_SEND, KERN_RIGHT_EXISTS},
	{N_NULL, N_PORT, MAKE_SEND, VALUE},
	{N_INVALID, N_PORT, MAKE_SEND, VALUE},
	{N_MALFORMED, N_PORT, MAKE_SEND, VALUE},
	{N_PORT, N_PORT, MAKE_ONCE, KERN_NAME_EXISTS},
	{N_OTHER, N_PORT, MAKE_ONCE, KERN_NAME_EXISTS},
	{FREE, N_PORT, MAKE_ONCE, OK},
	{N_DEAD, N_DEAD, COPY_SEND, KERN_INVALID_CAPABILITY},
	{N_SET, N_SET, MAKE_SEND, RIGHT},
	{N_MISSING, N_MISSING, MAKE_SEND, NAME},
	{N_NULL, N_NULL, MAKE_SEND, NAME},
	{N_INVALID, N_INVALID, COPY_SEND, NAME},
};

static mach_port_name_t insert_name(struct world *world, int what, mach_port_name_t port,
				    mach_port_name_t other)
{
	switch (what) {
	case FREE:
		return FREE;
	case N_OTHER:
		return other;
	case N_PORT:
		return port;
	case N_NULL:
		return MACH_PORT_NULL;
	case N_INVALID:
		return MACH_PORT_DEAD;
	case N_MALFORMED:
		return 0x7701;
	default:
		return make(world, what == N_DEAD ? K_DEAD : what == N_SET ? K_SET : K_MISSING);
	}
}

START_TEST(insert_right_says_what_is_wrong)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a), other = lab_new_dead_name(world.a);
	mach_port_name_t name = insert_name(&world, inserts[_i].name, port, other);
	mach_port_name_t right = inserts[_i].right == inserts[_i].name
					 ? name
					 : insert_name(&world, inserts[_i].right, port, other);
	bool made = inserts[_i].right == N_PORT && inserts[_i].type == MAKE_SEND;

	lab_is(inserts[_i].code, lab_insert_right(world.a, name, right, inserts[_i].type));
	ck_assert_uint_eq(lab_status(world.a, port).mps_mscount, made);
	ck_assert_uint_eq(lab_srights(world.a, port), 0);
	if (inserts[_i].code == KERN_NAME_EXISTS)
		lab_notice(world.a, port, MACH_NOTIFY_SEND_ONCE);
	if (inserts[_i].code == OK)
		lab_name_is(world.a, FREE, SEND_ONCE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_right_can_be_inserted_under_a_name_of_choice)
{
	struct world world = begin();
	mach_port_name_t once = lab_new_once(world.b, world.port), name;

	name = lab_pass(world.b, world.port, COPY_SEND, world.a);
	lab_ok(lab_insert_right(world.a, 0x5503, name, MOVE_SEND));
	lab_name_is(world.a, name, NO_NAME, 0);
	lab_name_is(world.a, 0x5503, SEND, 1);
	lab_ok(lab_insert_right(world.b, 0x5507, once, MOVE_ONCE));
	lab_name_is(world.b, once, NO_NAME, 0);
	lab_name_is(world.b, 0x5507, SEND_ONCE, 1);
	name = lab_new_port(world.a);
	lab_ok(lab_insert_right(world.a, 0x660b, name, MOVE_RECEIVE));
	lab_name_is(world.a, name, NO_NAME, 0);
	lab_name_is(world.a, 0x660b, RECEIVE, 0);
	lab_ok(lab_insert_right(world.a, 0x660b, 0x660b, MAKE_SEND));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_receive_right_that_cannot_be_inserted_is_lost)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);

	lab_is(KERN_RIGHT_EXISTS, lab_insert_right(world.a, FREE, port, MOVE_RECEIVE));
	lab_name_is(world.a, port, DEAD_NAME, 1);
	lab_name_is(world.a, FREE, NO_NAME, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(rights_are_extracted_as_from_a_message)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a), dead = lab_new_dead_name(world.a), right;
	uint32_t type;

	lab_ok(lab_extract_right(world.a, port, COPY_SEND, &right, &type));
	ck_assert_uint_eq(right, port);
	ck_assert_uint_eq(type, MOVE_SEND);
	lab_name_is(world.a, port, SEND_RECEIVE, 2);
	lab_ok(lab_extract_right(world.a, port, MAKE_ONCE, &right, &type));
	lab_name_is(world.a, right, SEND_ONCE, 1);
	lab_ok(lab_extract_right(world.a, right, MOVE_ONCE, &right, &type));
	lab_name_is(world.a, right, SEND_ONCE, 1);
	lab_ok(lab_extract_right(world.a, dead, COPY_SEND, &right, &type));
	ck_assert_uint_eq(right, MACH_PORT_DEAD);
	lab_ok(lab_extract_right(world.a, port, MOVE_RECEIVE, &right, &type));
	ck_assert_uint_eq(right, port);
	ck_assert_uint_eq(type, MOVE_RECEIVE);
	lab_is(NAME, lab_extract_right(world.a, make(&world, K_MISSING), COPY_SEND, &right, &type));
	lab_is(RIGHT, lab_extract_right(world.a, MACH_PORT_NULL, COPY_SEND, &right, &type));
	lab_is(RIGHT, lab_extract_right(world.a, MACH_PORT_DEAD, COPY_SEND, &right, &type));
	lab_is(RIGHT,
	       lab_extract_right(world.a, make(&world, K_RECEIVE), COPY_SEND, &right, &type));
	lab_is(VALUE, lab_extract_right(world.a, port, 15, &right, &type));
	lab_is(VALUE, lab_extract_right(world.a, port, 22, &right, &type));
	lab_is(VALUE, lab_extract_right(world.a, port, 24, &right, &type));
	lab_is(VALUE, lab_extract_right(world.a, port, UINT32_MAX, &right, &type));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, each_call_says_what_is_wrong_with_a_name, 0,
			    sizeof calls / sizeof *calls);
	tcase_add_loop_test(tcase, get_refs_counts_each_right_of_a_name, 0, KINDS);
	tcase_add_loop_test(tcase, mod_refs_changes_the_right_that_the_name_has, 0, KINDS);
	tcase_add_test(tcase, uncounted_rights_take_minus_one_and_nothing_else);
	tcase_add_test(tcase, deallocate_takes_one_reference_or_the_right);
	tcase_add_test(tcase, a_fresh_port_has_a_fresh_status);
	tcase_add_test(tcase, attributes_can_be_set_within_bounds);
	tcase_add_test(tcase, counts_can_be_set_and_looked_at);
	tcase_add_test(tcase, a_send_right_is_inserted_beside_its_receive_right);
	tcase_add_loop_test(tcase, insert_right_says_what_is_wrong, 0,
			    sizeof inserts / sizeof *inserts);
	tcase_add_test(tcase, a_right_can_be_inserted_under_a_name_of_choice);
	tcase_add_test(tcase, a_receive_right_that_cannot_be_inserted_is_lost);
	tcase_add_test(tcase, rights_are_extracted_as_from_a_message);
}

int main(void)
{
	return lab_run("trap_port", add_tests);
}
