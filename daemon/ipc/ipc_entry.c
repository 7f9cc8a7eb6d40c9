/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: the table of entries, its free list and its growth.
 *
 * A new stretch of the table is put on the free list in lightly shuffled order; a freed entry goes
 * to the front. Its generation advances by one step at each reuse and starts again after 64, 48, 32
 * or 16 of them, drawn anew each time, so that a stale name is unlikely to mean something again.
 */
#include "daemon/ipc/ipc_entry.h"

#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_reply.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_window.h"

#define GEN_FIRST  0x03
#define GEN_STEP   0x04
#define NAME_BITS  0x03 /* set in every name */
#define SHUFFLE	   4	/* new indices are shuffled within groups of this size */
#define SPARE_SIZE 256	/* entries of a table that does not grow for what is lent */

static uint32_t index_of(mach_port_name_t name)
{
	return name >> 8;
}

static uint8_t gen_of(mach_port_name_t name)
{
	return name & 0xff;
}

static uint32_t entry_index(const struct ipc_space *space, const struct ipc_entry *entry)
{
	return (uint32_t)(entry - space->is_table);
}

struct ipc_entry *ipc_entry_lookup(struct ipc_space *space, mach_port_name_t name)
{
	struct ipc_entry *entry;

	if (index_of(name) == 0 || index_of(name) >= space->is_size)
		return NULL;
	entry = &space->is_table[index_of(name)];
	return entry->ie_type != 0 && entry->ie_gen == gen_of(name) ? entry : NULL;
}

struct ipc_entry *ipc_entry_lent(struct ipc_space *space, mach_port_name_t name)
{
	return &space->is_table[index_of(name)];
}

mach_port_name_t ipc_entry_name(const struct ipc_space *space, const struct ipc_entry *entry)
{
	return entry_index(space, entry) << 8 | entry->ie_gen;
}

/* The free list: ie_next and ie_request are its links, entry 0 is its head. */

static void free_list_insert_after(struct ipc_space *space, uint32_t at, uint32_t index)
{
	struct ipc_entry *table = space->is_table;

	table[index].ie_next = table[at].ie_next;
	table[index].ie_request = at;
	table[table[at].ie_next].ie_request = index;
	table[at].ie_next = index;
}

static void free_list_remove(struct ipc_space *space, uint32_t index)
{
	struct ipc_entry *table = space->is_table;

	table[table[index].ie_request].ie_next = table[index].ie_next;
	table[table[index].ie_next].ie_request = table[index].ie_request;
	table[index].ie_next = table[index].ie_request = 0;
}

/* The new entries [from, to) join the end of the list. */
static void free_list_extend(struct ipc_host *host, struct ipc_space *space, uint32_t from,
			     uint32_t to)
{
	for (uint32_t base = from; base < to; base += SHUFFLE) {
		uint32_t order[SHUFFLE], count = to - base < SHUFFLE ? to - base : SHUFFLE;

		for (uint32_t i = 0; i < count; i++)
			order[i] = base + i;
		for (uint32_t i = count; i > 1; i--) {
			uint32_t j = (uint32_t)(ipc_host_random(host) % i), swap = order[j];

			order[j] = order[i - 1];
			order[i - 1] = swap;
		}
		for (uint32_t i = 0; i < count; i++) {
			space->is_table[order[i]].ie_gen = GEN_FIRST;
			space->is_table[order[i]].ie_roll = ipc_host_random(host) & 3;
			free_list_insert_after(space, space->is_table[0].ie_request, order[i]);
		}
	}
}

/* A table with room for `size` entries; its hash has as many buckets, rounded up to a power of 2.
 */
