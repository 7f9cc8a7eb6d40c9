/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch pages about rights under no name, queues, blocked threads, limits and totals; and that
 * a walk over what comes and goes shows once what stays.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_thread.h"
#include "tests/lab/lab_expect.h"

enum { ROOM = 4 << 20, MOST_PAGES = 100000 };

/* A table as it is read page by page. */
struct reading {
	struct lab_thread *thread;
	struct machd_watch request;
	uint32_t record_size;
	uint8_t *records;
	size_t count;
	bool done;
};

static void begin(struct reading *reading, struct lab_thread *thread, uint32_t table,
		  uint64_t object)
{
	*reading =
		(struct reading){.thread = thread, .request = {.table = table, .object = object}};
}

static void turn(struct reading *reading)
{
	struct machd_watch_answer answer;
	size_t used = reading->count * reading->record_size;
	unsigned count;

	reading->records = realloc(reading->records, used + ROOM);
	LAB_TRUE(reading->records);
	lab_ok(lab_watch(reading->thread, &reading->request, &answer, reading->records + used, ROOM,
			 &count));
	reading->record_size = answer.record_size;
	reading->count += count;
	reading->request.task = answer.next_task;
	reading->request.index = answer.next_index;
	reading->done = answer.next_task == 0 && answer.next_index == 0;
}

static void *read_all(struct lab_thread *thread, uint32_t table, uint64_t object, size_t *count)
{
	struct reading reading;
	unsigned pages = 0;

	begin(&reading, thread, table, object);
	do {
		turn(&reading);
		LAB_CHECK(++pages < MOST_PAGES, "the pages do not end");
	} while (!reading.done);
	*count = reading.count;
	return reading.records;
}

/* The id of the port behind a name. */
static uint64_t object_of(struct lab_thread *watcher, const struct lab_thread *thread,
			  mach_port_name_t name)
{
	size_t count;
	struct machd_watch_port *ports = read_all(watcher, MACHD_WATCH_PORTS, 0, &count);
	uint64_t object = 0;

	for (size_t i = 0; i < count; i++)
		if (ports[i].task == thread->task->id && ports[i].name == name)
			object = ports[i].object;
	free(ports);
	LAB_TRUE(object);
	return object;
}

static unsigned count_kind(const struct machd_watch_hold *holds, size_t count, uint32_t kind)
{
	unsigned found = 0;

	for (size_t i = 0; i < count; i++)
		found += holds[i].kind == kind;
	return found;
}

static const struct machd_watch_hold *first_kind(const struct machd_watch_hold *holds, size_t count,
						 uint32_t kind)
{
	for (size_t i = 0; i < count; i++)
		if (holds[i].kind == kind)
			return &holds[i];
	ck_abort_msg("there is no record of kind %u", kind);
	return NULL;
}

START_TEST(rights_in_messages_are_shown)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	struct lab_thread *watcher = lab_watcher(lab, 1000), *blocked = lab_thread(a->task);
	mach_port_name_t service = lab_new_port(b), send = lab_pass(b, service, MAKE_SEND, a);
	mach_port_name_t mine = lab_new_port(a);
	uint64_t object = object_of(watcher, a, mine), queue = object_of(watcher, b, service);
	const struct machd_watch_hold *hold;
	struct machd_watch_hold *holds;
	struct lab_buffer message;
	size_t count;

	lab_compose(&message, send, COPY_SEND, mine, MAKE_ONCE, 77);
	lab_add_port(&message, mine, MAKE_SEND);
	lab_ok(lab_send_now(a, &message));
	lab_set_qlimit(b, service, 1);
	lab_advance(lab, 5);
	lab_compose(&message, send, COPY_SEND, mine, MAKE_ONCE, 78);
	lab_is(LAB_BLOCKED, lab_send(blocked, &message, 0, 0));
	lab_advance(lab, 20);
	holds = read_all(watcher, MACHD_WATCH_HOLDS, object, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(count_kind(holds, count, MACHD_WATCH_QUEUED), 2);
	hold = first_kind(holds, count, MACHD_WATCH_QUEUED);
	ck_assert_uint_eq(hold->object, object);
	ck_assert_uint_eq(hold->via, queue);
	ck_assert_uint_eq(hold->type, MACH_MSG_TYPE_PORT_SEND_ONCE);
	ck_assert_uint_eq(hold->msgh_id, 77);
	ck_assert_int_eq(hold->pid, b->pid);
	ck_assert_int_eq(hold->sender_pid, a->pid);
	ck_assert_uint_eq(hold->age, 25000000);
	ck_assert_uint_eq(hold[1].type, MACH_MSG_TYPE_PORT_SEND);
	hold = first_kind(holds, count, MACHD_WATCH_BLOCKED);
	ck_assert_uint_eq(hold->msgh_id, 78);
	ck_assert_uint_eq(hold->age, 20000000);
	ck_assert_int_eq(hold->pid, a->pid);
	free(holds);
	/* The same records are about the port that has the messages. */
	free(read_all(watcher, MACHD_WATCH_HOLDS, queue, &count));
	ck_assert_uint_eq(count, 3);
	lab_stop(lab);
}
END_TEST

