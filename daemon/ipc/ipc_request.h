/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to hear of a port's death or of room in its queue, one for a name at most [14.2]. They
 * live in a table of the port; an entry holds the number of its slot, from 1. A slot whose right
 * was used up stays with its entry, empty.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

/* What is asked for, and when it is told. */
enum ipc_request_kind {
	IPC_REQUEST_DEAD_NAME,	   /* the port's death only */
	IPC_REQUEST_SEND_POSSIBLE, /* also room in its queue, once a send found none (it is armed)
				    */
	IPC_REQUEST_ARMED,	   /* also room in its queue, armed from the beginning */
};

struct ipc_request {
	struct ipc_port *ir_notify; /* send-once right, NULL: used up, or free */
	mach_port_name_t ir_name;   /* in the space that asked */
	uint32_t ir_next;	    /* of the free slots */
	bool ir_used;
	bool ir_send_possible; /* else dead-name only */
	bool ir_armed;
	bool ir_told; /* the port died and the right was used to say so */
};

struct ipc_requests {
	struct ipc_request *rs_table;
	uint64_t *rs_bits;  /* a bit for each slot that is armed, */
	uint64_t *rs_words; /* and one for each word of those that is not 0; with rs_table */
	uint32_t rs_size;
	uint32_t rs_free;  /* first free slot + 1, 0: none */
	uint32_t rs_armed; /* how many are armed */
	uint32_t rs_told;  /* slots that were looked at since the port died */
};

/*
 * Take a slot for `name` and give it the send-once right `notify`; its number, from 1, or 0 when
 * there is no memory or the table is full (the right stays the caller's).
 */
uint32_t ipc_request_add(struct ipc_port *port, mach_port_name_t name, struct ipc_port *notify,
			 enum ipc_request_kind kind);

struct ipc_request *ipc_request_get(struct ipc_port *port, uint32_t slot);

/* Free a slot; the caller gets its send-once right, or NULL if that was used up. */
struct ipc_port *ipc_request_cancel(struct ipc_port *port, uint32_t slot);

/* Arm the send-possible request in a slot. False: it is none, or its right is used up. */
bool ipc_request_arm(struct ipc_port *port, uint32_t slot);

/* A message was received from the port: every armed request fires [14.3]. */
void ipc_request_send_possible(struct ipc_host *host, struct ipc_port *port);

/*
 * A request in this slot is one that the port's death uses up, or has used up: the dead name gets a
 * user reference for it. Not so an empty slot.
 */
bool ipc_request_counts(struct ipc_port *port, uint32_t slot);

/*
 * The port died: requests are told, in table order, some in each call and none twice. True when all
 * have been.
 */
bool ipc_request_dead(struct ipc_host *host, struct ipc_port *port);
