/* SPDX-License-Identifier: Apache-2.0 */
/* The places of watchers, and moving them on. */
#include "daemon/ipc/ipc_place.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"

#define FOR_EACH_PLACE(place, host)                                                \
	for (struct ipc_place *place =                                             \
		     list_entry((host)->h_places.next, struct ipc_place, pl_link); \
	     &place->pl_link != &(host)->h_places;                                 \
	     place = list_entry(place->pl_link.next, struct ipc_place, pl_link))

struct ipc_place *ipc_place_of(struct ipc_thread *thread)
{
	if (!thread->th_place) {
		thread->th_place = mem_alloc(sizeof *thread->th_place);
		if (thread->th_place)
			list_init(&thread->th_place->pl_link);
	}
	return thread->th_place;
}

void ipc_place_keep(struct ipc_host *host, struct ipc_place *place)
{
	if (list_empty(&place->pl_link))
		list_append(&host->h_places, &place->pl_link);
}

void ipc_place_drop(struct ipc_place *place)
{
	list_remove(&place->pl_link);
	*place = (struct ipc_place){.pl_table = 0};
	list_init(&place->pl_link);
}

/* The walk within an object begins anew, at the next one. */
static void begin_object(struct ipc_place *place)
{
	place->pl_kmsg = NULL;
	place->pl_stage = place->pl_part = place->pl_right = 0;
}

void ipc_place_move_task(struct ipc_host *host, const struct ipc_task *task)
{
	FOR_EACH_PLACE(place, host)
	if (place->pl_task == &task->t_link)
		place->pl_task = task->t_link.next;
}

void ipc_place_move_thread(struct ipc_host *host, const struct ipc_thread *thread)
{
	FOR_EACH_PLACE(place, host)
	if (place->pl_thread == thread) {
		place->pl_thread = thread->hh.next;
		begin_object(place);
	}
}

void ipc_place_move_port(struct ipc_host *host, const struct ipc_port *port)
{
	FOR_EACH_PLACE(place, host)
	if (place->pl_port == &port->ip_link) {
		place->pl_port = port->ip_link.next;
		begin_object(place);
	}
}

void ipc_place_move_service(struct ipc_host *host, const struct list *link)
{
	FOR_EACH_PLACE(place, host)
	if (place->pl_service == link)
		place->pl_service = link->next;
}

void ipc_place_move_kmsg(struct ipc_host *host, const struct ipc_kmsg *kmsg)
{
	FOR_EACH_PLACE(place, host)
	if (place->pl_kmsg == &kmsg->ikm_work.w_link) {
		place->pl_kmsg = kmsg->ikm_work.w_link.next;
		place->pl_part = place->pl_right = 0;
	}
}

void ipc_place_end_queue(struct ipc_host *host, struct ipc_port *port)
{
	FOR_EACH_PLACE(place, host)
	if (place->pl_port == &port->ip_link && place->pl_kmsg)
		place->pl_kmsg = &port->ip_messages;
}
