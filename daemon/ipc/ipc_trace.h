/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracing: a record of each message as it is sent [30], in a ring of fixed size. The ring exists
 * while a watcher reads it; without one a message costs a look at a pointer. Records are written
 * when a message is queued or handed to a receiver, reaches one of the daemon's own ports, or goes
 * nowhere because its destination has died or it is circular.
 */
#pragma once

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_probe.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/watch.h"

/* Where the sender's uid and pid are in an audit token [6]. */
#define IPC_AUDIT_EUID 1
#define IPC_AUDIT_PID  5

struct ipc_trace {
	uint64_t tr_next; /* number of the next record; the first ever is 1 */
	struct machd_watch_message tr_ring[];
};

/*
 * The thread reads the trace from now on, until it is gone; the first reader turns tracing on.
 * False without memory for the ring. Asking twice changes nothing.
 */
bool ipc_trace_begin(struct ipc_host *host, struct ipc_thread *thread);

/* The thread goes away; the last reader turns tracing off. */
void ipc_trace_end(struct ipc_host *host, struct ipc_thread *thread);

/* The oldest record with that number or a later one; NULL: there is none yet. */
const struct machd_watch_message *ipc_trace_read(const struct ipc_host *host, uint64_t number);

/* Write the record. Called through ipc_trace_send(). */
void ipc_trace_write(struct ipc_host *host, const struct ipc_kmsg *kmsg);

/* A copied-in message reaches its destination, or is about to be destroyed because it cannot. */
static inline void ipc_trace_send(struct ipc_host *host, const struct ipc_kmsg *kmsg)
{
	const struct ikm_header *header = &kmsg->ikm_header;

	IPC_PROBE_SEND(header->ikm_dest->ip_id, header->ikm_msgh_id,
		       header->ikm_audit.val[IPC_AUDIT_PID], header->ikm_body_size);
	if (host->h_trace)
		ipc_trace_write(host, kmsg);
}
