/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch pages: what they show of tasks, names and services, to whom, in pages that together
 * show everything once; and that looking changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_walk.h"
#include "tests/lab/lab_expect.h"

enum { ROOM = 4 << 20 };

/* All records of a table, asked for page by page; the caller frees them. */
static void *read_table(struct lab_thread *thread, uint32_t table, int32_t pid, unsigned *total,
			unsigned *pages)
{
	struct machd_watch request = {.table = table, .pid = pid};
	struct machd_watch_answer answer;
	uint8_t *records = NULL;
	unsigned count;
	size_t size = 0;

	*total = *pages = 0;
	do {
		records = realloc(records, size + ROOM);
		LAB_TRUE(records);
		lab_ok(lab_watch(thread, &request, &answer, records + size, ROOM, &count));
		size += (size_t)count * answer.record_size;
		*total += count;
		*pages += 1;
		LAB_CHECK(*pages < 1000, "the pages do not end");
		request.task = answer.next_task;
		request.index = answer.next_index;
	} while (request.task != 0 || request.index != 0);
	return records;
}

/* The record of a name of a task; NULL if there is none. */
static const struct machd_watch_port *find_port(const struct machd_watch_port *ports,
						unsigned count, const struct lab_thread *thread,
						mach_port_name_t name)
{
	for (unsigned i = 0; i < count; i++)
		if (ports[i].task == thread->task->id && ports[i].name == name)
			return &ports[i];
	return NULL;
}

START_TEST(tasks_are_shown_with_what_they_hold)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	struct lab_thread *waits = lab_thread(a->task), *watcher = lab_watcher(lab, 1000);
	mach_port_name_t port = lab_new_service(a), other = lab_new_port(a);
	struct machd_watch_task *tasks;
	struct lab_buffer message;
	unsigned count, pages;

	lab_new_set(a);
	lab_new_dead_name(a);
	lab_new_once(a, port);
	lab_fill(a, port, 3, 0);
	lab_message(a, port, 0);
	lab_is(LAB_BLOCKED, lab_receive(waits, other, &message, 0, 0));
	tasks = read_table(watcher, MACHD_WATCH_TASKS, 0, &count, &pages);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(tasks[0].id, a->task->id);
	ck_assert_int_eq(tasks[0].pid, a->pid);
	ck_assert_uint_eq(tasks[0].uid, 1000);
	ck_assert_uint_eq(tasks[0].gid, 1001);
	ck_assert_uint_eq(tasks[0].channels, 2);
	ck_assert_uint_eq(tasks[0].names, 3 + 5);
	ck_assert_uint_eq(tasks[0].receive, 2);
	ck_assert_uint_eq(tasks[0].send, 3 + 1);
	ck_assert_uint_eq(tasks[0].send_once, 1);
	ck_assert_uint_eq(tasks[0].sets, 1);
	ck_assert_uint_eq(tasks[0].dead, 1);
	ck_assert_uint_eq(tasks[0].queued, 2);
	ck_assert_uint_gt(tasks[0].queued_bytes, 0);
	ck_assert_uint_eq(tasks[0].waiting, 1);
	ck_assert_uint_eq(tasks[0].sent, 3);
	ck_assert_uint_eq(tasks[0].received, 1);
	ck_assert_uint_eq(tasks[1].id, b->task->id);
	ck_assert_uint_eq(tasks[1].names, 3);
	free(tasks);
	lab_close(waits);
	tasks = read_table(watcher, MACHD_WATCH_TASKS, 0, &count, &pages);
	ck_assert_uint_eq(tasks[0].channels, 1);
	ck_assert_uint_eq(tasks[0].waiting, 0);
	free(tasks);
	lab_stop(lab);
}
END_TEST

