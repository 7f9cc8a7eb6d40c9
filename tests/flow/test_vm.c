/* SPDX-License-Identifier: Apache-2.0 */
/* The vm_ calls on one's own memory [26], and their wide twins; with a daemon and without. */
#include <fcntl.h>
#include <mach/mach_vm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/flow/flow_letter.h"

#define SELF mach_task_self()
#define PAGE vm_page_size

/* Three pages: to be written, to be read, and none. */
static uint8_t *three_pages(void)
{
	uint8_t *memory = letter_pages(3);

	letter_fill(memory, 2 * PAGE, 1);
	CHECK_OK(vm_protect(SELF, (vm_address_t)memory + PAGE, PAGE, 0, VM_PROT_READ));
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)memory + 2 * PAGE, PAGE));
	return memory;
}

static vm_prot_t protection_of(const void *memory)
{
	mach_vm_address_t address = (uintptr_t)memory;
	mach_vm_size_t size;
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	mach_port_t object = 99;

	CHECK_OK(mach_vm_region(SELF, &address, &size, VM_REGION_BASIC_INFO_64,
				(vm_region_info_t)&info, &count, &object));
	CHECK(address <= (uintptr_t)memory && address + size > (uintptr_t)memory);
	CHECK_EQ(count, VM_REGION_BASIC_INFO_COUNT_64);
	CHECK_EQ(object, MACH_PORT_NULL);
	return info.protection;
}

START_TEST(what_may_be_done_with_pages)
{
	uint8_t *memory = three_pages();
	vm_address_t at = (vm_address_t)memory;

	CHECK_EQ(protection_of(memory), VM_PROT_DEFAULT);
	CHECK_EQ(protection_of(memory + PAGE), VM_PROT_READ);
	/* Parts of pages stand for whole ones. */
	CHECK_OK(vm_protect(SELF, at + PAGE - 1, 2, 0, VM_PROT_NONE));
	CHECK_EQ(protection_of(memory), VM_PROT_NONE);
	CHECK_EQ(protection_of(memory + PAGE), VM_PROT_NONE);
	CHECK_OK(vm_protect(SELF, at, PAGE, 0, VM_PROT_DEFAULT));
	CHECK_OK(mach_vm_protect(SELF, at + PAGE, PAGE, 0, VM_PROT_READ | VM_PROT_EXECUTE));
	CHECK_EQ(protection_of(memory + PAGE), VM_PROT_READ | VM_PROT_EXECUTE);
	/* The maximum takes away, and gives nothing. */
	CHECK_OK(vm_protect(SELF, at, 2 * PAGE, 1, VM_PROT_WRITE | VM_PROT_EXECUTE));
	CHECK_EQ(protection_of(memory), VM_PROT_WRITE);
	CHECK_EQ(protection_of(memory + PAGE), VM_PROT_EXECUTE);

	CHECK_OK(vm_protect(SELF, 1, 0, 0, VM_PROT_READ));
	CHECK_CODE(vm_protect(SELF, at, PAGE, 0, 0x20), KERN_INVALID_ARGUMENT);
	CHECK_CODE(vm_protect(SELF, (vm_address_t)-PAGE, 2 * PAGE, 0, 0), KERN_INVALID_ARGUMENT);
	CHECK_CODE(vm_protect(SELF, at + PAGE, 2 * PAGE, 0, 0), KERN_INVALID_ADDRESS);
	CHECK_CODE(vm_protect(SELF, at + PAGE, 2 * PAGE, 1, 0), KERN_INVALID_ADDRESS);
	CHECK_CODE(vm_protect(flow_missing_name(), at, PAGE, 0, 0), MACH_SEND_INVALID_DEST);
}
END_TEST

START_TEST(a_file_that_is_not_to_be_written)
{
	char path[] = "/proc/self/exe";
	int fd = open(path, O_RDONLY);
	void *memory = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(fd >= 0 && memory != MAP_FAILED);
	CHECK_CODE(vm_protect(SELF, (vm_address_t)memory, PAGE, 0, VM_PROT_DEFAULT),
		   KERN_PROTECTION_FAILURE);
	close(fd);
}
END_TEST