START_TEST(requests_sets_and_rights_that_are_kept_are_shown)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *watcher = lab_watcher(lab, 1000);
	mach_port_name_t port = lab_new_service(a), notify = lab_new_port(a), previous;
	mach_port_name_t set = lab_new_set(a);
	uint64_t object = object_of(watcher, a, port), told = object_of(watcher, a, notify);
	const struct machd_watch_hold *hold;
	struct machd_watch_hold *holds;
	size_t count;

	lab_ok(lab_request_notification(a, port, MACH_NOTIFY_NO_SENDERS, 9, notify, MAKE_ONCE,
					&previous));
	lab_ok(lab_request_notification(a, port, MACH_NOTIFY_PORT_DESTROYED, 0, notify, MAKE_ONCE,
					&previous));
	lab_ok(lab_request_notification(a, port, MACH_NOTIFY_DEAD_NAME, 0, notify, MAKE_ONCE,
					&previous));
	lab_ok(lab_insert_member(a, port, set));
	lab_ok(lab_register(a, "one", port));
	lab_ok(lab_register(a, "two", port));
	lab_ok(lab_set_special_port(a, TASK_BOOTSTRAP_PORT, port));
	holds = read_all(watcher, MACHD_WATCH_HOLDS, object, &count);
	ck_assert_uint_eq(count, 6);
	hold = first_kind(holds, count, MACHD_WATCH_NO_SENDERS);
	ck_assert_uint_eq(hold->object, told);
	ck_assert_uint_eq(hold->via, object);
	ck_assert_int_eq(hold->pid, a->pid);
	first_kind(holds, count, MACHD_WATCH_PORT_DESTROYED);
	ck_assert_uint_eq(first_kind(holds, count, MACHD_WATCH_DEAD_NAME)->name, port);
	ck_assert_uint_eq(first_kind(holds, count, MACHD_WATCH_BOOTSTRAP)->count, 2);
	ck_assert_int_eq(first_kind(holds, count, MACHD_WATCH_TASK_SPECIAL)->pid, a->pid);
	hold = first_kind(holds, count, MACHD_WATCH_MEMBER);
	ck_assert_uint_eq(hold->object, object);
	ck_assert_uint_eq(hold->via, object_of(watcher, a, set));
	ck_assert_uint_eq(hold->name, set);
	free(holds);
	lab_stop(lab);
}
END_TEST