START_TEST(a_message_that_had_to_wait_is_counted_when_it_is_sent)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *second = lab_thread(a->task);
	mach_port_name_t port = lab_new_service(a);
	struct lab_buffer message = lab_to(port, 1);
	struct machd_watch_task *tasks;
	unsigned count, pages;

	lab_set_qlimit(a, port, 0);
	lab_is(LAB_BLOCKED, lab_send(a, &message, 0, 0));
	for (unsigned sent = 0; sent < 2; sent++) {
		tasks = read_table(second, MACHD_WATCH_TASKS, 0, &count, &pages);
		ck_assert_uint_eq(tasks[0].sent, sent);
		ck_assert_uint_eq(tasks[0].waiting, 1 - sent);
		free(tasks);
		lab_set_qlimit(second, port, 1);
	}
	lab_ok(lab_wait(a));
	lab_stop(lab);
}
END_TEST

START_TEST(names_are_shown_with_their_ports)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	struct lab_thread *watcher = lab_watcher(lab, 1000), *waits = lab_thread(a->task);
	mach_port_name_t port, send, notify = lab_new_port(a), previous, set = lab_new_set(a);
	const struct machd_watch_port *record, *mine;
	struct machd_watch_port *ports;
	struct lab_buffer message;
	unsigned count, pages;

	lab_ok(lab_check_in(a, "watched", &port));
	lab_ok(lab_look_up(b, "watched", &send));
	lab_ok(lab_request_notification(a, port, MACH_NOTIFY_NO_SENDERS, 1, notify, MAKE_ONCE,
					&previous));
	lab_ok(lab_request_notification(b, send, MACH_NOTIFY_DEAD_NAME, 0, lab_new_port(b),
					MAKE_ONCE, &previous));
	lab_ok(lab_insert_member(a, port, set));
	lab_ok(lab_set_mscount(a, port, 12));
	lab_fill(b, send, 4, 0);
	lab_message(a, port, 0);
	lab_is(LAB_BLOCKED, lab_receive(waits, notify, &message, 0, 0));
	ports = read_table(watcher, MACHD_WATCH_PORTS, 0, &count, &pages);
	mine = find_port(ports, count, a, port);
	ck_assert_ptr_nonnull(mine);
	ck_assert_uint_eq(mine->type, RECEIVE);
	ck_assert_uint_eq(mine->kind, MACHD_WATCH_PLAIN);
	ck_assert_uint_eq(mine->qlimit, 5);
	ck_assert_uint_eq(mine->msgcount, 3);
	ck_assert_uint_eq(mine->seqno, 1);
	ck_assert_uint_eq(mine->mscount, 12);
	ck_assert_uint_ne(mine->object, 0);
	ck_assert_uint_eq(mine->srights, 2 + 3); /* of b, the registry and the messages */
	ck_assert_uint_eq(mine->flags, MACHD_WATCH_NSREQUEST | MACHD_WATCH_IN_SET);
	ck_assert_str_eq(mine->service, "watched");
	record = find_port(ports, count, b, send);
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->object, mine->object);
	ck_assert_uint_eq(record->type, SEND);
	ck_assert_uint_eq(record->urefs, 1);
	ck_assert_int_eq(record->pid, b->pid);
	ck_assert_uint_eq(record->receiver_task, a->task->id);
	ck_assert_int_eq(record->receiver_pid, a->pid);
	ck_assert_uint_eq(record->receiver_name, port);
	ck_assert(record->flags & MACHD_WATCH_DNREQUEST);
	record = find_port(ports, count, a, notify);
	ck_assert_uint_eq(record->waiters, 1);
	ck_assert_uint_eq(record->sorights, 1);
	record = find_port(ports, count, a, set);
	ck_assert_uint_eq(record->kind, MACHD_WATCH_SET);
	ck_assert_uint_ne(record->object, 0);
	ck_assert_uint_eq(find_port(ports, count, a, a->task->self)->kind, MACHD_WATCH_TASK_PORT);
	ck_assert_uint_eq(find_port(ports, count, a, a->task->host)->kind, MACHD_WATCH_HOST_PORT);
	ck_assert_uint_eq(find_port(ports, count, a, a->task->bootstrap)->kind,
			  MACHD_WATCH_BOOTSTRAP_PORT);
	free(ports);
	lab_stop(lab);
}
END_TEST

