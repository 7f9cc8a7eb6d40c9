/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every code of every vm_ call [26], a row each; and that a call which is refused has changed
 * nothing. What the calls do otherwise is in test_vm.c, memory entries are in test_memory_entry.c.
 */
#include <mach/mach_vm.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/region.h"
#include "tests/flow/flow_letter.h"

#define SELF mach_task_self()
#define PAGE vm_page_size
#define RW   VM_PROT_DEFAULT

/* Where a row means something to be. Four pages each: all to be written to, unless it says more. */
enum place { ZERO, GOOD, OTHER, READ_ONLY, NO_ACCESS, HOLE, TOP, PLACES };

static vm_address_t places[PLACES];

static vm_address_t pages(int protection)
{
	vm_address_t memory = (vm_address_t)letter_pages(4);

	letter_fill((void *)memory, 4 * PAGE, 1);
	CHECK(mprotect((void *)memory, 4 * PAGE, protection) == 0);
	return memory;
}

/* HOLE has its third page unmapped; TOP are the last two pages of all: no program can have them. */
static void set_places(void)
{
	places[GOOD] = pages(PROT_READ | PROT_WRITE);
	places[OTHER] = pages(PROT_READ | PROT_WRITE);
	places[READ_ONLY] = pages(PROT_READ);
	places[NO_ACCESS] = pages(PROT_NONE);
	places[HOLE] = pages(PROT_READ | PROT_WRITE);
	CHECK(munmap((void *)(places[HOLE] + 2 * PAGE), PAGE) == 0);
	places[TOP] = (vm_address_t)-2 * PAGE;
}

struct row {
	kern_return_t code;
	enum place at;
	long offset, size;
	enum place to; /* or flags, or a protection */
	int how;
};

static const struct row allocations[] = {
	{KERN_SUCCESS, ZERO, 0, 0, 0, VM_FLAGS_ANYWHERE},
	{KERN_SUCCESS, ZERO, 0, 1, 0, VM_FLAGS_ANYWHERE},
	{KERN_SUCCESS, GOOD, 0, 0, 0, VM_FLAGS_FIXED},
	{KERN_SUCCESS, GOOD, 1, 4096, 0, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE},
	{KERN_SUCCESS, HOLE, 8192, 4096, 0, VM_FLAGS_FIXED},
	{KERN_SUCCESS, ZERO, 0, 1, 0, VM_FLAGS_ANYWHERE | VM_MAKE_TAG(VM_MEMORY_MALLOC)},
	{KERN_NO_SPACE, GOOD, 0, 1, 0, VM_FLAGS_FIXED},
	{KERN_NO_SPACE, HOLE, 8192, 8192, 0, VM_FLAGS_FIXED},
	{KERN_NO_SPACE, ZERO, 0, -0x10000, 0, VM_FLAGS_ANYWHERE},
	{KERN_INVALID_ADDRESS, TOP, 0, 1, 0, VM_FLAGS_FIXED},
	{KERN_INVALID_ADDRESS, TOP, 0, 1, 0, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE},
	{KERN_INVALID_ARGUMENT, ZERO, 0, -1, 0, VM_FLAGS_ANYWHERE},
	{KERN_INVALID_ARGUMENT, ZERO, 0, 1, 0, VM_FLAGS_ANYWHERE | 0x100},
};

START_TEST(allocate)
{
	const struct row *row = &allocations[_i];
	vm_address_t address, before;
	mach_vm_address_t wide;

	set_places();
	address = before = places[row->at] + (vm_address_t)row->offset;
	CHECK_CODE(vm_allocate(SELF, &address, (vm_size_t)row->size, row->how), row->code);
	if (row->code != KERN_SUCCESS)
		CHECK(address == before);
	else if (row->size == 0)
		CHECK(address == 0);
	else
		CHECK((address & vm_page_mask) == 0 && *(uint8_t *)address == 0);
	/* And its twin. */
	if (row->code == KERN_SUCCESS && row->at == HOLE)
		CHECK_OK(vm_deallocate(SELF, address, (vm_size_t)row->size));
	wide = before;
	CHECK_CODE(mach_vm_allocate(SELF, &wide, (vm_size_t)row->size, row->how), row->code);
	if (row->code != KERN_SUCCESS)
		CHECK(wide == before);
}
END_TEST

