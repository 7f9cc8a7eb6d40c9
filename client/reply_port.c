/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's reply ports for MIG stubs, kept from call to call. */
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/mach_traps.h>
#include <mach/mig.h>

#include "client/mi.h"

/* The reply port is of the present task. */
static bool valid(const struct mi_channel *channel)
{
	return channel && channel->reply_port != MACH_PORT_NULL &&
	       channel->reply_generation == mi_generation();
}

mach_port_t mig_get_reply_port(void)
{
	struct mi_channel *channel = mi_thread_channel();
	mach_port_options_t options = {.flags = MPO_REPLY_PORT};
	mach_port_t port;

	if (valid(channel))
		return channel->reply_port;
	if (mach_port_construct(mach_task_self(), &options, 0, &port) != KERN_SUCCESS)
		port = MACH_PORT_NULL;
	channel = mi_thread_channel();
	if (channel) {
		channel->reply_port = port;
		channel->reply_generation = channel->generation;
	}
	return port;
}

/*
 * What a stub has in its message instead of the thread's port is a right that came back with it,
 * unsent.
 */
static void drop_returned(mach_port_t given, mach_port_t own)
{
	if (given != own)
		mach_port_deallocate(mach_task_self(), given);
}

void mig_dealloc_reply_port(mach_port_t reply_port)
{
	struct mi_channel *channel = mi_thread_channel();
	mach_port_t own;

	if (!valid(channel))
		return;
	own = channel->reply_port;
	channel->reply_port = MACH_PORT_NULL;
	mach_port_mod_refs(mach_task_self(), own, MACH_PORT_RIGHT_RECEIVE, -1);
	drop_returned(reply_port, own);
}

void mig_put_reply_port(mach_port_t reply_port)
{
	(void)reply_port; /* it is still the thread's */
}

mach_port_t thread_get_special_reply_port(void)
{
	struct thread_get_special_reply_port_in in;
	struct thread_get_special_reply_port_out out;

	if (MI_CALL(thread_get_special_reply_port, mach_task_self(), &in, &out) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	mi_thread_channel()->thread_port = true; /* the daemon is told when the thread ends */
	return out.port;
}

kern_return_t thread_destruct_special_reply_port(mach_port_name_t port,
						 thread_destruct_special_reply_port_rights_t rights)
{
	switch (rights) {
	case THREAD_SPECIAL_REPLY_PORT_ALL:
		return mach_port_destruct(mach_task_self(), port, -1, 0);
	case THREAD_SPECIAL_REPLY_PORT_RECEIVE_ONLY:
		return mach_port_destruct(mach_task_self(), port, 0, 0);
	case THREAD_SPECIAL_REPLY_PORT_SEND_ONLY:
		return mach_port_deallocate(mach_task_self(), port);
	}
	return KERN_INVALID_ARGUMENT;
}

static bool special_valid(const struct mi_channel *channel)
{
	return channel && channel->special_port != MACH_PORT_NULL &&
	       channel->special_generation == mi_generation();
}

mach_port_t mig_get_special_reply_port(void)
{
	struct mi_channel *channel = mi_thread_channel();
	mach_port_t port;

	if (special_valid(channel))
		return channel->special_port;
	port = thread_get_special_reply_port();
	channel = mi_thread_channel();
	if (channel) {
		channel->special_port = port;
		channel->special_generation = channel->generation;
	}
	return port;
}

void mig_dealloc_special_reply_port(mach_port_t reply_port)
{
	struct mi_channel *channel = mi_thread_channel();
	mach_port_t own;

	if (!special_valid(channel))
		return;
	own = channel->special_port;
	channel->special_port = MACH_PORT_NULL;
	thread_destruct_special_reply_port(own, THREAD_SPECIAL_REPLY_PORT_ALL);
	drop_returned(reply_port, own);
}

void mi_reply_port_exit(struct mi_channel *channel)
{
	if (valid(channel))
		mig_dealloc_reply_port(channel->reply_port);
	if (special_valid(channel))
		mig_dealloc_special_reply_port(channel->special_port);
}
