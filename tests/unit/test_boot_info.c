/* SPDX-License-Identifier: Apache-2.0 */
/* The list of names at a bootstrap port: which of them, for whom, what is told, and long lists. */
#include <servers/bootstrap.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_mig.h"
#include "tests/lab/lab_names.h"

struct row {
	char service[128], server[128];
	uint32_t active;
};

static struct lab *lab;
static struct lab_thread *a, *b; /* of two uids */
static uint32_t page[MACHD_FRAME_SIZE_MAX / sizeof(uint32_t)];

/* "org.all" is for everybody, "org.b" for b only; both are started by a command. */
static void begin(void)
{
	struct lab_options options;
	struct lab_names names;

	lab_names_init(&names);
	lab_names_add(&names, "org.all");
	lab_who_uid(&lab_names_add(&names, "org.b")->br_look_up, 1001, 1);
	lab_names_add(&names, "org.waits")->br_start = BOOT_START_NEVER;
	lab_names_add(&names, "some.*");
	lab_options_init(&options);
	options.names = lab_names_policy(&names);
	options.limits.services_per_user = 1 << 20;
	options.limits.names_per_task = 1 << 20;
	lab = lab_start(&options);
	a = lab_task(lab, 1000)->thread;
	b = lab_task(lab, 1001)->thread;
}

/* One page; returns how many rows it has. */
static unsigned ask(struct lab_thread *thread, mach_port_name_t bp, uint32_t first, uint32_t *next)
{
	struct bootstrap_info_in in = {first};
	size_t got = 0;

	lab_ok(lab_call(thread, MACHD_ROUTINE_bootstrap_info, bp, &in, sizeof in, page, sizeof page,
			&got));
	ck_assert_uint_eq((got - sizeof *next) % sizeof(struct row), 0);
	*next = page[0];
	return (unsigned)((got - sizeof *next) / sizeof(struct row));
}

static const struct row *row(unsigned index)
{
	return (const struct row *)(const void *)(page + 1) + index;
}

static void is_row(unsigned index, const char *service, const char *server, uint32_t active)
{
	ck_assert_str_eq(row(index)->service, service);
	ck_assert_str_eq(row(index)->server, server);
	ck_assert_uint_eq(row(index)->active, active);
}

static kern_return_t create(struct lab_thread *thread, mach_port_name_t bp, const char *service)
{
	struct bootstrap_create_service_in in = {0};
	struct bootstrap_create_service_out out;

	strcpy(in.service, service);
	return lab_call(thread, MACHD_ROUTINE_bootstrap_create_service, bp, &in, sizeof in, &out,
			sizeof out, NULL);
}

START_TEST(declared_names_come_first_and_those_of_others_not_at_all)
{
	mach_port_name_t port;
	uint32_t next;

	begin();
	lab_ok(lab_check_in(b, "theirs", &port));
	lab_ok(lab_check_in(b, "some.x", &port));
	lab_ok(lab_check_in(a, "mine", &port));
	lab_ok(create(a, a->task->bootstrap, "made"));
	lab_ok(lab_check_in(b, "org.all", &port));
	ck_assert_uint_eq(ask(a, a->task->bootstrap, 0, &next), 5);
	ck_assert_uint_eq(next, 0);
	is_row(0, "org.all", "org.all.conf", BOOTSTRAP_STATUS_ACTIVE);
	is_row(1, "org.waits", "org.waits.conf", BOOTSTRAP_STATUS_INACTIVE);
	is_row(2, "some.x", "", BOOTSTRAP_STATUS_ACTIVE);
	is_row(3, "mine", "", BOOTSTRAP_STATUS_ACTIVE);
	is_row(4, "made", "", BOOTSTRAP_STATUS_INACTIVE);
	lab_ok(lab_destroy(b, port));
	ck_assert_uint_eq(ask(b, b->task->bootstrap, 0, &next), 5);
	is_row(0, "org.all", "org.all.conf", BOOTSTRAP_STATUS_ON_DEMAND);
	is_row(1, "org.b", "org.b.conf", BOOTSTRAP_STATUS_ON_DEMAND);
	is_row(2, "org.waits", "org.waits.conf", BOOTSTRAP_STATUS_INACTIVE);
	is_row(3, "theirs", "", BOOTSTRAP_STATUS_ACTIVE);
	is_row(4, "some.x", "", BOOTSTRAP_STATUS_ACTIVE);
	ck_assert_uint_eq(lab->starts, 0); /* to look is not to look up */
	lab_stop(lab);
}
END_TEST

START_TEST(a_subset_tells_of_its_own_names)
{
	struct bootstrap_subset_in in;
	struct bootstrap_subset_out out;
	uint32_t next;

	begin();
	in.requestor = lab_new_service(a);
	lab_ok(lab_call(a, MACHD_ROUTINE_bootstrap_subset, a->task->bootstrap, &in, sizeof in, &out,
			sizeof out, NULL));
	ck_assert_uint_eq(ask(a, out.port, 0, &next), 0);
	lab_ok(create(a, out.port, "org.all"));
	lab_ok(create(a, a->task->bootstrap, "above"));
	ck_assert_uint_eq(ask(a, out.port, 0, &next), 1);
	is_row(0, "org.all", "", BOOTSTRAP_STATUS_INACTIVE); /* that one has no rule */
	lab_stop(lab);
}
END_TEST

