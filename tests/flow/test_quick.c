/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that neither wait nor ask: sends into a window, receives of what was lent. Nobody can tell
 * them from others by what they do to errno and to cancellation, by where the buffer is, or by what
 * happens when there is none.
 */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/flow/flow.h"

enum { MANY = 200, STRANGE_ERRNO = 4711 };

struct letter {
	mach_msg_header_t header;
	uint8_t text[100];
	mach_msg_max_trailer_t trailer;
};

static void send_from(struct letter *letter, mach_port_t port, mach_msg_id_t id)
{
	const mach_msg_size_t size = offsetof(struct letter, trailer);

	letter->header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		.msgh_size = size,
		.msgh_remote_port = port,
		.msgh_id = id,
	};
	memset(letter->text, id & 0xff, sizeof letter->text);
	CHECK_OK(mach_msg(&letter->header, MACH_SEND_MSG, size, 0, MACH_PORT_NULL,
			  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
}

static void receive_into(struct letter *letter, mach_port_t port, mach_msg_id_t id)
{
	CHECK_OK(mach_msg(&letter->header, MACH_RCV_MSG, 0, sizeof *letter, port,
			  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
	CHECK_EQ(letter->header.msgh_id, id);
	CHECK_EQ(letter->header.msgh_size, offsetof(struct letter, trailer));
	for (unsigned i = 0; i < sizeof letter->text; i++)
		CHECK_EQ(letter->text[i], id & 0xff);
}

/* Windows open and messages are lent as this goes on. */
static void pass_many(struct letter *memory)
{
	mach_port_t port = flow_port();

	flow_set_qlimit(port, MANY);
	for (unsigned round = 0; round < 3; round++) {
		for (mach_msg_id_t id = 0; id < MANY; id++)
			send_from(memory, port, id);
		for (mach_msg_id_t id = 0; id < MANY; id++)
			receive_into(memory, port, id);
	}
}

static struct letter variable;

START_TEST(wherever_the_buffer_is)
{
	struct letter automatic, *heap = malloc(sizeof *heap), *mapped;

	mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(heap && mapped != MAP_FAILED);
	pass_many(heap);
	pass_many(mapped);
	pass_many(&variable);
	pass_many(&automatic);
	CHECK(munmap(mapped, 4096) == 0);
	free(heap);
}
END_TEST

START_TEST(errno_is_left_alone)
{
	mach_port_t port = flow_port();
	struct letter memory;

	flow_set_qlimit(port, MANY);
	for (mach_msg_id_t id = 0; id < MANY; id++) {
		errno = STRANGE_ERRNO + id;
		send_from(&memory, port, id);
		CHECK_EQ(errno, STRANGE_ERRNO + id);
	}
	for (mach_msg_id_t id = 0; id < MANY; id++) {
		errno = STRANGE_ERRNO - id;
		receive_into(&memory, port, id);
		CHECK_EQ(errno, STRANGE_ERRNO - id);
	}
}
END_TEST

static void *pass_and_end(void *argument)
{
	CHECK(pthread_cancel(pthread_self()) == 0);
	pass_many(&variable);
	*(bool *)argument = true;
	pthread_testcancel();
	return argument;
}

START_TEST(they_are_no_cancellation_points)
{
	pthread_t thread;
	bool passed = false;
	void *result = NULL;

	CHECK(pthread_create(&thread, NULL, pass_and_end, &passed) == 0);
	CHECK(pthread_join(thread, &result) == 0);
	CHECK(passed);
	CHECK(result == PTHREAD_CANCELED);
}
END_TEST

/* The page behind it is not there: what ends before it can be sent, whatever was sent before. */
START_TEST(a_buffer_that_ends_too_early_is_noticed)
{
	mach_port_t port = flow_port();
	uint8_t *pages =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mach_msg_header_t *last = (void *)(pages + 4096 - sizeof *last);
	struct flow_message message;

	CHECK(pages != MAP_FAILED);
	CHECK(mprotect(pages + 4096, 4096, PROT_NONE) == 0);
	flow_set_qlimit(port, MANY);
	for (mach_msg_id_t id = 0; id < MANY; id++) {
		flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, id);
		*last = message.header;
		CHECK_CODE(mach_msg(last, MACH_SEND_MSG, sizeof *last + 4, 0, MACH_PORT_NULL,
				    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
			   MACH_SEND_INVALID_DATA);
		CHECK_OK(mach_msg(last, MACH_SEND_MSG, sizeof *last, 0, MACH_PORT_NULL,
				  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
	}
	for (mach_msg_id_t id = 0; id < MANY; id++) {
		flow_await(port, &message);
		CHECK_EQ(message.header.msgh_id, id);
	}
	CHECK(munmap(pages, 8192) == 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quick");
	TCase *tests = flow_case(suite, "with boards from the start");

	tcase_add_test(tests, wherever_the_buffer_is);
	tcase_add_test(tests, errno_is_left_alone);
	tcase_add_test(tests, they_are_no_cancellation_points);
	tcase_add_test(tests, a_buffer_that_ends_too_early_is_noticed);
	return flow_run(suite);
}