static const struct row deallocations[] = {
	{KERN_SUCCESS, GOOD, 0, 0, 0, 0},
	{KERN_SUCCESS, GOOD, 1, 1, 0, 0},
	{KERN_SUCCESS, HOLE, 0, 16384, 0, 0},
	{KERN_SUCCESS, HOLE, 8192, 4096, 0, 0}, /* nothing is there */
	{KERN_SUCCESS, READ_ONLY, 0, 16384, 0, 0},
	{KERN_SUCCESS, NO_ACCESS, 0, 16384, 0, 0},
	{KERN_SUCCESS, TOP, 0, 1, 0, 0}, /* nor can there ever be */
	{KERN_SUCCESS, TOP, 0, 0, 0, 0},
	{KERN_SUCCESS, TOP, 8191, 0, 0, 0},
	{KERN_INVALID_ARGUMENT, TOP, 0, 8192, 0, 0},
	{KERN_INVALID_ARGUMENT, GOOD, 0, -1, 0, 0},
};

START_TEST(deallocate)
{
	const struct row *row = &deallocations[_i];
	vm_address_t address;

	set_places();
	address = places[row->at] + (vm_address_t)row->offset;
	CHECK_CODE(vm_deallocate(SELF, address, (vm_size_t)row->size), row->code);
	if (row->at == TOP)
		return;
	CHECK(letter_mapped((void *)address) == (row->code != KERN_SUCCESS || row->size == 0));
	CHECK_CODE(mach_vm_deallocate(SELF, address, (vm_size_t)row->size), row->code);
}
END_TEST

static const struct row protections[] = {
	{KERN_SUCCESS, GOOD, 0, 16384, 0, VM_PROT_READ},
	{KERN_SUCCESS, GOOD, 0, 0, 0, VM_PROT_NONE},
	{KERN_SUCCESS, TOP, 8191, 0, 0, VM_PROT_NONE},
	{KERN_SUCCESS, NO_ACCESS, 0, 16384, 0, VM_PROT_ALL},
	{KERN_INVALID_ARGUMENT, GOOD, 0, 16384, 0, 0x20},
	{KERN_INVALID_ARGUMENT, GOOD, 0, 0, 0, -1},
	{KERN_INVALID_ARGUMENT, TOP, 0, 8192, 0, VM_PROT_READ},
	{KERN_INVALID_ADDRESS, TOP, 0, 1, 0, VM_PROT_READ},
	{KERN_INVALID_ADDRESS, HOLE, 8192, 4096, 0, VM_PROT_READ},
	{KERN_INVALID_ADDRESS, HOLE, 0, 16384, 0, VM_PROT_READ},
};

static int protection_of(vm_address_t memory)
{
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	mach_vm_address_t address = memory;
	mach_vm_size_t size;

	CHECK_OK(mach_vm_region(SELF, &address, &size, VM_REGION_BASIC_INFO_64,
				(vm_region_info_t)&info, &count, NULL));
	return info.protection;
}

START_TEST(protect)
{
	const struct row *row = &protections[_i / 2];
	bool maximum = _i % 2, done = row->code == KERN_SUCCESS && row->size != 0;
	vm_address_t address;
	int before;

	set_places();
	address = places[row->at] + (vm_address_t)row->offset;
	before = row->at == TOP ? 0 : protection_of(places[row->at]);
	CHECK_CODE(vm_protect(SELF, address, (vm_size_t)row->size, maximum, row->how), row->code);
	if (row->at == TOP)
		return;
	/* All of it, or nothing. */
	CHECK_EQ(protection_of(places[row->at]), !done	   ? before
						 : maximum ? before & row->how
							   : row->how);
	CHECK_CODE(mach_vm_protect(SELF, address, (vm_size_t)row->size, maximum, row->how),
		   row->code);
}
END_TEST

