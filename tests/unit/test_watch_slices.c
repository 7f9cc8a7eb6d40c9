/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page is made in slices: others have their turn between them, one page is made after the other,
 * what stays is shown once whatever happens meanwhile, and who goes away leaves nothing behind.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_thread.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_feed.h"

enum { PORTS = 400, ROWS_MAX = 20000 };

/* A task with many ports, and two that look at them. */
struct world {
	struct lab *lab;
	struct lab_thread *a, *watcher, *second;
	mach_port_name_t ports[PORTS];
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.watcher = lab_watcher(world.lab, 1000);
	world.second = lab_watcher(world.lab, 1000);
	for (unsigned i = 0; i < PORTS; i++)
		world.ports[i] = lab_new_port(world.a);
	world.lab->lazy_work = true;
	return world;
}

static bool ask(struct lab_thread *watcher, const struct machd_watch *request)
{
	return lab_request(watcher, MACHD_OP_WATCH, request, sizeof *request, NULL, 0, NULL);
}

/* The records of the page that has come; the request is for the next one then. */
static unsigned take(struct lab_thread *watcher, struct machd_watch *request,
		     struct machd_watch_port *ports)
{
	struct machd_watch_answer answer;
	struct machd_rows rows;
	unsigned count = 0;
	size_t size, head = sizeof(struct machd_frame) + sizeof answer;
	uint8_t *packet = lab_take_answer(watcher, &size);

	LAB_TRUE(size >= head);
	memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
	ck_assert_uint_eq(answer.code, KERN_SUCCESS);
	ck_assert_uint_eq(answer.record_size, sizeof *ports);
	machd_rows_begin(&rows, packet + head, sizeof *ports);
	while (machd_rows_next(&rows, size - head) == MACHD_ROWS_READY) {
		LAB_TRUE(count < ROWS_MAX);
		memcpy(&ports[count++], rows.last, sizeof *ports);
	}
	request->task = answer.next_task;
	request->index = answer.next_index;
	free(packet);
	return count;
}

static struct machd_watch_port *room_for_rows(void)
{
	struct machd_watch_port *ports = malloc(ROWS_MAX * sizeof *ports);

	LAB_TRUE(ports);
	return ports;
}

START_TEST(others_are_served_between_two_slices)
{
	struct world world = begin();
	struct machd_watch request = {.table = MACHD_WATCH_PORTS};
	struct machd_watch_port *ports = room_for_rows();
	unsigned turns = 0;

	ck_assert(ask(world.watcher, &request));
	while (trap_has_work(world.lab->host)) {
		ck_assert(trap_has_pages(world.lab->host));
		lab_ok(lab_destroy(world.a, lab_new_port(world.a)));
		lab_work_turn(world.lab);
		turns++;
	}
	ck_assert_uint_gt(turns, PORTS / 32);
	ck_assert_uint_ge(take(world.watcher, &request, ports), PORTS);
	free(ports);
	lab_stop(world.lab);
}
END_TEST

START_TEST(one_page_is_made_after_the_other)
{
	struct world world = begin();
	struct machd_watch first = {.table = MACHD_WATCH_PORTS}, second = first;
	struct machd_watch tasks = {.table = MACHD_WATCH_TASKS};
	struct machd_watch_port *ports = room_for_rows();
	unsigned count;

	ck_assert(ask(world.watcher, &first));
	ck_assert(ask(world.second, &second));
	ck_assert(ask(world.a, &tasks));
	lab_work(world.lab);
	count = take(world.watcher, &first, ports);
	ck_assert_uint_ge(count, PORTS);
	ck_assert_uint_eq(take(world.second, &second, ports), count);
	free(lab_take_answer(world.a, &(size_t){0}));
	free(ports);
	lab_stop(world.lab);
}
END_TEST

/* A table that is read in one go does not have to wait, and does no harm to a page being made. */
START_TEST(what_is_made_at_once_does_not_wait)
{
	struct world world = begin();
	struct machd_watch request = {.table = MACHD_WATCH_PORTS};
	struct machd_watch trace = {.table = MACHD_WATCH_MESSAGES};
	struct machd_watch_port *ports = room_for_rows();

	ck_assert(ask(world.watcher, &request));
	lab_work_turn(world.lab);
	ck_assert(ask(world.second, &trace));
	free(lab_take_answer(world.second, &(size_t){0}));
	ck_assert(trap_has_pages(world.lab->host));
	lab_work(world.lab);
	ck_assert_uint_eq(take(world.watcher, &request, ports), PORTS + 3);
	free(ports);
	lab_stop(world.lab);
}
END_TEST

