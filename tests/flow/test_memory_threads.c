/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that several threads send, and write to, at once: whole and in parts, at odd places,
 * before and after writes, each message has the sender's own bytes as they were when it was sent.
 * And what stays true of it all: the daemon maps and reads nothing of it, and what was received is
 * given back page by page as well as in one piece.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/region.h"
#include "tests/flow/flow_letter.h"

#define SELF	mach_task_self()
#define VIRTUAL MACH_MSG_VIRTUAL_COPY
#define MIB	1048576u

enum { WRITERS = 3, ROUNDS = 60 };

#define ZONE MIB /* bytes that belong to one thread */
#define ALL  (WRITERS * ZONE)

/* A thread, which writes to its zone of the memory only. */
struct writer {
	pthread_t thread;
	uint8_t *memory; /* ALL bytes */
	unsigned number;
	uint32_t state;
	uint8_t copy[ZONE]; /* what is in the zone, */
	uint8_t sent[ZONE]; /* and what was at the last send */
};

static uint32_t dice(struct writer *writer, uint32_t sides)
{
	writer->state = writer->state * 1664525u + 1013904223u;
	return (writer->state >> 8) % sides;
}

static void write_some(struct writer *writer)
{
	uint32_t at = dice(writer, ZONE - 9000), size = 1 + dice(writer, 9000);

	memset(writer->memory + writer->number * ZONE + at, (int)writer->state, size);
	memset(writer->copy + at, (int)writer->state, size);
}

/*
 * Send [start, end), write, and receive it: what of it is the thread's own is as it was at the
 * send, whatever the others do.
 */
static void send_part(struct writer *writer, mach_port_t port, size_t start, size_t end)
{
	size_t zone = writer->number * ZONE, size = end - start;
	size_t from = start > zone ? start : zone, to = end < zone + ZONE ? end : zone + ZONE;
	mach_msg_ool_descriptor_t came;

	memcpy(writer->sent, writer->copy, ZONE);
	CHECK_OK(letter_send_memory(port, writer->memory + start, size, false, VIRTUAL));
	write_some(writer);
	came = letter_receive_memory(port);
	CHECK_EQ(came.size, size);
	CHECK(((uintptr_t)came.address & vm_page_mask) == (start & vm_page_mask));
	if (from < to) {
		uint8_t *got = (uint8_t *)came.address + (from - start);

		CHECK(memcmp(got, writer->sent + (from - zone), to - from) == 0);
		memset(got, 0xee, to - from);
		CHECK(memcmp(writer->memory + zone, writer->copy, ZONE) == 0);
	}
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)came.address, size));
}

static void *send_and_write(void *context)
{
	struct writer *writer = context;
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t a = dice(writer, ALL - 40000), size = 40000 + dice(writer, ALL / 2);

		if (dice(writer, 3))
			write_some(writer);
		if (dice(writer, 3) == 0)
			send_part(writer, port, 0, ALL);
		else
			send_part(writer, port, a, a + size < ALL ? a + size : ALL);
	}
	return NULL;
}

START_TEST(threads_that_write_and_send_the_same_memory)
{
	static struct writer writers[WRITERS];
	unsigned fds = letter_open_fds(getpid()), end_fds;
	uint8_t *memory = letter_pages(ALL / vm_page_size);

	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i].memory = memory;
		writers[i].number = i;
		writers[i].state = i + 1;
		CHECK(pthread_create(&writers[i].thread, NULL, send_and_write, &writers[i]) == 0);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		CHECK(pthread_join(writers[i].thread, NULL) == 0);
	for (unsigned i = 0; i < WRITERS; i++)
		CHECK(memcmp(memory + i * ZONE, writers[i].copy, ZONE) == 0);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)memory, ALL));
	end_fds = letter_open_fds(getpid());
	CHECK_EQ(end_fds, fds);
}
END_TEST

/* One thread gives pieces away while others get the same addresses, and write there. */
static void *give_away(void *context)
{
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		size_t size = MI_REGION_MIN + i % 3 * MI_REGION_MIN / 2;
		uint8_t *own = letter_pages(size / vm_page_size);
		mach_msg_ool_descriptor_t came;
		const uint8_t *got;

		memset(own, (int)i, size);
		CHECK_OK(letter_send_memory(port, own, size, true, VIRTUAL));
		came = letter_receive_memory(port);
		got = came.address;
		CHECK(came.size == size && got[0] == (uint8_t)i);
		CHECK(memcmp(got, got + 1, size - 1) == 0);
		CHECK_OK(vm_deallocate(SELF, (vm_address_t)got, size));
	}
	return context;
}

