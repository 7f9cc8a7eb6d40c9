/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is given away in a message that is not sent: it is where it was, with what it held,
 * but for what was taken before the message was refused [11].
 */
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow_letter.h"

#define MIB    1048576u
#define SIZE   (2 * MIB)
#define PIECES 4

/* Memory of every kind: a region, one that was received, a part of one, and small memory. */
struct memory {
	uint8_t *at[PIECES];
	size_t size[PIECES];
};

static uint8_t *allocate(size_t size)
{
	vm_address_t address = 0;

	CHECK_OK(vm_allocate(mach_task_self(), &address, size, VM_FLAGS_ANYWHERE));
	return (uint8_t *)address;
}

static struct memory make_memory(mach_port_t port)
{
	struct memory memory = {{allocate(SIZE), allocate(SIZE), allocate(SIZE), allocate(5000)},
				{SIZE, SIZE, MIB, 5000}};

	for (unsigned i = 0; i < PIECES; i++)
		letter_fill(memory.at[i], memory.size[i], i);
	CHECK_OK(letter_send_memory(port, memory.at[1], SIZE, true, MACH_MSG_VIRTUAL_COPY));
	memory.at[1] = letter_receive_memory(port).address;
	return memory;
}

static void give(struct flow_letter *letter, mach_port_t dest, const struct memory *memory,
		 mach_port_t right)
{
	letter_start(letter, dest);
	for (unsigned i = 0; i < PIECES; i++) {
		letter_add_memory(letter, memory->at[i], memory->size[i], true,
				  MACH_MSG_VIRTUAL_COPY);
		if (i == 1)
			letter_add_port(letter, right, MACH_MSG_TYPE_COPY_SEND);
	}
}

/* From the piece `first` on all can be read and written, and sent. */
static void all_there(const struct memory *memory, unsigned first, mach_port_t port)
{
	mach_msg_ool_descriptor_t got;

	for (unsigned i = 0; i < PIECES; i++) {
		if (i < first) {
			CHECK(!letter_mapped(memory->at[i]));
			continue;
		}
		letter_expect(memory->at[i], memory->size[i], i);
		letter_fill(memory->at[i], memory->size[i], i + 10);
		letter_expect(memory->at[i], memory->size[i], i + 10);
		if (port == MACH_PORT_NULL)
			continue;
		CHECK_OK(letter_send_memory(port, memory->at[i], memory->size[i], true,
					    MACH_MSG_VIRTUAL_COPY));
		got = letter_receive_memory(port);
		letter_expect_memory(&got, memory->size[i], i + 10);
	}
}

/* The call sends alone, or waits for an answer, too. */
static mach_msg_return_t call(struct flow_letter *letter, mach_port_t reply)
{
	return mach_msg(&letter->header, MACH_SEND_MSG | (reply ? MACH_RCV_MSG : 0),
			letter->header.msgh_size, reply ? sizeof *letter : 0, reply, 0, 0);
}

START_TEST(nobody_is_there)
{
	mach_port_t port = flow_port(), reply = _i ? flow_receive_right() : MACH_PORT_NULL;
	unsigned daemon = letter_daemon_fds();
	struct memory memory = make_memory(port);
	struct flow_letter letter;

	give(&letter, flow_missing_name(), &memory, MACH_PORT_NULL);
	CHECK_CODE(call(&letter, reply), MACH_SEND_INVALID_DEST);
	CHECK_EQ(letter_daemon_fds(), daemon);
	all_there(&memory, 0, port);
	CHECK_EQ(letter_daemon_fds(), daemon);
}
END_TEST

START_TEST(a_right_in_the_middle_is_wrong)
{
	mach_port_t port = flow_port(), reply = _i ? flow_receive_right() : MACH_PORT_NULL;
	struct memory memory = make_memory(port);
	struct flow_letter letter;

	give(&letter, port, &memory, flow_missing_name());
	CHECK_CODE(call(&letter, reply), MACH_SEND_INVALID_RIGHT);
	all_there(&memory, 2, port);
}
END_TEST

