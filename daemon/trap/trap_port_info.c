/* SPDX-License-Identifier: Apache-2.0 */
/* The mach_port routines that list names and get or set types and attributes of ports [20]. */
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/trap/trap_internal.h"

#define NAMES_PER_PAGE 16384

uint32_t trap_request_bits(const struct ipc_entry *entry)
{
	const struct ipc_request *request;

	if (!(entry->ie_type & MACH_PORT_TYPE_PORT_RIGHTS) || !entry->ie_request)
		return 0;
	request = ipc_request_get(entry->ie_port, entry->ie_request);
	if (!request->ir_notify)
		return 0;
	if (!request->ir_send_possible)
		return MACH_PORT_TYPE_DNREQUEST;
	return MACH_PORT_TYPE_DNREQUEST | MACH_PORT_TYPE_SPREQUEST |
	       (request->ir_armed ? 0 : MACH_PORT_TYPE_SPREQUEST_DELAYED);
}

kern_return_t trap_mach_port_names(struct trap_call *call, const struct mach_port_names_in *args,
				   struct mach_port_names_out *result)
{
	struct ipc_space *space = call->c_space;
	uint32_t index = args->first, count = 0;

	for (; index < space->is_size && count < NAMES_PER_PAGE; index++) {
		struct ipc_entry *entry = &space->is_table[index];
		mach_port_name_t name = ipc_entry_name(space, entry);

		if (entry->ie_type == 0)
			continue;
		entry = ipc_right_lookup(call->c_host, space, name);
		result->pairs[2 * count] = name;
		result->pairs[2 * count + 1] = entry->ie_type | trap_request_bits(entry);
		count++;
	}
	result->next = index < space->is_size ? index : 0;
	call->c_out_words = 2 * count;
	return KERN_SUCCESS;
}

kern_return_t trap_mach_port_type(struct trap_call *call, const struct mach_port_type_in *args,
				  struct mach_port_type_out *result)
{
	struct ipc_entry *entry = ipc_right_lookup(call->c_host, call->c_space, args->name);

	if (args->name == MACH_PORT_DEAD) {
		result->type = MACH_PORT_TYPE_DEAD_NAME;
		return KERN_SUCCESS;
	}
	if (!entry)
		return KERN_INVALID_NAME;
	result->type = entry->ie_type | (trap_request_bits(entry) & MACH_PORT_TYPE_DNREQUEST);
	return KERN_SUCCESS;
}

static kern_return_t receive_right(struct trap_call *call, mach_port_name_t name,
				   struct ipc_port **port)
{
	return ipc_right_lookup_receive(call->c_host, call->c_space, name, port);
}

kern_return_t trap_mach_port_set_mscount(struct trap_call *call,
					 const struct mach_port_set_mscount_in *args,
					 struct mach_port_set_mscount_out *result)
{
	struct ipc_port *port;
	kern_return_t kr = receive_right(call, args->name, &port);

	(void)result;
	if (kr == KERN_SUCCESS)
		port->ip_mscount = args->mscount;
	return kr;
}

kern_return_t trap_mach_port_set_seqno(struct trap_call *call,
				       const struct mach_port_set_seqno_in *args,
				       struct mach_port_set_seqno_out *result)
{
	struct ipc_port *port;
	kern_return_t kr = receive_right(call, args->name, &port);

	(void)result;
	if (kr == KERN_SUCCESS)
		port->ip_seqno = args->seqno;
	return kr;
}

kern_return_t trap_mach_port_get_srights(struct trap_call *call,
					 const struct mach_port_get_srights_in *args,
					 struct mach_port_get_srights_out *result)
{
	struct ipc_port *port;
	kern_return_t kr =
		ipc_right_lookup_named_receive(call->c_host, call->c_space, args->name, &port);

	if (kr == KERN_SUCCESS)
		result->srights = port->ip_srights;
	return kr;
}

/* The words of mach_port_status_t. */
enum {
	STATUS_PSET,
	STATUS_SEQNO,
	STATUS_MSCOUNT,
	STATUS_QLIMIT,
	STATUS_MSGCOUNT,
	STATUS_SORIGHTS,
	STATUS_SRIGHTS,
	STATUS_PDREQUEST,
	STATUS_NSREQUEST,
	STATUS_FLAGS,
};
_Static_assert(STATUS_FLAGS + 1 == MACH_PORT_RECEIVE_STATUS_COUNT, "layout of mach_port_status_t");

