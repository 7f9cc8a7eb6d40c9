/* SPDX-License-Identifier: Apache-2.0 */
/* The host, its clocks and tasks by process, as programs know them [24]. case 346 */
#include <mach/host_special_ports.h>
#include <mach/mach_time.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define SELF mach_task_self()

START_TEST(the_machine_is_this_one)
{
	host_basic_info_data_t basic;
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
	kernel_version_t version;
	struct utsname name;
	mach_port_t host = mach_host_self();

	CHECK_OK(host_info(host, HOST_BASIC_INFO, (host_info_t)&basic, &count));
	CHECK_EQ(count, HOST_BASIC_INFO_COUNT);
	CHECK_EQ(basic.avail_cpus, sysconf(_SC_NPROCESSORS_ONLN));
	CHECK_EQ(basic.logical_cpu_max, sysconf(_SC_NPROCESSORS_CONF));
	CHECK(basic.physical_cpu > 0 && basic.physical_cpu <= basic.logical_cpu_max);
	CHECK(basic.max_mem == (uint64_t)sysconf(_SC_PHYS_PAGES) * vm_page_size);
	CHECK_OK(host_kernel_version(host, version));
	CHECK(uname(&name) == 0);
	CHECK(strstr(version, name.release) != NULL);
	count = 3;
	CHECK_CODE(host_info(host, HOST_BASIC_INFO, (host_info_t)&basic, &count), KERN_FAILURE);
	CHECK_CODE(host_info(SELF, HOST_BASIC_INFO, (host_info_t)&basic, &count),
		   MACH_SEND_INVALID_DEST);
}
END_TEST

/* The test runs as the user that the daemon runs as. */
START_TEST(special_ports_of_the_host)
{
	mach_port_t host = mach_host_self(), mine = flow_port(), port;

	CHECK_OK(host_get_host_priv_port(host, &port));
	CHECK_EQ(port, host);
	CHECK_OK(host_get_host_port(host, &port));
	CHECK(port != host);
	CHECK_CODE(host_get_host_port(port, &port), KERN_INVALID_ARGUMENT);
	CHECK_OK(host_set_special_port(host, HOST_GSSD_PORT, mine));
	CHECK_OK(host_get_special_port(host, HOST_LOCAL_NODE, HOST_GSSD_PORT, &port));
	CHECK_EQ(port, mine);
	CHECK_CODE(host_set_special_port(host, HOST_PRIV_PORT, mine), KERN_INVALID_ARGUMENT);
	CHECK_CODE(host_set_special_port(host, HOST_GSSD_PORT, SELF), KERN_INVALID_RIGHT);
}
END_TEST

static uint64_t nanoseconds(mach_timespec_t time)
{
	return time.tv_sec * NSEC_PER_SEC + (uint64_t)time.tv_nsec;
}

START_TEST(clocks_agree_with_those_of_the_kernel)
{
	clock_serv_t clock, calendar;
	mach_timespec_t time;
	struct timespec day;
	uint64_t before, after;
	clock_res_t resolution;
	mach_msg_type_number_t count = 1;

	CHECK_OK(host_get_clock_service(mach_host_self(), SYSTEM_CLOCK, &clock));
	CHECK_OK(host_get_clock_service(mach_host_self(), CALENDAR_CLOCK, &calendar));
	CHECK_CODE(host_get_clock_service(mach_host_self(), 2, &clock), KERN_INVALID_ARGUMENT);
	before = mach_absolute_time();
	CHECK_OK(clock_get_time(clock, &time));
	after = mach_absolute_time();
	CHECK(nanoseconds(time) >= before && nanoseconds(time) <= after);
	/* The two were not read at the same time when they were compared: a second is near. */
	clock_gettime(CLOCK_REALTIME, &day);
	CHECK_OK(clock_get_time(calendar, &time));
	CHECK(time.tv_sec + 1 >= (uint64_t)day.tv_sec);
	clock_gettime(CLOCK_REALTIME, &day);
	CHECK(time.tv_sec <= (uint64_t)day.tv_sec + 1);
	CHECK_OK(clock_get_attributes(clock, CLOCK_GET_TIME_RES, &resolution, &count));
	CHECK_EQ(resolution, 1);
}
END_TEST

START_TEST(a_request_to_be_told_of_the_time_of_day)
{
	mach_port_t port = flow_receive_right();

	CHECK_OK(host_request_notification(mach_host_self(), HOST_NOTIFY_CALENDAR_SET, port));
	CHECK_CODE(host_request_notification(mach_host_self(), HOST_NOTIFY_CALENDAR_SET, port),
		   KERN_INVALID_CAPABILITY);
	flow_notified(port, MACH_NOTIFY_SEND_ONCE); /* the second right */
	CHECK_CODE(host_request_notification(mach_host_self(), 0, MACH_PORT_NULL),
		   KERN_INVALID_CAPABILITY);
}
END_TEST

