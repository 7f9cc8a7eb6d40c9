/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of trace records, and how a message becomes a record. */
#include "daemon/ipc/ipc_trace.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/ipc/kmsg_layout.h"

bool ipc_trace_begin(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_trace *trace = host->h_trace;

	if (thread->th_traces)
		return true;
	if (!trace) {
		trace = mem_alloc(sizeof *trace +
				  MACHD_TRACE_RECORDS * sizeof(struct machd_watch_message));
		if (!trace)
			return false;
		trace->tr_next = 1;
		host->h_trace = trace;
	}
	host->h_tracers++;
	thread->th_traces = true;
	return true;
}

void ipc_trace_end(struct ipc_host *host, struct ipc_thread *thread)
{
	if (!thread->th_traces)
		return;
	thread->th_traces = false;
	if (--host->h_tracers > 0)
		return;
	mem_free(host->h_trace);
	host->h_trace = NULL;
}

const struct machd_watch_message *ipc_trace_read(const struct ipc_host *host, uint64_t number)
{
	const struct ipc_trace *trace = host->h_trace;
	uint64_t oldest = 1;

	if (trace->tr_next > MACHD_TRACE_RECORDS)
		oldest = trace->tr_next - MACHD_TRACE_RECORDS;
	if (number < oldest)
		number = oldest;
	if (number >= trace->tr_next)
		return NULL;
	return &trace->tr_ring[number % MACHD_TRACE_RECORDS];
}

/* A uid of the system's services, as Debian counts them, or of a person's programs. */
static bool is_daemon(uint32_t uid)
{
	return uid < MACHD_FIRST_PERSON_UID;
}

static void describe_sender(struct machd_watch_message *record, const struct ipc_kmsg *kmsg)
{
	const struct ikm_header *header = &kmsg->ikm_header;

	record->sender_pid = header->ikm_audit.val[IPC_AUDIT_PID];
	if (kmsg->ikm_sender_word == 0) {
		record->sender_uid = MACHD_WATCH_NO_UID;
	} else {
		record->sender_uid = header->ikm_audit.val[IPC_AUDIT_EUID];
		record->flags |= is_daemon(record->sender_uid) ? MACHD_TRACE_DAEMON_SRC
							       : MACHD_TRACE_APP_SRC;
	}
	if (kmsg->ikm_sender_word == 64)
		record->flags |= MACHD_TRACE_SND64;
	if (kmsg->ikm_send_receives)
		record->flags |= MACHD_TRACE_SNDRCV;
}

static void describe_reply(struct machd_watch_message *record, const struct ikm_header *header)
{
	const struct ipc_port *reply = header->ikm_reply;

	if (!IP_VALID(reply)) {
		record->flags |= reply == IP_NULL ? MACHD_TRACE_ONEWAY : 0;
		return;
	}
	if (reply->ip_qlimit != MACH_PORT_QLIMIT_DEFAULT)
		record->flags |= MACHD_TRACE_SRC_NDFLTQ;
	if (header->ikm_reply_type == MACH_MSG_TYPE_PORT_SEND_ONCE)
		record->flags |= MACHD_TRACE_SRC_SONCE;
}

static void describe_receiver(struct machd_watch_message *record, const struct ipc_port *port)
{
	const struct ipc_task *task;

	record->receiver_uid = MACHD_WATCH_NO_UID;
	switch (port->ip_place) {
	case IP_NOWHERE:
		record->receiver_pid = MACHD_TRACE_PID_DEAD;
		break;
	case IP_IN_LIMBO:
		record->receiver_pid = MACHD_TRACE_PID_LIMBO;
		break;
	case IP_IN_TRANSIT:
		record->receiver_pid = MACHD_TRACE_PID_TRANSIT;
		break;
	case IP_IN_DAEMON:
	case IP_KEPT:
		record->receiver_pid = 0;
		break;
	case IP_IN_SPACE:
		task = port->ip_receiver->is_task;
		if (!task) {
			record->receiver_pid = MACHD_TRACE_PID_DYING;
			break;
		}
		record->receiver_pid = (uint32_t)task->t_pid;
		record->receiver_uid = task->t_user->u_uid;
		record->flags |= is_daemon(record->receiver_uid) ? MACHD_TRACE_DAEMON_DST
								 : MACHD_TRACE_APP_DST;
		break;
	}
}