START_TEST(dead_names_ports_in_transit_and_blocked_senders_are_shown_as_such)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	struct lab_thread *watcher = lab_watcher(lab, 1000), *blocked = lab_thread(b->task);
	mach_port_name_t port = lab_new_port(a), send = lab_pass(a, port, MAKE_SEND, b);
	mach_port_name_t moving = lab_new_service(a), dying = lab_new_port(a), previous;
	mach_port_name_t stale = lab_pass(a, dying, MAKE_SEND, b), dead = lab_new_dead_name(b);
	struct lab_buffer message, waiting = lab_to(send, 2);
	struct machd_watch_port *ports;
	const struct machd_watch_port *record;
	unsigned count, pages;

	lab_ok(lab_request_notification(a, moving, MACH_NOTIFY_PORT_DESTROYED, 0, port, MAKE_ONCE,
					&previous));
	lab_compose(&message, port, MAKE_SEND, NOBODY, 0, 1);
	lab_add_port(&message, moving, MOVE_RECEIVE);
	lab_ok(lab_send_now(a, &message));
	lab_set_qlimit(a, port, 1);
	lab_is(LAB_BLOCKED, lab_send(blocked, &waiting, 0, 0));
	lab_ok(lab_destroy(a, dying));
	ports = read_table(watcher, MACHD_WATCH_PORTS, 0, &count, &pages);
	record = find_port(ports, count, b, stale);
	ck_assert_uint_eq(record->type, DEAD_NAME);
	ck_assert_uint_eq(record->kind, MACHD_WATCH_DEAD);
	ck_assert_uint_eq(record->object, 0);
	record = find_port(ports, count, b, dead);
	ck_assert_uint_eq(record->kind, MACHD_WATCH_DEAD);
	record = find_port(ports, count, a, moving);
	ck_assert_uint_eq(record->type, SEND);
	ck_assert_uint_eq(record->receiver_task, 0);
	ck_assert_uint_eq(record->receiver_name, 0);
	ck_assert_uint_eq(record->flags, MACHD_WATCH_PDREQUEST);
	record = find_port(ports, count, a, port);
	ck_assert_uint_eq(record->blocked_senders, 1);
	ck_assert_uint_eq(record->msgcount, 1);
	free(ports);
	lab_stop(lab);
}
END_TEST

START_TEST(many_names_come_in_pages_each_name_once)
{
	enum { COUNT = 9000 };
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	struct lab_thread *watcher = lab_watcher(lab, 1000);
	struct machd_watch_port *ports;
	unsigned count, pages;

	for (unsigned i = 0; i < COUNT; i++)
		lab_new_dead_name(i % 3 ? a : b);
	ports = read_table(watcher, MACHD_WATCH_PORTS, 0, &count, &pages);
	ck_assert_uint_eq(count, COUNT + 6);
	ck_assert_uint_gt(pages, 1);
	ck_assert_uint_lt(pages, COUNT * sizeof *ports / IPC_PAGE_BYTES);
	for (unsigned i = 1; i < count; i++)
		LAB_TRUE(ports[i].task > ports[i - 1].task ||
			 (ports[i].task == ports[i - 1].task &&
			  ports[i].name >> 8 > ports[i - 1].name >> 8));
	free(ports);
	ports = read_table(watcher, MACHD_WATCH_PORTS, b->pid, &count, &pages);
	ck_assert_uint_eq(count, COUNT / 3 + 3);
	ck_assert_int_eq(ports[0].pid, b->pid);
	free(ports);
	lab_stop(lab);
}
END_TEST

/* A page has an end even when there is nothing to show on it. */
START_TEST(a_large_empty_table_comes_in_pages_too)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *watcher = lab_watcher(lab, 1000);
	struct machd_watch_port *ports;
	struct machd_watch_task *tasks;
	unsigned count, pages;

	lab->host->h_page_steps = 256;
	lab_ok(lab_allocate_name(a, MACH_PORT_RIGHT_DEAD_NAME, 100000u << 8 | 3));
	ports = read_table(watcher, MACHD_WATCH_PORTS, 0, &count, &pages);
	ck_assert_uint_eq(count, 4);
	ck_assert_uint_gt(pages, 10);
	free(ports);
	for (unsigned i = 0; i < 5; i++)
		lab_task(lab, 1000);
	tasks = read_table(watcher, MACHD_WATCH_TASKS, 0, &count, &pages);
	ck_assert_uint_eq(count, 6);
	ck_assert_uint_eq(pages, 1); /* what is counted need not be looked at */
	free(tasks);
	lab_stop(lab);
}
END_TEST

