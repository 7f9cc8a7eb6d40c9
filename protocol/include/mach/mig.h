/* SPDX-License-Identifier: Apache-2.0 */
/* What the stubs that MIG generates call. */
#pragma once

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>
#include <mach/port.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/*
 * The calling thread's reply port, made on first use; it lasts as long as the thread.
 * MACH_PORT_NULL if there is none to be had.
 */
extern mach_port_t mig_get_reply_port(void);

/* Destroy a reply port: after an error a late reply could still come to it. */
extern void mig_dealloc_reply_port(mach_port_t reply_port);

/* The reply port was used and can be used again. */
extern void mig_put_reply_port(mach_port_t reply_port);

/*
 * Copy a string into `len` bytes, cut if need be; the copy always ends in a zero byte. Returns the
 * bytes copied, that zero byte included. _zerofill also zeroes the bytes behind it.
 */
extern int mig_strncpy(char *dest, const char *src, int len);
extern int mig_strncpy_zerofill(char *dest, const char *src, int len);

/* Zeroed memory for out-of-line data; the address is 0 if there is none. */
extern void mig_allocate(vm_address_t *addr_p, vm_size_t size);
extern void mig_deallocate(vm_address_t addr, vm_size_t size);

MACHD_END_DECLS
