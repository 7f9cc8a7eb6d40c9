/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults on demand in this process: functions of the C library that are ours instead, as long as
 * the library under test is a shared one, and fail when they shall.
 */
#pragma once

#include <stdint.h>

enum fault {
	FAULT_NONE,
	FAULT_MALLOC,
	FAULT_CALLOC,
	FAULT_REALLOC,
	FAULT_MEMFD,
	FAULT_FTRUNCATE,
	FAULT_FALLOCATE,
	FAULT_MMAP,
	FAULT_MREMAP,
	FAULT_MPROTECT,
	FAULT_MADVISE,
	FAULT_SOCKET,
	FAULT_CONNECT,
	FAULT_SENDMSG,
	FAULT_SEND,
	FAULT_RECVMSG,
	FAULT_RECV,
	FAULT_FCNTL,
	FAULT_FSTAT,
	FAULT_PREAD,
	FAULT_PWRITE,
	FAULT_COPY, /* process_vm_readv() and process_vm_writev() */
	FAULT_FUTEX,
	FAULT_PPOLL,
	FAULT_KEY,
	FAULT_SPECIFIC,
	FAULT_KINDS,
};

/* Let call `nth` (from 1) of that kind fail from now on, and `more` behind it; with this errno. */
void fault_arm(enum fault kind, uint32_t nth, uint32_t more, int error);

/* Nothing fails any more; how many calls have. */
uint32_t fault_disarm(void);