/* Every other port stays; the others go, and new ones come, between any two slices and pages. */
START_TEST(what_stays_is_shown_once)
{
	struct world world = begin();
	struct machd_watch request = {.table = MACHD_WATCH_PORTS};
	struct machd_watch_port *ports = room_for_rows();
	unsigned gone = 1, count = 0, pages = 0;

	world.lab->host->h_page_steps = 300;
	do {
		ck_assert(ask(world.watcher, &request));
		while (trap_has_work(world.lab->host)) {
			lab_work_turn(world.lab);
			if (gone < PORTS)
				lab_ok(lab_destroy(world.a, world.ports[gone]));
			gone += 2 * (unsigned)_i + 2;
			lab_new_port(world.a);
		}
		count += take(world.watcher, &request, ports + count);
		pages++;
	} while (request.task || request.index);
	ck_assert_uint_gt(pages, 3);
	for (unsigned i = 0; i < PORTS; i += 2) {
		unsigned shown = 0;

		for (unsigned k = 0; k < count; k++)
			shown += ports[k].name == world.ports[i];
		LAB_CHECK(shown == 1, "port %u was shown %u times", i, shown);
	}
	free(ports);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_waits_for_a_page_may_go_away)
{
	struct world world = begin();
	struct machd_watch request = {.table = MACHD_WATCH_PORTS};
	struct machd_watch_port *ports = room_for_rows();
	struct lab_thread *third = lab_watcher(world.lab, 1000);

	ck_assert(ask(world.watcher, &request));
	ck_assert(ask(third, &request));
	ck_assert(ask(world.second, &request));
	lab_work_turn(world.lab);
	lab_close(third);
	lab_close(world.watcher);
	lab_work(world.lab);
	ck_assert_uint_eq(take(world.second, &request, ports), PORTS + 3);
	ck_assert(ask(world.second, &(struct machd_watch){.table = MACHD_WATCH_PORTS}));
	lab_close(world.second);
	ck_assert(!trap_has_work(world.lab->host));
	free(ports);
	lab_stop(world.lab);
}
END_TEST

/* Without memory to wait the first one gets what there is, and others a code. */
START_TEST(memory_to_wait_may_be_short)
{
	struct world world = begin();
	struct machd_watch request = {.table = MACHD_WATCH_PORTS}, second = request;
	struct machd_watch_port *ports = room_for_rows();
	struct machd_watch_answer answer;
	unsigned count, most = 0;

	lab_ok(lab_watch(world.watcher, &(struct machd_watch){.table = MACHD_WATCH_TASKS}, &answer,
			 ports, sizeof *ports, &count)); /* there is a place for it now */
	mem_fail_after(1);
	ck_assert(ask(world.watcher, &request));
	mem_fail_after(0);
	most = take(world.watcher, &request, ports);
	ck_assert_uint_gt(most, 0);
	ck_assert_uint_lt(most, PORTS);
	ck_assert(ask(world.watcher, &request));
	mem_fail_after(1);
	lab_is(KERN_RESOURCE_SHORTAGE,
	       lab_watch(world.second, &second, &answer, ports, sizeof *ports, &count));
	mem_fail_after(0);
	lab_work(world.lab);
	ck_assert_uint_eq(most + take(world.watcher, &request, ports), PORTS + 3);
	free(ports);
	lab_stop(world.lab);
}
END_TEST

/* How far a page has come is state, which a replay must have as well. */
START_TEST(a_page_is_part_of_the_state)
{
	struct world world = begin();
	uint8_t before[TRAP_DIGEST_SIZE], after[TRAP_DIGEST_SIZE];

	ck_assert(ask(world.watcher, &(struct machd_watch){.table = MACHD_WATCH_PORTS}));
	trap_digest(world.lab->host, before);
	lab_work_turn(world.lab);
	trap_digest(world.lab->host, after);
	ck_assert_mem_ne(before, after, sizeof before);
	lab_work(world.lab);
	free(lab_take_answer(world.watcher, &(size_t){0}));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, others_are_served_between_two_slices);
	tcase_add_test(tcase, one_page_is_made_after_the_other);
	tcase_add_test(tcase, what_is_made_at_once_does_not_wait);
	tcase_add_loop_test(tcase, what_stays_is_shown_once, 0, 6);
	tcase_add_test(tcase, who_waits_for_a_page_may_go_away);
	tcase_add_test(tcase, memory_to_wait_may_be_short);
	tcase_add_test(tcase, a_page_is_part_of_the_state);
}

int main(void)
{
	return lab_run("watch slices", add_tests);
}
