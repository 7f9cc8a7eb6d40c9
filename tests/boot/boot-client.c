/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that lives through what happens to its daemon. It does one command for each line that it
 * reads, and answers with one line: the code of the call in hex, and for `fill` how many ports
 * there was room for.
 *
 *   port         make a port
 *   fill         make ports until that is refused
 *   keep NAME    check in a name, and remember its port
 *   find NAME    look up a name, and remember the right
 *   say          send a message to what was found
 *   hear         take one from what is kept, or wait for it
 *   serve        let what is kept make this process important
 *   donate       from now on, what is sent makes others important
 *   nice         its nice value, as it is now that the daemon has done all of the last call
 */
#include <libproc_internal.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

struct message {
	mach_msg_header_t header;
	mach_msg_max_trailer_t trailer;
};

static mach_port_t kept, found;

static kern_return_t make_port(void)
{
	mach_port_t port;

	return mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
}

static kern_return_t fill(void)
{
	unsigned count = 0;
	kern_return_t kr;

	while ((kr = make_port()) == KERN_SUCCESS)
		count++;
	printf("%u ", count);
	return kr;
}

static kern_return_t say(void)
{
	struct message message = {.header = {
					  .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
					  .msgh_size = sizeof message.header,
					  .msgh_remote_port = found,
				  }};

	return mach_msg(&message.header, MACH_SEND_MSG, sizeof message.header, 0, MACH_PORT_NULL,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

static kern_return_t hear(void)
{
	struct message message;

	return mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof message, kept,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

static kern_return_t serve(void)
{
	return mach_port_set_attributes(mach_task_self(), kept, MACH_PORT_IMPORTANCE_RECEIVER, NULL,
					0);
}

static kern_return_t nice_now(void)
{
	kern_return_t kr = make_port();

	printf("%d ", getpriority(PRIO_PROCESS, 0));
	return kr;
}

static kern_return_t act(const char *verb, const char *name)
{
	if (strcmp(verb, "port") == 0)
		return make_port();
	if (strcmp(verb, "fill") == 0)
		return fill();
	if (strcmp(verb, "keep") == 0)
		return bootstrap_check_in(bootstrap_port, name, &kept);
	if (strcmp(verb, "find") == 0)
		return bootstrap_look_up(bootstrap_port, name, &found);
	if (strcmp(verb, "say") == 0)
		return say();
	if (strcmp(verb, "hear") == 0)
		return hear();
	if (strcmp(verb, "serve") == 0)
		return serve();
	if (strcmp(verb, "donate") == 0)
		return proc_donate_importance_boost();
	if (strcmp(verb, "nice") == 0)
		return nice_now();
	return -1;
}

int main(void)
{
	char line[256], verb[16], name[128];

	while (fgets(line, sizeof line, stdin)) {
		verb[0] = name[0] = '\0';
		sscanf(line, "%15s %127s", verb, name);
		printf("%x\n", (unsigned)act(verb, name));
		fflush(stdout);
	}
	return 0;
}
