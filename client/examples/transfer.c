/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of any size goes to another process as memory, not as bytes through a socket: its pages
 * change hands, and nobody copies them.
 *
 *   transfer receive NAME &     prints how many bytes came, and their checksum
 *   transfer send NAME FILE
 */
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A message with memory is "complex": descriptors stand between header and data. */
struct file_message {
	mach_msg_base_t base;
	mach_msg_ool_descriptor_t content;
	char file[128];
	mach_msg_max_trailer_t trailer;
};
#define FILE_SIZE ((mach_msg_size_t)offsetof(struct file_message, trailer))

static int fail(const char *what, kern_return_t code)
{
	fprintf(stderr, "%s: %s\n", what, mach_error_string(code));
	return 1;
}

static uint64_t checksum(const unsigned char *bytes, size_t size)
{
	uint64_t sum = 14695981039346656037U; /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 1099511628211U;
	return sum;
}

/* Memory of our own with the file in it. What comes from vm_allocate() can be given away. */
static vm_address_t read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	vm_address_t memory = 0;
	struct stat status;

	if (!file || fstat(fileno(file), &status) || status.st_size == 0 ||
	    (uint64_t)status.st_size > UINT32_MAX ||
	    vm_allocate(mach_task_self(), &memory, (vm_size_t)status.st_size, VM_FLAGS_ANYWHERE)) {
		fprintf(stderr, "%s: cannot be read, empty, or too large\n", path);
		if (file)
			fclose(file);
		return 0;
	}
	*size = fread((void *)memory, 1, (size_t)status.st_size, file);
	fclose(file);
	return memory;
}

static int send_file(const char *name, const char *path)
{
	struct file_message message = {.base.body.msgh_descriptor_count = 1};
	mach_port_t service;
	kern_return_t code;
	size_t size;
	vm_address_t memory = read_file(path, &size);

	if (!memory)
		return 1;
	code = bootstrap_look_up(bootstrap_port, name, &service);
	if (code != KERN_SUCCESS)
		return fail(name, code);
	printf("%zu bytes, checksum %016llx\n", size,
	       (unsigned long long)checksum((unsigned char *)memory, size));
	snprintf(message.file, sizeof message.file, "%s", path);
	message.content = (mach_msg_ool_descriptor_t){
		.address = (void *)memory,
		.size = (mach_msg_size_t)size,
		.deallocate = TRUE, /* ours no more when it is sent; FALSE would keep a copy */
		.copy = MACH_MSG_VIRTUAL_COPY,
		.type = MACH_MSG_OOL_DESCRIPTOR,
	};
	message.base.header.msgh_bits =
		MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
	message.base.header.msgh_remote_port = service;
	code = mach_msg(&message.base.header, MACH_SEND_MSG, FILE_SIZE, 0, MACH_PORT_NULL,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	return code == MACH_MSG_SUCCESS ? 0 : fail("send", code);
}

static int receive_file(const char *name)
{
	struct file_message message;
	mach_msg_ool_descriptor_t *content = &message.content;
	mach_port_t service;
	kern_return_t code = bootstrap_check_in(bootstrap_port, name, &service);

	if (code != KERN_SUCCESS)
		return fail(name, code);
	puts("ready");
	fflush(stdout);
	code = mach_msg(&message.base.header, MACH_RCV_MSG, 0, sizeof message, service,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (code != MACH_MSG_SUCCESS)
		return fail("receive", code);

	/* Look before you use it: anybody can send to this port. */
	if (!(message.base.header.msgh_bits & MACH_MSGH_BITS_COMPLEX) ||
	    message.base.header.msgh_size != FILE_SIZE ||
	    message.base.body.msgh_descriptor_count != 1 ||
	    content->type != MACH_MSG_OOL_DESCRIPTOR) {
		mach_msg_destroy(&message.base.header);
		return fail("receive", MIG_BAD_ARGUMENTS);
	}
	printf("%.*s: %u bytes, checksum %016llx\n", (int)sizeof message.file, message.file,
	       content->size, (unsigned long long)checksum(content->address, content->size));
	/* The memory is ours alone now: to write to, and to free. */
	vm_deallocate(mach_task_self(), (vm_address_t)content->address, content->size);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "receive") == 0)
		return receive_file(argv[2]);
	if (argc == 4 && strcmp(argv[1], "send") == 0)
		return send_file(argv[2], argv[3]);
	fprintf(stderr, "usage: transfer receive NAME | transfer send NAME FILE\n");
	return 2;
}