static void port_status(const struct ipc_port *port, uint32_t *info)
{
	info[STATUS_PSET] = !list_empty(&port->ip_members);
	info[STATUS_SEQNO] = port->ip_seqno;
	info[STATUS_MSCOUNT] = port->ip_mscount;
	info[STATUS_QLIMIT] = port->ip_qlimit;
	info[STATUS_MSGCOUNT] = port->ip_msgcount;
	info[STATUS_SORIGHTS] = port->ip_sorights;
	info[STATUS_SRIGHTS] = port->ip_srights > 0;
	info[STATUS_PDREQUEST] = port->ip_pdrequest != NULL;
	info[STATUS_NSREQUEST] = port->ip_nsrequest != NULL;
	if (port->ip_no_grant)
		info[STATUS_FLAGS] |= MACH_PORT_STATUS_FLAG_NO_GRANT;
	if (port->ip_accepts_importance)
		info[STATUS_FLAGS] |= MACH_PORT_STATUS_FLAG_IMP_DONATION;
	if (port->ip_tempowner)
		info[STATUS_FLAGS] |= MACH_PORT_STATUS_FLAG_TEMPOWNER;
	if (port->ip_guarded)
		info[STATUS_FLAGS] |=
			MACH_PORT_STATUS_FLAG_GUARDED |
			(port->ip_strict ? MACH_PORT_STATUS_FLAG_STRICT_GUARD : 0) |
			(ipc_port_immovable(port) ? MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE
						  : 0);
}

/* Words of a flavour's result, 0: no such flavour. */
static uint32_t info_words(int32_t flavor)
{
	switch (flavor) {
	case MACH_PORT_LIMITS_INFO:
		return MACH_PORT_LIMITS_INFO_COUNT;
	case MACH_PORT_RECEIVE_STATUS:
		return MACH_PORT_RECEIVE_STATUS_COUNT;
	case MACH_PORT_DNREQUESTS_SIZE:
		return MACH_PORT_DNREQUESTS_SIZE_COUNT;
	case MACH_PORT_INFO_EXT:
		return MACH_PORT_INFO_EXT_COUNT;
	case MACH_PORT_SERVICE_THROTTLED:
		return MACH_PORT_SERVICE_THROTTLED_COUNT;
	}
	return 0;
}

kern_return_t trap_mach_port_get_attributes(struct trap_call *call,
					    const struct mach_port_get_attributes_in *args,
					    struct mach_port_get_attributes_out *result)
{
	uint32_t words = info_words(args->flavor);
	struct ipc_port *port;
	kern_return_t kr;

