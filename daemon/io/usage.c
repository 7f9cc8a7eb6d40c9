/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/stat and /proc/PID/status, read as they are asked for. Nothing is kept: who asks for a
 * process's numbers wants those of now.
 */
#include "daemon/io/usage.h"

#include <fcntl.h>
#include <mach/clock_types.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The beginning of a file of the process as text; false without it. */
static bool read_text(int pid, const char *name, char *text, size_t room)
{
	char path[48];
	ssize_t length;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, room - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	return true;
}

static uint64_t microseconds(unsigned long long ticks)
{
	unsigned long long rate = (unsigned long long)sysconf(_SC_CLK_TCK);

	return ticks / rate * USEC_PER_SEC + ticks % rate * USEC_PER_SEC / rate;
}

/* The command in it may hold anything, but ends with the last ')'. */
static bool read_stat(int pid, struct ipc_usage *usage)
{
	unsigned long long user, system, size, pages;
	char text[2048];
	const char *rest;

	if (!read_text(pid, "stat", text, sizeof text))
		return false;
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d "
			    "%*d %*d %*d %*u %llu %llu",
			    &user, &system, &size, &pages) != 4)
		return false;
	usage->us_user = microseconds(user);
	usage->us_system = microseconds(system);
	usage->us_virtual = size;
	usage->us_resident = usage->us_resident_max = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

/* The most memory it ever had is in another file; without it, it is what there is now. */
static void read_peak(int pid, struct ipc_usage *usage)
{
	unsigned long long peak;
	char text[4096];
	const char *line;

	if (!read_text(pid, "status", text, sizeof text))
		return;
	line = strstr(text, "\nVmHWM:");
	if (line && sscanf(line, "\nVmHWM: %llu kB", &peak) == 1 &&
	    peak * 1024 > usage->us_resident_max)
		usage->us_resident_max = peak * 1024;
}

bool usage_of(int pid, struct ipc_usage *usage)
{
	*usage = (struct ipc_usage){0};
	if (!read_stat(pid, usage))
		return false;
	read_peak(pid, usage);
	return true;
}
