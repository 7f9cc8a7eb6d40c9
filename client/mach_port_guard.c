/* SPDX-License-Identifier: Apache-2.0 */
/* mach_port_*: ports made and destroyed with all their properties, guards, and looks inside. */
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <string.h>

#include "client/mi.h"

/* A service port's name and domain go along; who may have one hears of it before they are read. */
static kern_return_t construct_service_port(ipc_space_t task, const mach_port_options_t *options,
					    mach_port_context_t context, mach_port_name_t *name)
{
	struct machd_construct_service_port_in in = {
		.context = context,
		.flags = options->flags,
		.qlimit = options->mpl.mpl_qlimit,
	};
	struct machd_construct_service_port_out out;
	kern_return_t code;

	in.unreadable = !mi_fetch(in.info, options->service_port_info, sizeof in.info);
	code = MI_CALL(machd_construct_service_port, task, &in, &out);
	if (code == KERN_SUCCESS)
		*name = out.name;
	return code;
}

kern_return_t mach_port_construct(ipc_space_t task, mach_port_options_t *options,
				  mach_port_context_t context, mach_port_name_t *name)
{
	struct mach_port_construct_in in = {
		.context = context,
		.flags = options->flags,
		.qlimit = options->mpl.mpl_qlimit,
		.service = options->service_port_name,
	};
	struct mach_port_construct_out out;
	kern_return_t code;

	if ((options->flags & MPO_SERVICE_PORT) && options->service_port_info)
		return construct_service_port(task, options, context, name);
	code = MI_CALL(mach_port_construct, task, &in, &out);
	if (code == KERN_SUCCESS)
		*name = out.name;
	return code;
}

kern_return_t mach_port_get_service_port_info(ipc_space_t task, mach_port_name_t name,
					      mach_service_port_info_data_t *sp_info_out)
{
	struct mach_port_get_service_port_info_in in = {.name = name};
	struct mach_port_get_service_port_info_out out;
	kern_return_t code = MI_CALL(mach_port_get_service_port_info, task, &in, &out);

	if (code == KERN_SUCCESS)
		memcpy(sp_info_out, out.info, sizeof *sp_info_out);
	return code;
}

kern_return_t mach_port_is_connection_for_service(ipc_space_t task,
						  mach_port_name_t connection_port,
						  mach_port_name_t service_port,
						  uint64_t *filter_policy_id)
{
	struct mach_port_is_connection_for_service_in in = {.connection = connection_port,
							    .service = service_port};
	struct mach_port_is_connection_for_service_out out;
	kern_return_t code = MI_CALL(mach_port_is_connection_for_service, task, &in, &out);

	if (code == KERN_SUCCESS)
		*filter_policy_id = out.policy;
	return code;
}

kern_return_t mach_port_destruct(ipc_space_t task, mach_port_name_t name, mach_port_delta_t srdelta,
				 mach_port_context_t guard)
{
	struct mach_port_destruct_in in = {.name = name, .srdelta = srdelta, .guard = guard};

	return MI_CALL(mach_port_destruct, task, &in, NULL);
}

kern_return_t mach_port_guard(ipc_space_t task, mach_port_name_t name, mach_port_context_t guard,
			      boolean_t strict)
{
	struct mach_port_guard_in in = {.name = name, .guard = guard, .strict = strict != 0};

	return MI_CALL(mach_port_guard, task, &in, NULL);
}

kern_return_t mach_port_guard_with_flags(ipc_space_t task, mach_port_name_t name,
					 mach_port_context_t guard, uint64_t flags)
{
	struct mach_port_guard_with_flags_in in = {.name = name, .guard = guard, .flags = flags};

	return MI_CALL(mach_port_guard_with_flags, task, &in, NULL);
}

kern_return_t mach_port_unguard(ipc_space_t task, mach_port_name_t name, mach_port_context_t guard)
{
	struct mach_port_unguard_in in = {.name = name, .guard = guard};

	return MI_CALL(mach_port_unguard, task, &in, NULL);
}

