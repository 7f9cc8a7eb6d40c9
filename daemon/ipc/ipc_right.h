/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights: what may be done with the right under a name, and what becomes of the entry and of the
 * port's counts. The transitions of copyin are one table, ipc_right_moves.
 */
#pragma once

#include "daemon/ipc/ipc_request.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_types.h"

/* What a disposition takes from the entry. */
enum ipc_right_takes {
	TAKES_NOTHING, /* the entry stays as it is */
	TAKES_UREF,    /* one user reference; the right itself with the last */
	TAKES_RIGHT,   /* the right itself */
};

/* What a disposition does with a name whose port is dead. */
enum ipc_right_dead {
	DEAD_REFUSED,
	DEAD_COPIED, /* yields IP_DEAD */
	DEAD_MOVED,  /* yields IP_DEAD and takes a user reference */
};

/* One row for each disposition a sender may use [4.1]. */
struct ipc_right_move {
	uint32_t needs; /* MACH_PORT_TYPE_ bit that the entry must have; 0: never legal */
	enum ipc_right_takes takes;
	enum ipc_right_dead dead;
	bool makes;    /* raises the make-send count */
	uint8_t given; /* MACH_MSG_TYPE_PORT_ of the naked right */
};

#define IPC_RIGHT_DISPOSITIONS 32
extern const struct ipc_right_move ipc_right_moves[IPC_RIGHT_DISPOSITIONS];

/* The row of a disposition, NULL if it is not legal in a message. */
const struct ipc_right_move *ipc_right_move(uint32_t disposition);

/*
 * The entry of a name, its right brought up to date: a send or send-once right whose port has died
 * becomes a dead name now [15.3]. NULL if there is none.
 */
struct ipc_entry *ipc_right_lookup(struct ipc_host *host, struct ipc_space *space,
				   mach_port_name_t name);

/*
 * The port behind a receive right. KERN_INVALID_NAME also for dead names; KERN_INVALID_RIGHT for
 * NULL, DEAD and other rights [20].
 */
kern_return_t ipc_right_lookup_receive(struct ipc_host *host, struct ipc_space *space,
				       mach_port_name_t name, struct ipc_port **port);

/* The same for calls to which NULL and DEAD are names like others that nothing has. */
kern_return_t ipc_right_lookup_named_receive(struct ipc_host *host, struct ipc_space *space,
					     mach_port_name_t name, struct ipc_port **port);

kern_return_t ipc_right_lookup_pset(struct ipc_host *host, struct ipc_space *space,
				    mach_port_name_t name, struct ipc_pset **set);

/*
 * A send right that this space may use but not pass on [16.3]: to a connection port, or to one that
 * controls its own task or one of its threads. What another task holds to one of these is an
 * ordinary right.
 */
bool ipc_right_immovable_send(const struct ipc_space *space, const struct ipc_port *port);

/* A task's right to itself: it cannot give the last reference away [16.3]. */
bool ipc_right_pinned(const struct ipc_entry *entry);

/* What a right is taken for. */
enum ipc_right_use {
	RIGHT_FOR_DEST,	  /* destination of a message */
	RIGHT_FOR_REPLY,  /* its reply field */
	RIGHT_FOR_BODY,	  /* its body */
	RIGHT_FOR_DAEMON, /* the body of one that no task will receive, or a routine's argument */
	RIGHT_FOR_CALL,	  /* mach_port_insert_right and _extract_right */
	RIGHT_FOR_ITSELF, /* one more reference to it where it is */
};

/*
 * The entry's right that this disposition takes or makes is one that has to stay in its space, or
 * is not for this use [16.3, 17.1].
 */
bool ipc_right_must_stay(const struct ipc_space *space, const struct ipc_entry *entry,
			 uint32_t disposition, enum ipc_right_use use);

/* Copyin, first half: may this right be given that way, for that use? Nothing changes. */
bool ipc_right_copyin_check(const struct ipc_space *space, const struct ipc_entry *entry,
			    uint32_t disposition, enum ipc_right_use use);