/* Who has the port has it for another, and is no receiver to Mach. */
static void describe_tempowner(struct machd_watch_message *record)
{
	record->holder_pid = record->receiver_pid;
	record->receiver_pid = MACHD_TRACE_PID_LIMBO;
	record->flags &= ~(uint32_t)(MACHD_TRACE_DAEMON_DST | MACHD_TRACE_APP_DST);
	record->flags |= MACHD_TRACE_DTMPOWNER;
}

static void describe_dest(struct machd_watch_message *record, const struct ikm_header *header)
{
	const struct ipc_port *port = header->ikm_dest;

	record->object = port->ip_id;
	describe_receiver(record, port);
	if (ipc_port_active(port) && port->ip_tempowner)
		describe_tempowner(record);
	if (port->ip_qlimit != MACH_PORT_QLIMIT_DEFAULT)
		record->flags |= MACHD_TRACE_DST_NDFLTQ;
	if (port->ip_msgcount >= port->ip_qlimit)
		record->flags |= MACHD_TRACE_DSTQFULL;
	if (header->ikm_dest_type == MACH_MSG_TYPE_PORT_SEND_ONCE)
		record->flags |= MACHD_TRACE_DST_SONCE;
	if (port->ip_kind == IP_SEMAPHORE)
		record->flags |= MACHD_TRACE_SEMA;
	if (port->ip_kind == IP_TIMER || port->ip_kind == IP_CLOCK)
		record->flags |= MACHD_TRACE_TIMER;
}

/* Memory that is copied by the page, or a little of it through a buffer [11]. */
static uint32_t copy_flag(const struct ikm_descriptor *desc)
{
	bool physical = desc->d_copy == MACH_MSG_PHYSICAL_COPY && !desc->d_deallocate;

	return physical || desc->d_count <= LAYOUT_MEMORY_SMALL ? MACHD_TRACE_PCPY
								: MACHD_TRACE_VCPY;
}

static void describe_content(struct machd_watch_message *record, const struct ipc_kmsg *kmsg)
{
	const struct ikm_header *header = &kmsg->ikm_header;
	uint64_t size = header->ikm_body_size;

	for (uint32_t i = 0; i < header->ikm_descriptors; i++) {
		const struct ikm_descriptor *desc = &kmsg->ikm_desc[i];

		if (layout_is_port(desc->d_type) || desc->d_type == MACH_MSG_OOL_PORTS_DESCRIPTOR) {
			record->ports += desc->d_count;
		} else {
			record->flags |= MACHD_TRACE_OOLMEM | copy_flag(desc);
			size += desc->d_count;
		}
		if (desc->d_type == MACH_MSG_GUARDED_PORT_DESCRIPTOR)
			record->flags |= MACHD_TRACE_GUARDED_DESC;
	}
	record->size = size;
	record->msgh_id = header->ikm_msgh_id;
	if (kmsg->ikm_donation.dn_raised)
		record->flags |= MACHD_TRACE_RAISEIMP;
	if (header->ikm_complex)
		record->flags |= MACHD_TRACE_COMPLEX;
	if (header->ikm_voucher)
		record->flags |= MACHD_TRACE_VOUCHER;
	if (header->ikm_msgh_id - MACHD_TRACE_IOKIT_ID < MACHD_TRACE_IOKIT_COUNT)
		record->flags |= MACHD_TRACE_IOKIT;
	if (header->ikm_msgh_id == MACHD_TRACE_CHECKIN_ID)
		record->flags |= MACHD_TRACE_CHECKIN;
}

void ipc_trace_write(struct ipc_host *host, const struct ipc_kmsg *kmsg)
{
	struct ipc_trace *trace = host->h_trace;
	struct machd_watch_message *record = &trace->tr_ring[trace->tr_next % MACHD_TRACE_RECORDS];

	*record = (struct machd_watch_message){
		.number = trace->tr_next++, .time = host->h_now, .flags = MACHD_TRACE_TRACED};
	describe_sender(record, kmsg);
	describe_reply(record, &kmsg->ikm_header);
	describe_dest(record, &kmsg->ikm_header);
	describe_content(record, kmsg);
}