/* One message with more rights than fit on a page. */
START_TEST(many_rights_of_a_message_come_in_pages)
{
	enum { PORTS = 100, MESSAGES = 30 };
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *watcher = lab_watcher(lab, 1000);
	mach_port_name_t service = lab_new_service(a), mine = lab_new_service(a);
	struct machd_watch_hold *holds;
	size_t count, unique = 0;
	uint64_t last = 0;

	lab_set_qlimit(a, service, MESSAGES);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct lab_buffer message;

		lab_compose(&message, service, COPY_SEND, NOBODY, 0, 1);
		for (unsigned k = 0; k < PORTS; k++)
			lab_add_port(&message, mine, COPY_SEND);
		lab_ok(lab_send_now(a, &message));
	}
	holds = read_all(watcher, MACHD_WATCH_HOLDS, object_of(watcher, a, mine), &count);
	ck_assert_uint_eq(count, PORTS * MESSAGES);
	for (size_t i = 0; i < count; i++) {
		unique += holds[i].message != last;
		last = holds[i].message;
	}
	ck_assert_uint_eq(unique, MESSAGES);
	free(holds);
	lab_stop(lab);
}
END_TEST

START_TEST(queues_are_shown_with_the_age_of_their_heads)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	struct lab_thread *watcher = lab_watcher(lab, 1000);
	mach_port_name_t port, send, quiet = lab_new_port(a);
	struct machd_watch_queue *queues;
	uint64_t object;
	size_t count;

	lab_ok(lab_check_in(a, "deep", &port));
	lab_ok(lab_look_up(b, "deep", &send));
	object = object_of(watcher, a, port);
	lab_fill(b, send, 1, 41);
	lab_advance(lab, 30);
	lab_fill(b, send, 2, 42);
	lab_advance(lab, 12);
	queues = read_all(watcher, MACHD_WATCH_QUEUES, 0, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(queues->object, object);
	ck_assert_uint_eq(queues->msgcount, 3);
	ck_assert_uint_eq(queues->age, 42000000);
	ck_assert_uint_eq(queues->head_id, 41);
	ck_assert_int_eq(queues->head_pid, b->pid);
	ck_assert_int_eq(queues->receiver_pid, a->pid);
	ck_assert_uint_eq(queues->receiver_name, port);
	ck_assert_uint_eq(queues->uid, 1000);
	ck_assert_uint_eq(queues->place, MACHD_WATCH_IN_TASK);
	ck_assert_str_eq(queues->service, "deep");
	free(queues);
	lab_message(a, port, 41);
	queues = read_all(watcher, MACHD_WATCH_QUEUES, object, &count);
	ck_assert_uint_eq(queues->age, 12000000);
	free(queues);
	queues = read_all(watcher, MACHD_WATCH_QUEUES, object_of(watcher, a, quiet), &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(queues->msgcount, 0);
	ck_assert_uint_eq(queues->age, 0);
	free(queues);
	lab_stop(lab);
}
END_TEST

START_TEST(blocked_threads_are_shown_with_what_they_wait_for)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 1000)->thread;
	struct lab_thread *watcher = lab_watcher(lab, 1000), *on_set = lab_thread(a->task);
	mach_port_name_t port = lab_new_port(a), send = lab_pass(a, port, MAKE_SEND, b);
	mach_port_name_t set = lab_new_set(a), other = lab_new_port(a);
	struct lab_buffer out = lab_to(send, 99), in, on;
	struct machd_watch_wait *waits;
	uint64_t object;
	size_t count;

	lab_set_qlimit(a, port, 0);
	lab_is(LAB_BLOCKED, lab_receive(on_set, set, &on, 0, 0));
	lab_advance(lab, 3);
	lab_is(LAB_BLOCKED, lab_send(b, &out, MACH_SEND_TIMEOUT, 1000));
	lab_is(LAB_BLOCKED, lab_receive(a, other, &in, 0, 0));
	lab_advance(lab, 4);
	waits = read_all(watcher, MACHD_WATCH_WAITS, 0, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(waits[0].state, MACHD_WATCH_RECEIVING);
	ck_assert_uint_eq(waits[0].set, 0);
	ck_assert_uint_eq(waits[1].state, MACHD_WATCH_SENDING);
	ck_assert_int_eq(waits[1].pid, b->pid);
	ck_assert_uint_eq(waits[1].timed, 1);
	ck_assert_uint_eq(waits[1].age, 4000000);
	ck_assert_uint_eq(waits[1].msgh_id, 99);
	ck_assert_uint_eq(waits[2].set, 1);
	ck_assert_uint_eq(waits[2].age, 7000000);
	object = waits[1].object;
	free(waits);
	ck_assert_uint_eq(object, object_of(watcher, b, send));
	waits = read_all(watcher, MACHD_WATCH_WAITS, object, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(waits->pid, b->pid);
	free(waits);
	lab_stop(lab);
}
END_TEST

START_TEST(limits_tell_use_and_the_most_at_once)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *watcher = lab_watcher(lab, 0);
	mach_port_name_t names[40];
	struct machd_watch_limit *limits;
	unsigned seen = 0;
	size_t count;

	for (unsigned i = 0; i < 40; i++)
		names[i] = lab_new_port(a);
	for (unsigned i = 0; i < 30; i++)
		lab_ok(lab_mod_refs(a, names[i], MACH_PORT_RIGHT_RECEIVE, -1));
	limits = read_all(watcher, MACHD_WATCH_LIMITS, 0, &count);
	for (size_t i = 0; i < count; i++) {
		const struct machd_watch_limit *limit = &limits[i];

		LAB_TRUE(limit->used <= limit->peak && limit->key[0]);
		if (limit->scope == MACHD_WATCH_OF_NOBODY)
			continue;
		if (!strcmp(limit->key, "PortsPerUser") && limit->scope == MACHD_WATCH_OF_TASK) {
			ck_assert_int_eq(limit->pid, a->pid);
			ck_assert_uint_eq(limit->used, 10);
			ck_assert_uint_eq(limit->peak, 40);
			seen |= 8;
		} else if (!strcmp(limit->key, "PortsPerUser") && limit->uid == 1000) {
			ck_assert_uint_eq(limit->used, 10);
			ck_assert_uint_eq(limit->peak, 40);
			ck_assert_uint_eq(limit->value, lab->host->h_limits.ports_per_user);
			ck_assert_uint_eq(limit->scope, MACHD_WATCH_OF_USER);
			seen |= 1;
		} else if (!strcmp(limit->key, "NamesPerTask")) {
			ck_assert_int_eq(limit->pid, a->pid);
			ck_assert_uint_eq(limit->used, 3 + 10);
			ck_assert_uint_eq(limit->peak, 3 + 40);
			seen |= 2;
		} else if (!strcmp(limit->key, "Channels")) {
			ck_assert_uint_eq(limit->used, 2);
			ck_assert_uint_eq(limit->scope, MACHD_WATCH_OF_HOST);
			seen |= 4;
		}
	}
	ck_assert_uint_eq(seen, 15);
	free(limits);
	lab_stop(lab);
}
END_TEST

