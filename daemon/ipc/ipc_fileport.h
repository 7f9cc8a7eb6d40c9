/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fileports: a program's descriptor, held by the daemon and named by send rights, so that it can be
 * sent in messages, copied, and outlive its maker. The daemon never reads the file, and closes it
 * with the last send right. A memory entry is a fileport for a part of a memfd, with a protection;
 * the daemon only stores those two and hands them out with the descriptor.
 */
#pragma once

#include "daemon/ipc/ipc_outbox.h"
#include "daemon/ipc/ipc_types.h"

/*
 * The send right to a new fileport, which holds `file` from now on. NULL: no memory, or the user is
 * at a limit of ports or descriptors; the descriptor is still the caller's then.
 */
struct ipc_port *ipc_fileport_create(struct ipc_host *host, struct ipc_account *payer,
				     ipc_fd_t file);

/* What a memory entry is beside its descriptor. */
struct ipc_memory {
	uint64_t im_offset, im_size; /* its part of the memfd */
	uint64_t im_charge;	     /* bytes of the memfd: it is kept as a whole */
	uint32_t im_protection;	     /* VM_PROT_ */
};

/*
 * The same for a memory entry. The caller has checked that the memfd cannot change its size and
 * has the part.
 */
struct ipc_port *ipc_memory_create(struct ipc_host *host, struct ipc_account *payer, ipc_fd_t file,
				   const struct ipc_memory *memory);

/* The last send right to one of both is gone. */
void ipc_fileport_orphaned(struct ipc_host *host, struct ipc_port *port);
