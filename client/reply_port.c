/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's reply port for MIG stubs, kept from call to call. */
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
	mach_port_t port;

	if (valid(channel))
		return channel->reply_port;
	port = mach_reply_port();
	channel = mi_thread_channel();
	if (channel) {
		channel->reply_port = port;
		channel->reply_generation = channel->generation;
	}
	return port;
}

void mig_dealloc_reply_port(mach_port_t reply_port)
{
	struct mi_channel *channel = mi_thread_channel();

	if (valid(channel) && channel->reply_port == reply_port)
		channel->reply_port = MACH_PORT_NULL;
	if (MACH_PORT_VALID(reply_port))
		mach_port_mod_refs(mach_task_self(), reply_port, MACH_PORT_RIGHT_RECEIVE, -1);
}

void mig_put_reply_port(mach_port_t reply_port)
{
	(void)reply_port; /* it is still the thread's */
}

void mi_reply_port_exit(struct mi_channel *channel)
{
	if (valid(channel))
		mig_dealloc_reply_port(channel->reply_port);
}
