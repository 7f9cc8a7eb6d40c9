/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is not copied when it is sent: that it is not, and that nobody can tell but by that.
 * Whether two mappings are of one memfd is seen in /proc/self/maps.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/region.h"
#include "tests/flow/flow_letter.h"

#define PHYSICAL MACH_MSG_PHYSICAL_COPY
#define VIRTUAL	 MACH_MSG_VIRTUAL_COPY

#define MIB  1048576u
#define SIZE (4 * MIB)

/* The file that is mapped at an address, as a number that no other has; 0: none. */
static unsigned long file_at(const void *address)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, inode = 0, found = 0;
	char line[512];

	CHECK(maps != NULL);
	while (fgets(line, sizeof line, maps)) {
		CHECK(sscanf(line, "%lx-%lx %*s %*s %*s %lu", &start, &end, &inode) == 3);
		if ((uintptr_t)address >= start && (uintptr_t)address < end)
			found = inode;
	}
	fclose(maps);
	return found;
}

static uint8_t *allocate(size_t size)
{
	vm_address_t address = 0;

	CHECK_OK(vm_allocate(mach_task_self(), &address, size, VM_FLAGS_ANYWHERE));
	return (uint8_t *)address;
}

static void deallocate(const void *memory, size_t size)
{
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)memory, size));
}

/* Send it to ourselves, and receive it. */
static uint8_t *pass(mach_port_t port, const void *memory, size_t size, bool deallocates)
{
	CHECK_OK(letter_send_memory(port, memory, size, deallocates, VIRTUAL));
	return letter_receive_memory(port).address;
}

START_TEST(large_memory_goes_as_it_is)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE), *got;
	unsigned long file;

	letter_fill(memory, SIZE, 1);
	file = file_at(memory);
	CHECK(file != 0);
	/* Moved: */
	CHECK_OK(letter_send_memory(port, memory, SIZE, true, VIRTUAL));
	CHECK(!letter_mapped(memory));
	got = letter_receive_memory(port).address;
	CHECK(file_at(got) == file);
	letter_expect(got, SIZE, 1);
	/* What was received is sent on in the same way, copied: */
	memory = pass(port, got, SIZE, false);
	CHECK(file_at(memory) == file && file_at(got) == file && memory != got);
	letter_expect(memory, SIZE, 1);
	letter_expect(got, SIZE, 1);
	deallocate(memory, SIZE);
	deallocate(got, SIZE);
}
END_TEST

START_TEST(small_memory_has_no_memfd)
{
	uint8_t *memory = allocate(MI_REGION_MIN - vm_page_size);

	CHECK(file_at(memory) == 0);
	deallocate(memory, MI_REGION_MIN - vm_page_size);
	memory = allocate(MI_REGION_MIN);
	CHECK(file_at(memory) != 0);
	deallocate(memory, MI_REGION_MIN);
}
END_TEST

START_TEST(each_side_has_its_own)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE), *got;

	letter_fill(memory, SIZE, 1);
	CHECK_OK(letter_send_memory(port, memory, SIZE, false, VIRTUAL));
	letter_fill(memory, SIZE, 2); /* after the send */
	got = letter_receive_memory(port).address;
	letter_expect(got, SIZE, 1);
	letter_fill(got, SIZE, 3);
	letter_expect(memory, SIZE, 2);
	deallocate(got, SIZE);
	letter_expect(memory, SIZE, 2);
	deallocate(memory, SIZE);
}
END_TEST

START_TEST(the_same_memory_again_and_again)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE), *got[4];
	unsigned long file;

	letter_fill(memory, SIZE, 1);
	file = file_at(memory);
	got[0] = pass(port, memory, SIZE, false);
	got[1] = pass(port, memory, SIZE, false);
	memory[SIZE - 1] ^= 0xff; /* one page differs now: this is a copy */
	got[2] = pass(port, memory, SIZE, false);
	memory[SIZE - 1] ^= 0xff;
	got[3] = pass(port, memory, SIZE, false);
	CHECK(file_at(got[0]) == file && file_at(got[1]) == file);
	CHECK(file_at(got[2]) != file && file_at(got[3]) != file);
	CHECK((got[2][SIZE - 1] ^ memory[SIZE - 1]) == 0xff);
	got[2][SIZE - 1] = memory[SIZE - 1];
	for (unsigned i = 0; i < 4; i++) {
		letter_expect(got[i], SIZE, 1);
		deallocate(got[i], SIZE);
	}
	deallocate(memory, SIZE);
}
END_TEST

