/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CALL frame: finds the routine and the object it is for, and runs the handler on arguments and
 * results in wire layout. A target that is no such object is a bad destination, as it would be if
 * the call were a message.
 */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/trap/trap_internal.h"

#define WORD sizeof(uint32_t)

#define MACHD_ROUTINE(number, name, object, in, out)               \
	static kern_return_t call_##name(struct trap_call *call)   \
	{                                                          \
		return trap_##name(call, call->c_in, call->c_out); \
	}
#include "protocol/ops.def"

kern_return_t trap_run(struct trap_call *call, const struct machd_routine_row *row)
{
	switch (row->number) {
#define MACHD_ROUTINE(number, name, object, in, out) \
	case number:                                 \
		return call_##name(call);
#include "protocol/ops.def"
	}
	return KERN_FAILURE;
}

#define KIND(kind) (1u << (kind))
#define CONTROL	   KIND(IP_TASK)
#define READ	   (CONTROL | KIND(IP_TASK_READ))
#define INSPECT	   (READ | KIND(IP_TASK_INSPECT))

/* The kinds of port that an object of a routine may be known by. */
static const uint32_t object_kinds[] = {
	[MACHD_OBJECT_SPACE] = CONTROL,
	[MACHD_OBJECT_SPACE_READ] = READ,
	[MACHD_OBJECT_SPACE_INSPECT] = INSPECT,
	[MACHD_OBJECT_TASK] = CONTROL,
	[MACHD_OBJECT_TASK_INSPECT] = INSPECT,
	[MACHD_OBJECT_TASK_NAME] = INSPECT | KIND(IP_TASK_NAME),
	[MACHD_OBJECT_BOOTSTRAP] = KIND(IP_BOOTSTRAP),
	[MACHD_OBJECT_HOST] = KIND(IP_HOST) | KIND(IP_HOST_PRIV),
	[MACHD_OBJECT_VOUCHER] = KIND(IP_VOUCHER),
	[MACHD_OBJECT_THREAD] = KIND(IP_THREAD),
	[MACHD_OBJECT_CLOCK] = KIND(IP_CLOCK),
	[MACHD_OBJECT_EVENTLINK] = KIND(IP_EVENTLINK),
	[MACHD_OBJECT_TRAP] = CONTROL,
};

bool trap_set_target(struct trap_call *call, struct ipc_port *port, uint32_t object)
{
	if (!(object_kinds[object] & KIND(port->ip_kind)))
		return false;
	call->c_port = port;
	call->c_task = port->ip_task;
	if (call->c_task) {
		call->c_space = call->c_task->t_space;
		ipc_loan_look_task(call->c_host, call->c_task);
	}
	return true;
}

/* Find the object; false if the name is no send right to one of that kind. */
static bool find_target(struct trap_call *call, mach_port_name_t name, uint32_t object)
{
	struct ipc_entry *entry = ipc_right_lookup(call->c_host, call->c_caller->t_space, name);

	if (!entry || !(entry->ie_type & MACH_PORT_TYPE_SEND))
		return false;
	return trap_set_target(call, entry->ie_port, object);
}

/* The arguments have the size that the routine says: exactly, or more by whole words of an array.
 */
static bool size_good(const struct machd_routine_row *row, const uint8_t *args, size_t size)
{
	const struct machd_field *rest = machd_fields_rest(row->in);
	uint32_t bytes;

	if (!rest)
		return size == row->in_size;
	if (size < row->in_size || (size - row->in_size) % WORD != 0)
		return false;
	if (rest->f_kind != MACHD_FIELD_BYTES)
		return true;
	memcpy(&bytes, args + row->in_size - WORD, WORD);
	return bytes <= size - row->in_size;
}

static void answer(struct ipc_host *host, struct ipc_thread *thread, kern_return_t kr, size_t size)
{
	struct machd_call_answer head = {.code = (uint32_t)kr};

	memcpy(ipc_answer_payload(host, thread), &head, sizeof head);
	ipc_answer_send(host, thread, MACHD_OP_CALL, sizeof head + size, 0, NULL, 0);
}

static void call_routine(struct ipc_host *host, struct ipc_thread *thread,
			 const struct machd_routine_row *row, const struct machd_call *head,
			 const uint8_t *args, size_t size)
{
	uint8_t *out = ipc_answer_payload(host, thread) + sizeof(struct machd_call_answer);
	size_t room = ipc_answer_room() - sizeof(struct machd_call_answer) - row->out_size;
	struct trap_call call = {.c_host = host,
				 .c_thread = thread,
				 .c_caller = thread->th_task,
				 .c_in = args,
				 .c_out = out,
				 .c_in_words = (uint32_t)((size - row->in_size) / WORD),
				 .c_out_room =
					 machd_fields_rest(row->out) ? (uint32_t)(room / WORD) : 0};
	kern_return_t kr = MACH_SEND_INVALID_DEST;

	memset(out, 0, row->out_size);
	if (find_target(&call, head->target, row->object))
		kr = trap_run(&call, row);
	if (thread->th_state != TH_IDLE)
		return; /* it waits: the answer comes when that ends */
	answer(host, thread, kr, kr == KERN_SUCCESS ? row->out_size + call.c_out_words * WORD : 0);
}

const char *trap_call(struct ipc_host *host, struct ipc_thread *thread,
		      const struct trap_packet *packet)
{
	const struct machd_routine_row *row;
	struct machd_call head;
	const uint8_t *args = packet->tp_bytes + sizeof head;
	size_t size = packet->tp_size - sizeof head;

	if (!thread->th_task)
		return "it watches and has no ports";
	if (packet->tp_size < sizeof head)
		return "its call is cut short";
	memcpy(&head, packet->tp_bytes, sizeof head);
	row = machd_routine_find(head.routine);
	if (!row)
		return "it calls a routine that does not exist";
	if (!size_good(row, args, size))
		return "the arguments of its call have the wrong size";
	call_routine(host, thread, row, &head, args, size);
	return NULL;
}

void trap_guard(struct trap_call *call, uint32_t reason, mach_port_name_t name, uint64_t subcode)
{
	if (call->c_space == call->c_caller->t_space)
		ipc_guard_raise(call->c_host, call->c_thread, reason, name, subcode);
}
