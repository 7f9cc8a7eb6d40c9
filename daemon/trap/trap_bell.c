/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors for event loops: the BELL frame, and the routines that hang bells on ports [27]. */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_bell.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/trap/trap_internal.h"

#define EVENT_WORDS 3	 /* as struct ipc_event */
#define EVENTS_MAX  1024 /* of one answer */

_Static_assert(sizeof(struct ipc_event) == EVENT_WORDS * sizeof(uint32_t), "wire layout");

static bool has_room(const struct trap_packet *packet)
{
	return packet->tp_fds[0].sealed != TRAP_FD_NO_ROOM &&
	       packet->tp_fds[1].sealed != TRAP_FD_NO_ROOM;
}

static bool is_pair(const struct trap_packet *packet)
{
	return packet->tp_fds[0].sealed == TRAP_FD_SOCKET &&
	       packet->tp_fds[1].sealed == TRAP_FD_SOCKET;
}

const char *trap_bell(struct ipc_host *host, struct ipc_thread *thread,
		      const struct trap_packet *packet)
{
	struct machd_bell_answer answer = {.code = KERN_RESOURCE_SHORTAGE};
	struct ipc_bell *bell;

	if (!thread->th_task)
		return "it watches and has no ports";
	if (packet->tp_size || packet->tp_fd_count != 2)
		return "it wants a descriptor for events without the two that make one";
	if (has_room(packet) && !is_pair(packet))
		return "what it sends to be told of events is no pair of its own sockets";
	if (has_room(packet))
		answer.code =
			(uint32_t)ipc_bell_create(host, thread->th_task, packet->tp_fds[0].handle,
						  packet->tp_fds[1].handle, &bell);
	if (answer.code == KERN_SUCCESS) {
		host->h_fds_taken = true;
		answer.bell = bell->bl_id;
	}
	memcpy(ipc_answer_payload(host, thread), &answer, sizeof answer);
	ipc_answer_send(host, thread, MACHD_OP_BELL, sizeof answer, 0, NULL, 0);
	return NULL;
}

static struct ipc_bell *find(struct trap_call *call, uint64_t id)
{
	return ipc_bell_find(call->c_host, call->c_caller, id);
}

/* What a bell can hang on: a receive right or a set of the caller, but no special reply port. */
static kern_return_t find_target(struct trap_call *call, mach_port_name_t name,
				 struct ipc_entry **entry)
{
	*entry = ipc_right_lookup(call->c_host, call->c_caller->t_space, name);
	if (!*entry || (*entry)->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if ((*entry)->ie_type == MACH_PORT_TYPE_PORT_SET)
		return KERN_SUCCESS;
	if (!((*entry)->ie_type & MACH_PORT_TYPE_RECEIVE) || (*entry)->ie_port->ip_special_reply)
		return KERN_INVALID_RIGHT;
	return KERN_SUCCESS;
}

kern_return_t trap_machd_bell_close(struct trap_call *call, const struct machd_bell_close_in *args,
				    struct machd_bell_close_out *result)
{
	struct ipc_bell *bell = find(call, args->bell);

	(void)result;
	if (!bell)
		return KERN_INVALID_ARGUMENT;
	ipc_bell_destroy(bell);
	return KERN_SUCCESS;
}

kern_return_t trap_machd_bell_add(struct trap_call *call, const struct machd_bell_add_in *args,
				  struct machd_bell_add_out *result)
{
	struct ipc_bell *bell = find(call, args->bell);
	struct ipc_entry *entry;
	kern_return_t kr = bell ? find_target(call, args->name, &entry) : KERN_INVALID_ARGUMENT;

	(void)result;
	return kr == KERN_SUCCESS ? ipc_bell_add(bell, entry, args->name) : kr;
}

kern_return_t trap_machd_bell_remove(struct trap_call *call,
				     const struct machd_bell_remove_in *args,
				     struct machd_bell_remove_out *result)
{
	struct ipc_bell *bell = find(call, args->bell);
	struct ipc_entry *entry;
	kern_return_t kr = bell ? find_target(call, args->name, &entry) : KERN_INVALID_ARGUMENT;

	(void)result;
	return kr == KERN_SUCCESS ? ipc_bell_remove(bell, entry) : kr;
}

kern_return_t trap_machd_bell_next(struct trap_call *call, const struct machd_bell_next_in *args,
				   struct machd_bell_next_out *result)
{
	struct ipc_bell *bell = find(call, args->bell);
	uint32_t max = call->c_out_room / EVENT_WORDS, count;

	if (!bell)
		return KERN_INVALID_ARGUMENT;
	if (max > EVENTS_MAX)
		max = EVENTS_MAX;
	if (max > args->max)
		max = args->max;
	count = ipc_bell_next(bell, (struct ipc_event *)(void *)result->events, max);
	call->c_out_words = count * EVENT_WORDS;
	return KERN_SUCCESS;
}