enum { MANY = 2000 };

static void create_many(struct lab_thread *thread, char initial, unsigned count)
{
	char name[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "%c%u", initial, i);
		lab_ok(create(thread, thread->task->bootstrap, name));
	}
}

/* Each name once, in the order in which they came, and no page without an end. */
START_TEST(long_lists_come_in_pages)
{
	unsigned found = 0, pages = 0;
	uint32_t first = 0, next;
	char name[32];

	begin();
	create_many(a, 'n', MANY);
	do {
		unsigned count = ask(a, a->task->bootstrap, first, &next);

		ck_assert(next == 0 || next > first);
		for (unsigned i = pages ? 0 : 2; i < count; i++) { /* after two declared ones */
			snprintf(name, sizeof name, "n%u", found++);
			ck_assert_str_eq(row(i)->service, name);
		}
		pages++;
		first = next;
	} while (next);
	ck_assert_uint_eq(found, MANY);
	ck_assert_uint_ge(pages, 3);
	ck_assert_uint_eq(ask(a, a->task->bootstrap, UINT32_MAX, &next), 0);
	ck_assert_uint_eq(next, 0);
	lab_stop(lab);
}
END_TEST

/* An answer looks at so many names, whether the caller may hear of them or not. */
START_TEST(names_of_others_are_passed_in_bounded_steps)
{
	uint32_t next;

	begin();
	create_many(b, 'b', 20000);
	lab_ok(create(a, a->task->bootstrap, "mine"));
	ck_assert_uint_eq(ask(a, a->task->bootstrap, 0, &next), 2);
	ck_assert_uint_ne(next, 0);
	ck_assert_uint_eq(ask(a, a->task->bootstrap, next, &next), 1);
	ck_assert_uint_eq(next, 0);
	is_row(0, "mine", "", BOOTSTRAP_STATUS_INACTIVE);
	lab_stop(lab);
}
END_TEST

/* Three arrays: the memory of one stands behind that of the other. */
START_TEST(by_message)
{
	mach_port_name_t reply;
	const uint8_t *memory;

	begin();
	lab_ok(create(a, a->task->bootstrap, "x"));
	reply = lab_new_port(a);
	lab_ok(mig_simple(a, 408, a->task->bootstrap, reply, NULL, 0));
	ck_assert_uint_eq(mig_word(6), 3);
	ck_assert_uint_eq(mig_memory(0).size, 3 * sizeof(name_t));
	ck_assert_uint_eq(mig_memory(1).size, 3 * sizeof(name_t));
	ck_assert_uint_eq(mig_memory(2).size, 3 * sizeof(bootstrap_status_t));
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(mig_word(7 + 3 * 4 + 2 + i), 3);
	memory = a->memory + a->memory_size - 3 * (2 * sizeof(name_t) + sizeof(bootstrap_status_t));
	ck_assert_str_eq((const char *)memory, "org.all");
	ck_assert_str_eq((const char *)memory + 2 * sizeof(name_t), "x");
	ck_assert_str_eq((const char *)memory + 3 * sizeof(name_t), "org.all.conf");
	ck_assert_uint_eq(*(const uint32_t *)(const void *)(memory + 6 * sizeof(name_t)),
			  BOOTSTRAP_STATUS_ON_DEMAND);
	create_many(a, 'n', MANY); /* more than a frame has room for */
	lab_ok(mig_simple(a, 408, a->task->bootstrap, reply, NULL, 0));
	ck_assert_uint_eq(lab->memories, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(mig_word(7 + 3 * 4 + 2 + i), 3 + MANY);
	ck_assert_uint_eq(mig_memory(1).size, (3 + MANY) * sizeof(name_t));
	ck_assert_uint_eq(mig_memory(2).size, (3 + MANY) * sizeof(bootstrap_status_t));
	ck_assert_uint_eq(lab->memory_size[1], mig_memory(1).size);
	ck_assert_uint_eq(lab->memory_size[2 % LAB_MEMORY], mig_memory(2).size);
	ck_assert_str_eq((const char *)lab->memory[1], "org.all.conf");
	ck_assert_uint_eq(*(const uint32_t *)(const void *)lab->memory[2 % LAB_MEMORY],
			  BOOTSTRAP_STATUS_ON_DEMAND);
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, declared_names_come_first_and_those_of_others_not_at_all);
	tcase_add_test(tests, a_subset_tells_of_its_own_names);
	tcase_add_test(tests, long_lists_come_in_pages);
	tcase_add_test(tests, names_of_others_are_passed_in_bounded_steps);
	tcase_add_test(tests, by_message);
}

int main(void)
{
	return lab_run("boot_info", add_tests);
}
