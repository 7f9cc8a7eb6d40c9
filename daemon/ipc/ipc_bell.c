/* SPDX-License-Identifier: Apache-2.0 */
/* Bells and knotes. */
#include "daemon/ipc/ipc_bell.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_entry.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_work.h"

/* In one step of a bell's end. */
#define KNOTES_PER_STEP 8

static struct ipc_knote *first_ready(const struct ipc_bell *bell)
{
	return list_first(&bell->bl_ready, struct ipc_knote, kn_ready_link);
}

static void ring(struct ipc_bell *bell, bool on)
{
	const struct ipc_outbox *outbox = bell->bl_host->h_outbox;

	if (bell->bl_gone)
		return;
	outbox->ring(outbox->context, bell->bl_ring, bell->bl_quiet, on);
}

/* The knote has something to tell. */
static void wake(struct ipc_knote *knote)
{
	struct ipc_bell *bell = knote->kn_bell;
	bool first = list_empty(&bell->bl_ready);

	if (!list_empty(&knote->kn_ready_link))
		return;
	list_append(&bell->bl_ready, &knote->kn_ready_link);
	if (first)
		ring(bell, true);
}

/* It has not any more. */
static void hush(struct ipc_knote *knote)
{
	struct ipc_bell *bell = knote->kn_bell;

	if (list_empty(&knote->kn_ready_link))
		return;
	list_remove(&knote->kn_ready_link);
	if (list_empty(&bell->bl_ready))
		ring(bell, false);
}

static void knote_free(struct ipc_knote *knote)
{
	hush(knote);
	list_remove(&knote->kn_bell_link);
	list_remove(&knote->kn_object_link);
	ipc_account_discharge(knote->kn_bell->bl_account, IPC_CHARGE_LINKS, 1);
	mem_free(knote);
}

void ipc_knotes_ready(struct list *knotes)
{
	LIST_FOR_EACH (node, knotes)
		wake(list_entry(node, struct ipc_knote, kn_object_link));
}

void ipc_knotes_urgent(struct list *knotes)
{
	LIST_FOR_EACH (node, knotes) {
		struct ipc_bell *bell = list_entry(node, struct ipc_knote, kn_object_link)->kn_bell;

		ring(bell, false);
		ring(bell, true);
	}
}

void ipc_knotes_quiet(struct list *knotes)
{
	LIST_FOR_EACH (node, knotes)
		hush(list_entry(node, struct ipc_knote, kn_object_link));
}

void ipc_knotes_gone(struct list *knotes)
{
	LIST_FOR_EACH_SAFE (node, knotes) {
		struct ipc_knote *knote = list_entry(node, struct ipc_knote, kn_object_link);

		list_remove(&knote->kn_object_link);
		knote->kn_port = IP_NULL;
		knote->kn_set = NULL;
		wake(knote);
	}
}

kern_return_t ipc_bell_create(struct ipc_host *host, struct ipc_task *task, ipc_fd_t ring_fd,
			      ipc_fd_t quiet, struct ipc_bell **bellp)
{
	struct ipc_bell *bell = mem_alloc(sizeof *bell);

	if (!bell)
		return KERN_RESOURCE_SHORTAGE;
	if (!ipc_account_charge(host, task->t_account, IPC_CHARGE_BELLS, 1)) {
		mem_free(bell);
		return KERN_RESOURCE_SHORTAGE;
	}
	bell->bl_id = ipc_host_id(host);
	HASH_ADD(hh, host->h_bells, bl_id, sizeof bell->bl_id, bell);
	if (!bell->hh.tbl) {
		ipc_account_discharge(task->t_account, IPC_CHARGE_BELLS, 1);
		mem_free(bell);
		return KERN_RESOURCE_SHORTAGE;
	}
	bell->bl_host = host;
	bell->bl_task = task;
	bell->bl_account = ipc_account_ref(task->t_account);
	bell->bl_ring = ring_fd;
	bell->bl_quiet = quiet;
	list_init(&bell->bl_knotes);
	list_init(&bell->bl_ready);
	ipc_work_init(&bell->bl_work, IPC_WORK_BELL);
	list_append(&task->t_bells, &bell->bl_link);
	*bellp = bell;
	return KERN_SUCCESS;
}

