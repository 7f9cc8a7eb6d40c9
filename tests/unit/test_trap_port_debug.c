/* SPDX-License-Identifier: Apache-2.0 */
/* mach_port_space_info, mach_port_kobject and its kin, and allocation with wishes [20]. */
#include <string.h>

#include "protocol/limits.h"
#include "tests/lab/lab_expect.h"

enum { ROW_WORDS = 7, ROWS_MAX = 8192 };

static struct lab_thread *begin(void)
{
	return lab_task(lab_start(NULL), 1000)->thread;
}

/* The table of a task's names, page by page; returns how many rows. */
static unsigned space_info(struct lab_thread *thread, uint32_t rows[ROWS_MAX][ROW_WORDS])
{
	enum { HEAD_WORDS = sizeof(struct mach_port_space_info_out) / 4 };
	static uint32_t page[HEAD_WORDS + ROWS_MAX * ROW_WORDS];
	struct mach_port_space_info_in in = {0};
	unsigned count = 0, pages = 0;
	size_t got;

	do {
		lab_ok(lab_call(thread, MACHD_ROUTINE_mach_port_space_info, thread->task->self, &in,
				sizeof in, page, sizeof page, &got));
		got = got / 4 - HEAD_WORDS;
		LAB_TRUE(got % ROW_WORDS == 0 && count + got / ROW_WORDS <= ROWS_MAX);
		memcpy(rows[count], page + HEAD_WORDS, got * 4);
		count += (unsigned)(got / ROW_WORDS);
		in.first = page[0];
		pages++;
	} while (in.first);
	ck_assert_uint_eq(pages, (count + 4095) / 4096);
	return count;
}

START_TEST(the_table_of_names_has_all_slots)
{
	static uint32_t rows[ROWS_MAX][ROW_WORDS];
	struct lab_thread *a = begin();
	mach_port_name_t port = lab_new_service(a), set = lab_new_set(a), notify = lab_new_port(a);
	mach_port_name_t dead = lab_new_dead_name(a), previous;
	unsigned count, used = 0;

	lab_ok(lab_mod_refs(a, port, MACH_PORT_RIGHT_SEND, 4));
	lab_ok(lab_request_notification(a, port, MACH_NOTIFY_DEAD_NAME, 0, notify, MAKE_ONCE,
					&previous));
	count = space_info(a, rows);
	ck_assert_uint_eq(rows[0][0], 0xff); /* slot 0 */
	ck_assert_uint_eq(rows[0][2], 0);
	for (unsigned i = 1; i < count; i++) {
		ck_assert_uint_eq(MACH_PORT_INDEX(rows[i][0]), i);
		ck_assert_uint_eq(rows[i][0] & 3, 3);
		ck_assert_uint_eq(rows[i][1], 0);
		used += rows[i][2] != 0;
		ck_assert(rows[i][2] || (!rows[i][3] && !rows[i][4]));
	}
	ck_assert_uint_eq(used, 3 + 4);
	ck_assert_uint_eq(rows[port >> 8][0], port);
	ck_assert_uint_eq(rows[port >> 8][2], SEND_RECEIVE | MACH_PORT_TYPE_DNREQUEST);
	ck_assert_uint_eq(rows[port >> 8][3], 5);
	ck_assert_uint_ne(rows[port >> 8][4], 0);
	ck_assert_uint_eq(rows[set >> 8][2], PORT_SET);
	ck_assert_uint_ne(rows[set >> 8][4], rows[port >> 8][4]);
	ck_assert_uint_eq(rows[dead >> 8][2], DEAD_NAME);
	ck_assert_uint_eq(rows[dead >> 8][3], 1);
	lab_stop(a->lab);
}
END_TEST

START_TEST(a_long_table_comes_in_pages)
{
	static uint32_t rows[ROWS_MAX][ROW_WORDS];
	struct lab_thread *a = begin();
	unsigned count, used = 0;

	for (unsigned i = 0; i < 5000; i++)
		lab_new_dead_name(a);
	count = space_info(a, rows);
	ck_assert_uint_gt(count, 5000);
	for (unsigned i = 0; i < count; i++)
		used += rows[i][2] != 0;
	ck_assert_uint_eq(used, 5003);
	lab_stop(a->lab);
}
END_TEST

static uint32_t kobject(struct lab_thread *thread, mach_port_name_t name)
{
	struct mach_port_kobject_in in = {name};
	struct mach_port_kobject_out out;
	struct mach_port_kernel_object_out old;
	struct mach_port_kobject_description_out described;

	lab_ok(lab_call(thread, MACHD_ROUTINE_mach_port_kobject, thread->task->self, &in, sizeof in,
			&out, sizeof out, NULL));
	lab_ok(lab_call(thread, MACHD_ROUTINE_mach_port_kernel_object, thread->task->self, &in,
			sizeof in, &old, sizeof old, NULL));
	lab_ok(lab_call(thread, MACHD_ROUTINE_mach_port_kobject_description, thread->task->self,
			&in, sizeof in, &described, sizeof described, NULL));
	ck_assert_uint_eq(old.type, out.type);
	ck_assert_uint_eq(described.type, out.type);
	ck_assert(out.address == 0 && old.address == 0 && described.address == 0);
	ck_assert_str_eq(described.description, "");
	return out.type;
}

