/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of MIG stubs, and the constants that messages made by MIG or by machd carry. */
#include <mach/mach_init.h>
#include <mach/message.h>
#include <mach/mig.h>
#include <mach/vm_map.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define INT_REP NDR_INT_LITTLE_ENDIAN
#else
#define INT_REP NDR_INT_BIG_ENDIAN
#endif

const NDR_record_t NDR_record = {
	.mig_encoding = NDR_PROTOCOL_2_0,
	.int_rep = INT_REP,
	.char_rep = NDR_CHAR_ASCII,
	.float_rep = NDR_FLOAT_IEEE,
};

const security_token_t KERNEL_SECURITY_TOKEN = KERNEL_SECURITY_TOKEN_VALUE;
const audit_token_t KERNEL_AUDIT_TOKEN = KERNEL_AUDIT_TOKEN_VALUE;

int mig_strncpy(char *dest, const char *src, int len)
{
	size_t length;

	if (len <= 0)
		return 0;
	length = strnlen(src, (size_t)len - 1);
	memcpy(dest, src, length);
	dest[length] = '\0';
	return (int)length + 1;
}

int mig_strncpy_zerofill(char *dest, const char *src, int len)
{
	int copied;

	if (len <= 0 || !dest)
		return 0;
	copied = src ? mig_strncpy(dest, src, len) : 0;
	memset(dest + copied, 0, (size_t)(len - copied));
	return copied;
}

void mig_allocate(vm_address_t *addr_p, vm_size_t size)
{
	if (vm_allocate(mach_task_self(), addr_p, size, VM_FLAGS_ANYWHERE) != KERN_SUCCESS)
		*addr_p = 0;
}

void mig_deallocate(vm_address_t addr, vm_size_t size)
{
	vm_deallocate(mach_task_self(), addr, size);
}

void mig_reply_setup(const mach_msg_header_t *request, mach_msg_header_t *reply)
{
	mig_reply_error_t *error = (mig_reply_error_t *)reply;

	error->Head = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_LOCAL(request->msgh_bits), 0),
		.msgh_size = sizeof *error,
		.msgh_remote_port = request->msgh_local_port,
		.msgh_id = request->msgh_id + 100,
	};
	error->NDR = NDR_record;
}