void ipc_bell_destroy(struct ipc_bell *bell)
{
	struct ipc_host *host = bell->bl_host;

	bell->bl_gone = true;
	host->h_outbox->release(host->h_outbox->context, bell->bl_ring);
	host->h_outbox->release(host->h_outbox->context, bell->bl_quiet);
	HASH_DELETE(hh, host->h_bells, bell);
	list_remove(&bell->bl_link);
	ipc_account_discharge(bell->bl_account, IPC_CHARGE_BELLS, 1);
	ipc_work_add(host, &bell->bl_work);
}

void ipc_bell_destroy_step(struct ipc_host *host, struct ipc_bell *bell)
{
	struct ipc_knote *knote;

	for (unsigned i = 0; i < KNOTES_PER_STEP; i++) {
		knote = list_first(&bell->bl_knotes, struct ipc_knote, kn_bell_link);
		if (!knote) {
			ipc_account_put(bell->bl_account);
			mem_free(bell);
			return;
		}
		knote_free(knote);
	}
	ipc_work_again(host, &bell->bl_work);
}

struct ipc_bell *ipc_bell_find(struct ipc_host *host, const struct ipc_task *task, uint64_t id)
{
	struct ipc_bell *bell;

	HASH_FIND(hh, host->h_bells, &id, sizeof id, bell);
	return bell && bell->bl_task == task ? bell : NULL;
}

static bool is_set(const struct ipc_entry *entry)
{
	return entry->ie_type == MACH_PORT_TYPE_PORT_SET;
}

static struct list *knotes_of(struct ipc_entry *entry)
{
	return is_set(entry) ? &entry->ie_pset->ps_knotes : &entry->ie_port->ip_knotes;
}

/* Do messages wait there? */
static bool has_messages(const struct ipc_entry *entry)
{
	return !list_empty(is_set(entry) ? &entry->ie_pset->ps_ready
					 : &entry->ie_port->ip_messages);
}

/* The bells of one object are few. */
static struct ipc_knote *find_knote(const struct ipc_bell *bell, struct ipc_entry *entry)
{
	LIST_FOR_EACH (node, knotes_of(entry)) {
		struct ipc_knote *knote = list_entry(node, struct ipc_knote, kn_object_link);

		if (knote->kn_bell == bell)
			return knote;
	}
	return NULL;
}

kern_return_t ipc_bell_add(struct ipc_bell *bell, struct ipc_entry *entry, mach_port_name_t name)
{
	struct ipc_knote *knote;

	if (find_knote(bell, entry))
		return KERN_ALREADY_IN_SET;
	knote = mem_alloc(sizeof *knote);
	if (!knote)
		return KERN_RESOURCE_SHORTAGE;
	if (!ipc_account_charge(bell->bl_host, bell->bl_account, IPC_CHARGE_LINKS, 1)) {
		mem_free(knote);
		return KERN_RESOURCE_SHORTAGE;
	}
	knote->kn_bell = bell;
	knote->kn_name = name;
	if (is_set(entry))
		knote->kn_set = entry->ie_pset;
	else
		knote->kn_port = entry->ie_port;
	list_init(&knote->kn_ready_link);
	list_append(&bell->bl_knotes, &knote->kn_bell_link);
	list_append(knotes_of(entry), &knote->kn_object_link);
	if (has_messages(entry))
		wake(knote);
	return KERN_SUCCESS;
}

kern_return_t ipc_bell_remove(struct ipc_bell *bell, struct ipc_entry *entry)
{
	struct ipc_knote *knote = find_knote(bell, entry);

	if (!knote)
		return KERN_NOT_IN_SET;
	knote_free(knote);
	return KERN_SUCCESS;
}

/* The event of the knote at the front, which moves to the end of the list or, at its last, goes. */
static struct ipc_event tell(struct ipc_bell *bell)
{
	struct ipc_knote *knote = first_ready(bell);
	struct ipc_event event = {.ev_name = knote->kn_name};

	if (!knote->kn_port && !knote->kn_set) {
		event.ev_gone = 1;
		knote_free(knote);
		return event;
	}
	event.ev_member = knote->kn_port ? knote->kn_name : ipc_pset_first(knote->kn_set)->ip_name;
	list_remove(&knote->kn_ready_link);
	list_append(&bell->bl_ready, &knote->kn_ready_link);
	return event;
}

uint32_t ipc_bell_next(struct ipc_bell *bell, struct ipc_event *events, uint32_t max)
{
	uint32_t count = 0;

	LIST_FOR_EACH (node, &bell->bl_ready) {
		if (count == max)
			break;
		count++;
	}
	for (uint32_t i = 0; i < count; i++)
		events[i] = tell(bell);
	return count;
}