/* A receiver must not be given more than was sent, even if it looks behind the library. */
START_TEST(a_part_does_not_take_the_rest_along)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE), *got, *again;
	unsigned long file;

	letter_fill(memory, SIZE, 1);
	file = file_at(memory);
	got = pass(port, memory + MIB + 0x123, MIB, false);
	CHECK(file_at(got) != file && ((uintptr_t)got & 0xfff) == 0x123);
	CHECK(memcmp(got, memory + MIB + 0x123, MIB) == 0);
	deallocate(got, MIB);
	/* With all its pages, whatever the first and last byte, it goes as it is. */
	got = pass(port, memory + 0x123, SIZE - 0x200, false);
	CHECK(file_at(got) == file && ((uintptr_t)got & 0xfff) == 0x123);
	CHECK(memcmp(got, memory + 0x123, SIZE - 0x200) == 0);
	/* And so it is with what was received. */
	again = pass(port, got, MIB, false);
	CHECK(file_at(again) != file && memcmp(again, memory + 0x123, MIB) == 0);
	deallocate(again, MIB);
	deallocate(got, SIZE - 0x200);
	deallocate(memory, SIZE);
}
END_TEST

/* Where the rest is empty there is nothing to be taken along. */
START_TEST(the_only_part_that_was_written_to_goes_as_it_is)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE), *got;
	unsigned long file = file_at(memory);

	letter_fill(memory + MIB, MIB, 1);
	/* Less than all that was written to: */
	got = pass(port, memory + MIB, MIB - vm_page_size, false);
	CHECK(file_at(got) != file);
	deallocate(got, MIB - vm_page_size);
	got = pass(port, memory + MIB + vm_page_size, MIB - vm_page_size, false);
	CHECK(file_at(got) != file);
	deallocate(got, MIB - vm_page_size);
	/* All of it, and more: */
	for (size_t more = 0; more <= vm_page_size; more += vm_page_size) {
		got = pass(port, memory + MIB - more, MIB + more, false);
		CHECK(file_at(got) == file);
		letter_expect(got + more, MIB, 1);
		deallocate(got, MIB + more);
		/* What is written to the rest from now on is not in the memfd. */
		letter_fill(memory + 2 * MIB, MIB, 2);
	}
	CHECK(file_at(memory + 2 * MIB) == file);
	got = pass(port, memory + 2 * MIB, MIB, false);
	CHECK(file_at(got) != file);
	letter_expect(got, MIB, 2);
	deallocate(got, MIB);
	/* Given away; the rest stays. */
	CHECK_OK(letter_send_memory(port, memory + MIB, MIB, true, VIRTUAL));
	CHECK(!letter_mapped(memory + MIB));
	got = letter_receive_memory(port).address;
	CHECK(file_at(got) == file);
	letter_expect(got, MIB, 1);
	letter_expect(memory + 2 * MIB, MIB, 2);
	deallocate(got, MIB);
	deallocate(memory, MIB);
	deallocate(memory + 2 * MIB, 2 * MIB);
}
END_TEST

/* The memfd counts as a whole, so it is not sent for a few of its pages. */
START_TEST(a_small_part_of_empty_memory_is_copied)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(64 * MIB), *got;

	letter_fill(memory, MIB, 1);
	got = pass(port, memory, MIB, false);
	CHECK(file_at(got) != file_at(memory));
	letter_expect(got, MIB, 1);
	deallocate(got, MIB);
	deallocate(memory, 64 * MIB);
}
END_TEST

