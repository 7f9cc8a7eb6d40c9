/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries and names [2]. A name is an index into the space's table and the generation of the entry
 * there. Free entries are on a list. Entries with send or receive rights are on chains of the
 * reverse hash, from port to name. Both are linked within the table's own memory, so putting a
 * right into a free entry cannot fail.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

struct ipc_entry {
	union {
		struct ipc_port *ie_port; /* SEND, RECEIVE, SEND_ONCE */
		struct ipc_pset *ie_pset; /* PORT_SET */
	};
	uint32_t ie_type;    /* MACH_PORT_TYPE_ bits; 0: free */
	uint32_t ie_request; /* slot of a dead-name or send-possible request, 0: none; free:
				previous */
	uint32_t ie_next;    /* next of the hash chain; free: next of the list */
	uint16_t ie_urefs;
	uint8_t ie_gen;		    /* of the name in use or, if free, of the next one */
	uint8_t ie_roll : 2;	    /* selects after how many uses the generation starts over */
	uint8_t ie_had_receive : 1; /* the receive right was here: Mach's LABELH bit [3] */
	uint8_t ie_boosts : 1;	    /* SEND_ONCE: this right holds a boost of the task */
	uint8_t ie_windows : 1;	    /* a thread of the task may have a window for this name */
	uint8_t ie_reply : 1;	    /* or a promise to reply to it (ipc_reply.h) */
	uint8_t ie_lent : 1; /* set aside for the reply right of a lent message (ipc_loan.h) */
};

/* The first size of a table. It grows up to a limit, at most 24 bits of index. */
#define IPC_ENTRIES_FIRST 16

/* The entry of a name, or NULL if that name is not in use. */
struct ipc_entry *ipc_entry_lookup(struct ipc_space *space, mach_port_name_t name);

/* The entry of a name that is lent. */
struct ipc_entry *ipc_entry_lent(struct ipc_space *space, mach_port_name_t name);

/* The name of an entry in use, or lent. */
mach_port_name_t ipc_entry_name(const struct ipc_space *space, const struct ipc_entry *entry);

/*
 * Is there an entry to spare for a lent message? A small table grows for that, and may move as
 * below.
 */
bool ipc_entry_spare(struct ipc_host *host, struct ipc_space *space);

/*
 * Make sure a free entry exists, if need be by settling loans. KERN_NO_SPACE: the table is
 * at its limit, or by 7/8 full of send rights [2]. KERN_RESOURCE_SHORTAGE: no memory. May move the
 * table: entry pointers held before are invalid.
 */
kern_return_t ipc_entry_reserve(struct ipc_host *host, struct ipc_space *space);

/* The same for `count` entries; on failure there may be fewer. */
kern_return_t ipc_entry_reserve_many(struct ipc_host *host, struct ipc_space *space,
				     unsigned count);

/* Take the free entry that was reserved; its type is 0 until the caller sets it. Cannot fail. */
struct ipc_entry *ipc_entry_claim(struct ipc_space *space, mach_port_name_t *name);

/*
 * Take the entry for a name of the caller's choice. KERN_NO_SPACE, first of all: no such index.
 * KERN_INVALID_VALUE: low bits not set. KERN_FAILURE: index 0, or in use with another generation.
 * KERN_NAME_EXISTS: in use, *entryp is that entry. KERN_RESOURCE_SHORTAGE: as above.
 */
kern_return_t ipc_entry_claim_name(struct ipc_host *host, struct ipc_space *space,
				   mach_port_name_t name, struct ipc_entry **entryp);

/* The rights of an entry in use change: MACH_PORT_TYPE_ bits. */
void ipc_entry_set_type(struct ipc_space *space, struct ipc_entry *entry, uint32_t type);

/* Give an entry back: its name is gone. It must not be in the hash any more. */
void ipc_entry_free(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry);

/* Put an entry with a send or receive right into the reverse hash, or take it out. */
void ipc_hash_insert(struct ipc_space *space, struct ipc_entry *entry);
void ipc_hash_delete(struct ipc_space *space, struct ipc_entry *entry);

/* The entry under which the space holds send or receive rights to the port, or NULL. */
struct ipc_entry *ipc_hash_lookup(struct ipc_space *space, const struct ipc_port *port);
