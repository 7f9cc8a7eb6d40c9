/* SPDX-License-Identifier: Apache-2.0 */
/* The request table of a port. */
#include "daemon/ipc/ipc_request.h"

#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_notify.h"
#include "daemon/ipc/ipc_port.h"

#define FIRST_SIZE     2
#define SIZE_MAX_SLOTS 131072 /* of one port's table */

/* What one step of telling a port's death may do. */
#define SLOTS_PER_STEP 256
#define TOLD_PER_STEP  4

#define BITS 64

static uint32_t words_for(uint32_t bits)
{
	return (bits + BITS - 1) / BITS;
}

static void set_armed(struct ipc_requests *requests, struct ipc_request *request, bool armed)
{
	uint32_t slot = (uint32_t)(request - requests->rs_table), word = slot / BITS;

	if (request->ir_armed == armed)
		return;
	request->ir_armed = armed;
	requests->rs_armed += armed ? 1 : -1u;
	requests->rs_bits[word] ^= UINT64_C(1) << slot % BITS;
	if (requests->rs_bits[word])
		requests->rs_words[word / BITS] |= UINT64_C(1) << word % BITS;
	else
		requests->rs_words[word / BITS] &= ~(UINT64_C(1) << word % BITS);
}

/* The first armed slot of the table; there must be one. */
static struct ipc_request *first_armed(struct ipc_requests *requests)
{
	uint32_t i = 0, word;

	while (requests->rs_words[i] == 0)
		i++;
	word = i * BITS + (uint32_t)__builtin_ctzll(requests->rs_words[i]);
	return &requests->rs_table[word * BITS +
				   (uint32_t)__builtin_ctzll(requests->rs_bits[word])];
}

/* The table and its bits are one allocation. */
static bool allocate(struct ipc_requests *requests, uint32_t size)
{
	uint32_t words = words_for(size);
	size_t bytes = size * sizeof *requests->rs_table;
	char *memory =
		mem_alloc_array(1, bytes + (words + words_for(words)) * sizeof *requests->rs_bits);

	if (!memory)
		return false;
	requests->rs_table = (struct ipc_request *)memory;
	requests->rs_bits = (uint64_t *)(memory + bytes);
	requests->rs_words = requests->rs_bits + words;
	requests->rs_size = size;
	return true;
}

static bool grow(struct ipc_requests *requests)
{
	uint32_t size = requests->rs_size ? requests->rs_size * 2 : FIRST_SIZE;
	const struct ipc_requests old = *requests;

	if (size > SIZE_MAX_SLOTS || !allocate(requests, size))
		return false;
	if (old.rs_size) {
		uint32_t words = words_for(old.rs_size);

		memcpy(requests->rs_table, old.rs_table, old.rs_size * sizeof *old.rs_table);
		memcpy(requests->rs_bits, old.rs_bits, words * sizeof *old.rs_bits);
		memcpy(requests->rs_words, old.rs_words, words_for(words) * sizeof *old.rs_words);
	}
	for (uint32_t i = size; i > old.rs_size; i--) {
		requests->rs_table[i - 1].ir_next = requests->rs_free;
		requests->rs_free = i;
	}
	mem_free(old.rs_table);
	return true;
}

uint32_t ipc_request_add(struct ipc_port *port, mach_port_name_t name, struct ipc_port *notify,
			 enum ipc_request_kind kind)
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
					.ir_send_possible = kind != IPC_REQUEST_DEAD_NAME};
	set_armed(requests, request, kind == IPC_REQUEST_ARMED);
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

	set_armed(requests, request, false);
	*request = (struct ipc_request){.ir_next = requests->rs_free};
	requests->rs_free = slot;
	return notify;
}

bool ipc_request_arm(struct ipc_port *port, uint32_t slot)
{
	struct ipc_request *request = ipc_request_get(port, slot);

	if (!request || !request->ir_send_possible || !request->ir_notify)
		return false;
	set_armed(&port->ip_requests, request, true);
	return true;
}

void ipc_request_send_possible(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_requests *requests = &port->ip_requests;

	ipc_importance_disarm(host, port);
	while (requests->rs_armed) {
		struct ipc_request *request = first_armed(requests);
		struct ipc_port *notify = request->ir_notify;

		set_armed(requests, request, false);
		request->ir_notify = NULL;
		ipc_notify_send_possible(host, notify, request->ir_name);
	}
}

bool ipc_request_counts(struct ipc_port *port, uint32_t slot)
{
	const struct ipc_request *request = ipc_request_get(port, slot);

	return request && (request->ir_notify || request->ir_told);
}

bool ipc_request_dead(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_requests *requests = &port->ip_requests;
	unsigned told = 0;

	for (unsigned i = 0; i < SLOTS_PER_STEP && told < TOLD_PER_STEP; i++) {
		struct ipc_request *request;
		struct ipc_port *notify;

		if (requests->rs_told == requests->rs_size)
			return true;
		request = &requests->rs_table[requests->rs_told++];
		notify = request->ir_notify;
		if (!notify)
			continue;
		set_armed(requests, request, false);
		request->ir_notify = NULL;
		request->ir_told = true;
		ipc_notify_dead_name(host, notify, request->ir_name);
		told++;
	}
	return requests->rs_told == requests->rs_size;
}
