/* SPDX-License-Identifier: Apache-2.0 */
/* Vouchers from end to end: the library's calls, and messages that carry one between processes. */
#include <bank/bank_types.h>
#include <mach/mach_voucher.h>
#include <mach/mig_errors.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <voucher/ipc_pthread_priority_types.h>

#include "tests/flow/flow.h"
#include "tests/flow/machctl_run.h"

#define SERVICE "org.example.voucher"
#define MOVE	MACH_MSG_TYPE_MOVE_SEND
#define COPY	MACH_MSG_TYPE_COPY_SEND

/* A buffer for one recipe. */
union recipe {
	mach_voucher_attr_recipe_data_t head;
	uint8_t bytes[1024];
};

static uint32_t write_recipe(union recipe *recipe, uint32_t key, uint32_t command,
			     const void *content, uint32_t size)
{
	recipe->head.key = key;
	recipe->head.command = command;
	recipe->head.previous_voucher = MACH_VOUCHER_NULL;
	recipe->head.content_size = size;
	if (size)
		memcpy(recipe->head.content, content, size);
	return (uint32_t)sizeof recipe->head + size;
}

static mach_voucher_t make(uint32_t key, uint32_t command, const void *content, uint32_t size)
{
	mach_voucher_t voucher = MACH_VOUCHER_NULL;
	union recipe recipe;

	size = write_recipe(&recipe, key, command, content, size);
	CHECK_OK(host_create_mach_voucher(mach_host_self(), recipe.bytes, size, &voucher));
	CHECK(voucher != MACH_VOUCHER_NULL);
	return voucher;
}

static mach_voucher_t make_data(const char *text)
{
	return make(MACH_VOUCHER_ATTR_KEY_USER_DATA, MACH_VOUCHER_ATTR_USER_DATA_STORE, text,
		    (uint32_t)strlen(text));
}

/* The voucher says this text, and nothing behind the bytes of it was written. */
static void says(mach_voucher_t voucher, const char *text)
{
	mach_msg_type_number_t size = 60;
	uint8_t bytes[64];

	memset(bytes, 0xee, sizeof bytes);
	CHECK_OK(mach_voucher_extract_attr_content(voucher, MACH_VOUCHER_ATTR_KEY_USER_DATA, bytes,
						   &size));
	CHECK_EQ(size, strlen(text));
	CHECK(memcmp(bytes, text, size) == 0 && bytes[size] == 0xee);
}

