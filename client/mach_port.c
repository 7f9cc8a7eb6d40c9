/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_port_*: each call is a routine of ops.def. The two that return arrays of any length fetch
 * them page by page, see port_list.c.
 */
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/mach_traps.h>
#include <mach/mig_errors.h>
#include <string.h>

#include "client/mi.h"

/* Words of attributes that a call can carry. */
#define INFO_MAX MACH_PORT_INFO_EXT_COUNT

kern_return_t mach_port_type(ipc_space_t task, mach_port_name_t name, mach_port_type_t *ptype)
{
	struct mach_port_type_in in = {.name = name};
	struct mach_port_type_out out;
	kern_return_t code = MI_CALL(mach_port_type, task, &in, &out);

	if (code == KERN_SUCCESS)
		*ptype = out.type;
	return code;
}

kern_return_t mach_port_allocate_name(ipc_space_t task, mach_port_right_t right,
				      mach_port_name_t name)
{
	struct mach_port_allocate_name_in in = {.right = right, .name = name};

	return MI_CALL(mach_port_allocate_name, task, &in, NULL);
}

kern_return_t mach_port_allocate(ipc_space_t task, mach_port_right_t right, mach_port_name_t *name)
{
	struct mach_port_allocate_in in = {.right = right};
	struct mach_port_allocate_out out;
	kern_return_t code = MI_CALL(mach_port_allocate, task, &in, &out);

	if (code == KERN_SUCCESS)
		*name = out.name;
	return code;
}

kern_return_t mach_port_destroy(ipc_space_t task, mach_port_name_t name)
{
	struct mach_port_destroy_in in = {.name = name};

	return MI_CALL(mach_port_destroy, task, &in, NULL);
}

kern_return_t mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
	struct mach_port_deallocate_in in = {.name = name};

	return MI_CALL(mach_port_deallocate, task, &in, NULL);
}

kern_return_t mach_port_get_refs(ipc_space_t task, mach_port_name_t name, mach_port_right_t right,
				 mach_port_urefs_t *refs)
{
	struct mach_port_get_refs_in in = {.name = name, .right = right};
	struct mach_port_get_refs_out out;
	kern_return_t code = MI_CALL(mach_port_get_refs, task, &in, &out);

	if (code == KERN_SUCCESS)
		*refs = out.refs;
	return code;
}

kern_return_t mach_port_mod_refs(ipc_space_t task, mach_port_name_t name, mach_port_right_t right,
				 mach_port_delta_t delta)
{
	struct mach_port_mod_refs_in in = {.name = name, .right = right, .delta = delta};

	return MI_CALL(mach_port_mod_refs, task, &in, NULL);
}

kern_return_t mach_port_set_mscount(ipc_space_t task, mach_port_name_t name,
				    mach_port_mscount_t mscount)
{
	struct mach_port_set_mscount_in in = {.name = name, .mscount = mscount};

	return MI_CALL(mach_port_set_mscount, task, &in, NULL);
}

kern_return_t mach_port_move_member(ipc_space_t task, mach_port_name_t member,
				    mach_port_name_t after)
{
	struct mach_port_move_member_in in = {.member = member, .after = after};

	return MI_CALL(mach_port_move_member, task, &in, NULL);
}

kern_return_t mach_port_request_notification(ipc_space_t task, mach_port_name_t name,
					     mach_msg_id_t msgid, mach_port_mscount_t sync,
					     mach_port_t notify, mach_msg_type_name_t notifyPoly,
					     mach_port_t *previous)
{
	struct mach_port_request_notification_in in = {
		.name = name,
		.msgid = (uint32_t)msgid,
		.sync = sync,
		.notify = notify,
		.notify_type = notifyPoly,
	};
	struct mach_port_request_notification_out out;
	kern_return_t code = MI_CALL(mach_port_request_notification, task, &in, &out);

	if (code == KERN_SUCCESS)
		*previous = out.previous;
	return code;
}

kern_return_t mach_port_insert_right(ipc_space_t task, mach_port_name_t name, mach_port_t poly,
				     mach_msg_type_name_t polyPoly)
{
	struct mach_port_insert_right_in in = {
		.name = name,
		.right = poly,
		.right_type = polyPoly,
	};

	return MI_CALL(mach_port_insert_right, task, &in, NULL);
}

