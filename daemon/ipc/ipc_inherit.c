/* SPDX-License-Identifier: Apache-2.0 */
/* Inherits: made when a message is received, kept by vouchers. */
#include "daemon/ipc/ipc_inherit.h"

#include <mach/mach_voucher_types.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/voucher_attr.h"

#define KEY_SIZE (3 * sizeof(uint64_t)) /* both ids, and the depth */

static struct ipc_inherit *find(struct ipc_host *host, uint64_t from, uint64_t to, uint64_t depth)
{
	const uint64_t key[] = {from, to, depth};
	struct ipc_inherit *inherit;

	HASH_FIND(hh, host->h_inherits, key, KEY_SIZE, inherit);
	return inherit;
}

struct ipc_inherit *ipc_inherit_find(struct ipc_host *host, struct ipc_voucher_value value)
{
	struct voucher_importance importance = {0};

	if (value.v_size)
		memcpy(&importance, value.v_bytes, sizeof importance);
	return importance.vi_from
		       ? find(host, importance.vi_from, importance.vi_task, importance.vi_depth)
		       : NULL;
}

uint32_t ipc_inherit_boosts(const struct ipc_inherit *inherit)
{
	return inherit->in_received - inherit->in_dropped;
}

void ipc_inherit_raised(struct ipc_host *host, const struct ipc_inherit *inherit)
{
	int64_t boosts = ipc_inherit_boosts(inherit);

	if (boosts)
		ipc_source_inherits(host, inherit->in_to,
				    inherit->in_donation.dn_raised ? boosts : -boosts);
}

/* Boosts more or fewer: they count if the source is important. */
static void count(struct ipc_host *host, const struct ipc_inherit *inherit, int64_t delta)
{
	if (inherit->in_donation.dn_raised)
		ipc_source_inherits(host, inherit->in_to, delta);
}

/* The end of one; what it goes back to, or NULL. */
static struct ipc_inherit *end(struct ipc_host *host, struct ipc_inherit *inherit)
{
	struct ipc_inherit *via = inherit->in_via;

	ipc_source_unfollow(&inherit->in_donation);
	ipc_source_put(inherit->in_to);
	HASH_DEL(host->h_inherits, inherit);
	mem_free(inherit);
	if (via)
		via->in_heirs--;
	return via;
}

/* The end of one that nobody has and no other goes back to, and of those that it kept. */
static void end_unused(struct ipc_host *host, struct ipc_inherit *inherit)
{
	while (inherit && host->h_inherits && inherit->in_vouchers == 0 && inherit->in_heirs == 0)
		inherit = end(host, inherit);
}

/* One that no voucher has yet; NULL: no memory. */
static struct ipc_inherit *begin(struct ipc_host *host, struct ipc_source *from,
				 struct ipc_source *to, struct ipc_inherit *via, uint64_t depth)
{
	struct ipc_inherit *inherit = mem_alloc(sizeof *inherit);

	if (!inherit)
		return NULL;
	inherit->in_from_id = from->so_id;
	inherit->in_to_id = to->so_id;
	inherit->in_depth = depth;
	HASH_ADD(hh, host->h_inherits, in_from_id, KEY_SIZE, inherit);
	if (!inherit->hh.tbl) {
		mem_free(inherit);
		return NULL;
	}
	inherit->in_donation.dn_inherited = true;
	inherit->in_to = to;
	to->so_refs++;
	inherit->in_via = via;
	if (via)
		via->in_heirs++;
	ipc_source_follow(host, from, &inherit->in_donation);
	return inherit;
}

void ipc_inherit_voucher_made(struct ipc_host *host, const struct ipc_voucher *voucher)
{
	struct ipc_inherit *inherit = ipc_inherit_find(
		host, ipc_voucher_value(voucher, MACH_VOUCHER_ATTR_KEY_IMPORTANCE));

	if (inherit)
		inherit->in_vouchers++;
}

void ipc_inherit_voucher_gone(struct ipc_host *host, const struct ipc_voucher *voucher)
{
	struct ipc_inherit *inherit = ipc_inherit_find(
		host, ipc_voucher_value(voucher, MACH_VOUCHER_ATTR_KEY_IMPORTANCE));

	if (!inherit || --inherit->in_vouchers)
		return;
	count(host, inherit, -(int64_t)ipc_inherit_boosts(inherit));
	inherit->in_received = inherit->in_dropped = 0;
	end_unused(host, inherit);
}

/* A voucher as the old one (may be NULL), its importance another: this inherit, or none (NULL). */
static struct ipc_port *voucher_with(struct ipc_host *host, struct ipc_account *payer,
				     const struct ipc_voucher *old,
				     const struct ipc_inherit *inherit)
{
	struct ipc_voucher_value values[IPC_VOUCHER_KEYS] = {{NULL, 0}};
	struct voucher_importance importance;

	for (uint32_t key = 1; old && key <= IPC_VOUCHER_KEYS; key++)
		values[key - 1] = ipc_voucher_value(old, key);
	values[MACH_VOUCHER_ATTR_KEY_IMPORTANCE - 1] = VOUCHER_DEFAULT;
	if (inherit) {
		importance = (struct voucher_importance){.vi_task = inherit->in_to_id,
							 .vi_pid = inherit->in_to->so_pid,
							 .vi_depth = (uint32_t)inherit->in_depth,
							 .vi_from = inherit->in_from_id};
		values[MACH_VOUCHER_ATTR_KEY_IMPORTANCE - 1] =
			(struct ipc_voucher_value){(const uint8_t *)&importance, sizeof importance};
	}
	return ipc_voucher_find(host, payer, values);
}

