/* SPDX-License-Identifier: Apache-2.0 */
/* mach_msg2 with options by their 64-bit names, and pages of memory. */
#include <mach/mach.h>
#include <stdio.h>
#include <string.h>

typedef struct {
	mach_msg_base_t base;
	mach_msg_ool_descriptor_t page;
} send_t;

typedef struct {
	send_t sent;
	mach_msg_max_trailer_t trailer;
} receive_t;

static kern_return_t send_page(mach_port_t port, vm_address_t page)
{
	send_t send;

	memset(&send, 0, sizeof(send));
	send.base.header.msgh_bits =
		MACH_MSGH_BITS_SET(MACH_MSG_TYPE_COPY_SEND, 0, 0, MACH_MSGH_BITS_COMPLEX);
	send.base.header.msgh_size = sizeof(send);
	send.base.header.msgh_remote_port = port;
	send.base.body.msgh_descriptor_count = 1;
	send.page.address = (void *)page;
	send.page.size = (mach_msg_size_t)PAGE_SIZE;
	send.page.deallocate = TRUE;
	send.page.copy = MACH_MSG_VIRTUAL_COPY;
	send.page.type = MACH_MSG_OOL_DESCRIPTOR;
	return mach_msg2(&send, MACH64_SEND_MSG | MACH64_SEND_MQ_CALL | MACH64_SEND_TIMEOUT,
			 send.base.header, sizeof(send), 0, MACH_PORT_NULL, 0, 0);
}

static kern_return_t receive_page(mach_port_t port, receive_t *receive)
{
	mach_msg_header_t none;

	memset(&none, 0, sizeof(none));
	return mach_msg2(receive, MACH64_RCV_MSG | MACH64_RCV_LARGE | MACH64_RCV_TIMEOUT, none, 0,
			 sizeof(*receive), port, 1000, 0);
}

int main(void)
{
	mach_port_options_t options;
	vm_address_t page = 0;
	receive_t receive;
	mach_port_t port;
	kern_return_t kr;

	memset(&options, 0, sizeof(options));
	options.flags = MPO_INSERT_SEND_RIGHT;
	kr = mach_port_construct(mach_task_self(), &options, 0, &port);
	if (kr == KERN_SUCCESS)
		kr = vm_allocate(mach_task_self(), &page, PAGE_SIZE, VM_FLAGS_ANYWHERE);
	if (kr == KERN_SUCCESS)
		kr = send_page(port, page);
	if (kr == KERN_SUCCESS)
		kr = receive_page(port, &receive);
	if (kr == KERN_SUCCESS)
		kr = vm_deallocate(mach_task_self(), (vm_address_t)receive.sent.page.address,
				   receive.sent.page.size);
	printf("%d %d\n", kr, ((uintptr_t)page & PAGE_MASK) == 0 && PAGE_SIZE == 1u << PAGE_SHIFT);
	return kr != KERN_SUCCESS;
}