static struct machd_watch_totals totals_of(struct lab_thread *watcher, uint32_t uid)
{
	size_t count;
	struct machd_watch_totals *all = read_all(watcher, MACHD_WATCH_TOTALS, 0, &count);
	struct machd_watch_totals found = {.uid = UINT32_MAX - 1};

	for (size_t i = 0; i < count; i++)
		if (all[i].uid == uid)
			found = all[i];
	free(all);
	return found;
}

START_TEST(totals_count_messages_to_their_end)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *b = lab_task(lab, 2000)->thread;
	struct lab_thread *all = lab_watcher(lab, 0), *own = lab_watcher(lab, 1000);
	mach_port_name_t port = lab_new_service(a);
	struct machd_watch_totals totals;
	struct lab_buffer message;

	(void)b;
	lab_compose(&message, port, COPY_SEND, NOBODY, 0, 5);
	lab_add_bytes(&message, "twelve bytes", 12);
	lab_ok(lab_send_now(a, &message));
	lab_fill(a, port, 2, 6);
	lab_message(a, port, 5);
	lab_ok(lab_mod_refs(a, port, MACH_PORT_RIGHT_RECEIVE, -1));
	totals = totals_of(all, 1000);
	ck_assert_uint_eq(totals.sent, 3);
	ck_assert_uint_eq(totals.received, 1);
	ck_assert_uint_eq(totals.destroyed, 2);
	ck_assert_uint_eq(totals.sent_bytes, 12);
	ck_assert_uint_eq(totals.tasks, 1);
	ck_assert_uint_eq(totals_of(all, 2000).sent, 0);
	totals = totals_of(all, MACHD_WATCH_NO_UID);
	ck_assert_uint_eq(totals.sent, 3);
	ck_assert_uint_eq(totals.destroyed, 2);
	ck_assert_uint_eq(totals.tasks, 2);
	/* Who sees only its own gets neither those of others nor the sum. */
	ck_assert_uint_eq(totals_of(own, 1000).sent, 3);
	ck_assert_uint_eq(totals_of(own, 2000).uid, UINT32_MAX - 1);
	ck_assert_uint_eq(totals_of(own, MACHD_WATCH_NO_UID).tasks, 0);
	lab_stop(lab);
}
END_TEST

