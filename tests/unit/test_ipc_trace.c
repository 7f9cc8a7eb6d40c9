/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace: what is recorded of a message [30], who may read it, what a slow reader is told, and
 * that nothing is recorded while nobody reads.
 */
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_letter.h"
#include "tests/lab/lab_voucher.h"

enum { RECORDS_MAX = 4096 };

/* A reader, and the last page it got. */
struct reader {
	struct lab_thread *thread;
	uint64_t next, lost;
	unsigned count;
	struct machd_watch_message got[RECORDS_MAX];
};

static void read_page(struct reader *reader, int32_t pid)
{
	struct machd_watch request = {
		.table = MACHD_WATCH_MESSAGES, .pid = pid, .index = reader->next};
	struct machd_watch_answer answer;

	lab_ok(lab_watch(reader->thread, &request, &answer, reader->got, sizeof reader->got,
			 &reader->count));
	ck_assert_uint_eq(answer.record_size, sizeof reader->got[0]);
	ck_assert_uint_gt(answer.next_index, 0);
	reader->next = answer.next_index;
	reader->lost = answer.next_task;
}

static struct reader begin(struct lab *lab, uint32_t uid)
{
	struct reader reader = {.thread = lab_watcher(lab, uid)};

	read_page(&reader, 0);
	ck_assert_uint_eq(reader.count, 0);
	return reader;
}

/* The one record there is, with that id. */
static struct machd_watch_message one(struct reader *reader, uint32_t id)
{
	read_page(reader, 0);
	ck_assert_uint_eq(reader->count, 1);
	ck_assert_uint_eq(reader->got[0].msgh_id, id);
	return reader->got[0];
}

#define HAS(record, bits) \
	LAB_CHECK(((record).flags & (bits)) == (uint32_t)(bits), "flags are 0x%x", (record).flags)
#define HAS_NOT(record, bits) \
	LAB_CHECK(((record).flags & (bits)) == 0, "flags are 0x%x", (record).flags)

START_TEST(a_plain_message)
{
	struct letter_world world = letter_begin(64, 64);
	struct reader reader = begin(world.lab, 0);
	struct lab_buffer message;
	struct machd_watch_message record;

	lab_compose(&message, world.dest, COPY_SEND, world.right, MAKE_ONCE, 0x1234);
	lab_add_bytes(&message, "twelve bytes", 12);
	lab_advance(world.lab, 7);
	lab_ok(lab_send_now(world.b, &message));
	record = one(&reader, 0x1234);
	ck_assert_uint_eq(record.number, 1);
	ck_assert_uint_eq(record.time, world.lab->now);
	ck_assert_uint_eq(record.sender_pid, (uint32_t)world.b->pid);
	ck_assert_uint_eq(record.receiver_pid, (uint32_t)world.a->pid);
	ck_assert_uint_eq(record.sender_uid, 1000);
	ck_assert_uint_eq(record.receiver_uid, 1000);
	ck_assert_uint_eq(record.size, 12);
	ck_assert_uint_eq(record.ports, 0);
	ck_assert_uint_eq(record.flags, MACHD_TRACE_TRACED | MACHD_TRACE_SND64 |
						MACHD_TRACE_APP_SRC | MACHD_TRACE_APP_DST |
						MACHD_TRACE_SRC_SONCE);
	lab_stop(world.lab);
}
END_TEST

