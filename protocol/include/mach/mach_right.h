/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights of the calling task, with a type for each kind: a compiler notices when one is taken for
 * another. The functions are short ways to calls of mach/mach_port.h on mach_task_self().
 */
#pragma once

#include <mach/port.h>
#include <machd_cdefs.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct _mach_right_recv {
	mach_port_name_t mrr_name;
} mach_right_recv_t;

typedef struct _mach_right_send {
	mach_port_name_t mrs_name;
} mach_right_send_t;

typedef struct _mach_right_send_once {
	mach_port_name_t mrso_name;
} mach_right_send_once_t;

#ifdef __cplusplus
#define MACH_RIGHT_RECV_NULL	  (mach_right_recv_t{MACH_PORT_NULL})
#define MACH_RIGHT_SEND_NULL	  (mach_right_send_t{MACH_PORT_NULL})
#define MACH_RIGHT_SEND_ONCE_NULL (mach_right_send_once_t{MACH_PORT_NULL})
#else
#define MACH_RIGHT_RECV_NULL	  ((mach_right_recv_t){MACH_PORT_NULL})
#define MACH_RIGHT_SEND_NULL	  ((mach_right_send_t){MACH_PORT_NULL})
#define MACH_RIGHT_SEND_ONCE_NULL ((mach_right_send_once_t){MACH_PORT_NULL})
#endif

/* A name the caller knows to be such a right. */
static inline mach_right_recv_t mach_right_recv(mach_port_name_t name)
{
	mach_right_recv_t right = {name};

	return right;
}

static inline mach_right_send_t mach_right_send(mach_port_name_t name)
{
	mach_right_send_t right = {name};

	return right;
}

static inline mach_right_send_once_t mach_right_send_once(mach_port_name_t name)
{
	mach_right_send_once_t right = {name};

	return right;
}

/* Neither MACH_PORT_NULL nor MACH_PORT_DEAD; nothing is asked of the task. */
static inline bool mach_right_recv_valid(mach_right_recv_t right)
{
	return MACH_PORT_VALID(right.mrr_name);
}

static inline bool mach_right_send_valid(mach_right_send_t right)
{
	return MACH_PORT_VALID(right.mrs_name);
}

static inline bool mach_right_send_once_valid(mach_right_send_once_t right)
{
	return MACH_PORT_VALID(right.mrso_name);
}

/* Properties of a new receive right. */
typedef uint64_t mach_right_flags_t;

#define MACH_RIGHT_RECV_FLAG_INIT      UINT64_C(0)
#define MACH_RIGHT_RECV_FLAG_UNGUARDED UINT64_C(1) /* the context is no guard */
#define MACH_RIGHT_RECV_FLAG_STRICT    UINT64_C(2)
#define MACH_RIGHT_RECV_FLAG_IMMOVABLE UINT64_C(4)

MACHD_BEGIN_DECLS

/*
 * A new receive right with the context `ctx`, which is its guard as well; with `sr` also a send
 * right. The null right if there is no room or machd cannot be reached.
 */
extern mach_right_recv_t mach_right_recv_construct(mach_right_flags_t flags, mach_right_send_t *sr,
						   uintptr_t ctx);

/* Destroy it, and with `s` one reference of its send right. `ctx` is its guard. */
extern void mach_right_recv_destruct(mach_right_recv_t r, mach_right_send_t *s, uintptr_t ctx);

/*
 * A send right to a port the caller receives from, under the same name; a send-once right, under a
 * name of its own. The name is MACH_PORT_NULL if `r` is no receive right, or if there is no room.
 */
extern mach_right_send_t mach_right_send_create(mach_right_recv_t r);
extern mach_right_send_once_t mach_right_send_once_create(mach_right_recv_t r);

/*
 * One user reference more. The name is MACH_PORT_DEAD if the port has died, MACH_PORT_NULL if
 * nothing has the name of `s`.
 */
extern mach_right_send_t mach_right_send_retain(mach_right_send_t s);

/* Give up one user reference, or the send-once right; the port may have died. */
extern void mach_right_send_release(mach_right_send_t s);
extern void mach_right_send_once_consume(mach_right_send_once_t so);

MACHD_END_DECLS