START_TEST(threads_that_give_memory_away)
{
	pthread_t threads[WRITERS];

	for (unsigned i = 0; i < WRITERS; i++)
		CHECK(pthread_create(&threads[i], NULL, give_away, NULL) == 0);
	for (unsigned i = 0; i < WRITERS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}
END_TEST

/* --- the daemon --- */

/* Bytes that the daemon has read with read(), and its mappings of memory that is sent. */
static uint64_t bytes_read(void)
{
	unsigned long long bytes = UINT64_MAX;
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/io", (int)flow_daemon());
	file = fopen(path, "re");
	CHECK(file != NULL && fscanf(file, "rchar: %llu", &bytes) == 1);
	fclose(file);
	return bytes;
}

static unsigned maps_of_daemon(void)
{
	unsigned count = 0;
	char line[512];
	FILE *file;

	snprintf(line, sizeof line, "/proc/%d/maps", (int)flow_daemon());
	file = fopen(line, "re");
	CHECK(file != NULL);
	while (fgets(line, sizeof line, file))
		count += strstr(line, "/memfd:") && !strstr(line, "/memfd:machd-");
	fclose(file);
	return count;
}

/* Regions, copies of other memory, and the ends of large bodies; on their way, and after it. */
START_TEST(the_daemon_looks_at_none_of_it)
{
	enum { COUNT = 8, SIZE = 8 * MIB };
	mach_port_t port = flow_port();
	uint64_t before = bytes_read();
	uint8_t *memory = letter_pages(SIZE / vm_page_size);
	mach_msg_header_t *body = (mach_msg_header_t *)(void *)letter_pages(SIZE / vm_page_size);

	letter_fill(memory, SIZE, 1);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < COUNT / 2; i++)
			CHECK_OK(letter_send_memory(port, memory + i % 2, SIZE - i % 2, false,
						    VIRTUAL));
		*body = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
					    .msgh_remote_port = port};
		CHECK_OK(mach_msg(body, MACH_SEND_MSG, SIZE / 2, 0, 0, 0, 0));
		CHECK(flow_type(port) != 0); /* it is done with all of these */
		CHECK_EQ(maps_of_daemon(), 0);
		memory[round] ^= 0xff; /* the next ones are copied */
		for (unsigned i = 0; i < COUNT / 2; i++) {
			mach_msg_ool_descriptor_t came = letter_receive_memory(port);

			CHECK_OK(vm_deallocate(SELF, (vm_address_t)came.address, came.size));
		}
		CHECK_OK(mach_msg(body, MACH_RCV_MSG, 0, SIZE, port, 0, 0));
		CHECK_EQ(maps_of_daemon(), 0);
	}
	CHECK(bytes_read() - before < MIB);
}
END_TEST

/* --- what was received --- */

/* Free the pages one by one: from the front, from the back, or all over the place. */
static void free_pages(uint8_t *memory, size_t count, unsigned how)
{
	for (size_t n = 0; n < count; n++) {
		size_t page = how == 0 ? n : how == 1 ? count - 1 - n : (n * 7 + 3) % count;
		uint8_t *at = memory + page * vm_page_size;

		CHECK(letter_mapped(at));
		CHECK_OK(vm_deallocate(SELF, (vm_address_t)at, vm_page_size));
		CHECK(!letter_mapped(at));
	}
}

START_TEST(received_memory_is_freed_page_by_page)
{
	static const size_t counts[] = {3, 20, MI_REGION_MIN / 4096 + 3};
	mach_port_t port = flow_port();
	unsigned fds = letter_open_fds(getpid());

	for (unsigned i = 0; i < 9; i++) {
		size_t count = counts[i / 3], size = count * vm_page_size;
		uint8_t *memory = letter_pages(count);
		mach_msg_ool_descriptor_t came;

		letter_fill(memory, size, i);
		CHECK_OK(letter_send_memory(port, memory, size, true, VIRTUAL));
		came = letter_receive_memory(port);
		letter_expect(came.address, size, i);
		free_pages(came.address, count, i % 3);
		CHECK_EQ(letter_open_fds(getpid()), fds);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory threads");
	TCase *tcase = flow_case(suite, "memory threads");

	tcase_add_test(tcase, threads_that_write_and_send_the_same_memory);
	tcase_add_test(tcase, threads_that_give_memory_away);
	tcase_add_test(tcase, the_daemon_looks_at_none_of_it);
	tcase_add_test(tcase, received_memory_is_freed_page_by_page);
	return flow_run(suite);
}