START_TEST(what_was_freed_is_not_sent)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE), *got;
	unsigned long file;

	letter_fill(memory, SIZE, 1);
	file = file_at(memory);
	/* The end is freed: what is left goes as it is, and the memfd has no more bytes than that.
	 */
	deallocate(memory + 3 * MIB, MIB);
	CHECK(!letter_mapped(memory + 3 * MIB));
	got = pass(port, memory, 3 * MIB, false);
	CHECK(file_at(got) == file);
	letter_expect(got, 3 * MIB, 1);
	deallocate(got, 3 * MIB);
	/* Others have the memfd now, nothing can be taken out: the rest is copied. */
	deallocate(memory, MIB);
	got = pass(port, memory + MIB, 2 * MIB, false);
	CHECK(file_at(got) != file);
	CHECK(memcmp(got, memory + MIB, 2 * MIB) == 0);
	deallocate(got, 2 * MIB);
	deallocate(memory + MIB, 2 * MIB);
	/* A hole in the middle: two parts of one memfd, neither goes without the other. */
	memory = allocate(SIZE);
	letter_fill(memory, SIZE, 2);
	file = file_at(memory);
	deallocate(memory + MIB, MIB);
	got = pass(port, memory + 2 * MIB, 2 * MIB, false);
	CHECK(file_at(got) != file);
	CHECK(memcmp(got, memory + 2 * MIB, 2 * MIB) == 0);
	deallocate(got, 2 * MIB);
	deallocate(memory, MIB);
	got = pass(port, memory + 2 * MIB, 2 * MIB, true);
	CHECK(file_at(got) == file);
	deallocate(got, 2 * MIB);
}
END_TEST

START_TEST(memory_changes_behind_our_back)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE), *got;

	/* Unmapped and mapped again with other content. */
	letter_fill(memory, SIZE, 1);
	CHECK(munmap(memory, SIZE) == 0);
	CHECK(mmap(memory, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0) == memory);
	letter_fill(memory, SIZE, 2);
	got = pass(port, memory, SIZE, false);
	letter_expect(got, SIZE, 2);
	deallocate(got, SIZE);
	deallocate(memory, SIZE);
	/* A hole with something else in it. */
	memory = allocate(SIZE);
	letter_fill(memory, SIZE, 1);
	CHECK(mmap(memory + MIB, MIB, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory + MIB);
	got = pass(port, memory, SIZE, false);
	CHECK(got[MIB] == 0 && memcmp(got, memory, SIZE) == 0);
	deallocate(got, SIZE);
	deallocate(memory, SIZE);
	/* Memory that must not be written stays so when it is sent. */
	memory = allocate(SIZE);
	letter_fill(memory, SIZE, 3);
	CHECK(mprotect(memory, SIZE, PROT_READ) == 0);
	got = pass(port, memory, SIZE, false);
	letter_fill(got, SIZE, 4);
	letter_expect(memory, SIZE, 3);
	CHECK(!mprotect(memory, SIZE, PROT_READ | PROT_WRITE));
	deallocate(got, SIZE);
	deallocate(memory, SIZE);
}
END_TEST

START_TEST(memory_at_a_fixed_place)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE), *got;
	vm_address_t inside = (vm_address_t)memory + MIB;

	letter_fill(memory, SIZE, 1);
	CHECK_CODE(vm_allocate(mach_task_self(), &inside, MIB, VM_FLAGS_FIXED), KERN_NO_SPACE);
	letter_expect(memory, SIZE, 1);
	CHECK_OK(vm_allocate(mach_task_self(), &inside, MIB, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE));
	CHECK(memory[MIB] == 0 && memory[2 * MIB - 1] == 0);
	letter_fill(memory, SIZE, 2);
	got = pass(port, memory + MIB, MIB, false);
	CHECK(memcmp(got, memory + MIB, MIB) == 0);
	deallocate(got, MIB);
	got = pass(port, memory, SIZE, false);
	letter_expect(got, SIZE, 2);
	deallocate(got, SIZE);
	deallocate(memory, SIZE);
}
END_TEST

