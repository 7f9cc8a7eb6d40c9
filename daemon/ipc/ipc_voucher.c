/* SPDX-License-Identifier: Apache-2.0 */
/* Vouchers: creation, the table by content, destruction, and queries. */
#include "daemon/ipc/ipc_voucher.h"

#include <mach/mach_voucher_types.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_inherit.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/voucher_attr.h"

struct ipc_voucher_value ipc_voucher_value(const struct ipc_voucher *voucher, uint32_t key)
{
	const uint8_t *bytes = voucher->iv_bytes;

	for (uint32_t i = 1; i < key; i++)
		bytes += voucher->iv_sizes[i - 1];
	return (struct ipc_voucher_value){bytes, voucher->iv_sizes[key - 1]};
}

/* The values as the table keeps them; sizes are bounded by what one frame can carry. */
static struct ipc_voucher *pack(const struct ipc_voucher_value values[IPC_VOUCHER_KEYS])
{
	struct ipc_voucher *voucher;
	size_t size = 0;
	uint8_t *at;

	for (unsigned i = 0; i < IPC_VOUCHER_KEYS; i++)
		size += values[i].v_size;
	voucher = mem_alloc(sizeof *voucher + size);
	if (!voucher)
		return NULL;
	voucher->iv_size = sizeof voucher->iv_sizes + size;
	at = voucher->iv_bytes;
	for (unsigned i = 0; i < IPC_VOUCHER_KEYS; i++) {
		voucher->iv_sizes[i] = values[i].v_size;
		if (values[i].v_size)
			memcpy(at, values[i].v_bytes, values[i].v_size);
		at += values[i].v_size;
	}
	return voucher;
}

/* Give a voucher its port and enter it; false: no memory, or at a limit. */
static bool publish(struct ipc_host *host, struct ipc_account *payer, struct ipc_voucher *voucher)
{
	if (!ipc_account_charge(host, payer, IPC_CHARGE_VOUCHERS, 1))
		return false;
	voucher->iv_port = ipc_port_create(host, payer);
	if (voucher->iv_port) {
		HASH_ADD_KEYPTR(hh, host->h_vouchers, voucher->iv_sizes, voucher->iv_size, voucher);
		if (voucher->hh.tbl) {
			voucher->iv_port->ip_kind = IP_VOUCHER;
			voucher->iv_port->ip_place = IP_IN_DAEMON;
			voucher->iv_port->ip_voucher = voucher;
			ipc_inherit_voucher_made(host, voucher);
			return true;
		}
		ipc_port_destroy(host, voucher->iv_port);
	}
	ipc_account_discharge(payer, IPC_CHARGE_VOUCHERS, 1);
	return false;
}

struct ipc_port *ipc_voucher_find(struct ipc_host *host, struct ipc_account *payer,
				  const struct ipc_voucher_value values[IPC_VOUCHER_KEYS])
{
	struct ipc_voucher *voucher = pack(values), *same;

	if (!voucher)
		return NULL;
	HASH_FIND(hh, host->h_vouchers, voucher->iv_sizes, voucher->iv_size, same);
	if (same || !publish(host, payer, voucher)) {
		mem_free(voucher);
		voucher = same;
	}
	return voucher ? ipc_port_make_send(voucher->iv_port) : NULL;
}

void ipc_voucher_orphaned(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_voucher *voucher = port->ip_voucher;

	HASH_DEL(host->h_vouchers, voucher);
	ipc_inherit_voucher_gone(host, voucher);
	ipc_account_discharge(port->ip_account, IPC_CHARGE_VOUCHERS, 1);
	port->ip_voucher = NULL;
	mem_free(voucher);
	ipc_port_destroy(host, port);
}

struct ipc_voucher *ipc_voucher_lookup(struct ipc_space *space, mach_port_name_t name)
{
	const struct ipc_entry *entry = ipc_entry_lookup(space, name);

	return entry && (entry->ie_type & MACH_PORT_TYPE_SEND) ? entry->ie_port->ip_voucher : NULL;
}

uint32_t ipc_voucher_priority(const struct ipc_voucher *voucher)
{
	struct ipc_voucher_value value =
		ipc_voucher_value(voucher, MACH_VOUCHER_ATTR_KEY_PTHPRIORITY);
	uint32_t priority = 0;

	if (value.v_size)
		memcpy(&priority, value.v_bytes, sizeof priority);
	return priority;
}
