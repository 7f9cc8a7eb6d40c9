/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host port tells of the machine. The state machine cannot look: it is told at the start,
 * and a record begins with it.
 */
#pragma once

#include <stdint.h>

#define IPC_MACHINE_VERSION_SIZE 512

/* No holes: it goes to disk as it is. */
struct ipc_machine {
	uint64_t m_memory;		   /* bytes */
	uint32_t m_page_size;		   /* bytes */
	uint32_t m_quantum;		   /* ms that a thread runs before another gets its turn */
	uint32_t m_cpus, m_cpus_max;	   /* logical ones: now, and at most */
	uint32_t m_cores, m_cores_max;	   /* physical ones */
	int32_t m_cpu_type, m_cpu_subtype; /* as Mach numbers them */
	char m_version[IPC_MACHINE_VERSION_SIZE]; /* of the kernel, zero-terminated */
};