kern_return_t mach_port_swap_guard(ipc_space_t task, mach_port_name_t name,
				   mach_port_context_t old_guard, mach_port_context_t new_guard)
{
	struct mach_port_swap_guard_in in = {
		.name = name, .old_guard = old_guard, .new_guard = new_guard};

	return MI_CALL(mach_port_swap_guard, task, &in, NULL);
}

kern_return_t mach_port_assert_attributes(ipc_space_t task, mach_port_name_t name,
					  mach_port_flavor_t flavor, mach_port_info_t info,
					  mach_msg_type_number_t count)
{
	struct mach_port_assert_attributes_in in = {.name = name, .flavor = flavor};
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_port_assert_attributes,
		.target = task,
		.in = &in,
		.in_size = sizeof in,
		.in_array = info,
		.in_array_size = count < MACH_PORT_GUARD_INFO_COUNT
					 ? count * sizeof(natural_t)
					 : MACH_PORT_GUARD_INFO_COUNT * sizeof(natural_t),
	};

	return mi_call(&call);
}

kern_return_t mach_port_peek(ipc_space_t task, mach_port_name_t name,
			     mach_msg_trailer_type_t trailer_type, mach_port_seqno_t *seqno,
			     mach_msg_size_t *size, mach_msg_id_t *id,
			     mach_msg_trailer_info_t trailer, mach_msg_type_number_t *trailer_size)
{
	struct mach_port_peek_in in = {
		.name = name, .trailer_type = trailer_type, .seqno = *seqno, .room = *trailer_size};
	struct mach_port_peek_out out;
	mach_msg_max_trailer_t came;
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_port_peek,
		.target = task,
		.in = &in,
		.in_size = sizeof in,
		.out = &out,
		.out_size = sizeof out,
		.out_array = &came,
		.out_array_size = sizeof came,
	};
	kern_return_t code = mi_call(&call);

	if (code != KERN_SUCCESS)
		return code;
	*seqno = out.seqno;
	*size = out.size;
	*id = out.id;
	*trailer_size = out.trailer_size < in.room ? out.trailer_size : in.room;
	memcpy(trailer, &came, *trailer_size < sizeof came ? *trailer_size : sizeof came);
	return KERN_SUCCESS;
}

kern_return_t mach_port_dnrequest_info(ipc_space_t task, mach_port_name_t name, unsigned *dnr_total,
				       unsigned *dnr_used)
{
	struct mach_port_dnrequest_info_in in = {.name = name};
	struct mach_port_dnrequest_info_out out;
	kern_return_t code = MI_CALL(mach_port_dnrequest_info, task, &in, &out);

	if (code != KERN_SUCCESS)
		return code;
	*dnr_total = out.total;
	*dnr_used = out.used;
	return KERN_SUCCESS;
}

kern_return_t mach_port_kobject(ipc_space_t task, mach_port_name_t name, natural_t *object_type,
				mach_vm_address_t *object_addr)
{
	struct mach_port_kobject_in in = {.name = name};
	struct mach_port_kobject_out out;
	kern_return_t code = MI_CALL(mach_port_kobject, task, &in, &out);

	if (code != KERN_SUCCESS)
		return code;
	*object_type = out.type;
	*object_addr = out.address;
	return KERN_SUCCESS;
}

kern_return_t mach_port_space_basic_info(ipc_space_t task, ipc_info_space_basic_t *space_basic_info)
{
	struct mach_port_space_basic_info_in in = {};
	struct mach_port_space_basic_info_out out;
	kern_return_t code = MI_CALL(mach_port_space_basic_info, task, &in, &out);

	if (code != KERN_SUCCESS)
		return code;
	*space_basic_info = (ipc_info_space_basic_t){.iisb_genno_mask = out.genno_mask,
						     .iisb_table_size = out.size,
						     .iisb_table_inuse = out.used};
	return KERN_SUCCESS;
}