kern_return_t mach_port_extract_right(ipc_space_t task, mach_port_name_t name,
				      mach_msg_type_name_t msgt_name, mach_port_t *poly,
				      mach_msg_type_name_t *polyPoly)
{
	struct mach_port_extract_right_in in = {.name = name, .desired_type = msgt_name};
	struct mach_port_extract_right_out out;
	kern_return_t code = MI_CALL(mach_port_extract_right, task, &in, &out);

	if (code == KERN_SUCCESS) {
		*poly = out.right;
		*polyPoly = out.right_type;
	}
	return code;
}

kern_return_t mach_port_set_seqno(ipc_space_t task, mach_port_name_t name, mach_port_seqno_t seqno)
{
	struct mach_port_set_seqno_in in = {.name = name, .seqno = seqno};

	return MI_CALL(mach_port_set_seqno, task, &in, NULL);
}

kern_return_t mach_port_get_attributes(ipc_space_t task, mach_port_name_t name,
				       mach_port_flavor_t flavor, mach_port_info_t port_info_out,
				       mach_msg_type_number_t *port_info_outCnt)
{
	uint32_t words[INFO_MAX];
	struct mach_port_get_attributes_in in = {
		.name = name,
		.flavor = flavor,
		.count = *port_info_outCnt < INFO_MAX ? *port_info_outCnt : INFO_MAX,
	};
	/* For the flag of a service there is always room: callers do not say so. */
	uint32_t room = flavor == MACH_PORT_SERVICE_THROTTLED ? MACH_PORT_SERVICE_THROTTLED_COUNT
							      : in.count;
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_port_get_attributes,
		.target = task,
		.in = &in,
		.in_size = sizeof in,
		.out_array = words,
		.out_array_size = room * sizeof *words,
	};
	kern_return_t code = mi_call(&call);

	if (code == KERN_SUCCESS) {
		memcpy(port_info_out, words, call.out_array_size);
		*port_info_outCnt = (mach_msg_type_number_t)(call.out_array_size / sizeof *words);
	}
	return code;
}

kern_return_t mach_port_set_attributes(ipc_space_t task, mach_port_name_t name,
				       mach_port_flavor_t flavor, mach_port_info_t port_info,
				       mach_msg_type_number_t port_infoCnt)
{
	uint32_t words[INFO_MAX];
	struct mach_port_set_attributes_in in = {.name = name, .flavor = flavor};
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_port_set_attributes,
		.target = task,
		.in = &in,
		.in_size = sizeof in,
		.in_array = words,
		.in_array_size = port_infoCnt * sizeof *words,
	};

	if (port_infoCnt > INFO_MAX)
		return MIG_ARRAY_TOO_LARGE;
	if (port_infoCnt > 0)
		memcpy(words, port_info, call.in_array_size);
	return mi_call(&call);
}

kern_return_t mach_port_get_srights(ipc_space_t task, mach_port_name_t name,
				    mach_port_rights_t *srights)
{
	struct mach_port_get_srights_in in = {.name = name};
	struct mach_port_get_srights_out out;
	kern_return_t code = MI_CALL(mach_port_get_srights, task, &in, &out);

	if (code == KERN_SUCCESS)
		*srights = out.srights;
	return code;
}

kern_return_t mach_port_insert_member(ipc_space_t task, mach_port_name_t name,
				      mach_port_name_t pset)
{
	struct mach_port_insert_member_in in = {.name = name, .pset = pset};

	return MI_CALL(mach_port_insert_member, task, &in, NULL);
}

kern_return_t mach_port_extract_member(ipc_space_t task, mach_port_name_t name,
				       mach_port_name_t pset)
{
	struct mach_port_extract_member_in in = {.name = name, .pset = pset};

	return MI_CALL(mach_port_extract_member, task, &in, NULL);
}

kern_return_t mach_port_get_context(ipc_space_t task, mach_port_name_t name,
				    mach_port_context_t *context)
{
	struct mach_port_get_context_in in = {.name = name};
	struct mach_port_get_context_out out;
	kern_return_t code = MI_CALL(mach_port_get_context, task, &in, &out);

	if (code == KERN_SUCCESS)
		*context = (mach_port_context_t)out.context;
	return code;
}

kern_return_t mach_port_set_context(ipc_space_t task, mach_port_name_t name,
				    mach_port_context_t context)
{
	struct mach_port_set_context_in in = {.context = context, .name = name};

	return MI_CALL(mach_port_set_context, task, &in, NULL);
}

mach_port_name_t mach_reply_port(void)
{
	mach_port_name_t name;

	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &name) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	return name;
}
