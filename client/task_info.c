/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task_info and the calls that find a task by its process. Who a task is the daemon says; how much
 * memory and time its process uses Linux does, in /proc.
 */
#include <errno.h>
#include <mach/mach_init.h>
#include <mach/mach_traps.h>
#include <mach/task.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/mi.h"

#define USEC_PER_SEC 1000000

/* What a process uses. */
struct usage {
	uint64_t virtual_size, resident_size, resident_max; /* bytes */
	time_value_t user, system;
};

static time_value_t time_of(unsigned long long ticks)
{
	unsigned long long rate = (unsigned long long)sysconf(_SC_CLK_TCK);

	return (time_value_t){
		.seconds = (integer_t)(ticks / rate),
		.microseconds = (integer_t)(ticks % rate * USEC_PER_SEC / rate),
	};
}

static FILE *open_proc(int pid, const char *name)
{
	char path[48];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

/* The line of /proc/PID/stat; the command in it may hold anything, but ends with the last ')'. */
static bool read_stat(int pid, struct usage *usage)
{
	unsigned long long user, system, size, pages;
	char line[2048];
	const char *rest;
	FILE *file = open_proc(pid, "stat");
	size_t length;

	if (!file)
		return false;
	length = fread(line, 1, sizeof line - 1, file);
	fclose(file);
	line[length] = '\0';
	rest = strrchr(line, ')');
	if (!rest || sscanf(rest + 1,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d "
			    "%*d %*d %*d %*u %llu %llu",
			    &user, &system, &size, &pages) != 4)
		return false;
	usage->user = time_of(user);
	usage->system = time_of(system);
	usage->virtual_size = size;
	usage->resident_size = usage->resident_max = pages * vm_page_size;
	return true;
}

/* The most memory it ever had is in another file; without it, it is what there is now. */
static void read_peak(int pid, struct usage *usage)
{
	unsigned long long peak;
	char line[256];
	FILE *file = open_proc(pid, "status");

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "VmHWM: %llu kB", &peak) == 1 && peak * 1024 > usage->resident_max)
			usage->resident_max = peak * 1024;
	if (file)
		fclose(file);
}

static uint32_t cut(uint64_t size)
{
	return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

/* The answer in its layout; returns its words, 0: no such flavour. */
static mach_msg_type_number_t lay_out(task_flavor_t flavor, const struct usage *usage, void *info)
{
	struct task_basic_info_32 narrow = {
		.virtual_size = cut(usage->virtual_size),
		.resident_size = cut(usage->resident_size),
		.user_time = usage->user,
		.system_time = usage->system,
		.policy = POLICY_TIMESHARE,
	};
	struct task_basic_info_64 wide = {
		.virtual_size = usage->virtual_size,
		.resident_size = usage->resident_size,
		.user_time = usage->user,
		.system_time = usage->system,
		.policy = POLICY_TIMESHARE,
	};
	struct mach_task_basic_info full = {
		.virtual_size = usage->virtual_size,
		.resident_size = usage->resident_size,
		.resident_size_max = usage->resident_max,
		.user_time = usage->user,
		.system_time = usage->system,
		.policy = POLICY_TIMESHARE,
	};

	if (flavor == TASK_BASIC_INFO_32) {
		memcpy(info, &narrow, sizeof narrow);
		return TASK_BASIC_INFO_32_COUNT;
	}
	if (flavor == TASK_BASIC_INFO_64) {
		memcpy(info, &wide, sizeof wide);
		return TASK_BASIC_INFO_64_COUNT;
	}
	memcpy(info, &full, sizeof full);
	return MACH_TASK_BASIC_INFO_COUNT;
}

static kern_return_t basic_info(task_name_t task, task_flavor_t flavor, task_info_t info,
				mach_msg_type_number_t *count)
{
	union {
		struct task_basic_info_32 narrow;
		struct task_basic_info_64 wide;
		struct mach_task_basic_info full;
	} answer;
	struct usage usage = {0};
	mach_msg_type_number_t words;
	int pid, saved_errno = errno;
	kern_return_t code = pid_for_task(task, &pid);
	bool found;

	if (code != KERN_SUCCESS)
		return code == KERN_FAILURE ? KERN_INVALID_ARGUMENT : code;
	found = read_stat(pid, &usage);
	read_peak(pid, &usage);
	errno = saved_errno;
	words = lay_out(flavor, &usage, &answer);
	if (!found || *count < words)
		return KERN_INVALID_ARGUMENT;
	memcpy(info, &answer, words * sizeof *info);
	*count = words;
	return KERN_SUCCESS;
}

kern_return_t task_info(task_name_t target_task, task_flavor_t flavor, task_info_t task_info_out,
			mach_msg_type_number_t *task_info_outCnt)
{
	struct task_info_in in = {.flavor = flavor, .count = *task_info_outCnt};
	struct mi_call call = {
		.routine = MACHD_ROUTINE_task_info,
		.target = target_task,
		.in = &in,
		.in_size = sizeof in,
		.out_array = task_info_out,
		.out_array_size = in.count * sizeof *task_info_out,
	};
	kern_return_t code;

	if (flavor == TASK_BASIC_INFO_32 || flavor == TASK_BASIC_INFO_64 ||
	    flavor == MACH_TASK_BASIC_INFO)
		return basic_info(target_task, flavor, task_info_out, task_info_outCnt);
	code = mi_call(&call);
	if (code == KERN_SUCCESS)
		*task_info_outCnt =
			(mach_msg_type_number_t)(call.out_array_size / sizeof *task_info_out);
	return code;
}

kern_return_t task_for_pid(mach_port_name_t target_tport, int pid, mach_port_name_t *t)
{
	struct task_for_pid_in in = {.task = target_tport, .pid = pid};
	struct task_for_pid_out out = {.task = MACH_PORT_NULL};
	kern_return_t code = MI_CALL(task_for_pid, mach_task_self(), &in, &out);

	*t = out.task;
	return code;
}

kern_return_t task_name_for_pid(mach_port_name_t target_tport, int pid, mach_port_name_t *tn)
{
	struct task_name_for_pid_in in = {.task = target_tport, .pid = pid};
	struct task_name_for_pid_out out = {.task = MACH_PORT_NULL};
	kern_return_t code = MI_CALL(task_name_for_pid, mach_task_self(), &in, &out);

	*tn = out.task;
	return code;
}

kern_return_t pid_for_task(mach_port_name_t t, int *pid)
{
	struct pid_for_task_in in = {.task = t};
	struct pid_for_task_out out = {.pid = -1};
	kern_return_t code = MI_CALL(pid_for_task, mach_task_self(), &in, &out);

	*pid = out.pid;
	return code;
}

boolean_t mach_task_is_self(task_name_t task)
{
	int theirs, ours;

	if (task == MACH_PORT_NULL)
		return FALSE;
	if (task == mach_task_self())
		return TRUE;
	return pid_for_task(task, &theirs) == KERN_SUCCESS &&
	       pid_for_task(mach_task_self(), &ours) == KERN_SUCCESS && theirs == ours;
}
