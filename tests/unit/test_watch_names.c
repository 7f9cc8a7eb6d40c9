/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of names while names come and go, and names of subsets. */
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_names.h"

enum { ROOM = 4 << 20, COUNT = 1000 };

/* The next page; how many names are on it. */
static unsigned turn(struct lab_thread *watcher, struct machd_watch *request,
		     struct machd_watch_name *names, bool *last)
{
	struct machd_watch_answer answer;
	unsigned count;

	lab_ok(lab_watch(watcher, request, &answer, names, ROOM, &count));
	request->task = answer.next_task;
	request->index = answer.next_index;
	*last = request->task == 0 && request->index == 0;
	return count;
}

static char *name_of(unsigned number)
{
	static char name[24];

	snprintf(name, sizeof name, "name.%06u", number);
	return name;
}

static void take_back(struct lab_thread *thread, unsigned number)
{
	lab_ok(lab_register(thread, name_of(number), MACH_PORT_NULL));
}

/* The even ones stay all the time; an odd one goes, and a new one comes, with each page. */
START_TEST(who_stays_is_shown_once)
{
	static unsigned shown[2 * COUNT];
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *watcher = lab_watcher(lab, 1000);
	mach_port_name_t port = lab_new_service(a);
	struct machd_watch request = {.table = MACHD_WATCH_NAMES};
	struct machd_watch_name *names = malloc(ROOM);
	unsigned pages = 0, count;
	bool last = false;

	ck_assert_ptr_nonnull(names);
	lab->host->h_page_steps = 200;
	for (unsigned i = 0; i < COUNT; i++)
		lab_ok(lab_register(a, name_of(i), port));
	while (!last) {
		count = turn(watcher, &request, names, &last);
		for (unsigned i = 0; i < count; i++)
			shown[atoi(names[i].service + 5)]++;
		if (last)
			break;
		/* One that was shown, one that was not, and the one that is next. */
		take_back(a, 2 * pages + 1);
		take_back(a, COUNT - 1 - 2 * pages);
		if (count && (atoi(names[count - 1].service + 5) + 1) % 2)
			take_back(a, (unsigned)atoi(names[count - 1].service + 5) + 1);
		lab_ok(lab_register(a, name_of(COUNT + pages), port));
		pages++;
	}
	ck_assert_uint_gt(pages, 2);
	for (unsigned i = 0; i < COUNT; i += 2)
		LAB_CHECK(shown[i] == 1, "a name that stayed was not shown once");
	for (unsigned i = 0; i < 2 * COUNT; i++)
		LAB_CHECK(shown[i] <= 1, "a name was shown twice");
	free(names);
	lab_stop(lab);
}
END_TEST

START_TEST(names_of_subsets_are_shown)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *watcher = lab_watcher(lab, 1000);
	struct lab_thread *stranger = lab_watcher(lab, 2000);
	struct machd_watch request = {.table = MACHD_WATCH_NAMES};
	struct machd_watch_name *names = malloc(ROOM);
	struct bootstrap_subset_in in = {.requestor = a->task->self};
	struct bootstrap_subset_out out;
	struct bootstrap_check_in_in check_in = {.service = "below"};
	struct bootstrap_check_in_out port;
	bool last;

	ck_assert_ptr_nonnull(names);
	lab_ok(lab_check_in(a, "above", &(mach_port_name_t){0}));
	lab_ok(lab_call(a, MACHD_ROUTINE_bootstrap_subset, a->task->bootstrap, &in, sizeof in, &out,
			sizeof out, NULL));
	lab_ok(lab_call(a, MACHD_ROUTINE_bootstrap_check_in, out.port, &check_in, sizeof check_in,
			&port, sizeof port, NULL));
	ck_assert_uint_eq(turn(watcher, &request, names, &last), 2);
	ck_assert(last);
	ck_assert_str_eq(names[0].service, "above");
	ck_assert_uint_eq(names[0].subset, 0);
	ck_assert_uint_eq(names[0].parent, 0);
	ck_assert_str_eq(names[1].service, "below");
	ck_assert_uint_ne(names[1].subset, 0);
	ck_assert_uint_ne(names[1].parent, 0);
	ck_assert_uint_ne(names[1].parent, names[1].subset);
	request = (struct machd_watch){.table = MACHD_WATCH_NAMES};
	ck_assert_uint_eq(turn(stranger, &request, names, &last), 0);
	free(names);
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, who_stays_is_shown_once);
	tcase_add_test(tcase, names_of_subsets_are_shown);
}

int main(void)
{
	return lab_run("watch names", add_tests);
}