START_TEST(there_is_no_room)
{
	static const struct flow_options options = {.config = "[limits]\nMemfdsPerUser=2\n"};
	struct flow_letter letter;
	struct memory memory;
	mach_port_t port;
	unsigned before;

	flow_stop();
	flow_start_with(&options);
	port = flow_port();
	memory = make_memory(port);
	before = letter_open_fds(getpid());
	give(&letter, port, &memory, MACH_PORT_NULL);
	CHECK_CODE(letter_send(&letter), MACH_SEND_NO_BUFFER);
	CHECK_EQ(letter_open_fds(getpid()), before);
	all_there(&memory, 0, port);
}
END_TEST

START_TEST(the_daemon_is_gone)
{
	struct memory memory = make_memory(flow_port());
	unsigned before = letter_open_fds(getpid());
	struct flow_letter letter;

	give(&letter, flow_port(), &memory, MACH_PORT_NULL);
	/* Its connection knows that there is memory to look for, and then that there is nobody. */
	CHECK_OK(letter_send_memory(flow_port(), memory.at[3], 1, false, MACH_MSG_PHYSICAL_COPY));
	flow_crash();
	CHECK(letter_send(&letter) != MACH_MSG_SUCCESS);
	CHECK(letter_open_fds(getpid()) <= before);
	all_there(&memory, 0, MACH_PORT_NULL);
}
END_TEST

/* The second time it is not there any more. */
START_TEST(twice_in_one_message)
{
	mach_port_t port = flow_port();
	uint8_t *memory = allocate(SIZE), *other = allocate(SIZE);
	struct flow_letter letter;

	letter_fill(other, SIZE, 1);
	letter_start(&letter, port);
	for (unsigned i = 0; i < 2; i++)
		letter_add_memory(&letter, memory, SIZE, true, MACH_MSG_VIRTUAL_COPY);
	letter_add_memory(&letter, other, SIZE, true, MACH_MSG_VIRTUAL_COPY);
	CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_MEMORY);
	CHECK(!letter_mapped(memory));
	letter_expect(other, SIZE, 1);
}
END_TEST

/*
 * Of a page that is given away, no byte is there for a later descriptor, memory or names: neither
 * what was given nor what is beside it.
 */
static void after_a_page_that_went(uint8_t *page, bool first_names, bool then_names, size_t offset)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	bool there = offset >= vm_page_size;
	struct flow_letter letter;

	letter_start_as(&letter, port, MACH_MSG_TYPE_COPY_SEND, reply,
			MACH_MSG_TYPE_MAKE_SEND_ONCE);
	if (first_names)
		letter_add_ports(&letter, (mach_port_t *)(page + 100), 3, MACH_MSG_TYPE_COPY_SEND,
				 true);
	else
		letter_add_memory(&letter, page + 100, 12, true, MACH_MSG_PHYSICAL_COPY);
	letter_add_memory(&letter, page, 0, true, MACH_MSG_VIRTUAL_COPY);
	if (then_names)
		letter_add_ports(&letter, (mach_port_t *)(page + offset), 1,
				 MACH_MSG_TYPE_COPY_SEND, false);
	else
		letter_add_memory(&letter, page + offset, 1, false, MACH_MSG_VIRTUAL_COPY);
	CHECK_CODE(letter_send(&letter), there ? MACH_MSG_SUCCESS : MACH_SEND_INVALID_MEMORY);
	CHECK(!letter_mapped(page));
	CHECK(letter_mapped(page + vm_page_size));
	flow_notified(reply, there ? -1 : MACH_NOTIFY_SEND_ONCE);
}

START_TEST(on_a_page_that_was_given_away)
{
	size_t offsets[] = {0, 100, 112, vm_page_size - 4, vm_page_size};

	/* What the library maps itself it has by now: none of it gets a place that becomes free. */
	CHECK_OK(letter_send_memory(flow_port(), offsets, 1, false, MACH_MSG_PHYSICAL_COPY));
	for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++)
		after_a_page_that_went(allocate(2 * vm_page_size), _i & 1, _i & 2, offsets[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refused memory");
	TCase *tcase = flow_case(suite, "refused memory");

	tcase_add_loop_test(tcase, nobody_is_there, 0, 2);
	tcase_add_loop_test(tcase, a_right_in_the_middle_is_wrong, 0, 2);
	tcase_add_test(tcase, there_is_no_room);
	tcase_add_test(tcase, the_daemon_is_gone);
	tcase_add_test(tcase, twice_in_one_message);
	tcase_add_loop_test(tcase, on_a_page_that_was_given_away, 0, 4);
	return flow_run(suite);
}
