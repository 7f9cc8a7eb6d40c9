/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mach_port calls on contexts and guards [16.1], and construct and destruct, which make and
 * destroy a receive right with all its properties in one step [20]. A guard is a context that the
 * port's other calls respect.
 */
#include <machd.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/trap/trap_construct.h"

/* NULL and DEAD are missing names here; for most calls on receive rights they are wrong rights. */
static kern_return_t guard_target(struct trap_call *call, mach_port_name_t name,
				  struct ipc_port **port)
{
	kern_return_t kr = ipc_right_lookup_named_receive(call->c_host, call->c_space, name, port);

	if (kr == KERN_INVALID_NAME && MACH_PORT_VALID(name))
		trap_guard(call, kGUARD_EXC_INVALID_NAME, name, 0);
	else if (kr == KERN_INVALID_RIGHT)
		trap_guard(call, kGUARD_EXC_INVALID_RIGHT, name, 0);
	return kr;
}

/* The port's guard is what the caller says it is. KERN_INVALID_ARGUMENT. */
static kern_return_t check_guard(struct trap_call *call, mach_port_name_t name,
				 const struct ipc_port *port, uint64_t value)
{
	if (!port->ip_guarded)
		trap_guard(call, kGUARD_EXC_UNGUARDED, name, 0);
	else if (port->ip_context != value)
		trap_guard(call, kGUARD_EXC_INCORRECT_GUARD, name, port->ip_context);
	else
		return KERN_SUCCESS;
	return KERN_INVALID_ARGUMENT;
}

kern_return_t trap_mach_port_get_context(struct trap_call *call,
					 const struct mach_port_get_context_in *args,
					 struct mach_port_get_context_out *result)
{
	struct ipc_port *port;
	kern_return_t kr = ipc_right_lookup_receive(call->c_host, call->c_space, args->name, &port);

	if (kr == KERN_SUCCESS)
		result->context = port->ip_strict ? 0 : port->ip_context;
	return kr;
}

kern_return_t trap_mach_port_set_context(struct trap_call *call,
					 const struct mach_port_set_context_in *args,
					 struct mach_port_set_context_out *result)
{
	struct ipc_port *port;
	kern_return_t kr = ipc_right_lookup_receive(call->c_host, call->c_space, args->name, &port);

	(void)result;
	if (kr != KERN_SUCCESS)
		return kr;
	if (port->ip_strict) {
		trap_guard(call, kGUARD_EXC_SET_CONTEXT, args->name, port->ip_context);
		return KERN_INVALID_ARGUMENT;
	}
	port->ip_context = args->context;
	return KERN_SUCCESS;
}