/* From `at` to `to`. */
static const struct row movements[] = {
	{KERN_SUCCESS, GOOD, 5, 12000, OTHER, 0},
	{KERN_SUCCESS, READ_ONLY, 0, 16384, OTHER, 0},
	{KERN_SUCCESS, TOP, 0, 0, NO_ACCESS, 0},
	{KERN_SUCCESS, HOLE, 0, 8192, OTHER, 0},
	{KERN_PROTECTION_FAILURE, NO_ACCESS, 0, 1, OTHER, 0},
	{KERN_PROTECTION_FAILURE, GOOD, 0, 1, READ_ONLY, 0},
	{KERN_PROTECTION_FAILURE, GOOD, 0, 1, NO_ACCESS, 0},
	{KERN_INVALID_ADDRESS, HOLE, 8192, 1, OTHER, 0},
	{KERN_INVALID_ADDRESS, HOLE, 0, 16384, OTHER, 0},
	{KERN_INVALID_ADDRESS, GOOD, 0, 16384, HOLE, 0},
	{KERN_INVALID_ADDRESS, TOP, 0, 100, OTHER, 0},
	{KERN_INVALID_ARGUMENT, TOP, 8100, 100, OTHER, 0},
	{KERN_INVALID_ARGUMENT, GOOD, 0, 8192, TOP, 0},
};

START_TEST(move)
{
	const struct row *row = &movements[_i];
	size_t size = (size_t)row->size;
	vm_address_t from, to;
	vm_size_t got = 99;
	mach_vm_size_t wide = 99;

	set_places();
	from = places[row->at] + (vm_address_t)row->offset;
	to = places[row->to];
	CHECK_CODE(vm_copy(SELF, from, size, to), row->code);
	if (row->code == KERN_SUCCESS && size > 0)
		CHECK(memcmp((void *)from, (void *)to, size) == 0);
	CHECK_CODE(mach_vm_copy(SELF, from, size, to), row->code);
	CHECK_CODE(vm_write(SELF, to, from, (mach_msg_type_number_t)size), row->code);
	CHECK_CODE(mach_vm_write(SELF, to, from, (mach_msg_type_number_t)size), row->code);
	CHECK_CODE(vm_read_overwrite(SELF, from, size, to, &got), row->code);
	CHECK_CODE(mach_vm_read_overwrite(SELF, from, size, to, &wide), row->code);
	CHECK(got == (row->code == KERN_SUCCESS ? size : 99) && wide == got);
}
END_TEST

static const struct row readings[] = {
	{KERN_SUCCESS, GOOD, 5, 12000, 0, 0},
	{KERN_SUCCESS, TOP, 0, 0, 0, 0},
	{KERN_PROTECTION_FAILURE, NO_ACCESS, 0, 1, 0, 0},
	{KERN_INVALID_ADDRESS, HOLE, 0, 16384, 0, 0},
	{KERN_INVALID_ADDRESS, TOP, 0, 100, 0, 0},
	{KERN_INVALID_ARGUMENT, TOP, 0, 8192, 0, 0},
	{KERN_INVALID_ARGUMENT, GOOD, 0, -1, 0, 0},
};

