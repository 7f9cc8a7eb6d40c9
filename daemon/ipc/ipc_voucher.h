/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vouchers: immutable sets of attributes, which programs know as send rights and messages carry in
 * their headers [23]. There is one voucher for each set: whoever makes the same again gets the same
 * port. It ends with its last send right.
 *
 *   ipc_voucher.c     the objects and the table of them by content
 *   voucher_recipe.c  making one from recipes, or from one that is being sent or received
 *   voucher_attr.c    what the attributes do with commands (voucher_attr.h)
 *   voucher_bank.c    the bank attribute: who works for whom, under which persona
 */
#pragma once

#include "daemon/base/hash.h"
#include "daemon/ipc/ipc_types.h"

/* Keys are 1 to this; a voucher has at most one value for each. */
#define IPC_VOUCHER_KEYS 8

/* A value of an attribute; 0 bytes: the default. */
struct ipc_voucher_value {
	const uint8_t *v_bytes;
	uint32_t v_size;
};

struct ipc_voucher {
	struct ipc_port *iv_port; /* which holds it */
	size_t iv_size;		  /* bytes from iv_sizes on: the key of the table */
	UT_hash_handle hh;
	uint32_t iv_sizes[IPC_VOUCHER_KEYS]; /* of the values, which follow one another */
	uint8_t iv_bytes[];
};

/* --- ipc_voucher.c --- */

/* The value of a key from 1 to IPC_VOUCHER_KEYS, valid as long as the voucher. */
struct ipc_voucher_value ipc_voucher_value(const struct ipc_voucher *voucher, uint32_t key);

/*
 * A send right to the voucher with these values, one for each key from 1 on; it is made, and
 * charged to `user`, if there is none. NULL: no memory, or the user is at a limit.
 */
struct ipc_port *ipc_voucher_find(struct ipc_host *host, struct ipc_account *payer,
				  const struct ipc_voucher_value values[IPC_VOUCHER_KEYS]);

/* The last send right to its port is gone, and the voucher with it. */
void ipc_voucher_orphaned(struct ipc_host *host, struct ipc_port *port);

/* The voucher behind a send right under a name of the space, or NULL. */
struct ipc_voucher *ipc_voucher_lookup(struct ipc_space *space, mach_port_name_t name);

/*
 * The voucher as a pthread priority word, its quality of service (ipc_qos_of) and relative priority
 * in canonical form; 0 if it says nothing about priority [18].
 */
uint32_t ipc_voucher_priority(const struct ipc_voucher *voucher);

/* The persona that a task would work under with this voucher; 0: none. */
uint32_t ipc_voucher_persona(const struct ipc_voucher *voucher, const struct ipc_task *task);

/* --- voucher_recipe.c --- */

/*
 * Run packed recipes (struct mach_voucher_attr_recipe_data) for a task; *port is a send right, NULL
 * if there are no recipes. KERN_INVALID_ARGUMENT: one is cut short, or is for a key or has a
 * command or content that does not exist. KERN_INVALID_CAPABILITY: its previous voucher is none, or
 * the caller may not do that. KERN_NO_ACCESS. KERN_RESOURCE_SHORTAGE: no memory, or at a limit.
 */
kern_return_t ipc_voucher_create(struct ipc_host *host, const struct ipc_task *task,
				 const uint8_t *recipes, size_t size, struct ipc_port **port);

/*
 * What becomes of a voucher when `task` sends it (MACH_VOUCHER_ATTR_SEND_PREPROCESS) or has
 * received it (MACH_VOUCHER_ATTR_AUTO_REDEEM): a send right to it or to another. NULL as above.
 */
struct ipc_port *ipc_voucher_process(struct ipc_host *host, const struct ipc_task *task,
				     struct ipc_voucher *voucher, uint32_t command);

/*
 * The content of one attribute of a voucher, or a recipe with that content, or the recipes of all,
 * in *size bytes of room; *size is what it takes, 0 for the default and for keys that do not exist.
 * KERN_NO_SPACE: not enough room. KERN_INVALID_VALUE: no room at all for a priority.
 */
kern_return_t ipc_voucher_extract_content(struct ipc_host *host, const struct ipc_voucher *voucher,
					  const struct ipc_task *task, uint32_t key, uint8_t *bytes,
					  uint32_t *size);
kern_return_t ipc_voucher_extract_recipe(struct ipc_host *host, const struct ipc_voucher *voucher,
					 const struct ipc_task *task, uint32_t key, uint8_t *bytes,
					 uint32_t *size);
kern_return_t ipc_voucher_extract_all(struct ipc_host *host, const struct ipc_voucher *voucher,
				      const struct ipc_task *task, uint8_t *bytes, uint32_t *size);

/*
 * A command to an attribute, about its value in this voucher; room and size as above.
 * KERN_INVALID_ARGUMENT: no such key or command. KERN_FAILURE: it takes none. KERN_NO_SPACE.
 * KERN_INVALID_VALUE: not about the default. KERN_INVALID_OBJECT, KERN_NOT_SUPPORTED,
 * KERN_INVALID_TASK: the task that it is about is gone.
 */
kern_return_t ipc_voucher_command(struct ipc_host *host, const struct ipc_voucher *voucher,
				  const struct ipc_task *task, uint32_t key, uint32_t command,
				  struct ipc_voucher_value in, uint8_t *bytes, uint32_t *size);
