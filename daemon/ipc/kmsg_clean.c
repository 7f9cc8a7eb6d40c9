/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destroys messages that nobody will receive. Each right in them is destroyed, which may send
 * notifications or destroy ports, and with those more messages. That happens through the work list
 * (ipc_work.h), not by recursion [10.3].
 */
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_probe.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/ipc/kmsg_layout.h"

/* Rights destroyed in one step; and the most rights of a message that is destroyed at once. */
#define RIGHTS_PER_STEP 8
#define RIGHTS_AT_ONCE	64

static bool has_rights(const struct ikm_descriptor *desc)
{
	return layout_is_port(desc->d_type) || desc->d_type == MACH_MSG_OOL_PORTS_DESCRIPTOR;
}

static void begin(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t descriptors)
{
	const struct ikm_header *header = &kmsg->ikm_header;

	kmsg->ikm_clean.cl_begun = true;
	kmsg->ikm_clean.cl_end = descriptors;
	IPC_PROBE_DESTROY(IP_VALID(header->ikm_dest) ? header->ikm_dest->ip_id : 0,
			  header->ikm_msgh_id);
	ipc_importance_clean(host, kmsg);
}

/*
 * Destroy the rights of the header, from where it was left off; true if none is left. Work of kinds
 * before `kind` that a right causes is done before the next right.
 */
static bool clean_header(struct ipc_host *host, struct ipc_kmsg *kmsg, enum ipc_work_kind kind)
{
	const struct ikm_header *header = &kmsg->ikm_header;
	struct ikm_clean *progress = &kmsg->ikm_clean;
	const struct {
		struct ipc_port *port;
		uint8_t type;
	} rights[] = {{header->ikm_dest, header->ikm_dest_type},
		      {header->ikm_reply, header->ikm_reply_type},
		      {header->ikm_voucher, MACH_MSG_TYPE_PORT_SEND}};

	while (progress->cl_header < sizeof rights / sizeof *rights) {
		if (ipc_work_first(host, kind))
			return false;
		ipc_right_destroy_naked(host, rights[progress->cl_header].port,
					rights[progress->cl_header].type);
		progress->cl_header++;
	}
	return true;
}

/* The same for up to `count` rights of the body. */
static bool clean_body(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t count,
		       enum ipc_work_kind kind)
{
	struct ikm_clean *progress = &kmsg->ikm_clean;

	while (progress->cl_descriptors < progress->cl_end) {
		const struct ikm_descriptor *desc = &kmsg->ikm_desc[progress->cl_descriptors];
		uint32_t right;

		if (!has_rights(desc) || progress->cl_rights == desc->d_count) {
			progress->cl_descriptors++;
			progress->cl_rights = 0;
			continue;
		}
		if (count-- == 0 || ipc_work_first(host, kind))
			return false;
		right = desc->d_first + progress->cl_rights++;
		ipc_right_destroy_naked(host, kmsg->ikm_rights[right].r_port, desc->d_disposition);
	}
	return true;
}

/*
 * The same for the whole message. After a refused descriptor its rights go first, then the
 * header's, then those of the descriptors before it [10.1].
 */
static bool clean_all(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t count,
		      enum ipc_work_kind kind)
{
	if (kmsg->ikm_clean.cl_refused) {
		if (!clean_body(host, kmsg, count, kind))
			return false;
		kmsg->ikm_clean.cl_refused = false;
		kmsg->ikm_clean.cl_descriptors = 0;
		kmsg->ikm_clean.cl_end--;
	}
	return clean_header(host, kmsg, kind) && clean_body(host, kmsg, count, kind);
}

static uint32_t count_rights(const struct ipc_kmsg *kmsg, uint32_t descriptors)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < descriptors; i++)
		if (has_rights(&kmsg->ikm_desc[i]))
			count += kmsg->ikm_desc[i].d_count;
	return count;
}

/* Go on with a message: a few rights at once, many as work. */
static void clean(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	if (count_rights(kmsg, kmsg->ikm_clean.cl_end) <= RIGHTS_AT_ONCE &&
	    clean_all(host, kmsg, RIGHTS_AT_ONCE, IPC_WORK_CLEAN)) {
		ipc_kmsg_free(host, kmsg);
		return;
	}
	kmsg->ikm_work.w_kind = IPC_WORK_CLEAN;
	ipc_work_add(host, &kmsg->ikm_work);
	ipc_work_run(host);
}

void ipc_kmsg_clean_partial(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t descriptors)
{
	begin(host, kmsg, descriptors);
	clean(host, kmsg);
}

void ipc_kmsg_clean_refused(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t descriptor)
{
	begin(host, kmsg, descriptor + 1);
	kmsg->ikm_clean.cl_refused = true;
	kmsg->ikm_clean.cl_descriptors = descriptor;
	clean(host, kmsg);
}

void ipc_kmsg_destroy(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	ipc_work_add(host, &kmsg->ikm_work);
	ipc_work_run(host);
}

static void count_destroyed(struct ipc_host *host, const struct ipc_kmsg *kmsg)
{
	host->h_destroyed++;
	if (kmsg->ikm_account)
		kmsg->ikm_account->ac_user->u_destroyed++;
}

void ipc_kmsg_destroy_step(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	if (!kmsg->ikm_clean.cl_begun) {
		if (!ipc_kmsg_check_signature(host, kmsg))
			return;
		count_destroyed(host, kmsg);
		begin(host, kmsg, kmsg->ikm_header.ikm_descriptors);
	}
	if (clean_all(host, kmsg, RIGHTS_PER_STEP, kmsg->ikm_work.w_kind))
		ipc_kmsg_free(host, kmsg);
	else
		ipc_work_again(host, &kmsg->ikm_work);
}