/* A child of fork() has a copy, of which neither sees what the other writes. */
START_TEST(fork_copies_memory)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE), *sent = allocate(SIZE), *got;
	int status, go[2];
	char byte = 1;
	pid_t pid;

	letter_fill(memory, SIZE, 1);
	letter_fill(sent, SIZE, 2);
	got = pass(port, sent, SIZE, false);
	CHECK(pipe(go) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(read(go[0], &byte, 1) == 1);
		letter_expect(memory, SIZE, 1);
		letter_expect(sent, SIZE, 2);
		letter_expect(got, SIZE, 2);
		letter_fill(memory, SIZE, 8);
		letter_fill(sent, SIZE, 9);
		_exit(0);
	}
	letter_fill(memory, SIZE, 3);
	letter_fill(got, SIZE, 5);
	CHECK(write(go[1], &byte, 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	letter_expect(memory, SIZE, 3);
	letter_expect(sent, SIZE, 2);
	letter_expect(got, SIZE, 5);
	got = pass(port, memory, SIZE, true);
	letter_expect(got, SIZE, 3);
}
END_TEST

/* A region is divided when a part of it is protected, or unmapped behind our back. */
START_TEST(fork_copies_what_was_divided)
{
	uint8_t *memory = allocate(SIZE), *expected = malloc(SIZE);
	int status;
	pid_t pid;

	CHECK(expected != NULL);
	letter_fill(memory, SIZE, 1);
	letter_fill(expected, SIZE, 1);
	CHECK_OK(vm_protect(mach_task_self(), (vm_address_t)memory + MIB, 4096, 0, VM_PROT_READ));
	CHECK(munmap(memory + 2 * MIB, MIB) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(mprotect(memory + MIB, 4096, PROT_READ | PROT_WRITE) == 0);
		memset(memory, 7, 2 * MIB);
		memset(memory + 3 * MIB, 7, MIB);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(memcmp(memory, expected, 2 * MIB) == 0);
	CHECK(memcmp(memory + 3 * MIB, expected + 3 * MIB, MIB) == 0);
	deallocate(memory, SIZE);
	free(expected);
}
END_TEST

/* Two threads send the same memory, and others, and free what they got. */
static void *send_often(void *context)
{
	uint8_t *memory = context;
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < 20; i++) {
		uint8_t *own = allocate(MIB), *got = pass(port, memory, SIZE, false);

		letter_expect(got, SIZE, 1);
		deallocate(got, SIZE);
		letter_fill(own, MIB, i);
		got = pass(port, own, MIB, true);
		letter_expect(got, MIB, i);
		deallocate(got, MIB);
	}
	return NULL;
}

START_TEST(threads_at_once)
{
	uint8_t *memory = allocate(SIZE);
	pthread_t threads[2];

	letter_fill(memory, SIZE, 1);
	for (unsigned i = 0; i < 2; i++)
		CHECK(pthread_create(&threads[i], NULL, send_often, memory) == 0);
	for (unsigned i = 0; i < 2; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	letter_expect(memory, SIZE, 1);
	deallocate(memory, SIZE);
}
END_TEST

START_TEST(descriptors_do_not_run_out)
{
	mach_port_t port = flow_port();
	unsigned before = letter_open_fds(getpid()), most, regions = 0;
	struct rlimit limit = {.rlim_cur = 400, .rlim_max = 400};
	static uint8_t *memory[1024];
	uint8_t *got;

	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);

	for (unsigned i = 0; i < 1024; i++) {
		memory[i] = allocate(MI_REGION_MIN);
		memory[i][0] = (uint8_t)i;
		if (file_at(memory[i]) == 0)
			break; /* they are ordinary memory from here on */
		regions++;
	}
	most = letter_open_fds(getpid());
	CHECK_EQ(regions, 100);
	CHECK_EQ(most, before + 100);
	got = pass(port, memory[regions], MI_REGION_MIN, false);
	CHECK(got[0] == (uint8_t)regions);
	deallocate(got, MI_REGION_MIN);
	for (unsigned i = 0; i < 1024 && memory[i]; i++)
		deallocate(memory[i], MI_REGION_MIN);
	CHECK_EQ(letter_open_fds(getpid()), before);
}
END_TEST

START_TEST(a_message_with_many_regions)
{
	enum { COUNT = 80 };
	mach_port_t port = flow_port();
	unsigned before = letter_open_fds(getpid());
	struct flow_letter letter;
	mach_msg_ool_descriptor_t memory;

	letter_start(&letter, port);
	for (unsigned i = 0; i < COUNT; i++) {
		uint8_t *own = allocate(MI_REGION_MIN);

		letter_fill(own, MI_REGION_MIN, i);
		letter_add_memory(&letter, own, MI_REGION_MIN, true, VIRTUAL);
	}
	CHECK_OK(letter_send(&letter));
	CHECK_EQ(letter_open_fds(getpid()), before);
	CHECK_OK(letter_receive(port, &letter));
	for (unsigned i = 0; i < COUNT; i++) {
		memory = letter_memory(&letter, i);
		letter_expect_memory(&memory, MI_REGION_MIN, i);
	}
	CHECK_EQ(letter_open_fds(getpid()), before);
}
END_TEST

START_TEST(what_comes_back_can_be_sent_again)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE);
	struct flow_letter letter;
	mach_msg_ool_descriptor_t back;
	unsigned long file = file_at(memory);

	flow_set_qlimit(port, 0);
	letter_fill(memory, SIZE, 1);
	letter_start(&letter, port);
	letter_add_memory(&letter, memory, SIZE, true, VIRTUAL);
	CHECK_CODE(letter_send(&letter), MACH_SEND_TIMED_OUT);
	CHECK(!letter_mapped(memory));
	back = letter_memory(&letter, 0);
	CHECK(file_at(back.address) == file);
	flow_set_qlimit(port, 1);
	CHECK_OK(letter_send(&letter));
	CHECK(!letter_mapped(back.address));
	back = letter_receive_memory(port);
	CHECK(file_at(back.address) == file);
	letter_expect_memory(&back, SIZE, 1);
}
END_TEST

