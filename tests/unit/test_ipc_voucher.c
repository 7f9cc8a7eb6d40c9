/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vouchers and their recipes: what makes one, that equal ones are one, what is told of their
 * attributes, when they end, and who pays [23].
 */
#include <mach/mig_errors.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_qos.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_voucher.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_voucher.h"

enum {
	ALL = (int)MACH_VOUCHER_ATTR_KEY_ALL,
	ATM = MACH_VOUCHER_ATTR_KEY_ATM,
	IMPORTANCE = MACH_VOUCHER_ATTR_KEY_IMPORTANCE,
	BANK = MACH_VOUCHER_ATTR_KEY_BANK,
	PRIORITY = MACH_VOUCHER_ATTR_KEY_PTHPRIORITY,
	DATA = MACH_VOUCHER_ATTR_KEY_USER_DATA,
	TEST = MACH_VOUCHER_ATTR_KEY_TEST,
	COPY = MACH_VOUCHER_ATTR_COPY,
	REMOVE = MACH_VOUCHER_ATTR_REMOVE,
	REDEEM = MACH_VOUCHER_ATTR_REDEEM,
	STORE = MACH_VOUCHER_ATTR_USER_DATA_STORE,
};

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	return world;
}

static uint64_t vouchers(const struct world *world)
{
	return HASH_COUNT(world->lab->host->h_vouchers);
}

static const struct ipc_voucher *voucher_of(const struct lab_thread *thread, mach_port_name_t name)
{
	return ipc_voucher_lookup(thread->ipc->th_task->t_space, name);
}

/* One recipe gives that code, and nothing is left of it if that is a failure. */
#define one_is(code, thread, key, command, previous, content, size)                           \
	do {                                                                                  \
		mach_port_name_t one_;                                                        \
		lab_is(code,                                                                  \
		       lab_one_recipe(thread, key, command, previous, content, size, &one_)); \
		if ((code) == KERN_SUCCESS && one_)                                           \
			lab_ok(lab_deallocate(thread, one_));                                 \
	} while (0)

/* The voucher has this content under that key; NULL: the default. */
static void content_is(struct lab_thread *thread, mach_port_name_t voucher, uint32_t key,
		       const char *text)
{
	char bytes[8192];
	uint32_t size = 4096;

	lab_ok(lab_extract_content(thread, voucher, key, bytes, &size));
	LAB_CHECK(size == (text ? strlen(text) : 0), "%u bytes of content", size);
	if (text)
		ck_assert_mem_eq(bytes, text, size);
}

/* case 79 */
START_TEST(equal_contents_are_one_voucher_under_one_name)
{
	struct world world = begin();
	mach_port_name_t one = lab_new_voucher(world.a, "words"), other;

	ck_assert_uint_eq(lab_new_voucher(world.a, "words"), one);
	lab_name_is(world.a, one, SEND, 2);
	other = lab_new_voucher(world.a, "words.");
	ck_assert_uint_ne(other, one);
	ck_assert_uint_eq(vouchers(&world), 2);
	lab_ok(lab_deallocate(world.a, one));
	ck_assert_uint_eq(lab_new_voucher(world.a, "words"), one);
	ck_assert(voucher_of(world.b, lab_new_voucher(world.b, "words")) ==
		  voucher_of(world.a, one));
	lab_stop(world.lab);
}
END_TEST

/* The same bytes under another key, or divided otherwise, are other contents. */
START_TEST(keys_and_sizes_are_part_of_the_contents)
{
	struct world world = begin();
	struct lab_recipes recipes = {.size = 0};
	mach_port_name_t data, test, both;

	lab_ok(lab_one_recipe(world.a, DATA, STORE, 0, "ab", 2, &data));
	lab_ok(lab_one_recipe(world.a, TEST, STORE, 0, "ab", 2, &test));
	lab_recipe(&recipes, DATA, STORE, 0, "a", 1);
	lab_recipe(&recipes, TEST, STORE, 0, "b", 1);
	lab_ok(lab_create_voucher(world.a, &recipes, &both));
	ck_assert(data != test && data != both && test != both);
	content_is(world.a, both, DATA, "a");
	content_is(world.a, both, TEST, "b");
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_voucher_ends_with_its_last_send_right)
{
	struct world world = begin();
	mach_port_name_t one = lab_new_voucher(world.a, "words"), there;
	uint64_t ports = world.lab->host->h_port_count;

	there = lab_pass(world.a, one, COPY_SEND, world.b);
	lab_ok(lab_destroy(world.a, one));
	ck_assert_uint_eq(vouchers(&world), 1);
	lab_ok(lab_mod_refs(world.b, there, MACH_PORT_RIGHT_SEND, -1));
	ck_assert_uint_eq(vouchers(&world), 0);
	ck_assert_uint_lt(world.lab->host->h_port_count, ports);
	lab_kill(world.b->task);
	lab_new_voucher(world.a, "again");
	lab_stop_at_once(world.lab);
}
END_TEST

