/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out what host_info reports: processors, memory, the kernel's name. */
#include "daemon/machine.h"

#include <mach/clock_types.h>
#include <mach/machine.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define CPU_TYPE    CPU_TYPE_X86_64
#define CPU_SUBTYPE CPU_SUBTYPE_X86_64_ALL
#elif defined(__i386__)
#define CPU_TYPE    CPU_TYPE_X86
#define CPU_SUBTYPE CPU_SUBTYPE_X86_ALL
#elif defined(__aarch64__)
#define CPU_TYPE    CPU_TYPE_ARM64
#define CPU_SUBTYPE CPU_SUBTYPE_ARM64_ALL
#elif defined(__arm__)
#define CPU_TYPE    CPU_TYPE_ARM
#define CPU_SUBTYPE CPU_SUBTYPE_ARM_ALL
#else
#define CPU_TYPE    CPU_TYPE_ANY
#define CPU_SUBTYPE 0
#endif

static uint32_t positive(long value)
{
	return value > 0 ? (uint32_t)value : 1;
}

/* Is this processor the first of its core's siblings? */
static bool first_of_core(uint32_t cpu)
{
	char path[96];
	unsigned first = cpu;
	FILE *file;

	snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
		 cpu);
	file = fopen(path, "re");
	if (!file)
		return true;
	if (fscanf(file, "%u", &first) != 1)
		first = cpu;
	fclose(file);
	return first == cpu;
}

static uint32_t count_cores(uint32_t cpus)
{
	uint32_t cores = 0;

	for (uint32_t i = 0; i < cpus; i++)
		cores += first_of_core(i);
	return cores ? cores : 1;
}

static uint32_t quantum(void)
{
	struct timespec slice;

	if (sched_rr_get_interval(0, &slice) < 0)
		return 0;
	return (uint32_t)((uint64_t)slice.tv_sec * 1000 + (uint64_t)slice.tv_nsec / NSEC_PER_MSEC);
}

void machine_read(struct ipc_machine *machine)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	struct utsname name;

	*machine = (struct ipc_machine){
		.m_memory = pages > 0 ? (uint64_t)pages * (uint64_t)size : 0,
		.m_page_size = (uint32_t)size,
		.m_quantum = quantum(),
		.m_cpus = positive(sysconf(_SC_NPROCESSORS_ONLN)),
		.m_cpus_max = positive(sysconf(_SC_NPROCESSORS_CONF)),
		.m_cpu_type = CPU_TYPE,
		.m_cpu_subtype = CPU_SUBTYPE,
	};
	machine->m_cores = machine->m_cores_max = count_cores(machine->m_cpus_max);
	if (uname(&name) == 0)
		snprintf(machine->m_version, sizeof machine->m_version, "%s %s %s %s", name.sysname,
			 name.release, name.version, name.machine);
}
