/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: their form, how soon one comes back, names of one's own choice, the table's limit, user
 * references and where they stop [2, 3].
 */
#include <stdlib.h>

#include "tests/lab/lab_expect.h"

enum { MANY = 65535 };

struct world {
	struct lab *lab;
	struct lab_thread *a;
};

static struct world begin_limited(uint64_t names_per_task, uint64_t seed)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.seed = seed;
	if (names_per_task)
		options.limits.names_per_task = names_per_task;
	world.lab = lab_start(&options);
	world.a = lab_task(world.lab, 1000)->thread;
	return world;
}

static struct world begin(void)
{
	return begin_limited(0, 1);
}

static void well_formed(mach_port_name_t name)
{
	ck_assert_uint_eq(name & 3, 3);
	ck_assert_uint_ne(name >> 8, 0);
	ck_assert_uint_ne(name, MACH_PORT_DEAD);
}

START_TEST(names_have_their_form_and_are_unique)
{
	enum { COUNT = 2000 };
	struct world world = begin();
	mach_port_name_t *names = calloc(COUNT, sizeof *names);

	ck_assert_ptr_nonnull(names);
	well_formed(world.a->task->self);
	well_formed(world.a->task->host);
	well_formed(world.a->task->bootstrap);
	for (unsigned i = 0; i < COUNT; i++) {
		names[i] = i % 3 == 0	? lab_new_port(world.a)
			   : i % 3 == 1 ? lab_new_set(world.a)
					: lab_new_dead_name(world.a);
		well_formed(names[i]);
		ck_assert_uint_lt(names[i] >> 8, 4096);
		for (unsigned j = 0; j < i; j++)
			if (names[j] >> 8 == names[i] >> 8)
				ck_abort_msg("0x%x and 0x%x", names[j], names[i]);
	}
	for (unsigned i = 0; i < COUNT; i++)
		lab_name_is(world.a, names[i],
			    i % 3 == 0	 ? RECEIVE
			    : i % 3 == 1 ? PORT_SET
					 : DEAD_NAME,
			    i % 3 == 2);
	free(names);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_freed_index_comes_back_with_the_next_generation)
{
	struct world world = begin();
	mach_port_name_t name = lab_new_dead_name(world.a), last;
	unsigned uses = 1, rollovers = 0;

	ck_assert_uint_eq(name & 0xff, 0x03);
	for (unsigned i = 0; i < 1000; i++) {
		last = name;
		lab_ok(lab_deallocate(world.a, last));
		lab_name_is(world.a, last, NO_NAME, 0);
		name = lab_new_dead_name(world.a);
		ck_assert_uint_eq(name >> 8, last >> 8);
		ck_assert_uint_ne(name, last);
		if ((name & 0xff) == 0x03) {
			ck_assert(uses == 16 || uses == 32 || uses == 48 || uses == 64);
			uses = 0;
			rollovers++;
		} else {
			ck_assert_uint_eq(name & 0xff, (last & 0xff) + 4);
		}
		uses++;
	}
	ck_assert_uint_gt(rollovers, 1000 / 64);
	lab_stop(world.lab);
}
END_TEST

START_TEST(another_seed_gives_other_names)
{
	mach_port_name_t names[2][64];

	for (unsigned run = 0; run < 2; run++) {
		struct world world = begin_limited(0, run + 1);

		for (unsigned i = 0; i < 64; i++)
			names[run][i] = lab_new_dead_name(world.a);
		lab_stop(world.lab);
	}
	ck_assert_mem_ne(names[0], names[1], sizeof names[0]);
}
END_TEST

