/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record holds what the host was told of the machine and the time of day, and who inherits from
 * whom, so that a replay gives the same answers.
 */
#include <mach/mach_eventlink.h>
#include <mach/task_special_ports.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/keep/replay.h"
#include "tests/lab/lab_expect.h"

static char path[] = "/tmp/machd-record-XXXXXX";

static struct lab_thread *begin(void)
{
	struct lab_options options;
	int fd;

	strcpy(path + sizeof path - 7, "XXXXXX");
	fd = mkstemp(path);
	LAB_TRUE(fd >= 0);
	close(fd);
	lab_options_init(&options);
	options.record = path;
	return lab_task(lab_start(&options), 1000)->thread;
}

/* The replay of a record: it ends well, and all is as it was. */
static void replay(uint64_t inputs)
{
	struct replay_report report;

	replay_file(path, &report);
	ck_assert_msg(report.verdict == REPLAY_SAME, "%s", report.text);
	ck_assert(report.complete);
	ck_assert_uint_ge(report.inputs, inputs);
	unlink(path);
}

static void call(struct lab_thread *thread, uint32_t routine, mach_port_name_t target,
		 const void *in, size_t in_size)
{
	uint8_t out[1024];

	lab_ok(lab_call(thread, routine, target, in, in_size, out, sizeof out, NULL));
}

START_TEST(the_machine_and_the_time_of_day)
{
	struct lab_thread *a = begin();
	mach_port_name_t host = a->task->host, port = lab_new_port(a);
	struct host_info_in info = {HOST_BASIC_INFO, HOST_INFO_MAX};
	struct host_get_clock_service_in id = {CALENDAR_CLOCK};
	struct host_get_clock_service_out clock;
	struct host_request_notification_in notify = {HOST_NOTIFY_CALENDAR_SET, port};

	call(a, MACHD_ROUTINE_host_info, host, &info, sizeof info);
	call(a, MACHD_ROUTINE_host_kernel_version, host, NULL, 0);
	call(a, MACHD_ROUTINE_host_request_notification, host, &notify, sizeof notify);
	lab_ok(lab_call(a, MACHD_ROUTINE_host_get_clock_service, host, &id, sizeof id, &clock,
			sizeof clock, NULL));
	call(a, MACHD_ROUTINE_clock_get_time, clock.clock, NULL, 0);
	lab_set_calendar(a->lab, 12345);
	lab_message(a, port, HOST_CALENDAR_SET_REPLYID);
	call(a, MACHD_ROUTINE_clock_get_time, clock.clock, NULL, 0);
	lab_stop(a->lab);
	replay(8);
}
END_TEST

START_TEST(children_threads_and_eventlinks)
{
	struct lab_thread *a = begin(), *b;
	mach_port_name_t port = lab_new_service(a);
	struct mach_eventlink_create_in option = {MELC_OPTION_NO_COPYIN};
	struct mach_eventlink_create_out sides;
	struct mach_eventlink_associate_in any = {.option = MELA_OPTION_ASSOCIATE_ON_WAIT};
	struct mach_eventlink_wait_until_in wait = {.clock = KERN_CLOCK_MACH_ABSOLUTE_TIME};
	struct mach_eventlink_signal_in signal;

	lab_ok(lab_set_special_port(a, TASK_BOOTSTRAP_PORT, port));
	b = lab_fork(a->lab, 1000, a->task->token)->thread;
	call(b, MACHD_ROUTINE_mach_thread_self, b->task->self, NULL, 0);
	lab_ok(lab_call(b, MACHD_ROUTINE_mach_eventlink_create, b->task->self, &option,
			sizeof option, &sides, sizeof sides, NULL));
	call(b, MACHD_ROUTINE_mach_eventlink_associate, sides.first, &any, sizeof any);
	wait.port = sides.first;
	wait.deadline = a->lab->now + 5000000;
	lab_is(LAB_BLOCKED, lab_call(b, MACHD_ROUTINE_mach_eventlink_wait_until, b->task->self,
				     &wait, sizeof wait, NULL, 0, NULL));
	signal.port = lab_pass(a, port, MAKE_SEND, a);
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_call(a, MACHD_ROUTINE_mach_eventlink_signal, a->task->self, &signal,
			sizeof signal, NULL, 0, NULL));
	lab_kill(a->task);
	lab_advance(b->lab, 10);
	lab_stop(b->lab);
	replay(10);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_machine_and_the_time_of_day);
	tcase_add_test(tcase, children_threads_and_eventlinks);
}

int main(void)
{
	return lab_run("record_host", add_tests);
}