START_TEST(many_tasks_come_in_pages)
{
	enum { COUNT = 240 };
	struct lab *lab = lab_start(NULL);
	struct lab_thread *watcher = lab_watcher(lab, 1000);
	struct machd_watch_task *tasks;
	unsigned count, pages;

	for (unsigned i = 0; i < COUNT; i++)
		ck_assert_ptr_nonnull(lab_task(lab, 1000));
	tasks = read_table(watcher, MACHD_WATCH_TASKS, 0, &count, &pages);
	ck_assert_uint_eq(count, COUNT);
	for (unsigned i = 1; i < count; i++)
		LAB_TRUE(tasks[i].id > tasks[i - 1].id);
	free(tasks);
	tasks = read_table(watcher, MACHD_WATCH_TASKS, lab->last_pid, &count, &pages);
	ck_assert_uint_eq(count, 1);
	free(tasks);
	tasks = read_table(watcher, MACHD_WATCH_TASKS, 1, &count, &pages);
	ck_assert_uint_eq(count, 0);
	free(tasks);
	lab_stop(lab);
}
END_TEST

START_TEST(services_come_in_pages_with_their_owners)
{
	enum { COUNT = 1000 };
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *watcher = lab_watcher(lab, 1000);
	mach_port_name_t port = lab_new_service(a);
	struct machd_watch_name *names;
	unsigned count, pages;
	char name[20];

	lab->host->h_page_steps = 256;
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(name, sizeof name, "service.%u", i);
		if (i % 2)
			lab_ok(lab_register(a, name, port));
		else
			lab_ok(lab_check_in(a, name, &(mach_port_name_t){0}));
	}
	names = read_table(watcher, MACHD_WATCH_NAMES, 0, &count, &pages);
	ck_assert_uint_eq(count, COUNT);
	ck_assert_uint_gt(pages, 2);
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "service.%u", i);
		LAB_TRUE(!strcmp(names[i].service, name));
		LAB_TRUE(names[i].checked_in == (i % 2 == 0));
		LAB_TRUE(names[i].owner_task == a->task->id && names[i].owner_pid == a->pid);
		LAB_TRUE(names[i].uid == 1000 && names[i].object != 0);
	}
	free(names);
	lab_stop(lab);
}
END_TEST

/* --- to whom --- */

static const struct {
	uint32_t uid;
	unsigned tasks; /* seen: there are two of uid 1000, one of 2000, one of root */
} viewers[] = {{1000, 2}, {2000, 1}, {3000, 0}, {0, 4}, {77, 4}};

START_TEST(one_sees_ones_own_and_root_and_the_daemons_user_see_all)
{
	struct lab_options options;
	struct lab *lab;
	struct lab_thread *threads[4], *watcher;
	unsigned tasks, ports, names, pages;
	mach_port_name_t port;

	lab_options_init(&options);
	options.owner_uid = 77;
	lab = lab_start(&options);
	for (unsigned i = 0; i < 4; i++) {
		const uint32_t uids[] = {1000, 1000, 2000, 0};
		char name[2] = {(char)('a' + i), '\0'};

		threads[i] = lab_task(lab, uids[i])->thread;
		lab_ok(lab_check_in(threads[i], name, &port));
	}
	watcher = lab_watcher(lab, viewers[_i].uid);
	free(read_table(watcher, MACHD_WATCH_TASKS, 0, &tasks, &pages));
	free(read_table(watcher, MACHD_WATCH_PORTS, 0, &ports, &pages));
	free(read_table(watcher, MACHD_WATCH_NAMES, 0, &names, &pages));
	ck_assert_uint_eq(tasks, viewers[_i].tasks);
	ck_assert_uint_eq(ports, 4 * viewers[_i].tasks);
	ck_assert_uint_eq(names, viewers[_i].tasks);
	lab_stop(lab);
}
END_TEST

