/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What memory on its way costs is counted against its sender's user, and who is at a limit is told
 * so: others send as before. Needs root, to be two users.
 */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/flow/flow_letter.h"

#define NOBODY 65534
#define PIECE  400000u /* too large for a frame */
#define FIT    4       /* so many are allowed at once */

static const struct flow_options limited[] = {
	{.config = "[limits]\nTaskShare=100\nUserShare=100\nMemfdsPerUser=4\n"},
	{.config = "[limits]\nTaskShare=100\nUserShare=100\nMemoryPerUser=2000000\n"},
};

static uint8_t piece[PIECE];

/* Send memory to ourselves until there is no room for more; how many went. */
static unsigned send_all(mach_port_t port)
{
	mach_msg_return_t code;
	unsigned count = 0;

	while ((code = letter_send_memory(port, piece, PIECE, false, MACH_MSG_VIRTUAL_COPY)) ==
	       MACH_MSG_SUCCESS)
		count++;
	CHECK_CODE(code, MACH_SEND_NO_BUFFER);
	return count;
}

static void take_one(mach_port_t port)
{
	mach_msg_ool_descriptor_t memory = letter_receive_memory(port);

	CHECK_EQ(memory.size, PIECE);
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)memory.address, PIECE));
}

static void use_up(void *argument)
{
	mach_port_t port;

	(void)argument;
	CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
	port = flow_port();
	flow_set_qlimit(port, 100);
	CHECK_EQ(send_all(port), FIT);
	flow_tell_parent(1);
	CHECK_EQ(flow_hear_parent(), 2);
	/* Messages without memory pass; and with it, when there is room again. */
	CHECK_OK(flow_send_to(port, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	for (unsigned i = 0; i < FIT; i++)
		take_one(port);
	CHECK_EQ(send_all(port), FIT);
}

START_TEST(one_user_at_the_limit)
{
	struct flow_child child;
	mach_port_t port;
	char path[108];

	if (getuid() != 0)
		return;
	flow_stop();
	flow_start_with(&limited[_i]);
	strcpy(path, flow_socket());
	CHECK(chmod(path, 0777) == 0 && chmod(dirname(path), 0755) == 0);
	flow_fork(&child, use_up, NULL);
	CHECK_EQ(flow_hear(&child), 1);
	port = flow_port();
	flow_set_qlimit(port, 100);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_OK(letter_send_memory(port, piece, PIECE, false, MACH_MSG_VIRTUAL_COPY));
		take_one(port);
	}
	CHECK_EQ(send_all(port), FIT);
	take_one(port);
	flow_tell(&child, 2);
	flow_join(&child);
	CHECK_OK(letter_send_memory(port, piece, PIECE, false, MACH_MSG_VIRTUAL_COPY));
}
END_TEST

/* What a dead task had on its way is nobody's. */
static void fill_and_die(void *argument)
{
	mach_port_t port = flow_port();

	(void)argument;
	flow_set_qlimit(port, 100);
	CHECK_EQ(send_all(port), FIT);
}

START_TEST(the_limit_is_free_again)
{
	struct flow_child child;

	flow_stop();
	flow_start_with(&limited[_i]);
	for (unsigned i = 0; i < 3; i++) {
		flow_fork(&child, fill_and_die, NULL);
		flow_join(&child);
		flow_await_gone(child.pid);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory limits");
	TCase *tcase = flow_case(suite, "memory limits");

	tcase_add_loop_test(tcase, one_user_at_the_limit, 0, 2);
	tcase_add_loop_test(tcase, the_limit_is_free_again, 0, 2);
	return flow_run(suite);
}