/* A call that sends memory away and then waits for an answer. */
struct waiting {
	mach_port_t port, reply;
	uint8_t *memory;
	size_t size;
};

static void *send_and_wait(void *context)
{
	const struct waiting *waiting = context;
	struct flow_letter letter;

	letter_start(&letter, waiting->port);
	letter_add_memory(&letter, waiting->memory, waiting->size, true, VIRTUAL);
	CHECK_OK(mach_msg(&letter.header, MACH_SEND_MSG | MACH_RCV_MSG, letter.header.msgh_size,
			  sizeof letter, waiting->reply, 0, 0));
	CHECK_EQ(letter.header.msgh_id, 4711);
	return NULL;
}

/* Can the page be read? The kernel says so without a fault. */
static bool readable(const void *page)
{
	int ends[2];
	bool good;

	CHECK(pipe(ends) == 0);
	good = write(ends[1], page, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return good;
}

/* Small, a region, and so large that it has an answer of its own. */
START_TEST(what_is_given_away_is_gone_before_the_answer)
{
	static const size_t sizes[] = {100, SIZE, 20 * MIB};
	struct waiting waiting = {.port = flow_port(), .reply = flow_port(), .size = sizes[_i]};
	mach_msg_ool_descriptor_t memory;
	pthread_t thread;

	waiting.memory = allocate(waiting.size);
	letter_fill(waiting.memory, waiting.size, 1);
	CHECK(pthread_create(&thread, NULL, send_and_wait, &waiting) == 0);
	flow_await_waiting(getpid(), 1);
	while (readable(waiting.memory))
		sched_yield(); /* the thread may still be on its way there */
	memory = letter_receive_memory(waiting.port);
	letter_expect_memory(&memory, waiting.size, 1);
	CHECK_OK(flow_send_to(waiting.reply, MACH_MSG_TYPE_COPY_SEND, 0, 0, 4711));
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(!letter_mapped(waiting.memory));
}
END_TEST

/* Memory of a message that is refused is as it was. */
START_TEST(what_is_not_taken_can_be_used_again)
{
	mach_port_t port = flow_port();
	struct flow_letter letter;
	uint8_t *first = allocate(100), *second = allocate(SIZE);

	letter_fill(first, 100, 1);
	letter_fill(second, SIZE, 2);
	for (unsigned i = 0; i < 2; i++) {
		letter_start(&letter, i == 0 ? flow_missing_name() : port);
		if (i == 1)
			letter_add_port(&letter, flow_missing_name(), MACH_MSG_TYPE_COPY_SEND);
		letter_add_memory(&letter, first, 100, true, VIRTUAL);
		letter_add_memory(&letter, second, SIZE, true, VIRTUAL);
		CHECK_CODE(mach_msg(&letter.header, MACH_SEND_MSG | MACH_RCV_MSG,
				    letter.header.msgh_size, sizeof letter, port, 0, 0),
			   i == 0 ? MACH_SEND_INVALID_DEST : MACH_SEND_INVALID_RIGHT);
		letter_expect(first, 100, 1);
		letter_expect(second, SIZE, 2);
		letter_fill(first, 100, 1);
		letter_fill(second, SIZE, 2);
	}
	deallocate(first, 100);
	deallocate(second, SIZE);
}
END_TEST

/* Its bytes are sent with the rest, and what it is answered has no place any more. */
START_TEST(a_message_in_the_memory_it_gives_away)
{
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < 3; i++) {
		uint8_t *memory = allocate(SIZE),
			*place = memory + SIZE - 2 * sizeof(struct flow_letter) + i;
		struct flow_letter letter;
		mach_msg_ool_descriptor_t got;

		letter_start(&letter, port);
		letter.header.msgh_id = 300 + (int)i;
		letter_add_memory(&letter, memory, SIZE, true, VIRTUAL);
		memcpy(place, &letter, sizeof letter);
		if (i == 2) {
			CHECK_CODE(mach_msg((mach_msg_header_t *)place,
					    MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT,
					    letter.header.msgh_size, sizeof letter, port, 0, 0),
				   MACH_RCV_INVALID_DATA);
			CHECK_EQ(flow_status(port).mps_msgcount, 0);
		} else {
			CHECK_OK(mach_msg((mach_msg_header_t *)place, MACH_SEND_MSG,
					  letter.header.msgh_size, 0, MACH_PORT_NULL, 0, 0));
			got = letter_receive_memory(port);
			CHECK(memcmp((uint8_t *)got.address + (place - memory), letter.bytes,
				     sizeof letter) == 0);
			deallocate(got.address, got.size);
		}
		CHECK(!letter_mapped(memory));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("regions");
	TCase *tcase = flow_case(suite, "regions");

	tcase_add_test(tcase, large_memory_goes_as_it_is);
	tcase_add_test(tcase, small_memory_has_no_memfd);
	tcase_add_test(tcase, each_side_has_its_own);
	tcase_add_test(tcase, the_same_memory_again_and_again);
	tcase_add_test(tcase, a_part_does_not_take_the_rest_along);
	tcase_add_test(tcase, the_only_part_that_was_written_to_goes_as_it_is);
	tcase_add_test(tcase, a_small_part_of_empty_memory_is_copied);
	tcase_add_test(tcase, what_was_freed_is_not_sent);
	tcase_add_test(tcase, memory_changes_behind_our_back);
	tcase_add_test(tcase, memory_at_a_fixed_place);
	tcase_add_test(tcase, fork_copies_memory);
	tcase_add_test(tcase, fork_copies_what_was_divided);
	tcase_add_test(tcase, threads_at_once);
	tcase_add_test(tcase, descriptors_do_not_run_out);
	tcase_add_test(tcase, a_message_with_many_regions);
	tcase_add_test(tcase, what_comes_back_can_be_sent_again);
	tcase_add_loop_test(tcase, what_is_given_away_is_gone_before_the_answer, 0, 3);
	tcase_add_test(tcase, what_is_not_taken_can_be_used_again);
	tcase_add_test(tcase, a_message_in_the_memory_it_gives_away);
	return flow_run(suite);
}