/* Tables with something of uid 1000 in them, and nothing of anybody else. */
static const uint32_t private_tables[] = {
	MACHD_WATCH_TASKS, MACHD_WATCH_PORTS, MACHD_WATCH_NAMES,  MACHD_WATCH_QUEUES,
	MACHD_WATCH_HOLDS, MACHD_WATCH_WAITS, MACHD_WATCH_TOTALS,
};

START_TEST(others_see_nothing_of_it_but_who_may_inspect)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *waits = lab_thread(a->task);
	struct lab_thread *own = lab_watcher(lab, 1000), *other = lab_watcher(lab, 2000), *group;
	mach_port_name_t port = lab_new_service(a), empty = lab_new_port(a);
	struct lab_buffer message;
	size_t count, mine;

	lab->inspects = true;
	group = lab_watcher(lab, 2000);
	lab_ok(lab_register(a, "secret", port));
	lab_fill(a, port, 2, 0);
	lab_is(LAB_BLOCKED, lab_receive(waits, empty, &message, 0, 0));
	for (unsigned i = 0; i < sizeof private_tables / sizeof *private_tables; i++) {
		uint32_t table = private_tables[i];

		free(read_all(own, table, 0, &mine));
		LAB_CHECK(mine > 0, "table %u is empty", table);
		free(read_all(group, table, 0, &count));
		LAB_CHECK(count >= mine, "table %u: %zu records, not %zu", table, count, mine);
		free(read_all(other, table, 0, &count));
		/* Its own connection counts. */
		LAB_CHECK(count == (table == MACHD_WATCH_TOTALS),
			  "table %u shows %zu records to others", table, count);
	}
	lab_stop(lab);
}
END_TEST

/* --- while things come and go --- */

START_TEST(a_cursor_is_good_once)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *watcher = lab_watcher(lab, 1000);
	struct machd_watch_answer answer;
	struct reading reading;
	uint8_t *room = malloc(ROOM);
	unsigned count;

	ck_assert_ptr_nonnull(room);
	lab->host->h_page_steps = 512;
	for (unsigned i = 0; i < 3000; i++)
		lab_new_port(a);
	begin(&reading, watcher, MACHD_WATCH_HOLDS, 0);
	turn(&reading);
	ck_assert(!reading.done);
	reading.request.index++;
	lab_is(KERN_ABORTED, lab_watch(watcher, &reading.request, &answer, room, ROOM, &count));
	reading.request.index--;
	turn(&reading);
	reading.request.index--;
	lab_is(KERN_ABORTED, lab_watch(watcher, &reading.request, &answer, room, ROOM, &count));
	free(reading.records);
	free(room);
	lab_stop(lab);
}
END_TEST

START_TEST(memory_may_be_short)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *watcher = lab_watcher(lab, 1000);
	struct machd_watch request = {.table = MACHD_WATCH_HOLDS};
	struct machd_watch_answer answer;
	uint8_t room[256];
	unsigned count;

	mem_fail_after(1);
	lab_is(KERN_RESOURCE_SHORTAGE,
	       lab_watch(watcher, &request, &answer, room, sizeof room, &count));
	mem_fail_after(0);
	lab_ok(lab_watch(watcher, &request, &answer, room, sizeof room, &count));
	lab_stop(lab);
}
END_TEST