static kern_return_t grow(struct ipc_host *host, struct ipc_space *space, uint32_t size)
{
	uint32_t old_size = space->is_size, buckets = IPC_ENTRIES_FIRST;
	struct ipc_entry *table;
	uint32_t *hash;

	while (buckets < size)
		buckets *= 2;
	if (!ipc_account_charge(host, space->is_account, IPC_CHARGE_NAMES, size - old_size))
		return KERN_RESOURCE_SHORTAGE;
	table = mem_alloc_array(size, sizeof *table);
	hash = mem_alloc_array(buckets, sizeof *hash);
	if (!table || !hash) {
		mem_free(table);
		mem_free(hash);
		ipc_account_discharge(space->is_account, IPC_CHARGE_NAMES, size - old_size);
		return KERN_RESOURCE_SHORTAGE;
	}
	if (old_size)
		memcpy(table, space->is_table, old_size * sizeof *table);
	mem_free(space->is_table);
	mem_free(space->is_hash);
	space->is_table = table;
	space->is_hash = hash;
	space->is_hash_mask = buckets - 1;
	space->is_size = size;
	for (uint32_t i = 1; i < old_size; i++)
		if (table[i].ie_type & MACH_PORT_TYPE_SEND_RECEIVE)
			ipc_hash_insert(space, &table[i]);
	free_list_extend(host, space, old_size ? old_size : 1, size);
	return KERN_SUCCESS;
}

/* Grow until index `needed` exists. */
static kern_return_t grow_to(struct ipc_host *host, struct ipc_space *space, uint32_t needed)
{
	uint64_t cap = host->h_limits.names_per_task;
	uint64_t size = space->is_size ? space->is_size : IPC_ENTRIES_FIRST / 2;

	if (needed >= cap)
		return KERN_NO_SPACE;
	do
		size *= 2;
	while (size <= needed);
	return grow(host, space, (uint32_t)(size < cap ? size : cap));
}

/*
 * Are `count` entries free? For Mach a table is also full when its reverse hash would be more than
 * 7/8 full. That holds names with only a send right, and each new entry may become one.
 */
static bool has_free(const struct ipc_space *space, unsigned count)
{
	uint32_t index = 0;

	if (count > 0 && space->is_sends + count > space->is_size * 7 / 8)
		return false;
	for (; count > 0; count--) {
		index = space->is_table[index].ie_next;
		if (index == 0)
			return false;
	}
	return true;
}

kern_return_t ipc_entry_reserve_many(struct ipc_host *host, struct ipc_space *space, unsigned count)
{
	kern_return_t kr = KERN_SUCCESS;

	/* Take back entries set aside for loans before the table grows. */
	if (space->is_task && !has_free(space, count))
		ipc_loan_settle_task(host, space->is_task);
	while (kr == KERN_SUCCESS && !has_free(space, count))
		kr = grow_to(host, space, space->is_size);
	return kr;
}

/* As long as the table is small, and its user's are not half of what they may be. */
static bool grows_for_loans(const struct ipc_host *host, const struct ipc_space *space)
{
	const struct ipc_account *account = space->is_account;
	uint64_t names = account->ac_user->u_held[IPC_CHARGE_NAMES];

	return space->is_size < SPARE_SIZE &&
	       ipc_account_fits(host, account, IPC_CHARGE_NAMES, names + SPARE_SIZE);
}

bool ipc_entry_spare(struct ipc_host *host, struct ipc_space *space)
{
	while (!has_free(space, 1))
		if (!grows_for_loans(host, space) ||
		    grow_to(host, space, space->is_size) != KERN_SUCCESS)
			return false;
	return true;
}

kern_return_t ipc_entry_reserve(struct ipc_host *host, struct ipc_space *space)
{
	return ipc_entry_reserve_many(host, space, 1);
}

static struct ipc_entry *claim(struct ipc_space *space, uint32_t index)
{
	free_list_remove(space, index);
	space->is_used++;
	if (space->is_used > space->is_peak)
		space->is_peak = space->is_used;
	return &space->is_table[index];
}

struct ipc_entry *ipc_entry_claim(struct ipc_space *space, mach_port_name_t *name)
{
	struct ipc_entry *entry = claim(space, space->is_table[0].ie_next);

