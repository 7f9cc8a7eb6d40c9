/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, charges and signatures of messages. */
#include "daemon/ipc/ipc_kmsg.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_timer.h"
#include "daemon/ipc/kmsg_layout.h"

/* The signed length of a header without the fields that are 0; with a reply port, up to that. */
#define SIGNED_ALWAYS offsetof(struct ikm_header, ikm_reply)
#define SIGNED_REPLY  offsetof(struct ikm_header, ikm_voucher)

_Static_assert(sizeof(struct ikm_descriptor) == 40, "no padding in what is signed");
_Static_assert(sizeof(struct ikm_fd) == 16, "no padding in what is signed");
_Static_assert(sizeof(struct ikm_header) == 120, "no padding in what is signed");
_Static_assert(SIGNED_ALWAYS == 72, "no padding in what is signed");
_Static_assert(offsetof(struct ipc_kmsg, ikm_desc) ==
		       offsetof(struct ipc_kmsg, ikm_header) + sizeof(struct ikm_header),
	       "header and tables are signed in one piece");

static bool charge(struct ipc_host *host, struct ipc_account *payer, uint64_t bytes,
		   enum ipc_kmsg_how how)
{
	if (how != IKM_BOUND) {
		ipc_account_charge_always(payer, IPC_CHARGE_MESSAGES, 1);
		ipc_account_charge_always(payer, IPC_CHARGE_BYTES, bytes);
		return true;
	}
	if (!ipc_account_charge(host, payer, IPC_CHARGE_MESSAGES, 1))
		return false;
	if (ipc_account_charge(host, payer, IPC_CHARGE_BYTES, bytes))
		return true;
	ipc_account_discharge(payer, IPC_CHARGE_MESSAGES, 1);
	return false;
}

/* Where the parts of a plan go, and how many bytes they take. */
struct offsets {
	size_t o_fds, o_rights, o_body, o_data, o_aux, o_end;
};

/* All counts are bounded by the size of a frame: no overflow. */
static struct offsets lay_out(const struct ipc_kmsg_plan *plan)
{
	struct offsets at;

	at.o_rights = sizeof(struct ipc_kmsg) + plan->p_descriptors * sizeof(struct ikm_descriptor);
	at.o_fds = at.o_rights + plan->p_rights * sizeof(union ikm_right);
	at.o_body = at.o_fds + plan->p_fds * sizeof(struct ikm_fd);
	at.o_data = at.o_body + plan->p_body;
	at.o_aux = at.o_data + plan->p_data;
	at.o_end = at.o_aux + plan->p_aux;
	return at;
}

/* What is kept for a kmsg of that kind; NULL: nothing. */
static struct mem_reserve *reserve(struct ipc_host *host, enum ipc_kmsg_memory memory)
{
	switch (memory) {
	case IKM_OF_RESERVE:
		return &host->h_reserve;
	case IKM_OF_NOTICES:
		return &host->h_notices;
	case IKM_OF_POOL:
		break;
	}
	return NULL;
}

/* Memory for a kmsg, of which the first `zeroed` bytes are. */
static struct ipc_kmsg *get(struct ipc_host *host, size_t size, size_t zeroed,
			    enum ipc_kmsg_how how)
{
	static const enum ipc_kmsg_memory kept[] = {[IKM_BOUND] = IKM_OF_POOL,
						    [IKM_PROMISED] = IKM_OF_RESERVE,
						    [IKM_NOTICE] = IKM_OF_NOTICES};
	struct ipc_kmsg *kmsg = mem_pool_alloc(&host->h_kmsgs, size, zeroed);

	if (kmsg || how == IKM_BOUND)
		return kmsg;
	kmsg = mem_reserve_take(reserve(host, kept[how]));
	memset(kmsg, 0, zeroed);
	kmsg->ikm_memory = kept[how];
	return kmsg;
}

struct ipc_kmsg *ipc_kmsg_alloc(struct ipc_host *host, struct ipc_account *payer,
				const struct ipc_kmsg_plan *plan, enum ipc_kmsg_how how)
{
	struct offsets at = lay_out(plan);
	struct ipc_kmsg *kmsg = get(host, at.o_end, at.o_body, how);

	if (!kmsg)
		return NULL;
	kmsg->ikm_charge = kmsg->ikm_size = at.o_end;
	if (payer && !charge(host, payer, kmsg->ikm_charge, how)) {
		mem_pool_free(&host->h_kmsgs, kmsg, at.o_end);
		return NULL;
	}
	kmsg->ikm_account = payer ? ipc_account_ref(payer) : NULL;
	ipc_work_init(&kmsg->ikm_work, IPC_WORK_KMSG);
	kmsg->ikm_rights = (union ikm_right *)((char *)kmsg + at.o_rights);
	kmsg->ikm_fds = (struct ikm_fd *)((char *)kmsg + at.o_fds);
	kmsg->ikm_body = (uint8_t *)kmsg + at.o_body;
	kmsg->ikm_data = (uint8_t *)kmsg + at.o_data;
	kmsg->ikm_aux = (uint8_t *)kmsg + at.o_aux;
	kmsg->ikm_signed = at.o_body - offsetof(struct ipc_kmsg, ikm_header);
	kmsg->ikm_header.ikm_id = ipc_host_id(host);
	kmsg->ikm_header.ikm_inline_size = kmsg->ikm_header.ikm_body_size = plan->p_body;
	kmsg->ikm_header.ikm_data_size = plan->p_data;
	kmsg->ikm_header.ikm_aux_size = plan->p_aux;
	kmsg->ikm_header.ikm_descriptors = plan->p_descriptors;
	kmsg->ikm_header.ikm_right_count = plan->p_rights;
	host->h_queued++;
	host->h_queued_bytes += kmsg->ikm_charge;
	return kmsg;
}