START_TEST(kernel_objects_have_types)
{
	struct lab_thread *a = begin();

	ck_assert_uint_eq(kobject(a, lab_new_port(a)), 0);
	ck_assert_uint_eq(kobject(a, a->task->bootstrap), 0);
	ck_assert_uint_eq(kobject(a, a->task->self), 2);
	ck_assert_uint_eq(kobject(a, a->task->host), 3);
	lab_stop(a->lab);
}
END_TEST

START_TEST(other_names_are_no_kernel_objects)
{
	static const uint32_t calls[] = {MACHD_ROUTINE_mach_port_kobject,
					 MACHD_ROUTINE_mach_port_kernel_object,
					 MACHD_ROUTINE_mach_port_kobject_description};
	struct lab_thread *a = begin();
	struct {
		mach_port_name_t name;
		kern_return_t code;
	} rows[] = {
		{MACH_PORT_NULL, KERN_INVALID_NAME},
		{MACH_PORT_DEAD, KERN_INVALID_NAME},
		{0x7703, KERN_INVALID_NAME},
		{lab_new_dead_name(a), KERN_INVALID_NAME},
		{lab_new_set(a), KERN_INVALID_RIGHT},
		{lab_new_once(a, lab_new_port(a)), KERN_INVALID_RIGHT},
	};
	uint8_t out[1024];

	for (unsigned i = 0; i < 6; i++)
		for (unsigned j = 0; j < 3; j++)
			lab_is(rows[i].code, lab_call(a, calls[j], a->task->self, &rows[i].name, 4,
						      out, sizeof out, NULL));
	lab_stop(a->lab);
}
END_TEST

static kern_return_t allocate_full(struct lab_thread *thread, mach_port_right_t right, uint32_t qos,
				   uint32_t length, mach_port_name_t *name)
{
	struct mach_port_allocate_full_in in = {right, MACH_PORT_NULL, qos, length, *name};
	struct mach_port_allocate_full_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_mach_port_allocate_full,
				    thread->task->self, &in, sizeof in, &out, sizeof out, NULL);

	if (kr == KERN_SUCCESS) {
		*name = out.name;
		ck_assert_uint_eq(out.qos, qos & ~2u); /* what was reserved has been forgotten */
		ck_assert_uint_eq(out.length, length);
	}
	return kr;
}

START_TEST(allocation_with_a_name_and_with_room)
{
	struct lab_thread *a = begin();
	mach_port_name_t name = 0x7703;

	lab_ok(allocate_full(a, MACH_PORT_RIGHT_RECEIVE, 1 | 2, 100, &name));
	ck_assert_uint_eq(name, 0x7703);
	lab_name_is(a, name, RECEIVE, 0);
	lab_is(KERN_NAME_EXISTS, allocate_full(a, MACH_PORT_RIGHT_PORT_SET, 1, 0, &name));
	lab_ok(allocate_full(a, MACH_PORT_RIGHT_DEAD_NAME, 1, 0, &name));
	ck_assert_uint_ne(name, 0x7703); /* dead names get any name */
	lab_name_is(a, name, DEAD_NAME, 1);
	lab_ok(allocate_full(a, MACH_PORT_RIGHT_PORT_SET, 0, 0, &name));
	lab_name_is(a, name, PORT_SET, 0);
	lab_is(KERN_INVALID_VALUE, allocate_full(a, MACH_PORT_RIGHT_SEND, 0, 0, &name));
	lab_is(KERN_RESOURCE_SHORTAGE,
	       allocate_full(a, MACH_PORT_RIGHT_PORT_SET, 2, MACHD_MESSAGE_SIZE_MAX + 1, &name));
	lab_is(KERN_INVALID_VALUE, allocate_full(a, MACH_PORT_RIGHT_PORT_SET, 2, 1, &name));
	name = MACH_PORT_DEAD;
	lab_is(KERN_INVALID_VALUE, allocate_full(a, MACH_PORT_RIGHT_RECEIVE, 1, 0, &name));
	lab_stop(a->lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_table_of_names_has_all_slots);
	tcase_add_test(tcase, a_long_table_comes_in_pages);
	tcase_add_test(tcase, kernel_objects_have_types);
	tcase_add_test(tcase, other_names_are_no_kernel_objects);
	tcase_add_test(tcase, allocation_with_a_name_and_with_room);
}

int main(void)
{
	return lab_run("trap_port_debug", add_tests);
}