/* Chosen names, one after the other in one space. */
static const struct {
	mach_port_name_t name;
	mach_port_right_t right;
	kern_return_t code;
} choices[] = {
	{0x01f403, MACH_PORT_RIGHT_RECEIVE, KERN_SUCCESS},
	{0x01f403, MACH_PORT_RIGHT_RECEIVE, KERN_NAME_EXISTS},
	{0x01f403, MACH_PORT_RIGHT_DEAD_NAME, KERN_NAME_EXISTS},
	{0x01f407, MACH_PORT_RIGHT_RECEIVE, KERN_FAILURE},
	{0x01f401, MACH_PORT_RIGHT_RECEIVE, KERN_INVALID_VALUE},
	{0x01f400, MACH_PORT_RIGHT_RECEIVE, KERN_INVALID_VALUE},
	{0x01f402, MACH_PORT_RIGHT_RECEIVE, KERN_INVALID_VALUE},
	{0x000003, MACH_PORT_RIGHT_RECEIVE, KERN_FAILURE},
	{0x0000ff, MACH_PORT_RIGHT_RECEIVE, KERN_FAILURE},
	{0xffffff03, MACH_PORT_RIGHT_RECEIVE, KERN_NO_SPACE},
	{0x02000003, MACH_PORT_RIGHT_RECEIVE, KERN_NO_SPACE}, /* index 131072 */
	{0x02000001, MACH_PORT_RIGHT_RECEIVE, KERN_NO_SPACE}, /* which is looked at first */
	{0x01ffff03, MACH_PORT_RIGHT_RECEIVE, KERN_SUCCESS},  /* the last one that fits */
	{MACH_PORT_NULL, MACH_PORT_RIGHT_RECEIVE, KERN_INVALID_VALUE},
	{MACH_PORT_DEAD, MACH_PORT_RIGHT_RECEIVE, KERN_INVALID_VALUE},
	{0x01f4ff, MACH_PORT_RIGHT_RECEIVE, KERN_FAILURE},
	{0x01f5ff, MACH_PORT_RIGHT_PORT_SET, KERN_SUCCESS},
	{0x01f663, MACH_PORT_RIGHT_DEAD_NAME, KERN_SUCCESS},
	{0x01f703, MACH_PORT_RIGHT_SEND, KERN_INVALID_VALUE},
	{0x01f703, MACH_PORT_RIGHT_SEND_ONCE, KERN_INVALID_VALUE},
	{0x01f703, MACH_PORT_RIGHT_LABELH, KERN_INVALID_VALUE},
	{0x01f703, 99, KERN_INVALID_VALUE},
};

