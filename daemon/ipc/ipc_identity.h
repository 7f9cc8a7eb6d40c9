/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a process is beside its uid, as the kernel and systemd say when it connects: what a service's
 * policy may ask for (daemon/boot/policy.h). Part of an input and of a record: plain bytes, no
 * holes, and what is not used is 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define IPC_IDENTITY_GROUPS 64
#define IPC_IDENTITY_UNIT   256

struct ipc_identity {
	uint32_t id_group_count;
	uint32_t
		id_groups[IPC_IDENTITY_GROUPS]; /* its gid and others; more than fit are left out */
	char id_unit[IPC_IDENTITY_UNIT];	/* the systemd unit it runs in, or "" */
};

/* Do the bytes make sense? */
bool ipc_identity_good(const struct ipc_identity *identity);

/* A copy; NULL without memory. */
struct ipc_identity *ipc_identity_new(const struct ipc_identity *identity);
