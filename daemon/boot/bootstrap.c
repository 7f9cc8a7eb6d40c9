/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls on the bootstrap port, with launchd's codes [24]. For names with a rule in services.d
 * that rule decides. Any other name belongs to the uid that registered it; that uid and root may
 * look it up and remove it. In a subset (subset.h) rules apply only to names found in its parents.
 */
#include <servers/bootstrap.h>
#include <stdio.h>
#include <string.h>

#include "daemon/boot/policy.h"
#include "daemon/boot/registry.h"
#include "daemon/boot/start.h"
#include "daemon/boot/subset.h"
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

/* May the caller own this name? BOOTSTRAP_SUCCESS, or the code that says no. */
static kern_return_t may_own(const struct trap_call *call, const char *name)
{
	struct boot_verdict verdict = boot_policy_own(call->c_host, call->c_caller, name);

	if (call->c_port->ip_subset || verdict.bv_allowed)
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

/* Names of rules are kept at the first bootstrap port. */
static bool declared(const struct trap_call *call, const char *name)
{
	return !call->c_port->ip_subset && boot_policy_declares(call->c_host->h_names, name);
}

/* The name at the port that is called, and nowhere above it. */
static struct boot_service *find_here(const struct trap_call *call, const char *name)
{
	return boot_find_in(boot_table(call->c_host, call->c_port), name);
}

/* Takes the send right `port`. */
static kern_return_t enter(struct trap_call *call, const char *name, struct ipc_port *port,
			   bool checked_in)
{
	if (boot_enter(call->c_host, boot_table(call->c_host, call->c_port), name, port,
		       call->c_caller, checked_in))
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

/* A kept one: its port, with what has queued. NULL: there was no memory to keep it. */
static kern_return_t check_in_kept(struct trap_call *call, struct boot_service *service,
				   mach_port_name_t *result)
{
	struct ipc_port *port = NULL;

	if (service && boot_has_port(call->c_host, service))
		port = boot_hand_out(call->c_host, service, call->c_caller);
	if (!port)
		return BOOTSTRAP_NO_MEMORY;
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_RECEIVE, result);
}

/* A created name at the first port is for the uid that did, and for root. */
static bool may_check_in(const struct trap_call *call, const struct boot_service *service)
{
	const struct ipc_user *user = call->c_caller->t_user;

	return call->c_port->ip_subset || boot_declared(service) || user == service->s_user ||
	       user->u_uid == 0;
}

kern_return_t trap_bootstrap_check_in(struct trap_call *call,
				      const struct bootstrap_check_in_in *args,
				      struct bootstrap_check_in_out *result)
{
	struct boot_service *service;
	kern_return_t kr;

	if (!name_good(args->service))
		return BOOTSTRAP_BAD_COUNT;
	kr = may_own(call, args->service);
	if (kr != BOOTSTRAP_SUCCESS)
		return kr;
	service = find_here(call, args->service);
	if (service && (!service->s_kept || boot_running(service)))
		return BOOTSTRAP_SERVICE_ACTIVE;
	if (service && !may_check_in(call, service))
		return BOOTSTRAP_NOT_PRIVILEGED;
	if (trap_reserve(call) != KERN_SUCCESS)
		return BOOTSTRAP_NO_MEMORY;
	if (declared(call, args->service))
		service = boot_keep(call->c_host, args->service);
	else if (!service)
		return check_in_new(call, args->service, &result->port);
	return check_in_kept(call, service, &result->port);
}

static kern_return_t unregister(struct trap_call *call, struct boot_service *service)
{
	const struct boot_subset *subset = call->c_port->ip_subset;
	const struct ipc_user *user = call->c_caller->t_user;

	if (!service)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (boot_declared(service))
		return BOOTSTRAP_NOT_PRIVILEGED;
	if (user->u_uid != 0 && user != service->s_user && (!subset || user != subset->ss_user))
		return BOOTSTRAP_NOT_PRIVILEGED;
	boot_remove(call->c_host, service);
	return BOOTSTRAP_SUCCESS;
}

/* A declared name is checked in, and never registered or created. */
static kern_return_t may_register(struct trap_call *call, const char *name)
{
	if (may_own(call, name) != BOOTSTRAP_SUCCESS)
		return BOOTSTRAP_NOT_PRIVILEGED;
	return find_here(call, name) || declared(call, name) ? BOOTSTRAP_NAME_IN_USE
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
		return unregister(call, find_here(call, args->service));
	kr = may_register(call, args->service);
	if (kr != BOOTSTRAP_SUCCESS)
		return kr;
	kr = trap_copyin(call, args->port, MACH_MSG_TYPE_COPY_SEND, &port);
	if (kr == KERN_SUCCESS)
		return enter(call, args->service, port, false);
	return kr == KERN_INVALID_CAPABILITY ? kr : MACH_SEND_INVALID_RIGHT;
}

/* Nobody has checked in, so its receive right is with the daemon. */
kern_return_t trap_bootstrap_create_service(struct trap_call *call,
					    const struct bootstrap_create_service_in *args,
					    struct bootstrap_create_service_out *result)
{
	const struct boot_service *service = NULL;
	kern_return_t kr;

	if (!name_good(args->service))
		return BOOTSTRAP_BAD_COUNT;
	kr = may_register(call, args->service);
	if (kr != BOOTSTRAP_SUCCESS)
		return kr;
	if (trap_reserve(call) == KERN_SUCCESS)
		service = boot_create(call->c_host, boot_table(call->c_host, call->c_port),
				      args->service, call->c_caller);
	if (!service)
		return BOOTSTRAP_NO_MEMORY;
	return trap_copyout(call, ipc_port_copy_send(service->s_port), MACH_MSG_TYPE_PORT_SEND,
			    &result->port);
}

/* What machd runs, and as which user, is decided in services.d, never by a client:
 * whoever takes over one that is privileged must not have a command run as machd.
 */
kern_return_t trap_bootstrap_create_server(struct trap_call *call,
					   const struct bootstrap_create_server_in *args,
					   struct bootstrap_create_server_out *result)
{
	(void)call;
	(void)args;
	(void)result;
	return BOOTSTRAP_NOT_PRIVILEGED;
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

/*
 * The service that a name leads to: in the subset, or in one above it, or at the first port where
 * rules hold. Let the call be for the port where that is.
 */
static kern_return_t find_above(struct trap_call *call, const char *name,
				struct boot_service **service)
{
	while (call->c_port->ip_subset) {
		*service = find_here(call, name);
		if (*service)
			return BOOTSTRAP_SUCCESS;
		if (!ipc_port_active(call->c_port->ip_subset->ss_parent))
			return BOOTSTRAP_UNKNOWN_SERVICE;
		call->c_port = call->c_port->ip_subset->ss_parent;
	}
	*service = find_here(call, name);
	if (!*service && !declared(call, name))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	return may_look_up(call, name, *service) ? BOOTSTRAP_SUCCESS : BOOTSTRAP_NOT_PRIVILEGED;
}

kern_return_t trap_bootstrap_look_up(struct trap_call *call,
				     const struct bootstrap_look_up_in *args,
				     struct bootstrap_look_up_out *result)
{
	struct boot_service *service;
	kern_return_t kr;

	if (!name_good(args->service))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	kr = find_above(call, args->service, &service);
	if (kr == BOOTSTRAP_SUCCESS && declared(call, args->service))
		kr = ask_for(call, args->service);
	if (kr != BOOTSTRAP_SUCCESS)
		return kr;
	service = find_here(call, args->service);
	kr = trap_copyout(call, ipc_port_copy_send(service->s_port), MACH_MSG_TYPE_PORT_SEND,
			  &result->port);
	return kr == KERN_SUCCESS ? BOOTSTRAP_SUCCESS : BOOTSTRAP_NO_MEMORY;
}

/* Would somebody be started for the name? A name that was made by a call has only itself. */
static bool is_started(const struct trap_call *call, const char *name,
		       const struct boot_service *service)
{
	if (service && !boot_declared(service))
		return false;
	return boot_policy_declares(call->c_host->h_names, name)->br_start != BOOT_START_NEVER;
}

/* Of a name that leads to the port that is called. */
static bootstrap_status_t state_of(const struct trap_call *call, const char *name,
				   const struct boot_service *service)
{
	if (service && boot_running(service))
		return BOOTSTRAP_STATUS_ACTIVE;
	return is_started(call, name, service) ? BOOTSTRAP_STATUS_ON_DEMAND
					       : BOOTSTRAP_STATUS_INACTIVE;
}

kern_return_t trap_bootstrap_status(struct trap_call *call, const struct bootstrap_status_in *args,
				    struct bootstrap_status_out *result)
{
	struct boot_service *service;
	kern_return_t kr;

	if (!name_good(args->service))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	kr = find_above(call, args->service, &service);
	if (kr != BOOTSTRAP_SUCCESS)
		return kr;
	result->active = state_of(call, args->service, service);
	return BOOTSTRAP_SUCCESS;
}

/* A page of names: the most rows of an answer, and the most names that are looked at for it. */
#define ROWS_MAX 768
#define LOOK_MAX 16384

struct info_row {
	char service[MACHD_SERVICE_NAME_MAX + 1], server[MACHD_SERVICE_NAME_MAX + 1];
	uint32_t active;
};

_Static_assert(sizeof(struct info_row) == 65 * sizeof(uint32_t), "as ops.def has it");
_Static_assert(ROWS_MAX * sizeof(struct info_row) < MACHD_FRAME_SIZE_MAX - 256, "it fits");

/* What is known of who provides it: the file that declares it, without its folder. */
static const char *server_of(const struct trap_call *call, const char *name)
{
	const struct boot_rule *rule = NULL;
	const char *slash;

	if (!call->c_port->ip_subset)
		rule = boot_policy_declares(call->c_host->h_names, name);
	if (!rule)
		return "";
	slash = strrchr(rule->br_file, '/');
	return slash ? slash + 1 : rule->br_file;
}

/* Who may not look a name up does not hear of it either. */
static bool add_row(const struct trap_call *call, const char *name,
		    const struct boot_service *service, struct info_row *row)
{
	if (!call->c_port->ip_subset && !may_look_up(call, name, service))
		return false;
	memset(row, 0, sizeof *row);
	snprintf(row->service, sizeof row->service, "%s", name);
	snprintf(row->server, sizeof row->server, "%.*s", MACHD_SERVICE_NAME_MAX,
		 server_of(call, name));
	row->active = state_of(call, name, service);
	return true;
}

/* Rules for single names come first, whether they were ever used or not; then all other names. */
kern_return_t trap_bootstrap_info(struct trap_call *call, const struct bootstrap_info_in *args,
				  struct bootstrap_info_out *result)
{
	const struct boot_policy *policy = call->c_host->h_names;
	const struct boot_service *service = *boot_table(call->c_host, call->c_port);
	uint32_t rules = call->c_port->ip_subset ? 0 : policy->bp_head.bh_count;
	uint32_t at = 0, looked = 0, count = 0;
	struct info_row *row = (struct info_row *)result->names;

	for (; (at < rules || service) && looked < LOOK_MAX && count < ROWS_MAX; at++) {
		const char *name = at < rules ? policy->bp_rules[at].br_service : service->s_name;
		bool other = at < rules ? name[strlen(name) - 1] == '*' : declared(call, name);
		const struct boot_service *entry = at < rules ? find_here(call, name) : service;

		if (at >= rules)
			service = service->hh.next;
		if (at < args->first)
			continue;
		looked++;
		count += !other && add_row(call, name, entry, &row[count]);
	}
	result->next = at < rules || service ? at : 0;
	call->c_out_words = count * (uint32_t)(sizeof *row / sizeof(uint32_t));
	return BOOTSTRAP_SUCCESS;
}

/* Not all of the daemon's own ports ever die. */
static bool is_lifeline(const struct ipc_port *port)
{
	return port->ip_kind == IP_TASK || port->ip_place == IP_IN_SPACE ||
	       port->ip_place == IP_IN_TRANSIT;
}

kern_return_t trap_bootstrap_subset(struct trap_call *call, const struct bootstrap_subset_in *args,
				    struct bootstrap_subset_out *result)
{
	struct boot_subset *subset = NULL;
	struct ipc_port *requestor;
	kern_return_t kr = trap_copyin(call, args->requestor, MACH_MSG_TYPE_COPY_SEND, &requestor);

	if (kr != KERN_SUCCESS)
		return kr == KERN_INVALID_CAPABILITY ? kr : MACH_SEND_INVALID_RIGHT;
	if (!is_lifeline(requestor)) {
		ipc_port_release_send(call->c_host, requestor);
		return KERN_INVALID_ARGUMENT;
	}
	if (trap_reserve(call) == KERN_SUCCESS)
		subset = boot_subset_create(call->c_host, call->c_port, requestor, call->c_caller);
	if (!subset) {
		ipc_port_release_send(call->c_host, requestor);
		return BOOTSTRAP_NO_MEMORY;
	}
	return trap_copyout(call, ipc_port_make_send(subset->ss_port), MACH_MSG_TYPE_PORT_SEND,
			    &result->port);
}

/* A task in a subset must not get out of it through its parent, unless it is privileged. */
kern_return_t trap_bootstrap_parent(struct trap_call *call, const struct bootstrap_parent_in *args,
				    struct bootstrap_parent_out *result)
{
	const struct boot_subset *subset = call->c_port->ip_subset;
	struct ipc_port *parent = subset ? subset->ss_parent : call->c_port;
	kern_return_t kr;

	(void)args;
	if (!ipc_task_privileged(call->c_host, call->c_caller))
		return BOOTSTRAP_NOT_PRIVILEGED;
	parent = ipc_port_active(parent) ? ipc_port_make_send(parent) : IP_DEAD;
	kr = trap_copyout(call, parent, MACH_MSG_TYPE_PORT_SEND, &result->port);
	return kr == KERN_SUCCESS ? BOOTSTRAP_SUCCESS : BOOTSTRAP_NO_MEMORY;
}

/* A right to the same port: it gives no privileges that the caller does not have by itself. */
kern_return_t trap_bootstrap_unprivileged(struct trap_call *call,
					  const struct bootstrap_unprivileged_in *args,
					  struct bootstrap_unprivileged_out *result)
{
	kern_return_t kr;

	(void)args;
	kr = trap_copyout(call, ipc_port_make_send(call->c_port), MACH_MSG_TYPE_PORT_SEND,
			  &result->port);
	return kr == KERN_SUCCESS ? BOOTSTRAP_SUCCESS : BOOTSTRAP_NO_MEMORY;
}
