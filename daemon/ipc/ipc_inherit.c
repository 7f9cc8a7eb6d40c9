/* SPDX-License-Identifier: Apache-2.0 */
/* Inherits: made when a message is received, kept by vouchers. */
#include "daemon/ipc/ipc_inherit.h"

#include <mach/mach_voucher_types.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/voucher_attr.h"

#define KEY_SIZE (2 * sizeof(uint64_t)) /* both ids */

static struct ipc_inherit *find(struct ipc_host *host, uint64_t from, uint64_t to)
{
	const uint64_t key[] = {from, to};
	struct ipc_inherit *inherit;

	HASH_FIND(hh, host->h_inherits, key, KEY_SIZE, inherit);
	return inherit;
}

struct ipc_inherit *ipc_inherit_find(struct ipc_host *host, struct ipc_voucher_value value)
{
	struct voucher_importance importance = {0};

	if (value.v_size)
		memcpy(&importance, value.v_bytes, sizeof importance);
	return importance.vi_from ? find(host, importance.vi_from, importance.vi_task) : NULL;
}

static void count(struct ipc_host *host, const struct ipc_inherit *inherit, int64_t delta)
{
	ipc_importance_count_task(host, inherit->in_to->so_task, delta);
}

void ipc_inherit_raised(struct ipc_host *host, const struct ipc_inherit *inherit)
{
	int64_t boosts = inherit->in_boosts;

	count(host, inherit, inherit->in_donation.dn_raised ? boosts : -boosts);
}

/* One that no voucher has. */
static void end(struct ipc_host *host, struct ipc_inherit *inherit)
{
	ipc_source_raise(host, &inherit->in_donation, false);
	ipc_source_unfollow(&inherit->in_donation);
	ipc_source_put(inherit->in_to);
	HASH_DEL(host->h_inherits, inherit);
	mem_free(inherit);
}

/* One that no voucher has yet; NULL: no memory. */
static struct ipc_inherit *begin(struct ipc_host *host, struct ipc_source *from,
				 struct ipc_source *to)
{
	struct ipc_inherit *inherit = mem_alloc(sizeof *inherit);

	if (!inherit)
		return NULL;
	inherit->in_from_id = from->so_id;
	inherit->in_to_id = to->so_id;
	HASH_ADD(hh, host->h_inherits, in_from_id, KEY_SIZE, inherit);
	if (!inherit->hh.tbl) {
		mem_free(inherit);
		return NULL;
	}
	inherit->in_donation.dn_inherited = true;
	inherit->in_to = to;
	to->so_refs++;
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

	if (inherit && --inherit->in_vouchers == 0)
		end(host, inherit);
}

/* A voucher as the old one (may be NULL), its importance another: an inherit, or none. */
static struct ipc_port *voucher_with(struct ipc_host *host, struct ipc_account *payer,
				     const struct ipc_voucher *old, const struct ipc_source *from,
				     const struct ipc_source *to)
{
	struct ipc_voucher_value values[IPC_VOUCHER_KEYS] = {{NULL, 0}};
	struct voucher_importance importance = {.vi_task = to->so_id, .vi_pid = to->so_pid};

	for (uint32_t key = 1; old && key <= IPC_VOUCHER_KEYS; key++)
		values[key - 1] = ipc_voucher_value(old, key);
	values[MACH_VOUCHER_ATTR_KEY_IMPORTANCE - 1] = VOUCHER_DEFAULT;
	if (from) {
		importance.vi_from = from->so_id;
		importance.vi_from_pid = from->so_pid;
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
	port = voucher_with(host, task->t_account, old, NULL, task->t_source);
	if (port)
		replace(host, header, port);
	return port;
}

bool ipc_inherit_due(const struct ipc_task *task, const struct ipc_kmsg *kmsg)
{
	const struct ipc_source *from = kmsg->ikm_donation.dn_source;

	return from && from != task->t_source;
}

bool ipc_inherit_take(struct ipc_host *host, struct ipc_task *task, struct ipc_kmsg *kmsg)
{
	struct ikm_header *header = &kmsg->ikm_header;
	struct ipc_source *from = kmsg->ikm_donation.dn_source, *to = task->t_source;
	struct ipc_inherit *inherit;
	struct ipc_port *port;

	if (!ipc_inherit_due(task, kmsg))
		return strip(host, task, header);
	inherit = find(host, from->so_id, to->so_id);
	if (!inherit)
		inherit = begin(host, from, to);
	if (!inherit)
		return false;
	port = voucher_with(host, task->t_account,
			    header->ikm_voucher ? header->ikm_voucher->ip_voucher : NULL, from, to);
	if (!port) {
		if (inherit->in_vouchers == 0)
			end(host, inherit);
		return false;
	}
	replace(host, header, port);
	header->ikm_voucher_type = MACH_MSG_TYPE_MOVE_SEND;
	inherit->in_boosts++;
	if (inherit->in_donation.dn_raised)
		count(host, inherit, 1);
	ipc_importance_clean(host, kmsg);
	return true;
}

kern_return_t ipc_inherit_drop(struct ipc_host *host, struct ipc_inherit *inherit, uint32_t boosts)
{
	if (!inherit->in_to->so_task)
		return KERN_INVALID_TASK;
	if (boosts > inherit->in_boosts)
		return KERN_FAILURE;
	inherit->in_boosts -= boosts;
	if (inherit->in_donation.dn_raised)
		count(host, inherit, -(int64_t)boosts);
	return KERN_SUCCESS;
}