/* The message's voucher is another one from now on. */
static void replace(struct ipc_host *host, struct ikm_header *header, struct ipc_port *port)
{
	struct ipc_port *old = header->ikm_voucher;

	header->ikm_voucher = port;
	if (old)
		ipc_port_release_send(host, old);
}

/* What came with the message gives nothing, so its voucher says nothing. */
static bool strip(struct ipc_host *host, const struct ipc_task *task, struct ikm_header *header)
{
	struct ipc_voucher *old = header->ikm_voucher->ip_voucher;
	struct ipc_port *port;

	if (!ipc_voucher_value(old, MACH_VOUCHER_ATTR_KEY_IMPORTANCE).v_size)
		return true;
	port = voucher_with(host, task->t_account, old, NULL);
	if (port)
		replace(host, header, port);
	return port;
}

/* What the message's sender had inherited and sent along; or NULL. */
static struct ipc_inherit *via_of(struct ipc_host *host, const struct ipc_kmsg *kmsg)
{
	const struct ipc_port *voucher = kmsg->ikm_header.ikm_voucher;
	struct ipc_inherit *inherit;

	if (!voucher)
		return NULL;
	inherit = ipc_inherit_find(
		host, ipc_voucher_value(voucher->ip_voucher, MACH_VOUCHER_ATTR_KEY_IMPORTANCE));
	return inherit && inherit->in_to == kmsg->ikm_donation.dn_source ? inherit : NULL;
}

bool ipc_inherit_due(struct ipc_host *host, const struct ipc_task *task,
		     const struct ipc_kmsg *kmsg)
{
	const struct ipc_source *from = kmsg->ikm_donation.dn_source;

	return from && (from != task->t_source || via_of(host, kmsg));
}

/* The inherit that is due, which may be new; NULL: no memory. */
static struct ipc_inherit *heir(struct ipc_host *host, struct ipc_source *from,
				struct ipc_source *to, struct ipc_inherit *via)
{
	uint64_t depth = 1;
	struct ipc_inherit *inherit;

	if (via && from == to)
		return via;
	if (via && (via->in_depth & IPC_INHERIT_DEPTH_MASK) == IPC_INHERIT_DEPTH_MAX) {
		depth = IPC_INHERIT_ANEW | 1;
		via = NULL;
	} else if (via) {
		depth = via->in_depth + 1;
	}
	inherit = find(host, from->so_id, to->so_id, depth);
	return inherit ? inherit : begin(host, from, to, via, depth);
}

bool ipc_inherit_take(struct ipc_host *host, struct ipc_task *task, struct ipc_kmsg *kmsg)
{
	struct ikm_header *header = &kmsg->ikm_header;
	struct ipc_inherit *inherit;
	struct ipc_port *port;

	if (!ipc_inherit_due(host, task, kmsg))
		return strip(host, task, header);
	inherit = heir(host, kmsg->ikm_donation.dn_source, task->t_source, via_of(host, kmsg));
	if (!inherit)
		return false;
	port = voucher_with(host, task->t_account,
			    header->ikm_voucher ? header->ikm_voucher->ip_voucher : NULL, inherit);
	if (!port) {
		end_unused(host, inherit);
		return false;
	}
	replace(host, header, port);
	header->ikm_voucher_type = MACH_MSG_TYPE_MOVE_SEND;
	inherit->in_received++;
	count(host, inherit, 1);
	ipc_importance_clean(host, kmsg);
	return true;
}

kern_return_t ipc_inherit_drop(struct ipc_host *host, struct ipc_inherit *inherit, uint32_t boosts)
{
	if (boosts > ipc_inherit_boosts(inherit))
		return KERN_FAILURE;
	inherit->in_dropped += boosts;
	count(host, inherit, -(int64_t)boosts);
	return KERN_SUCCESS;
}

void ipc_inherit_describe(const struct ipc_inherit *inherit, char text[IPC_INHERIT_TEXT])
{
	size_t used = (size_t)snprintf(text, IPC_INHERIT_TEXT, "importance of ");

	for (; inherit && used < IPC_INHERIT_TEXT; inherit = inherit->in_via) {
		uint32_t boosts = ipc_inherit_boosts(inherit);
		bool counts = boosts && inherit->in_donation.dn_raised;

		used += (size_t)snprintf(text + used, IPC_INHERIT_TEXT - used,
					 "pid %d (%u of %u boosts, %s) from ",
					 inherit->in_to->so_pid, boosts, inherit->in_received,
					 counts ? "donated" : "linked");
		if (!inherit->in_via && used < IPC_INHERIT_TEXT)
			used += (size_t)snprintf(text + used, IPC_INHERIT_TEXT - used, "pid %d",
						 inherit->in_donation.dn_source->so_pid);
	}
}
