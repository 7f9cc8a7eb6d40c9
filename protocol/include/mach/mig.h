/* SPDX-License-Identifier: Apache-2.0 */
/* What the stubs that MIG generates call. */
#pragma once

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>
#include <mach/port.h>
#include <mach/vm_types.h>
#include <machd_cdefs.h>

/* In a server: takes a request apart, calls the routine and puts the reply together. */
typedef void (*mig_stub_routine_t)(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP);
typedef mig_stub_routine_t mig_routine_t;

/* Which of them is for a request; NULL if none is. */
typedef mig_routine_t (*mig_server_routine_t)(mach_msg_header_t *InHeadP);

/* The routine itself, of whatever type it is. */
typedef kern_return_t (*mig_impl_routine_t)(void);

typedef mach_msg_type_descriptor_t routine_arg_descriptor;
typedef mach_msg_type_descriptor_t *routine_arg_descriptor_t;
typedef mach_msg_type_descriptor_t *mig_routine_arg_descriptor_t;

#define MIG_ROUTINE_ARG_DESCRIPTOR_NULL ((mig_routine_arg_descriptor_t)0)

/* A routine in the table of its subsystem. All zero: the number is not in use. */
struct routine_descriptor {
	mig_impl_routine_t impl_routine;
	mig_stub_routine_t stub_routine;
	unsigned int argc;	  /* words that the arguments take */
	unsigned int descr_count; /* elements of arg_descr */
	routine_arg_descriptor_t arg_descr;
	unsigned int max_reply_msg; /* bytes of the longest reply */
};

typedef struct routine_descriptor *routine_descriptor_t;
typedef struct routine_descriptor mig_routine_descriptor;
typedef mig_routine_descriptor *mig_routine_descriptor_t;

#define MIG_ROUTINE_DESCRIPTOR_NULL ((mig_routine_descriptor_t)0)

/* What a server offers: the requests `start` to `end` - 1. */
typedef struct mig_subsystem {
	mig_server_routine_t server;
	mach_msg_id_t start;
	mach_msg_id_t end;
	mach_msg_size_t maxsize; /* bytes of the longest reply */
	vm_address_t reserved;
	mig_routine_descriptor routine[1]; /* as many as there are */
} * mig_subsystem_t;

#define MIG_SUBSYSTEM_NULL ((mig_subsystem_t)0)

/* Names of routines, for those who trace them. */
typedef struct mig_symtab {
	char *ms_routine_name;
	int ms_routine_number;
	void (*ms_routine)(void);
} mig_symtab_t;

MACHD_BEGIN_DECLS

/*
 * The calling thread's reply port, made on first use with MPO_REPLY_PORT; it lasts as long as the
 * thread. MACH_PORT_NULL if there is none to be had.
 */
extern mach_port_t mig_get_reply_port(void);

/*
 * Destroy the thread's reply port: after an error a late reply could still come to it. The argument
 * is what the message has for it now; another name is given up as mach_port_deallocate() does.
 */
extern void mig_dealloc_reply_port(mach_port_t reply_port);

/* The same for its special reply port; here, too, nothing is done if there is none. */
extern mach_port_t mig_get_special_reply_port(void);
extern void mig_dealloc_special_reply_port(mach_port_t reply_port);

/* The reply port was used and can be used again. */
extern void mig_put_reply_port(mach_port_t reply_port);

/*
 * Copy a string into `len` bytes, cut if need be; the copy always ends in a zero byte. Returns the
 * bytes copied, that zero byte included. _zerofill also zeroes the bytes behind it; of no string at
 * all it copies none.
 */
extern int mig_strncpy(char *dest, const char *src, int len);
extern int mig_strncpy_zerofill(char *dest, const char *src, int len);

/* Zeroed memory for out-of-line data; the address is 0 if there is none. */
extern void mig_allocate(vm_address_t *addr_p, vm_size_t size);
extern void mig_deallocate(vm_address_t addr, vm_size_t size);

/*
 * Begin the reply to a message that is about to be sent, not one received: to its local port, as
 * long as mig_reply_error_t. The code is the caller's to set.
 */
extern void mig_reply_setup(const mach_msg_header_t *request, mach_msg_header_t *reply);

MACHD_END_DECLS
