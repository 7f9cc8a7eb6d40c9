/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and signatures of messages. */
#include "daemon/ipc/ipc_kmsg.h"

#include <stdio.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_user.h"

_Static_assert(sizeof(struct ikm_descriptor) == 16, "no padding in what is signed");
_Static_assert(sizeof(struct ikm_header) == 104, "no padding in what is signed");
_Static_assert(offsetof(struct ipc_kmsg, ikm_desc) ==
		       offsetof(struct ipc_kmsg, ikm_header) + sizeof(struct ikm_header),
	       "header and descriptors are signed in one piece");

static bool charge(struct ipc_host *host, struct ipc_user *user, uint64_t bytes, bool always)
{
	if (always) {
		ipc_user_charge_always(user, IPC_CHARGE_MESSAGES, 1);
		ipc_user_charge_always(user, IPC_CHARGE_BYTES, bytes);
		return true;
	}
	if (!ipc_user_charge(host, user, IPC_CHARGE_MESSAGES, 1))
		return false;
	if (ipc_user_charge(host, user, IPC_CHARGE_BYTES, bytes))
		return true;
	ipc_user_discharge(user, IPC_CHARGE_MESSAGES, 1);
	return false;
}

struct ipc_kmsg *ipc_kmsg_alloc(struct ipc_host *host, struct ipc_user *user, uint32_t descriptors,
				uint32_t inline_size, bool always)
{
	/* Both counts are bounded by the size of a frame: no overflow. */
	size_t size = sizeof(struct ipc_kmsg) + descriptors * sizeof(struct ikm_descriptor);
	struct ipc_kmsg *kmsg = mem_alloc_raw(size + inline_size, size);

	if (!kmsg)
		return NULL;
	kmsg->ikm_charge = size + inline_size;
	if (user && !charge(host, user, kmsg->ikm_charge, always)) {
		mem_free(kmsg);
		return NULL;
	}
	kmsg->ikm_user = user ? ipc_user_ref(user) : NULL;
	ipc_work_init(&kmsg->ikm_work, IPC_WORK_KMSG);
	kmsg->ikm_time = host->h_now;
	kmsg->ikm_body = (uint8_t *)kmsg + size;
	kmsg->ikm_capacity = descriptors;
	kmsg->ikm_header.ikm_id = ipc_host_id(host);
	kmsg->ikm_header.ikm_inline_size = inline_size;
	kmsg->ikm_header.ikm_descriptors = descriptors;
	host->h_queued++;
	host->h_queued_bytes += kmsg->ikm_charge;
	return kmsg;
}

bool ipc_kmsg_charge_fd(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t size)
{
	if (!ipc_user_charge(host, kmsg->ikm_user, IPC_CHARGE_MEMFDS, 1))
		return false;
	if (!ipc_user_charge(host, kmsg->ikm_user, IPC_CHARGE_BYTES, size)) {
		ipc_user_discharge(kmsg->ikm_user, IPC_CHARGE_MEMFDS, 1);
		return false;
	}
	kmsg->ikm_charge += size;
	kmsg->ikm_header.ikm_fd_size = size;
	host->h_queued_bytes += size;
	host->h_memfds++;
	return true;
}

void ipc_kmsg_free(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	struct ipc_user *user = kmsg->ikm_user;

	host->h_queued--;
	host->h_queued_bytes -= kmsg->ikm_charge;
	if (kmsg->ikm_header.ikm_fd_size) {
		host->h_memfds--;
		ipc_user_discharge(user, IPC_CHARGE_MEMFDS, 1);
	}
	if (kmsg->ikm_header.ikm_fd != IPC_FD_NONE)
		host->h_outbox->release(host->h_outbox->context, kmsg->ikm_header.ikm_fd);
	if (user) {
		ipc_user_discharge(user, IPC_CHARGE_MESSAGES, 1);
		ipc_user_discharge(user, IPC_CHARGE_BYTES, kmsg->ikm_charge);
		ipc_user_put(user);
	}
	mem_free(kmsg);
}

static size_t signed_size(const struct ipc_kmsg *kmsg)
{
	return sizeof kmsg->ikm_header +
	       kmsg->ikm_header.ikm_descriptors * sizeof(struct ikm_descriptor);
}

void ipc_kmsg_sign(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	ipc_sign(&host->h_key, &kmsg->ikm_header, signed_size(kmsg), kmsg->ikm_signature);
}

/* The count that was signed cannot be trusted before the check: bound it by the allocation. */
static bool size_plausible(const struct ipc_kmsg *kmsg)
{
	return kmsg->ikm_header.ikm_descriptors <= kmsg->ikm_capacity;
}

bool ipc_kmsg_check_signature(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	char text[128];

	if (size_plausible(kmsg) &&
	    ipc_sign_check(&host->h_key, &kmsg->ikm_header, signed_size(kmsg), kmsg->ikm_signature))
		return true;
	snprintf(text, sizeof text,
		 "message %llu (id 0x%x) is not what was signed: memory of the daemon is corrupt",
		 (unsigned long long)kmsg->ikm_header.ikm_id, kmsg->ikm_header.ikm_msgh_id);
	host->h_outbox->corrupt(host->h_outbox->context, text);
	return false;
}