START_TEST(nobody_makes_rights_to_a_voucher)
{
	struct world world = begin();
	mach_port_name_t one = lab_new_voucher(world.a, "words"), right;
	uint32_t type;

	lab_is(KERN_INVALID_RIGHT, lab_extract_right(world.a, one, MAKE_SEND, &right, &type));
	lab_is(KERN_INVALID_RIGHT, lab_insert_right(world.a, one, one, MAKE_SEND));
	lab_is(KERN_INVALID_RIGHT, lab_mod_refs(world.a, one, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_stop(world.lab);
}
END_TEST

/* case 80 */
START_TEST(recipes_of_all_sizes)
{
	static const uint8_t zeros[5120];
	struct world world = begin();
	struct lab_recipes recipes = {.size = 0};
	mach_port_name_t voucher = 1;
	uint8_t bytes[5120];
	uint32_t whole, size;

	lab_ok(lab_create_voucher(world.a, &recipes, &voucher));
	ck_assert_uint_eq(voucher, MACH_PORT_NULL);
	ck_assert_uint_eq(vouchers(&world), 0);
	lab_recipe(&recipes, DATA, STORE, 0, "abcde", 5);
	for (whole = recipes.size; recipes.size > 1; recipes.size--)
		lab_is(recipes.size == whole ? KERN_SUCCESS : KERN_INVALID_ARGUMENT,
		       lab_create_voucher(world.a, &recipes, &voucher));
	recipes.size = 0;
	lab_recipe(&recipes, DATA, STORE, 0, zeros, 5120 - 16);
	lab_ok(lab_create_voucher(world.a, &recipes, &voucher));
	/* All of it comes out as a recipe; as content alone it is longer than any may be. */
	size = 5120;
	lab_ok(lab_extract(world.a, voucher, DATA, bytes, &size));
	ck_assert_uint_eq(size, 5120);
	lab_is(KERN_NO_SPACE, lab_extract_content(world.a, voucher, DATA, bytes, &size));
	recipes.size++;
	lab_is(MIG_ARRAY_TOO_LARGE, lab_create_voucher(world.a, &recipes, &voucher));
	recipes.size = 0;
	lab_recipe(&recipes, DATA, STORE, 0, "abcd", 4);
	memset(recipes.bytes + 12, 0xff, 4); /* a content of 4 GiB */
	lab_is(KERN_INVALID_ARGUMENT, lab_create_voucher(world.a, &recipes, &voucher));
	lab_stop(world.lab);
}
END_TEST

/* No frame brings so much; the rule is the attribute's own. */
START_TEST(user_data_has_a_largest_size)
{
	static uint8_t bytes[16 + 16385];
	const mach_voucher_attr_recipe_data_t head = {
		.key = DATA, .command = STORE, .content_size = 16385};
	struct world world = begin();
	struct ipc_port *port;
	kern_return_t kr;

	for (unsigned over = 0; over < 2; over++) {
		memcpy(bytes, &head, sizeof head);
		bytes[12] = (uint8_t)over; /* the low byte of 16384 or 16385 */
		kr = ipc_voucher_create(world.lab->host, world.a->ipc->th_task, bytes,
					sizeof bytes - 1 + over, &port);
		lab_is(over ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS, kr);
		if (port)
			ipc_port_release_send(world.lab->host, port);
	}
	lab_stop(world.lab);
}
END_TEST

/* case 82 */
START_TEST(commands_take_content_or_none)
{
	struct world world = begin();
	mach_port_name_t one = lab_new_voucher(world.a, "words");

	one_is(KERN_INVALID_ARGUMENT, world.a, DATA, COPY, one, "x", 1);
	one_is(KERN_INVALID_ARGUMENT, world.a, ALL, COPY, one, "x", 1);
	one_is(KERN_INVALID_ARGUMENT, world.a, DATA, REMOVE, one, "x", 1);
	one_is(KERN_INVALID_ARGUMENT, world.a, DATA, MACH_VOUCHER_ATTR_NOOP, 0, "x", 1);
	one_is(KERN_INVALID_ARGUMENT, world.a, IMPORTANCE, MACH_VOUCHER_ATTR_IMPORTANCE_SELF, 0,
	       "x", 1);
	one_is(KERN_INVALID_ARGUMENT, world.a, PRIORITY, MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE, 0,
	       "xyz", 3);
	one_is(KERN_INVALID_ARGUMENT, world.a, PRIORITY, MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE, 0,
	       "vwxyz", 5);
	one_is(KERN_SUCCESS, world.a, DATA, STORE, 0, NULL, 0);
	lab_stop(world.lab);
}
END_TEST

/* case 82, the second half */
START_TEST(the_previous_voucher_must_be_one)
{
	struct world world = begin();
	mach_port_name_t one = lab_new_voucher(world.a, "words");
	const mach_port_name_t wrong[] = {
		lab_new_service(world.a), lab_new_port(world.a), lab_new_dead_name(world.a),
		lab_new_set(world.a),	  MACH_PORT_DEAD,	 one + 0x100000,
		world.a->task->host};

	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
		one_is(KERN_INVALID_CAPABILITY, world.a, DATA, COPY, wrong[i], NULL, 0);
	/* It is looked at even when the command has no use for it, and before the key. */
	one_is(KERN_INVALID_CAPABILITY, world.a, DATA, STORE, wrong[0], "x", 1);
	one_is(KERN_INVALID_CAPABILITY, world.a, 99, STORE, wrong[0], "x", 1);
	one_is(KERN_SUCCESS, world.a, DATA, STORE, one, "x", 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(unknown_keys_and_commands)
{
	struct world world = begin();
	mach_port_name_t one = lab_new_voucher(world.a, "words");
	const uint32_t keys[] = {0, ATM, 5, 6, 9, 0x80000000};

	for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
		one_is(KERN_INVALID_ARGUMENT, world.a, keys[i], STORE, 0, "x", 1);
	one_is(KERN_INVALID_ARGUMENT, world.a, ALL, STORE, 0, "x", 1);
	one_is(KERN_INVALID_ARGUMENT, world.a, DATA, 212, 0, "x", 1);
	one_is(KERN_INVALID_ARGUMENT, world.a, DATA, MACH_VOUCHER_ATTR_NOOP, 0, NULL, 0);
	one_is(KERN_INVALID_ARGUMENT, world.a, DATA, MACH_VOUCHER_ATTR_AUTO_REDEEM, one, NULL, 0);
	one_is(KERN_INVALID_ARGUMENT, world.a, IMPORTANCE, STORE, 0, NULL, 0);
	one_is(KERN_INVALID_ARGUMENT, world.a, BANK, STORE, 0, NULL, 0);
	one_is(KERN_INVALID_ARGUMENT, world.a, PRIORITY, REDEEM, one, NULL, 0);
	one_is(KERN_INVALID_CAPABILITY, world.a, DATA, MACH_VOUCHER_ATTR_SET_VALUE_HANDLE, 0,
	       "12345678", 8);
	one_is(KERN_INVALID_ARGUMENT, world.a, 9, COPY, one, NULL, 0);
	one_is(KERN_INVALID_ARGUMENT, world.a, 9, REMOVE, 0, NULL, 0);
	/* Keys that nobody has values for can be copied; with nothing to copy any can. */
	one_is(KERN_SUCCESS, world.a, 5, COPY, one, NULL, 0);
	one_is(KERN_SUCCESS, world.a, 9, COPY, 0, NULL, 0);
	ck_assert_uint_eq(vouchers(&world), 1);
	lab_stop(world.lab);
}
END_TEST

/* Vouchers with "one" and "two" as user data and "test" beside the first. */
static void make_two(struct lab_thread *thread, mach_port_name_t *one, mach_port_name_t *two)
{
	struct lab_recipes recipes = {.size = 0};

	lab_recipe(&recipes, DATA, STORE, 0, "one", 3);
	lab_recipe(&recipes, TEST, STORE, 0, "test", 4);
	lab_ok(lab_create_voucher(thread, &recipes, one));
	*two = lab_new_voucher(thread, "two");
}

START_TEST(copying_one_key_and_all)
{
	struct world world = begin();
	struct lab_recipes recipes = {.size = 0};
	mach_port_name_t one, two, made;

	make_two(world.a, &one, &two);
	lab_ok(lab_one_recipe(world.a, ALL, COPY, one, NULL, 0, &made));
	ck_assert_uint_eq(made, one);
	lab_ok(lab_one_recipe(world.a, DATA, COPY, two, NULL, 0, &made));
	ck_assert_uint_eq(made, two);
	lab_recipe(&recipes, ALL, COPY, one, NULL, 0);
	lab_recipe(&recipes, DATA, COPY, two, NULL, 0);
	lab_ok(lab_create_voucher(world.a, &recipes, &made));
	content_is(world.a, made, DATA, "two");
	content_is(world.a, made, TEST, "test");
	/* Copying everything copies what is not there, too. */
	lab_recipe(&recipes, ALL, COPY, two, NULL, 0);
	lab_ok(lab_create_voucher(world.a, &recipes, &made));
	ck_assert_uint_eq(made, two);
	/* Without a voucher to copy from nothing changes. */
	lab_recipe(&recipes, ALL, COPY, 0, NULL, 0);
	lab_ok(lab_create_voucher(world.a, &recipes, &made));
	ck_assert_uint_eq(made, two);
	lab_stop(world.lab);
}
END_TEST

START_TEST(removing_one_key_all_and_what_matches)
{
	struct world world = begin();
	struct lab_recipes recipes = {.size = 0}, again;
	mach_port_name_t one, two, made, empty;

	make_two(world.a, &one, &two);
	lab_recipe(&recipes, ALL, COPY, one, NULL, 0);
	again = recipes;
	lab_recipe(&again, TEST, REMOVE, 0, NULL, 0);
	lab_ok(lab_create_voucher(world.a, &again, &made));
	content_is(world.a, made, DATA, "one");
	content_is(world.a, made, TEST, NULL);
	again = recipes;
	lab_recipe(&again, ALL, REMOVE, 0, NULL, 0);
	lab_ok(lab_create_voucher(world.a, &again, &empty));
	content_is(world.a, empty, DATA, NULL);
	again = recipes;
	lab_recipe(&again, ALL, REMOVE, two, NULL, 0); /* nothing is as there but what is not */
	lab_ok(lab_create_voucher(world.a, &again, &made));
	ck_assert_uint_eq(made, one);
	lab_recipe(&again, DATA, REMOVE, one, NULL, 0);
	lab_ok(lab_create_voucher(world.a, &again, &made));
	content_is(world.a, made, DATA, NULL);
	content_is(world.a, made, TEST, "test");
	lab_ok(lab_one_recipe(world.a, ALL, REMOVE, 0, NULL, 0, &made));
	ck_assert_uint_eq(made, empty);
	lab_stop(world.lab);
}
END_TEST

START_TEST(redeeming_gives_the_value_and_of_nothing_nothing)
{
	struct world world = begin();
	struct lab_recipes recipes = {.size = 0};
	mach_port_name_t one, two, made;
	const uint32_t word = 0x2ff;

	make_two(world.a, &one, &two);
	lab_ok(lab_one_recipe(world.a, ALL, REDEEM, one, NULL, 0, &made));
	ck_assert_uint_eq(made, one);
	lab_ok(lab_one_recipe(world.a, DATA, REDEEM, two, NULL, 0, &made));
	ck_assert_uint_eq(made, two);
	/* Without a previous voucher it is about what was made so far. */
	lab_recipe(&recipes, DATA, STORE, 0, "two", 3);
	lab_recipe(&recipes, DATA, REDEEM, 0, NULL, 0);
	lab_ok(lab_create_voucher(world.a, &recipes, &made));
	ck_assert_uint_eq(made, two);
	lab_ok(lab_one_recipe(world.a, TEST, REDEEM, two, NULL, 0, &made));
	content_is(world.a, made, TEST, NULL);
	/* A priority cannot be redeemed. */
	lab_ok(lab_one_recipe(world.a, PRIORITY, MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE, 0, &word, 4,
			      &made));
	one_is(KERN_INVALID_ARGUMENT, world.a, ALL, REDEEM, made, NULL, 0);
	lab_stop(world.lab);
}
END_TEST

/* case 83 */
START_TEST(a_recipe_comes_out_as_it_went_in)
{
	struct world world = begin();
	struct lab_recipes recipes = {.size = 0};
	mach_port_name_t one;
	uint8_t bytes[8192];
	uint32_t size;

	lab_recipe(&recipes, DATA, STORE, 0, "abcde", 5);
	lab_ok(lab_create_voucher(world.a, &recipes, &one));
	size = recipes.size;
	lab_ok(lab_extract(world.a, one, DATA, bytes, &size));
	ck_assert_uint_eq(size, recipes.size);
	ck_assert_mem_eq(bytes, recipes.bytes, size);
	size = recipes.size - 1;
	lab_is(KERN_NO_SPACE, lab_extract(world.a, one, DATA, bytes, &size));
	size = 15;
	lab_is(KERN_NO_SPACE, lab_extract(world.a, one, DATA, bytes, &size));
	size = 16; /* the head alone: who has no room for content gets none */
	lab_ok(lab_extract(world.a, one, DATA, bytes, &size));
	ck_assert_uint_eq(size, 16);
	for (unsigned key = 0; key < 10; key++) {
		size = 100;
		lab_ok(lab_extract(world.a, one, key == DATA ? TEST : key, bytes, &size));
		ck_assert_uint_eq(size, 0);
	}
	size = 5121;
	lab_is(MIG_ARRAY_TOO_LARGE, lab_extract(world.a, one, DATA, bytes, &size));
	size = 4;
	lab_is(KERN_NO_SPACE, lab_extract_content(world.a, one, DATA, bytes, &size));
	lab_is(MACH_SEND_INVALID_DEST,
	       lab_extract(world.a, lab_new_service(world.a), DATA, bytes, &size));
	lab_is(MACH_SEND_INVALID_DEST, lab_extract(world.a, MACH_PORT_NULL, DATA, bytes, &size));
	lab_stop(world.lab);
}
END_TEST

START_TEST(all_recipes_make_the_same_voucher_again)
{
	struct world world = begin();
	struct lab_recipes recipes = {.size = 0}, out;
	mach_port_name_t one, again;

	lab_recipe(&recipes, TEST, STORE, 0, "test", 4);
	lab_recipe(&recipes, DATA, STORE, 0, "one", 3);
	lab_ok(lab_create_voucher(world.a, &recipes, &one));
	out.size = 5120;
	lab_ok(lab_extract_all(world.a, one, out.bytes, &out.size));
	ck_assert_uint_eq(out.size, recipes.size);
	lab_ok(lab_create_voucher(world.a, &out, &again));
	ck_assert_uint_eq(again, one);
	out.size = recipes.size - 1;
	lab_is(KERN_NO_SPACE, lab_extract_all(world.a, one, out.bytes, &out.size));
	lab_ok(lab_one_recipe(world.a, DATA, REMOVE, 0, NULL, 0, &one));
	out.size = 100;
	lab_ok(lab_extract_all(world.a, one, out.bytes, &out.size));
	ck_assert_uint_eq(out.size, 0);
	lab_stop(world.lab);
}
END_TEST

static kern_return_t debug_info(struct lab_thread *thread, mach_port_name_t name, uint32_t size)
{
	struct mach_voucher_debug_info_in in = {.name = name, .size = size};
	uint32_t out[100];

	return lab_call(thread, MACHD_ROUTINE_mach_voucher_debug_info, thread->task->self, &in,
			sizeof in, out, sizeof out, NULL);
}

START_TEST(a_debugger_sees_the_recipes_of_a_name)
{
	struct world world = begin();
	mach_port_name_t one = lab_new_voucher(world.a, "words");

	lab_ok(debug_info(world.a, one, 100));
	lab_is(KERN_NO_SPACE, debug_info(world.a, one, 20));
	lab_is(KERN_FAILURE, debug_info(world.a, lab_new_service(world.a), 100));
	lab_is(KERN_INVALID_ARGUMENT, debug_info(world.a, lab_new_port(world.a), 100));
	lab_is(KERN_INVALID_ARGUMENT, debug_info(world.a, MACH_PORT_NULL, 100));
	lab_is(KERN_INVALID_ARGUMENT, debug_info(world.a, MACH_PORT_DEAD, 100));
	lab_stop(world.lab);
}
END_TEST

/* --- the attributes --- */

static const struct {
	uint32_t word, canonical, qos;
} priorities[] = {
	{0, 0, 0},
	{0x000001ff, 0x000001ff, 1},
	{0x000020ff, 0x000020ff, 6},
	{0x000008fb, 0x000008fb, 4}, /* relative -4 */
	{0x000008f0, 0x000008f0, 4}, /* relative -15 */
	{0x000008ef, 0x000008ff, 4}, /* below that there is nothing */
	{0x00000803, 0x000008ff, 4}, /* nor above 0 */
	{0x810010ff, 0x000010ff, 5}, /* flags are dropped */
	{0x000030ff, 0x000030ff, 5}, /* of two classes the lower one counts */
	{0x000040ff, 0, 0},	     /* there is no such class */
	{0x200010ff, 0, 0},	     /* a scheduler's number */
	{0x020010ff, 0, 0},	     /* the event manager's */
	{0x000000ff, 0, 0},
};

START_TEST(priorities_are_canonical)
{
	struct world world = begin();
	mach_port_name_t one;
	uint32_t size, word;

	for (unsigned i = 0; i < sizeof priorities / sizeof *priorities; i++) {
		lab_ok(lab_one_recipe(world.a, PRIORITY, MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE, 0,
				      &priorities[i].word, 4, &one));
		ck_assert_uint_eq(ipc_voucher_priority(voucher_of(world.a, one)),
				  priorities[i].canonical);
		ck_assert_uint_eq(ipc_qos_of(ipc_voucher_priority(voucher_of(world.a, one))),
				  priorities[i].qos);
		size = sizeof word;
		lab_ok(lab_extract_content(world.a, one, PRIORITY, &word, &size));
		ck_assert_uint_eq(size, priorities[i].canonical ? 4 : 0);
		if (size)
			ck_assert_uint_eq(word, priorities[i].canonical);
		lab_ok(lab_deallocate(world.a, one));
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_priority_without_room)
{
	struct world world = begin();
	const uint32_t word = 0x10ff;
	mach_voucher_attr_recipe_data_t head;
	mach_port_name_t one;
	uint32_t bytes[8], size = 20;

	lab_ok(lab_one_recipe(world.a, PRIORITY, MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE, 0, &word, 4,
			      &one));
	lab_ok(lab_extract(world.a, one, PRIORITY, bytes, &size));
	memcpy(&head, bytes, sizeof head);
	ck_assert_uint_eq(head.command, MACH_VOUCHER_ATTR_PTHPRIORITY_NULL);
	size = 19;
	lab_is(KERN_NO_SPACE, lab_extract(world.a, one, PRIORITY, bytes, &size));
	size = 16;
	lab_is(KERN_INVALID_VALUE, lab_extract(world.a, one, PRIORITY, bytes, &size));
	size = 4;
	lab_is(KERN_FAILURE, lab_voucher_command(world.a, one, PRIORITY, 1, NULL, 0, bytes, &size));
	lab_stop(world.lab);
}
END_TEST

START_TEST(importance_names_its_maker)
{
	struct world world = begin();
	mach_port_name_t a, b;
	char text[64];
	uint32_t size = sizeof text, count = 1;

	lab_ok(lab_one_recipe(world.a, IMPORTANCE, MACH_VOUCHER_ATTR_IMPORTANCE_SELF, 0, NULL, 0,
			      &a));
	lab_ok(lab_one_recipe(world.b, IMPORTANCE, MACH_VOUCHER_ATTR_IMPORTANCE_SELF, 0, NULL, 0,
			      &b));
	ck_assert_uint_eq(lab_voucher_donor(world.a, a), world.a->ipc->th_task->t_id);
	ck_assert_uint_eq(lab_voucher_donor(world.b, b), world.b->ipc->th_task->t_id);
	ck_assert_uint_eq(lab_voucher_donor(world.a, lab_new_voucher(world.a, "words")), 0);
	lab_ok(lab_extract_content(world.a, a, IMPORTANCE, text, &size));
	ck_assert_uint_eq(size, strlen(text) + 1);
	size = 11; /* as much of it as there is room for */
	lab_ok(lab_extract_content(world.a, a, IMPORTANCE, text, &size));
	ck_assert_str_eq(text, "importance");
	lab_ok(lab_one_recipe(world.b, IMPORTANCE, REDEEM, lab_pass(world.a, a, COPY_SEND, world.b),
			      NULL, 0, &b));
	ck_assert_uint_eq(lab_voucher_donor(world.b, b), world.a->ipc->th_task->t_id);
	/* Nothing came with a message, so there is nothing to drop. */
	size = 0;
	lab_is(KERN_INVALID_ARGUMENT,
	       lab_voucher_command(world.a, a, IMPORTANCE,
				   MACH_VOUCHER_IMPORTANCE_ATTR_DROP_EXTERNAL, &count, 4, text,
				   &size));
	lab_is(KERN_NOT_SUPPORTED, lab_voucher_command(world.a, a, IMPORTANCE,
						       MACH_VOUCHER_IMPORTANCE_ATTR_ADD_EXTERNAL,
						       &count, 4, text, &size));
	lab_is(KERN_INVALID_ARGUMENT, lab_voucher_command(world.a, a, IMPORTANCE,
							  MACH_VOUCHER_IMPORTANCE_ATTR_ADD_EXTERNAL,
							  NULL, 0, text, &size));
	lab_stop(world.lab);
}
END_TEST

START_TEST(commands_go_to_attributes_that_exist)
{
	struct world world = begin();
	mach_port_name_t one = lab_new_voucher(world.a, "words");
	uint32_t answer, size = sizeof answer;

	lab_is(KERN_FAILURE, lab_voucher_command(world.a, one, DATA, 1, NULL, 0, &answer, &size));
	lab_is(KERN_INVALID_ARGUMENT,
	       lab_voucher_command(world.a, one, ATM, 1, NULL, 0, &answer, &size));
	lab_is(KERN_INVALID_ARGUMENT,
	       lab_voucher_command(world.a, one, 9, 1, NULL, 0, &answer, &size));
	lab_is(KERN_INVALID_ARGUMENT,
	       lab_voucher_command(world.a, one, BANK, 77, NULL, 0, &answer, &size));
	lab_is(KERN_INVALID_VALUE, lab_voucher_command(world.a, one, BANK, BANK_ORIGINATOR_PID,
						       NULL, 0, &answer, &size));
	lab_stop(world.lab);
}
END_TEST

static uint32_t bank_word(struct lab_thread *thread, mach_port_name_t voucher, uint32_t command)
{
	uint32_t word, size = sizeof word;

	lab_ok(lab_voucher_command(thread, voucher, BANK, command, NULL, 0, &word, &size));
	ck_assert_uint_eq(size, sizeof word);
	return word;
}

START_TEST(a_bank_value_is_ones_own_until_it_is_sent)
{
	struct world world = begin();
	mach_port_name_t a = lab_new_bank(world.a), b;
	uint8_t bytes[512];
	uint32_t size;

	ck_assert_uint_eq(lab_new_bank(world.a), a);
	ck_assert_uint_eq(bank_word(world.a, a, BANK_ORIGINATOR_PID), (uint32_t)world.a->pid);
	/* As a right in a body it says the same to everybody: "my own". */
	b = lab_pass(world.a, a, COPY_SEND, world.b);
	ck_assert_uint_eq(bank_word(world.b, b, BANK_ORIGINATOR_PID), (uint32_t)world.b->pid);
	ck_assert_uint_eq(bank_word(world.a, a, BANK_PERSONA_ID),
			  bank_word(world.b, b, BANK_PERSONA_ID)); /* of one uid */
	ck_assert_uint_eq(bank_word(world.a, a, BANK_PERSONA_ADOPT_ANY), FALSE);
	size = sizeof bytes;
	lab_is(KERN_INVALID_OBJECT,
	       lab_voucher_command(world.a, a, BANK, BANK_PERSONA_TOKEN, NULL, 0, bytes, &size));
	size = sizeof(struct persona_token) - 1;
	lab_is(KERN_NO_SPACE,
	       lab_voucher_command(world.a, a, BANK, BANK_PERSONA_TOKEN, NULL, 0, bytes, &size));
	size = 499;
	lab_is(KERN_NO_SPACE, lab_extract_content(world.a, a, BANK, bytes, &size));
	size = 500;
	lab_ok(lab_extract_content(world.a, a, BANK, bytes, &size));
	ck_assert_uint_eq(size, strlen((char *)bytes) + 1);
	one_is(KERN_SUCCESS, world.a, BANK, MACH_VOUCHER_ATTR_BANK_MODIFY_PERSONA, a, NULL, 0);
	lab_ok(lab_one_recipe(world.a, BANK, REDEEM, a, NULL, 0, &b));
	ck_assert_uint_eq(b, a);
	lab_stop(world.lab);
}
END_TEST

/* --- who pays, and running out --- */

START_TEST(different_vouchers_are_charged_to_their_maker)
{
	struct world world = begin();
	struct machd_limits limits;
	mach_port_name_t one, voucher;

	machd_limits_init(&limits);
	limits.task_share = 100;
	limits.vouchers_per_user = 2;
	lab_limits(world.lab, &limits);
	one = lab_new_voucher(world.a, "one");
	lab_new_voucher(world.a, "two");
	one_is(KERN_RESOURCE_SHORTAGE, world.a, DATA, STORE, 0, "three", 5);
	ck_assert_uint_eq(lab_new_voucher(world.a, "one"), one); /* it costs nothing more */
	lab_new_voucher(lab_task(world.lab, 2000)->thread, "three");
	lab_ok(lab_one_recipe(world.a, DATA, STORE, 0, "three", 5, &voucher));
	lab_ok(lab_destroy(world.a, one));
	lab_new_voucher(world.a, "four");
	lab_stop(world.lab);
}
END_TEST

START_TEST(running_out_of_memory_leaves_nothing_half_done)
{
	for (uint64_t n = 1, failed = 1; failed; n++) {
		struct world world = begin();
		mach_port_name_t voucher;
		kern_return_t kr;

		mem_fail_after(n);
		kr = lab_one_recipe(world.a, DATA, STORE, 0, "words", 5, &voucher);
		mem_fail_after(0);
		failed = kr != KERN_SUCCESS;
		if (failed) {
			lab_is(KERN_RESOURCE_SHORTAGE, kr);
			ck_assert_uint_eq(vouchers(&world), 0);
		}
		lab_stop(world.lab);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, equal_contents_are_one_voucher_under_one_name);
	tcase_add_test(tests, keys_and_sizes_are_part_of_the_contents);
	tcase_add_test(tests, a_voucher_ends_with_its_last_send_right);
	tcase_add_test(tests, nobody_makes_rights_to_a_voucher);
	tcase_add_test(tests, recipes_of_all_sizes);
	tcase_add_test(tests, user_data_has_a_largest_size);
	tcase_add_test(tests, commands_take_content_or_none);
	tcase_add_test(tests, the_previous_voucher_must_be_one);
	tcase_add_test(tests, unknown_keys_and_commands);
	tcase_add_test(tests, copying_one_key_and_all);
	tcase_add_test(tests, removing_one_key_all_and_what_matches);
	tcase_add_test(tests, redeeming_gives_the_value_and_of_nothing_nothing);
	tcase_add_test(tests, a_recipe_comes_out_as_it_went_in);
	tcase_add_test(tests, all_recipes_make_the_same_voucher_again);
	tcase_add_test(tests, a_debugger_sees_the_recipes_of_a_name);
	tcase_add_test(tests, priorities_are_canonical);
	tcase_add_test(tests, a_priority_without_room);
	tcase_add_test(tests, importance_names_its_maker);
	tcase_add_test(tests, commands_go_to_attributes_that_exist);
	tcase_add_test(tests, a_bank_value_is_ones_own_until_it_is_sent);
	tcase_add_test(tests, different_vouchers_are_charged_to_their_maker);
	tcase_add_test(tests, running_out_of_memory_leaves_nothing_half_done);
}

int main(void)
{
	return lab_run("ipc_voucher", add_tests);
}
