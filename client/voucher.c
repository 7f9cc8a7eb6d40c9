/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the library does with vouchers by itself: nothing. The voucher_mach_msg_ functions are weak,
 * so that a program or library that keeps a current voucher can put its own in their place;
 * mach_msg_server and the stubs of MIG call them.
 */
#include <mach/mach.h>

kern_return_t mach_voucher_deallocate(mach_voucher_t voucher)
{
	return mach_port_deallocate(mach_task_self(), voucher);
}

__attribute__((weak)) boolean_t voucher_mach_msg_set(mach_msg_header_t *msg)
{
	(void)msg;
	return FALSE;
}

__attribute__((weak)) void voucher_mach_msg_clear(mach_msg_header_t *msg)
{
	(void)msg;
}

__attribute__((weak)) voucher_mach_msg_state_t voucher_mach_msg_adopt(mach_msg_header_t *msg)
{
	(void)msg;
	return VOUCHER_MACH_MSG_STATE_UNCHANGED;
}

__attribute__((weak)) void voucher_mach_msg_revert(voucher_mach_msg_state_t state)
{
	(void)state;
}