/* Where a watcher stands is state, which a replay must have as well; in the end it stands nowhere.
 */
START_TEST(a_place_is_part_of_the_state)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread, *watcher = lab_watcher(lab, 1000);
	uint8_t before[TRAP_DIGEST_SIZE], within[TRAP_DIGEST_SIZE], after[TRAP_DIGEST_SIZE];
	struct reading reading;

	lab->host->h_page_steps = 512;
	for (unsigned i = 0; i < 3000; i++)
		lab_new_port(a);
	watcher->ipc->th_sequence = 0;
	trap_digest(lab->host, before);
	watcher->ipc->th_sequence = watcher->sequence;
	begin(&reading, watcher, MACHD_WATCH_QUEUES, 0);
	turn(&reading);
	ck_assert(!reading.done);
	watcher->ipc->th_sequence = 0;
	trap_digest(lab->host, within);
	watcher->ipc->th_sequence = watcher->sequence;
	ck_assert_mem_ne(before, within, sizeof before);
	while (!reading.done)
		turn(&reading);
	watcher->ipc->th_sequence = 0;
	trap_digest(lab->host, after);
	ck_assert_mem_eq(before, after, sizeof before);
	watcher->ipc->th_sequence = watcher->sequence;
	free(reading.records);
	lab_stop(lab);
}
END_TEST

/* The things that stay: so many ports, each with a message that holds a right to `anchor`. */
enum { STAY = 150, PASSING = 150 };

struct crowd {
	struct lab *lab;
	struct lab_thread *a, *passing_task;
	mach_port_name_t anchor, stay[STAY], passing[PASSING];
	uint64_t seed;
};

static unsigned draw(struct crowd *crowd, unsigned below)
{
	crowd->seed = crowd->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((crowd->seed >> 33) % below);
}

static mach_port_name_t port_with_message(struct crowd *crowd)
{
	mach_port_name_t port = lab_new_service(crowd->a);
	struct lab_buffer message;

	lab_compose(&message, port, COPY_SEND, NOBODY, 0, 7);
	lab_add_port(&message, crowd->anchor, COPY_SEND);
	lab_ok(lab_send_now(crowd->a, &message));
	return port;
}

/* Something that is not to stay goes or comes, or a message of it does, or a task. */
static void change(struct crowd *crowd)
{
	mach_port_name_t *port = &crowd->passing[draw(crowd, PASSING)];

	switch (draw(crowd, 4)) {
	case 0:
		if (*port)
			lab_ok(lab_destroy(crowd->a, *port));
		*port = 0;
		break;
	case 1:
		if (!*port)
			*port = port_with_message(crowd);
		break;
	case 2:
		if (*port && lab_status(crowd->a, *port).mps_msgcount)
			lab_message(crowd->a, *port, 7);
		break;
	case 3:
		if (crowd->passing_task)
			lab_close(crowd->passing_task);
		crowd->passing_task =
			crowd->passing_task ? NULL : lab_task(crowd->lab, 1000)->thread;
		break;
	}
}

/* What stays is there once. */
static void check_reading(const struct crowd *crowd, const struct reading *reading)
{
	const struct machd_watch_queue *queues = (const void *)reading->records;
	const struct machd_watch_hold *holds = (const void *)reading->records;
	unsigned found[STAY] = {0};

	if (reading->request.table == MACHD_WATCH_HOLDS) {
		for (size_t i = 0; i < reading->count; i++)
			for (size_t k = 0; k < i; k++)
				LAB_CHECK(holds[i].message == 0 ||
						  holds[i].message != holds[k].message,
					  "a right is shown twice");
		LAB_TRUE(reading->count >= STAY);
		return;
	}
	for (size_t i = 0; i < reading->count; i++)
		for (unsigned k = 0; k < STAY; k++)
			found[k] += queues[i].receiver_name == crowd->stay[k];
	for (unsigned k = 0; k < STAY; k++)
		LAB_CHECK(found[k] == 1, "a port that stays is shown %u times", found[k]);
}