START_TEST(a_chosen_name_must_be_free_well_formed_and_in_range)
{
	struct world world = begin();

	for (unsigned i = 0; i < sizeof choices / sizeof *choices; i++) {
		kern_return_t kr = lab_allocate_name(world.a, choices[i].right, choices[i].name);

		ck_assert_msg(kr == choices[i].code, "0x%x as %u gives %d, expected %d",
			      choices[i].name, choices[i].right, kr, choices[i].code);
	}
	lab_name_is(world.a, 0x01f403, RECEIVE, 0);
	lab_name_is(world.a, 0x01f5ff, PORT_SET, 0);
	lab_name_is(world.a, 0x01f663, DEAD_NAME, 1);
	lab_name_is(world.a, 0x01f703, NO_NAME, 0);
	lab_ok(lab_destroy(world.a, 0x01f403));
	lab_ok(lab_allocate_name(world.a, MACH_PORT_RIGHT_RECEIVE, 0x01f407));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_chosen_name_takes_nothing_from_the_others)
{
	struct world world = begin_limited(256, 1);
	mach_port_name_t name;
	unsigned count = 0;

	for (uint32_t index = 20; index < 250; index += 10)
		lab_ok(lab_allocate_name(world.a, MACH_PORT_RIGHT_DEAD_NAME, index << 8 | 0x0f));
	while (lab_allocate(world.a, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS) {
		ck_assert(name >> 8 < 20 || name >> 8 >= 250 || (name >> 8) % 10 != 0);
		count++;
	}
	ck_assert_uint_eq(count, 256 - 1 - 3 - 23); /* index 0, the task's own names, the chosen */
	lab_stop(world.lab);
}
END_TEST

START_TEST(each_index_can_be_chosen_while_the_table_grows)
{
	struct world world = begin();

	for (uint32_t index = 4; index < 600; index++) {
		lab_ok(lab_allocate_name(world.a, MACH_PORT_RIGHT_RECEIVE, index << 8 | 0x0b));
		lab_ok(lab_insert_right(world.a, index << 8 | 0x0b, index << 8 | 0x0b, MAKE_SEND));
	}
	for (uint32_t index = 4; index < 600; index++)
		lab_name_is(world.a, index << 8 | 0x0b, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(at_the_limit_there_is_no_space_until_a_name_is_freed)
{
	struct world world = begin_limited(64, 1);
	mach_port_name_t name, last = 0;
	unsigned count = 0;

	while (lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name) == KERN_SUCCESS) {
		last = name;
		count++;
	}
	ck_assert_uint_eq(count, 64 - 1 - 3);
	lab_is(KERN_NO_SPACE, lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_is(KERN_NO_SPACE, lab_allocate(world.a, MACH_PORT_RIGHT_PORT_SET, &name));
	lab_is(KERN_NO_SPACE, lab_allocate(world.a, MACH_PORT_RIGHT_DEAD_NAME, &name));
	lab_is(KERN_NO_SPACE, lab_allocate_name(world.a, MACH_PORT_RIGHT_RECEIVE, 64 << 8 | 3));
	lab_is(KERN_INVALID_VALUE, lab_allocate(world.a, MACH_PORT_RIGHT_SEND, &name));
	lab_ok(lab_destroy(world.a, last));
	lab_ok(lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_stop(world.lab);
}
END_TEST

/* Names with a send right alone, whatever else there is. */
static unsigned count_sends(struct lab_thread *thread)
{
	mach_port_name_t names[64];
	uint32_t types[64], next;
	unsigned count = 64, sends = 0;

	lab_ok(lab_names(thread, 0, names, types, &count, &next));
	for (unsigned i = 0; i < count; i++)
		sends += types[i] == SEND;
	return sends;
}

/* No more than 7/8 of the entries are send rights, and then nothing else gets one, either. */
START_TEST(a_table_is_full_of_send_rights_earlier)
{
	struct world world = begin_limited(64, 1);
	struct lab_thread *b = lab_task(world.lab, 1000)->thread;
	mach_port_name_t door = lab_new_port(world.a), name, last = 0;
	mach_port_name_t way = lab_pass(world.a, door, MAKE_SEND, b);
	struct lab_buffer message;

	for (;;) {
		lab_compose(&message, way, COPY_SEND, NOBODY, 0, 1);
		lab_add_port(&message, lab_new_port(b), MAKE_SEND);
		lab_ok(lab_send_now(b, &message));
		if (lab_receive_now(world.a, door, &message) != MACH_MSG_SUCCESS)
			break;
		last = lab_port(&message, 0).name;
	}
	ck_assert_uint_eq(lab_port(&message, 0).name, MACH_PORT_NULL);
	ck_assert_uint_eq(count_sends(world.a), 56);
	lab_is(KERN_NO_SPACE, lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_ok(lab_allocate_name(world.a, MACH_PORT_RIGHT_RECEIVE, 63 << 8 | 3));
	lab_ok(lab_deallocate(world.a, last));
	lab_ok(lab_allocate(world.a, MACH_PORT_RIGHT_RECEIVE, &name));
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_reverse_table_finds_every_port_while_the_table_grows)
{
	enum { COUNT = 3000 };
	struct world world = begin();
	struct lab_thread *b = lab_task(world.lab, 1000)->thread;
	mach_port_name_t *ports = calloc(COUNT, sizeof *ports),
			 *sends = calloc(COUNT, sizeof *sends);

	ck_assert(ports && sends);
	for (unsigned i = 0; i < COUNT; i++) {
		ports[i] = lab_new_service(world.a);
		sends[i] = lab_pass(world.a, ports[i], COPY_SEND, b);
	}
	for (unsigned i = 0; i < COUNT; i += 3) {
		lab_ok(lab_deallocate(b, sends[i]));
		sends[i] = lab_pass(world.a, ports[i], COPY_SEND, b);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		ck_assert_uint_eq(lab_pass(world.a, ports[i], COPY_SEND, b), sends[i]);
		ck_assert_uint_eq(lab_pass(b, sends[i], COPY_SEND, world.a), ports[i]);
		lab_name_is(b, sends[i], SEND, 2);
		lab_name_is(world.a, ports[i], SEND_RECEIVE, 2);
	}
	free(ports);
	free(sends);
	lab_stop(world.lab);
}
END_TEST

/* --- user references --- */

static const struct {
	uint32_t start;
	int32_t delta;
	kern_return_t code;
	uint32_t end; /* 0: gone */
} deltas[] = {
	{1, 3, KERN_SUCCESS, 4},
	{4, -5, KERN_INVALID_VALUE, 4},
	{4, -4, KERN_SUCCESS, 0},
	{4, -3, KERN_SUCCESS, 1},
	{4, 0, KERN_SUCCESS, 4},
	{1, 65536, KERN_INVALID_VALUE, 1},
	{1, -65536, KERN_INVALID_VALUE, 1},
	{1, INT32_MAX, KERN_INVALID_VALUE, 1},
	{1, INT32_MIN, KERN_INVALID_VALUE, 1},
	{1, 65533, KERN_SUCCESS, 65534},
	{1, 65534, KERN_SUCCESS, MANY},
	{1, 65535, KERN_SUCCESS, MANY},
	{65534, 1, KERN_SUCCESS, MANY},
	{65534, 65535, KERN_SUCCESS, MANY},
	{65534, -65535, KERN_INVALID_VALUE, 65534},
	{MANY, 1, KERN_SUCCESS, MANY},
	{MANY, -1, KERN_SUCCESS, MANY},
	{MANY, -65534, KERN_SUCCESS, MANY},
	{MANY, -65535, KERN_SUCCESS, 0},
};

/* What has user references: a send right, the same beside a receive right, a dead name. */
static const uint32_t counted[] = {SEND, SEND_RECEIVE, DEAD_NAME};

START_TEST(references_are_added_and_taken_and_stop_at_their_maximum)
{
	uint32_t type = counted[_i];
	mach_port_right_t right =
		type == DEAD_NAME ? MACH_PORT_RIGHT_DEAD_NAME : MACH_PORT_RIGHT_SEND;

	for (unsigned i = 0; i < sizeof deltas / sizeof *deltas; i++) {
		struct world world = begin();
		mach_port_name_t name =
			type == DEAD_NAME ? lab_new_dead_name(world.a) : lab_new_service(world.a);
		struct lab_thread *b = lab_task(world.lab, 1000)->thread;

		if (type == SEND)
			lab_pass(world.a, name, MOVE_RECEIVE, b);
		if (deltas[i].start > 1)
			lab_ok(lab_mod_refs(world.a, name, right, (int)deltas[i].start - 1));
		lab_name_is(world.a, name, type, deltas[i].start);
		lab_is(deltas[i].code, lab_mod_refs(world.a, name, right, deltas[i].delta));
		if (deltas[i].end)
			lab_name_is(world.a, name, type, deltas[i].end);
		else
			lab_name_is(world.a, name, type & RECEIVE, 0);
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(a_count_at_its_maximum_is_not_changed_by_rights_that_come_and_go)
{
	struct world world = begin();
	struct lab_thread *b = lab_task(world.lab, 1000)->thread;
	mach_port_name_t port = lab_new_service(world.a);
	mach_port_name_t name = lab_pass(world.a, port, COPY_SEND, b);

	lab_ok(lab_mod_refs(b, name, MACH_PORT_RIGHT_SEND, 65534));
	lab_pass(world.a, port, COPY_SEND, b);
	lab_name_is(b, name, SEND, MANY);
	lab_pass(b, name, MOVE_SEND, world.a);
	lab_name_is(b, name, SEND, MANY);
	lab_ok(lab_deallocate(b, name));
	lab_name_is(b, name, SEND, MANY);
	ck_assert_uint_eq(lab_srights(world.a, port), 2);
	lab_ok(lab_destroy(world.a, port));
	lab_name_is(b, name, DEAD_NAME, MANY);
	lab_ok(lab_deallocate(b, name));
	lab_name_is(b, name, DEAD_NAME, MANY);
	lab_ok(lab_destroy(b, name));
	lab_name_is(b, name, NO_NAME, 0);
	lab_stop(world.lab);
}
END_TEST

/* --- the list of names --- */

START_TEST(names_are_listed_in_order_and_by_pages)
{
	enum { COUNT = 40000 };
	struct world world = begin();
	mach_port_name_t *names = calloc(COUNT + 10, sizeof *names), last = 0;
	uint32_t *types = calloc(COUNT + 10, sizeof *types), next = 0;
	unsigned total = 0, pages = 0, count;

	ck_assert(names && types);
	for (unsigned i = 0; i < COUNT; i++)
		lab_new_dead_name(world.a);
	do {
		lab_ok(lab_names(world.a, next, names, types, &count, &next));
		for (unsigned i = 0; i < count; i++) {
			LAB_TRUE(names[i] > last);
			last = names[i];
		}
		total += count;
		pages++;
	} while (next);
	ck_assert_uint_eq(total, COUNT + 3);
	ck_assert_uint_gt(pages, 2);
	lab_ok(lab_names(world.a, UINT32_MAX, names, types, &count, &next));
	ck_assert_uint_eq(count, 0);
	ck_assert_uint_eq(next, 0);
	free(names);
	free(types);
	lab_stop(world.lab);
}
END_TEST

/* The type that the list shows for a name, 0 if it is not there. */
static uint32_t listed(struct lab_thread *thread, mach_port_name_t name)
{
	mach_port_name_t names[64];
	uint32_t types[64], next;
	unsigned count;

	lab_ok(lab_names(thread, 0, names, types, &count, &next));
	for (unsigned i = 0; i < count; i++)
		if (names[i] == name)
			return types[i];
	return 0;
}

START_TEST(the_list_shows_types_and_requests)
{
	struct world world = begin();
	struct lab_thread *b = lab_task(world.lab, 1000)->thread;
	mach_port_name_t port = lab_new_service(world.a), notify = lab_new_port(b), previous;
	mach_port_name_t name = lab_pass(world.a, port, COPY_SEND, b);

	ck_assert_uint_eq(listed(world.a, port), SEND_RECEIVE);
	ck_assert_uint_eq(listed(b, name), SEND);
	ck_assert_uint_eq(listed(b, lab_new_set(b)), PORT_SET);
	lab_ok(lab_request_notification(b, name, MACH_NOTIFY_DEAD_NAME, 0, notify, MAKE_ONCE,
					&previous));
	ck_assert_uint_eq(listed(b, name), SEND | MACH_PORT_TYPE_DNREQUEST);
	lab_ok(lab_request_notification(b, name, MACH_NOTIFY_SEND_POSSIBLE, 0, notify, MAKE_ONCE,
					&previous));
	ck_assert_uint_eq(listed(b, name), SEND | MACH_PORT_TYPE_DNREQUEST |
						   MACH_PORT_TYPE_SPREQUEST |
						   MACH_PORT_TYPE_SPREQUEST_DELAYED);
	lab_fill(b, name, 5, 0);
	lab_ok(lab_request_notification(b, name, MACH_NOTIFY_SEND_POSSIBLE, 1, notify, MAKE_ONCE,
					&previous));
	ck_assert_uint_eq(listed(b, name),
			  SEND | MACH_PORT_TYPE_DNREQUEST | MACH_PORT_TYPE_SPREQUEST);
	lab_message(world.a, port, 0);
	lab_notice_of(b, notify, MACH_NOTIFY_SEND_POSSIBLE, name);
	ck_assert_uint_eq(listed(b, name), SEND);
	lab_ok(lab_destroy(world.a, port));
	ck_assert_uint_eq(listed(b, name), DEAD_NAME);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, names_have_their_form_and_are_unique);
	tcase_add_test(tcase, a_freed_index_comes_back_with_the_next_generation);
	tcase_add_test(tcase, another_seed_gives_other_names);
	tcase_add_test(tcase, a_chosen_name_must_be_free_well_formed_and_in_range);
	tcase_add_test(tcase, a_chosen_name_takes_nothing_from_the_others);
	tcase_add_test(tcase, each_index_can_be_chosen_while_the_table_grows);
	tcase_add_test(tcase, at_the_limit_there_is_no_space_until_a_name_is_freed);
	tcase_add_test(tcase, a_table_is_full_of_send_rights_earlier);
	tcase_add_test(tcase, the_reverse_table_finds_every_port_while_the_table_grows);
	tcase_add_loop_test(tcase, references_are_added_and_taken_and_stop_at_their_maximum, 0,
			    sizeof counted / sizeof *counted);
	tcase_add_test(tcase, a_count_at_its_maximum_is_not_changed_by_rights_that_come_and_go);
	tcase_add_test(tcase, names_are_listed_in_order_and_by_pages);
	tcase_add_test(tcase, the_list_shows_types_and_requests);
}

int main(void)
{
	return lab_run("ipc_names", add_tests);
}
