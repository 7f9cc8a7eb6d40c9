/* SPDX-License-Identifier: Apache-2.0 */
/* Services by name: the calls of servers/bootstrap.h. */
#include <mach/mach_error.h>
#include <servers/bootstrap.h>
#include <string.h>

#include "client/mi.h"
#include "protocol/limits.h"

/* False if no service can have that name. */
static bool copy_name(char to[BOOTSTRAP_MAX_NAME_LEN], const char *name)
{
	size_t length = strnlen(name, BOOTSTRAP_MAX_NAME_LEN);

	if (length > MACHD_SERVICE_NAME_MAX)
		return false;
	memcpy(to, name, length);
	return true;
}

kern_return_t bootstrap_check_in(mach_port_t bp, const char *service_name, mach_port_t *sp)
{
	struct bootstrap_check_in_in in = {0};
	struct bootstrap_check_in_out out;
	kern_return_t code;

	if (!copy_name(in.service, service_name))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	code = MI_CALL(bootstrap_check_in, bp, &in, &out);
	if (code == KERN_SUCCESS)
		*sp = out.port;
	return code;
}

kern_return_t bootstrap_register(mach_port_t bp, const char *service_name, mach_port_t sp)
{
	struct bootstrap_register_in in = {.port = sp};

	if (!copy_name(in.service, service_name))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	return MI_CALL(bootstrap_register, bp, &in, NULL);
}

kern_return_t bootstrap_create_service(mach_port_t bp, const char *service_name, mach_port_t *sp)
{
	struct bootstrap_create_service_in in = {0};
	struct bootstrap_create_service_out out;
	kern_return_t code;

	if (!copy_name(in.service, service_name))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	code = MI_CALL(bootstrap_create_service, bp, &in, &out);
	if (code == KERN_SUCCESS)
		*sp = out.port;
	return code;
}

kern_return_t bootstrap_create_server(mach_port_t bp, const char *server_cmd,
				      unsigned int server_uid, boolean_t on_demand,
				      mach_port_t *server_port)
{
	struct bootstrap_create_server_in in = {.uid = server_uid, .on_demand = on_demand != 0};
	struct bootstrap_create_server_out out;
	kern_return_t code;

	memcpy(in.command, server_cmd, strnlen(server_cmd, BOOTSTRAP_MAX_CMD_LEN - 1));
	code = MI_CALL(bootstrap_create_server, bp, &in, &out);
	if (code == KERN_SUCCESS)
		*server_port = out.port;
	return code;
}

kern_return_t bootstrap_look_up(mach_port_t bp, const char *service_name, mach_port_t *sp)
{
	struct bootstrap_look_up_in in = {0};
	struct bootstrap_look_up_out out;
	kern_return_t code;

	if (!copy_name(in.service, service_name))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	code = MI_CALL(bootstrap_look_up, bp, &in, &out);
	if (code == KERN_SUCCESS)
		*sp = out.port;
	return code;
}

kern_return_t bootstrap_subset(mach_port_t bp, mach_port_t requestor_port, mach_port_t *subset_port)
{
	struct bootstrap_subset_in in = {.requestor = requestor_port};
	struct bootstrap_subset_out out;
	kern_return_t code = MI_CALL(bootstrap_subset, bp, &in, &out);

	if (code == KERN_SUCCESS)
		*subset_port = out.port;
	return code;
}

kern_return_t bootstrap_parent(mach_port_t bp, mach_port_t *parent_port)
{
	struct bootstrap_parent_in in = {};
	struct bootstrap_parent_out out;
	kern_return_t code = MI_CALL(bootstrap_parent, bp, &in, &out);

	if (code == KERN_SUCCESS)
		*parent_port = out.port;
	return code;
}

kern_return_t bootstrap_unprivileged(mach_port_t bp, mach_port_t *unpriv_port)
{
	struct bootstrap_unprivileged_in in = {};
	struct bootstrap_unprivileged_out out;
	kern_return_t code = MI_CALL(bootstrap_unprivileged, bp, &in, &out);

	if (code == KERN_SUCCESS)
		*unpriv_port = out.port;
	return code;
}

kern_return_t bootstrap_status(mach_port_t bp, const char *service_name,
			       bootstrap_status_t *service_active)
{
	struct bootstrap_status_in in = {0};
	struct bootstrap_status_out out;
	kern_return_t code;

	if (!copy_name(in.service, service_name))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	code = MI_CALL(bootstrap_status, bp, &in, &out);
	if (code == KERN_SUCCESS)
		*service_active = (bootstrap_status_t)out.active;
	return code;
}

kern_return_t bootstrap_info(mach_port_t bp, name_array_t *service_names,
			     mach_msg_type_number_t *service_namesCnt, name_array_t *server_names,
			     mach_msg_type_number_t *server_namesCnt,
			     bootstrap_status_array_t *service_active,
			     mach_msg_type_number_t *service_activeCnt)
{
	const size_t name_words = sizeof(name_t) / sizeof(uint32_t);
	struct mi_words lists[] = {{.width = name_words}, {.width = name_words}, {.width = 1}};
	uint32_t in[] = {0}, next;
	kern_return_t code =
		mi_fetch_all(MACHD_ROUTINE_bootstrap_info, bp, in, 1, &next, 1, lists, 3);

	if (code == KERN_SUCCESS) {
		*service_names = (name_t *)(void *)lists[0].words;
		*server_names = (name_t *)(void *)lists[1].words;
		*service_active = (bootstrap_status_t *)(void *)lists[2].words;
		*service_namesCnt = *server_namesCnt = *service_activeCnt =
			(mach_msg_type_number_t)lists[2].count;
	}
	return code;
}

const char *bootstrap_strerror(kern_return_t r)
{
	switch (r) {
	case BOOTSTRAP_SUCCESS:
		return "success";
	case BOOTSTRAP_NOT_PRIVILEGED:
		return "the caller may not use this service name";
	case BOOTSTRAP_NAME_IN_USE:
		return "the service name is in use";
	case BOOTSTRAP_UNKNOWN_SERVICE:
		return "no service has this name";
	case BOOTSTRAP_SERVICE_ACTIVE:
		return "another task provides this service";
	case BOOTSTRAP_BAD_COUNT:
		return "too many services in one call";
	case BOOTSTRAP_NO_MEMORY:
		return "not enough memory for the service";
	case BOOTSTRAP_NO_CHILDREN:
		return "there are no bootstrap ports below this one";
	default:
		return mach_error_string(r);
	}
}
