/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists that are longer than one answer of their routine, asked for by a message: their arrays come
 * in memfds of the daemon's own [20, 29]. And what a process uses, by frame and by message [24].
 */
#include <mach/task_info.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_mig.h"

enum { MANY = 20000, TABLE = 30000, NAMES = 3200, SET_STATUS = 3211, SPACE_INFO = 3223 };

struct world {
	struct lab *lab;
	struct lab_thread *a;
	mach_port_name_t reply;
};

static struct world begin(const struct lab_options *options)
{
	struct world world = {.lab = lab_start(options)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.reply = lab_new_port(world.a);
	return world;
}

/* More names than one answer has, in a table that is larger still. */
static void make_names(const struct world *world)
{
	lab_ok(lab_allocate_name(world->a, MACH_PORT_RIGHT_DEAD_NAME, TABLE << 8 | 3));
	for (unsigned i = 0; i < MANY; i++)
		lab_new_dead_name(world->a);
}

static kern_return_t list(const struct world *world, int32_t id)
{
	return mig_simple(world->a, id, world->a->task->self, world->reply, NULL, 0);
}

/* Word number `index` of the memory that was given before the last, or last. */
static uint32_t listed(const struct world *world, unsigned which, size_t index)
{
	unsigned slot = (world->lab->memories + which) % LAB_MEMORY;
	uint32_t word;

	ck_assert_uint_lt(index * sizeof word, world->lab->memory_size[slot]);
	memcpy(&word, world->lab->memory[slot] + index * sizeof word, sizeof word);
	return word;
}

START_TEST(all_names_come_in_one_reply)
{
	struct world world = begin(NULL);
	uint32_t count, type;

	make_names(&world);
	lab_ok(list(&world, NAMES));
	ck_assert_uint_eq(world.lab->memories, 2);
	count = mig_word(7 + 8 + 2);
	ck_assert_uint_gt(count, MANY);
	ck_assert_uint_eq(mig_word(7 + 8 + 3), count);
	ck_assert_uint_eq(mig_memory(0).size, 4 * count);
	ck_assert_uint_eq(mig_memory(1).size, 4 * count);
	ck_assert_uint_eq(world.lab->memory_size[0], 4 * count);
	ck_assert_uint_eq(world.lab->memory_size[1], 4 * count);
	for (uint32_t i = 0; i < count; i++) {
		lab_ok(lab_type(world.a, listed(&world, 0, i), &type));
		ck_assert_uint_eq(listed(&world, 1, i), type);
		ck_assert(i == 0 || listed(&world, 0, i) >> 8 > listed(&world, 0, i - 1) >> 8);
	}
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_whole_table_comes_in_one_reply)
{
	struct world world = begin(NULL);
	uint32_t size;

	make_names(&world);
	lab_ok(list(&world, SPACE_INFO));
	ck_assert_uint_eq(world.lab->memories, 1);
	size = mig_word(7 + 8 + 2 + 1);
	ck_assert_uint_gt(size, TABLE);
	ck_assert_uint_eq(mig_word(7 + 8 + 2 + 6), size);
	ck_assert_uint_eq(mig_memory(0).size, 28 * size);
	ck_assert_uint_eq(mig_memory(1).size, 0);
	for (uint32_t i = 1; i < size; i++)
		ck_assert(listed(&world, 1, 7 * i + 2) == 0 || listed(&world, 1, 7 * i) >> 8 == i);
	lab_stop(world.lab);
}
END_TEST

START_TEST(all_members_of_a_set_come_in_one_reply)
{
	struct lab_options options;
	struct world world;
	mach_port_name_t set, last = 0;
	uint32_t count;

	lab_options_init(&options);
	options.limits.ports_per_user = 2 * MANY;
	options.limits.links_per_user = 2 * MANY;
	world = begin(&options);
	set = lab_new_set(world.a);
	for (unsigned i = 0; i < MANY; i++)
		lab_ok(lab_move_member(world.a, lab_new_port(world.a), set));
	lab_ok(mig_simple(world.a, SET_STATUS, world.a->task->self, world.reply, WORDS(set)));
	count = mig_word(7 + 4 + 2);
	ck_assert_uint_eq(count, MANY);
	ck_assert_uint_eq(mig_memory(0).size, 4 * count);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_gt(listed(&world, 1, i), last);
		last = listed(&world, 1, i);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(without_memory_there_is_no_long_list)
{
	struct world world = begin(NULL);

	make_names(&world);
	world.lab->poor = true;
	lab_is(KERN_RESOURCE_SHORTAGE, list(&world, NAMES));
	lab_is(KERN_RESOURCE_SHORTAGE, list(&world, SPACE_INFO));
	ck_assert_uint_eq(world.lab->host->h_memfds, 0);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

/* Who the reply is for pays; of two memfds it may have one. */
START_TEST(a_long_list_is_paid_for)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.limits.memfds_per_user = 1;
	world = begin(&options);
	make_names(&world);
	lab_is(KERN_RESOURCE_SHORTAGE, list(&world, NAMES));
	lab_audit(world.lab);
	ck_assert_uint_eq(world.lab->host->h_memfds, 0);
	lab_ok(list(&world, SPACE_INFO));
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

/* --- what a process uses --- */

static const struct {
	uint32_t flavor, words;
} flavors[] = {
	{TASK_BASIC_INFO_32, TASK_BASIC_INFO_32_COUNT},
	{TASK_BASIC_INFO_64, TASK_BASIC_INFO_64_COUNT},
	{MACH_TASK_BASIC_INFO, MACH_TASK_BASIC_INFO_COUNT},
};

/* Its times, as the lab has them, and its size, where the layout has it. */
static void check_usage(const struct world *world, uint32_t flavor, const void *info)
{
	uint64_t pid = (uint64_t)world->a->task->pid;
	struct task_basic_info_32 narrow;
	struct task_basic_info_64 wide;
	struct mach_task_basic_info full;

	memcpy(&narrow, info, sizeof narrow);
	memcpy(&wide, info, sizeof wide);
	memcpy(&full, info, sizeof full);
	if (flavor == TASK_BASIC_INFO_32) {
		ck_assert(narrow.virtual_size == UINT32_MAX && narrow.resident_size == pid << 12);
		ck_assert(narrow.user_time.seconds == 1 && narrow.system_time.microseconds == 250);
	} else if (flavor == TASK_BASIC_INFO_64) {
		ck_assert(wide.virtual_size == pid << 32 && wide.resident_size == pid << 12);
		ck_assert(wide.user_time.microseconds == 500000);
		ck_assert_int_eq(wide.policy, POLICY_TIMESHARE);
	} else {
		ck_assert(full.virtual_size == pid << 32 && full.resident_size_max == pid << 13);
		ck_assert(full.user_time.seconds == 1 && full.suspend_count == 0);
	}
}

START_TEST(a_process_says_the_same_by_frame_and_by_message)
{
	struct world world = begin(NULL);
	uint32_t flavor = flavors[_i].flavor, count = flavors[_i].words, words[100];
	struct task_info_in in = {flavor, count};
	mach_port_name_t self = world.a->task->self;
	size_t got;

	memset(words, 0, sizeof words);
	lab_ok(lab_call(world.a, MACHD_ROUTINE_task_info, self, &in, sizeof in, words, sizeof words,
			&got));
	ck_assert_uint_eq(got, 4 * count);
	check_usage(&world, flavor, words);

	lab_ok(mig_simple(world.a, 3405, self, world.reply, WORDS(flavor, count)));
	ck_assert_uint_eq(mig_word(9), count);
	check_usage(&world, flavor, letter_got + 40);

	in.count = count - 1;
	lab_is(KERN_INVALID_ARGUMENT, lab_call(world.a, MACHD_ROUTINE_task_info, self, &in,
					       sizeof in, words, sizeof words, &got));
	lab_is(KERN_INVALID_ARGUMENT,
	       mig_simple(world.a, 3405, self, world.reply, WORDS(flavor, count - 1)));
	world.lab->blind = true;
	lab_is(KERN_INVALID_ARGUMENT,
	       mig_simple(world.a, 3405, self, world.reply, WORDS(flavor, count)));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, all_names_come_in_one_reply);
	tcase_add_test(tests, the_whole_table_comes_in_one_reply);
	tcase_add_test(tests, all_members_of_a_set_come_in_one_reply);
	tcase_add_test(tests, without_memory_there_is_no_long_list);
	tcase_add_test(tests, a_long_list_is_paid_for);
	tcase_add_loop_test(tests, a_process_says_the_same_by_frame_and_by_message, 0,
			    sizeof flavors / sizeof *flavors);
}

int main(void)
{
	return lab_run("trap_mig_lists", add_tests);
}
