/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MIG server of the daemon's own ports [29]: a message to one of them runs the same handler as
 * a CALL frame, with the rights that the message brought. It stands between ipc/ipc_kobject.c,
 * which receives the message and sends the reply, and the handlers.
 *
 * Arguments and rights for the reply are put where the second packet of the caller's answer will be
 * put together, and results where its first will: both are free until the message is dealt with.
 */
#include <mach/mig_errors.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/trap/mig.h"

#define WORD	       sizeof(uint32_t)
#define MIG_REPLY_STEP 100 /* from the id of a request to that of its reply */

/* What is there for a request's arguments: no list is longer than the rights of one message. */
#define ARGS_ROOM ((MACHD_MESSAGE_PORTS_MAX + 1) * sizeof(uint32_t) + 8192)

/*
 * The routine of a request, or NULL. The bootstrap port is a task's port to Mach, whose calls the
 * other ports do not know, nor it theirs.
 */
static const struct machd_routine_row *find_routine(const struct ipc_kmsg *request)
{
	const struct machd_routine_row *row = machd_routine_find(request->ikm_header.ikm_msgh_id);
	bool bootstrap = request->ikm_header.ikm_dest->ip_kind == IP_BOOTSTRAP;

	if (!row || row->object == MACHD_OBJECT_TRAP)
		return NULL;
	return bootstrap == (row->object == MACHD_OBJECT_BOOTSTRAP) ? row : NULL;
}

/* The code of a routine that is called on a port that is not its object. */
static kern_return_t no_object(uint32_t object)
{
	switch (object) {
	case MACHD_OBJECT_SPACE:
	case MACHD_OBJECT_SPACE_READ:
	case MACHD_OBJECT_SPACE_INSPECT:
		return KERN_INVALID_TASK;
	case MACHD_OBJECT_EVENTLINK:
		return KERN_TERMINATED;
	}
	return KERN_INVALID_ARGUMENT;
}

/* Run the routine; its results are in call->c_out then. */
static kern_return_t serve(struct trap_call *call, const struct machd_routine_row *row,
			   uint8_t *args)
{
	struct trap_rights *rights = call->c_rights;
	kern_return_t kr = mig_read(row, rights, args, &call->c_in_words);

	if (kr != KERN_SUCCESS)
		return kr;
	if (!trap_set_target(call, rights->tr_request->ikm_header.ikm_dest, row->object))
		return no_object(row->object);
	return trap_run(call, row);
}

/* Destroy what was given and did not get into the reply. */
static void drop_given(struct ipc_host *host, struct trap_rights *rights)
{
	for (uint32_t i = 0; i < rights->tr_count; i++)
		ipc_right_destroy_naked(host, rights->tr_given[i].r_port,
					rights->tr_given[i].r_type);
}

static kern_return_t call_routine(struct ipc_host *host, struct ipc_thread *thread,
				  struct ipc_kmsg *request, const struct machd_routine_row *row,
				  struct ipc_kmsg **reply)
{
	uint8_t *out = ipc_answer_payload(host, thread);
	uint8_t *args = ipc_answer_memory(host, thread, ipc_answer_room());
	size_t out_room = (ipc_answer_room() - row->out_size) / WORD;
	struct trap_rights rights = {
		.tr_request = request,
		.tr_given = (struct trap_right *)(void *)(args + ARGS_ROOM),
		.tr_room = (uint32_t)((ipc_answer_room() - ARGS_ROOM) / sizeof(struct trap_right)),
	};
	struct trap_call call = {.c_host = host,
				 .c_thread = thread,
				 .c_caller = thread->th_task,
				 .c_in = args,
				 .c_out = out,
				 .c_rights = &rights};
	const struct machd_field *rest = machd_fields_rest(row->out);
	struct mig_list list = {NULL, 0, 0};
	kern_return_t kr;

	if (rest)
		call.c_out_room = (uint32_t)out_room;
	if (rest && rest->f_kind == MACHD_FIELD_OOL_PORTS)
		call.c_out_room = rights.tr_room;
	memset(out, 0, row->out_size);
	kr = serve(&call, row, args);
	if (kr == KERN_SUCCESS)
		kr = mig_list_gather(&call, row, args, &list);
	if (kr == KERN_SUCCESS)
		kr = mig_reply_fill(host, &call, row, &list, reply);
	mem_free(list.l_bytes);
	drop_given(host, &rights);
	return kr;
}

struct ipc_kmsg *trap_mig(struct ipc_host *host, struct ipc_thread *thread,
			  struct ipc_kmsg *request, struct ipc_account *payer)
{
	const struct machd_routine_row *row = find_routine(request);
	struct ipc_kmsg *reply = mig_reply_alloc(host, payer, row);
	kern_return_t kr = MIG_BAD_ID;

	if (!reply)
		return NULL;
	if (row)
		kr = call_routine(host, thread, request, row, &reply);
	if (kr != KERN_SUCCESS)
		mig_reply_fail(reply, kr);
	reply->ikm_header.ikm_msgh_id = request->ikm_header.ikm_msgh_id + MIG_REPLY_STEP;
	return reply;
}
