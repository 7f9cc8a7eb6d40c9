/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes for perf, bpftrace and SystemTap (provider "machd"): an instruction that does nothing and
 * a note in the program where it is. Port ids are those that `machctl ports` shows as OBJECT.
 *
 *   message_send     port, msgh_id, pid of the sender (0: machd), bytes of the body
 *   message_receive  port, msgh_id, pid of the receiver, sequence number
 *   message_destroy  port (0: its right is gone), msgh_id
 */
#pragma once

#include <sys/sdt.h>

#define IPC_PROBE_SEND(port, id, pid, size) \
	DTRACE_PROBE4(machd, message_send, (uint64_t)(port), (uint32_t)(id), (uint32_t)(pid), size)
#define IPC_PROBE_RECEIVE(port, id, pid, seqno)                                                  \
	DTRACE_PROBE4(machd, message_receive, (uint64_t)(port), (uint32_t)(id), (uint32_t)(pid), \
		      seqno)
#define IPC_PROBE_DESTROY(port, id) \
	DTRACE_PROBE2(machd, message_destroy, (uint64_t)(port), (uint32_t)(id))
