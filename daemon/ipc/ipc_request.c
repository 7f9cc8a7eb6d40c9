/* SPDX-License-Identifier: Apache-2.0 */
/* The request table of a port. */
#include "daemon/ipc/ipc_request.h"

#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_notify.h"
#include "daemon/ipc/ipc_port.h"

#define FIRST_SIZE     2
#define SIZE_MAX_SLOTS 131072 /* of one port's table */

static bool grow(struct ipc_requests *requests)
{
	uint32_t size = requests->rs_size ? requests->rs_size * 2 : FIRST_SIZE;
	struct ipc_request *table;

	if (size > SIZE_MAX_SLOTS)
		return false;
	table = mem_alloc_array(size, sizeof *table);
	if (!table)
		return false;
	if (requests->rs_size)
		memcpy(table, requests->rs_table, requests->rs_size * sizeof *table);
	for (uint32_t i = size; i > requests->rs_size; i--) {
		table[i - 1].ir_next = requests->rs_free;
		requests->rs_free = i;
	}
	mem_free(requests->rs_table);
	requests->rs_table = table;
	requests->rs_size = size;
	return true;
}

uint32_t ipc_request_add(struct ipc_port *port, mach_port_name_t name, struct ipc_port *notify,
			 bool send_possible, bool armed)
{
	struct ipc_requests *requests = &port->ip_requests;
	struct ipc_request *request;
	uint32_t slot;

	if (!requests->rs_free && !grow(requests))
		return 0;
	slot = requests->rs_free;
	request = &requests->rs_table[slot - 1];
	requests->rs_free = request->ir_next;
	*request = (struct ipc_request){.ir_notify = notify,
					.ir_name = name,
					.ir_used = true,
					.ir_send_possible = send_possible,
					.ir_armed = armed};
	requests->rs_armed += armed;
	return slot;
}

struct ipc_request *ipc_request_get(struct ipc_port *port, uint32_t slot)
{
	return slot ? &port->ip_requests.rs_table[slot - 1] : NULL;
}

struct ipc_port *ipc_request_cancel(struct ipc_port *port, uint32_t slot)
{
	struct ipc_requests *requests = &port->ip_requests;
	struct ipc_request *request = ipc_request_get(port, slot);
	struct ipc_port *notify = request->ir_notify;

	requests->rs_armed -= request->ir_armed;
	*request = (struct ipc_request){.ir_next = requests->rs_free};
	requests->rs_free = slot;
	return notify;
}

bool ipc_request_arm(struct ipc_port *port, uint32_t slot)
{
	struct ipc_request *request = ipc_request_get(port, slot);

	if (!request || !request->ir_send_possible || !request->ir_notify)
		return false;
	port->ip_requests.rs_armed += !request->ir_armed;
	request->ir_armed = true;
	return true;
}

void ipc_request_send_possible(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_requests *requests = &port->ip_requests;

	for (uint32_t i = 0; requests->rs_armed && i < requests->rs_size; i++) {
		struct ipc_request *request = &requests->rs_table[i];
		struct ipc_port *notify = request->ir_notify;

		if (!request->ir_armed)
			continue;
		request->ir_armed = false;
		request->ir_notify = NULL;
		requests->rs_armed--;
		ipc_notify_send_possible(host, notify, request->ir_name);
	}
}

bool ipc_request_counts(struct ipc_port *port, uint32_t slot)
{
	const struct ipc_request *request = ipc_request_get(port, slot);

	return request && (request->ir_notify || request->ir_told);
}

void ipc_request_dead(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_requests *requests = &port->ip_requests;

	for (uint32_t i = 0; i < requests->rs_size; i++) {
		struct ipc_request *request = &requests->rs_table[i];
		struct ipc_port *notify = request->ir_notify;

		if (!notify)
			continue;
		request->ir_notify = NULL;
		request->ir_told = true;
		ipc_notify_dead_name(host, notify, request->ir_name);
	}
}