static kern_return_t guard(struct trap_call *call, mach_port_name_t name, uint64_t value,
			   bool strict, bool immovable)
{
	struct ipc_port *port;
	kern_return_t kr = guard_target(call, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	if (port->ip_context != 0) {
		trap_guard(call, kGUARD_EXC_INVALID_ARGUMENT, name, port->ip_context);
		return KERN_INVALID_ARGUMENT;
	}
	port->ip_context = value;
	port->ip_guarded = true;
	port->ip_strict = strict;
	port->ip_immovable |= immovable;
	return KERN_SUCCESS;
}

kern_return_t trap_mach_port_guard(struct trap_call *call, const struct mach_port_guard_in *args,
				   struct mach_port_guard_out *result)
{
	(void)result;
	return guard(call, args->name, args->guard, args->strict != 0, false);
}

kern_return_t trap_mach_port_guard_with_flags(struct trap_call *call,
					      const struct mach_port_guard_with_flags_in *args,
					      struct mach_port_guard_with_flags_out *result)
{
	(void)result;
	return guard(call, args->name, args->guard, args->flags & MPG_STRICT,
		     args->flags & MPG_IMMOVABLE_RECEIVE);
}

kern_return_t trap_mach_port_unguard(struct trap_call *call,
				     const struct mach_port_unguard_in *args,
				     struct mach_port_unguard_out *result)
{
	struct ipc_port *port;
	kern_return_t kr = guard_target(call, args->name, &port);

	(void)result;
	if (kr == KERN_SUCCESS)
		kr = check_guard(call, args->name, port, args->guard);
	if (kr != KERN_SUCCESS)
		return kr;
	port->ip_context = 0;
	port->ip_guarded = port->ip_strict = false;
	return KERN_SUCCESS;
}

kern_return_t trap_mach_port_swap_guard(struct trap_call *call,
					const struct mach_port_swap_guard_in *args,
					struct mach_port_swap_guard_out *result)
{
	struct ipc_port *port;
	kern_return_t kr = guard_target(call, args->name, &port);

	(void)result;
	if (kr != KERN_SUCCESS)
		return kr;
	/* A strict guard is not to be changed, whatever the caller takes it for. */
	if (port->ip_strict) {
		trap_guard(call, kGUARD_EXC_SET_CONTEXT, args->name, port->ip_context);
		return KERN_INVALID_ARGUMENT;
	}
	kr = check_guard(call, args->name, port, args->old_guard);
	if (kr != KERN_SUCCESS)
		return kr;
	port->ip_context = args->new_guard;
	return KERN_SUCCESS;
}

kern_return_t trap_mach_port_assert_attributes(struct trap_call *call,
					       const struct mach_port_assert_attributes_in *args,
					       struct mach_port_assert_attributes_out *result)
{
	struct ipc_port *port;
	uint64_t value;
	kern_return_t kr;

	(void)result;
	if (args->flavor != MACH_PORT_GUARD_INFO)
		return KERN_INVALID_ARGUMENT;
	if (call->c_in_words < MACH_PORT_GUARD_INFO_COUNT)
		return KERN_FAILURE;
	kr = ipc_right_lookup_receive(call->c_host, call->c_space, args->name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	value = args->info[0] | (uint64_t)args->info[1] << 32;
	kr = check_guard(call, args->name, port, value);
	if (kr == KERN_SUCCESS && !port->ip_strict) {
		trap_guard(call, kGUARD_EXC_INCORRECT_GUARD, args->name, port->ip_context);
		kr = KERN_INVALID_ARGUMENT;
	}
	return kr;
}

static bool several(uint32_t flags)
{
	return flags & (flags - 1);
}

#define KIND_FLAGS (MPO_SERVICE_PORT | MPO_CONNECTION_PORT | MPO_TG_BLOCK_TRACKING)
#define REPLY_FLAGS                                                               \
	(MPO_REPLY_PORT | MPO_ENFORCE_REPLY_PORT_SEMANTICS | MPO_EXCEPTION_PORT | \
	 MPO_PROVISIONAL_REPLY_PORT)

kern_return_t trap_check_flags(const struct trap_call *call, const struct trap_options *options)
{
	uint32_t flags = options->to_flags;

	if (several(flags & KIND_FLAGS) || several(flags & REPLY_FLAGS))
		return KERN_INVALID_ARGUMENT;
	if (flags & MPO_TG_BLOCK_TRACKING)
		return KERN_DENIED; /* of Mach's kernel only */
	if ((flags & MPO_SERVICE_PORT) && !call->c_caller->t_first)
		return KERN_DENIED;
	return KERN_SUCCESS;
}

kern_return_t trap_check_qlimit(const struct trap_options *options)
{
	if ((options->to_flags & MPO_QLIMIT) && options->to_qlimit > MACH_PORT_QLIMIT_MAX)
		return KERN_INVALID_VALUE;
	return KERN_SUCCESS;
}

static void apply_options(const struct trap_call *call, struct ipc_port *port,
			  const struct trap_options *options)
{
	uint32_t flags = options->to_flags;

	port->ip_context = options->to_context;
	if (flags & MPO_CONTEXT_AS_GUARD) {
		port->ip_guarded = true;
		port->ip_strict = flags & MPO_STRICT;
		port->ip_immovable = flags & MPO_IMMOVABLE_RECEIVE;
	}
	if (flags & MPO_QLIMIT)
		port->ip_qlimit = options->to_qlimit;
	if (flags & MPO_EXCEPTION_PORT)
		port->ip_immovable = true;
	port->ip_reply_port = flags & (MPO_REPLY_PORT | MPO_PROVISIONAL_REPLY_PORT);
	/* Only a hardened task gets a reply port that cannot be anything else. */
	if ((flags & MPO_REPLY_PORT) && call->c_task->t_hardened)
		port->ip_only_reply = port->ip_immovable = true;
	port->ip_enforces_reply = flags & MPO_ENFORCE_REPLY_PORT_SEMANTICS;
	if (flags & (MPO_TEMPOWNER | MPO_IMPORTANCE_RECEIVER | MPO_DENAP_RECEIVER))
		ipc_importance_accept(call->c_host, port, flags & MPO_TEMPOWNER);
	port->ip_filtered = flags & (MPO_FILTER_MSG | MPO_SERVICE_PORT);
	port->ip_service_port = flags & MPO_SERVICE_PORT;
	port->ip_defended = port->ip_service_port && call->c_host->h_policy.p_service_defense;
	port->ip_connection = flags & MPO_CONNECTION_PORT;
	port->ip_no_grant = flags & MACHD_MPO_NO_GRANT;
}

kern_return_t trap_construct(struct trap_call *call, const struct trap_options *options,
			     struct ipc_label *label, mach_port_name_t *name)
{
	struct ipc_host *host = call->c_host;
	kern_return_t kr = ipc_entry_reserve(host, call->c_space);
	struct ipc_port *port = NULL;

	if (kr == KERN_SUCCESS) {
		port = ipc_port_create(host, call->c_space->is_account);
		kr = port ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
	}
	if (kr != KERN_SUCCESS) {
		ipc_label_release(label);
		return kr;
	}
	*name = ipc_right_copyout_reserved(host, call->c_space, port, MACH_MSG_TYPE_PORT_RECEIVE);
	port->ip_label = label;
	apply_options(call, port, options);
	/* The second right joins the first: it needs no entry of its own. */
	if (options->to_flags & MPO_INSERT_SEND_RIGHT)
		ipc_right_copyout_reserved(host, call->c_space, ipc_port_make_send(port),
					   MACH_MSG_TYPE_PORT_SEND);
	return KERN_SUCCESS;
}

kern_return_t trap_mach_port_construct(struct trap_call *call,
				       const struct mach_port_construct_in *args,
				       struct mach_port_construct_out *result)
{
	struct trap_options options = {
		.to_flags = args->flags, .to_qlimit = args->qlimit, .to_context = args->context};
	struct ipc_label *label = NULL;
	kern_return_t kr = trap_check_flags(call, &options);

	if (kr != KERN_SUCCESS)
		return kr;
	/* What a service port is made of comes by machd_construct_service_port only. */
	if (args->flags & MPO_SERVICE_PORT)
		return KERN_INVALID_ARGUMENT;
	if ((args->flags & MPO_CONNECTION_PORT) && args->service == 0)
		return KERN_INVALID_ARGUMENT;
	if (args->flags & MPO_CONNECTION_PORT)
		kr = trap_service_label(call, args->service, &label);
	if (kr == KERN_SUCCESS)
		kr = trap_check_qlimit(&options);
	if (kr == KERN_SUCCESS)
		return trap_construct(call, &options, label, &result->name);
	ipc_label_release(label);
	return kr;
}

static void guard_destruct(struct trap_call *call, const struct ipc_entry *entry,
			   mach_port_name_t name, kern_return_t kr)
{
	if (!(entry->ie_type & MACH_PORT_TYPE_RECEIVE))
		return;
	if (kr == KERN_INVALID_ARGUMENT)
		trap_guard(call, kGUARD_EXC_DESTROY, name, entry->ie_port->ip_context);
	else
		trap_guard(call,
			   kr == KERN_INVALID_RIGHT ? kGUARD_EXC_INVALID_RIGHT
						    : kGUARD_EXC_INVALID_VALUE,
			   name, 0);
}

kern_return_t trap_mach_port_destruct(struct trap_call *call,
				      const struct mach_port_destruct_in *args,
				      struct mach_port_destruct_out *result)
{
	struct ipc_entry *entry;
	kern_return_t kr;

	(void)result;
	if (!MACH_PORT_VALID(args->name))
		return KERN_INVALID_NAME;
	entry = ipc_right_lookup(call->c_host, call->c_space, args->name);
	if (!entry) {
		trap_guard(call, kGUARD_EXC_INVALID_NAME, args->name, 0);
		return KERN_INVALID_NAME;
	}
	kr = ipc_right_destruct(call->c_host, call->c_space, entry, args->srdelta, args->guard);
	if (kr != KERN_SUCCESS)
		guard_destruct(call, entry, args->name, kr);
	return kr;
}
