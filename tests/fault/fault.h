/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults on demand: a library that is loaded in front of the C library (LD_PRELOAD) and lets one
 * call of one kind fail with one error. The test and the process under test share this structure,
 * in the file that MACHD_FAULT names. Without that variable the library changes nothing.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_ACCEPT,
	FAULT_RECVMSG,
	FAULT_SENDMSG,
	FAULT_FCNTL,
	FAULT_FSTAT,
	FAULT_IOCTL,
	FAULT_GETSOCKOPT,
	FAULT_GETPEERNAME,
	FAULT_MEMFD,
	FAULT_FTRUNCATE,
	FAULT_MMAP,
	FAULT_EVENTFD,
	FAULT_EPOLL,
	FAULT_MALLOC,
	FAULT_CALLOC,
	FAULT_KINDS,
};

/* Written by the test, but for `calls` and `fired`. */
struct fault_plan {
	_Atomic uint32_t kind;	/* FAULT_NONE: nothing fails; set last */
	_Atomic uint32_t nth;	/* the call to fail, from 1 */
	_Atomic uint32_t more;	/* how many after it fail as well */
	_Atomic int error;	/* errno */
	_Atomic uint32_t calls; /* of that kind since the test set it to 0 */
	_Atomic uint32_t fired; /* how many failed */
};