START_TEST(a_task_may_look_as_well)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread;
	unsigned count, pages;

	free(read_table(a, MACHD_WATCH_TASKS, 0, &count, &pages));
	ck_assert_uint_eq(count, 1);
	lab_stop(lab);
}
END_TEST

START_TEST(a_table_that_does_not_exist_is_an_error)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *watcher = lab_watcher(lab, 1000);
	struct machd_watch request = {.table = MACHD_WATCH_POLICY + 1};
	struct machd_watch_answer answer;
	uint8_t records[16];
	unsigned count;

	lab_is(KERN_INVALID_ARGUMENT,
	       lab_watch(watcher, &request, &answer, records, sizeof records, &count));
	request.table = 0;
	lab_is(KERN_INVALID_ARGUMENT,
	       lab_watch(watcher, &request, &answer, records, sizeof records, &count));
	ck_assert_uint_eq(count, 0);
	lab_stop(lab);
}
END_TEST

START_TEST(a_cursor_from_nowhere_shows_nothing_wrong)
{
	static const uint64_t cursors[][2] = {{UINT64_MAX, 0},
					      {0, UINT64_MAX},
					      {1, UINT64_MAX},
					      {UINT64_MAX, UINT64_MAX},
					      {0, 1u << 30}};
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *watcher = lab_watcher(lab, 1000);
	uint8_t *records = malloc(ROOM);

	ck_assert_ptr_nonnull(records);
	for (uint32_t table = MACHD_WATCH_TASKS; table <= MACHD_WATCH_PORTS; table++) {
		for (unsigned i = 0; i < sizeof cursors / sizeof *cursors; i++) {
			struct machd_watch request = {
				.table = table, .task = cursors[i][0], .index = cursors[i][1]};
			struct machd_watch_answer answer;
			unsigned count;

			lab_ok(lab_watch(watcher, &request, &answer, records, ROOM, &count));
			request.task = a->task->id;
			lab_ok(lab_watch(watcher, &request, &answer, records, ROOM, &count));
		}
	}
	free(records);
	lab_stop(lab);
}
END_TEST

START_TEST(looking_changes_nothing)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	struct lab_thread *watcher = lab_watcher(lab, 1000);
	mach_port_name_t port = lab_new_service(a), stale = lab_pass(a, port, COPY_SEND, b);
	uint8_t before[TRAP_DIGEST_SIZE], after[TRAP_DIGEST_SIZE];
	unsigned count, pages;

	lab_fill(b, stale, 2, 0);
	lab_ok(lab_destroy(a, port));
	trap_digest(lab->host, before);
	for (uint32_t table = MACHD_WATCH_TASKS; table <= MACHD_WATCH_TOTALS; table++)
		if (table != MACHD_WATCH_MESSAGES) /* asking for those starts the trace */
			free(read_table(watcher, table, 0, &count, &pages));
	watcher->ipc->th_sequence = 0; /* but for the number of the watcher's last request */
	trap_digest(lab->host, after);
	ck_assert_mem_eq(before, after, sizeof before);
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, tasks_are_shown_with_what_they_hold);
	tcase_add_test(tcase, a_message_that_had_to_wait_is_counted_when_it_is_sent);
	tcase_add_test(tcase, names_are_shown_with_their_ports);
	tcase_add_test(tcase, dead_names_ports_in_transit_and_blocked_senders_are_shown_as_such);
	tcase_add_test(tcase, many_names_come_in_pages_each_name_once);
	tcase_add_test(tcase, a_large_empty_table_comes_in_pages_too);
	tcase_add_test(tcase, many_tasks_come_in_pages);
	tcase_add_test(tcase, services_come_in_pages_with_their_owners);
	tcase_add_loop_test(tcase, one_sees_ones_own_and_root_and_the_daemons_user_see_all, 0,
			    sizeof viewers / sizeof *viewers);
	tcase_add_test(tcase, a_task_may_look_as_well);
	tcase_add_test(tcase, a_table_that_does_not_exist_is_an_error);
	tcase_add_test(tcase, a_cursor_from_nowhere_shows_nothing_wrong);
	tcase_add_test(tcase, looking_changes_nothing);
}

int main(void)
{
	return lab_run("watch", add_tests);
}