/* --- tasks --- */

static void wait_for_the_parent(void *argument)
{
	(void)argument;
	flow_tell_parent(mach_task_self() != MACH_PORT_NULL);
	flow_hear_parent();
}

START_TEST(a_process_and_its_task)
{
	struct flow_child child;
	mach_port_t task, name;
	int pid = 0;

	CHECK_OK(pid_for_task(SELF, &pid));
	CHECK_EQ(pid, getpid());
	CHECK_OK(task_for_pid(SELF, getpid(), &task));
	CHECK_EQ(task, SELF);
	flow_fork(&child, wait_for_the_parent, NULL);
	flow_hear(&child);
	CHECK_OK(task_for_pid(SELF, child.pid, &task));
	CHECK_OK(pid_for_task(task, &pid));
	CHECK_EQ(pid, child.pid);
	CHECK_OK(task_name_for_pid(SELF, child.pid, &name));
	CHECK(name != task);
	flow_tell(&child, 0);
	flow_join(&child);
	flow_await_gone(child.pid);
	CHECK_CODE(pid_for_task(task, &pid), KERN_FAILURE);
	CHECK_EQ(pid, -1);
	CHECK_CODE(task_for_pid(SELF, child.pid, &task), KERN_FAILURE);
	CHECK_EQ(task, MACH_PORT_NULL);
}
END_TEST

START_TEST(who_a_task_is)
{
	security_token_t security;
	audit_token_t audit;
	mach_msg_type_number_t count = TASK_SECURITY_TOKEN_COUNT;

	CHECK_OK(task_info(SELF, TASK_SECURITY_TOKEN, (task_info_t)&security, &count));
	CHECK_EQ(security.val[0], geteuid());
	CHECK_EQ(security.val[1], getegid());
	count = TASK_AUDIT_TOKEN_COUNT;
	CHECK_OK(task_info(SELF, TASK_AUDIT_TOKEN, (task_info_t)&audit, &count));
	CHECK_EQ(audit.val[5], getpid());
	CHECK_CODE(task_info(SELF, 99, (task_info_t)&audit, &count), KERN_INVALID_ARGUMENT);
}
END_TEST

START_TEST(what_a_process_uses)
{
	mach_task_basic_info_data_t full;
	task_basic_info_data_t basic;
	task_basic_info_32_data_t narrow;
	mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
	struct rusage usage;
	mach_port_t name;

	CHECK_OK(task_info(SELF, MACH_TASK_BASIC_INFO, (task_info_t)&full, &count));
	CHECK_EQ(count, MACH_TASK_BASIC_INFO_COUNT);
	CHECK(full.resident_size > 0 && full.resident_size % vm_page_size == 0);
	CHECK(full.virtual_size >= full.resident_size);
	CHECK(full.resident_size_max >= full.resident_size);
	CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
	CHECK(full.user_time.seconds <= usage.ru_utime.tv_sec);
	CHECK_EQ(full.policy, POLICY_TIMESHARE);
	count = TASK_BASIC_INFO_COUNT;
	CHECK_OK(task_name_for_pid(SELF, getpid(), &name)); /* anybody may ask who knows the task */
	CHECK_OK(task_info(name, TASK_BASIC_INFO, (task_info_t)&basic, &count));
	CHECK(basic.virtual_size > 0 && basic.suspend_count == 0);
	count = TASK_BASIC_INFO_32_COUNT;
	CHECK_OK(task_info(name, TASK_BASIC_INFO_32, (task_info_t)&narrow, &count));
	CHECK(narrow.resident_size > 0);
	count--;
	CHECK_CODE(task_info(SELF, TASK_BASIC_INFO_32, (task_info_t)&narrow, &count),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(task_info(mach_host_self(), TASK_BASIC_INFO, (task_info_t)&basic, &count),
		   MACH_SEND_INVALID_DEST);
}
END_TEST

START_TEST(the_threads_of_this_process)
{
	thread_act_array_t threads;
	mach_msg_type_number_t count;

	CHECK_OK(task_threads(SELF, &threads, &count));
	CHECK_EQ(count, 1);
	CHECK_EQ(threads[0], mach_thread_self());
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)threads, count * sizeof *threads));
	CHECK_CODE(task_threads(mach_host_self(), &threads, &count), MACH_SEND_INVALID_DEST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host");
	TCase *tests = flow_case(suite, "host");

	tcase_add_test(tests, the_machine_is_this_one);
	tcase_add_test(tests, special_ports_of_the_host);
	tcase_add_test(tests, clocks_agree_with_those_of_the_kernel);
	tcase_add_test(tests, a_request_to_be_told_of_the_time_of_day);
	tcase_add_test(tests, a_process_and_its_task);
	tcase_add_test(tests, who_a_task_is);
	tcase_add_test(tests, what_a_process_uses);
	tcase_add_test(tests, the_threads_of_this_process);
	return flow_run(suite);
}