/* The guard exception [16.2] of giving a right away that has to stay; 0: it is none of these. */
uint32_t ipc_right_misuse(const struct ipc_space *space, const struct ipc_entry *entry,
			  uint32_t disposition, enum ipc_right_use use);

/* It was refused: raise that exception, if there is one. */
void ipc_right_guard(struct ipc_host *host, struct ipc_space *space, mach_port_name_t name,
		     uint32_t disposition, enum ipc_right_use use);

/*
 * Copyin, second half, after a successful check: take the right. Returns it naked (or IP_DEAD).
 * Cannot fail. The entry may be gone afterwards.
 */
struct ipc_port *ipc_right_copyin(struct ipc_host *host, struct ipc_space *space,
				  struct ipc_entry *entry, uint32_t disposition);

/* Two dispositions on one name, destination and reply [4.3]: the pair's check. */
bool ipc_right_copyin_pair_check(const struct ipc_entry *entry, uint32_t dest, uint32_t reply);

/* And its commit: both rights are taken, a move last. */
void ipc_right_copyin_pair(struct ipc_host *host, struct ipc_space *space, mach_port_name_t name,
			   uint32_t dest, uint32_t reply, struct ipc_port **dest_port,
			   struct ipc_port **reply_port);

/*
 * Give a naked right to a space [4.2]. Takes the right, also when it fails (it is destroyed then).
 * *name: where it is now; DEAD for a dead port, which counts as success; NULL on failure.
 * KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE: no room in the table.
 */
kern_return_t ipc_right_copyout(struct ipc_host *host, struct ipc_space *space,
				struct ipc_port *port, uint8_t type, mach_port_name_t *name);

/* The same when a slot is known to be free. Cannot fail. */
mach_port_name_t ipc_right_copyout_reserved(struct ipc_host *host, struct ipc_space *space,
					    struct ipc_port *port, uint8_t type);

/*
 * The same under a name of the caller's choice; takes the right. KERN_INVALID_VALUE,
 * KERN_INVALID_CAPABILITY, KERN_RIGHT_EXISTS, KERN_NAME_EXISTS, and those of
 * ipc_entry_claim_name().
 */
kern_return_t ipc_right_copyout_name(struct ipc_host *host, struct ipc_space *space,
				     struct ipc_port *port, uint8_t type, mach_port_name_t name);

/* Destroy a naked right of that type (IP_NULL and IP_DEAD pass). */
void ipc_right_destroy_naked(struct ipc_host *host, struct ipc_port *port, uint8_t type);

/* The calls on a name [20]; their codes are those of the mach_port_ call of the same name. */
kern_return_t ipc_right_destroy(struct ipc_host *host, struct ipc_space *space,
				struct ipc_entry *entry);
kern_return_t ipc_right_dealloc(struct ipc_host *host, struct ipc_space *space,
				struct ipc_entry *entry);
kern_return_t ipc_right_delta(struct ipc_host *host, struct ipc_space *space,
			      struct ipc_entry *entry, mach_port_right_t right, int32_t delta);

/*
 * Destroy a receive right: first `srdelta` (not positive) send references of its name, then the
 * right. KERN_INVALID_RIGHT: no such rights; KERN_INVALID_VALUE: a bad delta;
 * KERN_INVALID_ARGUMENT: `guard` is not the port's. Nothing changes then.
 */
kern_return_t ipc_right_destruct(struct ipc_host *host, struct ipc_space *space,
				 struct ipc_entry *entry, int32_t srdelta, uint64_t guard);

/* The space dies with this entry in it [15.4]. */
void ipc_right_terminate(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry);

/*
 * Register a dead-name or send-possible request on a name; takes `notify` on success and then gives
 * the right of the request it replaced [14.2].
 */
kern_return_t ipc_right_request(struct ipc_host *host, struct ipc_space *space,
				struct ipc_entry *entry, enum ipc_request_kind kind,
				struct ipc_port *notify, struct ipc_port **previous);