/* case 347 */
START_TEST(case_347_memory_to_a_full_queue_through_a_send_once_right)
{
	struct letter_world world = letter_begin(64, 64);
	mach_port_name_t once = lab_pass(world.a, world.port, MAKE_ONCE, world.b);
	struct reader reader;
	struct machd_watch_message record;
	mach_msg_header_t *header;

	lab_fill(world.b, world.dest, 5, 0);
	reader = begin(world.lab, 0);
	letter_start(once, MOVE_ONCE);
	header = (mach_msg_header_t *)(void *)letter.bytes;
	header->msgh_voucher_port = lab_new_voucher(world.b, "words");
	header->msgh_bits |= COPY_SEND << 16;
	letter_add_memory(4, PHYSICAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_entry_inline("four", 4);
	lab_ok(letter_send(world.b));
	record = one(&reader, 7);
	HAS(record, MACHD_TRACE_COMPLEX | MACHD_TRACE_OOLMEM | MACHD_TRACE_PCPY |
			    MACHD_TRACE_DST_SONCE | MACHD_TRACE_DSTQFULL | MACHD_TRACE_VOUCHER);
	HAS_NOT(record, MACHD_TRACE_VCPY | MACHD_TRACE_DST_NDFLTQ);
	lab_stop(world.lab);
}
END_TEST

START_TEST(memory_and_rights_are_counted)
{
	struct letter_world world = letter_begin(64, 64);
	const mach_port_name_t names[3] = {world.right, world.right, MACH_PORT_NULL};
	struct reader reader = begin(world.lab, 0);
	struct machd_watch_message record;

	letter_start(world.dest, COPY_SEND);
	letter_add_memory(4, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_entry_inline("four", 4);
	letter_add_memory(65536, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_entry(MACHD_MEMORY_FD, 0, 0);
	letter_add_fd(world.lab, 65536, true);
	letter_add_ports(3, COPY_SEND);
	letter_entry_inline(names, sizeof names);
	letter_add_port(world.right, MAKE_SEND);
	lab_ok(letter_send(world.b));
	record = one(&reader, 7);
	HAS(record, MACHD_TRACE_COMPLEX | MACHD_TRACE_OOLMEM | MACHD_TRACE_PCPY | MACHD_TRACE_VCPY |
			    MACHD_TRACE_ONEWAY);
	HAS_NOT(record, MACHD_TRACE_GUARDED_DESC | MACHD_TRACE_DSTQFULL);
	ck_assert_uint_eq(record.size, 4 + 65536);
	ck_assert_uint_eq(record.ports, 3 + 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_queue_and_the_call_show)
{
	struct letter_world world = letter_begin(32, 64);
	struct reader reader;
	struct lab_buffer message = lab_to(world.dest, 5);
	struct machd_watch_message record;
	struct lab_msg both = {.option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT,
			       .send = &message,
			       .send_size = sizeof message.header,
			       .receive_size = sizeof message,
			       .receive_name = world.right};

	lab_set_qlimit(world.a, world.port, 3);
	reader = begin(world.lab, 0);
	lab_is(MACH_RCV_TIMED_OUT, lab_msg(world.b, &both));
	record = one(&reader, 5);
	HAS(record, MACHD_TRACE_SNDRCV | MACHD_TRACE_DST_NDFLTQ);
	HAS_NOT(record, MACHD_TRACE_SND64 | MACHD_TRACE_DSTQFULL);
	/* The message that takes the last slot finds the queue full, as one that had to wait. */
	lab_fill(world.b, world.dest, 2, 6);
	read_page(&reader, 0);
	ck_assert_uint_eq(reader.count, 2);
	HAS_NOT(reader.got[0], MACHD_TRACE_DSTQFULL);
	HAS(reader.got[1], MACHD_TRACE_DSTQFULL);
	/* One that is refused is not traced; one that waits is, when it is queued. */
	message = lab_to(world.dest, 8);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.b, &message));
	message = lab_to(world.dest, 9);
	lab_is(LAB_BLOCKED, lab_send(world.b, &message, 0, 0));
	read_page(&reader, 0);
	ck_assert_uint_eq(reader.count, 0);
	lab_message(world.a, world.port, 5);
	lab_ok(lab_wait(world.b));
	one(&reader, 9);
	lab_stop(world.lab);
}
END_TEST

/* A task that dies in slices has ports for a while whose receiver is nobody. */
START_TEST(a_port_of_a_task_that_is_dying)
{
	struct letter_world world = letter_begin(64, 64);
	struct reader reader = begin(world.lab, 0);
	struct lab_buffer message;
	mach_port_name_t last, theirs;

	for (unsigned i = 0; i < 2000; i++)
		lab_new_port(world.a);
	last = lab_new_port(world.a);
	theirs = lab_pass(world.a, last, MAKE_SEND, world.b);
	read_page(&reader, 0);
	world.lab->lazy_work = true;
	lab_kill(world.a->task);
	message = lab_to(theirs, 7);
	lab_ok(lab_send_now(world.b, &message));
	ck_assert_uint_eq(one(&reader, 7).receiver_pid, MACHD_TRACE_PID_DYING);
	ck_assert_uint_eq(reader.got[0].receiver_uid, MACHD_WATCH_NO_UID);
	lab_work(world.lab);
	lab_stop(world.lab);
}
END_TEST

START_TEST(case_350_a_dead_port_and_one_in_transit)
{
	struct letter_world world = letter_begin(64, 64);
	mach_port_name_t once = lab_pass(world.a, world.port, MAKE_ONCE, world.b);
	mach_port_name_t moving = lab_new_service(world.b);
	struct reader reader = begin(world.lab, 0);
	struct lab_buffer message = lab_to(world.dest, 1);

	lab_add_port(&message, moving, MOVE_RECEIVE);
	lab_ok(lab_send_now(world.b, &message));
	one(&reader, 1);
	message = lab_to(moving, 2);
	lab_ok(lab_send_now(world.b, &message));
	ck_assert_uint_eq(one(&reader, 2).receiver_pid, MACHD_TRACE_PID_TRANSIT);
	ck_assert_uint_eq(reader.got[0].receiver_uid, MACHD_WATCH_NO_UID);
	lab_ok(lab_mod_refs(world.a, world.port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_compose(&message, once, MOVE_ONCE, MACH_PORT_NULL, 0, 3);
	lab_ok(lab_send_now(world.b, &message));
	ck_assert_uint_eq(one(&reader, 3).receiver_pid, MACHD_TRACE_PID_DEAD);
	HAS(reader.got[0], MACHD_TRACE_DST_SONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(case_349_timers_checkins_and_the_daemons_own)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 0)->thread;
	mach_port_name_t port = lab_new_service(a);
	struct mk_timer_create_out timer;
	struct mk_timer_arm_in arm = {.deadline = 1};
	struct reader reader = begin(lab, 0);
	struct lab_buffer message = lab_to(port, 0x77303074);
	struct machd_watch_message record;

	lab_ok(lab_call(a, MACHD_ROUTINE_mk_timer_create, a->task->self, NULL, 0, &timer,
			sizeof timer, NULL));
	arm.name = timer.name;
	lab_ok(lab_call(a, MACHD_ROUTINE_mk_timer_arm, a->task->self, &arm, sizeof arm, NULL, 0,
			NULL));
	record = one(&reader, 0);
	HAS(record, MACHD_TRACE_TIMER | MACHD_TRACE_ONEWAY | MACHD_TRACE_DAEMON_DST);
	HAS_NOT(record, MACHD_TRACE_SND64 | MACHD_TRACE_DAEMON_SRC | MACHD_TRACE_APP_SRC);
	ck_assert_uint_eq(record.sender_pid, 0);
	ck_assert_uint_eq(record.sender_uid, MACHD_WATCH_NO_UID);
	lab_ok(lab_send_now(a, &message));
	HAS(one(&reader, 0x77303074), MACHD_TRACE_CHECKIN | MACHD_TRACE_DAEMON_SRC);
	lab_ok(lab_deallocate(a, lab_new_once(a, port)));
	record = one(&reader, MACH_NOTIFY_SEND_ONCE);
	HAS(record, MACHD_TRACE_DST_SONCE);
	ck_assert_uint_eq(record.receiver_pid, (uint32_t)a->pid);
	lab_stop(lab);
}
END_TEST

/* A port with a temporary owner has no receiver, but who has it can be picked all the same. */
START_TEST(a_port_with_a_temporary_owner)
{
	struct letter_world world = letter_begin(64, 64);
	mach_port_name_t once = lab_pass(world.a, world.port, MAKE_ONCE, world.b);
	struct reader reader;
	struct machd_watch_message record;
	struct lab_buffer message;

	lab_ok(lab_set_attributes(world.a, world.port, MACH_PORT_TEMPOWNER, NULL, 0));
	reader = begin(world.lab, 0);
	lab_fill(world.b, world.dest, 1, 1);
	record = one(&reader, 1);
	ck_assert_uint_eq(record.receiver_pid, MACHD_TRACE_PID_LIMBO);
	ck_assert_uint_eq(record.holder_pid, (uint32_t)world.a->pid);
	ck_assert_uint_eq(record.receiver_uid, 1000);
	HAS(record, MACHD_TRACE_DTMPOWNER | MACHD_TRACE_APP_SRC);
	HAS_NOT(record, MACHD_TRACE_APP_DST | MACHD_TRACE_DAEMON_DST);
	lab_fill(world.b, world.dest, 1, 2);
	lab_fill(world.b, world.right, 1, 3);
	read_page(&reader, world.a->pid);
	ck_assert_uint_eq(reader.count, 1);
	ck_assert_uint_eq(reader.got[0].msgh_id, 2);
	/* Once it has died it is as dead as others. */
	lab_ok(lab_mod_refs(world.a, world.port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_compose(&message, once, MOVE_ONCE, MACH_PORT_NULL, 0, 4);
	lab_ok(lab_send_now(world.b, &message));
	record = one(&reader, 4);
	ck_assert_uint_eq(record.receiver_pid, MACHD_TRACE_PID_DEAD);
	HAS_NOT(record, MACHD_TRACE_DTMPOWNER);
	lab_stop(world.lab);
}
END_TEST

START_TEST(messages_to_drivers_objects)
{
	static const struct {
		uint32_t id;
		bool iokit;
	} rows[] = {{2799, false}, {2800, true}, {2990, true}, {2991, false}, {0, false}};
	struct letter_world world = letter_begin(64, 64);
	struct reader reader = begin(world.lab, 0);

	lab_set_qlimit(world.a, world.port, sizeof rows / sizeof *rows);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		lab_fill(world.b, world.dest, 1, (int32_t)rows[i].id);
		ck_assert_uint_eq(one(&reader, rows[i].id).flags & MACHD_TRACE_IOKIT,
				  rows[i].iokit ? MACHD_TRACE_IOKIT : 0);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(messages_to_the_daemon_itself)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread;
	struct reader reader = begin(lab, 0);
	struct lab_buffer message = lab_to(a->task->host, 4711);

	lab_ok(lab_send_now(a, &message));
	ck_assert_uint_eq(one(&reader, 4711).receiver_pid, 0);
	ck_assert_uint_eq(reader.got[0].receiver_uid, MACHD_WATCH_NO_UID);
	lab_stop(lab);
}
END_TEST

START_TEST(a_reader_sees_what_concerns_its_uid)
{
	struct letter_world world = letter_begin(64, 64);
	struct lab_thread *root = lab_task(world.lab, 0)->thread;
	mach_port_name_t port = lab_new_service(root), theirs, dest;
	struct reader all, own, none;

	lab_ok(lab_check_in(world.a, "theirs", &theirs));
	lab_ok(lab_look_up(root, "theirs", &dest));
	all = begin(world.lab, 0);
	own = begin(world.lab, 1000);
	none = begin(world.lab, 2000);

	lab_fill(world.b, world.dest, 1, 1); /* 1000 to 1000 */
	lab_fill(root, dest, 1, 2);	     /* 0 to 1000 */
	lab_fill(root, port, 1, 3);	     /* 0 to 0 */
	read_page(&all, 0);
	ck_assert_uint_eq(all.count, 3);
	read_page(&own, 0);
	ck_assert_uint_eq(own.count, 2);
	ck_assert_uint_eq(own.got[1].msgh_id, 2);
	read_page(&none, 0);
	ck_assert_uint_eq(none.count, 0);
	/* What one may not see is not lost. */
	ck_assert_uint_eq(none.lost, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_process_can_be_picked)
{
	struct letter_world world = letter_begin(64, 64);
	struct reader reader = begin(world.lab, 0);
	mach_port_name_t own = lab_new_service(world.a);

	lab_fill(world.a, own, 1, 1);
	lab_fill(world.b, world.dest, 1, 2);
	lab_fill(world.b, world.right, 1, 3);
	read_page(&reader, world.a->pid);
	ck_assert_uint_eq(reader.count, 2);
	ck_assert_uint_eq(reader.got[0].msgh_id, 1);
	ck_assert_uint_eq(reader.got[1].msgh_id, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_slow_reader_is_told_what_it_missed)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread;
	mach_port_name_t port = lab_new_service(a);
	struct reader reader = begin(lab, 0);
	uint64_t seen = 0;

	for (unsigned i = 0; i < MACHD_TRACE_RECORDS + 10; i++) {
		lab_fill(a, port, 1, (int32_t)i);
		lab_message(a, port, (int32_t)i);
	}
	read_page(&reader, 0);
	ck_assert_uint_eq(reader.lost, 10);
	ck_assert_uint_eq(reader.got[0].number, 11);
	ck_assert_uint_eq(reader.got[0].msgh_id, 10);
	while (reader.count) {
		seen += reader.count;
		read_page(&reader, 0);
		ck_assert_uint_eq(reader.lost, 0);
	}
	ck_assert_uint_eq(seen, MACHD_TRACE_RECORDS);
	lab_stop(lab);
}
END_TEST

START_TEST(nothing_is_traced_when_nobody_reads)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread;
	mach_port_name_t port = lab_new_service(a);
	uint64_t before = mem_live();
	struct reader first = begin(lab, 0), second = begin(lab, 1000);

	ck_assert_ptr_nonnull(lab->host->h_trace);
	lab_close(first.thread);
	lab_fill(a, port, 1, 1);
	one(&second, 1);
	lab_close(second.thread);
	ck_assert_ptr_null(lab->host->h_trace);
	ck_assert_uint_eq(mem_live(), before + 1); /* the message */
	lab_message(a, port, 1);
	lab_stop(lab);
}
END_TEST

START_TEST(no_memory_for_the_ring)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *watcher = lab_watcher(lab, 0);
	struct machd_watch request = {.table = MACHD_WATCH_MESSAGES};
	struct machd_watch_answer answer;
	struct machd_watch_message record;
	unsigned count;

	mem_fail_after(1);
	lab_is(KERN_RESOURCE_SHORTAGE,
	       lab_watch(watcher, &request, &answer, &record, sizeof record, &count));
	mem_fail_after(0);
	ck_assert_ptr_null(lab->host->h_trace);
	lab_ok(lab_watch(watcher, &request, &answer, &record, sizeof record, &count));
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_plain_message);
	tcase_add_test(tcase, case_347_memory_to_a_full_queue_through_a_send_once_right);
	tcase_add_test(tcase, memory_and_rights_are_counted);
	tcase_add_test(tcase, the_queue_and_the_call_show);
	tcase_add_test(tcase, a_port_of_a_task_that_is_dying);
	tcase_add_test(tcase, case_350_a_dead_port_and_one_in_transit);
	tcase_add_test(tcase, case_349_timers_checkins_and_the_daemons_own);
	tcase_add_test(tcase, a_port_with_a_temporary_owner);
	tcase_add_test(tcase, messages_to_drivers_objects);
	tcase_add_test(tcase, messages_to_the_daemon_itself);
	tcase_add_test(tcase, a_reader_sees_what_concerns_its_uid);
	tcase_add_test(tcase, a_process_can_be_picked);
	tcase_add_test(tcase, a_slow_reader_is_told_what_it_missed);
	tcase_add_test(tcase, nothing_is_traced_when_nobody_reads);
	tcase_add_test(tcase, no_memory_for_the_ring);
}

int main(void)
{
	return lab_run("ipc_trace", add_tests);
}
