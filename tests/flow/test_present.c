/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers wherever a program may have them, and buffers that are gone: a message is sent from what
 * is there and received into it, and what is not there gives a code.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY MACH_MSG_TYPE_COPY_SEND
#define SIZE 4096

struct letter {
	mach_msg_header_t header;
	char text[64];
	mach_msg_max_trailer_t trailer;
};

static struct letter variable;

/* To itself and back, in that memory. */
static void use(struct letter *letter, mach_port_t port)
{
	*letter = (struct letter){.header.msgh_bits = MACH_MSGH_BITS(COPY, 0),
				  .header.msgh_remote_port = port,
				  .text = "there"};
	CHECK_OK(mach_msg(&letter->header, MACH_SEND_MSG, offsetof(struct letter, trailer), 0, 0, 0,
			  0));
	memset(letter->text, 0, sizeof letter->text);
	CHECK_OK(mach_msg(&letter->header, MACH_RCV_MSG, 0, sizeof *letter, port, 0, 0));
	CHECK(strcmp(letter->text, "there") == 0);
}

static void find_missing(void *memory, mach_port_t port)
{
	struct letter letter = {.header.msgh_bits = MACH_MSGH_BITS(COPY, 0),
				.header.msgh_remote_port = port};

	CHECK_CODE(mach_msg(memory, MACH_SEND_MSG, offsetof(struct letter, trailer), 0, 0, 0, 0),
		   MACH_SEND_INVALID_DATA);
	CHECK_OK(mach_msg(&letter.header, MACH_SEND_MSG, offsetof(struct letter, trailer), 0, 0, 0,
			  0));
	CHECK_CODE(mach_msg(memory, MACH_RCV_MSG, 0, sizeof letter, port, 0, 0),
		   MACH_RCV_INVALID_DATA);
}

START_TEST(buffers_are_anywhere)
{
	struct letter local, *allocated = malloc(sizeof *allocated);
	struct letter *mapped =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mach_port_t port = flow_port();

	CHECK(allocated && mapped != MAP_FAILED);
	for (unsigned i = 0; i < 40; i++) { /* with and without a ring, a board and a window */
		use(&local, port);
		use(&variable, port);
		use(allocated, port);
		use(mapped, port);
	}
	free(allocated);
	munmap(mapped, SIZE);
}
END_TEST

START_TEST(memory_that_was_unmapped_is_missed)
{
	struct letter *mapped =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mach_port_t port = flow_port();

	CHECK(mapped != MAP_FAILED);
	for (unsigned i = 0; i < 40; i++)
		use(mapped, port);
	CHECK(munmap(mapped, SIZE) == 0);
	find_missing(mapped, port);
}
END_TEST

static atomic_bool done;

/* Take a page away and give it back, all the time. */
static void *take_away(void *page)
{
	while (!atomic_load(&done)) {
		CHECK(mprotect(page, SIZE, PROT_NONE) == 0);
		CHECK(mprotect(page, SIZE, PROT_READ | PROT_WRITE) == 0);
	}
	return NULL;
}

/* Memory that comes and goes while it is copied: the code says whether it was there. */
START_TEST(memory_that_another_thread_takes_away)
{
	enum { ENOUGH = 5000, ANSWERED = MACH_SEND_TIMEOUT };
	struct letter *mapped =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned sent = 0, unsent = 0, received = 0, lost = 0;
	mach_port_t port = flow_port();
	mach_msg_return_t code;
	pthread_t thread;

	CHECK(mapped != MAP_FAILED);
	mapped->header.msgh_bits = MACH_MSGH_BITS(COPY, 0);
	mapped->header.msgh_remote_port = port;
	CHECK(pthread_create(&thread, NULL, take_away, mapped) == 0);
	for (unsigned i = 0; sent < ENOUGH || unsent < ENOUGH || lost < 2 || received < 2; i++) {
		code = mach_msg(&mapped->header, MACH_SEND_MSG | (i % 2 ? ANSWERED : 0),
				offsetof(struct letter, trailer), 0, 0, 0, 0);
		if (code == MACH_SEND_INVALID_DATA) {
			unsent++;
			continue;
		}
		CHECK_OK(code);
		sent++;
		code = mach_msg((mach_msg_header_t *)((char *)mapped + SIZE / 2), MACH_RCV_MSG, 0,
				sizeof *mapped, port, 0, 0);
		if (code != MACH_RCV_INVALID_DATA)
			CHECK_OK(code);
		received += code == MACH_MSG_SUCCESS;
		lost += code != MACH_MSG_SUCCESS;
	}
	atomic_store(&done, true);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_EQ(flow_status(port).mps_msgcount, 0);
	munmap(mapped, SIZE);
}
END_TEST

START_TEST(a_heap_that_has_shrunk_is_missed)
{
	mach_port_t port = flow_port();
	char *memory = sbrk(4 * SIZE);

	CHECK(memory != (char *)-1);
	for (unsigned i = 0; i < 40; i++)
		use((struct letter *)(memory + 2 * SIZE), port);
	CHECK(sbrk(-4 * SIZE) != (char *)-1);
	find_missing(memory + 2 * SIZE, port);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("present");
	TCase *tests = flow_case(suite, "buffers");

	tcase_add_test(tests, buffers_are_anywhere);
	tcase_add_test(tests, memory_that_was_unmapped_is_missed);
	tcase_add_test(tests, memory_that_another_thread_takes_away);
	tcase_add_test(tests, a_heap_that_has_shrunk_is_missed);
	return flow_run(suite);
}