	if (words == 0)
		return KERN_INVALID_ARGUMENT;
	/* MACH_PORT_SERVICE_THROTTLED is answered whatever the room, as in Mach. */
	if (args->count < words && args->flavor != MACH_PORT_SERVICE_THROTTLED)
		return KERN_FAILURE;
	/* NULL and DEAD have no limits, and a table of requests of size 0. */
	if (!MACH_PORT_VALID(args->name) && args->flavor == MACH_PORT_LIMITS_INFO)
		return KERN_SUCCESS;
	if (!MACH_PORT_VALID(args->name) && args->flavor == MACH_PORT_DNREQUESTS_SIZE) {
		result->info[0] = 0;
		call->c_out_words = words;
		return KERN_SUCCESS;
	}
	kr = receive_right(call, args->name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	if (args->flavor == MACH_PORT_SERVICE_THROTTLED && !port->ip_service_port)
		return KERN_INVALID_CAPABILITY;
	for (uint32_t i = 0; i < words; i++)
		result->info[i] = 0;
	if (args->flavor == MACH_PORT_LIMITS_INFO)
		result->info[0] = port->ip_qlimit;
	else if (args->flavor == MACH_PORT_DNREQUESTS_SIZE)
		result->info[0] = port->ip_requests.rs_size;
	else if (args->flavor == MACH_PORT_SERVICE_THROTTLED)
		result->info[0] = port->ip_throttled;
	else
		port_status(port, result->info);
	if (args->flavor == MACH_PORT_INFO_EXT)
		result->info[STATUS_FLAGS + 1] = ipc_importance_of(port);
	call->c_out_words = words;
	return KERN_SUCCESS;
}

/* The flavours that make a port accept importance; they have no words. */
static bool is_importance(int32_t flavor)
{
	return flavor == MACH_PORT_TEMPOWNER || flavor == MACH_PORT_IMPORTANCE_RECEIVER ||
	       flavor == MACH_PORT_DENAP_RECEIVER;
}

static kern_return_t accept_importance(struct trap_call *call, mach_port_name_t name,
				       int32_t flavor)
{
	struct ipc_port *port;
	kern_return_t kr = receive_right(call, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	if (port->ip_kind != IP_PLAIN || port->ip_special_reply)
		return KERN_INVALID_ARGUMENT;
	ipc_importance_accept(call->c_host, port, flavor == MACH_PORT_TEMPOWNER);
	return KERN_SUCCESS;
}

kern_return_t trap_mach_port_set_attributes(struct trap_call *call,
					    const struct mach_port_set_attributes_in *args,
					    struct mach_port_set_attributes_out *result)
{
	bool limits = args->flavor == MACH_PORT_LIMITS_INFO;
	bool throttled = args->flavor == MACH_PORT_SERVICE_THROTTLED;
	struct ipc_port *port;
	kern_return_t kr;

	(void)result;
	if (is_importance(args->flavor))
		return accept_importance(call, args->name, args->flavor);
	if (!limits && !throttled && args->flavor != MACH_PORT_DNREQUESTS_SIZE)
		return KERN_INVALID_ARGUMENT;
	if (call->c_in_words < 1)
		return KERN_FAILURE;
	if (limits && args->info[0] > MACH_PORT_QLIMIT_MAX)
		return KERN_INVALID_VALUE;
	kr = receive_right(call, args->name, &port);
	if (kr == KERN_SUCCESS && limits)
		ipc_mqueue_set_qlimit(call->c_host, port, args->info[0]);
	if (kr != KERN_SUCCESS || !throttled)
		return kr;
	if (!port->ip_service_port)
		return KERN_INVALID_CAPABILITY;
	port->ip_throttled = args->info[0] != 0;
	return KERN_SUCCESS;
}

/* The message with a sequence number, or the first one for 0; NULL if it is not there. */
static const struct ipc_kmsg *find_message(const struct ipc_port *port, uint32_t *seqno)
{
	uint32_t first = port->ip_seqno, place = *seqno ? *seqno - first : 0;

	/* Numbers are compared as they are, also where they start again from 0. */
	if (*seqno && (*seqno < first || *seqno >= first + port->ip_msgcount))
		return NULL;
	*seqno = first + place;
	LIST_FOR_EACH (node, &port->ip_messages)
		if (place-- == 0)
			return list_entry(node, struct ipc_kmsg, ikm_work.w_link);
	return NULL;
}

/* Mach counts a descriptor as 16 bytes and 8 more for the message. */
static uint32_t kernel_size(const struct ikm_header *header)
{
	const uint32_t wide = 16, head = 8;

	return (uint32_t)sizeof(mach_msg_header_t) + head + header->ikm_body_size +
	       (header->ikm_complex ? (uint32_t)sizeof(mach_msg_body_t) : 0) +
	       header->ikm_descriptors * wide;
}

kern_return_t trap_mach_port_peek(struct trap_call *call, const struct mach_port_peek_in *args,
				  struct mach_port_peek_out *result)
{
	uint64_t option = (uint64_t)args->trailer_type;
	mach_msg_max_trailer_t trailer = {.msgh_trailer_size = MAX_TRAILER_SIZE};
	const struct ipc_kmsg *kmsg;
	struct ipc_port *port;
	kern_return_t kr;

	if (!MACH_PORT_VALID(args->name))
		return KERN_INVALID_RIGHT;
	result->trailer_size = ipc_kmsg_trailer_size(option, 64);
	if (result->trailer_size > sizeof(mach_msg_audit_trailer_t) ||
	    result->trailer_size > args->room) {
		trap_guard(call, kGUARD_EXC_INVALID_VALUE, args->name, 0);
		return KERN_INVALID_VALUE;
	}
	kr = receive_right(call, args->name, &port);
	if (kr != KERN_SUCCESS) {
		trap_guard(call,
			   kr == KERN_INVALID_NAME ? kGUARD_EXC_INVALID_NAME
						   : kGUARD_EXC_INVALID_RIGHT,
			   args->name, 0);
		return kr;
	}
	result->seqno = args->seqno;
	kmsg = find_message(port, &result->seqno);
	if (!kmsg)
		return KERN_FAILURE;
	result->size = kernel_size(&kmsg->ikm_header);
	result->id = (int32_t)kmsg->ikm_header.ikm_msgh_id;
	trailer.msgh_seqno = result->seqno;
	trailer.msgh_sender = kmsg->ikm_header.ikm_security;
	trailer.msgh_audit = kmsg->ikm_header.ikm_audit;
	call->c_out_words = result->trailer_size / sizeof(uint32_t);
	memcpy(result->trailer, &trailer, result->trailer_size);
	return KERN_SUCCESS;
}

kern_return_t trap_mach_port_dnrequest_info(struct trap_call *call,
					    const struct mach_port_dnrequest_info_in *args,
					    struct mach_port_dnrequest_info_out *result)
{
	struct ipc_port *port;
	kern_return_t kr =
		ipc_right_lookup_named_receive(call->c_host, call->c_space, args->name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	result->total = port->ip_requests.rs_size;
	for (uint32_t i = 0; i < port->ip_requests.rs_size; i++)
		result->used += port->ip_requests.rs_table[i].ir_notify != NULL;
	return KERN_SUCCESS;
}

kern_return_t trap_mach_port_space_basic_info(struct trap_call *call,
					      const struct mach_port_space_basic_info_in *args,
					      struct mach_port_space_basic_info_out *result)
{
	(void)args;
	/* Entries set aside for lent messages do not count as used. */
	ipc_loan_settle_task(call->c_host, call->c_space->is_task);
	result->genno_mask = 0xff;
	result->size = call->c_space->is_size;
	result->used = call->c_space->is_used;
	return KERN_SUCCESS;
}
