/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the audit that looks at donations and inherits (daemon/ipc/ipc_source.h). */
#pragma once

#include "daemon/ipc/ipc_source.h"

/* A donation is as its source is. */
void lab_audit_donation(const struct ipc_donation *donation);

/* Inherits are those of vouchers, and as their sources are. */
void lab_audit_inherits(struct ipc_host *host);

/* Boosts that a task has inherited, which may be gone. */
uint64_t lab_audit_inherited(const struct ipc_host *host, const struct ipc_source *source);