START_TEST(regions_are_found)
{
	uint8_t *memory = three_pages();
	mach_vm_address_t address = (uintptr_t)memory + PAGE + 5, last = 0;
	mach_vm_size_t size = 0;
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64, seen = 0;

	CHECK_OK(mach_vm_region(SELF, &address, &size, VM_REGION_BASIC_INFO_64,
				(vm_region_info_t)&info, &count, NULL));
	CHECK(address == (uintptr_t)memory + PAGE && size == PAGE);
	CHECK_EQ(info.inheritance, VM_INHERIT_COPY);
	CHECK_EQ(info.shared, 0);
	/* All of them, up to the end. */
	for (address = 0; mach_vm_region(SELF, &address, &size, VM_REGION_BASIC_INFO_64,
					 (vm_region_info_t)&info, &count, NULL) == KERN_SUCCESS;
	     address += size) {
		CHECK(address >= last && size > 0);
		last = address + size;
		seen++;
	}
	CHECK(seen > 5);
	address = (uintptr_t)memory;
	CHECK_CODE(mach_vm_region(SELF, &address, &size, 10, (vm_region_info_t)&info, &count, NULL),
		   KERN_INVALID_ARGUMENT);
	count--;
	CHECK_CODE(mach_vm_region(SELF, &address, &size, VM_REGION_BASIC_INFO_64,
				  (vm_region_info_t)&info, &count, NULL),
		   KERN_INVALID_ARGUMENT);
}
END_TEST

START_TEST(copies)
{
	uint8_t *from = letter_pages(40), *to = letter_pages(40);
	size_t size = 40 * PAGE;

	letter_fill(from, size, 1);
	CHECK_OK(vm_copy(SELF, (vm_address_t)from, size, (vm_address_t)to));
	letter_expect(to, size, 1);
	letter_fill(to, size, 2);
	CHECK_OK(vm_write(SELF, (vm_address_t)from + 3, (vm_offset_t)to, 1000));
	CHECK(memcmp(from + 3, to, 1000) == 0);
	CHECK_OK(mach_vm_copy(SELF, (uintptr_t)to, 7, (uintptr_t)from));
	CHECK_OK(mach_vm_write(SELF, (uintptr_t)from, (vm_offset_t)to, 7));
	CHECK(memcmp(from, to, 7) == 0);
	CHECK_OK(vm_copy(SELF, 1, 0, 1));
}
END_TEST

/* Both directions, near and far: as memmove does. */
START_TEST(what_overlaps_is_copied_as_it_was)
{
	static const size_t distances[] = {1, 4095, 4096, 16384, 20000, 100000};
	size_t size = 40 * PAGE;
	uint8_t *memory = letter_pages(80), *expected = letter_pages(80);

	for (unsigned i = 0; i < 12; i++) {
		size_t distance = distances[i / 2], from = i & 1 ? distance : 0,
		       to = i & 1 ? 0 : distance;

		letter_fill(memory, 80 * PAGE, i);
		letter_fill(expected, 80 * PAGE, i);
		memmove(expected + to, expected + from, size);
		CHECK_OK(vm_copy(SELF, (vm_address_t)memory + from, size,
				 (vm_address_t)memory + to));
		CHECK(memcmp(memory, expected, 80 * PAGE) == 0);
	}
}
END_TEST

START_TEST(bad_memory_is_not_copied)
{
	uint8_t *memory = three_pages(), *other = letter_pages(3);
	vm_address_t at = (vm_address_t)memory, to = (vm_address_t)other;

	CHECK_CODE(vm_copy(SELF, at + PAGE, 2 * PAGE, to), KERN_INVALID_ADDRESS);
	CHECK_CODE(vm_copy(SELF, to, 2 * PAGE, at), KERN_PROTECTION_FAILURE);
	CHECK_CODE(vm_copy(SELF, to, PAGE, at + 2 * PAGE), KERN_INVALID_ADDRESS);
	CHECK_OK(vm_protect(SELF, at, PAGE, 0, VM_PROT_NONE));
	CHECK_CODE(vm_copy(SELF, at, PAGE, to), KERN_PROTECTION_FAILURE);
	CHECK_CODE(vm_write(SELF, at + PAGE, to, 10), KERN_PROTECTION_FAILURE);
	CHECK_CODE(vm_copy(SELF, (vm_address_t)-100, 200, to), KERN_INVALID_ARGUMENT);
	CHECK_CODE(vm_copy(SELF, to, 200, (vm_address_t)-100), KERN_INVALID_ARGUMENT);
	CHECK_CODE(vm_copy(flow_missing_name(), to, PAGE, to), MACH_SEND_INVALID_DEST);
}
END_TEST