	*name = ipc_entry_name(space, entry);
	return entry;
}

kern_return_t ipc_entry_claim_name(struct ipc_host *host, struct ipc_space *space,
				   mach_port_name_t name, struct ipc_entry **entryp)
{
	uint32_t index = index_of(name);
	struct ipc_entry *entry;
	kern_return_t kr;

	if (index >= host->h_limits.names_per_task)
		return KERN_NO_SPACE;
	if ((name & NAME_BITS) != NAME_BITS)
		return KERN_INVALID_VALUE;
	if (index == 0)
		return KERN_FAILURE;
	if (index >= space->is_size) {
		kr = grow_to(host, space, index);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	entry = &space->is_table[index];
	if (entry->ie_lent)
		ipc_loan_settle_task(host, space->is_task);
	*entryp = entry;
	if (entry->ie_type != 0)
		return entry->ie_gen == gen_of(name) ? KERN_NAME_EXISTS : KERN_FAILURE;
	entry->ie_gen = gen_of(name);
	claim(space, index);
	return KERN_SUCCESS;
}

void ipc_entry_set_type(struct ipc_space *space, struct ipc_entry *entry, uint32_t type)
{
	for (unsigned right = MACH_PORT_RIGHT_SEND; right <= MACH_PORT_RIGHT_DEAD_NAME; right++) {
		space->is_rights[right] += (type & MACH_PORT_TYPE(right)) != 0;
		space->is_rights[right] -= (entry->ie_type & MACH_PORT_TYPE(right)) != 0;
	}
	space->is_sends += type == MACH_PORT_TYPE_SEND;
	space->is_sends -= entry->ie_type == MACH_PORT_TYPE_SEND;
	entry->ie_type = type;
}

static uint8_t next_gen(struct ipc_host *host, struct ipc_entry *entry)
{
	unsigned uses = 64 - 16 * entry->ie_roll;

	if (entry->ie_gen / GEN_STEP + 1u < uses)
		return entry->ie_gen + GEN_STEP;
	entry->ie_roll = ipc_host_random(host) & 3;
	return GEN_FIRST;
}

void ipc_entry_free(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry)
{
	ipc_importance_entry_gone(host, space, entry);
	ipc_window_name_gone(host, space, entry);
	ipc_reply_name_gone(host, space, entry);
	entry->ie_port = NULL;
	ipc_entry_set_type(space, entry, 0);
	entry->ie_urefs = 0;
	entry->ie_had_receive = false;
	entry->ie_gen = next_gen(host, entry);
	space->is_used--;
	free_list_insert_after(space, 0, entry_index(space, entry));
}

/* The reverse hash: is_hash[bucket] is an index, chained through ie_next; 0 ends a chain. */

static uint32_t *bucket_of(struct ipc_space *space, const struct ipc_port *port)
{
	/* Multiplied by a random odd number of the space, so that a client cannot choose
	 * collisions. */
	uint64_t mixed = port->ip_id * space->is_hash_factor;

	return &space->is_hash[(mixed >> 32) & space->is_hash_mask];
}

void ipc_hash_insert(struct ipc_space *space, struct ipc_entry *entry)
{
	uint32_t *bucket = bucket_of(space, entry->ie_port);

	entry->ie_next = *bucket;
	*bucket = entry_index(space, entry);
}

void ipc_hash_delete(struct ipc_space *space, struct ipc_entry *entry)
{
	uint32_t *link = bucket_of(space, entry->ie_port);
	uint32_t index = entry_index(space, entry);

	while (*link != index)
		link = &space->is_table[*link].ie_next;
	*link = entry->ie_next;
	entry->ie_next = 0;
}

struct ipc_entry *ipc_hash_lookup(struct ipc_space *space, const struct ipc_port *port)
{
	uint32_t index = *bucket_of(space, port);

	while (index != 0 && space->is_table[index].ie_port != port)
		index = space->is_table[index].ie_next;
	return index ? &space->is_table[index] : NULL;
}