/* cases 79, 80, 82, 83 */
START_TEST(recipes_make_vouchers_and_vouchers_recipes)
{
	static uint8_t many[5124];
	mach_voucher_t voucher = make_data("hello"), same;
	mach_msg_type_number_t size;
	union recipe recipe, out;

	CHECK_EQ(make_data("hello"), voucher);
	CHECK_EQ(flow_refs(voucher, MACH_PORT_RIGHT_SEND), 2);
	says(voucher, "hello");
	size = write_recipe(&recipe, MACH_VOUCHER_ATTR_KEY_USER_DATA,
			    MACH_VOUCHER_ATTR_USER_DATA_STORE, "hello", 5);
	CHECK_CODE(mach_voucher_extract_attr_recipe(voucher, MACH_VOUCHER_ATTR_KEY_USER_DATA,
						    out.bytes, &(mach_msg_type_number_t){size - 1}),
		   KERN_NO_SPACE);
	CHECK_OK(mach_voucher_extract_attr_recipe(voucher, MACH_VOUCHER_ATTR_KEY_USER_DATA,
						  out.bytes, &size));
	CHECK(memcmp(out.bytes, recipe.bytes, size) == 0);
	size = sizeof out;
	CHECK_OK(mach_voucher_extract_all_attr_recipes(voucher, out.bytes, &size));
	CHECK_OK(host_create_mach_voucher(mach_host_self(), out.bytes, size, &same));
	CHECK_EQ(same, voucher);
	size = sizeof out;
	CHECK_OK(mach_voucher_debug_info(mach_task_self(), voucher, out.bytes, &size));
	CHECK_EQ(size, 21);
	same = 1;
	CHECK_OK(host_create_mach_voucher(mach_host_self(), NULL, 0, &same));
	CHECK_EQ(same, MACH_VOUCHER_NULL);
	CHECK_CODE(host_create_mach_voucher(mach_host_self(), recipe.bytes, 20, &same),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(host_create_mach_voucher(mach_host_self(), many, 5121, &same),
		   MIG_ARRAY_TOO_LARGE);
	recipe.head.previous_voucher = flow_port();
	CHECK_CODE(host_create_mach_voucher(mach_host_self(), recipe.bytes, 21, &same),
		   KERN_INVALID_CAPABILITY);
	for (unsigned i = 0; i < 3; i++)
		CHECK_OK(mach_voucher_deallocate(voucher));
	CHECK_EQ(flow_type(voucher), 0);
}
END_TEST

START_TEST(what_is_no_host_and_what_is_no_voucher)
{
	mach_port_t port = flow_port();
	mach_msg_type_number_t size = 16;
	mach_voucher_t voucher;
	uint8_t bytes[16];

	CHECK_CODE(host_create_mach_voucher(port, bytes, 0, &voucher), MACH_SEND_INVALID_DEST);
	CHECK_CODE(host_create_mach_voucher(MACH_PORT_NULL, bytes, 0, &voucher),
		   MACH_SEND_INVALID_DEST);
	CHECK_CODE(mach_voucher_extract_attr_content(port, 7, bytes, &size),
		   MACH_SEND_INVALID_DEST);
	CHECK_CODE(mach_voucher_extract_attr_recipe(MACH_VOUCHER_NULL, 7, bytes, &size),
		   MACH_SEND_INVALID_DEST);
	CHECK_CODE(mach_voucher_debug_info(mach_task_self(), port, bytes, &size), KERN_FAILURE);
	CHECK_EQ(size, 16);
}
END_TEST

START_TEST(recipes_that_cannot_be_read)
{
	const size_t page = (size_t)getpagesize();
	uint8_t *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mach_voucher_t voucher;
	mach_msg_type_number_t none = 0;
	uint32_t size;

	CHECK(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
	CHECK_CODE(host_create_mach_voucher(mach_host_self(), pages + page, 16, &voucher),
		   KERN_MEMORY_ERROR);
	/* Bytes up to the very end of what can be read, and not a word more. */
	size = write_recipe((union recipe *)(void *)(pages + page - 17),
			    MACH_VOUCHER_ATTR_KEY_USER_DATA, MACH_VOUCHER_ATTR_USER_DATA_STORE, "x",
			    1);
	CHECK_OK(host_create_mach_voucher(mach_host_self(), pages + page - 17, size, &voucher));
	says(voucher, "x");
	CHECK_CODE(mach_voucher_attr_command(voucher, MACH_VOUCHER_ATTR_KEY_IMPORTANCE, 2,
					     pages + page, 4, NULL, &none),
		   KERN_MEMORY_ERROR);
	munmap(pages, 2 * page);
}
END_TEST

START_TEST(commands_to_attributes)
{
	mach_voucher_t bank =
		make(MACH_VOUCHER_ATTR_KEY_BANK, MACH_VOUCHER_ATTR_BANK_CREATE, NULL, 0);
	mach_msg_type_number_t size = sizeof(int32_t);
	uint32_t refs = 1;
	int32_t pid;

	CHECK_OK(mach_voucher_attr_command(bank, MACH_VOUCHER_ATTR_KEY_BANK, BANK_ORIGINATOR_PID,
					   NULL, 0, (uint8_t *)&pid, &size));
	CHECK_EQ(pid, getpid());
	CHECK_EQ(size, sizeof pid);
	CHECK_CODE(mach_voucher_attr_command(bank, MACH_VOUCHER_ATTR_KEY_BANK, BANK_PERSONA_TOKEN,
					     NULL, 0, (uint8_t *)&pid, &size),
		   KERN_NO_SPACE);
	CHECK_CODE(mach_voucher_attr_command(bank, MACH_VOUCHER_ATTR_KEY_IMPORTANCE,
					     MACH_VOUCHER_IMPORTANCE_ATTR_ADD_EXTERNAL,
					     (uint8_t *)&refs, 4, (uint8_t *)&pid, &size),
		   KERN_NOT_SUPPORTED);
	CHECK_CODE(mach_voucher_attr_command(bank, MACH_VOUCHER_ATTR_KEY_USER_DATA, 1,
					     (uint8_t *)&refs, 4097, (uint8_t *)&pid, &size),
		   MIG_ARRAY_TOO_LARGE);
}
END_TEST

/* --- messages --- */

static void send_with(mach_port_t dest, mach_voucher_t voucher, mach_msg_type_name_t disposition,
		      mach_msg_return_t code)
{
	struct flow_message message;

	flow_header(&message, dest, COPY, MACH_PORT_NULL, 0, 7);
	message.header.msgh_voucher_port = voucher;
	message.header.msgh_bits |= disposition << 16;
	CHECK_CODE(flow_send(&message), code);
}

static mach_msg_header_t receive(mach_port_t port, mach_msg_option_t option)
{
	struct flow_message message;

	CHECK_OK(mach_msg(&message.header, MACH_RCV_MSG | option, 0, sizeof message, port, 0,
			  MACH_PORT_NULL));
	return message.header;
}

/* cases 70, 71 */
START_TEST(a_voucher_that_is_none_is_refused)
{
	mach_port_t port = flow_port();

	send_with(port, MACH_PORT_DEAD, COPY, MACH_SEND_INVALID_VOUCHER);
	send_with(port, port, MOVE, MACH_SEND_INVALID_VOUCHER);
	send_with(port, make_data("hello"), MACH_MSG_TYPE_MAKE_SEND, MACH_SEND_INVALID_VOUCHER);
	send_with(flow_missing_name(), port, COPY, MACH_SEND_INVALID_VOUCHER);
}
END_TEST

/* cases 73, 74 */
START_TEST(who_asks_for_the_voucher_gets_it)
{
	mach_port_t port = flow_port();
	mach_voucher_t voucher = make_data("hello");
	mach_msg_header_t header;

	send_with(port, voucher, COPY, MACH_MSG_SUCCESS);
	header = receive(port, MACH_RCV_VOUCHER);
	CHECK_EQ(header.msgh_voucher_port, voucher);
	CHECK_EQ(MACH_MSGH_BITS_VOUCHER(header.msgh_bits), MOVE);
	CHECK_EQ(flow_refs(voucher, MACH_PORT_RIGHT_SEND), 2);
	mach_msg_destroy(&header);
	CHECK_EQ(flow_refs(voucher, MACH_PORT_RIGHT_SEND), 1);
	send_with(port, voucher, MOVE, MACH_MSG_SUCCESS);
	CHECK_EQ(flow_type(voucher), 0);
	header = receive(port, 0);
	CHECK_EQ(header.msgh_voucher_port, MACH_PORT_NULL);
	CHECK_EQ(MACH_MSGH_BITS_VOUCHER(header.msgh_bits), 0);
}
END_TEST

/* case 137 */
static boolean_t no_reply(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	(void)reply;
	CHECK_EQ(request->msgh_voucher_port, MACH_VOUCHER_NULL);
	return FALSE;
}

/* Nobody would give it up; see tests/flow/test_msg_server_voucher.c for who does. */
START_TEST(a_server_that_adopts_no_vouchers_gets_none)
{
	mach_voucher_t voucher = make_data("served");
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 1);
	message.header.msgh_bits |= MACH_MSG_TYPE_COPY_SEND << 16;
	message.header.msgh_voucher_port = voucher;
	CHECK_OK(flow_send(&message));
	CHECK_OK(mach_msg_server_once(no_reply, sizeof message, port, 0));
	CHECK_EQ(flow_refs(voucher, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

START_TEST(a_voucher_comes_back_with_its_message)
{
	mach_port_t port = flow_port();
	mach_voucher_t voucher = make_data("hello");
	struct flow_message message;

	flow_set_qlimit(port, 0);
	flow_header(&message, port, COPY, MACH_PORT_NULL, 0, 7);
	message.header.msgh_voucher_port = voucher;
	message.header.msgh_bits |= COPY << 16;
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT);
	CHECK_EQ(MACH_MSGH_BITS_VOUCHER(message.header.msgh_bits), COPY);
	CHECK_EQ(message.header.msgh_voucher_port, voucher);
	message.header.msgh_bits ^= (COPY ^ MOVE) << 16;
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT);
	CHECK_EQ(MACH_MSGH_BITS_VOUCHER(message.header.msgh_bits), MOVE);
	says(message.header.msgh_voucher_port, "hello");
	CHECK_EQ(flow_refs(message.header.msgh_voucher_port, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

/* cases 76, 77 */
START_TEST(a_voucher_is_asked_by_message)
{
	mach_voucher_t voucher = make_data("hello");
	mach_port_t reply = flow_receive_right();
	struct flow_message message;

	flow_header(&message, voucher, MOVE, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 4711);
	message.header.msgh_voucher_port = voucher;
	message.header.msgh_bits |= MOVE << 16;
	CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_DEST);
	CHECK_EQ(make_data("hello"), voucher);
	CHECK_OK(flow_send(&message));
	CHECK_EQ(flow_type(voucher), 0);
	CHECK_OK(flow_receive(reply, &message));
	CHECK_EQ(message.header.msgh_id, 4811);
	CHECK_EQ(((mig_reply_error_t *)(void *)&message)->RetCode, MIG_BAD_ID);
}
END_TEST

/* --- between processes --- */

static void client(void *argument)
{
	mach_port_t service;

	(void)argument;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service));
	send_with(service, make_data("from a client"), MOVE, MACH_MSG_SUCCESS);
	send_with(service, make(MACH_VOUCHER_ATTR_KEY_BANK, MACH_VOUCHER_ATTR_BANK_CREATE, NULL, 0),
		  MOVE, MACH_MSG_SUCCESS);
	flow_tell_parent((uint32_t)getpid());
	flow_hear_parent();
}

START_TEST(vouchers_outlive_who_made_them)
{
	struct persona_token token;
	mach_msg_type_number_t size = sizeof token;
	mach_voucher_t voucher;
	struct flow_child child;
	mach_port_t service;
	uint32_t pid;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, client, NULL);
	pid = flow_hear(&child);
	flow_kill(&child);
	says(receive(service, MACH_RCV_VOUCHER).msgh_voucher_port, "from a client");
	voucher = receive(service, MACH_RCV_VOUCHER).msgh_voucher_port;
	CHECK_OK(mach_voucher_attr_command(voucher, MACH_VOUCHER_ATTR_KEY_BANK, BANK_PERSONA_TOKEN,
					   NULL, 0, (uint8_t *)&token, &size));
	CHECK_EQ(token.originator.pid, pid);
	CHECK_EQ(token.originator.uid, geteuid());
}
END_TEST

/* --- strict reply --- */

/* Ask `port`, which is our own, with a voucher and a strict send. */
static mach_msg_header_t ask_strictly(mach_port_t port, mach_port_t reply)
{
	struct flow_message message;

	flow_header(&message, port, COPY, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 7);
	message.header.msgh_voucher_port =
		make(MACH_VOUCHER_ATTR_KEY_BANK, MACH_VOUCHER_ATTR_BANK_CREATE, NULL, 0);
	message.header.msgh_bits |= MOVE << 16;
	CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_STRICT_REPLY,
			  message.header.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
	return receive(port, MACH_RCV_VOUCHER | MACH_RCV_STRICT_REPLY);
}

static mach_msg_return_t answer(const mach_msg_header_t *request, struct flow_message *message)
{
	flow_header(message, request->msgh_remote_port, SEND_ONCE, MACH_PORT_NULL, 0, 107);
	return flow_send(message);
}

START_TEST(a_strict_reply_is_sent_under_the_voucher_of_the_request)
{
	static const struct flow_options options = {.config = "[policy]\nEnforceStrictReply=yes\n",
						    .record = true};
	mach_voucher_t own = 1;
	mach_port_t port, reply, thread;
	struct flow_message message;
	mach_msg_header_t request;

	flow_stop();
	flow_start_with(&options);
	port = flow_port();
	reply = flow_receive_right();
	thread = mach_thread_self();
	request = ask_strictly(port, reply);
	CHECK_CODE(answer(&request, &message), MACH_SEND_INVALID_CONTEXT);
	CHECK_EQ(flow_type(message.header.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(flow_send(&message)); /* it was tied once */
	CHECK_OK(flow_receive(reply, &message));
	request = ask_strictly(port, reply);
	CHECK_OK(thread_set_mach_voucher(thread, request.msgh_voucher_port));
	CHECK_OK(thread_get_mach_voucher(thread, MACH_VOUCHER_SELECTOR_CURRENT, &own));
	CHECK_EQ(own, request.msgh_voucher_port);
	CHECK_OK(answer(&request, &message));
	CHECK_OK(flow_receive(reply, &message));
	CHECK_OK(thread_set_mach_voucher(thread, MACH_VOUCHER_NULL));
	CHECK_OK(thread_get_mach_voucher(thread, MACH_VOUCHER_SELECTOR_CURRENT, &own));
	CHECK_EQ(own, MACH_VOUCHER_NULL);
	CHECK_CODE(thread_set_mach_voucher(mach_task_self(), MACH_VOUCHER_NULL),
		   MACH_SEND_INVALID_DEST);
}
END_TEST

START_TEST(without_the_setting_a_strict_reply_is_any)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;
	mach_msg_header_t request = ask_strictly(port, reply);

	CHECK_OK(answer(&request, &message));
	CHECK_OK(flow_receive(reply, &message));
}
END_TEST

START_TEST(machctl_knows_a_voucher)
{
	mach_voucher_t voucher = make_data("hello");
	mach_vm_address_t address;
	natural_t type;
	struct machctl run;
	char pid[16], *line;

	snprintf(pid, sizeof pid, "%d", getpid());
	CHECK_OK(mach_port_kobject(mach_task_self(), voucher, &type, &address));
	CHECK_EQ(type, 37);
	machctl_run(&run, "ports", pid, "--json", NULL);
	CHECK_EQ(run.status, 0);
	line = machctl_line(run.out, "\"kind\": \"voucher\"");
	CHECK(line);
	free(line);
	machctl_free(&run);
}
END_TEST

/* The daemon's record of all this says the same when it is replayed. */
START_TEST(vouchers_are_recorded_and_replayed)
{
	static const struct flow_options options = {.record = true};
	mach_port_t port;

	flow_stop();
	flow_start_with(&options);
	port = flow_port();
	send_with(port, make_data("one"), MOVE, MACH_MSG_SUCCESS);
	send_with(port, make_data("two"), COPY, MACH_MSG_SUCCESS);
	receive(port, MACH_RCV_VOUCHER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("voucher");
	TCase *tcase = flow_case(suite, "voucher");

	tcase_add_test(tcase, recipes_make_vouchers_and_vouchers_recipes);
	tcase_add_test(tcase, what_is_no_host_and_what_is_no_voucher);
	tcase_add_test(tcase, recipes_that_cannot_be_read);
	tcase_add_test(tcase, commands_to_attributes);
	tcase_add_test(tcase, a_voucher_that_is_none_is_refused);
	tcase_add_test(tcase, who_asks_for_the_voucher_gets_it);
	tcase_add_test(tcase, a_server_that_adopts_no_vouchers_gets_none);
	tcase_add_test(tcase, a_voucher_comes_back_with_its_message);
	tcase_add_test(tcase, a_voucher_is_asked_by_message);
	tcase_add_test(tcase, vouchers_outlive_who_made_them);
	tcase_add_test(tcase, a_strict_reply_is_sent_under_the_voucher_of_the_request);
	tcase_add_test(tcase, without_the_setting_a_strict_reply_is_any);
	tcase_add_test(tcase, machctl_knows_a_voucher);
	tcase_add_test(tcase, vouchers_are_recorded_and_replayed);
	return flow_run(suite);
}
