/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls on the bootstrap port, with launchd's codes [24]. A service belongs to the uid that
 * brought it; that uid and root may look it up and give it up.
 */
#include <servers/bootstrap.h>
#include <string.h>

#include "daemon/boot/registry.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/trap/trap_internal.h"

/* A name is 1 to 127 bytes and ends within its field. */
static bool name_good(const char *name)
{
	return name[0] != '\0' && memchr(name, '\0', MACHD_SERVICE_NAME_MAX + 1);
}

static bool may_use(const struct trap_call *call, const struct boot_service *service)
{
	uint32_t uid = call->c_caller->t_user->u_uid;

	return uid == 0 || uid == service->s_user->u_uid;
}

/* Takes the send right `port`. */
static kern_return_t enter(struct trap_call *call, const char *name, struct ipc_port *port,
			   bool checked_in)
{
	if (boot_enter(call->c_host, name, port, call->c_caller, checked_in))
		return BOOTSTRAP_SUCCESS;
	ipc_port_release_send(call->c_host, port);
	return BOOTSTRAP_NO_MEMORY;
}

kern_return_t trap_bootstrap_check_in(struct trap_call *call,
				      const struct bootstrap_check_in_in *args,
				      struct bootstrap_check_in_out *result)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (!name_good(args->service))
		return BOOTSTRAP_BAD_COUNT;
	if (boot_find(call->c_host, args->service))
		return BOOTSTRAP_SERVICE_ACTIVE;
	kr = trap_reserve(call);
	if (kr != KERN_SUCCESS)
		return BOOTSTRAP_NO_MEMORY;
	port = ipc_port_create(call->c_host, call->c_caller->t_space->is_account);
	if (!port)
		return BOOTSTRAP_NO_MEMORY;
	kr = enter(call, args->service, ipc_port_make_send(port), true);
	if (kr != BOOTSTRAP_SUCCESS) {
		ipc_port_destroy(call->c_host, port);
		return kr;
	}
	port->ip_mscount = 0; /* the registry's own right is none that the owner made */
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_RECEIVE, &result->port);
}

static kern_return_t unregister(struct trap_call *call, struct boot_service *service)
{
	if (!service)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (!may_use(call, service))
		return BOOTSTRAP_NOT_PRIVILEGED;
	boot_remove(call->c_host, service);
	return BOOTSTRAP_SUCCESS;
}

kern_return_t trap_bootstrap_register(struct trap_call *call,
				      const struct bootstrap_register_in *args,
				      struct bootstrap_register_out *result)
{
	struct ipc_port *port;
	kern_return_t kr;

	(void)result;
	if (!name_good(args->service))
		return BOOTSTRAP_BAD_COUNT;
	if (args->port == MACH_PORT_NULL)
		return unregister(call, boot_find(call->c_host, args->service));
	if (boot_find(call->c_host, args->service))
		return BOOTSTRAP_NAME_IN_USE;
	kr = trap_copyin(call, args->port, MACH_MSG_TYPE_COPY_SEND, &port);
	if (kr == KERN_SUCCESS)
		return enter(call, args->service, port, false);
	return kr == KERN_INVALID_CAPABILITY ? kr : MACH_SEND_INVALID_RIGHT;
}

kern_return_t trap_bootstrap_look_up(struct trap_call *call,
				     const struct bootstrap_look_up_in *args,
				     struct bootstrap_look_up_out *result)
{
	struct boot_service *service = NULL;
	kern_return_t kr;

	if (name_good(args->service))
		service = boot_find(call->c_host, args->service);
	if (!service)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (!may_use(call, service))
		return BOOTSTRAP_NOT_PRIVILEGED;
	kr = trap_copyout(call, ipc_port_copy_send(service->s_port), MACH_MSG_TYPE_PORT_SEND,
			  &result->port);
	return kr == KERN_SUCCESS ? BOOTSTRAP_SUCCESS : BOOTSTRAP_NO_MEMORY;
}