START_TEST(read_pages)
{
	const struct row *row = &readings[_i];
	vm_address_t from;
	unsigned before;

	set_places();
	from = places[row->at] + (vm_address_t)row->offset;
	before = letter_mappings();
	for (unsigned i = 0; i < 2; i++) {
		mach_msg_type_number_t count = 99;
		vm_offset_t data = 99;

		CHECK_CODE(i ? mach_vm_read(SELF, from, (vm_size_t)row->size, &data, &count)
			     : vm_read(SELF, from, (vm_size_t)row->size, &data, &count),
			   row->code);
		if (row->code != KERN_SUCCESS) {
			CHECK(data == 99 && count == 99);
			continue;
		}
		CHECK_EQ(count, row->size);
		CHECK((data == 0) == (count == 0));
		if (count)
			CHECK(memcmp((void *)data, (void *)from, count) == 0);
		CHECK_OK(vm_deallocate(SELF, data, count));
	}
	CHECK_EQ(letter_mappings(), before);
}
END_TEST

/* No call takes another task for its own, and numbers that no address has are refused. */
START_TEST(another_task)
{
	mach_port_t other = mach_host_self();
	vm_address_t at, data = 0;
	mach_vm_address_t wide;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	vm_region_basic_info_data_64_t info;
	mach_vm_size_t size = 0;
	vm_size_t narrow = 0;

	set_places();
	at = places[GOOD];
	wide = at;
	CHECK_CODE(vm_allocate(other, &data, 1, VM_FLAGS_ANYWHERE), MACH_SEND_INVALID_DEST);
	CHECK_CODE(vm_deallocate(other, at, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(vm_protect(other, at, 1, 0, 0), MACH_SEND_INVALID_DEST);
	CHECK_CODE(vm_copy(other, at, 1, at), MACH_SEND_INVALID_DEST);
	CHECK_CODE(vm_write(other, at, at, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(vm_read(other, at, 1, &data, &count), MACH_SEND_INVALID_DEST);
	CHECK_CODE(vm_read_overwrite(other, at, 1, at, &narrow), MACH_SEND_INVALID_DEST);
	CHECK_CODE(mach_vm_region(other, &wide, &size, VM_REGION_BASIC_INFO_64,
				  (vm_region_info_t)&info, &count, NULL),
		   MACH_SEND_INVALID_DEST);
	CHECK_CODE(vm_map(other, &data, 1, 0, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0, 0, RW, RW, 0),
		   MACH_SEND_INVALID_DEST);
	letter_expect((void *)at, 4 * PAGE, 1);
	wide = UINT64_MAX;
	CHECK_CODE(mach_vm_region(SELF, &wide, &size, VM_REGION_BASIC_INFO_64,
				  (vm_region_info_t)&info, &count, NULL),
		   KERN_INVALID_ADDRESS);
}
END_TEST

/* Memory that would have had a memfd. */
START_TEST(what_was_refused_holds_nothing)
{
	unsigned fds = letter_open_fds(getpid());
	vm_address_t address;

	set_places();
	address = places[GOOD];
	CHECK_CODE(vm_allocate(SELF, &address, MI_REGION_MIN, VM_FLAGS_FIXED), KERN_NO_SPACE);
	address = places[TOP];
	CHECK_CODE(vm_allocate(SELF, &address, MI_REGION_MIN, VM_FLAGS_FIXED),
		   KERN_INVALID_ADDRESS);
	address = places[TOP] - PAGE;
	CHECK_CODE(vm_allocate(SELF, &address, MI_REGION_MIN, VM_FLAGS_FIXED),
		   KERN_INVALID_ADDRESS);
	CHECK_EQ(letter_open_fds(getpid()), fds);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
	Suite *suite = suite_create("vm codes");
	TCase *tcase = flow_case(suite, "vm codes");

	tcase_add_loop_test(tcase, allocate, 0, ROWS(allocations));
	tcase_add_loop_test(tcase, deallocate, 0, ROWS(deallocations));
	tcase_add_loop_test(tcase, protect, 0, 2 * ROWS(protections));
	tcase_add_loop_test(tcase, move, 0, ROWS(movements));
	tcase_add_loop_test(tcase, read_pages, 0, ROWS(readings));
	tcase_add_test(tcase, another_task);
	tcase_add_test(tcase, what_was_refused_holds_nothing);
	return flow_run(suite);
}
