/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls on the bootstrap port, with launchd's codes [24]. What a rule of services.d says of a
 * name is what holds. Any other name belongs to the uid that brought it; that uid and root may look
 * it up and give it up.
 */
#include <servers/bootstrap.h>
#include <string.h>

#include "daemon/boot/policy.h"
#include "daemon/boot/registry.h"
#include "daemon/boot/start.h"
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

/* Why the caller may not bring this name; BOOTSTRAP_SUCCESS: it may. */
static kern_return_t may_own(const struct trap_call *call, const char *name)
{
	struct boot_verdict verdict = boot_policy_own(call->c_host, call->c_caller, name);

	if (verdict.bv_allowed)
		return BOOTSTRAP_SUCCESS;
	return verdict.bv_why == MACHD_POLICY_UNDECLARED_REFUSED ? BOOTSTRAP_UNKNOWN_SERVICE
								 : BOOTSTRAP_NOT_PRIVILEGED;
}

static bool may_look_up(const struct trap_call *call, const char *name,
			const struct boot_service *service)
{
	const uint32_t *owner = service && service->s_user ? &service->s_user->u_uid : NULL;

	return boot_policy_look_up(call->c_host, call->c_caller, name, owner).bv_allowed;
}

static bool declared(const struct trap_call *call, const char *name)
{
	return boot_policy_declares(call->c_host->h_names, name);
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

/* A name that nobody has: a fresh port. */
static kern_return_t check_in_new(struct trap_call *call, const char *name,
				  mach_port_name_t *result)
{
	struct ipc_port *port = ipc_port_create(call->c_host, call->c_caller->t_space->is_account);
	kern_return_t kr;

	if (!port)
		return BOOTSTRAP_NO_MEMORY;
	kr = enter(call, name, ipc_port_make_send(port), true);
	if (kr != BOOTSTRAP_SUCCESS) {
		ipc_port_destroy(call->c_host, port);
		return kr;
	}
	port->ip_mscount = 0; /* the registry's own right is none that the owner made */
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_RECEIVE, result);
}

/* A declared one: its port, with what has queued. */
static kern_return_t check_in_kept(struct trap_call *call, const char *name,
				   mach_port_name_t *result)
{
	struct boot_service *service = boot_keep(call->c_host, name);
	struct ipc_port *port = NULL;

	if (service && boot_has_port(call->c_host, service))
		port = boot_hand_out(call->c_host, service, call->c_caller);
	if (!port)
		return BOOTSTRAP_NO_MEMORY;
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_RECEIVE, result);
}

kern_return_t trap_bootstrap_check_in(struct trap_call *call,
				      const struct bootstrap_check_in_in *args,
				      struct bootstrap_check_in_out *result)
{
	const struct boot_service *service;
	kern_return_t kr;

	if (!name_good(args->service))
		return BOOTSTRAP_BAD_COUNT;
	kr = may_own(call, args->service);
	if (kr != BOOTSTRAP_SUCCESS)
		return kr;
	service = boot_find(call->c_host, args->service);
	if (service && (!service->s_kept || boot_running(service)))
		return BOOTSTRAP_SERVICE_ACTIVE;
	if (trap_reserve(call) != KERN_SUCCESS)
		return BOOTSTRAP_NO_MEMORY;
	return declared(call, args->service) ? check_in_kept(call, args->service, &result->port)
					     : check_in_new(call, args->service, &result->port);
}

static kern_return_t unregister(struct trap_call *call, struct boot_service *service)
{
	uint32_t uid = call->c_caller->t_user->u_uid;

	if (!service)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (service->s_kept || (uid != 0 && uid != service->s_user->u_uid))
		return BOOTSTRAP_NOT_PRIVILEGED;
	boot_remove(call->c_host, service);
	return BOOTSTRAP_SUCCESS;
}

/* A declared name is checked in, and never registered. */
static kern_return_t may_register(struct trap_call *call, const char *name)
{
	if (may_own(call, name) != BOOTSTRAP_SUCCESS)
		return BOOTSTRAP_NOT_PRIVILEGED;
	return boot_find(call->c_host, name) || declared(call, name) ? BOOTSTRAP_NAME_IN_USE
								     : BOOTSTRAP_SUCCESS;
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
	kr = may_register(call, args->service);
	if (kr != BOOTSTRAP_SUCCESS)
		return kr;
	kr = trap_copyin(call, args->port, MACH_MSG_TYPE_COPY_SEND, &port);
	if (kr == KERN_SUCCESS)
		return enter(call, args->service, port, false);
	return kr == KERN_INVALID_CAPABILITY ? kr : MACH_SEND_INVALID_RIGHT;
}

/* See to it that somebody will receive what is sent to a declared name. */
static kern_return_t ask_for(struct trap_call *call, const char *name)
{
	struct boot_service *service = boot_keep(call->c_host, name);

	if (!service)
		return BOOTSTRAP_NO_MEMORY;
	if (!service->s_kept || boot_running(service))
		return BOOTSTRAP_SUCCESS;
	if (service->s_start == 0 && !boot_start_allowed(call->c_host, service))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (trap_reserve(call) != KERN_SUCCESS || !boot_has_port(call->c_host, service))
		return BOOTSTRAP_NO_MEMORY;
	boot_service_wanted(call->c_host, service->s_port);
	return BOOTSTRAP_SUCCESS;
}

kern_return_t trap_bootstrap_look_up(struct trap_call *call,
				     const struct bootstrap_look_up_in *args,
				     struct bootstrap_look_up_out *result)
{
	struct boot_service *service;
	kern_return_t kr = BOOTSTRAP_SUCCESS;

	if (!name_good(args->service))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	service = boot_find(call->c_host, args->service);
	if (!service && !declared(call, args->service))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (!may_look_up(call, args->service, service))
		return BOOTSTRAP_NOT_PRIVILEGED;
	if (declared(call, args->service))
		kr = ask_for(call, args->service);
	if (kr != BOOTSTRAP_SUCCESS)
		return kr;
	service = boot_find(call->c_host, args->service);
	kr = trap_copyout(call, ipc_port_copy_send(service->s_port), MACH_MSG_TYPE_PORT_SEND,
			  &result->port);
	return kr == KERN_SUCCESS ? BOOTSTRAP_SUCCESS : BOOTSTRAP_NO_MEMORY;
}
