/* SPDX-License-Identifier: Apache-2.0 */
/* Timers and the heap of armed ones. */
#include "daemon/ipc/ipc_timer.h"

#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_owed.h"
#include "daemon/ipc/ipc_port.h"

#define FIRST_CAPACITY 16
#define FIRED_AT_ONCE  512 /* timers in one input; the rest with the next */
#define MESSAGE_BODY   24  /* three 64-bit words, always 0 */

/* The heap: children of place i are at 2i+1 and 2i+2, none earlier than its parent. */

static void put(struct ipc_timers *timers, uint32_t place, struct ipc_timer *timer)
{
	timers->ts_heap[place] = timer;
	timer->tm_place = place;
}

static void sift_up(struct ipc_timers *timers, uint32_t place)
{
	struct ipc_timer *timer = timers->ts_heap[place];

	while (place > 0) {
		struct ipc_timer *parent = timers->ts_heap[(place - 1) / 2];

		if (parent->tm_deadline <= timer->tm_deadline)
			break;
		put(timers, place, parent);
		place = (place - 1) / 2;
	}
	put(timers, place, timer);
}

static void sift_down(struct ipc_timers *timers, uint32_t place)
{
	struct ipc_timer *timer = timers->ts_heap[place];

	for (uint32_t child; (child = 2 * place + 1) < timers->ts_count; place = child) {
		if (child + 1 < timers->ts_count &&
		    timers->ts_heap[child + 1]->tm_deadline < timers->ts_heap[child]->tm_deadline)
			child++;
		if (timers->ts_heap[child]->tm_deadline >= timer->tm_deadline)
			break;
		put(timers, place, timers->ts_heap[child]);
	}
	put(timers, place, timer);
}

static void heap_insert(struct ipc_timers *timers, struct ipc_timer *timer)
{
	put(timers, timers->ts_count, timer);
	sift_up(timers, timers->ts_count++);
}

static void heap_remove(struct ipc_timers *timers, struct ipc_timer *timer)
{
	uint32_t place = timer->tm_place;
	struct ipc_timer *last = timers->ts_heap[--timers->ts_count];

	if (last == timer)
		return;
	put(timers, place, last);
	sift_up(timers, place);
	sift_down(timers, last->tm_place);
}

/* Room in the heap for one timer more, so that arming cannot fail. */
static bool heap_reserve(struct ipc_timers *timers)
{
	uint32_t capacity = timers->ts_capacity ? timers->ts_capacity * 2 : FIRST_CAPACITY;
	struct ipc_timer **heap;

	if (timers->ts_timers < timers->ts_capacity)
		return true;
	heap = mem_alloc_array(capacity, sizeof(struct ipc_timer *));
	if (!heap)
		return false;
	if (timers->ts_count)
		memcpy(heap, timers->ts_heap, timers->ts_count * sizeof *heap);
	mem_free(timers->ts_heap);
	timers->ts_heap = heap;
	timers->ts_capacity = capacity;
	return true;
}

bool ipc_timer_attach(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_timer *timer;

	if (!heap_reserve(&host->h_timers) || !ipc_owed_keep(host, 1))
		return false;
	timer = mem_alloc(sizeof *timer);
	if (!timer)
		return false;
	ipc_owed_begin(host);
	host->h_timers.ts_timers++;
	timer->tm_port = port;
	port->ip_kind = IP_TIMER;
	port->ip_timer = timer;
	ipc_port_make_send(port); /* the daemon's own, for its messages */
	return true;
}

void ipc_timer_detach(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_timer *timer = port->ip_timer;
	struct ipc_timers *timers = &host->h_timers;

	port->ip_timer = NULL;
	ipc_timer_cancel(host, timer);
	ipc_owed_end(host);
	mem_free(timer);
	if (--timers->ts_timers == 0) {
		mem_free(timers->ts_heap);
		timers->ts_heap = NULL;
		timers->ts_capacity = 0;
	}
	ipc_port_release_send(host, port);
}

/* Send the timer's message, unless one is under way. */
static void fire(struct ipc_host *host, struct ipc_timer *timer)
{
	struct ipc_kmsg_plan plan = {.p_body = MESSAGE_BODY};
	struct ipc_port *port = timer->tm_port;
	struct ipc_kmsg *kmsg;

	if (timer->tm_sent)
		return;
	kmsg = ipc_kmsg_alloc(host, port->ip_account, &plan, IKM_NOTICE);
	memset(kmsg->ikm_body, 0, MESSAGE_BODY);
	kmsg->ikm_header.ikm_dest = ipc_port_copy_send(port);
	kmsg->ikm_header.ikm_dest_type = MACH_MSG_TYPE_PORT_SEND;
	kmsg->ikm_header.ikm_security = (security_token_t)KERNEL_SECURITY_TOKEN_VALUE;
	kmsg->ikm_header.ikm_audit = (audit_token_t)KERNEL_AUDIT_TOKEN_VALUE;
	kmsg->ikm_timer = ipc_port_ref(port);
	timer->tm_sent = true;
	ipc_kmsg_sign(host, kmsg);
	if (ipc_mqueue_send(host, kmsg, IPC_MQUEUE_ALWAYS) != MACH_MSG_SUCCESS)
		ipc_kmsg_destroy(host, kmsg);
}

void ipc_timer_arm(struct ipc_host *host, struct ipc_timer *timer, uint64_t deadline)
{
	ipc_timer_cancel(host, timer);
	if (deadline <= host->h_now) {
		fire(host, timer);
		return;
	}
	timer->tm_deadline = deadline;
	heap_insert(&host->h_timers, timer);
}

uint64_t ipc_timer_cancel(struct ipc_host *host, struct ipc_timer *timer)
{
	uint64_t deadline = timer->tm_deadline;

	if (deadline)
		heap_remove(&host->h_timers, timer);
	timer->tm_deadline = 0;
	return deadline;
}

static bool due(const struct ipc_host *host)
{
	const struct ipc_timers *timers = &host->h_timers;

	return timers->ts_count && timers->ts_heap[0]->tm_deadline <= host->h_now;
}

void ipc_timer_run(struct ipc_host *host)
{
	struct ipc_timers *timers = &host->h_timers;
	uint64_t next;

	for (unsigned i = 0; i < FIRED_AT_ONCE && due(host); i++) {
		struct ipc_timer *timer = timers->ts_heap[0];

		ipc_timer_cancel(host, timer);
		fire(host, timer);
	}
	timers->ts_behind = due(host);
	next = timers->ts_count && !timers->ts_behind ? timers->ts_heap[0]->tm_deadline : 0;
	if (next != timers->ts_alarm)
		host->h_outbox->alarm(host->h_outbox->context, next);
	timers->ts_alarm = next;
}

void ipc_timer_message_done(struct ipc_host *host, struct ipc_port *port)
{
	if (port->ip_timer)
		port->ip_timer->tm_sent = false;
	ipc_port_release(host, port);
}