START_TEST(what_stays_is_shown_once_whatever_else_happens)
{
	static const uint32_t shown[] = {MACHD_WATCH_QUEUES, MACHD_WATCH_HOLDS};
	struct crowd crowd = {.lab = lab_start(NULL), .seed = (uint64_t)_i + 1};
	struct lab_thread *watcher = lab_watcher(crowd.lab, 1000);
	struct reading reading;
	uint64_t anchor;

	crowd.lab->host->h_page_steps = 128;
	crowd.a = lab_task(crowd.lab, 1000)->thread;
	crowd.anchor = lab_new_service(crowd.a);
	anchor = object_of(watcher, crowd.a, crowd.anchor);
	for (unsigned i = 0; i < STAY; i++) {
		crowd.passing[i] = port_with_message(&crowd);
		crowd.stay[i] = port_with_message(&crowd);
	}
	for (unsigned i = 0; i < 2; i++) {
		begin(&reading, watcher, shown[i], shown[i] == MACHD_WATCH_HOLDS ? anchor : 0);
		do {
			turn(&reading);
			for (unsigned k = 0; k < 60; k++)
				change(&crowd);
		} while (!reading.done);
		check_reading(&crowd, &reading);
		free(reading.records);
	}
	lab_stop(crowd.lab);
}
END_TEST

/* A place that nobody comes back to is moved on, and forgotten with its watcher. */
START_TEST(what_a_place_stands_at_may_go)
{
	struct crowd crowd = {.lab = lab_start(NULL), .seed = 99};
	struct lab_thread *watchers[MACHD_WATCH_TOTALS + 1] = {NULL};
	struct reading reading;

	crowd.lab->host->h_page_steps = 128;
	crowd.a = lab_task(crowd.lab, 1000)->thread;
	crowd.anchor = lab_new_service(crowd.a);
	for (unsigned i = 0; i < PASSING; i++)
		crowd.passing[i] = port_with_message(&crowd);
	for (uint32_t table = MACHD_WATCH_TASKS; table <= MACHD_WATCH_WAITS; table++) {
		watchers[table] = lab_watcher(crowd.lab, 1000);
		begin(&reading, watchers[table], table, 0);
		turn(&reading);
		free(reading.records);
	}
	for (unsigned i = 0; i < 2000; i++)
		change(&crowd);
	for (unsigned i = 0; i < PASSING; i++)
		if (crowd.passing[i])
			lab_ok(lab_destroy(crowd.a, crowd.passing[i]));
	lab_close(crowd.a);
	for (uint32_t table = MACHD_WATCH_TASKS; table <= MACHD_WATCH_WAITS; table++)
		lab_close(watchers[table]);
	lab_stop(crowd.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, rights_in_messages_are_shown);
	tcase_add_test(tcase, requests_sets_and_rights_that_are_kept_are_shown);
	tcase_add_test(tcase, many_rights_of_a_message_come_in_pages);
	tcase_add_test(tcase, queues_are_shown_with_the_age_of_their_heads);
	tcase_add_test(tcase, blocked_threads_are_shown_with_what_they_wait_for);
	tcase_add_test(tcase, limits_tell_use_and_the_most_at_once);
	tcase_add_test(tcase, totals_count_messages_to_their_end);
	tcase_add_test(tcase, others_see_nothing_of_it_but_who_may_inspect);
	tcase_add_test(tcase, a_cursor_is_good_once);
	tcase_add_test(tcase, memory_may_be_short);
	tcase_add_test(tcase, a_place_is_part_of_the_state);
	tcase_add_loop_test(tcase, what_stays_is_shown_once_whatever_else_happens, 0, 8);
	tcase_add_test(tcase, what_a_place_stands_at_may_go);
}

int main(void)
{
	return lab_run("watch_rights", add_tests);
}
