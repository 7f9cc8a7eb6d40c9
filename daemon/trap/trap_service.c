/* SPDX-License-Identifier: Apache-2.0 */
/* Service ports and connection ports: the calls that make them and look at them [16.5, 20]. */
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/trap/trap_construct.h"

_Static_assert(sizeof(((struct machd_construct_service_port_in *)0)->info) ==
		       sizeof(struct mach_service_port_info),
	       "the info travels as it is");

kern_return_t trap_machd_construct_service_port(struct trap_call *call,
						const struct machd_construct_service_port_in *args,
						struct machd_construct_service_port_out *result)
{
	struct trap_options options = {.to_flags = args->flags | MPO_SERVICE_PORT,
				       .to_qlimit = args->qlimit,
				       .to_context = args->context};
	struct mach_service_port_info info;
	struct ipc_label *label;
	kern_return_t kr = trap_check_flags(call, &options);

	if (kr != KERN_SUCCESS)
		return kr;
	if (args->unreadable)
		return KERN_MEMORY_ERROR;
	memcpy(&info, args->info, sizeof info);
	if (!memchr(info.mspi_string_name, '\0', sizeof info.mspi_string_name))
		return KERN_INVALID_ARGUMENT;
	kr = trap_check_qlimit(&options);
	if (kr != KERN_SUCCESS)
		return kr;
	label = ipc_label_create(call->c_host, call->c_task, &info);
	if (!label)
		return KERN_RESOURCE_SHORTAGE;
	return trap_construct(call, &options, label, &result->name);
}

kern_return_t trap_service_label(struct trap_call *call, mach_port_name_t name,
				 struct ipc_label **label)
{
	const struct ipc_entry *entry = ipc_right_lookup(call->c_host, call->c_space, name);

	if (!entry || entry->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(entry->ie_type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	if (!entry->ie_port->ip_service_port)
		return KERN_INVALID_CAPABILITY;
	*label = ipc_label_ref(entry->ie_port->ip_label);
	return KERN_SUCCESS;
}

/* A receive right to a service port. */
static kern_return_t look_up_service(struct trap_call *call, mach_port_name_t name,
				     struct ipc_port **port)
{
	kern_return_t kr = ipc_right_lookup_receive(call->c_host, call->c_space, name, port);

	if (kr == KERN_SUCCESS && !(*port)->ip_service_port)
		return KERN_INVALID_CAPABILITY;
	return kr;
}

kern_return_t trap_mach_port_get_service_port_info(
	struct trap_call *call, const struct mach_port_get_service_port_info_in *args,
	struct mach_port_get_service_port_info_out *result)
{
	struct ipc_port *port;
	kern_return_t kr = look_up_service(call, args->name, &port);

	if (kr == KERN_SUCCESS)
		memcpy(result->info, &port->ip_label->l_info, sizeof port->ip_label->l_info);
	return kr;
}

kern_return_t trap_mach_port_is_connection_for_service(
	struct trap_call *call, const struct mach_port_is_connection_for_service_in *args,
	struct mach_port_is_connection_for_service_out *result)
{
	const struct ipc_policy *policy = &call->c_host->h_policy;
	struct ipc_port *service, *connection;
	kern_return_t kr;

	if (!MACH_PORT_VALID(args->connection) || !MACH_PORT_VALID(args->service))
		return KERN_INVALID_NAME;
	if (policy->p_rule_count == 0)
		return KERN_NOT_SUPPORTED;
	kr = look_up_service(call, args->service, &service);
	if (kr == KERN_SUCCESS)
		kr = ipc_right_lookup_receive(call->c_host, call->c_space, args->connection,
					      &connection);
	if (kr != KERN_SUCCESS)
		return kr;
	if (!connection->ip_connection || connection->ip_label != service->ip_label)
		return KERN_INVALID_CAPABILITY;
	result->policy = ipc_policy_rule(policy, service->ip_label->l_info.mspi_string_name);
	return KERN_SUCCESS;
}