START_TEST(reads)
{
	uint8_t *memory = three_pages(), buffer[100];
	mach_msg_type_number_t count = 0;
	mach_vm_size_t wide = 0;
	vm_size_t size = 0;
	vm_offset_t data = 0;

	CHECK_OK(vm_read(SELF, (vm_address_t)memory + 10, 2 * PAGE - 10, &data, &count));
	CHECK_EQ(count, 2 * PAGE - 10);
	CHECK(memcmp((void *)data, memory + 10, count) == 0);
	CHECK_OK(vm_deallocate(SELF, data, count));
	CHECK_OK(mach_vm_read(SELF, (uintptr_t)memory, 8, &data, &count));
	CHECK(count == 8 && memcmp((void *)data, memory, 8) == 0);
	CHECK_OK(vm_deallocate(SELF, data, count));
	CHECK_OK(vm_read(SELF, 1, 0, &data, &count));
	CHECK(data == 0 && count == 0);
	CHECK_CODE(vm_read(SELF, (vm_address_t)memory, 3 * PAGE, &data, &count),
		   KERN_INVALID_ADDRESS);

	CHECK_OK(vm_read_overwrite(SELF, (vm_address_t)memory, 100, (vm_address_t)buffer, &size));
	CHECK(size == 100 && memcmp(buffer, memory, 100) == 0);
	CHECK_OK(mach_vm_read_overwrite(SELF, (uintptr_t)memory + 1, 99, (uintptr_t)buffer, &wide));
	CHECK(wide == 99 && memcmp(buffer, memory + 1, 99) == 0);
}
END_TEST

/* mach/mach.h alone has them, under the names that pages have on Mach. */
START_TEST(the_page_size_has_many_names)
{
	vm_size_t size = 0;

	CHECK_OK(host_page_size(mach_host_self(), &size));
	CHECK_EQ(size, sysconf(_SC_PAGESIZE));
	CHECK(PAGE == size && PAGE_SIZE == size && vm_kernel_page_size == size);
	CHECK(vm_page_mask == size - 1 && PAGE_MASK == size - 1 && vm_kernel_page_mask == size - 1);
	CHECK((vm_size_t)1 << vm_page_shift == size && PAGE_SHIFT == vm_page_shift &&
	      vm_kernel_page_shift == vm_page_shift);
	CHECK_EQ(trunc_page(3 * size + 1), 3 * size);
	CHECK_EQ(round_page(3 * size + 1), 4 * size);
	CHECK_EQ(trunc_page_kernel(size - 1) + round_page_kernel(size), size);
}
END_TEST

START_TEST(memory_needs_no_daemon)
{
	vm_address_t address = 0;
	mach_port_t self = SELF;

	flow_crash();
	CHECK_OK(vm_allocate(SELF, &address, 1 << 20, VM_FLAGS_ANYWHERE));
	letter_fill((void *)address, 1 << 20, 1);
	CHECK_OK(vm_protect(SELF, address, PAGE, 0, VM_PROT_READ));
	CHECK_OK(vm_deallocate(self, address, 1 << 20));
	CHECK(!letter_mapped((void *)address));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vm");
	TCase *tcase = flow_case(suite, "vm");

	tcase_add_test(tcase, what_may_be_done_with_pages);
	tcase_add_test(tcase, a_file_that_is_not_to_be_written);
	tcase_add_test(tcase, regions_are_found);
	tcase_add_test(tcase, copies);
	tcase_add_test(tcase, what_overlaps_is_copied_as_it_was);
	tcase_add_test(tcase, bad_memory_is_not_copied);
	tcase_add_test(tcase, reads);
	tcase_add_test(tcase, the_page_size_has_many_names);
	tcase_add_test(tcase, memory_needs_no_daemon);
	return flow_run(suite);
}