bool ipc_kmsg_take_fd(struct ipc_host *host, struct ipc_kmsg *kmsg, unsigned index,
		      struct ikm_fd fd)
{
	if (!ipc_account_charge(host, kmsg->ikm_account, IPC_CHARGE_MEMFDS, 1))
		return false;
	if (!ipc_account_charge(host, kmsg->ikm_account, IPC_CHARGE_MEMORY, fd.f_size)) {
		ipc_account_discharge(kmsg->ikm_account, IPC_CHARGE_MEMFDS, 1);
		return false;
	}
	kmsg->ikm_fds[index] = fd;
	kmsg->ikm_header.ikm_fd_count++;
	kmsg->ikm_charge += fd.f_size;
	host->h_queued_bytes += fd.f_size;
	host->h_memfds++;
	return true;
}

/* Release the memfds. */
static void free_fds(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	for (uint32_t i = 0; i < kmsg->ikm_header.ikm_fd_count; i++) {
		host->h_memfds--;
		ipc_account_discharge(kmsg->ikm_account, IPC_CHARGE_MEMFDS, 1);
		ipc_account_discharge(kmsg->ikm_account, IPC_CHARGE_MEMORY,
				      kmsg->ikm_fds[i].f_size);
		if (kmsg->ikm_fds[i].f_handle != IPC_FD_NONE && !kmsg->ikm_fds_lent)
			host->h_outbox->release(host->h_outbox->context, kmsg->ikm_fds[i].f_handle);
	}
}

void ipc_kmsg_free(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	struct ipc_account *payer = kmsg->ikm_account;

	free_fds(host, kmsg);
	host->h_queued--;
	host->h_queued_bytes -= kmsg->ikm_charge;
	if (kmsg->ikm_timer)
		ipc_timer_message_done(host, kmsg->ikm_timer);
	if (payer) {
		ipc_account_discharge(payer, IPC_CHARGE_MESSAGES, 1);
		ipc_account_discharge(payer, IPC_CHARGE_BYTES, kmsg->ikm_size);
		ipc_account_put(payer);
	}
	if (kmsg->ikm_memory != IKM_OF_POOL)
		mem_reserve_give(reserve(host, kmsg->ikm_memory), kmsg);
	else
		mem_pool_free(&host->h_kmsgs, kmsg, kmsg->ikm_size);
}

uint64_t ipc_kmsg_content(const struct ipc_kmsg *kmsg)
{
	const struct ikm_header *header = &kmsg->ikm_header;
	uint64_t bytes = (uint64_t)header->ikm_inline_size + header->ikm_data_size;

	for (uint32_t i = 0; i < header->ikm_fd_count; i++)
		bytes += kmsg->ikm_fds[i].f_size;
	return bytes + header->ikm_aux_size;
}

/*
 * The number of bytes to sign: all, or without the fields from ikm_voucher on if those are zero,
 * and without ikm_reply if that is zero, too. A signature depends on the length, so fields that
 * were zero cannot be changed unnoticed.
 */
static size_t signed_size(const struct ipc_kmsg *kmsg)
{
	uint64_t words[(sizeof kmsg->ikm_header - SIGNED_REPLY) / sizeof(uint64_t)], any = 0;

	memcpy(words, (const uint8_t *)&kmsg->ikm_header + SIGNED_REPLY, sizeof words);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		any |= words[i];
	if (any)
		return kmsg->ikm_signed;
	return kmsg->ikm_header.ikm_reply ? SIGNED_REPLY : SIGNED_ALWAYS;
}

void ipc_kmsg_sign(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	ipc_sign(&host->h_key, &kmsg->ikm_header, signed_size(kmsg), kmsg->ikm_signature);
}

bool ipc_kmsg_check_signature(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	char text[128];

	if (ipc_sign_check(&host->h_key, &kmsg->ikm_header, signed_size(kmsg), kmsg->ikm_signature))
		return true;
	snprintf(text, sizeof text,
		 "message %llu (id 0x%x) is not what was signed: memory of the daemon is corrupt",
		 (unsigned long long)kmsg->ikm_header.ikm_id, kmsg->ikm_header.ikm_msgh_id);
	ipc_source_unfollow(&kmsg->ikm_donation);
	host->h_outbox->corrupt(host->h_outbox->context, text);
	return false;
}

uint32_t ipc_kmsg_size(const struct ipc_kmsg *kmsg, unsigned word)
{
	const struct ikm_header *header = &kmsg->ikm_header;
	uint32_t size = sizeof(mach_msg_header_t) + header->ikm_body_size;

	if (header->ikm_complex)
		size += sizeof(mach_msg_body_t);
	for (uint32_t i = 0; i < header->ikm_descriptors; i++)
		size += layout_size(word, kmsg->ikm_desc[i].d_type);
	return size;
}
